"""Symmetric systems of Newton steps: large, singular, and solved to rounding all the same."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from veridical.solvers.linear_systems import symmetric


@pytest.mark.parametrize("size", [10, 35, 75])  # up to a thousand rows, some thousand, and too many for pivots
@pytest.mark.parametrize("seed", range(3))
def test_rows_that_depend_on_each_other_leave_a_solution(size: int, seed: int) -> None:
    """The rows of a transport problem, three of them twice, with squares in some of its columns."""
    random = np.random.default_rng(seed)
    n, ones, own = size**2, np.ones((1, size)), sp.eye_array(size)
    rows = sp.csr_array(sp.vstack([sp.kron(own, ones), sp.kron(ones, own)])) @ sp.diags_array(np.exp2(random.integers(-3, 4, n)))
    rows = sp.csr_array(sp.vstack([rows, sp.csr_array(rows)[:3]]))
    squares = sp.diags_array(np.where(random.random(n) < 0.3, random.random(n), 0.0))
    blocks: Any = [[squares, -rows.T], [-rows, None]]
    system = sp.csc_array(sp.block_array(blocks))
    right = system @ random.standard_normal(system.shape[0])
    solution = symmetric(system, right, n)
    assert np.abs(system @ solution - right).max() <= 1e-14 * np.abs(right).max()


def test_a_system_without_a_solution_comes_back_with_what_there_is() -> None:
    solution = symmetric(sp.csc_array(np.diag([2.0, 0.0])), np.array([4.0, 1.0]), 2)
    assert solution[0] == pytest.approx(2.0)
    assert len(symmetric(sp.csc_array((0, 0)), np.zeros(0), 0)) == 0
