"""Ties: of equally good points the evenest, and columns that cannot move at all."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from veridical.solvers.ties import evened
from veridical.solvers.translate.standard_form import StandardForm


def form(matrix: Any, row_low: list[float], row_high: list[float], low: list[float], high: list[float]) -> StandardForm:
    """Return a program that costs 1 for each unit of its first column, which is 0 or more."""
    rows = sp.csr_array(np.array(matrix, dtype=float))
    n = rows.shape[1]
    names, sides = ("row_low", "row_high", "low", "high"), (row_low, row_high, low, high)
    arrays: dict[str, Any] = {name: np.array(side, dtype=float) for name, side in zip(names, sides, strict=True)}
    arrays |= {"integer": np.zeros(n, dtype=bool), "variables": [None] * n, "constraints": [None] * rows.shape[0]}
    return StandardForm(1, np.append(1.0, np.zeros(n - 1)), 0.0, None, None, rows, **arrays)


CHAIN = [[1, -1, 0, 0, 0], [0, 1, -1, 0, 0], [0, 0, 1, -1, -1]]  # 0 = column 0 = 1 = 2 = the sum of 3 and 4


def test_columns_that_hang_on_one_that_is_held_do_not_move() -> None:
    """Columns 1 and 2 follow the first, which costs; 3 and 4 sum to nothing, and are evenest at nothing."""
    chain = form(CHAIN, [0] * 3, [0] * 3, [0, -9, -9, -9, -9], [9] * 5)
    x, certificate, bound = evened("chain", chain, np.array([0.0, 0, 0, 4, -4]), np.zeros(3), np.array([1, 2, 3, 4]))
    np.testing.assert_allclose(x, 0.0, atol=1e-9)
    assert certificate.gap == bound == 0.0


@pytest.mark.parametrize("limit", [5.0, 1.0])
def test_what_can_move_is_as_even_as_its_bounds_allow(limit: float) -> None:
    """Columns 3 and 4 sum to 6: 3 each, or as much as the limit of one of them lets it take."""
    chain = form(CHAIN, [0, 0, -6], [0, 0, -6], [0, -9, -9, 0, 0], [9, 9, 9, 9, limit])
    x, certificate, _ = evened("chain", chain, np.array([0.0, 0, 0, 6, 0]), np.zeros(3), np.array([1, 2, 3, 4]))
    np.testing.assert_allclose(x, [0, 0, 0, max(3.0, 6 - limit), min(3.0, limit)], atol=1e-6)
    assert certificate.gap == 0.0


def test_where_nothing_can_move_the_point_stays() -> None:
    fixed = form([[1, -1]], [0], [0], [0, -9], [9, 9])
    x, certificate, _ = evened("fixed", fixed, np.zeros(2), np.zeros(1), np.array([1]))
    np.testing.assert_array_equal(x, [0, 0])
    assert certificate.gap == 0.0
