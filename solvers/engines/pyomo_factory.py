"""Any other solver that Pyomo's factories know, by name: `scip`, `gurobi`, `pounce`, ...

The new-style interface (`pyomo.contrib.solver`) is preferred, then the classic one; where the plain name is not
available, `NAME_direct` is tried; a package `pyomo_NAME` is imported first where it is installed. A name is one that Pyomo has
registered: never a path. Solvers are looked for and run in an empty folder, so that no program, option file or licence of the
current one counts, unless the caller allows files. Every result is certified like those of our own engines.
Where a solver returns no duals, the certificate rests on its bound alone, if it is one that proves bounds.

Threads take turns here. Few of Pyomo's interfaces can be told where their program works, and they change themselves what the
whole process has (its log, standard output, for Gurobi the current folder). A thread that opens files by relative names while
another one solves here looks for them in the empty folder.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import math
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from threading import TIMEOUT_MAX, RLock
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
from pyomo.common.log import LoggingIntercept
from pyomo.contrib.solver.common.base import SolverBase
from pyomo.contrib.solver.common.factory import SolverFactory as NewFactory
from pyomo.contrib.solver.common.results import SolutionStatus

from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.configuration import SOLVER_NAME, Configuration
from veridical.solvers.engines.conflict import conflict
from veridical.solvers.packaging import certified, package_solution
from veridical.solvers.polish import polished
from veridical.solvers.solution import Seconds, Solution, Termination
from veridical.solvers.tangents import converge
from veridical.solvers.translate.components import sos_violation
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["KNOWN", "PyomoEngine"]

KNOWN = {  # abilities of solvers that are widely used; any other name is tried as well
    "scip": ("LP", "QP", "NLP", "MIP", "SOS"),
    "pounce": ("LP", "QP", "NLP", "duals"),
    "gurobi": ("LP", "QP", "MIP", "SOS", "duals"),
    "knitro": ("LP", "QP", "NLP", "MIP", "duals"),
    "cbc": ("LP", "MIP", "duals"),
    "glpk": ("LP", "MIP", "duals"),
}
# What is registered beside solvers: those that run another solver of any name, path or program as an option of theirs.
HANDS_ON = {"asl", "py", "gdpopt", "mindtpy", "mpec_minlp", "mpec_nlp", "multistart", "path", "trustregion"}
# Their bounds hold for every feasible point; what a local solver of nonlinear programs calls a bound is its own point's value.
PROVES_BOUNDS = {"baron", "cbc", "cplex", "glpk", "gurobi", "highs", "maingo", "mosek", "scip", "xpress"}
TURN = RLock()  # held by the thread that uses Pyomo's interfaces
LOCAL = ("locallyOptimal", "locallyInfeasible")  # ends that prove nothing beyond a neighbourhood
SPARE = 1e-6  # of the largest value in an SOSConstraint: what counts as 0 beside it
TERMINATIONS = {  # by the name that an end has in either of Pyomo's interfaces
    **dict.fromkeys(("convergenceCriteriaSatisfied", "optimal", "locallyOptimal", "globallyOptimal"), Termination.CONVERGED),
    **dict.fromkeys(("iterationLimit", "maxIterations"), Termination.ITERATION_LIMIT),
    **dict.fromkeys(("provenInfeasible", "locallyInfeasible", "infeasible"), Termination.INFEASIBLE),
    "maxTimeLimit": Termination.TIME_LIMIT,
    "unbounded": Termination.UNBOUNDED,
    "infeasibleOrUnbounded": Termination.INFEASIBLE_OR_UNBOUNDED,
}
UNCLEAR = (Termination.ITERATION_LIMIT, Termination.FAILED)  # what some interfaces say of an end at the time limit


@dataclass(frozen=True)
class PyomoEngine:
    """A solver that Pyomo's factories know by its name."""

    name: str
    FORMS: ClassVar[tuple[str, ...]] = ("linear", "tangent", "quadratic")  # best first: what every LP solver takes

    @property
    def ABILITIES(self) -> tuple[str, ...]:
        """What it can do, as far as it is known."""
        return KNOWN.get(self.name, ())

    def available(self) -> bool:
        """Whether a solver of that name works here."""
        return _working_solver(self.name) is not None

    def version(self) -> str:
        """Return its version, where it is available."""
        number = _working_solver(self.name).version()
        return ".".join(map(str, number)) if isinstance(number, tuple) else str(number or "unknown")

    def solve(self, model: Any, configuration: Configuration) -> Solution:
        """Solve a Pyomo model, load the values into it and return the solution with its certificate.

        Raises InputError for a name that no factory knows or that does not work here, NotSolvedError where there is no optimum.
        """
        limit = math.inf if configuration.time_limit is None else configuration.time_limit
        began = perf_counter()
        if not TURN.acquire(timeout=min(limit, TIMEOUT_MAX)):
            raise NotSolvedError(f"{model.name}: the time limit was over before {self.name} could start", Termination.TIME_LIMIT)
        try:
            return self._solve(model, configuration, limit - (perf_counter() - began))
        finally:
            TURN.release()

    def refuse_missing(self, configuration: Configuration) -> None:
        """Raise InputError where no solver of that name works here."""
        if not self.available():
            allowed = "closed_form, highs, ipopt, or a solver that Pyomo's factory finds installed (scip, gurobi, pounce, ...)"
            raise configuration.error_for("solver", self.name, f"{allowed}, by its name: no path, no program of this folder")

    def _solve(self, model: Any, configuration: Configuration, limit: float) -> Solution:
        began = perf_counter()
        self.refuse_missing(configuration)
        form = compile_model(model, nonlinear=True, sos="SOS" in self.ABILITIES)
        bound: list[float | None] = [None]
        translated = perf_counter()
        deadline = translated + limit

        def run() -> tuple[Array, Array | None]:
            if not form.variables:  # all is fixed: not every solver takes such a model
                return np.zeros(0), np.zeros(len(form.constraints))
            x, row_dual, bound[0] = _run(model, form, configuration, deadline)
            return x, row_dual

        def exact(x: Array, row_dual: Array | None) -> tuple[Array, Array | None]:
            return (x, None) if row_dual is None else polished(form, x, row_dual)

        x, row_dual, rounds = converge(model, form, configuration.tolerance, run, lambda rows, high: None, exact)
        point = certified(model, form, x, row_dual, bound[0])
        seconds = Seconds(0.0, translated - began, perf_counter() - translated)
        options = {**configuration.options, **({"tangent_rounds": rounds} if rounds else {})}
        return package_solution(model, form, point, (self.name, self.version()), options, seconds)


def _working_solver(name: str) -> Any:
    """Return a solver object that works here, or None."""
    if not SOLVER_NAME.fullmatch(name) or name in HANDS_ON:
        return None
    with suppress(importlib.metadata.PackageNotFoundError, ImportError):
        importlib.metadata.distribution(f"pyomo_{name}")  # not any module that happens to be called so
        importlib.import_module(f"pyomo_{name}")
    for candidate in (name, f"{name}_direct"):
        for factory in (NewFactory, pyo.SolverFactory):
            if candidate not in factory:  # Pyomo takes the names that it does not know for programs to run
                continue
            with TURN, _quiet(), _elsewhere(), suppress(Exception):
                solver = factory(candidate)
                if solver.available() if isinstance(solver, SolverBase) else solver.available(exception_flag=False):
                    return solver
    return None


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Work in an empty folder: Pyomo looks for programs in the current one first, and many solvers read option files there."""
    with TemporaryDirectory() as empty, chdir(empty):
        yield


def _run(model: Any, form: StandardForm, configuration: Configuration, deadline: float) -> tuple[Array, Array | None, Any]:
    """Run the solver once; return point, row duals of the minimisation where it has them, and its bound."""
    name = configuration.solver
    solver = _working_solver(name)
    run = _new_style if isinstance(solver, SolverBase) else _classic
    limit = None if deadline == math.inf else deadline - perf_counter()
    if limit is not None and limit <= 0:
        raise NotSolvedError(f"{model.name}: the time limit was over before {name} could start", Termination.TIME_LIMIT)
    began = perf_counter()
    try:
        with _quiet(), _without(_idle(form)), nullcontext() if configuration.allow_files else _elsewhere():
            termination, duals, bound = run(solver, model, form, configuration, limit)
    except (InputError, NotSolvedError):
        raise
    except subprocess.TimeoutExpired:  # an executable that did not keep its own limit was ended
        raise NotSolvedError(f"{model.name}: {name} ended: {Termination.TIME_LIMIT}", Termination.TIME_LIMIT) from None
    except Exception as error:
        # What a foreign solver raises for options, expressions or licences has no common type.
        allowed = f"a model and options that it takes ({type(error).__name__}: {error})"
        raise InputError.of("solver", name, allowed, model.name) from error
    if limit is not None and termination in UNCLEAR and perf_counter() - began >= limit:
        termination = Termination.TIME_LIMIT
    if termination is not Termination.CONVERGED:
        perhaps = termination in (Termination.INFEASIBLE, Termination.INFEASIBLE_OR_UNBOUNDED)
        why = conflict(form) if perhaps and form.nonlinear is None else ""
        termination = Termination.INFEASIBLE if why else termination
        raise NotSolvedError(f"{model.name}: {name} ended: {termination}{'; ' + why if why else ''}", termination)
    x = np.array([variable.value for variable in form.variables], dtype=float)
    x = np.where(np.isnan(x), np.clip(0.0, form.low, form.high), x)  # a variable that says nothing is not sent to every solver
    for special in form.sos:
        if sos_violation(special) > SPARE:
            raise CertificateError(f"{model.name}: the result of {name} does not meet {special.name}, an SOSConstraint")
    row_dual = None if form.integer.any() or form.sos else _row_dual(form, duals)
    if not form.has_objective:  # nothing can be better than 0
        bound = 0.0
    return x, row_dual, None if bound is None else form.sense * bound


def _new_style(
    solver: Any, model: Any, form: StandardForm, configuration: Configuration, limit: float | None
) -> tuple[Termination, Any, float | None]:
    settings = {"solver_options": dict(configuration.options), "time_limit": limit, "threads": configuration.threads}
    given = {name: value for name, value in settings.items() if value is not None}
    if hasattr(solver.config, "writer_config"):  # what the NL writer presolves away comes back without duals
        solver.config.writer_config.linear_presolve = False
    results = solver.solve(model, load_solutions=False, raise_exception_on_nonoptimal_result=False, **given)
    end = results.termination_condition.name
    termination = TERMINATIONS.get(end, Termination.FAILED)
    if results.solution_status not in (SolutionStatus.optimal, SolutionStatus.feasible):
        return termination if termination is not Termination.CONVERGED else Termination.FAILED, None, None
    if termination is Termination.CONVERGED:
        results.solution_loader.load_vars()
    duals = None
    with suppress(Exception):  # an interface without duals says so by an exception of its own
        duals = results.solution_loader.get_duals()
    return termination, duals, _bound(configuration.solver, end, results.objective_bound)


def _classic(
    solver: Any, model: Any, form: StandardForm, configuration: Configuration, limit: float | None
) -> tuple[Termination, Any, float | None]:
    if configuration.threads is not None:
        allowed = f"no such setting: Pyomo's interface to {configuration.solver} has none; its own option may be in [options]"
        raise configuration.error_for("threads", configuration.threads, allowed)
    solver.options.update(configuration.options)
    given = {} if limit is None else {"timelimit": limit}
    ours = model.component("dual") is None
    if ours:
        model.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    suffix = model.component("dual")
    try:
        results = solver.solve(model, load_solutions=False, **given)
        end = str(results.solver.termination_condition)
        termination = TERMINATIONS.get(end, Termination.FAILED)
        if termination is not Termination.CONVERGED:
            return termination, None, None
        model.solutions.load_from(results)
        duals = dict(suffix.items()) if isinstance(suffix, pyo.Suffix) else {}  # a user's own component may be called so
        bound = results.problem.upper_bound if form.sense < 0 else results.problem.lower_bound
        return termination, duals, _bound(configuration.solver, end, bound)
    finally:
        if ours:
            model.del_component("dual")


def _idle(form: StandardForm) -> list[Any]:
    """Return the constraints that say nothing, having no variables or no sides; not every interface takes them."""
    idle = form.constant_rows() | (np.isinf(form.row_low) & np.isinf(form.row_high))
    return [form.constraints[row] for row in np.flatnonzero(idle)]


@contextmanager
def _without(constraints: list[Any]) -> Iterator[None]:
    """Leave constraints out for a while."""
    for constraint in constraints:
        constraint.deactivate()
    try:
        yield
    finally:
        for constraint in constraints:
            constraint.activate()


def _row_dual(form: StandardForm, duals: Any) -> Array | None:
    """Return d(minimised objective)/d(right-hand side), one a row; None where the solver has not all of them.

    Constraints that say nothing are worth 0.
    """
    if duals is None:
        return None
    known = dict(duals.items()) | dict.fromkeys(_idle(form), 0.0)
    values = form.sense * np.array([known.get(constraint, math.nan) for constraint in form.constraints], dtype=float)
    return None if np.isnan(values).any() else values


def _bound(name: str, end: str, bound: float | None) -> float | None:
    """Return what a solver says about its bound, where that is one."""
    proves = name.removeprefix("appsi_").split("_")[0] in PROVES_BOUNDS and end not in LOCAL
    return float(bound) if proves and bound is not None and math.isfinite(bound) else None


def _quiet() -> Any:
    """Keep Pyomo's log quiet about what is raised as an error of ours anyway."""
    return LoggingIntercept(module="pyomo", level=logging.CRITICAL)
