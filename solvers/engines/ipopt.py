"""Ipopt from the wheel `cyipopt-wheels`: nonlinear models with exact derivatives, without ASL and without an executable.

Ipopt sees a scaled problem (`scaling`) from a start at which all is defined (`start`).
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.configuration import Configuration
from veridical.solvers.curvature import escape
from veridical.solvers.engines.conflict import conflict, violated
from veridical.solvers.engines.scaled_nlp import ScaledNLP
from veridical.solvers.engines.start import start, undefined
from veridical.solvers.implied_bounds import FAR, without_far_sides
from veridical.solvers.packaging import Point, certified, package_solution
from veridical.solvers.polish import polished
from veridical.solvers.solution import Seconds, Solution, Termination
from veridical.solvers.translate.standard_form import StandardForm, compile_model
from veridical.solvers.units import natural_units, scaling

if TYPE_CHECKING:
    from veridical.solvers.kept import Kept

__all__ = ["ABILITIES", "FORMS", "MISSING", "available", "solve", "version"]

ABILITIES = ("LP", "QP", "NLP", "duals", "starts")
FORMS = ("quadratic", "smooth", "linear")  # best first
DEFAULTS: Mapping[str, Any] = {
    "sb": "yes",
    "print_level": 0,
    "option_file_name": "",  # or a file `ipopt.opt` that lies in the working directory would be read
    "diverging_iterates_tol": 1e13,  # in units of the variables: no solution is that far, and steps there are noise
    "compl_inf_tol": 1e-12,  # what a bound falls short by is the sum over all inequalities
    "bound_relax_factor": 0.0,  # the default relaxes bounds, and objectives come out slightly too good
}
# Halve the time of MUMPS on the models here; what a refinement that is not asked for would bring, polishing brings as well.
FAST: Mapping[str, Any] = {"mumps_pivot_order": 2, "mumps_scaling": 0, "min_refinement_steps": 0}
# Steps that are too long are cut to a quarter, not to half: 33 steps instead of 40 for an inventory of 10,000 periods whose costs
# bend sharply, about as many with 0.1 to 0.3; the public suites end at the same points. Where that leads nowhere, to half.
QUARTERS: Mapping[str, Any] = {**FAST, "alpha_red_factor": 0.25}
# MUMPS's own choices detect singular systems better: for models whose inequalities have no interior (a contract that must not
# depend on a report), tried where the fast options do not converge to a certificate. Equations that depend on each other, whose
# multipliers may grow without end, are left out then.
CAREFUL: Mapping[str, Any] = {"mumps_pivot_order": 7, "mumps_scaling": 77, "dependency_detector": "mumps"}
# The products of a complementarity system are their own sum of errors, which a tolerance for each leaves too large.
EXACT: Mapping[str, Any] = {**FAST, "tol": 1e-13}
WAYS = [QUARTERS, FAST, CAREFUL, EXACT]
# From a random start: near it, instead of by way of the middle of all bounds, and not for long.
FURTHER: Mapping[str, Any] = {**FAST, "mu_init": 1e-6, "bound_push": 1e-4, "bound_frac": 1e-4, "max_iter": 500}
MISSING = (
    "Ipopt is not installed: `pip install cyipopt-wheels==1.7.0.dev0` (wheels for CPython 3.11 to 3.13 on Linux and on Windows "
    "with x86-64, on Linux with aarch64 and on macOS with Apple silicon; elsewhere `conda install -c conda-forge cyipopt`)"
)
# From the optimum of other numbers: near it, and near the multipliers that it has.
AGAIN: Mapping[str, Any] = {
    **QUARTERS,
    "warm_start_init_point": "yes",
    "mu_init": 1e-6,
    **dict.fromkeys(("warm_start_bound_push", "warm_start_bound_frac", "warm_start_mult_bound_push"), 1e-4),
    **dict.fromkeys(("warm_start_slack_bound_push", "warm_start_slack_bound_frac"), 1e-4),
}
FINER = 2.0**10  # times as large an objective as at the start: what was a tolerance there is a coarse one here
INVALID = -13  # Ipopt's status for a number that is none
REFUSED = -12  # Ipopt's status for an option that it takes by itself, and not with the others, with this problem or in this build
FINAL = (Termination.INFEASIBLE, Termination.UNBOUNDED, Termination.TIME_LIMIT)  # another way ends no better
TERMINATIONS = {
    0: Termination.CONVERGED,
    1: Termination.CONVERGED,  # to the acceptable level: the certificate judges it
    2: Termination.INFEASIBLE,
    4: Termination.UNBOUNDED,
    -1: Termination.ITERATION_LIMIT,
    -4: Termination.TIME_LIMIT,
    -5: Termination.TIME_LIMIT,
    5: Termination.TIME_LIMIT,  # stopped by the callback
}

ESCAPES = 5  # times that a search goes on from a stationary point that is no local optimum
ASIDE = 0.125  # of the size of a variable: how far from it


def available() -> bool:
    """Whether the wheel with Ipopt inside is installed."""
    return importlib.util.find_spec("cyipopt") is not None


def version() -> str:
    """Return the version of Ipopt inside the wheel."""
    return ".".join(map(str, importlib.import_module("cyipopt").IPOPT_VERSION))


def solve(model: Any, configuration: Configuration, kept: Kept | None = None) -> Solution:
    """Solve a Pyomo model, load the values into it and return the solution with its certificate.

    A model that is `kept` is not translated anew, and starts from the optimum of its first solve; where that leads to no proven
    optimum, from nothing else: it is to be solved whole then.

    Starts from the variables' values where they have any. With the option `warm_start_init_point = "yes"` the multipliers
    start from the model's suffixes `dual`, `ipopt_zL_in` and `ipopt_zU_in`, as Pyomo users know them; `ipopt_zL_out` and
    `ipopt_zU_out` are filled where the model has them. With `starts` above 1 further starts are drawn at random inside the
    bounds, always the same, and the best point is returned.
    Raises InputError for what is not smooth, NotSolvedError where there is no optimum to return.
    """
    if not available():
        raise configuration.error_for("solver", "ipopt", f"a solver that is installed; {MISSING}")
    began = perf_counter()
    form = without_far_sides(compile_model(model, nonlinear=True) if kept is None else kept.form())
    if form.integer.any():
        name = form.variables[int(np.argmax(form.integer))].name
        raise InputError.of(name, "<an integer variable>", "continuous variables (ipopt takes no others)", model.name)
    if not form.variables:  # all is fixed: Ipopt takes no such problem
        seconds = Seconds(0.0, perf_counter() - began)
        point = certified(model, form, np.zeros(0), np.zeros(len(form.constraints)))
        return package_solution(model, form, point, ("ipopt", version()), {}, seconds)
    search = _Search(model, form, configuration, began)
    translated = perf_counter()
    if kept is not None and kept.solved:
        end = _again(search, kept)
        seconds = Seconds(0.0, translated - began, perf_counter() - translated)
        return package_solution(model, form, end.point, ("ipopt", version()), end.options, seconds, kept.names)
    best, first_error, first = None, None, start(form, search.units)
    sizes = np.where(first != 0, np.abs(first), search.units)  # the model's own start knows best how large its variables are
    for number in range(configuration.starts):
        try:
            x, ways = (start(form, sizes, number), [FURTHER]) if number else (first, WAYS)
            end = search.downhill(search.run(x, ways))
        except NotSolvedError as error:
            first_error = first_error or error
            if error.status in (Termination.UNBOUNDED, Termination.TIME_LIMIT):
                break
            continue
        if best is None or form.minimised(end.point.x) < form.minimised(best.point.x):
            best = end
        certificate = end.point.certificate
        if certificate.proves == "global" and certificate.within(configuration.tolerance):
            break  # no start leads to anything better
    if best is None:
        assert first_error is not None
        raise first_error
    point = best.point
    if point is not search.loaded:
        point = certified(model, form, point.x, point.row_dual)
    for name, values in (("ipopt_zL_out", best.low), ("ipopt_zU_out", -best.high)):
        suffix = model.component(name)
        if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
            suffix.update(zip(form.variables, values.tolist(), strict=True))
    if kept is not None:
        kept.start = best
    seconds = Seconds(0.0, translated - began, perf_counter() - translated)
    return package_solution(model, form, point, ("ipopt", version()), best.options, seconds)


def _again(search: _Search, kept: Kept) -> _End:
    """Return the proven optimum to which the start of a kept model leads; raises OtherStructureError where there is none."""
    from veridical.solvers.kept import OtherStructureError

    before: _End = kept.start
    row_dual = before.point.row_dual
    if search.warm is not None or row_dual is None:
        raise OtherStructureError
    search.warm = -row_dual, before.low, before.high
    try:
        end = search.run(before.point.x, [AGAIN])
    except NotSolvedError:
        raise OtherStructureError from None
    if end.point.certificate.proves != "global" or not end.point.certificate.within(search.configuration.tolerance):
        raise OtherStructureError
    return end


@dataclass(frozen=True, eq=False)
class _End:
    """A certified point, the multipliers of the bounds there, and the options that led to it."""

    point: Point
    low: Array
    high: Array
    options: dict[str, Any]


class _Search:
    """Runs of Ipopt on one form, from one start or several, until the time is over."""

    def __init__(self, model: Any, form: StandardForm, configuration: Configuration, began: float) -> None:
        self.model, self.form, self.configuration = model, form, configuration
        self.loaded: Point | None = None  # the point that the model holds
        self.deadline = math.inf if configuration.time_limit is None else began + configuration.time_limit
        self.units = natural_units(form)
        self.warm: tuple[Array, Array, Array] | None = None
        if configuration.options.get("warm_start_init_point") == "yes":
            rows = -form.sense * _suffix(model, "dual", form.constraints)
            bounds = _suffix(model, "ipopt_zL_in", form.variables), -_suffix(model, "ipopt_zU_in", form.variables)
            self.warm = rows, *bounds

    def run(self, x: Array, ways: list[Mapping[str, Any]]) -> _End:
        """Return the end of the search from a start by the first of some ways that leads to one; raises NotSolvedError.

        Where a run ends without a certificate, or in a place with other units than those of its start, the problem is scaled
        anew there and solved again.
        """
        began, end = perf_counter(), None
        constant = self.form.is_constant or not self.form.has_objective
        scales = scaling(self.form, x, self.units)
        chosen = self.configuration.options.keys() & FAST.keys()
        for way in [way for way in ways if way is not CAREFUL or not chosen]:
            nlp = ScaledNLP(self.form, x, scales)
            u, info, options = self._ipopt(nlp, way)
            last, termination = nlp.unscaled(u), TERMINATIONS.get(info["status"], Termination.FAILED)
            if termination in FINAL:
                break
            if termination is not Termination.CONVERGED:
                continue
            rows, low, high = nlp.unscaled_multipliers(info["mult_g"], info["mult_x_L"], info["mult_x_U"])
            if constant:  # Ipopt's multipliers are the traces of its barrier; without an objective 0 is right
                rows, low, high = (np.zeros_like(multipliers) for multipliers in (rows, low, high))
            point = self.loaded = certified(self.model, self.form, *polished(self.form, last, -rows, self.units))
            proven = point.certificate.within(self.configuration.tolerance)
            if end is None or proven:
                end = _End(point, low, high, options)
            if not np.isfinite(last).all():
                continue
            moved = scaling(self.form, last, self.units, at_optimum=True)
            if proven and moved.objective < FINER * scales.objective:
                break
            x, scales = last, moved
        if end is not None:
            return end
        raise self._failure(termination, info, nlp, last, perf_counter() - began)

    def downhill(self, end: _End) -> _End:
        """Return where a search leads to that leaves points at which the objective is largest along some feasible direction."""
        for _ in range(ESCAPES):
            x, row_dual = end.point.x, end.point.row_dual
            direction = None if row_dual is None else escape(self.form, x, row_dual)
            if direction is None:
                break
            step = ASIDE * direction / float(np.abs(direction / self.units).max())
            sides = [np.clip(x + sign * step, self.form.low, self.form.high) for sign in (1.0, -1.0)]
            try:
                lower = self.run(min(sides, key=self.form.minimised), [FURTHER])
            except NotSolvedError:
                break
            if not self.form.minimised(lower.point.x) < self.form.minimised(x):
                break
            end = lower
        return end

    def _ipopt(self, nlp: ScaledNLP, way: Mapping[str, Any]) -> tuple[Array, Mapping[str, Any], dict[str, Any]]:
        """Run Ipopt once; return its last point and its record, both scaled, and the options in effect."""
        from pyomo.contrib.pynumero.interfaces.cyipopt_interface import CyIpoptNLP

        def step(_: Any, *figures: float) -> bool:
            nlp.step(figures[6])
            return perf_counter() < self.deadline

        problem = CyIpoptNLP(nlp, intermediate_callback=step)
        options = _set_options(problem, self.form, self.configuration, way, self.deadline - perf_counter())
        multipliers = {}
        if self.warm is not None:
            multipliers = dict(zip(("lagrange", "zl", "zu"), nlp.scaled_multipliers(*self.warm), strict=True))
        with np.errstate(all="ignore"):  # where something is not defined Ipopt steps back
            u, info = problem.solve(nlp.init_primals(), **multipliers)
        if info["status"] == REFUSED and (chosen := self.configuration.options):
            allowed = f"options that Ipopt takes with this problem and in this build ({_message(info)})"
            raise self.configuration.error_for("options", chosen, allowed)
        return np.asarray(u), info, options

    def _failure(
        self, termination: Termination, info: Mapping[str, Any], nlp: ScaledNLP, x: Array, seconds: float
    ) -> NotSolvedError:
        """Return the error for an end without a point: what Ipopt said, and which constraints are to blame."""
        why = ""
        if termination is Termination.INFEASIBLE:
            why = (conflict(self.form) if self.form.nonlinear is None else "") or violated(self.form, x)
        elif termination is Termination.UNBOUNDED and (far := _far_bounds(self.form)):
            termination, why = Termination.FAILED, f"bounds of {FAR:g} and more were taken for none: {far}"
        elif info["status"] == INVALID:
            place = undefined(self.form, nlp.get_primals()) or undefined(self.form, x)
            why = f"{place} is no finite number at its last point" if place else ""
        ended = f"Ipopt ended: {termination} ('{_message(info)}') after {seconds:.3g} s"
        return NotSolvedError(f"{self.model.name}: {ended}{'; ' + why if why else ''}", termination)


def _message(info: Mapping[str, Any]) -> str:
    """Return what Ipopt said at its end."""
    message = info["status_msg"]
    return (message.decode() if isinstance(message, bytes) else str(message)).strip()


def _set_options(
    problem: Any, form: StandardForm, configuration: Configuration, way: Mapping[str, Any], remaining: float
) -> dict[str, Any]:
    """Set the options on the problem and return those in effect; Ipopt refuses names and values that it does not know."""
    if configuration.threads not in (None, 1):
        raise configuration.error_for("threads", configuration.threads, "1: this Ipopt runs on one thread")
    effective = {**DEFAULTS, "tol": min(configuration.tolerance, 1e-8) / 100, **way}
    if form.nonlinear is None or not form.nonlinear.in_rows:  # linear constraints: their Jacobian is asked for once
        effective |= {"jac_c_constant": "yes", "jac_d_constant": "yes"}
    if configuration.time_limit is not None:
        effective["max_wall_time"] = max(remaining, 1e-3)
    effective |= configuration.options
    for name, value in effective.items():
        try:
            problem.add_option(name, value)
        except (TypeError, OverflowError):
            raise configuration.error_for(f"options.{name}", value, "an option of Ipopt, with a value that it takes") from None
    return effective


def _far_bounds(form: StandardForm) -> str:
    """Return the names of variables with finite bounds that Ipopt takes for infinite."""
    far = [np.isfinite(side) & (np.abs(side) >= FAR) for side in (form.low, form.high)]
    return ", ".join(form.variables[column].name for column in np.flatnonzero(far[0] | far[1])[:3].tolist())


def _suffix(model: Any, name: str, components: list[Any]) -> Array:
    """Return the values of a suffix, 0 where it has none."""
    suffix = model.component(name)
    values = suffix if isinstance(suffix, pyo.Suffix) else pyo.ComponentMap()
    return np.array([values.get(component, 0.0) for component in components])
