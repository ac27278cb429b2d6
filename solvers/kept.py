"""Models that are kept: built and translated once, and solved again for cases that only have other numbers.

What a model is built from beside the numbers in its mutable Params is its structure (`models.info.Carried`), and only models of
exactly the same structure, form, solver and parameters are used again. Their coefficients are worked out anew by the steps of the
translation, and everything that is returned is computed from those. Whatever ends otherwise than in a proven optimum is left to
a whole solve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Protocol

from pyomo.common.gc_manager import PauseGC

from veridical.data.arrays import Array
from veridical.data.errors import VeridicalError
from veridical.models.expected_sales import written
from veridical.models.info import Carried, info_of
from veridical.solvers.configuration import Configuration
from veridical.solvers.packaging import Names
from veridical.solvers.solution import Solution, SolutionStatus
from veridical.solvers.translate.standard_form import Repeatable, StandardForm
from veridical.solvers.translate.traced import NotTracedError

__all__ = ["Keeper", "Kept", "KeptModels", "OtherStructureError"]

MODELS = 8  # that are kept at most,
ROWS = 100_000  # and how many rows they may have together; the last one is kept however large it is

Solve = Callable[[Any, Configuration, "Kept"], Solution]


class OtherStructureError(Exception):
    """The numbers of a model decide something now that they decided otherwise when it was translated."""


@dataclass(eq=False)
class Kept:
    """A model with its translation and the names of its constraints.

    `start`: what the first solve leaves to later ones, in its solver's terms; never replaced, so that a solution depends on the
    first case and its own alone, and not on what was solved in between. `point`: what the variables hold. `solved`: whether the
    model has had a proven optimum.
    """

    model: Any
    nonlinear: bool
    start: Any = None
    point: Array | None = None
    solved: bool = False

    def __post_init__(self) -> None:
        info = info_of(self.model)
        self._repeatable = Repeatable(self.model, self.nonlinear)
        self.names = Names(info, self._repeatable.constraints)
        info.expected_sales = written(self.model)

    @property
    def rows(self) -> int:
        """The number of its constraints."""
        return len(self._repeatable.constraints)

    def form(self) -> StandardForm:
        """Return the model's arrays at the values that its Params have now; raises OtherStructureError."""
        form = self._repeatable.form()
        if form is None:
            raise OtherStructureError
        return form

    def renew(self, carried: Carried, case: Any) -> None:
        """Give the model the numbers of another case, and take out what solving has put in."""
        for sales in written(self.model):
            sales.forget()
        carried.renumber(self.model, case)
        aim(self.model)


def aim(model: Any) -> None:
    """Put the tangents of expected sales where the model's case is likely to have its optimum, where that is known."""
    info = info_of(model)
    if info.likely_units is None:
        return
    for sales in written(model):
        if sales.form == "tangent":
            sales.aim(info.likely_units(info.case))


class Keeper(Protocol):
    """What may have a model for a case."""

    def solve(
        self, build: Callable[..., Any], case: Any, form: str, configuration: Configuration, parameters: Mapping[str, Any], /
    ) -> Solution | None:
        """Return the proven optimum of the model that `build` makes; None where there is none, or it needs a whole solve."""


@dataclass(eq=False)
class KeptModels:
    """The models of the last structures that were solved, the latest last."""

    solvers: Mapping[str, tuple[Solve, bool]]  # by name: what solves a kept model, and whether it takes nonlinear ones
    _models: list[tuple[Any, Kept | None]] = field(default_factory=list)  # None: a model that cannot be kept

    def solve(
        self,
        build: Callable[..., Any],
        case: Any,
        form: str,
        configuration: Configuration,
        parameters: Mapping[str, Any],
        first: Any = None,
    ) -> Solution | None:
        """Return the proven optimum of the model that `build` makes; None where there is none, or it needs a whole solve.

        `first`: the case that a model begins with; others that do not share its structure need a whole solve.
        Raises InputError for what the model or the solver does not take, NotSolvedError for a model without an optimum.
        """
        carried = Carried.by(build)
        if carried is None or configuration.solver not in self.solvers:
            return None
        structure = carried.structure(case, **parameters)
        if structure is None:
            return None
        solve, nonlinear = self.solvers[configuration.solver]
        key = build, type(case), structure, form, configuration, dict(parameters), first
        began = perf_counter()
        if first is not None and first != case and all(one != key for one, _ in self._models):
            other = carried.structure(first, **parameters) if type(first) is type(case) else None
            if other != structure:
                return None
            with suppress(VeridicalError):
                self.solve(build, first, form, configuration, parameters, first)
            if not self._models or self._models[-1][0] != key:
                return None
            if self._models[-1][1] is None:
                return None
        place = next((place for place, (one, _) in enumerate(self._models) if one == key), None)
        with PauseGC():
            if place is None:
                try:
                    aim(model := build(case, form=form, **parameters))
                    kept: Kept | None = Kept(model, nonlinear)
                except NotTracedError:
                    kept = None
            else:
                key, kept = self._models.pop(place)
                if kept is not None:
                    kept.renew(carried, case)
            self._keep(key, kept)
            if kept is None:
                return None
            built = perf_counter() - began
            try:
                solution = solve(kept.model, configuration, kept)
                optimal = solution.status is SolutionStatus.OPTIMAL and solution.certificate.within(configuration.tolerance)
                kept.solved |= optimal
            except OtherStructureError:
                optimal = False
            finally:
                if not kept.solved:  # without an optimum there is no start, and none may be another case's
                    self._models[-1:] = [] if first is None else [(key, None)]
        if not optimal:
            return None
        return replace(solution, solver=replace(solution.solver, seconds=replace(solution.solver.seconds, build=built)))

    def _keep(self, key: Any, kept: Kept | None) -> None:
        self._models.append((key, kept))
        rows = 0
        for place in range(len(self._models) - 1, -1, -1):
            other = self._models[place][1]
            rows += 0 if other is None else other.rows
            if len(self._models) - place > MODELS or (rows > ROWS and place < len(self._models) - 1):
                del self._models[: place + 1]
                break
