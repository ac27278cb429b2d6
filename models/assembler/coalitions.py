"""Truth of suppliers together: what keeps two of them, or all, from misreports that they agree on, with side payments.

With side payments only sums matter: for a coalition S, true costs c_S and others' reports, the members' profits by the truth are
in sum at least those by any joint report. (Without them a joint misreport would have to harm one member or the other, and menus
that do are no convex set.) Where one supplier alone misreports it is (3), which stands in the model anyway.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from functools import cache
from itertools import product
from typing import Any

import pyomo.environ as pyo

from veridical.contracts.coalitions import coalitions
from veridical.data import AssemblerCase
from veridical.models.info import info_of

__all__ = ["FAMILY", "count", "truth_together"]

FAMILY = "coalition_incentive_compatibility"
Places = tuple[int, ...]


def truth_together(m: Any, reporting: Collection[int]) -> None:
    """Declare the family on a model with `quantity` and `payment`, by coalition, costs, reports, others.

    Contracts depend on the reports of the `reporting` suppliers alone, at these positions: others' reports need no constraint,
    and stand at their lowest cost; their true costs count, as what they deliver depends on others.
    """
    info = info_of(m)
    case: AssemblerCase = info.case
    info.index_names[FAMILY] = ("coalition", "costs", "reports", "others")
    names = case.names
    tokens = [case.tokens(i) for i in range(len(names))]
    profile = dict(zip(product(*map(range, case.shape)), m.PROFILES, strict=True))
    rows = {}
    for members in coalitions(range(len(names))):
        who = ", ".join(names[i] for i in members)
        for true, contract, told in _misreports(case.shape, members, reporting):
            costs = ", ".join(tokens[i][true[i]] for i in members)
            reports = ", ".join(tokens[i][(told if i in reporting else true)[i]] for i in members)
            others = ", ".join(tokens[i][true[i]] for i in range(len(names)) if i not in members)
            own = tuple((names[i], case.suppliers[i].costs[true[i]]) for i in members)
            rows[who, costs, reports, others] = own, profile[contract], profile[told]

    # A sum stands in many constraints, and so do its terms: as objects that they share they take a fraction of time and memory.
    @cache
    def profit(i: str, cost: float, t: str) -> Any:
        return m.payment[i, t] - m.cost[i, cost] * m.quantity[i, t]

    @cache
    def profits(own: tuple[tuple[str, float], ...], t: str) -> Any:
        return pyo.quicksum(profit(i, cost, t) for i, cost in own)

    def rule(m: Any, who: str, costs: str, reports: str, others: str) -> Any:
        own, truth, lie = rows[who, costs, reports, others]
        return profits(own, truth) >= profits(own, lie)

    m.add_component(FAMILY, pyo.Constraint(list(rows), rule=rule))


def count(shape: Places, reporting: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield the number of constraints of each coalition, and of its members."""
    for members in coalitions(range(len(shape))):
        true = math.prod(shape[i] for i in {*members, *reporting})
        yield true * (math.prod(shape[i] for i in members if i in reporting) - 1), len(members)


def _misreports(shape: Places, members: Places, reporting: Collection[int]) -> Iterator[tuple[Places, Places, Places]]:
    """Yield true costs, the profile of the contracts that they lead to, and that of a joint misreport."""
    everybody = range(len(shape))
    for true in product(*(range(shape[i]) if i in members or i in reporting else (0,) for i in everybody)):
        contract = tuple(k if i in reporting else 0 for i, k in enumerate(true))
        for told in product(*(range(shape[i]) if i in members and i in reporting else contract[i : i + 1] for i in everybody)):
            if told != contract:
                yield true, contract, told
