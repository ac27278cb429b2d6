"""From a case to a certified answer: build, solve, compare, audit."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from pyomo.common.gc_manager import PauseGC

from veridical import models, solvers
from veridical.data import AssemblerCase, ContinuousCase, InputError, Menu
from veridical.data.assembler import label
from veridical.data.continuous import refuse_continuous
from veridical.data.fields import check
from veridical.data.load import Case
from veridical.mechanisms import find, fitting
from veridical.solvers import Audit, Configuration, Solution, closed_form

__all__ = ["audit", "build", "compare", "one_sided", "solve"]

TRUTHFUL = {"always": "dominant_strategy_ic", "in expectation": "bayesian_ic"}


def build(case: Case, mechanism: str | None = None, form: str = "auto", **parameters: Any) -> Any:
    """Return the Pyomo model of a mechanism for a case: edit it, write it, solve it.

    `form` is how expected sales are written; `parameters` are the mechanism's own (`feasibility=False`, ...).
    """
    chosen = find(case, mechanism)
    return chosen.build(case, form=form, **chosen.check(case, parameters))


def solve(
    case: Case,
    mechanism: str | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration = "highs",
    **parameters: Any,
) -> Solution:
    """Solve a case under a mechanism (the kind's own where none is named) and return a certified solution.

    `solver` is `closed_form`, a solver's name, a table, or the path of a TOML file.
    Raises InputError for input that cannot be used, NotSolvedError where there is no optimum, CertificateError where a
    result fails its certificate or what its mechanism promises (no misreport gains, nobody truthful loses).
    """
    chosen = find(case, mechanism)
    configuration = solvers.configure(solver)
    parameters = chosen.check(case, parameters)
    if configuration.solver == "closed_form":
        if chosen.closed_form is None:
            raise InputError.of("solver", "closed_form", f"a solver for models: {chosen.name} has no closed form")
        known = [name for name in chosen.parameters if name in inspect.signature(chosen.closed_form).parameters]
        for name, value in parameters.items():
            if name not in known:
                raise InputError.of(name, value, f"with solver closed_form {', '.join(known) or 'no parameters'}")
        if isinstance(case, ContinuousCase):
            solution = closed_form.solve_continuous(case, configuration, version("veridical"), **parameters)
        else:
            solution = closed_form.solve(case, chosen.name, chosen.closed_form, configuration, version("veridical"), **parameters)
    else:
        if "points" in chosen.parameters:  # said with the result, which they decide
            parameters = {"points": models.continuous.POINTS, **parameters}
        with PauseGC():  # the model is one large web of objects: collecting in between only costs time
            began = perf_counter()
            form = solvers.preferred_form(case.demand.forms, configuration)
            model = build(case, chosen.name, form, **parameters)
            built = perf_counter() - began
            solution = solvers.solve(model, configuration)
        record = replace(solution.solver, seconds=replace(solution.solver.seconds, build=built))
        solution = replace(solution, solver=record)
    promises = chosen.promises(**parameters)
    audited = None if solution.audit is None else solution.audit.held_to(promises)
    return replace(solution, audit=audited, parameters=parameters).checked(promises, configuration.tolerance)


def compare(
    case: Case,
    mechanisms: Iterable[str] | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration = "highs",
    **parameters: Any,
) -> pd.DataFrame:
    """Solve a case under several mechanisms, all that fit case and solver where none are named; one row each.

    `parameters` go to the mechanisms that have them (`k=3` to `hybrid`). Columns: parameters, profit, share_of_first_best,
    expected_rents (all suppliers together), max_regret and min_rent (in expectation for `bic`), balanced, truthful (`always`,
    `in expectation`, `no`), seconds.
    """
    find(case, None)  # a case of a kind that has mechanisms
    direct = solvers.configure(solver).solver == "closed_form"
    names = list(mechanisms or (name for name, each in fitting(case).items() if each.closed_form or not direct))
    known = {name for each in names for name in find(case, each).parameters}
    for name, value in parameters.items():
        if name not in known:
            raise InputError.of(name, value, f"one of {', '.join(sorted(known)) or 'no parameters'}")
    best = solve(case, "first_best", solver).objective if "first_best" in fitting(case) else float("nan")
    rows = {}
    for name in names:
        own = {key: value for key, value in parameters.items() if key in find(case, name).parameters}
        solution = solve(case, name, solver, **own)
        contracts, checked = solution.contracts, solution.audit
        assert checked is not None
        rents = float("nan")
        if contracts is not None and solution.rule is None:
            rents = sum(float((contracts.case.probability * contracts.rent(i)).sum()) for i in range(len(contracts.case.names)))
        truthful = (word for word, kind in TRUTHFUL.items() if kind in checked.findings and checked.findings[kind].holds)
        rows[name] = {
            "parameters": ", ".join(f"{key}={value}" for key, value in solution.parameters.items()),
            "profit": solution.objective,
            "share_of_first_best": solution.objective / best if best > 0 else float("nan"),
            "expected_rents": rents,
            "max_regret": checked.max_regret,
            "min_rent": checked.min_rent,
            "balanced": checked.balanced,
            "truthful": next(truthful, "no"),
            "seconds": solution.solver.seconds.total,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("mechanism")


def one_sided(
    case: Case,
    parameter: str,
    mechanism: str | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration = "highs",
    step: float = 1e-4,
    **parameters: Any,
) -> tuple[float, float]:
    """Return the left and the right derivative of the optimal profit in `price` or `cost NAME=COST`.

    `solution.sensitivity` gives one number; where the profit has a kink (pooled profiles, demand points) it lies between
    these two. By solving again at -step and +step, relative to the parameter; exact where profit is piecewise linear.
    Raises InputError for another name.
    """
    costs = case.suppliers if isinstance(case, AssemblerCase) else ()
    names = {f"cost {s.name}={label(cost)}": (i, k) for i, s in enumerate(costs) for k, cost in enumerate(s.costs)}
    if parameter != "price" and parameter not in names:
        raise InputError.of("parameter", parameter, f"one of price, {', '.join(names)}" if names else "price")

    def moved(change: float) -> float:
        raw = case.model_dump()
        if parameter == "price":
            raw["price"] += change
        else:
            i, k = names[parameter]
            own = list(raw["suppliers"][i]["costs"])
            own[k] += change
            raw["suppliers"][i]["costs"] = own
        return solve(check(type(case), raw), mechanism, solver, **parameters).objective

    value = case.price
    if parameter in names:
        i, k = names[parameter]
        value = costs[i].costs[k]
    change = step * value
    here = moved(0.0)
    return (here - moved(-change)) / change, (moved(change) - here) / change


def audit(case: AssemblerCase, menu: Menu | pd.DataFrame | str | Path) -> Audit:
    """Audit a contract menu, anybody's: a Menu, a table laid out as `solution.menu`, or a CSV file.

    Says who would misreport, as what, and for how much; who would lose by the truth; and what the assembler earns.
    """
    refuse_continuous(case)
    if isinstance(menu, pd.DataFrame):
        menu = Menu.from_frame(case, menu)
    elif not isinstance(menu, Menu):
        menu = Menu.read_csv(case, menu)
    return solvers.audit(menu)
