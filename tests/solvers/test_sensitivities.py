"""Sensitivities of the optimal profit against differences of it, one-sided derivatives at kinks, and explanations in words."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.assembler_cases import build
from veridical.data import AssemblerCase, InputError
from veridical.solvers import Solution

MECHANISMS = [name for name, each in vd.MECHANISMS.items() if each.kind is AssemblerCase]
GAMMA = {"distribution": "gamma", "mean": 500, "sd": 200}
UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}
COSTS = ((4.0, 9.0), (3.0, 6.0, 7.0))
# Costs that are a little correlated, with increasing virtual costs; and ones that move together, where they are not.
MILD = ((0.20, 0.23, 0.17), (0.10, 0.17, 0.13))
STRONG = ((0.36, 0.05, 0.04), (0.04, 0.11, 0.40))
SOLVERS: dict[str, dict[str, Any]] = {
    "highs": {"solver": "highs", "tolerance": 1e-11},  # whose quantities come as close as the square root of it
    "ipopt": {"solver": "ipopt", "tolerance": 1e-10},
    "closed_form": {"solver": "closed_form"},
}
Build = Callable[..., AssemblerCase]


def solvers(mechanism: str) -> dict[str, dict[str, Any]]:
    """Return the solvers that a mechanism can be solved by."""
    return {name: table for name, table in SOLVERS.items() if name != "closed_form" or vd.MECHANISMS[mechanism].closed_form}


def builder(demand: dict[str, Any], joint: Any) -> Build:
    """Return a function from price, costs and probabilities to a case."""

    def vary(price: float = 30.0, costs: Any = COSTS, table: Any = joint) -> AssemblerCase:
        return build(costs, joint=table, price=price, demand=demand)

    return vary


def moved(vary: Build, joint: Any, mechanism: str, solver: Any, **parameters: Any) -> dict[str, tuple[float, float]]:
    """Return the optimal profit at a step up and a step down of every parameter, and twice the steps.

    For probabilities the step moves weight to a profile from the first one.
    """
    found = {}

    def central(name: str, step: float, case: Callable[[float], AssemblerCase]) -> None:
        up, down = (vd.solve(case(change), mechanism, solver, **parameters).objective for change in (step, -step))
        found[name] = up - down, 2 * step

    central("price", 1e-3, lambda change: vary(price=30.0 + change))
    for i, name in enumerate("ab"):
        for k, cost in enumerate(COSTS[i]):

            def raised(change: float, i: int = i, k: int = k) -> AssemblerCase:
                costs = [list(own) for own in COSTS]
                costs[i][k] += change
                return vary(costs=costs)

            central(f"cost {name}={cost:g}", 1e-3, raised)
    for i, j in product(range(2), range(3)):
        if (i, j) == (0, 0):
            continue

        def shifted(change: float, i: int = i, j: int = j) -> AssemblerCase:
            table = np.array(joint)
            table[i, j] += change
            table[0, 0] -= change
            return vary(table=table)

        central(f"probability a={COSTS[0][i]:g}, b={COSTS[1][j]:g}", 1e-4, shifted)
    return found


def compare(solution: Solution, differences: dict[str, tuple[float, float]], tolerance: float) -> None:
    """Hold sensitivities against differences of the profit, relative to the largest of their kind."""
    found = solution.sensitivity
    base = found["probability a=4, b=3"]
    assert set(found.index) == {*differences, "probability a=4, b=3"}
    slopes = {name: change / steps for name, (change, steps) in differences.items()}
    for kind in ("price", "cost", "probability"):
        names = [name for name in slopes if name.startswith(kind)]
        size = max(1.0, *(abs(slopes[name]) for name in names))
        if kind == "probability":  # the worth of a profile is known relative to itself, and differences are taken of two
            size = max(size, abs(base))
        for name in names:
            value = found[name] - (base if kind == "probability" else 0.0)
            assert value == pytest.approx(slopes[name], abs=tolerance * size), name


@pytest.mark.parametrize("demand", [GAMMA, UNIFORM], ids=["gamma", "uniform"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_sensitivities_are_derivatives_of_the_profit(mechanism: str, demand: dict[str, Any]) -> None:
    vary = builder(demand, MILD)
    ways = solvers(mechanism)
    differences = moved(vary, MILD, mechanism, ways.get("closed_form", SOLVERS["ipopt"]))
    for name, solver in ways.items():
        # Sensitivities are as exact as quantities; differences of profits to 1e-6.
        compare(vd.solve(vary(), mechanism, solver), differences, 2e-5 if name == "highs" else 5e-6)


@pytest.mark.parametrize("prior", [MILD, STRONG], ids=["mild", "strong"])
@pytest.mark.parametrize(
    ("mechanism", "parameters"),
    [
        ("bic", {"participation": "interim"}),
        ("bic", {"participation": "ex_post"}),
        ("hybrid", {"k": 0}),
        ("hybrid", {"k": 1}),
        ("hybrid", {"k": 2}),
        ("hybrid", {"k": 2, "balanced": True}),
        ("frw", {}),
    ],
    ids=["interim", "ex_post", "hybrid 0", "hybrid 1", "hybrid 2", "balanced", "frw"],
)
def test_sensitivities_hold_for_every_parameter_of_a_mechanism(mechanism: str, parameters: dict[str, Any], prior: Any) -> None:
    vary = builder(UNIFORM, prior)
    differences = moved(vary, prior, mechanism, SOLVERS["ipopt"], **parameters)
    for solver in ("highs", "ipopt"):
        compare(vd.solve(vary(), mechanism, SOLVERS[solver], **parameters), differences, 5e-5)


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced"])
def test_they_are_where_balanced_ordering_is_not_optimal(mechanism: str, solver: str) -> None:
    vary = builder(GAMMA, STRONG)
    differences = moved(vary, STRONG, mechanism, SOLVERS["ipopt"])
    compare(vd.solve(vary(), mechanism, SOLVERS[solver]), differences, 5e-5)
    full, balanced = (vd.solve(vary(), name).objective for name in ("icds", "icds_balanced"))
    assert full > balanced * 1.01


def test_without_feasibility_the_multipliers_of_the_misreports_say_it_all() -> None:
    vary = builder(GAMMA, STRONG)
    with_it, without = (vd.solve(vary(), "icds", SOLVERS["ipopt"], feasibility=choice) for choice in (True, False))
    assert "feasibility" not in without.duals
    np.testing.assert_allclose(without.sensitivity, with_it.sensitivity, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_a_users_own_budget_is_counted(solver: str) -> None:
    # Expected payments are capped below what they would be: costs now weigh by more than the profit alone says.
    def capped(costs: Any) -> Solution:
        model = vd.build(build(costs, joint=MILD, demand=GAMMA), "icds")
        paid = pyo.quicksum(model.probability[t] * model.payment[i, t] for i in model.SUPPLIERS for t in model.PROFILES)
        model.budget = pyo.Constraint(expr=paid <= 4000)
        return vd.solvers.solve(model, SOLVERS[solver])

    solution = capped(COSTS)
    assert solution.duals["budget"].iloc[0] > 0.1
    for i, k in ((0, 0), (0, 1), (1, 1)):
        costs = np.array([list(own) for own in COSTS], dtype=object)
        profits = []
        for change in (1e-3, -1e-3):
            raised = [list(own) for own in costs]
            raised[i][k] += change
            profits.append(capped(raised).objective)
        name = f"cost {'ab'[i]}={COSTS[i][k]:g}"
        assert solution.sensitivity[name] == pytest.approx((profits[0] - profits[1]) / 2e-3, rel=1e-3), name


def test_what_a_price_and_a_probability_are_worth_by_hand() -> None:
    # Uniform on [0, 100], price 10, cost 5: q = 50, sales q - q^2 / 200 = 37.5, profit 375 - 250.
    demand = {"distribution": "uniform", "low": 0, "high": 100}
    case = build([[5.0]], [[1.0]], price=10.0, demand=demand)
    for mechanism, solver in ((name, each) for name in MECHANISMS for each in solvers(name).values()):
        found = vd.solve(case, mechanism, solver).sensitivity
        assert found.to_dict() == pytest.approx({"price": 37.5, "cost a=5": -50, "probability a=5": 125}, rel=1e-5)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_one_sided_derivatives_at_a_point_of_demand_by_hand(mechanism: str) -> None:
    # Demand 100 or 200 with even chances: the second hundred earns 10 / 2 a unit and costs 5. A dearer unit costs 100 units,
    # a cheaper one 200 units; a higher price earns on 150 expected sales, a lower one on 100.
    demand = {"distribution": "empirical", "values": [100, 200]}
    case = build([[5.0]], [[1.0]], price=10.0, demand=demand)
    assert vd.one_sided_derivatives(case, "cost a=5", mechanism) == pytest.approx((-200, -100), rel=1e-6)
    assert vd.one_sided_derivatives(case, "price", mechanism) == pytest.approx((100, 150), rel=1e-6)
    for solver in solvers(mechanism):
        found = vd.solve(case, mechanism, solver).sensitivity
        assert -200 - 1e-4 <= found["cost a=5"] <= -100 + 1e-4
        assert 100 - 1e-4 <= found["price"] <= 150 + 1e-4


@pytest.mark.parametrize("parameter", ["price", "cost display=24.5", "cost radio=6.2", "cost enclosure=7.4"])
def test_one_sided_derivatives_bracket_sensitivities_of_a_shipped_case(parameter: str) -> None:
    case = vd.example("electronics")
    left, right = vd.one_sided_derivatives(case, parameter, "icds_balanced")
    found = vd.solve(case, "icds_balanced").sensitivity[parameter]
    rounding = 1e-6 * max(abs(left), abs(right), 1.0)
    assert min(left, right) - rounding <= found <= max(left, right) + rounding


@pytest.mark.parametrize("parameter", ["price", "cost a=3", "cost a=7", "cost b=4", "cost b=5"])
@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_one_sided_derivatives_bracket_sensitivities_of_pooled_profiles(
    irregular: AssemblerCase, parameter: str, solver: str
) -> None:
    left, right = vd.one_sided_derivatives(irregular, parameter, "icds", "closed_form", step=1e-6)
    found = vd.solve(irregular, "icds", SOLVERS[solver]).sensitivity[parameter]
    assert left == pytest.approx(found, rel=1e-4, abs=1e-2)  # the profit bends within a step, by less than this
    assert right == pytest.approx(found, rel=1e-4, abs=1e-2)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_one_sided_derivatives_are_the_sensitivity_where_there_is_no_kink(mechanism: str) -> None:
    case = builder(GAMMA, MILD)()
    solver = solvers(mechanism).get("closed_form", SOLVERS["ipopt"])
    found = vd.solve(case, mechanism, solver).sensitivity
    for parameter in [name for name in found.index if not name.startswith("probability")]:
        left, right = vd.one_sided_derivatives(case, parameter, mechanism, solver, step=1e-6)
        assert (left, right) == pytest.approx((found[parameter],) * 2, rel=1e-4, abs=1e-2)
        assert left <= right + 1e-3  # the best of many contracts, each of which earns linearly: convex


@pytest.mark.parametrize("parameter", ["cost a=5", "cost c=4", "probability a=4, b=3", "prices"])
def test_one_sided_derivatives_are_of_parameters_that_the_case_has(parameter: str) -> None:
    with pytest.raises(InputError, match="one of price, cost a=4, cost a=9, cost b=3, cost b=6, cost b=7"):
        vd.one_sided_derivatives(builder(GAMMA, MILD)(), parameter)


def test_a_model_that_is_no_mechanism_has_no_sensitivities() -> None:
    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, 1))
    model.objective = pyo.Objective(expr=model.x)
    assert vd.solvers.solve(model).sensitivity.empty


def largest(solution: Solution) -> list[tuple[str, str, float]]:
    """Return family, index in words and amount of all duals that are not those of expected sales, the largest first."""
    found = []
    for family, series in solution.duals.items():
        if family.split(".")[0] == "expected_sales":
            continue
        for key, value in series.items():
            parts = key if isinstance(key, tuple) else (key,)
            told = [f"{part:g}" if isinstance(part, float) else str(part) for part in parts]
            names = [str(name).replace("_", " ") for name in series.index.names]
            words = ", ".join(f"{name} {word}" for name, word in zip(names, told, strict=True))
            if abs(value) > 1e-9:
                found.append((family, words, abs(float(value))))
    return sorted(found, key=lambda entry: -entry[2])


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("most", [1, 3, 5])
def test_explanations_name_the_constraints_that_matter_most(mechanism: str, most: int) -> None:
    solution = vd.solve(builder(GAMMA, STRONG)(), mechanism)
    expected = largest(solution)
    head, *lines = solution.explain(most).splitlines()
    shown = min(most, len(expected))
    assert head == f"{len(expected)} constraints bind with a price. The {shown} that matter most:"
    told = [line for line in lines if line.startswith("- ")]
    amounts = [float(line.split(" is worth ")[1].split(" in currency")[0].replace(",", "")) for line in told]
    assert amounts == pytest.approx([amount for _, _, amount in expected[:shown]], rel=1e-3)  # four digits are shown
    candidates = {(family, words) for family, words, amount in expected if amount >= expected[shown - 1][2] * (1 - 1e-9)}
    for line in told:
        family, _, rest = line.removeprefix("- ").partition(" (")
        assert (family, rest.partition("): ")[0]) in candidates
    assert len(told) == shown


def test_a_constraint_that_costs_profit_matters_as_much_as_one_that_brings_it() -> None:
    model = vd.build(builder(GAMMA, MILD)(), "icds")
    expected_units = pyo.quicksum(model.probability[t] * model.units[t] for t in model.PROFILES)
    model.quota = pyo.Constraint(expr=expected_units / 1000 >= 0.6)  # thousands of units: its price is large, and negative
    solution = vd.solvers.solve(model)
    quota = float(solution.duals["quota"].iloc[0])
    assert quota < -100
    assert solution.explain(1).splitlines()[1] == f"- quota (quota): one unit of slack is worth {-quota:,.4g} in currency"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_only_where_feasibility_is_in_the_model_is_its_split_not_unique(mechanism: str) -> None:
    note = "feasibility follows from incentive_compatibility"
    case = builder(GAMMA, MILD)()
    assert (note in vd.solve(case, mechanism).explain()) == (mechanism in ("icds", "hybrid", "frw"))
    assert note not in vd.solve(case, "icds", feasibility=False).explain()


@pytest.mark.parametrize("solver", ["closed_form", "scip"])
def test_without_duals_there_is_nothing_to_explain(solver: str) -> None:
    solution = vd.solve(builder(UNIFORM, MILD)(), "icds", solver)
    assert solution.explain().startswith("No constraint binds that is worth relaxing, or none has a price here")
