"""Distributions of demand against scipy, integrals and sums."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from support.demands import EMPIRICAL, EXPONENTIAL, SAMPLE, UNIFORM, kind
from support.strategies import examples
from veridical.data import Continuous, Demand, Discrete, Empirical, Gamma, Lognormal, Normal, Sample, Uniform, Weibull

Array = NDArray[np.float64]
FROM_ZERO = Uniform(low=0, high=1)
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
@examples(200)
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


def test_selling_more_than_any_demand_sells_the_expectation() -> None:
    demand = Empirical(values=(1.0, 3.0))
    assert demand.expected_sales(np.inf) == demand.expectation == 2.0
