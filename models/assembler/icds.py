"""Incentive compatible in dominant strategies: the assembler's full problem, (2)-(5) of the ICDS paper.

The assembler may buy more of one component than she assembles: quantities are not assumed balanced, and are so only
where virtual cost is monotone (18) or costs are independent. Any number of costs a supplier, any joint prior.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, virtual_cost
from veridical.models.assembler import vocabulary
from veridical.models.assembler.coalitions import truth_together
from veridical.models.assembler.numbers import carried, named_costs
from veridical.models.assembler.order_rules import placed, refuse_without_capacity
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "declare", "menu"]


@carries(carried(named_costs))
@builder
def build(case: AssemblerCase, form: str = "auto", feasibility: bool = True, coalitions: bool = False) -> pyo.ConcreteModel:
    """Return the model of the assembler's full problem, (2)-(5).

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.
    feasibility
        Whether (5) stands in the model under its name. It follows from incentive compatibility, so with it in, duals split
        between the two families in more than one way.
    coalitions
        Whether no two suppliers, nor all together, may gain in sum by misreports that they agree on: a constraint of the family
        `coalition_incentive_compatibility` for each joint misreport.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) and `payment` (currency) by supplier and profile; `units` assembled by profile.

    Raises
    ------
    InputError
        For a form that the demand does not have, and for a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.icds.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    5655.3
    >>> model = vd.models.icds.build(vd.example("two-suppliers-correlated"), coalitions=True)
    >>> round(vd.solvers.solve(model).objective, 2)
    4896.97
    """
    everybody = range(len(case.names)) if coalitions else None
    m = vocabulary.frame(case, "icds", form, coalitions=everybody)
    declare(m, form, feasibility)
    info_of(m).likely_units = vocabulary.newsvendor(virtual_cost)
    if everybody is not None:
        refuse_without_capacity(case, "coalitions")
        truth_together(m, everybody)
    return m


def declare(m: Any, form: str, feasibility: bool, reporting: Container[str] | None = None) -> None:
    """Declare the variables, the profit and the constraints on a frame; truth for the `reporting` suppliers, all by default."""
    vocabulary.contracts(m, form)
    vocabulary.profit(m)  # (2)
    q, P = m.quantity, m.payment

    def of_reporting(index: Any) -> list[Any]:
        return [key for key in index if reporting is None or key[0] in reporting]

    @m.Constraint(of_reporting(m.MISREPORTS))
    def incentive_compatibility(m: Any, i: str, cost: float, report: float, others: str) -> Any:  # (3)
        truth, lie, c = m.profile[i, cost, others], m.profile[i, report, others], m.cost[i, cost]
        return P[i, truth] - c * q[i, truth] >= P[i, lie] - c * q[i, lie]

    vocabulary.ex_post_participation(m)
    if feasibility:

        @m.Constraint(of_reporting(m.NEIGHBOURS))
        def feasibility(m: Any, i: str, cost: float, next_cost: float, others: str) -> Any:  # (5)
            return q[i, m.profile[i, cost, others]] >= q[i, m.profile[i, next_cost, others]]

    info_of(m).contracts = menu


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds."""
    case = vocabulary.case_of(m)
    shape = (len(m.SUPPLIERS), *case.shape)
    quantity = placed(m, vocabulary.value(m.quantity, shape).clip(min=0), m.quantity)
    return Menu(case, quantity, vocabulary.value(m.payment, shape) + 0.0)
