"""The supplier's problem without virtual values: units and payments, truth and participation as constraints. (1)-(2).

Nothing of the theory is used, so it is the judge of the other models where priors are irregular. Truth is best in expectation
(`bayesian`), or whatever the others report (`dominant`); a truthful retailer loses nothing in expectation (`interim`), or
whatever the others are (`ex_post`). Where types are independent and truth and participation are in expectation, payments
P(theta_k) answer to the own report alone; else to all reports. They are written as R(Q_k, theta_1), what the lowest type would
earn, plus a fee: the constraints are then linear for linear and power demand, and the model is a convex program; for newsvendors
it is not.

Where types depend on one another interim participation lets the supplier bet with each retailer on what the others report
(Cremer and McLean, 1988). Where no type's beliefs are a mixture of the others' she earns what she would if she knew the types:
this takes retailers who are risk neutral, believe the prior, and can be asked for any payment after the fact. Retailers who
cannot are those of participation `ex_post`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment, listed
from veridical.data import AllocationCase, InputError
from veridical.models.allocation import least_orders, rents, terms, vocabulary
from veridical.models.allocation.numbers import carried
from veridical.models.beliefs import refuse_faint_beliefs
from veridical.models.info import builder, carries, info_of

__all__ = ["build"]

INCENTIVES, PARTICIPATION = ("bayesian", "dominant"), ("interim", "ex_post")


@carries(carried())
@builder
def build(
    case: AllocationCase,
    form: str = "auto",
    points: int = vocabulary.POINTS,
    incentive: Literal["bayesian", "dominant"] = "bayesian",
    participation: Literal["interim", "ex_post"] = "interim",
) -> pyo.ConcreteModel:
    """Return the model without virtual values, for a fixed or a chosen capacity.

    Parameters
    ----------
    case
        The supplier's case.
    form
        How revenue is written: auto, quadratic (linear demand alone), smooth, or tangent (beside minimum orders).
    points
        Types that stand for a continuous prior.
    incentive
        Truth is best in expectation (`bayesian`), or whatever the others report (`dominant`).
    participation
        A truthful retailer loses nothing in expectation over the others' types (`interim`), or whatever they are (`ex_post`).

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) by profile, group and type; `payment` (currency), indexed like it, or by group and type where it
        answers to the own report alone. Newsvendors' units end where less than 1e-12 of the first unit's revenue is left.

    Raises
    ------
    InputError
        For a form that the revenues do not have, a revenue that mechanisms cannot rest on, minimum orders beside newsvendors,
        interim participation under beliefs that differ so little that no solver can tell, or a model that would not fit into
        memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.allocation_direct.build(vd.example("two-retailers"))
    >>> round(vd.solvers.solve(model).objective, 2)
    9.24
    """
    for name, value, allowed in (("incentive", incentive, INCENTIVES), ("participation", participation, PARTICIPATION)):
        if value not in allowed:
            raise InputError.of(name, value, f"one of {', '.join(allowed)}", case.name)
    m = vocabulary.frame(case, "allocation_direct", form, points)
    info = info_of(m)
    case = vocabulary.details(m).case
    if not case.independent and participation == "interim":
        names = [case.retailer_names[case.order.index(g)] for g in range(len(case.retailers))]
        refuse_faint_beliefs([vocabulary.details(m).profiles.beliefs(g)[2] for g in range(len(names))], names, case.name)
    if any(not group.revenue.separable for group in case.retailers):
        case.refuse_minimum_orders("`allocation_direct` of newsvendors")
    vocabulary.supply(m)
    vocabulary.satiate(m)
    worth = rents.revenue(m, lowest=True)
    least_orders.declare(m)
    if case.independent and (incentive, participation) == ("bayesian", "interim"):
        _by_own_report(m, worth)
    else:
        _by_all_reports(m, worth, incentive, participation)
        info.contracts = allotted
    groups = dict(vocabulary.groups_of(m))
    if info.contracts is allotted:
        paid = vocabulary.expected(m, lambda *key: m.payment[key])
    else:
        paid = pyo.quicksum(groups[g].count * m.type_probability[g, theta] * m.payment[g, theta] for g, theta in m.TYPES)
        info.contracts = allotted_by_type
    m.profit = pyo.Objective(expr=paid - vocabulary.cost(m), sense=pyo.maximize)
    return m


def _more(m: Any, key: Any, theta: float) -> Any:
    """What a type earns with the units of a cell beyond what the lowest type of its group does."""
    lowest = float(dict(vocabulary.groups_of(m))[key[1]].theta[0])
    return vocabulary.details(m).revenues[key[1]].gain(m.quantity[key], lowest, theta)


def _reports(m: Any) -> list[tuple[str, float, float]]:
    """Return each type of each group with each report that is another."""
    groups = vocabulary.groups_of(m)
    return [(g, theta, report) for g, group in groups for theta in group.theta.tolist() for report in group.theta.tolist()
            if report != theta]  # fmt: skip


def _by_own_report(m: Any, worth: Any) -> None:
    """Declare payments that answer to the own report alone, with interim truth and participation."""
    groups = dict(vocabulary.groups_of(m))
    beliefs: dict[Any, list[Any]] = {key: [] for key in m.TYPES}
    for t, g, theta in m.CELLS:
        weight = m.probability[t].expr * m.count[t, g, theta] / (groups[g].count * m.type_probability[g, theta])
        beliefs[g, theta].append(((t, g, theta), weight))

    def more(g: str, report: float, theta: float) -> Any:
        return pyo.quicksum(weight * _more(m, key, theta) for key, weight in beliefs[g, report])

    m.fee = pyo.Var(m.TYPES, initialize=0.0)

    @m.Expression(m.TYPES)
    def payment(m: Any, g: str, theta: float) -> Any:
        return m.fee[g, theta] + pyo.quicksum(weight * worth[key] for key, weight in beliefs[g, theta])

    @m.Constraint(_reports(m))
    def incentive_compatibility(m: Any, g: str, theta: float, report: float) -> Any:  # (1)
        truth = more(g, theta, theta) - m.fee[g, theta]
        return truth >= more(g, report, theta) - m.fee[g, report]

    @m.Constraint(m.TYPES)
    def individual_rationality(m: Any, g: str, theta: float) -> Any:  # (2)
        return more(g, theta, theta) >= m.fee[g, theta] + terms.reserved(m, g, theta)


def _by_all_reports(m: Any, worth: Any, incentive: str, participation: str) -> None:
    """Declare payments that answer to all reports, one a cell, with truth and participation as they are asked for."""
    info, cells = vocabulary.details(m), vocabulary.by_others(m)
    m.fee = pyo.Var(m.CELLS, initialize=0.0)
    m.payment = pyo.Expression(m.CELLS, initialize={key: m.fee[key] + worth[key] for key in m.CELLS})
    against: dict[str, list[str]] = {}
    for g, _, others in cells:
        against.setdefault(g, []).append(others)
    against = {g: list(dict.fromkeys(others)) for g, others in against.items()}

    def profit(g: str, theta: float, report: float, others: str) -> Any:
        key = cells[g, report, others]
        return _more(m, key, theta) - m.fee[key]

    beliefs: dict[Any, Any] = {}
    if "bayesian" in incentive or participation == "interim":
        for g, theta in m.TYPES:
            keys = {others: cells[g, theta, others] for others in against[g]}
            of = dict(vocabulary.groups_of(m))[g].count * m.type_probability[g, theta]
            beliefs[g, theta] = [
                (others, m.probability[key[0]].expr * m.count[key] / of)
                for others, key in keys.items()
                if pyo.value(m.probability[key[0]]) > 0
            ]

    def expected(g: str, theta: float, report: float) -> Any:
        return pyo.quicksum(weight * profit(g, theta, report, others) for others, weight in beliefs[g, theta])

    if incentive == "dominant":
        index = [(*pair, others) for pair in _reports(m) for others in against[pair[0]]]
        info.index_names["incentive_compatibility"] = ("retailers", "type", "report", "others")

        @m.Constraint(index)
        def incentive_compatibility(m: Any, g: str, theta: float, report: float, others: str) -> Any:
            return profit(g, theta, theta, others) >= profit(g, theta, report, others)

    else:

        @m.Constraint(_reports(m))
        def incentive_compatibility(m: Any, g: str, theta: float, report: float) -> Any:
            return expected(g, theta, theta) >= expected(g, theta, report)

    if participation == "interim":

        @m.Constraint(m.TYPES)
        def individual_rationality(m: Any, g: str, theta: float) -> Any:
            return expected(g, theta, theta) >= terms.reserved(m, g, theta)

    else:
        info.index_names["individual_rationality"] = ("retailers", "type", "others")

        @m.Constraint(list(cells))
        def individual_rationality(m: Any, g: str, theta: float, others: str) -> Any:
            return profit(g, theta, theta, others) >= terms.reserved(m, g, theta)


def allotted_by_type(m: Any, duals: Any) -> Allotment:
    """Return what a solved model gives to whom, at its own payments, the same whatever the others are."""
    paid = [np.array([pyo.value(m.payment[name, t]) for t in group.theta.tolist()]) for name, group in vocabulary.groups_of(m)]

    def price(reports: Any) -> Any:
        return np.broadcast_to(paid[reports.g], reports.quantity.shape)

    return vocabulary.allotment(m, duals, price)


def allotted(m: Any, duals: Any) -> Allotment:
    """Return what a solved model gives to whom, at its own payments, profile by profile."""
    profiles = vocabulary.details(m).profiles
    by_type = np.zeros(profiles.counts.shape)
    rows, columns = np.nonzero(profiles.counts > 0)
    by_type[rows, columns] = [pyo.value(m.payment[key]) for key in m.CELLS]
    return vocabulary.allotment(m, duals, listed(profiles, by_type))
