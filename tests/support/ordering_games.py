"""Games of ordering at a fixed price: by hand, at random, and what better orders would bring."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from support.allocation_cases import EXPONENTIAL, LINEAR, NORMAL, POWER, group
from veridical.data.allocation import AllocationCase, FixedPrice
from veridical.data.fields import check
from veridical.solvers.closed_form import rationing as rules
from veridical.solvers.closed_form.fixed_price import Equilibrium, MultipleEquilibria, fixed_price

Array = NDArray[np.float64]

REVENUES = (LINEAR, POWER, NORMAL, EXPONENTIAL)
RULES: list[dict[str, Any]] = [
    {"rule": "linear"},
    {"rule": "proportional"},
    {"rule": "uniform"},
    {"rule": "generalized_linear", "exponent": 2.0},
    {"rule": "generalized_linear", "exponent": 0.6},
]
STEPS = 4000  # of the grid of orders by which brute force looks for a better one


def ordering_game(*groups: dict[str, Any], price: float, rule: Any = "linear", **fields: Any) -> AllocationCase:
    """Return a case in which retailers order at a wholesale price and are rationed by a rule."""
    terms = rule if isinstance(rule, dict) else {"rule": rule}
    return check(AllocationCase, {"retailers": list(groups), "fixed_price": {"wholesale_price": price, **terms}, **fields})


def rationed(terms: FixedPrice, orders: ArrayLike, capacity: float) -> Array:
    """Return what all retailers get, shape (..., N), by the rules on their own."""
    if terms.exponent is None:
        rule: Callable[[ArrayLike, ArrayLike], Array] = getattr(rules, terms.rule)
        return rule(orders, capacity)
    power = terms.exponent
    return rules.generalized_linear(orders, capacity, lambda q: q**power, lambda y: y ** (1 / power))


def profiles_of(own: AllocationCase, groups: Sequence[int]) -> list[tuple[tuple[int, ...], float]]:
    """Return every ordering of the types of retailers of those groups, one by one, with its probability."""
    sizes = [range(len(own.retailers[g].theta)) for g in groups]
    return [
        (types, math.prod(float(own.retailers[g].probability[k]) for g, k in zip(groups, types, strict=True)))
        for types in itertools.product(*sizes)
    ]


def profits(own: AllocationCase, orders: Sequence[Array], capacity: float, g: int, k: int, placed: Array) -> Array:
    """Return what type k of group g earns by each of the orders `placed` where all others order `orders`."""
    assert own.fixed_price is not None
    retailer, rest = own.retailers[g], list(own.order)
    rest.remove(g)
    earned = np.zeros(len(placed))
    for types, probability in profiles_of(own, rest):
        theirs = [np.full(len(placed), orders[h][t]) for h, t in zip(rest, types, strict=True)]
        got = rationed(own.fixed_price, np.column_stack([placed, *theirs]), capacity)[:, 0]
        earned += probability * (retailer.revenue.value(got, retailer.theta[k]) - own.fixed_price.wholesale_price * got)
    return earned


def gain(own: AllocationCase, orders: Sequence[Array], capacity: float, steps: int = STEPS) -> float:
    """Return the most that any type gains by an order of a fine grid of [0, K]."""
    grid, found = np.linspace(0.0, capacity, steps + 1), 0.0
    for g, retailer in enumerate(own.retailers):
        for k in range(len(retailer.theta)):
            earned = profits(own, orders, capacity, g, k, np.append(grid, orders[g][k]))
            found = max(found, float(earned.max() - earned[-1]))
    return found


def solved(own: AllocationCase, **arguments: Any) -> Equilibrium:
    """Return an equilibrium, whether it is the only one or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MultipleEquilibria)
        return fixed_price(own, **arguments)


@st.composite
def games(draw: st.DrawFn, kinds: Sequence[Any] = ("linear", "proportional", "uniform"), most: int = 2) -> AllocationCase:
    """Return games of one or two groups of up to `most` retailers; capacity from scarce to ample."""
    groups = []
    for members in draw(st.sampled_from([[most], [most, most], [1, most]])):
        types = np.cumsum(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))) + 1.0
        weights = draw(st.lists(st.integers(1, 9), min_size=len(types), max_size=len(types)))
        share = (np.array(weights) / sum(weights)).tolist()
        count, revenue = draw(st.sampled_from(range(members, 0, -1))), draw(st.sampled_from(REVENUES))
        groups.append(group(types.tolist(), share, revenue, count))
    price, rule = draw(st.integers(1, 8)) / 2, draw(st.sampled_from(list(kinds)))
    own = ordering_game(*groups, price=price, rule=rule, capacity=1.0)
    wanted = sum(
        n * float(each.revenue.quantity(price, each.theta[-1])) for n, each in zip(own.members, own.retailers, strict=True)
    )
    return own.changed(capacity=max(wanted, 0.5) * draw(st.sampled_from([0.6, 0.9, 1.1, 0.3, 0.1])))
