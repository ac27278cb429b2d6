"""Quadratic objectives: which are convex, whatever their size, shape and units; HiGHS takes those alone."""

import numpy as np
import pyomo.environ as pyo
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import veridical as vd
from support.strategies import examples
from veridical.data import InputError
from veridical.solvers.translate.convexity import ACCURACY, indefinite_block


def spread(block: NDArray[np.float64], copies: int, units: NDArray[np.float64]) -> sp.csc_array:
    """Return a block many times over, shuffled, each variable in units of its own."""
    scale = sp.diags_array(units)
    order = np.random.default_rng(1).permutation(len(units))
    return sp.csc_array((scale @ sp.kron(sp.eye_array(copies), block) @ scale).tocsr()[order][:, order])


@given(seed=st.integers(0, 10**6), size=st.integers(1, 40), rank=st.integers(1, 40), copies=st.integers(1, 4))
@examples(150)
def test_the_sign_of_the_least_eigenvalue_decides_in_any_units(seed: int, size: int, rank: int, copies: int) -> None:
    generator = np.random.default_rng(seed)
    roots = generator.normal(size=(rank, size))
    block = roots.T @ roots
    units = 10.0 ** generator.uniform(-9, 9, size * copies)
    assert indefinite_block(spread(block, copies, units)) is None
    scaled = block / np.sqrt(np.outer(block.diagonal(), block.diagonal()))
    least = np.linalg.eigvalsh(scaled)[0]
    if size == 1:
        return
    worse = scaled - (max(least, 0) + 100 * ACCURACY) * np.eye(size)
    columns = indefinite_block(spread(worse, copies, units))
    assert columns is not None
    part = spread(worse, copies, np.ones(len(units))).toarray()[np.ix_(columns, columns)]
    assert np.linalg.eigvalsh(part)[0] < 0


@pytest.mark.parametrize("periods", [3_000, 100_000])
def test_smoothed_production_over_many_periods(periods: int) -> None:
    steps = sp.csr_array(sp.eye_array(periods - 1, periods) - sp.eye_array(periods - 1, periods, k=1))
    smooth = sp.csc_array(2 * (steps.T @ steps))
    assert indefinite_block(smooth) is None
    kink = sp.csc_array(([1e-3], ([periods // 2], [periods // 2])), shape=smooth.shape)
    assert indefinite_block(sp.csc_array(smooth - kink)) is not None


def test_many_small_blocks_and_one_that_is_dense() -> None:
    order = np.arange(100_000)
    rows, columns = np.concatenate([order, order]), np.concatenate([order, order ^ 1])
    assert indefinite_block(sp.csc_array((np.full(len(rows), 2.0), (rows, columns)))) is None
    total = np.full((600, 600), 2.0)
    assert indefinite_block(sp.csc_array(total)) is None
    total[3, 3] = 1.99
    assert indefinite_block(sp.csc_array(total)) is not None


def test_a_product_with_a_variable_that_has_no_square() -> None:
    assert indefinite_block(sp.csc_array([[0.0, 1e-12], [1e-12, 5.0]])) is not None
    assert indefinite_block(sp.csc_array([[0.0, 0.0], [0.0, 5.0]])) is None
    assert indefinite_block(sp.csc_array((3, 3))) is None


def test_highs_solves_smoothed_production_and_names_the_variables_of_a_saddle() -> None:
    m = pyo.ConcreteModel("smooth")
    m.T = pyo.RangeSet(2_100)
    m.q = pyo.Var(m.T, bounds=(0, 10))
    m.need = pyo.Constraint(expr=pyo.quicksum(m.q[t] for t in m.T) >= 3 * 2_100)
    steps = pyo.quicksum((m.q[t] - m.q[t - 1]) ** 2 for t in m.T if t > 1)
    m.cost = pyo.Objective(expr=steps + pyo.quicksum(0.01 * m.q[t] for t in m.T))
    assert vd.solvers.solve(m).objective == pytest.approx(63.0)  # 3 units in every period
    m.cost.expr = m.cost.expr - 9 * m.q[7] * m.q[1_300]
    with pytest.raises(InputError, match=r"q\[7\], q\[1300\]"):
        vd.solvers.solve(m)
