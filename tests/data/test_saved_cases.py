"""Cases that are saved come back equal, and what cannot be saved leaves no file behind."""

from pathlib import Path
from typing import Any, Literal

import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import veridical as vd
from support.full_cases import FULL, RECORDS, unset
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase, InputError
from veridical.data.commented import commented
from veridical.data.demand import AnyDemand
from veridical.data.joint_plan import carriers, marketplace, pilot
from veridical.data.load import KINDS
from veridical.data.record import check
from veridical.models.allocation import OwnRevenue

QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
positive = st.floats(1e-6, 1e9)
texts = st.text(max_size=20)
names = st.lists(st.text("abcÄé.'\"#,-", min_size=1, max_size=6), min_size=1, max_size=3, unique=True)


def ascending(least: int = 1, most: int = 3) -> st.SearchStrategy[list[float]]:
    return st.lists(positive, min_size=least, max_size=most, unique=True).map(sorted)


def shares(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(1, 9), min_size=count, max_size=count).map(lambda w: [x / sum(w) for x in w])


demands = st.one_of(
    st.tuples(st.floats(0, 1e3), st.floats(1e3, 1e6)).map(lambda e: {"distribution": "uniform", "low": e[0], "high": e[1] + 1}),
    st.tuples(st.sampled_from(("normal", "lognormal", "gamma")), positive, positive).map(
        lambda d: {"distribution": d[0], "mean": d[1], "sd": d[2]}
    ),
    st.tuples(positive, positive).map(lambda d: {"distribution": "weibull", "shape": d[0], "scale": d[1]}),
    positive.map(lambda mean: {"distribution": "exponential", "mean": mean}),
    ascending().map(lambda values: {"distribution": "empirical", "values": values}),
    ascending().map(lambda values: {"distribution": "sample", "file": "past/sales.csv", "values": values}),
)


@st.composite
def assemblers(draw: st.DrawFn) -> AssemblerCase:
    suppliers = []
    for name in draw(names):
        costs = draw(ascending())
        suppliers.append({"name": name, "costs": costs, "probabilities": draw(shares(len(costs)))})
    raw = {
        "name": draw(texts),
        "description": draw(texts),
        "price": draw(positive),
        "demand": draw(demands),
        "suppliers": suppliers,
    }
    if draw(st.booleans()):
        n = len(suppliers)
        rho = draw(st.floats(0, 1))
        raw["prior"] = {"correlation": [[1.0 if i == j else rho for j in range(n)] for i in range(n)]}
    return check(AssemblerCase, raw)


@st.composite
def continuous_cases(draw: st.DrawFn) -> ContinuousCase:
    costs = st.one_of(
        st.tuples(st.floats(0, 10), st.floats(0.5, 5)).map(
            lambda e: {"distribution": "uniform", "low": e[0], "high": e[0] + e[1]}
        ),
        st.tuples(st.floats(0.5, 3), st.floats(0.5, 3), st.floats(0, 5)).map(
            lambda e: {"distribution": "beta", "a": e[0], "b": e[1], "loc": e[2], "scale": 4.0}
        ),
        st.floats(2, 6).map(lambda loc: {"distribution": "norm", "loc": loc, "scale": 2.0, "low": 1, "high": 9}),
    )
    suppliers = [{"name": name, "cost": draw(costs)} for name in draw(names)]
    raw = {"name": draw(texts), "price": draw(positive), "demand": draw(demands), "suppliers": suppliers}
    return check(ContinuousCase, raw)


@st.composite
def allocations(draw: st.DrawFn) -> AllocationCase:
    revenues = st.one_of(
        st.just({"form": "linear_demand"}),
        st.tuples(positive, positive).map(lambda e: {"form": "power_demand", "scale": e[0], "exponent": e[1]}),
        positive.map(lambda p: {"form": "newsvendor", "price": p, "demand": {"distribution": "normal", "sd": 2.0}}),
        positive.map(lambda p: {"form": "newsvendor", "price": p, "demand": {"distribution": "gamma", "shape": p}}),
    )
    groups = []
    for name in draw(names):
        group: dict[str, Any] = {"name": name, "count": draw(st.integers(1, 9)), "revenue": draw(revenues)}
        if draw(st.booleans()):
            group["types"] = draw(ascending())
            group["probabilities"] = draw(shares(len(group["types"])))
        else:
            group["prior"] = {"distribution": "expon", "loc": draw(st.floats(0, 9)), "scale": draw(st.floats(0.1, 9))}
        groups.append(group)
    capacity = {draw(st.sampled_from(("capacity", "capacity_cost"))): draw(positive)}
    terms = st.one_of(
        st.none(),
        st.sampled_from(("linear", "uniform")).map(lambda rule: {"wholesale_price": 2.5, "rule": rule}),
        positive.map(lambda e: {"wholesale_price": 1.0, "rule": "generalized_linear", "exponent": e}),
    )
    raw = {"name": draw(texts), **capacity, "retailers": groups, "fixed_price": draw(terms)}
    return check(AllocationCase, raw)


def saved(case: Any, folder: Path) -> None:
    """Assert that a case comes back equal from where it was saved, and that nothing else is left there."""
    path = case.save(folder / "case of mine.toml")
    assert vd.load(path) == case
    text, beside = commented(case)
    path.write_text(text, encoding="utf-8")
    assert vd.load(path) == case
    assert all((folder / name).read_text(encoding="utf-8") == beside[name] for name in beside)
    assert not list(folder.rglob("*.part"))


@QUICK
@given(case=st.one_of(assemblers(), continuous_cases(), allocations()))
def test_random_cases_come_back_equal(case: Any, tmp_path: Path) -> None:
    saved(case, tmp_path)


@settings(QUICK, max_examples=8)
@given(
    make=st.sampled_from((pilot, marketplace, carriers)),
    seed=st.integers(0, 99),
    weeks=st.integers(1, 4),
    description=texts,
    changes=st.fixed_dictionaries(
        {
            "pivot": st.sampled_from(("baseline", "clarke")),
            "activity_fee": positive,
            "truckload": st.booleans(),
            "share": st.floats(0, 1),
        }
    ),
)
def test_random_joint_plans_come_back_equal(
    make: Any, seed: int, weeks: int, description: str, changes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = make(seed=seed, weeks=weeks).changed(description=description, **changes)
    for world in (case, case.since(weeks)):
        folder = tmp_path_factory.mktemp("plan")
        path = world.save(folder)
        assert vd.load(path) == vd.load(folder) == world
        path.write_text(commented(world)[0], encoding="utf-8")
        assert vd.load(path) == world
        assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("name", FULL)
def test_cases_with_many_keys_come_back_equal(name: str, tmp_path: Path) -> None:
    saved(FULL[name], tmp_path)


def test_no_key_of_a_case_file_is_left_out_of_those() -> None:
    assert {name: keys for name in RECORDS if (keys := unset(RECORDS[name]))} == {}


class Shelter(vd.data.Record):
    """A part of a kind of one's own."""

    name: vd.data.Name
    beds: vd.data.Positive
    demand: AnyDemand


class Sheltering(vd.data.CaseRecord):
    """A kind of one's own."""

    kind: Literal["sheltering"] = "sheltering"
    budget: vd.data.Positive
    open: bool = True
    by_day: dict[str, float]
    shelters: tuple[Shelter, ...]


def test_a_kind_of_ones_own_comes_back_equal(tmp_path: Path) -> None:
    read = lambda raw, file, folder: check(Sheltering, raw, file, {"folder": folder})  # noqa: E731
    vd.data.register_kind("sheltering", read, Sheltering.model_fields, (Sheltering,))
    try:
        demand = {"distribution": "sample", "file": "nights.csv", "values": [3.0, 9.0]}
        shelters = [{"name": "north", "beds": 12, "demand": {"distribution": "exponential", "mean": 9}}]
        shelters.append({"name": "süd", "beds": 7.5, "demand": demand})
        fields = {"name": "winter", "budget": 900, "open": False, "by_day": {"a b": 1.0, "c": 0.25}, "unit": "beds"}
        saved(Sheltering(**fields, shelters=shelters), tmp_path)
    finally:
        del KINDS["sheltering"]


@pytest.mark.parametrize("name", vd.examples())
def test_shipped_cases_come_back_equal(name: str, tmp_path: Path) -> None:
    case = vd.example(name)
    path = case.save(tmp_path)  # a folder: it is case.toml there
    assert path == tmp_path / "case.toml"
    assert vd.load(path) == vd.load(tmp_path) == case
    case.save(tmp_path)
    assert vd.load(path) == case


def test_a_revenue_of_ones_own_cannot_be_saved_and_nothing_is_written(tmp_path: Path) -> None:
    case = vd.example("five-retailers")
    own = case.changed(
        retailers=[case.retailers[0].changed(revenue=OwnRevenue(expression=lambda q, theta: theta * pyo.log(1 + q)))]
    )
    with pytest.raises(InputError, match=r"retailers\[0\]\.revenue: got <OwnRevenue>; allowed: to save a case, one of linear"):
        own.save(tmp_path / "new" / "case.toml")
    assert list(tmp_path.iterdir()) == []


def test_what_was_saved_before_stays_whole_where_saving_fails(tmp_path: Path) -> None:
    case = vd.example("electronics")
    path = case.save(tmp_path / "case.toml")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").write_text("", encoding="utf-8")
    before = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.glob("*.*")}
    with pytest.raises(InputError, match="a folder that can be written"):
        case.changed(price=99.0).save(tmp_path / "taken" / "x" / "case.toml")
    with pytest.raises(InputError, match="a name below the folder"):
        case.changed(**{"demand.file": "../out.csv", "demand.values": [1.0]}).save(path)
    assert {file.name: file.read_text(encoding="utf-8") for file in tmp_path.glob("*.*")} == before
    assert vd.load(path) == case


def test_a_joint_plan_is_not_saved_among_other_tables(tmp_path: Path) -> None:
    vd.example("marketplace").save(tmp_path)
    with pytest.raises(InputError, match="a folder without tables of another one"):
        vd.example("pilot").save(tmp_path)
    assert vd.load(tmp_path) == vd.example("marketplace")


def test_rows_that_would_be_lost_are_refused(tmp_path: Path) -> None:
    case = vd.example("pilot")
    wrong = case.changed(**{"parties.Alder.spot_cost": {**case.party("Alder").spot_cost, "Nowhere": 1.0}})
    with pytest.raises(InputError, match="the same rows in all of lanes"):
        wrong.save(tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []


def test_of_two_fields_that_exclude_each_other_the_new_one_stays() -> None:
    market = vd.example("two-retailers")
    assert market.changed(capacity=3).capacity_cost is None
    assert market.changed(capacity=3).changed(capacity_cost=1).capacity is None
    with pytest.raises(InputError, match="exactly one of capacity"):
        market.changed(capacity=3, capacity_cost=1)
    drawn = market.changed(**{"retailers.0.prior": {"distribution": "uniform", "low": 4, "high": 8}})
    assert (drawn.retailers[0].types, drawn.retailers[0].probabilities) == (None, None)
    case = vd.example("two-suppliers").changed(prior={"correlation": [[1, 0.5], [0.5, 1]]})
    assert case.changed(**{"prior.correlation": [[1, 0], [0, 1]]}).independent


def test_demand_becomes_another_distribution_by_name() -> None:
    case = vd.example("two-suppliers").changed(demand={"distribution": "normal", "mean": 500, "sd": 100})
    assert type(case.changed(**{"demand.distribution": "gamma"}).demand) is vd.data.Gamma
    with pytest.raises(InputError, match=r"demand\.low: got 3; allowed: only the keys distribution, mean, sd"):
        case.changed(**{"demand.low": 3})
    with pytest.raises(InputError, match="a field of the case, with dots between tables"):
        case.changed(**{"price.low": 3})
    with pytest.raises(InputError, match="a field of a table, such as"):
        case.changed(**{"suppliers.panel": 3})
    assert case.changed(**{"suppliers.1.costs": [1, 2]}).suppliers[1].costs == (1.0, 2.0)
