"""Ipopt from the wheel `cyipopt-wheels`: nonlinear models with exact derivatives, without ASL and without an executable."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.configuration import Configuration
from veridical.solvers.engines.conflict import conflict, violated
from veridical.solvers.packaging import certified, package_solution
from veridical.solvers.solution import Seconds, Solution, Termination
from veridical.solvers.translate.nlp import SmoothNLP
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["ABILITIES", "FORMS", "MISSING", "available", "solve", "version"]

ABILITIES = ("LP", "QP", "NLP", "duals")
FORMS = ("quadratic", "smooth", "linear")  # best first
DEFAULTS: Mapping[str, Any] = {
    "sb": "yes",
    "print_level": 0,
    "bound_relax_factor": 0.0,  # the default relaxes bounds, and objectives come out slightly too good
}
FAST: Mapping[str, Any] = {"mumps_pivot_order": 4, "mumps_scaling": 0}  # halve the time of MUMPS on the models here
# MUMPS's own choices detect singular systems better: for models whose inequalities have no interior (a contract that must not
# depend on a report), tried where the fast options do not converge to a certificate.
CAREFUL: Mapping[str, Any] = {"mumps_pivot_order": 7, "mumps_scaling": 77}
MISSING = "Ipopt is not installed: `pip install cyipopt-wheels` (wheels for CPython 3.10 to 3.13 on Linux)"
DAMPING = 1e-8  # against drift where optima are not bounded: payments that count in expectation alone
TERMINATIONS = {
    0: Termination.CONVERGED,
    1: Termination.CONVERGED,  # to the acceptable level: the certificate judges it
    2: Termination.INFEASIBLE,
    4: Termination.UNBOUNDED,
    -1: Termination.ITERATION_LIMIT,
    -4: Termination.TIME_LIMIT,
    -5: Termination.TIME_LIMIT,
}


def available() -> bool:
    """Whether the wheel with Ipopt inside is installed."""
    return importlib.util.find_spec("cyipopt") is not None


def version() -> str:
    """Return the version of Ipopt inside the wheel."""
    return ".".join(map(str, importlib.import_module("cyipopt").IPOPT_VERSION))


def solve(model: Any, configuration: Configuration) -> Solution:
    """Solve a Pyomo model, load the values into it and return the solution with its certificate.

    Starts from the variables' values where they have any. With the option `warm_start_init_point = "yes"` the multipliers
    start from the model's suffixes `dual`, `ipopt_zL_in` and `ipopt_zU_in`, as Pyomo users know them; `ipopt_zL_out` and
    `ipopt_zU_out` are filled where the model has them.
    Raises InputError for what is not smooth, NotSolvedError where there is no optimum to return.
    """
    if not available():
        raise configuration.error_for("solver", "ipopt", f"a solver that is installed; {MISSING}")
    from pyomo.contrib.pynumero.interfaces.cyipopt_interface import CyIpoptNLP

    began = perf_counter()
    form = compile_model(model, nonlinear=True)
    if form.integer.any():
        name = form.variables[int(np.argmax(form.integer))].name
        raise InputError.of(name, "<an integer variable>", "continuous variables (ipopt takes no others)", model.name)
    warm = configuration.options.get("warm_start_init_point") == "yes"
    nlp = SmoothNLP(form, _start(form), -form.sense * _suffix(model, "dual", form.constraints) if warm else None, DAMPING)
    if not form.variables:  # all is fixed: Ipopt takes no such problem
        seconds = Seconds(0.0, perf_counter() - began)
        point = certified(model, form, np.zeros(0), np.zeros(len(form.constraints)))
        return package_solution(model, form, point, ("ipopt", version()), {}, seconds)
    multipliers = {"lagrange": nlp.init_duals()} if warm else {}
    if warm:
        multipliers["zl"] = _suffix(model, "ipopt_zL_in", form.variables)
        multipliers["zu"] = -_suffix(model, "ipopt_zU_in", form.variables)
    translated = perf_counter()
    ways = [FAST] if configuration.options.keys() & FAST.keys() else [FAST, CAREFUL]
    for way in ways:
        problem = CyIpoptNLP(nlp)
        effective = _set_options(problem, form, configuration, way, perf_counter() - translated)
        x, info = problem.solve(nlp.init_primals(), **multipliers)
        seconds = Seconds(0.0, translated - began, perf_counter() - translated)
        termination = TERMINATIONS.get(info["status"], Termination.FAILED)
        last = way is ways[-1] or termination in (Termination.INFEASIBLE, Termination.TIME_LIMIT)
        if termination is Termination.CONVERGED:
            point = certified(model, form, np.array(x), -np.array(info["mult_g"]))
            last = last or point.certificate.within(configuration.tolerance)
        if last:
            break

    if termination is not Termination.CONVERGED:
        message = info["status_msg"]
        message = message.decode() if isinstance(message, bytes) else str(message)
        why = (conflict(form) if form.nonlinear is None else "") or violated(form, np.array(x))
        why = f"; {why}" if why and termination is Termination.INFEASIBLE else ""
        ended = f"Ipopt ended: {termination} ('{message.strip()}') after {seconds.solve:.3g} s"
        raise NotSolvedError(f"{model.name}: {ended}{why}", termination)
    for name, values in (("ipopt_zL_out", info["mult_x_L"]), ("ipopt_zU_out", -np.array(info["mult_x_U"]))):
        suffix = model.component(name)
        if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
            suffix.update(zip(form.variables, np.asarray(values).tolist(), strict=True))
    return package_solution(model, form, point, ("ipopt", version()), effective, seconds)


def _set_options(
    problem: Any, form: StandardForm, configuration: Configuration, way: Mapping[str, Any], spent: float
) -> dict[str, Any]:
    """Set the options on the problem and return those in effect; Ipopt refuses names and values that it does not know."""
    if configuration.threads not in (None, 1):
        raise configuration.error_for("threads", configuration.threads, "1: this Ipopt runs on one thread")
    effective = {**DEFAULTS, **way, "tol": min(configuration.tolerance, 1e-8) / 100}
    if form.nonlinear is None or not form.nonlinear.in_rows:  # linear constraints: their Jacobian is asked for once
        effective |= {"jac_c_constant": "yes", "jac_d_constant": "yes"}
    if configuration.time_limit is not None:
        effective["max_wall_time"] = max(configuration.time_limit - spent, 1e-3)
    effective |= configuration.options
    for name, value in effective.items():
        try:
            problem.add_option(name, value)
        except TypeError:
            raise configuration.error_for(f"options.{name}", value, "an option of Ipopt, with a value that it takes") from None
    return effective


def _start(form: StandardForm) -> Array:
    """Return the variables' values; where there are none, a point between the bounds, or as near to 0 as they allow."""
    values = np.array([math.nan if variable.value is None else variable.value for variable in form.variables], dtype=float)
    both = np.isfinite(form.low) & np.isfinite(form.high)
    middle = np.where(both, (np.where(both, form.low, 0) + np.where(both, form.high, 0)) / 2, np.clip(0, form.low, form.high))
    return np.where(np.isnan(values), middle, values)


def _suffix(model: Any, name: str, components: list[Any]) -> Array:
    """Return the values of a suffix, 0 where it has none."""
    suffix = model.component(name)
    values = suffix if isinstance(suffix, pyo.Suffix) else {}
    return np.array([values.get(component, 0.0) for component in components])
