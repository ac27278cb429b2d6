"""A contract menu: what each supplier delivers and is paid, for every profile of reported costs."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from veridical.contracts.comparison import allowed
from veridical.contracts.profile_csv import read_profiles
from veridical.data.arrays import Array, accumulated, fixed
from veridical.data.assembler import AssemblerCase
from veridical.data.cards import Card, Shown, table_of
from veridical.data.deprecated import OldTableNames
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.data.sheets.book import Book, Column, Sheet, Tabular

__all__ = ["Menu"]


class Menu(Shown, Tabular, OldTableNames):
    """Quantities q_i(t), units, and payments P_i(t), currency; both of shape `(suppliers, *case.shape)`, read-only.

    `near`: of several products a plan of what is assembled, units, that may be the best; shape `(products, *case.shape)`.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("two-suppliers-correlated")
    >>> menu = vd.solve(case).contracts
    >>> menu.quantity.shape, round(menu.expected_profit, 2)            # suppliers, costs of the first, costs of the second
    ((2, 2, 2), 5655.3)
    >>> menu.rent(0).round(2).tolist()
    [[0.0, 2129.63], [0.0, 0.0]]
    """

    def __init__(self, case: AssemblerCase, quantity: Array, payment: Array, near: Array | None = None) -> None:
        full = (len(case.shape), *case.shape)
        self.case = case
        self.near = None if near is None else np.broadcast_to(near, (len(near), *case.shape))
        self.quantity = np.broadcast_to(quantity, full)
        self.payment = np.broadcast_to(payment, full)

    @classmethod
    def balanced(cls, case: AssemblerCase, units: Array) -> Menu:
        """Return the menu that buys every component of so many products (shape of a profile array) at the least truthful rents.

        Of several products `units` has them along its first axis.

        `w_i(t) = sum_{s = t_i}^{m_i - 2} (c_i[s+1] - c_i[s]) q_i(s+1, t_-i)`: eq. (11), any number of costs; and what he earns
        elsewhere. Raises InputError where that depends on his cost.
        """
        quantity = case.components(units)
        payment = np.empty((len(case.shape), *case.shape))
        for i, reserved in enumerate(case.reserved("menus at the least rents")):
            payment[i] = case.costs(i) * quantity[i] + reserved
            gaps = np.diff(case.costs(i), axis=i)
            dearer = gaps * quantity[i][(slice(None),) * i + (slice(1, None),)]
            rent = np.flip(accumulated(np.add, np.flip(dearer, axis=i), axis=i), axis=i)
            payment[i][(slice(None),) * i + (slice(None, -1),)] += rent
        return cls(case, quantity, payment, None if case.products is None else units)

    def rent(self, i: int) -> Array:
        """w_i(t) = P_i(t) - c_i(t_i) q_i(t): what a truthful supplier i earns."""
        return np.asarray(self.payment[i] - self.case.costs(i) * self.quantity[i])

    @property
    def spread(self) -> Array:
        """How far components are from being bought for the same products, one entry a profile; units.

        The largest less the smallest number of products that any component is enough for, at expected yields where these are
        random; of several products the most that is left over of any component when they are assembled.
        """
        if self.case.products is not None:
            return np.asarray(self.case.left_over(self.quantity, self.assembled).max(axis=0))
        products = self.case.enough_for(self.quantity)
        return np.asarray(products.max(axis=0) - products.min(axis=0))

    @property
    def most(self) -> Array:
        """The largest number of products that any component is enough for, one entry a profile; units.

        Of several products the most that is bought of any component.
        """
        if self.case.products is not None:
            return np.asarray(self.case.delivered(self.quantity).max(axis=0))
        return np.asarray(np.abs(self.case.enough_for(self.quantity)).max(axis=0))

    @cached_property
    def assembled(self) -> Array:
        """y(t), units: the products that the components are enough for, one entry a profile; expected, if yields are random.

        Of several products the plan that brings the most on average, shape `(products, *case.shape)`.
        """
        return fixed(np.array(self.case.assembled(self.quantity, self.near)))

    @cached_property
    def revenue(self) -> Array:
        """S(y(t)), what the products bring on average over demand and yields, one entry a profile; currency."""
        if self.case.products is not None:
            return fixed(np.array(self.case.revenue(self.assembled)))
        return fixed(np.array(self.case.over_yields(self.quantity, self.case.revenue)))

    @cached_property
    def is_balanced(self) -> bool:
        """Whether components of as many products are bought of every supplier at every profile, to a millionth of the most.

        Of several products: whether everything that is bought is assembled.
        """
        return bool((self.spread <= allowed(self.most, self.most.max())).all())

    @property
    def same_quantities(self) -> bool:
        """Whether one number says how many units of every component are bought: balanced, and as many of each for a product."""
        one_unit = len({supplier.needed for supplier in self.case.suppliers}) == 1
        return self.case.products is None and self.is_balanced and one_unit and not self.case.several_sources

    @cached_property
    def expected_profit(self) -> float:
        """The assembler's expected profit, eq. (2): sum_t beta(t) (S(y(t)) - sum_i P_i(t)), y what can be assembled.

        On average over yields, where these are random; less what is paid once for orders, where the case says so; under the
        worst prior, where the prior is ambiguous.
        """
        return float(np.sum(self.worst_prior * self.profit))

    @cached_property
    def profit(self) -> Array:
        """What the assembler earns at each profile, currency."""
        spent = self.payment.sum(axis=0) + self.case.setup_costs(self.quantity)
        return fixed(np.asarray(self.revenue - spent))

    @property
    def worst_prior(self) -> Array:
        """The prior under which this menu earns the least, among those that the case allows for."""
        return self.case.worst_prior(self.profit)

    def _line(self) -> str:
        case, words = self.case, Measures.of(self.case)
        size = f"{len(case.names)} suppliers, {case.profiles:,} profiles"
        return f"{case.name!r}: {size}, expected profit {words.amount(self.expected_profit)}"

    def _card(self) -> Card:
        case, words = (
            self.case,
            Measures.of(self.case).fitted(
                float(np.abs(self.payment).max(initial=0.0)), float(np.abs(self.quantity).max(initial=0.0))
            ),
        )
        said = {"quantity": words.quantity, "payment": words.payment, "rent": words.money, "assembled": words.quantity}
        figures = [
            ("expected profit", words.amount(self.expected_profit)),
            ("suppliers", ", ".join(case.names)),
            ("profiles of costs", f"{case.profiles:,}"),
            ("quantities", f"{'balanced' if self.is_balanced else 'not balanced'}, in {words.of_units}"),
        ]
        table = table_of(
            f"a row for what the suppliers report; money in {words.of_money}", self.to_frame(), everything="to_frame()", said=said
        )
        return Card(f"contract menu for {case.name}", figures, [table])

    def to_frame(self) -> pd.DataFrame:
        """Return the menu as a table: a row a profile, indexed by the suppliers' costs; probability, quantity, payment, rent.

        Of several products also what is assembled of each, units.
        """
        case = self.case
        names = case.names
        index = pd.MultiIndex.from_product([supplier.costs for supplier in case.suppliers], names=names)
        columns = {("probability", ""): case.probability.ravel()}
        columns |= {("quantity", name): self.quantity[i].ravel() for i, name in enumerate(names)}
        columns |= {("payment", name): self.payment[i].ravel() for i, name in enumerate(names)}
        columns |= {("rent", name): self.rent(i).ravel() for i, name in enumerate(names)}
        columns |= {("assembled", p.name): self.assembled[k].ravel() for k, p in enumerate(case.products or ())}
        return pd.DataFrame(columns, index=index)

    def book(self) -> Book:
        """Return the tables of a file: the menu, as `to_frame` has it."""
        columns = {
            "probability": Column("how likely these costs are", "share"),
            "quantity": Column("what is ordered of the supplier when these costs are reported", "units"),
            "payment": Column("what he is paid for it", "money"),
            "rent": Column("what he keeps of it beyond his cost, if the report is the truth", "money"),
            "assembled": Column("how many of this product are made", "units"),
        }
        sheet = Sheet("menu", self.to_frame(), columns, Column("the unit cost that this supplier reports", "per_unit"))
        return Book(f"contract menu for {self.case.name}", sheet, Measures.of(self.case))

    @classmethod
    def read(cls, case: AssemblerCase, path: str | Path) -> Menu:
        """Read a menu from a file: `.csv`, the first sheet of an `.xlsx`, or `.parquet`, as `save` writes it.

        A column a supplier with the reported cost, `quantity NAME` and `payment NAME`; one row for every profile of costs, in any
        order; further columns `probability`, `rent NAME` and `assembled PRODUCT` are ignored, since they follow from the case.
        Raises InputError with file, row and column where something is missing or unknown.
        """
        numbers = np.empty((2, len(case.shape), case.profiles))
        costs = {supplier.name: supplier.costs for supplier in case.suppliers}
        ignored = ["probability", *(f"rent {name}" for name in case.names)]
        ignored += [f"assembled {product.name}" for product in case.products or ()]
        profiles = {place: k for k, place in enumerate(np.ndindex(*case.shape))}
        for _, k, _, row in read_profiles(path, "cost", case.names, costs, ignored, profiles, tuple, case.in_words):
            numbers[:, :, k] = row
        return cls(case, *numbers.reshape(2, len(case.shape), *case.shape))

    @classmethod
    def read_csv(cls, case: AssemblerCase, path: str | Path) -> Menu:
        """Read a menu from a CSV file, as `read` does."""
        return cls.read(case, path)

    @classmethod
    def from_frame(cls, case: AssemblerCase, frame: pd.DataFrame) -> Menu:
        """Return the menu in a table that is laid out as by `to_frame`; raises InputError where rows or columns are missing."""
        profiles = pd.MultiIndex.from_product([supplier.costs for supplier in case.suppliers], names=case.names)
        allowed = f"one row for each of the {case.profiles} profiles of costs, indexed by {', '.join(case.names)}"
        index = frame.index if isinstance(frame.index, pd.MultiIndex) else pd.MultiIndex.from_arrays([frame.index])
        if index.nlevels != len(case.names) or len(index) != case.profiles or not profiles.isin(index).all():
            raise InputError.of("menu", "<an index with other rows>", allowed)
        table = frame.set_axis(index).reindex(profiles)
        numbers = np.empty((2, len(case.names), case.profiles))
        for w, what in enumerate(("quantity", "payment")):
            for i, name in enumerate(case.names):
                if (what, name) not in table.columns:
                    raise InputError.of("menu", list(table.columns), f"a column {(what, name)!r}")
                numbers[w, i] = table[(what, name)].to_numpy(dtype=float)
        if not np.isfinite(numbers).all() or (numbers[0] < 0).any():
            raise InputError.of("menu", "<NaN, infinite or negative numbers>", "finite payments and finite quantities >= 0")
        return cls(case, *numbers.reshape(2, len(case.names), *case.shape))

    def to_dict(self) -> dict[str, object]:
        """Return what the command line's JSON says of an assembler's solution: the suppliers' names and the menu.

        Of several products also their names, and in each record of the menu what is `assembled` of them, in the same order.
        """
        several = {} if self.case.products is None else {"products": [product.name for product in self.case.products]}
        return {"suppliers": list(self.case.names), **several, "menu": self.records()}

    def records(self) -> list[dict[str, object]]:
        """Return the menu as plain records: cost index per supplier, probability, quantity, payment, rent."""
        n = len(self.case.shape)
        rents = np.array([self.rent(i).ravel() for i in range(n)])
        arrays = {"quantity": self.quantity, "payment": self.payment, "rent": rents}
        if self.case.products is not None:
            arrays["assembled"] = self.assembled
        flat = [array.reshape(len(array), -1).T.tolist() for array in arrays.values()]
        probability = self.case.probability.ravel().tolist()
        profiles = product(*(range(m) for m in self.case.shape))
        return [
            {"costs": list(costs), "probability": p, **dict(zip(arrays, figures, strict=True))}
            for costs, p, *figures in zip(profiles, probability, *flat, strict=True)
        ]
