"""No misreport of a continuous cost pays and nobody truthful loses; the audit sees a rule under which they would."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.continuous_cases import ARCSINE, DEMAND, GAMMA, MANY, NORMAL, POINTS, case, uniform
from support.strategies import examples
from veridical.solvers.closed_form.continuous_rule import Rule


@pytest.mark.parametrize("name", MANY)
def test_audit_finds_no_lie_and_no_loss(name: str, continuous_rules: dict[str, Any]) -> None:
    found = continuous_rules[name]
    audit = found.audit(samples=100 if name == "correlated" else 400, seed=3)
    assert audit.truthful
    assert audit.individually_rational
    assert audit.balanced
    assert audit.max_regret <= 1e-9 * audit.largest_payment
    assert audit.min_rent >= 0
    assert audit.expected_profit == found.profit_by_payments
    assert audit.largest_payment > 0
    assert {lie.supplier for lie in audit.misreports} <= set(found.case.names)
    assert audit.to_dict()["max_regret"] == audit.max_regret


def test_audit_sees_a_lie_that_pays(continuous_rules: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = continuous_rules["all buy"]
    monkeypatch.setattr(Rule, "rent", lambda self, i, x: np.zeros(np.shape(x)[:-1]))  # paid at cost
    audit = found.audit(samples=200)
    assert not audit.truthful
    lie = audit.misreports[0]
    assert lie.gain == audit.max_regret > 0
    assert lie.report > lie.cost
    other = float(lie.others.split("=")[1])
    profile = [lie.report, other] if lie.supplier == "a" else [other, lie.report]
    assert lie.gain == pytest.approx((lie.report - lie.cost) * float(found.quantity(profile)))


def test_audit_sees_a_loss(continuous_rules: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rule, "rent", lambda self, i, x: np.full(np.shape(x)[:-1], -2.0 - i))
    audit = continuous_rules["all buy"].audit(samples=50)
    assert audit.min_rent == -3.0
    assert audit.properties["ex_post_ir"].supplier == "b"
    assert not audit.individually_rational


COSTS = st.one_of(
    st.tuples(st.integers(0, 8), st.integers(1, 9)).map(lambda ends: uniform(ends[0], sum(ends))),
    st.tuples(st.floats(0.4, 4), st.floats(0.4, 4)).map(lambda ab: {**ARCSINE, "a": ab[0], "b": ab[1]}),
    st.tuples(st.floats(3, 9), st.floats(0.3, 4)).map(lambda n: {**NORMAL, "loc": n[0], "scale": n[1]}),
)


@examples(40)
@given(st.lists(COSTS, min_size=1, max_size=4), st.integers(4, 40), st.sampled_from([DEMAND, POINTS, GAMMA]), st.integers(0, 99))
def test_no_misreport_pays_and_nobody_truthful_loses(costs: list[Any], price: int, demand: Any, seed: int) -> None:
    rule = Rule(case(*costs, price=price * len(costs), demand=demand))
    for gain, truth, x, _ in rule.misreports(60, seed):
        scale = max(1.0, price * 1000.0)  # currency: what the largest quantities sell for
        assert gain.max() <= 1e-6 * scale
        assert truth.min() >= 0
        assert (rule.quantity(x) >= 0).all()


def test_payments_are_rents_above_cost_down_to_none_at_the_dear_end(continuous_rules: dict[str, Any]) -> None:
    found = continuous_rules["some profiles buy nothing"]
    for i in range(2):
        x = np.array([[5.0, 3.0], [9.0, 4.0], [12.0, 6.5]])
        assert found.payment(i, x) == pytest.approx(x[:, i] * found.quantity(x) + found.rent(i, x), rel=1e-12)
        x[:, i] = found.case.suppliers[i].cost.high
        assert found.rent(i, x) == pytest.approx(0, abs=1e-9)
    # By hand: v = 2 x + 2 y - 5; at y = 3 the price 25 is reached at x = 12, and Q = 900 - 32 (2 x + 1) down to 132 before it.
    assert found.rent(0, [5.0, 3.0]) == pytest.approx((12 - 5) * (900 - 32) - 32 * (12**2 - 5**2), rel=1e-9)
    assert found.quantity(np.full((2, 3, 2), 4.0)).shape == found.rent(0, np.full((2, 3, 2), 4.0)).shape == (2, 3)


def test_a_cost_of_0_may_ask_for_all_of_demand_and_is_paid_a_finite_rent() -> None:
    # v = 2 x and F(Q) = 1 - exp(-Q / 400) = 1 - v / 30: Q = 400 log(15 / x), infinite at cost 0; at x = 1 still bought.
    rule = Rule(case(uniform(0, 1), demand={"distribution": "exponential", "mean": 400}))
    assert rule.quantity([0.0]) == np.inf
    rent = 400 * (np.log(15) + 1)  # the integral of log(15 / x) from 0 to 1
    assert rule.payment(0, [0.0]) == pytest.approx(rent, rel=1e-8)
    assert rule.rent(0, [0.25]) == pytest.approx(rent - 100 * (np.log(60) + 1), rel=1e-9)
    for gain, truth, _, _ in rule.misreports(200, 1):
        assert gain.max() <= 1e-6
        assert truth.min() >= 0


def test_sampled_menu_is_the_rule_at_the_grid(continuous_rules: dict[str, Any]) -> None:
    menu = continuous_rules["ironed"].menu(5)
    assert menu is not None
    grid = MANY["ironed"].grid(5)
    assert menu.case == grid
    x = [grid.suppliers[0].costs[2], grid.suppliers[1].costs[3]]
    assert menu.quantity[:, 2, 3] == pytest.approx(float(continuous_rules["ironed"].quantity(x)))
    assert menu.payment[1, 2, 3] == pytest.approx(float(continuous_rules["ironed"].payment(1, x)))
    assert vd.contracts.audit(menu).truthful
    assert continuous_rules["three"].menu(28) is None  # 21,952 profiles
