"""Solves in threads give what they give alone, and leave the process as it was."""

import logging
import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.engines import pyomo_factory


@pytest.mark.parametrize(
    ("name", "solver", "parameters"),
    [("two-suppliers", "highs", {}), ("two-suppliers", "ipopt", {}), ("continuous-pair", None, {"points": 5})],
)
def test_threads_agree_and_leave_the_filters_of_warnings(name: str, solver: str | None, parameters: dict[str, Any]) -> None:
    case = vd.example(name)
    alone, filters = vd.solve(case, solver=solver, **parameters).objective, list(warnings.filters)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: vd.solve(case, solver=solver, **parameters).objective, range(6)))
    assert found == [alone] * 6
    assert warnings.filters == filters


def small(least: int) -> pyo.ConcreteModel:
    """Return a model whose optimum is 2 `least`."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(least, None))
    m.cost = pyo.Objective(expr=2 * m.x)
    return m


@pytest.mark.parametrize("solver", ["scip", "pounce"])
def test_solvers_that_pyomo_finds_leave_folder_and_log_to_all_threads(solver: str) -> None:
    folder, level = Path.cwd(), logging.getLogger("pyomo").level
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda least: vd.solvers.solve(small(least), solver).objective, range(1, 13)))
    assert found == pytest.approx([2 * least for least in range(1, 13)], rel=1e-6)
    assert (Path.cwd(), logging.getLogger("pyomo").level) == (folder, level)


def test_the_wait_for_another_thread_counts_as_time_of_the_solve() -> None:
    ended: list[object] = []

    def wait() -> None:
        try:
            vd.solvers.solve(small(1), {"solver": "scip", "time_limit": 0.2})
        except vd.NotSolvedError as error:
            ended.append(error.status)

    thread = Thread(target=wait)
    with pyomo_factory.TURN:
        thread.start()
        thread.join(timeout=60)
    assert ended == ["time_limit"]


def test_highs_runs_with_as_many_threads_as_each_solve_asks_for() -> None:
    for threads in (1, 2, None, 1):
        solution = vd.solvers.solve(small(3), {"solver": "highs", "threads": threads} if threads else "highs")
        assert solution.objective == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are spawned here")
def test_a_forked_process_runs_highs_in_threads_of_its_own() -> None:
    vd.solvers.solve(small(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python, that a process with threads forks
        child = os.fork()
    if child == 0:
        os._exit(0 if vd.solvers.solve(small(4)).objective == 8 else 1)
    until = monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and monotonic() < until:
        sleep(0.01)
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)
