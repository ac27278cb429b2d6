"""Pictures of the published tables of capacity allocation."""

from typing import Any

import numpy as np
import pytest

from support.allocation_cases import CONCENTRATED
from support.allocation_judges import published_figures
from support.pictures import points, rendered, words
from veridical.data import InputError
from veridical.studies.figures import allocation as pictures

ROWS: list[tuple[int, str, Any, Any, int, list[list[float]]]] = [  # table, series, types, prior, N; cost and the printed figures
    (1, "exact", range(4, 9), CONCENTRATED, 5, [[0.1, 8.38, 79.11, 89.28], [3.6, 15.81, 74.11, 64.71]]),
    (2, "2 retailers", range(4, 9), [0.2] * 5, 2, [[0.1, 16.40, 73.94, 94.02], [3.6, 30.68, 48.71, 48.99]]),
    (2, "4 retailers", range(4, 9), [0.2] * 5, 4, [[1.85, 21.71, 69.50, 60.71]]),
    (3, "mean type 4", range(2, 7), [0.2] * 5, 5, [[1.85, 31.58, 72.13, 56.46], [3.6, 30.05, 66.40, 54.42]]),
    (3, "mean type 8", range(6, 11), [0.2] * 5, 5, [[0.1, 10.28, 72.83, 86.88]]),
    (4, "3 types", range(5, 8), [1 / 3] * 3, 5, [[0.1, 4.69, 78.51, 90.61], [3.6, 16.72, 75.59, 64.18]]),
    (4, "9 types", range(2, 11), [1 / 9] * 9, 5, [[1.85, 26.33, 68.05, 55.52]]),
]


@pytest.mark.parametrize(("number", "series", "types", "f", "count", "rows"), ROWS)
def test_tables_are_drawn_exact_and_as_printed(number: int, series: str, types: Any, f: Any, count: int, rows: Any) -> None:
    figure = rendered(pictures.draw_table(number))
    assert len(figure.axes) == 3
    for cost, *printed in rows:
        exact = published_figures(types, f, count, cost)
        for axis, value, shown in zip(figure.axes, exact.values(), printed, strict=True):
            place = next(i for i, line in enumerate(axis.lines) if line.get_label() == series)
            line, published = points(axis, place), points(axis, place + (2 if number == 3 and axis is figure.axes[0] else 1))
            assert line[line[:, 0] == cost, 1] == pytest.approx([value], rel=1e-7)
            assert published[published[:, 0] == cost, 1] == pytest.approx([shown])
            if number == 3 and axis is figure.axes[0]:
                dashed = points(axis, place + 1)
                assert dashed[dashed[:, 0] == cost, 1] == pytest.approx([100 * value / (100 - value)], rel=1e-7)
                assert shown == pytest.approx(100 * value / (100 - value), abs=1.6)  # the authors' loose search
    (legend,) = figure.legends
    keys = [text.get_text() for text in legend.get_texts()]
    assert series in keys
    assert keys[-1] == "printed"
    assert ("over the decentralised profit, as in print" in keys) == (number == 3)
    assert figure.get_suptitle().startswith(f"Table {number}: ")


@pytest.mark.parametrize(("number", "lines", "dots"), [(1, 1, 30), (2, 4, 3), (3, 5, 3), (4, 4, 3)])
def test_every_printed_figure_is_in_its_table(number: int, lines: int, dots: int) -> None:
    figure = pictures.draw_table(number)
    for place, axis in enumerate(figure.axes):
        hollow = [line for line in axis.lines if line.get_fillstyle() == "none"]
        solid = [line for line in axis.lines if line.get_linestyle() == "-"]
        dashed = [line for line in axis.lines if line.get_linestyle() == "--"]
        assert (len(hollow), len(solid), len(dashed)) == (lines, lines, lines if number == 3 and place == 0 else 0)
        assert [line.get_color() for line in hollow] == [line.get_color() for line in solid]
        for line in hollow:
            assert np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum() == dots
        for line in solid:
            cost = np.asarray(line.get_xdata(), dtype=float)
            assert (cost.min(), cost.max()) == (0.1, 3.6)
            assert (np.diff(cost) > 0).all()
            assert np.diff(cost).max() < 0.2  # no straight lines over what bends
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels[2] == "capacity, % of the centralised"
    assert all("%" in label for label in labels)
    assert {axis.get_xlabel() for axis in figure.axes} == {"capacity cost, currency per unit"}


def test_table_5_is_drawn_with_both_kinds_of_bids() -> None:
    figure = rendered(pictures.draw_table(5))
    left, right, bar = figure.axes
    printed = [[0] * 5, [1, 1, 0.82, 0.32, 0], [2, 1.82, 1.32, 0.82, 0.32], [2.63, 2.32, 1.82, 1.32, 0.82]]
    printed += [[2.63, 2.63, 2.32, 1.82, 1.315]]  # the row's own type, by the other's
    (mesh,) = left.collections
    units = np.asarray(mesh.get_array()).reshape(5, 5)
    assert np.abs(units.T - printed).max() < 0.0051  # printed to 2 digits
    assert len(left.texts) == 25
    for text in left.texts:
        own, other = (round(at) - 4 for at in text.get_position())
        assert float(text.get_text()) == pytest.approx(units[other, own], abs=6e-4)
        assert text.get_text() == f"{float(text.get_text()):.3f}"
    assert left.texts[9].get_text() == "2.630"  # own 8 against 5
    assert (left.get_xlabel(), left.get_ylabel()) == ("own type θ", "the other's type θ")
    assert "units" in left.get_title(loc="left")
    assert bar.get_ylim() == pytest.approx((0, 2.63))
    boxes = np.array([each.get_path().get_extents(each.get_patch_transform()).bounds for each in right.patches]).reshape(2, 5, 4)
    heights = boxes[:, :, 3]
    assert heights[0] == pytest.approx([0, 0.70, 3.05, 7.08, 12.29])
    assert heights[1] == pytest.approx([0, 2.577, 4.929, 6.975, 8.629], abs=6e-4)
    middles = boxes[:, :, 0] + boxes[:, :, 2] / 2
    assert (middles.mean(axis=0)).tolist() == pytest.approx([4, 5, 6, 7, 8])
    assert words(right) == ["printed: virtual revenue", "incentive compatible: the payment (3)"]
    assert [text.get_text() for text in right.texts] == [f"{height:.2f}" for height in heights.ravel()]
    assert (right.get_xlabel(), right.get_ylabel()) == ("own type θ", "bid, currency")
    assert figure.get_suptitle().startswith("Table 5: ")


@pytest.mark.parametrize("number", [0, 6, -1, True, "1", 1.0, None, np.nan])
def test_other_tables_are_refused(number: Any) -> None:
    with pytest.raises(InputError, match=r"number: got .*; allowed: a whole number from 1 to 5"):
        pictures.draw_table(number)
