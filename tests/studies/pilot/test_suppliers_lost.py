"""A rolling run in which a supplier is lost for good: at the baseline from that week on, in every world, his costs not known."""

import json
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.homes import agents_of, without_records
from support.joint_plan_cases import vendors_at
from veridical.commands.pilot_tables import weekly
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, Retailer, Values, pilot
from veridical.solvers.consensus import Answer, Consensus, NoAnswer
from veridical.solvers.consensus.home import HomeAgent
from veridical.solvers.planners import Central, settle
from veridical.studies.pilot import PilotRun, run
from veridical.tables import show

SAME = 1e-9
GONE = "Birch"
OPTIONS: dict[str, Any] = {"patience": 1, "gap": 0.2}  # of the savings: what is the same is so at any gap
AMOUNTS = ["baseline_cost", "cost", "transfer", "fee", "account", "net_gain"]


class Mortal(HomeAgent):
    """An agent that answers nothing more once it is asked `last` in a week for the n-th time."""

    def dies(self, week: int, last: str, after: int = 0) -> "Mortal":
        self.end, self.left, self.dead = (week, last), after, False
        return self

    def _asked(self, method: str, week: int | None = None) -> None:
        if (self._week if week is None else week, method) == self.end:
            self.dead |= self.left == 0
            self.left -= 1
        if self.dead:
            raise NoAnswer

    def world(self, number: Any, week: Any) -> Answer:
        self._asked("world", int(week[0]))
        return super().world(number, week)

    def fix(self, units: Any) -> Answer:
        self._asked("fix")
        return super().fix(units)

    def cost(self, plan: Any) -> Answer:
        self._asked("cost")
        return super().cost(plan)

    def respond(self, *question: Any) -> Answer:
        self._asked("respond")
        return super().respond(*question)

    def execute(self, plan: Any) -> Answer:
        self._asked("execute")
        return super().execute(plan)


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, sites=1, regions=1, products=1, weeks=3, seed=1).changed(pivot="baseline")


def lost(case: JointPlanCase, dies: tuple[Any, ...], folder: Path | None = None, name: str = GONE, **options: Any) -> PilotRun:
    """Return the run of a case whose records are at home, and in which an agent dies."""
    agents = agents_of(case, service=True) | {name: Mortal(case.part(name), service=True).dies(*dies)}
    solver = {"solver": "consensus", "options": OPTIONS | options}
    with pytest.warns(UserWarning, match=rf"week {dies[0]}: lost {name}, held at the just-in-time baseline"):
        return run(without_records(case), planner=lambda: Consensus(solver, agents=agents), folder=folder)


class Never(Consensus):
    """A planner by consensus, with the records in the case, in whose plans one supplier takes no part from a week on."""

    week = 0

    def plans(self, asked: Any, baseline: Array, activity_fee: float = 0.0) -> Any:
        case = asked[0][0]
        if case.shared.weeks[0] >= self.week:
            self.hold(case, (GONE,))
        return super().plans(asked, baseline, activity_fee)


def never_from(case: JointPlanCase, week: int) -> PilotRun:
    """Return the run in which all records are there, and one supplier takes part in no plan from a week on: nobody is lost."""

    def planner() -> Never:
        who = Never({"solver": "consensus", "options": OPTIONS})
        who.week = week
        return who

    return run(case, planner=planner)


def same(found: PilotRun, known: PilotRun, amounts: list[str]) -> None:
    """Amounts of all but the one who is lost are the same in both runs, week by week."""
    told, right = (one.table[amounts].drop(index=GONE, level="party").to_numpy() for one in (found, known))
    np.testing.assert_allclose(told, right, rtol=SAME, atol=SAME * known.total["baseline_cost"])


ENDS: dict[str, tuple[Any, ...]] = {
    "before the week": (2, "world"),
    "on the way to a plan": (2, "respond", 3),
    "when he has told a cost of the week in one world": (2, "execute", 1),
}


@pytest.fixture(scope="module")
def never(case: JointPlanCase) -> PilotRun:
    return never_from(case, 2)


@pytest.fixture(scope="module")
def rolled(case: JointPlanCase) -> PilotRun:
    return lost(case, (2, "execute"))


@pytest.mark.parametrize("end", ENDS)
def test_others_cost_what_they_cost_where_he_takes_part_never_from_then_on(
    case: JointPlanCase, never: PilotRun, end: str
) -> None:
    rolled = lost(case, ENDS[end])
    assert rolled.lost == {GONE: 2}
    same(rolled, never, ["baseline_cost", "cost"])
    told, known = (one.table.query("week == 1")[AMOUNTS].to_numpy() for one in (rolled, never))  # of himself too
    np.testing.assert_allclose(told, known, rtol=SAME, atol=SAME * never.total["baseline_cost"])


def test_what_is_known_adds_up_and_what_is_not_is_in_no_total(rolled: PilotRun) -> None:
    size = rolled.total["baseline_cost"]
    gains = rolled.table["net_gain"].groupby("week").sum()
    assert (gains + rolled.weeks["budget"]).to_numpy() == pytest.approx(rolled.weeks["savings"].to_numpy(), abs=1e-12 * size)
    own = rolled.table.xs(GONE, level="party")
    for amount in ("baseline_cost", "cost", "net_gain"):
        assert own[amount].isna().tolist() == [False, True, True]
    assert own["transfer"].tolist()[1:] == [0.0, 0.0]
    assert rolled.totals["net_gain"].isna().to_dict() == {name: name == GONE for name in rolled.case.names}
    for week in (2, 3):
        costs = rolled.table.loc[week].drop(index=GONE)
        assert rolled.weeks.loc[week, "plan_cost"] == pytest.approx(costs["cost"].sum(), rel=1e-12)
        assert rolled.weeks.loc[week, "baseline_cost"] == pytest.approx(costs["baseline_cost"].sum(), rel=1e-12)
    assert rolled.total["plan_cost"] == pytest.approx(rolled.weeks["plan_cost"].sum(), rel=1e-12)
    assert rolled.total["service_level"]["joint"] is not None  # whom he serves nobody asks


@pytest.mark.parametrize("pivot", ["clarke", "baseline"])
def test_a_cost_at_the_baseline_of_all_plans_cancels(case: JointPlanCase, pivot: str) -> None:
    """Lost in the first week, he carries over the same in all worlds: transfers are those that his cost would have led to."""
    short = case.since(2).changed(pivot=pivot)
    told, known = lost(short, (2, "execute")), never_from(short, 2)
    same(told, known, AMOUNTS)
    assert known.totals["cost"].notna().all()  # there his cost is known, and in both worlds' sums
    assert told.weeks["savings"].to_numpy() == pytest.approx(
        known.weeks["savings"].to_numpy(), abs=1e-9 * known.total["baseline_cost"]
    )


@pytest.mark.parametrize("dies", [(3, "respond", 3), (3, "world", 3)])
def test_worlds_in_turn_lose_him_just_so(case: JointPlanCase, dies: tuple[Any, ...]) -> None:
    """Plans are made in turn, and some have been begun when he is lost: what comes is the same."""
    two = case.since(2).changed(pivot="clarke")
    found, known = lost(two, dies, shuffle=True), never_from(two, 3)
    same(found, known, ["baseline_cost", "cost"])


def by_hand() -> JointPlanCase:
    """Return the case of `vendors_at` in which vendors hold units at 0.5 a week, and the retailer at 1.

    The plan of all in week 1: A sends 6 and B 2, as in `test_rolling_pilot.by_hand`: A -18, B -2, retailer 48.
    """
    case = vendors_at()
    retailer, *vendors = case.parties
    assert isinstance(retailer, Retailer)
    known = retailer.replace(actual=Values(dict(retailer.demand)))
    return case.changed(parties=(known, *(vendor.replace(holding_cost=Values({"soap": 0.5})) for vendor in vendors)))


# --- who ends the run, what is said, and going on ---


def test_a_receiver_who_is_lost_ends_the_run_by_name_and_the_weeks_before_are_kept(case: JointPlanCase, tmp_path: Path) -> None:
    ends: list[tuple[Any, ...]] = [(2, "execute"), (2, "respond", 3)]
    for number, dies in enumerate(ends):
        agents = agents_of(case) | {"retailer": Mortal(case.part("retailer")).dies(*dies)}
        solver = {"solver": "consensus", "options": OPTIONS}
        with pytest.raises(NotSolvedError, match="retailer") as ended:
            run(without_records(case), planner=partial(Consensus, solver, agents=agents), folder=tmp_path / str(number))
        assert ended.value.exit_status == 3
        assert [path.name for path in (tmp_path / str(number)).glob("*.json")] == ["week-1.json"]


def test_who_asked_for_a_stop_has_one(case: JointPlanCase) -> None:
    ends: list[tuple[Any, ...]] = [(2, "execute"), (2, "respond", 3)]
    for dies in ends:
        agents = agents_of(case) | {GONE: Mortal(case.part(GONE)).dies(*dies)}
        solver = {"solver": "consensus", "options": OPTIONS | {"when_lost": "stop"}}
        with pytest.raises(NotSolvedError, match=GONE):
            run(without_records(case), planner=partial(Consensus, solver, agents=agents))


def test_it_is_said_in_words_tables_and_json(rolled: PilotRun, capsys: pytest.CaptureFixture[str]) -> None:
    show(*weekly(rolled))
    out = capsys.readouterr().out
    said = " ".join(out.split())
    assert f"lost, held at the just-in-time baseline and paid nothing: {GONE} from week 2 on" in said
    assert f"what that costs {GONE} is not known, and is in no total" in said
    row = next(line for line in out.splitlines() if line.startswith(f"│ {GONE}"))
    assert [cell.strip() for cell in row.strip("│").split("│")][2:4] == ["-", "-"]
    assert "nan" not in out.lower()
    record = json.loads(json.dumps(rolled.to_dict(), allow_nan=False))
    assert (record["status"], record["lost"]) == ("incomplete", {GONE: 2})
    own = [next(row for row in week["parties"] if row["name"] == GONE) for week in [*record["weeks"], record["total"]]]
    assert [row["cost"] is None for row in own] == [False, True, True, True]
    assert [row["net_gain"] is None for row in own] == [False, True, True, True]
    for name in ("weekly_ir", "ex_post_ir"):
        assert record["properties"][name]["holds"] is not True  # of him nobody knows
    assert "not known" in rolled._repr_html_()
    assert rolled.figure().axes


def test_a_run_goes_on_without_him_after_it_was_interrupted(case: JointPlanCase, rolled: PilotRun, tmp_path: Path) -> None:
    def agents() -> dict[str, HomeAgent]:
        return {name: HomeAgent(case.part(name), service=True, kept=tmp_path / f"{name}.json") for name in case.names}

    def stop(week: int, seconds: float, saved: float) -> None:
        if week == 2:
            raise KeyboardInterrupt

    solver, public = {"solver": "consensus", "options": OPTIONS}, without_records(case)
    dying = agents() | {GONE: Mortal(case.part(GONE), service=True).dies(2, "execute")}
    with pytest.warns(UserWarning, match=f"week 2: lost {GONE}"), pytest.raises(KeyboardInterrupt):
        run(public, planner=partial(Consensus, solver, agents=dying), folder=tmp_path / "weeks", callback=stop)
    silent = Mortal(case.part(GONE)).dies(3, "world")
    silent.dead = True  # nobody asks him
    found = run(public, planner=partial(Consensus, solver, agents=agents() | {GONE: silent}), folder=tmp_path / "weeks")
    assert found.lost == {GONE: 2}
    np.testing.assert_allclose(found.table[AMOUNTS], rolled.table[AMOUNTS], rtol=SAME, atol=SAME * rolled.total["baseline_cost"])


@pytest.mark.parametrize("settlement", ["end", "pledge"])
def test_he_is_paid_what_he_was_owed_until_then(case: JointPlanCase, rolled: PilotRun, settlement: str) -> None:
    other = replace(rolled, settlement=settlement)
    owed = rolled.executed[0].transfers[GONE]
    paid = other.payments[GONE]
    assert sum(paid.paid) - paid.forgiven == pytest.approx(owed, rel=1e-12)
    assert paid.account[-1] == 0.0
    assert np.isfinite(other.table["transfer"]).all()


def test_no_misreport_is_tried_of_a_run_that_lost_somebody(case: JointPlanCase) -> None:
    short = case.since(2)
    agents = agents_of(short, misreports=True) | {GONE: Mortal(short.part(GONE), misreports=True).dies(3, "execute")}
    solver = {"solver": "consensus", "options": OPTIONS}
    with pytest.warns(UserWarning, match=f"week 3: lost {GONE}"):
        found = run(without_records(short), planner=partial(Consensus, solver, agents=agents), misreports=2)
    assert (found.tried, found.not_searched) == ((), short.suppliers)
    assert found.properties()["dominant_strategy_ic"]["holds"] is None


class Losing(Central):
    """A planner with all records that loses A in every plan from a week on in which he takes part."""

    week, name = 2, "A"

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        gone = (self.name,) if case.shared.weeks[0] >= self.week and self.name not in non_participants else ()
        return replace(super().plan(case, baseline, (*non_participants, *gone), activity_fee), lost=gone)


@pytest.mark.parametrize("fees", [{"pivot": "clarke", "participation_fee": 1.0}, {"pivot": "baseline"}], ids=str)
def test_in_one_week_it_is_as_solve_has_it(fees: dict[str, Any]) -> None:
    """Who is lost and has his record in the case costs what that says, in every figure; transfers are those of `solve`."""
    case = vendors_at().changed(**fees).since(2)
    with pytest.warns(UserWarning, match="week 2: lost A"):
        found = run(case, planner=Losing)
    at_once = settle(case, "vcg", Losing())
    assert found.lost == {"A": 2}
    assert at_once.lost == ("A",)
    assert found.totals["cost"].to_dict() == pytest.approx(dict(at_once.costs), abs=1e-5)
    assert found.totals["transfer"].to_dict() == pytest.approx(dict(at_once.transfers), abs=1e-5)
    assert found.totals["cost"].notna().all()


class LosingB(Losing):
    """The same of B."""

    name = "B"


def test_on_paper() -> None:
    """B is lost in week 2, and sends 10 as just in time; 8 are there, so that A sends 2: A 4 - 10 = -6, retailer 12 * 5 = 60.

    Just in time A costs 20 + 14 - 50 = -16 and the retailer 100, and B 4 either way, as his record says. Others of A:
    100 + 4 - (60 + 4) = 40. Week 1 is as if nothing had been: A is owed 0 - (48 - 2), B 0 - (48 - 18).
    """
    with pytest.warns(UserWarning, match="week 2: lost B"):
        found = run(by_hand(), planner=LosingB)
    assert found.table["baseline_cost"].tolist() == pytest.approx([0, 0, 0, 100, -16, 4], abs=1e-5)
    assert found.table["cost"].tolist() == pytest.approx([48, -18, -2, 60, -6, 4], abs=1e-5)
    assert found.table["transfer"].tolist() == pytest.approx([0, -46, -30, 0, 40, 0], abs=1e-5)
    assert found.weeks["savings"].tolist() == pytest.approx([-28, 30], abs=1e-5)
    assert found.totals["net_gain"].tolist() == pytest.approx([-48 + 40, 18 - 46 - 10 + 40, 2 - 30], abs=1e-5)
