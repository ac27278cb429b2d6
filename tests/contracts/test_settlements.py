"""What a settlement hands out, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from veridical.contracts import Settlement
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, Parameters
from veridical.solvers.planners import settle


def test_tables_and_json(two_vendors: JointPlanCase, planner: CachingPlanner, tmp_path: Path) -> None:
    found = settle(two_vendors, "vcg", planner)
    said = json.loads(json.dumps(found.to_dict()))
    assert {key: said[key] for key in ("plan_cost", "baseline_cost", "budget")} == pytest.approx(
        {"plan_cost": 64, "baseline_cost": 88, "budget": -16}
    )
    assert [party["name"] for party in said["parties"]] == ["retailer", "A", "B"]
    assert said["parties"][1] == pytest.approx(
        {
            "name": "A",
            "role": "vendor",
            "cost": -36,
            "baseline_cost": -16,
            "transfer": 4,
            "fee": 0,
            "net_gain": 24,
            "takes_part": True,
        }
    )
    row = said["plan"][2]
    assert (row["supplier"], row["receiver"], row["site"], row["product"], row["week"]) == two_vendors.shared.flows[2]
    assert (row["baseline"], row["units"]) == pytest.approx((0, 2), abs=1e-6)
    found.to_csv(tmp_path / "parties.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "parties.csv", index_col="party"), found.to_frame())


@pytest.mark.parametrize(
    ("mechanism", "parameters", "message"),
    [
        ("vgc", {}, r"mechanism: got 'vgc'; allowed: one of jit, vcg, core, agv, split_savings, first_price"),
        ("vcg", {"share": 0.5}, r"share: got 0.5; allowed: for vcg pivot, activity_fee, participation_fee"),
        ("jit", {"pivot": "clarke"}, r"pivot: got 'clarke'; allowed: for jit no parameters"),
        ("vcg", {"pivot": "groves"}, r"pivot: got 'groves'; allowed: one of baseline, clarke"),
        ("vcg", {"activity_fee": -1}, r"activity_fee: got -1; allowed: a finite number >= 0"),
        ("split_savings", {"share": 1.5}, r"share: got 1.5; allowed: a number from 0 to 1"),
        ("agv", {"cost_factors": (0.9, 0.0)}, r"cost_factors: got \(0.9, 0.0\); allowed: one or more finite numbers > 0"),
        ("agv", {"draws": 0}, r"draws: got 0; allowed: a whole number from 1 to 10,000,000"),
        ("agv", {"seed": True}, r"seed: got True; allowed: a whole number >= 0"),
    ],
)
def test_what_no_mechanism_takes(two_vendors: JointPlanCase, mechanism: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        settle(two_vendors, mechanism, **parameters)


def test_a_baseline_that_is_none(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    with pytest.raises(InputError, match="plan: got"):
        settle(two_vendors, "vcg", planner, baseline=[1.0, 2.0])
    assert isinstance(settle(two_vendors, "jit", planner, baseline=[0.0, 10.0, 0.0, 10.0]), Settlement)


def test_parameters_of_the_case_are_the_mechanisms(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    clarke = two_vendors.changed(mechanism=Parameters(pivot="clarke"))
    assert settle(clarke, "vcg", planner).transfers["A"] == pytest.approx(-6)
    assert settle(clarke, "vcg", planner, pivot="baseline").transfers["A"] == pytest.approx(4)
    assert settle(clarke, "vcg", planner).parameters == {
        "pivot": "clarke",
        "activity_fee": 0.0,
        "participation_fee": 0.0,
        "receivers": "claimants",
    }
