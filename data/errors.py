"""What can go wrong, as exception types, each with the exit status that the command line gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["CertificateError", "FrozenError", "InputError", "Missing", "NotSolvedError", "Problem", "VeridicalError", "visible"]


class VeridicalError(Exception):
    """Base of every error that this package raises on purpose; what is not printable in its message is escaped.

    Examples
    --------
    >>> import veridical as vd
    >>> try:
    ...     vd.example("no-such-case")
    ... except vd.VeridicalError as error:
    ...     print(error.exit_status)
    2
    """

    exit_status = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(visible, lines)))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in some input: where it stands, what was found, what is allowed.

    Examples
    --------
    >>> Problem("price", "-1", "a finite number > 0").field
    'price'
    """

    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field}: got {self.value}; allowed: {self.allowed}"


class Missing(Problem):
    """A key that must be there and is not; `allowed` says so, and what it is for."""

    def __str__(self) -> str:
        return f"{self.field}: {self.allowed}"


class InputError(VeridicalError, ValueError):
    """Input that cannot be used: names the file, the field, the value found and what is allowed.

    Examples
    --------
    >>> import veridical as vd
    >>> try:
    ...     vd.example("two-suppliers").changed(price=-1)
    ... except vd.InputError as error:
    ...     print(error.problems[0].field, error.problems[0].value)
    price -1
    """

    exit_status = 2

    def __init__(self, *problems: Problem, file: str | None = None) -> None:
        self.problems = problems
        self.file = file
        super().__init__(*(f"{file}: {one}" if file and file != one.field else str(one) for one in problems))

    @classmethod
    def of(cls, field: str, value: object, allowed: str, file: str | None = None) -> InputError:
        """Return the error for a single field."""
        return cls(Problem(field, shown(value), allowed), file=file)

    @classmethod
    def missing(cls, field: str, what: str, file: str | None = None) -> InputError:
        """Return the error for a required key that is not there; `what` says what it is for."""
        return cls(Missing(field, "<nothing>", f"missing required key: {what}"), file=file)

    def within(self, place: str) -> InputError:
        """Return the error as seen from outside: its fields stand in the part of a case that `place` names."""
        inside = (replace(problem, field=f"{place}.{problem.field}") for problem in self.problems)
        return InputError(*inside, file=self.file)


class FrozenError(InputError, AttributeError):
    """An assignment to a field of a record, which cannot be changed."""


class NotSolvedError(VeridicalError, RuntimeError):
    """The solver ended without an optimum: infeasible, unbounded or a limit; says what is known.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> model = pyo.ConcreteModel()
    >>> model.x = pyo.Var()
    >>> model.best = pyo.Objective(expr=model.x)
    >>> try:
    ...     vd.solvers.solve(model)
    ... except vd.NotSolvedError as error:
    ...     print(error.exit_status)
    3
    """

    exit_status = 3

    def __init__(self, message: str, status: str) -> None:
        self.status = status
        super().__init__(message)


class CertificateError(VeridicalError, RuntimeError):
    """A result that the solver calls optimal and that fails our own check; the result is in the attribute `solution`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers"))
    >>> wrong = replace(solution, certificate=replace(solution.certificate, gap=0.1))      # as if a better point might exist
    >>> try:
    ...     checked = wrong.checked()
    ... except vd.CertificateError as error:
    ...     print(error.exit_status)
    4
    """

    exit_status = 4

    def __init__(self, message: str, solution: Any = None) -> None:
        self.solution = solution
        super().__init__(message)


def visible(text: str) -> str:
    """Return text with everything escaped that is not printable: it is one line, and nothing in it drives a terminal."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def shown(value: object, longest: int = 80) -> str:
    """Return a value as an error message shows it: its repr, cut to a readable length.

    Of what may be a path both ends are kept: the last part is the file.

    >>> shown("/a/long/way/to/case.toml", longest=20)
    "'/a/lo.../case.toml'"
    """
    text = value if isinstance(value, str) and value.startswith("<") else repr(value)
    if len(text) <= longest:
        return text
    last = text[max(text.rfind("/"), text.rfind("\\")) :]
    if len(last) + 3 < longest and last != text[-1:] and isinstance(value, str) and text[1:2] in "/\\.~":
        return f"{text[: longest - len(last) - 3]}...{last}"
    return f"{text[: longest - 3]}..."
