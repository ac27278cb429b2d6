"""Numbers that may vary are mutable Params: changed on a built model, and what they are worth at the margin on edited models."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.data import AllocationCase, AssemblerCase

TIGHT = {"solver": "highs", "tolerance": 1e-10}
STEP = 1e-3
MECHANISMS = ("naive", "frw", "hybrid", "icds_balanced", "icds", "bic", "first_best")


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    found = vd.example("two-suppliers-correlated")
    assert isinstance(found, AssemblerCase)
    return found


CHANGES: dict[str, tuple[Callable[[Any], object], Callable[[AssemblerCase], AssemblerCase]]] = {
    "price": (lambda m: m.price.set_value(34.5), lambda case: case.changed(price=34.5)),
    "cost": (
        lambda m: m.cost["panel", 9.0].set_value(9.5),
        lambda case: case.changed(**{"suppliers.panel.costs": [4.0, 9.5]}),
    ),
    "prior": (
        lambda m: [param.set_value(p) for param, p in zip(m.probability.values(), [0.3, 0.1, 0.2, 0.4], strict=True)],
        lambda case: case.changed(prior={"joint": [[0.3, 0.1], [0.2, 0.4]]}),
    ),
}


@pytest.mark.parametrize("number", CHANGES)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_changed_model_is_the_changed_cases(case: AssemblerCase, mechanism: str, number: str) -> None:
    change, changed = CHANGES[number]
    model = vd.build(case, mechanism)
    vd.solvers.solve(model, TIGHT)  # what was solved before leaves no trace
    change(model)
    again, fresh = vd.solvers.solve(model, TIGHT), vd.solvers.solve(vd.build(changed(case), mechanism), TIGHT)
    assert again.objective == pytest.approx(fresh.objective, rel=1e-9)
    assert again.audit is not None
    assert fresh.audit is not None
    assert again.audit.expected_profit == pytest.approx(again.objective, rel=1e-6)  # audited with the numbers as they are now
    assert again.audit.truthful == fresh.audit.truthful
    assert again.contracts.case == changed(case)
    # tangents come to the square root of the tolerance by other ways where they begin elsewhere
    np.testing.assert_allclose(again.sensitivity.to_numpy(), fresh.sensitivity.to_numpy(), rtol=1e-4, atol=1e-4)


def test_numbers_that_make_no_case_are_refused_by_name(case: AssemblerCase) -> None:
    model = vd.models.icds.build(case)
    model.cost["panel", 4.0].set_value(9.25)  # above his higher cost
    with pytest.raises(vd.InputError, match="ascending"):
        vd.solvers.solve(model)


@pytest.mark.parametrize("mechanism", ["allocation", "allocation_kkt", "allocation_direct", "centralized"])
def test_capacity_and_types_probabilities_of_a_built_allocation(mechanism: str) -> None:
    case = vd.example("two-retailers")
    assert isinstance(case, AllocationCase)
    likely = (0.1, 0.15, 0.2, 0.25, 0.3)
    model = vd.build(case, mechanism)
    model.K.set_value(3.0)
    for param, probability in zip(model.type_probability.values(), likely, strict=True):
        param.set_value(probability)
    changed = case.changed(capacity=3.0, **{"retailers.0.probabilities": list(likely)})
    again, fresh = (vd.solvers.solve(m, "ipopt") for m in (model, vd.build(changed, mechanism)))
    assert again.objective == pytest.approx(fresh.objective, rel=1e-7)
    assert again.audit is not None
    assert again.audit.expected_profit == pytest.approx(again.objective, rel=1e-6)
    assert again.contracts.case == changed


@pytest.mark.parametrize("mechanism", ["capacity_choice", "allocation_kkt", "allocation_direct", "centralized"])
def test_the_cost_of_capacity_of_a_built_allocation(mechanism: str) -> None:
    case = vd.example("five-retailers")
    model = vd.build(case, mechanism)
    model.capacity_cost.set_value(1.4)
    fresh = vd.solvers.solve(vd.build(case.changed(capacity_cost=1.4), mechanism), "ipopt")
    again = vd.solvers.solve(model, "ipopt")
    assert again.objective == pytest.approx(fresh.objective, rel=1e-7)
    assert again.contracts.capacity == pytest.approx(fresh.contracts.capacity, rel=1e-4)


def budget(case: AssemblerCase) -> Any:
    """Return the model with payments capped by what the product is expected to sell for: a price stands in it."""
    m = vd.models.icds.build(case)
    m.budget = pyo.Constraint(
        m.PROFILES, rule=lambda m, t: sum(m.payment[i, t] for i in m.SUPPLIERS) <= m.price * m.expected_sales.sales[t]
    )
    return m


def rent_cap(case: AssemblerCase) -> Any:
    """Return the model with a cap on the panel's rents: a cost stands in it."""
    m = vd.models.icds.build(case)
    dear = [t for t in m.PROFILES if t.startswith("panel=4,")]
    cost = m.cost["panel", 4.0]
    m.rent_cap = pyo.Constraint(dear, rule=lambda m, t: m.payment["panel", t] - cost * m.quantity["panel", t] <= 1500)
    return m


def price_cap(case: AssemblerCase) -> Any:
    """Return the model in which a bound of a variable follows the price."""
    m = vd.models.icds.build(case)
    for t in m.PROFILES:
        m.units[t].setub(20 * m.price)
    return m


def ranged(case: AssemblerCase) -> Any:
    """Return the model with a constraint between two ends that both follow the price."""
    m = vd.models.icds.build(case)
    m.band = pyo.Constraint(expr=(m.price, sum(m.units[t] for t in m.PROFILES), 50 * m.price))
    return m


@pytest.mark.parametrize(
    ("build", "name", "param", "by_hand"),
    [
        (budget, "price", lambda m: m.price, 391.57),  # 378.29 without what the constraint adds
        (budget, "cost panel=4", lambda m: m.cost["panel", 4.0], None),
        (rent_cap, "cost panel=4", lambda m: m.cost["panel", 4.0], None),
        (rent_cap, "price", lambda m: m.price, None),
        (price_cap, "price", lambda m: m.price, None),
        (ranged, "price", lambda m: m.price, None),
    ],
)
def test_what_a_number_is_worth_on_an_edited_model(
    case: AssemblerCase, build: Callable[[AssemblerCase], Any], name: str, param: Callable[[Any], Any], by_hand: float | None
) -> None:
    solution = vd.solvers.solve(build(case), TIGHT)
    model = build(case)
    here, values = param(model).value, []
    for step in (-STEP, STEP):
        param(model).set_value(here + step)
        values.append(vd.solvers.solve(model, TIGHT).objective)
    slope = (values[1] - values[0]) / (2 * STEP)
    assert solution.sensitivity[name] == pytest.approx(slope, rel=1e-4)
    if by_hand is not None:
        assert solution.sensitivity[name] == pytest.approx(by_hand, abs=0.01)


def own_price(case: AssemblerCase) -> Any:
    """Return the model in which a user's own Param takes the place of the price."""
    m = vd.models.icds.build(case)
    for name in ("profit", "price"):
        m.del_component(name)
    m.price = pyo.Param(initialize=case.price, mutable=True)
    paid = {t: pyo.quicksum(m.payment[i, t] for i in m.SUPPLIERS) for t in m.PROFILES}
    earned = (m.probability[t] * (m.price * m.expected_sales.sales[t] - paid[t]) for t in m.PROFILES)
    m.profit = pyo.Objective(expr=pyo.quicksum(earned), sense=pyo.maximize)
    return m


def test_a_param_that_was_deleted_has_no_derivative_and_one_in_its_place_has_its_own(case: AssemblerCase) -> None:
    solution = vd.solvers.solve(own_price(case), TIGHT)
    assert solution.sensitivity["price"] == pytest.approx(
        vd.solvers.solve(vd.models.icds.build(case), TIGHT).sensitivity["price"], rel=1e-6
    )
    model = own_price(case)
    for name in ("price", "probability"):
        model.del_component(name)
    model.price = case.price  # a plain number from here on: what stands in the objective is on the model no more
    sensitivity = vd.solvers.solve(model, TIGHT).sensitivity
    assert "cost panel=4" in sensitivity
    assert not [name for name in sensitivity.index if name.startswith(("price", "probability"))]


def test_sensitivities_are_those_of_the_solved_point_whatever_happens_to_the_model(case: AssemblerCase) -> None:
    model = budget(case)
    solution = vd.solvers.solve(model, TIGHT)
    expected = vd.solvers.solve(budget(case), TIGHT).sensitivity
    model.price.set_value(55.0)
    vd.solvers.solve(model, TIGHT)
    np.testing.assert_allclose(solution.sensitivity.to_numpy(), expected.to_numpy(), rtol=1e-9)
    assert model.price.value == 55.0  # and the model is left as it is


def test_a_solution_travels_to_another_process_with_its_sensitivities(case: AssemblerCase) -> None:
    solution = vd.solvers.solve(budget(case), TIGHT)
    there = pickle.loads(pickle.dumps(solution))
    assert there.sensitivity.equals(solution.sensitivity)


def test_a_model_can_be_cloned(case: AssemblerCase) -> None:
    model = budget(case)
    clone = model.clone()
    clone.price.set_value(33.0)
    assert vd.solvers.solve(clone, TIGHT).mechanism == "icds"
    assert vd.solvers.solve(model, TIGHT).objective == pytest.approx(vd.solvers.solve(budget(case), TIGHT).objective, rel=1e-12)


def test_the_case_that_a_model_used_to_carry_leads_to_its_params() -> None:
    case = vd.example("two-suppliers-correlated")
    model = vd.models.icds.build(case)
    with pytest.warns(DeprecationWarning, match=r"model.case.price is now called model.price;"):
        assert model.case.price is model.price
    with pytest.warns(DeprecationWarning, match=r"model.case.names is now called case.names;"):
        assert model.case.names == case.names
    with pytest.raises(AttributeError, match="nothing"):
        model.nothing  # noqa: B018
