"""Whether the functions of a revenue of one's own fit together: each algorithm rests on others of them.

Revenue is concave with the slope R_q. So between any two quantities it rises by no more than the width times the slope at the
lower one, and by no less than the width times the slope at the upper one: bounds without any quadrature, tight on a fine grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from veridical.data.arrays import Array

if TYPE_CHECKING:
    from veridical.data.revenue import Revenue

__all__ = ["disagreement"]

OURS = __name__.partition(".")[0]
POINTS, SLACK = 512, 1e-6  # quantities that are compared; of the largest revenue, and of the slope at the first quantity
BESIDE = 1e-6  # relative: from a quantity to where a slope that jumps there has jumped
NODES, ROUGHLY = 64, 0.01  # of the integral of R_theta over types, and how exact it is where R_theta jumps


def disagreement(revenue: Revenue, types: Array) -> tuple[str, str] | None:
    """Return what functions of a class that is not of this package say, and what they should; None where they fit.

    They are compared at up to five of the `types`, ascending.
    """
    demand = getattr(revenue, "demand", None)
    foreign = [type(one) for one in (demand, revenue) if one is not None and not type(one).__module__.startswith(f"{OURS}.")]
    if not foreign:
        return None
    name = foreign[0].__name__ if foreign[0] is type(revenue) else f"{type(revenue).__name__} of {foreign[0].__name__}"
    chosen = np.unique(types[np.linspace(0, len(types) - 1, 5).astype(int)])
    try:
        for theta in chosen[chosen > 0].tolist():
            if (said := _at(revenue, name, theta)) is not None:
                return said
        return _between(revenue, name, chosen) if len(chosen) > 1 else None
    except Exception as error:  # whatever somebody else's class may raise
        return f"<{name}: {type(error).__name__}: {error}>", "value, marginal, by_type and quantity that take and return arrays"


def _at(revenue: Revenue, name: str, theta: float) -> tuple[str, str] | None:
    """Compare the functions of quantity at a type."""
    q = _grid(revenue, theta)
    if not q.size:
        return None
    value, slope = _numbers(revenue.value(q, theta), q), _numbers(revenue.marginal(q, theta), q)
    size, steep = float(np.abs(value).max()), float(np.abs(slope).max())
    start = float(_numbers(revenue.value(np.zeros(1), theta), q[:1])[0])
    if not abs(start) <= SLACK * size:
        return f"<{name}.value(0, {theta:g}) = {start:.6g}>", "R(0, theta) = 0"
    width, rise = np.diff(q), np.diff(value)
    off = np.maximum(rise - width * slope[:-1], width * slope[1:] - rise)
    k = int(np.argmax(off))
    if not off[k] <= SLACK * size:
        found = f"<{name}.value({q[k]:.6g}, {theta:g}) = {value[k]:.6g}, with the slope {rise[k] / width[k]:.6g}>"
        return found, f"a concave revenue with the slope marginal(q, theta) = {slope[k]:.6g}"
    positive = slope > SLACK * steep
    q, slope = q[positive], slope[positive]
    most = _numbers(revenue.quantity(slope, theta), q)
    before, after = (revenue.marginal(most * (1 + sign * BESIDE), theta) for sign in (-1, 1))
    off = np.maximum(slope - before, after - slope)
    k = int(np.argmax(off)) if len(q) else 0
    if len(q) and not off[k] <= SLACK * steep + BESIDE * slope[k]:
        return f"<{name}.quantity({slope[k]:.6g}, {theta:g}) = {most[k]:.6g}>", f"the q with marginal(q, theta) = {slope[k]:.6g}"
    return None


def _between(revenue: Revenue, name: str, types: Array) -> tuple[str, str] | None:
    """Compare the revenues of the lowest and the highest type with the derivative by type."""
    low, high = float(types[0]), float(types[-1])
    q = _grid(revenue, high)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    each = revenue.by_type(q[:, None], ((low + high) + nodes * (high - low)) / 2)
    found, wanted = np.asarray(each) @ weights * (high - low) / 2, revenue.value(q, high) - revenue.value(q, low)
    off = np.abs(found - wanted)
    k = int(np.argmax(off)) if len(q) else 0
    if len(q) and not off[k] <= ROUGHLY * np.abs(revenue.value(q, high)).max():
        said = f"<{name}.by_type({q[k]:.6g}, theta), {found[k]:.6g} from {low:g} to {high:g}>"
        return said, f"the derivative of value(q, theta) by theta, which rises by {wanted[k]:.6g}"
    return None


def _grid(revenue: Revenue, theta: float) -> Array:
    """Return quantities above 0 up to the largest that is of use; up to some, where there is no largest."""
    for least in (0.0, float(revenue.marginal(1.0, theta)) / 10):
        most = float(revenue.quantity(least, theta))
        if np.isfinite(most):
            return np.arange(1, POINTS + 1) * most / POINTS if most > 0 else np.zeros(0)
    return np.zeros(0)


def _numbers(values: object, like: Array) -> Array:
    """Return numbers, one for each quantity that was given."""
    found = np.asarray(values, dtype=float)
    if found.shape != like.shape:
        raise ValueError(f"an array of the shape {found.shape}, for quantities of the shape {like.shape}")
    return found
