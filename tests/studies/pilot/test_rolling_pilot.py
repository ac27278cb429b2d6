"""The rolling pilot: on paper, against what is settled at once, the sums that must hold, and runs that end half way."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
import pytest

from support.joint_plan_cases import vendors_at
from veridical.data import InputError, example
from veridical.data.joint_plan import JointPlanCase, Party, Retailer, Values, carriers, marketplace, pilot
from veridical.models.joint_plan import party_model
from veridical.solvers.consensus import Consensus
from veridical.solvers.planners import Central, settle
from veridical.solvers.planners.central import party_at
from veridical.studies.figures.style import save
from veridical.studies.pilot.run import PilotRun, run
from veridical.studies.pilot.week import weekly_cost

FEES: list[dict[str, Any]] = [
    {"pivot": "baseline"},
    {"pivot": "clarke"},
    {"pivot": "baseline", "activity_fee": 0.5},
    {"pivot": "clarke", "activity_fee": 0.5, "participation_fee": 20.0},
]


def flat(party: Party, **numbers: float) -> Party:
    """Return the record with the same number in every row of some fields."""
    rows = {name: getattr(party, name) for name in numbers}
    return party.replace(
        **{
            name: Values(dict.fromkeys(rows[name], number)) if isinstance(rows[name], Values) else number
            for name, number in numbers.items()
        }
    )


def by_hand(actual: float = 20.0, penalty: float = 100.0, pivot: str = "baseline") -> JointPlanCase:
    """Return the case of `vendors_at`, in which 20 units are expected in the second week and vendors hold units at 0.5 a week.

    Just in time nothing happens in week 1, and in week 2 each sends 10: A 20 + 14 - 50 = -16, B 40 + 14 - 50 = 4, retailer 100.
    Jointly A sends 6, 6 and B 2, 6, since one more of B in week 1 costs 5, and one more of A in week 2 5.5:
        week 1: A 12 - 30 = -18, B 8 - 10 = -2, retailer 40 + 8 = 48, together 28;
        week 2: A 12 - 30 = -18, B 24 - 30 = -6, retailer 60, together 36.
    """
    case = vendors_at()
    retailer, *vendors = case.parties
    assert isinstance(retailer, Retailer)
    needs = Values({key: actual if units else 0.0 for key, units in retailer.demand.items()})
    parties = (flat(retailer, penalty=penalty).replace(actual=needs), *(flat(vendor, holding_cost=0.5) for vendor in vendors))
    return case.changed(parties=parties, pivot=pivot)


def certain(case: JointPlanCase) -> JointPlanCase:
    """Return the case in which needs turn out as expected."""
    return case.changed(parties=tuple(p.replace(actual=Values()) if "actual" in p.columns() else p for p in case.parties))


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(vendors=3, sites=2, regions=2, products=3, weeks=3, seed=1)


@pytest.fixture(scope="module", params=range(len(FEES)), ids=str)
def rolled(small: JointPlanCase, request: pytest.FixtureRequest) -> PilotRun:
    return run(small, **FEES[request.param])


@pytest.fixture(scope="module")
def shipped() -> PilotRun:
    return run(example("pilot"), pivot="baseline", activity_fee=0.0)


def test_two_weeks_on_paper() -> None:
    """Others of A: week 1 0 - (48 - 2), week 2 (100 + 4) - (60 - 6); of B: 0 - (48 - 18), (100 - 16) - (60 - 18)."""
    found = run(by_hand())
    table = found.table
    assert table["baseline_cost"].to_numpy() == pytest.approx(np.array([0, 0, 0, 100, -16, 4]), abs=1e-5)
    assert table["cost"].to_numpy() == pytest.approx(np.array([48, -18, -2, 60, -18, -6]), abs=1e-5)
    assert table["transfer"].to_numpy() == pytest.approx(np.array([0, -46, -30, 0, 50, 42]), abs=1e-5)
    assert found.weeks["savings"].to_numpy() == pytest.approx(np.array([-28, 52]), abs=1e-5)
    assert found.weeks["budget"].to_numpy() == pytest.approx(np.array([76, -92]), abs=1e-5)
    assert found.totals["net_gain"].to_dict() == pytest.approx({"retailer": -8, "A": 24, "B": 24}, abs=1e-5)
    assert found.total["residual"] == pytest.approx(-8 - 16, abs=1e-5)


def test_clarke_on_paper() -> None:
    """Without A, B sends 4, 6, without B, A does: 78 together either way, so that each contributes 14."""
    totals = run(by_hand(pivot="clarke")).totals
    assert totals["net_gain"].to_dict() == pytest.approx({"retailer": -8, "A": 14, "B": 14}, abs=1e-5)


def test_a_forecast_can_be_wrong() -> None:
    """Ten come instead of 20, and 8 are there already: 28 + (4 - 10 + 10), just in time 50 - 15 - 5. Nobody hides the loss."""
    found = run(by_hand(actual=10.0))
    assert found.weeks["plan_cost"].to_numpy() == pytest.approx(np.array([28, 4]), abs=1e-5)
    assert found.total["savings"] == pytest.approx(-2, abs=1e-5)
    assert found.totals.loc[["A", "B"], "net_gain"].to_numpy() == pytest.approx(np.array([-2, -2]), abs=1e-5)


def test_service_on_paper() -> None:
    """A lost sale costs 3.5: too little to buy at 5, enough for A to make 6 a week at 2 and hold 6; B costs 4."""
    found = run(by_hand(penalty=3.5))
    assert found.total["service_level"] == pytest.approx({"jit": 0.0, "joint": 0.6}, abs=1e-5)
    assert found.to_dict()["weeks"][0]["service_level"] == {"jit": None, "joint": None}  # nothing is wanted
    assert found.weeks.loc[2, "service_joint"] == pytest.approx(0.6, abs=1e-5)


@pytest.mark.parametrize(("market", "level"), [(0.0, 0.0), (500.0, 1.0)])
def test_service_of_shippers(market: float, level: float) -> None:
    case = carriers(shippers=1, carriers=1, lanes=1, weeks=2)
    shipper, carrier = case.parties
    case = case.changed(parties=(flat(shipper, market_cost=market), carrier))
    assert run(case).total["service_level"]["joint"] == pytest.approx(level, abs=1e-6)


def test_fees_on_paper() -> None:
    """A lump sum of 1: two take part, and either pays his own, once. Of 50: more than is saved, so that nobody takes part.

    Activity in either week: 6 + 2 more than just in time, 4 + 4 less; at 0.1 it does not change the plan.
    """
    active = run(by_hand(), activity_fee=0.1)
    assert active.table["fee"].to_numpy() == pytest.approx(np.array([0, 0.8, 0.8, 0, 0.8, 0.8]), abs=1e-5)
    assert active.totals["net_gain"].to_dict() == pytest.approx({"retailer": -8, "A": 22.4, "B": 22.4}, abs=1e-5)
    found = run(by_hand(pivot="clarke"), participation_fee=1.0)
    assert found.table["fee"].tolist() == [0, 1, 1, 0, 0, 0]
    assert found.totals["net_gain"].to_dict() == pytest.approx({"retailer": -8, "A": 13, "B": 13}, abs=1e-5)
    with pytest.raises(InputError, match="redistribution: got 'cavallo'; allowed: none: what is left in a run"):
        run(by_hand().changed(redistribution="cavallo"))
    with pytest.raises(InputError, match="participation_fee"):
        run(by_hand(), participation_fee=1.0)
    nobody = run(by_hand(pivot="clarke"), participation_fee=50.0)
    assert nobody.non_participants == ("A", "B")
    assert nobody.totals["takes_part"].tolist() == [True, False, False]
    assert nobody.totals["transfer"].to_numpy() == pytest.approx(np.zeros(3), abs=1e-5)


def test_net_gains_and_budget_are_the_savings(rolled: PilotRun) -> None:
    gains = rolled.table["net_gain"].groupby("week").sum()
    size = rolled.total["baseline_cost"]
    assert (gains + rolled.weeks["budget"]).to_numpy() == pytest.approx(rolled.weeks["savings"].to_numpy(), abs=1e-12 * size)
    assert rolled.totals["net_gain"].sum() + rolled.total["budget"] == pytest.approx(rolled.total["savings"], abs=1e-12 * size)
    for column in ("baseline_cost", "cost", "transfer", "fee", "net_gain"):
        weekly = rolled.table[column].groupby("party", sort=False).sum()
        assert weekly.to_numpy() == pytest.approx(rolled.totals[column].to_numpy(), abs=1e-12 * size)
    assert rolled.total["savings"] > 0.05 * size  # a pilot of which it says so
    assert (rolled.weeks["savings"] < 0).any()  # stock is built before it pays
    if rolled.parameters["pivot"] == "baseline":  # every supplier gets what all have saved, less the fees
        gains = rolled.totals.loc[list(rolled.case.suppliers), "net_gain"] + rolled.totals["fee"].iloc[1:]
        assert gains.to_numpy() == pytest.approx(np.full(3, rolled.total["savings"]), abs=1e-12 * size)


@pytest.mark.parametrize("fees", FEES, ids=str)
def test_one_week_is_settled_as_at_once(fees: dict[str, Any]) -> None:
    case = pilot(vendors=3, sites=2, regions=2, products=3, weeks=1, seed=5)
    known = case.changed(parties=tuple(party.revealed(1) for party in case.parties))
    rolled, once = run(case, **fees), settle(known, **fees)
    assert once.savings > 1.0
    size = 1e-7 * once.baseline_cost
    for column in ("baseline_cost", "cost", "transfer", "fee", "net_gain"):
        assert rolled.totals[column].to_numpy() == pytest.approx(once.to_frame()[column].to_numpy(dtype=float), abs=size)
    assert rolled.non_participants == once.non_participants


def test_when_nothing_is_uncertain_the_plan_made_at_once_is_followed(small: JointPlanCase) -> None:
    case = certain(small)
    rolled, once = run(case), settle(case)
    assert rolled.total["baseline_cost"] == pytest.approx(once.baseline_cost, rel=1e-6)
    assert rolled.total["plan_cost"] == pytest.approx(once.plan_cost, rel=1e-6)


def test_the_shipped_pilot(shipped: PilotRun, tmp_path: Path) -> None:
    assert shipped.weeks.index.tolist() == list(range(1, 10))
    assert 0.07 < shipped.total["savings"] / shipped.total["baseline_cost"] < 0.12
    assert shipped.weeks["excess"].max() < 1e-6 * shipped.total["savings"]
    record = json.loads(json.dumps(shipped.to_dict(), allow_nan=False))
    fixed = {"pivot": "baseline", "activity_fee": 0.0, "participation_fee": 0.0, "receivers": "claimants"}
    assert record["parameters"] == fixed
    assert record["weeks"][0].keys() - {"week"} == record["total"].keys()
    figure = shipped.figure()
    cost, service, gains, _ = figure.axes
    ends = [float(np.asarray(line.get_ydata(), dtype=float)[-1]) for line in cost.lines]
    assert ends == pytest.approx([shipped.total["baseline_cost"], shipped.total["plan_cost"]])
    assert [text.get_text() for text in gains.get_yticklabels()] == [*shipped.case.names, "budget"]
    assert "100.0 %" in service.get_title(loc="left")
    assert "not data of any company" in figure.get_supxlabel().replace("\n", " ")
    save(figure, tmp_path / "pilot.png")
    assert (tmp_path / "pilot.png").stat().st_size > 10_000


@pytest.mark.parametrize("make", [pilot, marketplace, carriers])
def test_weeks_add_up_to_what_a_plan_costs(make: Callable[..., JointPlanCase]) -> None:
    case = make(weeks=3)
    plan = Central().baseline(case) * np.random.default_rng(0).uniform(0.5, 1.5, len(case.shared.flows))
    for name in case.names:
        model, solution = party_at(case, name, plan)
        model.plan.unfix()
        weekly = weekly_cost(model)
        assert list(weekly) == [1, 2, 3]
        assert sum(weekly.values()) == pytest.approx(solution.objective, rel=1e-10)


def test_costs_that_no_week_has_are_refused(small: JointPlanCase) -> None:
    for change, said in (
        (lambda m: m.production[1] * m.production[2], "no product of two weeks"),
        (lambda m: m.whenever, "an index that ends in a week"),
        (lambda m: 1.0, "no constant"),
    ):
        model = party_model(small, "Alder")
        model.whenever = pyo.Var()
        for variable in model.component_data_objects(pyo.Var):
            variable.set_value(0.0)
        model.least_cost.set_value(model.cost + change(model))
        with pytest.raises(InputError, match=said):
            weekly_cost(model)


class EndedError(Exception):
    """Somebody ends the run."""


def ending(after: int) -> Callable[..., None]:
    """Return a `tell` that ends a run after a week."""

    def tell(week: int, seconds: float, saved: float) -> None:
        if week == after:
            raise EndedError

    return tell


@pytest.mark.parametrize("fees", [FEES[0], FEES[3]], ids=str)
def test_a_run_that_was_ended_goes_on(small: JointPlanCase, fees: dict[str, Any], tmp_path: Path) -> None:
    case = small.since(2)
    with pytest.raises(EndedError):
        run(case, folder=tmp_path, callback=ending(2), **fees)
    assert [path.name for path in tmp_path.iterdir()] == ["week-2.json"]
    told: list[tuple[int, float, float]] = []
    resumed = run(case, folder=tmp_path, callback=lambda *each: told.append(each), **fees)
    assert [(week, seconds > 0) for week, seconds, _ in told] == [(2, False), (3, True)]
    assert told[-1][2] == pytest.approx(resumed.total["savings"])
    assert resumed.to_dict() == run(case, **fees).to_dict()  # to the last bit
    assert run(case, folder=tmp_path, **fees).to_dict() == resumed.to_dict()


def test_a_week_is_written_whole_or_not_at_all(small: JointPlanCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = small.since(3)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="No space left"):
            run(case, folder=tmp_path)
    assert not (tmp_path / "week-3.json").exists()
    assert run(case, folder=tmp_path).to_dict() == run(case).to_dict()


def test_folders_that_are_refused(small: JointPlanCase, tmp_path: Path) -> None:
    case = small.since(2)
    folder = tmp_path / "run"
    run(case, folder=folder)
    demand = case.parties[0].scaled("demand", 1.1)
    for other in (case.changed(pivot="baseline"), case.reporting("retailer", demand), small):
        with pytest.raises(InputError, match=r"week-\d\.json: fingerprint"):
            run(other, folder=folder)
    with pytest.raises(InputError, match="fingerprint"):
        run(case, folder=folder, planner=lambda: Central("ipopt"))
    file = folder / "week-3.json"
    text = file.read_text(encoding="utf-8")
    place = text.index('"baseline_costs"') + 40
    digit = next(k for k in range(place, len(text)) if text[k].isdigit())
    first = (folder / "week-2.json").read_text(encoding="utf-8")
    file.write_text(first, encoding="utf-8")  # a week of the same run, under another one's name
    with pytest.raises(InputError, match=r"week-3\.json: week: got 2; allowed: 3"):
        run(case, folder=folder)
    for damaged in (text[: len(text) // 2], text[:digit] + str(9 - int(text[digit])) + text[digit + 1 :], "[]", ""):
        file.write_text(damaged, encoding="utf-8")
        with pytest.raises(InputError, match=r"week-3\.json: <file>: got <a damaged file>"):
            run(case, folder=folder)
    with pytest.raises(InputError, match="a folder that can be written"):
        run(case, folder=file)


def test_whole_trucks_roll_too() -> None:
    case = pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=1).changed(truckload=True, activity_fee=0.0)
    found = run(case, pivot="baseline")
    assert found.totals["net_gain"].iloc[1:].to_numpy() == pytest.approx(np.full(2, found.total["savings"]), rel=1e-9)
    assert 0 < found.weeks["excess"].max() < found.total["savings"]


class Counted(Consensus):
    """A consensus that counts how many are open."""

    opened: ClassVar[list["Counted"]] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.opened.append(self)

    def close(self) -> None:
        super().close()
        if self in self.opened:
            self.opened.remove(self)


@pytest.fixture
def nothing_open() -> Iterator[None]:
    Counted.opened.clear()
    yield
    assert Counted.opened == []


@pytest.mark.usefixtures("nothing_open")
def test_consensus_costs_at_most_what_its_certificates_say() -> None:
    """Nothing uncertain, each week's plan is within its excess of the best there is from where the last one led."""
    case = certain(pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=1))
    found, best = run(case, planner=Counted), settle(case)
    small = 1e-6 * best.plan_cost  # what agents' own solves are known to
    paid = sum(party["fee"] for party in found.total["parties"]) - sum(best.fees.values())  # plans are best with the fee counted
    assert -small <= found.total["plan_cost"] - best.plan_cost + paid <= found.weeks["excess"].sum() + small
    assert found.total["baseline_cost"] == pytest.approx(best.baseline_cost, rel=1e-5)
    assert found.weeks["excess"].max() < 1e-2 * best.savings


def test_what_is_not_settled_week_by_week_is_refused(small: JointPlanCase) -> None:
    with pytest.raises(InputError, match="mechanism: got 'agv'; allowed: vcg"):
        run(small, "agv")
    with pytest.raises(InputError, match=r"share: got 0\.5; allowed: for vcg pivot, activity_fee, participation_fee"):
        run(small, share=0.5)
