"""Large sparse linear systems that are symmetric and all but definite, as Newton steps with equations have them: by SuperLU."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array
from veridical.data.lazy import sparse_linalg
from veridical.solvers.entries import Entries

__all__ = ["symmetric"]

# Rows of a system from which its symmetry is made use of: what is regularised needs no pivots but its diagonal's. With 4,900
# (576 flows of a joint plan) factors take half the time; with 47,000 (12,960 flows) they had a million entries in 0.13 s, where
# 21 million took 4.7 s; with 150,000 many minutes. Up to `PIVOTED` rows pivots follow where that does not come to a solution.
FACTORED, PIVOTED = 1_000, 5_000
SYMMETRIC: Mapping[str, Any] = {
    "permc_spec": "MMD_AT_PLUS_A",
    "diag_pivot_thresh": 0.0,
    "options": {"SymmetricMode": True},
}
# Relative: added to the diagonal of the equilibrated system, and refined away. Where the diagonal's are all pivots that there
# are, factors are wrong by rounding over it: with 1e-9 one of 14 plans with 576 flows was not solved, with 1e-7 all to rounding.
REGULAR, WITHOUT_PIVOTS = 1e-9, 1e-7
# Relative: a system that is solved to this was not singular. The last steps are of the size of rounding, in which right sides
# of singular systems are inconsistent: with 576 flows most are left with 1e-8 to 2e-6, by either way.
REFINED = 1e-5


def symmetric(system: sp.csc_array, right: Array, positive: int) -> Array:
    """Return a solution of a symmetric system; of one that is singular, the smallest as far as rounding allows.

    `positive`: the size of the leading block, of which no more is known than that it has no negative eigenvalues.
    """
    if system.shape[0] == 0:
        return right
    entries, scale = Entries.of(system), np.ones(system.shape[0])
    for _ in range(10):  # Ruiz: rows and columns alike to entries of 1
        size = entries.largest_by_row(scale) * scale
        scale /= np.sqrt(np.where(size > 0, size, 1.0))
    place = entries.rows, entries.columns
    scaled = sp.csc_array((entries.values * scale[entries.rows] * scale[entries.columns], place), shape=system.shape)
    target, best, least = right * scale, np.zeros(len(right)), np.inf
    for regular, options in _ways(len(right)):
        shift = np.where(np.arange(len(right)) < positive, regular, -regular)
        with suppress(RuntimeError):  # SuperLU's words for a singular system
            factors = sparse_linalg.splu(sp.csc_matrix(scaled + sp.diags_array(shift)), **options)
            solution, largest = _refined(factors, scaled, target)
            if largest < least:
                best, least = solution, largest
        if least <= REFINED * np.abs(target).max():
            break
    if not np.isfinite(least):
        raise ArithmeticError("a singular system")
    return best * scale


def _ways(rows: int) -> list[tuple[float, Mapping[str, Any]]]:
    """Return by how much to regularise a system of so many rows, and options of SuperLU; of large ones without pivots first."""
    with_pivots: tuple[float, Mapping[str, Any]] = REGULAR, {}
    if rows <= FACTORED:
        return [with_pivots]
    return [(WITHOUT_PIVOTS, SYMMETRIC), *([with_pivots] if rows <= PIVOTED else [])]


def _refined(factors: Any, scaled: sp.csc_array, target: Array) -> tuple[Array, float]:
    """Return the best solution that iterative refinement comes to, and its largest error."""
    solution = best = np.zeros(len(target))
    least = np.inf
    for _ in range(20):
        error = target - scaled @ solution
        largest = float(np.abs(error).max(initial=0.0))
        if not largest < least:
            break
        best, least = solution, largest
        solution = solution + factors.solve(error)
    return best, least
