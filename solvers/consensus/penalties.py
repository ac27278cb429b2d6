"""The weights of proximal terms: where they start, and how they follow the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from veridical.data.arrays import Array
from veridical.data.joint_plan import Shared

__all__ = ["SETTLED", "Residuals", "balanced", "eased", "first_rho", "relative_norm"]

TYPICAL = 0.3  # rho times the typical flow, currency per unit
EXPONENT = 0.75  # of how small a flow is, in its rho
BULK = 0.5  # of how many m3 a unit is, in its rho: what a unit costs goes with its volume
SPREAD = 100.0  # flows are taken for no more different in size than this
EASED = {15: 0.5, 28: 1.7}  # what rho is multiplied by after these rounds
SLIGHT = 1e-5  # of the typical flow: residuals below it tell nothing
SETTLED = 28  # rounds, with a fee, in which rho of flows is found, and nothing is accelerated
BAND, MOST, LAST = 4.0, 3.0, 200  # residuals further apart balance rho, at most by this factor, up to this round
EVENED = (5, 10, 15, 20, 25, *range(35, LAST, 10))  # rounds after which the rho of flows is evened out among them


def first_rho(shared: Shared, baseline: Array, typical: float, rho: float | None = None) -> Array:
    """Return rho of each flow: `rho`, or what suits the `typical` flow, and more where less is usual of its product there.

    One step is to move a price by as much, in its own size, whether flows are large or small, and units bulky or not.
    """
    keys = [(flow.site, flow.product) for flow in shared.flows]
    number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    place = np.array([number[key] for key in keys], dtype=np.int64)
    usual = (np.bincount(place, baseline) / np.maximum(np.bincount(place), 1))[place]
    smaller = np.clip(typical / np.maximum(usual, typical / SPREAD), 1 / SPREAD, SPREAD)
    some = shared.volume[shared.volume > 0.0]
    bulkier = np.clip(shared.volume / (np.exp(np.log(some).mean()) if len(some) else 1.0), 1 / SPREAD, SPREAD)
    scaled: Array = (rho or TYPICAL / typical) * smaller**EXPONENT * bulkier**BULK
    return scaled


def eased(rho: Array, number: int, every: int) -> Array:
    """Return rho for the rounds that come: lower once the large differences are settled, and higher again near the end.

    Where most flows are at their limits, prices are found by those few that are not, and these move by what a price is off over
    rho; before that, so low a rho would have everything swing. Then both ends have to come to one plan, which takes a higher one.
    The rounds are those that did best on pilots of 1,000 to 50,000 flows. `every`: as for `balanced`; 0: rho stays as it is.
    """
    return rho * EASED.get(number, 1.0) if every else rho


class Residuals:
    """Residuals of each flow since rho was evened out: how far its two ends are apart, and by how much its price moves."""

    def __init__(self, flows: int) -> None:
        self.apart, self.changed = np.zeros(flows), np.zeros(flows)  # sums of squares

    def add(self, apart: Array, changed: Array) -> None:
        """Take in a round's: units, and currency per unit."""
        self.apart += apart**2
        self.changed += changed**2

    def evened(self, rho: Array, number: int, every: int, typical: float) -> Array:
        """Return rho with more of it where ends are further apart, for what their prices move, and less elsewhere.

        Curvature is not the same from lane to lane and from product to product, and where neither side has any flows drift until
        they come to a limit, by what their price is off over rho. All rho together stay as they are on average.
        `every`: as for `balanced`; `typical`: units.
        """
        if not every or number not in EVENED:
            return rho
        least = SLIGHT * typical
        apart, changed = np.maximum(np.sqrt(self.apart), least), np.maximum(np.sqrt(self.changed) / rho, least)
        self.apart, self.changed = np.zeros(len(rho)), np.zeros(len(rho))
        factor = np.clip(np.log(apart / changed) / 2, -np.log(MOST), np.log(MOST))
        some = (apart > least) | (changed > least)
        if not some.any():
            return rho
        return np.where(some, rho * np.exp(factor - factor[some].mean()), rho)


def balanced(rho: Array, ratios: list[Any], number: int, every: int) -> Array:
    """Return rho moved to where the residuals were about equal on average; single rounds swing too much to go by.

    `ratios`, of primal to dual residual, as logarithms (of all together, or one each), since this was done last, are used up.
    every: so many rounds, 0: never.
    """
    if not every or number % every or number > LAST or not ratios:
        return rho
    factor = np.exp(np.mean(ratios[-every:], axis=0))
    ratios.clear()
    even = (factor >= 1 / BAND) & (factor <= BAND)
    return np.where(even, rho, rho * np.clip(np.sqrt(factor), 1 / MOST, MOST))


def relative_norm(what: Array, *against: Array) -> float:
    """Return a norm relative to the largest of others."""
    return float(np.linalg.norm(what)) / max(*(float(np.linalg.norm(vector)) for vector in against), 1e-9)
