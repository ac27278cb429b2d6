"""Cases of continuous costs."""

from typing import Any

from veridical.data.continuous_case import ContinuousCase
from veridical.data.fields import check

DEMAND = {"distribution": "uniform", "low": 100, "high": 900}
POINTS = {"distribution": "empirical", "values": [120, 310, 560, 870], "weights": [0.15, 0.35, 0.3, 0.2]}
GAMMA = {"distribution": "gamma", "mean": 500, "sd": 180}
ARCSINE = {"distribution": "beta", "a": 0.5, "b": 0.5, "loc": 3, "scale": 10}  # its virtual cost is not monotone
NORMAL = {"distribution": "norm", "loc": 5, "scale": 1.5, "low": 2, "high": 9}
WIDE = {"distribution": "beta", "a": 2, "b": 4, "loc": 4, "scale": 6}
LATE = {"distribution": "beta", "a": 2, "b": 3, "loc": 5, "scale": 9}


def uniform(low: float, high: float) -> dict[str, Any]:
    """Return a cost, uniform between two ends."""
    return {"distribution": "uniform", "low": low, "high": high}


def case(*costs: dict[str, Any], price: float = 30.0, demand: Any = DEMAND, correlation: Any = None) -> ContinuousCase:
    """Return a case with suppliers a, b, ...; `correlation` is a matrix, or a number for two suppliers."""
    raw: dict[str, Any] = {"name": "by hand", "price": price, "demand": demand}
    raw["suppliers"] = [{"name": "abcdefgh"[i], "cost": cost} for i, cost in enumerate(costs)]
    if correlation is not None:
        matrix = correlation if isinstance(correlation, list) else [[1.0, correlation], [correlation, 1.0]]
        raw["prior"] = {"correlation": matrix}
    return check(ContinuousCase, raw)


MANY = {
    "one": case(uniform(3, 13)),
    "all buy": case(uniform(3, 13), uniform(2, 7), price=60.0),
    "some profiles buy nothing": case(uniform(3, 13), uniform(2, 7), price=25.0),
    "free at best": case(uniform(0, 10), NORMAL, demand={"distribution": "exponential", "mean": 400}),
    "demand points": case(uniform(3, 13), NORMAL, price=25.0, demand=POINTS),
    "ironed": case(ARCSINE, NORMAL, price=28.0),
    "correlated": case(WIDE, LATE, price=40.0, demand=GAMMA, correlation=-0.4),
    "three": case(uniform(3, 13), uniform(2, 7), uniform(1, 3), price=60.0),
}
SMALL = tuple(name for name in MANY if name != "correlated")
