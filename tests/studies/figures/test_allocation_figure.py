"""The picture of a solved allocation: what is drawn is what follows by hand, and says what it is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from scipy.stats import norm

from support.allocation_cases import LINEAR, group, newsvendor, unnamed_case
from support.pictures import markers, points, ranges, rendered, words
from veridical.data import InputError
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized
from veridical.studies.figures import allocation as pictures

TWO = [group([4, 6], count=2)]  # virtual types 4 - 1 * 2 = 2 and 6, so quantities 1 and 3 where nothing is scarce


def test_profiles_stand_at_their_demand_and_shadow_price() -> None:
    figure = rendered(pictures.allocation(allocation(unnamed_case(*TWO, capacity=2.0))))
    at, area = markers(figure)  # 2 - lambda + 6 - lambda = 2 K: lambda = 2; 6 - lambda = K: lambda = 4
    assert at == pytest.approx(np.array([[2, 0], [4, 2], [6, 4]]))
    assert area[0] == area[2]
    left, right = figure.axes
    limit, mean = left.lines
    assert np.ravel(limit.get_xdata()) == pytest.approx([2, 2])
    assert np.ravel(mean.get_ydata()) == pytest.approx([2, 2])  # (0 + 2 * 2 + 4) / 4
    assert words(left) == ["capacity: 2 units", "mean shadow price: 2"]
    assert left.get_xlabel() == "total demand if capacity were unlimited, units"
    assert left.get_ylabel() == "shadow price λ, currency per unit"
    assert left.get_title(loc="left") == "3 type profiles, the larger the likelier"
    assert right.get_xlabel() == "own type θ"
    assert right.get_ylabel() == "allocation to one retailer, units"
    assert right.get_title(loc="left") == "what each type gets: mean, range over others' types"
    assert right.get_xticks().tolist() == [4, 6]
    assert figure.get_suptitle() == "2 units for 2 retailers"


def test_types_stand_at_their_expected_units() -> None:
    _, right = rendered(pictures.allocation(allocation(unnamed_case(*TWO, capacity=2.0)))).axes
    assert points(right) == pytest.approx(np.array([[4, 0.5], [6, 1.5]]))  # 1 or 0, 2 or 1
    assert ranges(right) == [[[[4, 0], [4, 1]], [[6, 1], [6, 2]]]]
    rare = allocation(unnamed_case(group([4, 6], [0.8, 0.2], count=3), capacity=1.5))  # virtual types 3.5 and 6
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
        at, _ = markers(rendered(pictures.allocation(centralized(unnamed_case(*TWO, capacity=capacity)))))
        assert at == pytest.approx(np.array([[4, scarce[0]], [5, scarce[1]], [6, scarce[2]]]), abs=1e-12)


def test_groups_have_lines_of_their_own() -> None:
    own = unnamed_case(
        group([4, 6], name="small"), group([8, 10, 11], [0.5, 0.5, 0.0], name="large", count=1), capacity=100, name="both"
    )
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
    assert figure.get_suptitle() == "both: 100 units for 2 retailers"
    aside = [right.lines[g].get_transform().transform((6.0, 3.0))[0] for g in (0, 1)]
    assert 5 < aside[1] - aside[0] < 20  # pixels: types that groups share do not hide each other


def test_many_groups_are_told_apart() -> None:
    own = unnamed_case(*[group([4 + g / 3, 6 + g / 3], name=f"shop {g}") for g in range(8)], capacity=10.0)
    right = rendered(pictures.allocation(allocation(own))).axes[1]
    assert words(right) == [f"shop {g} (1)" for g in range(8)]
    assert len({(line.get_color(), line.get_linestyle()) for line in right.lines}) == 8
    box = right.get_legend().get_window_extent()  # type: ignore[union-attr]
    for bars in right.collections:
        for bar in bars.get_segments():  # type: ignore[attr-defined]
            assert right.transData.transform(bar)[:, 1].max() < box.y0


def test_where_demand_is_infinite_a_small_shadow_price_bounds_it() -> None:
    sd = 1.0
    found = allocation(unnamed_case(group([5], None, newsvendor("normal", sd=sd), count=2), capacity=6.0))
    highest = float(found.shadow_price[0])
    assert highest == pytest.approx(10 * norm.sf(3.0, 5.0, sd))  # 3 units each
    figure = rendered(pictures.allocation(found))
    at, _ = markers(figure)
    assert at == pytest.approx(np.array([[2 * norm.isf(highest / 1000, 5.0, sd), highest]]))
    assert figure.axes[0].get_xlabel() == f"total demand at the shadow price {highest / 100:.3g}, units"
    assert figure.get_suptitle() == "6 units for 2 retailers"
    exponential = newsvendor("exponential")
    three = allocation(unnamed_case(group([4, 5, 7], [0.5, 0.1, 0.4], exponential, count=3), capacity=12.0))
    at, _ = markers(rendered(pictures.allocation(three)))
    assert np.isfinite(at).all()
    price = three.shadow_price.max() / 100
    assert ((at[:, 0] > 12.0) == (at[:, 1] > price)).all()
    assert at[-1, 0] == pytest.approx(-3 * 7 * np.log(price / 10))  # price P(D > q) with D exponential of mean 7
    full = centralized(unnamed_case(group([4], None, exponential), capacity=2.0))
    at, _ = markers(pictures.allocation(full))
    assert at == pytest.approx(np.array([[2 + 4 * np.log(100), 10 * np.exp(-0.5)]]))


@pytest.mark.parametrize("revenue", [LINEAR, newsvendor("uniform"), {"form": "power_demand", "scale": 1.0, "exponent": 0.5}])
def test_profiles_beyond_capacity_are_those_that_cost(revenue: dict[str, Any]) -> None:
    own = unnamed_case(group([4, 5, 7], [0.3, 0.5, 0.2], revenue, count=3), group([5, 8], None, revenue), capacity=6.0)
    for mechanism in (allocation, centralized):
        seen = set()
        for capacity in (0.0, 6.0, 12.0, 45.0):
            at, _ = markers(rendered(pictures.allocation(mechanism(own, capacity))))
            assert ((at[:, 0] > capacity + 1e-9) == (at[:, 1] > 1e-9)).all()
            seen |= set((at[:, 1] > 1e-9).tolist())
        assert seen == {True, False}


def test_sampled_profiles_are_those_that_were_drawn() -> None:
    own = unnamed_case(group(range(4, 10), count=60), capacity=90.0)
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
    own = unnamed_case(prior, capacity=2.0)
    right = rendered(pictures.allocation(allocation(own, points=8))).axes[1]
    assert points(right)[:, 0] == pytest.approx(4 + np.arange(8) / 2)
    many = rendered(pictures.allocation(allocation(own, points=32))).axes[1]
    assert len(points(many)) == 32
    assert len(many.get_xticks()) < 12  # ticks that can be read
    with pytest.raises(InputError, match="case: got <a continuous prior>; allowed: finite types"):
        pictures.allocation(replace(allocation(own, points=8), case=own))


def test_without_shadow_prices_the_allocation_stands_alone() -> None:
    found = allocation(unnamed_case(*TWO, capacity=2.0))
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
        allocation(unnamed_case(group([4]), capacity=5.0)),
        capacity_choice(unnamed_case(group([1, 2], count=2), capacity_cost=2.5)),
    ):
        figure = rendered(pictures.allocation(found))
        low, high = figure.axes[0].get_ylim()
        assert low < 0 < high
    assert pictures.allocation(allocation(unnamed_case(group([4]), capacity=5.0))).get_suptitle() == "5 units for 1 retailer"
