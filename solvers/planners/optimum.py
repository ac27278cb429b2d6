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
from veridical.solvers.polish import LARGE
from veridical.solvers.presolve import Presolved
from veridical.solvers.solution import Termination
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Found", "optimum"]

# Columns up to which PIQP goes first where no solver is named: as they are, or what a presolve leaves of them. Seconds of the
# processor: 3,164 columns (324 flows) 0.015, HiPO 0.115; 10,049 that are left of 14,970 (2,160 flows, with a fee) 0.9 to a gap of
# 1e-14, HiPO 0.8, both exact once they are polished; 36,291 (12,960 flows) about 12, HiPO 6.
QUICK, QUICK_LEFT = 5_000, 12_000
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
    presolvable = form.hessian is not None and fixed_by_rows(form) is None
    small = solver is None and presolvable and len(form.cost) <= QUICK
    quick = _by_piqp(form, None, residual) if small else None
    if quick is not None:
        return quick
    presolved = Presolved.of(form) if presolvable else None
    left = form if presolved is None else presolved.form
    if solver is None and presolvable and not small and len(left.cost) <= QUICK_LEFT:
        quick = _by_piqp(form, presolved, residual)
        if quick is not None:
            return quick
    deadline = math.inf if configuration.time_limit is None else perf_counter() + configuration.time_limit
    for way in highs.ways_of(left, configuration):
        live = LiveModel(form, configuration, way, presolved=presolved)
        try:
            x, row_dual = live.run(name, deadline, nearly=True)
        except NotSolvedError as error:
            if error.status in highs.FINAL:
                raise
            continue
        assert row_dual is not None
        point = Point(x, row_dual, *certify(form, x, row_dual))
        # A large one that is proven stays as it is: at 12,960 flows polishing took as long as HiPO, for nothing.
        if len(x) + len(row_dual) <= LARGE or not point.certificate.within(configuration.tolerance):
            x, row_dual = live.exact(x, row_dual)
            point = Point(x, row_dual, *certify(form, x, row_dual))
        if point.certificate.within(configuration.tolerance):
            return Found(point, ("highs", highs.version()), live.effective)
    raise NotSolvedError(f"{name}: no way of HiGHS's came to a certificate", Termination.FAILED)


def _by_piqp(form: StandardForm, presolved: Presolved | None, residual: float) -> Found | None:
    """Return the optimum where PIQP's point can be made exact; what is exact to a tolerance leaves flows to its square root."""
    from veridical.solvers.consensus.quadratic import Quadratic  # with its solver, which nothing else here needs

    left = form if presolved is None else presolved.form
    nothing = np.zeros(len(left.cost))
    problem = Quadratic(left, np.ones(len(left.cost), dtype=bool))
    for tolerance in TOLERANCES:
        try:
            x, left_dual, _ = problem.solve(nothing, nothing, nothing, exact=True, ways=(tolerance,))
        except NotSolvedError:
            continue
        for each in _with_and_without_traces(left, x):
            candidate, row_dual = (each, left_dual) if presolved is None else presolved.restored(each, left_dual)
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
