"""Pictures of capacity allocation: what is drawn is what follows by hand, and says what it is."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.data.fields import check
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized
from veridical.studies.figures import allocation as pictures

Array = NDArray[np.float64]
LINEAR: dict[str, Any] = {"form": "linear_demand"}
CONCENTRATED = (0.05, 0.25, 0.4, 0.25, 0.05)


def newsvendor(distribution: str, **parameters: float) -> dict[str, Any]:
    return {"form": "newsvendor", "price": 10.0, "demand": {"distribution": distribution, **parameters}}


def group(types: Any, probabilities: Any = None, revenue: Any = LINEAR, **fields: Any) -> dict[str, Any]:
    f = [1 / len(types)] * len(types) if probabilities is None else list(probabilities)
    return {"count": 1, "types": list(types), "probabilities": f, "revenue": revenue, **fields}


def case(*groups: dict[str, Any], **fields: Any) -> AllocationCase:
    return check(AllocationCase, {"retailers": list(groups), **fields})


def by_hand(types: Any, f: Any, n: int, cost: float, rent: bool = True) -> dict[str, float]:
    """Return the best capacity for linear demand and what it earns, over ordered profiles, by bisection in bisection.

    Units earn a retailer of type theta q (theta - q); the supplier gets q (v - q), with v the type less the rent of the next.
    """
    theta, f = np.asarray(types, dtype=float), np.asarray(f, dtype=float)
    above = 1 - np.cumsum(f)
    v = theta - above / f * np.append(np.diff(theta), 0.0) if rent else theta
    assert (np.diff(v) > 0).all()  # nothing is to be ironed
    profiles = np.array(list(itertools.product(range(len(theta)), repeat=n)))
    weight, worth = f[profiles].prod(axis=1), v[profiles]

    def shadow_price(capacity: float) -> Array:
        low, high = np.zeros(len(profiles)), np.full(len(profiles), theta[-1])
        for _ in range(60):
            middle = (low + high) / 2
            scarce = np.maximum(worth - middle[:, None], 0.0).sum(axis=1) / 2 > capacity
            low, high = np.where(scarce, middle, low), np.where(scarce, high, middle)
        return high

    capacity = float(brentq(lambda k: float(weight @ shadow_price(k)) - cost, 0.0, n * theta[-1] / 2, xtol=1e-12))
    units = np.maximum(worth - shadow_price(capacity)[:, None], 0.0) / 2
    chain = float(weight @ (units * (theta[profiles] - units)).sum(axis=1)) - cost * capacity
    supplier = float(weight @ (units * (worth - units)).sum(axis=1)) - cost * capacity
    return {"capacity": capacity, "chain": chain, "supplier": supplier}


def shares(types: Any, f: Any, n: int, cost: float) -> dict[str, float]:
    own, best = by_hand(types, f, n, cost), by_hand(types, f, n, cost, rent=False)
    return {
        "penalty": 100 * (1 - own["chain"] / best["chain"]),
        "share": 100 * own["supplier"] / own["chain"],
        "ratio": 100 * own["capacity"] / best["capacity"],
    }


def rendered(figure: Figure) -> Figure:
    """Return the figure, which draws without a warning and keeps all its words inside."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    width, height = canvas.get_width_height()
    ticks = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()}
    for text in set(figure.findobj(Text)) - ticks:  # of ticks those beyond the ends are not drawn
        assert isinstance(text, Text)
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert -1 <= box.x0 <= box.x1 <= width + 1, text
            assert -1 <= box.y0 <= box.y1 <= height + 1, text
    return figure


def words(axis: Axes) -> list[str]:
    legend = axis.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def markers(figure: Figure) -> tuple[Array, Array]:
    """Return where the profiles' markers stand, ascending, shape (rows, 2), and their areas."""
    (dots,) = figure.axes[0].collections
    at = np.ma.getdata(dots.get_offsets())
    order = np.lexsort(at.round(9).T[::-1])
    return at[order], dots.get_sizes()[order]  # type: ignore[attr-defined]


def ranges(axis: Axes) -> list[Any]:
    """Return the bars' ends, (type, least) and (type, most), a list a group."""
    return [[np.round(bar, 9).tolist() for bar in bars.get_segments()] for bars in axis.collections]  # type: ignore[attr-defined]


def points(axis: Axes, place: int = 0) -> Array:
    return np.asarray(axis.lines[place].get_xydata(), dtype=float)


# --- one solved case ---

TWO = [group([4, 6], count=2)]  # virtual types 4 - 1 * 2 = 2 and 6, so quantities 1 and 3 where nothing is scarce


def test_profiles_stand_at_their_demand_and_shadow_price() -> None:
    figure = rendered(pictures.allocation(allocation(case(*TWO, capacity=2.0))))
    at, area = markers(figure)  # 2 - lambda + 6 - lambda = 2 K: lambda = 2; 6 - lambda = K: lambda = 4
    assert at == pytest.approx(np.array([[2, 0], [4, 2], [6, 4]]))
    assert area[0] == area[2]
    left, right = figure.axes
    limit, mean = left.lines
    assert np.ravel(limit.get_xdata()) == pytest.approx([2, 2])
    assert np.ravel(mean.get_ydata()) == pytest.approx([2, 2])  # (0 + 2 * 2 + 4) / 4
    assert words(left) == ["capacity: 2 units", "mean shadow price: 2"]
    assert left.get_xlabel() == "total demand were capacity plentiful, units"
    assert left.get_ylabel() == "shadow price λ, currency per unit"
    assert left.get_title(loc="left") == "3 type profiles, the larger the likelier"
    assert right.get_xlabel() == "own type θ"
    assert right.get_ylabel() == "allocation to one retailer, units"
    assert right.get_title(loc="left") == "mean over the others' types; bars: least to most"
    assert right.get_xticks().tolist() == [4, 6]
    assert figure.get_suptitle() == "2 units for 2 retailers"


def test_types_stand_at_their_expected_units() -> None:
    _, right = rendered(pictures.allocation(allocation(case(*TWO, capacity=2.0)))).axes
    assert points(right) == pytest.approx(np.array([[4, 0.5], [6, 1.5]]))  # 1 or 0, 2 or 1
    assert ranges(right) == [[[[4, 0], [4, 1]], [[6, 1], [6, 2]]]]
    rare = allocation(case(group([4, 6], [0.8, 0.2], count=3), capacity=1.5))  # virtual types 3.5 and 6
    figure = rendered(pictures.allocation(rare))
    # LLL: .5 each; LLH: 13 - 3 lambda = 3, so lambda = 10 / 3, and 1 / 12, 1 / 12, 4 / 3; LHH: 0, .75, .75; HHH: .5 each
    at, area = markers(figure)
    assert at == pytest.approx(np.array([[5.25, 2.5], [6.5, 10 / 3], [7.75, 4.5], [9, 5]]))
    assert area.tolist() == pytest.approx([150, 150, 150, 3000 * 0.008])  # the first three are no larger than a marker may be
    mean = [0.64 * 0.5 + 0.32 / 12, 0.64 * 4 / 3 + 0.32 * 0.75 + 0.04 * 0.5]
    assert points(figure.axes[1])[:, 1] == pytest.approx(mean)
    assert ranges(figure.axes[1]) == [[[[4, 0], [4, 0.5]], [[6, 0.5], [6, round(4 / 3, 9)]]]]


def test_with_full_information_demand_is_that_of_the_types_themselves() -> None:
    for capacity, scarce in ((2.0, [2, 3, 4]), (4.5, [0, 0.5, 1.5])):  # 4 and 6 want 2 and 3
        at, _ = markers(rendered(pictures.allocation(centralized(case(*TWO, capacity=capacity)))))
        assert at == pytest.approx(np.array([[4, scarce[0]], [5, scarce[1]], [6, scarce[2]]]), abs=1e-12)


def test_groups_have_lines_of_their_own() -> None:
    own = case(group([4, 6], name="small"), group([8, 10, 11], [0.5, 0.5, 0.0], name="large", count=1), capacity=100, name="both")
    figure = rendered(pictures.allocation(allocation(own)))  # virtual types 2, 6; 6, 10; 11 never occurs
    right = figure.axes[1]
    assert points(right, 0) == pytest.approx(np.array([[4, 1], [6, 3]]))
    assert points(right, 1) == pytest.approx(np.array([[8, 3], [10, 5]]))
    assert ranges(right) == [[[[4, 1]] * 2, [[6, 3]] * 2], [[[8, 3]] * 2, [[10, 5]] * 2]]
    assert words(right) == ["small (1)", "large (1)"]
    assert len({right.lines[g].get_color() for g in (0, 1)}) == 2
    for g in (0, 1):  # bars stand where their line does, and within the axes
        assert right.collections[g].get_transform() == right.lines[g].get_transform()
        assert np.allclose(right.collections[g].get_edgecolor(), to_rgba(right.lines[g].get_color(), 0.35))
        at = right.transAxes.inverted().transform(right.lines[g].get_transform().transform(points(right, g)))
        assert ((at > 0) & (at < 1)).all()
    assert markers(figure)[0] == pytest.approx(np.array([[4, 0], [6, 0], [6, 0], [8, 0]]))
    assert figure.get_suptitle() == "both"
    aside = [right.lines[g].get_transform().transform((6.0, 3.0))[0] for g in (0, 1)]
    assert 5 < aside[1] - aside[0] < 20  # pixels: types that groups share do not hide each other


def test_many_groups_are_told_apart() -> None:
    own = case(*[group([4 + g / 3, 6 + g / 3], name=f"shop {g}") for g in range(8)], capacity=10.0)
    right = rendered(pictures.allocation(allocation(own))).axes[1]
    assert words(right) == [f"shop {g} (1)" for g in range(8)]
    assert len({(line.get_color(), line.get_linestyle()) for line in right.lines}) == 8
    box = right.get_legend().get_window_extent()  # type: ignore[union-attr]
    for bars in right.collections:
        for bar in bars.get_segments():  # type: ignore[attr-defined]
            assert right.transData.transform(bar)[:, 1].max() < box.y0


def test_where_demand_is_infinite_a_small_shadow_price_bounds_it() -> None:
    sd = 1.0
    found = allocation(case(group([5], None, newsvendor("normal", sd=sd), count=2), capacity=6.0))
    highest = float(found.shadow_price[0])
    assert highest == pytest.approx(10 * norm.sf(3.0, 5.0, sd))  # 3 units each
    figure = rendered(pictures.allocation(found))
    at, _ = markers(figure)
    assert at == pytest.approx(np.array([[2 * norm.isf(highest / 1000, 5.0, sd), highest]]))
    assert figure.axes[0].get_xlabel() == f"total demand at the shadow price {highest / 100:.3g}, units"
    assert figure.get_suptitle() == "6 units for 2 retailers"
    exponential = newsvendor("exponential")
    three = allocation(case(group([4, 5, 7], [0.5, 0.1, 0.4], exponential, count=3), capacity=12.0))
    at, _ = markers(rendered(pictures.allocation(three)))
    assert np.isfinite(at).all()
    price = three.shadow_price.max() / 100
    assert ((at[:, 0] > 12.0) == (at[:, 1] > price)).all()
    assert at[-1, 0] == pytest.approx(-3 * 7 * np.log(price / 10))  # price P(D > q) with D exponential of mean 7
    full = centralized(case(group([4], None, exponential), capacity=2.0))
    at, _ = markers(pictures.allocation(full))
    assert at == pytest.approx(np.array([[2 + 4 * np.log(100), 10 * np.exp(-0.5)]]))


@pytest.mark.parametrize("revenue", [LINEAR, newsvendor("uniform"), {"form": "power_demand", "scale": 1.0, "exponent": 0.5}])
def test_profiles_beyond_capacity_are_those_that_cost(revenue: dict[str, Any]) -> None:
    own = case(group([4, 5, 7], [0.3, 0.5, 0.2], revenue, count=3), group([5, 8], None, revenue), capacity=6.0)
    for mechanism in (allocation, centralized):
        seen = set()
        for capacity in (0.0, 6.0, 12.0, 45.0):
            at, _ = markers(rendered(pictures.allocation(mechanism(own, capacity))))
            assert ((at[:, 0] > capacity + 1e-9) == (at[:, 1] > 1e-9)).all()
            seen |= set((at[:, 1] > 1e-9).tolist())
        assert seen == {True, False}


def test_sampled_profiles_are_those_that_were_drawn() -> None:
    own = case(group(range(4, 10), count=60), capacity=90.0)
    found = allocation(own, samples=150, seed=3)
    assert found.sampled
    figure = rendered(pictures.allocation(found))
    at, area = markers(figure)
    virtual = np.array([-1.0, 1, 3, 5, 7, 9]).clip(0)  # 2 theta - 9
    expected = np.column_stack([found.profiles.counts @ virtual / 2, found.shadow_price])
    assert at == pytest.approx(expected[np.lexsort(expected.round(9).T[::-1])])
    assert len(set(area)) == 1
    assert figure.axes[0].get_title(loc="left") == "150 sampled type profiles"
    units = [(found.profiles.types() == k, found.quantity) for k in range(6)]
    assert points(figure.axes[1])[:, 1] == pytest.approx([each[at].mean() for at, each in units])
    few = allocation(own, samples=3, seed=3)
    assert rendered(pictures.allocation(few)).axes[0].get_title(loc="left") == "3 sampled type profiles"


def test_continuous_types_are_drawn_on_their_grid() -> None:
    prior = {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": LINEAR}
    own = case(prior, capacity=2.0)
    right = rendered(pictures.allocation(allocation(own, points=8))).axes[1]
    assert points(right)[:, 0] == pytest.approx(4 + np.arange(8) / 2)
    many = rendered(pictures.allocation(allocation(own, points=32))).axes[1]
    assert len(points(many)) == 32
    assert len(many.get_xticks()) < 12  # ticks that can be read
    with pytest.raises(InputError, match="case: got <a continuous prior>; allowed: finite types"):
        pictures.allocation(replace(allocation(own, points=8), case=own))


def test_without_shadow_prices_the_allocation_stands_alone() -> None:
    found = allocation(case(*TWO, capacity=2.0))
    figure = rendered(pictures.allocation(replace(found, shadow_price=np.full(3, np.nan))))
    (only,) = figure.axes
    assert points(only) == pytest.approx(np.array([[4, 0.5], [6, 1.5]]))
    some = rendered(pictures.allocation(replace(found, shadow_price=np.array([0.0, 2.0, np.nan]))))
    assert markers(some)[0] == pytest.approx(np.array([[2, 0], [4, 2]]))
    assert some.axes[0].get_title(loc="left") == "2 type profiles, the larger the likelier"
    nearly = replace(found, shadow_price=np.array([-1e-9, 2.0, 4.0]))  # as solvers' multipliers are
    assert markers(rendered(pictures.allocation(nearly)))[0] == pytest.approx(markers(pictures.allocation(found))[0], abs=1e-8)


def test_a_retailer_who_gets_nothing_is_drawn_too() -> None:
    for found in (
        allocation(case(group([4]), capacity=5.0)),
        capacity_choice(case(group([1, 2], count=2), capacity_cost=2.5)),
    ):
        figure = rendered(pictures.allocation(found))
        low, high = figure.axes[0].get_ylim()
        assert low < 0 < high
    assert pictures.allocation(allocation(case(group([4]), capacity=5.0))).get_suptitle() == "5 units for 1 retailer"


# --- sweeps ---

FIVE = case(group(range(4, 9), CONCENTRATED, count=3), capacity=1.0)


def test_a_sweep_is_what_capacity_earns() -> None:
    costs = [0.4, 3.1, 1.7]
    frame = pictures.sweep(FIVE, costs)
    assert frame["capacity_cost"].tolist() == costs
    for _, row in frame.iterrows():
        own = by_hand(range(4, 9), CONCENTRATED, 3, row["capacity_cost"])
        best = by_hand(range(4, 9), CONCENTRATED, 3, row["capacity_cost"], rent=False)
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
    prior = case(
        {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": newsvendor("uniform")}, capacity=1.0
    )
    found = pictures.sweep(prior, [2.0], points=6).loc[0]
    cut = prior.grid(6).changed(capacity=None, capacity_cost=2.0)
    assert found["capacity"] == capacity_choice(cut).capacity
    assert found["centralized_capacity"] == centralized(cut).capacity
    many = case(group(range(4, 10), count=60), capacity=90.0)
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


# --- the published tables ---

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
        exact = shares(types, f, count, cost)
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
