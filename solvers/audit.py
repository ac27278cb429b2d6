"""The audit of a contract menu: who would lie, about what, and gain how much."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from veridical.data import Menu

__all__ = ["Audit", "Misreport", "audit"]

TOLERANCE = 1e-6  # relative to the largest payment


@dataclass(frozen=True)
class Misreport:
    """Supplier `supplier`, whose cost is `cost`, reports `report` while the others report `others`, and gains `gain`."""

    supplier: str
    cost: float
    report: float
    others: str
    gain: float


@dataclass(frozen=True)
class Audit:
    """What a menu is worth and whether it can be trusted; all money in currency.

    max_regret: largest gain from any misreport, over all suppliers, costs, reports and the others' reports; `misreports`
    has the best lie of every supplier who gains by one, the largest first.
    min_rent: smallest rent of a truthful supplier at any profile; negative where somebody would lose.
    balanced: whether the same quantity is bought of every component at every profile.
    expected_profit: of the assembler, eq. (2), recomputed from the menu alone.
    """

    max_regret: float
    min_rent: float
    balanced: bool
    expected_profit: float
    largest_payment: float
    misreports: tuple[Misreport, ...]

    @property
    def truthful(self) -> bool:
        """Whether no misreport gains more than 1e-6 of the largest payment."""
        return self.max_regret <= TOLERANCE * max(self.largest_payment, 1.0)

    @property
    def individually_rational(self) -> bool:
        """Whether no truthful supplier loses more than 1e-6 of the largest payment."""
        return self.min_rent >= -TOLERANCE * max(self.largest_payment, 1.0)

    def record(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        return {
            **asdict(self),
            "misreports": [asdict(lie) for lie in self.misreports],
            "truthful": self.truthful,
            "individually_rational": self.individually_rational,
        }


def audit(menu: Menu) -> Audit:
    """Return the audit of a menu, from its numbers and the case alone."""
    case = menu.case
    found: list[Misreport] = []
    regret, rent = 0.0, np.inf
    for i, supplier in enumerate(case.suppliers):
        quantity = np.moveaxis(menu.quantity[i], i, 0)
        payment = np.moveaxis(menu.payment[i], i, 0)
        best: Misreport | None = None
        for k, cost in enumerate(supplier.costs):
            truth = payment[k] - cost * quantity[k]
            rent = min(rent, float(truth.min()))
            for s, report in enumerate(supplier.costs):
                if s == k:
                    continue
                gain = payment[s] - cost * quantity[s] - truth
                worst = float(gain.max())
                if worst > max(0.0, best.gain if best else 0.0):
                    place = np.unravel_index(int(gain.argmax()), gain.shape)
                    rest = [j for j in range(len(case.shape)) if j != i]
                    others = ", ".join(case.tokens(j)[p] for j, p in zip(rest, place, strict=True))
                    best = Misreport(supplier.name, cost, report, others, worst)
        if best:
            regret = max(regret, best.gain)
            found.append(best)
    largest = float(np.abs(menu.payment).max())
    return Audit(
        max_regret=regret,
        min_rent=rent,
        balanced=menu.is_balanced,
        expected_profit=menu.expected_profit,
        largest_payment=largest,
        misreports=tuple(sorted(found, key=lambda lie: -lie.gain)),
    )
