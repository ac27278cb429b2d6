"""Continuous costs: Proposition 4 against integrals by hand, against its grid model, and against lies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import dblquad, quad

import veridical as vd
from veridical.data import AssemblerCase, InputError
from veridical.data.continuous_case import ContinuousCase
from veridical.data.fields import check
from veridical.data.load import build, example
from veridical.models.assembler import continuous as model
from veridical.solvers.closed_form import assembler as discrete
from veridical.solvers.closed_form.continuous_integration import quadrature, quasi_monte_carlo
from veridical.solvers.closed_form.continuous_rule import Rule, continuous, total_virtual_cost, virtual_cost

Array = NDArray[np.float64]

DEMAND = {"distribution": "uniform", "low": 100, "high": 900}
POINTS = {"distribution": "empirical", "values": [120, 310, 560, 870], "weights": [0.15, 0.35, 0.3, 0.2]}
GAMMA = {"distribution": "gamma", "mean": 500, "sd": 180}
ARCSINE = {"distribution": "beta", "a": 0.5, "b": 0.5, "loc": 3, "scale": 10}  # its virtual cost is not monotone
NORMAL = {"distribution": "norm", "loc": 5, "scale": 1.5, "low": 2, "high": 9}
WIDE = {"distribution": "beta", "a": 2, "b": 4, "loc": 4, "scale": 6}
LATE = {"distribution": "beta", "a": 2, "b": 3, "loc": 5, "scale": 9}
EXACT = 1e-6  # relative: what the integrals promise where quantities jump


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "uniform", "low": low, "high": high}


def case(*costs: dict[str, Any], price: float = 30.0, demand: Any = DEMAND, correlation: Any = None) -> ContinuousCase:
    """Return a case with suppliers a, b, ...; `correlation` is a matrix, or a number for two suppliers."""
    raw: dict[str, Any] = {"name": "by hand", "price": price, "demand": demand}
    raw["suppliers"] = [{"name": "abcdefgh"[i], "cost": cost} for i, cost in enumerate(costs)]
    if correlation is not None:
        matrix = correlation if isinstance(correlation, list) else [[1.0, correlation], [correlation, 1.0]]
        raw["prior"] = {"correlation": matrix}
    return check(ContinuousCase, raw)


def surplus(price: float, v: float) -> float:
    """max_q price E[min(D, q)] - v q with D uniform on [100, 900], by hand; 0 where v is above the price."""
    return (price - v) * 100 + 800 * (price - v) ** 2 / (2 * price) if v < price else 0.0


MANY = {
    "one": case(uniform(3, 13)),
    "all buy": case(uniform(3, 13), uniform(2, 7), price=60.0),
    "some profiles buy nothing": case(uniform(3, 13), uniform(2, 7), price=25.0),
    "free at best": case(uniform(0, 10), NORMAL, demand={"distribution": "exponential", "mean": 400}),
    "demand points": case(uniform(3, 13), NORMAL, price=25.0, demand=POINTS),
    "ironed": case(ARCSINE, NORMAL, price=28.0),
    "correlated": case(WIDE, LATE, price=40.0, demand=GAMMA, correlation=-0.4),
    "three": case(uniform(3, 13), uniform(2, 7), uniform(1, 3), price=60.0),
}
SMALL = tuple(name for name in MANY if name != "correlated")


@pytest.fixture(scope="module")
def solved() -> dict[str, Any]:
    return {name: continuous(world) for name, world in MANY.items()}


# --- profit ---


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
def test_profit_from_virtual_cost_is_profit_from_payments(name: str, solved: dict[str, Any]) -> None:
    found = solved[name]
    assert found.profit_by_payments == pytest.approx(found.profit, rel=EXACT)
    assert found.integration.error <= EXACT * found.profit
    assert found.integration.payments_error >= max(0.0, abs(found.profit_by_payments - found.profit) - 1e-11 * found.profit)
    assert 0 < found.integration.points < 3 * 2**20


@pytest.mark.parametrize("name", ["some profiles buy nothing", "demand points", "ironed", "correlated"])
def test_expected_payments_are_means_of_payments(name: str, solved: dict[str, Any]) -> None:
    found = solved[name]
    world = found.case
    drawn = stats.qmc.Sobol(2, rng=5).random_base2(9 if name == "correlated" else 11)
    scores = stats.norm.ppf(drawn) @ np.linalg.cholesky(world.correlation).T
    x = np.stack([each.cost.inverse_cdf(stats.norm.cdf(scores[:, i])) for i, each in enumerate(world.suppliers)], axis=-1)
    revenue = world.price * world.demand.expected_sales(found.quantity(x))
    profits = revenue - found.payment(0, x) - found.payment(1, x)
    assert profits.mean() == pytest.approx(found.profit, rel=4e-3)  # jumps of the quantity: about 1e-3


@pytest.mark.parametrize("name", ["all buy", "demand points", "ironed"])
def test_expected_sales_are_the_slope_of_profit_in_the_price(name: str, solved: dict[str, Any]) -> None:
    world, step = MANY[name], 1e-3
    profits = [continuous(world.model_copy(update={"price": world.price + move})).profit for move in (-step, step)]
    assert (profits[1] - profits[0]) / (2 * step) == pytest.approx(solved[name].expected_sales, rel=1e-4)  # noise 1e-8 / step


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


# --- the grid model ---


@pytest.mark.parametrize("name", ["all buy", "ironed", "correlated", "three"])
def test_grid_converges_from_below_with_the_square_of_the_step(name: str, solved: dict[str, Any]) -> None:
    exact, sizes = solved[name].profit, (4, 8, 16) if name == "three" else (8, 16, 32, 64)
    profits = [discrete.icds_balanced(MANY[name].grid(size)).menu.expected_profit for size in sizes]
    gaps = exact - np.array(profits)
    assert (gaps > 0).all()
    orders = np.log2(gaps[:-1] / gaps[1:])
    assert orders[-1] == pytest.approx(2, abs=0.35)  # measured: 1.95 to 2.05 for smooth densities
    assert gaps[-1] < exact * 20 / sizes[-1] ** 2


def test_grid_cells_are_paid_as_their_upper_ends() -> None:
    grid = case(uniform(0, 10), NORMAL, price=50.0).grid(4)
    assert grid.suppliers[0].costs == (2.5, 5.0, 7.5, 10.0)
    assert grid.marginals[0] == pytest.approx(np.full(4, 0.25))
    judge = stats.truncnorm(-2, 8 / 3, loc=5, scale=1.5)
    assert grid.marginals[1] == pytest.approx(np.diff(judge.cdf([2, 3.75, 5.5, 7.25, 9])))
    assert grid.independent
    correlated = MANY["correlated"].grid(3)
    scores = [stats.norm.ppf(np.cumsum(marginal)[0]) for marginal in correlated.marginals]
    corner = stats.multivariate_normal.cdf(scores, cov=[[1, -0.4], [-0.4, 1]])
    assert correlated.probability[0, 0] == pytest.approx(corner, abs=1e-7)


@pytest.mark.parametrize("name", ["some profiles buy nothing", "ironed", "correlated"])
def test_a_grid_menu_with_reports_rounded_up_is_truthful_for_every_cost(name: str) -> None:
    """So the grid's optimum is feasible in the continuous problem, and a lower bound on its optimum."""
    world = MANY[name]
    grid = world.grid(7)
    menu = discrete.icds_balanced(grid).menu
    rng = np.random.default_rng(2)
    for i in range(2):
        costs = np.array(grid.suppliers[i].costs)
        quantity, payment = (np.moveaxis(each[i], i, 0) for each in (menu.quantity, menu.payment))
        for x in [*rng.uniform(world.suppliers[i].cost.low, world.suppliers[i].cost.high, 200), *costs]:
            worth = payment - x * quantity  # one row a report, one column a report of the other
            truth = worth[np.searchsorted(costs, x)]
            assert (truth >= -1e-9 * payment.max()).all()
            assert (worth.max(axis=0) <= truth + 1e-9 * payment.max()).all()


def test_model_is_the_grid_optimum_and_its_menu_is_audited() -> None:
    world = example("continuous-pair")
    assert isinstance(world, ContinuousCase)
    built = model.build(world, points=6)
    solution = vd.solvers.solve(built, "highs")
    closed = discrete.icds_balanced(world.grid(6)).menu
    assert solution.objective == pytest.approx(closed.expected_profit, rel=1e-6)
    assert model.menu(built).expected_profit == pytest.approx(closed.expected_profit, rel=1e-6)
    assert vd.contracts.audit(model.menu(built)).truthful
    assert len(model.build(world).PROFILES) == 16**2
    assert solution.objective < continuous(world).profit


# --- virtual cost of correlated costs ---


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


# --- lies ---


@pytest.mark.parametrize("name", MANY)
def test_audit_finds_no_lie_and_no_loss(name: str, solved: dict[str, Any]) -> None:
    found = solved[name]
    audit = found.audit(samples=100 if name == "correlated" else 400, seed=3)
    assert audit.truthful
    assert audit.individually_rational
    assert audit.balanced
    assert audit.max_regret <= 1e-9 * audit.largest_payment
    assert audit.min_rent >= 0
    assert audit.expected_profit == found.profit_by_payments
    assert audit.largest_payment > 0
    assert {lie.supplier for lie in audit.misreports} <= set(found.case.names)
    assert audit.to_dict()["max_regret"] == audit.max_regret


def test_audit_sees_a_lie_that_pays(solved: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = solved["all buy"]
    monkeypatch.setattr(Rule, "rent", lambda self, i, x: np.zeros(np.shape(x)[:-1]))  # paid at cost
    audit = found.audit(samples=200)
    assert not audit.truthful
    lie = audit.misreports[0]
    assert lie.gain == audit.max_regret > 0
    assert lie.report > lie.cost
    other = float(lie.others.split("=")[1])
    profile = [lie.report, other] if lie.supplier == "a" else [other, lie.report]
    assert lie.gain == pytest.approx((lie.report - lie.cost) * float(found.quantity(profile)))


def test_audit_sees_a_loss(solved: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rule, "rent", lambda self, i, x: np.full(np.shape(x)[:-1], -2.0 - i))
    audit = solved["all buy"].audit(samples=50)
    assert audit.min_rent == -3.0
    assert audit.properties["ex_post_ir"].supplier == "b"
    assert not audit.individually_rational


COSTS = st.one_of(
    st.tuples(st.integers(0, 8), st.integers(1, 9)).map(lambda ends: uniform(ends[0], sum(ends))),
    st.tuples(st.floats(0.4, 4), st.floats(0.4, 4)).map(lambda ab: {**ARCSINE, "a": ab[0], "b": ab[1]}),
    st.tuples(st.floats(3, 9), st.floats(0.3, 4)).map(lambda n: {**NORMAL, "loc": n[0], "scale": n[1]}),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(COSTS, min_size=1, max_size=4), st.integers(4, 40), st.sampled_from([DEMAND, POINTS, GAMMA]), st.integers(0, 99))
def test_no_misreport_pays_and_nobody_truthful_loses(costs: list[Any], price: int, demand: Any, seed: int) -> None:
    rule = Rule(case(*costs, price=price * len(costs), demand=demand))
    for gain, truth, x, _ in rule.misreports(60, seed):
        scale = max(1.0, price * 1000.0)  # currency: what the largest quantities sell for
        assert gain.max() <= 1e-6 * scale
        assert truth.min() >= 0
        assert (rule.quantity(x) >= 0).all()


def test_payments_are_rents_above_cost_down_to_none_at_the_dear_end(solved: dict[str, Any]) -> None:
    found = solved["some profiles buy nothing"]
    for i in range(2):
        x = np.array([[5.0, 3.0], [9.0, 4.0], [12.0, 6.5]])
        assert found.payment(i, x) == pytest.approx(x[:, i] * found.quantity(x) + found.rent(i, x), rel=1e-12)
        x[:, i] = found.case.suppliers[i].cost.high
        assert found.rent(i, x) == pytest.approx(0, abs=1e-9)
    # By hand: v = 2 x + 2 y - 5; at y = 3 the price 25 is reached at x = 12, and Q = 900 - 32 (2 x + 1) down to 132 before it.
    assert found.rent(0, [5.0, 3.0]) == pytest.approx((12 - 5) * (900 - 32) - 32 * (12**2 - 5**2), rel=1e-9)
    assert found.quantity(np.full((2, 3, 2), 4.0)).shape == found.rent(0, np.full((2, 3, 2), 4.0)).shape == (2, 3)


def test_a_cost_of_0_may_ask_for_all_of_demand_and_is_paid_a_finite_rent() -> None:
    # v = 2 x and F(Q) = 1 - exp(-Q / 400) = 1 - v / 30: Q = 400 log(15 / x), infinite at cost 0; at x = 1 still bought.
    rule = Rule(case(uniform(0, 1), demand={"distribution": "exponential", "mean": 400}))
    assert rule.quantity([0.0]) == np.inf
    rent = 400 * (np.log(15) + 1)  # the integral of log(15 / x) from 0 to 1
    assert rule.payment(0, [0.0]) == pytest.approx(rent, rel=1e-8)
    assert rule.rent(0, [0.25]) == pytest.approx(rent - 100 * (np.log(60) + 1), rel=1e-9)
    for gain, truth, _, _ in rule.misreports(200, 1):
        assert gain.max() <= 1e-6
        assert truth.min() >= 0


def test_sampled_menu_is_the_rule_at_the_grid(solved: dict[str, Any]) -> None:
    menu = solved["ironed"].menu(5)
    assert menu is not None
    grid = MANY["ironed"].grid(5)
    assert menu.case == grid
    x = [grid.suppliers[0].costs[2], grid.suppliers[1].costs[3]]
    assert menu.quantity[:, 2, 3] == pytest.approx(float(solved["ironed"].quantity(x)))
    assert menu.payment[1, 2, 3] == pytest.approx(float(solved["ironed"].payment(1, x)))
    assert vd.contracts.audit(menu).truthful
    assert solved["three"].menu(28) is None  # 21,952 profiles


# --- files and bad input ---

GOOD = """\
kind = "assembler"
price = 30.0
[demand]
distribution = "uniform"
low = 200
high = 800
[[suppliers]]
name = "panel"
cost = { distribution = "uniform", low = 3.0, high = 13.0 }
[[suppliers]]
name = "battery"
cost = { distribution = "norm", loc = 5.0, scale = 1.5, low = 2.0, high = 9.0 }
"""


def loaded(text: str, folder: Path) -> Any:
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return vd.load(folder / "case.toml")


def test_load_tells_the_kinds_of_costs_apart(tmp_path: Path) -> None:
    found = loaded(GOOD, tmp_path)
    assert isinstance(found, ContinuousCase)
    assert found.name == "case"
    assert found.names == ("panel", "battery")
    assert found.suppliers[0].cost.high == 13.0
    assert isinstance(example("two-suppliers"), AssemblerCase)
    again = build({**found.model_dump(), "name": "case"}, "case.toml", tmp_path)
    assert again == found
    with pytest.raises(ValueError, match="frozen"):
        found.price = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("name", ["continuous-pair", "continuous-pair-correlated"])
def test_shipped_cases_have_a_closed_form(name: str) -> None:
    world = example(name)
    assert isinstance(world, ContinuousCase)
    found = continuous(world, points=2**17)
    assert found.profit > 0
    assert world.independent == (name == "continuous-pair")


SECOND = 'name = "battery"\ncost = { distribution = "norm", loc = 5.0, scale = 1.5, low = 2.0, high = 9.0 }'
MIXED = 'name = "battery"\ncosts = [1.0, 4.0]\nprobabilities = [0.7, 0.3]'
BAD = [
    ("mixed", SECOND, MIXED, "suppliers[1].costs", "[1.0, 4.0]", "a case has one kind alone"),
    ("both", SECOND, f"{SECOND}\ncosts = [1.0]", "suppliers[1].costs", "[1.0]", "a case has one kind alone"),
    ("probabilities", SECOND, f"{SECOND}\nprobabilities = [1.0]", "suppliers[1].probabilities", "[1.0]", "one kind alone"),
    (
        "neither",
        SECOND,
        'name = "battery"',
        "suppliers[1].cost",
        "<nothing>",
        "missing required key: a table with the key distribution",
    ),
    ("unknown key", SECOND, f"{SECOND}\nyield = 0.9", "suppliers[1].yield", "0.9", "only the keys name, cost"),
    ("cost", "loc = 5.0", "loc = nan", "suppliers[1].cost.loc", "nan", "a finite number"),
    ("no end", ", high = 9.0", "", "suppliers[1].cost.high", "<nothing>", "needs high: norm has no upper end"),
    ("name twice", '"battery"', '"panel"', "suppliers[1].name", "'panel'", "a name that no other supplier has"),
    ("name taken", '"battery"', '"rent panel"', "suppliers[1].name", "'rent panel'", "no column of a contract menu has"),
    ("no name", '"battery"', '""', "suppliers[1].name", "''", "non-empty text"),
    ("price", "price = 30.0", "price = -1", "price", "-1", "a finite number > 0"),
    ("joint", "", "[prior]\njoint = [[0.5, 0.5]]", "prior.joint", "<joint>", "continuous costs have no joint table"),
    ("rows", "", "[prior]\ncorrelation = [[1.0]]", "prior.correlation", "<1 rows>", "in order: panel x battery"),
    ("singular", "", "[prior]\ncorrelation = [[1, -1], [-1, 1]]", "prior.correlation", "-1.0", "a positive definite matrix"),
    ("not a matrix", "", "[prior]\ncorrelation = [[1, 2], [2, 1]]", "prior.correlation", "2", "positive semidefinite"),
]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row[0])
def test_bad_cases_say_what_is_wrong(row: tuple[str, ...], tmp_path: Path) -> None:
    _, old, new, field, value, allowed = row
    assert not old or GOOD.count(old) == 1
    with pytest.raises(InputError) as error:
        loaded(GOOD.replace(old, new) if old else GOOD + new, tmp_path)
    (problem,) = error.value.problems
    assert error.value.file == "case.toml"
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


@pytest.mark.parametrize("suppliers", [[], 5, None])
def test_a_case_has_suppliers(suppliers: Any) -> None:
    with pytest.raises(InputError, match=r"suppliers: got .*one or more \[\[suppliers\]\] tables"):
        check(ContinuousCase, {"price": 3.0, "demand": DEMAND, "suppliers": suppliers})


@pytest.mark.parametrize("points", [0, -3, 2.5, True, "16"])
def test_points_are_a_whole_number(points: Any) -> None:
    world = MANY["one"]
    for call in (lambda: world.grid(points), lambda: model.build(world, points=points), lambda: continuous(world, points=points)):
        with pytest.raises(InputError, match=r"points: got .*a whole number >= 1"):
            call()
    narrow = case(uniform(1.0, 1.0 + 1e-14))
    with pytest.raises(InputError, match="points: got 1000; allowed: fewer"):
        narrow.grid(1000)
