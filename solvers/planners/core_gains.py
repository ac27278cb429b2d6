"""Gains in the core nearest to Clarke's, by HiGHS: a program of one variable a supplier."""

from __future__ import annotations

from collections.abc import Mapping

from veridical import models
from veridical.solvers import solve

__all__ = ["core_gains"]


def core_gains(clarke: Mapping[str, float], limits: Mapping[tuple[str, ...], float], point: str) -> dict[str, float]:
    """Return the gains by supplier, currency; see `veridical.contracts.joint_plan.core` and `models.joint_plan.core`.

    Amounts are in units of the largest of Clarke's while they are solved for, so that no tolerance depends on the currency.
    Raises what `veridical.solvers.solve` raises.
    """
    unit = max(clarke.values(), default=0.0)
    if unit <= 0:
        return dict.fromkeys(clarke, 0.0)
    build, gains_of = models.joint_plan.core.build, models.joint_plan.core.gains_of
    shares = {name: gain / unit for name, gain in clarke.items()}
    within = {group: limit / unit for group, limit in limits.items()}
    total = None
    if point == "bidder_optimal":
        total = max(-solve(build(shares, within, largest=True), "highs").objective, 0.0)
    m = build(shares, within, total)
    solve(m, "highs")
    return {name: unit * gain for name, gain in gains_of(m).items()}
