"""The optimum of a convex quadratic program that is given as arrays, certified: by PIQP where that is quick, else by HiGHS."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.certificate import certify
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.engines import highs
from veridical.solvers.engines.live import LiveModel, fixed_by_rows
from veridical.solvers.engines.scaling import balance, problem_of
from veridical.solvers.packaging import Point
from veridical.solvers.presolved import Presolved
from veridical.solvers.solution import Termination
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Found", "optimum"]

# Columns up to which PIQP goes first where no solver is named. Seconds with 3,164 columns (324 flows): 0.015, HiPO 0.115; with
# 2,160 flows 5, HiPO 1.
QUICK = 5_000
TOLERANCES = (1e-12, 1e-10, 1e-8)  # of PIQP: the tighter, the surer that the right rows bind when it ends
# Of the size of a variable by the data: less is a trace. Rows of traces alone miss much of themselves: 576 flows were solved up
# to three times for that, at wider and wider tolerances.
TRACE = 1e-11
EXACT = 1e-9  # relative: residuals of a plan that is taken from it, and gap


class Found(NamedTuple):
    """A certified point, and who found it: name and version, and the options in effect."""

    point: Point
    solver: tuple[str, str]
    options: Mapping[str, Any]


def optimum(name: str, form: StandardForm, solver: Configuration | None, residual: float = EXACT) -> Found:
    """Return the optimum of a form without integers, to the tolerance of HiGHS's configuration `solver`.

    None: by PIQP first, where its residuals can be made at most `residual`. Raises NotSolvedError where there is no point, or
    none that is proven to be the best.
    """
    if form.convexity is None:
        raise NotSolvedError(f"{name}: not shown to be convex", Termination.FAILED)
    configuration = configure("highs") if solver is None else solver
    if solver is None and form.hessian is not None and len(form.cost) <= QUICK and fixed_by_rows(form) is None:
        quick = _by_piqp(form, residual)
        if quick is not None:
            return quick
    deadline = math.inf if configuration.time_limit is None else perf_counter() + configuration.time_limit
    presolved = None if form.hessian is None or fixed_by_rows(form) is not None else Presolved.of(form)
    for way in highs.ways_of(form if presolved is None else presolved.form, configuration):
        live = LiveModel(form, configuration, way, presolved=presolved)
        try:
            x, row_dual = live.exact(*live.run(name, deadline))
        except NotSolvedError as error:
            if error.status in highs.FINAL:
                raise
            continue
        assert row_dual is not None
        point = Point(x, row_dual, *certify(form, x, row_dual))
        if point.certificate.within(configuration.tolerance):
            return Found(point, ("highs", highs.version()), live.effective)
    raise NotSolvedError(f"{name}: no way of HiGHS's came to a certificate", Termination.FAILED)


def _by_piqp(form: StandardForm, residual: float) -> Found | None:
    """Return the optimum where PIQP's point can be made exact; what is exact to a tolerance leaves flows to its square root."""
    from veridical.solvers.consensus.quadratic import Quadratic  # with its solver, which nothing else here needs

    nothing = np.zeros(len(form.cost))
    problem = Quadratic(form, np.ones(len(form.cost), dtype=bool))
    for tolerance in TOLERANCES:
        try:
            x, row_dual, _ = problem.solve(nothing, nothing, nothing, exact=True, ways=(tolerance,))
        except NotSolvedError:
            continue
        for candidate in _with_and_without_traces(form, x):
            certificate, bound = certify(form, candidate, row_dual)
            if certificate.within(EXACT) and max(certificate.primal_residual, certificate.dual_residual or 0.0) <= residual:
                return Found(Point(candidate, row_dual, certificate, bound), ("piqp", _piqp_version()), {"eps_rel": tolerance})
    return None


def _with_and_without_traces(form: StandardForm, x: Array) -> Iterator[Array]:
    """Yield a point, and the one that has 0 for what a barrier leaves of nothing."""
    yield x
    scaling = balance(problem_of(form))
    yield np.where(np.abs(x) <= TRACE * scaling.size * scaling.columns, np.clip(0.0, form.low, form.high), x)


@cache
def _piqp_version() -> str:
    return version("piqp")
