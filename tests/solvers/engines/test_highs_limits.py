"""HiGHS ends: dense quadratic programs in seconds, time limits, Ctrl-C, and ends that are given a reason."""

import signal
import subprocess
import sys
import textwrap
import time
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
import scipy.sparse as sp

import veridical as vd
from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.configuration import configure
from veridical.solvers.engines.highs import LiveModel
from veridical.solvers.engines.scaling import Problem
from veridical.solvers.engines.squares import with_squares
from veridical.solvers.translate.standard_form import StandardForm


def total(count: int, target: float, own: float) -> Any:
    """Minimise (sum of x - target)^2 + own * sum of x^2."""
    m = pyo.ConcreteModel("total")
    m.x = pyo.Var(range(count), bounds=(0, 1))
    m.cost = pyo.Objective(expr=(sum(m.x.values()) - target) ** 2 + own * sum(x**2 for x in m.x.values()))
    return m


@pytest.mark.parametrize(("count", "target", "own"), [(700, 700 / 3, 0.0), (310, 3.0, 1.0)])
def test_a_squared_total_is_solved_in_its_time(count: int, target: float, own: float) -> None:
    m = total(count, target, own)
    solution = vd.solvers.solve(m, {"solver": "highs", "time_limit": 60}, check=False)
    # By symmetry all are equal to x, with count * (count x - target) + own * count x = 0.
    x = target / (count + own)
    assert solution.objective == pytest.approx((count * x - target) ** 2 + own * count * x**2, rel=1e-7, abs=1e-6)
    assert sum(v.value for v in m.x.values()) == pytest.approx(count * x, rel=1e-6)


def dense(factor: Array, cost: Array, shift: float) -> Problem:
    n = len(cost)
    hessian = sp.csc_array(factor.T @ factor + shift * np.eye(n))
    zeros, ones, none = np.zeros(n), np.ones(n), np.zeros(0)
    return Problem(cost, hessian, sp.csr_array((0, n)), none, none, zeros, ones, np.zeros(n, dtype=bool))


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_squares_say_the_same_as_the_quadratic_form(shift: float) -> None:
    random = np.random.default_rng(1)
    problem = dense(random.normal(size=(3, 60)), random.normal(size=60), shift)
    squares = with_squares(problem)
    assert squares.hessian is not None
    assert problem.hessian is not None
    assert squares.hessian.nnz <= 63
    for x in random.normal(size=(5, 60)):
        full = np.append(x, squares.matrix[:, :60] @ x)  # the rows say that the new variables are the squared forms
        assert squares.matrix @ full == pytest.approx(np.zeros(3), abs=1e-12)
        assert full @ (squares.hessian @ full) == pytest.approx(x @ (problem.hessian @ x), rel=1e-10)


def test_quadratic_forms_without_few_squares_stay_as_they_are() -> None:
    random = np.random.default_rng(2)
    problem = dense(random.normal(size=(60, 60)), random.normal(size=60), 0.0)
    assert with_squares(problem) is problem


def test_an_interior_point_keeps_the_time_limit() -> None:
    n = 1_500
    factor = np.random.default_rng(3).normal(size=(n, n))
    rows, none = sp.csr_array(np.ones((1, n))), np.zeros(n, dtype=bool)
    sides = np.zeros(1), np.full(1, 1e6)
    form = StandardForm(
        1,
        -np.ones(n),
        0.0,
        sp.csc_array(factor.T @ factor / n),
        None,
        rows,
        *sides,
        np.zeros(n),
        np.ones(n),
        none,
        [None] * n,
        [None],
    )
    way = {"solver": "hipo", "ipm_optimality_tolerance": 1e-12}
    live = LiveModel(form, configure("highs"), way)
    with pytest.raises(NotSolvedError) as end:
        live.run("dense", time.perf_counter() + 0.2)
    assert end.value.status == vd.solvers.Termination.TIME_LIMIT


def test_ctrl_c_ends_a_solve() -> None:
    program = """
    import random
    import pyomo.environ as pyo
    import veridical as vd
    random.seed(1)
    m = pyo.ConcreteModel("split")
    m.x, m.s, m.t = pyo.Var(range(40), domain=pyo.Binary), pyo.Var(range(5), bounds=(0, 99)), pyo.Var(range(5), bounds=(0, 99))
    a = [[random.randint(0, 99) for _ in range(40)] for _ in range(5)]
    weight = lambda j: sum(a[j][i] * m.x[i] for i in range(40))
    m.c = pyo.Constraint(range(5), rule=lambda m, j: weight(j) + m.s[j] - m.t[j] == sum(a[j]) // 2)
    m.o = pyo.Objective(expr=sum(m.s.values()) + sum(m.t.values()))
    tiny = pyo.ConcreteModel("tiny")
    tiny.x = pyo.Var(bounds=(0, 1))
    tiny.o = pyo.Objective(expr=tiny.x)
    vd.solvers.solve(tiny)  # what is imported first is no part of the solve that is ended
    print("start", flush=True)
    vd.solvers.solve(m, {"solver": "highs", "time_limit": 100})
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "start\n"
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.endswith("\nKeyboardInterrupt\n")  # HiGHS has ended as well, and not with the process under it


def test_an_unbounded_model_says_which_variables_grow_for_ever() -> None:
    m = pyo.ConcreteModel("endless")
    m.x, m.y, m.z = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, 1))
    m.together = pyo.Constraint(expr=m.x - m.y <= 4)
    m.cost = pyo.Objective(expr=-m.x + m.z)
    with pytest.raises(vd.NotSolvedError, match="improves for ever with these variables: ") as end:
        vd.solvers.solve(m)
    assert end.value.status == vd.solvers.Termination.UNBOUNDED
    assert set(str(end.value).partition("variables: ")[2].split(", ")) == {"x", "y"}


def test_a_quadratic_objective_is_unbounded_only_where_it_has_no_curvature() -> None:
    m = pyo.ConcreteModel("valley")
    m.x, m.y = pyo.Var(), pyo.Var()
    m.row = pyo.Constraint(expr=m.x + m.y <= 8)
    m.cost = pyo.Objective(expr=(m.x - m.y) ** 2 + m.x + m.y)
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solvers.solve(m)
    assert end.value.status == vd.solvers.Termination.UNBOUNDED
    m.cost.set_value((m.x - m.y) ** 2 + m.x - m.y)  # least at x - y = -1/2
    assert vd.solvers.solve(m).objective == pytest.approx(-0.25, abs=1e-9)
