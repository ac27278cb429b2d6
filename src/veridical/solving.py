"""From a case to a certified answer: build, solve, audit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyomo.common.gc_manager import PauseGC

from veridical import solvers
from veridical.contracts import Audit
from veridical.contracts.direct_mechanism_audit import audit_table
from veridical.data import CertificateError, InputError, NotSolvedError, VeridicalError
from veridical.data.deprecated import renamed
from veridical.data.measures import Measures, unrounded
from veridical.data.progress import step
from veridical.families import RESERVED, Mechanism, Task, family_of, find, resolve
from veridical.solvers import CaseSolution, Configuration, SolutionStatus
from veridical.solvers.kept import Keeper

__all__ = ["answer", "audit", "build", "one_sided_derivatives", "solve"]

LOG = logging.getLogger(__name__)

Solver = str | Path | Mapping[str, Any] | Configuration | None


def build(case: Any, mechanism: str | Mechanism | None = None, form: str = "auto", **parameters: Any) -> Any:
    """Return the Pyomo model of a mechanism for a case: edit it, write it, solve it.

    Parameters
    ----------
    case
        A case of any kind, as `load` and `example` return it.
    mechanism
        A name of `MECHANISMS`, or a mechanism of your own; the kind's own where none is named.
    form
        How expected sales are written: quadratic, linear, smooth, tangent or auto.
    parameters
        The mechanism's own (`feasibility=False`, ...).

    Returns
    -------
    A pyo.ConcreteModel.

    Raises
    ------
    InputError
        For a mechanism without a model, and parameters that it does not have.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.build(vd.example("two-suppliers"), "hybrid", k=1).name
    'hybrid'
    """
    chosen = find(case, mechanism)
    if chosen.build is None:
        raise InputError.of("mechanism", chosen.name, f"one that has a model: this one {chosen.modelless}", case.name)
    chosen.check(parameters)
    chosen.route(None).check(parameters)
    return chosen.build(case, form=form, **chosen.complete(case, parameters))


def solve(
    case: Any,
    mechanism: str | Mechanism | None = None,
    solver: Solver = None,
    callback: Callable[[Any], None] | None = None,
    *,
    allow_files: bool = False,
    **parameters: Any,
) -> CaseSolution:
    """Solve a case under a mechanism (the kind's own where none is named) and return a certified solution.

    Parameters
    ----------
    case
        A case of any kind, as `load` and `example` return it.
    mechanism
        A name of `MECHANISMS`, or a mechanism of your own.
    solver
        `closed_form`, a solver's name, a table, or the path of a TOML file; where none is named HiGHS, or Ipopt where revenues
        of retailers are no quadratic functions. For joint plans it may be `consensus`.
    callback
        Called after every round of a consensus, with what there is to say of it.
    allow_files
        Whether options of the solver may name files that it reads or writes.
    parameters
        Of the mechanism, by their names; and fields of the case: `price=31` solves `case.changed(price=31)`. Names with dots
        are given as `**{"demand.low": 50}`.

    Returns
    -------
    The Solution, whose certificate and audit have been checked.

    Raises
    ------
    InputError
        For input that cannot be used.
    NotSolvedError
        Where there is no optimum.
    CertificateError
        Where a result fails its certificate or what its mechanism promises (no misreport gains, nobody truthful loses).

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("two-suppliers")
    >>> round(vd.solve(case, "icds", "closed_form").objective, 2), round(vd.solve(case, price=31).objective, 2)
    (6965.0, 7388.71)
    """
    callback = renamed(parameters, "tell", "callback", callback)
    case, parameters = resolve(case, None if mechanism is None else [mechanism], parameters)
    configuration = None if solver is None else solvers.configure(solver, allow_files=allow_files)
    return answer(case, find(case, mechanism), configuration, callback, parameters)


def answer(
    case: Any,
    mechanism: Mechanism,
    solver: Solver = None,
    callback: Callable[[Any], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    kept: Keeper | None = None,
) -> CaseSolution:
    """Return the certified solution of a case under a mechanism that has been found, by the route that the solver asks for.

    `kept`: models of earlier solves, which may be used again.
    """
    given = dict(parameters or {})
    mechanism.check(given)
    given = mechanism.complete(case, given)

    def solved(solver: Solver) -> CaseSolution:
        configuration = None if solver is None else solvers.configure(solver)
        route = mechanism.route(None if configuration is None else configuration.solver, RESERVED, case.name)
        route.check(given)
        with PauseGC(), step(f"{mechanism.name} for {case.name}"):  # a model is one large web of objects, all of them in use
            solution = CaseSolution.of(route.solve(Task(case, mechanism, route, configuration, given, callback, kept)))
        LOG.info("%s for %s: %s, objective %.12g", mechanism.name, case.name, solution.status, solution.objective)
        LOG.debug("by %s %s: %s", solution.solver.name, solution.solver.version, solution.certificate)
        return solution

    if solver is not None or mechanism.otherwise is None:
        return solved(mechanism.solver(case) if solver is None else solver)
    try:
        solution, failure = solved(mechanism.solver(case)), None
    except (CertificateError, NotSolvedError) as error:
        solution, failure = None, error
    if solution is not None and solution.status is not SolutionStatus.LOCALLY_OPTIMAL:
        return solution
    with suppress(VeridicalError):  # the other way does not take these parameters, or comes to nothing either
        return solved(mechanism.otherwise)
    if failure is not None:
        raise failure
    assert solution is not None
    return solution


def one_sided_derivatives(
    case: Any,
    parameter: str,
    mechanism: str | Mechanism | None = None,
    solver: Solver = None,
    step: float = 1e-4,
    **parameters: Any,
) -> tuple[float, float]:
    """Return the left and the right derivative of the optimal profit in a number of the case.

    `solution.sensitivity` gives one number; where the profit has a kink (pooled profiles, demand points) it lies between these
    two. Found by solving again at -step and +step: exact where profit is piecewise linear. Menus are not rounded for it.

    Parameters
    ----------
    case
        A case of an assembler or of a supplier.
    parameter
        Of an assembler `price` or `cost NAME=COST`, of a supplier `capacity` or `capacity_cost`.
    mechanism, solver, parameters
        As in `solve`.
    step
        The change of the number, relative to it; of a number that is 0 the change itself.

    Returns
    -------
    Two derivatives, currency per unit of the number.

    Raises
    ------
    InputError
        For another name than those.

    Examples
    --------
    >>> import veridical as vd
    >>> left, right = vd.one_sided_derivatives(vd.example("two-suppliers"), "price", "icds", "closed_form")
    >>> left <= right
    True
    """
    case = unrounded(case)
    numbers = family_of(case).numbers(case)
    if parameter not in numbers:
        raise InputError.of("parameter", parameter, f"one of {', '.join(numbers)}")
    number = numbers[parameter]

    def optimum(value: float) -> float:
        return solve(case.changed(**number.changes(value)), mechanism, solver, **parameters).objective

    change = step * (number.value or 1.0)  # of a number that is 0 there is no part
    here = optimum(number.value)
    return (here - optimum(number.value - change)) / change, (optimum(number.value + change) - here) / change


def audit(case: Any, offer: Any, menu: Any = None, **promised: Any) -> Audit:
    """Audit what has been offered, by anybody: who would misreport, as what, and for how much; who would lose by the truth.

    Parameters
    ----------
    case
        The case that the offer is for; or a TypeSpace.
    offer
        Contracts, a menu laid out as `solution.menu`, or the path of a file as `solution.contracts.save` writes it (`.csv`,
        `.xlsx`, `.parquet`); for a TypeSpace the utility, as `truthful` takes
        it, by which the `menu` is judged.
    menu
        For a TypeSpace: a mechanism of any kind, as a table laid out as `solution.menu`, or the path of a CSV file.
    promised
        For a TypeSpace: `incentive`, `participation`, `outside_option`, `interdependent`, as in `truthful`.

    Returns
    -------
    The Audit, with the principal's expected profit.

    Raises
    ------
    InputError
        For an offer that cannot be read, or of another case.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("two-suppliers")
    >>> vd.audit(case, vd.solve(case, "icds", "closed_form").menu).truthful
    True
    """
    if menu is not None:
        return audit_table(case, offer, menu, **promised)
    found = family_of(case).audit(case, offer)
    return replace(found, measures=Measures.of(case).fitted(money=found.largest_payment))
