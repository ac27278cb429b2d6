"""Proposition 4: profit of continuous costs, and as the limit of grids."""

import numpy as np
import pytest
from scipy import stats

import veridical as vd
from support.assembler_study import GRIDS, surplus
from support.pictures import drawing
from support.reproductions import Reproductions
from veridical.solvers.closed_form import assembler as closed


def test_proposition_4_by_payments_and_as_the_limit_of_grids(reproductions: Reproductions) -> None:
    each = reproductions["assembler-proposition-4"]
    exact, table = each.table["exact"], each.series
    assert table is not None
    profit = exact["profit by virtual costs, (37)"]
    assert exact["profit by payments, (36)"] == pytest.approx(profit, rel=1e-7)
    assert table["points"].tolist() == list(GRIDS)
    assert (np.diff(table["profit"]) > 0).all()
    assert (table["profit"] < profit).all()
    assert table["below"].to_numpy() == pytest.approx(1 - table["profit"] / profit, abs=1e-12)
    assert exact["order of convergence between the last two grids"] == pytest.approx(2, abs=0.1)
    assert [exact[f"profit on a grid of {points} costs a supplier"] for points in GRIDS] == table["profit"].tolist()
    case = vd.example("continuous-pair")
    for points in GRIDS[:3]:
        assert table["profit"][GRIDS.index(points)] == pytest.approx(closed.icds(case.grid(points)).bound, rel=1e-7)


def test_proposition_4_by_integration_of_the_shipped_pair(reproductions: Reproductions) -> None:
    # Panel uniform on [3, 13], J = 2 x - 3; battery normal(5, 1.5) cut to [2, 9], J = x + G / g; a sum over midpoints.
    own = stats.truncnorm(-2, 8 / 3, loc=5, scale=1.5)
    quantiles = (np.arange(4000) + 0.5) / 4000
    x, y = 3 + 10 * quantiles, own.ppf(quantiles)
    v = np.add.outer(2 * x - 3, y + own.cdf(y) / own.pdf(y))
    profit = surplus(30, 500, 400, v).mean()
    # What is earned is continuous in v, with a kink at the price: midpoints of cells 1/4000 wide err by less than 1e-5 of it.
    assert reproductions["assembler-proposition-4"].table["exact"].iloc[0] == pytest.approx(profit, rel=1e-5)


def test_the_picture_of_proposition_4_has_its_points(reproductions: Reproductions) -> None:
    each = reproductions["assembler-proposition-4"]
    table = each.series
    assert table is not None
    (axis,) = drawing(each).axes
    found, slope = (np.asarray(line.get_xydata()) for line in axis.lines)
    assert np.array_equal(found, table[["points", "below"]].to_numpy())
    assert np.diff(np.log2(slope[:, 1])) == pytest.approx(-2)
    assert slope[-1, 1] == table["below"].iloc[-1]
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
