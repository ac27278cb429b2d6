"""Solves in threads give what they give alone, and leave the process as it was."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import veridical as vd


@pytest.mark.parametrize(("name", "solver"), [("two-suppliers", "highs"), ("two-suppliers", "ipopt"), ("continuous-pair", None)])
def test_threads_agree_and_leave_the_filters_of_warnings(name: str, solver: str | None) -> None:
    case = vd.example(name)
    alone, filters = vd.solve(case, solver=solver).objective, list(warnings.filters)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: vd.solve(case, solver=solver).objective, range(6)))
    assert found == [alone] * 6
    assert warnings.filters == filters
