"""Revenue of retailers against integrals and differences."""

import itertools
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats
from scipy.integrate import quad

from support.allocation_cases import LINEAR, form_name, raw_case, raw_group
from veridical.data.fields import Record, check
from veridical.data.revenue import AnyRevenue, InverseDemand, LinearDemand, Newsvendor, Revenue

POWER: dict[str, Any] = {"form": "power_demand", "scale": 0.7, "exponent": 1.6}
ROOT: dict[str, Any] = {"form": "power_demand", "scale": 2.0, "exponent": 0.5}


def newsvendor(distribution: str, **parameters: float) -> dict[str, Any]:
    return {"form": "newsvendor", "price": 3.0, "demand": {"distribution": distribution, **parameters}}


NORMAL = newsvendor("normal", sd=2.0)
UNIFORM, EXPONENTIAL = newsvendor("uniform"), newsvendor("exponential")
GAMMA, SPREAD = newsvendor("gamma", shape=2.5), newsvendor("gamma", shape=0.6)
NEWSVENDORS = [NORMAL, UNIFORM, EXPONENTIAL, GAMMA, SPREAD]
FORMS = [LINEAR, POWER, ROOT, *NEWSVENDORS]
MARKETS: dict[str, Any] = {  # demand of a newsvendor of a type
    "normal": lambda theta: stats.norm(theta, 2.0),
    "uniform": lambda theta: stats.uniform(0, theta),
    "exponential": lambda theta: stats.expon(0, theta),
    "gamma": lambda theta, shape=2.5: stats.gamma(shape, scale=theta),
}


def revenue(raw: dict[str, Any]) -> Revenue:
    class Holder(Record):
        revenue: AnyRevenue

    return check(Holder, {"revenue": raw}).revenue


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_derivatives_of_revenue_are_differences_of_it(raw: dict[str, Any]) -> None:
    own, h = revenue(raw), 1e-5
    q, theta = np.meshgrid(np.linspace(0.3, 7, 14), np.array([2.05, 3.1, 4.55, 9.2]))

    def close(value: Any) -> Any:
        return pytest.approx(value, rel=1e-6, abs=1e-8)  # of a central difference

    assert own.marginal(q, theta) == close((own.value(q + h, theta) - own.value(q - h, theta)) / (2 * h))
    assert own.by_type(q, theta) == close((own.value(q, theta + h) - own.value(q, theta - h)) / (2 * h))
    across = (own.marginal(q, theta + h) - own.marginal(q, theta - h)) / (2 * h)
    assert own.marginal_by_type(q, theta) == close(across)
    assert own.separable == bool(np.ptp(own.marginal_by_type(q, theta)) == 0)


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_revenue_is_concave_with_increasing_differences(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    q, theta = np.linspace(0, 12, 241)[:, None], np.array([0.0, 0.5, 2, 3, 5, 8])
    value = own.value(q, theta)
    assert (value[0] == 0).all()
    assert (np.diff(value, n=2, axis=0) <= 1e-12).all()
    assert (np.diff(np.diff(value, axis=0), axis=1) >= -1e-12).all()
    assert (np.diff(own.marginal(q, theta), axis=0) <= 1e-12).all()
    assert (np.diff(own.marginal(q, theta), axis=1) >= -1e-12).all()
    assert (own.marginal_by_type(q, theta) >= 0).all()


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_quantity_is_where_marginal_revenue_has_fallen_to_a_level(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    level, theta = np.array([[0.01], [0.4], [1.3], [2.9]]), np.array([3.0, 4.5, 8.0])
    q = own.quantity(level, theta)
    assert own.marginal(q, theta) == pytest.approx(np.minimum(level, own.marginal(0.0, theta)), rel=1e-9)
    assert own.quantity(1e3, theta).tolist() == [0, 0, 0]
    assert own.quantity(level, np.zeros(3)).tolist() == np.zeros((4, 3)).tolist() or raw is NORMAL
    most = own.quantity(0.0, theta)
    assert own.unbounded == (form_name(raw) in ("normal", "exponential", "gamma")) == bool(np.isinf(most).all())
    if not own.unbounded:
        assert own.marginal(most, theta) == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_virtual_marginal_revenue_falls_until_it_is_negative(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    q = np.linspace(0, 30, 3001)
    for low, high, rate in itertools.product((0.5, 3.0), (3.5, 9.0), (0.02, 1.0, 40.0)):
        found = (1 + rate) * own.marginal(q, low) - rate * own.marginal(q, high)
        assert (np.diff(found)[found[1:] > 0] <= 0).all()  # where it is positive it fell ...
        assert (np.diff(np.sign(found[np.abs(found) > 1e-12])) <= 0).all()  # ... and it never comes back


@pytest.mark.parametrize("raw", NEWSVENDORS, ids=form_name)
def test_a_newsvendor_earns_what_he_is_expected_to_sell(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    shape = {"shape": raw["demand"]["shape"]} if "shape" in raw["demand"] else {}
    for q, theta in itertools.product((0.4, 2.7, 6.0), (1.5, 4.0)):
        demand: Any = MARKETS[raw["demand"]["distribution"]](theta, **shape)
        sales = quad(lambda x, demand=demand: demand.sf(x), 0, q, points=[theta], epsabs=1e-12)[0]  # E[min(D^+, q)]
        assert float(own.value(q, theta)) == pytest.approx(3 * sales, rel=1e-9)
        assert float(own.marginal(q, theta)) == pytest.approx(3 * demand.sf(q), rel=1e-12)


def test_normal_demand_is_not_truncated_and_negative_demand_is_none() -> None:
    own, theta = revenue(NORMAL), 1.0

    def paper(q: float) -> float:  # (16): from minus infinity
        demand = stats.norm(theta, 2.0)
        return 3 * float(quad(lambda x: x * demand.pdf(x), -40, q)[0] + q * demand.sf(q))

    assert paper(0.0) < -0.9  # a retailer who has nothing would lose on it
    for q in (0.5, 2.0, 5.0):
        assert float(own.value(q, theta)) == pytest.approx(paper(q) - paper(0.0), rel=1e-8)
    assert float(own.marginal(0.0, theta)) == pytest.approx(3 * stats.norm.cdf(0.5))  # truncated it would be 3


@pytest.mark.parametrize("theta", [1e3, 1e12, 1e20, 1e59])
def test_a_newsvendor_far_below_his_demand_sells_all_that_he_has(theta: float) -> None:
    units = np.array([0.0, 1e-6, 1.0, 60.0, 900.0])
    sold = revenue(newsvendor("normal", sd=3.0)).value(units, theta)
    np.testing.assert_allclose(sold, 3.0 * units, rtol=1e-13)  # a price of 3 for each


def test_a_linear_demand_is_a_power_demand() -> None:
    power = revenue({"form": "power_demand", "scale": 1, "exponent": 1})
    q, theta = np.linspace(0, 5, 11), np.linspace(2, 6, 11)
    for function in ("value", "marginal", "by_type", "marginal_by_type", "quantity"):
        assert getattr(power, function)(q, theta) == pytest.approx(getattr(LinearDemand(), function)(q, theta), abs=1e-14)


class SquareRoot(Revenue):
    """A user's own: theta sqrt(q)."""

    form: Literal["square_root"] = "square_root"

    def value(self, q: ArrayLike, theta: ArrayLike) -> Any:
        return np.sqrt(q) * theta

    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Any:
        return np.asarray(theta) / np.sqrt(q) / 2

    def by_type(self, q: ArrayLike, theta: ArrayLike) -> Any:
        return np.sqrt(q) + 0 * np.asarray(theta)

    def marginal_by_type(self, q: ArrayLike, theta: ArrayLike) -> Any:
        return 0.5 / np.sqrt(q) + 0 * np.asarray(theta)

    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Any:
        with np.errstate(divide="ignore"):
            return (np.asarray(theta) / np.asarray(marginal) / 2) ** 2


def test_a_users_own_revenue_is_taken() -> None:
    own = raw_case(raw_group(revenue=SquareRoot()))
    assert own.retailers[0].revenue == SquareRoot()
    assert own.retailers[0].revenue.unbounded
    assert own.model_dump()["retailers"][0]["revenue"] == {"form": "square_root"}


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_revenue_is_immutable_and_survives_being_written_out(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    assert revenue(own.model_dump()) == own
    assert hash(revenue(own.model_dump())) == hash(own)
    assert isinstance(own, InverseDemand | Newsvendor)
    with pytest.raises(ValueError, match="frozen"):
        own.form = "other"  # type: ignore[misc]


@pytest.mark.parametrize("units", [1e-9, 1e-4, 0.3, 2.0, 4.9])
@pytest.mark.parametrize(
    "demand",
    [
        {"distribution": "normal", "sd": 0.5},
        {"distribution": "uniform"},
        {"distribution": "exponential"},
        {"distribution": "gamma", "shape": 1.7},
    ],
    ids=lambda raw: raw["distribution"],
)
def test_what_a_higher_type_sells_more_often_has_all_its_digits(demand: dict[str, Any], units: float) -> None:
    """Against the integral of the derivative by type: where both sell all but surely, a difference of survivals has no digits."""
    revenue = check(Newsvendor, {"form": "newsvendor", "price": 7.0, "demand": demand})
    low, high = 5.0, 6.0
    nodes, weights = np.polynomial.legendre.leggauss(40)
    types = (low + high + nodes * (high - low)) / 2
    wanted = float(weights @ revenue.marginal_by_type(units, types)) * (high - low) / 2
    assert float(revenue.marginal_gain(units, low, high)) == pytest.approx(wanted, rel=1e-10)
    none = float(revenue.marginal_gain(units, 0.0, high)), float(revenue.marginal(units, high) - revenue.marginal(units, 0.0))
    assert none[0] == pytest.approx(none[1], rel=1e-12)
