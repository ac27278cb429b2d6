"""What a mechanism makes of a joint plan: who delivers what, who is paid what, who gains what, and who holds the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.contracts.joint_plan.planner import Plan
from veridical.data.arrays import Array
from veridical.data.cards import Card, Shown, table_of
from veridical.data.deprecated import OldTableNames, Renamed
from veridical.data.joint_plan.case import JointPlanCase
from veridical.data.joint_plan.shared import LEVELS
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.data.sheets.book import Book, Column, Sheet, Tabular

if TYPE_CHECKING:
    from veridical.contracts.joint_plan.core import Core
    from veridical.contracts.joint_plan.redistribution import Rebate

__all__ = ["COMPUTED", "Settlement", "agents"]

COMPUTED = "computed"  # a baseline from the receivers' reports


def agents(parameters: Mapping[str, Any]) -> bool:
    """Whether receivers are agents of a mechanism with these parameters, and the budget is its operator's."""
    return parameters.get("receivers") == "agents"


@dataclass(frozen=True, kw_only=True, eq=False)
class Settlement(Shown, Tabular, OldTableNames):
    """Plan, costs as reported, and transfers of a joint plan; currency, units.

    case: as it was reported. parameters: the mechanism's, as they were in effect. start, units: baseline and plan, one entry
    a flow of `case.shared.flows`. baseline_costs, costs: every party's least cost at either. transfers: paid TO the party, fees
    taken off. fees: what they take of it. activity: what the plan's activity costs (`activity_fee`). non_participants: suppliers
    who stay at the baseline. prices: of each flow, currency per unit, by flow. excess: what the plan may cost above the least, as
    proven; where truth is best at the least cost, nobody gains more than this by a misreport at any other; None under other
    mechanisms. certified_plan: the plan as its planner returned it, with the proof. lost: parties that were lost on the way: they
    take no part, and are paid nothing. baseline_source: `case`, where its receivers have committed to it, `given` to who settled
    the case, or `computed` from the receivers' reports. core: under core-selecting payments, which coalitions were looked at and
    what is proven of all. rebates: under a redistribution, what of its budget the operator gives back; they are in the transfers.

    The operator of the mechanism holds the budget: it pays the transfers, and collects the fees that are taken off them. The
    receivers operate it and are the residual claimants, so what is left to them is their own net gains and the budget; but where
    `receivers = agents` they are paid like suppliers, and the budget is the operator's. Savings = sum of all net gains + budget.
    All this is of the horizon as it was planned; what comes of the weeks when plans are made anew in each, and when that is paid,
    is `payments` and `studies.pilot`.

    Examples
    --------
    >>> import veridical as vd
    >>> settlement = vd.solve(vd.example("carriers"), misreports=0).contracts
    >>> round(sum(settlement.net_gains.values()) + settlement.budget - settlement.savings, 3) == 0
    True
    >>> list(settlement.to_frame().columns)
    ['role', 'baseline_cost', 'cost', 'transfer', 'fee', 'net_gain']
    """

    case: JointPlanCase
    mechanism: str
    parameters: Mapping[str, Any]
    start: Array
    units: Array
    baseline_costs: Mapping[str, float]
    costs: Mapping[str, float]
    transfers: Mapping[str, float]
    fees: Mapping[str, float]
    activity: float = 0.0
    non_participants: tuple[str, ...] = ()
    prices: pd.Series
    excess: float | None = None
    certified_plan: Plan | None = None
    lost: tuple[str, ...] = ()
    baseline_source: str = "given"
    core: Core | None = None
    rebates: Mapping[str, Rebate] = field(default_factory=dict)

    held = Renamed("non_participants")

    @property
    def identities(self) -> frozenset[str]:
        """Families of duals that define a quantity or keep a balance, whose prices say nothing new."""
        return frozenset() if self.certified_plan is None else self.certified_plan.identities

    @property
    def rounds(self) -> int | None:
        """How many rounds a consensus took to the plan; None where one model of all parties was solved."""
        progress = None if self.certified_plan is None else self.certified_plan.progress
        return None if progress is None else len(progress.rounds)

    @property
    def plan(self) -> pd.Series:
        """Units by flow: supplier, receiver, site, product, week."""
        return self.case.shared.series(self.units)

    @property
    def baseline(self) -> pd.Series:
        """Units by flow at the baseline."""
        return self.case.shared.series(self.start)

    @property
    def plan_cost(self) -> float:
        """Cost of all parties together at the plan."""
        return sum(self.costs.values())

    @property
    def baseline_cost(self) -> float:
        """Cost of all parties together at the baseline."""
        return sum(self.baseline_costs.values())

    @property
    def savings(self) -> float:
        """Baseline cost less plan cost."""
        return self.baseline_cost - self.plan_cost

    @cached_property
    def net_gains(self) -> dict[str, float]:
        """What the mechanism brings each party: cost at the baseline - cost at the plan + transfer."""
        return {name: self.baseline_costs[name] - self.costs[name] + self.transfers[name] for name in self.case.names}

    @property
    def budget(self) -> float:
        """What the transfers leave to the operator; negative where it pays in."""
        return 0.0 - sum(self.transfers.values())

    @property
    def deficit(self) -> float:
        """What the operator pays in; 0 where the transfers leave something."""
        return max(0.0, -self.budget)

    @property
    def unpaid(self) -> bool:
        """Whether the loss of a party ended the planning, so that nobody is paid anything."""
        return bool(self.lost) and self.certified_plan is not None and self.certified_plan.stopped

    @property
    def residual(self) -> float:
        """What is left to the receivers: their own net gains, and the budget where they operate the mechanism."""
        return sum(self.net_gains[name] for name in self.case.receivers) + (0.0 if agents(self.parameters) else self.budget)

    def _line(self) -> str:
        amount = Measures.of(self.case).amount
        return f"{self.mechanism} for {self.case.name!r}: {amount(self.savings)} saved, budget {amount(self.budget)}"

    def _card(self) -> Card:
        amount = Measures.of(self.case).amount
        figures = [
            ("cost of the plan", amount(self.plan_cost)),
            ("cost at the baseline", amount(self.baseline_cost)),
            ("saved", amount(self.savings)),
            ("budget", amount(self.budget)),
            ("left to the receivers", amount(self.residual)),
        ]
        notes = [f"lost, taking no part: {', '.join(self.lost)}"] if self.lost else []
        parties = table_of("who pays, who gains (a positive transfer is paid to the party)", self.to_frame(), None)
        return Card(f"settlement of {self.case.name} by {self.mechanism}", figures, [parties], notes)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a party: role, costs at baseline and plan, the transfer to it, the fees taken off, net gain."""
        figures = {"baseline_cost": self.baseline_costs, "cost": self.costs, "transfer": self.transfers, "fee": self.fees}
        if self.rebates:
            figures["rebate"] = {name: self.rebates[name].amount if name in self.rebates else 0.0 for name in self.case.names}
        figures["net_gain"] = self.net_gains
        columns: dict[str, list[Any]] = {"role": [party.role for party in self.case.parties]}
        columns |= {column: [by_party[name] for name in self.case.names] for column, by_party in figures.items()}
        return pd.DataFrame(columns, index=pd.Index(self.case.names, name="party"))

    def plan_frame(self) -> pd.DataFrame:
        """Return a row a flow: units at the baseline and in the plan, and the flow's price where there is one."""
        shared = self.case.shared
        price = self.prices.reindex(shared.index).to_numpy(dtype=float)
        return pd.DataFrame({"baseline": self.start, "units": self.units, "price": price}, index=shared.index)

    def book(self, plan_first: bool = False) -> Book:
        """Return the tables of a file: the parties, as `to_frame` has them, and the plan, as `plan_frame` has it."""
        columns = {
            "role": Column("what the party does"),
            "baseline_cost": Column("what the baseline costs it, as reported", "money"),
            "cost": Column("what the plan costs it, as reported", "money"),
            "transfer": Column("what it is paid, fees taken off; negative where it pays", "money"),
            "fee": Column("what fees take of that", "money"),
            "rebate": Column("what it is given back of the budget; it is in the transfer", "money"),
            "net_gain": Column("cost at the baseline - cost at the plan + transfer", "money"),
        }
        flows = {
            "baseline": Column("what flows at the baseline", "units"),
            "units": Column("what flows in the plan", "units"),
            "price": Column("what the flow is worth at the margin", "per_unit"),
        }
        parties = Sheet("parties", self.to_frame(), columns, Column("the party"))
        plan = Sheet("plan", self.plan_frame(), flows, Column("the flow: who sends what to whom, and when"))
        first, second = (plan, parties) if plan_first else (parties, plan)
        return Book(f"joint plan of {self.case.name}", first, Measures.of(self.case), lambda: (second,))

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line's JSON says of a joint plan; a flow without a price has None."""
        rows = self.plan_frame()
        figures = zip(rows["baseline"].tolist(), rows["units"].tolist(), rows["price"].tolist(), strict=True)
        totals = ("plan_cost", "baseline_cost", "savings", "budget", "deficit", "residual", "activity", "excess", "rounds")
        further: dict[str, Any] = {} if self.core is None else {"core": self.core.to_dict()}
        if self.case.at_home:
            further["at_home"] = list(self.case.at_home)
        if self.rebates:
            further["rebates"] = {name: rebate.to_dict() for name, rebate in self.rebates.items()}
        return (
            {name: getattr(self, name) for name in totals}
            | further
            | {
                "parties": [
                    {"name": name, **row, "takes_part": name not in (*self.non_participants, *self.lost)}
                    for name, row in self.to_frame().to_dict(orient="index").items()
                ],
                "lost": list(self.lost),
                "baseline_source": self.baseline_source,
                "plan": [
                    dict(zip(LEVELS, flow, strict=True))
                    | {"baseline": before, "units": units, "price": None if np.isnan(price) else price}
                    for flow, (before, units, price) in zip(self.case.shared.flows, figures, strict=True)
                ],
            }
        )
