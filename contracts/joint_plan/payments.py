"""When the transfers of a rolling run are paid: every week, at the end of the horizon, or by a pledge account.

What a supplier is owed in all is the same; what is in the account is what he is still owed, below 0 what he was advanced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from veridical.data import InputError

__all__ = ["SETTLEMENTS", "Payments", "payments"]


@dataclass(frozen=True)
class Payments:
    """What one supplier is paid, week by week; currency.

    paid: to him, fees taken off. fees: what they took of it, when they did. account: what he is still owed after each week.
    forgiven: of an advance that nothing was left to pay back with.
    """

    paid: tuple[float, ...]
    fees: tuple[float, ...]
    account: tuple[float, ...]
    forgiven: float = 0.0


def weekly(saved: Sequence[float], transfers: Sequence[float]) -> list[float]:
    """Every week's transfer is paid that week. A week may be a loss: stock is built before it pays."""
    return list(transfers)


def end(saved: Sequence[float], transfers: Sequence[float]) -> list[float]:
    """Nothing is paid before the last week, and then everything. In the weeks before everybody bears his own costs alone."""
    return [*([0.0] * (len(transfers) - 1)), sum(transfers)]


def pledge(saved: Sequence[float], transfers: Sequence[float]) -> list[float]:
    """Every week he is paid what the plan costs him beyond just in time; the last also what is left of his transfers.

    The operator pledges the account: it advances what the weeks before the last need. Where the account ends so far below 0 that
    the last week would be a loss, that part is forgiven.
    """
    paid = [-own for own in saved[:-1]]
    return [*paid, max(sum(transfers) - sum(paid), -saved[-1])]


SETTLEMENTS: Mapping[str, Callable[[Sequence[float], Sequence[float]], list[float]]] = {
    "weekly": weekly,
    "end": end,
    "pledge": pledge,
}


def payments(settlement: str, saved: Sequence[float], transfers: Sequence[float], fees: Sequence[float]) -> Payments:
    """Return what one supplier is paid, and when.

    Parameters
    ----------
    settlement
        One of `SETTLEMENTS`.
    saved
        By week, what the joint plan has saved him of his own costs; negative where it cost him more. Currency.
    transfers, fees
        By week, what he is owed for it, fees taken off, and what they took.

    Raises
    ------
    InputError
        For another settlement.

    Examples
    --------
    >>> payments("pledge", [-30.0, 50.0], [-20.0, 60.0], [0.0, 0.0]).paid
    (30.0, 10.0)
    """
    if settlement not in SETTLEMENTS:
        raise InputError.of("settlement", settlement, f"one of {', '.join(SETTLEMENTS)}")
    paid = SETTLEMENTS[settlement](saved, transfers)
    owed = accumulate(transfer - payment for transfer, payment in zip(transfers, paid, strict=True))
    forgiven = max(paid[-1] - (sum(transfers) - sum(paid[:-1])), 0.0) if settlement == "pledge" else 0.0
    taken = list(fees) if settlement == "weekly" else [*([0.0] * (len(fees) - 1)), sum(fees)]
    account = [*list(owed)[:-1], 0.0]  # at the end nothing is owed any more
    return Payments(tuple(paid), tuple(taken), tuple(account), forgiven)
