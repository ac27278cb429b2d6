"""Constraints and revenue that users write themselves."""

from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import LINEAR, case, group
from support.allocation_models import SAME, allotted
from veridical.data import AllocationCase, InputError
from veridical.models.allocation import OwnRevenue


def test_a_users_cap_on_one_retailer_is_kept_and_audited() -> None:
    own = vd.example("flat-panels")
    assert isinstance(own, AllocationCase)
    free = vd.solve(own, "allocation").objective
    model = vd.build(own, "allocation")
    model.cap = pyo.Constraint(
        model.PROFILES, rule=lambda m, t: sum(m.quantity[key] for key in m.CELLS if key[:2] == (t, "televisions")) <= 12.0
    )
    solution = vd.solvers.solve(model, "ipopt").checked()
    found = allotted(solution)
    assert found.quantity[:, 3].max() == pytest.approx(12.0, abs=1e-6)
    assert solution.objective < free
    assert (solution.duals["cap"] >= -1e-6).all()
    assert solution.duals["cap"].max() > 0.01
    checked = vd.audit(own, found)
    assert checked.truthful
    assert checked.expected_profit == pytest.approx(solution.objective, rel=SAME)
    model.cap.deactivate()
    assert vd.solvers.solve(model, "ipopt").objective == pytest.approx(free, rel=SAME)


def test_a_user_can_write_a_revenue_of_his_own() -> None:
    written = OwnRevenue(expression=lambda q, theta: q * (theta - q))
    for f in ([0.4, 0.35, 0.25], [0.6, 0.05, 0.35]):
        own, known = (case(group([4, 5, 7], f, raw, 2), capacity=2.2) for raw in (written, LINEAR))
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            assert vd.solve(own, mechanism, "ipopt").objective == pytest.approx(vd.solve(known, mechanism).objective, rel=SAME)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (lambda q, theta: theta * pyo.sqrt(q), "<R = 0, R_q = inf at q = 0, theta = 2>"),
        (lambda q, theta: q * (theta - q) + 5, "<R = 5, R_q = 2 at q = 0, theta = 2>"),
        (lambda q, theta: abs(q - theta), "<NameError"),
        (lambda q, theta: q if q > theta else theta, "<PyomoException"),
        (lambda q, theta: 1 / 0, "<ZeroDivisionError"),
        (lambda q: q, "<TypeError"),
        (lambda q, theta: pyo.Var(name="z"), "<"),
        (3, "3"),
    ],
    ids=["slope", "offset", "kink", "branch", "error", "arguments", "variable", "number"],
)
def test_an_own_revenue_that_cannot_be_used_says_why(expression: Any, found: str) -> None:
    with pytest.raises(InputError, match=f"^expression: got {found}".replace("(", r"\(")):
        OwnRevenue(expression=expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (lambda q, theta: theta * q**2, "<R_q rises in q at q = 0, theta = 2>; allowed: R concave in q"),
        (lambda q, theta: q * (5 - theta - q), "<R falls in theta at q = .*>; allowed: R non-decreasing in theta"),
        (lambda q, theta: q * (9 - q) + (theta - 9) * q * (6 - q) / 9, "<R_q falls in theta at q = .*>; allowed: R_q non-decr"),
    ],
    ids=["convex", "falling", "crossing"],
)
def test_an_own_revenue_that_no_mechanism_can_rest_on_is_refused(expression: Any, message: str) -> None:
    own = case(group([2, 3, 4.5], [0.3, 0.3, 0.4], OwnRevenue(expression=expression), 2), capacity=4.0)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
        with pytest.raises(InputError, match=rf"^by hand: retailers\[0\].revenue: got {message}"):
            vd.build(own, mechanism)
