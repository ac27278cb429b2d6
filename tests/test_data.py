"""What the world is: demand, priors, cases, virtual cost and contract menus, against independent computations."""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal, norm

import veridical as vd
from veridical.contracts import Menu
from veridical.data import (
    AllocationCase,
    AssemblerCase,
    Continuous,
    Demand,
    Discrete,
    Empirical,
    Exponential,
    Gamma,
    InputError,
    Lognormal,
    Normal,
    Sample,
    Supplier,
    Uniform,
    Weibull,
    virtual_cost,
    weighted_virtual_cost,
)

Array = NDArray[np.float64]
Build = Callable[..., AssemblerCase]

SHIPPED = Path(__file__).parents[1] / "data" / "cases"
FILES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
UNIFORM = Uniform(low=200, high=800)
FROM_ZERO = Uniform(low=0, high=1)
EXPONENTIAL = Exponential(mean=350)
EMPIRICAL = Empirical(values=(700.0, 120.0, 300.0, 120.0), weights=(0.25, 0.125, 0.375, 0.25))  # unsorted, one point twice
SAMPLE = Sample.model_construct(file="sample.csv", values=(5.0, 0.0, 3.0, 5.0, 8.0))  # a file's content, without the file
KNOWN: list[tuple[Continuous, Any]] = [  # the same distribution as scipy has it
    (UNIFORM, stats.uniform(200, 600)),
    (FROM_ZERO, stats.uniform(0, 1)),
    (EXPONENTIAL, stats.expon(scale=350)),
    (Normal(mean=400, sd=100), stats.truncnorm(-4, np.inf, loc=400, scale=100)),
    (Normal(mean=100, sd=200), stats.truncnorm(-0.5, np.inf, loc=100, scale=200)),  # truncation takes away a third
    (Lognormal(mean=300, sd=150), stats.lognorm(math.sqrt(math.log(1.25)), scale=300 / math.sqrt(1.25))),
    (Lognormal(mean=300, sd=600), stats.lognorm(math.sqrt(math.log(5)), scale=300 / math.sqrt(5))),
    (Gamma(mean=300, sd=100), stats.gamma(9, scale=100 / 3)),
    (Gamma(mean=300, sd=450), stats.gamma(4 / 9, scale=675)),  # infinite density at 0
    (Weibull(shape=2.5, scale=400), stats.weibull_min(2.5, scale=400)),
    (Weibull(shape=0.7, scale=400), stats.weibull_min(0.7, scale=400)),  # infinite density at 0
]
CONTINUOUS: list[Continuous] = [demand for demand, _ in KNOWN]
DISCRETE: list[Discrete] = [EMPIRICAL, SAMPLE]
ALL = [*CONTINUOUS, *DISCRETE]


def kind(demand: Demand) -> str:
    """Return what a demand is called in the name of a test."""
    return f"{demand.distribution}, mean {demand.expectation:.4g}"


def quantities(demand: Demand) -> Array:
    """Return quantities below, within, at the ends of and beyond the support."""
    fine = np.linspace(0.0, 2.5 * demand.expectation, 61)
    if isinstance(demand, Discrete):
        return np.unique([*fine, *demand.points])
    return np.unique([*fine, *demand.inverse_cdf([0.0, 0.5]), *([demand.high] if isinstance(demand, Uniform) else [])])


def weighed(demand: Discrete) -> list[tuple[float, float]]:
    """Return observations with their probabilities, as they were given."""
    if isinstance(demand, Empirical):
        return list(zip(demand.values, demand.weights, strict=True))
    assert isinstance(demand, Sample)
    return [(value, 1 / len(demand.values)) for value in demand.values]


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_cdf_rises_from_zero_to_one(demand: Demand) -> None:
    cdf = demand.cdf(quantities(demand))
    assert (np.diff(cdf) >= 0).all()
    assert demand.cdf(0.0) == (pytest.approx(0.2) if demand is SAMPLE else 0.0)
    assert demand.cdf(1e6 * demand.expectation) == 1


@pytest.mark.parametrize(("demand", "known"), KNOWN, ids=map(kind, CONTINUOUS))
def test_distributions_are_the_ones_that_scipy_knows(demand: Continuous, known: Any) -> None:
    units = quantities(demand)
    assert demand.expectation == pytest.approx(known.mean(), rel=1e-12)
    assert demand.cdf(units) == pytest.approx(known.cdf(units), abs=1e-13)
    assert demand.density(units[1:]) == pytest.approx(known.pdf(units[1:]), rel=1e-11, abs=1e-300)
    levels = np.linspace(0.01, 0.99, 99)
    assert demand.inverse_cdf(levels) == pytest.approx(known.ppf(levels), rel=1e-9)


@pytest.mark.parametrize("demand", CONTINUOUS, ids=kind)
def test_inverse_undoes_cdf(demand: Demand) -> None:
    levels = np.linspace(0.0, 0.999, 200)
    assert demand.cdf(demand.inverse_cdf(levels)) == pytest.approx(levels, abs=1e-14)


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_inverse_and_cdf_are_a_galois_pair(demand: Demand) -> None:
    levels, units = np.linspace(0.003, 0.997, 143), quantities(demand)
    least, cdf = demand.inverse_cdf(levels)[:, None], demand.cdf(units)[None, :]
    told_apart = np.abs(levels[:, None] - cdf) > 1e-9  # where the level is a value of F, rounding decides
    assert ((least <= units) == (levels[:, None] <= cdf))[told_apart].all()
    assert told_apart.mean() > 0.98


@pytest.mark.parametrize("demand", DISCRETE, ids=kind)
def test_the_inverse_at_a_step_of_the_cdf_is_the_step_itself(demand: Discrete) -> None:
    for point in sorted({value for value, _ in weighed(demand)}):
        level = sum(weight for value, weight in weighed(demand) if value <= point)  # by another order of summation
        assert demand.inverse_cdf(level) == point
        assert demand.cdf(point) == pytest.approx(level, abs=1e-15)
        assert demand.cdf(np.nextafter(point, -1)) < level - 0.1


def test_the_inverse_at_one_is_the_end_of_the_support() -> None:
    assert UNIFORM.inverse_cdf(1.0) == 800
    assert EXPONENTIAL.inverse_cdf(1.0) == np.inf
    assert EMPIRICAL.inverse_cdf(1.0) == 700
    assert SAMPLE.inverse_cdf(1.0) == 8


@pytest.mark.parametrize(("demand", "known"), KNOWN, ids=map(kind, CONTINUOUS))
def test_expected_sales_are_the_integral_of_the_chance_to_sell(demand: Continuous, known: Any) -> None:
    total, before = 0.0, 0.0
    for q in quantities(demand):  # the ends of the support are among them: nothing kinks in between
        total += quad(known.sf, before, q, epsabs=0, epsrel=1e-12)[0] if known.sf(before) > 0 else 0.0
        before = q
        assert demand.expected_sales(q) == pytest.approx(total, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("demand", DISCRETE, ids=kind)
def test_expected_sales_of_points_are_their_sum(demand: Discrete) -> None:
    for q in quantities(demand):
        expected = math.fsum(weight * min(value, q) for value, weight in weighed(demand))
        assert demand.expected_sales(q) == pytest.approx(expected, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_one_more_unit_sells_with_the_chance_that_demand_is_larger(demand: Demand) -> None:
    scale = demand.expectation
    units = np.linspace(0.05, 2.5, 97) * scale
    if isinstance(demand, Discrete):  # E[min(D, q)] has kinks at the points
        units = units[np.abs(units[:, None] - demand.points).min(axis=1) > 1e-3 * scale]
    step = 1e-5 * scale
    slope = (demand.expected_sales(units + step) - demand.expected_sales(units - step)) / (2 * step)
    assert slope == pytest.approx(1.0 - demand.cdf(units), abs=1e-9)  # step^2 times F'' / 6, and rounding over the step


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_expected_sales_end_at_expected_demand(demand: Demand) -> None:
    assert demand.expected_sales(1e6 * demand.expectation) == pytest.approx(demand.expectation, rel=1e-12)
    assert demand.expected_sales(0.0) == 0


def test_expectations() -> None:
    assert (UNIFORM.expectation, EXPONENTIAL.expectation) == (500, 350)
    assert pytest.approx(0.375 * 120 + 0.375 * 300 + 0.25 * 700) == EMPIRICAL.expectation
    assert pytest.approx((5 + 0 + 3 + 5 + 8) / 5) == SAMPLE.expectation


def test_points_are_distinct_and_carry_the_weights_of_all_their_observations() -> None:
    assert EMPIRICAL.points.tolist() == [120, 300, 700]
    assert EMPIRICAL.masses.tolist() == [0.375, 0.375, 0.25]
    assert SAMPLE.points.tolist() == [0, 3, 5, 8]
    assert SAMPLE.masses == pytest.approx([0.2, 0.2, 0.4, 0.2])
    assert Empirical(values=(7.0, 5.0)).masses.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_functions_keep_the_shape_of_their_argument(demand: Demand) -> None:
    table = np.array([[0.1, 0.9, 0.3], [0.5, 0.2, 0.7]])
    for function in (demand.cdf, demand.inverse_cdf, demand.expected_sales):
        found = function(table)
        assert found.shape == table.shape
        assert found == pytest.approx(np.array([[float(function(x)) for x in row] for row in table]), rel=1e-14)
    assert demand.newsvendor_quantity(2.0, table).shape == table.shape


@pytest.mark.parametrize("demand", ALL, ids=kind)
@pytest.mark.parametrize("cost", [0.5, 7.0, 16.0, 29.0])
def test_newsvendor_quantity_earns_most(demand: Demand, cost: float) -> None:
    def profit(q: float | Array) -> Array:
        return 30.0 * demand.expected_sales(q) - cost * np.asarray(q)

    best = float(demand.newsvendor_quantity(30.0, cost))
    top = 10 * demand.expectation
    rounding = 1e-12 * 30 * demand.expectation
    assert profit(best) >= profit(np.linspace(0.0, top, 20_001)).max() - rounding
    if isinstance(demand, Discrete):  # the objective is linear between the points: one of them is best
        assert profit(best) >= profit(np.array([0.0, *demand.points])).max() - rounding
    else:
        found = minimize_scalar(lambda q: -float(profit(q)), bounds=(0.0, top), method="bounded", options={"xatol": 1e-9 * top})
        # The objective is flat at its top: a search that compares values finds the place to the root of rounding.
        assert best == pytest.approx(found.x, rel=1e-6, abs=1e-6 * demand.expectation)


def test_newsvendor_quantity_of_known_distributions() -> None:
    assert UNIFORM.newsvendor_quantity(30.0, 16.0) == pytest.approx(200 + 600 * 14 / 30)
    assert EXPONENTIAL.newsvendor_quantity(30.0, 16.0) == pytest.approx(350 * math.log(30 / 16))
    assert EMPIRICAL.newsvendor_quantity(32.0, 16.0) == 300  # F(120) = .375 < .5 <= F(300) = .75
    assert EMPIRICAL.newsvendor_quantity(32.0, 20.0) == 120  # 1 - 20 / 32 = .375 = F(120): any of [120, 300] is best


@pytest.mark.parametrize("demand", ALL, ids=kind)
def test_nothing_is_ordered_that_costs_its_price(demand: Demand) -> None:
    assert demand.newsvendor_quantity(30.0, [30.0, 30.0 + 1e-12, 31.0, 1e9, np.inf]).tolist() == [0] * 5


@given(
    values=st.lists(st.integers(0, 50), min_size=1, max_size=8),
    level=st.floats(1e-6, 1.0),
    cost=st.floats(0.01, 35.0),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_observations(values: list[int], level: float, cost: float) -> None:
    demand = Empirical(values=tuple(map(float, values)))
    chance = [sum(value <= q for value in values) / len(values) for q in range(51)]
    assert demand.cdf(np.arange(51)) == pytest.approx(chance, abs=1e-15)
    # A level that differs from a step by rounding alone may go either way.
    allowed = {next(q for q in range(51) if chance[q] >= level + slack) for slack in (-1e-9, 0.0) if level + slack <= 1}
    assert demand.inverse_cdf(level) in allowed

    def profit(q: float) -> float:
        return 30.0 * sum(min(value, q) for value in values) / len(values) - cost * q

    assert profit(float(demand.newsvendor_quantity(30.0, cost))) >= max(map(profit, range(51))) - 1e-9


# Priors


def copula(marginals: Sequence[Sequence[float]], correlation: Any) -> AssemblerCase:
    """Return a case whose suppliers' costs depend on one another through a Gaussian copula."""
    suppliers = [
        {"name": f"s{i}", "costs": [1.0 + k for k in range(len(own))], "probabilities": list(own)}
        for i, own in enumerate(marginals)
    ]
    raw = {
        "price": 30.0,
        "demand": {"distribution": "uniform", "low": 200, "high": 800},
        "suppliers": suppliers,
        "prior": {"correlation": np.asarray(correlation, dtype=float).tolist()},
    }
    return AssemblerCase.model_validate(raw)


def margins(table: Array) -> list[Array]:
    """Return the sums of a table along all axes but one, for each."""
    return [table.sum(axis=tuple(a for a in range(table.ndim) if a != axis)) for axis in range(table.ndim)]


def test_independent_suppliers_have_the_product_of_their_probabilities(assembler: Build) -> None:
    own = [[0.2, 0.5, 0.3], [1.0], [0.9, 0.1]]
    case = assembler([[1, 2, 3], [4], [5, 6]], own)
    assert case.probability.shape == case.shape == (3, 1, 2)
    for profile in itertools.product(range(3), range(1), range(2)):
        expected = math.prod(each[k] for each, k in zip(own, profile, strict=True))
        assert case.probability[profile] == pytest.approx(expected, rel=1e-15)
    assert case.independent


def test_a_joint_table_is_read_in_the_order_of_the_suppliers(assembler: Build) -> None:
    table = np.array([[[0.05, 0.1], [0.15, 0.02], [0.03, 0.0]], [[0.2, 0.05], [0.1, 0.1], [0.1, 0.1]]])
    case = assembler([[1, 2], [3, 4, 5], [6, 7]], joint=table)
    assert case.probability == pytest.approx(table, rel=1e-15)
    assert [own.tolist() for own in case.marginals] == [pytest.approx(own) for own in margins(table)]
    assert case.marginals[1] == pytest.approx([0.4, 0.37, 0.23])
    assert not case.independent


def test_a_joint_table_that_is_a_product_counts_as_independent(assembler: Build) -> None:
    assert assembler([[1, 2], [3, 4]], joint=np.outer([0.3, 0.7], [0.6, 0.4])).independent
    assert not assembler(
        [[1, 2], [3, 4]], joint=np.outer([0.3, 0.7], [0.6, 0.4]) + 1e-6 * np.array([[1, -1], [-1, 1]])
    ).independent


@pytest.mark.parametrize("rho", [-0.8, -0.3, 0.4, 0.95])
def test_copula_of_two_suppliers_is_the_bivariate_normal(rho: float) -> None:
    marginals = [[0.2, 0.5, 0.3], [0.6, 0.4]]
    found = copula(marginals, [[1, rho], [rho, 1]]).probability
    first, second = (norm.ppf(np.cumsum(own)[:-1]) for own in marginals)
    for k, a in enumerate(first):
        by_scipy = multivariate_normal.cdf([a, second[0]], cov=[[1, rho], [rho, 1]])
        # P(X <= a, Y <= b), given X = x: Y is normal with mean rho x and variance 1 - rho^2.
        by_hand = quad(lambda x: norm.pdf(x) * norm.cdf((second[0] - rho * x) / math.sqrt(1 - rho**2)), -12, a, epsabs=1e-13)[0]
        assert found[: k + 1, 0].sum() == pytest.approx(by_hand, abs=1e-9)
        assert found[: k + 1, 0].sum() == pytest.approx(by_scipy, abs=1e-5)


@pytest.mark.parametrize("rho", [-0.9, -0.25, 0.0, 0.4, 0.99])
def test_copula_of_two_even_suppliers_has_the_orthant_probability(rho: float) -> None:
    found = copula([[0.5, 0.5]] * 2, [[1, rho], [rho, 1]]).probability
    orthant = 0.25 + math.asin(rho) / (2 * math.pi)
    assert found == pytest.approx(np.array([[orthant, 0.5 - orthant], [0.5 - orthant, orthant]]), abs=1e-9)


@pytest.mark.parametrize(("r12", "r13", "r23"), [(0.3, 0.2, -0.4), (0.9, 0.8, 0.7), (-0.5, -0.3, 0.1)])
def test_copula_of_three_even_suppliers_has_the_orthant_probability(r12: float, r13: float, r23: float) -> None:
    found = copula([[0.5, 0.5]] * 3, [[1, r12, r13], [r12, 1, r23], [r13, r23, 1]]).probability
    orthant = 1 / 8 + (math.asin(r12) + math.asin(r13) + math.asin(r23)) / (4 * math.pi)
    assert found[0, 0, 0] == pytest.approx(orthant, abs=1e-5)
    assert found[1, 1, 1] == pytest.approx(orthant, abs=1e-5)
    assert found[0, 0].sum() == pytest.approx(0.25 + math.asin(r12) / (2 * math.pi), abs=1e-5)
    assert found[:, 0, 0].sum() == pytest.approx(0.25 + math.asin(r23) / (2 * math.pi), abs=1e-5)


def test_copula_of_four_suppliers_with_one_common_factor() -> None:
    # Scores l_i Z + sqrt(1 - l_i^2) E_i are independent given Z: every probability is one integral, for any number of costs.
    loadings = np.array([0.9, 0.5, -0.6, 0.7])
    marginals = [[0.2, 0.8], [0.3, 0.3, 0.4], [0.5, 0.5], [0.1, 0.9]]
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    found = copula(marginals, matrix).probability
    limits = [norm.ppf(np.clip(np.concatenate([[0.0], np.cumsum(own)]), 0.0, 1.0)) for own in marginals]
    z, width = np.linspace(-9, 9, 6001, retstep=True)  # the trapezoidal rule is exact to rounding for smooth, fading functions
    for profile in np.ndindex(*found.shape):
        chance = norm.pdf(z)
        for loading, limit, k in zip(loadings, limits, profile, strict=True):
            rest = math.sqrt(1 - loading**2)
            chance = chance * (norm.cdf((limit[k + 1] - loading * z) / rest) - norm.cdf((limit[k] - loading * z) / rest))
        assert found[profile] == pytest.approx(chance.sum() * width, abs=1e-5)


@pytest.mark.parametrize(
    ("marginals", "correlation"),
    [
        ([[0.2, 0.5, 0.3], [0.6, 0.4]], [[1, 0.7], [0.7, 1]]),
        ([[0.1, 0.9], [0.25, 0.5, 0.25], [0.999, 0.001]], [[1, 0.5, -0.2], [0.5, 1, 0.3], [-0.2, 0.3, 1]]),
        ([[0.6, 0.4], [1.0], [0.3, 0.7]], [[1, 0.5, 0.9], [0.5, 1, 0.5], [0.9, 0.5, 1]]),
        ([[0.0, 0.4, 0.6], [0.5, 0.5, 0.0]], [[1, 0.5], [0.5, 1]]),
        ([[0.6, 0.4], [0.7, 0.3]], [[1, 1], [1, 1]]),
        ([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        ([[0.2, 0.3, 0.5]] * 3, [[1, 0.99, 0.99], [0.99, 1, 0.99], [0.99, 0.99, 1]]),
    ],
)
def test_copula_keeps_every_supplier_s_own_probabilities(marginals: list[list[float]], correlation: list[list[float]]) -> None:
    found = copula(marginals, correlation).probability
    assert (found >= 0).all()
    for own, margin in zip(marginals, margins(found), strict=True):
        assert margin == pytest.approx(own, abs=1e-12)


def test_copula_gives_the_same_table_every_time() -> None:
    matrix = [[1, 0.3, 0.2], [0.3, 1, -0.4], [0.2, -0.4, 1]]
    first, second = (copula([[0.3, 0.7], [0.5, 0.5], [0.6, 0.4]], matrix).probability for _ in range(2))
    assert (first == second).all()


def test_correlation_zero_is_independence() -> None:
    marginals = [[0.2, 0.5, 0.3], [0.6, 0.4], [0.1, 0.9]]
    expected = np.einsum("i,j,k->ijk", *map(np.array, marginals))
    # Three scores are integrated numerically, to about 1e-6.
    assert copula(marginals, np.eye(3)).probability == pytest.approx(expected, abs=1e-5)
    two = copula(marginals[:2], np.eye(2))
    assert two.probability == pytest.approx(expected.sum(axis=2), abs=1e-14)
    assert two.independent


def test_correlation_one_makes_costs_move_as_one() -> None:
    # P(k, l) is the overlap of the two intervals of cumulative probability; at -1 one of them is turned round.
    assert copula([[0.6, 0.4], [0.7, 0.3]], [[1, 1], [1, 1]]).probability == pytest.approx(
        np.array([[0.6, 0.0], [0.1, 0.3]]), abs=1e-12
    )
    assert copula([[0.6, 0.4], [0.7, 0.3]], [[1, -1], [-1, 1]]).probability == pytest.approx(
        np.array([[0.3, 0.3], [0.4, 0.0]]), abs=1e-12
    )
    three = copula([[0.6, 0.4]] * 3, np.ones((3, 3))).probability
    assert (three[0, 0, 0], three[1, 1, 1]) == pytest.approx((0.6, 0.4), abs=1e-12)


# Cases


def test_cases_do_not_change() -> None:
    case = vd.example("two-suppliers-correlated")
    for thing, field in ((case, "price"), (case.demand, "low"), (case.suppliers[0], "costs"), (case.prior, "joint")):
        with pytest.raises(InputError, match="frozen"):
            setattr(thing, field, 1.0)
    with pytest.raises(TypeError):
        case.suppliers[0].costs[0] = 5.0
    with pytest.raises(TypeError):
        case.prior.joint[0][0] = 5.0
    assert (case.price, case.suppliers[0].costs) == (30.0, (4.0, 9.0))


def test_shipped_cases_load_and_are_described() -> None:
    folders = {path.parent.name for path in SHIPPED.glob("*/case.toml")}  # joint plans: test_joint_plan_data
    assert set(vd.examples()) - folders == set(FILES) >= {"two-suppliers", "electronics"}
    for name in FILES:
        case = vd.example(name)
        assert case.name == name
        assert len(case.description) > 20
        if isinstance(case, AllocationCase):
            assert case.profiles().probability.sum() == pytest.approx(1, abs=1e-14)
            continue
        case = case if isinstance(case, AssemblerCase) else case.grid(3)
        assert case.probability.shape == case.shape
        assert case.probability.sum() == pytest.approx(1, abs=1e-14)
        assert case.profiles == math.prod(case.shape)


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_case_is_its_file(name: str) -> None:
    assert vd.load(SHIPPED / f"{name}.toml") == vd.example(name)
    assert vd.load(str(SHIPPED / f"{name}.toml")) == vd.example(name)
    field = next(field for field in ("price", "capacity", "capacity_cost") if getattr(vd.example(name), field, None))
    assert vd.example(name) != vd.example(name, lambda raw: {**raw, field: raw[field] + 1})


def test_an_unknown_example_names_the_ones_there_are() -> None:
    with pytest.raises(InputError, match=r"'three-suppliers'.*two-suppliers") as refused:
        vd.example("three-suppliers")
    assert refused.value.exit_status == 2


def test_the_sample_of_the_electronics_case_is_its_csv_column() -> None:
    demand = vd.example("electronics").demand
    assert isinstance(demand, Sample)
    column = pd.read_csv(SHIPPED / "electronics_demand.csv")["units"]
    assert demand.values == tuple(column)
    assert demand.expectation == pytest.approx(column.mean())


@pytest.mark.parametrize("content", [b"300\n0\n512.5\n", b"units sold\r\n300\r\n0\r\n512.5", b"\xef\xbb\xbf 300\n\n0 \n512.5\n"])
def test_a_sample_is_read_with_or_without_a_header(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "past.csv").write_bytes(content)
    demand = 'distribution = "sample"\nfile = "past.csv"'
    supplier = '[[suppliers]]\nname = "panel"\ncosts = [4.0]'
    (tmp_path / "case.toml").write_text(f'kind = "assembler"\nprice = 30\n[demand]\n{demand}\n{supplier}\n', encoding="utf-8")
    found = vd.load(tmp_path / "case.toml").demand
    assert isinstance(found, Sample)
    assert found.values == (300.0, 0.0, 512.5)


def test_a_supplier_with_one_cost_needs_no_probability() -> None:
    case = AssemblerCase(price=30.0, demand=UNIFORM, suppliers=(Supplier(name="panel", costs=(4.0,)),))
    assert case.probability.tolist() == [1.0]
    assert case.total_cost.tolist() == [4.0]


def test_total_cost_is_the_sum_of_the_suppliers_costs(assembler: Build) -> None:
    case = assembler([[1, 2, 4], [10, 20]], [[0.2, 0.5, 0.3], [0.6, 0.4]])
    assert case.total_cost.tolist() == [[11, 21], [12, 22], [14, 24]]
    assert case.costs(0).shape == (3, 1)
    assert case.costs(1).shape == (1, 2)
    assert case.tokens(0) == ("a=1", "a=2", "a=4")


# Virtual cost


def test_virtual_cost_of_two_suppliers_is_the_paper_s(assembler: Build) -> None:
    beta = np.array([[0.4, 0.15], [0.2, 0.25]])
    case = assembler([[4, 9], [3, 7]], joint=beta)
    paper = [  # (15): Delta_1 = 5, Delta_2 = 4
        [4 + 3, 4 + 7 + 0.4 / 0.15 * 4],
        [9 + 3 + 0.4 / 0.2 * 5, 9 + 7 + 0.15 / 0.25 * 5 + 0.2 / 0.25 * 4],
    ]
    assert virtual_cost(case) == pytest.approx(np.array(paper), rel=1e-14)
    assert weighted_virtual_cost(case) == pytest.approx(beta * paper, rel=1e-14)


def by_definition(case: AssemblerCase) -> Array:
    """Return beta(t) v(t) by the sums of its definition, one profile and one cheaper cost at a time."""
    beta, found = case.probability, np.zeros(case.shape)
    for t in np.ndindex(*case.shape):
        for i, supplier in enumerate(case.suppliers):
            found[t] += beta[t] * supplier.costs[t[i]]
            for s in range(t[i]):
                found[t] += (supplier.costs[t[i]] - supplier.costs[t[i] - 1]) * beta[(*t[:i], s, *t[i + 1 :])]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_virtual_cost_of_any_number_of_costs_is_its_definition(assembler: Build, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = (3, 1, 2, 4)
    joint = random.random(shape)
    case = assembler([np.cumsum(random.uniform(0.5, 3, m)).tolist() for m in shape], joint=joint / joint.sum())
    assert weighted_virtual_cost(case) == pytest.approx(by_definition(case), rel=1e-13)
    assert virtual_cost(case) == pytest.approx(by_definition(case) / case.probability, rel=1e-13)


def test_virtual_costs_sum_to_expected_cost_and_rents(assembler: Build) -> None:
    # sum_t beta(t) v(t): one unit everywhere is bought from everybody at his highest cost.
    case = assembler([[1, 2, 4], [10, 20]], [[0.2, 0.5, 0.3], [0.6, 0.4]])
    assert weighted_virtual_cost(case).sum() == pytest.approx(4 + 20, rel=1e-14)


def test_profiles_that_never_occur_have_a_finite_weighted_virtual_cost(assembler: Build) -> None:
    case = assembler([[4, 9], [3, 7]], joint=[[0.5, 0.0], [0.0, 0.5]])
    # At (l, h): beta c = 0, and one more unit there leaves Delta_2 = 4 to the type (l, l) of weight .5; at (h, h) nobody below.
    assert weighted_virtual_cost(case).tolist() == [[0.5 * 7, 4 * 0.5], [5 * 0.5, 0.5 * 16]]
    assert virtual_cost(case).tolist() == [[7, np.inf], [np.inf, 16]]
    alone = weighted_virtual_cost(assembler([[4, 9], [3, 7]], joint=[[0.0, 0.0], [0.0, 1.0]]))
    assert alone.tolist() == [[0, 0], [0, 16]]


# Contract menus


@pytest.fixture
def case(assembler: Build) -> AssemblerCase:
    """Return a case with three, one and two costs, no two of which print alike."""
    own = [[0.2, 0.5, 0.3], [1.0], [0.6, 0.4]]
    return assembler([[1.1, 2.2, 10 / 3], [0.7], [0.1, 0.3]], own)


@pytest.fixture
def menu(case: AssemblerCase) -> Menu:
    """Return a menu of numbers that need all their digits."""
    random = np.random.default_rng(7)
    shape = (3, *case.shape)
    return Menu(case, random.uniform(0, 900, shape), random.normal(0, 1e3, shape) * 10.0 ** random.integers(-12, 12, shape))


def test_the_menu_s_table_is_laid_out_by_name(case: AssemblerCase, menu: Menu) -> None:
    frame = menu.to_frame()
    assert frame.index.names == ["a", "b", "c"]
    assert frame.index.tolist() == list(itertools.product((1.1, 2.2, 10 / 3), (0.7,), (0.1, 0.3)))
    names = [tuple(column) for column in frame.columns]
    assert names == [("probability", ""), *itertools.product(("quantity", "payment", "rent"), "abc")]
    assert frame.loc[(2.2, 0.7, 0.3), ("probability", "")] == case.probability[1, 0, 1]
    assert frame.loc[(2.2, 0.7, 0.3), ("quantity", "a")] == menu.quantity[0, 1, 0, 1]
    assert frame.loc[(10 / 3, 0.7, 0.1), ("payment", "c")] == menu.payment[2, 2, 0, 0]
    owed = menu.payment[0, 1, 0, 1] - 2.2 * menu.quantity[0, 1, 0, 1]
    assert frame.loc[(2.2, 0.7, 0.3), ("rent", "a")] == pytest.approx(owed, rel=1e-15)


def test_a_solution_s_menu_has_that_layout() -> None:
    frame = vd.solve(vd.example("two-suppliers"), solver="closed_form").menu
    assert frame is not None
    assert frame.index.names == ["panel", "battery"]
    # The paper's section 3.1: v(h, h) = 13 + 1.5 (6 + 3), q = 200 + 600 (30 - v) / 30, nobody of high cost earns a rent.
    assert frame.loc[(9.0, 4.0), ("quantity", "panel")] == pytest.approx(200 + 600 * 3.5 / 30)
    assert frame.loc[(9.0, 4.0), ("payment", "panel")] == pytest.approx(9 * 270)


def test_a_menu_survives_a_csv_file_to_the_last_digit(case: AssemblerCase, menu: Menu, tmp_path: Path) -> None:
    menu.to_csv(tmp_path / "menu.csv")
    back = Menu.read_csv(case, tmp_path / "menu.csv")
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_rows_and_columns_of_a_menu_s_file_may_come_in_any_order(case: AssemblerCase, menu: Menu, tmp_path: Path) -> None:
    menu.to_csv(tmp_path / "menu.csv")
    table = pd.read_csv(tmp_path / "menu.csv", dtype=str).sample(frac=1.0, random_state=3)
    table[table.columns[::-1]].to_csv(tmp_path / "shuffled.csv", index=False)
    back = Menu.read_csv(case, tmp_path / "shuffled.csv")
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_a_menu_survives_its_own_table_in_any_order(case: AssemblerCase, menu: Menu) -> None:
    shuffled = menu.to_frame().sample(frac=1.0, random_state=5)
    assert shuffled.index.tolist() != menu.to_frame().index.tolist()
    back = Menu.from_frame(case, shuffled[shuffled.columns[::-1]])
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_the_menu_of_one_supplier_survives_its_own_table(assembler: Build) -> None:
    case = assembler([[1, 2]], [[0.4, 0.6]])
    menu = Menu.balanced(case, np.array([7.0, 5.0]))
    for frame in (menu.to_frame(), menu.to_frame().sort_index(ascending=False)):
        assert (Menu.from_frame(case, frame).payment == menu.payment).all()


@pytest.mark.parametrize("wrong", ["row missing", "row twice", "other cost", "column missing", "NaN", "infinite", "negative"])
def test_a_table_that_is_no_menu_is_refused(case: AssemblerCase, menu: Menu, wrong: str) -> None:
    frame = menu.to_frame()
    if wrong == "row missing":
        frame = frame.iloc[1:]
    elif wrong == "row twice":
        frame = pd.concat([frame.iloc[1:], frame.iloc[1:2]])
    elif wrong == "other cost":
        frame = frame.rename(index={1.1: 1.2})
    elif wrong == "column missing":
        frame = frame.drop(columns=[("payment", "b")])
    else:
        value = {"NaN": np.nan, "infinite": np.inf, "negative": -1.0}[wrong]
        frame[("quantity", "c")] = value
    with pytest.raises(InputError, match="menu: got"):
        Menu.from_frame(case, frame)


def test_menus_are_read_only(menu: Menu) -> None:
    with pytest.raises(ValueError, match="read-only"):
        menu.quantity[0, 0, 0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        menu.payment[0, 0, 0, 0] = 1.0


def test_balanced_payments_are_the_paper_s(assembler: Build) -> None:
    case = assembler([[4, 9], [3, 7]], joint=[[0.4, 0.15], [0.2, 0.25]])
    menu = Menu.balanced(case, np.array([[700.0, 500.0], [400.0, 300.0]]))
    # (11): w_1(l, .) = 5 q(h, .), w_2(., l) = 4 q(., h), nobody of high cost has one.
    assert menu.rent(0).tolist() == [[5 * 400, 5 * 300], [0, 0]]
    assert menu.rent(1).tolist() == [[4 * 500, 0], [4 * 300, 0]]
    assert menu.payment[0].tolist() == [[4 * 700 + 2000, 4 * 500 + 1500], [9 * 400, 9 * 300]]
    assert menu.payment[1].tolist() == [[3 * 700 + 2000, 7 * 500], [3 * 400 + 1200, 7 * 300]]
    assert menu.is_balanced


def test_balanced_payments_for_three_costs(assembler: Build) -> None:
    case = assembler([[1, 3, 4]], [[0.2, 0.3, 0.5]])
    menu = Menu.balanced(case, np.array([100.0, 70.0, 40.0]))
    assert menu.rent(0).tolist() == [2 * 70 + 1 * 40, 1 * 40, 0]
    assert menu.payment[0].tolist() == [100 + 180, 3 * 70 + 40, 4 * 40]


@pytest.mark.parametrize("demand", [UNIFORM, EXPONENTIAL, EMPIRICAL], ids=kind)
def test_expected_profit_is_the_sum_over_profiles(case: AssemblerCase, demand: Demand) -> None:
    random = np.random.default_rng(11)
    shape = (3, *case.shape)
    menu = Menu(case.model_copy(update={"demand": demand}), random.uniform(0, 900, shape), random.uniform(0, 5e3, shape))
    expected = 0.0
    for t in np.ndindex(*case.shape):
        assembled = min(menu.quantity[(i, *t)] for i in range(3))
        paid = sum(menu.payment[(i, *t)] for i in range(3))
        expected += case.probability[t] * (case.price * float(demand.expected_sales(assembled)) - paid)
    assert menu.expected_profit == pytest.approx(expected, rel=1e-13)
    assert not menu.is_balanced


def test_expected_profit_by_hand(assembler: Build) -> None:
    case = assembler([[4, 9], [3, 7]], joint=[[0.4, 0.15], [0.2, 0.25]], demand={"distribution": "empirical", "values": [50, 90]})
    quantity = np.array([[[80, 60], [40, 0]], [[70, 60], [60, 20]]])
    payment = np.array([[[500, 400], [300, 0]], [[200, 300], [150, 100]]])
    # Assembled 70, 60, 40, 0; sold at 30: (50 + 70) / 2, (50 + 60) / 2, 40, 0.
    expected = 0.4 * (30 * 60 - 700) + 0.15 * (30 * 55 - 700) + 0.2 * (30 * 40 - 450) + 0.25 * (0 - 100)
    assert Menu(case, quantity.astype(float), payment.astype(float)).expected_profit == pytest.approx(expected, rel=1e-14)


def test_what_a_case_computes_cannot_be_written_to() -> None:
    case = vd.example("electronics")
    demand = case.demand
    assert isinstance(demand, Discrete)
    for array in (case.probability, case.total_cost, *case.marginals, demand.points, demand.masses):
        with pytest.raises(ValueError, match="read-only"):
            array[(0,) * array.ndim] = 9


def test_cases_are_equal_by_what_they_say() -> None:
    one, other = vd.example("two-suppliers"), vd.example("two-suppliers")
    assert one.probability.sum() == pytest.approx(1)  # kept in one of the two
    assert one == other
    assert hash(one) == hash(other)
    assert one != one.model_copy(update={"price": 31.0})


def test_a_case_that_was_written_out_comes_back() -> None:
    for name in FILES:
        case = vd.example(name)
        assert type(case).model_validate(case.model_dump()) == case


def test_selling_more_than_any_demand_sells_the_expectation() -> None:
    demand = Empirical(values=(1.0, 3.0))
    assert demand.expected_sales(np.inf) == demand.expectation == 2.0
