"""Solver files, arguments and calls that are refused, by field, value and what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.bad_input import GOOD, price, refused
from support.command_line import Run
from support.processes import Process
from veridical.data import AllocationCase, InputError

SOLVER = "solver.toml"
HIGHS = 'solver = "highs"\n'
PAIR = "two-suppliers-correlated"
SWITCH = "--set feasibility=false"
WHEEL, THIRD = "suppliers.wheel.costs", "suppliers.2.costs"
BAD_SOLVERS = [  # id; the solver file; the file that the message names (None: it need not); field, value, allowed
    ("unknown", 'solver = "abacus"', None, "solver", "'abacus'", "highs"),
    ("solver missing", "time_limit = 5", SOLVER, "solver", "<nothing>", "missing required key: the name of a solver"),
    ("solver a number", "solver = 5", SOLVER, "solver", "5", "non-empty text"),
    ("unknown key", f"{HIGHS}timelimit = 5", SOLVER, "timelimit", "5", "only the keys solver"),
    ("tolerance negative", f"{HIGHS}tolerance = -1e-8", SOLVER, "tolerance", "-1e-08", "a finite number > 0"),
    ("tolerance NaN", f"{HIGHS}tolerance = nan", SOLVER, "tolerance", "nan", "a finite number > 0"),
    ("tolerance text", f'{HIGHS}tolerance = "small"', SOLVER, "tolerance", "'small'", "a finite number > 0"),
    ("time limit zero", f"{HIGHS}time_limit = 0", SOLVER, "time_limit", "0", "a finite number > 0"),
    ("threads zero", f"{HIGHS}threads = 0", SOLVER, "threads", "0", "a whole number from 1 to 1,024"),
    ("threads broken", f"{HIGHS}threads = 1.5", SOLVER, "threads", "1.5", "a whole number from 1 to 1,024"),
    ("form unknown", f'{HIGHS}form = "cubic"', SOLVER, "form", "'cubic'", "one of auto, linear"),
    (
        "form that uniform demand lacks",
        f'{HIGHS}form = "linear"',
        SOLVER,
        "form",
        "'linear'",
        "for highs and this demand one of auto",
    ),
    ("option unknown", f'{HIGHS}[options]\npresolv = "off"', SOLVER, "options.presolv", "'off'", "near it: presolve"),
    ("option of wrong type", f'{HIGHS}[options]\nrandom_seed = "one"', SOLVER, "options.random_seed", "'one'", "(int)"),
    ("option out of range", f"{HIGHS}[options]\nrandom_seed = -1", SOLVER, "options.random_seed", "-1", "that HiGHS takes"),
    ("options a number", f"{HIGHS}options = 5", SOLVER, "options", "5", "a table of options"),
    (
        "options of a closed form",
        'solver = "closed_form"\n[options]\npresolve = "off"',
        SOLVER,
        "options.presolve",
        "'off'",
        "no options",
    ),
    ("threads of ipopt", 'solver = "ipopt"\nthreads = 2', SOLVER, "threads", "2", "one thread"),
    ("option that ipopt lacks", 'solver = "ipopt"\n[options]\nmax_itr = 5', SOLVER, "options.max_itr", "5", "an option of Ipopt"),
    ("not TOML", "solver: highs", SOLVER, "<file>", f"'{SOLVER}'", "text in the TOML format"),
    ("not there", None, SOLVER, "<file>", f"'{SOLVER}'", "a readable solver file"),
]
BAD_COMMANDS = [  # id; arguments; the file that the message names (None: it need not); field, value, allowed
    ("set without =", "solve case.toml --set price", None, "--set", "'price'", "KEY=VALUE"),
    ("set unknown key", "solve case.toml --set colour=red", None, "--set colour", "'red'", "price"),
    ("set no key", "solve case.toml --set =3", None, "--set ", "3", "price"),
    ("set unknown supplier", f"solve case.toml --set {WHEEL}=[1]", None, f"--set {WHEEL}", "'wheel'", "one of panel, battery"),
    ("set supplier beyond", f"solve case.toml --set {THIRD}=[1]", None, f"--set {THIRD}", "'2'", "one of panel, battery"),
    ("set below a number", "solve case.toml --set price.low=3", None, "--set price.low", "3", "a field of the case"),
    ("set a parameter of another type", "solve case.toml --set feasibility=no", None, "feasibility", "'no'", "true or false"),
    ("case with a long name", f"solve {'x' * 300}", None, "CASE", "'xxx", "a case file"),
    ("set a supplier", "solve case.toml --set suppliers.panel=3", None, "--set suppliers.panel", "3", "suppliers.NAME.costs"),
    ("set a bad price", "solve case.toml --set price=-3", "case.toml", "price", "-3", "a finite number > 0"),
    ("set no price", "solve case.toml --set price=", "case.toml", "price", "''", "a finite number > 0"),
    ("set unknown field", "solve case.toml --set demand.mean=3", "case.toml", "demand.mean", "3", "only the keys distribution"),
    ("set foreign parameter", f"solve case.toml --mechanism naive {SWITCH}", None, "--set feasibility", "False", "one of kind"),
    (
        "set parameter of no model",
        f"solve case.toml --solver closed_form {SWITCH}",
        None,
        "feasibility",
        "False",
        "no parameters",
    ),
    (
        "compare sets parameter",
        f"compare case.toml --mechanism naive {SWITCH}",
        None,
        "--set feasibility",
        "False",
        "one of kind",
    ),
    ("compare sets k too large", "compare case.toml --set k=9", None, "k", "9", "from 0 to the number of suppliers, 2"),
    ("k too large", "solve case.toml --mechanism hybrid --set k=9", None, "k", "9", "from 0 to the number of suppliers, 2"),
    ("k negative", "solve case.toml --mechanism hybrid --set k=-1", None, "k", "-1", "from 0 to the number of suppliers, 2"),
    ("k a fraction", "solve case.toml --mechanism hybrid --set k=1.5", None, "k", "1.5", "a whole number"),
    ("k a boolean", "solve case.toml --mechanism hybrid --set k=true", None, "k", "True", "a whole number"),
    ("k a word", "solve case.toml --mechanism hybrid --set k=two", None, "k", "'two'", "a whole number"),
    ("k by closed form", "solve case.toml --mechanism hybrid --solver closed_form --set k=9", None, "k", "9", "suppliers, 2"),
    ("k of another mechanism", "solve case.toml --set k=1", None, "--set k", "1", "one of kind"),
    ("balanced a number", "solve case.toml --mechanism hybrid --set balanced=1", None, "balanced", "1", "true or false"),
    (
        "participation misspelt",
        "solve case.toml --mechanism bic --set participation=expost",
        None,
        "participation",
        "'expost'",
        "'interim' or 'ex_post'",
    ),
    (
        "bic by closed form",
        "solve case.toml --mechanism bic --solver closed_form",
        None,
        "solver",
        "'closed_form'",
        "no closed form",
    ),
    (
        "hybrid in vain",
        f"solve {PAIR} --mechanism hybrid --set k=2 --solver closed_form",
        None,
        "solver",
        "'closed_form'",
        "balanced=true",
    ),
    (
        "mechanism",
        "solve case.toml --mechanism auction",
        None,
        "mechanism",
        "'auction'",
        "icds_balanced",
    ),
    ("compare mechanism", "compare case.toml --mechanism auction", None, "mechanism", "'auction'", "icds_balanced"),
    ("solver", "solve case.toml --solver abacus", None, "solver", "'abacus'", "highs"),
    ("closed form in vain", f"solve {PAIR} --solver closed_form", None, "solver", "'closed_form'", "monotone virtual cost"),
    ("case missing", "solve nowhere.toml", "nowhere.toml", "<file>", "'nowhere.toml'", "a readable case file"),
    ("case an empty folder", "solve folder", "case.toml", "<file>", "'folder/case.toml'", "a readable case file"),
    ("case no shipped one", "solve three-suppliers", None, "CASE", "'three-suppliers'", f"two-suppliers, {PAIR}"),
    ("case not UTF-8", "solve latin.toml", "latin.toml", "<file>", "'latin.toml'", "UTF-8 text in the TOML format"),
    ("menu missing", "audit case.toml nowhere.csv", "nowhere.csv", "<file>", "'nowhere.csv'", "a readable CSV file"),
    ("menu a folder", "audit case.toml folder", "folder", "<file>", "'folder'", "a readable CSV file"),
    ("menu not UTF-8", "audit case.toml latin.toml", "latin.toml", "<file>", "'latin.toml'", "UTF-8 text in the CSV format"),
    ("menu into nowhere", "solve case.toml --menu nowhere/m.csv", None, "--menu", "'nowhere/m.csv'", "can be written"),
    ("JSON into nowhere", "solve case.toml --json nowhere/m.json", None, "--json", "'nowhere/m.json'", "can be written"),
    ("plot of no format", "solve case.toml --plot menu.nothing", None, "--plot", "'menu.nothing'", "can be written"),
]


@pytest.mark.parametrize(
    ("text", "file", "field", "value", "allowed"), [row[1:] for row in BAD_SOLVERS], ids=[row[0] for row in BAD_SOLVERS]
)
def test_bad_solver_file_is_refused(run: Run, text: str | None, file: str | None, field: str, value: str, allowed: str) -> None:
    Path("case.toml").write_text(GOOD, encoding="utf-8")
    if text is not None:
        Path(SOLVER).write_text(text, encoding="utf-8")
    refused(run("solve", "case.toml", "--solver", SOLVER), file, field, value, allowed)


@pytest.mark.parametrize(
    ("arguments", "file", "field", "value", "allowed"), [row[1:] for row in BAD_COMMANDS], ids=[row[0] for row in BAD_COMMANDS]
)
def test_bad_command_is_refused(run: Run, arguments: str, file: str | None, field: str, value: str, allowed: str) -> None:
    Path("case.toml").write_text(GOOD, encoding="utf-8")
    Path("latin.toml").write_bytes('kind = "Käufer"'.encode("latin-1"))
    Path("folder").mkdir()
    refused(run(*arguments.split()), file, field, value, allowed)


@pytest.mark.parametrize("arguments", [["solve"], ["settle", "case.toml"], ["solve", "case.toml", "--colour", "red"]])
def test_bad_usage_is_refused(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Usage: veridical" in err
    assert "Traceback" not in err


def test_a_process_of_its_own_ends_with_status_2_and_no_traceback(tmp_path: Path, forked: Process) -> None:
    (tmp_path / "case.toml").write_text(price("nan"), encoding="utf-8")
    ended = forked(tmp_path, "solve", "case.toml")
    refused((ended.returncode, ended.stdout, ended.stderr), "case.toml", "price", "nan", "a finite number > 0")


@pytest.mark.parametrize("call", [vd.solve, vd.build, vd.compare, vd.choose_k, lambda case: vd.audit(case, "menu.csv")])
def test_cases_that_no_mechanism_takes_are_refused_by_name(call: Callable[[Any], object]) -> None:
    for case in (AllocationCase, "two-suppliers"):
        with pytest.raises(InputError, match=f"^case: got <{type(case).__name__}>; allowed: a case"):
            call(case)
