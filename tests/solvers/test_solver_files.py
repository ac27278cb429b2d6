"""What a solver file, or a table of settings, cannot do: run a program, load a library, read or write a file."""

from pathlib import Path
from typing import Any

import highspy
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.command_line import Run
from veridical.data import InputError
from veridical.solvers import configure

REFUSED = [
    ("ipopt", "output_file"),
    ("ipopt", "Output_File"),  # Ipopt takes any case
    ("ipopt", "option_file_name"),
    ("ipopt", "hsllib"),
    ("ipopt", "resto.pardisolib"),  # and options of one of its phases
    ("scip", "visual/vbcfilename"),
    ("scip", "nlpi/ipopt/hsllib"),
    ("gurobi", "LogFile"),
    ("gurobi", "ResultFile"),
    ("gurobi", "NodefileStart"),
    ("cbc", "export"),
    ("cbc", "saveM"),  # cbc takes the first letters
    ("glpk", "--wlp"),
    ("knitro", "outdir"),
    ("pounce", "mu_strategy=adaptive output_file"),  # two options in one
]
TAKEN: list[tuple[str, str, Any]] = [
    ("ipopt", "mu_strategy", "adaptive"),
    ("ipopt", "print_level", 5),
    ("highs", "parallel", "on"),
    ("scip", "limits/time", 5.5),
    ("scip", "estimation/treeprofile/enabled", False),
    ("gurobi", "OutputFlag", 1),
    ("cbc", "cuts", "off"),
    ("cbc", "ratio", -1e-8),
    ("glpk", "tmlim", 5),
    ("pounce", "linear_solver", "mumps"),
    ("ipopt", "linear_solver", "mumps"),
]


def model() -> Any:
    """Return a small model."""
    m = pyo.ConcreteModel("small")
    m.x = pyo.Var(bounds=(1, 2), initialize=1.5)
    m.cost = pyo.Objective(expr=m.x)
    return m


@pytest.mark.parametrize(("solver", "option"), REFUSED)
def test_options_that_name_files_are_refused(solver: str, option: str) -> None:
    table = {"solver": solver, "options": {option: "x.out"}}
    with pytest.raises(InputError, match=r"^solver: options\..*: got 'x.out'; allowed: an option that names no file"):
        configure(table)
    assert configure(table, allow_files=True) == configure({**table, "allow_files": True})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("linear_solver", value) for value in ("ma27", "ma57", "ma77", "ma86", "ma97", "MA97", "pardiso")),
        ("Resto.Linear_Solver", "ma97"),
        ("linear_system_scaling", "mc19"),
        ("dependency_detector", "ma28"),
    ],
)
def test_values_for_which_ipopt_loads_a_library_are_refused(option: str, value: str) -> None:
    """Ipopt looks for it where the system does, and for ma97 it crashed where there was none."""
    table = {"solver": "ipopt", "options": {option: value}}
    with pytest.raises(InputError, match=rf"^solver: options\.{option}: got '{value}'; allowed: .* no library, unless who calls"):
        configure(table)
    assert configure(table, allow_files=True).options == {option: value}


@pytest.mark.parametrize("name", [name for name in dir(highspy.HighsOptions()) if "_file" in name])
def test_no_option_of_highs_reads_or_writes_a_file(name: str) -> None:
    with pytest.raises(InputError, match="an option that names no file"):
        vd.solvers.solve(model(), {"solver": "highs", "options": {name: "x.mps"}})


@pytest.mark.parametrize(("solver", "option", "value"), TAKEN)
def test_other_options_are_taken(solver: str, option: str, value: Any) -> None:
    assert configure({"solver": solver, "options": {option: value}}).options == {option: value}


@pytest.mark.parametrize("value", ["x /etc/passwd", "../x", "/x", "-export", "a\nb", ["a", "b"]])
def test_text_for_other_solvers_is_one_word(value: Any) -> None:
    with pytest.raises(InputError, match=r"options\.cuts"):
        configure({"solver": "cbc", "options": {"cuts": value}})


@pytest.mark.parametrize("option", ["executable", "solver_executable"])
def test_no_program_is_named_by_an_option_whoever_calls(option: str) -> None:
    with pytest.raises(InputError, match="programs are found by Pyomo"):
        configure({"solver": "cbc", "options": {option: "./evil"}}, allow_files=True)


def test_files_are_written_where_the_caller_allows_them(tmp_path: Path) -> None:
    log, other = tmp_path / "ipopt.out", tmp_path / "other.out"
    options = {"output_file": str(log), "file_print_level": 5}
    with pytest.raises(InputError, match=r"options\.output_file"):
        vd.solvers.solve(model(), {"solver": "ipopt", "options": options})
    assert not log.exists()
    vd.solvers.solve(model(), {"solver": "ipopt", "options": options}, allow_files=True)
    assert "This is Ipopt" in log.read_text(encoding="utf-8")
    vd.solve(
        vd.example("two-suppliers"),
        solver={"solver": "ipopt", "options": {**options, "output_file": str(other)}},
        allow_files=True,
    )
    assert other.exists()
    solver = pyo.SolverFactory("veridical_ipopt")
    with pytest.raises(InputError, match=r"options\.output_file"):
        solver.solve(model(), options={"output_file": str(tmp_path / "third.out")})
    solver.solve(model(), logfile=str(tmp_path / "third.out"))
    assert (tmp_path / "third.out").exists()


def test_a_solver_file_does_not_allow_files_itself(run: Run) -> None:
    Path("solver.toml").write_text('solver = "highs"\nallow_files = true\n[options]\nlog_file = "x"\n', encoding="utf-8")
    status, _, err = run("solve", "two-suppliers", "--solver", "solver.toml")
    assert status == 2
    assert err.startswith("veridical: solver.toml: allow_files: got True; allowed: no such key in a file")
    text = 'solver = "highs"\n[options]\nwrite_model_file = "x.mps"\n'
    Path("solver.toml").write_text(text, encoding="utf-8")
    status, _, err = run("solve", "two-suppliers", "--solver", "solver.toml")
    assert status == 2
    assert err.startswith("veridical: solver.toml: options.write_model_file: got 'x.mps'; allowed: an option that names no file")
    assert configure("solver.toml", allow_files=True).options == {"write_model_file": "x.mps"}
    assert [path.name for path in Path().iterdir()] == ["solver.toml"]


MACHINES = {  # by solver, an option with which it talks to another machine
    "consensus": ("scheduler", "tcp://127.0.0.1:9"),
    "gurobi": ("ComputeServer", "evil.example"),
    "mosek": ("MSK_SPAR_REMOTE_OPTSERVER_HOST", "evil"),
}


@pytest.mark.parametrize("solver", MACHINES)
def test_a_solver_file_names_no_other_machine(solver: str, run: Run) -> None:
    option, address = MACHINES[solver]
    Path("solver.toml").write_text(f'solver = "{solver}"\n[options]\n{option} = "{address}"\n', encoding="utf-8")
    status, _, err = run("solve", "two-suppliers", "--solver", "solver.toml")
    assert status == 2
    assert err.startswith(
        f"veridical: solver.toml: options.{option}: got {address!r}; allowed: an option that names no other machine"
    )
    assert configure("solver.toml", allow_files=True).options == {option: address}
    assert configure({"solver": solver, "options": {option: address}}).options == {option: address}


@pytest.mark.parametrize("name", ["./evil.sh", "evil.sh", "/bin/sh", "a b", "highs;ls", "-x"])
def test_a_solver_is_no_path(name: str, run: Run) -> None:
    Path("evil.sh").write_text("#!/bin/sh\ntouch trace\n", encoding="utf-8")
    Path("evil.sh").chmod(0o755)
    status, _, err = run("solve", "two-suppliers", f"--solver={name}")
    assert (status, len(err.splitlines())) == (2, 1)
    assert err.startswith(
        f"veridical: solver: got {name!r}; allowed: a solver by its name: letters, digits and _, no path and no program"
    )
    assert not Path("trace").exists()


@pytest.mark.parametrize("solver", ["highs", "ipopt", "pounce", "scip"])
def test_option_files_that_lie_about_are_not_read(solver: str, run: Run) -> None:
    for name in ("ipopt.opt", "pounce.opt"):
        Path(name).write_text("max_iter 0\n", encoding="utf-8")
    Path("scip.set").write_text("limits/time = 0\n", encoding="utf-8")
    Path("highs.options").write_text("time_limit = 0\n", encoding="utf-8")
    before = sorted(Path().iterdir())
    assert run("solve", "two-suppliers", "--solver", solver)[0] == 0
    assert sorted(Path().iterdir()) == before
