"""What must not matter to a mechanism of one's own: the unit of money, names and their order, a type under two labels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.finite_mechanisms import Problem, declared, problem
from support.own_mechanisms import solved

SEEDS = [0, 1, 2, 4, 6, 7, 9, 13]


def end_of(one: Problem) -> Any:
    """Return the solution of a problem, or the word for how it ends."""
    try:
        return solved(declared(one)[1])
    except vd.NotSolvedError as error:
        return error.status


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_unit_of_money(seed: int, factor: float) -> None:
    one = replace(problem(seed), outside=0.1, most=2.0)
    scaled = replace(
        one,
        worth=[factor * own for own in one.worth],
        wanted=factor * one.wanted,
        outside=0.1 * factor,
        most=2.0 * factor,
    )
    before, after = end_of(one), end_of(scaled)
    if isinstance(before, str):
        assert after == before
        return
    assert after.objective == pytest.approx(factor * before.objective, rel=1e-6, abs=1e-6 * factor)
    assert after.audit.warnings == before.audit.warnings == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_names_and_their_order(seed: int) -> None:
    one = problem(seed)
    turned = replace(
        one,
        prior=one.prior.T,
        worth=one.worth[::-1],
        wanted=np.moveaxis(one.wanted, -1, 0).T,  # profiles turned, outcomes last as before
    )
    before, after = end_of(one), end_of(turned)
    if isinstance(before, str):
        assert after == before
        return
    assert after.objective == pytest.approx(before.objective, rel=1e-6, abs=1e-6)
    assert after.audit.warnings == before.audit.warnings == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_type_under_two_labels(seed: int) -> None:
    one = problem(seed)
    twice = np.array([2, *[1] * (one.prior.shape[0] - 1)])
    weight = (1 / np.repeat(twice, twice)).reshape(-1, *[1] * (one.prior.ndim - 1))
    split = replace(
        one,
        prior=np.repeat(one.prior, twice, axis=0) * weight,
        worth=[np.repeat(one.worth[0], twice, axis=0), *one.worth[1:]],
        wanted=np.repeat(one.wanted, twice, axis=0),
    )
    before, after = end_of(one), end_of(split)
    if isinstance(before, str):
        assert after == before
        return
    assert after.objective == pytest.approx(before.objective, rel=1e-6, abs=1e-6)
    assert after.audit.warnings == ()
