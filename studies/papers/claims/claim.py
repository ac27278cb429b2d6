"""One claim of a paper, and what a run of our code says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from veridical.data.lazy import pd

__all__ = ["Claim", "Claims", "Verdict", "listed", "not_checked", "printed_digits", "trend"]

STEP = 1e-9  # of a percentage: a smaller fall is rounding


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds (None: not checked), the witness in a sentence, and the figure in it that matters most."""

    holds: bool | None
    witness: str
    figure: float = float("nan")


@dataclass(frozen=True)
class Claim:
    """What a paper says at a place, what it says of that in a word or a figure, and how to check it."""

    paper: str
    where: str
    claim: str
    claimed: str
    check: Callable[[], Verdict]


@dataclass(frozen=True)
class Claims:
    """The claims of one paper, in its order."""

    paper: str
    listed: list[Claim] = field(default_factory=list)

    def add(self, place: str, claim: str, claimed: str) -> Callable[[Callable[[], Verdict]], Callable[[], Verdict]]:
        """Return the decorator that adds a claim with the check that it decorates."""

        def added(check: Callable[[], Verdict]) -> Callable[[], Verdict]:
            self.extend(place, [(claim, claimed, check)])
            return check

        return added

    def extend(self, place: str, claims: Iterable[tuple[str, str, Callable[[], Verdict]]]) -> None:
        """Add claims of one place: each in words, what is claimed, and its check."""
        self.listed.extend(Claim(self.paper, place, *claim) for claim in claims)


def not_checked(why: str) -> Callable[[], Verdict]:
    """Return the check of a claim that cannot be checked here, and why."""
    return lambda: Verdict(None, why)


def listed(values: Iterable[float], digits: int = 2) -> str:
    """Return numbers one after the other."""
    return ", ".join(f"{value:,.{digits}f}" for value in values)


def printed_digits(exact: ArrayLike, printed: ArrayLike, digits: int, what: str) -> Verdict:
    """Return whether printed figures are the exact ones, rounded to so many digits: how many are not, and the largest error."""
    true, shown = np.asarray(exact, dtype=float), np.asarray(printed, dtype=float)
    error = np.abs(shown - true)
    off = int((error > 0.5 * 10.0**-digits + STEP).sum())
    largest = float(error[np.isfinite(error)].max(initial=0.0))
    infinite = int((~np.isfinite(error)).sum())
    endless = f"; {infinite} printed as infinite" if infinite else ""
    witness = f"{off} of {error.size} {what} differ by more than half a printed digit, by {largest:.2g} at most{endless}"
    return Verdict(off == 0, witness, largest)


def trend(table: pd.DataFrame, parameter: str, rises: bool = True) -> Verdict:
    """Return whether the mean of the column `gain` rises, or falls, with a parameter; and how many single instances do not.

    The other columns are the other parameters: two instances that agree in them, and have neighbouring values of this one, make a
    step.
    """
    others = [name for name in table.columns if name not in (parameter, "gain")]
    by_value = table.pivot(index=others, columns=parameter, values="gain")
    means = by_value.mean().tolist()
    sign = 1 if rises else -1
    wrong = int((sign * np.diff(by_value.to_numpy(), axis=1) < -STEP).sum())
    steps = by_value.shape[0] * (by_value.shape[1] - 1)
    holds = all(sign * (after - before) > STEP for before, after in pairwise(means))
    values = f"{parameter} = {', '.join(f'{value:g}' for value in by_value.columns)}"
    against = f"{wrong:,} of {steps:,} steps of single instances go the other way"
    return Verdict(holds, f"means {listed(means)} at {values}; {against}", _worst(means, sign))


def _worst(means: Sequence[float], sign: int) -> float:
    """Return the step of the means that is least in the direction that is claimed."""
    return min((sign * (after - before) for before, after in pairwise(means)), default=float("nan"))
