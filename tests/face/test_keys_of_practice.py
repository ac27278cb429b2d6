"""Every key of an assembler's case goes through every command, or is refused there by name."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from support.command_line import Run, cells, is_picture, parsed
from veridical.data.load import load
from veridical.families import fitting

CASE = """
kind = "assembler"
price = 30.0
[demand]
distribution = "empirical"
values = [150, 320, 480, 700]
weights = [0.2, 0.3, 0.3, 0.2]
[[suppliers]]
name = "panel"
costs = [4.0, 9.0]
probabilities = [0.5, 0.5]
[[suppliers]]
name = "battery"
costs = [3.0, 7.0]
reports = "quotes.csv"
"""
ALL = {"naive", "frw", "hybrid", "icds_balanced", "icds", "bic", "first_best"}
RULE = {"bic": "beside a capacity of the same supplier"}
ROUGH = {"icds_balanced": "no ambiguity", "bic": "no ambiguity"}
ASKED = 'demand={distribution="empirical", values=[90, 200, 400]}'
PRODUCTS = f"products=[{{name='phone', price=30, {ASKED}, units={{panel=1, battery=1}}}}"
PRODUCTS += f", {{name='pad', price=60, {ASKED}, units={{panel=1, battery=3}}, salvage=2.5}}]"
SOURCES = ['suppliers.panel.component="glass"', 'suppliers.battery.component="glass"']
KEYS = {  # changes, and whom a comparison leaves out, with words of the reason
    "salvage": (["salvage=2"], {}),
    "shortage_penalty": (["shortage_penalty=3"], {}),
    "assembly_cost": (["assembly_cost=4"], {}),
    "component": (SOURCES, {"icds_balanced": "one source a component"}),
    "units_per_product": (["suppliers.battery.units_per_product=2"], {}),
    "reservation_profit": (["suppliers.panel.reservation_profit=100"], {}),
    "reservation_profit by cost": (
        ["suppliers.panel.reservation_profit=[600, 0]"],
        {"icds_balanced": "one number, whatever the cost"},
    ),
    "capacity": (["suppliers.battery.capacity=300"], {}),
    "minimum_order": (["suppliers.battery.minimum_order=350"], RULE),
    "lot_size": (["suppliers.battery.lot_size=50"], RULE),
    "setup_cost": (["suppliers.battery.setup_cost=300"], RULE),
    "yield": (["suppliers.battery.yield={values=[0.8, 1.0]}"], {"icds_balanced": "yield"}),
    "products": ([PRODUCTS], {}),
    "several at once": (
        [
            *("salvage=2", "assembly_cost=1", "suppliers.battery.capacity=700", "suppliers.panel.reservation_profit=50"),
            *("suppliers.panel.yield={values=[0.9, 1.0]}", "ambiguity={radius=0.2}", *SOURCES),
        ],
        {"icds_balanced": "one source a component", "bic": "no ambiguity"},
    ),
    "ambiguity l1": (["ambiguity={radius=0.1}"], ROUGH),
    "ambiguity wasserstein": (['ambiguity={radius=0.5, distance="wasserstein"}'], ROUGH),
}


@pytest.fixture
def case_of_quotes(run: Run) -> Path:
    """Write the case and its quotes into the folder in which commands run."""
    Path("case.toml").write_text(CASE, encoding="utf-8")
    quotes = "".join(f"{quote}\n" for quote in [3, 2.6, 6.1, 7, 4.4, 2.9, 3, 6.6] * 5)
    Path("quotes.csv").write_text(f"cost (currency per unit)\n{quotes}", encoding="utf-8")
    return Path("case.toml")


@pytest.mark.usefixtures("case_of_quotes")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_goes_through_every_command(run: Run, key: str) -> None:
    changes, left_out = KEYS[key]
    sets = [part for change in changes for part in ("--set", change)]

    solved = parsed(
        run("solve", "case.toml", *sets, "--json", "-", "--menu", "menu.csv", "--plot", "menu.png", "--contracts", "out")
    )
    assert (solved["mechanism"], solved["status"]) == ("icds", "optimal")
    assert solved["audit"]["truthful"]
    low, high = solved["estimate"]["interval"]
    assert low <= high
    assert ("ambiguity" in solved) == any(change.startswith("ambiguity") for change in changes)
    integers = left_out is RULE
    assert (not solved["sensitivity"]) == (not solved["duals"]) == integers
    if integers:
        assert "no shadow prices: an integer model has none" in run("solve", "case.toml", *sets)[1]
    assert is_picture("menu.png")
    assert {path.name for path in Path("out").iterdir()} == {"panel.html", "panel.csv", "battery.html", "battery.csv"}

    audited = parsed(run("audit", "case.toml", "menu.csv", *sets, "--json", "-"))["audit"]
    assert audited["truthful"]
    assert audited["individually_rational"]
    assert audited["expected_profit"] == pytest.approx(solved["objective"], rel=1e-6)

    status, out, _ = run("compare", "case.toml", *sets, "--json", "-")
    compared = json.loads(out)
    assert status == 0
    profits = {row["mechanism"]: row["profit"] for row in compared["mechanisms"]}
    assert set(profits) == ALL - set(left_out)
    assert set(fitting(load("case.toml"))) == ALL
    reasons = {one["mechanism"]: one["reason"] for one in compared["left_out"]}
    assert set(reasons) == set(left_out)
    assert all(words in reasons[name] for name, words in left_out.items())
    ordered = [profits[name] for name in ("naive", "frw", "icds", "first_best")]
    assert all(later >= earlier - 1e-6 * abs(later) for earlier, later in pairwise(ordered))
    assert profits["icds"] == pytest.approx(solved["objective"], rel=1e-6)

    chosen = parsed(run("choose-k", "case.toml", *sets, "--json", "-"))["hybrids"]
    assert chosen[0]["profit"] == pytest.approx(profits["naive"], rel=1e-6)
    assert chosen[-1]["profit"] == pytest.approx(profits["icds"], rel=1e-6)


@pytest.mark.usefixtures("case_of_quotes")
def test_the_table_of_a_result_says_whose_reports_the_prior_rests_on(run: Run) -> None:
    out = " ".join(run("solve", "case.toml")[1].split())
    assert "prior estimated from past reports (40 of battery): profit between" in out
    assert "bootstrap of 999" in out
    rows = cells(run("choose-k", "case.toml", "--set", "suppliers.battery.lot_size=50", "--solver", "highs")[1])
    assert len(rows) == 3
