"""Random cases with the keys that contracts have beside price and cost, and what an oracle takes of them."""

from typing import Any

from hypothesis import strategies as st

from support import linear_oracles
from support.assembler_cases import random_cases
from veridical.data import AssemblerCase


@st.composite
def practice_cases(draw: st.DrawFn, kind: str, joint: bool = False, varying: bool = False) -> AssemblerCase:
    """Return random cases with every key of practice; reservation profits depend on costs where they are `varying`."""
    case = draw(random_cases(kind, joint=joint))
    changes: dict[str, Any] = {}
    for i, supplier in enumerate(case.suppliers):
        place = f"suppliers.{i}."
        changes[place + "units_per_product"] = draw(st.sampled_from([0.5, 1.0, 2.0, 3.0]))
        if draw(st.booleans()):
            changes[place + "capacity"] = float(draw(st.integers(20, 900)))
        if draw(st.booleans()):
            counts = len(supplier.costs) if varying else 1
            profits = [float(draw(st.integers(0, 400))) for _ in range(counts)]
            changes[place + "reservation_profit"] = profits if varying else profits[0]
    with_parts = case.changed(**changes)
    tenth = with_parts.least_cost / 10
    further = {"salvage": draw(st.integers(0, 9)) * tenth, "shortage_penalty": draw(st.integers(0, 5)) * tenth}
    further["assembly_cost"] = draw(st.integers(0, 4)) * case.price / 10
    further["salvage"] = min(further["salvage"], 0.9 * (case.price - further["assembly_cost"] + further["shortage_penalty"]))
    return with_parts.changed(**further)


def of(case: AssemblerCase) -> linear_oracles.Practice:
    """Return what an oracle takes of a case."""
    each = [supplier.units_per_product for supplier in case.suppliers]
    reserved = [supplier.reservations for supplier in case.suppliers]
    capacity = [supplier.capacity for supplier in case.suppliers]
    return linear_oracles.Practice(case.salvage, case.shortage_penalty, case.assembly_cost, each, reserved, capacity)
