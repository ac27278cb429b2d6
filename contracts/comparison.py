"""How large a gain has to be to be one: relative to the amounts of which this very comparison is the difference.

A supplier compares what he is paid and what his units cost him, by the truth and by a report, in one profile or in expectation.
The largest of these own amounts says how large a gain is; nobody else's does, and no absolute number, so that a verdict does not
depend on the currency, on the unit of quantity, or on who else takes part.

One thing more is allowed for. Where an agent gets next to nothing in a profile, all that there is to compare is what a solver's
point is off, and that goes with what the same agent gets elsewhere: his `stake`, the largest amount that he has in any profile by
any report. A billionth of it is no gain. Amounts of other agents are no part of a stake: beside an engine at 3,000,000 a panel at
4 is still audited to a millionth of what is paid for the panel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from veridical.data.arrays import Array

__all__ = ["NOISE", "TOLERANCE", "Compared", "allowed", "gainful", "worst", "worst_place"]

TOLERANCE = 1e-6  # of the largest amount in a comparison
NOISE = 1e-9  # of the agent's stake


@dataclass(frozen=True)
class Compared:
    """A misreport (with its `gain`), the gain that is `allowed`, and what is no more than `rounding`; in the gain's unit."""

    misreport: Any
    allowed: float
    rounding: float = 0.0

    @property
    def violates(self) -> bool:
        """Whether the misreport gains more than is allowed."""
        return bool(self.misreport.gain > self.allowed)

    @property
    def severity(self) -> tuple[bool, float]:
        """What orders comparisons: any violation comes before the largest gain that is none."""
        return self.violates, self.misreport.gain


def allowed(amount: Any, stake: Any) -> Any:
    """Return what a gain may come to.

    Parameters
    ----------
    amount : float or array
        The largest amount that each gain is a difference of, >= 0.
    stake : float or array
        The largest such amount that the same agent has in any profile, by any report.

    Returns
    -------
    float or array
        A millionth of the amount and a billionth of the stake; 0 where both are 0.

    Examples
    --------
    >>> round(allowed(2_000.0, 2_000.0), 6)
    0.002002
    """
    return TOLERANCE * amount + NOISE * stake


def worst_place(gain: Array, most: Array) -> tuple[int, ...]:
    """Return the index of the largest gain among those that exceed what is allowed, `most`; of all gains where none does."""
    violates = gain > most
    candidates = np.where(violates, gain, -np.inf) if violates.any() else gain
    return tuple(int(k) for k in np.unravel_index(int(candidates.argmax()), gain.shape))


def worst(compared: Iterable[Compared]) -> Compared | None:
    """Return the largest violation; where there is none the largest gain; None where nothing is compared."""
    return max(compared, key=lambda one: one.severity, default=None)


def gainful(compared: Iterable[Compared]) -> tuple[Any, ...]:
    """Return the misreports that gain more than rounding, the largest gain first."""
    misreports = [one.misreport for one in compared if one.misreport.gain > one.rounding]
    return tuple(sorted(misreports, key=lambda misreport: -misreport.gain))
