"""The seam between who plans and what is paid: transfers, audits and rolling runs speak to a `Planner` alone.

`Central` is handed everybody's record and solves the joint model; under consensus nobody hands over a cost model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.certificate import Certificate
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.joint_plan import central
from veridical.solvers.solution import SolverRecord

__all__ = ["Central", "Planned", "Planner", "fee_of"]

Array = NDArray[np.float64]
# Relative gap of the joint model at which its blocks say what the plan costs each party: none is above its least cost by more
# than the gap. To ask the parties' own models took longer than the plan (0.3 s against 0.1 s, 324 flows).
PROVEN = 1e-9


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

    `solver` as `veridical.solvers.solve` takes it; None: as `central` chooses. Raises what that raises: a plan without a
    certificate is none.
    """

    def __init__(self, solver: str | Path | Mapping[str, Any] | Configuration | None = None) -> None:
        self.solver = None if solver is None else configure(solver)
        self._last: Any = None  # the latest joint model, where the solver begins with values

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        return central.jit(case, self.solver, priced=False).plan

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return each party's least cost with its share of the plan fixed: a model a party, nothing of the others in it."""
        asked = case.names if names is None else names
        return {name: central.cost_at(case, name, plan, self.solver) for name in case.names if name in asked}

    def plan(self, case: JointPlanCase, baseline: Array, held: Collection[str] = (), activity_fee: float = 0.0) -> Planned:
        """Return the joint plan; each party's cost is its block's where the gap is at most `PROVEN`, else its own model's."""
        found = central.joint(case, self.solver, baseline, held, activity_fee, self._last)
        if self.solver is not None and self.solver.solver == "ipopt":
            self._last = found.model
        solution = found.solution
        assert solution is not None
        proven = solution.certificate.gap <= PROVEN
        own = found.costs if proven else {}
        asked = [name for name in case.names if name not in own]
        return Planned(
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


def fee_of(case: JointPlanCase, plan: Array, baseline: Array, activity_fee: float) -> float:
    """Return what a plan pays for its activity: the fee, currency per m3, times the volume by which it leaves the baseline."""
    return activity_fee * float(case.shared.volume @ np.abs(plan - baseline)) if activity_fee else 0.0
