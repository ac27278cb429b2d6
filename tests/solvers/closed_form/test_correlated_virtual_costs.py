"""Virtual cost of correlated continuous costs, and where Proposition 4 does not hold."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad

from support.continuous_cases import GAMMA, LATE, MANY, NORMAL, WIDE, case, uniform
from veridical.data import InputError
from veridical.data.continuous_case import ContinuousCase
from veridical.solvers.closed_form.continuous_rule import Rule, continuous, total_virtual_cost, virtual_cost

Array = NDArray[np.float64]


def test_correlated_virtual_cost_by_finite_differences_of_the_conditional_cdf() -> None:
    matrix = [[1.0, -0.4, 0.2], [-0.4, 1.0, -0.3], [0.2, -0.3, 1.0]]
    world = case(WIDE, uniform(2, 7), NORMAL, correlation=matrix)
    margins = [stats.beta(2, 4, 4, 6), stats.uniform(2, 5), stats.truncnorm(-2, 8 / 3, loc=5, scale=1.5)]
    normal = stats.multivariate_normal(cov=matrix)

    def joint(x: Array) -> float:  # density of the costs
        z = np.array([stats.norm.ppf(margin.cdf(cost)) for margin, cost in zip(margins, x, strict=True)])
        weights = [margin.pdf(cost) / stats.norm.pdf(score) for margin, cost, score in zip(margins, x, z, strict=True)]
        return float(normal.pdf(z) * np.prod(weights))

    for x in ([5.0, 3.0, 4.0], [8.0, 2.5, 7.0]):
        for i, low in enumerate((4.0, 2.0, 2.0)):

            def below(end: float, i: int = i, x: Any = x, low: float = low) -> float:
                return quad(lambda s: joint(np.array([*x[:i], s, *x[i + 1 :]])), low, end, epsabs=1e-12, epsrel=1e-10)[0]

            step = 1e-4
            density = (below(x[i] + step) - below(x[i] - step)) / (2 * step)
            assert virtual_cost(world, i, x) == pytest.approx(x[i] + below(x[i]) / density, rel=1e-6)
    parts = [float(virtual_cost(world, i, [5.0, 3.0, 4.0])) for i in range(3)]
    assert total_virtual_cost(world, [5.0, 3.0, 4.0]) == pytest.approx(sum(parts), rel=1e-12)


def test_correlated_virtual_cost_in_the_tails_is_no_nan() -> None:
    world = MANY["correlated"]
    u = np.array([0.0, 1e-300, 1e-16, 1e-9, 0.5, 1 - 1e-9, 1.0])
    ends = [each.cost.inverse_cdf(u) for each in world.suppliers]
    x = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1)
    v = total_virtual_cost(world, x)
    assert not np.isnan(v).any()
    assert (v >= x.sum(axis=-1) - 1e-12).all()
    assert v[0, 0] == pytest.approx(9.0)  # nobody is cheaper
    assert np.isfinite(Rule(world).rent(0, x)).all()


def test_correlation_goes_to_independence() -> None:
    apart = case(WIDE, LATE, price=40.0)
    identity = case(WIDE, LATE, price=40.0, correlation=0.0)
    assert identity.independent
    exact = continuous(apart).profit
    assert continuous(identity).profit == exact
    gaps = [continuous(case(WIDE, LATE, price=40.0, correlation=rho), points=2**14).profit - exact for rho in (-0.02, -0.01)]
    assert abs(gaps[1]) < 0.01 * exact
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)  # in proportion to the correlation
    x = np.random.default_rng(0).uniform([4.1, 5.1], [9, 12], (50, 2))
    near = case(WIDE, LATE, price=40.0, correlation=-1e-9)
    assert total_virtual_cost(near, x) == pytest.approx(total_virtual_cost(apart, x), rel=1e-7)


@pytest.mark.parametrize("costs", [(WIDE, LATE), (uniform(3, 13), uniform(2, 7))], ids=["beta", "uniform"])
def test_positive_correlation_is_refused_with_the_reason(costs: Any) -> None:
    with pytest.raises(InputError) as refusal:
        continuous(case(*costs, price=40.0, correlation=0.3))
    (problem,) = refusal.value.problems
    assert (problem.field, problem.value) == ("solver", "'closed_form'")
    for part in ("not incentive compatible", "Proposition 4", "solver highs", "icds_balanced on `case.grid(points)`"):
        assert part in problem.allowed


def test_proposition_4_with_positive_correlation_would_be_lied_to() -> None:
    """J_i rises with x_i, which is all that the paper asks, but J_j falls by more: a cheap supplier reports a higher cost."""
    world = case(uniform(3, 13), uniform(2, 7), price=60.0, correlation=0.8)
    rule, other, s = Rule(world), 6.5, np.linspace(3.0, 13.0, 40_001)
    x = np.stack([s, np.full_like(s, other)], axis=-1)
    own, whole = virtual_cost(world, 0, x), total_virtual_cost(world, x)
    cheap = (s > 3.2) & (s < 12)
    assert (np.diff(own[cheap]) > 0).all()
    assert np.diff(whole[cheap]).min() < 0
    quantity = rule.quantity(x)
    areas = np.concatenate([[0.0], np.cumsum((quantity[1:] + quantity[:-1]) / 2 * np.diff(s))])
    payment = s * quantity + areas[-1] - areas  # (36), by the trapezoidal rule
    k = 4_000  # his cost is 4
    gain = payment - s[k] * quantity - (payment[k] - s[k] * quantity[k])
    assert gain.max() > 0.01 * payment[k]
    assert s[int(gain.argmax())] > s[k]


def test_monotone_own_virtual_cost_is_not_even_given_by_log_concave_costs() -> None:
    """Uniform costs are log-concave, their J is 2 x - a; under a negative correlation J_i falls in x_i itself."""
    world = case(uniform(3, 13), uniform(2, 7), price=60.0, correlation=-0.4)
    s = np.linspace(12.5, 12.95, 10)
    rare = float(world.suppliers[1].cost.inverse_cdf(0.001))
    own = virtual_cost(world, 0, np.stack([s, np.full_like(s, rare)], axis=-1))
    assert (np.diff(own) < 0).any()
    with pytest.raises(InputError, match="total virtual cost does not fall"):
        continuous(world)


def test_more_than_three_correlated_suppliers_are_checked_on_samples() -> None:
    def among(rho: float) -> ContinuousCase:
        matrix = [[1.0 if i == j else rho for j in range(4)] for i in range(4)]
        return case(*[LATE] * 4, price=80.0, demand=GAMMA, correlation=matrix)

    with pytest.raises(InputError, match="not incentive compatible"):
        continuous(among(0.3))
    found = continuous(among(-0.1), points=2**12)
    room = 5 * (found.integration.error + found.integration.payments_error)
    assert found.profit_by_payments == pytest.approx(found.profit, abs=room)
