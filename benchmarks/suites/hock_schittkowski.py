"""The suite of Hock and Schittkowski, whose problems stand in modules by their numbers."""

from collections.abc import Iterator
from typing import Any

from problems import Suite

__all__ = ["SUITE", "Terms", "problem", "rosenbrock"]

Terms = Iterator[Any]
SUITE = Suite("Hock-Schittkowski", "W. Hock, K. Schittkowski: Test Examples for Nonlinear Programming Codes, Springer 1981")
problem = SUITE.formula


def rosenbrock(x1: Any, x2: Any) -> Any:
    return 100 * (x2 - x1**2) ** 2 + (1 - x1) ** 2
