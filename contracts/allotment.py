"""What every retailer gets and pays, profile by profile of types: the outcome of any allocation mechanism."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from veridical.contracts.profile_csv import NUMBERS, read_profiles
from veridical.data import cards
from veridical.data.allocation import AllocationCase, RetailerGroup
from veridical.data.arrays import Array, Integers
from veridical.data.assembler import label
from veridical.data.cards import Card, Shown, table_of
from veridical.data.deprecated import OldTableNames
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.data.sheets.book import Book, Column, Sheet, Tabular
from veridical.data.type_profiles import TypeProfiles

__all__ = ["Allotment", "Reports", "dominant", "full_revenue", "listed", "own_type_frame", "profile_names"]
__all__ += ["rents", "wanted"]

WIDE = 8  # retailers whose units and payments a card shows one by one


@dataclass(frozen=True)
class Reports:
    """What one retailer of group number `g` gets for each of his m reports against each of O profiles of all others.

    others: how many of the others have which type, shape (O, M). weight: how often the others have that profile, shape (O,);
    beliefs: how likely it is to each own type, shape (m, O), the weight itself where types are independent. quantity: units,
    shape (O, m). against: the others' place for each pair (row, type) of `TypeProfiles.occurring`.
    """

    g: int
    group: RetailerGroup
    others: Integers
    weight: Array
    beliefs: Array
    quantity: Array
    against: Integers

    @cached_property
    def revenue(self) -> Array:
        """E[R(Q_k, theta_l)], currency, shape (m, m): the report k along the first axis, the type l along the second."""
        pairs = zip(self.beliefs, self.group.theta, strict=True)
        return np.stack([belief @ self.group.revenue.value(self.quantity, theta) for belief, theta in pairs], axis=1)

    def expected(self, by_report: Array) -> Array:
        """Return what a table over others and reports, shape (O, m), is expected to be, by report and own type, shape (m, m)."""
        return np.stack([belief @ by_report for belief in self.beliefs], axis=1)

    def by_truth(self, by_report: Array) -> Array:
        """Return what a table over others and reports, shape (O, m), is expected to be by the truth, one a type."""
        return np.diag(self.expected(by_report))

    def own_amounts(self, paid: Array, k: int) -> tuple[Array, Array, float]:
        """Return type k's profit beyond what he has elsewhere, the larger of what he earns and pays, shape (O, m), and his stake.

        All in currency; `paid`: what each report pays, shape (O, m).
        """
        revenue = self.group.revenue.value(self.quantity, self.group.theta[k])
        elsewhere = float(self.group.reservations[k])
        amount = np.maximum(np.maximum(np.abs(revenue), np.abs(paid)), elsewhere)
        return revenue - paid - elsewhere, amount, max(float(amount.max()), float(wanted(self.group)[1][k]))


def wanted(group: RetailerGroup) -> tuple[Array, Array]:
    """Return units that each type of a group would like to have, roughly, and what they would earn him.

    Where next to nothing is given, a billionth of these is what a solver's point is off.
    """
    revenue, theta = group.revenue, group.theta
    q = np.minimum(np.nan_to_num(revenue.quantity(revenue.falls_to(0.5, theta), theta), posinf=0.0), group.most)
    return q, np.abs(revenue.value(q, theta))


Price = Callable[[Reports], Array]


def dominant(reports: Reports) -> Array:
    """Return the largest payments with which the truth is best whatever the others report, currency, shape (O, m).

    R(Q_k, theta_k) - sum over j < k of [R(Q_j, theta_{j+1}) - R(Q_j, theta_j)]: (3) before expectations, whose expectation over
    the others is (3) itself, the interim payment. Where retailers earn something elsewhere it is left to them: to the lowest
    type, and with him to all, and to whoever would still rather leave; see `rents`.
    """
    return reports.group.revenue.value(reports.quantity, reports.group.theta) - rents(reports)


def rents(reports: Reports) -> Array:
    """Return the least profits of truthful types, net of payments, that keep all from leaving and misreporting, shape (O, m).

    U_k >= r_k, what type k earns elsewhere; U_{k+1} >= U_k + g_k(Q_k) and U_k >= U_{k+1} - g_k(Q_{k+1}), where g_k is what type
    k + 1 makes more of the same units. The least ones are longest paths, from each type up and down. As units do not fall in
    the type, neighbours are enough.
    """
    revenue, theta, units = reports.group.revenue, reports.group.theta, reports.quantity
    up = revenue.value(units[:, :-1], theta[1:]) - revenue.value(units[:, :-1], theta[:-1])
    if not reports.group.countervailing:  # who is above the lowest type earns more by his units, and less elsewhere
        least = reports.group.reservations[0]
        return np.asarray(least + np.concatenate([np.zeros((len(units), 1)), np.cumsum(up, axis=1)], axis=1))
    down = revenue.value(units[:, 1:], theta[1:]) - revenue.value(units[:, 1:], theta[:-1])
    least = np.tile(reports.group.reservations, (len(units), 1))
    for k in range(len(theta) - 1):
        least[:, k + 1] = np.maximum(least[:, k + 1], least[:, k] + up[:, k])
    for k in reversed(range(len(theta) - 1)):
        least[:, k] = np.maximum(least[:, k], least[:, k + 1] - down[:, k])
    return least


def full_revenue(reports: Reports) -> Array:
    """Return what a supplier who knows the types can ask for, shape (O, m): what units earn beyond what is earned elsewhere."""
    return reports.group.revenue.value(reports.quantity, reports.group.theta) - reports.group.reservations


def listed(profiles: TypeProfiles, by_type: Array) -> Price:
    """Return payments that are given profile by profile, currency, shape (rows, M), as what each report pays."""

    def price(reports: Reports) -> Array:
        rows, types = profiles.occurring(reports.g)
        paid = np.zeros(reports.quantity.shape)
        paid[reports.against, types] = by_type[rows, profiles.columns(reports.g).start + types]
        return paid

    return price


@dataclass(frozen=True, kw_only=True)
class Allotment(Shown, Tabular, OldTableNames):
    """Units and payments of every retailer; units and currency.

    case: with finite types, so the grid's where priors are continuous. by_type: what a retailer of a type gets, shape (rows, M),
    rows and columns as in `profiles`. shadow_price: lambda, shape (rows,), currency per unit; NaN where nothing says it.
    price: what each report pays against each profile of the others. allocate: units at profiles that are not among the rows,
    counts of shape (rows, M) to units of the same shape; needed where profiles were drawn.

    Examples
    --------
    >>> import veridical as vd
    >>> allotment = vd.solve(vd.example("two-retailers")).contracts
    >>> round(allotment.supplier_profit, 3), round(allotment.expected_shadow_price, 3)
    (9.244, 1.85)
    >>> allotment.payments[0].round(3).tolist()                        # by own type, in expectation over the others
    [0.0, 2.577, 4.929, 6.975, 8.629]
    """

    case: AllocationCase
    profiles: TypeProfiles
    by_type: Array
    shadow_price: Array
    capacity: float
    price: Price = dominant
    allocate: Callable[[Integers], Array] | None = None

    @property
    def probability(self) -> Array:
        """Probability of each profile, shape (rows,)."""
        return self.profiles.probability

    @property
    def sampled(self) -> bool:
        """Whether profiles were drawn, as there are more than can be visited."""
        return self.profiles.sampled

    @cached_property
    def quantity(self) -> Array:
        """Q, units, shape (rows, N): retailers in the case's order, profiles sorted ascending within a group."""
        return self.profiles.by_retailer(self.by_type)

    @cached_property
    def allotted(self) -> Array:
        """Units that are allotted in each profile, shape (rows,)."""
        return np.asarray((self.profiles.counts * self.by_type).sum(axis=1))

    @property
    def expected_shadow_price(self) -> float:
        """E[lambda], currency per unit: what one more unit of capacity earns."""
        return float(self.probability @ self.shadow_price)

    @property
    def capacity_paid(self) -> float:
        """What capacity costs, currency; 0 where it is fixed."""
        return (self.case.capacity_cost or 0.0) * self.capacity

    @cached_property
    def chain_profit(self) -> float:
        """Expected revenue of all retailers less what capacity costs, where it does."""
        groups = enumerate(self.case.retailers)
        revenue = [group.revenue.value(self.by_type[:, self.profiles.columns(g)], group.theta) for g, group in groups]
        by_profile = (self.profiles.counts * np.concatenate(revenue, axis=1)).sum(axis=1)
        return float(self.probability @ by_profile) - self.capacity_paid

    @property
    def supplier_profit(self) -> float:
        """Expected payments less what capacity costs, where it does."""
        groups = zip(self.case.retailers, self.payments, strict=True)
        return sum(group.count * float(group.probability @ paid) for group, paid in groups) - self.capacity_paid

    @property
    def supplier_share(self) -> float:
        """Supplier's share of the profit of the chain; NaN where that is 0."""
        return self.supplier_profit / self.chain_profit if self.chain_profit else float("nan")

    @cached_property
    def reports(self) -> tuple[Reports, ...]:
        """Group by group, what a retailer gets for every report against every profile of the others."""
        return tuple(_reports(self, g) for g in range(len(self.case.retailers)))

    @cached_property
    def prices(self) -> tuple[Array, ...]:
        """Group by group, what every report pays against every profile of the others, currency, shape (O, m)."""
        return tuple(self.price(reports) for reports in self.reports)

    @cached_property
    def payments(self) -> tuple[Array, ...]:
        """Interim payments P(theta_k), currency, group by group, one a type: in expectation over the others. (3)."""
        return tuple(reports.by_truth(paid) for reports, paid in zip(self.reports, self.prices, strict=True))

    @cached_property
    def dominant_payments(self) -> Array:
        """Payments profile by profile, currency, shape (rows, N)."""
        by_type = np.zeros(self.by_type.shape)
        for g, (reports, paid) in enumerate(zip(self.reports, self.prices, strict=True)):
            rows, types = self.profiles.occurring(g)
            by_type[rows, self.profiles.columns(g).start + types] = paid[reports.against, types]
        return self.profiles.by_retailer(by_type)

    @cached_property
    def types(self) -> Array:
        """The retailers' types, shape (rows, N)."""
        theta = np.concatenate([group.theta for group in self.case.retailers])
        return self.profiles.by_retailer(np.broadcast_to(theta, self.by_type.shape))

    def _line(self) -> str:
        case, words = self.case, Measures.of(self.case)
        size = f"{self.capacity:,.6g} {words.of_units} for {len(case.order):,} retailers, {len(self.probability):,} profiles"
        return f"{case.name!r}: {size}, supplier's profit {words.amount(self.supplier_profit)}"

    def _card(self) -> Card:
        case, words = self.case, Measures.of(self.case)
        figures = [
            ("supplier's profit", words.amount(self.supplier_profit)),
            ("profit of the chain", words.amount(self.chain_profit)),
            ("capacity", f"{cards.number(self.capacity)} {words.of_units}"),
            ("one more unit is worth", cards.number(self.expected_shadow_price)),
            ("retailers", f"{len(case.order):,}"),
            ("profiles of types", f"{len(self.probability):,}{' drawn' if self.sampled else ''}"),
        ]
        tables = [table_of("by own type, in expectation over the others", self.by_own_type(), everything="by_own_type()")]
        if len(case.order) <= WIDE:
            tables.append(table_of("one row for each combination of reports", self.to_frame(), everything="to_frame()"))
        return Card(f"allotment for {case.name}", figures, tables)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a profile, indexed by the retailers' types: probability, units and payment of each, and lambda."""
        names = self.case.retailer_names
        columns = {("probability", ""): self.probability}
        columns |= {("quantity", name): self.quantity[:, i] for i, name in enumerate(names)}
        columns |= {("payment", name): self.dominant_payments[:, i] for i, name in enumerate(names)}
        columns |= {("shadow_price", ""): self.shadow_price}
        return pd.DataFrame(columns, index=pd.MultiIndex.from_arrays(list(self.types.T), names=names))

    def by_own_type(self) -> pd.DataFrame:
        """Return what a retailer expects, indexed by group and own type: probability, units, payment, profit by the truth."""
        pairs = list(zip(self.reports, self.payments, strict=True))
        columns = {
            "probability": [reports.group.probability for reports in self.reports],
            "quantity": [reports.by_truth(reports.quantity) for reports in self.reports],
            "payment": self.payments,
            "profit": [np.diag(reports.revenue) - paid for reports, paid in pairs],
        }
        return own_type_frame(self.case, columns)

    def book(self) -> Book:
        """Return the tables of a file: the allocation, as `to_frame` has it, and what a retailer expects by his own type."""
        names = [f"type {name}" for name in self.case.retailer_names]
        columns = {
            "probability": Column("how likely these types are", "share"),
            "quantity": Column("what the retailer is allotted when these types are reported", "units"),
            "payment": Column("what he pays for it", "money"),
            "shadow_price": Column("what one more unit of capacity would earn the supplier", "per_unit"),
        }
        own = {
            "probability": Column("how likely the type is", "share"),
            "quantity": Column("what he expects to be allotted by the truth", "units"),
            "payment": Column("what he expects to pay by the truth", "money"),
            "profit": Column("what he expects to earn by the truth", "money"),
        }
        frame, reported = self.to_frame().rename_axis(names), Column("what this retailer reports his type to be")
        by_own = Column("a group of retailers, and the type of one of them")
        return Book(
            f"allocation for {self.case.name}",
            Sheet("allocation", frame, columns, reported),
            Measures.of(self.case),
            lambda: (Sheet("by own type", self.by_own_type(), own, by_own),),
        )

    @classmethod
    def read(cls, case: AllocationCase, path: str | Path) -> Allotment:
        """Read an allotment from a file (`.csv`, the first sheet of an `.xlsx`, `.parquet`), as `save` writes it.

        Columns `type NAME`, `quantity NAME` and `payment NAME` of every retailer.
        One row for every profile of types, in any order; retailers of a group may stand in any order too, but equal types get
        and pay the same. Columns `probability` and `shadow_price` are ignored. Where the case leaves the capacity to be chosen it
        is the most that is used. Finite types alone.
        Raises InputError with file, row and column where something is missing or wrong.
        """
        file, names = Path(path).name, case.retailer_names
        profiles = case.profiles()
        if profiles.sampled:
            allowed = "a case whose type profiles can all be visited"
            raise InputError.of("retailers", f"<{case.profile_count} type profiles>", allowed, case.name)
        starts = [profiles.columns(g).start for g in case.order]  # where the types of each retailer's group begin
        numbered = {tuple(counts): k for k, counts in enumerate(profiles.counts.tolist())}
        types = {f"type {name}": case.retailers[g].types or () for name, g in zip(names, case.order, strict=True)}

        def counts_of(place: list[int]) -> tuple[int, ...]:
            return tuple(np.bincount(np.add(starts, place), minlength=profiles.counts.shape[1]).tolist())

        def in_words(counts: tuple[int, ...]) -> str:
            return profile_names(case, np.array([counts]))[0]

        numbers = np.full((2, *profiles.counts.shape), np.nan)
        rows = read_profiles(path, "type", names, types, ["probability", "shadow_price"], numbered, counts_of, in_words)
        for where, k, place, row in rows:
            for i, column in enumerate(np.add(starts, place).tolist()):
                for n, (number, _) in enumerate(NUMBERS):
                    value, same = float(row[n, i]), float(numbers[n, k, column])
                    if value != same and not np.isnan(same):
                        allowed = f"{same!r}, as another of the same type: identical retailers are treated alike"
                        raise InputError.of(f"{where}, column {number} {names[i]}", value, allowed, file)
                    numbers[n, k, column] = value
        numbers = np.nan_to_num(numbers)  # what a type gets that nobody has
        used = float((profiles.counts * numbers[0]).sum(axis=1).max())
        capacity = used if case.capacity is None else case.capacity
        unknown, price = np.full(len(numbered), np.nan), listed(profiles, numbers[1])
        return cls(case=case, profiles=profiles, by_type=numbers[0], shadow_price=unknown, capacity=capacity, price=price)

    @classmethod
    def read_csv(cls, case: AllocationCase, path: str | Path) -> Allotment:
        """Read an allotment from a CSV file, as `read` does."""
        return cls.read(case, path)

    def to_dict(self) -> dict[str, object]:
        """Return what the command line's JSON says of an allocation."""
        groups = zip(self.case.names, self.case.retailers, self.payments, strict=True)
        figures = ("capacity", "chain_profit", "supplier_share", "expected_shadow_price")
        return {name: getattr(self, name) for name in figures} | {
            "payments": np.concatenate(self.payments).tolist(),
            "retailers": [
                {"name": name, "count": group.count, "types": group.theta.tolist()}
                | {"probabilities": group.probability.tolist(), "payments": paid.tolist()}
                for name, group, paid in groups
            ],
            "sampled": self.sampled,
            "allocation": self.records(),
        }

    def records(self) -> list[dict[str, object]]:
        """Return a plain record a profile: types ascending within a group, probability, quantity, payment, shadow price."""
        lists = (self.types, self.probability, self.quantity, self.dominant_payments, self.shadow_price)
        keys = ("types", "probability", "quantity", "payment", "shadow_price")
        return [dict(zip(keys, row, strict=True)) for row in zip(*(column.tolist() for column in lists), strict=True)]


def _reports(allotment: Allotment, g: int) -> Reports:
    profiles, group = allotment.profiles, allotment.case.retailers[g]
    start = profiles.columns(g).start
    rows, types = profiles.occurring(g)
    others, against, beliefs = profiles.beliefs(g)
    share = profiles.counts[rows, start + types] / group.count
    weight: Array = np.bincount(against, weights=profiles.probability[rows] * share).astype(float)
    m = profiles.sizes[g]
    if allotment.case.independent:  # also of drawn profiles, in which types depend on one another by chance
        beliefs = np.broadcast_to(weight, beliefs.shape)
    if allotment.allocate is None:
        quantity = np.empty((len(others), m))
        quantity[against, types] = allotment.by_type[rows, start + types]
    else:
        whole = np.repeat(others, m, axis=0)
        whole[np.arange(len(whole)), start + np.tile(np.arange(m), len(others))] += 1
        distinct, place = np.unique(whole, axis=0, return_inverse=True)
        quantity = allotment.allocate(distinct)[place.reshape(-1, m), start + np.arange(m)]
    return Reports(g, group, others, weight, beliefs, quantity, against)


def own_type_frame(case: AllocationCase, columns: Mapping[str, Sequence[Array]]) -> pd.DataFrame:
    """Return a table with a row a group and type, of columns that hold one array a group, one entry a type."""
    pairs = [(name, theta) for name, group in zip(case.names, case.retailers, strict=True) for theta in group.theta]
    index = pd.MultiIndex.from_tuples(pairs, names=["retailers", "type"])
    return pd.DataFrame({name: np.concatenate(groups) for name, groups in columns.items()}, index=index)


def profile_names(case: AllocationCase, counts: Integers) -> list[str]:
    """Return type profiles in words, counts of shape (rows, M): `4, 4, 7`, with the groups' names where there are several."""
    names = []
    groups = [[label(theta) for theta in group.theta] for group in case.retailers]
    ends = np.cumsum([len(group) for group in groups])
    for row in counts:
        parts = []
        for name, types, numbers in zip(case.names, groups, np.split(row, ends[:-1]), strict=True):
            words = ", ".join(", ".join([word] * int(n)) for word, n in zip(types, numbers, strict=True) if n)
            if words:
                parts.append(f"{name} {words}" if len(groups) > 1 else words)
        names.append("; ".join(parts))
    return names
