"""Misreports to VCG of any model: what is tried, what is not counted, and that a rule which rewards them is caught."""

import json
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.party_models import parties, suppliers

COSTS, CAPACITIES = {"a": 3.0, "b": 4.5, "c": 7.0}, {"a": 5.0, "b": 6.0, "c": 30.0}


def test_every_party_misreports_costs_terms_and_params_and_none_gains() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    audit = vd.vcg(m, m.party).audit(misreports=6, seed=2)
    assert audit.truthful
    assert audit.searched + audit.failed == 18
    assert set(audit.tried) >= {"all of the cost", "Params"}
    assert audit.misreports == ()
    assert audit.properties["ex_post_ir"].holds
    assert not audit.properties["budget"].holds  # sellers are paid for what somebody wants
    assert audit.to_dict()["searched"] == audit.searched


def test_an_audit_is_the_same_for_a_seed_and_leaves_the_model_alone() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    outcome = vd.vcg(m, m.party)
    before = [(v.value, v.fixed) for v in m.component_data_objects(pyo.Var)]
    first, second, other = (outcome.audit(misreports=3, seed=seed) for seed in (1, 1, 2))
    assert first.to_dict() == second.to_dict()
    worst, of_another_seed = (audit.properties["dominant_strategy_ic"].report for audit in (first, other))
    assert worst != of_another_seed
    assert [(v.value, v.fixed) for v in m.component_data_objects(pyo.Var)] == before
    assert pyo.value(m.party["a"].unit_cost) == 3.0


def alone(m: Any, name: str) -> None:
    """Leave the buyer's need where it is, without the buyer; without the seller nothing is delivered."""
    m.receipt.deactivate()
    m.party[name].deactivate()
    (m.party["buyer"].gets if name == "buyer" else m.party["seller"].makes).fix(0.0)
    if name == "seller":
        m.delivery.deactivate()
        m.party["buyer"].gets.fix(0.0)


def test_what_a_party_reports_outside_of_its_block_is_caught() -> None:
    """A need that stays in the world without the party moves what it is paid: it gains by asking for more."""

    def buyer(block: Any) -> Any:
        block.need = pyo.Param(initialize=3.0, mutable=True)
        block.gets = pyo.Var(bounds=(0, None))
        return -10 * block.gets + block.gets**2 / 2

    def seller(block: Any) -> Any:
        block.makes = pyo.Var(bounds=(0, None))
        return 4 * block.makes

    m = parties({"buyer": buyer, "seller": seller})
    m.delivery = pyo.Constraint(expr=m.party["seller"].makes >= m.party["buyer"].need)
    m.receipt = pyo.Constraint(expr=m.party["buyer"].gets == m.party["seller"].makes)
    outcome = vd.vcg(m, m.party, absent=alone)
    audit = outcome.audit(misreports=8)
    assert audit.truthful is False
    (worst, *_) = audit.misreports
    assert worst.party == "buyer"
    assert worst.report.startswith("need x 1.")
    more = 3.0 * float(worst.report.split()[-1])
    # The plan is 6 units, whatever is needed up to that; without the buyer the others pay 4 for each unit of the need.
    assert worst.gain == pytest.approx(4 * (more - 3.0), rel=1e-3)


def test_a_plan_that_the_truth_cannot_keep_is_not_counted() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)

    def boastful(m: Any, name: str, k: int) -> None:
        m.party[name].capacity.set_value((k + 1) * CAPACITIES[name])

    audit = vd.vcg(m, m.party).audit(misreports=2, misreport=boastful)
    # a can deliver 5 and would have to deliver 9; b keeps 4, and c nothing, whatever they boast of
    assert audit.failed == 1
    assert audit.tried == {"the caller's": 5, "whose plan the party could not keep": 1}
    assert audit.truthful


def test_a_promise_that_stands_outside_of_the_block_has_to_be_kept_too() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    for block in m.party.values():
        block.limit.deactivate()
    m.limit = pyo.Constraint(list(COSTS), rule=lambda m, name: m.party[name].units <= m.party[name].capacity)
    audit = vd.vcg(m, m.party).audit(misreports=1, misreport=lambda m, name, k: m.party[name].capacity.set_value(50.0))
    assert audit.tried == {"the caller's": 2, "whose plan the party could not keep": 1}
    assert audit.truthful


def test_a_liar_decides_anew_on_what_nobody_else_sees() -> None:
    """Overtime is the party's own: with less capacity than it reported it works longer, and that is what the lie costs."""

    def workshop(regular: float, price: float) -> Any:
        def cost(block: Any) -> Any:
            block.regular = pyo.Param(initialize=regular, mutable=True)
            block.units, block.overtime = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
            block.hours = pyo.Constraint(expr=block.units <= block.regular + block.overtime)
            return price * block.units + 6 * block.overtime

        return cost

    m = parties({"slow": workshop(4.0, 2.0), "dear": workshop(100.0, 5.0)})
    m.demand = pyo.Constraint(expr=sum(block.units for block in m.party.values()) >= 10)
    outcome = vd.vcg(m, m.party)
    audit = outcome.audit(misreports=1, misreport=lambda m, name, k: m.party[name].regular.set_value(10.0))
    assert audit.searched == 2
    # Paid 10 * 5 for all of it, at a cost of 20 + 6 * 6, it gains -6 in place of 20 - 8.
    worst = audit.properties["dominant_strategy_ic"]
    assert worst.holds
    slow = vd.vcg(m, {"slow": m.party["slow"]}).audit(
        misreports=1, misreport=lambda m, name, k: m.party[name].regular.set_value(10.0)
    )
    assert slow.properties["dominant_strategy_ic"].worst == pytest.approx(-6.0 - 12.0)


def test_nothing_is_said_where_nothing_was_tried() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    audit = vd.vcg(m, m.party).audit(misreports=0)
    assert audit.truthful is None
    assert audit.searched == 0


@pytest.mark.parametrize("misreports", [-1, True, 1.5])
def test_a_number_of_misreports_is_a_whole_one(misreports: Any) -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    with pytest.raises(vd.InputError, match="misreports"):
        vd.vcg(m, m.party).audit(misreports=misreports)


def test_an_edit_of_the_model_itself_is_undone_and_refused() -> None:
    m = suppliers(COSTS, CAPACITIES, 9.0)
    outcome = vd.vcg(m, m.party)
    with pytest.raises(vd.InputError, match="misreport: got <a function that alters the model itself>"):
        outcome.audit(misreports=1, misreport=lambda _, name, k: m.party[name].units.fix(1.0))
    assert not any(v.fixed for v in m.component_data_objects(pyo.Var))


def test_outcomes_are_tables_words_and_json() -> None:
    m = suppliers({"<b>a</b>": 3.0, "b": 4.5, "c": 7.0}, {"<b>a</b>": 5.0, "b": 30.0, "c": 30.0}, 9.0)
    outcome = vd.vcg(m, m.party)
    record = json.loads(json.dumps(outcome.to_dict()))
    assert record["parties"][0] == {
        "name": "<b>a</b>",
        "cost": 15.0,
        "transfer": 22.5,
        "net_gain": 7.5,
        "objective_without": 40.5,
    }
    assert record["budget"] == outcome.budget == pytest.approx(-sum(outcome.transfers))
    assert list(outcome.to_frame().columns) == ["cost", "transfer", "net_gain", "objective_without"]
    assert "&lt;b&gt;a&lt;/b&gt;" in outcome._repr_html_()
    assert "<b>a" not in outcome._repr_html_()
    words = outcome.explain()
    assert "- b: cost 18, is paid 28, gains 10" in words
    assert "The operator pays in 50.5 by the transfers." in words
    assert "no misreport was tried" in words


def test_properties_are_asked_of_an_outcome_like_of_any_other() -> None:
    m = suppliers({"a": 3.0, "c": 7.0}, {"a": 5.0, "c": 30.0}, 9.0)
    outcome = vd.vcg(m, {"a": m.party["a"]})
    audit = outcome.audit()
    assert {name: vd.PROPERTIES[name](outcome) for name in audit.properties} == audit.properties
