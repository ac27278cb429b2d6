"""Every mechanism by every solver for every demand in every form that fits; and how solvers are asked for."""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

import veridical as vd
from support.assembler_cases import build
from veridical.data import AssemblerCase, InputError, NotSolvedError
from veridical.solvers import Configuration, Solution

Array = NDArray[np.float64]
MECHANISMS = [name for name, each in vd.MECHANISMS.items() if each.kind is AssemblerCase]
# Independent suppliers with increasing virtual costs: a: 4, 9 + 5 * .6 / .4 = 16.5; b: 3, 6 + 3 * .3 / .4 = 8.25,
# 7 + 1 * .7 / .3 = 9.333. Quantities are unique where demand has a density.
PRICE = 30.0
COSTS = [[4.0, 9.0], [3.0, 6.0, 7.0]]
VIRTUAL = [[4.0, 16.5], [3.0, 8.25, 7 + 0.7 / 0.3]]
PROBABILITIES = [[0.6, 0.4], [0.3, 0.4, 0.3]]
POINTS, WEIGHTS = [120.0, 310.0, 560.0, 870.0], [0.15, 0.35, 0.3, 0.2]
OBSERVED = [300.0, 410.0, 300.0, 650.0, 720.0, 410.0, 300.0]
_sigma = np.sqrt(np.log(1 + 0.4**2))  # of a lognormal whose standard deviation is 0.4 of its mean
# The demands as case files have them, and as scipy does (of points: values and probabilities).
DEMANDS: dict[str, tuple[dict[str, Any], Any]] = {
    "uniform": ({"low": 100, "high": 900}, stats.uniform(100, 800)),
    "normal": ({"mean": 500, "sd": 250}, stats.truncnorm(-2, np.inf, 500, 250)),
    "lognormal": ({"mean": 500, "sd": 200}, stats.lognorm(_sigma, scale=500 * np.exp(-(_sigma**2) / 2))),
    "gamma": ({"mean": 500, "sd": 200}, stats.gamma(6.25, scale=80)),
    "weibull": ({"shape": 2.0, "scale": 550}, stats.weibull_min(2.0, scale=550)),
    "exponential": ({"mean": 500}, stats.expon(scale=500)),
    "empirical": ({"values": POINTS, "weights": WEIGHTS}, (POINTS, WEIGHTS)),
    "sample": ({}, ([300.0, 410.0, 650.0, 720.0], [3 / 7, 2 / 7, 1 / 7, 1 / 7])),
}
DISCRETE = ("empirical", "sample")
FORMS: dict[str, tuple[str, ...]] = {  # that a solver can be given, the best first
    "highs": ("linear", "tangent", "quadratic"),
    "ipopt": ("quadratic", "smooth", "linear"),
    "scip": ("linear", "tangent", "quadratic"),
    "pounce": ("linear", "tangent", "quadratic"),
}
# Relative to the largest: quantities are as exact as the square root of the gap, 1e-8 of the profit, at which tangents may
# end. Duals say where the next tangent belongs and bring them closer (1.2e-5 was met, on another processor); SCIP has none.
# POUNCE ends each program at 1e-8 itself.
QUANTITY = {"highs": 2e-5, "ipopt": 1e-5, "scip": 5e-4, "pounce": 1e-4, "closed_form": 1e-12}


def fitting(distribution: str) -> tuple[str, ...]:
    """Return the forms that a demand can be written in."""
    if distribution in DISCRETE:
        return "linear", "tangent"
    return ("quadratic", "smooth", "tangent") if distribution == "uniform" else ("smooth", "tangent")


WAYS = [
    pytest.param(solver, form, distribution, id=f"{solver}-{form}-{distribution}")
    for distribution in DEMANDS
    for solver, forms in FORMS.items()
    for form in forms
    if form in fitting(distribution)
] + [pytest.param("closed_form", "auto", distribution, id=f"closed_form-{distribution}") for distribution in DEMANDS]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, AssemblerCase]:
    """Return a case for every demand."""
    file = tmp_path_factory.mktemp("demand") / "observed.csv"
    file.write_text("units\n" + "\n".join(map(str, OBSERVED)), encoding="utf-8")
    found = {}
    for distribution, (parameters, _) in DEMANDS.items():
        demand = {"distribution": distribution, **parameters}
        if distribution == "sample":
            demand["file"] = str(file)
        found[distribution] = build(COSTS, PROBABILITIES, demand=demand, price=PRICE)
    return found


def newsvendor(distribution: str, cost: float) -> tuple[float, float]:
    """Return the profit of the best quantity at a unit cost, and that quantity, by scipy alone."""
    known = DEMANDS[distribution][1]
    if distribution in DISCRETE:
        points, weights = map(np.array, known)
        return max((PRICE * float(weights @ np.minimum(points, q)) - cost * q, q) for q in [0.0, *points])
    quantity = float(known.ppf(1 - cost / PRICE))
    sales = integrate.quad(known.sf, 0, quantity, points=[100.0] if distribution == "uniform" else None, epsabs=1e-10)[0]
    return PRICE * sales - cost * quantity, quantity


def unit_by_unit(distribution: str) -> tuple[float, Array]:
    """Return profit and quantities of contracts that answer to one's own cost: of each unit, the best costs that deliver it.

    The x-th unit is worth r P(D > x) if all deliver it; whoever does is paid the dearest cost of his that does. Which do is
    found among all choices, unit by unit: where demand has a density, a cost delivers the units up to the one, found by
    bisection, from which it does not; points of demand are the only quantities to look at where it has none.
    """
    known = DEMANDS[distribution][1]
    choices = []  # how many of each one's costs deliver, the chance that both do, and what that costs
    for s in product(range(3), range(4)):
        chances = [sum(own[:count]) for own, count in zip(PROBABILITIES, s, strict=True)]
        cost = sum(chance * own[count - 1] for own, chance, count in zip(COSTS, chances, s, strict=True) if count)
        choices.append((s, chances[0] * chances[1], cost))

    def best(tail: float) -> tuple[float, tuple[int, int]]:
        return max((PRICE * tail * chance - cost, s) for s, chance, cost in choices)

    def delivering(tails: list[tuple[float, float]]) -> tuple[float, Array]:
        """Return profit and quantities from stretches of units whose chance to be sold is the same: (length, chance)."""
        earned, found = 0.0, np.zeros((2, 2, 3))
        for length, tail in tails:
            value, (a, b) = best(tail)
            earned += length * value
            found[0, :a] += length
            found[1, :, :b] += length
        return earned, found

    if distribution in DISCRETE:
        points, weights = np.array([0.0, *known[0]]), np.array(known[1])
        return delivering([(float(points[k + 1] - points[k]), float(weights[k:].sum())) for k in range(len(weights))])
    ends, found = {0.0, float(known.ppf(1 - 1e-12))}, np.zeros((2, 2, 3))
    for i, k in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]:
        few, lots = 0.0, 1.0  # chances that a unit sells, of one that the cost does not deliver and of one that it does
        while lots - few > 1e-15:
            middle = (few + lots) / 2
            few, lots = (few, middle) if best(middle)[1][i] > k else (middle, lots)
        quantity = float(known.isf(lots)) if best(1.0)[1][i] > k else 0.0
        found[i][k if i == 0 else slice(None), slice(None) if i == 0 else k] = quantity
        ends.add(quantity)
    if distribution == "uniform":
        ends.add(100.0)
    limits = sorted(ends)
    parts = [integrate.quad(lambda x: best(float(known.sf(x)))[0], a, b, epsabs=1e-10)[0] for a, b in pairwise(limits)]
    return sum(parts), found


@cache
def expected(mechanism: str, distribution: str) -> tuple[float, Array]:
    """Return the optimal profit and each supplier's quantities: a newsvendor at every profile, or unit by unit.

    The newsvendor stands at full, virtual, or all highest costs; in the hybrid, where a alone reports, at his virtual cost and
    the highest of b, which is what b's virtual cost comes to on average.
    """
    if mechanism == "frw":
        return unit_by_unit(distribution)
    average = sum(p * v for p, v in zip(PROBABILITIES[1], VIRTUAL[1], strict=True))
    assert average == pytest.approx(COSTS[1][-1])
    quantities, profit = np.zeros((2, 2, 3)), 0.0
    for i, j in product(range(2), range(3)):
        cost = {
            "naive": COSTS[0][-1] + COSTS[1][-1],
            "hybrid": VIRTUAL[0][i] + average,
            "first_best": COSTS[0][i] + COSTS[1][j],
        }.get(mechanism, VIRTUAL[0][i] + VIRTUAL[1][j])
        worth, quantities[:, i, j] = newsvendor(distribution, cost)
        profit += PROBABILITIES[0][i] * PROBABILITIES[1][j] * worth
    return profit, quantities


EVERY_WAY = [  # a mechanism without a closed form has one way less
    pytest.param(mechanism, *way.values, id=f"{mechanism}-{way.id}")
    for mechanism, way in product(MECHANISMS, WAYS)
    if way.values[0] != "closed_form" or vd.MECHANISMS[mechanism].closed_form
]


@pytest.mark.parametrize(("mechanism", "solver", "form", "distribution"), EVERY_WAY)
def test_every_way_gives_the_newsvendors_answer(
    mechanism: str, solver: str, form: str, distribution: str, cases: Mapping[str, AssemblerCase]
) -> None:
    solution = vd.solve(cases[distribution], mechanism, {"solver": solver, "form": form})
    profit, quantities = expected(mechanism, distribution)
    assert solution.objective == pytest.approx(profit, rel=1e-6)
    assert solution.bound == pytest.approx(profit, rel=2e-6)
    assert solution.contracts is not None
    assert solution.contracts.expected_profit == pytest.approx(profit, rel=1e-6)
    assert solution.solver.form == (None if solver == "closed_form" else form)
    if distribution not in DISCRETE:  # at points of demand, quantities may move without a change of profit
        for i in range(2):
            tolerance = QUANTITY[solver] * quantities.max()
            np.testing.assert_allclose(solution.contracts.quantity[i], quantities[i], rtol=0, atol=tolerance)


@pytest.mark.parametrize("solver", FORMS)
@pytest.mark.parametrize("distribution", DEMANDS)
def test_left_to_itself_a_solver_takes_the_form_that_suits_it_best(
    solver: str, distribution: str, cases: Mapping[str, AssemblerCase]
) -> None:
    best = next(form for form in FORMS[solver] if form in fitting(distribution))
    assert vd.solve(cases[distribution], "icds_balanced", solver).solver.form == best


@pytest.mark.parametrize(
    ("solver", "form"), [(solver, "smooth") for solver in ("highs", "scip", "pounce")] + [("ipopt", "tangent")]
)
def test_a_form_that_a_solver_cannot_take_is_an_input_error(solver: str, form: str, cases: Mapping[str, AssemblerCase]) -> None:
    with pytest.raises(InputError):
        vd.solve(cases["uniform"], "icds_balanced", {"solver": solver, "form": form})


@pytest.mark.parametrize("distribution", [name for name in DEMANDS if name not in DISCRETE])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("mechanism", ["icds", "first_best"])
def test_tangents_close_the_gap_to_the_tolerance(
    distribution: str, tolerance: float, mechanism: str, cases: Mapping[str, AssemblerCase]
) -> None:
    solution = vd.solve(cases[distribution], mechanism, {"solver": "highs", "form": "tangent", "tolerance": tolerance})
    profit, _ = expected(mechanism, distribution)
    rounding = 1e-11 * profit
    assert solution.objective - rounding <= profit <= solution.bound + rounding
    assert solution.bound - solution.objective <= tolerance * profit


def rounds(case: AssemblerCase, solver: str, tolerance: float) -> int:
    """Return the rounds of tangents that a tolerance takes."""
    return int(
        vd.solve(case, "icds", {"solver": solver, "form": "tangent", "tolerance": tolerance}).solver.options["tangent_rounds"]
    )


@pytest.mark.parametrize("solver", ["highs", "scip", "pounce"])
def test_the_tolerance_reaches_the_tangents(solver: str, cases: Mapping[str, AssemblerCase]) -> None:
    assert rounds(cases["gamma"], solver, 1e-6) < rounds(cases["gamma"], solver, 1e-9)


def test_the_tolerance_reaches_ipopt(cases: Mapping[str, AssemblerCase]) -> None:
    found = [vd.solve(cases["gamma"], "icds", {"solver": "ipopt", "tolerance": tolerance}) for tolerance in (1e-8, 1e-9)]
    assert found[1].solver.options["tol"] == pytest.approx(found[0].solver.options["tol"] / 10)


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "highs": {"options": {"simplex_strategy": 4}},
    "ipopt": {"options": {"mu_strategy": "adaptive"}, "form": "smooth"},
    "scip": {"options": {"lp/pricing": "s"}, "tolerance": 1e-7},
    "pounce": {"options": {"mu_strategy": "adaptive"}, "time_limit": 60.0},
}


def written(table: Mapping[str, Any]) -> str:
    """Return a solver's table as TOML."""
    top = [f"{key} = {value!r}" for key, value in table.items() if key != "options"]
    return "\n".join([*top, "[options]", *(f'"{key}" = {value!r}' for key, value in table["options"].items())])


def essence(solution: Solution) -> tuple[Any, ...]:
    """Return what must be the same of two solves that are."""
    return solution.objective, solution.bound, solution.solver.name, solution.solver.form, dict(solution.solver.options)


@pytest.mark.parametrize("solver", CONFIGURATIONS)
def test_table_file_and_object_say_the_same(solver: str, cases: Mapping[str, AssemblerCase], tmp_path: Path) -> None:
    table = {"solver": solver, **CONFIGURATIONS[solver]}
    file = tmp_path / "solver.toml"
    file.write_text(written(table), encoding="utf-8")
    case = cases["uniform"]
    first = vd.solve(case, "icds", table)
    assert table["options"].items() <= first.solver.options.items()
    assert essence(vd.solve(case, "icds", file)) == essence(first)
    assert essence(vd.solve(case, "icds", str(file))) == essence(first)
    assert essence(vd.solve(case, "icds", Configuration(**table))) == essence(first)
    assert vd.solvers.solve(vd.build(case, "icds"), file).objective == pytest.approx(first.objective, rel=1e-9)


@pytest.mark.parametrize("solver", [*FORMS, "closed_form"])
def test_a_name_is_a_table_with_nothing_else(solver: str, cases: Mapping[str, AssemblerCase], tmp_path: Path) -> None:
    file = tmp_path / "solver.toml"
    file.write_text(f'solver = "{solver}"', encoding="utf-8")
    case = cases["exponential"]
    found = [essence(vd.solve(case, "icds", way)) for way in (solver, {"solver": solver}, file)]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        ("highs", {"simplex_iteration_limit": 0}),
        ("ipopt", {"max_iter": 1}),
        ("scip", {"limits/nodes": 0}),
        ("pounce", {"max_iter": 1}),
    ],
)
def test_options_arrive_at_the_solver(solver: str, options: dict[str, Any], cases: Mapping[str, AssemblerCase]) -> None:
    case = cases["gamma"]
    vd.solve(case, "icds", solver)
    with pytest.raises(NotSolvedError) as error:
        vd.solve(case, "icds", {"solver": solver, "options": options})
    assert error.value.status == "iteration_limit"


@pytest.mark.parametrize(
    ("solver", "options"), [("highs", {"time_limit": 1e-9}), ("ipopt", {"max_wall_time": 1e-9}), ("scip", {"limits/time": 0.0})]
)
def test_a_limit_in_the_solvers_own_words_is_a_time_limit(
    solver: str, options: dict[str, Any], cases: Mapping[str, AssemblerCase]
) -> None:
    with pytest.raises(NotSolvedError) as error:
        vd.solve(cases["gamma"], "icds", {"solver": solver, "options": options})
    assert error.value.status == "time_limit"


@pytest.mark.parametrize(
    ("solver", "option", "allowed"),
    [
        ("highs", {"simplex_iteration_limits": 5}, "an option of HiGHS; near it: simplex_iteration_limit"),
        ("highs", {"simplex_iteration_limit": "many"}, "a value that HiGHS takes"),
        ("ipopt", {"max_iterations": 5}, "an option of Ipopt"),
        ("ipopt", {"max_iter": "many"}, "a value that it takes"),
        ("scip", {"limits/node": 5}, "options that it takes"),
    ],
)
def test_an_unknown_option_is_an_input_error(
    solver: str, option: dict[str, Any], allowed: str, cases: Mapping[str, AssemblerCase]
) -> None:
    with pytest.raises(InputError, match=allowed) as error:
        vd.solve(cases["uniform"], "icds", {"solver": solver, "options": option})
    assert solver == "scip" or error.value.problems[0].field == f"options.{next(iter(option))}"


def test_threads_reach_highs_and_may_change(cases: Mapping[str, AssemblerCase]) -> None:
    for count in (1, 2, 1):
        solution = vd.solve(cases["uniform"], "icds", {"solver": "highs", "threads": count})
        assert solution.solver.options["threads"] == count
        assert solution.objective == pytest.approx(expected("icds", "uniform")[0], rel=1e-6)


def test_ipopt_has_one_thread(cases: Mapping[str, AssemblerCase]) -> None:
    vd.solve(cases["uniform"], "icds", {"solver": "ipopt", "threads": 1})
    with pytest.raises(InputError, match="threads: got 2; allowed: 1"):
        vd.solve(cases["uniform"], "icds", {"solver": "ipopt", "threads": 2})


def test_a_solver_that_is_not_there_is_an_input_error(cases: Mapping[str, AssemblerCase]) -> None:
    names = ["no_such_solver", *(name for name in ("gurobi", "cplex", "baron") if not vd.solvers.engine(name).available())]
    for name in names:
        with pytest.raises(
            InputError, match=f"solver: got '{name}'; allowed: closed_form, highs, ipopt, or a solver that"
        ) as error:
            vd.solve(cases["uniform"], "icds", name)
        assert error.value.problems[0].field == "solver"


def test_closed_form_is_no_solver_of_models(cases: Mapping[str, AssemblerCase]) -> None:
    with pytest.raises(InputError, match="closed forms start from a case"):
        vd.solvers.solve(vd.build(cases["uniform"], "icds"), "closed_form")


@pytest.mark.parametrize("table", [{"options": {"digits": 3}}, {"form": "tangent"}], ids=["options", "form"])
def test_closed_form_takes_neither_options_nor_a_form(table: dict[str, Any], cases: Mapping[str, AssemblerCase]) -> None:
    with pytest.raises(InputError, match=next(iter(table))):
        vd.solve(cases["uniform"], "icds", {"solver": "closed_form", **table})


@pytest.mark.parametrize("solver", ["highs", "ipopt", "pounce"])
def test_every_solver_with_duals_gives_the_budget_one_price(solver: str, cases: Mapping[str, AssemblerCase]) -> None:
    # A budget for expected units (binding) in any form of expected sales, and in any solver's arithmetic, is worth the same.
    prices = []
    for way in (solver, "highs"):
        model = vd.build(cases["gamma"], "icds")
        units = pyo.quicksum(model.probability[t] * model.units[t] for t in model.PROFILES)
        model.volume = pyo.Constraint(expr=units <= 300)
        solution = vd.solvers.solve(model, way)
        prices.append(float(solution.duals["volume"].iloc[0]))
    assert prices[0] > 1
    assert prices[0] == pytest.approx(prices[1], rel=1e-4)  # duals, too, are as exact as the square root of the gap
