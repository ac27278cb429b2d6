"""Yields in a model: how much of an order arrives, and what is assembled once that is known.

Where yields are random, `units` are assembled by profile and by scenario of YIELDS, a joint yield of all suppliers: orders and
payments cannot answer to it, what is assembled does. As S(min of x) is the least of S(x), expected revenue is concave in orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data.arrays import Integers
from veridical.models.info import info_of

__all__ = ["arriving", "assembled", "declare_yields", "needed", "numbers_of_rows", "outcomes", "scenarios"]

SURE = ("",)  # the one scenario where yields are sure: it has no name, and no place in an index
MADE = ("cover", "excess_covers", "support")  # families of expected sales, by what is assembled


def declare_yields(m: Any) -> None:
    """Declare `usable[i, value]`, a mutable Param for each yield of a supplier; and the set YIELDS, where yields are random."""
    info = info_of(m)
    case = info.case
    if all(getattr(supplier, "yield") is None for supplier in case.suppliers):
        return
    each = {(supplier.name, value): value for supplier in case.suppliers for value in supplier.usable.values}
    m.usable = pyo.Param(list(each), initialize=each, mutable=True)
    if case.random_yields:
        m.YIELDS = pyo.Set(initialize=case.yields.labels)
        families = {"assembly": info.index_names["assembly"]}
        families |= {f"expected_sales.written.{name}": ("profile",) for name in MADE}
        families["enough"] = ("component",)
        info.index_names |= {name: (*parts, "yields") for name, parts in families.items()}
        info.index_names["expected_sales.written.tangent"] = ("profile", "yields", "tangent")


def scenarios(m: Any) -> Iterable[Any]:
    """Return the joint yields by name: YIELDS, or one without a name."""
    return SURE if m.component("YIELDS") is None else m.YIELDS


def assembled(m: Any, profiles: Iterable[Any]) -> Any:
    """Return what units are assembled by: cost profiles, and scenarios of random yields."""
    return profiles if m.component("YIELDS") is None else list(product(profiles, m.YIELDS))


def outcome(t: Any, s: Any) -> Any:
    """Return the index of what is assembled at a cost profile and a scenario."""
    return (t, s) if s else t


def outcomes(m: Any, t: Any) -> list[tuple[float, Any]]:
    """Return how likely each outcome of a cost profile is, and the index of what is assembled in it."""
    if m.component("YIELDS") is None:
        return [(1.0, t)]
    joint = info_of(m).case.yields
    return [(p, outcome(t, s)) for p, s in zip(joint.probabilities.tolist(), scenarios(m), strict=True)]


def arriving(m: Any, i: str, s: Any = SURE[0]) -> Any:
    """Return the share of an order of supplier i that arrives in a scenario: a Param, or 1 where the case says nothing."""
    if m.component("usable") is None:
        return 1.0
    case = info_of(m).case
    k = case.names.index(i)
    place = case.yields.places[case.yields.labels.index(s) if s else 0, k]
    return m.usable[i, case.suppliers[k].usable.values[place]]


def needed(m: Any, i: str) -> Any:
    """Return the units to be ordered of supplier i for each product, where yields are sure."""
    return m.units_per_product[i] if m.component("usable") is None else m.units_per_product[i] / arriving(m, i)


def numbers_of_rows(m: Any) -> tuple[Integers, Integers, Integers, Integers]:
    """Return of each row of (supplier, profile, scenario): the supplier, the profile, the scenario and the yield, by number.

    Yields are numbered as in `m.usable`.
    """
    case = info_of(m).case
    joint, count = case.yields, len(m.PROFILES)
    suppliers, profiles, each = np.indices((len(case.names), count, joint.count)).reshape(3, -1)
    first = np.cumsum([0, *(len(supplier.usable.values) for supplier in case.suppliers)])
    return suppliers, profiles, each, first[suppliers] + joint.places[each, suppliers]
