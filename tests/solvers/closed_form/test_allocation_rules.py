"""Rules of rationing, and the theorems that make them optimal."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from support.allocation_cases import CONCENTRATED, EXPONENTIAL, GAMMA, NORMAL, UNIFORM, case, form_name, group, prior_case
from support.strategies import examples
from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.solvers.closed_form import rationing as rules
from veridical.solvers.closed_form.allocation import allocation
from veridical.solvers.closed_form.continuous_types import at_types

Array = NDArray[np.float64]


def literal_linear(orders: list[float], capacity: float) -> list[float]:
    """Definition 1, word by word."""
    order = sorted(range(len(orders)), key=lambda i: -orders[i])
    for n in range(len(orders), 0, -1):
        deduction = max(0.0, sum(orders[i] for i in order[:n]) - capacity) / n
        if all(orders[i] - deduction >= -1e-12 for i in order[:n]):
            return [orders[i] - deduction if i in order[:n] else 0.0 for i in range(len(orders))]
    return [0.0] * len(orders)


@examples(100)
@given(st.lists(st.integers(0, 12).map(lambda x: x / 4), min_size=1, max_size=6), st.integers(0, 40).map(lambda x: x / 4))
def test_rules_are_their_definitions(orders: list[float], capacity: float) -> None:
    used, q = min(sum(orders), capacity), np.array(orders)
    found = rules.linear(orders, capacity)
    assert found == pytest.approx(literal_linear(orders, capacity), abs=1e-12)
    same = rules.generalized_linear(orders, capacity, lambda x: x, lambda y: y)
    assert same == pytest.approx(found, abs=1e-12)
    shared = rules.proportional(orders, capacity)
    assert shared == pytest.approx([min(x, capacity * x / sum(orders)) if x else 0.0 for x in orders], abs=1e-12)
    even = rules.uniform(orders, capacity)
    level = max(even, default=0)
    assert all(got == x or abs(got - level) < 1e-12 for got, x in zip(even, orders, strict=True))
    square = rules.generalized_linear(orders, capacity, lambda x: 3 * x**2 + 1, lambda y: np.sqrt((y - 1) / 3))
    for each in (found, shared, even, square):
        assert each.sum() == pytest.approx(used, abs=1e-9)
        assert (each >= 0).all()
        assert (each <= q + 1e-12).all()
        assert (np.diff(each[np.argsort(q, kind="stable")]) >= -1e-12).all()


def test_rules_take_orders_of_any_shape() -> None:
    orders = np.arange(24.0).reshape(2, 3, 4)
    capacity = np.array([[3.0, 20.0, 1e3], [0.0, 40.0, 55.5]])
    one: list[Any] = [rules.linear, rules.proportional, rules.uniform]
    curved: Any = lambda q, k: rules.generalized_linear(q, k, np.square, np.sqrt)  # noqa: E731
    for rule in (*one, curved):
        found = rule(orders, capacity)
        assert found.shape == orders.shape
        for at in np.ndindex(2, 3):
            assert found[at] == pytest.approx(rule(orders[at], capacity[at]), abs=1e-12)
        assert rule(orders, 5.0)[1, 2] == pytest.approx(rule(orders[1, 2], 5.0), abs=1e-12)
    for rule in one:
        for bad in ([-1.0, 2.0], [np.nan, 1.0], [np.inf, 1.0], [], 3.0):
            with pytest.raises(InputError, match="orders: got"):
                rule(bad, 1.0)
        with pytest.raises(InputError, match="capacity: got -1; allowed: finite numbers >= 0"):
            rule([1.0], -1)


def test_corollary_1_linear_allocation_is_optimal_for_linear_demand() -> None:
    for f in ([0.2] * 5, CONCENTRATED, [0.3, 0.05, 0.4, 0.05, 0.2]):  # whatever the prior: it need not be uniform
        own = case(group(range(4, 9), f, count=4), capacity=3.0)
        wanted = allocation(own, 1e3).quantity
        for capacity in (0.5, 3.0, 7.0):
            assert rules.linear(wanted, capacity) == pytest.approx(allocation(own, capacity).quantity, rel=1e-10, abs=1e-10)


def test_theorem_5_divides_by_the_number_served_not_by_all() -> None:
    own = allocation(case(group(range(4, 9), count=2), capacity=2.0))
    wanted = allocation(own.case, 1e3).quantity
    for_all = wanted - np.maximum(wanted.sum(axis=1, keepdims=True) - 2.0, 0.0) / 2  # the display of Theorem 5
    assert for_all.min() < -0.4
    assert rules.linear(wanted, 2.0) == pytest.approx(own.quantity, abs=1e-12)


EXPON = {"distribution": "expon", "loc": 4, "scale": 0.8}
PARETO = {"distribution": "pareto", "b": 2.5, "scale": 3}


def drawn(own: AllocationCase, seed: int = 0) -> Array:
    theta = own.retailers[0].prior
    assert theta is not None
    return theta.inverse_survival(np.random.default_rng(seed).uniform(0.002, 1.0, size=(40, len(own.order))))


@pytest.mark.parametrize("capacity", [3.0, 9.0, 14.0])
def test_corollary_2_linear_allocation_is_optimal_for_normal_newsvendors_with_an_exponential_prior(capacity: float) -> None:
    own = prior_case(EXPON, NORMAL, 4, capacity=capacity)
    theta = drawn(own)
    wanted = at_types(own, theta, 1e4)[1]  # without a limit
    shadow, quantity = at_types(own, theta, capacity)
    assert (shadow > 0).all()
    assert rules.linear(wanted, capacity) == pytest.approx(quantity, rel=1e-8, abs=1e-8)
    assert np.ptp((wanted - theta)[wanted > 0]) < 1e-9  # shifted by theta: at any rate, not only where H = 1 / tau' is 1


@pytest.mark.parametrize(("exponent", "scale"), [(2.0, 1.0), (0.7, 0.5)])
def test_corollary_3_generalised_linear_allocation_is_optimal_for_other_demands(exponent: float, scale: float) -> None:
    raw = {"form": "power_demand", "scale": scale, "exponent": exponent}
    own = prior_case(EXPON, raw, 4, capacity=2.0)
    theta = drawn(own)
    wanted, (_, quantity) = at_types(own, theta, 1e4)[1], at_types(own, theta, 2.0)
    for factor in (1.0, 2 / 3):  # Y = v + q v' is 3 q^2 for v = q^2; the paper's 2 q^2 is as good, being in proportion
        slope = factor * scale * (1 + exponent)
        Y: Any = lambda q, a=slope: a * q**exponent  # noqa: E731
        inverse: Any = lambda y, a=slope: (y / a) ** (1 / exponent)  # noqa: E731
        found = rules.generalized_linear(wanted, 2.0, Y, inverse)
        assert found == pytest.approx(quantity, rel=1e-9, abs=1e-9)
    assert np.abs(rules.linear(wanted, 2.0) - quantity).max() > 0.05


@pytest.mark.parametrize("capacity", [2.0, 6.0, 9.0])
def test_corollary_4_proportional_allocation_is_optimal_for_uniform_newsvendors_with_a_pareto_prior(capacity: float) -> None:
    own = prior_case(PARETO, UNIFORM, 4, capacity=capacity)
    theta = drawn(own)
    wanted = at_types(own, theta, 1e4)[1]
    assert wanted == pytest.approx(theta * 2.5 / 3.5, rel=1e-9)
    shadow, quantity = at_types(own, theta, capacity)
    assert (shadow > 0).any()
    assert rules.proportional(wanted, capacity) == pytest.approx(quantity, rel=1e-9)
    assert np.abs(rules.linear(wanted, capacity) - quantity).max() > 0.02


@pytest.mark.parametrize("raw", [EXPONENTIAL, GAMMA], ids=form_name)
def test_example_4_other_scalable_newsvendors_with_a_pareto_prior(raw: dict[str, Any]) -> None:
    own = prior_case(PARETO, raw, 3, capacity=5.0)
    theta = drawn(own)
    wanted, (shadow, quantity) = at_types(own, theta, 1e5)[1], at_types(own, theta, 5.0)
    assert (shadow > 0).all()
    assert rules.proportional(wanted, 5.0) == pytest.approx(quantity, rel=1e-8)
