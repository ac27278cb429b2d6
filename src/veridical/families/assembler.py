"""The assembler, whose suppliers' costs can be listed: contract menus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from veridical import contracts, models
from veridical.contracts import Audit, Menu
from veridical.data import AssemblerCase
from veridical.data.assembler import label
from veridical.families import assembler_tables as tables
from veridical.families.family import Family, Mechanism, Number, Promises, Route, Task, always
from veridical.families.routes import by_formula, by_model
from veridical.solvers import Solution, preferred_form
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw
from veridical.studies.figures import assembler as figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BALANCED", "FAMILY", "columns", "model", "picture", "price"]

TRUTHFUL = always("dominant_strategy_ic", "ex_post_ir")
BALANCED = always("dominant_strategy_ic", "ex_post_ir", "balanced")


def model(task: Task) -> Solution:
    """Solve the model, with expected sales in the form that suits demand and solver."""
    assert task.configuration is not None
    return by_model(task, preferred_form(task.case.demand.forms, task.configuration))


def hybrid(balanced: bool = False, **parameters: Any) -> tuple[str, ...]:
    """Return what the hybrid promises."""
    return BALANCED() if balanced else TRUTHFUL()


def bic(participation: str = "interim", **parameters: Any) -> tuple[str, ...]:
    """Return what a Bayesian menu promises."""
    return "bayesian_ic", f"{participation}_ir"


def widest(case: AssemblerCase, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with `k`, which follows from the case where nobody says it."""
    return {**parameters, "k": len(case.widest(parameters.get("k")))}


def mechanism(
    name: str, summary: str, build: Callable[..., Any], formula: Callable[..., Any] | None, promises: Promises, **others: Any
) -> Mechanism:
    """Return a mechanism that has a model, and perhaps a closed form."""
    routes = [Route("model", model, build)]
    routes += [Route("closed_form", by_formula, formula, "closed_form")] if formula is not None else []
    return Mechanism(name, AssemblerCase, summary, tuple(routes), promises, **others)


MECHANISMS = (
    mechanism(
        "naive", "one quantity, everybody paid his highest cost", models.naive.build, closed.naive, always(*BALANCED(), "budget")
    ),
    mechanism("frw", "contracts that answer to a supplier's own cost alone", models.frw.build, frw, TRUTHFUL),
    mechanism(
        "hybrid",
        "quantities answer to the k suppliers with the widest range of costs",
        models.hybrid.build,
        closed.hybrid,
        hybrid,
        complete=widest,
    ),
    mechanism(
        "icds_balanced",
        "as icds, the same quantity of every component",
        models.icds_balanced.build,
        closed.icds_balanced,
        BALANCED,
    ),
    mechanism("icds", "truthful in dominant strategies", models.icds.build, closed.icds, TRUTHFUL),
    mechanism("bic", "truthful in expectation, if the others tell the truth", models.bic.build, None, bic),
    mechanism(
        "first_best",
        "costs known to the assembler: a benchmark that nobody can run",
        models.first_best.build,
        closed.first_best,
        always("ex_post_ir"),
    ),
)


def columns(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison; rents where the menu lists all profiles."""
    menu, checked = solution.contracts, solution.audit
    assert checked is not None
    rents = float("nan")
    if menu is not None and solution.rule is None:
        rents = sum(float((menu.case.probability * menu.rent(i)).sum()) for i in range(len(menu.case.names)))
    return {
        "share_of_first_best": solution.objective / best if best > 0 else float("nan"),
        "expected_rents": rents,
        "max_regret": checked.max_regret,
        "min_rent": checked.min_rent,
        "balanced": checked.balanced,
    }


def audit(case: AssemblerCase, offer: Menu | pd.DataFrame | str | Path) -> Audit:
    """Return the audit of a menu, one laid out as `solution.menu`, or a CSV file."""
    if isinstance(offer, pd.DataFrame):
        return contracts.audit(Menu.from_frame(case, offer))
    return contracts.audit(offer if isinstance(offer, Menu) else Menu.read_csv(case, str(offer)))


def price(case: Any) -> dict[str, Number]:
    """Return the price, as derivatives are taken in it."""
    return {"price": Number(case.price, lambda value: {"price": value})}


def numbers(case: AssemblerCase) -> dict[str, Number]:
    """Return the price and every cost, as derivatives are taken in them."""
    found = price(case)
    for i, supplier in enumerate(case.suppliers):
        for k, cost in enumerate(supplier.costs):

            def changes(value: float, i: int = i, k: int = k, costs: tuple[float, ...] = supplier.costs) -> dict[str, Any]:
                return {f"suppliers.{i}.costs": [*costs[:k], value, *costs[k + 1 :]]}

            found[f"cost {supplier.name}={label(cost)}"] = Number(cost, changes)
    return found


def picture(solution: Solution) -> Figure:
    """Return the figure of a contract menu."""
    return figures.contract_menu(solution)


def write(menu: Menu, path: str) -> None:
    """Write a menu as CSV."""
    menu.to_csv(path)


FAMILY = Family(
    kind="assembler",
    case=AssemblerCase,
    mechanisms=MECHANISMS,
    defaults=("icds",),
    fields=tuple(AssemblerCase.model_fields),
    summary=tables.summary,
    compared=tables.compared,
    columns=columns,
    benchmark="first_best",
    audit=audit,
    offered=tables.offered,
    picture=picture,
    write=write,
    numbers=numbers,
)
