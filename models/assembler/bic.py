"""Bayesian incentive compatible: truth is best in expectation, if the others tell it. Appendix B of the ICDS paper.

Asks more of the suppliers than `icds`: all of them must know, and trust, the prior. Where costs are independent it earns no
more; where they are correlated, interim participation lets the assembler bet with each supplier on what the others report
(Cremer and McLean), and she takes the first best. A type that never occurs has no beliefs, and no constraints.

Expected payments cover expected costs, so profit is never above the first best. Bets can be far larger than what is traded:
`max_payment` bounds them, at a price. What a supplier believes less than 1e-12 of is left out of his expectations.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from veridical.data import AssemblerCase, InputError
from veridical.data.arrays import Array
from veridical.models.assembler import vocabulary
from veridical.models.assembler.icds import menu
from veridical.models.assembler.numbers import beliefs, carried
from veridical.models.assembler.order_rules import refuse_without_capacity
from veridical.models.beliefs import refuse_faint_beliefs
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "menu"]

NEVER = 1 - 1e-12  # probability of a demand beyond which no unit is assembled: bounds of profits need an end of it
FAINT = 1e-12  # a belief up to which a profile is not reckoned with


def refuse(case: AssemblerCase) -> None:
    """Raise InputError for a case with something that truth in expectation does not take, or the bets that it needs."""
    refuse_without_capacity(case, "`bic`")
    case.refuse_ambiguity("`bic`, where truth itself rests on the prior,")


@carries(carried(beliefs))
@builder
def build(
    case: AssemblerCase,
    form: str = "auto",
    participation: Literal["interim", "ex_post"] = "interim",
    max_payment: float | int | None = None,
) -> pyo.ConcreteModel:
    """Return the model in which truth is best in expectation.

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.
    participation
        A truthful supplier loses nothing in expectation over the others' costs (`interim`), or whatever they are (`ex_post`).
    max_payment
        The most that a supplier is paid, or pays, at any profile, currency, and what is bought is worth at his lowest cost; no
        bound where none is given.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) and `payment` (currency) by supplier and profile; `units` assembled by profile.

    Raises
    ------
    InputError
        For interim participation under beliefs that differ so little that no solver can tell, a `max_payment` that is no finite
        number > 0, a form that the demand does not have, or a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.bic.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    6656.67
    """
    if max_payment is not None and not 0 < max_payment < math.inf:
        raise InputError.of("max_payment", max_payment, "a finite number > 0, currency", case.name)
    refuse(case)
    if participation == "interim":
        tables = (_beliefs(case, i) for i in range(len(case.names)))
        refuse_faint_beliefs(tables, case.names, case.name, "costs")
    m = vocabulary.frame(case, "bic", form)
    vocabulary.own_costs(m)
    vocabulary.contracts(m, form)
    q, P = m.quantity, m.payment
    # Of random yields a good one may bring more than demand ever is of orders that the worst asks for: to be salvaged.
    spread = max(supplier.usable.values[-1] / supplier.usable.values[0] for supplier in case.suppliers)
    for product in case.products or (case,):
        if (most := spread * float(product.demand.inverse_cdf(NEVER))) > 0:
            (m.units if case.products is None else m.units[product.name, :]).setub(most)
    if max_payment is not None:
        P.setlb(-max_payment)
        P.setub(max_payment)
        for supplier in case.suppliers:
            q[supplier.name, :].setub(max_payment / supplier.costs[0])

    beliefs: dict[tuple[str, float], list[tuple[str, Any]]] = {}  # what the others report, and how likely given one's own cost
    reckoned = set()  # suppliers with profiles that they reckon with
    for i, cost, others in m.OWN_COST:
        weight, likely = m.probability[m.profile[i, cost, others]], m.marginal[i, cost].expr
        if weight.value > FAINT * pyo.value(likely):
            beliefs.setdefault((i, cost), []).append((others, weight / likely))
            reckoned.add((i, m.profile[i, cost, others]))
    reserved = vocabulary.elsewhere(m)
    least = {  # what keeps a supplier whose cost this is
        (i, m.profile[i, cost, others]): m.cost[i, cost] * q[i, m.profile[i, cost, others]] + reserved[i, cost]
        for i, cost, others in m.OWN_COST
    }
    for key in P:
        if key not in reckoned:
            P[key] = 0.0  # no solver sees it where it stands in no constraint
    # Where nobody reckons with a profile a payment is a threat, and no part of the profit.
    vocabulary.profit(m, lambda i, t: P[i, t] if (i, t) in reckoned else least[i, t])  # (2)

    def expected(variable: Any, i: str, cost: float, report: float) -> Any:
        return pyo.quicksum(weight * variable[i, m.profile[i, report, others]] for others, weight in beliefs[i, cost])

    @m.Constraint([(i, cost, report) for i, cost, report in m.REPORTS if (i, cost) in beliefs])
    def incentive_compatibility(m: Any, i: str, cost: float, report: float) -> Any:
        truth = expected(P, i, cost, cost) - m.cost[i, cost] * expected(q, i, cost, cost)
        return truth >= expected(P, i, cost, report) - m.cost[i, cost] * expected(q, i, cost, report)

    if participation == "interim":

        @m.Constraint(list(beliefs))
        def individual_rationality(m: Any, i: str, cost: float) -> Any:
            return expected(P, i, cost, cost) >= m.cost[i, cost] * expected(q, i, cost, cost) + reserved[i, cost]

    else:
        vocabulary.ex_post_participation(m)
        info_of(m).index_names["individual_rationality"] = ("supplier", "cost", "others")
    info_of(m).contracts = menu
    return m


def _beliefs(case: AssemblerCase, i: int) -> Array:
    """Return what a supplier's costs that occur believe of the others, a row each."""
    weight = np.moveaxis(case.probability, i, 0).reshape(case.shape[i], -1)
    weight = weight[weight.sum(axis=1) > 0]
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
