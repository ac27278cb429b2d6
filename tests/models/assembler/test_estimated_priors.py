"""Priors that are estimated from suppliers' past reports: counted, resampled, held out, and refused by file and row."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import near
from veridical.data import AssemblerCase, InputError

QUOTES = [4.0, 8.5, 9.0, 3.1, 4.0, 8.0, 4.0, 9.0, 2.0, 6.0] * 4  # of costs 4 and 9: 20 count as 4, 20 as 9
HEAD = 'kind = "assembler"\nprice = 30.0\ndemand = { distribution = "uniform", low = 100, high = 900 }\n'
BATTERY = '[[suppliers]]\nname = "battery"\ncosts = [3.0, 7.0]\nprobabilities = [0.4, 0.6]\n'


def written(folder: Path, quotes: str, further: str = "") -> Path:
    """Write a case whose panel supplier has past reports, and return its file."""
    (folder / "quotes.csv").write_text(quotes)
    panel = f'[[suppliers]]\nname = "panel"\ncosts = [4.0, 9.0]\nreports = "quotes.csv"\n{further}'
    (folder / "case.toml").write_text(f"{HEAD}{panel}{BATTERY}")
    return folder / "case.toml"


@pytest.fixture
def case(tmp_path: Path) -> AssemblerCase:
    found = vd.load(written(tmp_path, "cost\n" + "\n".join(map(str, QUOTES)) + "\n"))
    assert isinstance(found, AssemblerCase)
    return found


def test_reports_are_counted_at_the_least_cost_that_covers_them(case: AssemblerCase) -> None:
    assert case.suppliers[0].counts == (20, 20)
    np.testing.assert_array_equal(case.marginals[0], [0.5, 0.5])
    said = case.changed(**{"suppliers.panel.probabilities": [0.5, 0.5]})
    assert vd.solve(case).objective == near(vd.solve(said).objective)
    assert vd.solve(said).estimate is None


def test_the_interval_is_that_of_the_menu_s_profit(case: AssemblerCase) -> None:
    solution = vd.solve(case, "icds", "highs")
    assert solution.estimate is not None
    low, high = solution.estimate["interval"]
    # the profit is linear in the number of cheap reports, which is binomial: quantiles of the normal, to the error of 999 draws
    earned = (solution.contracts.profit * case.marginals[1]).sum(axis=1)
    sd = abs(earned[0] - earned[1]) * np.sqrt(0.5 * 0.5 / len(QUOTES))
    assert low == pytest.approx(solution.objective - 1.645 * sd, abs=0.25 * sd)
    assert high == pytest.approx(solution.objective + 1.645 * sd, abs=0.25 * sd)
    assert solution.estimate["reports"] == {"panel": 40}
    assert solution.warnings == ()
    assert solution.to_dict()["estimate"] == solution.estimate
    assert vd.solve(case, "icds", "highs").estimate == solution.estimate  # drawn alike every time


def test_a_menu_for_some_reports_is_tried_on_the_others(case: AssemblerCase) -> None:
    for mechanism, solver in (("icds", "closed_form"), ("frw", "highs"), ("bic", "highs")):
        solution = vd.solve(case, mechanism, solver)
        assert solution.estimate is not None
        held = solution.estimate["held_out"]
        assert held["share"] == 0.25
        cheap_out = next(  # 10 of 40 are held out, of which some are cheap
            k
            for k in range(11)
            if vd.solve(
                case.changed(**{"suppliers.panel.probabilities": [(20 - k) / 30, (10 + k) / 30]}), mechanism, solver
            ).objective
            == pytest.approx(held["promised"], rel=1e-9)
        )
        menu = vd.solve(
            case.changed(**{"suppliers.panel.probabilities": [(20 - cheap_out) / 30, (10 + cheap_out) / 30]}), mechanism, solver
        ).contracts
        others = np.outer([cheap_out / 10, 1 - cheap_out / 10], case.marginals[1])
        assert held["earned"] == near(float((others * menu.profit).sum()))


def test_few_reports_are_said(tmp_path: Path) -> None:
    solution = vd.solve(vd.load(written(tmp_path, "4\n9\n4\n")))
    assert solution.warnings == ("the prior of panel rests on 3 reports, fewer than 30",)
    assert solution.estimate is not None
    assert solution.estimate["held_out"] is None


def test_beside_a_correlation_every_draw_is_integrated(case: AssemblerCase) -> None:
    solution = vd.solve(case.changed(prior={"correlation": [[1, 0.4], [0.4, 1]]}))
    assert solution.estimate is not None
    assert solution.estimate["draws"] == 99
    assert solution.estimate["interval"][0] < solution.objective < solution.estimate["interval"][1]


def test_cases_with_reports_are_saved_with_them(case: AssemblerCase, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert vd.load(case.save(tmp_path / "elsewhere" / "case.toml")) == case
    made = case.changed(**{"suppliers.panel.reports": str(tmp_path / "quotes.csv")})
    assert made.suppliers[0].reported == case.suppliers[0].reported
    said = case.changed(**{"suppliers.panel.probabilities": [0.5, 0.5]})
    assert said.suppliers[0].reports is None
    joint = case.changed(**case.equicorrelated(0.2))
    assert joint.suppliers[0].reports == "quotes.csv"


@pytest.mark.parametrize(
    ("quotes", "further", "message"),
    [
        ("cost\n4\nx\n", "", r"suppliers\[0\]\.reports: got <'x' in row 3 of quotes\.csv>; allowed: one finite number"),
        ("4\n9.5\n", "", r"suppliers\[0\]\.reports: got <9\.5 in quotes\.csv>; allowed: reports up to the highest of costs, 9"),
        ("", "", r"suppliers\[0\]\.reports: got <no row in quotes\.csv>"),
        ("4\n", "probabilities = [0.5, 0.5]\n", r"suppliers\[0\]\.probabilities: .*no probabilities beside reports"),
        ("4\n", "reported = [4.0]\n", r"suppliers\[0\]\.reported: .*only the keys name, costs"),
    ],
)
def test_what_is_no_report_is_refused_by_row(tmp_path: Path, quotes: str, further: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        vd.load(written(tmp_path, quotes, further))


def test_reports_outside_the_case_s_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("4\n")
    (tmp_path / "case").mkdir()
    file = written(tmp_path / "case", "4\n")
    file.write_text(file.read_text().replace('"quotes.csv"', '"../secret.csv"'))
    with pytest.raises(InputError, match=r"suppliers\[0\]\.reports"):
        vd.load(file)


def test_the_terminal_says_how_sure_the_profit_is(case: AssemblerCase, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.argv", ["veridical", "solve", str(tmp_path / "case.toml")])
    with pytest.raises(SystemExit):
        vd.cli.main()
    said = " ".join(capsys.readouterr().out.split())
    assert "prior estimated from past reports (40 of panel): profit between" in said
    assert "(90%, bootstrap of 999)" in said
