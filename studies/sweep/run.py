"""A study run: every task solved in some lane, rows kept as they come, the table at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from veridical.data.errors import InputError
from veridical.studies.figures import study
from veridical.studies.sweep.columns import schema
from veridical.studies.sweep.folder import Folder, opened
from veridical.studies.sweep.frame import StudyFrame
from veridical.studies.sweep.lanes import Blocks, Lane
from veridical.studies.sweep.outputs import OF_PARTS
from veridical.studies.sweep.rows import Bench, Outcome, Row, Task

__all__ = ["Plan", "run"]

LOG = logging.getLogger(__name__)
TOGETHER = 0.2  # seconds within which rows that come after one another are written as one part,
SHARE = 0.02  # and of the time, that writing takes at most: on a slow disk more rows come together


@dataclass(frozen=True)
class Plan:
    """A study as it is to be run: its tasks in order, the values of each axis as shown, and what tells it from other studies.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> plan.name, len(plan.tasks), dict(plan.varied)
    ('study', 2, {'price': [30, 31]})
    """

    name: str
    bench: Bench
    tasks: tuple[Task, ...]
    varied: Mapping[str, Sequence[Any]]
    outputs: tuple[str, ...]  # columns in the order in which they were asked for
    manifest: Mapping[str, Any]
    called: Mapping[str, str] = field(default_factory=dict)  # columns whose names do not say what they are, with their unit
    file: str | None = None  # that the study was read from

    @property
    def design(self) -> str:
        """How the values of several fields go together."""
        return str(self.manifest["vary"]["design"])

    def refuse_unplottable(self) -> None:
        """Raise InputError where more is varied than a picture shows: said before anything is solved."""
        import pandas as pd

        heads = (task.head(self.bench.groups[task.group]) for task in self.tasks)
        frame = pd.DataFrame.from_records([{name: head.get(name) for name in ("case", "solver", *self.varied)} for head in heads])
        study.layout(frame, list(self.varied), self.design)


def run(
    plan: Plan,
    lanes: Callable[[Bench], Sequence[Lane]],
    out: str | Path | None = None,
    resume: bool = False,
    callback: Callable[[int, int, Row | None], None] | None = None,
) -> StudyFrame:
    """Return the table of a study.

    Parameters
    ----------
    plan
        The study.
    lanes
        Returns where its points are solved; called where there are points to solve.
    out
        The folder in which what is finished is kept.
    resume
        Whether that may be a folder in which the study was begun.
    callback
        Called with the number of rows that are finished, of all rows, and the newest row; at first with what was kept, and None.

    Returns
    -------
    StudyFrame
        Its rows are in the order of the tasks, whichever lane they come from.

    Raises
    ------
    InputError
        For a folder that cannot be used, and columns that solutions do not have.
    NotSolvedError
        Where a cluster does not answer any more.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> from veridical.studies.sweep import Here
    >>> run(plan, lambda bench: [Here(bench)]).objective.round(2).tolist()
    [6965.0, 7388.71]
    """
    import pyarrow as pa

    columns = schema(plan.varied, plan.bench.columns)
    with nullcontext() if out is None else opened(out, plan.manifest, columns, resume) as folder:
        rows = {} if folder is None else {row["row"]: row for row in folder.read()}
        tasks = [task for task in plan.tasks if task.row not in rows]
        if callback is not None:
            callback(len(rows), len(plan.tasks), None)
        said: set[tuple[str, ...]] = set()
        with closing(_Kept(folder)) as kept, closing(_outcomes(lanes(plan.bench) if tasks else [], tasks)) as outcomes:
            for outcome in outcomes:
                _say_absent(plan, outcome, said)
                rows[outcome.row["row"]] = outcome.row
                kept.add(outcome.row)
                if callback is not None:
                    callback(len(rows), len(plan.tasks), outcome.row)
        table = pa.Table.from_pylist([rows[number] for number in sorted(rows)], columns)
        if folder is not None:
            folder.finish(table.to_pandas())
    failures = sum(status != 0 for status in table["exit_status"].to_pylist())
    if failures:
        LOG.warning("%d of %d points failed: the columns status and reason say why", failures, len(plan.tasks))
    return StudyFrame.of(table.to_pandas(), plan.name, tuple(plan.varied), plan.outputs, plan.called, plan.design)


class _Kept:
    """Rows on their way to the folder; closed, it has written all of them."""

    def __init__(self, folder: Folder | None) -> None:
        self.folder, self.waiting, self.due = folder, list[Row](), 0.0

    def add(self, row: Row) -> None:
        """Take a row, and write what waits if the last part is old enough."""
        self.waiting.append(row)
        if monotonic() > self.due:
            self.close()

    def close(self) -> None:
        """Write what waits."""
        began = monotonic()
        if self.folder is not None and self.waiting:
            self.folder.write(self.waiting)
        now = monotonic()
        self.waiting, self.due = [], now + max(TOGETHER, (now - began) / SHARE)


def _outcomes(lanes: Sequence[Lane], tasks: Sequence[Task]) -> Generator[Outcome]:
    """Yield what comes of tasks, as it comes; an error in a lane ends all of them."""
    if not tasks:  # of a study that was finished before
        return
    if len(lanes) == 1:  # in this thread, which Ctrl-C ends
        try:
            yield from map(lanes[0], tasks)
        finally:
            lanes[0].close()
        return
    blocks, results = Blocks(tasks, len(lanes)), SimpleQueue[Outcome | BaseException]()

    def work(lane: Lane) -> None:
        try:
            for task in blocks.of_a_lane():
                results.put(lane(task))
        except BaseException as error:
            results.put(error)

    for lane in lanes:
        Thread(target=work, args=(lane,), daemon=True).start()
    try:
        for _ in tasks:
            outcome = results.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        blocks.stopped = True
        for lane in lanes:
            lane.close()


def _say_absent(plan: Plan, outcome: Outcome, said: set[tuple[str, ...]]) -> None:
    """Log once which columns a kind of solution lacks; raise InputError where no solution of that case could have them."""
    row = outcome.row
    for column, there in outcome.absent.items():
        if ":" not in column:
            raise InputError.of("outputs.columns", column, f"for {row['case']} one of {there}; {OF_PARTS}", plan.file)
        kind = column, row["case"], row["mechanism"], row["solver"]
        if kind not in said:
            said.add(kind)
            LOG.warning("%s is empty for %s by %s with solver %s, which have %s", *kind, there)
