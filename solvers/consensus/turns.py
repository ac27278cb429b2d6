"""Plans that are made at once, in turn and in an order that nobody knows, so that who is asked cannot tell which is which.

Each plan is made in blocks, from one proof to the next. In every turn each plan gets one block, in an order drawn anew; one that
is at its end is asked on as before, of which nothing is used, until all are. So an agent is asked the same questions, as often,
for each of the plans in which it takes part, and neither the order nor the number tells the plan of all from those without
somebody else. What comes of a plan does not depend on turns (`coordinator.Run`): it is what it is alone, to the last digit.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from veridical.data.progress import step
from veridical.solvers.consensus.coordinator import Run

__all__ = ["Drawn", "in_turn"]

ItemT = TypeVar("ItemT")


class Drawn:
    """Orders, one after the other, that follow from a seed; who does not know the seed cannot tell them from any others.

    Examples
    --------
    >>> sorted(Drawn(b"secret").of("abc")), Drawn(b"secret").of("abcdefgh") == Drawn(b"secret").of("abcdefgh")
    (['a', 'b', 'c'], True)
    """

    def __init__(self, seed: bytes) -> None:
        self.seed, self.count = seed, 0

    def of(self, items: Iterable[ItemT]) -> list[ItemT]:
        """Return items in the next order."""
        self.count += 1
        keyed = enumerate(items)
        drawn = [(hmac.digest(self.seed, f"{self.count} {k}".encode(), "sha256"), item) for k, item in keyed]
        return [item for _, item in sorted(drawn, key=lambda pair: pair[0])]


def in_turn(runs: Sequence[Run], drawn: Drawn) -> None:
    """Make all runs to their ends; raise NotSolvedError for the first of which rounds or time are over before."""
    with step("consensus round") as said, ExitStack() as at_the_end:
        for run in runs:
            at_the_end.callback(run.close)
        while any(run.result is None for run in runs):
            for run in drawn.of(runs):
                if run.result is None:
                    run.block(said)
                else:
                    run.go_on()
