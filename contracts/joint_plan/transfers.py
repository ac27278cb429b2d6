"""Who is paid what for a joint plan: one function a mechanism, each over whatever planner there is.

Suppliers report, receivers operate the mechanism and are taken at their word; what a supplier reports is his record. "Without
i" means that i stays at the baseline. Write c_j for reported costs, x0 for the baseline, x for the plan, kappa for the fees that
the mechanism counts as a cost of its own: activity_fee * sum volume |x - x0| + participation_fee * (suppliers who take part).
Truth is best at the least cost; at a plan that is not exactly that, nobody gains more by a misreport than the plan costs above
it, which the certificate bounds (`excess`): next to nothing for a QP, the gap of a MIP for whole trucks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.contracts.joint_plan import externality
from veridical.contracts.joint_plan.planner import Planned, Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase

__all__ = ["MECHANISMS", "Ruling", "decide", "rule", "settle"]

Array = NDArray[np.float64]
SUBSETS = 6  # suppliers up to which all subsets may take part


@dataclass(frozen=True)
class Ruling:
    """What a mechanism decides. Transfers and fees by party, nothing where a party has none; the rest as in `Settlement`."""

    planned: Planned
    transfers: Mapping[str, float]
    fees: Mapping[str, float]
    excess: float | None = None


@dataclass(frozen=True)
class Table:
    """What every mechanism starts from: the reports, who plans, the baseline, and what it costs each party.

    `paid`: suppliers whose transfers are asked for; all, but for a search among one's misreports.
    """

    case: JointPlanCase
    planner: Planner
    start: Array
    before: Mapping[str, float]
    committed: JointPlanCase
    paid: tuple[str, ...]

    def plan(self, held: tuple[str, ...] = (), activity_fee: float = 0.0) -> Planned:
        """Return the plan at least cost of the parties that are not held."""
        return self.planner.plan(self.case, self.start, held, activity_fee)


def jit(table: Table) -> Ruling:
    """Return the baseline: everybody delivers what the receivers order, and nobody is paid anything for it."""
    return Ruling(table.plan(held=table.case.suppliers), {}, {})


def vcg(table: Table) -> Ruling:
    """Return the plan at least reported cost and fees, and transfers with which truth is best whatever the others report.

    transfer_i = h_i - [sum_{j != i} c_j(x) + kappa(x)]; h_i answers to nothing that i reports: with `pivot = baseline`
    sum_{j != i} c_j(x0), with `clarke` the least of sum_{j != i} c_j + kappa without i. The fees make it an affine maximiser.
    Where a lump sum is asked for, who takes part is decided with the plan: the best of all subsets of up to SUBSETS
    suppliers; of more, the best of everybody, nobody, all but one, and one alone. That range is fixed before the reports, so
    truth stays best; what it may cost is savings.
    """
    fixed, before, suppliers = table.case.mechanism, table.before, table.case.suppliers
    alpha, lump = fixed.activity_fee, fixed.participation_fee

    def fees(planned: Planned) -> float:
        return planned.fee + lump * (len(suppliers) - len(planned.held))

    def value(planned: Planned) -> float:
        return sum(planned.costs.values()) + fees(planned)

    plans = [table.plan(held, alpha) for held in (subsets(suppliers) if lump else [()])]
    best = min(plans, key=value)
    transfers, taken = {}, {}
    for name in table.paid:
        without, waived = sum(cost for other, cost in before.items() if other != name), 0.0
        if fixed.pivot == "clarke":
            others = [each for each in plans if name in each.held] if lump else [table.plan((name,), alpha)]
            least = min(others, key=value)  # i's own cost is in all of them the same: at the baseline
            without, waived = value(least) - least.costs[name], fees(least)
        transfers[name] = without - (value(best) - best.costs[name])
        taken[name] = fees(best) - waived
    bound = min(each.bound + sum(before[name] for name in each.held) + fees(each) - each.fee for each in plans)
    return Ruling(best, transfers, taken, max(value(best) - bound, 0.0))


def subsets(suppliers: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return who may be held, the fewest first."""
    n = len(suppliers)
    sizes = range(n + 1) if n <= SUBSETS else (0, 1, n - 1, n)
    return [held for size in sizes for held in combinations(suppliers, size)]


def agv(table: Table) -> Ruling:
    """Return the plan at least reported cost, and transfers that sum to 0 with which truth is best in expectation.

    See `externality`, and `Parameters` for the prior.
    """
    return Ruling(table.plan(), externality.transfers(table.case, table.committed, table.planner, table.start), {})


def split_savings(table: Table) -> Ruling:
    """Return the plan at least reported cost, and transfers that leave the suppliers their `share` of the reported savings.

    transfer_i = share * savings / n - (c_i(x0) - c_i(x)): to each of the n the same, to the receivers the rest. Truth is
    not best.
    """
    planned, suppliers = table.plan(), table.case.suppliers
    savings = sum(table.before.values()) - sum(planned.costs.values())
    each = table.case.mechanism.share * savings / len(suppliers)
    return Ruling(planned, {name: each - (table.before[name] - planned.costs[name]) for name in table.paid}, {})


def first_price(table: Table) -> Ruling:
    """Return the plan at least reported cost, and pay what each supplier says that it costs him: c_i(x) - c_i(x0).

    A truthful supplier gains nothing, receivers all savings; truth is not best.
    """
    planned = table.plan()
    return Ruling(planned, {name: planned.costs[name] - table.before[name] for name in table.paid}, {})


# each with the parameters that it has
MECHANISMS: Mapping[str, tuple[Callable[[Table], Ruling], tuple[str, ...]]] = {
    "jit": (jit, ()),
    "vcg": (vcg, ("pivot", "activity_fee", "participation_fee")),
    "agv": (agv, ("cost_factors", "draws", "seed")),
    "split_savings": (split_savings, ("share",)),
    "first_price": (first_price, ()),
}


def rule(
    case: JointPlanCase,
    mechanism: str,
    planner: Planner,
    start: Array,
    committed: JointPlanCase,
    paid: tuple[str, ...],
) -> tuple[Mapping[str, float], Ruling]:
    """Return every party's cost at the baseline `start`, and the mechanism's ruling, with the transfers of `paid` alone."""
    before = planner.costs(case, start)
    return before, MECHANISMS[mechanism][0](Table(case, planner, start, before, committed, paid))


def settle(
    case: JointPlanCase,
    mechanism: str,
    planner: Planner,
    *,
    baseline: Any = None,
    committed: JointPlanCase | None = None,
    **parameters: Any,
) -> Settlement:
    """Return what a mechanism makes of a case in which every record is as it was reported.

    `baseline`: the plan that was committed to, where it is not for the planner
    to make. `committed`: the case whose records the prior of `agv` is made from, which must not answer to reports; the case
    itself where none is given. `parameters` stand in for those of the case.
    Raises InputError for a mechanism or parameter that is not there, and what the planner raises.
    """
    return decide(case, mechanism, planner, baseline=baseline, committed=committed, **parameters)[0]


def decide(
    case: JointPlanCase,
    mechanism: str,
    planner: Planner,
    *,
    baseline: Any = None,
    committed: JointPlanCase | None = None,
    **parameters: Any,
) -> tuple[Settlement, Planned]:
    """Return the settlement, and the plan with its certificate and duals; see `settle`."""
    if mechanism not in MECHANISMS:
        raise InputError.of("mechanism", mechanism, f"one of {', '.join(MECHANISMS)}", case.name)
    own = MECHANISMS[mechanism][1]
    for name, value in parameters.items():
        if name not in own:
            raise InputError.of(name, value, f"for {mechanism} {', '.join(own) or 'no parameters'}", case.name)
    case = case.changed(**parameters)
    start = planner.baseline(case) if baseline is None else case.shared.vector(baseline)
    before, ruling = rule(case, mechanism, planner, start, case if committed is None else committed, case.suppliers)
    planned = ruling.planned
    settlement = Settlement(
        case=case,
        mechanism=mechanism,
        parameters={name: getattr(case.mechanism, name) for name in own},
        start=start,
        units=planned.plan,
        baseline_costs=before,
        costs=planned.costs,
        transfers={name: ruling.transfers.get(name, 0.0) for name in case.names},
        fees={name: ruling.fees.get(name, 0.0) for name in case.names},
        activity=planned.fee,
        held=planned.held,
        prices=planned.prices,
        excess=ruling.excess,
    )
    return settlement, planned
