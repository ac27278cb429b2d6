"""The auction that implements the optimal allocation: sealed bids of what a retailer would pay in all. Section 6, Theorem 7.

The supplier posts the table of bids P*(theta), the interim payments (3), and what they bring. A bid counts as the highest type
whose table bid it reaches; the units are those of the optimal allocation at the types that all bids count as. If the others bid
the table bids of their own types, it is best in expectation to do the same: every other bid counts as the bid of another type, or
brings nothing and costs nothing, and under the payments (3) no type gains by either. It follows:
- A bid between two table bids counts as the lower one, a bid above all of them as the highest. The retailer pays that table
  bid, not his own bid.
- What a retailer pays depends on his own bid alone; what he gets depends on all bids.
- A bid below the lowest table bid, a late bid and no bid bring nothing and cost nothing. The capacity is allocated among the
  other retailers, as the optimum allocates it among fewer retailers.
- Types with equal table bids, as the types of a pool have, cannot be told apart by their bids: such a bid counts as the lowest
  of these types. They get the same units, except against types of the others that never occur. Therefore equal bids within a
  group bring equal units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from veridical.contracts.allotment import Allotment, own_type_frame
from veridical.contracts.bids import Bids, checked_bid
from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.data.arrays import Array, Integers
from veridical.data.cards import Card, Shown, number, table_of
from veridical.data.deprecated import Renamed
from veridical.data.fields import whole_number
from veridical.data.lazy import pd

__all__ = ["Auction", "AuctionResult", "BidSchedule"]

ROUNDING = 1e-12  # of a type's expected revenue, from which its bid is computed by sums and differences
MOST_DECIMALS = 12

AS_TYPE = "table bid"
BETWEEN = "between table bids: counts as the lower"
ABOVE = "above the highest table bid: counts as that"
BELOW = "below the lowest table bid: gets nothing"
LATE = "late: refused, counts as no bid"
MISSING = "no bid"


@dataclass(frozen=True, eq=False)
class BidSchedule:
    """The table bids of a group's m types, ascending.

    bid: P*(theta_k), currency. first: the lowest type with the same bid. reach: what a bid must be to count as that type: the
    table bid, but for rounding.
    """

    bid: Array
    first: Integers
    reach: Array

    @classmethod
    def of(cls, paid: Array, revenue: Array) -> BidSchedule:
        """Return the schedule of payments that rise but for rounding, given what truthful types earn; both of shape (m,)."""
        slack = ROUNDING * revenue
        first = np.zeros(len(paid), dtype=np.int64)
        for k in range(1, len(paid)):
            tied = paid[k] - paid[first[k - 1]] <= slack[k]
            first[k] = first[k - 1] if tied else k
        bid = np.maximum(paid[first], 0.0)
        return cls(bid, first, np.maximum(bid - slack[first], 0.0))

    def place(self, bid: float) -> int:
        """Return the number of the type that a bid counts as, -1 where it is below all."""
        k = int(np.searchsorted(self.reach, bid, side="right")) - 1
        return int(self.first[k]) if k >= 0 else -1


@dataclass(frozen=True, eq=False)
class AuctionResult(Shown):
    """What sealed bids bring: units and payments, retailer by retailer, in the case's order.

    bids: as they came in. counts_as: the type that each counts as, None where it brings nothing. units: shape (N,). payment:
    currency, shape (N,). status: in words. capacity: units. shadow_price: lambda, currency per unit, at the types that bids
    count as; 0 where there are none.
    """

    case: AllocationCase
    bids: Bids
    counts_as: tuple[float | None, ...]
    units: Array
    payment: Array
    status: tuple[str, ...]
    capacity: float
    shadow_price: float

    def _line(self) -> str:
        return f"{self.case.name!r}: {self.units.sum():,.6g} of {self.capacity:,.6g} units, payments {self.payment.sum():,.6g}"

    def _card(self) -> Card:
        figures = [("payments", self.payment.sum()), ("units left", self.capacity_left), ("one more unit", self.shadow_price)]
        shown = [(name, number(value)) for name, value in figures]
        return Card(f"sealed bids cleared for {self.case.name}", shown, [table_of("", self.table, None)])

    @property
    def capacity_left(self) -> float:
        """Units that nobody gets: at these types they would cost the supplier more in rents than they earn."""
        return max(self.capacity - float(self.units.sum()), 0.0)

    @property
    def table(self) -> pd.DataFrame:
        """A row a retailer: bid, counts_as (a type), units, payment, status; NaN where there is no bid, or no type."""
        columns = {
            "bid": np.array(self.bids.bids, dtype=float),
            "counts_as": np.array(self.counts_as, dtype=float),
            "units": self.units,
            "payment": self.payment,
            "status": list(self.status),
        }
        return pd.DataFrame(columns, index=pd.Index(self.bids.names, name="retailer"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; None where there is no bid, no type or no time."""
        keys = ("retailer", "bid", "counts_as", "units", "payment", "status", "received")
        times = [None if time is None else time.isoformat() for time in self.bids.received]
        lists = (self.bids.names, self.bids.bids, self.counts_as, self.units.tolist(), self.payment.tolist(), self.status, times)
        deadline = self.bids.deadline
        return {
            "case": self.case.name,
            "capacity": self.capacity,
            "capacity_left": self.capacity_left,
            "shadow_price": self.shadow_price,
            "total_payment": float(self.payment.sum()),
            "deadline": None if deadline is None else deadline.isoformat(),
            "retailers": [dict(zip(keys, row, strict=True)) for row in zip(*lists, strict=True)],
        }

    record = Renamed("to_dict")


@dataclass(frozen=True, eq=False)
class Auction(Shown):
    """The auction of a case: what is posted, and what bids bring.

    case: as it was given. optimum: the mechanism that is implemented, with finite types, so the grid's where priors are
    continuous: a type counts as the next grid type below it there, and bids that type's bid. fill: shadow prices and units by
    type that the optimum has at any counts of types, shape (rows, M): what bids are cleared by.
    """

    case: AllocationCase
    optimum: Allotment
    fill: Callable[[Integers], tuple[Array, Array]]

    def _line(self) -> str:
        return f"{self.case.name!r}: {self.capacity:,.6g} units, expected payments {self.expected_payments:,.6g}"

    def _card(self) -> Card:
        figures = [("units", number(self.capacity)), ("expected payments", number(self.expected_payments))]
        return Card(f"auction for {self.case.name}", figures, [table_of("what is posted", self.table, everything="table")])

    @property
    def capacity(self) -> float:
        """Units that are auctioned."""
        return float(self.optimum.capacity)

    @property
    def names(self) -> tuple[str, ...]:
        """The retailers, in the case's order."""
        return self.case.retailer_names

    @property
    def bids(self) -> tuple[Array, ...]:
        """The table bids P*(theta_k), currency, group by group, one a type, ascending."""
        return tuple(schedule.bid for schedule in self._schedules)

    @property
    def expected_payments(self) -> float:
        """What the retailers pay in all, in expectation, currency: the supplier's profit, and what capacity costs."""
        groups = zip(self.optimum.case.retailers, self.bids, strict=True)
        return sum(group.count * float(group.probability @ bid) for group, bid in groups)

    def bid(self, group: str | None, theta: float) -> float:
        """Return P*(theta), the best bid of a type, currency. `group` is its name, or None where there is only one.

        Raises InputError for an unknown group, and for a type that the group does not have.
        """
        g = self._group(group)
        return float(self._schedules[g].bid[self._place(g, theta)])

    def type_of(self, group: str | None, bid: float) -> float | None:
        """Return the type that a bid counts as: the inverse of P*; the lowest of types that bid the same, None below them all.

        Raises InputError for an unknown group, and for what is no finite number >= 0.
        """
        g = self._group(group)
        place = self._schedules[g].place(checked_bid(bid, "bid", self.case.name))
        return float(self.optimum.case.retailers[g].theta[place]) if place >= 0 else None

    def posted(self, decimals: int | None = None) -> tuple[Array, ...]:
        """Return the table bids rounded up, group by group: what to print, as bids below them count as less.

        decimals: of the currency; where none are given the fewest, from 2 on, with which every bid counts as its own type, all
        of them where 12 are too few.
        Raises InputError for decimals that are no whole number from 0 to 12, or with which bids of two types become one.
        """
        if decimals is None:
            tries = (self._rounded(places) for places in range(2, MOST_DECIMALS + 1))
            return next((bids for bids in tries if bids is not None), self.bids)
        allowed = f"a whole number from 0 to {MOST_DECIMALS}"
        decimals = whole_number(decimals, "decimals", 0, self.case.name, most=MOST_DECIMALS, allowed=allowed)
        rounded = self._rounded(decimals)
        if rounded is None:
            allowed = "more decimals: rounded up to these, the bid of some type would count as a higher one's"
            raise InputError.of("decimals", decimals, allowed, self.case.name)
        return rounded

    def clear(self, bids: Mapping[str, float | None] | Sequence[float | None] | Array | Bids) -> AuctionResult:
        """Return what sealed bids bring: a mapping retailer -> bid, a sequence in the case's order, or what `read_bids` reads.

        Raises InputError for bids that are no finite numbers >= 0, for unknown retailers, and for bids of another case.
        """
        if not isinstance(bids, Bids):
            bids = Bids.of(self.case, bids)
        elif bids.names != self.names:
            raise InputError.of("bids", list(bids.names), f"bids of the retailers {', '.join(self.names)}", self.case.name)
        outcomes = [self._outcome(*offer) for offer in zip(self.case.order, bids.bids, bids.late, strict=True)]
        theta = [group.theta for group in self.optimum.case.retailers]
        at = [(g, k) for g, (k, _) in zip(self.case.order, outcomes, strict=True)]
        columns = np.array([self._starts[g] + k for g, k in at])
        bring = np.array([k >= 0 for _, k in at])
        counts = np.bincount(columns[bring], minlength=sum(map(len, theta)))[None, :]
        shadow, by_type = self.fill(counts) if bring.any() else (np.zeros(1), np.zeros(counts.shape))
        counts_as = tuple(float(theta[g][k]) if k >= 0 else None for g, k in at)
        units = np.where(bring, by_type[0, columns], 0.0)
        payment = np.array([self._schedules[g].bid[k] if k >= 0 else 0.0 for g, k in at])
        status = tuple(words for _, words in outcomes)
        return AuctionResult(self.case, bids, counts_as, units, payment, status, self.capacity, float(shadow[0]))

    @cached_property
    def table(self) -> pd.DataFrame:
        """What is posted. Two identical retailers: a row an own type with its bid, a column a type of the other, units. Table 5.

        Otherwise a row a group and own type: bid, and the units that it brings, expected, least and most over types of the
        others that occur.
        """
        groups = self.optimum.case.retailers
        if self.case.members != (2,):
            return self.by_own_type()
        theta, schedule = groups[0].theta, self._schedules[0]
        m = len(theta)
        own, other = np.divmod(np.arange(m * m), m)
        counts = np.zeros((m * m, m), dtype=np.int64)
        np.add.at(counts, (np.arange(m * m), schedule.first[own]), 1)
        np.add.at(counts, (np.arange(m * m), schedule.first[other]), 1)
        units = self.fill(counts)[1][np.arange(m * m), schedule.first[own]].reshape(m, m)
        index = pd.MultiIndex.from_arrays([theta, schedule.bid], names=["type", "bid"])
        return pd.DataFrame(units, index=index, columns=pd.Index(theta, name="other's type"))

    def by_own_type(self) -> pd.DataFrame:
        """Return what is posted, a row a group and own type: bid, and the units that it brings, expected, least and most."""
        pairs = list(zip(self.optimum.reports, self._schedules, strict=True))
        units = [reports.quantity[:, schedule.first] for reports, schedule in pairs]
        occurring = [by_type[reports.weight > 0] for by_type, (reports, _) in zip(units, pairs, strict=True)]
        columns = {
            "bid": self.bids,
            "expected_units": [reports.weight @ by_type for by_type, (reports, _) in zip(units, pairs, strict=True)],
            "least_units": [by_type.min(axis=0) for by_type in occurring],
            "most_units": [by_type.max(axis=0) for by_type in occurring],
        }
        return own_type_frame(self.optimum.case, columns)

    def to_frame(self) -> pd.DataFrame:
        """Return the optimal allocation, a row a profile: each retailer's type, probability, each retailer's units, and lambda.

        Types ascend within a group. Above 200,000 profiles those that were drawn.
        """
        profiles, types = self.optimum.profiles, self.optimum.types
        columns = {f"type {name}": types[:, i] for i, name in enumerate(self.names)}
        columns |= {"probability": profiles.probability}
        columns |= {f"units {name}": self.optimum.quantity[:, i] for i, name in enumerate(self.names)}
        return pd.DataFrame(columns | {"shadow_price": self.optimum.shadow_price})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values: what is posted, group by group, and the optimal allocation by profile."""
        optimum, by_own_type = self.optimum, self.by_own_type()
        groups = []
        for name, group in zip(self.case.names, optimum.case.retailers, strict=True):
            posted: dict[Any, Any] = by_own_type.loc[[name]].rename(columns={"bid": "bids"}).to_dict(orient="list")
            types = {"types": group.theta.tolist(), "probabilities": group.probability.tolist()}
            groups.append({"name": name, "count": group.count, **types, **posted})
        keys = ("types", "probability", "quantity", "shadow_price")
        lists = (optimum.types, optimum.probability, optimum.quantity, optimum.shadow_price)
        return {
            "case": self.case.name,
            "capacity": self.capacity,
            "supplier_profit": float(optimum.supplier_profit),
            "expected_payments": self.expected_payments,
            "sampled": bool(optimum.profiles.sampled),
            "retailers": list(self.names),
            "groups": groups,
            "allocation": [dict(zip(keys, row, strict=True)) for row in zip(*(column.tolist() for column in lists), strict=True)],
        }

    frame = Renamed("to_frame", call=True)
    record = Renamed("to_dict")

    @cached_property
    def _schedules(self) -> tuple[BidSchedule, ...]:
        pairs = zip(self.optimum.payments, self.optimum.reports, strict=True)
        return tuple(BidSchedule.of(paid, np.diag(reports.revenue)) for paid, reports in pairs)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each group's types begin among all."""
        return [self.optimum.profiles.columns(g).start for g in range(len(self.case.retailers))]

    def _rounded(self, decimals: int) -> tuple[Array, ...] | None:
        """Return the table bids rounded up to so many decimals; None where one of them then counts as another type's."""
        step = Decimal(1).scaleb(-decimals)
        rounded = []
        for schedule in self._schedules:
            bids = np.array([float(Decimal(float(bid)).quantize(step, ROUND_CEILING)) for bid in schedule.reach])
            if [schedule.place(bid) for bid in bids] != schedule.first.tolist():
                return None
            rounded.append(bids)
        return tuple(rounded)

    def _outcome(self, g: int, bid: float | None, late: bool) -> tuple[int, str]:
        """Return the number of the type that a bid counts as, -1 for none, and its status in words."""
        if bid is None:
            return -1, MISSING
        if late:
            return -1, LATE
        schedule = self._schedules[g]
        place = schedule.place(bid)
        if place < 0:
            return place, BELOW
        if bid <= schedule.bid[place] + (schedule.bid[place] - schedule.reach[place]):
            return place, AS_TYPE
        return place, ABOVE if place == schedule.first[-1] else BETWEEN

    def _group(self, group: str | None) -> int:
        if group is None and len(self.case.names) == 1:
            return 0
        if group not in self.case.names:
            given = "<nothing>" if group is None else group
            raise InputError.of("group", given, f"one of {', '.join(self.case.names)}", self.case.name)
        return self.case.names.index(group)

    def _place(self, g: int, theta: float) -> int:
        """Return the number of a group's type: the highest one not above theta, for a continuous prior."""
        prior, types = self.case.retailers[g].prior, self.optimum.case.retailers[g].theta
        if isinstance(theta, Real) and not isinstance(theta, bool):
            if prior is None and theta in types:
                return int(np.searchsorted(types, theta))
            if prior is not None and prior.low <= theta <= prior.high:
                return int(np.searchsorted(types, theta, side="right")) - 1
        if prior is None:
            allowed = f"one of the types {', '.join(f'{value:g}' for value in types)}"
        else:
            allowed = f"a type from {prior.low:g} to {prior.high:g}"
        raise InputError.of("theta", theta, f"{allowed} of {self.case.names[g]}", self.case.name)
