"""The supplier of a scarce capacity: allotments to retailers whose types are their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import comb, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical import contracts, models
from veridical.contracts import AllocationAudit, Allotment, Audit
from veridical.contracts.allotment import profile_names, wanted
from veridical.data import AllocationCase, CertificateError, InputError, RetailerGroup
from veridical.data.assembler import label
from veridical.data.lazy import lazy, pd
from veridical.data.truncated import POINTS
from veridical.families.family import Family, Mechanism, Number, Promises, Route, Task, always
from veridical.families.routes import approximated, by_formula, by_model, routes_of
from veridical.solvers import Solution, solve
from veridical.solvers.closed_form import allocation as closed
from veridical.solvers.closed_form.fixed_price import fixed_price
from veridical.solvers.closed_form.salvage import refuse_dumping
from veridical.solvers.engines import ENGINES
from veridical.solvers.shadow_price_ranges import shadow_price_ranges

if TYPE_CHECKING:
    from veridical.families import allocation_tables as tables
    from veridical.studies.figures import allocation as figures
else:
    tables, figures = lazy("veridical.families.allocation_tables"), lazy("veridical.studies.figures.allocation")

__all__ = ["FAMILY"]

Formula = Callable[..., closed.Rationing]
EITHER_WAY = always("bayesian_ic", "interim_ir", "dominant_strategy_ic", "ex_post_ir", "monotone", "capacity")
STARTS = 8  # of a search for the best among local optima
ITERATIONS = 300  # of one search; tens are usual, and where nothing is gained by one split over another there may be no end
FINEST, PROFILES = 256, 20_000  # types of a group, and type profiles, up to which a closed form takes no time to speak of


def given(case: AllocationCase) -> bool:
    """Whether the capacity is fixed."""
    return case.capacity is not None


def optimum(case: AllocationCase, **options: Any) -> closed.Rationing:
    """Return the supplier's optimum in closed form."""
    return closed.allocation(case, **options) if given(case) else closed.capacity_choice(case, **options)


def full_information(allotment: Allotment, parameters: Any) -> dict[str, float]:
    """Return capacity and profit of the chain with full information, on the same types and, where drawn, the same profiles."""
    if allotment.case.has_minimum_orders:
        solved = solve(models.centralized.build(allotment.case), "highs").contracts
        return {"capacity": solved.capacity, "profit": solved.chain_profit}
    drawn = {name: value for name, value in parameters.items() if name in ("samples", "seed")}
    best = closed.centralized(allotment.case, **drawn)
    return {"capacity": best.capacity, "profit": best.chain_profit}


def more(task: Task, formula: Formula | None, rent: bool | None, solution: Solution) -> dict[str, Any]:
    """Return the benchmark, the ranges of shadow prices, and how far points are from the continuous priors that they stand for.

    `rent`: whether retailers alone know their types; None where no shadow price follows from the units.
    """
    fields: dict[str, Any] = {"benchmark": full_information(solution.contracts, task.parameters)}
    if rent:
        refuse_dumping(solution.contracts)
    fields["warnings"] = (*solution.warnings, *paid_to_take_part(solution.contracts), *large_payments(solution.contracts))
    if rent is not None and plain(solution.contracts.case):
        fields["dual_ranges"] = several_prices(solution.contracts, task.parameters.get("monotonicity"), rent)
    if task.case.continuous:
        points = task.parameters["points"]
        many = finest(task.case, points) if plain(task.case) else None
        finer = None if formula is None or many is None else (many, formula(task.case, points=many).supplier_profit)
        fields |= approximated(solution, points, finer=finer)
    return fields


def plain(case: AllocationCase) -> bool:
    """Whether a profile has one shadow price in theory: independent types, any units, and the lowest types alone could leave."""
    unusual = any(group.countervailing or group.minimum_order is not None for group in case.retailers)
    return case.independent and not unusual


def paid_to_take_part(allotment: Allotment) -> tuple[str, ...]:
    """Return in words which types are paid in expectation, as all retailers take part and earn something elsewhere."""
    who = [
        f"{name} of type {label(theta)}"
        for name, group, paid in zip(allotment.case.names, allotment.case.retailers, allotment.payments, strict=True)
        if group.reservations.any()
        for theta, amount in zip(group.theta.tolist(), paid.tolist(), strict=True)
        if amount < 0
    ]
    if not who:
        return ()
    words = f"{', '.join(who)} {'is' if len(who) == 1 else 'are'} paid to take part, as all do and earn something elsewhere"
    return (f"{words}: a case without those retailers may earn more",)


def large_payments(allotment: Allotment) -> tuple[str, ...]:
    """Return in words the largest payment of types that depend on one another, where it is above all that units could earn."""
    if allotment.case.independent:
        return ()
    worth = [float((group.count * wanted(group)[1]).max()) for group in allotment.case.retailers]
    paid, most = np.abs(allotment.dominant_payments), sum(worth)
    row, i = np.unravel_index(int(paid.argmax()), paid.shape)
    if paid[row, i] <= most:
        return ()
    amount = float(allotment.dominant_payments[row, i])
    how = f"{allotment.case.retailer_names[i]} {'pays' if amount > 0 else 'is paid'} {abs(amount):,.2f} at types"
    where = ", ".join(label(theta) for theta in allotment.types[row].tolist())
    words = f"which have a probability of {allotment.probability[row]:.1e}: more than the {most:,.2f} that units would earn"
    return (f"{how} {where}, {words}; participation ex_post asks nobody for more than his units earn him",)


def several_prices(allotment: Allotment, monotonicity: bool | None, rent: bool) -> dict[str, pd.DataFrame]:
    """Return the ranges of those shadow prices that are not unique, by profile; nothing where all are."""
    low, high = shadow_price_ranges(allotment, monotonicity, rent).T
    several = np.flatnonzero(~((low == high) | np.isnan(allotment.shadow_price)))
    if not len(several):
        return {}
    names = profile_names(allotment.case, allotment.profiles.counts[several])
    index = pd.Index(names, name="profile")
    return {"capacity": pd.DataFrame({"low": low[several], "high": high[several]}, index=index)}


def finest(case: AllocationCase, points: int) -> int | None:
    """Return the largest multiple of `points` that is cheap, and has every type of the grid among its own; None without one."""

    def profiles(count: int) -> int:
        sizes = (count if group.prior is not None else len(group.theta) for group in case.retailers)
        return prod(comb(size + group.count - 1, group.count) for size, group in zip(sizes, case.retailers, strict=True))

    return next((many for many in range(FINEST // points * points, points, -points) if profiles(many) <= PROFILES), None)


def model(formula: Formula, rent: bool | None, task: Task) -> Solution:
    """Solve the model; revenues are written in one form each.

    Where types are worth alike at the margin (capacity is scarce and every unit sells) an optimum need not be monotone in them,
    and then it is not truthful: it is asked for a monotone one, which earns as much.
    """
    assert task.configuration is not None
    try:
        return by_model(task, task.configuration.form, partial(more, task, formula, rent))
    except CertificateError as error:
        tied = error.solution is not None and error.solution.certificate.within(task.configuration.tolerance)
        if not tied or "monotonicity" not in task.route.parameters or task.parameters.get("monotonicity") is not None:
            raise
    monotone = replace(task, parameters={**task.parameters, "monotonicity": True})
    return by_model(monotone, task.configuration.form, partial(more, monotone, formula, rent))


def direct(formula: Formula | None, rent: bool | None, task: Task) -> Solution:
    """Take the closed form, or look for an equilibrium, of which no more points are tried."""
    return by_formula(task, partial(more, task, formula, rent))


def mechanism(
    name: str,
    summary: str,
    formula: Formula | None,
    promises: Promises = EITHER_WAY,
    rent: bool | None = True,
    **others: Any,
) -> Mechanism:
    """Return the mechanism whose model has the same name, with a closed form where it has one; `rent` as in `more`."""
    routes = routes_of(name, partial(model, formula or optimum, rent), formula, partial(direct, formula, rent))
    otherwise = None if formula is None else "closed_form"
    solver = by_form if formula is None else by_form_or_formula
    usual: dict[str, Any] = {"solver": solver, "otherwise": otherwise, "complete": with_points, "sources": (PAPER,)}
    return Mechanism(name, AllocationCase, summary, routes, promises, **usual | others)


def by_form(case: AllocationCase) -> str:
    """Return the solver for the programs of a case: HiGHS where they are quadratic."""
    return "ipopt" if "smooth" in models.allocation.forms(case) else "highs"


def by_form_or_formula(case: AllocationCase) -> str:
    """Return the same, and the closed form where that is a program for Ipopt which is not installed here."""
    solver = by_form(case)
    return "closed_form" if solver == "ipopt" and not ENGINES["ipopt"].available() else solver


def several_starts(case: AllocationCase) -> str | dict[str, Any]:
    """Return the solver for truth as a constraint, which is not convex where revenues are not quadratic: starts are many."""
    solver = by_form(case)
    return {**limited(case), "starts": STARTS} if solver == "ipopt" else solver


def limited(case: AllocationCase) -> dict[str, Any]:
    """Return Ipopt with an end to its search."""
    return {"solver": "ipopt", "options": {"max_iter": ITERATIONS}}


def with_points(case: AllocationCase, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the number of points that stand for a continuous prior, which decides the result."""
    return {"points": POINTS, **parameters} if case.continuous else parameters


def by_constraints(incentive: str = "bayesian", participation: str = "interim", **parameters: Any) -> tuple[str, ...]:
    """Return what truth as a constraint promises."""
    truth = "dominant_strategy_ic" if incentive == "dominant" else "bayesian_ic"
    return truth, f"{participation}_ir", "capacity"


PAPER = "deshpande2005"
CAPACITY = "the supplier's optimum, with the capacity worth having"
CONDITIONS = "the same as a system of conditions with complementarity"
DIRECT = "units and payments with truth as a constraint: no virtual values"
FULL_INFORMATION = "types known to the supplier: a benchmark that nobody can run"
ORDERS = "orders at a wholesale price and their equilibrium: the game that the others replace"
MECHANISMS = (
    mechanism("capacity_choice", CAPACITY, closed.capacity_choice, fits=lambda case: not given(case)),
    mechanism("allocation", "the supplier's optimum at a fixed capacity", closed.allocation, fits=given),
    mechanism("allocation_kkt", CONDITIONS, optimum, solver=limited, refuse=models.allocation_kkt.refuse),
    mechanism("allocation_direct", DIRECT, None, by_constraints, None, solver=several_starts),
    mechanism("centralized", FULL_INFORMATION, closed.centralized, always("ex_post_ir", "capacity"), False),
    Mechanism(
        "fixed_price",
        AllocationCase,
        ORDERS,
        (Route("game", partial(direct, None, None), fixed_price, "closed_form"),),
        always("equilibrium", "interim_ir", "capacity"),
        fits=lambda case: case.fixed_price is not None,
        solver=lambda case: "closed_form",
        complete=with_points,
        modelless="is a game, not an optimisation model",
        sources=("cachon1999", PAPER),
    ),
)


def columns(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison."""
    allotment, checked, benchmark = solution.contracts, solution.audit, solution.benchmark
    assert isinstance(checked, AllocationAudit)
    assert benchmark is not None
    most = benchmark["profit"]
    return {
        "capacity": allotment.capacity,
        "chain_profit": allotment.chain_profit,
        "penalty": (most - allotment.chain_profit) / most if most else float("nan"),
        "supplier_share": allotment.supplier_share,
        "max_regret": checked.max_regret,
        "min_profit": checked.min_profit,
    }


def audit(case: AllocationCase, offer: Allotment | str | Path) -> Audit:
    """Return the audit of an allotment, or of a file as one writes it."""
    if isinstance(offer, pd.DataFrame):
        raise InputError.of("menu", "<a DataFrame>", "an Allotment, or a file as Allotment.save writes it", case.name)
    return contracts.audit(offer if isinstance(offer, Allotment) else Allotment.read(case, str(offer)))


def numbers(case: AllocationCase) -> dict[str, Number]:
    """Return the capacity, or its cost, as derivatives are taken in it."""
    found = {name: Number.field(case, name) for name in ("capacity", "capacity_cost") if getattr(case, name)}
    for g, (name, group) in enumerate(zip(case.names, case.retailers, strict=True)):
        if group.capacity is not None:
            found[f"capacity {name}"] = Number(group.capacity, partial(with_number, g, "capacity"))
        if group.reservations.any():
            for k, token in enumerate(case.reservation_tokens(g)):
                number = Number(float(group.reservations[k]), partial(with_reservation, group, g, k))
                found[f"reservation_profit {token}"] = number
    return found


def with_number(g: int, key: str, value: float) -> dict[str, Any]:
    """Return the fields of a case in which a number of a group is another."""
    return {f"retailers.{g}.{key}": value}


def with_reservation(group: RetailerGroup, g: int, k: int, value: float) -> dict[str, Any]:
    """Return the fields of a case in which a type's reservation profit is another, or all types' where they have one."""
    if not isinstance(group.reservation_profit, tuple):
        return with_number(g, "reservation_profit", value)
    profits = [*group.reservation_profit]
    profits[k] = value
    return {f"retailers.{g}.reservation_profit": profits}


FAMILY = Family(
    kind="allocation",
    case=AllocationCase,
    mechanisms=MECHANISMS,
    defaults=("capacity_choice", "allocation"),
    fields=tuple(AllocationCase.model_fields),
    summary=lambda solution: tables.summary(solution),
    memo=lambda solution: tables.memo(solution),
    compared=lambda case, frame: tables.compared(case, frame),
    columns=columns,
    drawn={"profit": "supplier's profit", "chain_profit": "profit of the chain", "max_regret": "largest gain by a misreport"},
    audit=audit,
    offered=lambda name, audit: tables.offered(name, audit),
    picture=lambda solution: figures.allocation(solution.contracts),
    write=Allotment.save,
    numbers=numbers,
)
