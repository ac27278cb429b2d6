"""Pictures of studies whose fields are varied together: one is along the axis, and the others are seen above it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import veridical as vd

PAIR = {"case": "two-suppliers", "mechanisms": ["icds", "naive"], "solver": "closed_form"}
PRICES = {"from": 20, "to": 40, "points": 5}


def drawn(vary: dict[str, Any], design: str = "zip", **others: Any) -> tuple[Any, Any]:
    """Return the table of a study and its figure, laid out."""
    table = vd.study({**PAIR, "vary": {**vary, "design": design}, **others})
    figure = table.figure()
    figure.draw_without_rendering()
    return table, figure


def above(axis: Any) -> tuple[str, dict[float, str]]:
    """Return what stands above an axis: the names, and the words at each place."""
    (second,) = axis.child_axes
    return second.get_xlabel(), {
        float(at): label.get_text() for at, label in zip(second.get_xticks(), second.get_xticklabels(), strict=True)
    }


def test_two_numbers_are_a_line_over_the_first_and_the_other_stands_above() -> None:
    """They were scattered points, one picture a mechanism."""
    table, figure = drawn({"price": PRICES, "demand.low": {"values": [0, 10, 40, 60, 80]}})
    (axis,) = figure.axes
    assert axis.get_xlabel() == "price"
    assert [line.get_label() for line in axis.get_lines()] == ["icds", "naive"]
    for line in axis.get_lines():
        own = table[table["mechanism"] == line.get_label()]
        assert np.array_equal(line.get_xdata(), own["price"])
        assert np.array_equal(line.get_ydata(), own["objective"])
    assert above(axis) == ("demand.low", {20.0: "0", 25.0: "10", 30.0: "40", 35.0: "60", 40.0: "80"})


def test_a_number_that_comes_twice_is_not_along_the_axis() -> None:
    draws = {"random": {"distribution": "empirical", "values": [30, 40], "draws": 5}}
    table, figure = drawn({"price": draws, "demand.low": {"from": 0, "to": 40, "points": 5}}, mechanisms="icds")
    assert table["price"].nunique() == 2
    (axis,) = figure.axes
    assert axis.get_xlabel() == "demand.low"
    prices = {float(low): f"{price:g}" for low, price in zip(table["demand.low"], table["price"], strict=True)}
    assert above(axis) == ("price", prices)


def test_three_fields_and_lists_stand_line_by_line() -> None:
    costs = {"values": [[4, 9], [4, 8], [4, 7]]}
    _, figure = drawn({"suppliers.panel.costs": costs, "price": {**PRICES, "points": 3}, "demand.low": {"values": [0, 5, 10]}})
    (axis,) = figure.axes
    assert axis.get_xlabel() == "price"
    assert above(axis) == ("suppliers.panel.costs\ndemand.low", {20.0: "[4, 9]\n0", 30.0: "[4, 8]\n5", 40.0: "[4, 7]\n10"})


def test_where_no_number_is_varied_bars_have_both() -> None:
    vary = {"suppliers.panel.costs": {"values": [[4, 9], [4, 8]]}, "suppliers.battery.costs": {"values": [[3, 7], [2, 7]]}}
    _, figure = drawn(vary)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["[4, 9]", "[4, 8]"]
    assert above(axis) == ("suppliers.battery.costs", {0.0: "[3, 7]", 1.0: "[2, 7]"})


def test_a_parameter_of_one_mechanism_is_not_along_the_axis_of_all() -> None:
    vary = {"mechanism.hybrid.k": {"values": [0, 1]}, "price": {"values": [20, 30]}}
    table, figure = drawn(vary, mechanisms=["icds", "hybrid"])
    (axis,) = figure.axes
    assert axis.get_xlabel() == "price"
    assert [len(line.get_xdata()) for line in axis.get_lines()] == [2, 2]
    assert above(axis) == ("k of hybrid", {20.0: "0", 30.0: "1"})
    assert len(table) == 4


def test_cases_have_panels_and_many_points_are_named_at_some() -> None:
    vary = {"price": {**PRICES, "points": 41}, "demand.low": {"from": 0, "to": 80, "points": 41}}
    cases = ["two-suppliers", "two-suppliers-correlated"]
    _, figure = drawn(vary, case=cases, mechanisms="naive", solver="closed_form")
    assert len(figure.axes) == 2
    for axis in figure.axes:
        name, words = above(axis)
        assert name == "demand.low"
        assert 3 <= len(words) <= 5
        assert all(float(word) == pytest.approx(4 * (price - 20)) for price, word in words.items())
        boxes = [label.get_window_extent() for label in axis.child_axes[0].get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_fields_that_are_drawn_apart_are_points_as_before() -> None:
    _, figure = drawn({"price": PRICES, "demand.low": {"from": 0, "to": 80, "points": 9}}, "random", draws=20, mechanisms="icds")
    assert len(figure.axes[0].collections) == 1
    assert not figure.axes[0].get_lines()
