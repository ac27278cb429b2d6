"""Virtual cost of continuous unit costs, independent or correlated through a Gaussian copula; and whether it is monotone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from veridical.data.arrays import Array, Booleans
from veridical.data.continuous_case import ContinuousCase
from veridical.data.errors import InputError

__all__ = ["along", "refuse_not_monotone", "score", "total_virtual_cost", "virtual_cost"]

FARTHEST = 37.0  # normal scores beyond have no probability that floating-point numbers could tell from 0
TAIL = 6.0  # normal scores between which monotonicity is checked
SAMPLES = 50_000  # pairs on which it is checked for more than three suppliers


def virtual_cost(case: ContinuousCase, i: int, x: ArrayLike) -> Array:
    """Return J_i(x_i | x_-i), (31), currency/unit; x of shape (..., n) gives shape (...).

    Independent costs: x_i + G_i / g_i as it is, not ironed. Correlated ones: with normal scores z = Phi^-1(G(x)), z_i given the
    others' is normal with mean mu and standard deviation sigma, so that with u = (z_i - mu) / sigma
    J_i = x_i + Phi(u) / phi(u) * sigma * phi(z_i) / g_i(x_i).
    """
    x = np.asarray(x, dtype=float)
    if case.independent:
        return case.suppliers[i].cost.virtual_cost(x[..., i])
    return x[..., i] + _markups(case, x)[i]


def total_virtual_cost(case: ContinuousCase, x: ArrayLike) -> Array:
    """Return v(x) = sum_i J_i(x_i | x_-i), currency per unit of product; independent costs: of the ironed J_i."""
    x = np.asarray(x, dtype=float)
    if case.independent:
        return sum((supplier.cost.ironed(x[..., i]) for i, supplier in enumerate(case.suppliers)), np.zeros(()))
    return sum(_markups(case, x), np.asarray(x.sum(axis=-1)))


def _markups(case: ContinuousCase, x: Array) -> list[Array]:
    """Return J_i - x_i of every supplier, correlated costs."""
    K, local = _precision(case), {i: _local(case, i, x[..., i]) for i in range(x.shape[-1])}
    return [_markup(_standardised(K, i, local), K[i, i], local[i]) for i in local]


def along(case: ContinuousCase, i: int, x: Array) -> Callable[[Array], Array]:
    """Return total virtual cost as a function of supplier i's cost s, the others' being as in x.

    x of shape (rows, n), whose column i is ignored; s of shape (rows, any).
    """
    others = [j for j in range(len(case.suppliers)) if j != i]
    if case.independent:
        rest = sum((case.suppliers[j].cost.ironed(x[:, j, None]) for j in others), np.zeros((len(x), 1)))
        return lambda s: rest + case.suppliers[i].cost.ironed(s)
    K = _precision(case)
    fixed = {j: _local(case, j, x[:, j, None]) for j in others}
    cost = x[:, others].sum(axis=1, keepdims=True)
    standardised = {j: _standardised(K, j, fixed) for j in range(len(K))}

    def total(s: Array) -> Array:
        local = fixed | {i: _local(case, i, s)}
        score = local[i].score
        markups = (_markup(standardised[j] + K[j, i] / np.sqrt(K[j, j]) * score, K[j, j], local[j]) for j in local)
        return sum(markups, cost + s)

    return total


def refuse_not_monotone(case: ContinuousCase, seed: int = 0) -> None:
    """Raise InputError where total virtual cost, as far as it is below the price, falls when some cost rises.

    Proposition 4 asks that J_i rise with x_i alone. That is not enough: quantities follow the sum of all J_j, and with a positive
    correlation J_j falls when x_i rises. Checked between normal scores -6 and 6, evenly spaced, so that the tails are dense: up
    to three suppliers on all neighbours of a grid, above on 50,000 seeded pairs. Independent costs are ironed, and pass.
    """
    n = len(case.suppliers)
    if case.independent:
        return
    if n <= 3:
        axis = np.linspace(-TAIL, TAIL, 121 if n == 2 else 41)
        z = np.stack(np.meshgrid(*[axis] * n, indexing="ij"), axis=-1)
        quantities = np.minimum(total_virtual_cost(case, _costs(case, z)), case.first_sale)
        falls = min(float(np.diff(quantities, axis=i).min()) for i in range(n))
    else:
        rng = np.random.default_rng(seed)
        z = rng.uniform(-TAIL, TAIL, (SAMPLES, n))
        raised = z.copy()
        here = np.arange(SAMPLES), rng.integers(n, size=SAMPLES)
        raised[here] += rng.uniform(0, 1, SAMPLES)
        before, after = (np.minimum(total_virtual_cost(case, _costs(case, scores)), case.first_sale) for scores in (z, raised))
        falls = float((after - before).min())
    if falls < -1e-9 * case.first_sale:
        allowed = (
            "for `continuous` only costs that are independent, or whose total virtual cost does not fall when a cost rises: "
            "Proposition 4 is not incentive compatible elsewhere (as a rule not with positive correlations); take the grid model "
            "(solver highs), or icds_balanced on `case.grid(points)`"
        )
        raise InputError.of("solver", "closed_form", allowed, case.name)


def _costs(case: ContinuousCase, z: Array) -> Array:
    """Return the costs with the normal scores z, shape (..., n)."""
    return np.stack(
        [supplier.cost.inverse_cdf(scipy.special.ndtr(z[..., i])) for i, supplier in enumerate(case.suppliers)], axis=-1
    )


def score(case: ContinuousCase, i: int, x: Array) -> Array:
    """Return supplier i's normal scores z = Phi^-1(G_i(x)), any shape; at the ends of his range -37 and 37."""
    return _local(case, i, x, density=False).score


class _Local(NamedTuple):
    """A cost seen from its own distribution: its normal score, its density, and whether anybody is cheaper."""

    score: Array
    density: Array
    cheaper: Booleans


def _local(case: ContinuousCase, i: int, x: Array, density: bool = True) -> _Local:
    cost, x = case.suppliers[i].cost, np.asarray(x)
    below = cost.cdf(x)
    dear = below > 0.5
    score = np.array(scipy.special.ndtri(below))
    score[dear] = -scipy.special.ndtri(cost.survival(x[dear]))  # has the digits that the cdf has lost
    return _Local(np.clip(score, -FARTHEST, FARTHEST), cost.density(x) if density else below, below > 0)


def _precision(case: ContinuousCase) -> Array:
    """Return the inverse of the correlation."""
    return np.asarray(np.linalg.inv(case.correlation), dtype=float)


def _standardised(K: Array, i: int, local: Mapping[int, _Local]) -> Array:
    """Return u_i = (z_i - mu_i) / sigma_i = (K z)_i / sqrt(K_ii), K the precision matrix; scores left out count as 0."""
    return sum((K[i, j] / np.sqrt(K[i, i]) * cost.score for j, cost in local.items()), np.zeros(()))


def _markup(u: Array, precision: float, local: _Local) -> Array:
    """Return G_i(x_i | x_-i) / g_i(x_i | x_-i), in logarithms until the last step; where nobody is cheaper no rent is owed."""
    with np.errstate(all="ignore"):
        markup = np.exp(scipy.special.log_ndtr(u) + (u**2 - local.score**2) / 2) / (np.sqrt(precision) * local.density)
    return np.where(local.cheaper & (local.density < np.inf), markup, 0.0)
