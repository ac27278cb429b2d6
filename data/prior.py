"""The common prior: a joint table over suppliers' costs or retailers' types, or the correlation of a Gaussian copula."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.fields import SUM_TOLERANCE, Numbers, number, one_of_keys
from veridical.data.record import Record, wrong

__all__ = ["Prior", "equicorrelation", "independent"]

Nested = tuple[Any, ...]
ROUNDING = 1e-12  # relative, of a correlation that is meant to be the least: 1/3 has no end
NEAREST = 1e-11  # from 1 or -1 that a correlation other than these may be: nearer, rounding decides what is between two scores
DISTINCT = f"correlations that are 1 or -1, or differ from both by {NEAREST:g} or more"


class Prior(Record):
    """How suppliers' costs or retailers' types depend on one another: a `joint` table, or a Gaussian copula's `correlation`.

    Examples
    --------
    >>> Prior(joint=((0.4, 0.1), (0.1, 0.4))).joint                    # rows: the first one's costs; columns: the second one's
    ((0.4, 0.1), (0.1, 0.4))
    >>> Prior(correlation=((1.0, 0.5), (0.5, 1.0))).joint is None
    True
    """

    model_config = ConfigDict(json_schema_extra=one_of_keys("joint", "correlation"))

    joint: Nested | None = Field(
        default=None,
        description="probabilities, nested one level a supplier or retailer in order, which sum to 1; in place of all "
        "`probabilities`",
    )
    correlation: tuple[Numbers, ...] | None = Field(
        default=None,
        description="a matrix, one row a supplier or retailer: a Gaussian copula of their own probabilities; "
        f"numbers that are 1 or -1, or differ from both by {NEAREST:g} or more",
    )

    @field_validator("joint", mode="before")
    @classmethod
    def _joint(cls, value: Any) -> Any:
        if value is None:
            return None
        allowed = "nested lists of finite probabilities >= 0, one level a supplier or retailer"
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
        allowed = "a symmetric positive semidefinite matrix with ones on its diagonal, one row a supplier or retailer"
        matrix = _numbers(value, allowed)
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
        symmetric = square and np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all()
        if not symmetric or np.linalg.eigvalsh(matrix)[0] < -1e-10:
            raise wrong(value, allowed)
        if (too_near := matrix[_all_but_one(matrix)]).size:
            raise wrong(float(too_near[0]), DISTINCT)
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


def equicorrelation(n: int, correlation: object, field: str = "correlation", file: str | None = None) -> list[list[float]]:
    """Return the matrix of n scores of which every two have the same correlation.

    Parameters
    ----------
    n
        How many there are, one or more.
    correlation
        From -1 / (n - 1), below which there are no such scores, to 1; within 1e-11 of 1 and -1 these alone.
    field, file
        What messages call the number, and the case that it is for.

    Returns
    -------
    list of lists of float
        n by n, with ones on its diagonal: what `prior.correlation` takes.

    Raises
    ------
    InputError
        For a number outside those limits, which are named.

    Examples
    --------
    >>> equicorrelation(3, -0.5)[0]
    [1.0, -0.5, -0.5]
    """
    least = -1 / (n - 1) if n > 1 else -1.0
    limit = f"a number from -1/(n - 1) = {least:.6g}, the least that n = {n} scores can share, to 1"
    try:
        rho = number(correlation, limit, lambda x: least * (1 + ROUNDING) <= x <= 1)
    except PydanticCustomError:
        raise InputError.of(field, correlation, limit, file) from None
    rho = max(rho, least)
    if _all_but_one(np.array(rho)):
        raise InputError.of(field, correlation, f"{limit}; {DISTINCT}", file)
    return [[1.0 if i == j else rho for j in range(n)] for i in range(n)]


def _all_but_one(correlation: Array) -> Any:
    """Return which correlations are too near to 1 or -1 and are neither; the differences are exact."""
    return (np.abs(correlation) != 1) & (1 - np.abs(correlation) < NEAREST)


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
