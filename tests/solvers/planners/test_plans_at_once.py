"""Several plans at once: the same as one by one, in their order, and what goes wrong says where."""

from collections.abc import Collection
from threading import Event
from typing import Any

import pytest

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, plan_each
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.engines.quiet import ALONGSIDE
from veridical.solvers.planners import Central, compiled, settle
from veridical.solvers.planners.alongside import alongside
from veridical.solvers.solution import Termination


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, products=2, sites=2, weeks=3)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have small plans made at once as well, on two cores, and note on how many that is."""
    noted: list[int] = []

    def told(work: Any, items: Any, workers: int) -> Any:
        noted.append(workers)
        return alongside(work, items, workers)

    monkeypatch.setattr(compiled, "QUICK", 0)
    monkeypatch.setattr(compiled, "cores", lambda: 2)
    monkeypatch.setattr(compiled, "alongside", told)
    return noted


@pytest.mark.parametrize("solver", [None, "highs", {"solver": "highs", "threads": 3}])
def test_plans_made_at_once_are_those_made_one_by_one(case: JointPlanCase, workers: list[int], solver: Any) -> None:
    planner, fee = Central(solver), 0.5
    start, absences = planner.baseline(case), [(), *((name,) for name in case.suppliers), case.suppliers]
    together = list(planner.plan_each(case, start, absences, fee))
    assert workers == [3 if isinstance(solver, dict) else 2]
    for absent, plan in zip(absences, together, strict=True):
        alone = Central(solver).plan(case, start, absent, fee)
        assert plan.non_participants == absent
        assert plan.units.tolist() == alone.units.tolist()
        assert plan.costs == alone.costs
        assert (plan.fee, plan.bound) == (alone.fee, alone.bound)


@pytest.mark.parametrize("solver", [{"solver": "highs", "threads": 1}, "ipopt"])
def test_one_thread_is_one_plan_at_a_time(case: JointPlanCase, workers: list[int], solver: Any) -> None:
    planner = Central(solver)
    plans = planner.plan_each(case, planner.baseline(case), [(name,) for name in case.suppliers[:2]])
    assert [plan.non_participants for plan in plans] == [(name,) for name in case.suppliers[:2]]
    assert not workers


def test_a_settlement_does_not_depend_on_it(case: JointPlanCase, workers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    together = settle(case, "vcg", pivot="clarke")
    assert workers == [2]
    monkeypatch.setattr(compiled, "cores", lambda: 1)
    assert settle(case, "vcg", pivot="clarke").transfers == together.transfers
    assert workers == [2]


class Failing(Central):
    """A planner without a way to the plan without one party."""

    failing = ""

    def plan(self, case: JointPlanCase, baseline: Any, non_participants: Collection[str] = (), activity_fee: float = 0.0) -> Plan:
        if self.failing in non_participants:
            raise NotSolvedError("no way to it", Termination.TIME_LIMIT)
        return super().plan(case, baseline, non_participants, activity_fee)


def test_what_a_plan_raises_says_which_it_is_and_comes_in_its_place(case: JointPlanCase) -> None:
    planner = Failing()
    first, planner.failing = case.suppliers[:2]
    plans = planner.plan_each(case, planner.baseline(case), [(name,) for name in case.suppliers])
    assert next(plans).non_participants == (first,)
    with pytest.raises(NotSolvedError, match=f"^the plan without {planner.failing}: no way to it$") as error:
        next(plans)
    assert error.value.status == Termination.TIME_LIMIT


def test_who_is_no_party_is_refused(case: JointPlanCase, workers: list[int]) -> None:
    planner = Central()
    with pytest.raises(InputError, match="Nobody"):
        list(planner.plan_each(case, planner.baseline(case), [("Nobody",), ()]))


def test_a_plan_that_is_asked_for_twice_is_made_once(case: JointPlanCase) -> None:
    asked: list[tuple[str, ...]] = []

    class Noting(Central):
        def plan(
            self, case: JointPlanCase, baseline: Any, non_participants: Collection[str] = (), activity_fee: float = 0.0
        ) -> Plan:
            asked.append(tuple(non_participants))
            return super().plan(case, baseline, non_participants, activity_fee)

    planner = CachingPlanner(Noting())
    start, (a, b, c) = planner.baseline(case), case.suppliers
    kept = planner.plan(case, start, (b,))
    plans = list(plan_each(planner, case, start, [(a, c), (b,), (c, a), (c,)]))
    assert list(map(set, asked)) == [{b}, {a, c}, {c}]
    assert [set(plan.non_participants) for plan in plans] == [{a, c}, {b}, {a, c}, {c}]
    assert plans[1].units is kept.units


def test_results_come_in_order_and_an_error_ends_the_rest() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        stop = ALONGSIDE.get()
        assert stop is not None
        if item == 1:
            raise ValueError(str(item))
        if item > 1:
            assert stop.wait(60.0)
        return -item

    results = alongside(work, range(50), 2)
    assert next(results) == 0
    with pytest.raises(ValueError, match="1"):
        next(results)
    assert len(begun) < 50


def test_who_stops_early_waits_for_no_more_than_what_runs() -> None:
    begun, ended = Event(), Event()

    def work(item: int) -> int:
        stop = ALONGSIDE.get()
        assert stop is not None
        if not item:
            assert begun.wait(60.0)
            return item
        begun.set()
        assert stop.wait(60.0)
        ended.set()
        return item

    results = alongside(work, range(9), 2)
    assert next(results) == 0
    results.close()
    assert ended.is_set()
