"""A row is what a fresh solve of the changed case finds, whichever number of whichever kind of case is varied.

Every number that a case has is varied by itself: a model that is kept between points must take on all of them.
"""

from collections.abc import Iterator
from typing import Any

import pytest

import veridical as vd
from veridical.data import AssemblerCase
from veridical.data.case_record import hashed, plain
from veridical.data.record import check

YIELD = {"values": [0.8, 1.0], "weights": [0.4, 0.6]}
TERMS = {
    "salvage": 2.0,
    "shortage_penalty": 1.5,
    "assembly_cost": 1.0,
    "suppliers.panel.units_per_product": 2.0,
    "suppliers.panel.reservation_profit": [300.0, 100.0],
    "suppliers.battery.capacity": 400.0,
}
RULES = {"suppliers.panel.minimum_order": 200.0, "suppliers.panel.setup_cost": 90.0, "suppliers.battery.lot_size": 50.0}
AMBIGUITY = {"ambiguity": {"distance": "wasserstein", "radius": 0.5}}
PRODUCTS = {
    "kind": "assembler",
    "name": "products",
    "suppliers": [
        {"name": "panel", "costs": [4.0, 9.0], "probabilities": [0.5, 0.5], "capacity": 900.0},
        {"name": "battery", "costs": [3.0, 7.0], "probabilities": [0.4, 0.6]},
    ],
    "products": [
        {
            "name": "large",
            "price": 30.0,
            "salvage": 1.0,
            "demand": {"distribution": "uniform", "low": 100, "high": 900},
            "units": {"panel": 1.0, "battery": 2.0},
        },
        {
            "name": "small",
            "price": 22.0,
            "demand": {"distribution": "empirical", "values": [50.0, 100.0, 300.0], "weights": [0.2, 0.5, 0.3]},
            "units": {"panel": 1.0},
        },
    ],
}
CASES: dict[str, tuple[Any, dict[str, Any], list[str], str]] = {  # by what is in the case: where it is from, mechanisms, solver
    "terms": ("two-suppliers-correlated", TERMS, ["icds", "hybrid"], "highs"),
    "rules": ("two-suppliers", RULES, ["icds"], "highs"),
    "yields": ("two-suppliers", {"suppliers.panel.yield": YIELD}, ["icds"], "highs"),
    "an ambiguous prior": ("two-suppliers-correlated", AMBIGUITY, ["icds"], "highs"),
    "products": (PRODUCTS, {}, ["icds_balanced"], "highs"),
    "a smooth demand": (
        "two-suppliers",
        {"demand": {"distribution": "normal", "mean": 500, "sd": 120}},
        ["icds_balanced"],
        "ipopt",
    ),
    "retailers": (
        "two-retailers",
        {"retailers.0.reservation_profit": 0.4, "retailers.0.capacity": 2.0},
        ["allocation", "centralized"],
        "highs",
    ),
    "a capacity that is chosen": ("five-retailers", {}, ["capacity_choice"], "ipopt"),
}
EXACT = 1e-8  # relative: tangents and integers end within the tolerance of the solver


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers and lists of numbers of a case, by the names that `--set` takes."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from numbers(part, f"{place}.{key}" if place else key)
    elif isinstance(value, list) and isinstance(value[0], dict):
        for k, part in enumerate(value):
            yield from numbers(part, f"{place}.{part.get('name', k)}")
    elif isinstance(value, int | float | list) and not isinstance(value, bool):
        yield place, value


def others(value: Any) -> list[Any]:
    """Return the value, and another one of the same kind."""
    if isinstance(value, int):
        return [value, value + 1]
    if isinstance(value, float):
        return [value, value * 1.06]
    if isinstance(value[0], list):  # a prior
        return [value, [[value[0][0] + 0.01, *value[0][1:]], *value[1:-1], [*value[-1][:-1], value[-1][-1] - 0.01]]]
    if abs(sum(value) - 1) < 1e-9:  # probabilities
        return [value, [value[0] + 0.03, *value[1:-1], value[-1] - 0.03]]
    return [value, [part * (1 + 0.02 * (k + 1) / len(value)) for k, part in enumerate(value)]]


@pytest.mark.parametrize("name", CASES)
def test_every_number_of_a_case_is_varied(name: str) -> None:
    source, changes, mechanisms, solver = CASES[name]
    case = (vd.example(source) if isinstance(source, str) else check(AssemblerCase, source)).changed(**changes)
    varied = 0
    for field, value in numbers(plain(case, "", {})):
        values, alone = others(value), {"solver": solver, "tolerance": 1e-9}
        try:
            changed = [case.changed(**{field: one}) for one in values]
        except vd.InputError:  # as the capacity of retailers beside a prior
            continue
        spec = {"case": case, "mechanisms": mechanisms, "solver": alone, "vary": {field: {"values": values}}}
        rows = vd.study(spec).to_dict("records")
        found = [vd.solve(one, mechanism, alone) for mechanism in mechanisms for one in changed]
        for row, one, solution in zip(rows, changed * len(mechanisms), found, strict=True):
            assert row["objective"] == pytest.approx(solution.objective, rel=EXACT), (field, row["mechanism"])
            assert row["status"] == str(solution.status)
            assert row["case_hash"] == hashed(one)
        varied += 1
    assert varied > 3
