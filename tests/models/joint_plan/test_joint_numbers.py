"""Numbers of a built joint model can be changed: the optimum is that of the changed case; and it is the one from before."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.data import JointPlanCase
from veridical.data.joint_plan import CAPACITY, Party, Values, carriers, marketplace, pilot
from veridical.models.info import info_of
from veridical.models.joint_plan import jit, joint, party_model
from veridical.solvers.planners import cost_at

Make = Callable[..., JointPlanCase]

RECORDED = [  # objectives of joint and baseline models, from when their rows were lists of coefficients
    (pilot, 3, 16764.239074556626, 27765.764016118675),
    (pilot, 11, 15780.372064203199, 26508.76692496426),
    (marketplace, 3, 11612.639497212647, 74192.8344683426),
    (marketplace, 11, 10011.033043422862, 71273.37527655148),
    (carriers, 3, 80669.77857522659, 115430.72698333334),
    (carriers, 11, 63337.98192424457, 85326.26909583334),
]
CHANGES = [
    (pilot, "retailer", "demand", 1.2),
    (pilot, "retailer", "outbound_cost", 1.5),
    (pilot, "retailer", "stock", 0.5),
    (pilot, "retailer", "penalty", 0.2),
    (pilot, "retailer", "inbound_capacity", 0.7),
    (pilot, "retailer", "inbound_overtime", 3.0),
    (pilot, "retailer", "congestion", 4.0),
    (pilot, "Alder", "stock", 0.5),
    (pilot, "Alder", "production_capacity", 0.6),
    (pilot, "Alder", "production_cost", 1.3),
    (pilot, "Alder", "smoothing", 5.0),
    (pilot, "Alder", "handling_capacity", 0.5),
    (pilot, "Alder", "handling_overtime", 2.0),
    (pilot, "Alder", "contract", 0.5),
    (pilot, "Alder", "lane_congestion", 3.0),
    (marketplace, "supplier", "arrivals", 0.5),
    (marketplace, "supplier", "expediting_cost", 0.3),
    (marketplace, "supplier", "holding_cost", 3.0),
    (carriers, "receiver", "ready", 1.3),
    (carriers, "receiver", "market_cost", 0.2),
    (carriers, "receiver", "dock_overtime", 0.3),
    (carriers, "receiver", "dock_capacity", 0.6),
    (carriers, "supplier", "fleet", 0.6),
    (carriers, "supplier", "truck_days", 1.4),
    (carriers, "supplier", "smoothing", 5.0),
    (carriers, "supplier", "previous_volume", 0.5),
]


def optimum(model: Any) -> float:
    return vd.solvers.solve(model, "highs").objective


def scarce(case: JointPlanCase) -> JointPlanCase:
    """Return the case with half of every capacity, so that every number counts, and a week before the first."""
    before = {"previous_production": 100.0, "previous_volume": 100.0}
    parties = []
    for party in case.parties:
        fields = {name: number for name, number in before.items() if name in party.columns()}
        parties.append(party.scaled(CAPACITY, 0.5).replace(**fields))
    return case.changed(parties=tuple(parties))


def assign(data: Any, record: Party, field: str) -> None:
    """Give a field's Params the values of a record."""
    value = getattr(record, field)
    for key, number in value.items() if isinstance(value, Values) else [(None, value)]:
        getattr(data, field)[key] = number


@pytest.mark.parametrize(("make", "seed", "together", "alone"), RECORDED)
def test_optima_are_those_of_the_models_before(make: Make, seed: int, together: float, alone: float) -> None:
    case = make(weeks=3, seed=seed)
    assert optimum(joint.build(case)) == pytest.approx(together, rel=1e-9)
    assert optimum(jit.build(case)) == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize(("make", "party", "field", "factor"), CHANGES)
def test_a_changed_number_gives_the_optimum_of_the_changed_case(make: Make, party: str, field: str, factor: float) -> None:
    case = scarce(make(weeks=3, seed=2))
    name = {"supplier": case.suppliers[0], "receiver": case.receivers[0]}.get(party, party)
    record = case.party(name).scaled(field, factor)
    changed = case.reporting(name, record)
    model = joint.build(case)
    before = optimum(model)
    assign(model.parties[name].data, record, field)
    assert optimum(model) == pytest.approx(optimum(joint.build(changed)), rel=1e-9)
    assert abs(optimum(model) - before) > 1e-4
    alone = party_model(case, name)
    assign(alone.data, record, field)
    plan = np.full(len(case.shared.flows), 30.0)
    for units in alone.plan.values():
        units.fix(30.0)
    assert optimum(alone) == pytest.approx(cost_at(changed, name, plan), rel=1e-9)


@pytest.mark.parametrize("field", ["smoothing", "lane_congestion"])
def test_a_square_that_costs_nothing_can_be_made_to_cost(field: str) -> None:
    case = pilot(weeks=3, seed=2)
    record = case.party("Alder")
    free = case.reporting("Alder", record.scaled(field, 0.0))
    model = joint.build(free)
    assert optimum(model) < optimum(joint.build(case))
    assign(model.parties["Alder"].data, record, field)
    assert optimum(model) == pytest.approx(optimum(joint.build(case)), rel=1e-9)


def test_a_model_in_which_no_square_costs_anything_is_a_linear_program() -> None:
    case = pilot(vendors=2, sites=2, regions=2, products=2, weeks=2)
    for name in case.names:
        record = case.party(name)
        for field in ("smoothing", "lane_congestion", "congestion"):
            if field in record.columns():
                record = record.scaled(field, 0.0)
        case = case.reporting(name, record)
    found = vd.solvers.solve(joint.build(case), "highs")
    assert found.certificate.holds
    assert found.objective == pytest.approx(vd.solvers.solve(joint.build(case), "ipopt").objective, rel=1e-6)


def test_prices_fees_and_the_tie_break_can_be_changed() -> None:
    case = pilot(weeks=3, seed=2)
    start = np.round(vd.solvers.planners.just_in_time(case, priced=False).units)
    model = joint.build(case, start, activity_fee=0.1)
    model.activity_fee.set_value(0.4)
    assert optimum(model) == pytest.approx(optimum(joint.build(case, start, activity_fee=0.4)), rel=1e-9)
    dearer = case.changed(routes=tuple(route._replace(price=1.1 * route.price) for route in case.shared.routes))
    assert optimum(joint.build(dearer)) == pytest.approx(optimum(joint.build(case)), rel=1e-9)  # what one pays the other gets
    alone, party = jit.build(case), party_model(case, "retailer")
    for route in case.shared.routes:
        alone.price[route[:4]] = 1.1 * route.price
        party.data.price[route[:4]] = 1.1 * route.price
    alone.tie_break.set_value(5e-3)
    assert optimum(alone) == pytest.approx(optimum(jit.build(dearer.changed(tie_break=5e-3))), rel=1e-9)
    for units, before in zip(party.plan.values(), start.tolist(), strict=True):
        units.fix(before)
    assert optimum(party) == pytest.approx(cost_at(dearer, "retailer", start), rel=1e-9)


def test_whole_trucks_take_changed_numbers() -> None:
    case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1, seed=4).changed(truckload=True, truck_volume=3.0)
    record = case.party("Alder").scaled("spot_cost", 0.5)
    model = joint.build(case)
    assign(model.parties["Alder"].data, record, "spot_cost")
    exact = {"solver": "highs", "tolerance": 1e-7}
    expected = vd.solvers.solve(joint.build(case.reporting("Alder", record)), exact).objective
    assert vd.solvers.solve(model, exact).objective == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("make", [pilot, marketplace, carriers])
def test_every_number_of_a_record_is_a_parameter_by_name(make: Make) -> None:
    case = make(weeks=2)
    parameters = info_of(joint.build(case, np.ones(len(case.shared.flows)), activity_fee=0.1)).parameters
    route = case.shared.routes[0]
    expected = {f"price[{','.join(route[:4])}]": route.price, "activity_fee": 0.1}
    for party in case.parties:
        for field in party.columns().keys() - {"actual"}:
            value = getattr(party, field)
            for key, number in value.items() if isinstance(value, Values) else [((), value)]:
                words = ",".join(map(str, key if isinstance(key, tuple) else (key,)))
                if number is not None:
                    expected[f"{party.name}.{field}" + (f"[{words}]" if key != () else "")] = number
    assert expected.keys() <= parameters.keys()
    assert len(parameters) == len(expected) + len({each[:4] for each in case.shared.routes}) - 1
    assert {name: pyo.value(parameters[name]) for name in expected} == expected
    assert all(name in parameters for name in parameters)
    tie = info_of(jit.build(case)).parameters["tie_break"]
    assert pyo.value(tie) == case.mechanism.tie_break


def test_a_number_that_makes_no_sense_is_refused() -> None:
    data = joint.build(pilot(weeks=2)).parties["Alder"].data
    with pytest.raises(ValueError, match="not in parameter domain NonNegativeReals"):
        data.production_capacity[1] = -1.0


def test_a_copy_of_a_model_has_its_own_numbers() -> None:
    case = pilot(weeks=2)
    model = joint.build(case)
    copy = model.clone()
    before = optimum(model)
    info_of(copy).parameters["retailer.penalty[soap]"].set_value(1.0)
    assert optimum(copy) < before - 1.0
    assert optimum(model) == pytest.approx(before, rel=1e-12)
    assert joint.plan_of(copy).shape == joint.plan_of(model).shape
    assert vd.solvers.solve(copy, "highs").duals["handling"].index.names == ["party", "week"]
