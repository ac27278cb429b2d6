"""Every mechanism by every solver: what is the same problem in other words, units or money has the same answer."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.allocation_cases import LINEAR, group
from support.allocation_cases import case as allocation_case
from support.assembler_cases import build
from veridical.data import AllocationCase, AssemblerCase

Generator = np.random.Generator
FACTORS = (1e-6, 1e-4, 1e-2, 1e3, 1e5, 1e7, 1e9)
SAME = 1e-6  # relative: what a certificate promises
SOLVERS = ("highs", "ipopt", "closed_form")
Raw = dict[str, Any]  # what a case is made of


def random_assembler(rng: Generator) -> Raw:
    """Return two suppliers of two or three costs, and a demand, of which most profiles are worth producing."""
    costs = [np.cumsum(rng.integers(2, 12, rng.integers(2, 4))) / 2 for _ in range(2)]
    weights = [rng.integers(1, 9, len(supplier)) for supplier in costs]
    low = float(rng.integers(50, 200))
    demands = (
        {"distribution": "uniform", "low": low, "high": low + float(rng.integers(200, 800))},
        {"distribution": "exponential", "mean": low},
        {"distribution": "empirical", "values": [low, 2 * low, 3.5 * low], "weights": [0.2, 0.5, 0.3]},
    )
    return {
        "costs": [supplier.tolist() for supplier in costs],
        "probabilities": [(weight / weight.sum()).tolist() for weight in weights],
        "price": float(sum(supplier[-1] for supplier in costs) * rng.uniform(1.05, 2.5)),
        "demand": demands[int(rng.integers(3))],
    }


def random_allocation(rng: Generator) -> Raw:
    """Return a group of one or two retailers of two or three types who sell at a price what a uniform demand lets them."""
    types = np.cumsum(rng.integers(1, 5, rng.integers(2, 4))) + 3.0
    weight = rng.integers(1, 9, len(types))
    return {
        "types": types.tolist(),
        "probabilities": (weight / weight.sum()).tolist(),
        "count": int(rng.integers(1, 3)),
        "price": float(rng.integers(5, 20)),
        "capacity": float(rng.uniform(2, 8)),
        "capacity_cost": float(rng.uniform(1, 4)),
    }


def assembler(raw: Raw, mechanism: str) -> AssemblerCase:
    """Return the case that the fields describe."""
    return build(raw["costs"], raw["probabilities"], price=raw["price"], demand=raw["demand"])


def allocation(raw: Raw, mechanism: str) -> AllocationCase:
    """Return the case that the fields describe, with the capacity to be chosen where that is what the mechanism does."""
    newsvendor = {"form": "newsvendor", "price": raw["price"], "demand": {"distribution": "uniform"}}
    retailers = group(raw["types"], raw["probabilities"], LINEAR if raw.get("linear") else newsvendor, raw["count"])
    chosen = "capacity_cost" if mechanism == "capacity_choice" else "capacity"
    return allocation_case(retailers, **{chosen: raw[chosen]})


Change = Callable[[Raw, float, Generator], tuple[Raw, float]]  # the same in other words, and what the profit is multiplied by


def money(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """Count money in another currency."""
    changed = {**raw, "price": raw["price"] * factor}
    if "costs" in raw:
        return changed | {"costs": [[cost * factor for cost in costs] for costs in raw["costs"]]}, factor
    return changed | {"capacity_cost": raw["capacity_cost"] * factor}, factor


def units(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """Count goods in other units, for the same money in all."""
    changed = {**raw, "price": raw["price"] / factor}
    if "costs" in raw:
        demand = {key: scaled(value, factor) if key != "weights" else value for key, value in raw["demand"].items()}
        return changed | {"demand": demand, "costs": [[cost / factor for cost in costs] for costs in raw["costs"]]}, 1.0
    types = [one * factor for one in raw["types"]]
    capacities = {"capacity": raw["capacity"] * factor, "capacity_cost": raw["capacity_cost"] / factor}
    return changed | {"types": types, **capacities}, 1.0


def money_and_units(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """Count both, where units sell at theta - q: money a unit falls by a unit of money for each more."""
    fields = ("capacity", "capacity_cost")
    types = [one * factor for one in raw["types"]]
    return {**raw, "types": types} | {key: raw[key] * factor for key in fields}, factor**2


def scaled(value: Any, factor: float) -> Any:
    """Return a number or numbers times a factor, and words as they are."""
    if isinstance(value, str):
        return value
    return [one * factor for one in value] if isinstance(value, list) else value * factor


def order(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """Name the suppliers in another order."""
    return {**raw, "costs": raw["costs"][::-1], "probabilities": raw["probabilities"][::-1]}, 1.0


def split(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """Split a type into two of half its probability, as near as types that ascend can be."""
    several = "costs" in raw
    values, shares = (raw["costs"][0], raw["probabilities"][0]) if several else (raw["types"], raw["probabilities"])
    k = int(rng.integers(len(values)))
    values = [*values[: k + 1], values[k] * (1 + 1e-12), *values[k + 1 :]]
    shares = [*shares[:k], shares[k] / 2, shares[k] / 2, *shares[k + 1 :]]
    if several:
        return {**raw, "costs": [values, *raw["costs"][1:]], "probabilities": [shares, *raw["probabilities"][1:]]}, 1.0
    return {**raw, "types": values, "probabilities": shares}, 1.0


def point_twice(raw: Raw, factor: float, rng: Generator) -> tuple[Raw, float]:
    """List a point of demand twice, with half its weight each time; other demands become such points first."""
    return {**raw, "demand": {"distribution": "empirical", "values": [100.0, 100.0, 250.0], "weights": [0.3, 0.3, 0.4]}}, 1.0


ASSEMBLER: dict[str, Change] = {"money": money, "units": units, "order": order, "split": split, "point twice": point_twice}
ALLOCATION: dict[str, Change] = {"money": money, "units": units, "split": split}


def routes(kind: type) -> list[tuple[str, str]]:
    """Return the mechanisms of a kind with the solvers that they have."""
    named = [(name, one) for name, one in vd.MECHANISMS.items() if one.kind is kind and name != "fixed_price"]
    pairs = [(name, solver) for name, one in named for solver in SOLVERS if solver != "closed_form" or one.closed_form]
    return [pair for pair in pairs if pair != ("allocation_kkt", "highs")]  # its complementarity is nonlinear


TRIALS = [
    (mechanism, solver, change)
    for kind, changes in ((AssemblerCase, ASSEMBLER), (AllocationCase, ALLOCATION))
    for (mechanism, solver), change in product(routes(kind), changes)
]


@cache
def outcome(mechanism: str, solver: str, change: str) -> tuple[float, float] | str:
    """Return the profit and the changed case's in the same money, or what was refused."""
    rng = np.random.default_rng(list(f"{mechanism} {change}".encode()))  # the same case for every solver
    several = vd.MECHANISMS[mechanism].kind is AssemblerCase
    make: Callable[[Raw, str], Any] = assembler if several else allocation
    raw = random_assembler(rng) if several else random_allocation(rng)
    if change == "point twice":
        raw["demand"] = {"distribution": "empirical", "values": [100.0, 250.0], "weights": [0.6, 0.4]}
    changes = ASSEMBLER | ALLOCATION
    if solver == "highs" and not several:  # it takes quadratic revenues alone
        raw["linear"] = True
        changes |= {"money": money_and_units, "units": money_and_units}
    changed, factor = changes[change](raw, FACTORS[int(rng.integers(len(FACTORS)))], rng)
    try:
        found = [vd.solve(make(fields, mechanism), mechanism, solver).objective for fields in (raw, changed)]
    except vd.VeridicalError as error:
        return f"{type(error).__name__}: {error}"
    return found[0], found[1] / factor


def name(trial: tuple[str, str, str]) -> str:
    """Return what a trial is called."""
    return "-".join(trial)


@pytest.mark.parametrize("trial", TRIALS, ids=name)
def test_the_answer_is_the_same(trial: tuple[str, str, str]) -> None:
    found = outcome(*trial)
    if not isinstance(found, str):  # refusals are counted below
        before, after = found
        assert abs(after - before) <= SAME * abs(before)


def test_hardly_any_case_is_refused() -> None:
    refused = {name(trial): found for trial in TRIALS if isinstance(found := outcome(*trial), str)}
    assert len(refused) <= len(TRIALS) / 50, refused
