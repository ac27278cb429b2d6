"""Records: however one is made, it is validated, and nothing computed from the fields of another comes along."""

import copy
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase, InputError, JointPlanCase, Prior
from veridical.data.joint_plan import COST, Party, Values, column
from veridical.data.record import Record, check
from veridical.models.allocation import OwnRevenue

CORRELATED, INDEPENDENT = [[0.45, 0.05], [0.05, 0.45]], [[0.25, 0.25], [0.25, 0.25]]
THREE = {
    "price": 40.0,
    "demand": {"distribution": "uniform", "low": 100, "high": 900},
    "suppliers": [
        {"name": name, "costs": costs, "probabilities": [0.4, 0.6]}
        for name, costs in (("a", [2, 7]), ("b", [1, 6]), ("c", [3, 6]))
    ],
    "prior": {"correlation": np.eye(3).tolist()},
}


def own_revenue(rate: float = 12.0) -> OwnRevenue:
    """Return a revenue given by Python."""
    return OwnRevenue(expression=lambda q, theta: rate * theta * (1 - pyo.exp(-q / theta)))


def profit(case: Any, solver: str = "closed_form") -> float:
    """Return the optimal profit."""
    return float(vd.solve(case, solver=solver).objective)


def warmed(record: Any) -> Any:
    """Return the record after everything that it computes and keeps has been asked for."""
    for name in dir(type(record)):
        if not name.startswith("__") and type(getattr(type(record), name, None)).__name__ == "cached_property":
            with suppress(InputError):  # what this case does not have
                getattr(record, name)
    for field in type(record).model_fields:
        value = getattr(record, field)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Record):
                warmed(part)
    return record


def by_copy(record: Any, **fields: Any) -> Any:
    return record.model_copy(update=fields)


def by_deep_copy(record: Any, **fields: Any) -> Any:
    return record.model_copy(update=fields, deep=True)


def by_change(record: Any, **fields: Any) -> Any:
    return record.changed(**fields)


def by_pickle(record: Any, **fields: Any) -> Any:
    return pickle.loads(pickle.dumps(record)).changed(**fields)


def by_copy_module(record: Any, **fields: Any) -> Any:
    return copy.deepcopy(copy.copy(record)).model_copy(update=fields)


WAYS = (by_copy, by_deep_copy, by_change, by_pickle, by_copy_module)
Way = Callable[..., Any]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way from a record to a changed one."""
    found: Way = request.param
    return found


# --- fresh answers ---


def test_a_changed_prior_gives_its_own_optimum(way: Way) -> None:
    case = warmed(vd.example("two-suppliers-correlated"))
    assert profit(case, "highs") == pytest.approx(5655.30, abs=0.01)
    fresh = way(case, prior=Prior(joint=INDEPENDENT))
    assert profit(fresh, "highs") == pytest.approx(4560.0)
    assert fresh.probability.tolist() == INDEPENDENT
    assert case.probability == pytest.approx(np.array(CORRELATED))


def test_a_changed_copula_gives_its_own_optimum(way: Way) -> None:
    case = check(AssemblerCase, THREE)
    for rho in (0.4, 0.8):
        matrix = [[1.0, rho, rho], [rho, 1.0, rho], [rho, rho, 1.0]]
        case = way(warmed(case), prior=Prior(correlation=matrix))
        fresh = check(AssemblerCase, {**THREE, "prior": {"correlation": matrix}})
        assert profit(case, "highs") == pytest.approx(profit(fresh, "highs"), rel=1e-9)


def test_changed_suppliers_give_their_own_optimum(way: Way) -> None:
    case = warmed(check(AssemblerCase, THREE))
    first, *others = case.suppliers
    moved = way(case, suppliers=(way(first, probabilities=(0.8, 0.2)), *others))
    raw = copy.deepcopy(THREE)
    raw["suppliers"][0]["probabilities"] = [0.8, 0.2]  # type: ignore[index]
    assert moved == check(AssemblerCase, raw)
    assert profit(moved) == pytest.approx(profit(check(AssemblerCase, raw)), rel=1e-12)


def test_changed_retailers_give_their_own_optimum(way: Way) -> None:
    market = warmed(vd.example("two-retailers"))
    group = way(market.retailers[0], probabilities=(0.05, 0.05, 0.1, 0.3, 0.5))
    fresh = way(market, retailers=(group,))
    assert profit(market) == pytest.approx(9.244, abs=1e-3)
    assert profit(fresh) == pytest.approx(13.513, abs=1e-3)
    for fields in ({"types": (5.0, 6.0, 7.0, 8.0, 9.0)}, {"count": 3}):
        moved = way(market, retailers=(way(market.retailers[0], **fields),))
        again = vd.example("two-retailers").changed(retailers=[{**market.retailers[0].model_dump(exclude_none=True), **fields}])
        assert moved == again
        assert profit(moved) == pytest.approx(profit(again), rel=1e-12)


def test_a_changed_continuous_cost_gives_its_own_optimum(way: Way) -> None:
    case = warmed(vd.example("continuous-pair"))
    first, second = case.suppliers
    moved = way(case, suppliers=(way(first, cost=way(first.cost, low=1.0, high=5.0)), second))
    supplier = {"name": first.name, "cost": {"distribution": "uniform", "low": 1.0, "high": 5.0}}
    fresh = vd.example("continuous-pair").changed(suppliers=[supplier, second])
    assert moved == fresh
    assert moved.suppliers[0].cost.virtual_cost(2.0) == fresh.suppliers[0].cost.virtual_cost(2.0) == pytest.approx(3.0)
    assert profit(moved.grid(4)) == pytest.approx(profit(fresh.grid(4)), rel=1e-12)
    assert profit(moved.grid(4)) > 1.5 * profit(case.grid(4))


def test_demands_revenues_and_types_compute_from_their_own_fields(way: Way) -> None:
    electronics = warmed(vd.example("electronics"))
    sample = way(electronics.demand, values=(10.0, 30.0))
    assert sample.points.tolist() == [10, 30]
    assert way(electronics, demand=sample).demand.expectation == 20
    assert way(electronics, **{"demand.values": (10.0, 50.0)}).demand.expectation == 30
    types = warmed(check(vd.data.PrivateType, {"distribution": "expon", "loc": 4, "scale": 2}))
    expected = check(vd.data.PrivateType, {"distribution": "expon", "loc": 4, "scale": 5})
    assert way(types, scale=5.0) == expected
    assert way(types, scale=5.0).survival(6.0) == expected.survival(6.0) != types.survival(6.0)
    newsvendor = {"form": "newsvendor", "price": 12.0, "demand": {"distribution": "normal", "sd": 1.0}}
    group = {"count": 1, "types": [4, 5], "probabilities": [0.5, 0.5], "revenue": newsvendor}
    case = warmed(check(AllocationCase, {"capacity": 3.0, "retailers": [group]}))
    moved = way(case, **{"retailers.0.revenue.demand.sd": 2.0})
    raw = {**group, "revenue": {**newsvendor, "demand": {"distribution": "normal", "sd": 2.0}}}
    assert moved == check(AllocationCase, {"capacity": 3.0, "retailers": [raw]})
    assert profit(moved) != pytest.approx(profit(case), rel=1e-6)


@pytest.mark.parametrize(
    "way", [way for way in WAYS if way is not by_pickle], ids=lambda way: way.__name__
)  # lambdas do not pickle
def test_a_revenue_of_ones_own_is_compiled_anew(way: Way) -> None:
    revenue = warmed(own_revenue())
    other = way(revenue, expression=lambda q, theta: 6 * theta * (1 - pyo.exp(-q / theta)))
    assert other.value(1.0, 2.0) == pytest.approx(0.5 * revenue.value(1.0, 2.0))
    assert "_functions" not in copy.copy(revenue)._table()
    group = {"count": 1, "types": [4, 6], "probabilities": [0.5, 0.5], "revenue": revenue}
    case = warmed(check(AllocationCase, {"capacity": 3.0, "retailers": [group]}))
    before = profit(case)
    assert profit(way(case, retailers=[way(case.retailers[0], revenue=other)])) == pytest.approx(before / 2)


def test_joint_plans_compute_from_their_own_fields(way: Way) -> None:
    case = warmed(vd.data.joint_plan.pilot(vendors=2, sites=2, regions=2, products=2, weeks=3))
    assert len(case.shared.flows) == len(case.shared.routes) * 3
    dear = way(case, routes=tuple(route._replace(price=route.price + 1) for route in case.shared.routes))
    assert dear.shared.price == pytest.approx(case.shared.price + 1)
    shared = way(case.shared, products=dict.fromkeys(case.shared.products, 1.0))
    assert set(way(case, shared=shared).shared.volume) == {1.0}
    parties = tuple(way(party, name="Zed") if party.name == "Alder" else party for party in case.parties)
    routes = tuple(route._replace(supplier=route.supplier.replace("Alder", "Zed")) for route in case.shared.routes)
    renamed = way(case, parties=parties, routes=routes)
    assert renamed.names == ("retailer", "Zed", "Birch")
    assert (renamed.shared.share("Zed") == case.shared.share("Alder")).all()
    assert renamed.shared.share("Alder").size == 0


# --- what travels ---


def records() -> list[Any]:
    """Return a record of every type, found by walking the shipped cases, and their parts."""
    found: dict[type, Any] = {}

    def walk(record: Record) -> None:
        found.setdefault(type(record), record)
        for field in type(record).model_fields:
            value = getattr(record, field)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Record):
                    walk(part)

    for name in vd.examples():
        walk(vd.example(name))
    walk(vd.example("pilot").part("Alder"))
    walk(check(AssemblerCase, THREE))
    return list(found.values())


@pytest.mark.parametrize("record", records(), ids=lambda record: type(record).__name__)
def test_a_copy_is_equal_and_holds_the_fields_alone(record: Any) -> None:
    warmed(record)
    for other in (
        copy.copy(record),
        copy.deepcopy(record),
        record.model_copy(),
        record.model_copy(deep=True),
        record.copy(),
        record.changed(),
        pickle.loads(pickle.dumps(record)),
        type(record)(**record._table()),
        type(record).model_validate(record._table()),
        type(record).model_construct(**record._table()),
    ):
        assert type(other) is type(record)
        assert other == record
        assert hash(other) == hash(record)
        # validation itself may compute: Truncated asks for the probability between its ends
        assert set(vars(other)) - set(type(record).model_fields) <= {"_base", "_upper", "_mass", "names"} | {"correlation"}
    size = len(pickle.dumps(type(record)(**record._table())))
    assert len(pickle.dumps(record)) == size  # whatever it has computed
    with pytest.raises(InputError, match=r"only the keys|a field of"):
        record.changed(no_such_field=1)
    with pytest.raises(InputError, match="frozen"):
        setattr(record, next(iter(type(record).model_fields)), 1)
    with pytest.raises(InputError, match="frozen"):
        delattr(record, next(iter(type(record).model_fields)))


def test_every_kind_of_case_is_among_them() -> None:
    kinds: set[type] = {AssemblerCase, ContinuousCase, AllocationCase, JointPlanCase}
    assert kinds <= {type(record) for record in records()}


# --- bad values ---

WORSE = [
    ("two-suppliers", {"price": -5}),
    ("two-suppliers", {"demand.low": 1e6}),
    ("two-suppliers", {"suppliers.panel.costs": [9, 4]}),
    ("two-suppliers", {"suppliers.0.probabilities": [0.5, 0.6]}),
    ("two-suppliers-correlated", {"prior.joint": [[1.0]]}),
    ("continuous-pair", {"suppliers.0.cost.high": -1.0}),
    ("two-retailers", {"capacity": -1}),
    ("two-retailers", {"retailers.0.count": 0}),
    ("two-retailers", {"retailers.0.types": [3, 2, 1, 4, 5]}),
    ("pilot", {"parties.Alder.smoothing": -1.0}),
    ("pilot", {"parties.Alder.spot_cost": {"Lyon": float("nan")}}),
    ("pilot", {"parties.Alder.spot_cost": {}}),
    ("pilot", {"weeks": 2.5}),
    ("pilot", {"truckload": 1}),
    ("pilot", {"pivot": "groves"}),
    ("pilot", {"mechanism.share": 2}),
    ("pilot", {"shared.products": {"soap": -1}}),
]


SHIPPED = {name: vd.example(name) for name in vd.examples()}


@pytest.mark.parametrize(("name", "fields"), WORSE, ids=lambda value: str(value)[:40])
def test_bad_values_are_refused_on_every_way(name: str, fields: dict[str, Any], way: Way) -> None:
    with pytest.raises(InputError):
        way(SHIPPED[name], **fields)


@pytest.mark.parametrize("record", records(), ids=lambda record: type(record).__name__)
def test_every_way_in_raises_input_errors(record: Any) -> None:
    cls = type(record)
    wrong: tuple[Any, ...] = ({"no_such": 1}, 5, None, [], "text")
    for raw in wrong:
        with pytest.raises(InputError):
            cls.model_validate(raw)
    with pytest.raises(InputError):
        cls.model_validate_json('{"no_such": 1}')
    with pytest.raises(InputError):
        cls(no_such=1)
    with pytest.raises(InputError):
        cls.model_construct(no_such=1)
    for field in cls.model_fields:
        with pytest.raises(InputError):
            record.model_copy(update={field: object()})


def test_a_damaged_pickle_is_refused() -> None:
    case = vd.example("two-suppliers")
    rebuild, (cls, table) = case.__reduce__()
    with pytest.raises(InputError, match="price"):
        rebuild(cls, {**table, "price": -5.0})


def test_parts_that_are_records_are_taken_as_they_are() -> None:
    case = vd.example("two-suppliers")
    assert case.changed(price=31).demand is case.demand
    pilot = vd.example("pilot")
    assert pilot.changed(pivot="clarke").parties[0] is pilot.parties[0]


def test_a_role_is_a_plain_subclass() -> None:
    class Customer(Party):
        role: ClassVar[str] = "customer"
        side: ClassVar[str] = "receiver"
        worth: Values = column("worth.csv", ("site",), "worth (currency per unit)", COST)

    customer = Customer(name="shop", worth=Values({"Lyon": 3.0}))
    assert customer.scaled(COST, 2.0).worth["Lyon"] == 6.0
    assert customer.replace(worth={"Lyon": 1}) == Customer(name="shop", worth=Values({"Lyon": 1.0}))
    for bad in (-1.0, float("inf")):
        with pytest.raises(InputError, match=r"shop\.worth\['Lyon'\]: got .*; allowed: a finite number >= 0"):
            customer.changed(worth={"Lyon": bad} if bad < 0 else Values({"Lyon": bad}))
    with pytest.raises(InputError, match="missing required key: worth"):
        Customer(name="shop")
