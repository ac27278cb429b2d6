"""SolverFactory("veridical_ipopt") as people call Pyomo's classic solvers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from veridical import solvers
from veridical.data import InputError

Model = Any


def rectangle(perimeter: float = 8.0) -> Model:
    """Return: the largest rectangle of a perimeter, by the logarithm of its area; both sides are perimeter / 4."""
    m = pyo.ConcreteModel(name="rectangle")
    m.x, m.y = pyo.Var(bounds=(0, 50), initialize=1), pyo.Var(bounds=(0, 50), initialize=1)
    m.rope = pyo.Constraint(expr=2 * m.x + 2 * m.y <= perimeter)
    m.area = pyo.Objective(expr=pyo.log(m.x) + pyo.log(m.y), sense=pyo.maximize)
    m.dual, m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


def valley(periods: int = 400) -> Model:
    """Return a long valley in which Ipopt takes many steps."""
    m = pyo.ConcreteModel(name="valley")
    m.x = pyo.Var(range(periods), initialize=-1.2, bounds=(-5, 5))
    steps = ((m.x[k], m.x[k + 1]) for k in range(periods - 1))
    m.cost = pyo.Objective(expr=sum(100 * (after - now**2) ** 2 + (1 - now) ** 2 for now, after in steps))
    return m


@pytest.mark.parametrize("imports", ["veridical, pyomo.environ as pyo", "pyomo.environ as pyo, veridical"])
def test_pyomo_knows_the_solver_as_soon_as_the_package_is_imported(imports: str) -> None:
    program = f"import {imports}\nprint(pyo.SolverFactory('veridical_ipopt').available())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "True\n"


def solver(**keywords: Any) -> Any:
    """Return the solver as Pyomo's factory makes it."""
    assert solvers.ENGINES["ipopt"].available()
    return pyo.SolverFactory("veridical_ipopt", **keywords)


def test_what_is_not_to_be_loaded_is_in_the_results() -> None:
    m = rectangle()
    results = solver().solve(m, load_solutions=False)
    pyo.assert_optimal_termination(results)
    assert (m.x.value, m.y.value, len(m.dual), len(m.rc)) == (1, 1, 0, 0)
    m.solutions.load_from(results)
    assert (m.x.value, m.y.value) == pytest.approx((2, 2))
    assert m.dual[m.rope] == pytest.approx(0.25)  # d(2 log(p / 4)) / dp = 2 / p


def test_the_bounds_are_those_that_are_proven() -> None:
    m = rectangle()
    results = solver().solve(m)
    assert results.problem.lower_bound == pytest.approx(pyo.value(m.area), rel=1e-9)
    assert results.problem.upper_bound >= results.problem.lower_bound
    assert results.problem.sense == pyo.maximize
    expected = solvers.solve(rectangle(), "ipopt")
    assert results.problem.upper_bound == pytest.approx(expected.bound, rel=1e-6)


def test_a_failed_certificate_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyomo.contrib.pynumero.interfaces.cyipopt_interface import CyIpoptNLP

    right = CyIpoptNLP.solve
    monkeypatch.setattr(CyIpoptNLP, "solve", lambda self, u: (right(self, u)[0] * np.nan, right(self, u)[1]))
    m = rectangle()
    results = solver().solve(m)
    assert results.solver.status == pyo.SolverStatus.error
    assert "fails its certificate" in results.solver.message
    assert not pyo.check_optimal_termination(results)
    assert (m.x.value, m.y.value) == (1, 1)


def test_an_infeasible_model_is_not_taken_for_solved() -> None:
    m = rectangle()
    m.long = pyo.Constraint(expr=m.x >= 6)
    results = solver().solve(m)
    assert results.solver.termination_condition == pyo.TerminationCondition.infeasible
    with pytest.raises(RuntimeError, match="failed to return an optimal solution"):
        pyo.assert_optimal_termination(results)


@pytest.mark.parametrize("keywords", [{"timelimit": 0.02}, {"options": {"max_wall_time": 0.02}}])
def test_the_time_limit_is_kept(keywords: dict[str, Any]) -> None:
    results = solver().solve(valley(), **keywords)
    assert results.solver.termination_condition == pyo.TerminationCondition.maxTimeLimit


@pytest.mark.parametrize("how", ["attribute", "item", "set_options", "options_string"])
def test_options_count_however_they_are_given(how: str) -> None:
    ipopt = solver()
    if how == "attribute":
        ipopt.options.max_iter = 2
    elif how == "item":
        ipopt.options["max_iter"] = 2
    elif how == "set_options":
        ipopt.set_options("max_iter=2 mu_strategy=adaptive")
    results = ipopt.solve(valley(), **({"options_string": "max_iter=2"} if how == "options_string" else {}))
    assert results.solver.termination_condition == pyo.TerminationCondition.maxIterations


def test_keywords_of_other_solvers_are_accepted_and_unknown_ones_are_not(tmp_path: Path) -> None:
    log = tmp_path / "ipopt.log"
    keywords = {"keepfiles": True, "symbolic_solver_labels": True, "report_timing": False, "warmstart": True}
    with solver() as ipopt:
        pyo.assert_optimal_termination(ipopt.solve(rectangle(), logfile=str(log), **keywords))
        assert "Optimal Solution Found" in log.read_text()
        with pytest.raises(InputError, match="time_limits: got 3"):
            ipopt.solve(rectangle(), time_limits=3)
        with pytest.raises(InputError, match=r"options\.max_iters: got 2"):
            ipopt.solve(rectangle(), options={"max_iters": 2})


def test_it_says_what_it_is_and_can_do() -> None:
    ipopt = solver(options={"max_iter": 50})
    assert ipopt.name == ipopt.type == "veridical_ipopt"
    assert ipopt.license_is_valid()
    assert ipopt.warm_start_capable()
    assert ipopt.options == {"max_iter": 50}
    kinds = ("linear", "quadratic_objective", "quadratic_constraint", "integer", "sos1", "sos2")
    assert [kind for kind in kinds if ipopt.has_capability(kind)] == list(kinds[:3])


def test_tee_shows_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    solver().solve(rectangle(), tee=True)
    assert "Number of Iterations" in capfd.readouterr().out
    solver().solve(rectangle())
    assert capfd.readouterr().out == ""
