"""The assembler's mechanisms in closed form, for any number of costs and any prior: from a case straight to its menu.

The newsvendor quantity at the right unit cost, as far as suppliers can deliver, profile by profile: full cost for `first_best`,
highest cost for `naive`, pooled virtual cost for ICDS and the hybrid (Propositions 1 to 3 of the ICDS paper, with pooling by
isotonic regression in place of (20)-(23)). `frw` has a module of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, InputError, monotonicity, virtual_cost, weighted_virtual_cost
from veridical.data.arrays import Array
from veridical.data.assembler import ENUMERATED
from veridical.data.virtual_cost import needed_suppliers, refuse_tied_products, running_maximum
from veridical.solvers.certificate import ratio
from veridical.solvers.closed_form.isotonic import chain, covers, isotonic
from veridical.solvers.closed_form.sensitivity import CostDerivative, at_cost, at_highest_cost, by_rents

__all__ = ["ClosedForm", "first_best", "hybrid", "icds", "icds_balanced", "icds_limit", "naive", "pooled_virtual_cost"]


@dataclass(frozen=True)
class ClosedForm:
    """The most that a mechanism can earn, and, made when first asked for, the menu that earns it and the proof.

    `bound`: expected profit that no menu of this mechanism exceeds; `menu` earns it. `cost_derivative`: gives the derivative of
    the optimal profit in the costs, one list a supplier, for `menu`; see `sensitivity`. `residual`: relative error of the
    optimality condition that `bound` rests on. `deliverable_worth`: what one more product that suppliers can deliver for adds.

    Examples
    --------
    >>> import veridical as vd
    >>> closed = icds(vd.example("two-suppliers"))
    >>> round(closed.bound, 2), round(closed.menu.expected_profit, 2)
    (6965.0, 6965.0)
    """

    bound: float
    _menu: Callable[[], Menu]
    cost_derivative: CostDerivative
    _residual: Callable[[], float] = float
    deliverable_worth: float = 0.0

    @cached_property
    def menu(self) -> Menu:
        """The optimal contract menu."""
        return self._menu()

    @cached_property
    def residual(self) -> float:
        """Relative error of the optimality condition."""
        return self._residual()


def separately(formula: Callable[[AssemblerCase], ClosedForm]) -> Callable[[AssemblerCase], ClosedForm]:
    """Return the closed form of any number of products: components have no other limits, so products share nothing but rents.

    Rents, (11), are linear in quantities, and each product is worth assembling at the virtual cost of its own components, so
    that the optimum is the sum of theirs. Quantities of a product answer to its own components' costs as truth asks where those
    are independent or its virtual cost is monotone; elsewhere products are tied together, which is refused.
    """

    @wraps(formula)
    def closed(case: AssemblerCase) -> ClosedForm:
        if case.products is None:
            return formula(case)
        case.refuse_in_closed_form()
        case.refuse_large_menu()
        if formula is icds_balanced.__wrapped__:  # type: ignore[attr-defined]
            refuse_tied_products(case, "closed forms")
        parts = [formula(case.alone(p)) for p in range(len(case.products))]

        def menu() -> Menu:
            menus = [part.menu for part in parts]
            quantity, payment = (sum(getattr(m, name) for m in menus) for name in ("quantity", "payment"))
            return Menu(case, quantity, payment, np.stack([m.assembled for m in menus]))

        bound = math.fsum(part.bound for part in parts)
        return ClosedForm(bound, menu, parts[0].cost_derivative, lambda: max(part.residual for part in parts))

    return closed


@separately
def first_best(case: AssemblerCase) -> ClosedForm:
    """Return the first best: F(q(t)) = ((r - c(t)) / r)^+, paid at cost and what is earned elsewhere. (6)-(7)."""
    case.refuse_in_closed_form()
    case.refuse_large_menu()
    cost, weight = case.total_cost, case.probability
    elsewhere = [np.array(s.reservations).reshape(case.costs(i).shape) for i, s in enumerate(case.suppliers)]
    owed = math.fsum(float((weight * profits).sum()) for profits in elsewhere)

    def menu() -> Menu:
        quantity = case.components(case.best_units(cost))
        return Menu(case, quantity, np.stack([case.costs(i) * quantity[i] + profits for i, profits in enumerate(elsewhere)]))

    return ClosedForm(_most(case, weight, cost) - owed, menu, at_cost, deliverable_worth=_worth(case, weight, cost))


@separately
def naive(case: AssemblerCase) -> ClosedForm:
    """Return the naive mechanism: one quantity, everybody paid his highest cost and what he earns elsewhere. Definition 1."""
    case.refuse_in_closed_form()
    case.refuse_large_menu()
    reserved = np.array(case.reserved("closed forms"))
    highest, weight = np.array([supplier.costs[-1] for supplier in case.suppliers]), np.ones(())
    cost = math.fsum(supplier.needed * supplier.costs[-1] for supplier in case.suppliers)

    def menu() -> Menu:
        one = (-1, *(1,) * len(case.shape))
        quantity = case.components(case.best_units(cost)).reshape(one)
        return Menu(case, quantity, highest.reshape(one) * quantity + reserved.reshape(one))

    bound = _most(case, weight, cost) - math.fsum(reserved)
    return ClosedForm(bound, menu, at_highest_cost, deliverable_worth=_worth(case, weight, cost))


@separately
def icds_balanced(case: AssemblerCase) -> ClosedForm:
    """Return the best balanced truthful menu: F(q(t)) = ((r - v(t)) / r)^+ at the pooled virtual cost v. (19), (22)."""
    case.refuse_in_closed_form()
    case.refuse_large_menu()
    reserved = math.fsum(case.reserved("closed forms"))
    pooled = pooled_virtual_cost(case)

    def quantity() -> Array:
        return case.best_units(pooled)

    def residual() -> float:
        bought = quantity()
        # Pooling moves virtual cost between profiles that buy alike, so cost is the same at raw and pooled: a condition
        # that the optimum meets and hardly another point does.
        at_pooled = np.where(bought > 0, _times(case.probability, pooled) * bought, 0.0).sum()
        raw = (weighted_virtual_cost(case) * bought).sum()
        wrong = abs(float(at_pooled - raw)) + float(bought.max()) * _misplaced(case, pooled)
        return ratio(wrong, abs(float(raw)))

    bound, worth = _most(case, case.probability, pooled) - reserved, _worth(case, case.probability, pooled)
    return ClosedForm(bound, lambda: Menu.balanced(case, quantity()), by_rents, residual, worth)


def hybrid(case: AssemblerCase, k: int | None = None, balanced: bool = False) -> ClosedForm:
    """Return the hybrid optimum: ICDS over the k suppliers with the widest range of costs, the others at their highest.

    Virtual cost is that of the case in which those k costs alone are private: the conditional expectation of v(t) given what
    they report, (26) with v raw. Nothing over all profiles is enumerated, so there may be hundreds of suppliers; above 65,536
    profiles the menu is that of the smaller case, with the others as one supplier. With `balanced` the best balanced hybrid;
    without, InputError where balanced ordering is not known to be optimal, as with `icds`. Proposition 3.
    """
    kept = case.widest(k)
    case.refuse_in_closed_form()
    small = case.with_private(kept)
    closed = icds_balanced(small) if balanced else icds(small, "hybrid")
    if small is case or case.profiles > ENUMERATED:
        return closed

    def menu() -> Menu:
        shape = [m if i in kept else 1 for i, m in enumerate(case.shape)]
        if (plan := closed.menu.near) is not None:
            return Menu.balanced(case, np.broadcast_to(plan.reshape(-1, *shape), (len(plan), *case.shape)))
        return Menu.balanced(case, np.broadcast_to(closed.menu.assembled.reshape(shape), case.shape))

    return ClosedForm(closed.bound, menu, by_rents, lambda: closed.residual, closed.deliverable_worth)


def icds(case: AssemblerCase, mechanism: str = "icds") -> ClosedForm:
    """Return the ICDS optimum where balanced ordering is known to be optimal (`veridical.monotonicity`).

    Elsewhere the full model can earn more than any balanced menu. Raises InputError there.
    """
    case.refuse_in_closed_form()
    case.refuse_large_menu()
    one = case.products is None or len(case.products) == 1  # of several `icds_balanced` asks for as much
    if one and not case.independent:
        condition = monotonicity(case.alone(0))
        if not condition.holds:
            other = {"icds": "mechanism icds_balanced", "hybrid": "balanced=true"}[mechanism]
            allowed = (
                f"for `{mechanism}` only cases with independent costs or monotone virtual cost, condition (18). Here "
                f"{condition}, and unbalanced menus can earn more: solve the full model (solver highs), or ask for {other}"
            )
            raise InputError.of("solver", "closed_form", allowed, case.name)
    return icds_balanced(case)


def icds_limit(case: AssemblerCase, points: int = 2**16) -> float:
    """Return what ICDS can earn at most with independent costs, without a menu: for hundreds of suppliers.

    Profit is a convex function of the sum of the suppliers' own pooled virtual costs. Each of these is split between
    neighbouring points of a grid at its own mean, so the distribution of the sum, a convolution, is wider and the expectation no
    smaller; the error falls with the square of the step. Raises InputError where costs are not independent.
    """
    case.refuse_in_closed_form()
    if case.products is not None:
        return math.fsum(icds_limit(case.alone(p), points) for p in range(len(case.products)))
    if not case.independent:
        raise InputError.of("prior", "<correlated costs>", "independent costs: virtual costs do not add up otherwise", case.name)
    reserved = math.fsum(case.reserved("closed forms"))
    # nothing is bought at what the first sale is worth, or above
    by_supplier = [np.minimum(_own_pooled(case, i), case.first_sale) for i in range(len(case.shape))]
    least = sum(float(costs.min()) for costs in by_supplier)
    step = max(sum(float(costs.max()) for costs in by_supplier) - least, 1e-9 * case.first_sale) / points
    spectrum: Any = np.ones(points + len(by_supplier) // 2 * 2 + 3, dtype=complex)
    length = 2 * (len(spectrum) - 1)
    for i, costs in enumerate(by_supplier):
        place = (costs - costs.min()) / step
        below = np.floor(place).astype(int)
        split = np.concatenate([case.marginals[i] * (1 - (place - below)), case.marginals[i] * (place - below)])
        spectrum *= np.fft.rfft(np.bincount(np.concatenate([below, below + 1]), split, length))
    sums: Array = np.linspace(least, least + step * (length - 1), length)
    return _most(case, np.maximum(np.fft.irfft(spectrum, length), 0.0), sums) - reserved


def pooled_virtual_cost(case: AssemblerCase) -> Array:
    """Return virtual cost, pooled where it is not monotone: its weighted isotonic regression over cost profiles.

    Infinite where a profile has no weight and costs rent. Where it has neither weight nor rent, it follows the profiles below.
    """
    if monotonicity(case).holds:
        pooled = virtual_cost(case)
    elif case.independent:  # the regression of a sum of functions of one cost each is the sum of their regressions
        by_supplier = (_own_pooled(case, i).reshape(case.costs(i).shape) for i in range(len(case.shape)))
        pooled = sum(by_supplier, np.zeros(case.shape))
    else:
        pooled = isotonic(case.probability, weighted_virtual_cost(case))
    undefined = np.isnan(pooled) | (pooled == -np.inf)
    if undefined.any():
        pooled = running_maximum(np.where(undefined, -np.inf, pooled), needed_suppliers(case))
        pooled = np.where(pooled == -np.inf, case.total_cost, pooled)
    return pooled


def _own(case: AssemblerCase, i: int) -> Array:
    """Return supplier i's own virtual cost times its probability, one entry a cost; costs are independent."""
    marginal, costs = case.marginals[i], _part(case, i)
    return np.asarray(marginal * costs + np.append(0.0, np.diff(costs) * np.cumsum(marginal)[:-1]))


def _part(case: AssemblerCase, i: int) -> Array:
    """Return what supplier i's part of one product costs him, one entry a cost; there may be more suppliers than axes."""
    return np.array(case.suppliers[i].costs) * case.suppliers[i].needed


def _own_pooled(case: AssemblerCase, i: int) -> Array:
    pooled = chain(case.marginals[i], _own(case, i))
    return np.where(pooled == -np.inf, _part(case, i), pooled)  # the cheapest costs, where they never occur


def _misplaced(case: AssemblerCase, pooled: Array) -> float:
    """Return how far pooled virtual cost is from proving its bound: 0 where every lower set costs at least as much raw.

    Then no quantities that fall with costs are cheaper at raw than at pooled virtual cost. Checked apart from how it was
    pooled: by running sums where costs are independent, else by the linear program over lower sets.
    """
    if monotonicity(case).holds:
        return 0.0
    if case.independent:
        excesses = (_own(case, i) - _times(case.marginals[i], _own_pooled(case, i)) for i in range(len(case.shape)))
        return sum(max(0.0, -float(np.cumsum(excess).min())) for excess in excesses)
    excess = (weighted_virtual_cost(case) - _times(case.probability, pooled)).ravel()
    below, above = covers(case.shape)
    pair = np.arange(len(below))
    falls: Any = sp.csr_array((np.repeat([1.0, -1.0], len(below)), (np.tile(pair, 2), np.concatenate([above, below]))))
    least = scipy.optimize.linprog(excess, A_ub=falls, b_ub=np.zeros(len(below)), bounds=(0, 1), method="highs").fun
    return np.inf if least is None else -float(least)


def _times(weight: Array, cost: Array) -> Array:
    """Return weight * cost, 0 where the weight is, also under an infinite cost."""
    return weight * np.where(weight > 0, cost, 0.0)


def _most(case: AssemblerCase, weight: Array, unit_cost: Array | float) -> float:
    """Return sum_t weight(t) max_q (S(q) - unit_cost(t) q): what no quantities can exceed."""
    quantity = case.best_units(unit_cost)
    cost = np.where(quantity > 0, unit_cost, 0.0) * quantity
    return float(np.sum(weight * (case.revenue(quantity) - cost)))


def _worth(case: AssemblerCase, weight: Array, unit_cost: Array | float) -> float:
    """Return sum_t weight(t) (S'(K) - unit_cost(t))^+, what one more product is worth that suppliers can deliver K of."""
    if case.deliverable == math.inf:
        return 0.0
    return float(np.sum(weight * np.maximum(case.worth(case.deliverable) - np.where(weight > 0, unit_cost, np.inf), 0.0)))
