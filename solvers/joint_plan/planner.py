"""The seam between who plans and what is paid: transfers, audits and rolling runs speak to a `Planner` alone.

`Central` is handed everybody's record and solves the joint model; under consensus nobody hands over a cost model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC

from veridical.data.joint_plan import JointPlanCase
from veridical.models.joint_plan import jit, joint, party_model
from veridical.solvers import Certificate, Configuration, SolverRecord, configure, solve

__all__ = ["Central", "Planned", "Planner", "fee_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Planned:
    """A plan at least cost of the parties that are not held, with the proof of it.

    plan: units, one a flow of `case.shared.flows`. costs: every party's own least cost at exactly that plan, held parties'
    too. fee: what the plan's activity costs, 0 without. bound: proven lower bound of `objective`. prices: of each flow, currency
    per unit (the dual of `agreement`; under consensus the agreed price); empty for truckloads. duals: all families of the
    central model; none under consensus. progress, log: rounds and messages of consensus.
    """

    plan: Array
    costs: Mapping[str, float]
    fee: float
    bound: float
    prices: pd.Series
    duals: Mapping[str, pd.Series]
    certificate: Certificate
    solver: SolverRecord
    held: tuple[str, ...] = ()
    progress: Any = None
    log: Any = None

    @property
    def objective(self) -> float:
        """Cost of all parties that are not held, plus the fee: what the plan minimises; currency."""
        return sum(cost for name, cost in self.costs.items() if name not in self.held) + self.fee


class Planner(Protocol):
    """Who makes plans and knows what they cost each party."""

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan, units, one a flow: it answers to no supplier's report."""

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least, by its own model; of `names` alone where some are given."""

    def plan(self, case: JointPlanCase, baseline: Array, held: Collection[str] = (), activity_fee: float = 0.0) -> Planned:
        """Return the plan at least cost of the parties that are not held at the baseline, activity paid for per m3."""


class Central:
    """A planner that is handed everybody's record: one joint model, solved by any solver that is configured.

    Raises what `veridical.solvers.solve` raises; a plan without a certificate is none.
    """

    def __init__(self, solver: str | Path | Mapping[str, Any] | Configuration = "highs") -> None:
        self.configuration = configure(solver)

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        with PauseGC():
            model = jit.build(case)
            solve(model, self.configuration)
        return jit.plan_of(model)

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return each party's least cost with its share of the plan fixed: a model a party, nothing of the others in it."""
        return {name: self._cost(case, plan, name) for name in case.names if names is None or name in names}

    def plan(self, case: JointPlanCase, baseline: Array, held: Collection[str] = (), activity_fee: float = 0.0) -> Planned:
        """Return the joint plan; its costs are those of the parties' own models at exactly this plan, not the joint model's."""
        with PauseGC():
            began = perf_counter()
            model = joint.build(case, baseline, held, activity_fee)
            built = perf_counter() - began
            solution = solve(model, self.configuration)
        plan = joint.plan_of(model)
        return Planned(
            plan=plan,
            costs=self.costs(case, plan),
            fee=fee_of(case, plan, baseline, activity_fee),
            bound=solution.bound,
            prices=solution.duals.get("agreement", pd.Series(dtype=float, name="dual")),
            duals=solution.duals,
            certificate=solution.certificate,
            solver=replace(solution.solver, seconds=replace(solution.solver.seconds, build=built)),
            held=tuple(name for name in case.names if name in held),
        )

    def _cost(self, case: JointPlanCase, plan: Array, name: str) -> float:
        with PauseGC():
            model = party_model(case, name)
            for variable, units in zip(model.plan.values(), plan[case.shared.share(name)].tolist(), strict=True):
                variable.fix(units)
            return solve(model, self.configuration).objective


def fee_of(case: JointPlanCase, plan: Array, baseline: Array, activity_fee: float) -> float:
    """Return what a plan pays for its activity: the fee, currency per m3, times the volume by which it leaves the baseline."""
    return activity_fee * float(case.shared.volume @ np.abs(plan - baseline)) if activity_fee else 0.0
