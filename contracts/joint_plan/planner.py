"""The seam between who plans and what is paid: transfers, audits and rolling runs speak to a `Planner` alone.

`Central` is handed everybody's record and solves the joint model; under consensus agents answer questions about plans and prices.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, Shared
from veridical.data.lazy import pd

__all__ = ["Plan", "Planner", "activity_cost", "core_gains", "fixed_parties", "offering", "plan_each", "unheard"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan, what it costs, and the proof of how good it is.

    Parameters
    ----------
    shared
        What is no secret of the case: the plan's flows.
    units
        The plan, units >= 0, one a flow of `shared.flows`.
    costs
        Each party's own least cost at exactly this plan, currency; of a planner's plan those of all parties.
    fee
        What the plan pays for its activity, currency (`activity_cost`).
    bound
        Proven lower bound of `objective`; NaN for a plan that is not the least cost of anything here, as the baseline.
    prices
        Of each flow, currency per unit: the dual of `agreement`, or what a consensus agreed on; empty for whole trucks.
    duals
        All families of the central model; none under consensus.
    non_participants
        Parties that stay at the baseline; their cost is not in `objective`.
    identities
        Families of `duals` that define a quantity or keep a balance, whose prices say nothing new.
    solution
        The certified solution behind the plan: certificate, solver, seconds. None for a plan that was priced alone.
    progress, log
        Rounds and messages of a consensus.
    lost
        Parties that were lost on the way.
    stopped
        Whether that ended the planning: the plan is the best until then, and nothing may be proven of it. Where it did not, who
        was lost stays at the baseline, and the rest is planned to its end.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> from veridical.solvers.planners import Central
    >>> plan = Central().plan(case, Central().baseline(case))
    >>> plan.units.shape, plan.gap < 1e-6 * plan.objective
    ((2,), True)
    """

    shared: Shared
    units: Array
    costs: Mapping[str, float]
    fee: float = 0.0
    bound: float = float("nan")
    prices: pd.Series = field(default_factory=lambda: pd.Series(dtype=float, name="dual"))
    duals: Mapping[str, pd.Series] = field(default_factory=dict)
    non_participants: tuple[str, ...] = ()
    identities: frozenset[str] = frozenset()
    solution: Any = None
    progress: Any = None
    log: Any = None
    lost: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def total(self) -> float:
        """Sum of the costs, without the fee."""
        return float(sum(self.costs.values()))

    @property
    def objective(self) -> float:
        """Cost of all parties that take part, plus the fee: what the plan minimises; currency."""
        return float(sum(cost for name, cost in self.costs.items() if name not in self.non_participants)) + self.fee

    @property
    def gap(self) -> float:
        """What the plan may cost more than the best one, currency, as proven; no misreport gains more; NaN where none is."""
        return max(self.objective - self.bound, 0.0) if self.bound == self.bound else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """Return a row a flow: units, the price paid, and what one more unit costs supplier and receiver (currency per unit).

        The two sum to 0 where they are known: what one more unit costs the supplier beyond its price, it saves the receiver.
        At 0 units any value between their own marginal costs is right. NaN where there are no duals (whole trucks).
        """
        marginal = self.prices.reindex(self.shared.index).to_numpy(dtype=float)
        columns = {"units": self.units, "price": self.shared.price, "supplier_marginal": marginal, "receiver_marginal": -marginal}
        return pd.DataFrame(columns, index=self.shared.index)


class Planner(Protocol):
    """Who makes plans and knows what they cost each party.

    A planner may have an attribute `fixed` too: who answers by something else than the record in a case, as agents of users' own
    do, so that no other report of theirs can be tried. Without one that is nobody. It may have a method `offering(case)`: whose
    agents, of parties whose records are at home, answer by misreports of their own when a case says so (`AtHome.lie`); without it
    nobody's do. It may have a method `plan_each`, as the function of that name, which makes plans that do not depend on each
    other at the same time; and `core_gains`, as the function of that name, without which there is no mechanism `core`.
    """

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan, units, one a flow: it answers to no supplier's report."""

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least, by its own model; of `names` alone where some are given."""

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the plan at least cost of the parties that do not stay at the baseline, activity paid for per m3."""


def fixed_parties(planner: Planner) -> Collection[str]:
    """Return who answers a planner by something else than the record in a case."""
    names: Collection[str] = getattr(planner, "fixed", ())
    return names


def offering(planner: Planner, case: JointPlanCase) -> Collection[str]:
    """Return whose agents answer by misreports of their own when a case says so: of those whose records are at home."""
    offers = getattr(planner, "offering", None)
    names: Collection[str] = () if offers is None or not case.at_home else offers(case)
    return [name for name in names if name in case.at_home]


def unheard(planner: Planner, case: JointPlanCase) -> Collection[str]:
    """Return the parties of whom no misreport can be tried: those fixed, and those at home whose agents offer none."""
    offered = offering(planner, case)
    return [name for name in case.names if name not in offered and (name in case.at_home or name in fixed_parties(planner))]


def plan_each(
    planner: Planner, case: JointPlanCase, baseline: Array, absences: Sequence[tuple[str, ...]], activity_fee: float = 0.0
) -> Generator[Plan, None, None]:
    """Yield the plans without some parties, and without others, in the order of `absences`: as the planner does, else one by one.

    What a plan raises comes in its place. Who does not take all of the plans closes the iterator.
    """
    each = getattr(planner, "plan_each", None)
    if each is not None:
        yield from each(case, baseline, absences, activity_fee)
        return
    for absent in absences:
        yield planner.plan(case, baseline, absent, activity_fee)


def core_gains(
    planner: Planner, clarke: Mapping[str, float], limits: Mapping[tuple[str, ...], float], point: str
) -> dict[str, float]:
    """Return gains nearest to Clarke's of which suppliers have no more together than some limits, currency; see `core`.

    Raises InputError for a planner that has no solver for that.
    """
    gains = getattr(planner, "core_gains", None)
    if gains is None:
        allowed = "one with a method core_gains for the mechanism core, as solvers.planners.Central and a consensus have"
        raise InputError.of("planner", f"<{type(planner).__name__}>", allowed)
    found: dict[str, float] = gains(clarke, limits, point)
    return found


def activity_cost(shared: Shared, plan: Array, baseline: Array, activity_fee: float) -> float:
    """Return what a plan pays for its activity: the fee, currency per m3, times the volume by which it leaves the baseline."""
    return activity_fee * float(shared.volume @ np.abs(plan - baseline)) if activity_fee else 0.0
