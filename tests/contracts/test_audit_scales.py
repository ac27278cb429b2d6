"""Audits of menus do not depend on the currency, on the unit, or on who else takes part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import veridical as vd
from support.assembler_cases import build, random_cases
from support.strategies import examples
from veridical.contracts import Menu
from veridical.contracts.audit import Audit
from veridical.data import AssemblerCase

Array = NDArray[np.float64]
ENGINE = 3_000_000.0
BELIEFS = [[0.45, 0.05], [0.05, 0.45]]
QUANTITY = np.array([[700.0, 400.0], [400.0, 400.0]])
PANEL = np.array([[3500.0, 2000.0], [3600.0, 3600.0]])
BATTERY = np.array([[2800.0, 2800.0], [1600.0, 2800.0]])
FACTORS = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)


def beside_an_engine(panel: Array = PANEL, battery: Array = BATTERY, money: float = 1.0, units: float = 1.0) -> Audit:
    """Return the audit of two small parts at 4 or 9 and 3 or 7 beside an engine at 3,000,000, whose cost is known."""
    demand = {"distribution": "uniform", "low": 100 * units, "high": 900 * units}
    costs = [[ENGINE * money], [4.0 * money, 9.0 * money], [3.0 * money, 7.0 * money]]
    case = build(costs, joint=[BELIEFS], price=4_000_030.0 * money, demand=demand)
    payment = money * units * np.array([[ENGINE * QUANTITY], [panel], [battery]])
    return vd.audit(case, Menu(case, units * QUANTITY, payment))


def test_a_lie_that_nearly_doubles_a_payment_is_found_beside_an_engine() -> None:
    # Panel, cost 4 beside battery 7: 2000 - 1600 by the truth, 3600 - 1600 as 9. Battery, cost 3 beside panel 9: 1600 - 1200,
    # as 7 2800 - 1200. In expectation panel gains .9 (2000 - 700) + .1 * 1600, battery .9 (1600 - 700) + .1 * 1200.
    audit = beside_an_engine()
    assert not audit.truthful
    assert audit.individually_rational
    assert [(lie.supplier, lie.cost, lie.report, lie.gain) for lie in audit.misreports] == [("b", 4, 9, 1600), ("c", 3, 7, 1200)]
    interim = audit.held_to(("bayesian_ic", "interim_ir"))
    assert not interim.truthful
    assert [lie.gain for lie in interim.misreports] == pytest.approx([1330, 930])
    assert audit.properties["balanced"].holds


def test_a_loss_of_a_third_is_found_beside_an_engine() -> None:
    # Panel, cost 9 beside battery 3: 2500 - 3600; in expectation .1 of it.
    audit = beside_an_engine(panel=np.array([[3500.0, 2000.0], [2500.0, 3600.0]]))
    assert audit.min_rent == -1100
    assert not audit.individually_rational
    assert not audit.properties["interim_ir"].holds
    assert audit.properties["interim_ir"].worst == pytest.approx(110)


@pytest.mark.parametrize("money", FACTORS)
@pytest.mark.parametrize("units", [1e-10, 1.0, 1e6])
def test_what_is_found_beside_an_engine_is_found_in_any_unit(money: float, units: float) -> None:
    audit = beside_an_engine(money=money, units=units)
    assert not audit.truthful
    assert audit.individually_rational
    assert audit.max_regret == pytest.approx(1600 * money * units, rel=1e-9, abs=0)


@pytest.mark.parametrize(("share", "holds"), [(0.9e-6, True), (1.1e-6, False)])
def test_a_gain_is_relative_to_the_own_payments_in_its_profile(share: float, holds: bool) -> None:
    """Of a 1 is allowed a millionth, and a billionth of the 10 that is paid elsewhere; what is paid to b says nothing."""
    case = build([[4.0, 9.0], [3.0, 7.0]], joint=BELIEFS)
    payment = np.zeros((2, 2, 2))
    payment[0, :, 0], payment[0, :, 1], payment[1] = 10.0, 1.0, 1e12
    payment[0, 1, 1] += share
    result = vd.PROPERTIES["dominant_strategy_ic"](Menu(case, np.zeros((2, 2, 2)), payment))
    assert result.holds is holds
    assert result.worst == pytest.approx(share)


@pytest.mark.parametrize(("error", "holds"), [(0.5e-9, True), (1e-7, False)])
def test_what_a_solvers_point_is_off_where_nothing_is_sold_is_no_gain(error: float, holds: bool) -> None:
    """Nothing is sold beside b = 7 but for traces, relative to what is sold beside b = 3."""
    case = build([[4.0, 9.0], [3.0, 7.0]], joint=BELIEFS)
    quantity, payment = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    quantity[:, :, 0] = 500.0
    payment[0], payment[1] = 9.0 * quantity[0], 7.0 * quantity[1]
    payment[0, 0, 1] = -error * 4500.0
    audit = vd.audit(case, Menu(case, quantity, payment))
    assert audit.properties["ex_post_ir"].holds is holds
    assert audit.properties["dominant_strategy_ic"].holds is holds
    quantity[0, 0, 1] = error * 500.0
    assert vd.PROPERTIES["balanced"](Menu(case, quantity, payment)).holds is holds
    assert Menu(case, quantity, payment).is_balanced is holds


def test_nothing_at_all_has_every_property_and_a_trace_of_a_loss_does_not() -> None:
    case = build([[4.0, 9.0], [3.0, 7.0]], joint=BELIEFS)
    nothing = np.zeros((2, 2, 2))
    assert all(result.holds for result in vd.audit(case, Menu(case, nothing, nothing)).properties.values())
    loss = nothing.copy()
    loss[1, 0, 0] = -1e-30
    properties = vd.audit(case, Menu(case, nothing, loss)).properties
    assert not properties["ex_post_ir"].holds
    assert not properties["dominant_strategy_ic"].holds
    assert properties["ex_post_ir"].worst == 1e-30


def test_a_violation_is_named_before_a_larger_rounding_of_somebody_else() -> None:
    # a loses 1e-7 of what he is paid, 10; b half of what his units cost, 2
    case = build([[1e6], [4.0]], joint=[[1.0]], price=2e6)
    quantity = np.array([[[100.0]], [[1.0]]])
    result = vd.PROPERTIES["ex_post_ir"](Menu(case, quantity, np.array([[[1e8 - 10]], [[2.0]]])))
    assert (result.holds, result.worst) == (False, 2.0)
    assert result.where.startswith("supplier b, cost 4")


def test_every_property_says_whether_it_was_searched_and_where() -> None:
    said = beside_an_engine().to_dict()["properties"]
    for entry in said.values():
        assert {"name", "holds", "worst", "searched", "where"} <= set(entry)
        assert entry["searched"] is True
    assert said["bayesian_ic"]["where"] == "supplier b, cost 4, report 9"


# --- random menus ---


def nearly_truthful(case: AssemblerCase, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return quantities and payments of a balanced truthful menu, or one nearly so, or any."""
    falls = np.ones(case.shape)
    for i, m in enumerate(case.shape):
        falls = falls * np.sort(rng.uniform(0, 1, m))[::-1].reshape([-1 if j == i else 1 for j in range(len(case.shape))])
    menu = Menu.balanced(case, 500 * falls)
    size = float(rng.choice([0.0, 1e-7, 1e-5, 1e-3, 1.0]))
    noise = rng.uniform(-1, 1, (2, *menu.payment.shape)) * (rng.uniform(size=(2, *menu.payment.shape)) < 0.4)
    return menu.quantity * (1 + 0.9 * size * noise[0]), menu.payment * (1 + size * noise[1])


def with_costs(case: AssemblerCase, costs: Sequence[Sequence[float]], joint: Array, money: float = 1.0) -> AssemblerCase:
    """Return the case with other costs and another prior, and the price in another currency."""
    return build(costs, joint=joint, price=case.price * money, demand=case.demand.model_dump(exclude_none=True))


def verdicts(audit: Audit) -> dict[str, bool]:
    """Return whether each property holds."""
    return {name: bool(result.holds) for name, result in audit.properties.items()}


def same(first: Audit, second: Audit, money: float = 1.0, units: float = 1.0) -> None:
    """Hold two audits against each other: the same verdicts, and the same digits of what counts as a violation."""
    assert verdicts(first) == verdicts(second)
    for name, result in first.properties.items():
        if not result.holds:
            factor = units if name == "balanced" else money * units
            assert second.properties[name].worst == pytest.approx(result.worst * factor, rel=1e-6, abs=0), name
    assert second.expected_profit == pytest.approx(first.expected_profit * money * units, rel=1e-9, abs=1e-9 * money * units)


MENUS = {"data": st.data(), "seed": st.integers(0, 10**6)}


def drawn(data: Any, seed: int) -> tuple[AssemblerCase, Array, Array]:
    """Return a case, and quantities and payments of a menu."""
    case = data.draw(random_cases("uniform", joint=True, least=0))
    return case, *nearly_truthful(case, np.random.default_rng(seed))


@given(money=st.sampled_from(FACTORS), units=st.sampled_from((1.0, *FACTORS)), **MENUS)
@examples(60)
def test_currency_and_unit_change_nothing(money: float, units: float, data: Any, seed: int) -> None:
    case, quantity, payment = drawn(data, seed)
    costs = [[cost * money for cost in supplier.costs] for supplier in case.suppliers]
    demand = {"distribution": "uniform", "low": case.demand.low * units, "high": case.demand.high * units}  # type: ignore[attr-defined]
    scaled = build(costs, joint=case.probability, price=case.price * money, demand=demand)
    first = vd.audit(case, Menu(case, quantity, payment))
    same(first, vd.audit(scaled, Menu(scaled, quantity * units, payment * money * units)), money, units)


@given(**MENUS)
@examples(40)
def test_the_order_of_suppliers_changes_nothing(data: Any, seed: int) -> None:
    case, quantity, payment = drawn(data, seed)
    order = np.random.default_rng(seed).permutation(len(case.names))
    other = with_costs(case, [case.suppliers[i].costs for i in order], np.transpose(case.probability, order))
    moved = [np.transpose(array[order], (0, *(1 + order))) for array in (quantity, payment)]
    same(vd.audit(case, Menu(case, quantity, payment)), vd.audit(other, Menu(other, *moved)))


@given(**MENUS)
@examples(40)
def test_a_type_split_in_two_equal_ones_changes_nothing(data: Any, seed: int) -> None:
    case, quantity, payment = drawn(data, seed)
    i = seed % len(case.names)
    k = (seed // 7) % case.shape[i]
    costs = [list(supplier.costs) for supplier in case.suppliers]
    costs[i].insert(k + 1, costs[i][k] * (1 + 1e-15))
    twice = np.insert(np.arange(case.shape[i]), k + 1, k)
    share = np.where(twice == k, 0.5, 1.0).reshape([-1 if j == i else 1 for j in range(len(case.names))])
    other = with_costs(case, costs, np.take(case.probability, twice, axis=i) * share)
    split = [np.take(array, twice, axis=i + 1) for array in (quantity, payment)]
    same(vd.audit(case, Menu(case, quantity, payment)), vd.audit(other, Menu(other, *split)))


@given(seed=st.integers(0, 10**6), money=st.sampled_from(FACTORS))
@examples(40)
def test_a_large_supplier_beside_changes_nothing_for_a_small_one(seed: int, money: float) -> None:
    rng = np.random.default_rng(seed)
    alone = build([[4.0, 9.0, 11.0]], [[0.2, 0.3, 0.5]])
    quantity, payment = nearly_truthful(alone, rng)
    beside = build([[4.0, 9.0, 11.0], [5.0 * money]], [[0.2, 0.3, 0.5], [1.0]], price=30.0 + 5.0 * money)
    both = [
        np.stack([array[0], other])[..., None] for array, other in ((quantity, quantity[0]), (payment, 5.0 * money * quantity[0]))
    ]
    first, second = vd.audit(alone, Menu(alone, quantity, payment)), vd.audit(beside, Menu(beside, *both))
    for name in ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir"):
        assert first.properties[name].holds == second.properties[name].holds, name
        if not first.properties[name].holds:
            assert second.properties[name].worst == pytest.approx(first.properties[name].worst, rel=1e-9, abs=0)
