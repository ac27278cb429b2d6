"""What models of parties say of themselves: names of every index, identities; and what users may call their own components."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical import models
from veridical.data import JointPlanCase
from veridical.data.joint_plan import COST, LEVELS, Party, Values, carriers, column, marketplace, pilot
from veridical.models.info import info_of
from veridical.models.joint_plan import jit, joint, party_model, register
from veridical.models.joint_plan.vocabulary import numbers, paid
from veridical.solvers.planners import Central, costs_at, settle
from veridical.solvers.planners import joint as planned
from veridical.solvers.planners import just_in_time as baseline

PLACE, GOODS, WEEK = ("site", "week"), ("site", "product", "week"), ("week",)
LANES = {"lane_volume": PLACE, "lane_split": PLACE, "lane_contract": PLACE}
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "retailer": {
        "stock_balance": GOODS,
        "demand": ("region", "product", "week"),
        "inbound_volume": PLACE,
        "inbound_capacity": PLACE,
    },
    "shipper": {"waiting_balance": GOODS, "booked": GOODS, "loading_volume": PLACE, "dock_capacity": WEEK},
    "seller": {"stock_balance": ("product", "week"), "handling": WEEK, **LANES},
    "carrier": {**LANES, "fleet": WEEK, "carried_volume": WEEK, "weekly_change": WEEK},
}
NAMES["marketplace"] = NAMES["retailer"]
NAMES["vendor"] = NAMES["seller"] | {"production_volume": WEEK, "production_capacity": WEEK, "weekly_change": WEEK}
LIMITS = {"demand", "inbound_capacity", "dock_capacity", "handling", "lane_contract", "fleet", "production_capacity"}
CLASHES = (
    *("case", "start", "shares", "part", "levels", "named", "complementarity", "contract_menu", "how"),
    *("data", "price", "parties", "stock_balance", "demand"),
)
Make = Callable[..., JointPlanCase]


@pytest.mark.parametrize("make", [pilot, marketplace, carriers])
def test_every_family_has_its_names(make: Make) -> None:
    case = make(weeks=2)
    model = joint.build(case, np.ones(len(case.shared.flows)), activity_fee=0.1)
    info, duals = info_of(model), vd.solvers.solve(model, "highs").duals
    families = {family: names for party in case.parties for family, names in NAMES[party.role].items()}
    families |= {"stock_balance": GOODS} if "stock_balance" in families else {}
    assert set(duals) == {*families, "agreement", "activity"}
    for family, names in families.items():
        assert info.index_names[family] == ("party", *names)
        assert duals[family].index.names == ["party", *names]
    for family in ("agreement", "activity"):
        assert tuple(duals[family].index.names) == info.index_names[family] == LEVELS
    assert set(duals) - info.identities == LIMITS & families.keys()
    assert info.identities <= set(duals)
    assert settle(case, "vcg", activity_fee=0.0).identities == info.identities - {"activity"}
    for party in case.parties:
        alone = party_model(case, party.name)
        assert info_of(alone).index_names == NAMES[party.role]
        assert info_of(alone).identities == NAMES[party.role].keys() - LIMITS
        for family, series in vd.solvers.solve(fixed(alone), "highs").duals.items():
            assert tuple(series.index.names) == NAMES[party.role][family]
    receivers = {family for name in case.receivers for family in NAMES[case.party(name).role]}
    assert info_of(jit.build(case)).index_names.keys() == receivers


def above(units: Any) -> Callable[[Any, int], Any]:
    """Return the rule of constraints that always hold."""
    return lambda _, k: units <= 1000 + k


def fixed(model: Any) -> Any:
    for units in model.plan.values():
        units.fix(20.0)
    return model


def test_a_stock_without_a_site_has_none_in_its_index() -> None:
    case = pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)
    duals = vd.solvers.solve(joint.build(case), "highs").duals["stock_balance"].reset_index()
    vendors = duals[duals["party"] != "retailer"]
    assert vendors["site"].isna().all()
    assert set(vendors["product"]) <= set(case.shared.products)
    assert vendors["week"].tolist() == [1, 2, 1, 2]
    suppliers_alone = joint.build(case, np.ones(len(case.shared.flows)), ["retailer"])
    assert vd.solvers.solve(suppliers_alone, "highs").duals["stock_balance"].index.names == ["party", "product", "week"]


class Customer(Party):
    """Buys for what units are worth to him at a site."""

    role: ClassVar[str] = "customer"
    side: ClassVar[str] = "receiver"
    worth: Values = column("worth.csv", ("site",), "worth (currency per unit)", COST)


def buys(block: Any, flows: Any, worth: Any, purchase: Any) -> None:
    block.cost = pyo.Expression(
        expr=purchase + pyo.quicksum(x**2 / 2 - worth[flow.site] * x for flow, x in zip(flows, block.plan.values(), strict=True))
    )


def customer_case() -> JointPlanCase:
    case = pilot(vendors=2, sites=2, regions=1, products=2, weeks=2)
    worth = Values(dict.fromkeys(case.shared.sites, 60.0))
    return case.changed(parties=(Customer(name="retailer", worth=worth), *case.parties[1:]))


def declare(block: Any, record: Customer, shared: Any, flows: Any) -> None:
    """Declare the role without names of its own."""
    block.plan = pyo.Var(flows, domain=pyo.NonNegativeReals)
    buys(block, flows, record.worth, pyo.quicksum(c * x for c, x in zip(shared.price, block.plan.values(), strict=True)))


KINDS: dict[str, Callable[[str], Any]] = {
    "variable": lambda name: pyo.Var(bounds=(0, 1), initialize=0.0),
    "constraint": lambda name: pyo.Constraint([1, 2], rule=lambda block, k: next(iter(block.plan.values())) <= 1000 + k),
    "scalar constraint": lambda name: pyo.Constraint(rule=lambda block: next(iter(block.plan.values())) <= 1000),
    "block": lambda name: pyo.Block(rule=lambda block: block.add_component(name, pyo.Var(initialize=0.0))),
    "expression": lambda name: pyo.Expression(expr=1.0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_role_of_ones_own_calls_its_components_anything(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def clashing(block: Any, record: Any, shared: Any, flows: Any) -> None:
        declare(block, record, shared, flows)
        for name in CLASHES:
            block.add_component(name, KINDS[kind](name))

    case = customer_case()
    monkeypatch.setitem(models.joint_plan.DECLARATIONS, "customer", models.joint_plan.Declaration(declare))
    expected, start = planned(case), baseline(case)
    monkeypatch.setitem(models.joint_plan.DECLARATIONS, "customer", models.joint_plan.Declaration(clashing))
    found = planned(case)
    assert found.total == pytest.approx(expected.total, rel=1e-9)
    assert baseline(case).units == pytest.approx(start.units, rel=1e-6)
    assert costs_at(case, found.units).sum() == pytest.approx(found.total, rel=1e-6)
    for family in ("stock_balance", "handling", "agreement"):
        pd_names = list(expected.duals[family].index.names)
        assert found.duals[family].index.names == pd_names
        assert found.duals[family].index.equals(expected.duals[family].index)
    if "constraint" in kind:
        for name in ("demand", "customer.stock_balance", "price"):
            assert set(found.duals[name].abs() < 1e-6) == {True}
    gains = settle(case, "vcg", Central(), pivot="clarke").net_gains
    assert all(gains[name] >= -1e-6 for name in case.suppliers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_user_adds_components_of_any_name_to_a_model(kind: str) -> None:
    case = pilot(vendors=2, sites=2, regions=1, products=2, weeks=2)
    expected = vd.solvers.solve(joint.build(case), "highs")
    for build in (joint.build, lambda case: party_model(case, "retailer")):
        model = build(case)
        single = not hasattr(model, "parties")
        for name in (*CLASHES, "activity", "fee", "handling", "weekly_change"):
            made = KINDS[kind](name)
            if "constraint" in kind:
                units = next(iter((model if single else model.parties["retailer"]).plan.values()))
                made = pyo.Constraint(expr=units <= 1000) if "scalar" in kind else pyo.Constraint([1, 2], rule=above(units))
            if model.component(name) is None:
                model.add_component(name, made)
        found = vd.solvers.solve(model if not single else fixed(model), "highs")
        assert {family: len(series) for family, series in found.duals.items()}
        if not single:
            assert found.objective == pytest.approx(expected.objective, rel=1e-9)
            assert found.duals["handling"].index.equals(expected.duals["handling"].index)
            assert joint.plan_of(model).shape == (len(case.shared.flows),)
            if "constraint" in kind:
                assert {"case", "start", "joint.handling", "joint.weekly_change", "activity"} <= set(found.duals)


def test_a_registered_role_says_what_its_constraints_and_numbers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_names(block: Any, record: Any, shared: Any, flows: Any) -> None:
        data = numbers(block, record)
        block.plan = pyo.Var(flows, domain=pyo.NonNegativeReals)
        block.bought = pyo.Var(shared.weeks, domain=pyo.NonNegativeReals)
        groups = {t: [flow for flow in flows if flow.week == t] for t in shared.weeks}
        block.weekly = pyo.Constraint(shared.weeks, rule=lambda b, t: sum(b.plan[flow] for flow in groups[t]) == b.bought[t])
        block.purse = pyo.Constraint(shared.weeks, rule=lambda b, t: b.bought[t] <= 15.0)
        buys(block, flows, data.worth, paid(block, shared, block.plan))

    monkeypatch.setattr(models.joint_plan.party, "DECLARATIONS", dict(models.joint_plan.DECLARATIONS))
    register("customer", with_names, levels={"weekly": ("week",), "purse": ("week",)}, identities=["weekly"])
    case = customer_case()
    model = joint.build(case)
    found = vd.solvers.solve(model, "highs")
    assert found.duals["purse"].index.names == ["party", "week"]
    assert (found.duals["purse"] < -1e-6).all()
    assert "weekly" in info_of(model).identities
    assert "purse" not in info_of(model).identities
    info_of(model).parameters["retailer.worth[Breda]"].set_value(90.0)
    worth = Values({**case.party("retailer").worth, "Breda": 90.0})
    richer = case.reporting("retailer", case.party("retailer").replace(worth=worth))
    assert vd.solvers.solve(model, "highs").objective == pytest.approx(planned(richer).total, rel=1e-9)
