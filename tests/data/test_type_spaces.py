"""Types, profiles and priors of any mechanism: what they are, and what is refused."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import veridical as vd
from veridical.data import InputError

TRADE: dict[str, Any] = {"seller": [0.0, 0.5, 1.0], "buyer": {"low": 0.2, "high": 0.9}}
TABLE = [[0.1, 0.2], [0.3, 0.0], [0.15, 0.25]]


def test_profiles_are_tuples_of_labels_in_the_order_of_the_agents() -> None:
    types = vd.TypeSpace(TRADE)
    assert types.agents == ("seller", "buyer")
    assert types.profiles[:3] == [(0.0, "low"), (0.0, "high"), (0.5, "low")]
    assert types.values("buyer") == (0.2, 0.9)
    assert types.value("seller", 0.5) == 0.5
    assert types.others("buyer") == [(0.0,), (0.5,), (1.0,)]
    assert vd.TypeSpace({"buyer": [1, 2]}).profiles == [(1,), (2,)]


def test_a_vector_is_the_value_of_a_label() -> None:
    types = vd.TypeSpace({"buyer": {"a": (0.2, 0.7), "b": (0.4, 0.1)}})
    assert types.value("buyer", "b") == (0.4, 0.1)
    assert types.profiles == [("a",), ("b",)]


@pytest.mark.parametrize(
    "prior",
    [
        TABLE,
        np.array(TABLE),
        pd.Series(np.ravel(TABLE), index=vd.TypeSpace(TRADE).index),
        pd.Series(np.ravel(TABLE), index=vd.TypeSpace(TRADE).index).sample(frac=1, random_state=0),
        {(s, b): TABLE[i][j] for i, s in enumerate(TRADE["seller"]) for j, b in enumerate(TRADE["buyer"])},
    ],
    ids=["lists", "array", "Series", "Series in another order", "mapping"],
)
def test_a_joint_prior_in_every_shape_it_comes_in(prior: Any) -> None:
    types = vd.TypeSpace(TRADE, prior)
    assert types.probability.loc[0.5, "low"] == pytest.approx(0.3)
    assert types.beliefs("buyer")[0] == pytest.approx(np.array([0.1, 0.3, 0.15]) / 0.55)
    assert types.beliefs("seller")[1].tolist() == [1.0, 0.0]


def test_independent_types_multiply() -> None:
    types = vd.TypeSpace(TRADE, {"buyer": {"high": 0.25, "low": 0.75}, "seller": [0.5, 0.3, 0.2]})
    assert types.probability.loc[1.0, "high"] == pytest.approx(0.05)
    assert types.belief("seller") == pytest.approx([0.75, 0.25])
    uniform = vd.TypeSpace(TRADE)
    assert uniform.probability.tolist() == pytest.approx([1 / 6] * 6)
    assert uniform.expectation(lambda reports: float(reports[0])) == pytest.approx(0.5)


def test_types_that_never_occur_believe_nothing() -> None:
    types = vd.TypeSpace({"a": [1, 2], "b": [1, 2]}, [[0.5, 0.5], [0.0, 0.0]])
    assert np.isnan(types.beliefs("a")[1]).all()
    with pytest.raises(InputError, match="a prior in which a's type says nothing about the others'"):
        vd.TypeSpace({"a": [1, 2], "b": [1, 2]}, [[0.4, 0.1], [0.1, 0.4]]).belief("a")


def test_a_grid_has_cells_of_equal_probability_and_their_medians() -> None:
    types = vd.TypeSpace.grid({"seller": (2.0, 4.0), "buyer": stats.norm(10, 2)}, 4)
    assert types.labels("seller") == (2.25, 2.75, 3.25, 3.75)
    assert types.edges["seller"][0].tolist() == [2.0, 2.5, 3.0, 3.5, 4.0]
    assert stats.norm(10, 2).cdf(types.values("buyer")) == pytest.approx([0.125, 0.375, 0.625, 0.875])
    goods = vd.TypeSpace.grid({"buyer": [(0.0, 1.0), (0.0, 2.0)]}, 2)
    assert goods.values("buyer") == ((0.25, 0.5), (0.25, 1.5), (0.75, 0.5), (0.75, 1.5))
    assert goods.labels("buyer")[1] == "0.25, 1.5"


@pytest.mark.parametrize(
    ("types", "prior", "words"),
    [
        ({}, None, "types: got {}; allowed: a mapping agent -> types"),
        ([1, 2], None, "types: got [1, 2]; allowed: a mapping agent -> types"),
        ({"a": []}, None, "types.a: got []; allowed: one type or more"),
        ({"a": 3}, None, "types.a: got 3; allowed: a list of types, or a mapping"),
        ({"a": "xy"}, None, "types.a: got 'xy'; allowed: a list of types, or a mapping"),
        ({"a": [1, 1.0]}, None, "types.a[1]: got 1.0; allowed: every type once"),
        ({"a": [(1, 2)]}, None, "types.a[0]: got (1, 2); allowed: names and finite numbers"),
        ({"a": [float("nan")]}, None, "types.a[0]: got nan; allowed: names and finite numbers"),
        ({"a": [None]}, None, "types.a[0]: got None; allowed: names and finite numbers"),
        ({"a": [1, 2]}, {"a": [0.5, 0.6]}, "prior.a: got <the sum 1.1>; allowed: finite probabilities >= 0 of shape (2,)"),
        ({"a": [1, 2]}, {"a": [0.5]}, "prior.a: got <an array of shape (1,)>"),
        ({"a": [1, 2]}, {"a": {1: 0.5, 3: 0.5}}, "prior.a: got [1, 3]; allowed: a probability for each of [1, 2]"),
        ({"a": [1, 2]}, {"b": [0.5, 0.5]}, "agent: got 'b'; allowed: one of a"),
        ({"a": [1, 2], "b": [1]}, {"a": [0.5, 0.5]}, "prior.b: missing required key"),
        ({"a": [1, 2]}, [-0.5, 1.5], "prior: got [-0.5, 1.5]; allowed: finite probabilities >= 0"),
        ({"a": [1, 2]}, [float("inf"), 0.5], "prior: got [inf, 0.5]; allowed: finite probabilities"),
        ({"a": [1, 2]}, "x", "prior: got 'x'; allowed: finite probabilities"),
        ({"a": [1, 2]}, {(1,): 0.5, (3,): 0.5}, "prior: got (3,); allowed: one probability for each of the 2 profiles"),
        ({"a": [1, 2]}, {(1,): 1.0}, "prior: got <a profile is missing>; allowed: one probability for each of the 2 profiles"),
        ({f"a{k}": list(range(10)) for k in range(12)}, None, "types: got <(10, 10, 10"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(types: Any, prior: Any, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        vd.TypeSpace(types, prior)


@pytest.mark.parametrize(
    ("ranges", "points", "words"),
    [
        ({"a": (0, 1)}, 0, "points: got 0; allowed: a whole number >= 1"),
        ({"a": (0, 1)}, True, "points: got True; allowed: a whole number >= 1"),
        ({"a": (1, 0)}, 3, "ranges.a: got (1, 0); allowed: (low, high) with low < high"),
        ({"a": 3}, 3, "ranges.a: got 3; allowed: (low, high) with low < high"),
        ({"a": (0, float("inf"))}, 3, "ranges.a: got (0, inf); allowed: (low, high) with low < high"),
    ],
)
def test_a_grid_that_cannot_be_made_is_refused_by_name(ranges: Any, points: Any, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        vd.TypeSpace.grid(ranges, points)


def test_what_is_asked_of_somebody_else_is_refused_by_name() -> None:
    types = vd.TypeSpace(TRADE)
    with pytest.raises(InputError, match="agent: got 'broker'; allowed: one of seller, buyer"):
        types.labels("broker")
    with pytest.raises(InputError, match=re.escape("type of buyer: got 'mid'; allowed: one of ['low', 'high']")):
        types.value("buyer", "mid")
