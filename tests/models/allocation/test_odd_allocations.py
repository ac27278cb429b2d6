"""What models do with pooled types, types that never occur, one retailer, and extremes of capacity."""

from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.allocation_cases import FORMS, LINEAR, NORMAL, POWER, case, form_name, group
from support.allocation_models import ALL_FORMS, SAME, allotted, closed, solved
from veridical.data import AllocationCase, CertificateError
from veridical.data.fields import check


def test_units_rise_with_the_own_type_and_fall_with_others() -> None:
    for raw in (LINEAR, NORMAL):
        _, found = solved(case(group([3, 4, 6], [0.5, 0.1, 0.4], raw, 3), capacity=4.0), "allocation")
        (truth,) = found.reports
        assert (np.diff(truth.quantity, axis=1) >= -1e-6).all()
        order = {tuple(row): k for k, row in enumerate(truth.others.tolist())}
        for row, k in order.items():
            for low, high in ((0, 1), (1, 2)):
                if row[low]:
                    raised = list(row)
                    raised[low], raised[high] = raised[low] - 1, raised[high] + 1
                    assert (truth.quantity[order[tuple(raised)]] <= truth.quantity[k] + 1e-5).all()


def test_pooled_types_get_the_same() -> None:
    # virtual values: 3 - 0.5 / 0.5 * 1 = 2, 4 - 0.4 / 0.1 * 2 = -4, 6: the first two are pooled at (0.5 * 2 - 0.1 * 4) / 0.6 = 1
    own = case(group([3, 4, 6], [0.5, 0.1, 0.4], LINEAR, 2), capacity=5.0)
    model = vd.build(own, "allocation")
    found = vd.solvers.solve(model, "highs")
    for others in (3, 4, 6):
        for theta in (3, 4):
            row = allotted(found).to_frame()["quantity"].loc[tuple(sorted((theta, others)))]
            assert row.to_numpy()[0 if theta <= others else 1] == pytest.approx(0.5, abs=1e-7)  # 1 / 2
    duals = found.duals["monotonicity"]
    assert duals.index.names == ["retailers", "type", "next_type", "others"]
    expected = -0.5 * np.array([0.5, 0.1, 0.4]) * (2 - 1)  # f_3 (virtual - pooled virtual) at each type of the other, <= 0 for >=
    pool = [float(duals["retailers 1", 3.0, 4.0, others]) for others in ("3", "4", "6")]
    assert np.abs(pool) == pytest.approx(2 * np.abs(expected), abs=1e-7)  # of either of the two retailers
    without = vd.solve(own, "allocation_direct", "highs")
    assert without.objective == pytest.approx(found.objective, rel=SAME)
    with pytest.raises(CertificateError, match="monotone fails"):
        vd.solve(own, "allocation", "highs", monotonicity=False)
    assert "monotonicity" in vd.solve(own.changed(capacity=1.0), "allocation", monotonicity=True).duals


def test_a_continuous_prior_is_cut_into_points() -> None:
    raw = {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": LINEAR}
    own = check(AllocationCase, {"retailers": [raw], "capacity": 3.0})
    earned = [vd.solve(own, "allocation", "highs", points=points).objective for points in (2, 4, 8, 16)]
    assert (np.diff(earned) > 0).all()
    solution = vd.solve(own, "allocation", "highs")
    found = allotted(solution)
    assert solution.parameters == {"points": 16}
    assert solution.objective == earned[-1]
    assert found.case.retailers[0].types == tuple(np.linspace(4, 8, 17)[:-1])
    oracle = vd.solve(own, "allocation", "closed_form")
    assert solution.objective == pytest.approx(oracle.objective, rel=SAME)
    for mechanism in ("allocation_kkt", "allocation_direct"):
        assert vd.solve(own, mechanism, points=4).objective == pytest.approx(earned[1], rel=SAME)


def test_types_that_never_occur_change_nothing() -> None:
    own = case(group([2, 4, 5, 7, 9], [0, 0.5, 0, 0.5, 0], LINEAR, 2), capacity=1.5)
    few = case(group([4, 7], None, LINEAR, 2), capacity=1.5)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        solution, found = solved(own, mechanism)
        assert solution.objective == pytest.approx(closed(own).earned, rel=SAME)
        assert solution.objective == pytest.approx(vd.solve(few, mechanism, "ipopt").objective, rel=1e-9)
        assert found.case.retailers[0].types == (4.0, 7.0)


@pytest.mark.parametrize("raw", ALL_FORMS, ids=form_name)
def test_one_retailer(raw: Any) -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw), capacity=2.0)
    earned = closed(own).earned
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        assert solved(own, mechanism)[0].objective == pytest.approx(earned, rel=SAME)
    alone = case(group([4], None, LINEAR), capacity=5.0)
    _, found = solved(alone, "allocation", "highs")
    assert found.quantity.tolist() == [[pytest.approx(2.0)]]
    assert found.payments[0] == pytest.approx([4.0])  # all that he earns: there is nothing he could hide


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_capacity_without_end_and_next_to_none(raw: Any) -> None:
    plenty = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), capacity=1e4)
    oracle = closed(plenty)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        solution, found = solved(plenty, mechanism)
        assert solution.objective == pytest.approx(oracle.earned, rel=SAME)
        assert found.shadow_price == pytest.approx(0, abs=1e-5)
    scarce = plenty.changed(capacity=0.02)
    earned = closed(scarce).earned
    for mechanism in ("allocation", "allocation_kkt"):
        assert solved(scarce, mechanism)[0].objective == pytest.approx(earned, rel=SAME)


def test_nothing_is_bought_where_no_unit_earns_its_cost() -> None:
    for raw in (LINEAR, POWER):
        own = case(group([1.5, 5.5], [0.3, 0.7], raw, 3), capacity_cost=6.0)
        for mechanism in ("capacity_choice", "allocation_kkt", "allocation_direct"):
            solution, found = solved(own, mechanism)
            assert solution.objective == pytest.approx(0, abs=1e-8)
            assert found.capacity == pytest.approx(0, abs=1e-6)
            assert found.expected_shadow_price <= 6.0 + 1e-6


def test_nothing_is_bought_where_a_unit_sells_for_its_cost() -> None:
    # What a barrier leaves of units where none is worth having earns as little as it is wrong by, and proves nothing.
    raw = {"form": "newsvendor", "price": 1, "demand": {"distribution": "exponential"}}
    own = case(group([7.0, 8.4, 9.7], [0.43, 0.5, 0.07], raw, 3), capacity_cost=1.0)
    for mechanism in ("capacity_choice", "allocation_kkt", "centralized"):
        solution = vd.solve(own, mechanism)
        found = allotted(solution)
        assert (solution.status, solution.objective, found.capacity) == ("optimal", 0.0, 0.0)
        assert found.expected_shadow_price == pytest.approx(1.0, rel=1e-12)
