"""What mechanisms and closed forms do not take of an assembler's case: refused by name, with the route that takes it."""

from __future__ import annotations

from collections.abc import Sequence

from veridical.data.assembler_terms import AssemblerTerms, shortened
from veridical.data.errors import InputError
from veridical.data.limits import gigabytes
from veridical.data.supplier import Supplier

__all__ = ["AssemblerRefusals"]

MEMORY = 16e9  # bytes: about as many arrays over profiles as suppliers and six more are held at a time
AXES = 60  # suppliers: numpy's arrays have at most 64 axes


class AssemblerRefusals(AssemblerTerms):
    """A case that refuses what somebody cannot take of it; `purpose` is who that is, in words. See `AssemblerCase`."""

    def refuse_several_sources(self, purpose: str) -> None:
        """Raise InputError where a component comes from several suppliers; `purpose`: what takes one alone, in words."""
        if self.several_sources:
            i = next(members[1] for members in self.sources.values() if len(members) > 1)
            allowed = f"for {purpose} one source a component; mechanisms icds, hybrid, frw, bic, naive and first_best take more"
            raise InputError.of(f"suppliers[{i}].component", self.suppliers[i].delivers, f"{allowed}, solver highs", self.name)

    def refuse_products(self, purpose: str, otherwise: str) -> None:
        """Raise InputError for several products; `purpose`: what takes one alone; `otherwise`: what takes several, in words."""
        if self.products is not None:
            names = ", ".join(product.name for product in self.products)
            raise InputError.of(
                "products", f"<{names}>", f"for {purpose} one product, with price and demand; {otherwise}", self.name
            )

    def refuse_random_yields(self, purpose: str) -> None:
        """Raise InputError where yields are random; `purpose`: what takes sure ones alone, in words."""
        if self.random_yields:
            i = self.yields.random[0]
            others = "mechanisms icds, hybrid, frw, bic, naive and first_best take others, solver highs"
            allowed = f"for {purpose} sure yields, of one value; {others}"
            raise InputError.of(f"suppliers[{i}].yield.values", list(self.suppliers[i].usable.values), allowed, self.name)

    def refuse_ambiguity(self, purpose: str) -> None:
        """Raise InputError for an ambiguous prior; `purpose`: what takes none, in words."""
        if self.ambiguity is not None:
            allowed = f"for {purpose} no ambiguity; mechanisms icds, hybrid, frw, naive and first_best take it, solver highs"
            raise InputError.of("ambiguity", f"<{self.ambiguity.distance}>", allowed, self.name)

    def refuse_capacities(self, purpose: str) -> None:
        """Raise InputError for capacities, which tie several products together; `purpose`: what takes none, in words."""
        for i, supplier in enumerate(self.suppliers):
            if supplier.capacity is not None:
                allowed = f"for {purpose} no capacity beside [[products]], which it ties together: the full model (solver highs)"
                raise InputError.of(f"suppliers[{i}].capacity", supplier.capacity, allowed, self.name)

    def refuse_large_menu(self) -> None:
        """Raise InputError where a contract menu and its audit would not fit into memory, before any of it is made."""
        needed = 8 * self.profiles * (len(self.shape) + 6)
        if needed > MEMORY or len(self.shape) > AXES:
            menu = f"<{len(self.shape)} suppliers with {shortened(self.profiles)} cost profiles: {gigabytes(needed)}>"
            allowed = (
                f"menus below {MEMORY / 1e9:.0f} GB and at most {AXES} suppliers; for larger cases mechanism `hybrid` by closed "
                "form, with a k that is small enough"
            )
            raise InputError.of("suppliers", menu, allowed, self.name)

    def refuse_in_closed_form(self) -> None:
        """Raise InputError for rules of orders, several sources, random yields and an ambiguous prior: closed forms know none."""
        self.refuse_several_sources("closed forms")
        self.refuse_random_yields("closed forms")
        self.refuse_ambiguity("closed forms")
        for i, supplier in enumerate(self.suppliers):
            if self.products is not None and supplier.capacity is not None:
                allowed = (
                    "for closed forms no capacity beside [[products]], which it ties together: the full model (solver highs)"
                )
                raise InputError.of(f"suppliers[{i}].capacity", supplier.capacity, allowed, self.name)
            for key in supplier.rules:
                allowed = "for closed forms no rule of orders: the full model takes it (solver highs)"
                raise InputError.of(f"suppliers[{i}].{key}", getattr(supplier, key), allowed, self.name)

    def reserved(self, purpose: str, suppliers: Sequence[Supplier] | None = None) -> list[float]:
        """Return what each supplier earns elsewhere, currency, where that is one number whatever he costs; InputError elsewhere.

        `purpose`: what takes only such, in words.
        """
        for i, supplier in enumerate(self.suppliers if suppliers is None else suppliers):
            if len(set(supplier.reservations)) > 1:
                allowed = (
                    f"for {purpose} one number, whatever the cost; mechanisms icds, hybrid, frw and bic take others, solver highs"
                )
                place = i if suppliers is None else self.suppliers.index(supplier)
                given = list(supplier.reservations)
                raise InputError.of(f"suppliers[{place}].reservation_profit", given, allowed, self.name)
        return [supplier.reservations[0] for supplier in (self.suppliers if suppliers is None else suppliers)]
