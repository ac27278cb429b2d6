"""Isotonic regression against its max-min formula and the quadratic program."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import nnls

from support.strategies import examples
from veridical.solvers.closed_form.isotonic import chain, isotonic

Array = NDArray[np.float64]


@cache
def upper_sets(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return all upper sets of a product order, a row each; their complements are the lower sets."""
    places = list(np.ndindex(*shape))
    above = np.array([[all(b >= a for a, b in zip(s, t, strict=True)) for t in places] for s in places])
    subsets = np.array(list(itertools.product([False, True], repeat=len(places))))
    closed = [not (subset[:, None] & above & ~subset[None, :]).any() for subset in subsets]
    return np.asarray(subsets[np.array(closed)], dtype=bool)


def by_max_and_min(weight: Array, weighted: Array) -> Array:
    """max over upper sets U, min over lower sets L, of the mean over their intersection, for every place in both.

    Robertson, Wright and Dykstra, Order Restricted Statistical Inference, theorem 1.4.4; nan where nothing is pinned down.
    """
    upper = upper_sets(weight.shape)
    lower = ~upper
    w = (upper * weight.ravel()) @ lower.T
    wv = (upper * weighted.ravel()) @ lower.T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = wv / w
    fitted = np.full(weight.size, np.nan)
    for t in range(weight.size):
        if weight.ravel()[t] > 0 or weighted.ravel()[t] > 0:
            fitted[t] = mean[np.ix_(upper[:, t], lower[:, t])].min(axis=1).max()
    return fitted.reshape(weight.shape)


def non_decreasing(fitted: Array) -> bool:
    """Whether values do not fall along any axis; equal infinities are no fall."""
    pairs = [(fitted.take(range(m - 1), axis=a), fitted.take(range(1, m), axis=a)) for a, m in enumerate(fitted.shape)]
    return all(bool((low <= high).all()) for low, high in pairs)


SHAPES = ((1,), (6,), (2, 2), (3, 3), (4, 3), (2, 2, 2), (2, 3, 2), (1, 4, 2))


@given(data=st.data(), shape=st.sampled_from(SHAPES), least=st.sampled_from([0, 1]))
@examples(200)
def test_isotonic_regression_is_the_max_min_formula(data: st.DataObject, shape: tuple[int, ...], least: int) -> None:
    size = math.prod(shape)
    drawn = [data.draw(st.lists(st.integers(low, 12), min_size=size, max_size=size)) for low in (least, 0)]
    weight, value = (np.reshape(each, shape) / 4.0 for each in drawn)
    # Where a weight is 0, its weighted value need not be: the rent of cheaper types is such a part of beta v.
    weighted = np.where(weight > 0, weight, 1.0) * value
    fitted = isotonic(weight, weighted)
    wanted = by_max_and_min(weight, weighted)
    known = ~np.isnan(wanted)
    assert np.array_equal(np.isinf(fitted[known]), np.isinf(wanted[known]))
    assert fitted[known] == pytest.approx(wanted[known], rel=1e-12, abs=1e-12)
    assert non_decreasing(fitted)
    if len(shape) == 1:
        along = chain(weight, weighted)
        assert along[known] == pytest.approx(wanted[known], rel=1e-12, abs=1e-12)
        assert non_decreasing(along)


@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(3, 3), (2, 3, 2), (5, 4), (7,)]))
@examples(15)
def test_isotonic_regression_is_the_quadratic_program(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    weight, value = rng.uniform(0.2, 3, shape), rng.normal(size=shape)
    place = np.arange(value.size).reshape(shape)
    rows = [
        np.eye(value.size)[high] - np.eye(value.size)[low]
        for axis, m in enumerate(shape)
        for low, high in zip(place.take(range(m - 1), axis=axis).ravel(), place.take(range(1, m), axis=axis).ravel(), strict=True)
    ]
    # g = v + R'multipliers / w with multipliers >= 0 that minimise |R'multipliers / sqrt(w) + sqrt(w) v|: the dual of
    # min sum w (g - v)^2 over R g >= 0.
    root = np.sqrt(weight.ravel())
    multipliers, _ = nnls(np.array(rows).T / root[:, None], -root * value.ravel())
    wanted = value.ravel() + np.array(rows).T @ multipliers / weight.ravel()
    assert isotonic(weight, weight * value).ravel() == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(3, 3), (2, 3, 2), (6, 5), (2, 2, 2, 2)]))
@examples(40)
def test_isotonic_regression_does_not_depend_on_the_order_of_axes_or_its_direction(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 9, shape) / 8
    weighted = weight * rng.integers(0, 5, shape)
    fitted = isotonic(weight, weighted)
    turned = isotonic(weight.T, weighted.T).T
    assert turned == pytest.approx(fitted, rel=1e-12, abs=1e-12)
    turned = -np.flip(isotonic(np.flip(weight), -np.flip(weighted)))  # the same order, seen from its other end
    assert turned == pytest.approx(fitted, rel=1e-12, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(3, 3), (2, 3, 2), (9,)]), power=st.integers(-10, 10))
@examples(60)
def test_isotonic_regression_does_not_depend_on_the_unit_of_weights(seed: int, shape: tuple[int, ...], power: int) -> None:
    rng = np.random.default_rng(seed)
    weight, value = rng.uniform(0.1, 1, shape), rng.normal(size=shape)
    scaled = isotonic(10.0**power * weight, 10.0**power * weight * value)
    assert scaled == pytest.approx(isotonic(weight, weight * value), rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(3, 3), (2, 3, 2), (9,)]))
@example(seed=137352, shape=(9,))
@example(seed=766, shape=(9,))
@examples(60)
def test_isotonic_regression_of_weights_ten_orders_of_magnitude_apart(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    weight, value = 10.0 ** rng.uniform(-10, 0, shape), rng.uniform(1, 50, shape)
    fitted, wanted = isotonic(weight, weight * value), by_max_and_min(weight, weight * value)
    assert non_decreasing(fitted)
    # What a place of weight w adds to a profit is known to rounding of the whole: its own value is, over its weight.
    assert weight * np.abs(fitted - wanted) == pytest.approx(0, abs=1e-11 * float((weight * value).sum()))
    heavy = weight > 1e-3
    assert fitted[heavy] == pytest.approx(wanted[heavy], rel=1e-7)
