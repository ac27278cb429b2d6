"""What a rolling run comes to: week by week and party by party, in total, as tables, as plain values, as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from veridical.contracts.comparison import TOLERANCE
from veridical.contracts.joint_plan.payments import Payments, payments
from veridical.data.cards import Card, Shown, table_of
from veridical.data.deprecated import Renamed
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.data.measures import Measures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["WORLDS", "PilotRun", "Tried", "Week"]

AMOUNTS = {"baseline_cost": "baseline_costs", "cost": "costs", "transfer": "transfers", "fee": "fees"}  # fields of a week
WORLDS = ("jit", "joint")  # those of which there are figures; the others are what transfers are worked out from


@dataclass(frozen=True)
class Week:
    """A week that was executed; currency by party, as in `Settlement`.

    served: units served and to be served, by world; none where a party keeps that to itself. excess: what the plan for the rest
    of the horizon may cost above the least, as proven when it was made. lost: suppliers who were lost by then, and are at the
    baseline; of those whose record is at home there are no costs any more.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> from veridical.studies import pilot as rolling
    >>> result = rolling.run(case)
    >>> [week.week for week in result.executed]
    [1, 2]
    """

    week: int
    baseline_costs: Mapping[str, float]
    costs: Mapping[str, float]
    transfers: Mapping[str, float]
    fees: Mapping[str, float]
    served: Mapping[str, Sequence[float] | None]
    excess: float
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    """A misreport that was tried: in every week's plan `party` reports `report`, and gains `gain` in all; currency.

    Examples
    --------
    >>> Tried("Alder", "all costs x 1.1", -12.5).gain < 0              # it does not pay
    True
    """

    party: str
    report: str
    gain: float


@dataclass(frozen=True, eq=False)
class PilotRun(Shown):
    """A rolling run. non_participants: suppliers who deliver what the baseline says.

    executed: the weeks, with what each supplier is owed for it. settlement: when that is paid (`payments.SETTLEMENTS`); every
    figure is by then. tried: misreports for the whole run, none where none were asked for; not_searched: suppliers of whom none
    could be, as their records are at home and their agents offer none, or as somebody was lost.

    Suppliers who were lost on the way are `lost`. From that week on they are at the baseline and paid nothing, and what that
    costs them is not known where their record is at home: NaN in tables, None in `to_dict`, and in no total.

    What holds: net gains and budget add up to the savings, in every week and in total, whatever the settlement. What need not:
    a single week may be a loss for a supplier (`losses`), but for a pledge account; and truth need not be best for the run as a
    whole, though it is for each week's plan (`tried`).

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> from veridical.studies import pilot as rolling
    >>> result = rolling.run(case)
    >>> bool(abs(result.totals.net_gain.sum() + result.weeks.budget.sum() - result.weeks.savings.sum()) < 1e-6)
    True
    """

    case: JointPlanCase
    mechanism: str
    parameters: Mapping[str, Any]
    non_participants: tuple[str, ...]
    executed: tuple[Week, ...]
    settlement: str = "weekly"
    tried: tuple[Tried, ...] = ()
    not_searched: tuple[str, ...] = ()

    @cached_property
    def lost(self) -> dict[str, int]:
        """The suppliers who were lost on the way, with the week from which on they are at the baseline."""
        names = self.executed[-1].lost if self.executed else ()
        return {name: next(week.week for week in self.executed if name in week.lost) for name in names}

    @cached_property
    def payments(self) -> dict[str, Payments]:
        """What every supplier is paid, and when."""
        paid = {}
        for name in self.case.suppliers:
            # Who does not say what a week costs him is advanced nothing for it, by whatever settlement.
            saved = [week.baseline_costs.get(name, 0.0) - week.costs.get(name, 0.0) for week in self.executed]
            owed = ([getattr(week, field)[name] for week in self.executed] for field in ("transfers", "fees"))
            paid[name] = payments(self.settlement, saved, *owed)
        return paid

    @cached_property
    def settled(self) -> tuple[Week, ...]:
        """The weeks, with what is paid in each."""
        weeks = []
        for k, week in enumerate(self.executed):
            transfers = {**week.transfers, **{name: paid.paid[k] for name, paid in self.payments.items()}}
            fees = {**week.fees, **{name: paid.fees[k] for name, paid in self.payments.items()}}
            weeks.append(replace(week, transfers=transfers, fees=fees))
        return tuple(weeks)

    @cached_property
    def losses(self) -> pd.Series:
        """Net gains of suppliers in the weeks that are a loss for them, by week and party, the largest loss first; currency."""
        table = self.table[self.table.index.isin(list(self.case.suppliers), level="party")]
        size = table[["baseline_cost", "cost", "transfer"]].abs().max(axis=1)
        return table["net_gain"][table["net_gain"] < -TOLERANCE * size].sort_values()

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a week and party: role, cost just in time, cost of the joint plan, transfer, fee taken off, account, net gain.

        The account is what the party is still owed after the week, below 0 what it was advanced.
        """
        return pd.concat({week.week: self._parties([week]) for week in self.settled}, names=["week"]).drop(columns="takes_part")

    @cached_property
    def weeks(self) -> pd.DataFrame:
        """A row a week: costs of all together, savings, transfers, budget, residual, service by world, excess."""
        rows = [self._row([week]) | {"week": week.week} for week in self.settled]
        return pd.DataFrame(rows).set_index("week")

    @cached_property
    def totals(self) -> pd.DataFrame:
        """A row a party: all weeks together."""
        return self._parties(self.settled)

    @cached_property
    def total(self) -> dict[str, Any]:
        """All weeks and parties together; `excess` is the largest of any week's plan."""
        return self._account(self.settled)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; a service level is None where nobody is served, or nobody tells."""
        return {
            "case": self.case.name,
            "mechanism": self.mechanism,
            "parameters": dict(self.parameters),
            "settlement": self.settlement,
            "weeks": [{"week": week.week, **self._account([week])} for week in self.settled],
            "total": self.total,
            **({"status": "incomplete", "lost": self.lost} if self.lost else {}),
            "properties": self.properties(),
            "forgiven": {name: paid.forgiven for name, paid in self.payments.items()},
            **({"at_home": list(self.case.at_home)} if self.case.at_home else {}),
            **({"not_searched": list(self.not_searched)} if self.case.at_home or self.not_searched else {}),
        }

    def properties(self) -> dict[str, dict[str, Any]]:
        """Return what holds of the run, as the audit of a settlement has it; `worst` in currency.

        weekly_ir: no week is a loss for a supplier. ex_post_ir: all weeks together are none. dominant_strategy_ic: no misreport
        pays over all weeks, null where none was tried. Of who was lost neither is known, so that none of them holds then.
        """
        totals = self.totals["net_gain"][list(self.case.suppliers)].dropna()
        weekly = self.table["net_gain"][self.table.index.isin(list(self.case.suppliers), level="party")].dropna()
        slack = TOLERANCE * max(abs(self.total["savings"]), 1e-3 * self.total["baseline_cost"])
        best = max(self.tried, key=lambda lie: lie.gain, default=None)
        unknown = _property(None, None, "")
        found = {"weekly_ir": unknown, "ex_post_ir": unknown}
        if len(weekly):
            week, party = weekly.index[int(weekly.to_numpy().argmin())]
            holds = self._of_all(self.losses.empty)
            found["weekly_ir"] = _property(holds, -float(weekly.min()), f"{party}, week {week}")
        if len(totals):
            holds = self._of_all(bool((totals >= -slack).all()))
            found["ex_post_ir"] = _property(holds, -float(totals.min()), str(totals.idxmin()))
        return found | {
            "dominant_strategy_ic": _property(None, None, "", 0) if best is None else self._truth(best, slack),
        }

    def _of_all(self, holds: bool) -> bool | None:
        """Return whether something holds of all suppliers that holds of those whose gains are known, or does not."""
        return None if holds and self.lost else holds

    def _truth(self, best: Tried, slack: float) -> dict[str, Any]:
        """Return what is known of the truth by misreports that were tried: nothing holds of whose none could be."""
        holds = best.gain <= slack
        known = None if holds and self.not_searched else holds
        return _property(known, best.gain, f"{best.party}, {best.report}", len(self.tried)) | {"searched": True}

    record = Renamed("to_dict")

    def _line(self) -> str:
        amount = Measures.of(self.case).amount
        return f"{self.mechanism} for {self.case.name!r}, {len(self.executed)} weeks: {amount(self.total['savings'])} saved"

    def _card(self) -> Card:
        total, amount = self.total, Measures.of(self.case).amount
        money = {"just in time": "baseline_cost", "joint plan": "plan_cost", "saved": "savings", "budget": "budget"}
        money["left to the receivers"] = "residual"
        figures = [(words, amount(total[name])) for words, name in money.items()]
        held = {True: "holds", False: "fails", None: "not known" if self.lost else "not searched"}
        figures += [(name.replace("_", " "), held[found["holds"]]) for name, found in self.properties().items()]
        tables = [table_of("week by week", self.weeks, None), table_of("party by party, all weeks", self.totals, None)]
        title = f"{self.mechanism} for {self.case.name}, {len(self.executed)} weeks"
        return Card(title, figures, tables, [self.loss] if self.lost else [])

    @property
    def loss(self) -> str:
        """Who was lost, and what that means for the figures, in a sentence; "" where nobody was."""
        if not self.lost:
            return ""
        weeks = ", ".join(f"{name} from week {week} on" for name, week in self.lost.items())
        unknown = [name for name in self.lost if name in self.case.at_home]
        costs = f"; what that costs {', '.join(unknown)} is not known, and is in no total" if unknown else ""
        return f"incomplete: lost, held at the just-in-time baseline and paid nothing: {weeks}{costs}"

    def figure(self) -> Figure:
        """Return the picture of the run."""
        from veridical.studies.figures.pilot import draw

        return draw(self)

    def _account(self, weeks: Sequence[Week]) -> dict[str, Any]:
        parties, known = self._parties(weeks), self._sums(weeks)
        before, after, paid = (sum(known[column].tolist()) for column in ("baseline_cost", "cost", "transfer"))
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
            "parties": [
                {column: value if value == value else None for column, value in row.items()}
                for row in parties.rename_axis("name").reset_index().to_dict("records")
            ],
        }

    def _row(self, weeks: Sequence[Week]) -> dict[str, Any]:
        account = self._account(weeks)
        service = {f"service_{world}": level for world, level in account.pop("service_level").items()}
        return {key: value for key, value in account.items() if key != "parties"} | service

    def _sums(self, weeks: Sequence[Week]) -> pd.DataFrame:
        """Return a row a party: what those weeks together cost it, as far as that is known, and what it is paid."""
        names = list(self.case.names)
        frame = pd.DataFrame({"role": [self.case.party(name).role for name in names]}, index=pd.Index(names, name="party"))
        for column, field in AMOUNTS.items():
            frame[column] = [sum(getattr(week, field).get(name, 0.0) for week in weeks) for name in names]
        return frame

    def _parties(self, weeks: Sequence[Week]) -> pd.DataFrame:
        """Return a row a party: what those weeks together cost it, what it is paid, and what it gains; NaN where not known."""
        names, frame = list(self.case.names), self._sums(weeks)
        unknown = [name for name in self.lost if any(name not in week.costs for week in weeks)]
        frame.loc[unknown, ["baseline_cost", "cost"]] = float("nan")
        last = self.executed.index(next(week for week in self.executed if week.week == weeks[-1].week))
        frame["account"] = [self.payments[name].account[last] if name in self.payments else 0.0 for name in names]
        frame["net_gain"] = frame["baseline_cost"] - frame["cost"] + frame["transfer"]
        frame["takes_part"] = ~frame.index.isin(self.non_participants)
        return frame


def _property(holds: bool | None, worst: float | None, where: str, searched: int | None = None) -> dict[str, Any]:
    tried = {} if searched is None else {"misreports": searched}
    return {"holds": holds, "worst": worst, "searched": holds is not None, "where": where, **tried}


def _level(units: Iterable[Sequence[float] | None]) -> float | None:
    known = list(units)
    if None in known:
        return None
    served, needed = map(sum, zip(*(pair for pair in known if pair is not None), strict=True))
    return served / needed if needed else None
