"""Core-selecting payments: by hand, against all coalitions listed, and what is proven where not all are looked at."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.coalition_games import (
    Stated,
    distance_from_nearest,
    largest_total,
    monotone,
    worst_coalition,
)
from support.joint_plan_cases import vendors_at
from veridical.contracts import PROPERTIES
from veridical.contracts.joint_plan import core as module
from veridical.contracts.joint_plan.audit import examine, gain
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.core import CoalitionGame
from veridical.contracts.joint_plan.misreports import lies
from veridical.contracts.joint_plan.search import scale
from veridical.data import InputError, example
from veridical.data.joint_plan import COST, JointPlanCase
from veridical.models.joint_plan.core import build, gains_of
from veridical.solvers import solve
from veridical.solvers.planners import Central, settle
from veridical.solvers.planners.core_gains import core_gains

SHIPPED = ("pilot", "marketplace", "carriers")
POINTS = ("nearest", "bidder_optimal")


# --- on paper ---


@pytest.mark.parametrize("point", POINTS)
def test_two_vendors_share_what_both_are_needed_for(two_vendors: JointPlanCase, planner: CachingPlanner, point: str) -> None:
    # 24 are saved, either adds 14: 4 too much, of which either gives up 2; their own costs fall by 20 and 12
    found = settle(two_vendors, "core", planner, core_point=point)
    assert found.net_gains == pytest.approx({"retailer": -8 + 8, "A": 12, "B": 12} | {"retailer": -8}, abs=1e-6)
    assert [found.transfers[name] for name in ("A", "B")] == pytest.approx([12 - 20, 12 - 12], abs=1e-6)
    assert found.residual == pytest.approx(0, abs=1e-6)
    proof = found.core
    assert proof is not None
    assert proof.clarke == pytest.approx({"A": 14, "B": 14})
    assert proof.lie_bounds == pytest.approx({"A": 2, "B": 2}, abs=1e-6)
    assert proof.cuts == (pytest.approx({("A", "B"): 2}, abs=1e-5) if point == "nearest" else {})
    assert proof.values == pytest.approx({(): 24, ("A",): 10, ("B",): 10, ("A", "B"): 0}, abs=1e-6)
    assert proof.coalitions == 4
    assert 0 <= proof.blocking <= 1e-6


def test_an_activity_fee_is_left_to_the_receivers(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    # at 0.1 a m3 the 16 m3 that move cost 1.6, 0.8 without A or B: 22.4 to share of 24, 22.4 - 9.2 is what either adds
    found = settle(two_vendors, "core", planner, activity_fee=0.1)
    assert [found.net_gains[name] for name in ("A", "B")] == pytest.approx([11.2, 11.2], abs=1e-6)
    assert found.residual == pytest.approx(1.6, abs=1e-6)


LIMITS: dict[tuple[str, ...], float] = {
    ("A", "B"): 1.0,
    ("A", "C"): 1.0,
}  # A d, B and C 1 - d short of 1: d^2 + 2 (1 - d)^2 is least at d = 2 / 3


def test_the_nearest_gains_and_the_best_for_suppliers_on_paper() -> None:
    clarke = dict.fromkeys("ABC", 1.0)
    m = build(clarke, LIMITS)
    solve(m, "highs")
    assert gains_of(m) == pytest.approx({"A": 1 / 3, "B": 2 / 3, "C": 2 / 3}, abs=1e-7)
    assert core_gains(clarke, LIMITS, "nearest") == pytest.approx({"A": 1 / 3, "B": 2 / 3, "C": 2 / 3}, abs=1e-7)
    assert core_gains(clarke, LIMITS, "bidder_optimal") == pytest.approx({"A": 0, "B": 1, "C": 1}, abs=1e-7)
    assert core_gains({"A": 0.0}, {}, "nearest") == {"A": 0.0}


@pytest.mark.parametrize(
    ("clarke", "limits", "words"),
    [
        ({"A": -1.0}, {}, "A: got -1.0; allowed: a finite number >= 0, currency"),
        ({"A": 1.0}, {("A", "B"): 1.0}, "limits: got 'B'; allowed: suppliers with a gain"),
        ({"A": 1.0}, {("A",): float("nan")}, "got nan; allowed: a finite number >= 0"),
    ],
)
def test_gains_that_are_none_are_refused(clarke: dict[str, float], limits: dict[tuple[str, ...], float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(clarke, limits)


# --- any game, against all coalitions listed ---


def many(count: int) -> JointPlanCase:
    return vendors_at(**dict.fromkeys("ABCDEFGHIJ"[:count], 2.0))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("point", POINTS)
def test_limits_that_enter_one_by_one_lead_to_what_all_of_them_do(seed: int, point: str) -> None:
    case = many(3 + seed % 3)
    value = monotone(case.suppliers, seed)
    found = settle(case, "core", Stated(value), core_point=point)
    gains = {name: found.net_gains[name] for name in case.suppliers}
    everybody = value(frozenset(case.suppliers))
    assert min(gains.values()) >= 0
    assert worst_coalition(value, case.suppliers, gains) <= 1e-6 * everybody
    assert found.core is not None
    assert found.core.blocking <= 1e-6 * everybody
    if point == "bidder_optimal":
        assert sum(gains.values()) == pytest.approx(largest_total(value, case.suppliers), abs=1e-6 * everybody)
    assert distance_from_nearest(value, case.suppliers, gains, total=point == "bidder_optimal") <= 1e-6
    if point == "nearest":  # what each is short of Clarke's gain is what limits take off it, all that there is at most
        for name, gain in gains.items():
            taken = sum(cut for absent, cut in found.core.cuts.items() if name in absent)
            short = found.core.clarke[name] - gain
            assert taken >= short - 1e-5 * everybody
            assert taken == pytest.approx(short, abs=1e-5 * everybody) or gain <= 1e-5 * everybody


def test_the_conditions_of_the_nearest_gains_see_others() -> None:
    value = monotone("ABCD", 1)
    gains = core_gains_of(value, "ABCD")
    assert distance_from_nearest(value, tuple("ABCD"), gains) <= 1e-6
    assert distance_from_nearest(value, tuple("ABCD"), {name: 0.5 * amount for name, amount in gains.items()}) > 1e-2


def core_gains_of(value: Callable[[frozenset[str]], float], names: str) -> dict[str, float]:
    found = settle(many(len(names)), "core", Stated(value))
    return {name: found.net_gains[name] for name in names}


@pytest.mark.parametrize("power", [0.3, 0.7])
def test_clarke_is_in_the_core_where_suppliers_are_substitutes(power: float) -> None:
    """Savings that are concave in how much takes part: Clarke's gains of nobody depend on the others' staying (submodular)."""
    sizes = {"A": 1.0, "B": 2.0, "C": 4.0, "D": 5.5}

    def value(some: frozenset[str]) -> float:
        return float(sum(sizes[name] for name in some) ** power)

    gains = core_gains_of(value, "ABCD")
    everybody = frozenset(sizes)
    assert gains == pytest.approx({name: value(everybody) - value(everybody - {name}) for name in sizes}, abs=1e-6)
    assert settle(many(4), "core", Stated(value)).core.lie_bounds == pytest.approx(dict.fromkeys(sizes, 0.0), abs=1e-6)  # type: ignore[union-attr]


def test_where_all_are_needed_few_coalitions_are_looked_at() -> None:
    planner, names = Stated(lambda some: 100.0 if len(some) == 10 else 0.0), "ABCDEFGHIJ"
    found = settle(many(10), "core", planner)
    assert [found.net_gains[name] for name in names] == pytest.approx([10.0] * 10, abs=1e-6)
    assert planner.asked < 100  # of 1,024
    assert found.core is not None
    assert found.core.coalitions == 1024
    assert found.core.blocking <= 1e-6


def test_values_that_are_proven_to_a_gap_are_bounds() -> None:
    value = monotone("ABC", 4)
    found = settle(many(3), "core", Stated(value, gap=0.25))
    assert found.excess == pytest.approx(0.25)
    assert found.core is not None
    assert found.core.gap == pytest.approx(0.25)
    assert 0.25 - 1e-6 <= found.core.blocking <= 0.25 + 1e-6
    assert all(bound >= 0.25 - 1e-6 for bound in found.core.lie_bounds.values())


def test_a_search_that_is_cut_short_says_a_bound(monkeypatch: pytest.MonkeyPatch, planner: CachingPlanner) -> None:
    case, value = many(5), monotone("ABCDE", 3)
    monkeypatch.setattr(module, "COALITIONS", 8)
    found = settle(case, "core", Stated(value))
    gains = {name: found.net_gains[name] for name in case.suppliers}
    assert found.core is not None
    assert len(found.core.values) <= 8
    assert found.core.blocking >= worst_coalition(value, case.suppliers, gains) - 1e-9
    assert found.core.blocking > 1e-3
    assert PROPERTIES["core"](found, planner=Stated(value)).holds is not True


def test_a_planner_without_a_solver_is_refused() -> None:
    class Bare(Stated):
        core_gains = None  # type: ignore[assignment]

    with pytest.raises(InputError, match="planner: got <Bare>; allowed: one with a method core_gains"):
        settle(many(2), "core", Bare(lambda some: float(len(some))))


# --- plans ---


@pytest.mark.parametrize("name", SHIPPED)
def test_the_receivers_never_lose_in_the_core(name: str) -> None:
    case, planner = example(name), CachingPlanner(Central())
    for fee in (0.0, case.mechanism.activity_fee):
        found = settle(case, "core", planner, activity_fee=fee)
        clarke = settle(case, "vcg", planner, pivot="clarke", activity_fee=fee)
        assert found.residual >= found.activity - 1e-6 * scale(found)
        for supplier in case.suppliers:
            assert -1e-6 <= found.net_gains[supplier] <= clarke.net_gains[supplier] + 1e-6 * scale(found)
        assert PROPERTIES["core"](found, planner=planner).holds
    free = settle(case, "vcg", planner, pivot="clarke", activity_fee=0.0)
    inside = PROPERTIES["core"](free, planner=planner)
    assert inside.holds == (name == "marketplace")  # there Clarke's payments leave the receivers something, and are the nearest
    if name == "marketplace":
        assert settle(case, "core", planner, activity_fee=0.0).transfers == pytest.approx(free.transfers, abs=1e-6 * free.savings)
    else:  # the receivers alone would stay at the baseline
        assert inside.worst == pytest.approx(-free.residual, abs=1e-6 * free.savings)


def test_no_misreport_gains_more_than_is_said(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    truth = settle(two_vendors, "core", planner)
    assert truth.core is not None
    for lie in lies(two_vendors, 12, seed=2):
        assert gain(truth, lie, planner) <= truth.core.lie_bounds[lie.party] + 1e-6 * truth.savings
    checked = examine(truth, planner=planner, misreports=10)
    assert not checked.truthful
    assert 0.1 < checked.max_regret <= 2 + 1e-6  # somebody would lie, for no more than Clarke's pivot pays beyond
    assert checked.properties["core"].holds
    assert checked.properties["ex_post_ir"].holds
    said = "truth is not best, but whatever the others report no misreport of one gains more than Clarke's pivot would pay him"
    assert checked.guarantees["suppliers"] == f"{said} beyond this: A 2.00, B 2.00"


def test_transfers_out_of_the_core_are_seen(three_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    fair = settle(three_vendors, "core", planner)
    name = three_vendors.suppliers[0]
    assert fair.core is not None
    more = fair.core.lie_bounds[name] + 5.0
    greedy = replace(fair, transfers={**fair.transfers, name: fair.transfers[name] + more})
    result = examine(greedy, planner=planner, misreports=0).properties["core"]
    assert not result.holds
    assert result.worst >= 5.0 - 1e-6
    assert "a plan of their own" in result.where


def scaled(case: JointPlanCase, factor: float) -> JointPlanCase:
    routes = tuple(route._replace(price=route.price * factor) for route in case.shared.routes)
    parties = tuple(party.scaled(COST, factor) for party in case.parties)
    fee, tie_break = (factor * value for value in (case.mechanism.activity_fee, case.mechanism.tie_break))
    return case.changed(routes=routes, parties=parties, activity_fee=fee, tie_break=tie_break)


def test_money_scaled_and_parties_permuted(three_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    first = settle(three_vendors, "core", planner)
    dear = settle(scaled(three_vendors, 1000.0), "core", Central())
    other = settle(three_vendors.changed(parties=three_vendors.parties[::-1]), "core", Central(), baseline=first.start)
    for name in three_vendors.names:
        assert dear.net_gains[name] == pytest.approx(1000.0 * first.net_gains[name], abs=1e-3 * first.savings)
        assert other.net_gains[name] == pytest.approx(first.net_gains[name], abs=1e-6 * first.savings)


def test_a_lost_party_is_in_no_coalition(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    game = CoalitionGame(problem_of(two_vendors, planner))
    assert game.blocking({"A": 24.0, "B": 0.0}).gain == pytest.approx(10.0, abs=1e-6)  # without A: 10 and his 24 to 24
    assert game.blocking({"A": 24.0, "B": 0.0}).absent == ("A",)


def problem_of(case: JointPlanCase, planner: CachingPlanner) -> Any:
    from veridical.contracts.joint_plan.attendance import Attendance
    from veridical.contracts.joint_plan.problem import ReportedProblem

    return ReportedProblem.of(case, Attendance(planner), planner.baseline(case), case, case.suppliers)
