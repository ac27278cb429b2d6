"""What a rolling run comes to: week by week and party by party, in total, as tables, as plain values, as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from veridical.data.deprecated import Renamed
from veridical.data.joint_plan import JointPlanCase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PilotRun", "Week"]

AMOUNTS = {"baseline_cost": "baseline_costs", "cost": "costs", "transfer": "transfers", "fee": "fees"}  # fields of a week
WORLDS = ("jit", "joint")  # those of which there are figures; the others are what transfers are worked out from


@dataclass(frozen=True)
class Week:
    """A week that was executed; currency by party, as in `Settlement`.

    served: units served and to be served, by world. excess: what the plan for the rest of the horizon may cost above the least,
    as proven when it was made.
    """

    week: int
    baseline_costs: Mapping[str, float]
    costs: Mapping[str, float]
    transfers: Mapping[str, float]
    fees: Mapping[str, float]
    served: Mapping[str, Sequence[float]]
    excess: float


@dataclass(frozen=True, eq=False)
class PilotRun:
    """A rolling run. non_participants: suppliers who deliver what the baseline says."""

    case: JointPlanCase
    mechanism: str
    parameters: Mapping[str, Any]
    non_participants: tuple[str, ...]
    executed: tuple[Week, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a week and party: role, cost just in time, cost of the joint plan, transfer to it, fee taken off, net gain."""
        return pd.concat({week.week: self._parties([week]) for week in self.executed}, names=["week"]).drop(columns="takes_part")

    @cached_property
    def weeks(self) -> pd.DataFrame:
        """A row a week: costs of all together, savings, transfers, budget, residual, service by world, excess."""
        rows = [self._row([week]) | {"week": week.week} for week in self.executed]
        return pd.DataFrame(rows).set_index("week")

    @cached_property
    def totals(self) -> pd.DataFrame:
        """A row a party: all weeks together."""
        return self._parties(self.executed)

    @cached_property
    def total(self) -> dict[str, Any]:
        """All weeks and parties together; `excess` is the largest of any week's plan."""
        return self._account(self.executed)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; a service level is None where nobody is served."""
        return {
            "case": self.case.name,
            "mechanism": self.mechanism,
            "parameters": dict(self.parameters),
            "weeks": [{"week": week.week, **self._account([week])} for week in self.executed],
            "total": self.total,
        }

    record = Renamed("to_dict")

    def figure(self) -> Figure:
        """Return the picture of the run."""
        from veridical.studies.figures.pilot import draw

        return draw(self)

    def _account(self, weeks: Sequence[Week]) -> dict[str, Any]:
        parties = self._parties(weeks)
        before, after, paid = (sum(parties[column].tolist()) for column in ("baseline_cost", "cost", "transfer"))
        receivers = parties["net_gain"][parties.index.isin(list(self.case.receivers))].tolist()
        return {
            "baseline_cost": before,
            "plan_cost": after,
            "savings": before - after,
            "transfers": paid,
            "budget": 0.0 - paid,
            "residual": sum(receivers) - paid,
            "service_level": {world: _level(week.served[world] for week in weeks) for world in WORLDS},
            "excess": max(week.excess for week in weeks),
            "parties": parties.rename_axis("name").reset_index().to_dict("records"),
        }

    def _row(self, weeks: Sequence[Week]) -> dict[str, Any]:
        account = self._account(weeks)
        service = {f"service_{world}": level for world, level in account.pop("service_level").items()}
        return {key: value for key, value in account.items() if key != "parties"} | service

    def _parties(self, weeks: Sequence[Week]) -> pd.DataFrame:
        """Return a row a party: what those weeks together cost it, what it is paid, and what it gains."""
        names = list(self.case.names)
        frame = pd.DataFrame({"role": [self.case.party(name).role for name in names]}, index=pd.Index(names, name="party"))
        for column, field in AMOUNTS.items():
            frame[column] = [sum(getattr(week, field)[name] for week in weeks) for name in names]
        frame["net_gain"] = frame["baseline_cost"] - frame["cost"] + frame["transfer"]
        frame["takes_part"] = ~frame.index.isin(self.non_participants)
        return frame


def _level(units: Iterable[Sequence[float]]) -> float | None:
    served, needed = map(sum, zip(*units, strict=True))
    return served / needed if needed else None
