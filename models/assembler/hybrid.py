"""The hybrid mechanism: quantities depend on the reports of k suppliers alone. Section 2.5 of the ICDS paper, `pooling` is (25).

The k suppliers are those with the widest range of costs. What one of the others reports does not move his quantity, so
incentive compatibility leaves him one price, and individual rationality makes it his highest cost for every unit. k = 0 is
`naive`, k = n is `icds`. Contracts grow with the costs of k suppliers, not of all.
"""

from __future__ import annotations

from collections.abc import Container, Hashable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import AssemblerCase, virtual_cost
from veridical.data.arrays import Array
from veridical.data.virtual_cost import refuse_tied_products
from veridical.models.assembler import vocabulary
from veridical.models.assembler.coalitions import truth_together
from veridical.models.assembler.icds import declare, menu
from veridical.models.assembler.numbers import carried, named_costs
from veridical.models.assembler.order_rules import bound_orders, refuse_rules, refuse_without_capacity
from veridical.models.assembler.yields import needed
from veridical.models.info import builder, carries

__all__ = ["build", "menu"]


def decided(case: AssemblerCase, k: int | None = None, balanced: bool = False, **parameters: Any) -> Hashable | None:
    """Return what is decided by the numbers of a case; None for balanced menus of several products, which not every prior has."""
    tied = balanced and case.products is not None and not case.independent
    return None if tied else (case.widest(k), named_costs(case, **parameters))


@carries(carried(decided))
@builder
def build(
    case: AssemblerCase,
    form: str = "auto",
    k: int | None = None,
    balanced: bool = False,
    feasibility: bool = True,
    coalitions: bool = False,
) -> pyo.ConcreteModel:
    """Return the model in which quantities depend on the reports of `k` suppliers alone.

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.
    k
        How many suppliers report, from 0 to all of them; half of them, rounded up, where it is not given.
    balanced
        Whether components of as many products are bought of every supplier: no restriction where costs are independent.
    feasibility
        Whether (5) stands in the model under its name. It follows from incentive compatibility, so with it in, duals split
        between the two families in more than one way.
    coalitions
        Whether no two suppliers, nor all together, may gain in sum by misreports that they agree on, as in `icds`.

    Returns
    -------
    pyo.ConcreteModel
        As that of `icds`, with `pooling` (25) and `posted_price`.

    Raises
    ------
    InputError
        For a `k` that is not from 0 to the number of suppliers, a form that the demand does not have, or a model that would not
        fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.hybrid.build(vd.example("two-suppliers-correlated"), k=1)
    >>> round(vd.solvers.solve(model).objective, 2)
    4346.67
    """
    reporting = case.widest(k)
    m = vocabulary.frame(case, "hybrid", form, coalitions=reporting if coalitions else None)
    declare(m, form, feasibility, [case.names[i] for i in reporting])

    places = list(product(*map(range, case.shape)))
    name = dict(zip(places, m.PROFILES, strict=True))

    def like(ignored: Container[int]) -> dict[str, str]:
        """Return for each profile the one that it is pooled with where some suppliers' reports are ignored, if another."""
        pooled = {t: tuple(0 if i in ignored else c for i, c in enumerate(t)) for t in places}
        return {name[t]: name[pool] for t, pool in pooled.items() if pool != t}

    vocabulary.aim(m, partial(_unit_cost, tuple(reporting)))
    others = [i for i in range(len(case.names)) if i not in reporting]
    pool = like(others)

    @m.Constraint(m.SUPPLIERS, list(pool))
    def pooling(m: Any, i: str, t: str) -> Any:  # (25)
        return m.quantity[i, t] == m.quantity[i, pool[t]]

    # What (3) comes to for the others, both ways at once: as two inequalities it would leave no interior, and no finite duals.
    same = {(case.names[i], t): to for i in others for t, to in like([i]).items()}
    if coalitions:  # and what they would take from others to report one cost or the other
        refuse_without_capacity(case, "coalitions")
        same = {(i, t): to for i in m.SUPPLIERS for t, to in pool.items()}
        truth_together(m, reporting)

    @m.Constraint(list(same))
    def posted_price(m: Any, i: str, t: str) -> Any:
        return m.payment[i, t] == m.payment[i, same[i, t]]

    if balanced:
        case.refuse_several_sources("balanced menus")
        case.refuse_random_yields("balanced menus, whose orders are in fixed proportions,")
        bound_orders(m, balanced=True)
        first, *rest = m.SUPPLIERS
        each = {i: needed(m, i) for i in m.SUPPLIERS}
        several = case.products is not None
        if several:
            refuse_rules(case, "balanced menus of several products")
            if not case.independent:
                refuse_tied_products(case.with_private(reporting), "balanced menus")

        @m.Constraint(m.SUPPLIERS if several else rest, [t for t in m.PROFILES if t not in pool])
        def balanced_ordering(m: Any, i: str, t: str) -> Any:
            if several:
                return m.quantity[i, t] == vocabulary.needed(m, i, t)
            return each[first] * m.quantity[i, t] == each[i] * m.quantity[first, t]

    return m


def _unit_cost(reporting: tuple[int, ...], case: AssemblerCase) -> Array:
    """Return virtual cost where the others' costs are known to be the highest: of their first profile, as of all.

    Where the others do not come together as one supplier, virtual cost as it is.
    """
    if case.several_sources or case.random_yields:
        return virtual_cost(case)
    shape = [len(supplier.costs) if i in reporting else 1 for i, supplier in enumerate(case.suppliers)]
    return np.broadcast_to(virtual_cost(case.with_private(reporting)).reshape(shape), case.shape)
