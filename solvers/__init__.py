"""Solvers for any Pyomo model, closed forms for the mechanisms, and the certificate of every result.

Modules: `configuration` (the choice of a solver and its settings), `translate` (a model as arrays), `engines` (HiGHS, Ipopt and
Pyomo's other solvers), `closed_form` (formulas that solve large cases and test the models), `planners` (plans by models of all
parties), `consensus` (a plan without a model of all parties), `solution`, `certificate`, `sensitivity` and `packaging` (from
arrays back to names).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pyomo.common.gc_manager import PauseGC

from veridical.data.deprecated import moved
from veridical.data.progress import step
from veridical.models.expected_sales import written
from veridical.models.info import info_of
from veridical.solvers.certificate import Certificate
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.engines import ENGINES, Engine, engine, installed
from veridical.solvers.solution import CaseSolution, Duals, Solution, SolutionStatus, SolverRecord, Termination
from veridical.solvers.translate.components import refuse_no_model

__all__ = ["CaseSolution", "Certificate", "Configuration", "Duals", "Solution", "SolutionStatus", "SolverRecord", "Termination"]
__all__ += ["ENGINES", "Engine", "configure", "engine", "installed", "preferred_form", "solve"]

_moved = moved(__name__)


def __getattr__(name: str) -> Any:
    """Import a package when it is first used: who solves models centrally needs nothing of the consensus."""
    return import_module(f"{__name__}.{name}") if name in ("closed_form", "consensus", "planners") else _moved(name)


def solve(
    model: Any,
    solver: str | Path | Mapping[str, Any] | Configuration = "highs",
    *,
    check: bool = True,
    allow_files: bool = False,
) -> Solution:
    """Solve a Pyomo model, load the values into it, and return a certified solution.

    Parameters
    ----------
    model
        Any Pyomo model that the solver takes. Its expected sales are rewritten in the form that suits the solver, or in the
        configuration's `form`; importing Suffixes `dual` and `rc` are filled.
    solver
        A solver's name, a table of settings, or the path of a TOML file.
    check
        Whether a solution that fails its certificate is an error. Without it the caller has to check the solution.
    allow_files
        Whether options of the solver may name files that it reads or writes.

    Returns
    -------
    Solution
        The values are also in the model.

    Raises
    ------
    InputError
        For a solver, a setting or a model that cannot be used.
    NotSolvedError
        For an infeasible or unbounded model, and where a limit was reached.
    CertificateError
        For a result that does not pass its certificate.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> model = pyo.ConcreteModel()
    >>> model.x = pyo.Var(bounds=(0, None))
    >>> model.limit = pyo.Constraint(expr=2 * model.x <= 5)
    >>> model.value = pyo.Objective(expr=3 * model.x, sense=pyo.maximize)
    >>> solution = solve(model, {"solver": "highs", "time_limit": 10})
    >>> round(solution.objective, 6), round(float(solution.duals["limit"].iloc[0]), 6)
    (7.5, 1.5)
    """
    refuse_no_model(model)
    configuration = configure(solver, allow_files=allow_files)
    chosen = _engine(configuration)
    if configuration.starts > 1 and "starts" not in chosen.ABILITIES:
        allowed = f"1: {configuration.solver} does not depend on where it starts, or chooses that by itself"
        raise configuration.error_for("starts", configuration.starts, allowed)
    if (refresh := info_of(model).refresh) is not None:
        refresh(model)
    for sales in written(model):
        sales.write(preferred_form(sales.demand.forms, configuration))
    with PauseGC(), step(f"solve {model.name} by {configuration.solver}"):  # expressions are a web: collecting only costs time
        solution = chosen.solve(model, configuration)
    return solution.checked(gap=configuration.tolerance) if check else solution


def preferred_form(forms: tuple[str, ...], configuration: Configuration) -> str:
    """Return the form in which a solver is given expected sales.

    Parameters
    ----------
    forms
        The forms that the demand distribution has.
    configuration
        The solver, and its `form`: one of them, or `auto`.

    Returns
    -------
    str
        The configuration's form; for `auto` the one that suits the solver best.

    Raises
    ------
    InputError
        For a form that the demand or the solver does not have.

    Examples
    --------
    >>> preferred_form(("quadratic", "tangent", "smooth"), configure("ipopt"))
    'quadratic'
    """
    common = [form for form in _engine(configuration).FORMS if form in forms]
    if not common:
        allowed = f"for what is written in the form {', '.join(forms)} a solver that takes it: highs"
        raise configuration.error_for("solver", configuration.solver, allowed)
    if configuration.form not in ("auto", *common):
        allowed = f"for {configuration.solver} and this demand one of auto, {', '.join(common)}"
        raise configuration.error_for("form", configuration.form, allowed)
    return str(common[0]) if configuration.form == "auto" else configuration.form


def _engine(configuration: Configuration) -> Engine:
    if configuration.solver == "closed_form":
        raise configuration.error_for("solver", "closed_form", "a solver for models; closed forms start from a case")
    return engine(configuration.solver)
