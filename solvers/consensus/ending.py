"""Rounds that came to no proof: what is said of that, and who is to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from veridical.data import NotSolvedError
from veridical.solvers.solution import Termination

if TYPE_CHECKING:
    from veridical.solvers.consensus.admm import Admm

__all__ = ["at_fault", "out_of"]


def at_fault(run: Admm) -> tuple[str, NotSolvedError] | None:
    """Return the stranger who leaves most of the gap open, and how: he would keep others from a plan. None where it is nobody."""
    name, part = _least(run), ""
    left = run.exchange.claims[name].unproven()
    if run.bound == -np.inf and (nothing := _nothing(run)):
        name, part = nothing[0], "nothing"
    elif left > (run.upper - run.bound) / 2:
        part = f"all but {left:,.6g}"
    if not part or not run.exchange.workers.is_stranger(name):
        return None
    words = f"{name} proves {part} of what it says that a plan costs, after {len(run.rounds)} rounds"
    return name, NotSolvedError(words, Termination.ITERATION_LIMIT)


def out_of(run: Admm, over: str) -> NotSolvedError:
    """Return the error of a run whose rounds or time are over, with what is known of why."""
    primals = [name for name in run.names if run.traits[name].interface == "primal"]
    why = f"; primal agents ({', '.join(primals)}) stall where costs are kinked" if primals else ""
    if run.bound > -np.inf:
        why += f"; {_least(run)} proves least of what it said last that a plan costs"
    elif nothing := _nothing(run):
        why += f"; nothing was proven last by {', '.join(nothing)}"
    if run.options.noise:
        why += f"; suppliers answer with noise = {run.options.noise:g}, and gaps below three times that may be out of reach"
    return NotSolvedError(
        f"{run.case.name}: consensus ran out of {over} after {len(run.rounds)} rounds, with a plan of cost "
        f"{run.upper:,.6g}, at least {run.bound:,.6g}: {run.gap:.2g} of the savings apart{why}",
        Termination.ITERATION_LIMIT if over == "rounds" else Termination.TIME_LIMIT,
    )


def _least(run: Admm) -> str:
    """Return who proves least of what he said last that a plan costs."""
    return max(run.names, key=lambda name: run.exchange.claims[name].unproven())


def _nothing(run: Admm) -> list[str]:
    """Return who said last that there is no least cost at a price."""
    return [name for name, value in run.support.items() if value == -np.inf] or run.unproven
