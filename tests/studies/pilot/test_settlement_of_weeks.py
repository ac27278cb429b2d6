"""When the transfers of a rolling run are paid, what holds of it, and misreports for the whole run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.command_line import Run
from veridical.contracts.joint_plan.payments import SETTLEMENTS, payments
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.studies.pilot import PilotRun, run

SMALL: dict[str, Any] = {"vendors": 3, "sites": 2, "regions": 2, "products": 3, "weeks": 3, "seed": 1}


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(**SMALL)


@pytest.fixture(scope="module")
def runs(small: JointPlanCase) -> dict[str, PilotRun]:
    rolled = run(small)
    return {settlement: replace(rolled, settlement=settlement) for settlement in SETTLEMENTS}


# --- on paper ---


def test_when_a_supplier_is_paid_on_paper() -> None:
    """Weeks cost him 10 more, save him 4 and 9; he is owed -5, 2, 8 for them: he loses 15 at first, then gains 6 and 17."""
    saved, owed, fees = [-10.0, 4.0, 9.0], [-5.0, 2.0, 8.0], [1.0, 0.0, 1.0]
    assert payments("weekly", saved, owed, fees).paid == (-5.0, 2.0, 8.0)
    assert payments("weekly", saved, owed, fees).account == (0.0, 0.0, 0.0)
    late = payments("end", saved, owed, fees)
    assert (late.paid, late.fees, late.account) == ((0.0, 0.0, 5.0), (0.0, 0.0, 2.0), (-5.0, -3.0, 0.0))
    pledged = payments("pledge", saved, owed, fees)
    assert (pledged.paid, pledged.account, pledged.forgiven) == ((10.0, -4.0, -1.0), (-15.0, -9.0, 0.0), 0.0)


def test_what_an_account_cannot_pay_back_is_forgiven() -> None:
    """In all he would lose 3: the last week would be that loss."""
    pledged = payments("pledge", [-10.0, 4.0], [1.0, 2.0], [0.0, 0.0])
    assert (pledged.paid, pledged.forgiven) == ((10.0, -4.0), 3.0)
    assert sum(payments("end", [-10.0, 4.0], [1.0, 2.0], [0.0, 0.0]).paid) == 3.0


def test_other_settlements_are_refused(small: JointPlanCase) -> None:
    with pytest.raises(InputError, match="settlement: got 'monthly'; allowed: one of weekly, end, pledge"):
        payments("monthly", [0.0], [0.0], [0.0])
    with pytest.raises(InputError, match="settlement: got 'monthly'"):
        run(small, settlement="monthly")
    with pytest.raises(InputError, match="misreports: got -1"):
        run(small, misreports=-1)


# --- of a run ---


@pytest.mark.parametrize("settlement", SETTLEMENTS)
def test_nothing_but_the_time_of_payment_changes(runs: dict[str, PilotRun], settlement: str) -> None:
    found, weekly = runs[settlement], runs["weekly"]
    size = 1e-12 * weekly.total["baseline_cost"]
    for column in ("baseline_cost", "cost", "transfer", "fee", "net_gain"):
        assert found.totals[column].to_numpy() == pytest.approx(weekly.totals[column].to_numpy(), abs=size)
    gains = found.table["net_gain"].groupby("week").sum()
    assert (gains + found.weeks["budget"]).to_numpy() == pytest.approx(found.weeks["savings"].to_numpy(), abs=size)
    owed = (weekly.table["transfer"] - found.table["transfer"]).groupby("party", sort=False).cumsum()
    assert found.table["account"].to_numpy() == pytest.approx(owed.to_numpy(), abs=size)
    assert found.totals["account"].tolist() == [0.0] * len(found.case.names)


def test_single_weeks_may_be_a_loss_but_for_a_pledge(runs: dict[str, PilotRun]) -> None:
    suppliers = list(runs["weekly"].case.suppliers)
    losses = runs["weekly"].losses
    assert len(losses) >= len(suppliers)  # stock is built in the first week
    assert losses.is_monotonic_increasing
    assert losses.max() < 0
    gains = runs["weekly"].table["net_gain"].unstack("party")[suppliers].to_numpy()
    assert len(losses) == (gains < 0).sum()
    assert runs["pledge"].losses.empty
    pledged = runs["pledge"].table["net_gain"].unstack("party")[suppliers].to_numpy()
    assert pledged.min() >= 0.0
    for settlement, holds in (("weekly", False), ("pledge", True)):
        properties = runs[settlement].properties()
        assert properties["weekly_ir"]["holds"] is holds
        assert properties["ex_post_ir"]["holds"]
        incentives = properties["dominant_strategy_ic"]
        assert (incentives["holds"], incentives["searched"], incentives["misreports"]) == (None, False, 0)
    assert runs["weekly"].properties()["weekly_ir"]["worst"] == pytest.approx(-losses.iloc[0])


def test_misreports_are_reported_in_every_plan_and_not_lived_by() -> None:
    """Plans are made from them, costs are the true ones."""
    case = pilot(vendors=2, sites=1, regions=2, products=2, weeks=2, seed=3)
    found = run(case, misreports=4, seed=1)
    assert [lie.party for lie in found.tried] == ["Alder"] * 2 + ["Birch"] * 2
    assert any(abs(lie.gain) > 1.0 for lie in found.tried)  # they change the plans that are made
    best = max(lie.gain for lie in found.tried)
    searched = found.properties()["dominant_strategy_ic"]
    assert searched["misreports"] == 4
    assert searched["worst"] == best
    assert searched["holds"] == (best <= 1e-6 * found.total["savings"])
    assert found.to_dict()["weeks"] == run(case).to_dict()["weeks"]  # the run itself is that of the truth


# --- on the command line ---


def test_the_output_says_what_holds_and_what_does_not(run: Run) -> None:
    """The weeks are the same whenever they are paid, so that a folder of them serves all settlements."""
    sizes = [word for name, count in {**SMALL, "weeks": 2}.items() for word in (f"--{name}", str(count))]
    assert run("generate", "pilot", "--out", "made", *sizes)[0] == 0

    def shown(*arguments: str) -> str:
        status, out, _ = run("pilot", "made", "--out", "kept", *arguments)
        assert status == 0
        return " ".join(out.split())

    weekly = shown()
    assert "net gains and budget add up to the savings, each week and in total" in weekly
    assert "settlement weekly: a loss for a supplier in" in weekly
    assert "no misreports were tried" in weekly
    pledged = shown("--set", "settlement=pledge")
    assert "settlement pledge: no week is a loss for a supplier" in pledged
    assert "the operator advances a supplier at most" in pledged
    shown("--set", "settlement=end", "--json", "end.json")
    found = json.loads(Path("end.json").read_text(encoding="utf-8"))
    assert found["settlement"] == "end"
    assert found["properties"]["dominant_strategy_ic"]["holds"] is None
    assert [party["account"] for party in found["weeks"][-1]["parties"]] == [0.0] * 4
    assert found["weeks"][0]["transfers"] == 0.0
    assert np.isclose(found["weeks"][-1]["transfers"], found["total"]["transfers"])
