"""The supplier's world: revenue against integrals and differences, types against scipy, profiles against all orderings."""

import itertools
import math
import tomllib
from collections import Counter
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats
from scipy.integrate import quad

from veridical.data import InputError
from veridical.data.allocation import AllocationCase, FixedPrice, RetailerGroup
from veridical.data.fields import Record, check
from veridical.data.private_type import PrivateType
from veridical.data.revenue import AnyRevenue, InverseDemand, LinearDemand, Newsvendor, Revenue
from veridical.data.type_profiles import sampled

LINEAR: dict[str, Any] = {"form": "linear_demand"}
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


def name(raw: Any) -> str:
    return str(raw.get("demand", raw).get("distribution", raw["form"]))


def revenue(raw: dict[str, Any]) -> Revenue:
    class Holder(Record):
        revenue: AnyRevenue

    return check(Holder, {"revenue": raw}).revenue


def group(**changes: Any) -> dict[str, Any]:
    raw = {"count": 2, "types": [4, 5, 6], "probabilities": [0.2, 0.3, 0.5], "revenue": LINEAR, **changes}
    return {key: value for key, value in raw.items() if value is not None}


def case(*groups: dict[str, Any], **changes: Any) -> AllocationCase:
    return check(AllocationCase, {"capacity": 3.0, "retailers": list(groups) or [group()], **changes})


# --- revenue ---


@pytest.mark.parametrize("raw", FORMS, ids=name)
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


@pytest.mark.parametrize("raw", FORMS, ids=name)
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


@pytest.mark.parametrize("raw", FORMS, ids=name)
def test_quantity_is_where_marginal_revenue_has_fallen_to_a_level(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    level, theta = np.array([[0.01], [0.4], [1.3], [2.9]]), np.array([3.0, 4.5, 8.0])
    q = own.quantity(level, theta)
    assert own.marginal(q, theta) == pytest.approx(np.minimum(level, own.marginal(0.0, theta)), rel=1e-9)
    assert own.quantity(1e3, theta).tolist() == [0, 0, 0]
    assert own.quantity(level, np.zeros(3)).tolist() == np.zeros((4, 3)).tolist() or raw is NORMAL
    most = own.quantity(0.0, theta)
    assert own.unbounded == (name(raw) in ("normal", "exponential", "gamma")) == bool(np.isinf(most).all())
    if not own.unbounded:
        assert own.marginal(most, theta) == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("raw", FORMS, ids=name)
def test_virtual_marginal_revenue_falls_until_it_is_negative(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    q = np.linspace(0, 30, 3001)
    for low, high, rate in itertools.product((0.5, 3.0), (3.5, 9.0), (0.02, 1.0, 40.0)):
        found = (1 + rate) * own.marginal(q, low) - rate * own.marginal(q, high)
        assert (np.diff(found)[found[1:] > 0] <= 0).all()  # where it is positive it fell ...
        assert (np.diff(np.sign(found[np.abs(found) > 1e-12])) <= 0).all()  # ... and it never comes back


@pytest.mark.parametrize("raw", NEWSVENDORS, ids=name)
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
    own = case(group(revenue=SquareRoot()))
    assert own.retailers[0].revenue == SquareRoot()
    assert own.retailers[0].revenue.unbounded
    assert own.model_dump()["retailers"][0]["revenue"] == {"form": "square_root"}


@pytest.mark.parametrize("raw", FORMS, ids=name)
def test_revenue_is_immutable_and_survives_being_written_out(raw: dict[str, Any]) -> None:
    own = revenue(raw)
    assert revenue(own.model_dump()) == own
    assert hash(revenue(own.model_dump())) == hash(own)
    assert isinstance(own, InverseDemand | Newsvendor)
    with pytest.raises(ValueError, match="frozen"):
        own.form = "other"  # type: ignore[misc]


# --- continuous types ---

PRIORS = [
    ({"distribution": "uniform", "low": 4, "high": 8}, stats.uniform(4, 4)),
    ({"distribution": "expon", "loc": 4, "scale": 2}, stats.expon(4, 2)),
    ({"distribution": "pareto", "b": 3, "scale": 2}, stats.pareto(3, scale=2)),
    ({"distribution": "norm", "loc": 5, "scale": 2, "low": 0}, stats.truncnorm(-2.5, np.inf, loc=5, scale=2)),
    ({"distribution": "norm", "loc": 0, "scale": 1, "low": 6, "high": 9}, stats.truncnorm(6, 9)),
]


@pytest.mark.parametrize(("raw", "judge"), PRIORS, ids=lambda each: each["distribution"] if isinstance(each, dict) else "")
def test_a_prior_is_scipys(raw: dict[str, Any], judge: Any) -> None:
    own = check(PrivateType, raw)
    u = np.linspace(0.02, 1.0, 50)
    theta = own.inverse_survival(u)
    assert theta == pytest.approx(judge.isf(u), rel=1e-9)
    assert own.survival(theta) == pytest.approx(u, rel=1e-9)
    assert own.density(theta[:-1]) == pytest.approx(judge.pdf(theta[:-1]), rel=1e-8)
    assert own.inverse_hazard(theta[:-1]) == pytest.approx(judge.sf(theta[:-1]) / judge.pdf(theta[:-1]), rel=1e-7)
    assert (own.low, own.high) == judge.support()
    assert check(PrivateType, own.model_dump()) == own
    assert own.survival([own.low - 1, own.low]).tolist() == [1, 1]
    assert own.density([own.low - 1]).tolist() == [0]


def test_inverse_hazards_by_hand() -> None:
    theta = np.array([4.5, 6.0, 7.9])
    uniform, exponential, pareto = (check(PrivateType, raw) for raw, _ in PRIORS[:3])
    assert uniform.inverse_hazard(theta) == pytest.approx(8 - theta)
    assert exponential.inverse_hazard(theta) == pytest.approx([2, 2, 2])
    assert pareto.inverse_hazard(theta) == pytest.approx(theta / 3)
    assert float(uniform.inverse_hazard(8.0)) == 0
    gap = check(PrivateType, {"distribution": "dweibull", "c": 2.5, "loc": 8, "scale": 1.5, "low": 4, "high": 12})
    assert float(gap.inverse_hazard(8.0)) == math.inf


def test_priors_from_frozen_distributions() -> None:
    for raw, _ in PRIORS[:3]:
        own = check(PrivateType, raw)
        assert PrivateType.of(own._base) == own
    assert PrivateType.of(stats.norm(5, 2), low=0) == check(PrivateType, PRIORS[3][0])
    assert PrivateType.of(stats.uniform(4, 4), low=5, high=20) == check(PrivateType, {**PRIORS[0][0], "low": 5})
    for wrong in (stats.norm, stats.poisson(3), 5):
        with pytest.raises(InputError, match="frozen continuous distribution"):
            PrivateType.of(wrong)
    with pytest.raises(InputError, match="needs low"):
        PrivateType.of(stats.norm(5, 2))


def test_a_grid_has_cells_of_equal_probability_and_their_lower_ends() -> None:
    own = case(group(types=None, probabilities=None, prior=PRIORS[1][0]), group(name="b"))
    grid = own.grid(8)
    (first, second) = grid.retailers
    assert own.continuous
    assert not grid.continuous
    assert first.theta == pytest.approx(stats.expon(4, 2).ppf(np.arange(8) / 8))
    assert first.probability.tolist() == [1 / 8] * 8
    assert second == own.retailers[1]
    assert (grid.capacity, grid.names) == (3.0, ("retailers 1", "b"))


# --- cases ---

FILES = {
    "capacity-table-5": """
# Two retailers, as alike as can be, share what a supplier has: the example of the allocation paper's section 6, Table 5.
# At this cost the capacity worth having is 2.63 units.
kind = "allocation"
description = "Two retailers with linear demand; the allocation paper's Table 5"
capacity_cost = 1.85              # currency per unit

[[retailers]]
count = 2
types = [4, 5, 6, 7, 8]           # what the first unit would sell for: R = q (type - q)
probabilities = [0.2, 0.2, 0.2, 0.2, 0.2]
revenue = { form = "linear_demand" }
""",
    "capacity-unlike-retailers": """
# Unlike retailers share a fixed capacity. SYNTHETIC: every figure was made up for this file.
# The boutiques' types are not regular: a five and a six are treated alike, which is what ironing does.
kind = "allocation"
description = "Three boutiques that set their prices, and two newsvendors who cannot, share a fixed capacity"
capacity = 14.0                   # units

[[retailers]]
name = "boutiques"
count = 3
types = [5, 6, 9]                 # what the first unit would sell for: R = q (type - 0.5 q^1.5)
probabilities = [0.5, 0.05, 0.45]
revenue = { form = "power_demand", scale = 0.5, exponent = 1.5 }

[[retailers]]
name = "kiosks"
count = 2
types = [3, 4, 5]                 # mean demand, units
probabilities = [0.3, 0.4, 0.3]
revenue = { form = "newsvendor", price = 12.0, demand = { distribution = "normal", sd = 1.0 } }

[fixed_price]                     # what the supplier does today
wholesale_price = 4.0             # currency per unit
rule = "proportional"
""",
}


def test_cases_are_read_from_toml() -> None:
    table, unlike = (check(AllocationCase, tomllib.loads(text)) for text in FILES.values())
    assert (table.capacity, table.capacity_cost, table.order) == (None, 1.85, (0, 0))
    assert table.retailers[0].theta.tolist() == [4, 5, 6, 7, 8]
    assert table.retailers[0].revenue == LinearDemand()
    assert (unlike.capacity, unlike.names, unlike.order) == (14.0, ("boutiques", "kiosks"), (0, 0, 0, 1, 1))
    assert unlike.fixed_price == FixedPrice(wholesale_price=4.0, rule="proportional")
    assert unlike.profile_count == 10 * 6
    text = """
        kind = "allocation"
        capacity = 2.63
        retailers = [{ count = 2, prior = { distribution = "uniform", low = 4, high = 8 }, revenue = { form = "linear_demand" } }]
    """
    assert check(AllocationCase, tomllib.loads(text)).continuous


def test_a_case_says_what_it_holds() -> None:
    own = case(group(count=2, name="north"), group(count=1, types=[3], probabilities=None), name="c")
    assert own.order == (0, 0, 1)
    assert own.members == (2, 1)
    assert own.names == ("north", "retailers 2")
    assert own.profile_count == 6
    assert own.retailers[1].probability.tolist() == [1.0]
    assert check(AllocationCase, own.model_dump()) == own
    assert hash(check(AllocationCase, own.model_dump())) == hash(own)
    assert own.changed(capacity=None, capacity_cost=2).capacity_cost == 2
    with pytest.raises(ValueError, match="frozen"):
        own.capacity = 4.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        own.retailers[0].theta[0] = 9


def test_probabilities_are_rescaled() -> None:
    own = check(RetailerGroup, group(types=[1, 2, 3], probabilities=[0.3333333333, 0.3333333333, 0.3333333333]))
    assert own.probability == pytest.approx([1 / 3] * 3, rel=1e-15)
    assert own.survival == pytest.approx([1, 2 / 3, 1 / 3, 0], rel=1e-15)


def test_profiles_are_all_orderings_of_types_put_together() -> None:
    own = case(group(count=3), group(count=2, types=[1, 9], probabilities=[0.25, 0.75]))
    profiles = own.profiles()
    found: Counter[tuple[int, ...]] = Counter()
    f, g = own.retailers[0].probability, own.retailers[1].probability
    for types in itertools.product(range(3), range(3), range(3), range(2), range(2)):
        key = (*sorted(types[:3]), *sorted(types[3:]))
        found[key] += math.prod(f[list(types[:3])]) * math.prod(g[list(types[3:])])
    assert [tuple(row) for row in profiles.types().tolist()] == sorted(found)
    assert profiles.probability == pytest.approx([found[key] for key in sorted(found)], rel=1e-13)
    assert profiles.counts.sum(axis=1).tolist() == [5] * len(found) == [5] * own.profile_count
    values = np.concatenate([own.retailers[0].theta, own.retailers[1].theta]) + np.zeros((len(found), 1))
    each = profiles.by_retailer(values)
    assert each[:, :3].tolist() == own.retailers[0].theta[profiles.types()[:, :3]].tolist()
    assert each[:, 3:].tolist() == own.retailers[1].theta[profiles.types()[:, 3:]].tolist()
    assert not profiles.sampled


def test_thirty_retailers_with_five_types_take_no_time() -> None:
    own = case(group(count=30, types=[4, 5, 6, 7, 8], probabilities=[0.2] * 5))
    began = perf_counter()
    profiles = own.profiles()
    assert perf_counter() - began < 1.0
    assert own.profile_count == len(profiles.counts) == 46_376
    assert profiles.probability.sum() == pytest.approx(1, rel=1e-14)
    mean = profiles.probability @ profiles.counts
    assert mean == pytest.approx([6] * 5, rel=1e-12)
    assert (profiles.probability @ profiles.counts**2 - mean**2) == pytest.approx([30 * 0.2 * 0.8] * 5, rel=1e-11)


def test_types_that_never_occur_have_profiles_of_probability_zero() -> None:
    profiles = case(group(probabilities=[0.0, 0.4, 0.6])).profiles()
    assert profiles.types().tolist() == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]
    assert profiles.probability == pytest.approx([0, 0, 0, 0.16, 0.48, 0.36])


def test_too_many_profiles_are_drawn_with_a_seed() -> None:
    own = case(group(count=120, types=[4, 5, 6, 7], probabilities=[0.1, 0.2, 0.3, 0.4]))
    assert own.profile_count == math.comb(123, 3) > 200_000
    profiles = own.profiles(samples=4000, seed=3)
    assert profiles.sampled
    assert profiles.probability.tolist() == [1 / 4000] * 4000
    assert (profiles.counts.sum(axis=1) == 120).all()
    spread = np.sqrt(120 * own.retailers[0].probability * (1 - own.retailers[0].probability) / 4000)
    assert (abs(profiles.counts.mean(axis=0) - 120 * own.retailers[0].probability) < 4 * spread).all()
    assert (own.profiles(samples=4000, seed=3).counts == profiles.counts).all()
    assert (own.profiles(samples=4000, seed=4).counts != profiles.counts).any()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=3))
def test_the_number_of_profiles_is_known_without_them(sizes: list[tuple[int, int]]) -> None:
    groups = [group(count=n, types=list(range(1, m + 1)), probabilities=[1 / m] * m) for n, m in sizes]
    own = case(*groups)
    if own.profile_count <= 20_000:
        profiles = own.profiles()
        assert len(profiles.counts) == own.profile_count == len(np.unique(profiles.counts, axis=0))
        assert profiles.probability.sum() == pytest.approx(1)
    drawn = sampled(own.members, [each.probability for each in own.retailers], 10, 0)
    assert drawn.types().shape == (10, len(own.order))


# --- bad input: field, value and what is allowed ---

PRIOR = {"distribution": "uniform", "low": 4, "high": 8}
CASES = [
    ("capacity zero", {"capacity": 0}, "capacity", "0", "a finite number > 0"),
    ("capacity text", {"capacity": "3"}, "capacity", "'3'", "a finite number > 0"),
    ("no capacity", {"capacity": None}, "capacity", "<neither", "exactly one of capacity"),
    ("both", {"capacity_cost": 1.0}, "capacity", "<capacity and capacity_cost>", "exactly one of capacity"),
    ("cost negative", {"capacity": None, "capacity_cost": -1}, "capacity_cost", "-1", "a finite number >= 0"),
    ("no retailers", {"retailers": []}, "retailers", "[]", "one or more [[retailers]] tables"),
    ("retailers a table", {"retailers": group()}, "retailers", "{", "one or more [[retailers]] tables"),
    ("unknown key", {"price": 3}, "price", "3", "only the keys kind, name"),
    ("rule", {"fixed_price": {"wholesale_price": 4, "rule": "fair"}}, "fixed_price.rule", "'fair'", "one of linear, prop"),
    ("wholesale", {"fixed_price": {"wholesale_price": 0, "rule": "linear"}}, "fixed_price.wholesale_price", "0", "number > 0"),
    ("no rule", {"fixed_price": {"wholesale_price": 1}}, "fixed_price.rule", "<nothing>", "missing required key: one of linear"),
    ("twice", {"retailers": [group(name="a"), group(name="a")]}, "retailers[1].name", "'a'", "no other group"),
    ("taken", {"retailers": [group(name="retailers 2"), group()]}, "retailers[1].name", "'retailers 2'", "no other group"),
    (
        "free and unbounded",
        {"capacity": None, "capacity_cost": 0, "retailers": [group(), group(revenue=NORMAL)]},
        "capacity_cost",
        "0.0",
        "not free where more units always earn more, as with the revenue of retailers[1]",
    ),
]
GROUPS = [
    ("count zero", {"count": 0}, "count", "0", "a whole number >= 1"),
    ("count true", {"count": True}, "count", "True", "a whole number >= 1"),
    ("count fraction", {"count": 2.5}, "count", "2.5", "a whole number >= 1"),
    ("no count", {"count": None}, "count", "<nothing>", "missing required key: a whole number >= 1"),
    ("types fall", {"types": [4, 6, 5]}, "types", "[4, 6, 5]", "strictly ascending"),
    ("types equal", {"types": [4, 4, 5]}, "types", "[4, 4, 5]", "strictly ascending"),
    ("types negative", {"types": [-1, 4, 5]}, "types", "[-1, 4, 5]", "types >= 0"),
    ("types NaN", {"types": [1, 4, float("nan")]}, "types", "nan", "finite types"),
    ("no types", {"types": None, "probabilities": None}, "types", "<neither", "exactly one of types"),
    ("types and prior", {"prior": PRIOR}, "types", "<types and prior>", "exactly one of types"),
    ("probabilities and prior", {"types": None, "prior": PRIOR}, "probabilities", "(0.2, 0.3, 0.5)", "no probabilities"),
    ("no probabilities", {"probabilities": None}, "probabilities", "<nothing>", "one probability a type"),
    ("sum", {"probabilities": [0.2, 0.3, 0.4]}, "probabilities", "0.9", "sum to 1 within 1e-09"),
    ("negative", {"probabilities": [-0.2, 0.7, 0.5]}, "probabilities", "-0.2", "probabilities >= 0"),
    ("too few", {"probabilities": [0.5, 0.5]}, "probabilities", "<2 probabilities>", "as many as there are types: 3"),
    ("no revenue", {"revenue": None}, "revenue", "<nothing>", "missing required key: a table with the key form"),
    ("revenue text", {"revenue": "linear"}, "revenue", "'linear'", "a table with the key form"),
    ("unknown form", {"revenue": {"form": "cubic"}}, "revenue.form", "'cubic'", "one of linear_demand, power_demand, news"),
    ("no form", {"revenue": {}}, "revenue.form", "<nothing>", "one of linear_demand"),
    ("extra key", {"revenue": {**LINEAR, "slope": 2}}, "revenue.slope", "2", "only the keys form"),
    ("scale", {"revenue": {**POWER, "scale": 0}}, "revenue.scale", "0", "a finite number > 0"),
    ("exponent", {"revenue": {"form": "power_demand", "scale": 1}}, "revenue.exponent", "<nothing>", "missing required key"),
    ("price", {"revenue": {**NORMAL, "price": -2}}, "revenue.price", "-2", "a finite number > 0"),
    ("demand", {"revenue": {"form": "newsvendor", "price": 2}}, "revenue.demand", "<nothing>", "missing required key"),
    ("market", {"revenue": newsvendor("weibull")}, "revenue.demand.distribution", "'weibull'", "one of normal, uniform, expon"),
    ("sd", {"revenue": newsvendor("normal", sd=0)}, "revenue.demand.sd", "0", "a finite number > 0"),
    ("mean", {"revenue": newsvendor("normal", sd=1, mean=4)}, "revenue.demand.mean", "4", "only the keys distribution, sd"),
    ("name", {"name": " a"}, "name", "' a'", "non-empty text"),
]
TYPES = [
    ("no table", 5, "<file>", "5", "a table such as"),
    ("no distribution", {"low": 3, "high": 4}, "distribution", "<nothing>", "uniform, or the name of a continuous"),
    ("discrete", {"distribution": "poisson", "mu": 3}, "distribution", "'poisson'", "a continuous distribution"),
    ("unknown parameter", {"distribution": "expon", "mean": 3}, "mean", "3", "only the keys distribution, loc, scale, low, high"),
    ("parameter of uniform", {**PRIOR, "loc": 3}, "loc", "3", "only the keys distribution, low, high"),
    ("uniform without high", {"distribution": "uniform", "low": 3}, "high", "<nothing>", "missing required key"),
    ("shape missing", {"distribution": "pareto"}, "b", "<nothing>", "pareto has the shape parameters b"),
    ("scale", {"distribution": "expon", "scale": 0}, "scale", "0", "a finite number > 0"),
    ("no lower end", {"distribution": "norm", "high": 9}, "low", "<nothing>", "needs low: norm has no lower end"),
    ("negative types", {"distribution": "expon", "loc": -1}, "low", "from -1.0 on", "low = 0 truncates"),
    ("negative low", {**PRIOR, "low": -1}, "low", "-1", "a finite number >= 0: no type is negative"),
    ("high infinite", {**PRIOR, "high": math.inf}, "high", "inf", "a finite number"),
    ("high below low", {**PRIOR, "high": 3}, "high", "3", "a finite number above low = 4.0"),
    ("beyond the support", {"distribution": "beta", "a": 2, "b": 3, "low": 2}, "low", "low = 2.0", "a probability between them"),
    ("no probability", {"distribution": "norm", "low": 90, "high": 91}, "low, high", "low = 90.0", "a probability between them"),
]


def refused(cls: type[Record], raw: Any, field: str, value: str, allowed: str) -> None:
    with pytest.raises(InputError) as error:
        check(cls, raw)
    (problem,) = error.value.problems
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


@pytest.mark.parametrize("row", CASES, ids=[str(row[0]) for row in CASES])
def test_bad_cases_say_what_is_wrong(row: tuple[str, dict[str, Any], str, str, str]) -> None:
    raw = {"capacity": 3.0, "retailers": [group()], **row[1]}
    refused(AllocationCase, {key: value for key, value in raw.items() if value is not None}, *row[2:])


@pytest.mark.parametrize("row", GROUPS, ids=[str(row[0]) for row in GROUPS])
def test_bad_groups_say_what_is_wrong(row: tuple[str, dict[str, Any], str, str, str]) -> None:
    _, changes, field, value, allowed = row
    refused(AllocationCase, {"capacity": 3.0, "retailers": [group(**changes)]}, f"retailers[0].{field}", value, allowed)


@pytest.mark.parametrize("row", TYPES, ids=[str(row[0]) for row in TYPES])
def test_bad_priors_say_what_is_wrong(row: tuple[str, Any, str, str, str]) -> None:
    refused(PrivateType, *row[1:])


def test_bad_arguments_say_what_is_wrong() -> None:
    own = case(group(types=None, probabilities=None, prior=PRIOR))
    with pytest.raises(InputError, match=r"retailers\[0\]\.prior: got 'uniform'; allowed: finite types here: case\.grid"):
        own.profiles()
    with pytest.raises(InputError, match=r"points: got 0; allowed: a whole number >= 1"):
        own.grid(0)
    narrow = case(group(types=None, probabilities=None, prior={"distribution": "uniform", "low": 4, "high": 4 + 1e-14}))
    with pytest.raises(InputError, match=r"points: got 1000; allowed: fewer: the prior of retailers 1"):
        narrow.grid(1000)
    with pytest.raises(InputError, match=r"samples: got 0; allowed: a whole number >= 1"):
        case().profiles(samples=0)
