"""Continuous private costs: distributions against scipy, virtual cost by hand, ironing against isotonic regression, bad input."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from support.strategies import examples
from veridical.data import InputError
from veridical.data.fields import check
from veridical.data.private_cost import PrivateCost
from veridical.solvers.closed_form.isotonic import chain

UNIFORM = {"distribution": "uniform", "low": 3.0, "high": 13.0}
BETA = {"distribution": "beta", "a": 2, "b": 3, "loc": 3, "scale": 10}
NORMAL = {"distribution": "norm", "loc": 8, "scale": 2, "low": 3, "high": 13}
FAR = {"distribution": "norm", "loc": 0, "scale": 1, "low": 8, "high": 13}  # in a tail where the cdf is 1 to the last digit
ARCSINE = {"distribution": "beta", "a": 0.5, "b": 0.5, "loc": 3, "scale": 10}  # bimodal, infinite density at both ends
TWO_HUMPS = {"distribution": "dweibull", "c": 2.5, "loc": 8, "scale": 1.5, "low": 4, "high": 12}  # density 0 in the middle
MANY = [UNIFORM, BETA, NORMAL, FAR, ARCSINE, TWO_HUMPS, {"distribution": "gamma", "a": 4, "loc": 1, "low": 2, "high": 20}]


def cost(raw: dict[str, Any]) -> PrivateCost:
    return check(PrivateCost, raw)


@pytest.mark.parametrize("raw", MANY, ids=lambda raw: raw["distribution"])
def test_distribution_functions_agree_with_each_other(raw: dict[str, Any]) -> None:
    own = cost(raw)
    u = np.linspace(0.0, 1.0, 41)
    x = own.inverse_cdf(u)
    assert own.cdf(x) == pytest.approx(u, abs=1e-12)
    assert own.survival(x) == pytest.approx(1 - u, abs=1e-12)
    assert own.cdf([own.low - 1, own.low, own.high, own.high + 1]) == pytest.approx([0, 0, 1, 1])
    assert own.density([own.low - 1, own.high + 1]) == pytest.approx([0, 0])
    for a, b in itertools.pairwise(x[1:-1]):
        assert quad(lambda s: float(own.density(s)), float(a), float(b))[0] == pytest.approx(1 / 40, rel=1e-7)


def test_truncated_normal_is_scipys() -> None:
    own, judge = cost(NORMAL), stats.truncnorm(-2.5, 2.5, loc=8, scale=2)
    x = np.linspace(3, 13, 23)
    assert own.cdf(x) == pytest.approx(judge.cdf(x), rel=1e-12, abs=1e-14)
    assert own.density(x) == pytest.approx(judge.pdf(x), rel=1e-12)
    far, tail = cost(FAR), stats.truncnorm(8, 13)
    x = np.linspace(8.01, 9, 9)
    assert far.cdf(x) == pytest.approx(tail.cdf(x), rel=1e-9)
    assert far.virtual_cost(x) == pytest.approx(x + tail.cdf(x) / tail.pdf(x), rel=1e-9)


def test_virtual_cost_of_uniform_costs_by_hand() -> None:
    own = cost(UNIFORM)
    x = np.linspace(3, 13, 11)
    assert own.virtual_cost(x) == pytest.approx(2 * x - 3)
    assert own.ironed(x) == pytest.approx(2 * x - 3)
    assert own.stretches == ()


def test_virtual_cost_at_the_ends_and_without_density() -> None:
    assert cost(BETA).virtual_cost([3.0, 13.0]).tolist() == [3.0, np.inf]  # g = 0 at both ends, G = 0 at one
    narrow = cost({"distribution": "norm", "loc": 8, "scale": 0.1, "low": 0, "high": 100})
    assert narrow.virtual_cost([0.0, 1.0, 50.0, 100.0]).tolist() == [0.0, 1.0, np.inf, np.inf]


def test_from_a_frozen_distribution_and_back() -> None:
    assert PrivateCost.of(stats.norm(8, 2), low=3, high=13) == cost(NORMAL)
    assert PrivateCost.of(stats.beta(2, b=3, loc=3, scale=10)) == cost(BETA)
    assert PrivateCost.of(stats.uniform(3, 10)) == cost(UNIFORM)
    assert PrivateCost.of(stats.uniform(3, 10), low=5, high=20) == cost({**UNIFORM, "low": 5.0})
    assert cost({**BETA, "low": 1.0}).low == 3.0  # the end of what there is
    for raw in MANY:
        assert cost(cost(raw).model_dump()) == cost(raw)
        assert hash(cost(raw)) == hash(cost(dict(raw)))
    with pytest.raises(ValueError, match="frozen"):
        cost(NORMAL).low = 4.0  # type: ignore[misc]


# --- ironing ---


def regression(own: PrivateCost, cells: int) -> tuple[Any, Any]:
    """Return the middle quantiles of cells, and the isotonic regression of the cells' mean virtual costs."""
    u = np.linspace(0.0, 1.0, cells + 1)
    mass = np.diff(u * own.inverse_cdf(u))  # the integral of J dG is x G(x)
    return (u[:-1] + u[1:]) / 2, chain(np.diff(u), mass)


@pytest.mark.parametrize("raw", [ARCSINE, TWO_HUMPS], ids=["arcsine", "two humps"])
def test_ironing_is_the_isotonic_regression_of_virtual_cost(raw: dict[str, Any]) -> None:
    own, cells = cost(raw), 200_000
    middle, pooled = regression(own, cells)
    assert len(own.stretches) == 1
    assert (np.diff(own.virtual_cost(own.inverse_cdf(middle))) < 0).any()
    ironed = own.ironed(own.inverse_cdf(middle))
    assert (np.diff(ironed) >= 0).all()
    inner = (middle > 1e-3) & (middle < 1 - 1e-3)  # cell means differ from mid-cell values where virtual cost is steep
    assert ironed[inner] == pytest.approx(pooled[inner], rel=1e-5)
    ((start, end, flat),) = own.stretches
    inside = (middle > own.cdf(start) + 1e-3) & (middle < own.cdf(end) - 1e-3)
    assert pooled[inside] == pytest.approx(flat, rel=1e-8)  # the error of a cell's width, squared


def test_a_stretch_is_a_chord_that_is_tangent_at_both_ends() -> None:
    own = cost(TWO_HUMPS)
    ((start, end, flat),) = own.stretches
    a, b = float(own.cdf(start)), float(own.cdf(end))
    assert flat == pytest.approx((b * end - a * start) / (b - a), rel=1e-12)  # a chord of u x(u) ...
    assert own.virtual_cost([start, end]) == pytest.approx(flat, rel=1e-9)  # ... tangent at both ends
    assert own.ironed(own.inverse_cdf(0.5)) == flat
    assert own.virtual_cost(8.0 + 1e-6) > 1e3  # where the density is 0


@examples(25)
@given(st.floats(0.3, 6), st.floats(0.3, 6))
def test_ironed_virtual_cost_never_falls(a: float, b: float) -> None:
    own = cost({"distribution": "beta", "a": a, "b": b, "loc": 2, "scale": 9})
    u = np.sort(np.concatenate([np.linspace(0, 1, 3001), np.geomspace(1e-9, 1e-3, 200), 1 - np.geomspace(1e-9, 1e-3, 200)]))
    x = own.inverse_cdf(u)
    ironed = own.ironed(x)
    assert (ironed[1:] >= ironed[:-1] - 1e-6).all()  # rounding of beta quantiles, 1e-9 from the ends
    assert (ironed >= x).all()


# --- bad input: field, value and what is allowed ---


BAD = [
    ("no table", 5, "<file>", "5", "a table such as"),
    ("no distribution", {"low": 3, "high": 4}, "distribution", "<nothing>", "uniform, or the name of a continuous"),
    ("unknown", {**NORMAL, "distribution": "gauss"}, "distribution", "'gauss'", "scipy.stats, such as beta"),
    ("discrete", {"distribution": "poisson", "mu": 3}, "distribution", "'poisson'", "a continuous distribution"),
    ("not a name", {"distribution": ["norm"]}, "distribution", "['norm']", "the name of a continuous"),
    ("function of scipy.stats", {"distribution": "ttest_ind"}, "distribution", "'ttest_ind'", "a continuous distribution"),
    ("unknown parameter", {**BETA, "mean": 3}, "mean", "3", "only the keys distribution, a, b, loc, scale, low, high"),
    ("parameter of uniform", {**UNIFORM, "loc": 3}, "loc", "3", "only the keys distribution, low, high"),
    ("uniform without high", {"distribution": "uniform", "low": 3}, "high", "<nothing>", "missing required key"),
    ("shape missing", {"distribution": "beta", "a": 2}, "b", "<nothing>", "beta has the shape parameters a, b"),
    ("shape NaN", {**BETA, "a": float("nan")}, "a", "nan", "a finite number"),
    ("shape text", {**BETA, "a": "2"}, "a", "'2'", "a finite number"),
    ("loc infinite", {**NORMAL, "loc": float("inf")}, "loc", "inf", "a finite number"),
    ("shape inadmissible", {**BETA, "b": -3}, "a, b", "a = 2.0, b = -3.0", "shape parameters that scipy.stats.beta allows"),
    ("scale zero", {**NORMAL, "scale": 0}, "scale", "0", "a finite number > 0"),
    ("scale true", {**NORMAL, "scale": True}, "scale", "True", "a finite number"),
    ("no upper end", {"distribution": "gamma", "a": 2}, "high", "<nothing>", "needs high: gamma has no upper end"),
    ("no lower end", {"distribution": "norm", "high": 9}, "low", "<nothing>", "needs low: norm has no lower end"),
    ("high infinite", {**NORMAL, "high": float("inf")}, "high", "inf", "a finite number"),
    ("negative costs", {"distribution": "beta", "a": 2, "b": 3, "loc": -1}, "low", "from -1.0 on", "low = 0 truncates"),
    ("negative low", {**NORMAL, "low": -1}, "low", "-1", "a finite number >= 0: no unit cost is negative"),
    ("negative uniform", {**UNIFORM, "low": -1}, "low", "-1", "a finite number >= 0"),
    ("low above high", {**NORMAL, "low": 14}, "high", "13", "a finite number above low = 14.0"),
    ("low is high", {**UNIFORM, "low": 13}, "high", "13", "a finite number above low = 13.0"),
    ("nothing between", {**NORMAL, "scale": 0.01, "low": 11}, "low, high", "low = 11.0", "a probability between them"),
    ("beyond the support", {**BETA, "low": 20, "high": 30}, "low, high", "low = 20.0", "a probability between them"),
]


@pytest.mark.parametrize(("raw", "field", "value", "allowed"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_costs_say_what_is_wrong(raw: Any, field: str, value: str, allowed: str) -> None:
    with pytest.raises(InputError) as error:
        check(PrivateCost, raw)
    (problem,) = error.value.problems
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


def test_of_refuses_what_is_not_a_frozen_distribution_or_has_no_end() -> None:
    for wrong in (stats.norm, stats.poisson(3), 5, stats.rv_histogram(np.histogram([1, 2, 2, 3], bins=2))):
        with pytest.raises(InputError, match="frozen continuous distribution"):
            PrivateCost.of(wrong)
    with pytest.raises(InputError, match="needs high"):
        PrivateCost.of(stats.gamma(3))
    with pytest.raises(InputError, match="scale"):
        PrivateCost.of(stats.beta(2, 3, scale=-1))
