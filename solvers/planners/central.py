"""The plans that somebody with all reports can compute: the baseline, the joint plan, counterfactuals; costs of any plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from veridical import models
from veridical.contracts.joint_plan.planner import Planned as Plan
from veridical.contracts.joint_plan.planner import fee_of
from veridical.data import CertificateError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, Part
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.solution import Solution, Termination

__all__ = ["Central", "Planned", "cost_at", "costs_at", "jit", "joint", "party_at"]

Array = NDArray[np.float64]
Solver = str | Path | Mapping[str, Any] | Configuration
TRUCKS: Mapping[str, Any] = {"solver": "highs", "tolerance": 5e-3}  # relative gap of cost to which whole trucks are solved


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan and what it costs.

    plan: units, one a flow, in the order of `case.shared.flows`. costs: currency, of every party that is not held. held: the
    parties that stay at the baseline, whose cost is not in `costs`. fee: activity fee that the plan pays. solution: the certified
    optimum, with its bound and duals; None for a plan that was priced, not optimised. model: the solved one.
    """

    case: JointPlanCase
    plan: Array
    costs: Mapping[str, float]
    held: tuple[str, ...] = ()
    fee: float = 0.0
    solution: Solution | None = None
    model: Any = None

    @property
    def total(self) -> float:
        """Sum of the costs, without the fee."""
        return float(sum(self.costs.values()))

    @property
    def gap(self) -> float:
        """What the plan may cost more than the best one, currency, as proven; what a misreport could gain is no more."""
        if self.solution is None:
            return float("nan")
        return max(self.solution.objective - self.solution.bound, 0.0)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Flow by flow: units, the price paid, and what one more unit costs supplier and receiver (currency per unit).

        The two sum to 0 where they are known: what one more unit costs the supplier beyond its price, it saves the receiver.
        At 0 units any value between their own marginal costs is right. NaN where there are no duals (whole trucks).
        """
        shared = self.case.shared
        table = pd.DataFrame({"units": self.plan, "price": shared.price}, index=shared.index)
        duals = {} if self.solution is None else self.solution.duals
        price = duals["agreement"].reindex(shared.index).to_numpy() if "agreement" in duals else np.full(len(table), np.nan)
        return table.assign(supplier_marginal=price, receiver_marginal=-price)


def jit(case: JointPlanCase, solver: Solver | None = None, priced: bool = True) -> Planned:
    """Return the baseline: the receivers' own plan, and, where it is to be `priced`, what it costs everybody.

    It is unique (see `Parameters.tie_break`).
    """
    m = models.joint_plan.jit.build(case)
    solution = _solve(m, solver)
    plan = models.joint_plan.jit.plan_of(m)
    return Planned(case, plan, _priced(case, plan, solver) if priced else {}, solution=solution)


def joint(
    case: JointPlanCase,
    solver: Solver | None = None,
    baseline: Any = None,
    held: Collection[str] = (),
    activity_fee: float = 0.0,
    start: Any = None,
) -> Planned:
    """Return the plan at the least cost of all parties that are not `held` at `baseline`, with what it costs each of them.

    With every receiver or every supplier held nothing is left to decide, and the others are priced at the baseline.
    `activity_fee`: currency per m3 of difference from the baseline, paid in the objective and told apart as `fee`.
    `start`: a solved joint model of the same parties, whose values are begun with by solvers that do. Ipopt then took a tenth to
    a third of the time for a plan without one supplier or with another report (324 flows); HiGHS's interior point takes no start.
    Raises NotSolvedError and CertificateError as `veridical.solvers.solve`.
    """
    names = tuple(dict.fromkeys(held))
    began = perf_counter()
    m = models.joint_plan.joint.build(case, baseline, names, activity_fee)
    built = perf_counter() - began
    if start is not None:
        _begin(m, start)
    solution = _solve(m, solver, case, built)
    costs = {name: float(pyo.value(m.parties[name].cost)) for name in m.parties}
    fee = float(pyo.value(m.fee)) if activity_fee else 0.0
    return Planned(case, models.joint_plan.joint.plan_of(m), costs, names, fee, solution, m)


# Relative gap of the joint model at which its blocks say what the plan costs each party: none is above its least cost by more
# than the gap. To ask the parties' own models took longer than the plan (0.3 s against 0.1 s, 324 flows).
PROVEN = 1e-9


def _begin(model: Any, start: Any) -> None:
    """Give the variables of each party's block the values that they have in another model, where that has them."""
    for name in model.parties:
        if name in start.parties:
            for component in model.parties[name].component_objects(pyo.Var):
                other = start.parties[name].component(component.local_name)
                for key, variable in component.items():
                    if other is not None and key in other and not variable.fixed:
                        variable.set_value(other[key].value, skip_validation=True)


def party_at(case: JointPlanCase | Part, name: str | None, plan: Any, solver: Solver | None = None) -> tuple[Any, Solution]:
    """Return a party's own model, solved with the shared plan fixed, and the certified solution.

    `plan` is over the flows of the case (or part).
    """
    m = models.joint_plan.party_model(case, name)
    share = case.shared.vector(plan)
    if isinstance(case, JointPlanCase):
        share = share[case.shared.share(str(name))]
    for variable, units in zip(m.plan.values(), np.maximum(share, 0.0).tolist(), strict=True):
        variable.fix(units)
    return m, _solve(m, solver, case)


def cost_at(case: JointPlanCase | Part, name: str | None, plan: Any, solver: Solver | None = None) -> float:
    """Return a party's least cost, currency, when the shared plan is fixed; `plan` is over the flows of the case (or part)."""
    return party_at(case, name, plan, solver)[1].objective


def costs_at(case: JointPlanCase, plan: Any, solver: Solver | None = None) -> pd.Series:
    """Return every party's least cost, currency, at a plan."""
    return pd.Series(_priced(case, plan, solver), name="cost").rename_axis("party")


def _priced(case: JointPlanCase, plan: Any, solver: Solver | None) -> dict[str, float]:
    return {name: cost_at(case, name, plan, solver) for name in case.names}


def _solve(model: Any, solver: Solver | None, case: JointPlanCase | Part | None = None, built: float = 0.0) -> Solution:
    """Return the certified solution; where no solver is named, HiGHS, and Ipopt where it does not come to a certificate."""
    from veridical.solvers import solve  # the package above is made of its rooms, this one among them

    whole = case is not None and case.shared.truckload
    if solver is not None:
        found = solve(model, solver)
    else:
        try:
            found = solve(model, configure(TRUCKS if whole else "highs"))
        except (NotSolvedError, CertificateError) as error:
            if whole or getattr(error, "status", None) in (Termination.INFEASIBLE, Termination.UNBOUNDED):
                raise
            found = solve(model, "ipopt")
    return replace(found, solver=replace(found.solver, seconds=replace(found.solver.seconds, build=built)))


class Central:
    """A planner that is handed everybody's record: one joint model, solved by any solver that is configured.

    `solver` as `veridical.solvers.solve` takes it; None: HiGHS, and Ipopt where it does not come to a certificate. Raises what
    that raises: a plan without a certificate is none.
    """

    def __init__(self, solver: str | Path | Mapping[str, Any] | Configuration | None = None) -> None:
        self.solver = None if solver is None else configure(solver)
        self._last: Any = None  # the latest joint model, where the solver begins with values

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        return jit(case, self.solver, priced=False).plan

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return each party's least cost with its share of the plan fixed: a model a party, nothing of the others in it."""
        asked = case.names if names is None else names
        return {name: cost_at(case, name, plan, self.solver) for name in case.names if name in asked}

    def plan(self, case: JointPlanCase, baseline: Array, held: Collection[str] = (), activity_fee: float = 0.0) -> Plan:
        """Return the joint plan; each party's cost is its block's where the gap is at most `PROVEN`, else its own model's."""
        found = joint(case, self.solver, baseline, held, activity_fee, self._last)
        if self.solver is not None and self.solver.solver == "ipopt":
            self._last = found.model
        solution = found.solution
        assert solution is not None
        proven = solution.certificate.gap <= PROVEN
        own = found.costs if proven else {}
        asked = [name for name in case.names if name not in own]
        return Plan(
            plan=found.plan,
            costs={**own, **self.costs(case, found.plan, asked)},
            fee=fee_of(case, found.plan, baseline, activity_fee),
            bound=solution.bound,
            prices=solution.duals.get("agreement", pd.Series(dtype=float, name="dual")),
            duals=solution.duals,
            certificate=solution.certificate,
            solver=solution.solver,
            held=found.held,
        )
