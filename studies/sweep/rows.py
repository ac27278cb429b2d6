"""A point of a study solved, as a row of the table: what was found, or why nothing was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from time import perf_counter
from typing import Any

from veridical.data import files, observations
from veridical.data.case_record import hashed
from veridical.data.errors import CertificateError, InputError, NotSolvedError, VeridicalError
from veridical.solvers import Configuration, Solution
from veridical.solvers.solution import ACCEPTS
from veridical.studies.sweep.columns import CHECKED, SECONDS, SOLVED, VERSIONS
from veridical.studies.sweep.design import Point
from veridical.studies.sweep.outputs import figure, is_known, known

__all__ = ["FAILED", "Bench", "Group", "Outcome", "Row", "Task", "failed"]

LOG = logging.getLogger(__name__)
Row = dict[str, Any]
FAILED = 1  # exit status of a point that ended in an error of no known kind


@dataclass(frozen=True)
class Group:
    """What consecutive points share: a case, a mechanism and a solver; `label` is what the table calls the solver.

    `first`: the case of the points from which solvers that can do so start.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> [(group.mechanism_name, group.label) for group in plan.bench.groups]
    [('icds', 'closed_form')]
    """

    case: Any
    mechanism: Any
    configuration: Configuration | None
    label: str
    first: Any = None

    @property
    def mechanism_name(self) -> str:
        """What the table calls the mechanism."""
        return str(getattr(self.mechanism, "name", self.mechanism))


@dataclass(frozen=True)
class Task:
    """A row to come: its number, its group's, what is varied in it as the table shows it, and what is handed to `solve`.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> [(task.row, dict(task.varied)) for task in plan.tasks]
    [(0, {'price': 30}), (1, {'price': 31})]
    """

    row: int
    group: int
    varied: Point
    parameters: Mapping[str, Any]
    fields: tuple[str, ...] = ()  # those of the parameters that change the case

    def head(self, group: Group) -> Row:
        """Return what is known of the row before anything is solved."""
        return {
            **{"row": self.row, "case": group.case.name, "mechanism": group.mechanism_name, "solver": group.label},
            **self.varied,
            **_versions(),
        }


@dataclass(frozen=True)
class Outcome:
    """What comes of a task: its row; and of the columns that were asked for those that its solution lacks, with what there is."""

    row: Row
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """Where points are solved; each worker process has one of its own.

    `make` returns `solve(first, case, mechanism=..., solver=..., **parameters) -> Solution`, called once a process. `compare`
    returns the figures that a comparison shows of a solution, by name. `columns` are further ones that are asked for. `folder`:
    below which lie the files that varied values name, unless `allow_files`; None where the program is.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> round(plan.bench.solve(plan.tasks[1]).row["objective"], 2)
    7388.71
    """

    groups: tuple[Group, ...]
    make: Callable[[], Callable[..., Solution]]
    compare: Callable[[Any, Solution], Mapping[str, Any]]
    truthful: Callable[[Solution], str]
    columns: tuple[str, ...] = ()
    folder: Path | None = None
    allow_files: bool = False

    def solve(self, task: Task) -> Outcome:
        """Return what comes of a task: a point that fails is a row with its reason."""
        group, began = self.groups[task.group], perf_counter()
        row = task.head(group)
        try:
            with observations.below(self.folder), files.outside_allowed(self.allow_files):
                changed = group.case.changed(**{name: task.parameters[name] for name in task.fields})
            row["case_hash"] = hashed(changed)
            solve = _solver(self.make)
            own = {name: value for name, value in task.parameters.items() if name not in task.fields}
            solution = solve(group.first, changed, mechanism=group.mechanism, solver=group.configuration, **own)
        except VeridicalError as error:
            row |= failed(error) | {"seconds": perf_counter() - began}
            of_solution = error.solution if isinstance(error, CertificateError) else None
            return Outcome(row | ({} if of_solution is None else _solved(of_solution)))
        except Exception as error:  # whatever a user's own model or mechanism does wrong must not end the others
            LOG.debug("row %d: %s", task.row, error, exc_info=True)
            return Outcome(row | failed(error) | {"seconds": perf_counter() - began})
        row |= _solved(solution) | {"status": str(solution.status), "audit": self.truthful(solution), "exit_status": 0}
        accept = ACCEPTS.get(solution.status)
        if accept is not None and (group.configuration is None or group.configuration.accept != accept):
            row |= {"exit_status": NotSolvedError.exit_status, "reason": f"{solution.status} (accept = '{accept}' takes it)"}
        compared = dict(self.compare(group.case, solution)) if self.columns else {}
        unknown = (column for column in self.columns if not is_known(column, solution, compared))
        row |= {column: figure(column, solution, compared) for column in self.columns}
        absent = {column: ", ".join(known(column, solution, compared)) or "none" for column in unknown}
        return Outcome(row | {"seconds": perf_counter() - began}, absent)


@cache
def _versions() -> Row:
    """Return the versions that rows carry: to look them up took a fifth of the time of a point."""
    return {column: version(name) for column, name in VERSIONS.items()} | {"python": python_version()}


@cache
def _solver(make: Callable[[], Callable[..., Solution]]) -> Callable[..., Solution]:
    return make()


def failed(error: BaseException) -> Row:
    """Return what a row says of an error: status, exit status and reason."""
    if isinstance(error, VeridicalError):
        status = {InputError: "bad_input", CertificateError: "certificate_failed"}.get(type(error), "failed")
        status = str(error.status) if isinstance(error, NotSolvedError) else status
        return {"status": status, "exit_status": error.exit_status, "reason": str(error)}
    return {"status": "failed", "exit_status": FAILED, "reason": f"{type(error).__name__}: {error}"}


def _solved(solution: Solution) -> Row:
    certificate, record = solution.certificate, solution.solver
    return {
        **{name: _finite(getattr(solution, name)) for name in SOLVED},
        "certificate": certificate.proves,
        **{name: _finite(getattr(certificate, name)) for name in CHECKED},
        **{f"seconds_{step}": getattr(record.seconds, step) for step in SECONDS},
        "engine": f"{record.name} {record.version}",
    }


def _finite(value: float | None) -> float | None:
    """Return a number, None for NaN: what is not known is empty, in Parquet as in CSV."""
    return None if value is None or value != value else float(value)
