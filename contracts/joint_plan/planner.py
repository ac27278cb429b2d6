"""The seam between who plans and what is paid: transfers, audits and rolling runs speak to a `Planner` alone.

`Central` is handed everybody's record and solves the joint model; under consensus nobody hands over a cost model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.data.joint_plan import JointPlanCase

__all__ = ["Planned", "Planner", "fee_of"]

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
    certificate: Any
    solver: Any
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


def fee_of(case: JointPlanCase, plan: Array, baseline: Array, activity_fee: float) -> float:
    """Return what a plan pays for its activity: the fee, currency per m3, times the volume by which it leaves the baseline."""
    return activity_fee * float(case.shared.volume @ np.abs(plan - baseline)) if activity_fee else 0.0
