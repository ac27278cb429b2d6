"""The assembler's mechanisms in closed form, for any number of costs and any prior: from a case straight to its menu.

The newsvendor quantity at the right unit cost, profile by profile: full cost for `first_best`, highest cost for `naive`, pooled
virtual cost for ICDS (Propositions 1 and 2 of the ICDS paper, with pooling by isotonic regression in place of (20)-(23)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from veridical.data import AssemblerCase, InputError, Menu, virtual_cost, weighted_virtual_cost
from veridical.solvers.closed_form.isotonic import chain, covers, isotonic

__all__ = ["ClosedForm", "first_best", "icds", "icds_balanced", "monotone", "naive", "pooled_virtual_cost"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClosedForm:
    """An optimal menu, the upper bound on profit that proves it, and the relative error of the optimality condition."""

    menu: Menu
    bound: float
    residual: float


def first_best(case: AssemblerCase) -> ClosedForm:
    """Return the first best: F(q(t)) = ((r - c(t)) / r)^+, paid at cost. (6)-(7)."""
    case.refuse_large_menu()
    cost = case.total_cost
    quantity = case.demand.newsvendor_quantity(case.price, cost)
    payment = np.stack([case.costs(i) * quantity for i in range(len(case.shape))])
    return ClosedForm(Menu(case, quantity, payment), _most(case, case.probability, cost), 0.0)


def naive(case: AssemblerCase) -> ClosedForm:
    """Return the naive mechanism: one quantity, everybody paid his highest cost. Definition 1."""
    case.refuse_large_menu()
    highest = np.array([supplier.costs[-1] for supplier in case.suppliers])
    one = (1,) * len(case.shape)
    quantity = case.demand.newsvendor_quantity(case.price, highest.sum()).reshape(one)
    menu = Menu(case, quantity, highest.reshape(-1, *one) * quantity)
    return ClosedForm(menu, _most(case, np.ones(()), highest.sum()), 0.0)


def icds_balanced(case: AssemblerCase) -> ClosedForm:
    """Return the best balanced truthful menu: F(q(t)) = ((r - v(t)) / r)^+ at the pooled virtual cost v. (19), (22)."""
    case.refuse_large_menu()
    pooled = pooled_virtual_cost(case)
    quantity = case.demand.newsvendor_quantity(case.price, pooled)
    weighted = weighted_virtual_cost(case)
    with np.errstate(invalid="ignore"):
        # Pooling moves virtual cost between profiles that buy alike, so cost is the same at raw and pooled: a condition
        # that the optimum meets and hardly another point does.
        at_pooled = np.where(quantity > 0, case.probability * pooled * quantity, 0.0).sum()
    raw = (weighted * quantity).sum()
    wrong = abs(float(at_pooled - raw)) + float(quantity.max()) * _misplaced(case, pooled)
    residual = wrong / max(1.0, abs(float(raw)))
    return ClosedForm(Menu.balanced(case, quantity), _most(case, case.probability, pooled), residual)


def icds(case: AssemblerCase) -> ClosedForm:
    """Return the ICDS optimum where balanced ordering is known to be optimal.

    That is where virtual cost is monotone (18), or costs are independent (then pooling each supplier's own virtual cost
    proves it, for any number of costs). Elsewhere the full model can earn more than any balanced menu.
    Raises InputError there.
    """
    case.refuse_large_menu()
    if not (case.independent or monotone(case)):
        raise InputError.of(
            "solver",
            "closed_form",
            "for `icds` only cases with independent costs or monotone virtual cost, condition (18): elsewhere unbalanced menus "
            "can earn more, so solve the full model (solver highs), or ask for mechanism icds_balanced",
            case.name,
        )
    return icds_balanced(case)


def monotone(case: AssemblerCase) -> bool:
    """Whether virtual cost does not fall when a supplier's cost rises: (18). Profiles of weight 0 may take any value."""
    cost = virtual_cost(case)
    cost = np.where(np.isnan(cost), -np.inf, cost)
    return bool((cost >= _running_maximum(cost) - 1e-12 * case.price).all())


def pooled_virtual_cost(case: AssemblerCase) -> Array:
    """Return virtual cost, pooled where it is not monotone: its weighted isotonic regression over cost profiles.

    Infinite where a profile has no weight and costs rent. Where it has neither weight nor rent, it follows the profiles below.
    """
    if monotone(case):
        pooled = virtual_cost(case)
    elif case.independent:  # the regression of a sum of functions of one cost each is the sum of their regressions
        pooled = np.zeros(case.shape)
        for i in range(len(case.shape)):
            pooled = pooled + _own_pooled(case, i).reshape(case.costs(i).shape)
    else:
        pooled = isotonic(case.probability, weighted_virtual_cost(case))
    undefined = np.isnan(pooled) | (pooled == -np.inf)
    if undefined.any():
        pooled = _running_maximum(np.where(undefined, -np.inf, pooled))
        pooled = np.where(pooled == -np.inf, case.total_cost, pooled)
    return pooled


def _own(case: AssemblerCase, i: int) -> Array:
    """Return supplier i's own virtual cost times its probability, one entry a cost; costs are independent."""
    marginal, costs = case.marginals[i], case.suppliers[i].costs
    own: Array = marginal * costs + np.concatenate([[0.0], np.diff(costs) * np.cumsum(marginal)[:-1]])
    return own


def _own_pooled(case: AssemblerCase, i: int) -> Array:
    own = chain(case.marginals[i], _own(case, i))
    return np.where(own == -np.inf, case.suppliers[i].costs, own)  # the cheapest costs, where they never occur


def _misplaced(case: AssemblerCase, pooled: Array) -> float:
    """Return how far pooled virtual cost is from proving its bound: 0 where every lower set costs at least as much raw.

    Then no quantities that fall with costs are cheaper at raw than at pooled virtual cost. Checked apart from how it was
    pooled: by running sums where costs are independent, else by the linear program over lower sets.
    """
    if monotone(case):
        return 0.0
    if case.independent:
        owed = [_own(case, i) - _times(case.marginals[i], _own_pooled(case, i)) for i in range(len(case.shape))]
        return sum(max(0.0, -float(np.cumsum(each).min())) for each in owed)
    excess = (weighted_virtual_cost(case) - _times(case.probability, pooled)).ravel()
    below, above = covers(case.shape)
    pair = np.arange(len(below))
    falls: Any = sp.csr_array((np.repeat([1.0, -1.0], len(below)), (np.tile(pair, 2), np.concatenate([above, below]))))
    least = linprog(excess, A_ub=falls, b_ub=np.zeros(len(below)), bounds=(0, 1), method="highs").fun
    return np.inf if least is None else -float(least)


def _times(weight: Array, cost: Array) -> Array:
    """Return weight * cost, 0 where the weight is, also under an infinite cost."""
    return weight * np.where(weight > 0, cost, 0.0)


def _running_maximum(values: Array) -> Array:
    """Return at each profile the largest value at any profile with no higher cost."""
    for axis in range(values.ndim):
        values = np.maximum.accumulate(values, axis=axis)
    return values


def _most(case: AssemblerCase, weight: Array, unit_cost: Array | float) -> float:
    """Return sum_t weight(t) max_q (S(q) - unit_cost(t) q): what no quantities can exceed."""
    quantity = case.demand.newsvendor_quantity(case.price, unit_cost)
    cost = np.where(quantity > 0, unit_cost, 0.0) * quantity
    return float(np.sum(weight * (case.price * case.demand.expected_sales(quantity) - cost)))
