"""The weeks of a rolling run as files, each written whole or not at all: an interrupted run resumes after the last one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

from veridical.data import InputError, files
from veridical.data.joint_plan import JointPlanCase
from veridical.data.stamp import stamped
from veridical.solvers.planners import weekly

__all__ = ["Folder", "opened", "packed", "unpacked"]


class Folder:
    """Files `week-K.json`: what the run is (`fingerprint`), what a week left (`content`), and a checksum of that.

    Raises InputError for a folder that cannot be used, one of another run, and files that are not as they were written, or of
    another week.
    """

    def __init__(self, path: str | Path, fingerprint: str) -> None:
        self.path, self.fingerprint = files.make_folder(path, "folder"), fingerprint

    def read(self, weeks: Iterable[int]) -> list[dict[str, Any]]:
        """Return the contents of the completed weeks, up to the first that is missing."""
        contents = {week: self._content(week) for week in weeks if self._file(week).exists()}
        return [contents[week] for week in takewhile(contents.__contains__, weeks)]

    def write(self, week: int, content: Mapping[str, Any]) -> None:
        """Write a week."""
        whole = stamped({"fingerprint": self.fingerprint, "checksum": _checksum(content), "content": content})
        files.write({self._file(week): json.dumps(whole, allow_nan=False)})

    def _file(self, week: int) -> Path:
        return self.path / f"week-{week}.json"

    def _content(self, week: int) -> dict[str, Any]:
        file = self._file(week)
        try:
            whole = json.loads(files.read(file, "week", "JSON"))
            fingerprint, content = whole["fingerprint"], whole["content"]
            sound = whole["checksum"] == _checksum(content)
        except (ValueError, KeyError, TypeError, RecursionError):
            sound = False
        if not sound:
            allowed = "a week as it was written; without the file the run resumes after the week before"
            raise InputError.of("<file>", "<a damaged file>", allowed, str(file))
        if fingerprint != self.fingerprint:
            allowed = f"{self.fingerprint}: this case, parameters and planner; another folder for another run"
            raise InputError.of("fingerprint", fingerprint, allowed, str(file))
        if content["result"]["week"] != week:
            allowed = f"{week}, as the file's name says: a week is read in its own place alone"
            raise InputError.of("week", content["result"]["week"], allowed, str(file))
        return dict(content)


@contextmanager
def opened(path: str | Path, fingerprint: str) -> Iterator[Folder]:
    """Have a folder for one run alone meanwhile; raises InputError where another one is at work there."""
    folder = Folder(path, fingerprint)
    with files.locked(folder.path, "folder"):
        yield folder


def packed(states: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the states of all worlds' parties as JSON has them."""
    return {world: {name: weekly.packed(state) for name, state in parties.items()} for world, parties in states.items()}


def unpacked(case: JointPlanCase, states: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the states of a world's parties, as they were packed."""
    return {name: weekly.unpacked(case.party(name), state) for name, state in states.items()}


def _checksum(content: Any) -> str:
    return sha256(json.dumps(content).encode()).hexdigest()
