"""Ipopt: multipliers of warm starts, their signs, and Ipopt as a solver of Pyomo."""

import math
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray
from pyomo.contrib.pynumero.interfaces.cyipopt_interface import CyIpoptNLP

import veridical as vd
from support.assembler_cases import build
from veridical import solvers
from veridical.data import InputError, NotSolvedError

Model = Any
Array = NDArray[np.float64]
MULTIPLIERS = ("dual", "ipopt_zL_in", "ipopt_zU_in", "ipopt_zL_out", "ipopt_zU_out")
PUSHES = ("bound_push", "bound_frac", "slack_bound_push", "slack_bound_frac", "mult_bound_push")
WARM = {"warm_start_init_point": "yes", "mu_init": 1e-9} | {f"warm_start_{name}": 1e-9 for name in PUSHES}


def remember(m: Model) -> None:
    """Put the suffixes on a model that carry multipliers from one solve to the next."""
    for name in MULTIPLIERS:
        if m.component(name) is None:
            m.add_component(name, pyo.Suffix(direction=pyo.Suffix.IMPORT_EXPORT))


def hand_over(m: Model) -> None:
    """Let the multipliers of the last solve start the next."""
    m.ipopt_zL_in.update(m.ipopt_zL_out)
    m.ipopt_zU_in.update(m.ipopt_zU_out)


def test_multipliers_start_a_second_solve_near_its_end() -> None:
    # From scratch this takes 29 iterations, from the optimal point alone 25, with multipliers 4.
    demand = {"distribution": "gamma", "mean": 500, "sd": 200}
    case = build([[4, 9, 11], [3, 7]], [[0.3, 0.3, 0.4], [0.6, 0.4]], demand=demand)
    m = vd.build(case, "icds", form="smooth")
    remember(m)
    first = solvers.solve(m, {"solver": "ipopt", "form": "smooth"})
    point = {variable.name: variable.value for variable in m.component_data_objects(pyo.Var)}
    with pytest.raises(NotSolvedError, match="Maximum number of iterations"):
        solvers.solve(m, {"solver": "ipopt", "form": "smooth", "options": {"max_iter": 12}})
    assert {variable.name: variable.value for variable in m.component_data_objects(pyo.Var)} == point
    hand_over(m)
    second = solvers.solve(m, {"solver": "ipopt", "form": "smooth", "options": WARM | {"max_iter": 12}})
    assert second.objective == pytest.approx(first.objective, rel=1e-9)


def test_a_warm_start_without_multipliers_starts_from_none() -> None:
    case = vd.example("two-suppliers")
    solution = vd.solve(case, solver={"solver": "ipopt", "options": {"warm_start_init_point": "yes"}})
    assert solution.objective == pytest.approx(vd.solve(case, solver="highs").objective, rel=1e-6)


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_multipliers_arrive_with_the_signs_that_ipopt_takes(sense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    m = hanging(sense)
    del m.dual
    remember(m)
    solvers.solve(m, "ipopt")
    hand_over(m)
    residuals: list[float] = []

    def solve(self: Any, x: Array, lagrange: Array, zl: Array, zu: Array) -> Any:
        # Ipopt: gradient of f + g' lagrange - zl + zu = 0 with zl, zu >= 0 at the optimum, where this solve starts.
        nlp = self._nlp
        nlp.set_primals(x)
        residual = nlp.evaluate_grad_objective() + nlp.evaluate_jacobian().T @ lagrange - zl + zu
        residuals.append(float(np.abs(residual).max()))
        assert min(zl.min(), zu.min()) >= 0
        assert max(zl.max(), zu.max()) > 0.1
        assert np.abs(lagrange).min() > 0.01
        return original(self, x, lagrange=lagrange, zl=zl, zu=zu)

    original = CyIpoptNLP.solve
    monkeypatch.setattr(CyIpoptNLP, "solve", solve)
    solvers.solve(m, {"solver": "ipopt", "options": WARM})
    assert len(residuals) == 1
    assert residuals[0] < 1e-7


def hanging(sense: int, **bounds: float) -> Model:
    """Return a program whose rows of all kinds bind; the right-hand sides and bounds are those given, or its own."""
    side = {"most": 4.0, "least": 0.5, "low": 2.0, "high": 9.0, "equal": 3.0, "floor": 0.4, "top": 5.0} | bounds
    m = pyo.ConcreteModel(name="hanging")
    m.v = pyo.Var(range(8), bounds=(0.1, 20), initialize=1.0)
    a, b, c, d, e, f, g, h = m.v.values()
    f.setlb(side["floor"])
    g.setub(side["top"])
    pull = a * b - pyo.exp(-c) * 5 - 2 * pyo.log(d) + 3 * e**0.5 + 2 * h - f**2 + pyo.log(g + 1)
    m.goal = pyo.Objective(expr=int(sense) * -pull, sense=sense)
    m.most = pyo.Constraint(expr=a**2 + b**2 <= side["most"])
    m.high = pyo.Constraint(expr=(1, c**2, side["high"]))
    m.low = pyo.Constraint(expr=(side["low"], d**2 + d, 30))
    m.equal = pyo.Constraint(expr=pyo.exp(e / 2) == side["equal"])
    m.least = pyo.Constraint(expr=1 / h >= side["least"])
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_multipliers_are_derivatives_of_the_optimum(sense: int) -> None:
    m = hanging(sense)
    solution = solvers.solve(m, "ipopt")
    found = {
        "most": m.dual[m.most],
        "least": m.dual[m.least],
        "low": m.dual[m.low],
        "high": m.dual[m.high],
        "equal": m.dual[m.equal],
        "floor": m.rc[m.v[5]],
        "top": m.rc[m.v[6]],
    }
    own = {"most": 4.0, "least": 0.5, "low": 2.0, "high": 9.0, "equal": 3.0, "floor": 0.4, "top": 5.0}
    for side, value in own.items():
        up, down = (solvers.solve(hanging(sense, **{side: value + step}), "ipopt").objective for step in (1e-4, -1e-4))
        slope = (up - down) / 2e-4
        assert abs(slope) > 0.01
        assert found[side] == pytest.approx(slope, rel=1e-5), side
    # For one of them by hand: a = b = sqrt(most / 2), so a b = most / 2, to be minimised with the other sign.
    assert found["most"] == pytest.approx(-sense / 2, rel=1e-6)
    assert solution.duals["most"].tolist() == [found["most"]]


def test_pyomo_finds_the_solver_by_name() -> None:
    m = hanging(pyo.maximize)
    solver = pyo.SolverFactory("veridical_ipopt")
    assert solver.available()
    assert len(solver.version()) == 3
    results = solver.solve(m)
    pyo.assert_optimal_termination(results)
    expected = solvers.solve(hanging(pyo.maximize), "ipopt")
    assert pyo.value(m.goal) == pytest.approx(expected.objective, rel=1e-9)
    assert results.problem.lower_bound == pytest.approx(expected.objective, rel=1e-9)
    assert results.problem.upper_bound == math.inf  # products and a curved equality: nothing is proven of other points
    assert m.dual[m.most] == pytest.approx(0.5, rel=1e-6)


def test_pyomo_is_told_how_it_ended_and_the_model_is_left_alone() -> None:
    m = hanging(pyo.minimize)
    m.wall = pyo.Constraint(expr=m.v[0] ** 2 >= 9)  # the disc allows 4
    results = pyo.SolverFactory("veridical_ipopt").solve(m)
    assert results.solver.termination_condition == pyo.TerminationCondition.infeasible
    assert results.solver.status == pyo.SolverStatus.warning
    assert "wall" in results.solver.message or "most" in results.solver.message
    assert {variable.value for variable in m.v.values()} == {1.0}
    assert len(m.dual) == 0
    assert not pyo.check_optimal_termination(results)


@pytest.mark.parametrize("how", ["at construction", "as attribute", "at the call"])
def test_options_reach_it_from_pyomo(how: str) -> None:
    options = {"max_iter": 2}
    solver = pyo.SolverFactory("veridical_ipopt", **({"options": options} if how == "at construction" else {}))
    if how == "as attribute":
        solver.options["max_iter"] = 2
    results = solver.solve(hanging(pyo.minimize), **({"options": options} if how == "at the call" else {}))
    assert results.solver.termination_condition == pyo.TerminationCondition.maxIterations


def test_an_unknown_option_from_pyomo_is_an_error() -> None:
    with pytest.raises(InputError, match=r"options\.max_iterations: got 2; allowed: an option of Ipopt"):
        pyo.SolverFactory("veridical_ipopt").solve(hanging(pyo.minimize), options={"max_iterations": 2})
