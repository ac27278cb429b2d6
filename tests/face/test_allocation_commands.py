"""Capacity allocation on the command line: tables, JSON, the auction with bids from a file, changes, exit status."""

from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Json, Run

TYPES = [4, 5, 6, 7, 8]
PAYMENTS = [0, 2.577, 4.929, 6.975, 8.629]  # published.md: the largest incentive-compatible ones for Table 5's allocation


@pytest.mark.parametrize("solver", ["highs", "ipopt", "closed_form"])
def test_json_has_the_keys_that_scripts_rely_on(record: Json, solver: str) -> None:
    found = record("solve", "two-retailers", "--solver", solver)
    keys = "case mechanism status objective bound solver certificate audit duals sensitivity capacity chain_profit supplier_share"
    keys += " centralized expected_shadow_price payments allocation"
    assert set(keys.split()) <= set(found)
    assert (found["mechanism"], found["status"], found["capacity"]) == ("allocation", "optimal", 2.63)
    assert found["payments"] == pytest.approx(PAYMENTS, abs=6e-4)
    assert set(found["centralized"]) == {"capacity", "profit"}
    assert found["supplier_share"] == pytest.approx(found["objective"] / found["chain_profit"], rel=1e-9)
    assert found["audit"]["max_regret"] <= 1e-6
    assert found["audit"]["min_profit"] == pytest.approx(0, abs=1e-6)
    rows = found["allocation"]
    assert [row["types"] for row in rows] == [[low, high] for low in TYPES for high in TYPES if low <= high]
    assert sum(row["probability"] for row in rows) == pytest.approx(1, abs=1e-12)
    mean = sum(row["probability"] * row["shadow_price"] for row in rows)
    assert found["expected_shadow_price"] == pytest.approx(mean, rel=1e-9)
    assert found["sensitivity"]["capacity"] == pytest.approx(mean, rel=1e-9)
    by_types = {tuple(row["types"]): row for row in rows}
    assert by_types[6, 8]["quantity"] == pytest.approx([0.315, 2.315], abs=1e-6)
    assert by_types[6, 8]["shadow_price"] == pytest.approx(8 - 2 * 2.315, abs=1e-5)  # a type 8 pays no rent: R_q itself
    if solver != "closed_form":
        (family,) = [name for name in found["duals"] if name == "capacity"]
        priced = {each["index"]["profile"]: each["value"] for each in found["duals"][family]}
        assert priced["6, 8"] == pytest.approx(8 - 2 * 2.315, abs=1e-5)


def test_the_chosen_capacity_is_said_with_what_it_costs(run: Run, record: Json) -> None:
    found = record("solve", "five-retailers")
    assert found["mechanism"] == "capacity_choice"
    assert found["expected_shadow_price"] == pytest.approx(1.05, rel=1e-6)
    assert found["sensitivity"] == {"capacity_cost": pytest.approx(-found["capacity"])}
    assert found["capacity"] < found["centralized"]["capacity"]
    status, out, _ = run("solve", "five-retailers")
    assert status == 0
    assert f"capacity {found['capacity']:.4f}, chosen at 1.05 a unit; with full information 12.3769" in out
    assert "10.64% below full information" in out


def test_of_capacity_and_its_cost_the_one_that_is_set_counts(run: Run, record: Json) -> None:
    fixed = record("solve", "five-retailers", "--set", "capacity=9")
    assert (fixed["mechanism"], fixed["capacity"]) == ("allocation", 9.0)
    chosen = record("solve", "two-retailers", "--set", "capacity_cost=1.85")
    assert chosen["mechanism"] == "capacity_choice"
    assert chosen["expected_shadow_price"] == pytest.approx(1.85, rel=1e-6)
    status, _, err = run("solve", "two-retailers", "--mechanism", "capacity_choice")
    assert status == 2
    assert "capacity_choice" in err


def test_tables_hold_profit_types_profiles_audit_and_certificate(run: Run) -> None:
    status, out, err = run("solve", "flat-panels")
    assert (status, err) == (0, "")
    for words in (
        "expected profit of the supplier 4,771.38, optimal",
        "the supplier's share is 93.84%",
        "by own type, in expectation over the others",
        "the 16 most likely of 30 profiles",
        "no misreport gains, whatever the others report",
        "solved by ipopt",
    ):
        assert words in " ".join(out.split())
    lines = [line for line in out.splitlines() if "3×14" in line and "30" in line]
    assert len(lines) == 1
    assert "3×11.7607" in lines[0]


def test_mechanisms_stand_side_by_side(run: Run, record: Json) -> None:
    found = {row["mechanism"]: row for row in record("compare", "five-retailers")["mechanisms"]}
    assert set(found) == {"capacity_choice", "allocation_kkt", "allocation_direct", "centralized", "fixed_price"}
    best = found["capacity_choice"]["profit"]
    for name in ("allocation_kkt", "allocation_direct"):
        assert found[name]["profit"] == pytest.approx(best, rel=1e-6)
    assert found["centralized"]["truthful"] == "no"
    assert found["fixed_price"]["truthful"] == "no"
    assert found["fixed_price"]["profit"] < best
    assert found["fixed_price"]["penalty"] > found["capacity_choice"]["penalty"] > 0
    most = found["centralized"]["chain_profit"]
    for row in found.values():
        assert row["penalty"] == pytest.approx((most - row["chain_profit"]) / most, rel=1e-6, abs=1e-9)
        assert row["supplier_share"] == pytest.approx(row["profit"] / row["chain_profit"], rel=1e-9)
    status, out, _ = run("compare", "five-retailers")
    assert status == 0
    assert "…" not in out  # nothing is cut off


def test_an_allocation_is_written_audited_and_drawn(run: Run, record: Json) -> None:
    assert run("solve", "two-retailers", "--menu", "own.csv", "--plot", "own.png")[0] == 0
    assert Path("own.png").read_bytes().startswith(b"\x89PNG")
    honest = record("audit", "two-retailers", "own.csv")["audit"]
    assert honest["truthful"]
    assert honest["max_regret"] < 1e-6
    lines = Path("own.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("payment retailer 2")
    for k, line in enumerate(lines[1:], start=1):
        values = line.split(",")
        if values[:2] == ["4.0", "8.0"]:  # a type 8 against a type 4 is asked for 3 more than is truthful
            values[place] = repr(float(values[place]) + 3)
            lines[k] = ",".join(values)
    Path("asked.csv").write_text("\n".join(lines), encoding="utf-8")
    status, out, _ = run("audit", "two-retailers", "asked.csv")
    assert status == 0
    assert "fails" in out
    dear = record("audit", "two-retailers", "asked.csv")["audit"]
    assert not dear["properties"]["dominant_strategy_ic"]["holds"]
    assert dear["properties"]["dominant_strategy_ic"]["worst"] == pytest.approx(3, abs=1e-6)  # types are indifferent downwards
    assert dear["properties"]["dominant_strategy_ic"]["type"] == 8


# --- the game ---


def test_the_game_says_what_is_ordered_and_who_would_not_order_the_truth(run: Run, record: Json) -> None:
    found = record("solve", "five-retailers", "--mechanism", "fixed_price")
    assert (found["status"], found["rule"], found["wholesale_price"]) == ("equilibrium", "linear", 3.5)
    (group,) = found["retailers"]
    assert group["truthful_orders"] == pytest.approx([(theta - 3.5) / 2 for theta in TYPES], rel=1e-12)
    assert all(own > truth for own, truth in zip(group["orders"], group["truthful_orders"], strict=True))
    assert found["capacity"] == 6.75  # the least sum of truthful orders that is enough with a probability of 1 - 1.05 / 3.5
    assert found["regret"] < 1e-8
    for row in found["allocation"]:
        assert row["payment"] == pytest.approx([3.5 * units for units in row["quantity"]], rel=1e-12)
    assert found["audit"]["max_regret"] > 0.01
    assert not found["audit"]["truthful"]
    assert found["audit"]["min_profit"] > 0
    assert len(found["equilibria"]) == 1
    status, out, err = run("solve", "five-retailers", "--mechanism", "fixed_price")
    assert (status, err) == (0, "")
    assert "in equilibrium" in out
    assert "by ordering 2.4002 if the others order the truth" in " ".join(out.split())


def test_uniform_rationing_is_truthful_here_too(record: Json) -> None:
    change = ("--set", "fixed_price.rule=uniform")
    found = record("solve", "five-retailers", "--mechanism", "fixed_price", *change)
    assert found["audit"]["truthful"]
    (group,) = found["retailers"]
    assert group["orders"] == pytest.approx(group["truthful_orders"], rel=1e-12)


def test_several_equilibria_are_warned_of(run: Run) -> None:
    Path("two.toml").write_text(  # by hand in the tests of the game: a type 3 orders 10 / 7, or 5 / 3
        'kind = "allocation"\ncapacity = 3\n[fixed_price]\nwholesale_price = 1.0\nrule = "linear"\n'
        '[[retailers]]\ncount = 2\ntypes = [3, 6]\nprobabilities = [0.25, 0.75]\nrevenue = { form = "linear_demand" }\n',
        encoding="utf-8",
    )
    status, out, err = run("solve", "two.toml", "--mechanism", "fixed_price")
    assert status == 0
    (line,) = err.splitlines()
    assert line.startswith("veridical: warning: 2 equilibria were found, with the supplier's profits ")
    assert "2 equilibria were found" in " ".join(out.split())


def test_the_game_is_no_program(run: Run) -> None:
    status, _, err = run("solve", "five-retailers", "--mechanism", "fixed_price", "--solver", "highs")
    assert status == 2
    assert "fixed_price is a game, not an optimisation model" in err
    status, _, err = run("solve", "flat-panels", "--mechanism", "fixed_price")
    assert status == 2
    assert "mechanism: got 'fixed_price'" in err
    with pytest.raises(vd.InputError, match="one that has a model"):
        vd.build(vd.example("five-retailers"), "fixed_price")


# --- the auction ---


def bids(text: str) -> str:
    """Write sealed bids and return the file's name."""
    Path("bids.csv").write_text(text, encoding="utf-8")
    return "bids.csv"


def test_the_auction_posts_table_5_with_the_right_bids(run: Run, record: Json) -> None:
    status, out, err = run("auction", "two-retailers")
    assert (status, err) == (0, "")
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines() if line.startswith("│")]
    assert [row[:2] for row in rows] == [["4", "0.00"], ["5", "2.58"], ["6", "4.93"], ["7", "6.98"], ["8", "8.63"]]
    assert rows[4][2:] == ["2.6300", "2.6300", "2.3150", "1.8150", "1.3150"]
    found = record("auction", "two-retailers")
    assert found["groups"][0]["bids"] == pytest.approx(PAYMENTS, abs=6e-4)
    assert len(found["allocation"]) == 15


def test_sealed_bids_are_cleared(run: Run, record: Json) -> None:
    found = record("auction", "two-retailers", "--bids", bids("retailer,bid\nretailer 2,6.98\nretailer 1,99\n"))
    first, second = found["retailers"]
    assert [first["counts_as"], second["counts_as"]] == [8, 7]
    assert [first["units"], second["units"]] == pytest.approx([1.815, 0.815], abs=1e-9)
    assert [first["payment"], second["payment"]] == pytest.approx([8.629, 6.975], abs=6e-4)
    assert found["total_payment"] == pytest.approx(15.604, abs=1e-3)
    status, out, _ = run("auction", "two-retailers", "--bids", "bids.csv")
    assert status == 0
    assert "above the highest table bid: counts as that" in out


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("retailer,bid\nretailer 1,4.93\nretailer 2,4.93\n", 0, "between table bids"),  # a tie: the same for both
        ("retailer,bid\nretailer 1,4.93\n", 0, "no bid"),
        (
            "retailer,bid\nretailer 1,-1\nretailer 2,3\n",
            2,
            "row 2, column bid: got -1.0; allowed: a finite number >= 0",
        ),
        ("retailer,bid\nretailer 1,nan\nretailer 2,3\n", 2, "row 2, column bid: got 'nan'"),
        ("retailer,bid\nretailer 3,1\n", 2, "column retailer: got 'retailer 3'; allowed: one of retailer 1, retailer 2"),
        ("name,bid\nretailer 1,1\n", 2, "row 1, header: got <a header without retailer>; allowed: exactly one column 'retailer'"),
    ],
)
def test_bids_of_every_kind(run: Run, record: Json, text: str, status: int, words: str) -> None:
    ended, out, err = run("auction", "two-retailers", "--bids", bids(text))
    assert ended == status
    assert words in " ".join((out + err).split())
    if text.count("4.93") == 2:
        found = record("auction", "two-retailers", "--bids", "bids.csv")["retailers"]
        assert found[0]["units"] == found[1]["units"] == pytest.approx(1.315)


def test_late_bids_count_as_none(run: Run, record: Json) -> None:
    text = "retailer,bid,received\nretailer 1,9,2026-03-01T12:00\nretailer 2,9,2026-03-01T11:59\n"
    late, timely = record("auction", "two-retailers", "--bids", bids(text), "--deadline", "2026-03-01T11:59")["retailers"]
    assert (late["counts_as"], late["units"], late["payment"]) == (None, 0, 0)
    assert late["status"].startswith("late")
    assert timely["units"] == pytest.approx(2.63)
    status, _, err = run("auction", "two-retailers", "--deadline", "2026-03-01T11:59")
    assert status == 2
    assert "--deadline" in err


def test_the_auction_takes_changes_and_refuses_what_is_no_allocation(run: Run, record: Json) -> None:
    found = record("auction", "two-retailers", "--set", "capacity=3")
    assert found["capacity"] == 3
    assert run("auction", "two-retailers", "--set", "k=3")[0] == 2
    assert run("auction", "two-retailers", "--set", "seed=x")[0] == 2
    status, _, err = run("auction", "two-suppliers")
    assert status == 2
    assert "AllocationCase" in err
    assert float(vd.auction(vd.example("two-retailers")).bid(None, 6)) == pytest.approx(4.929, abs=6e-4)
