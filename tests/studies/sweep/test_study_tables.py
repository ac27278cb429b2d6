"""What is made of a study's table: LaTeX, pictures, parts of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import veridical as vd
from veridical.data import InputError
from veridical.studies.sweep import StudyFrame
from veridical.studies.sweep.latex import table as latex

PAIR = {"case": "two-suppliers", "mechanisms": ["icds", "naive"], "solver": "closed_form", "name": "prices"}


def study(vary: dict[str, Any], **others: Any) -> StudyFrame:
    return vd.study({**PAIR, "vary": vary, **others})


@pytest.fixture(scope="module")
def prices() -> StudyFrame:
    return study({"price": {"from": 20, "to": 40, "points": 5}}, outputs={"columns": ["rents", "regret"]})


def test_a_table_for_a_paper(prices: StudyFrame, tmp_path: Path) -> None:
    text = prices.to_latex(caption="Rents & profits", label="tab:rents")
    assert text is not None
    lines = text.splitlines()
    assert lines[:3] == [r"\begin{table}", r"\centering", r"\caption{Rents \& profits}"]
    assert lines[4] == r"\begin{tabular}{lrrrr}"
    assert [lines.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [5, 7, 18]
    assert lines[6] == r"mechanism & price & objective & rents & regret \\"
    assert lines[10].startswith(r"icds & 30 & 6{,}965.0 & ")
    assert all(line.endswith(r" & 0 \\") for line in lines[8:18])  # a regret of 1e-13 is none
    assert prices.to_latex(tmp_path / "t.tex", columns=["objective"]) is None
    assert (tmp_path / "t.tex").read_text(encoding="utf-8").startswith(r"\begin{tabular}{r}")
    with pytest.raises(InputError, match="columns: got 'nothing'; allowed: one of case, mechanism"):
        prices.to_latex(columns=["nothing"])


def test_digits_are_those_of_the_largest_number() -> None:
    frame = pd.DataFrame(
        {"a_b": [0.5, 1234.5678], "n": [1.0, np.nan], "t": ["x_1 <50%", None], "e": [1e-7, 2.5e12], "m": [-1.5, np.inf]}
    )
    rows = latex(frame, 6).splitlines()[4:6]
    assert rows == [
        r"0.50 & 1 & x\_1 $<$50\% & $1 \times 10^{-7}$ & $-1.5$ \\",
        r"1{,}234.57 & -- & -- & $2.5 \times 10^{12}$ & $\infty$ \\",
    ]


def test_a_part_of_the_table_is_one_too(prices: StudyFrame) -> None:
    part = prices[prices["mechanism"] == "icds"]
    assert isinstance(part, StudyFrame)
    assert len(part.solved) == 5
    assert "icds" in str(part.to_latex())
    assert part.figure().axes[0].get_ylabel() == "expected rents"


def test_what_was_solved_is_drawn_as_the_whole(prices: StudyFrame) -> None:
    assert prices.solved.attrs == prices.failed.attrs == prices.attrs
    whole, solved = (frame.figure("objective").axes[0] for frame in (prices, prices.solved))
    assert [np.asarray(line.get_ydata()).tolist() for line in solved.lines] == [
        np.asarray(line.get_ydata()).tolist() for line in whole.lines
    ]
    assert (solved.get_xlabel(), len(solved.lines)) == ("price", 2)


def test_lines_over_one_number(prices: StudyFrame) -> None:
    figure = prices.figure("objective")
    (axis,) = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("price", "expected profit")
    assert [str(line.get_label()) for line in axis.lines] == ["icds", "naive"]
    for line, name in zip(axis.lines, ("icds", "naive"), strict=True):
        rows = prices[prices["mechanism"] == name]
        assert np.asarray(line.get_xydata()).tolist() == rows[["price", "objective"]].to_numpy(dtype=float).tolist()


def test_panels_over_few_values_of_a_second_one_and_a_map_over_many() -> None:
    lows = {"values": [50, 100, 200]}
    panels = study({"price": {"from": 20, "to": 40, "points": 5}, "demand.low": lows}).figure()
    assert [axis.get_title(loc="left") for axis in panels.axes] == ["demand.low 50", "demand.low 100", "demand.low 200"]
    many = study({"price": {"from": 20, "to": 40, "points": 8}, "demand.low": {"from": 0, "to": 70, "points": 8}})
    first, second, bar = many.figure().axes
    assert [axis.get_title(loc="left") for axis in (first, second)] == ["icds", "naive"]
    (mesh,) = first.collections
    shown: Any = np.ma.getdata(np.ma.asarray(mesh.get_array())).reshape(8, 8)
    rows = many[many["mechanism"] == "icds"].set_index(["demand.low", "price"])["objective"]
    assert shown.tolist() == rows.sort_index().to_numpy().reshape(8, 8).tolist()
    assert bar.get_ylabel() == "expected profit"


def test_bars_where_no_number_is_varied_and_level_lines_where_it_plays_no_part() -> None:
    bars: Any = study({}, case=["two-suppliers", "electronics"]).figure().axes[0]
    assert [label.get_text() for label in bars.get_xticklabels()] == ["two-suppliers", "electronics"]
    assert len(bars.patches) == 4
    vary = {"mechanism.hybrid.k": {"values": [0, 1, 2, 9]}}
    table = study(vary, case="electronics", mechanisms=["hybrid", "naive"])
    figure = table.figure()
    assert "1 of 5 points without a result" in figure.get_suptitle()
    hybrid, naive = figure.axes[0].lines
    assert np.asarray(hybrid.get_xdata())[:3].tolist() == [0, 1, 2]
    assert set(np.asarray(naive.get_ydata()).tolist()) == {table["objective"].iloc[-1]}


def test_more_than_a_picture_shows_is_refused(prices: StudyFrame) -> None:
    with pytest.raises(InputError, match="plot: got 'status'; allowed: a column of numbers: price"):
        prices.figure("status")
    vary = {name: {"from": 1, "to": 9, "points": 8} for name in ("price", "demand.low", "demand.high")}
    with pytest.raises(
        InputError, match=r"plot: got <demand.high, 8 values, beside price, demand.low>; allowed: at most two numbers"
    ):
        study({**vary, "design": "random", "draws": 8}).figure()


def test_mechanisms_stand_side_by_side(prices: StudyFrame) -> None:
    lines = str(prices.to_latex(across="mechanism")).splitlines()
    assert lines[2] == r"price & icds & naive \\"
    assert len(lines) == 4 + 5 + 2  # a row a price
    first = prices.pivot(index="price", columns="mechanism", values="objective").loc[20]
    assert lines[4] == rf"20 & {first['icds']:,.1f} & {first['naive']:,.1f} \\".replace(",", "{,}")
    rents = str(prices.to_latex(columns=["price", "mechanism", "rents"], across="mechanism"))
    assert "icds & naive" in rents
    assert rents != prices.to_latex(across="mechanism")
    with pytest.raises(
        InputError, match="across: got <several rows of case two-suppliers, mechanism icds>; allowed: columns that"
    ):
        prices.to_latex(columns=["case", "mechanism", "rents"], across="mechanism")
    with pytest.raises(
        InputError, match="across: got 'solver'; allowed: one of several columns before the last: mechanism, price"
    ):
        prices.to_latex(across="solver")


def test_headings_say_what_a_number_across_is() -> None:
    spec = {"case": "two-suppliers", "mechanisms": ["hybrid"], "solver": "closed_form"}
    table = vd.study({**spec, "vary": {"price": {"values": [30, 31.5]}, "mechanism.hybrid.k": {"values": [1, 2]}}})
    text = table.to_latex(across="price", columns=["mechanism.hybrid.k", "price", "objective"])
    assert text is not None
    assert r"k of hybrid & price 30 & price 31.5 \\" in text


def test_a_picture_says_what_is_drawn_in_which_currency() -> None:
    case = vd.example("two-suppliers").changed(currency="EUR")
    figure = study({"price": {"values": [30, 31]}}, case=case).figure()
    assert figure.axes[0].get_ylabel() == "expected profit, EUR"
    assert figure.axes[0].get_xlabel() == "price, EUR per unit"
    rents = study({"price": {"values": [30, 31]}}, case=case, outputs={"columns": ["rents"]}).figure()
    assert rents.axes[0].get_ylabel() == "expected rents, EUR"
    both = study({"price": {"values": [30, 31]}}, case=[case, "two-suppliers-correlated"], mechanisms=["naive"]).figure()
    assert both.axes[0].get_ylabel() == "objective"  # one of them says no currency


def test_four_panels_fit_a_page() -> None:
    frame = study({"price": {"values": [20, 25, 30, 35]}, "salvage": {"from": 0.0, "to": 3.0, "points": 5}})
    figure = frame.figure()
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 4
    assert figure.get_figwidth() < 9
    assert {axis.get_title(loc="left") or axis.get_title() for axis in shown} == {f"price {price}" for price in (20, 25, 30, 35)}
    odd = study({"price": {"values": [20, 25, 30, 35, 40]}, "salvage": {"from": 0.0, "to": 3.0, "points": 6}}).figure()
    assert [axis.get_visible() for axis in odd.axes] == [True] * 5 + [False]


def test_an_unknown_column_is_told_with_the_file_and_what_else_there_is(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('case = "two-suppliers"\nmechanisms = ["naive"]\nsolver = "closed_form"\n[outputs]\ncolumns = ["rent"]\n')
    with pytest.raises(InputError, match=r"^sweep\.toml: outputs\.columns: got 'rent'; allowed: .*rents, .*; dual:FAMILY:max"):
        vd.study(file)
