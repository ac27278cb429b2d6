"""What came back from agents, kept in a file, so that a coordinator that was cut short goes on from where it was.

Everything that a coordinator does follows from the case, the options and the answers. So these are all that is kept: each time
somebody was asked, a digest of the questions, who answered, and who was lost. A run that goes on does what it did before, is
given the kept answers in place of asking anybody, and asks again where they end: the state of the rounds, of their acceleration
and of the bounds is then what it was, to the last digit. An agent that has gone on meanwhile is where it was too; one that the
coordinator runs itself is a new one, is told which flows are given, and answers the same.

The file is a head, which says of what run it is, and records, each with its length and a checksum, on the disk before the run
goes on; one that a crash cut short is left out.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zlib import crc32

import msgpack

from veridical.data import InputError, files
from veridical.data.joint_plan import JointPlanCase
from veridical.data.joint_plan.packing import packed
from veridical.solvers.consensus.carriers.workers import Replies, Workers
from veridical.solvers.consensus.codec import decode, written
from veridical.solvers.consensus.messages import Answer, Question, SilentError

__all__ = ["Journal"]

FORMAT = "veridical consensus 2"
MOST = 2**34  # bytes of a file that is gone on with
FRAME = struct.Struct("<II")  # length and checksum of what follows
ANOTHER = "the interrupted run's; go on with the same, or delete the file and begin anew"


class Journal:
    """The file of one run. settings: the options that shape it. resume: whether to go on with the run that is in the file.

    Raises InputError for a file that is there without `resume` and for none with it, for one of other settings or another
    version, and for one that is no such file.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], resume: bool) -> None:
        self.path = files.writable(path, "options.state")
        self.records: list[dict[str, Any]] = []  # that are to be gone through again
        self.count = 0
        self.open: dict[str, dict[int, Question]] = {}  # what each was asked and when, until an answer came
        self.told: dict[str, str] = {}  # of the case, as it was last
        self.seed = secrets.token_bytes(32)  # of the orders in which the run asks
        head = {"format": FORMAT, "seed": self.seed, "version": version("veridical"), "settings": dict(settings)}
        there = path.exists() and path.stat().st_size > 0
        if there and not resume:
            allowed = "no state of an interrupted run: to go on with it, resume (--resume); to begin anew, delete the file"
            raise InputError.of("options.state", str(path), allowed, "consensus")
        if not there and resume:
            raise InputError.of("options.resume", True, f"a run that was interrupted, in {path}; there is none", "consensus")
        self.holds_answers = there
        if there:
            self._read(head)
        else:
            files.write({self.path: _framed(head)}, private=True)

    @property
    def replaying(self) -> bool:
        """Whether answers are still those that were kept."""
        return bool(self.records)

    def about(self, case: JointPlanCase) -> None:
        """Take note of the case that is planned for from here on; raise InputError, by name, where another one was."""
        told = {"case": case.name, "routes, products, sites and weeks": _digest(packed(case.shared))}
        told |= {f"record of {party.name}": _digest(packed(party)) for party in case.parties}
        if told == self.told:
            return
        self.told = told
        if not self.replaying:
            self._append({"case": told})
            return
        before: dict[str, str] = self.records.pop(0).get("case", {})
        for name in dict.fromkeys([*before, *told]):
            if before.get(name) != told.get(name):
                shown = case.name if name == "case" else f"<another {name}>"
                raise InputError.of(name, shown, f"{before['case'] if name == 'case' and before else ANOTHER}", self.path.name)

    def ask(self, workers: Workers, questions: Mapping[str, Question]) -> Replies:
        """Return what comes back to questions: what was kept where there is something, else what agents answer now."""
        asked = _digest({n: [q.method, *(a.tobytes() for a in q.arguments)] for n, q in questions.items()})
        self.count += 1
        for name, question in questions.items():
            self.open.setdefault(name, {})[self.count] = question
        if self.replaying:
            return self._again(workers, self.records.pop(0), asked)
        dead = set(workers.dead)
        replies = workers.ask(questions)
        lost = {name: workers.fate(name) for name in sorted(workers.dead - dead)}
        came = {name: [self._when(name, question), _bytes(answer)] for name, (question, answer) in replies.items()}
        self._append({"asked": asked, "came": came, "lost": lost})
        self.holds_answers = self.holds_answers or bool(came)
        return replies

    def finish(self) -> None:
        """Delete the file: there is nothing left to go on with."""
        self.path.unlink(missing_ok=True)

    def _again(self, workers: Workers, record: Mapping[str, Any], asked: str) -> Replies:
        """Return the replies of a record; where it is the last one, tell agents what they were told."""
        if record.get("asked") != asked:
            raise InputError.of("options.state", "<other questions than this run asks>", ANOTHER, self.path.name)
        replies: Replies = {}
        for name, (when, sent) in record["came"].items():
            question = self.open[name][when]
            self._when(name, question)
            answer = decode(name, 0, question, sent)
            assert answer is not None
            replies[name] = (question, answer)
        for name, why in record["lost"].items():
            workers.forget(name)
            workers.dead.add(name)
            workers.reasons[name] = why
        if not self.replaying:
            self._take_up(workers)
        return replies

    def _take_up(self, workers: Workers) -> None:
        """Have agents go by what they were told before the run was cut short."""
        waiting = {name: workers.to_be_told_again(name) for name in workers.specs}
        while waiting := {name: left for name, left in waiting.items() if left and name not in workers.dead}:
            told = workers.ask({name: left[0] for name, left in waiting.items()})
            if not told and not workers.dead & waiting.keys():
                raise SilentError(
                    f"no answer to {next(iter(waiting.values()))[0].method} from {', '.join(waiting)}", tuple(waiting)
                )
            waiting = {name: left[1:] if name in told else left for name, left in waiting.items()}

    def _when(self, name: str, question: Question) -> int:
        """Return when a question was asked that is answered now, and forget what was asked before it."""
        when = next(number for number, other in self.open[name].items() if other is question)
        self.open[name] = {number: other for number, other in self.open[name].items() if number > when}
        return when

    def _append(self, record: Mapping[str, Any]) -> None:
        files.append(self.path, _framed(record))

    def _read(self, head: Mapping[str, Any]) -> None:
        content, whole = files.content(self.path, "state", MOST), 0
        for at, record in _records(content):
            self.records.append(record)
            whole = at
        kept = self.records.pop(0) if self.records else {}
        if kept.get("format") != FORMAT:
            raise InputError.of("options.state", "<a damaged file>", "a state as it was written", self.path.name)
        for name, value in {"version": head["version"], **head["settings"]}.items():
            before = kept["version"] if name == "version" else kept["settings"].get(name)
            if before != value:
                place = name if name == "version" else f"options.{name}"
                raise InputError.of(place, value, f"{before!r}, {ANOTHER}", self.path.name)
        self.seed = kept["seed"]
        if whole < len(content):
            files.write({self.path: content[:whole]}, private=True)


def _records(content: bytes) -> Any:
    """Yield where records end, and records, up to the first that is not whole."""
    at = 0
    while at + FRAME.size <= len(content):
        length, checksum = FRAME.unpack_from(content, at)
        body = content[at + FRAME.size : at + FRAME.size + length]
        if len(body) < length or crc32(body) != checksum:
            return
        at += FRAME.size + length
        yield at, msgpack.unpackb(body)


def _framed(record: Mapping[str, Any]) -> bytes:
    body: bytes = msgpack.packb(record)
    return FRAME.pack(len(body), crc32(body)) + body


def _bytes(answer: Answer) -> bytes:
    return written("answer", number=0, **vars(answer))


def _digest(value: Any) -> str:
    return sha256(msgpack.packb(value)).hexdigest()
