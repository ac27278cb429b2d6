"""Where Ipopt starts: everyday models need no start values, and a bad one is mended or named."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical import solvers
from veridical.data import AllocationCase, InputError, NotSolvedError
from veridical.solvers.engines import ipopt
from veridical.solvers.engines.start import start

Model = Any
Term = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("term", "optimum"),
    [
        (lambda x: x - 4 * pyo.sqrt(x), 4.0),
        (lambda x: 50_000 / x + x, 50_000**0.5),
        (lambda x: x - pyo.log(x), 1.0),
        (lambda x: x - x**0.6, 0.6**2.5),
        (lambda x: x * pyo.log(x), math.exp(-1)),
    ],
    ids=["root", "reciprocal", "logarithm", "power", "entropy"],
)
@pytest.mark.parametrize("start", [None, 0.0, 1e-3, 1e3])
@pytest.mark.parametrize("high", [None, 1e6])
def test_no_start_value_is_needed(term: Term, optimum: float, start: float | None, high: float | None) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, high), initialize=start)
    m.cost = pyo.Objective(expr=term(m.x))
    solvers.solve(m, "ipopt")
    assert m.x.value == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("start", [None, 1.0, -5.0])
def test_a_start_in_the_domain_is_looked_for(start: float | None) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(initialize=start)
    m.root = pyo.Constraint(expr=pyo.sqrt(m.x - 3) >= 1)
    m.cost = pyo.Objective(expr=m.x)
    assert solvers.solve(m, "ipopt").objective == pytest.approx(4)
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(initialize=start), pyo.Var(initialize=start)
    m.far = pyo.Constraint(expr=pyo.log(m.x - m.y) >= 0)
    m.sum = pyo.Constraint(expr=m.x + m.y == 1)
    m.cost = pyo.Objective(expr=m.x)
    assert solvers.solve(m, "ipopt").objective == pytest.approx(1)


def test_the_middle_of_wide_bounds_is_no_start() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 1e6))
    m.cost = pyo.Objective(expr=(pyo.tanh(m.x) - 0.5) ** 2)
    solvers.solve(m, "ipopt")
    assert m.x.value == pytest.approx(math.atanh(0.5), rel=1e-4)


def test_what_is_no_number_is_named() -> None:
    m = pyo.ConcreteModel(name="nowhere")
    m.x = pyo.Var(bounds=(0, 1))
    m.fine = pyo.Constraint(expr=pyo.exp(m.x) <= 9)
    m.reserve = pyo.Constraint(expr=pyo.log(-m.x - 1) >= 0)
    m.cost = pyo.Objective(expr=m.x)
    with pytest.raises(NotSolvedError, match=r"the constraint reserve is no finite number at its last point"):
        solvers.solve(m, "ipopt")


@pytest.mark.parametrize("free", [1, 2, 60])
def test_an_unbounded_problem_is_said_to_be_one_soon(free: int) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(free))
    m.slope = pyo.Constraint(range(free - 1), rule=lambda m, k: m.x[k] - m.x[k + 1] <= k)
    m.cost = pyo.Objective(expr=sum(m.x.values()))
    began = time.process_time()
    with pytest.raises(NotSolvedError) as error:
        solvers.solve(m, "ipopt")
    assert error.value.status == "unbounded"
    assert time.process_time() - began < 5


def redundant(m: Model) -> None:
    m.twice = pyo.Constraint(expr=2 * m.x + 2 * m.y == 6)


def nonlinear(m: Model) -> None:
    m.product = pyo.Constraint(expr=m.x * m.y == 2)


@pytest.mark.parametrize("further", [(), (redundant,), (nonlinear,), (redundant, nonlinear)])
def test_more_equations_than_variables(further: tuple[Callable[[Model], None], ...]) -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(initialize=3), pyo.Var(initialize=1)
    m.sum = pyo.Constraint(expr=m.x + m.y == 3)
    m.difference = pyo.Constraint(expr=m.x - m.y == 1)
    for add in further:
        add(m)
    m.cost = pyo.Objective(expr=m.x**2)
    solvers.solve(m, {"solver": "ipopt"}, check=False)
    assert (m.x.value, m.y.value) == pytest.approx((2, 1), rel=1e-7)


def test_a_model_whose_only_row_is_over_a_fixed_variable() -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 5)), pyo.Var(initialize=2)
    m.y.fix()
    m.row = pyo.Constraint(expr=m.y <= 3)
    m.cost = pyo.Objective(expr=(m.x - 1) ** 2 + 1)
    assert solvers.solve(m, "ipopt").objective == pytest.approx(1, rel=1e-8)


def test_an_option_file_that_lies_about_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ipopt.opt").write_text("max_iter 1\n")
    monkeypatch.chdir(tmp_path)
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0.1, 5), initialize=4)
    m.cost = pyo.Objective(expr=m.x - pyo.log(m.x))
    assert solvers.solve(m, "ipopt").objective == pytest.approx(1)


def test_several_starts_find_the_better_of_two_valleys() -> None:
    # x^4 - 3 x^2 + x has a minimum at 1.13 and the global one at -1.30.
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(-2, 2), initialize=1.2)
    m.cost = pyo.Objective(expr=m.x**4 - 3 * m.x**2 + m.x)
    values = [solvers.solve(m, {"solver": "ipopt", "starts": 6}, check=False).objective for _ in range(2)]
    least = min(x**4 - 3 * x**2 + x for x in (-2 + k / 10_000 for k in range(40_001)))
    assert values == pytest.approx([least, least], rel=1e-6)


def test_solvers_that_start_nowhere_take_no_starts() -> None:
    case = vd.example("two-suppliers")
    for solver in ("highs", "closed_form"):
        with pytest.raises(InputError, match="starts: got 3; allowed: 1"):
            vd.solve(case, "icds", {"solver": solver, "starts": 3})
    with pytest.raises(InputError, match="starts: got 0; allowed: a whole number from 1 to 10,000"):
        vd.solve(case, "icds", {"solver": "ipopt", "starts": 0})


def nine_shelves() -> Model:
    """Return a bilinear program with many local optima."""
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(range(3), bounds=(0, 4)), pyo.Var(range(3), bounds=(0, 4))
    m.room = pyo.Constraint(range(3), rule=lambda m, k: m.x[k] + m.y[k] <= 5 + k)
    m.cost = pyo.Objective(expr=sum((1 + k) * m.x[k] * m.y[k] - 2 * m.x[k] - 3 * m.y[k] for k in range(3)))
    return m


def test_several_starts_find_what_a_global_solver_finds() -> None:
    ours, scip = nine_shelves(), nine_shelves()
    solution = solvers.solve(ours, {"solver": "ipopt", "starts": 12}, check=False)
    assert solution.objective == pytest.approx(solvers.solve(scip, "scip", check=False).objective, rel=1e-6)


def test_truth_as_a_constraint_earns_what_the_theory_says() -> None:
    # One retailer with newsvendor's revenue: not convex, and one start from the middle stops short of it.
    group = {
        "count": 1,
        "types": [3.0, 6.2, 8.75],
        "probabilities": [0.18, 0.67, 0.15],
        "revenue": {"form": "newsvendor", "price": 90, "demand": {"distribution": "uniform"}},
    }
    case = AllocationCase.model_validate({"capacity": 100, "retailers": [group]})
    best = vd.solve(case, "allocation", "closed_form").objective
    assert vd.solve(case, "allocation_direct").objective == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(("power", "searches"), [(2, 1), (3, 5)], ids=["convex", "not convex"])
def test_further_starts_are_for_what_is_not_proven(power: int, searches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def counting(form: Any, sizes: Any, number: int = 0) -> Any:
        begun.append(number)
        return start(form, sizes, number)

    monkeypatch.setattr(ipopt, "start", counting)
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(-1, 2))
    m.cost = pyo.Objective(expr=m.x**power - m.x)
    solution = solvers.solve(m, {"solver": "ipopt", "starts": 5})
    assert begun == list(range(searches))
    assert solution.objective == pytest.approx({2: -0.25, 3: -2 / 27**0.5}[power], abs=1e-6)
