"""The audit of a contract menu: who would lie, about what, and gain how much; `allocation_audit` does the same for retailers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from veridical.contracts.menu import Menu
from veridical.contracts.properties import survey

__all__ = ["Audit", "audit"]


@dataclass(frozen=True)
class Audit:
    """What a menu is worth and whether it can be trusted; all money in currency.

    `findings`: what each property of `veridical.PROPERTIES` comes to. `truth` and `participation` are the two that the menu is
    held to: dominant_strategy_ic or bayesian_ic, ex_post_ir or interim_ir. `lies`: for both kinds of truth the best lie of every
    supplier who gains by one, the largest first. `expected_profit`: of the assembler, (2), recomputed from the menu alone.
    """

    findings: Mapping[str, Any]
    lies: Mapping[str, tuple[Any, ...]]
    expected_profit: float
    largest_payment: float
    truth: str = "dominant_strategy_ic"
    participation: str = "ex_post_ir"

    @property
    def objective(self) -> float:
        """What the objective of a solution with these contracts must be."""
        return self.expected_profit

    @property
    def max_regret(self) -> float:
        """Largest gain from any misreport; 0 where none gains."""
        return max(0.0, float(self.findings[self.truth].worst))

    @property
    def min_rent(self) -> float:
        """Smallest rent of a truthful supplier; negative where somebody would lose."""
        return 0.0 - float(self.findings[self.participation].worst)

    @property
    def balanced(self) -> bool:
        """Whether the same quantity is bought of every component at every profile."""
        return bool(self.findings["balanced"].holds)

    @property
    def misreports(self) -> tuple[Any, ...]:
        """The best lie of every supplier who gains by one, the largest first."""
        return self.lies[self.truth]

    @property
    def truthful(self) -> bool:
        """Whether no misreport gains more than 1e-6 of the largest payment."""
        return bool(self.findings[self.truth].holds)

    @property
    def individually_rational(self) -> bool:
        """Whether no truthful supplier loses more than 1e-6 of the largest payment."""
        return bool(self.findings[self.participation].holds)

    def held_to(self, promises: tuple[str, ...]) -> Audit:
        """Return this audit with truth and participation in expectation where no more than that is promised."""
        truth = "bayesian_ic" if "bayesian_ic" in promises else "dominant_strategy_ic"
        participation = "interim_ir" if "interim_ir" in promises else "ex_post_ir"
        return replace(self, truth=truth, participation=participation)

    def record(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        return {
            "max_regret": self.max_regret,
            "min_rent": self.min_rent,
            "balanced": self.balanced,
            "truthful": self.truthful,
            "individually_rational": self.individually_rational,
            "truth": self.truth,
            "participation": self.participation,
            "expected_profit": self.expected_profit,
            "largest_payment": self.largest_payment,
            "misreports": [asdict(lie) for lie in self.misreports],
            "properties": {name: asdict(finding) for name, finding in self.findings.items()},
        }


@singledispatch
def audit(menu: Any) -> Audit:
    """Return the audit of what a mechanism hands out, from its numbers and the case alone; kinds register their own."""
    raise TypeError(f"no audit is registered for {type(menu).__name__}")


@audit.register
def _(menu: Menu) -> Audit:
    findings, lies = survey(menu)
    return Audit(findings, lies, menu.expected_profit, float(np.abs(menu.payment).max()))
