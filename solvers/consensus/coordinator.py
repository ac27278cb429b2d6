"""The coordinator: knows flows, who shares what and the baseline, and of the parties what they answer.

It sees a run to its end: parties that are lost on the way stay at the baseline, and the rest is planned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from veridical.data.arrays import Array
from veridical.solvers.consensus.admm import Admm, LostError
from veridical.solvers.consensus.exchange import Exchange, Round, SilentError

__all__ = ["Outcome", "Progress", "run"]


@dataclass(frozen=True)
class Progress:
    """How a consensus went. `gap`: relative to the savings. `lost`: who did not come back, and stays at the baseline.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> from veridical.solvers.consensus import Consensus
    >>> with Consensus() as planner:
    ...     progress = planner.plan(case, planner.baseline(case)).progress
    >>> progress.converged, progress.gap <= 1e-3, progress.lost
    (True, True, ())
    """

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
    before: dict[str, float]
    stopped: bool


def run(
    exchange: Exchange,
    baseline: Array,
    non_participants: tuple[str, ...],
    fee: float,
    floor: float,
    deadline: float,
    known: Mapping[str, float],
    last: Mapping[str, float],
) -> Outcome:
    """Plan without those who stay at the baseline; `floor`: savings, currency, that the gap is at least measured by.

    What the baseline costs is asked of everybody but those of whom it is `known`; of who does not answer even that, it is what he
    said `last`. A supplier who is lost stays there too, and the rest is planned again. A receiver who is lost ends the run with
    the best plan.
    """
    before, gone = _baseline_costs(exchange, baseline, known, last)
    exchange.late.clear()  # whatever was still under way from an earlier run, with other flows given
    warnings: list[str] = []
    rounds: list[Round] = []
    lost: tuple[str, ...] = ()
    converged = stopped = False
    admm = Admm(exchange, baseline, non_participants, fee, floor, before, rounds, warnings)
    while not converged:
        lost += gone
        for name in gone:
            held = name in exchange.case.suppliers and exchange.options.when_lost == "hold"
            stopped |= not held
            fate = " and reverts to the baseline; the rest was planned again" if held else "; this is the best plan until then"
            why = f" ({exchange.workers.reasons[name]})" if name in exchange.workers.reasons else ""
            warnings.append(f"{name} is lost{why}{fate}")
        if stopped:
            break
        admm = Admm(exchange, baseline, non_participants + lost, fee, floor, before, rounds, warnings)
        try:
            converged = admm.go(deadline)
        except LostError as error:
            gone = (str(error),)
        except SilentError as error:
            gone = error.names
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
        before=before,
        stopped=stopped,
    )


def _baseline_costs(
    exchange: Exchange, baseline: Array, known: Mapping[str, float], last: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return what the baseline costs everybody, and who did not say so again; raise SilentError for who never did."""
    costs = dict(known)
    gone: tuple[str, ...] = ()
    while True:
        try:
            answers = exchange.every("cost", [name for name in exchange.case.names if name not in costs], baseline)
        except SilentError as error:
            if not set(error.names) <= last.keys():
                raise
            costs |= {name: last[name] for name in error.names}
            gone += error.names
        else:
            return costs | {name: answer.value for name, answer in answers.items()}, gone
