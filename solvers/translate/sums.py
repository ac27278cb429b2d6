"""Sums: what every part of an expression is split into."""

from __future__ import annotations

from veridical.data.arrays import plus

__all__ = ["Sum"]


class Sum:
    """A linear form, under construction, of variables (columns 0, 1, ...) and operations of a graph (columns -1, -2, ...)."""

    __slots__ = ("coefficients", "constant")

    def __init__(self, constant: float = 0.0) -> None:
        self.coefficients: dict[int, float] = {}
        self.constant = constant

    @classmethod
    def of(cls, column: int) -> Sum:
        """Return a variable or an operation alone."""
        total = cls()
        total.coefficients[column] = 1.0
        return total

    def add(self, other: Sum | int, factor: float) -> None:
        """Add factor times another sum, or times the operation of a column."""
        coefficients = self.coefficients
        if isinstance(other, int):
            if factor:  # 0 times an operation is 0: a weight that is 0 leaves a linear program
                coefficients[other] = plus(coefficients[other], factor) if other in coefficients else factor
            return
        for column, coefficient in other.coefficients.items():
            if factor or column >= 0:
                more = factor * coefficient
                coefficients[column] = plus(coefficients[column], more) if column in coefficients else more
        self.constant = plus(self.constant, factor * other.constant)

    def times(self, factor: float) -> Sum:
        """Return factor times the sum."""
        total = Sum()
        total.add(self, factor)
        return total

    @property
    def is_linear(self) -> bool:
        """Whether no operation is in it."""
        return not self.coefficients or min(self.coefficients) >= 0
