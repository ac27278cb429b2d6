"""Shadow prices of capacity, and the multipliers of the system of optimality."""

from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import EXPONENTIAL, LINEAR, POWER, UNIFORM, case, form_name, group
from support.allocation_models import ALL_FORMS, allotted, solved
from veridical.data import AllocationCase, CertificateError


def test_the_dual_of_a_profile_is_what_one_more_unit_there_earns() -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], LINEAR, 2), group([3, 5], None, POWER), capacity=3.3)
    model = vd.build(own, "allocation")
    found = vd.solvers.solve(model, "ipopt")
    prices, h = found.duals["capacity"], 1e-3
    binding = 0
    for profile in model.PROFILES:
        weight, body = pyo.value(model.probability[profile]), model.capacity[profile].body
        earned = []
        for limit in (3.3 - h, 3.3 + h):
            model.capacity[profile].set_value((None, body, weight * limit))
            earned.append(vd.solvers.solve(model, "ipopt").objective)
        model.capacity[profile].set_value((None, body, weight * 3.3))
        slope = (earned[1] - earned[0]) / (2 * h * weight)  # per unit in that profile
        assert prices[profile] == pytest.approx(slope, abs=2e-4)  # of the difference of two profits, each to 1e-9
        binding += slope > 0.1
    assert binding > len(prices) / 2
    assert allotted(found).shadow_price == pytest.approx(prices[list(model.PROFILES)].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("raw", ALL_FORMS, ids=form_name)
def test_the_mean_shadow_price_is_the_slope_of_the_profit(raw: Any) -> None:
    # so that it binds: nobody wants more than 7 / 2 units, or (7 / 3.5)^(1 / 1.7) = 1.5, where prices fall with them
    capacity, h = 2.1 if raw == POWER else 3.1, 1e-2
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), capacity=capacity)
    earned = [solved(own.changed(capacity=capacity + step), "allocation")[0].objective for step in (-h, 0.0, h)]
    solution, found = solved(own, "allocation")
    slope = (earned[2] - earned[0]) / (2 * h)
    assert slope > 0.05
    assert found.expected_shadow_price == pytest.approx(
        slope, rel=1e-4
    )  # central differences of a function with third derivatives
    assert solution.sensitivity["capacity"] == pytest.approx(found.expected_shadow_price, rel=1e-12)
    if raw in (LINEAR, POWER, UNIFORM):
        left, right = vd.one_sided_derivatives(own, "capacity", "allocation", "ipopt", step=1e-3)
        assert right - 1e-5 <= found.expected_shadow_price <= left + 1e-5  # V is concave
    assert earned[0] + earned[2] <= 2 * earned[1] + 1e-8


def test_a_dearer_capacity_costs_its_units() -> None:
    own = vd.example("five-retailers")
    assert isinstance(own, AllocationCase)
    solution, found = solved(own, "capacity_choice", "highs")
    left, right = vd.one_sided_derivatives(own, "capacity_cost", "capacity_choice", "highs")
    assert solution.sensitivity["capacity_cost"] == -found.capacity
    assert left - 1e-6 <= -found.capacity <= right + 1e-6  # convex in the cost
    assert left == pytest.approx(right, rel=1e-2)


@pytest.mark.parametrize("raw", [LINEAR, POWER, EXPONENTIAL], ids=form_name)
def test_multipliers_of_the_system_are_the_duals(raw: Any) -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), group([3, 5], [0.7, 0.3], raw), capacity=4.0)
    duals = vd.solve(own, "allocation", "ipopt").duals["capacity"]
    model = vd.build(own, "allocation_kkt")
    solution = vd.solvers.solve(model, "ipopt")
    assert float(pyo.value(model.complementarity)) == pytest.approx(0, abs=1e-7)
    assert solution.certificate.complementarity is not None
    assert solution.certificate.complementarity < 1e-7
    for profile in model.PROFILES:
        assert model.shadow_price[profile].value == pytest.approx(duals[profile], abs=1e-4)  # weight 0.02 and more, at 1e-9
    # (6)-(8), looked at again by hand: lambda covers virtual marginal revenue, and is it where units are given
    for key in model.CELLS:
        gap = model.shadow_price[key[0]].value - pyo.value(model.virtual_marginal[key])
        assert gap >= -1e-6
        assert min(gap, model.quantity[key].value) <= 1e-4


def test_a_system_that_is_not_solved_is_refused() -> None:
    """What a solver would call optimal with products left over fails its certificate."""
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], LINEAR, 2), capacity=2.0)
    model = vd.build(own, "allocation_kkt")
    for profile in model.PROFILES:
        model.shadow_price[profile].fix(9.0)  # far above every margin: whatever is then optimal leaves products over
    with pytest.raises(CertificateError, match="the optimality conditions are violated"):
        vd.solvers.solve(model, "ipopt").checked()
