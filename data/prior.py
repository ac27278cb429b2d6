"""The common prior: a joint table over the suppliers' cost indices, or the correlation of a Gaussian copula."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.arrays import Array
from veridical.data.fields import SUM_TOLERANCE, Numbers, number
from veridical.data.record import Record, wrong

__all__ = ["Prior", "independent"]

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
