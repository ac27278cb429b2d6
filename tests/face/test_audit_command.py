"""`veridical audit`: menus that are truthful, and who would lie under those that are not."""

from pathlib import Path

import pytest

from support.command_line import MANIPULABLE, Run, is_number, parsed

pytestmark = pytest.mark.usefixtures("case_file")


@pytest.mark.parametrize("mechanism", ["naive", "icds_balanced", "icds"])
def test_a_written_menu_is_truthful_and_earns_what_was_said(run: Run, mechanism: str) -> None:
    solved = parsed(run("solve", "case.toml", "--mechanism", mechanism, "--menu", "menu.csv", "--json", "-"))
    audited = parsed(run("audit", "case.toml", "menu.csv", "--json", "-"))
    assert (audited["case"], audited["menu"]) == ("a pair", "menu.csv")
    assert audited["audit"] == solved["audit"]
    assert audited["audit"]["truthful"] is True
    assert audited["audit"]["individually_rational"] is True
    assert audited["audit"]["expected_profit"] == pytest.approx(solved["objective"], rel=1e-9)
    status, out, err = run("audit", "case.toml", "menu.csv")
    assert (status, err) == (0, "")
    assert "the menu is truthful" in out


def test_a_manipulable_menu_names_who_would_lie_and_what_he_gains(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    audited = parsed(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]
    assert audited["misreports"] == [
        {"supplier": "panel", "cost": 3.0, "report": 9.0, "others": "battery=4", "gain": 280.0},
        {"supplier": "battery", "cost": 1.0, "report": 4.0, "others": "panel=3", "gain": 190.0},
    ]
    assert (audited["max_regret"], audited["min_rent"]) == (280.0, 0.0)
    assert (audited["truthful"], audited["individually_rational"], audited["balanced"]) == (False, True, True)
    assert audited["expected_profit"] == pytest.approx(1542, abs=1e-9)

    status, out, err = run("audit", "case.toml", "menu.csv")
    assert (status, err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert rows[:2] == [["panel", "3", "9", "battery=4", "280.00"], ["battery", "1", "4", "panel=3", "190.00"]]
    # Properties: truth fails by as much, and in expectation by .6 220 + .4 280; cells of long rows may be wrapped.
    verdicts = [cell for row in rows[2:] for cell in row if cell in ("holds", "fails")]
    assert verdicts == ["fails", "fails", *["holds"] * 5, "fails", "fails"]
    assert "244.00" in out
    assert audited["properties"]["bayesian_ic"]["worst"] == pytest.approx(244)
    assert "expected profit 1,542.00 if everybody tells the truth" in out
    assert "the menu is truthful" not in out


def test_a_menu_under_which_a_truthful_supplier_loses_says_so(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE.replace("9,4,40,40,560,160", "9,4,40,40,350,160"), encoding="utf-8")
    audited = parsed(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]
    assert audited["min_rent"] == 350 - 9 * 40
    assert audited["individually_rational"] is False
    assert "smallest rent -10.00: a truthful supplier would lose" in run("audit", "case.toml", "menu.csv")[1]


def test_json_of_an_audit_has_every_property_with_its_worst_case(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    found = parsed(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]["properties"]
    names = {"dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced", "budget", "capacity"}
    together = {"coalition_ic", "coalition_ic_with_side_payments"}
    assert set(found) == names | together
    who = {"members", "types", "reports", "gains", "tried", "possible"}
    for name, finding in found.items():
        witness = who if name in together else {"supplier", "cost", "report"}
        assert set(finding) == {"name", "holds", "worst", "searched", "where", "others", *witness}
        assert finding["name"] == name
        assert is_number(finding["worst"])
    assert {name for name, finding in found.items() if not finding["holds"]} == {
        "dominant_strategy_ic",
        "bayesian_ic",
        *together,
    }
    # At 3 and 1 truth leaves the panel 200 and the battery 50; if the panel says 9 they have 420 and 240.
    pair = found["coalition_ic"]
    assert (pair["members"], pair["types"], pair["reports"]) == (["panel", "battery"], [3.0, 1.0], [9.0, 1.0])
    assert (pair["gains"], pair["worst"], pair["where"]) == ([220.0, 190.0], 410.0, "panel 3 -> 9, battery 1")
    assert (pair["searched"], pair["tried"], pair["possible"]) == (True, 12, 12)
    lie = {"name": "dominant_strategy_ic", "holds": False, "worst": 280.0, "supplier": "panel", "cost": 3.0, "report": 9.0}
    where = {"others": "battery=4", "searched": True, "where": "supplier panel, cost 3, report 9, others battery=4"}
    assert found["dominant_strategy_ic"] == {**lie, **where}
    assert [found["bayesian_ic"][key] for key in ("supplier", "cost", "report")] == ["panel", 3.0, 9.0]
