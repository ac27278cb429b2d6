"""Ranges of duals against finite differences and linear programs written apart; which prices are told to be unique."""

import copy
import pickle
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray

import veridical as vd
from support.allocation_cases import case, group
from support.programs import Rows, degenerate_program, ends_of_multipliers, least, program, quadratic_program
from support.small_models import knapsack, shifted
from veridical.data import InputError
from veridical.solvers.dual_range import OptimalDuals

Array = NDArray[np.float64]
SOLVERS = ("highs", "ipopt")
QUADRATIC = {"solver": "highs", "form": "quadratic"}  # tangents take units to the root of the gap alone
SEEDS = [seed for seed in range(13) if seed != 9]  # of which Ipopt finds no certified optimum: it has no interior
FAMILIES = ("incentive_compatibility", "individual_rationality", "feasibility", "assembly")


def ranges_of(solution: Any, family: str = "row") -> Array:
    """Return the ends as an array, after what holds for all of them."""
    frame = solution.dual_range(family)
    assert list(frame.columns) == ["low", "high"]
    assert frame.index.equals(solution.duals[family].index)
    assert (frame["low"] <= frame["high"]).all()
    ends: Array = frame.to_numpy()
    return ends


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_are_one_sided_derivatives_of_degenerate_linear_programs(seed: int, solver: str) -> None:
    """Rows twice, sums of rows, equations, rows with two sides, bounds that bind; whole numbers, so that 1e-5 is small."""
    rows, sense, step = degenerate_program(np.random.default_rng(seed)), 1 if seed % 2 else -1, 1e-5
    best = least(rows)
    ends = ranges_of(vd.solvers.solve(program(rows, sense), solver))
    for i, found in enumerate(ends):
        right, left = (least(rows.moved(i, change)) for change in (step, -step))
        slopes = (best - left) / step, (right - best) / step
        assert found == pytest.approx(slopes if sense > 0 else (-slopes[1], -slopes[0]), abs=1e-4, rel=1e-6)


def test_the_programs_that_are_tried_have_ranges_of_every_kind() -> None:
    ends = np.concatenate([ranges_of(vd.solvers.solve(program(degenerate_program(np.random.default_rng(k)), 1))) for k in SEEDS])
    width = ends[:, 1] - ends[:, 0]
    assert (width == 0).sum() > 10
    assert ((width > 0.1) & np.isfinite(width)).sum() > 10
    assert np.isinf(ends).any(axis=1).sum() > 10


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(10))
def test_ranges_of_a_quadratic_program_are_those_of_the_multipliers_that_it_was_made_from(seed: int, solver: str) -> None:
    rows, hessian, signs, gradient = quadratic_program(np.random.default_rng(seed))
    sense = 1 if seed % 2 else -1
    ends = ranges_of(vd.solvers.solve(program(rows, sense, hessian), solver))
    expected = ends_of_multipliers(rows.matrix, gradient, signs)
    assert ends == pytest.approx(expected if sense > 0 else -expected[:, ::-1], abs=1e-6)


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize(("money", "unit", "row"), [(1e-6, 1.0, 1.0), (1e6, 1e3, 1e-4), (1.0, 1e-4, 1e4)])
def test_units_scale_the_ranges(seed: int, money: float, unit: float, row: float) -> None:
    rows = degenerate_program(np.random.default_rng(seed))
    scaled = Rows(rows.cost * money / unit, rows.matrix * row / unit, *(side * row for side in (rows.row_low, rows.row_high)))
    scaled = scaled.within(rows.low * unit, rows.high * unit)
    ends = ranges_of(vd.solvers.solve(program(scaled, 1)))
    assert ends * row / money == pytest.approx(ranges_of(vd.solvers.solve(program(rows, 1))), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["two-suppliers", "two-suppliers-correlated"])
def test_every_form_and_solver_finds_the_ranges_of_a_contract_menu(name: str) -> None:
    ways = ({"solver": "highs", "form": "tangent"}, QUADRATIC, "ipopt", {"solver": "ipopt", "form": "smooth"})
    solutions = [vd.solve(vd.example(name), "icds", way) for way in ways]
    for family in FAMILIES:
        first, *others = (ranges_of(solution, family) for solution in solutions)
        for other in others:
            assert other == pytest.approx(first, abs=1e-5)  # units are as exact as the root of the gap
        assert (first[:, 0] < first[:, 1]).any() == (name == "two-suppliers-correlated")


def test_what_a_menu_earns_bends_as_the_ranges_of_truth_say() -> None:
    """In a correlated case feasibility takes value from truth in more ways than one."""
    case, step = vd.example("two-suppliers-correlated"), 1e-2
    model = vd.build(case, "icds")
    solution = vd.solvers.solve(model, QUADRATIC)
    ranges = solution.dual_range("incentive_compatibility")
    for key in [("battery", 3.0, 7.0, "panel=4"), ("panel", 4.0, 9.0, "battery=7"), ("panel", 9.0, 4.0, "battery=7")]:
        slopes = []
        for change in (step, -2 * step):  # to the right, and from there to the left
            shifted(model.incentive_compatibility[key], change)
            moved = step if change > 0 else -step
            slopes.append((vd.solvers.solve(model, QUADRATIC).objective - solution.objective) / moved)
        shifted(model.incentive_compatibility[key], step)
        assert slopes[0] < slopes[1] - 0.03
        # The profit bends by less than 0.03 a unit of a price, over a step of 0.01.
        assert sorted(np.abs(slopes)) == pytest.approx(sorted(np.abs(ranges.T[key])), abs=5e-4)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_ranges_of_prices_in_money_per_money_do_not_depend_on_the_currency(factor: float) -> None:
    case = vd.example("two-suppliers-correlated")
    costs = {f"suppliers.{s.name}.costs": [c * factor for c in s.costs] for s in case.suppliers}
    other = vd.solve(case.changed(price=case.price * factor, **costs), "icds", QUADRATIC)
    here = vd.solve(case, "icds", QUADRATIC)
    assert ranges_of(other, FAMILIES[0]) == pytest.approx(ranges_of(here, FAMILIES[0]), abs=1e-6)
    assert ranges_of(other, "assembly") / factor == pytest.approx(ranges_of(here, "assembly"), abs=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_ranges_of_shadow_prices_of_capacity_are_those_of_the_allocation(solver: str) -> None:
    pooled = case(group([4, 5, 9], [0.5, 0.2, 0.3], name="A"), capacity=0.5)
    solution = vd.solve(pooled, solver=solver)
    ends, told = solution.dual_range("capacity"), solution.dual_ranges["capacity"]
    assert ends.loc[told.index].to_numpy() == pytest.approx(told.to_numpy(), abs=1e-6)
    assert (ends.loc["9", "low"], ends.loc["9", "high"]) == pytest.approx((8, 8), abs=1e-6)
    assert solution.explain().count("The price of capacity (profile 4) is not unique: from 0 to 1.2.") == 1


def kinked(demand: dict[str, Any]) -> Any:
    """Return the solution by tangents of what an assembler buys of one supplier, with the family `assembly`."""
    raw = {"kind": "assembler", "name": "one", "price": 10.0, "demand": demand}
    suppliers = [{"name": "a", "costs": [4.0], "probabilities": [1.0]}]
    one = vd.data.AssemblerCase.model_validate(raw | {"suppliers": suppliers})
    return vd.solve(one, "icds", {"solver": "highs", "form": "tangent"})


def test_a_kink_of_sales_is_one_and_tangents_are_none() -> None:
    """A unit of `assembly` is worth 10 P(D >= y) to the left of y and 10 P(D > y) to the right, up to its cost of 4."""
    listed = kinked({"distribution": "empirical", "values": [100, 200, 300], "weights": [0.5, 0.3, 0.2]})
    assert ranges_of(listed, "assembly") == pytest.approx(np.array([[4, 4]]), abs=1e-6)
    model = vd.build(vd.data.AssemblerCase.model_validate(listed.contracts.case.model_dump()), "icds", form="tangent")
    model.most = pyo.Constraint(expr=model.units["a=4"] <= 200)
    bounded = vd.solvers.solve(model, {"solver": "highs", "form": "tangent"})
    assert ranges_of(bounded, "most") == pytest.approx(np.array([[0, 1]]), abs=1e-6)  # 10 x 0.5 - 4 to the left; no more beyond
    smooth = kinked({"distribution": "exponential", "mean": 300})
    assert ranges_of(smooth, "assembly") == pytest.approx(np.array([[4, 4]]), abs=1e-6)
    assert smooth.dual_range("assembly")["low"].iloc[0] == smooth.duals["assembly"].iloc[0]


def twice(sense: int = pyo.maximize) -> Any:
    """Return a model with a limit that stands there twice, and one that is alone."""
    m = pyo.ConcreteModel(name="twice")
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.same = pyo.Constraint(["one", "other"], rule=lambda m, name: 2 * m.x <= 6)
    m.alone = pyo.Constraint(expr=m.y <= 4)
    m.idle = pyo.Constraint(expr=m.x + m.y <= 100)
    m.value = pyo.Objective(expr=sense * -(3 * m.x + 2 * m.y), sense=sense)
    return m


def test_explain_tells_what_is_shown_and_what_was_not_looked_at() -> None:
    solution = vd.solvers.solve(twice())
    before = solution.explain()
    assert "Shown to be unique: the prices of alone, idle." in before
    assert "Not looked at: same; `solution.dual_range(family)` gives their ranges." in before
    assert "not unique" not in before
    assert solution.to_dict()["dual_ranges"] == {}
    solution.dual_range("same")
    after = solution.explain()
    assert "The price of same (one) is not unique: from 0 to 1.5." in after
    assert "Not looked at" not in after
    record = solution.to_dict()["dual_ranges"]
    assert [(entry["low"], entry["high"]) for entry in record.pop("same")] == [(0, 1.5), (0, 1.5)]
    assert record == {}
    solution.dual_range("alone")
    assert "alone" not in solution.to_dict()["dual_ranges"]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_explain_shows_to_be_unique_is(seed: int) -> None:
    solution = vd.solvers.solve(program(degenerate_program(np.random.default_rng(seed)), 1), SOLVERS[seed % 2])
    assert isinstance(solution.optimal_duals, OptimalDuals)
    shown = solution.optimal_duals.unique_in("row")
    ends = ranges_of(solution)
    assert (ends[shown, 0] == ends[shown, 1]).all()


def test_a_maximum_has_the_ranges_of_the_minimum_turned_round() -> None:
    ends = ranges_of(vd.solvers.solve(twice(pyo.minimize)), "same")
    assert ends == pytest.approx(np.array([[-1.5, 0], [-1.5, 0]]))


def test_ranges_are_of_the_model_as_it_was_solved() -> None:
    model = twice()
    solution = vd.solvers.solve(model)
    model.value.set_value(7 * model.x)
    model.del_component("same")
    model.alone.deactivate()
    there = pickle.loads(pickle.dumps(solution))
    assert ranges_of(solution, "same").tolist() == ranges_of(there, "same").tolist() == [[0, 1.5], [0, 1.5]]
    again = pickle.loads(pickle.dumps(solution))  # with a solver alive
    assert again.explain() == solution.explain()
    assert ranges_of(copy.deepcopy(solution), "alone").tolist() == [[2, 2]]
    mine = solution.dual_range("same")
    mine["low"] = 7.0
    assert ranges_of(solution, "same").tolist() == [[0, 1.5], [0, 1.5]]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_right_hand_side_that_cannot_move_has_no_end(solver: str) -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(), pyo.Var(bounds=(0, None))
    m.low, m.high = pyo.Constraint(expr=m.x >= 2), pyo.Constraint(expr=m.x + 0 * m.y <= 2)
    m.twice = pyo.Constraint([1, 2], rule=lambda m, k: k * m.x + k * m.y == 5 * k)
    m.cost = pyo.Objective(expr=m.x + m.y)
    solution = vd.solvers.solve(m, solver)
    assert ranges_of(solution, "low") == pytest.approx(np.array([[0, np.inf]]))  # together with `high`, which it must not pass
    assert ranges_of(solution, "high") == pytest.approx(np.array([[-np.inf, 0]]))
    assert np.isinf(ranges_of(solution, "twice")).all()
    assert "(low) is not unique: from 0 on, without an end." in solution.explain()
    assert "(high) is not unique: up to 0, without an end below." in solution.explain()
    assert "(1) is not unique: without an end on either side." in solution.explain()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_side_far_out_says_nothing_of_what_binds(solver: str) -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 1e9)), pyo.Var(bounds=(0, 1e9))
    m.wide = pyo.Constraint(expr=(0, m.x, 1e9))
    m.half = pyo.Constraint(expr=m.x >= 0.5)
    m.both = pyo.Constraint(expr=m.x + m.y >= 1)
    m.cost = pyo.Objective(expr=2 * m.x + m.y)
    solution = vd.solvers.solve(m, solver)
    for family, price in (("wide", 0), ("half", 1), ("both", 1)):
        assert ranges_of(solution, family) == pytest.approx(np.array([[price, price]]), abs=1e-9)


def test_without_an_objective_a_price_is_0_or_has_no_end() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 1))
    m.wide, m.tight = pyo.Constraint(expr=m.x <= 2), pyo.Constraint(expr=m.x >= 1)
    solution = vd.solvers.solve(m)
    assert ranges_of(solution, "wide").tolist() == [[0, 0]]
    assert ranges_of(solution, "tight").tolist() == [[0, np.inf]]


def nonconvex() -> Any:
    """Return a model with several local optima."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(-3, 3), initialize=1)
    m.least = pyo.Constraint(expr=m.x >= -1)
    m.value = pyo.Objective(expr=pyo.sin(3 * m.x) + m.x)
    return m


def test_refusals_say_why() -> None:
    whole, local, convex = vd.solvers.solve(knapsack()), vd.solvers.solve(nonconvex(), "ipopt"), vd.solvers.solve(twice())
    formula = vd.solve(vd.example("two-suppliers"), "icds", "closed_form")
    tangents = vd.solve(vd.example("two-suppliers"), "icds", {"solver": "highs", "form": "tangent"})
    refused: list[tuple[Any, Any, str]] = [
        (whole, "room", "a model with integers has no shadow prices"),
        (local, "least", "not shown to be convex"),
        (formula, "assembly", "a closed form"),
        (convex, "nothing", "one of same, alone, idle"),
        (convex, ["same"], "one of same, alone, idle"),
        (tangents, "expected_sales.written.tangent", "one of assembly"),
    ]
    for solution, family, reason in refused:
        with pytest.raises(InputError, match=f"dual_range: got .*{reason}"):
            solution.dual_range(family)
    assert "Whether prices are unique was not looked at: the model is not shown to be convex" in local.explain()


def test_a_point_that_is_no_optimum_has_no_ranges() -> None:
    wrong = copy.copy(vd.solvers.solve(twice()).optimal_duals)
    assert isinstance(wrong, OptimalDuals)
    object.__setattr__(wrong, "x", np.array([1.0, 1.0]))  # feasible, and better points are there
    assert np.isnan(wrong.ends(np.arange(2))).all()
