"""Who decides: solvers for any Pyomo model, closed forms for the mechanisms, and the certificate of every result.

Modules: `configuration` (how a solver is asked for), `translate` (a model as arrays), `engines` (HiGHS, Ipopt, and any other that
Pyomo knows), `closed_form` (oracles, and solvers of their own for large cases), `planners` (plans by models of all parties),
`consensus` (the plan without anybody's model), `solution`, `certificate`, `sensitivity`, `packaging` (from arrays back to names).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyomo.common.gc_manager import PauseGC

from veridical.data.deprecated import moved
from veridical.models.expected_sales import written
from veridical.solvers.certificate import Certificate
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.engines import ENGINES, Engine, engine, installed
from veridical.solvers.solution import Duals, Solution, SolutionStatus, SolverRecord, Termination

__all__ = [
    "ENGINES",
    "Certificate",
    "Configuration",
    "Duals",
    "Engine",
    "Solution",
    "SolutionStatus",
    "SolverRecord",
    "Termination",
    "configure",
    "engine",
    "installed",
    "preferred_form",
    "solve",
]

__getattr__ = moved(__name__)


def solve(model: Any, solver: str | Path | Mapping[str, Any] | Configuration = "highs", *, check: bool = True) -> Solution:
    """Solve any Pyomo model that the solver can take; load values into it; return a certified solution.

    `solver` is a name, a table, or the path of a TOML file. Expected sales in the model are rewritten in the form that
    suits the solver, or in the configuration's `form`. Where the model has an importing Suffix `dual` or `rc`, it is filled.
    Without `check` the solution is returned as it is, for a caller who holds it against more than its certificate.

    Raises InputError for input that cannot be used, NotSolvedError for an infeasible or unbounded model or a limit reached,
    CertificateError for a result that does not pass its certificate.
    """
    configuration = configure(solver)
    chosen = _engine(configuration)
    for sales in written(model):
        sales.write(preferred_form(sales.demand.forms, configuration))
    with PauseGC():  # expressions are one large web of objects: collecting in between only costs time
        solution = chosen.solve(model, configuration)
    return solution.checked(gap=configuration.tolerance) if check else solution


def preferred_form(forms: tuple[str, ...], configuration: Configuration) -> str:
    """Return the form asked for, or of the forms that a demand distribution has the one that suits the solver best."""
    common = [form for form in _engine(configuration).FORMS if form in forms]
    if configuration.form not in ("auto", *common):
        allowed = f"for {configuration.solver} and this demand one of auto, {', '.join(common)}"
        raise configuration.refuse("form", configuration.form, allowed)
    return str(common[0]) if configuration.form == "auto" else configuration.form


def _engine(configuration: Configuration) -> Engine:
    if configuration.solver == "closed_form":
        raise configuration.refuse("solver", "closed_form", "a solver for models; closed forms start from a case")
    return engine(configuration.solver)
