"""The assembler, whose suppliers' costs can be listed: contract menus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical import contracts
from veridical.contracts import Audit, Menu
from veridical.data import AssemblerCase
from veridical.data.lazy import lazy, pd
from veridical.families.bets import large_bets, within
from veridical.families.estimation import estimated, few, uneven
from veridical.families.family import Family, Mechanism, Number, Promises, Task, always
from veridical.families.rounding import ROUNDED, in_steps, refuse
from veridical.families.routes import by_formula, by_model, routes_of
from veridical.models import bic as bayesian
from veridical.models import icds_balanced
from veridical.solvers import Solution, preferred_form
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw

if TYPE_CHECKING:
    from veridical.families import assembler_tables as tables
    from veridical.studies.figures import assembler as figures
else:
    tables, figures = lazy("veridical.families.assembler_tables"), lazy("veridical.studies.figures.assembler")

__all__ = ["BALANCED", "FAMILY", "price"]

TRUTHFUL = always("dominant_strategy_ic", "ex_post_ir")
BALANCED = always("dominant_strategy_ic", "ex_post_ir", "balanced")


def model(task: Task) -> Solution:
    """Solve the model, with expected sales in the form that suits demand and solver."""
    assert task.configuration is not None
    refuse(task)
    return by_model(task, preferred_form(task.case.forms, task.configuration), partial(more, task, model))


def direct(task: Task) -> Solution:
    """Take the closed form."""
    refuse(task)
    return by_formula(task, partial(more, task, direct))


def more(task: Task, way: Callable[[Task], Solution], solution: Solution) -> dict[str, Any]:
    """Return the menu as the case rounds it; how a copula's prior was integrated, of the case as it was solved; and warnings."""
    solution = in_steps(task, solution)
    cases = (task.case, solution.contracts.case)
    prior = next((case.integration.to_dict() for case in cases if case.integration is not None), None)
    warnings = (*large_bets(task, solution), *few(task.case), *uneven(task.case))
    found = {"prior": prior, "ambiguity": near_prior(solution), "warnings": warnings}
    if solution.rounding is not None:
        found |= {name: getattr(solution, name) for name in ROUNDED}
    if not any(supplier.reports is not None for supplier in task.case.suppliers):
        return found
    return found | {"estimate": estimated(solution.contracts, lambda case: way(replace(task, case=case, kept=None)).contracts)}


def near_prior(solution: Solution) -> dict[str, Any] | None:
    """Return the worst prior within the radius, and what the menu earns under the given one; None without `ambiguity`.

    The worst prior is that of the optimum, under which no menu earns more (the duals of `worst_prior`); where there are no duals,
    one under which this menu earns the least.
    """
    menu = solution.contracts
    case = menu.case
    if case.ambiguity is None:
        return None
    names = map(case.in_words, np.ndindex(*case.shape))
    duals = solution.duals.get("worst_prior")
    worst = menu.worst_prior.ravel() if duals is None else np.maximum(duals.to_numpy(), 0.0)
    return {
        **case.ambiguity.model_dump(),
        "worst_prior": dict(zip(names, worst.tolist(), strict=True)),
        "profit_at_prior": float((case.probability * menu.profit).sum()),
    }


def together(balanced: bool = False, coalitions: bool = False, **parameters: Any) -> tuple[str, ...]:
    """Return what `icds` and the hybrid promise: truth one by one, and together where that is asked for."""
    alone = BALANCED() if balanced else TRUTHFUL()
    return (*alone, "coalition_ic_with_side_payments") if coalitions else alone


def one_contract(case: AssemblerCase | None = None, **parameters: Any) -> tuple[str, ...]:
    """Return what the naive mechanism promises.

    Balanced orders where none is rounded or has rules, and yields are sure; within budget where neither lost sales cost nor
    suppliers earn elsewhere.
    """
    free = case is None or not (case.random_yields or case.round_units or any(supplier.rules for supplier in case.suppliers))
    owed = case is not None and any(product.shortage_penalty > 0 for product in case.products or (case,))
    owed = owed or (case is not None and any(any(supplier.reservations) for supplier in case.suppliers))
    return (*(BALANCED() if free else TRUTHFUL()), *(() if owed else ("budget",)))


def bic(participation: str = "interim", **parameters: Any) -> tuple[str, ...]:
    """Return what a Bayesian menu promises."""
    return "bayesian_ic", f"{participation}_ir"


def widest(case: AssemblerCase, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with `k`, which follows from the case where nobody says it."""
    return {**parameters, "k": len(case.widest(parameters.get("k")))}


def mechanism(
    name: str,
    summary: str,
    promises: Promises,
    formula: Callable[..., Any] | None = None,
    by: Callable[[Task], Solution] = model,
    **others: Any,
) -> Mechanism:
    """Return the mechanism whose model has the same name and is solved `by` a way, with a closed form where it has one."""
    from_paper: dict[str, Any] = {"sources": (PAPER,), **others}
    return Mechanism(name, AssemblerCase, summary, routes_of(name, by, formula, direct), promises, **from_paper)


PAPER = "icds"
WIDEST = "quantities answer to the k suppliers with the widest range of costs"
IN_PROPORTION = "as icds, the same quantity of every component"
FULL_INFORMATION = "costs known to the assembler: a benchmark that nobody can run"
MECHANISMS = (
    mechanism("naive", "one quantity, everybody paid his highest cost", one_contract, closed.naive),
    mechanism("frw", "contracts that answer to a supplier's own cost alone", TRUTHFUL, frw, sources=("fang2014", PAPER)),
    mechanism("hybrid", WIDEST, together, closed.hybrid, complete=widest),
    mechanism("icds_balanced", IN_PROPORTION, BALANCED, closed.icds_balanced, refuse=icds_balanced.refuse),
    mechanism("icds", "truthful in dominant strategies", together, closed.icds),
    mechanism(
        "bic",
        "truthful in expectation, if the others tell the truth",
        bic,
        by=partial(within, solve=model),
        refuse=bayesian.refuse,
        sources=(PAPER, "cremer1988"),
    ),
    mechanism("first_best", FULL_INFORMATION, always("ex_post_ir"), closed.first_best),
)


def columns(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison; rents where the menu lists all profiles."""
    menu, checked = solution.contracts, solution.audit
    assert checked is not None
    rents = float("nan")
    if menu is not None and solution.rule is None:
        rents = sum(float((menu.case.probability * menu.rent(i)).sum()) for i in range(len(menu.case.names)))
    return {
        **({} if solution.rounding is None else {"rounding_loss": solution.rounding["loss"]}),
        "share_of_first_best": solution.objective / best if best > 0 else float("nan"),
        "expected_rents": rents,
        "max_regret": checked.max_regret,
        "min_rent": checked.min_rent,
        "balanced": checked.balanced,
    }


def audit(case: AssemblerCase, offer: Menu | pd.DataFrame | str | Path) -> Audit:
    """Return the audit of a menu, one laid out as `solution.menu`, or a file of one."""
    if isinstance(offer, pd.DataFrame):
        return contracts.audit(Menu.from_frame(case, offer))
    return contracts.audit(offer if isinstance(offer, Menu) else Menu.read(case, str(offer)))


def price(case: Any) -> dict[str, Number]:
    """Return the price, and what the case says of salvage, lost sales and assembling, as derivatives are taken in them."""
    return {name: Number.field(case, name) for name in ("price", *case.terms)}


def numbers(case: AssemblerCase) -> dict[str, Number]:
    """Return prices, costs, bills of materials, yields, capacities and the like, as derivatives are taken in them."""

    def with_cost(i: int, k: int, value: float) -> dict[str, Any]:
        costs = case.suppliers[i].costs
        return {f"suppliers.{i}.costs": [*costs[:k], value, *costs[k + 1 :]]}

    def with_reservation(i: int, k: int, value: float) -> dict[str, Any]:
        given = case.suppliers[i].reservation_profit
        profit = [*given[:k], value, *given[k + 1 :]] if isinstance(given, tuple) else value
        return {f"suppliers.{i}.reservation_profit": profit}

    def with_share(i: int, k: int, value: float) -> dict[str, Any]:
        shares = case.suppliers[i].usable.values
        return {f"suppliers.{i}.yield.values": [*shares[:k], value, *shares[k + 1 :]]}

    def with_number(i: int, name: str, value: float) -> dict[str, Any]:
        return {f"suppliers.{i}.{name}": value}

    def with_name(name: str, value: float) -> dict[str, Any]:
        return {name: value}

    found = price(case) if case.products is None else {}
    if case.products is not None:
        found = {name: Number(value, partial(with_name, name)) for name, value in case.sale_numbers.items()}
        for product in case.products:
            for component, each in product.units.items():
                name = f"products.{product.name}.units.{component}"
                found[name] = Number(each, partial(with_name, name))
    for i, supplier in enumerate(case.suppliers):
        for k, token in enumerate(case.tokens(i)):
            found[f"cost {token}"] = Number(supplier.costs[k], partial(with_cost, i, k))
        for k, token in enumerate(case.yield_tokens(i)):
            found[f"yield {token}"] = Number(supplier.usable.values[k], partial(with_share, i, k))
        if supplier.capacity is not None:
            found[f"capacity {supplier.name}"] = Number(supplier.capacity, partial(with_number, i, "capacity"))
        if case.has_bill:
            bill = Number(supplier.units_per_product, partial(with_number, i, "units_per_product"))
            found[f"units_per_product {supplier.name}"] = bill
        if any(supplier.reservations):
            for k, token in enumerate(case.reservation_tokens(i)):
                found[f"reservation_profit {token}"] = Number(supplier.reservations[k], partial(with_reservation, i, k))
    if case.ambiguity is not None:
        found["ambiguity.radius"] = Number(case.ambiguity.radius, lambda value: {"ambiguity.radius": value})
    return found


FAMILY = Family(
    kind="assembler",
    case=AssemblerCase,
    mechanisms=MECHANISMS,
    defaults=("icds",),
    fields=tuple(AssemblerCase.model_fields),
    summary=lambda solution: tables.summary(solution),
    memo=lambda solution: tables.memo(solution),
    compared=lambda case, frame: tables.compared(case, frame),
    columns=columns,
    drawn={"profit": "expected profit", "expected_rents": "expected rents", "max_regret": "largest gain by a misreport"},
    benchmark="first_best",
    audit=audit,
    offered=lambda name, audit: tables.offered(name, audit),
    picture=lambda solution: figures.contract_menu(solution),
    write=Menu.save,
    send=contracts.write_contracts,
    numbers=numbers,
)
