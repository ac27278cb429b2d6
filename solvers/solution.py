"""What a solve returns: never a number without its status, its bound and its certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from veridical.data import CertificateError, Menu
from veridical.solvers.audit import Audit
from veridical.solvers.certificate import ACCEPTED, Certificate

__all__ = ["Duals", "Seconds", "Solution", "SolutionStatus", "SolverRecord", "Termination"]


class Termination(StrEnum):
    """Why the solver stopped."""

    CONVERGED = "converged"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time_limit"
    ITERATION_LIMIT = "iteration_limit"
    FAILED = "failed"


class SolutionStatus(StrEnum):
    """What the point at hand is; there is none in results that are not returned but raised."""

    OPTIMAL = "optimal"


class Duals(Mapping[str, pd.Series]):
    """Shadow prices by constraint family, each a pandas Series indexed by names; made when first looked at.

    A dual is d(objective)/d(right-hand side) of the constraint as Pyomo holds it, for minimisation and maximisation alike.
    """

    def __init__(self, families: Mapping[str, Callable[[], pd.Series]]) -> None:
        self._families = families
        self._made: dict[str, pd.Series] = {}

    def __getitem__(self, family: str) -> pd.Series:
        if family not in self._made:
            self._made[family] = self._families[family]()
        return self._made[family]

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)

    def __repr__(self) -> str:
        return f"Duals({', '.join(self._families)})"


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time of the steps of a solve."""

    build: float = 0.0
    translate: float = 0.0
    solve: float = 0.0
    certify: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the steps."""
        return self.build + self.translate + self.solve + self.certify


@dataclass(frozen=True)
class SolverRecord:
    """Who solved it: name, version, the options in effect, and the form in which expected sales were written."""

    name: str
    version: str
    options: Mapping[str, Any]
    form: str | None
    seconds: Seconds


@dataclass(frozen=True)
class Solution:
    """A certified optimum. `objective` and `bound` are in the model's own sense and units."""

    objective: float
    bound: float
    certificate: Certificate
    solver: SolverRecord
    status: SolutionStatus = SolutionStatus.OPTIMAL
    termination: Termination = Termination.CONVERGED
    duals: Mapping[str, pd.Series] = field(default_factory=dict)
    case: str | None = None
    mechanism: str | None = None
    contracts: Menu | None = None
    audit: Audit | None = None

    @cached_property
    def menu(self) -> pd.DataFrame | None:
        """The contract menu as a table: a row a profile of costs; probability, quantity, payment and rent."""
        return None if self.contracts is None else self.contracts.frame()

    def record(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        seconds = self.solver.seconds
        record: dict[str, Any] = {
            "case": self.case,
            "mechanism": self.mechanism,
            "status": str(self.status),
            "termination": str(self.termination),
            "objective": self.objective,
            "bound": self.bound,
            "solver": {
                "name": self.solver.name,
                "version": self.solver.version,
                "options": dict(self.solver.options),
                "form": self.solver.form,
                "seconds": {
                    "build": seconds.build,
                    "translate": seconds.translate,
                    "solve": seconds.solve,
                    "certify": seconds.certify,
                    "total": seconds.total,
                },
            },
            "certificate": asdict(self.certificate),
            "audit": None if self.audit is None else self.audit.record(),
            "duals": {family: _entries(series) for family, series in self.duals.items()},
            "sensitivity": {},
        }
        if self.contracts is not None:
            record["menu"] = self.contracts.records()
        return record

    def checked(self, truthful: bool = False, individually_rational: bool = False) -> Solution:
        """Return this solution if its certificate holds, with what its mechanism promises; else raise CertificateError."""
        failures = []
        if not self.certificate.holds:
            failures.append(f"the optimality conditions are violated by more than {ACCEPTED:g}: {self.certificate}")
        if self.audit is not None:
            difference = abs(self.audit.expected_profit - self.objective)
            if not difference <= ACCEPTED * max(1.0, abs(self.objective)):
                profit = self.audit.expected_profit
                failures.append(f"the menu earns {profit!r} where the solver reports {self.objective!r}")
            if truthful and not self.audit.truthful:
                lie = self.audit.misreports[0]
                failures.append(f"a misreport pays: {lie}")
            if individually_rational and not self.audit.individually_rational:
                failures.append(f"a truthful supplier loses {-self.audit.min_rent:g}")
        if failures:
            who = f"{self.solver.name} {self.solver.version}, form {self.solver.form}"
            raise CertificateError(f"the result of {who} fails its certificate: {'; '.join(failures)}", self)
        return self


def _entries(series: pd.Series) -> list[dict[str, Any]]:
    """Return a Series of duals as records: index by level name, and value."""
    names = [name if name is not None else f"level_{k}" for k, name in enumerate(series.index.names)]
    keys = series.index.to_frame().to_numpy(dtype=object).tolist()
    return [
        {"index": dict(zip(names, key, strict=True)), "value": value} for key, value in zip(keys, series.tolist(), strict=True)
    ]
