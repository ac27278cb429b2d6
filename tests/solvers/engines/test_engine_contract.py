"""One contract for all solvers: every solver on every problem that it can do."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pyomo.environ as pyo
import pytest

from support.solver_problems import SOLVED, SOLVERS, Problem, Solver, blank, blend, degenerate, growth, knapsack, redundant
from support.unsolved_problems import ENDED, apart, escape, starving
from veridical import solvers
from veridical.data import InputError, NotSolvedError

Model = Any


def pairs(problems: tuple[Problem, ...], duals: tuple[bool, ...] = (True, False)) -> list[Any]:
    """Return the problems with the solvers that can do them, with or without duals."""
    return [
        pytest.param(problem, solver, id=f"{solver.name}: {problem.name}")
        for problem in problems
        for solver in SOLVERS
        if problem.needs <= solver.can and solver.duals in duals
    ]


def beyond() -> list[Any]:
    """Return the problems with the solvers that do not take problems of their kind."""
    kinds = {"LP", "QP", "NLP", "MIP", "external"}
    return [
        pytest.param(problem, solver, id=f"{solver.name}: {problem.name}")
        for problem in SOLVED + ENDED
        for solver in SOLVERS
        if not problem.needs & kinds <= solver.can
    ]


def values(model: Model) -> dict[str, float | None]:
    """Return the values of all variables by name."""
    return {variable.name: variable.value for variable in model.component_data_objects(pyo.Var)}


def near(expected: Mapping[str, float], tolerance: float) -> Any:
    """Return what compares equal to values that are near those expected."""
    return pytest.approx(dict(expected), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED))
def test_solution(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    assert solution.objective == pytest.approx(problem.objective, rel=solver.objective, abs=solver.objective)
    proven = problem.convex or not solver.duals  # a solver without duals here is one that searches everywhere
    assert solution.bound == pytest.approx(problem.objective if proven else math.nan, rel=2e-6, abs=2e-6, nan_ok=True)
    assert {name: values(model)[name] for name in problem.primal} == near(problem.primal, solver.quantity)
    objective = next(model.component_data_objects(pyo.Objective))
    assert pyo.value(objective) == pytest.approx(solution.objective, rel=1e-12, abs=1e-12)
    assert solution.certificate.holds
    status = "optimal" if proven else "locally_optimal"
    assert (solution.status, solution.termination, solution.solver.name) == (status, "converged", solver.name)
    assert solution.certificate.proves == ("global" if proven else "local")


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED, duals=(True,)))
def test_duals_and_reduced_costs(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    if "MIP" in problem.needs:
        assert dict(solution.duals) == {}
        assert (len(model.dual), len(model.rc)) == (0, 0)
        return
    imported = {constraint.name: value for constraint, value in model.dual.items()}
    reduced = {variable.name: value for variable, value in model.rc.items()}
    assert {name: imported[name] for name in problem.dual} == near(problem.dual, solver.quantity)
    assert {name: reduced[name] for name in problem.reduced} == near(problem.reduced, solver.quantity)
    active = [constraint.name for constraint in model.component_data_objects(pyo.Constraint, active=True)]
    assert sorted(imported) == sorted(active)
    assert sorted(value for series in solution.duals.values() for value in series) == sorted(imported.values())


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED, duals=(False,)))
def test_a_solver_without_duals_hands_over_none(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    assert dict(solution.duals) == {}
    assert (len(model.dual), len(model.rc)) == (0, 0)
    assert (solution.certificate.dual_residual, solution.certificate.complementarity) == (None, None)


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver.duals], ids=lambda solver: solver.name)
def test_duals_that_are_not_unique_are_optimal_ones(solver: Solver) -> None:
    model = degenerate()
    solvers.solve(model, solver.name)
    right, top, slope = (model.dual[constraint] for constraint in (model.right, model.top, model.slope))
    assert min(right, top, slope) >= -solver.quantity
    assert [right + slope, top + slope] == pytest.approx([1, 1], rel=solver.quantity)
    model = redundant()
    solvers.solve(model, solver.name)
    assert model.dual[model.protein] + 2 * model.dual[model.twice] == pytest.approx(1.5, rel=solver.quantity)


@pytest.mark.parametrize(("problem", "solver"), pairs(ENDED))
def test_an_end_without_optimum_is_named_and_leaves_the_model_as_it_was(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    constraints = list(model.component_data_objects(pyo.Constraint, active=True))
    before = values(model)
    model.dual.update(dict.fromkeys(constraints, 123.0))
    limit = {} if problem.limit is None else {"time_limit": problem.limit}
    with pytest.raises(NotSolvedError) as error:
        solvers.solve(model, {"solver": solver.name, **limit})
    assert error.value.status == problem.ends
    assert str(error.value).startswith(f"{model.name}: ")
    assert not str(error.value).rstrip().endswith((";", ":"))
    assert "could start" not in str(error.value)  # the limit is the solver's to keep, and long enough for it to begin
    assert values(model) == before
    assert set(model.dual.values()) <= {123.0}
    assert len(model.rc) == 0


def test_ipopt_does_not_converge_on_an_unbounded_problem() -> None:
    with pytest.raises(NotSolvedError) as error:
        solvers.solve(escape(), {"solver": "ipopt", "options": {"max_iter": 100}})
    assert error.value.status in ("unbounded", "iteration_limit")


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_conflict_is_named_by_its_constraints_and_no_others(solver: Solver) -> None:
    with pytest.raises(NotSolvedError, match="cannot hold together: ") as error:
        solvers.solve(starving(), solver.name)
    named = str(error.value).split("cannot hold together: ")[1].split(";")[0]
    assert sorted(named.split(", ")) == ["demand[north]", "supply"]


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_of_two_conflicts_one_is_named(solver: Solver) -> None:
    model = starving()
    model.north_cap = pyo.Constraint(expr=model.north <= 3)
    model.demand["south"].set_value(model.south >= 9)
    with pytest.raises(NotSolvedError, match="cannot hold together: ") as error:
        solvers.solve(model, solver.name)
    named = str(error.value).split("cannot hold together: ")[1].split(";")[0]
    # Either wants more than there is, and north more than he may have: three conflicts of two rows each.
    assert sorted(named.split(", ")) in (["demand[north]", "north_cap"], ["demand[north]", "supply"], ["demand[south]", "supply"])


def test_the_rows_that_the_last_point_of_an_nlp_violates_are_named() -> None:
    with pytest.raises(NotSolvedError, match=r"last point violates: .*(disc|line) \(by ") as error:
        solvers.solve(apart(), "ipopt")
    assert "balance" not in str(error.value)


@pytest.mark.parametrize(("problem", "solver"), beyond())
def test_a_problem_beyond_a_solver_is_refused(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    before = values(model)
    with pytest.raises(InputError, match=solver.refusal):
        solvers.solve(model, solver.name)
    assert values(model) == before
    assert (len(model.dual), len(model.rc)) == (0, 0)


def test_what_highs_cannot_take_is_named() -> None:
    with pytest.raises(InputError, match=r"disc: got <.*x.*y.*>; allowed: linear constraints"):
        solvers.solve(apart(), "highs")
    with pytest.raises(InputError, match=r"effort: got .*; allowed: a linear or convex quadratic objective"):
        solvers.solve(growth(), "highs")


def test_the_integer_variable_that_ipopt_cannot_take_is_named() -> None:
    with pytest.raises(InputError, match=r"take\[a\]: got <an integer variable>; allowed: continuous variables"):
        solvers.solve(knapsack(), "ipopt")


def spoil_coefficient(m: Model) -> None:
    m.spoilt = pyo.Constraint(expr=m.bad * m.x + m.y >= 1)


def spoil_side(m: Model) -> None:
    m.spoilt = pyo.Constraint(expr=m.x + m.y >= m.bad)


def spoil_cost(m: Model) -> None:
    m.cost.expr = m.bad * m.x + m.y


def spoil_constant(m: Model) -> None:
    m.cost.expr = m.x + m.y + m.bad


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (spoil_coefficient, "spoilt"),
        (spoil_side, "spoilt"),
        (spoil_cost, "objective, x"),
        (spoil_constant, "objective, the constant"),
    ],
)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_nan_in_the_data_is_refused_by_name(solver: Solver, spoil: Callable[[Model], None], field: str) -> None:
    model = blend()
    model.bad = pyo.Param(initialize=math.nan, mutable=True, within=pyo.Any)
    spoil(model)
    with pytest.raises(InputError, match=f"blend: {field}: got <a .* NaN"):
        solvers.solve(model, solver.name)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_variable_that_is_fixed_at_no_value_is_refused_by_name(solver: Solver) -> None:
    model = blend()
    model.x.fixed = True
    with pytest.raises(InputError, match=r"\bx\b"):
        solvers.solve(model, solver.name)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_model_that_has_nothing_left_to_decide_is_worth_its_constants(solver: Solver) -> None:
    model = blend()
    model.x.fix(3)
    model.y.fix(1)
    assert solvers.solve(model, solver.name).objective == pytest.approx(9, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_parameters_changed_between_two_solves_count(solver: Solver) -> None:
    model = blank("mutable", x=(None, None), y=(None, None))
    model.price = pyo.Param(initialize=2.0, mutable=True)
    model.least = pyo.Param(initialize=3.0, mutable=True)
    model.top = pyo.Param(initialize=4.0, mutable=True)
    model.y.setub(model.top)
    model.cost = pyo.Objective(expr=model.price * model.x - model.y)
    model.row = pyo.Constraint(expr=model.x >= model.least)
    for price, least, top in ((2.0, 3.0, 4.0), (5.0, -4.0, 1.0), (7.0, 0.5, -2.0)):
        model.price, model.least, model.top = price, least, top
        solution = solvers.solve(model, solver.name)
        assert solution.objective == pytest.approx(price * least - top, rel=solver.objective)
        assert values(model) == near({"x": least, "y": top}, solver.quantity)
        if solver.duals:
            assert model.dual[model.row] == pytest.approx(price, rel=solver.quantity)
            assert model.rc[model.y] == pytest.approx(-1, rel=solver.quantity)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_parameters_inside_of_squares_count_and_a_linear_objective_may_follow_a_quadratic_one(solver: Solver) -> None:
    model = blank("squares", x=(-9, 9))
    model.target = pyo.Param(initialize=0.0, mutable=True)
    model.square = pyo.Objective(expr=(model.x - model.target) ** 2 + model.x)  # least half a unit below the target
    model.line = pyo.Objective(expr=2 * model.x)
    model.line.deactivate()
    for target in (1.0, -2.0):
        model.target = target
        assert solvers.solve(model, solver.name).objective == pytest.approx(target - 0.25, rel=solver.objective)
        assert model.x.value == pytest.approx(target - 0.5, rel=solver.quantity)
    model.square.deactivate()
    model.line.activate()
    assert solvers.solve(model, solver.name).objective == pytest.approx(-18, rel=solver.objective)
