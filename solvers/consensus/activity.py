"""The coordinator's own copy of a plan, on which the activity fee is paid, and the price at which receivers agree with it.

The fee has a kink at the baseline. A flow is either kept there, and its price is anything up to the fee a unit; or it moves, and
its price is the fee, whatever the plan is. So the copy holds receivers to the baseline where flows are kept. Where they move it
would hold them to nothing but their own last answers, and damp every round: there it has no weight, as long as rounds are few.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from veridical.data.arrays import Array, Booleans

__all__ = ["CAREFUL", "WEIGHT", "ActivityCopy"]

WEIGHT = 2.0  # of the copy, times rho: what the price of a kept flow moves by
CAREFUL = 150  # rounds after which the copy counts everywhere: alternating directions as they are proven to converge


@dataclass
class ActivityCopy:
    """One run's. `fee`: currency for each unit that a flow is off the `baseline`, one a flow; `price`: from -fee to fee."""

    baseline: Array
    fee: Array
    relaxation: float
    plan: Array = field(init=False)
    price: Array = field(init=False)

    def __post_init__(self) -> None:
        self.plan, self.price = self.baseline.copy(), np.zeros(len(self.baseline))

    def weight(self, number: int) -> Array:
        """Return the weight of the copy in receivers' steps of a round, relative to rho."""
        return np.where((self.plan == self.baseline) | (number > CAREFUL), WEIGHT, 0.0)

    def mixed(self, copies: Array) -> Array:
        """Return what the copy steps around: receivers' plans, over-relaxed."""
        return self.relaxation * copies + (1 - self.relaxation) * self.plan

    def move(self, mixed: Array, rho: Array, moved: Booleans) -> tuple[Array, Array]:
        """Move copy and price where flows have `moved`; return by how much each has changed."""
        rho = WEIGHT * rho
        away = mixed + self.price / rho - self.baseline
        kept = np.sign(away) * np.maximum(np.abs(away) - self.fee / rho, 0.0)
        plan = np.where(moved, np.maximum(self.baseline + kept, 0.0), self.plan)
        step = np.where(moved, rho * (mixed - plan), 0.0)
        change, self.plan = plan - self.plan, plan
        self.price = self.price + step
        return change, step
