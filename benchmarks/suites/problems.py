"""Problems whose optimum is known, as short builders of Pyomo models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

__all__ = ["Problem", "Suite"]

Builder = Callable[..., Any]
Bound = float | None | Sequence[float | None]


@dataclass(frozen=True)
class Problem:
    """A model with its best known value, or with the way in which it must end."""

    name: str
    suite: str
    build: Callable[[], Any]
    best: float | None  # None where there is no optimum
    proven: bool  # whether `best` is the global optimum: by theory, enumeration or a global solver
    source: str  # where the problem stands, and where its value comes from
    ends: str | None = None  # "infeasible" or "unbounded" where there is no optimum
    within: float = 1e-5  # relative, or absolute where the best is 0: what rows may be violated by moves the value by as much

    def error(self, value: float) -> float:
        """Return how much worse than the best a value is (negative: better), relative to the best, or absolute where it is 0."""
        assert self.best is not None
        difference = (value - self.best) * self._sense
        return difference / abs(self.best) if self.best else difference

    @property
    def _sense(self) -> int:
        (objective,) = self.build().component_data_objects(pyo.Objective, active=True)
        return int(objective.sense)


class Suite(list[Problem]):
    """Problems of one kind, which register themselves by a decorator."""

    def __init__(self, name: str, source: str) -> None:
        super().__init__()
        self.name, self.source = name, source

    def model(
        self, best: float | None = None, by: str = "", proven: bool = True, ends: str | None = None
    ) -> Callable[[Builder], Builder]:
        """Register a function that fills a model it is given; `by` says where the best value comes from."""

        def register(fill: Builder) -> Builder:
            def build() -> Any:
                model = pyo.ConcreteModel(name=fill.__name__)
                fill(model)
                return model

            self.append(Problem(fill.__name__, self.name, build, best, proven, by or self.source, ends))
            return fill

        return register

    def formula(
        self,
        best: float,
        start: Sequence[float],
        low: Bound = None,
        high: Bound = None,
        proven: bool = True,
        within: float = 1e-5,
    ) -> Callable[[Builder], Builder]:
        """Register a function of variables that yields first what is minimised, then the rows.

        `start` has a value a variable; bounds are a number for all, or one a variable (None: without).
        """
        count = len(start)
        lower, upper = ([bound] * count if bound is None or isinstance(bound, int | float) else bound for bound in (low, high))

        def register(terms: Callable[..., Iterable[Any]]) -> Builder:
            def build() -> Any:
                model = pyo.ConcreteModel(name=terms.__name__)
                model.x = pyo.Var(
                    range(1, count + 1),
                    bounds=lambda model, i: (lower[i - 1], upper[i - 1]),
                )
                for variable, value in zip(model.x.values(), start, strict=True):
                    variable.set_value(value, skip_validation=True)  # some published starts lie outside the bounds
                objective, *rows = terms(*model.x.values())
                model.f = pyo.Objective(expr=objective)
                model.g = pyo.ConstraintList()
                for row in rows:
                    model.g.add(row)
                return model

            self.append(Problem(terms.__name__, self.name, build, best, proven, self.source, within=within))
            return terms

        return register
