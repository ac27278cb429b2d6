"""Joint plans on the command line: tables, JSON, consensus, synthetic cases, changes, exit status."""

import json
from pathlib import Path

import numpy as np
import pytest

import veridical as vd
from support.command_line import Json, Run
from veridical.data.joint_plan import JointPlanCase, pilot, write

QUICK = ("--set", "misreports=2")
TWO = ("--set", "mechanism.cost_factors=[0.9, 1.1]")  # the prior of agv: two kinds a supplier


@pytest.fixture
def small(run: Run) -> str:
    """Return the folder of a small case; the command line runs beside it."""
    case = pilot(vendors=3, sites=2, regions=2, products=2, weeks=3, name="small")
    write(case.changed(pivot="baseline", activity_fee=0.0), "small")
    return "small"


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_json_has_the_keys_that_scripts_rely_on(record: Json, small: str, solver: str) -> None:
    found = record("solve", small, "--solver", solver, *QUICK)
    keys = (
        "case mechanism status objective bound solver certificate audit duals sensitivity plan_cost baseline_cost parties budget"
    )
    assert set(keys.split()) <= set(found)
    assert (found["case"], found["mechanism"], found["status"]) == ("small", "vcg", "optimal")
    assert {"max_regret", "min_net_gain"} <= set(found["audit"])
    assert found["objective"] == found["plan_cost"] == pytest.approx(sum(each["cost"] for each in found["parties"]), rel=1e-9)
    for each in found["parties"]:
        assert {"name", "cost", "baseline_cost", "transfer", "net_gain"} <= set(each)
        assert each["net_gain"] == pytest.approx(each["baseline_cost"] - each["cost"] + each["transfer"], rel=1e-9, abs=1e-6)
    savings = found["baseline_cost"] - found["plan_cost"]
    assert savings > 0
    assert sum(each["net_gain"] for each in found["parties"]) + found["budget"] == pytest.approx(savings, rel=1e-6)
    vendors = [each for each in found["parties"] if each["role"] == "vendor"]
    assert [each["net_gain"] for each in vendors] == pytest.approx([savings] * len(vendors), rel=1e-6)  # the baseline pivot
    flows = {tuple(each["index"].values()): each["value"] for each in found["duals"]["agreement"]}
    for each in found["plan"]:
        key = tuple(each[level] for level in ("supplier", "receiver", "site", "product", "week"))
        assert each["price"] == pytest.approx(flows[key], abs=1e-9)


def test_solvers_agree_on_what_is_paid(record: Json, small: str) -> None:
    first, second = (record("solve", small, "--set", "pivot=clarke", "--solver", solver, *QUICK) for solver in ("highs", "ipopt"))
    savings = first["baseline_cost"] - first["plan_cost"]
    # a baseline is as exact as the square root of its gap, and transfers are counted from it
    for one, other in zip(first["parties"], second["parties"], strict=True):
        assert one["transfer"] == pytest.approx(other["transfer"], abs=1e-3 * savings)


def test_consensus_comes_to_the_same_plan_and_says_how_far_it_is(run: Run, record: Json, small: str) -> None:
    central = record("solve", small, *QUICK)
    status, out, err = run("solve", small, "--solver", "consensus", *QUICK, "--json", "-")
    assert status == 0
    found = json.loads(out)
    lines = err.splitlines()
    assert lines
    assert all(line.startswith("round ") for line in lines)
    assert "of the savings" in lines[-1] or any("of the savings" in line for line in lines)
    savings = central["baseline_cost"] - central["plan_cost"]
    assert found["solver"]["name"] == "consensus"
    assert found["bound"] <= central["objective"] + 1e-6 * savings
    assert central["objective"] - 1e-6 * savings <= found["objective"] <= central["objective"] + 1e-3 * savings
    for one, other in zip(found["parties"], central["parties"], strict=True):
        assert one["transfer"] == pytest.approx(other["transfer"], abs=3e-3 * savings)


def test_tables_hold_costs_parties_shadow_prices_audit_and_certificate(run: Run) -> None:
    status, out, err = run("solve", "pilot", *QUICK, "--set", "mechanism.pivot=baseline", "--set", "mechanism.activity_fee=0")
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    for part in (
        "vcg (pivot=baseline",
        "cost of the plan 64,758.10, optimal",
        "7,453.36 saved, 10.32%",
        "deficit: the operator pays in 21,322.94",
        "lane_contract",
        "none of 2 misreports gains",
        "brings its supplier 1.8779 more than it costs him",
        "certificate:",
    ):
        assert part in words
    assert "…" not in out


def test_mechanisms_stand_side_by_side(run: Run, record: Json, small: str) -> None:
    chosen = ("jit", "vcg", "split_savings", "first_price")
    named = [word for name in chosen for word in ("--mechanism", name)]
    rows = record("compare", small, *named, *QUICK)["mechanisms"]
    found = {row["mechanism"]: row for row in rows}
    assert tuple(found) == chosen
    assert found["jit"]["savings"] == pytest.approx(0, abs=1e-6 * found["jit"]["profit"])
    assert found["vcg"]["truthful"] == "always"
    vendors = len(vd.load(small).suppliers)
    saved = found["vcg"]["savings"]
    assert saved == pytest.approx(found["jit"]["profit"] - found["vcg"]["profit"], rel=1e-6)
    assert found["vcg"]["residual"] == pytest.approx((1 - vendors) * saved, rel=1e-6)  # each vendor gains all that is saved
    assert found["first_price"]["residual"] == pytest.approx(saved, rel=1e-6)  # and here none gains anything
    own = vd.solve(vd.load(small), "vcg", misreports=0).contracts
    assert found["vcg"]["budget"] == pytest.approx(-sum(own.transfers.values()), rel=1e-9)
    assert found["vcg"]["savings_share"] == pytest.approx(saved / found["jit"]["profit"], rel=1e-6)
    assert found["first_price"]["truthful"] == "no"
    assert found["first_price"]["max_regret"] > 0.01 * found["vcg"]["savings"]
    status, out, _ = run("compare", small, *named, "--set", "misreports=0")
    assert status == 0
    assert "…" not in out


def test_expected_externalities_balance_the_budget(record: Json, small: str) -> None:
    assert "agv" in vd.families.fitting(vd.load(small))
    found = record("solve", small, "--mechanism", "agv", *TWO, "--set", "misreports=0")
    assert found["budget"] == pytest.approx(0, abs=1e-9 * found["plan_cost"])
    assert found["audit"]["truth"] == "bayesian_ic"
    assert found["audit"]["truthful"]


def test_a_synthetic_case_is_written_and_solved(run: Run) -> None:
    status, out, err = run(
        "generate", "pilot", "--vendors", "2", "--products", "2", "--sites", "2", "--weeks", "3", "--out", "mine"
    )
    assert (status, err) == (0, "")
    assert "Synthetic" in out
    case = vd.load("mine")
    assert isinstance(case, JointPlanCase)
    assert (case.name, len(case.suppliers), case.shared.weeks) == ("mine", 2, (1, 2, 3))
    again = run("generate", "pilot", "--vendors", "2", "--products", "2", "--sites", "2", "--weeks", "3", "--out", "mine")
    assert again[0] == 0
    assert vd.load("mine") == case  # the same seed, the same numbers
    assert run("solve", "mine", *QUICK)[0] == 0
    assert run("solve", "mine/case.toml", *QUICK)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "pilots", "--out", "x"), "KIND: got 'pilots'; allowed: one of pilot, marketplace, carriers"),
        (("generate", "carriers", "--vendors", "3", "--out", "x"), "--vendors: got 3; allowed: for carriers --shippers"),
        (("generate", "pilot", "--vendors", "0", "--out", "x"), "vendors: got 0"),
        (("solve", "pilot", "--mechanism", "icds"), "mechanism: got 'icds'"),
        (("solve", "pilot", "--set", "k=3"), "--set k: got 3"),
        (("solve", "pilot", "--set", "misreports=-1"), "misreports: got -1; allowed: a whole number from 0 to 10,000,000"),
        (("solve", "pilot", "--set", "pivot=groves"), "pivot: got 'groves'; allowed: one of baseline, clarke"),
        (("solve", "pilot", "--set", "weeks=2.5"), "weeks"),
        (("solve", "pilot", "--solver", "closed_form"), "closed_form"),
        (("audit", "pilot", "menu.csv"), "a Settlement"),
        (("choose-k", "pilot"), "case: got <JointPlanCase>"),
    ],
)
def test_what_is_wrong_is_named(run: Run, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_the_plan_is_written_flow_by_flow(run: Run, small: str) -> None:
    assert run("solve", small, *QUICK, "--menu", "plan.csv", "--plot", "plan.png")[0] == 0
    assert Path("plan.png").read_bytes().startswith(b"\x89PNG")
    lines = Path("plan.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "supplier,receiver,site,product,week,baseline,units,price"
    assert len(lines) == 1 + len(vd.load(small).shared.flows)


def test_the_picture_has_the_weekly_volume_of_both_plans(small: str) -> None:
    own = vd.solve(vd.load(small), "vcg", misreports=0).contracts
    shipped, gained = vd.studies.figures.settlement.draw(own).axes
    volume = own.case.shared.volume
    for line, units in zip(shipped.lines, (own.baseline, own.plan), strict=True):
        assert np.asarray(line.get_ydata(), dtype=float).tolist() == pytest.approx(
            (units * volume).groupby("week").sum().tolist(), rel=1e-12
        )
    widths = [bar.get_width() for bar in gained.containers[1]]
    assert widths == pytest.approx(list(own.net_gains.values()), rel=1e-12)


def test_whole_trucks_say_what_a_misreport_can_gain(run: Run, record: Json, small: str) -> None:
    found = record("solve", small, "--set", "truckload=true", "--set", "misreports=0")
    assert found["audit"]["excess"] >= found["objective"] - found["bound"] - 1e-6
    assert found["certificate"]["gap"] <= 5e-3
    assert found["duals"] == {}
    status, out, _ = run("solve", small, "--set", "truckload=true", "--set", "misreports=0")
    assert "no misreport can gain more than" in " ".join(out.split())
    status, _, err = run("solve", small, "--set", "truckload=true", "--solver", "consensus")
    assert status == 2
    assert "whole trucks have no prices" in err


def test_models_are_there_to_change(small: str) -> None:
    case = vd.load(small)
    model = vd.build(case)
    found = vd.solvers.solve(model, "highs")
    assert found.objective == pytest.approx(vd.solve(case, misreports=0).objective, rel=1e-6)
    with pytest.raises(vd.InputError, match="a case alone"):
        vd.build(case, activity_fee=1.0)
    with pytest.raises(vd.InputError, match="an assembler or of a supplier"):
        vd.one_sided_derivatives(case, "price")


# --- the rolling pilot ---


def test_the_pilot_rolls_and_goes_on_where_it_ended(run: Run, small: str) -> None:
    status, out, err = run("pilot", small, "--out", "weeks", "--json", "-", "--plot", "run.png")
    assert status == 0
    found = json.loads(out, parse_constant=pytest.fail)
    assert [line.split(":")[0] for line in err.splitlines()] == ["week 1", "week 2", "week 3"]
    assert Path("run.png").read_bytes().startswith(b"\x89PNG")
    assert [each["week"] for each in found["weeks"]] == [1, 2, 3]
    for each in (*found["weeks"], found["total"]):
        gains = sum(party["net_gain"] for party in each["parties"])
        assert gains + each["budget"] == pytest.approx(each["savings"], rel=1e-9, abs=1e-6)
        assert each["baseline_cost"] - each["plan_cost"] == pytest.approx(each["savings"], rel=1e-9, abs=1e-6)
        assert set(each["service_level"]) == {"jit", "joint"}
    for week in ("week-2.json", "week-3.json"):  # as if it had been ended after the first week
        Path("weeks", week).unlink()
    again = run("pilot", small, "--out", "weeks", "--json", "-")
    assert again[0] == 0
    assert json.loads(again[1]) == found
    assert "week 1: read from the folder" in again[2]
    assert "week 2: read" not in again[2]
    status, _, err = run("pilot", small, "--out", "weeks", "--set", "pivot=clarke")
    assert status == 2
    assert "fingerprint" in err


def test_the_pilot_is_shown_week_by_week_and_party_by_party(run: Run, small: str) -> None:
    status, out, _ = run("pilot", small)
    assert status == 0
    assert "…" not in out
    words = " ".join(out.split())
    assert "for small, 3 weeks" in words
    assert "just in time:" in words
    assert "week: 1" not in words  # weeks stand below one another, in 80 columns too
    for name in vd.load(small).names:
        assert name in words
    status, _, err = run("pilot", "two-suppliers")
    assert status == 2
    assert "Traceback" not in err


def test_rounds_and_gaps_of_a_consensus_are_told(run: Run, record: Json) -> None:
    assert run("generate", "pilot", "--vendors", "2", "--sites", "1", "--weeks", "2", "--out", "made")[0] == 0
    free = ("--set", "misreports=0", "--set", "activity_fee=0.0")
    arguments = ("solve", "made", *free, "--solver", "consensus", "--json", "found.json")
    status, out, _ = run(*arguments)
    assert status == 0
    found = json.loads(Path("found.json").read_text(encoding="utf-8"))
    assert isinstance(found["rounds"], int)
    assert found["rounds"] > 0
    assert record("solve", "made", *free)["rounds"] is None
    gap = found["objective"] - found["bound"]
    assert gap > 0
    assert f"at most {gap:.3g} above the least, " in " ".join(out.split())


def test_stock_balances_of_vendors_are_labelled_without_a_site(record: Json) -> None:
    found = record("solve", "pilot", "--set", "misreports=0")
    vendors = [entry["index"] for entry in found["duals"]["stock_balance"] if entry["index"]["party"] != "retailer"]
    assert vendors
    assert all(index["site"] is None and index["product"] and index["week"] for index in vendors)
    central = vd.solve(vd.example("pilot"), "vcg", misreports=0)
    assert " nan" not in central.explain(10_000)


def test_demand_that_nobody_can_deliver_is_said(run: Run, record: Json) -> None:
    """Flows of a product were forgotten: its demand was out of the plan and out of its cost without a word."""
    write(pilot(vendors=2, sites=1, regions=1, products=2, weeks=2), "small")
    assert "left out of plan and costs" not in run("solve", "small", *QUICK)[1]
    flows = Path("small/flows.csv")
    lines = flows.read_text(encoding="utf-8").splitlines(keepends=True)
    product = vd.load("small").shared.routes[0].product
    flows.write_text("".join(line for line in lines if f",{product}," not in line), encoding="utf-8")
    warning = f"demand.csv has demand of retailer for {product}, which no route in flows.csv brings there"
    assert f"warning: {warning}" in " ".join(run("solve", "small", *QUICK)[1].split())
    assert record("solve", "small", *QUICK)["warnings"][0].startswith(warning)


def test_a_regret_that_nobody_searched_is_a_dash(run: Run, small: str) -> None:
    out = run("compare", small, "--mechanism", "vcg", "--set", "misreports=0")[1]
    assert " nan" not in out
    assert "not searched" in " ".join(out.split())
