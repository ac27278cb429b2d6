"""Incentive compatible in dominant strategies: the assembler's full problem, (2)-(5) of the ICDS paper.

The assembler may buy more of one component than she assembles: quantities are not assumed balanced, and are so only
where virtual cost is monotone (18) or costs are independent. Any number of costs a supplier, any joint prior.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import pairwise
from typing import Any

import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, virtual_cost
from veridical.models.assembler import vocabulary
from veridical.models.assembler.coalitions import truth_together
from veridical.models.assembler.numbers import carried, named_costs
from veridical.models.assembler.order_rules import placed, refuse_without_capacity
from veridical.models.info import builder, carries, info_of
from veridical.models.linear_families import Each, members_of
from veridical.models.linear_families import declare as declare_family

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
    vocabulary.aim(m, virtual_cost)
    if everybody is not None:
        refuse_without_capacity(case, "coalitions")
        truth_together(m, everybody)
    return m


def declare(m: Any, form: str, feasibility: bool, reporting: Container[str] | None = None) -> None:
    """Declare the variables, the profit and the constraints on a frame; truth for the `reporting` suppliers, all by default."""
    vocabulary.contracts(m, form)
    vocabulary.profit(m)  # (2)
    q, P, costs = Each(m.quantity), Each(m.payment), Each(m.cost)

    reports, c, truth, lie = vocabulary.misreports(m, reporting)
    c = costs[c]
    declare_family(m, "incentive_compatibility", reports, P[truth] - c * q[truth] >= P[lie] - c * q[lie])  # (3)

    vocabulary.ex_post_participation(m)
    if feasibility:
        neighbours, cheaper, dearer = vocabulary.neighbours(m, reporting)
        declare_family(m, "feasibility", neighbours, q[cheaper] >= q[dearer])  # (5)

    info = info_of(m)
    info.contracts, info.likely_to_follow, info.presolved = menu, following, True


def following(m: Any) -> Iterator[Any]:
    """Yield the constraints that mostly follow from two kinds: reporting the next higher cost, and taking part at the highest.

    These alone are the textbook's relaxed problem, which falls apart into one for each profile: where virtual cost is monotone
    (18), its optimum is that of the whole.
    """
    costs: dict[str, list[float]] = {}
    for i, cost in m.COSTS:
        costs.setdefault(i, []).append(cost)
    next_higher = {(i, *pair) for i, of_supplier in costs.items() for pair in pairwise(of_supplier)}
    highest = {(i, of_supplier[-1]) for i, of_supplier in costs.items()}
    for family, length, binding in (
        ("incentive_compatibility", 3, next_higher),
        ("individual_rationality", 2, highest),
        ("feasibility", 0, {None}),
    ):
        constraints = m.component(family)
        if constraints is not None:
            keys, rows = constraints._data, members_of(constraints)
            yield from (
                row for key, row in zip(keys, rows, strict=True) if isinstance(key, tuple) and key[:length] not in binding
            )


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds."""
    case = vocabulary.case_of(m)
    shape = (len(m.SUPPLIERS), *case.shape)
    quantity = placed(m, vocabulary.value(m.quantity, shape).clip(min=0), m.quantity)
    payment = vocabulary.without_noise(vocabulary.value(m.payment, shape)) + 0.0
    return Menu(case, vocabulary.without_noise(quantity), payment, vocabulary.planned(m))
