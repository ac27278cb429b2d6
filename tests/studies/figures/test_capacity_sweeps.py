"""Sweeps of the cost of capacity, and their picture."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from support.allocation_cases import CONCENTRATED, group, newsvendor, unnamed_case
from support.allocation_judges import best_capacity
from support.pictures import points, rendered, words
from veridical.data import InputError
from veridical.solvers.closed_form.allocation import capacity_choice, centralized
from veridical.studies.figures import allocation as pictures

FIVE = unnamed_case(group(range(4, 9), CONCENTRATED, count=3), capacity=1.0)


def test_a_sweep_is_what_capacity_earns() -> None:
    costs = [0.4, 3.1, 1.7]
    frame = pictures.sweep(FIVE, costs)
    assert frame["capacity_cost"].tolist() == costs
    for _, row in frame.iterrows():
        own = best_capacity(range(4, 9), CONCENTRATED, 3, row["capacity_cost"])
        best = best_capacity(range(4, 9), CONCENTRATED, 3, row["capacity_cost"], rent=False)
        expected = {
            "capacity_cost": row["capacity_cost"],
            "capacity": own["capacity"],
            "centralized_capacity": best["capacity"],
            "supplier_profit": own["supplier"],
            "chain_profit": own["chain"],
            "centralized_profit": best["chain"],
            "penalty": 1 - own["chain"] / best["chain"],
            "supplier_share": own["supplier"] / own["chain"],
        }
        assert row.to_dict() == pytest.approx(expected, rel=1e-8)
    priced = FIVE.changed(capacity=None, capacity_cost=9.0)
    pd.testing.assert_frame_equal(pictures.sweep(priced, np.array(costs)), frame)  # whatever the case's own capacity costs


def test_a_sweep_ends_where_nothing_is_worth_its_cost() -> None:
    frame = pictures.sweep(FIVE, [0, 8])  # the highest type's first unit earns 8
    assert frame[["capacity", "centralized_capacity"]].to_numpy()[0].tolist() == [12, 12]
    assert (
        frame.loc[1, ["capacity", "centralized_capacity", "supplier_profit", "chain_profit", "centralized_profit"]] == 0
    ).all()
    assert frame.loc[1, ["penalty", "supplier_share"]].isna().all()
    rendered(pictures.capacity(frame))
    rendered(pictures.penalty_and_share(frame))


def test_a_sweep_passes_on_how_types_are_cut_and_sampled() -> None:
    prior = unnamed_case(
        {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": newsvendor("uniform")}, capacity=1.0
    )
    found = pictures.sweep(prior, [2.0], points=6).loc[0]
    cut = prior.grid(6).changed(capacity=None, capacity_cost=2.0)
    assert found["capacity"] == capacity_choice(cut).capacity
    assert found["centralized_capacity"] == centralized(cut).capacity
    many = unnamed_case(group(range(4, 10), count=60), capacity=90.0)
    first, again, other = (pictures.sweep(many, [2.0], samples=50, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert (first != other).loc[0, ["capacity", "centralized_capacity"]].all()


@pytest.mark.parametrize("costs", [[], 1.0, None, "12", [np.nan], [np.inf], [-1.0], [True], ["1"], [1.0, None]])
def test_bad_costs_are_refused(costs: Any) -> None:
    with pytest.raises(InputError, match="cost"):
        pictures.sweep(FIVE, costs)


def test_capacity_and_profits_are_drawn_by_rising_cost() -> None:
    frame = pictures.sweep(FIVE, [2.0, 0.5, 1.0])
    figure = rendered(pictures.capacity(frame))
    left, right = figure.axes
    drawn = {
        left: {"optimal mechanism": "capacity", "full information": "centralized_capacity"},
        right: {
            "chain, full information": "centralized_profit",
            "chain, optimal mechanism": "chain_profit",
            "supplier, optimal mechanism": "supplier_profit",
        },
    }
    for axis, columns in drawn.items():
        assert words(axis) == list(columns)
        assert [line.get_label() for line in axis.lines] == list(columns)
        assert len({(line.get_color(), line.get_linestyle()) for line in axis.lines}) == len(columns)
        for place, column in enumerate(columns.values()):
            assert points(axis, place) == pytest.approx(frame.loc[[1, 2, 0], ["capacity_cost", column]].to_numpy())
        assert axis.get_xlabel() == "capacity cost, currency per unit"
        assert axis.get_ylim()[0] == 0
    assert (left.get_ylabel(), right.get_ylabel()) == ("capacity, units", "expected profit, currency")
    below = rendered(pictures.capacity(frame.assign(supplier_profit=-1.0)))  # of a mechanism that is not optimal
    assert below.axes[1].get_ylim()[0] <= -1
    assert rendered(pictures.capacity(frame[:1])).axes[0].lines[0].get_marker() == "o"  # a line of one point is none


def test_series_and_what_is_printed_are_drawn() -> None:
    frame = pd.DataFrame(
        {
            "capacity_cost": [2.0, 1, 1, 2],
            "penalty": [0.2, 0.1, 0.3, 0.4],
            "supplier_share": [0.6, 0.7, 0.8, 0.9],
            "published_penalty": [0.21, np.nan, 0.31, np.nan],
            "as_published_penalty": [0.25, 0.26, 0.27, 0.28],
            "series": ["b", "b", "a", "a"],
        }
    )
    figure = rendered(pictures.penalty_and_share(frame, "title"))
    left, right = figure.axes
    b, b_as, b_printed, a, a_as, a_printed = range(6)
    assert points(left, b) == pytest.approx(np.array([[1, 10], [2, 20]]))
    assert points(left, a) == pytest.approx(np.array([[1, 30], [2, 40]]))
    assert points(left, b_as)[:, 1] == pytest.approx([26, 25])
    assert points(left, a_as)[:, 1] == pytest.approx([27, 28])
    assert points(left, b_printed)[:, 1] == pytest.approx([np.nan, 21], nan_ok=True)
    assert points(left, a_printed)[:, 1] == pytest.approx([31, np.nan], nan_ok=True)
    assert [points(right, place)[:, 1].tolist() for place in (0, 1)] == [[70, 60], [80, 90]]
    assert len(right.lines) == 2
    for place in (b_printed, a_printed):
        line = left.lines[place]
        assert (line.get_linestyle(), line.get_fillstyle(), line.get_marker()) == ("None", "none", "o")
    for own, other in ((b, a), (b_as, a_as), (b_printed, a_printed)):
        assert left.lines[own].get_color() == left.lines[b].get_color() != left.lines[other].get_color()
    assert left.lines[a].get_color() == right.lines[1].get_color()
    (legend,) = figure.legends
    keys = dict(zip([text.get_text() for text in legend.get_texts()], legend.get_lines(), strict=True))
    assert list(keys) == ["b", "a", "as published", "printed"]
    assert keys["a"].get_color() == left.lines[a].get_color()
    assert (keys["printed"].get_fillstyle(), keys["as published"].get_linestyle()) == ("none", "--")
    assert left.get_ylabel() == "decentralisation penalty, % of centralised profit"
    assert right.get_ylabel() == "supplier's share, % of the chain's profit"
    assert left.get_xlabel() == right.get_xlabel() == "capacity cost, currency per unit"
    assert figure.get_suptitle() == "title"


def test_a_sweep_alone_is_one_line() -> None:
    frame = pictures.sweep(FIVE, [0.5, 2.0])
    figure = rendered(pictures.penalty_and_share(frame))
    for axis, column in zip(figure.axes, ("penalty", "supplier_share"), strict=True):
        assert len(axis.lines) == 1
        assert points(axis) == pytest.approx(np.column_stack([[0.5, 2.0], 100 * frame[column]]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["exact"]
    assert rendered(pictures.penalty_and_share(frame[:1])).axes[0].lines[0].get_marker() == "."


BAD: list[tuple[Any, str]] = [
    (None, "frame: got None; allowed: one or more rows"),
    ({"capacity_cost": [1.0]}, "frame: got .*; allowed: one or more rows with the columns capacity_cost, "),
    (pictures.sweep(FIVE, [1.0])[:0], "frame: got <0 rows"),
    (pictures.sweep(FIVE, [1.0]).drop(columns="capacity_cost"), "frame: got <1 rows"),
    (pictures.sweep(FIVE, [1.0]).assign(capacity_cost=np.nan), r"frame\['capacity_cost'\]: got \[nan\]; allowed: finite numbers"),
    (pictures.sweep(FIVE, [1.0]).assign(capacity_cost="1"), r"frame\['capacity_cost'\]: got \['1'\]"),
    (pictures.sweep(FIVE, [1.0]).assign(capacity_cost=True), r"frame\['capacity_cost'\]: got \[True\]"),
]


@pytest.mark.parametrize(("frame", "message"), BAD)
def test_frames_that_cannot_be_drawn_are_refused(frame: Any, message: str) -> None:
    for picture in (pictures.capacity, pictures.penalty_and_share):
        with pytest.raises(InputError, match=message):
            picture(frame)


def test_columns_that_cannot_be_drawn_are_refused() -> None:
    good = pictures.sweep(FIVE, [1.0])
    for name in ("penalty", "published_supplier_share", "as_published_penalty"):
        for value in (np.inf, "0.1", False):
            with pytest.raises(InputError, match=rf"frame\['{name}'\]: got .*; allowed: finite numbers, NaN where there is none"):
                pictures.penalty_and_share(good.assign(**{name: value}))
    for name in ("chain_profit", "capacity"):
        with pytest.raises(InputError, match=rf"frame\['{name}'\]"):
            pictures.capacity(good.assign(**{name: np.inf}))
        with pytest.raises(InputError, match="frame: got <1 rows"):
            pictures.capacity(good.drop(columns=name))
    with pytest.raises(InputError, match=r"frame\['series'\]: got \[nan\]; allowed: a name in every row"):
        pictures.penalty_and_share(good.assign(series=np.nan))
