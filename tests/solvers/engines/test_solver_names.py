"""A solver's name is a name that Pyomo has registered: no path, no program that lies in the current folder."""

from pathlib import Path

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.engines.pyomo_factory import PyomoEngine

PROGRAMS = ("evil", "cbc", "glpsol", "ipopt", "scip", "gurobi_cl", "pounce")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, full of programs that leave a trace, and a module that does."""
    for name in PROGRAMS:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/trace\n")
        program.chmod(0o755)
    (tmp_path / "pyomo_evil.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').write('module')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_no_path_and_no_file_is_run_as_a_solver(folder: Path) -> None:
    m = pyo.ConcreteModel("small")
    m.x = pyo.Var(bounds=(1, 2))
    m.cost = pyo.Objective(expr=m.x)
    names = ("./evil", str(folder / "evil"), "evil", "cbc", "glpk", "ipopt_v2", "appsi_ipopt", "cbc:evil", "asl", "py", "os.path")
    for name in names:
        assert not PyomoEngine(name).available()
        with pytest.raises(vd.InputError, match=r"solver: got .* by its name"):
            vd.solvers.solve(m, name)
    for name in ("scip", "pounce"):  # these are installed as packages, and found as such
        assert vd.solvers.solve(m, name).objective == pytest.approx(1, rel=1e-6)
    assert not (folder / "trace").exists()
