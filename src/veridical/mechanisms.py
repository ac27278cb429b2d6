"""The registry: what each mechanism is called, how it is built, its closed form, and what it promises."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from veridical import models
from veridical.data import AssemblerCase, InputError
from veridical.solvers.closed_form import ClosedForm
from veridical.solvers.closed_form import assembler as closed

__all__ = ["MECHANISMS", "Mechanism", "find"]


@dataclass(frozen=True)
class Mechanism:
    """One mechanism; the ways to compute it are `build` (a Pyomo model) and, where there is one, `closed_form`.

    `truthful`: no misreport gains, whatever the others report. `individually_rational`: no truthful party loses.
    Every result is held against both.
    """

    name: str
    kind: str
    summary: str
    build: Callable[..., Any]
    closed_form: Callable[..., ClosedForm] | None
    truthful: bool
    individually_rational: bool

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that `build` takes beside the case and the form of expected sales."""
        return tuple(name for name in inspect.signature(self.build).parameters if name not in ("case", "form"))

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise InputError for a parameter that the mechanism does not have, or a value that is not of its type."""
        types = get_type_hints(self.build)
        for name, value in parameters.items():
            if name not in self.parameters:
                raise InputError.of(name, value, f"for {self.name} {', '.join(self.parameters) or 'no parameters'}")
            if type(value) is not types[name]:
                raise InputError.of(name, value, {bool: "true or false", int: "a whole number"}.get(types[name], "text"))


MECHANISMS = {
    mechanism.name: mechanism
    for mechanism in (
        Mechanism(
            "naive",
            "assembler",
            "one quantity, everybody paid his highest cost",
            models.naive.build,
            closed.naive,
            truthful=True,
            individually_rational=True,
        ),
        Mechanism(
            "icds_balanced",
            "assembler",
            "truthful in dominant strategies, the same quantity of every component",
            models.icds_balanced.build,
            closed.icds_balanced,
            truthful=True,
            individually_rational=True,
        ),
        Mechanism(
            "icds",
            "assembler",
            "truthful in dominant strategies",
            models.icds.build,
            closed.icds,
            truthful=True,
            individually_rational=True,
        ),
        Mechanism(
            "first_best",
            "assembler",
            "costs known to the assembler: a benchmark that nobody can run",
            models.first_best.build,
            closed.first_best,
            truthful=False,
            individually_rational=True,
        ),
    )
}
DEFAULTS = {"assembler": "icds"}  # what a kind of case is solved by where no mechanism is named


def find(case: AssemblerCase, name: str | None) -> Mechanism:
    """Return a mechanism that fits the case; the kind's own where no name is given."""
    fitting = {key: mechanism for key, mechanism in MECHANISMS.items() if mechanism.kind == case.kind}
    name = DEFAULTS[case.kind] if name is None else name
    if name not in fitting:
        raise InputError.of("mechanism", name, f"for a case of kind {case.kind} one of {', '.join(fitting)}")
    return fitting[name]
