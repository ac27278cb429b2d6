"""The table of properties: every property of every kind of outcome is a result, or an error that says what it applies to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.party_models import auction
from veridical.contracts import Allotment, DirectMechanism, Menu, PropertyResult, Settlement, VCGOutcome
from veridical.contracts.coalitions import COALITIONS
from veridical.contracts.joint_plan.audit import examine
from veridical.contracts.orders import Equilibrium
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.closed_form.continuous_rule import Rule
from veridical.solvers.planners import Central, settle

SEARCHES = ("receiver_ic", "group_ic", "false_name_ic")
APPLIES: Mapping[type, tuple[str, ...]] = {
    Menu: ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced", "budget", "capacity", *COALITIONS),
    Allotment: ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "monotone", "capacity", *COALITIONS),
    Equilibrium: ("bayesian_ic", "interim_ir", "capacity", "equilibrium"),
    Settlement: (
        "dominant_strategy_ic",
        "bayesian_ic",
        "receiver_ic",
        "group_ic",
        "false_name_ic",
        "core",
        "ex_post_ir",
        "budget",
        "savings",
    ),
    DirectMechanism: (
        *("dominant_strategy_ic", "ex_post_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "ex_ante_ir"),
        *COALITIONS,
        *("budget", "expected_budget"),
    ),
    Rule: ("dominant_strategy_ic", "ex_post_ir", "balanced"),
    VCGOutcome: ("dominant_strategy_ic", "ex_post_ir", "budget"),
}
PLANNED = ("dominant_strategy_ic", "bayesian_ic", *SEARCHES, "core")


@pytest.fixture(scope="module")
def plan() -> JointPlanCase:
    """Return a joint plan that is quick to solve."""
    return pilot(vendors=2, sites=1, regions=2, products=2, weeks=2)


@pytest.fixture(scope="module")
def outcomes(plan: JointPlanCase) -> dict[str, Any]:
    """Return an outcome of every kind; of settlements one under a prior, and one without."""
    retailers = vd.example("two-retailers")
    assert isinstance(retailers, vd.data.AllocationCase)
    terms = {"wholesale_price": 4.0, "rule": "linear"}
    item = auction({"Ada": 9.0, "Ben": 5.0})
    menu = vd.solve(vd.example("two-suppliers"), "icds", "closed_form")
    continuous = vd.example("continuous-pair")
    assert isinstance(continuous, vd.data.ContinuousCase)
    return {
        "menu": menu.contracts,
        "allotment": vd.solve(retailers.changed(capacity_cost=None, capacity=2.0), "allocation", "closed_form").contracts,
        "equilibrium": vd.solve(
            retailers.changed(capacity_cost=None, capacity=2.0, fixed_price=terms), "fixed_price", "closed_form"
        ).contracts,
        "vcg": settle(plan, "vcg", Central()),
        "agv": settle(plan, "agv", Central(), cost_factors=(1.0, 1.2)),
        "rule": Rule(continuous),
        "direct": trade(),
        "blocks": vd.vcg(item, item.party),
    }


KINDS = {
    "menu": Menu,
    "allotment": Allotment,
    "equilibrium": Equilibrium,
    "vcg": Settlement,
    "agv": Settlement,
    "rule": Rule,
    "direct": DirectMechanism,
    "blocks": VCGOutcome,
}


def trade() -> DirectMechanism:
    """Return the best trade with a balanced budget."""
    types = vd.TypeSpace({"seller": [0.0, 2.0], "buyer": [1.0, 3.0]})
    m = pyo.ConcreteModel()
    m.trade, m.payment = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.agents, types.profiles)

    def utility(m: Any, agent: str, theta: float, reports: Any) -> Any:
        return m.payment[agent, reports] + (theta if agent == "buyer" else -theta) * m.trade[reports]

    vd.truthful(m, types, utility)
    vd.budget(m, types, m.payment)
    m.surplus = pyo.Objective(expr=types.expectation(lambda r: (r[1] - r[0]) * m.trade[r]), sense=pyo.maximize)
    mechanism = vd.solvers.solve(m).contracts
    assert isinstance(mechanism, DirectMechanism)
    return mechanism


def test_the_table_says_what_each_property_applies_to() -> None:
    for name, property_ in vd.PROPERTIES.items():
        assert set(property_.outcomes) == {kind for kind, names in APPLIES.items() if name in names}
        assert property_.summary
    assert {name for names in APPLIES.values() for name in names} == set(vd.PROPERTIES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", vd.PROPERTIES)
def test_every_property_of_every_outcome_is_a_result_or_an_error_that_says_why(
    name: str, kind: str, outcomes: dict[str, Any]
) -> None:
    outcome, property_ = outcomes[kind], vd.PROPERTIES[name]
    assert isinstance(outcome, KINDS[kind])
    if name not in APPLIES[KINDS[kind]] or (name, kind) == ("bayesian_ic", "vcg"):
        with pytest.raises(InputError) as error:
            property_(outcome, planner=Central())
        words = str(error.value)
        assert name in words
        assert type(outcome).__name__ in words
        assert all(each.__name__ in words for each in property_.outcomes)
        return
    if KINDS[kind] is Settlement and name in PLANNED:
        with pytest.raises(InputError, match="planner: got None; allowed: who plans what misreports lead to"):
            property_(outcome)
        result = property_(outcome, planner=Central())
    else:
        result = property_(outcome)
    assert isinstance(result, PropertyResult)
    assert result.name == name
    assert bool(result) == result.holds
    assert result.holds or result.worst > 0
    assert str(result).startswith(f"{name} {'holds' if result.holds else 'fails'}: worst ")


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_says_what_the_audit_says(kind: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[kind]
    if kind == "rule":
        expected: Mapping[str, PropertyResult] = outcome.check_properties()[0]
    elif KINDS[kind] is Settlement:
        expected = examine(outcome, Central()).properties
    else:
        expected = vd.contracts.audit(outcome).properties
    assert {name: vd.PROPERTIES[name](outcome, planner=Central()) for name in expected} == dict(expected)
    if KINDS[kind] is not Settlement:
        assert set(expected) == set(APPLIES[KINDS[kind]])


def test_whoever_lies_is_named(plan: JointPlanCase, outcomes: dict[str, Any]) -> None:
    menu = outcomes["menu"]
    paid = Menu(menu.case, menu.quantity, menu.payment * 0.5)
    assert not vd.PROPERTIES["ex_post_ir"](paid)
    settlement = outcomes["vcg"]
    name = plan.suppliers[0]
    robbed = replace(settlement, transfers={**settlement.transfers, name: -1e6})
    assert vd.PROPERTIES["ex_post_ir"](robbed).where == name
    assert not vd.PROPERTIES["ex_post_ir"](robbed)
    allotment = replace(outcomes["allotment"], by_type=2 * outcomes["allotment"].by_type)
    result = vd.PROPERTIES["capacity"](allotment)
    assert not result
    assert result.where.startswith("types ")


@pytest.mark.parametrize("outcome", [None, 3, "menu.csv", np.zeros(2), object()], ids=lambda outcome: type(outcome).__name__)
def test_what_is_no_outcome_is_refused(outcome: Any) -> None:
    for name, property_ in vd.PROPERTIES.items():
        with pytest.raises(InputError, match=f"outcome: got <{type(outcome).__name__}>; allowed: for the property {name} one of"):
            property_(outcome)


def test_a_user_can_enter_an_outcome_of_his_own() -> None:
    from veridical.contracts import properties  # the table that is restored below

    class Own:
        pass

    def check(outcome: Own, name: str, planner: Any) -> PropertyResult:
        return PropertyResult(name, True, -1.0)

    properties.applies_to(Own, "savings", check=check)
    try:
        assert Own in vd.PROPERTIES["savings"].outcomes
        assert vd.PROPERTIES["savings"](Own()).worst == -1.0
        with pytest.raises(InputError, match="for the property budget one of"):
            vd.PROPERTIES["budget"](Own())
    finally:
        del properties._CHECKS[Own]
