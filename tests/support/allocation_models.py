"""Models of capacity allocation, solved and held against the closed form."""

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import strategies as st

import veridical as vd
from support.allocation_cases import FORMS, group
from support.strategies import shares
from veridical.contracts import Allotment
from veridical.data import AllocationCase, CertificateError
from veridical.models.allocation import OwnRevenue
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Allocation, allocation, capacity_choice

OWN = OwnRevenue(expression=lambda q, theta: 12 * theta * (1 - pyo.exp(-q / theta)))
ALL_FORMS: list[Any] = [*FORMS, OWN]
SAME = 1e-6  # relative, of profits
SQUARE_ROOT = 3e-4  # relative, of quantities: at an optimum they are as exact as the square root of the profit, to 1e-9


def allotted(solution: Solution) -> Allotment:
    """Return what a solution allots."""
    assert isinstance(solution.contracts, Allotment)
    return solution.contracts


def solved(own: AllocationCase, mechanism: str, solver: str = "ipopt") -> tuple[Solution, Allotment]:
    """Solve as `vd.solve` does, but without the chain with full information, whose closed form takes longer than the model.

    Where types are all but worth alike, an optimum may not be monotone; a monotone one is asked for then.
    """
    promises = vd.MECHANISMS[mechanism].promises()
    solution = vd.solvers.solve(vd.build(own, mechanism), solver)
    try:
        solution.checked(promises)
    except CertificateError:
        assert solution.certificate.holds
        solution = vd.solvers.solve(vd.build(own, mechanism, monotonicity=True), solver).checked(promises)
    return solution, allotted(solution)


def closed(own: AllocationCase) -> Allocation:
    """Return the optimum by closed form, at the capacity given or the one worth having."""
    return (allocation if own.capacity is not None else capacity_choice)(own)


def quadratic(own: AllocationCase) -> bool:
    """Return whether a case can be written as a quadratic program."""
    return "quadratic" in vd.models.allocation.forms(own)


def near(found: Allotment, wanted: Allotment, tolerance: float = SQUARE_ROOT) -> None:
    """Hold an allotment against another one."""
    assert found.capacity == pytest.approx(wanted.capacity, rel=tolerance)
    assert found.by_type == pytest.approx(wanted.by_type, rel=tolerance, abs=tolerance * max(1.0, wanted.by_type.max()))


@st.composite
def large_groups(draw: st.DrawFn, forms: list[Any], retailers: int, most_types: int) -> dict[str, Any]:
    """Return groups of two or more types, all of which occur, and of two or more retailers where more than two are allowed."""
    count = draw(st.integers(2, most_types))
    types = np.cumsum(draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))) / 2
    return group(
        types.tolist(),
        draw(shares(count, 1)),
        draw(st.sampled_from(forms)),
        draw(st.integers(2 if retailers > 2 else 1, retailers)),
    )
