"""Pyomo's SolverFactory("veridical_ipopt"): the embedded Ipopt behind Pyomo's classic interface, for any smooth Pyomo model.

It is registered where the package is imported (`veridical`).
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import pyomo.environ as pyo
from pyomo.common.collections import Bunch
from pyomo.common.errors import ApplicationError
from pyomo.core import SymbolMap, TextLabeler
from pyomo.opt import ProblemSense, SolverResults, SolverStatus, TerminationCondition
from pyomo.opt import SolutionStatus as PointStatus

from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.solvers.configuration import Configuration
from veridical.solvers.engines import ipopt
from veridical.solvers.solution import Solution, Termination

__all__ = ["EmbeddedIpopt"]

NAME = "veridical_ipopt"
ENDS = {  # our words for the end of a run in those of Pyomo's classic interface
    Termination.INFEASIBLE: (SolverStatus.warning, TerminationCondition.infeasible),
    Termination.UNBOUNDED: (SolverStatus.warning, TerminationCondition.unbounded),
    Termination.TIME_LIMIT: (SolverStatus.aborted, TerminationCondition.maxTimeLimit),
    Termination.ITERATION_LIMIT: (SolverStatus.warning, TerminationCondition.maxIterations),
}
POINTS = {  # what a solution is
    "optimal": (TerminationCondition.optimal, PointStatus.optimal),
    "locally_optimal": (TerminationCondition.locallyOptimal, PointStatus.locallyOptimal),
    "feasible": (TerminationCondition.feasible, PointStatus.feasible),
}
# Keywords of Pyomo's other solvers that ask for nothing here: no files are written, and starts are always the model's values.
NEEDLESS = {"available", "io_options", "keepfiles", "report_timing", "select", "solnfile", "suffixes"}
NEEDLESS |= {"symbolic_solver_labels", "warmstart", "warmstart_file"}
CAPABILITIES = {"linear", "quadratic_objective", "quadratic_constraint"}


class EmbeddedIpopt:
    """The classic solver interface of Pyomo: SolverFactory("veridical_ipopt").solve(model).

    A result that is called optimal has passed its certificate, and the bounds in `results.problem` are proven.

    Examples
    --------
    >>> model = pyo.ConcreteModel()
    >>> model.x = pyo.Var(bounds=(0, None))
    >>> model.cost = pyo.Objective(expr=model.x - 4 * pyo.sqrt(model.x))
    >>> results = pyo.SolverFactory("veridical_ipopt").solve(model)
    >>> pyo.assert_optimal_termination(results)
    >>> round(pyo.value(model.x), 6)
    4.0
    """

    def __init__(self, **options: Any) -> None:
        options.pop("doc", None)
        self.name = self.type = NAME
        self.options = Bunch(**dict(options.pop("options", None) or {}) | options)

    def __enter__(self) -> Self:
        """Return the solver, for a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave a `with` block: there is nothing to close."""

    def available(self, exception_flag: bool = True) -> bool:
        """Whether the wheel is installed; raises ApplicationError where it is not and `exception_flag` is set."""
        if exception_flag and not ipopt.available():
            raise ApplicationError(ipopt.MISSING)
        return ipopt.available()

    def license_is_valid(self) -> bool:
        """Return True: Ipopt is free."""
        return True

    def version(self) -> tuple[int, ...]:
        """Return the version of Ipopt."""
        return tuple(map(int, ipopt.version().split(".")))

    def has_capability(self, capability: str) -> bool:
        """Whether it takes models of a kind, under Pyomo's names: `linear`, `quadratic_objective`, `integer`, `sos1`, ..."""
        return capability in CAPABILITIES

    def warm_start_capable(self) -> bool:
        """Return True: it starts from the variables' values."""
        return True

    def set_options(self, options: str | Mapping[str, Any]) -> None:
        """Set options from a string as `max_iter=50 tol=1e-9`, or a mapping."""
        if isinstance(options, str):
            options = dict(_option(word) for word in shlex.split(options))
        self.options.update(options)

    def solve(
        self,
        model: Any,
        options: Mapping[str, Any] | None = None,
        tee: bool = False,
        load_solutions: bool = True,
        timelimit: float | None = None,
        logfile: str | None = None,
        options_string: str = "",
        allow_files: bool = False,
        **keywords: Any,
    ) -> SolverResults:
        """Solve, load the values, duals and reduced costs where the model has suffixes for them, and return the results.

        Parameters
        ----------
        model
            The model.
        options
            Options of Ipopt, by its own names, that count before those of the solver object.
        tee
            Whether Ipopt prints its log.
        load_solutions
            Whether the values are loaded; else they are in the results, for `model.solutions.load_from(results)`.
        timelimit
            Seconds.
        logfile
            Where Ipopt's log is written.
        options_string
            Options as `set_options` takes them.
        allow_files
            Whether options may name files that Ipopt reads or writes; `logfile` may in any case.
        keywords
            Those that other solvers of Pyomo take, as `keepfiles`, are accepted.

        Raises
        ------
        InputError
            For a model, an option or a keyword that it does not take.
        """
        for keyword in keywords.keys() - NEEDLESS:
            allowed = "a keyword of Pyomo's solvers; options of Ipopt are in `options`"
            raise InputError.of(keyword, keywords[keyword], allowed, NAME)
        chosen = {**self.options, **dict(map(_option, shlex.split(options_string))), **(options or {})}
        chosen |= {"print_level": 5} if tee else {}
        configuration = Configuration(solver="ipopt", options=chosen, time_limit=timelimit, allow_files=allow_files)
        if logfile:
            chosen |= {"output_file": str(logfile), "file_print_level": 5}
            configuration = configuration.changed(options=chosen, allow_files=True)
        results, before = SolverResults(), _State(model)
        results.solver.name = NAME
        try:
            solution = ipopt.solve(model, configuration).checked(gap=configuration.tolerance)
        except NotSolvedError as error:
            end = ENDS.get(Termination(error.status), (SolverStatus.error, TerminationCondition.error))
            results.solver.status, results.solver.termination_condition = end
            results.solver.message = str(error)
            before.restore()
            return results
        except CertificateError as error:
            results.solver.status, results.solver.termination_condition = SolverStatus.error, TerminationCondition.error
            results.solver.message = str(error)
            before.restore()
            return results
        _report(results, model, solution)
        if not load_solutions:
            _store(results, model, solution)
            before.restore()
        return results


class _State:
    """The values of a model's variables and importing suffixes, as they were."""

    def __init__(self, model: Any) -> None:
        self.values = [(variable, variable.value, variable.stale) for variable in model.component_data_objects(pyo.Var)]
        suffixes = model.component_objects(pyo.Suffix, active=True)
        self.suffixes = [(suffix, list(suffix.items())) for suffix in suffixes if suffix.import_enabled()]

    def restore(self) -> None:
        """Put them back."""
        for variable, value, stale in self.values:
            variable.set_value(value, skip_validation=True)
            variable.stale = stale
        for suffix, items in self.suffixes:
            suffix.clear()
            suffix.update(items)


def _option(word: str) -> tuple[str, Any]:
    """Return name and value of `name=value`, the value as a number where it is one."""
    name, given, value = word.partition("=")
    if not given:
        raise InputError.of("options", word, "name=value", NAME)
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _report(results: SolverResults, model: Any, solution: Solution) -> None:
    """Fill in how it ended and what is proven: an endless bound where nothing is."""
    objective = next(model.component_data_objects(pyo.Objective, active=True), None)
    status = "optimal" if objective is None else str(solution.status)  # of a system of equations, any solution is
    results.solver.status, results.solver.termination_condition = SolverStatus.ok, POINTS[status][0]
    results.solver.time = solution.solver.seconds.solve
    maximised = objective is not None and objective.sense == pyo.maximize
    bound = solution.bound
    if bound is None or math.isnan(bound):
        bound = math.inf if maximised else -math.inf
    lower, upper = (solution.objective, bound) if maximised else (bound, solution.objective)
    results.problem.lower_bound, results.problem.upper_bound = min(lower, upper), max(lower, upper)
    results.problem.sense = ProblemSense.maximize if maximised else ProblemSense.minimize
    results.problem.name = model.name


def _store(results: SolverResults, model: Any, solution: Solution) -> None:
    """Put the values that the model holds into the results, as Pyomo's own solvers do when they do not load them."""
    labels, namer, point = SymbolMap(), TextLabeler(), results.solution.add()
    point.status = POINTS[str(solution.status)][1]
    point.gap = abs(results.problem.upper_bound - results.problem.lower_bound)
    for objective in model.component_data_objects(pyo.Objective, active=True):
        point.objective[labels.getSymbol(objective, namer)] = {"Value": solution.objective}
    suffixes = (model.component(name) for name in ("dual", "rc"))
    duals, reduced = (suffix if isinstance(suffix, pyo.Suffix) else pyo.ComponentMap() for suffix in suffixes)
    for variable in model.component_data_objects(pyo.Var, active=True):
        if not variable.fixed and variable.value is not None:
            entry = {"Value": variable.value} | ({"Rc": reduced[variable]} if variable in reduced else {})
            point.variable[labels.getSymbol(variable, namer)] = entry
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        if constraint in duals:
            point.constraint[labels.getSymbol(constraint, namer)] = {"Dual": duals[constraint]}
    results._smap = labels
