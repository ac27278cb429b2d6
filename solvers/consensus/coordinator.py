"""The coordinator: knows flows, who shares what and the baseline, and of the parties what they answer.

It sees a run to its end: parties that are lost on the way stay at the baseline, and the rest is planned again. A run is made in
blocks, each up to a proof of how good its plan is, so that several can be made in turn (`turns`); what comes of one is the same
to the last digit whether others are made in between or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.data.progress import step
from veridical.solvers.consensus.admm import Admm, LostError
from veridical.solvers.consensus.exchange import Exchange, Round, SilentError

__all__ = ["Outcome", "Progress", "Run", "Savings"]

Savings = list[float]  # of a plan of everybody, currency: before its first proof, and after each


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


class Run:
    """A plan without those who stay at the baseline, on its way; `result`: what has come of it, once it is at its end.

    What the baseline costs is asked of everybody but those of whom it is `known`; of who does not answer even that, it is what he
    said `last`, in whichever plan; `keep` is told what they say. A supplier who is lost stays there too, and the rest is planned
    again. A receiver who is lost ends the run with the best plan.

    `savings`: of the plan of everybody, by which gaps are at least measured: a run measures them by what had been saved there one
    proof earlier, so that it does not matter which of the two has made more of its way. `limit`: seconds that it may take.
    `resume`: called before parties are asked on, as another run may have been at work, with who is lost and is left alone.
    """

    def __init__(
        self,
        exchange: Exchange,
        baseline: Array,
        non_participants: tuple[str, ...],
        fee: float,
        savings: Savings,
        limit: float,
        known: Mapping[str, float],
        last: Callable[[], Mapping[str, float]],
        keep: Callable[[Mapping[str, float]], None],
        resume: Callable[[tuple[str, ...]], None],
    ) -> None:
        self.exchange, self.baseline, self.non_participants, self.fee = exchange, baseline, non_participants, fee
        self.savings, self.limit, self.known, self.last, self.keep, self.resume = savings, limit, known, last, keep, resume
        self.rounds: list[Round] = []
        self.warnings: list[str] = []
        self.lost: tuple[str, ...] = ()
        self.stopped, self.built = False, 0.0
        self.leads = not non_participants  # whether it is the plan of everybody who is there
        self.result: Outcome | None = None
        self.proofs, self.seconds, self._began = 0, 0.0, 0.0
        self._rounds = self._made()

    def go(self) -> Outcome:
        """Make it to its end, and return what came of it; raise NotSolvedError where rounds or time are over before."""
        with step("consensus round") as said, closing(self):
            while self.result is None:
                self.block(said)
        return self.result

    def close(self) -> None:
        """Ask nobody any more."""
        self._rounds.close()

    def block(self, said: step) -> None:
        """Go on to the next proof, or to the end: to a gap that is small enough, or to where too many were lost."""
        self._began = perf_counter()
        converged = not self.stopped
        for completed in self._rounds:
            said.advance(completed.words)
            if self.exchange.callback is not None:
                self.exchange.callback(completed)
            if not math.isnan(completed.gap):
                self.proofs += 1
                converged = completed.gap <= self.exchange.options.gap
                break
        self.seconds += perf_counter() - self._began
        if self.leads:
            self.savings.append(self.admm.first - self.admm.upper)
        if converged or self.stopped:
            self.result = self._outcome(converged and not self.stopped)

    def go_on(self) -> None:
        """Ask for another block after the end, of which nothing is used, as long as there are rounds and time for it."""
        if len(self.rounds) + self.exchange.options.check > self.exchange.options.rounds:
            return
        self._began, self.admm.idle = perf_counter(), True
        with suppress(NotSolvedError):
            next((completed for completed in self._rounds if not math.isnan(completed.gap)), None)
        self.seconds += perf_counter() - self._began

    def _outcome(self, converged: bool) -> Outcome:
        """Return the best plan until now, and how good it is."""
        admm, before = self.admm, self.before
        back = sum(before[name] for name in self.lost if name in admm.non_participants)  # they pay what they pay at the baseline
        return Outcome(
            plan=admm.plan,
            costs={**before, **admm.costs},
            fee=admm.paid,
            bound=admm.bound + back,
            prices=admm.prices(),
            progress=Progress(tuple(self.rounds), admm.gap, converged, self.lost, tuple(self.warnings)),
            rho=float(np.median(admm.rho)),
            savings=admm.first - admm.upper,
            before=before,
            stopped=self.stopped,
        )

    def _timely(self) -> bool:
        return self.seconds + perf_counter() - self._began < self.limit

    def _made(self) -> Generator[Round, None, None]:
        """Yield rounds, and begin anew without who is lost."""
        self.resume(())
        self.before, gone = _baseline_costs(self.exchange, self.baseline, self.known, self.last())
        self.keep(self.before)
        self.exchange.late.clear()  # whatever was still under way from an earlier run, with other flows given
        self.admm = self._without(self.non_participants)
        while True:
            self.lost += gone
            for name in gone:
                self.exchange.own.pop(name, None)  # nothing is waited for any more
                held = name in self.exchange.case.suppliers and self.exchange.options.when_lost == "hold"
                self.stopped |= not held
                fate = (
                    " and reverts to the baseline; the rest was planned again" if held else "; this is the best plan until then"
                )
                why = f" ({self.exchange.workers.reasons[name]})" if name in self.exchange.workers.reasons else ""
                self.warnings.append(f"{name} is lost{why}{fate}")
            if self.stopped:
                return
            if gone:
                self.admm = self._without(self.non_participants + self.lost)
            try:
                self.resume(self.lost)
                for completed in self.admm.go(self._timely):
                    yield completed
                    self.admm.floor = self._floor()
                    self.resume(self.lost)
                    self.exchange.fix(self.admm.names, np.where(self.admm.free, np.nan, self.baseline))
            except LostError as error:
                gone = (str(error),)
            except SilentError as error:
                gone = error.names
            else:
                return

    def _without(self, absent: tuple[str, ...]) -> Admm:
        return Admm(self.exchange, self.baseline, absent, self.fee, self._floor(), self.before, self.rounds, self.warnings)

    def _floor(self) -> float:
        return self.savings[min(self.proofs, len(self.savings) - 1)]


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
