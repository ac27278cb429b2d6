"""The common prior: a joint table over the suppliers' cost indices, or the correlation of a Gaussian copula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError
from scipy.stats import multivariate_normal, norm

from veridical.data.arrays import Array
from veridical.data.fields import SUM_TOLERANCE, Numbers, number
from veridical.data.record import Record, wrong

__all__ = ["Prior", "gaussian_copula", "independent"]

SWEEPS = 10_000  # of proportional fitting; a dozen are usual, thousands where correlations are close to 1

Nested = tuple[Any, ...]


class Prior(Record):
    """How the suppliers' costs depend on one another: a `joint` table, or the `correlation` of a Gaussian copula."""

    joint: Nested | None = None
    correlation: tuple[Numbers, ...] | None = None

    @field_validator("joint", mode="before")
    @classmethod
    def _joint(cls, value: Any) -> Any:
        if value is None:
            return None
        allowed = "nested lists of finite probabilities >= 0, one level a supplier"
        table = _numbers(value, allowed)
        if table.ndim == 0 or table.size == 0 or (table < 0).any():
            raise wrong(value, allowed)
        if abs(table.sum() - 1) > SUM_TOLERANCE:
            raise wrong(f"<the sum {float(table.sum())!r}>", f"probabilities that sum to 1 within {SUM_TOLERANCE}")
        return _nested(table.tolist())

    @field_validator("correlation", mode="before")
    @classmethod
    def _correlation(cls, value: Any) -> Any:
        if value is None:
            return None
        allowed = "a symmetric positive semidefinite matrix with ones on its diagonal, one row a supplier"
        matrix = _numbers(value, allowed)
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
        symmetric = square and np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all()
        if not symmetric or np.linalg.eigvalsh(matrix)[0] < -1e-10:
            raise wrong(value, allowed)
        return _nested(matrix.tolist())

    @model_validator(mode="after")
    def _one(self) -> Prior:
        if (self.joint is None) == (self.correlation is None):
            given = "<neither joint nor correlation>" if self.joint is None else "<joint and correlation>"
            raise wrong(given, "exactly one of joint and correlation")
        return self


def independent(marginals: list[Array]) -> Array:
    """Return the product of the marginals as a table with one axis a supplier."""
    table = np.ones(())
    for marginal in marginals:
        table = np.multiply.outer(table, marginal)
    return table


def gaussian_copula(marginals: list[Array], correlation: Array) -> Array:
    """Return the joint table of costs that depend on one another through correlated normal scores.

    Supplier i has cost index k when his normal score lies between the quantiles of his cumulative probabilities
    before and up to k. Two suppliers: exact to 1e-9. Three and more: the distribution function is integrated by a
    seeded quasi-Monte Carlo rule with an error of about 1e-6, after which the table is scaled to the exact marginals,
    so the same input gives the same table, and each supplier's own probabilities are his to rounding.
    """
    shape = tuple(len(marginal) for marginal in marginals)
    scores = [norm.ppf(np.minimum(np.cumsum(marginal), 1.0)) for marginal in marginals]
    for score in scores:
        score[-1] = math.inf
    corners = np.empty(shape)
    for corner in np.ndindex(*shape):
        corners[corner] = _normal_cdf(np.array([score[k] for score, k in zip(scores, corner, strict=True)]), correlation)
    for axis in range(len(shape)):
        corners = np.diff(corners, axis=axis, prepend=0.0)
    return _scaled(np.maximum(corners, 0.0), marginals)


def _normal_cdf(upper: Array, correlation: Array) -> float:
    """P(Z <= upper) for standard normal scores with the given correlation; infinite bounds drop out."""
    if (upper == -math.inf).any():
        return 0.0
    bounded = np.flatnonzero(upper < math.inf)
    if len(bounded) == 0:
        return 1.0
    if len(bounded) == 1:
        return float(norm.cdf(upper[bounded[0]]))
    matrix = correlation[np.ix_(bounded, bounded)]
    accuracy: Any = {"allow_singular": True, "maxpts": 1_000_000, "abseps": 1e-7, "releps": 1e-7, "rng": 0}
    return float(multivariate_normal.cdf(upper[bounded], cov=matrix, **accuracy))


def _scaled(table: Array, marginals: list[Array]) -> Array:
    """Return the table scaled along its axes in turn until every marginal is met (iterative proportional fitting)."""
    axes = range(table.ndim)
    for _ in range(SWEEPS):
        for axis, marginal in enumerate(marginals):
            now = table.sum(axis=tuple(a for a in axes if a != axis))
            factor = np.divide(marginal, now, out=np.zeros_like(marginal), where=now > 0)
            table = table * factor.reshape([-1 if a == axis else 1 for a in axes])
        worst = max(
            float(np.abs(table.sum(axis=tuple(a for a in axes if a != axis)) - marginal).max())
            for axis, marginal in enumerate(marginals)
        )
        if worst < 1e-14:
            break
    return table


def _numbers(value: Any, allowed: str) -> Array:
    """Return nested lists of finite numbers as an array."""

    def leaves(part: Any) -> Any:
        return [leaves(inner) for inner in part] if isinstance(part, list | tuple) else number(part, allowed)

    try:
        return np.array(leaves(value), dtype=float)
    except (PydanticCustomError, ValueError):
        raise wrong(value, allowed) from None


def _nested(value: Any) -> Any:
    return tuple(map(_nested, value)) if isinstance(value, list) else value
