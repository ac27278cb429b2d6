"""The registry: what each mechanism is called, how it is built, its closed form, and what it promises."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import numpy as np

from veridical import models
from veridical.data import AssemblerCase, ContinuousCase, InputError
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.continuous import continuous
from veridical.solvers.closed_form.frw import frw

__all__ = ["DEFAULTS", "MECHANISMS", "Mechanism", "find", "fitting"]


@dataclass(frozen=True)
class Mechanism:
    """One mechanism; the ways to compute it are `build` (a Pyomo model) and, where there is one, `closed_form`.

    `kind` is the type of its cases. `promises` says, for the mechanism's parameters, which of `veridical.PROPERTIES` its menus
    have; every result is held against them.
    """

    name: str
    kind: type[Any]
    summary: str
    build: Callable[..., Any]
    closed_form: Callable[..., Any] | None
    promises: Callable[..., tuple[str, ...]]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that `build` takes beside the case and the form of expected sales."""
        return tuple(name for name in inspect.signature(self.build).parameters if name not in ("case", "form"))

    def check(self, case: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters, with `k` where it follows from the case.

        Raises InputError for one that the mechanism does not have, or a value that is not of its type.
        """
        types = get_type_hints(self.build)
        for name, value in parameters.items():
            if name not in self.parameters:
                raise InputError.of(name, value, f"for {self.name} {', '.join(self.parameters) or 'no parameters'}")
            value = value.item() if isinstance(value, np.generic) else value
            allowed = get_args(types[name]) or (types[name],)
            if not any(type(value) is each if isinstance(each, type) else value == each for each in allowed):
                words = {bool: "true or false", int: "a whole number", type(None): None}
                choices = [words.get(each, repr(each)) for each in allowed]
                raise InputError.of(name, value, " or ".join(filter(None, choices)))
        if "k" in self.parameters:
            return {**parameters, "k": len(case.widest(parameters.get("k")))}
        return dict(parameters)


def always(*names: str) -> Callable[..., tuple[str, ...]]:
    """Return promises that do not depend on parameters."""
    return lambda **parameters: names


TRUTHFUL = always("dominant_strategy_ic", "ex_post_ir")
BALANCED = always("dominant_strategy_ic", "ex_post_ir", "balanced")


def hybrid(balanced: bool = False, **parameters: Any) -> tuple[str, ...]:
    """Return what the hybrid promises."""
    return BALANCED() if balanced else TRUTHFUL()


def bic(participation: str = "interim", **parameters: Any) -> tuple[str, ...]:
    """Return what a Bayesian menu promises."""
    return "bayesian_ic", f"{participation}_ir"


MECHANISMS = {
    name: Mechanism(name, AssemblerCase, summary, build, closed_form, promises)
    for name, summary, build, closed_form, promises in (
        (
            "naive",
            "one quantity, everybody paid his highest cost",
            models.naive.build,
            closed.naive,
            always(*BALANCED(), "budget"),
        ),
        ("frw", "contracts that answer to a supplier's own cost alone", models.frw.build, frw, TRUTHFUL),
        (
            "hybrid",
            "quantities answer to the k suppliers with the widest range of costs",
            models.hybrid.build,
            closed.hybrid,
            hybrid,
        ),
        (
            "icds_balanced",
            "as icds, the same quantity of every component",
            models.icds_balanced.build,
            closed.icds_balanced,
            BALANCED,
        ),
        ("icds", "truthful in dominant strategies", models.icds.build, closed.icds, TRUTHFUL),
        ("bic", "truthful in expectation, if the others tell the truth", models.bic.build, None, bic),
        (
            "first_best",
            "costs known to the assembler: a benchmark that nobody can run",
            models.first_best.build,
            closed.first_best,
            always("ex_post_ir"),
        ),
    )
}
MECHANISMS["continuous"] = Mechanism(
    "continuous",
    ContinuousCase,
    "truthful in dominant strategies, costs anywhere in a range",
    models.continuous.build,
    continuous,
    BALANCED,
)
# what a kind of case is solved by where no mechanism is named
DEFAULTS: Mapping[type[Any], str] = {AssemblerCase: "icds", ContinuousCase: "continuous"}


def fitting(case: Any) -> dict[str, Mechanism]:
    """Return the mechanisms that fit the case."""
    return {name: mechanism for name, mechanism in MECHANISMS.items() if mechanism.kind is type(case)}


def find(case: Any, name: str | None) -> Mechanism:
    """Return a mechanism that fits the case; the kind's own where no name is given."""
    if type(case) not in DEFAULTS:
        kinds = " or ".join(sorted(kind.__name__ for kind in DEFAULTS))
        raise InputError.of("case", f"<{type(case).__name__}>", f"a case that mechanisms are here for: {kinds}")
    name = DEFAULTS[type(case)] if name is None else name
    if name not in fitting(case):
        raise InputError.of("mechanism", name, f"for a case of kind {case.kind} one of {', '.join(fitting(case))}")
    return MECHANISMS[name]
