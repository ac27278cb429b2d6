"""The coordinator: knows flows, who shares what and the baseline, and of the parties what they answer.

It sees a run to its end: parties that are lost on the way stay at the baseline, and the rest is planned again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veridical.data.arrays import Array
from veridical.solvers.consensus.admm import Admm, LostError
from veridical.solvers.consensus.exchange import Exchange, Round

__all__ = ["Outcome", "Progress", "run"]


@dataclass(frozen=True)
class Progress:
    """How a consensus went. `gap`: relative to the savings. `lost`: who did not come back, and stays at the baseline."""

    rounds: tuple[Round, ...]
    gap: float
    converged: bool
    lost: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The best plan, what it costs each party, the fee it pays, the bound, prices, and how it came about."""

    plan: Array
    costs: dict[str, float]
    fee: float
    bound: float
    prices: Array
    progress: Progress
    rho: float
    savings: float


def run(
    exchange: Exchange, baseline: Array, non_participants: tuple[str, ...], fee: float, floor: float, deadline: float
) -> Outcome:
    """Plan without those who stay at the baseline; `floor`: savings, currency, that the gap is at least measured by.

    A supplier who is lost stays there too, and the rest is planned again. A receiver who is lost ends the run with the best plan.
    """
    before = {name: answer.value for name, answer in exchange.every("cost", exchange.case.names, baseline).items()}
    exchange.late.clear()  # whatever was still under way from an earlier run, with other flows given
    warnings: list[str] = []
    rounds: list[Round] = []
    lost: tuple[str, ...] = ()
    while True:
        admm = Admm(exchange, baseline, non_participants + lost, fee, floor, before, rounds, warnings)
        try:
            converged = admm.go(deadline)
        except LostError as gone:
            name = str(gone)
            lost = (*lost, name)
            if name in exchange.case.suppliers and exchange.options.when_lost == "hold":
                warnings.append(f"{name} is lost and reverts to the baseline; the rest was planned again")
                continue
            warnings.append(f"{name} is lost; this is the best plan until then")
            converged = False
        break
    back = sum(before[name] for name in lost if name in admm.non_participants)  # they pay what they pay at the baseline
    return Outcome(
        plan=admm.plan,
        costs={**before, **admm.costs},
        fee=admm.paid,
        bound=admm.bound + back,
        prices=admm.prices(),
        progress=Progress(tuple(rounds), admm.gap, converged, lost, tuple(warnings)),
        rho=float(np.median(admm.rho)),
        savings=admm.first - admm.upper,
    )
