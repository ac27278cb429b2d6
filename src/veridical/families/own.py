"""A kind of case of the user's own: a record for its files, and functions that return models on which truth is declared."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from veridical import contracts, solvers
from veridical.contracts import Audit, DirectMechanism, MechanismAudit
from veridical.contracts.direct_mechanism_audit import audit_table
from veridical.data import InputError
from veridical.data.case_record import CaseRecord
from veridical.data.lazy import lazy
from veridical.data.load import KINDS
from veridical.data.progress import step
from veridical.data.record import check
from veridical.data.sources import Source
from veridical.families.family import Family, Mechanism, Parameter, Route, Task, always
from veridical.families.registry import FAMILIES, register, unregister
from veridical.models.info import info_of
from veridical.solvers import Solution

if TYPE_CHECKING:
    from veridical.families import own_tables as tables
else:
    tables = lazy("veridical.families.own_tables")

__all__ = ["add_kind"]

Build = Callable[..., Any]


class OwnKind(Family):
    """A kind that may be added again."""


def add_kind(
    case: type[CaseRecord],
    models: Mapping[str, Build],
    *,
    benchmark: str | None = None,
    solver: str = "highs",
    sources: Sequence[Source] = (),
    commands: Mapping[str, Callable[..., None]] | None = None,
) -> Family:
    """Make a kind of case of your own known to `load`, `solve`, `compare`, `audit` and the command line.

    Parameters
    ----------
    case
        The record of its case files, with `kind: Literal["..."] = "..."`. The same kind may be added again: a cell of a notebook
        is run twice.
    models
        By mechanism, the first the one that is taken where none is named: a function that takes a case and returns a Pyomo model
        with `truthful` declared on it. Its other arguments are parameters of the mechanism, as `vd.solve(case, k=3)` gives them,
        and the first line of its docstring says what it is.
    benchmark
        The mechanism that comparisons give shares of.
    solver
        Who solves these models where nobody is asked for.
    sources
        The works that the mechanisms are from (`veridical.data.sources.Source`): what `vd.cite` names.
    commands
        Of the command line, by name: functions as Typer takes them.

    Returns
    -------
    Family
        What was registered; `vd.families.unregister` forgets it.

    Raises
    ------
    InputError
        For a kind or the name of a mechanism that is taken, and a benchmark that is none of the models.

    Examples
    --------
    >>> from typing import Literal
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> class Sale(vd.data.CaseRecord):
    ...     kind: Literal["sale"] = "sale"
    ...     values: vd.data.Numbers
    >>> def best_price(case):
    ...     types = vd.TypeSpace({"buyer": case.values})
    ...     m = pyo.ConcreteModel()
    ...     m.sold, m.price = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.profiles)
    ...     vd.truthful(m, types, lambda m, agent, theta, reports: theta * m.sold[reports] - m.price[reports])
    ...     m.revenue = pyo.Objective(expr=types.expectation(lambda reports: m.price[reports]), sense=pyo.maximize)
    ...     return m
    >>> family = vd.add_kind(Sale, {"best_price": best_price})
    >>> round(vd.solve(Sale(values=[1.0, 2.0, 3.0])).objective, 6)
    1.333333
    >>> vd.families.unregister(family)
    """
    kind = case.model_fields["kind"].default
    if not isinstance(kind, str):
        raise InputError.of("kind", f"<{case.__name__}>", 'a record with `kind: Literal["..."] = "..."`')
    if benchmark is not None and benchmark not in models:
        raise InputError.of("benchmark", benchmark, f"one of {', '.join(models)}")
    old = next((family for family in FAMILIES.values() if family.kind == kind), None)
    if kind in KINDS and not isinstance(old, OwnKind):
        raise InputError.of("kind", kind, "a word that no other kind of case has")
    family = OwnKind(
        kind=kind,
        case=case,
        mechanisms=tuple(_mechanism(case, name, build, solver, tuple(sources)) for name, build in models.items()),
        defaults=tuple(models)[:1],
        fields=tuple(case.model_fields),
        summary=lambda solution: tables.summary(solution),
        memo=lambda solution: tables.memo(solution),
        compared=lambda case, frame: tables.compared(case, frame),
        columns=_columns,
        drawn={"profit": "objective", "max_regret": "largest regret", "min_rent": "least rent"},
        benchmark=benchmark,
        audit=partial(_audit, next(iter(models.values()))),
        offered=lambda name, audit: tables.offered(name, audit),
        commands=commands or {},
        write=DirectMechanism.save,
        read=lambda raw, file, folder: check(case, {"name": Path(file).stem, **raw}, file, {"folder": folder}),
    )
    if old is not None:
        unregister(old)
    try:
        register(family)
    except InputError:
        if old is not None:
            register(old)
        raise
    return family


def _mechanism(case: type[CaseRecord], name: str, build: Build, solver: str, sources: tuple[Source, ...]) -> Mechanism:
    """Return the mechanism that a function which builds a model is."""

    def way(case: Any, form: str = "auto", **parameters: Any) -> Any:
        return build(case, **parameters)

    hints, (_, *arguments) = get_type_hints(build), inspect.signature(build).parameters
    allowed = {argument: hints.get(argument, object) for argument in arguments}
    declared = {argument: Parameter(get_args(hint) or (hint,)) for argument, hint in allowed.items()}
    summary = (inspect.getdoc(build) or name).splitlines()[0]
    routes = (Route("model", _solve, way),)
    return Mechanism(name, case, summary, routes, always(), solver=lambda case: solver, declared=declared, sources=sources)


def _solve(task: Task) -> Solution:
    """Return the certified solution of a model; what was declared on it and does not hold is among its warnings."""
    assert task.route.way is not None
    assert task.configuration is not None
    began = perf_counter()
    with step(f"build {task.mechanism.name}"):
        model = task.route.way(task.case, **task.parameters)
    built = perf_counter() - began
    solution = solvers.solve(model, task.configuration)
    record = replace(solution.solver, seconds=replace(solution.solver.seconds, build=built))
    names = {"case": task.case.name, "mechanism": task.mechanism.name, "parameters": task.parameters}
    return replace(solution, solver=record, **names)


def _audit(build: Build, case: Any, offer: Any) -> Audit:
    """Return the audit of a mechanism, or of a table, by what is declared on the kind's own model."""
    if isinstance(offer, DirectMechanism):
        return contracts.audit(offer)
    declared: Any = info_of(build(case)).contracts
    if declared is None or len(declared.promises) != 1:
        allowed = "a kind whose first model declares `truthful` once: its utility is what a table is judged by"
        raise InputError.of("menu", "<a table>", allowed, case.name)
    (one,), (utility,) = declared.promises, declared.utilities
    held_to = one.incentive, one.participation, one.outside_option
    return audit_table(declared.types, utility, offer, *held_to, interdependent=one.interdependent)


def _columns(solution: Solution, best: float) -> dict[str, Any]:
    checked = solution.audit
    regret, rent = (checked.max_regret, checked.min_rent) if isinstance(checked, MechanismAudit) else (float("nan"),) * 2
    share = solution.objective / best if best else float("nan")
    return {"share_of_benchmark": share, "max_regret": regret, "min_rent": rent}
