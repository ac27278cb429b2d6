"""Proposition 2: where unbalanced menus gain over balanced ones, and where not."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import veridical as vd
from support.pictures import drawing
from support.reproductions import Reproductions
from support.strategies import examples
from veridical.data import AssemblerCase, Uniform
from veridical.solvers.closed_form import assembler as closed
from veridical.studies.papers import balanced_ordering


def smallest_by_enumeration(balanced: bool) -> float:
    """Return the best profit of the shipped smallest example over all quantities 0 or 1, payments the least truthful ones."""
    costs, price = ((1.0, 3.0), (1.0, 2.0)), 7.0
    beta = np.array([[0.375, 0.125], [0.125, 0.375]])
    best = -np.inf
    for bits in product((0, 1), repeat=8):
        q = np.reshape(bits, (2, 2, 2))  # supplier, cost of the first, cost of the second
        if balanced and (q[0] != q[1]).any():
            continue
        own = q[0], q[1].T  # rows: his own cost
        if any((each[0] < each[1]).any() for each in own):
            continue  # more when dear than when cheap: no payments are truthful
        paid = 0.0
        for (cheap, dear), each, weight in zip(costs, own, (beta, beta.T), strict=True):
            when_dear = dear * each[1]  # no rent for the dear, and just as much for the cheap as he would get by lying
            when_cheap = cheap * each[0] + (dear - cheap) * each[1]
            assert (when_cheap - cheap * each[0] >= when_dear - cheap * each[1]).all()
            assert (when_dear - dear * each[1] >= when_cheap - dear * each[0]).all()
            paid += float((weight * np.stack([when_cheap, when_dear])).sum())
        best = max(best, price * float((beta * q.min(axis=0)).sum()) - paid)
    return best


def test_the_smallest_example_by_enumeration(reproductions: Reproductions) -> None:
    assert smallest_by_enumeration(balanced=True) == 2.0
    assert smallest_by_enumeration(balanced=False) == 2.25
    case = vd.example("unbalanced-smallest")
    assert balanced_ordering.gain(case) == pytest.approx(12.5, abs=1e-6)
    assert closed.icds_balanced(case).bound == pytest.approx(2, abs=1e-12)
    assert reproductions["assembler-proposition-2"].table["exact"]["the smallest example shipped, gain %"] == pytest.approx(12.5)


def test_the_shipped_pair_gains_what_its_page_says(reproductions: Reproductions) -> None:
    found = reproductions["assembler-proposition-2"].table["exact"]["the pair shipped, gain %"]
    assert found == pytest.approx(100 * (5655.30 / 4896.97 - 1), abs=3e-4)  # both printed to two decimals


@pytest.mark.parametrize("high", [0.1, 0.5, 0.9, 0.999])
def test_the_limit_is_the_probability_of_high_costs(high: float) -> None:
    # Off by a few times 1 - correlation, 1e-6, of 100 %: profiles that hardly occur still cost something.
    assert balanced_ordering.limit(high) == pytest.approx(100 * high, abs=5e-4)


def test_the_limit_comes_closer_as_costs_move_together() -> None:
    distances = [50 - balanced_ordering.limit(0.5, rho) for rho in (0.9, 0.99, 0.999)]
    assert distances[0] > distances[1] > distances[2] > 0


@examples(40)
@given(data=st.data())
def test_nothing_is_gained_where_correlation_is_not_positive(data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
    joint = np.reshape(weights, (2, 2)) / sum(weights)
    assume(joint[0, 0] * joint[1, 1] <= joint[0, 1] * joint[1, 0])
    costs = [(1.0, 1.0 + data.draw(st.integers(1, 12))), (2.0, 2.0 + data.draw(st.integers(1, 12)))]
    case = balanced_ordering.case_of(joint, costs)
    assert balanced_ordering.gain(case) == 0
    full = vd.solve(case, "icds").objective  # whatever `gain` takes for granted
    assert full == pytest.approx(closed.icds_balanced(case).bound, rel=1e-6, abs=1e-3)


@examples(25)
@given(data=st.data())
def test_gain_is_that_of_the_two_models(data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 20), min_size=4, max_size=4))
    joint = np.reshape(weights, (2, 2)) / sum(weights)
    assume(joint[0, 0] * joint[1, 1] > 2 * joint[0, 1] * joint[1, 0])
    costs = [(1.0, 1.0 + data.draw(st.integers(1, 12))), (2.0, 2.0 + data.draw(st.integers(1, 12)))]
    case = balanced_ordering.case_of(joint, costs)
    full, balanced = (vd.solve(case, mechanism).objective for mechanism in ("icds", "icds_balanced"))
    assert balanced_ordering.gain(case) == pytest.approx(100 * (full / balanced - 1), abs=1e-4)


def test_the_sweep_has_the_correlations_and_gaps_that_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[AssemblerCase] = []

    def noted(case: AssemblerCase) -> float:
        seen.append(case)
        return float(len(seen))

    monkeypatch.setattr(balanced_ordering, "gain", noted)
    table = balanced_ordering.sweep()
    assert len(table) == len(seen) > 500
    assert table["gain"].tolist() == list(range(1, len(seen) + 1))
    for case, row in zip(seen, table.to_dict("records"), strict=True):
        high = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
        covariance = np.cov(high, aweights=case.probability.ravel(), ddof=0)
        assert covariance[0, 0] == pytest.approx(0.25)  # both costs equally likely
        assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) == pytest.approx(row["correlation"], abs=1e-12)
        assert [supplier.costs for supplier in case.suppliers] == [(4, 4 + row["gap"])] * 2
        assert case.price == 30
        assert case.demand == Uniform(low=100, high=900)


def test_below_a_third_the_sweep_gains_nothing(reproductions: Reproductions) -> None:
    # v(hh) - v(hl) = gap (1 + 2 x - 1 / x) with x = (1 - rho) / (1 + rho): not negative where x >= 1/2, rho <= 1/3.
    each = reproductions["assembler-proposition-2"]
    table = each.series
    assert table is not None
    assert (table[table["correlation"] <= 1 / 3]["gain"] == 0).all()
    assert table[table["correlation"] > 1 / 3]["gain"].max() > 20
    exact = each.table["exact"]
    assert exact["alike suppliers, uniform demand: largest gain %"] == table["gain"].max()
    mildest = exact["alike suppliers, uniform demand: smallest correlation with a gain"]
    assert mildest == table[table["gain"] > 1e-4]["correlation"].min() > 1 / 3
    assert exact["largest gain of unbalanced over balanced ordering %"] == pytest.approx(99.9, abs=0.01)


def test_the_random_search_is_seeded_and_gains_only_where_18_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balanced_ordering, "STARTS", 40)
    once, again = balanced_ordering.search(), balanced_ordering.search()
    pd.testing.assert_frame_equal(once, again)
    assert len(once) == 40
    assert (once["gain"] >= 0).all()
    assert (np.diff(once["gain"]) <= 0).all()
    assert (once[~once["(18) fails"]]["gain"] == 0).all()
    assert not once[once["correlation"] <= 0]["(18) fails"].any()
    assert once["gain"].max() > 1
    assert once["demand"].value_counts().to_dict() == {"certain": 20, "uniform": 20}


def test_the_picture_of_proposition_2_has_the_gains_of_the_sweep(reproductions: Reproductions) -> None:
    each = reproductions["assembler-proposition-2"]
    table = each.series
    assert table is not None
    axis, _ = drawing(each).axes  # the second is the colour bar
    (mesh,) = axis.collections
    values = mesh.get_array()
    assert values is not None
    grid = np.ma.filled(np.ma.masked_invalid(values), 0.0)
    expected = np.zeros((table["gap"].nunique(), table["correlation"].nunique()))
    for row in table.to_dict("records"):
        expected[round(row["gap"] / 0.5) - 1, round(row["correlation"] / 0.04)] = row["gain"] if row["gain"] > 1e-4 else 0.0
    assert np.array_equal(grid.reshape(expected.shape), expected)
    (line,) = axis.lines
    assert np.asarray(line.get_xdata()).tolist() == [1 / 3, 1 / 3]
