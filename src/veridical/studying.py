"""Studies of many points: the plan that a spec comes to, with the cases, mechanisms and fields that there are, and its run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veridical.comparing import truthful
from veridical.data import InputError
from veridical.data.errors import visible
from veridical.data.fields import whole_number
from veridical.data.lazy import lazy
from veridical.data.progress import reporting
from veridical.families import family_of
from veridical.repeated import Repeated
from veridical.solvers import Solution
from veridical.solvers.cluster import CONNECTING, connected

if TYPE_CHECKING:
    from veridical import study_plan
    from veridical.studies import sweep
    from veridical.studies.sweep import Bench, StudyFrame, StudySpec, lanes
    from veridical.studies.sweep.lanes import Lane
    from veridical.studies.sweep.rows import Row
else:
    study_plan, sweep, lanes = map(lazy, ("veridical.study_plan", "veridical.studies.sweep", "veridical.studies.sweep.lanes"))

__all__ = ["Callback", "study"]

WORKERS = 1024  # processes at most
Callback = Callable[[int, int, "Row | None"], None]


def study(
    spec: Mapping[str, Any] | str | Path | StudySpec,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    scheduler: Any = None,
    resume: bool = False,
    callback: Callback | None = None,
    allow_files: bool = False,
) -> StudyFrame:
    """Solve cases under mechanisms at many points, and return one table with a row a point and mechanism.

    A point that fails is a row with its `status`, `reason` and `exit_status`. Progress is shown on standard error where that is a
    terminal; `logging` has the rest, under `veridical`.

    Parameters
    ----------
    spec
        A table, the path of a TOML file, or the name of a shipped study, with the keys `case` (a shipped case, a file, a folder,
        or in Python a case; one or a list), `mechanisms`, `solver` (one or a list; those left out are the case's own), `vary` and
        `outputs`. Paths in a file are below its folder. In `vary` stands for each field, by the name that `--set` takes,
        `{from, to, points}`, `{values = [...]}` or `{random = {distribution, ..., draws}}`; so does `correlation`, one number
        between any two suppliers, and `mechanism.NAME.PARAMETER`, of that mechanism alone; and the `design`: `cross`, `zip` or
        `random` (with `draws`), and `seed`. `outputs.columns`: figures of a comparison (`rents`, ...), `dual:FAMILY:max`
        (`min`, `mean`, `sum`), `sensitivity:NAME`, and numbers of the solution's parts (`audit:NAME`, `contracts:NAME`,
        `certificate:NAME`).
    out
        A folder, which keeps finished rows as Parquet (`parts`) and at the end has the table (`study.csv`).
    workers
        Processes that solve points; with 1 they are solved in this one. The rows are the same, but for their seconds.
    scheduler
        The address of a Dask scheduler, or a client of `distributed`, whose workers take the place of processes.
    resume
        Whether to go on in a folder in which the same study was interrupted, however that was.
    callback
        Called after each row with the number of finished rows, of all rows, and the row; first with those that were kept, and
        None. Takes the place of the progress on standard error.
    allow_files
        Whether cases and solvers of a spec file may lie, or name files, outside its folder.

    Returns
    -------
    A DataFrame (a StudyFrame) in the order of the points, with the varied values, objective, bound, status, the columns that were
    asked for, the certificate's figures, whether truth is best, seconds by step, versions, and a hash of the case as solved.
    Its methods `figure` and `to_latex` draw it, and write it for a paper.

    Raises
    ------
    InputError
        For a spec that cannot be used: file, field, value and what is allowed; before anything is solved, but for columns that no
        solution has, which are noticed at the first. For a folder of another study, with what differs.
    NotSolvedError
        Where the cluster does not answer any more.

    Examples
    --------
    >>> import veridical as vd
    >>> table = vd.study({"case": "two-suppliers", "mechanisms": ["icds", "naive"], "solver": "closed_form",
    ...                   "vary": {"price": {"from": 30, "to": 32, "points": 3}}, "outputs": {"columns": ["rents"]}})
    >>> table[["mechanism", "price", "objective", "rents"]].round(2)
        mechanism  price  objective    rents
    row
    0        icds     30    6965.00  2106.00
    1        icds     31    7388.71  2177.42
    2        icds     32    7817.19  2244.38
    3       naive     30    6290.00  2916.00
    4       naive     31    6735.48  2961.29
    5       naive     32    7184.38  3003.75
    """
    return run(prepared(spec, out, workers, scheduler, resume, allow_files), out, workers, scheduler, resume, callback)


def prepared(
    spec: Any, out: str | Path | None, workers: int, scheduler: Any, resume: bool, allow_files: bool = False
) -> sweep.Plan:
    """Return a study that is ready to run; raises InputError for a spec and for arguments that cannot be used."""
    whole_number(workers, "workers", 1, most=WORKERS)
    if scheduler is not None and workers != 1:
        raise InputError.of("workers", workers, "none beside a scheduler, whose workers solve the points")
    if workers > 1:
        lanes.end_if_unguarded()
    if resume and out is None:
        raise InputError.of("resume", resume, "a folder to go on in: out")
    planned = study_plan.plan(
        spec, partial(sweep.Bench, make=solver_of_process, compare=compared, truthful=truthful), allow_files
    )
    if scheduler is None:  # else it is the workers that need the solvers
        study_plan.refuse_missing_solvers(planned)
    return planned


def run(
    planned: sweep.Plan,
    out: str | Path | None = None,
    workers: int = 1,
    scheduler: Any = None,
    resume: bool = False,
    callback: Callback | None = None,
) -> StudyFrame:
    """Return the table of a study that is ready; see `study`."""
    with _lanes(workers, scheduler) as opened, _progress(planned.name, callback) as callback:
        return sweep.run(planned, opened, out, resume, callback)


def solver_of_process() -> Callable[..., Solution]:
    """Return what solves the points of a process: `solve(first, case, mechanism=..., solver=..., **parameters)`."""
    return solve


def solve(first: Any, case: Any, **options: Any) -> Solution:
    """Solve a point: from the basis of one case of the study, so that rows are the same in any order and in any process."""
    return _repeated().solve_from(first, case, **options)


@cache
def _repeated() -> Repeated:
    return Repeated()


def compared(case: Any, solution: Solution) -> Mapping[str, Any]:
    """Return the figures that a comparison shows of a solution, but for shares of a benchmark, which is not solved here."""
    columns = family_of(case).columns(solution, float("nan"))
    return {name: value for name, value in columns.items() if not name.startswith("share_of")}


@contextmanager
def _lanes(workers: int, scheduler: Any) -> Iterator[Callable[[Bench], Sequence[Lane]]]:
    """Give what returns the lanes in which points are solved, and close what it opened."""
    if scheduler is None:
        yield lambda bench: [sweep.Here(bench)] if workers == 1 else [sweep.ProcessLane(bench) for _ in range(workers)]
    elif isinstance(scheduler, str):
        with closing(connected(scheduler, CONNECTING, partial(InputError.of, "scheduler"))) as client:
            yield partial(sweep.dask_lanes, client)
    else:
        yield partial(sweep.dask_lanes, scheduler)


@contextmanager
def _progress(name: str, callback: Callback | None) -> Iterator[Callback | None]:
    """Give a callback that shows how far a study is, where standard error is a terminal and the caller has none of his own."""
    if callback is not None or not sys.stderr.isatty():
        yield callback
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as shown, reporting(None):  # one thing draws on a terminal
        failures = 0

        def advance(finished: int, total: int, row: Row | None) -> None:
            nonlocal failures
            if not shown.tasks:
                shown.add_task(visible(name), total=total, completed=finished)
            elif row is not None:
                failures += row["exit_status"] != 0
                words = name + (f", {failures} failed" if failures else "")
                shown.update(shown.tasks[0].id, completed=finished, description=visible(words))

        yield advance
