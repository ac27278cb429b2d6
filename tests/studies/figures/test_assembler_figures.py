"""Figures of the assembler's paper: they draw their series, which follow by hand."""

import numpy as np
import pytest

from support.assembler_study import HIGH, instances, point, profit_by_hand
from support.pictures import drawing
from support.reproductions import Reproductions


@pytest.mark.parametrize(("name", "panels", "lines"), [("1", 4, 1), ("2", 2, 8), ("3", 2, None)])
def test_figures_draw_their_series(name: str, panels: int, lines: int | None, reproductions: Reproductions) -> None:
    each = reproductions[f"assembler-figure-{name}"]
    series = each.series
    assert series is not None
    assert set(series.columns) == {"x", "series", "exact", "as published", "panel"}
    axes = drawing(each).axes
    assert len(axes) == panels == series["panel"].nunique()
    for axis in axes:
        own = series[series["panel"] == axis.get_xlabel()]
        groups = [points for _, points in own.groupby("series", sort=False)]
        assert len(groups) == (lines or {"alpha": 5, "gap": 4}[own["series"].iloc[0].split()[0]])
        readings = 1 if name == "1" else 2  # the first figure has no reading as published
        assert len(axis.lines) == readings * len(groups)
        for place, points in enumerate(groups):
            solid, *dashed = axis.lines[readings * place : readings * (place + 1)]
            assert solid.get_linestyle() == "-"
            assert np.array_equal(np.asarray(solid.get_xydata()), points[["x", "exact"]].to_numpy())
            assert points["as published"].isna().all() == (not dashed)
            for line in dashed:
                assert line.get_linestyle() == (":" if points["series"].iloc[0].startswith("hybrid") else "--")
                assert line.get_color() == solid.get_color()
                assert np.array_equal(np.asarray(line.get_xydata()), points[["x", "as published"]].to_numpy())
            assert (np.diff(points["x"]) > 0).all()
        through = axis.lines[::readings]
        assert len({(line.get_color(), line.get_marker()) for line in through}) == len(through)  # no two look alike
    assert {axis.get_yscale() for axis in axes} == {"log" if name == "2" else "linear"}


def test_figure_1_by_hand(reproductions: Reproductions) -> None:
    each, every = reproductions["assembler-figure-1"], instances(2, "")
    ways = {
        "cost gap of supplier 1": ("c1(h)", 3, (5, 13)),
        "cost gap of supplier 2": ("c2(h)", 1, (2, 6)),
        "demand uncertainty": ("alpha", 0, (100, 500)),
        "p1(h)": ("p1(h)", 0, (0.2, 0.8)),
    }
    for panel, (parameter, less, values) in ways.items():
        for value in values:
            chosen = [case for parameters, case in every if parameters[parameter] == value]
            ratio = np.mean([profit_by_hand(case, "icds") / profit_by_hand(case, "frw") for case in chosen])
            assert point(each, panel, "icds", value - less, "exact") == pytest.approx(100 * (ratio - 1), rel=1e-9)
    table = each.series
    assert table is not None
    xs = table.groupby("panel", sort=False)["x"].apply(list).tolist()
    assert xs == [[2, 4, 6, 8, 10], [1, 2, 3, 4, 5, 6], [100, 200, 300, 400, 500], [0.2, 0.4, 0.6, 0.8]]
    assert each.table["exact"].tolist() == table[table["panel"].str.contains("p1(h)", regex=False)]["exact"].tolist()
    assert each.table["as_published"].isna().all()


@pytest.mark.parametrize("n", [4, 8])
def test_figure_2_by_hand_without_its_extremes(n: int, reproductions: Reproductions) -> None:
    each, every = reproductions["assembler-figure-2"], instances(n, HIGH)
    for panel, parameter, value, x in (("alpha", "alpha", 600, 600), ("gap", "cost", 16, 16 - (n + 1) / 2)):
        chosen = [case for parameters, case in every if parameters[parameter] == value]
        for series, name in ((f"icds, n={n}", "icds"), (f"hybrid k={n // 2}, n={n}", f"hybrid {n // 2}")):
            ratio = np.mean([profit_by_hand(case, name) / profit_by_hand(case, "frw") for case in chosen])
            assert point(each, panel, series, x, "exact") == pytest.approx(100 * (ratio - 1), rel=1e-9)
    table = each.series
    assert table is not None
    own = table[table["series"] == f"icds, n={n}"].groupby("panel", sort=False)["x"].apply(list).tolist()
    assert own == [[200, 400, 600, 800], [c - (n + 1) / 2 for c in (11, 16, 21)]]


def test_figure_3_by_hand(reproductions: Reproductions) -> None:
    each, every = reproductions["assembler-figure-3"], instances(10, HIGH)
    for panel, parameter, value, series in (
        ("demand uncertainty", "alpha", 400, "alpha = 400"),
        ("cost gap", "cost", 21, "gap = 15.5"),
    ):
        chosen = [case for parameters, case in every if parameters[parameter] == value]
        for k in (0, 4):
            loss = np.mean([1 - profit_by_hand(case, f"hybrid {k}") / profit_by_hand(case, "icds") for case in chosen])
            assert point(each, panel, series, k, "exact") == pytest.approx(100 * loss, rel=1e-9)
    table = each.series
    assert table is not None
    for _, own in table.groupby(["panel", "series"]):
        assert own["x"].tolist() == list(range(11))
        assert (np.diff(own["exact"]) <= 1e-9).all()
        assert own["exact"].iloc[-1] == pytest.approx(0, abs=1e-9)
        assert own["exact"].iloc[0] > 0
