"""Profit of continuous costs against integrals by hand, payments, and sampling."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad, quad

from support.continuous_cases import GAMMA, MANY, NORMAL, case, uniform
from veridical.solvers.closed_form.continuous_integration import quadrature, quasi_monte_carlo
from veridical.solvers.closed_form.continuous_rule import continuous, virtual_cost

EXACT = 1e-6  # relative: what the integrals promise where quantities jump


def surplus(price: float, v: float) -> float:
    """max_q price E[min(D, q)] - v q with D uniform on [100, 900], by hand; 0 where v is above the price."""
    return (price - v) * 100 + 800 * (price - v) ** 2 / (2 * price) if v < price else 0.0


@pytest.mark.parametrize("price", [25.0, 60.0])
def test_uniform_costs_by_hand(price: float) -> None:
    # J = 2 x - 3 and 2 x - 2, evenly spread on [3, 23] and [2, 12]: all of the 10 x 10 profiles buy at 60, some at 25.
    world = case(uniform(3, 13), uniform(2, 7), price=price)
    assert virtual_cost(world, 0, [4.0, 6.0]) == pytest.approx(5.0)
    assert virtual_cost(world, 1, [4.0, 6.0]) == pytest.approx(10.0)

    def last(x: float) -> float:  # up to the cost at which nothing is bought any more
        return float(np.clip((price + 5 - 2 * x) / 2, 2, 7))

    exact = dblquad(lambda y, x: surplus(price, 2 * x + 2 * y - 5) / 50, 3, 13, 2, last, epsabs=1e-7, epsrel=1e-9)[0]
    found = continuous(world)
    assert found.profit == pytest.approx(exact, rel=1e-7)
    assert found.integration.method == "quadrature"
    assert found.quantity([3.0, 2.0]) == pytest.approx(100 + 800 * (price - 5) / price)
    assert found.quantity([13.0, 7.0]) == pytest.approx(100 + 800 * (price - 35) / price if price > 35 else 0)


def test_one_supplier_is_an_integral_over_his_cost() -> None:
    world = case(NORMAL, price=12.0, demand=GAMMA)
    judge, demand = stats.truncnorm(-2, 8 / 3, loc=5, scale=1.5), stats.gamma((500 / 180) ** 2, scale=180**2 / 500)

    def earned(x: float) -> float:  # at virtual cost v: the integral over units q of (r (1 - F(q)) - v)^+
        v = x + judge.cdf(x) / judge.pdf(x)
        most = demand.ppf(max(0.0, 1 - v / 12))
        return float(quad(lambda q: 12 * demand.sf(q) - v, 0, most, epsabs=1e-9)[0])

    found = continuous(world)
    assert found.profit == pytest.approx(quad(lambda x: judge.pdf(x) * earned(x), 2, 9, epsabs=1e-6, limit=200)[0], rel=1e-7)
    sales = quad(lambda x: judge.pdf(x) * quad(demand.sf, 0, float(found.quantity([x])))[0], 2, 9, epsabs=1e-6, limit=200)[0]
    assert found.expected_sales == pytest.approx(sales, rel=1e-7)


@pytest.mark.parametrize("name", MANY)
def test_profit_from_virtual_cost_is_profit_from_payments(name: str, continuous_rules: dict[str, Any]) -> None:
    found = continuous_rules[name]
    assert found.profit_by_payments == pytest.approx(found.profit, rel=EXACT)
    assert found.integration.error <= EXACT * found.profit
    assert found.integration.payments_error >= max(0.0, abs(found.profit_by_payments - found.profit) - 1e-11 * found.profit)
    assert 0 < found.integration.points < 3 * 2**20


@pytest.mark.parametrize("name", ["some profiles buy nothing", "demand points", "ironed", "correlated"])
def test_expected_payments_are_means_of_payments(name: str, continuous_rules: dict[str, Any]) -> None:
    found = continuous_rules[name]
    world = found.case
    drawn = stats.qmc.Sobol(2, rng=5).random_base2(9 if name == "correlated" else 11)
    scores = stats.norm.ppf(drawn) @ np.linalg.cholesky(world.correlation).T
    x = np.stack([each.cost.inverse_cdf(stats.norm.cdf(scores[:, i])) for i, each in enumerate(world.suppliers)], axis=-1)
    revenue = world.price * world.demand.expected_sales(found.quantity(x))
    profits = revenue - found.payment(0, x) - found.payment(1, x)
    assert profits.mean() == pytest.approx(found.profit, rel=4e-3)  # jumps of the quantity: about 1e-3


@pytest.mark.parametrize("name", ["all buy", "demand points", "ironed"])
def test_expected_sales_are_the_slope_of_profit_in_the_price(name: str, continuous_rules: dict[str, Any]) -> None:
    world, step = MANY[name], 1e-3
    profits = [continuous(world.model_copy(update={"price": world.price + move})).profit for move in (-step, step)]
    # noise 1e-8 / step
    assert (profits[1] - profits[0]) / (2 * step) == pytest.approx(continuous_rules[name].expected_sales, rel=1e-4)


@pytest.mark.parametrize("price", [30.0, 60.0])
def test_standard_error_covers_quadrature(price: float) -> None:
    world = case(uniform(3, 13), NORMAL, uniform(1, 3), price=price)
    exact = quadrature(world, 2**20)
    drawn = [quasi_monte_carlo(world, 2**15, seed) for seed in range(8)]
    by_payments = []
    for found in drawn:
        assert found.integration.method == "quasi-Monte Carlo"
        assert found.integration.points == 2**15
        room = 5 * found.integration.error + 3 * exact.integration.error
        assert abs(found.profit - exact.profit) <= room  # Student's t with 15 degrees: 1e-4 beyond 5
        assert found.integration.error < 1e-3 * exact.profit
        by_payments.append((found.profit_by_payments - exact.profit) / found.integration.payments_error)
    assert np.abs(by_payments).max() <= 5
    errors = [(found.profit - exact.profit) / found.integration.error for found in drawn]
    assert np.abs(errors).max() > 0.1  # nor is the standard error far too large
    assert drawn[0] == quasi_monte_carlo(world, 2**15, 0)  # the same seed, the same digits
    assert drawn[0].profit != drawn[1].profit


def test_four_suppliers_go_by_quasi_monte_carlo() -> None:
    found = continuous(case(*[uniform(2, 4)] * 4, price=40.0), points=2**14)
    # J = 2 x - 2: total virtual cost is 8 on average and has the variance 4 * 16 / 12.
    exact = (40 - 16) * 100 + 10 * ((40 - 16) ** 2 + 4 * 16 / 12)
    assert found.integration.method == "quasi-Monte Carlo"
    assert found.profit == pytest.approx(exact, abs=6 * found.integration.error)
    assert found.profit_by_payments == pytest.approx(exact, abs=6 * found.integration.payments_error)
    assert found.integration.error < 1e-4 * exact
