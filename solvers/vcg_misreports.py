"""Misreports of one party of a model of blocks, and what each brings the party over the truth.

A misreport alters what the mechanism hears: the party's cost in the objective, or its block. The truth then prices the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.joint_plan.audit import NO_PLAN
from veridical.contracts.joint_plan.misreports import SIZES
from veridical.contracts.joint_plan.search import Tried
from veridical.contracts.vcg import VCGOutcome, compared
from veridical.data import InputError, VeridicalError
from veridical.data.progress import counted
from veridical.models.parties import terms, untouched
from veridical.solvers.vcg import Game, objective, optimum

__all__ = ["searched"]

BROKEN = "whose plan the party could not keep"
Edit = Callable[[Any, Any, int], object]


@dataclass(frozen=True)
class Lie:
    """A misreport in words. `paid()` returns what is paid for it, and leaves the plan in the game's model, which is the truth."""

    kind: str
    report: str
    paid: Callable[[], float]


def searched(game: Game, outcome: VCGOutcome, misreports: int, seed: int, misreport: Edit | None) -> Tried:
    """Return what `misreports` of each party gain: drawn by the seed, or the caller's own."""
    tried = Tried()
    for place, name in enumerate(counted("audit of party", game.parties.names)):
        rng = np.random.default_rng([seed, place])
        drawn = _drawn(game, name, misreports, rng) if misreport is None else _edited(game, name, misreports, misreport)
        for lie in counted(f"misreport of {name}", drawn, misreports):
            try:
                paid = lie.paid()
            except VeridicalError as error:
                if misreport is not None and isinstance(error, InputError):  # the caller's edit, and for the caller to mend
                    raise
                tried.kinds[NO_PLAN] += 1
                tried.failed += 1
                continue
            cost = game.least_cost(game.parties, name)
            if cost is None or not game.kept():
                tried.kinds[BROKEN] += 1
                tried.failed += 1
                continue
            gain = paid - cost - float(outcome.transfers[name] - outcome.costs[name])
            tried.compared.append(compared(outcome, name, lie.report, gain, paid, cost))
            tried.kinds[lie.kind] += 1
    return tried


def _drawn(game: Game, name: Any, count: int, rng: np.random.Generator) -> Iterator[Lie]:
    """Yield misreports: the cost dearer, its terms each by a factor of its own, the cost cheaper, Params, and so on."""
    cost, params = game.parties.cost(name), _params(game.parties.blocks[name])
    several = list(terms(cost))
    kinds = [1.0, "terms", -1.0, "Params"]
    kinds = [kind for kind in kinds if (kind != "terms" or len(several) > 1) and (kind != "Params" or params)]
    for k in range(count):
        kind, size = kinds[k % len(kinds)], SIZES[int(rng.integers(len(SIZES)))]
        if isinstance(kind, float):
            factor = math.exp(kind * float(rng.uniform(0.0, size)))
            yield Lie("all of the cost", f"cost x {factor:.5g}", partial(_told, game, name, factor * cost))
        elif kind == "terms":
            factors = np.exp(rng.uniform(-size, size, len(several))).tolist()
            told = pyo.quicksum(by * factor * term for by, (term, factor) in zip(factors, several, strict=True))
            report = f"{len(several)} terms of the cost {_span(factors)}"
            yield Lie("terms of the cost", report, partial(_told, game, name, told))
        else:
            together = k // len(kinds) % 2 == 1
            chosen = params if together else [params[int(rng.integers(len(params)))]]
            entries = [entry for param in chosen for entry in param.values()]
            factors = np.exp(rng.uniform(-size, size, len(entries))).tolist()
            names = ", ".join(param.local_name for param in chosen[:3]) + (", ..." if len(chosen) > 3 else "")
            values = [(entry, entry.value * by) for entry, by in zip(entries, factors, strict=True)]
            yield Lie("Params", f"{names} {_span(factors)}", partial(_told, game, name, cost, values))


def _span(factors: list[float]) -> str:
    low, high = min(factors), max(factors)
    return f"x {low:.5g}" if low == high else f"x {low:.5g} to {high:.5g}"


def _params(block: Any) -> list[Any]:
    """Return the mutable Params of a block whose numbers may be multiplied, as they are of a continuous domain."""

    def continuous(param: Any, value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.pi * value in param.domain

    params = block.component_objects(pyo.Param)
    return [one for one in params if one.mutable and len(one) and all(continuous(one, entry.value) for entry in one.values())]


def _told(game: Game, name: Any, cost: Any, values: Sequence[tuple[Any, float]] = ()) -> float:
    """Return what a party is paid that reports another cost, or other values of Params."""
    parties, before = game.parties, [(entry, entry.value) for entry, _ in values]
    try:
        for entry, value in values:
            entry.set_value(value)
        # A party's cost does not enter the world without it; its Params may.
        amount = game.without(parties, name).total if values else game.amounts[name].total
        with objective(parties, parties.total({name: cost})):
            total = parties.sign * optimum(parties, game.alone).objective
        return amount - (total - float(pyo.value(cost)))
    finally:
        for entry, value in before:
            entry.set_value(value)


def _edited(game: Game, name: Any, count: int, misreport: Edit) -> Iterator[Lie]:
    """Yield the caller's misreports."""
    for k in range(count):
        yield Lie("the caller's", f"edit {k}", partial(_edit, game, name, k, misreport))


def _edit(game: Game, name: Any, k: int, misreport: Edit) -> float:
    """Return what a party is paid where the caller has edited its block, on a copy."""
    copy = game.parties.model.clone()
    both = [tuple(model.component_data_objects(pyo.Var)) for model in (game.parties.model, copy)]
    with untouched(game.original, "misreport"):
        misreport(copy, name, k)
    told = game.parties.on(copy)
    amount = game.without(told, name).total
    total = told.sign * optimum(told, game.alone).objective
    paid = amount - (total - told.costs()[name])
    for true, reported in zip(*both, strict=True):
        if not true.fixed:
            true.set_value(reported.value, skip_validation=True)
    return paid
