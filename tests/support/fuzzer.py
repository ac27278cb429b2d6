"""Seeded mutations of every kind of file and option, run through the command line in this process.

    nice python tests/support/fuzzer.py 5000 300     (COUNT and first SEED; the suite runs the seeds 0 to 299)

The contract: exit 0 with JSON in which every number is finite, or 2 with messages and nothing else, or 3 or 4; never a
traceback, and never longer than a minute of the processor. By hand each input that breaks the contract is printed, and at the
end how many ended how. Half of the mutations are mild and leave a case that can be solved, or nearly (`milder`), so that what is
refused at once is not all that is tried.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
import signal
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeGuard

import tomli_w

import veridical as vd
from veridical.cli import main
from veridical.data.joint_plan import pilot
from veridical.families import fitting

LONGEST = 60  # seconds of the processor that a command may take; or four times as many by the clock, on a machine of any load
STATUSES = (0, 2, 3, 4)
EXTREMES = [0, 1, -1, 2, 0.5, 1e-300, 1e-12, 1e9, 1e30, 1e300, 1.7e308, 10**30, 10**400, -0.0, float("inf"), float("nan")]
ODD = ["", " ", "a", "a" * 300, "\x1b[2J", "=1+1", "mean", "Zürich", "名", "normal", "../x", True, [], {}, [[]], [{}], [0.5, 0.5]]
CASES: tuple[str, ...] = (
    "two-suppliers",
    "two-suppliers-correlated",
    "continuous-pair",
    "continuous-pair-correlated",
    "five-retailers",
)
CASES += ("two-retailers", "flat-panels", "electronics", "unbalanced-smallest", "small-plan")
QUICK = ("two-suppliers", "two-suppliers-correlated", "two-retailers", "electronics", "unbalanced-smallest") * 3 + ("small-plan",)
VALID: dict[str, list[list[str]]] = {  # by kind of case, options that it takes
    "assembler": [
        *(
            ["--set", change]
            for change in ("price=31", "suppliers.0.costs=[2, 9.5]", "demand={distribution='exponential', mean=70}")
        ),
        *(["--mechanism", "hybrid", "--set", f"k={k}"] for k in (0, 1)),
        ["--mechanism", "bic", "--solver", "highs"],
    ],
    "allocation": [["--set", change] for change in ("capacity=3", "capacity=200", "points=4", "retailers.0.count=1")],
    "joint_plan": [["--set", change] for change in ("misreports=0", "misreports=1", "activity_fee=0.1", "participation_fee=2")],
}
SETTINGS: list[dict[str, Any]] = [{"solver": "highs", "tolerance": 1e-8, "time_limit": 20, "options": {"presolve": "off"}}]
SETTINGS += [
    {"solver": "highs", "time_limit": 20, "threads": 2, "form": "auto", "options": {option: value}}
    for option, value in (
        ("threads", 2),
        ("solver", "ipm"),
        ("simplex_strategy", 1),
        ("random_seed", 7),
        ("user_objective_scale", 2),
    )
]
SETTINGS += [
    {"solver": "ipopt", "time_limit": 20, "starts": 2, "accept": "local", "options": {option: value}}
    for option, value in (
        ("linear_solver", "ma97"),
        ("linear_solver", "mumps"),
        ("warm_start_init_point", "yes"),
        ("max_iter", 50),
    )
]
SHARES = ("probabilities", "weights", "joint")  # keys of numbers that sum to one
OPTIONS = [["--solver", name] for name in ("highs", "ipopt", "closed_form", "planner", "consensus", "nobody", "", "a b")]
OPTIONS += [["--mechanism", name] for name in (*vd.MECHANISMS, "nothing", "")]
OPTIONS += [
    ["--set", change] for change in ("price=31", "price=-1", "price", "=", "k=2", "k=0", "k=1e9", "points=4", "points=10000000")
]
OPTIONS += [
    ["--set", change] for change in ("demand.mean=1e300", "suppliers.0.costs=[1,2]", "capacity=0", "participation=ex_post")
]
OPTIONS += [
    ["--set", change] for change in ("samples=1000000000000", "weeks=4", "misreports=3", "count=1000000000", "x=" + "9" * 5000)
]


@dataclass(frozen=True)
class Run:
    """A command that was run: what it was given, how it ended, and what is wrong with that (nothing, where it is "")."""

    seed: int
    arguments: list[str]
    status: int | None
    output: str
    errors: str
    seconds: float
    wrong: str


class TooLong(BaseException):
    """Raised where a command takes longer than it may."""


def fuzz(seed: int) -> Run:
    """Run one mutated command."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        return run(arguments(rng, Path(folder)), seed)


def arguments(rng: random.Random, folder: Path) -> list[str]:
    """Return the arguments of a command whose input is mutated."""
    kind = rng.choice(["case"] * 5 + ["bytes", "options", "options", "menu", "solver", "table"] + ["milder"] * 11)
    name = rng.choice(CASES if kind != "milder" or rng.random() < 0.1 else QUICK)
    case = small_plan() if name == "small-plan" else vd.example(name)
    target = Path(case.save(folder / "case.toml" if case.kind != "joint_plan" else folder))
    tables = sorted(folder.glob("*.csv"))
    command, rest = rng.choice(["solve", "solve", "solve", "compare"]), ["--json", "-"]
    if kind == "milder":
        return milder(rng, case, target)
    if kind == "case":
        table = tomllib.loads(target.read_text(encoding="utf-8"))
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            table = mutated(rng, table)
        target.write_text(toml(table), encoding="utf-8")
    elif kind == "table" and tables:
        spoil(rng, rng.choice(tables))
    elif kind in ("bytes", "table"):
        spoil(rng, target)
    elif kind == "solver":
        solver = folder / "solver.toml"
        solver.write_text(toml(mutated(rng, rng.choice(SETTINGS))), encoding="utf-8")
        if rng.random() < 0.5:
            spoil(rng, solver)
        rest += ["--solver", str(solver)]
    elif kind == "menu":
        menu = folder / "menu.csv"
        with contextlib.suppress(vd.VeridicalError, KeyError, TypeError):
            run(["solve", str(target), "--menu", str(menu)], 0)
        if menu.exists():
            spoil(rng, menu)
            command, rest = "audit", [str(menu), *rest]
    for _ in range(rng.choice([1, 2, 3]) if kind == "options" else rng.choice([0, 0, 1])):
        rest += rng.choice(OPTIONS)
    return [command, str(target), *rest]


def milder(rng: random.Random, case: Any, target: Path) -> list[str]:
    """Return the arguments of a command on a case that is still one, or nearly: other numbers, rows in another order."""
    tables = sorted(target.parent.glob("*.csv"))
    for _ in range(rng.choice([1, 1, 2, 3])):
        if tables and rng.random() < 0.7:
            nudge_table(rng, rng.choice(tables))
        else:
            table = tomllib.loads(target.read_text(encoding="utf-8"))
            nudge(rng, table)
            target.write_text(toml(table), encoding="utf-8")
    names = list(fitting(case))
    if rng.random() < 0.1:
        return ["compare", str(target), "--json", "-", "--mechanism", rng.choice(names), "--mechanism", rng.choice(names)]
    rest = ["--mechanism", rng.choice(names)] if rng.random() < 0.5 else rng.choice(VALID.get(case.kind, [[]]))
    if rng.random() < 0.5 and "--solver" not in rest:
        rest = [*rest, "--solver", rng.choice(["closed_form", "highs", "ipopt"] if case.kind != "joint_plan" else ["highs"])]
    return ["solve", str(target), "--json", "-", *rest]


def nudge(rng: random.Random, table: dict[str, Any]) -> None:
    """Change a table a little: half to twice a number, two rows that change places, or some probability that moves."""
    places = [(owner, key) for owner, key in _places(table)]
    rows = [owner[key] for owner, key in places if isinstance(owner[key], list) and len(owner[key]) > 1]
    shares = [leaves for owner, key in places if key in SHARES and len(leaves := list(_leaves(owner, key))) > 1]
    inside = {(id(owner), key) for leaves in shares for owner, key in leaves}
    numbers = [(owner, key) for owner, key in places if _is_number(owner[key]) and (id(owner), key) not in inside]
    action = rng.choice(["scale"] * 4 + ["swap", "move"])
    if action == "move" and shares:
        (giver, source), (taker, goal) = rng.sample(rng.choice(shares), 2)
        moved = giver[source] * rng.random()
        giver[source] -= moved
        taker[goal] += moved
    elif action == "swap" and (tables := [row for row in rows if isinstance(row[0], dict)]):
        row = rng.choice(tables)
        i, j = rng.sample(range(len(row)), 2)
        row[i], row[j] = row[j], row[i]
    elif numbers:
        owner, key = rng.choice(numbers)
        scaled = owner[key] * rng.uniform(0.5, 2)
        owner[key] = round(scaled) if isinstance(owner[key], int) else scaled


def nudge_table(rng: random.Random, path: Path) -> None:
    """Let two rows of a table change places, or take half to twice a number in it."""
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    rows[i], rows[j] = rows[j], rows[i]
    cells = rows[i].split(",")
    with contextlib.suppress(ValueError):
        cells[-1] = repr(float(cells[-1]) * rng.uniform(0.5, 2))
    rows[i] = ",".join(cells)
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def _leaves(owner: Any, key: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(owner[key], list):
        for place in range(len(owner[key])):
            yield from _leaves(owner[key], place)
    else:
        yield owner, key


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def small_plan() -> Any:
    """Return a joint plan that every mechanism solves in seconds."""
    return pilot(vendors=2, sites=1, regions=1, products=2, weeks=1)


def toml(table: Any) -> str:
    """Return a table as TOML, or as much of it as TOML can say."""
    try:
        return tomli_w.dumps(table)
    except (TypeError, ValueError, AttributeError):
        return repr(table)


def mutated(rng: random.Random, table: dict[str, Any]) -> dict[str, Any]:
    """Return a table in which one value is another, twice there, missing, or stands under another key."""
    table = copy.deepcopy(table)
    places = list(_places(table))
    owner, key = rng.choice(places) if places else (table, "kind")
    action = rng.choice([0, 1, 2, 2, 2, 3, 4, 5])
    value = owner[key] if places else None
    if action == 0:
        del owner[key]
    elif action == 1 and isinstance(owner, list):
        owner += [copy.deepcopy(value)] * rng.choice([1, 2, 10, 1000])
    elif action == 1:
        owner[rng.choice(["name", "x", "file", "samples", "count", "points"])] = copy.deepcopy(value)
    elif action == 2 and _is_number(value):
        factor = rng.choice([-1, 1e-30, 1e-6, 0.5, 1.01, 3, 100, 1e6, 1e30, 1e200, 0])
        with contextlib.suppress(OverflowError):  # an integer that no float is as large as stays
            owner[key] = value * factor
    elif action == 3:
        owner[key] = rng.choice(ODD)
    elif action == 4:
        other, name = rng.choice(places)
        owner[key] = copy.deepcopy(other[name])
    else:
        owner[key] = rng.choice(EXTREMES)
    return table


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from _places(part)


def spoil(rng: random.Random, path: Path) -> None:
    """Change some bytes of a file."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        action = rng.randrange(7)
        if action == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif action == 1:
            del data[at : at + rng.choice([1, 3, 50])]
        elif action == 2:
            data[at:at] = rng.choice(
                [b"\xef\xbb\xbf", b"\x00", b"9" * 400, b"[" * 3000, b"e999", b",", b'"', b"\n", b"-", b"nan", b"\xff"]
            )
        elif action == 3:
            del data[at:]
        elif action == 4:
            data[:0] = b"\xef\xbb\xbf"
        elif action == 5:
            lines = data.split(b"\n")
            place = rng.randrange(len(lines))
            lines[place:place] = [lines[rng.randrange(len(lines))]]
            data = bytearray(b"\n".join(lines))
        else:
            lines = data.split(b"\n")
            del lines[rng.randrange(len(lines))]
            data = bytearray(b"\n".join(lines))
    path.write_bytes(bytes(data))


def run(arguments: list[str], seed: int) -> Run:
    """Run a command in this process, and judge its end."""
    output, errors = io.StringIO(), io.StringIO()
    status: int | None = 0
    wrong, before = "", sys.argv
    sys.argv = ["veridical", *arguments]
    old = {timer: signal.signal(timer, _ring) for timer in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    signal.alarm(4 * LONGEST)
    began = time.monotonic()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), warnings.catch_warnings():
            main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except TooLong:
        status, wrong = None, f"longer than {LONGEST} s"
    except BaseException:  # whatever it is, it would be a traceback
        status, wrong = None, traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for timer, handler in old.items():
            signal.signal(timer, handler)
        sys.argv = before
    seconds = time.monotonic() - began
    wrong = wrong or _judged(status, output.getvalue(), errors.getvalue(), arguments)
    return Run(seed, arguments, status, output.getvalue(), errors.getvalue(), seconds, wrong)


def _judged(status: int | None, output: str, errors: str, arguments: list[str]) -> str:
    if status not in STATUSES:
        return f"exit status {status}: {errors[-2000:]}"
    if "Traceback" in errors:
        return f"a traceback: {errors[-2000:]}"
    if "RuntimeWarning" in errors or "encountered in" in errors:
        return f"a warning of numpy's: {errors[-2000:]}"
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in output + errors):
        return "control characters"
    if status == 2 and output.strip():
        return f"bad input, and output: {output[:500]}"
    if status == 2 and not errors.strip():
        return "bad input, and no message"
    if status == 0 and "--json" in arguments:
        try:
            record = json.loads(output, parse_constant=_refused)
        except ValueError as error:
            return f"no JSON ({error}): {output[:500]}"
        if arguments[0] == "solve" and record.get("objective") is None:
            return f"a result without a finite objective: {output[:500]}"
    return ""


def _refused(name: str) -> None:
    raise ValueError(name)


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooLong


if __name__ == "__main__":
    count, start = int(sys.argv[1]) if len(sys.argv) > 1 else 300, int(sys.argv[2]) if len(sys.argv) > 2 else 0
    ends: Counter[Any] = Counter()
    for one in map(fuzz, range(start, start + count)):
        ends["wrong" if one.wrong else one.status] += 1
        if one.wrong:
            print(f"seed {one.seed}: {' '.join(one.arguments)[:300]}\n  {one.wrong[-1500:]}", flush=True)
    print(dict(ends))
