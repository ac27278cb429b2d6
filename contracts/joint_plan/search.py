"""A search for misreports that pay: of each supplier, of the receivers, of suppliers together, and of one under two names.

Misreports are drawn. Where truth is not guaranteed, the best that was drawn is improved as long as that gains (`improved`). A
search finds what it finds: what it says is how many were tried, of which kinds, and who could not be looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from veridical.contracts.comparison import TOLERANCE, Compared
from veridical.contracts.joint_plan.attendance import Attendance, PartyLostError
from veridical.contracts.joint_plan.guarantees import receivers_are_held
from veridical.contracts.joint_plan.misreports import Group, Lie, grouped, improved, lies, split
from veridical.contracts.joint_plan.planner import Planner, unheard
from veridical.contracts.joint_plan.settlement import COMPUTED, Settlement
from veridical.contracts.joint_plan.transfers import MECHANISMS, ReportedProblem
from veridical.data import CertificateError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.data.progress import counted

__all__ = ["SEARCHES", "PartyMisreport", "Search", "Tried", "compared", "gain", "scale"]

LEAST = 1e-3  # of the parties' costs: what a tolerance is relative to where savings are less
IMPROVED = 2  # misreports of a search for better ones, for each that is drawn


@dataclass(frozen=True)
class PartyMisreport:
    """Party `party` reports `report` instead of its own record, and gains `gain`; currency."""

    party: str
    report: str
    gain: float


@dataclass
class Tried:
    """What a search tried: misreports with their gains, how many of each kind, and who could not be looked at.

    `failed`: misreports for which no plan was found.
    """

    compared: list[Compared] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    left_out: tuple[str, ...] = ()
    failed: int = 0


def scale(settlement: Settlement) -> float:
    """Return the savings, or a thousandth of what all parties cost at the baseline where that is more; currency."""
    return max(settlement.savings, LEAST * sum(map(abs, settlement.baseline_costs.values())))


def compared(settlement: Settlement, parties: Collection[str], report: str, gained: float) -> Compared:
    """Return a gain with what is allowed of it: a millionth of the parties' own amounts, or of the scale where that is less.

    More is allowed where the plan is not exactly the best.
    """
    figures = (settlement.baseline_costs, settlement.costs, settlement.transfers)
    own = max(abs(sum(figure[name] for name in parties)) for figure in figures)
    rounding = TOLERANCE * min(own, scale(settlement))
    misreport = PartyMisreport(" and ".join(parties), report, gained)
    return Compared(misreport, max(rounding, settlement.excess or 0.0), rounding)


def gain(settlement: Settlement, misreport: Lie | Group, planner: Planner) -> float:
    """Return what misreports bring their parties, together, over the truth: their own costs and what they are paid, currency.

    Receivers to whom the rest is left gain or lose it together.
    """
    group = (misreport,) if isinstance(misreport, Lie) else misreport
    told = settlement.case
    for lie in group:
        told = told.reporting(lie.party, lie.record)
    names = tuple(lie.party for lie in group)
    return _gain(settlement, told, planner, names, names)


def _gain(settlement: Settlement, told: JointPlanCase, planner: Planner, who: tuple[str, ...], paid: tuple[str, ...]) -> float:
    """Return what `who` gain where a case is told that is not the true one; `paid`: the names under which they are paid."""
    case, start = settlement.case, settlement.start
    claimants = set(who) <= set(case.receivers) and not receivers_are_held(settlement)
    if claimants:
        who, paid = case.receivers, told.suppliers
        if settlement.baseline_source == COMPUTED:
            start = planner.baseline(told)
    there = Attendance(planner, {name: settlement.baseline_costs[name] for name in settlement.lost})
    committed = case if set(told.names) == set(case.names) else told  # a prior is of names
    outcome = MECHANISMS[settlement.mechanism].decide(ReportedProblem.of(told, there, start, committed, paid))
    costs = there.costs(case, outcome.plan.units, who)
    received = sum(outcome.transfers.get(name, 0.0) for name in paid)
    truth = settlement.residual if claimants else sum(settlement.net_gains[name] for name in who)
    return sum(settlement.baseline_costs[name] - costs[name] for name in who) + (-received if claimants else received) - truth


class Search:
    """The searches in one settlement, whose case is taken for the truth; `misreports`: of suppliers, how many are drawn.

    Of receivers, and of suppliers together or under two names, half as many are drawn as of one supplier: each of these takes
    more plans.
    """

    def __init__(self, settlement: Settlement, planner: Planner, misreports: int, seed: int) -> None:
        self.settlement, self.case, self.planner = settlement, settlement.case, planner
        self.misreports, self.seed, self.unheard = misreports, seed, unheard(planner, settlement.case)
        self.each = max(misreports // (2 * len(self.case.suppliers)), 1) if misreports else 0
        self.suppliers = tuple(name for name in self.case.suppliers if self._heard(name))

    def alone(self) -> Tried:
        """Try misreports of suppliers, one at a time."""
        alone = ((lie,) for lie in lies(self.case, self.misreports, self.seed, self.suppliers))
        drawn = _said(alone, "suppliers", self.misreports)
        held = MECHANISMS[self.settlement.mechanism].truth is not None
        return self._try(drawn, 0 if held else IMPROVED * self.misreports, set(self.case.suppliers) - set(self.suppliers))

    def receivers(self) -> Tried:
        """Try misreports of receivers, one at a time."""
        names = tuple(name for name in self.case.receivers if self._heard(name))
        drawn = _said(((lie,) for lie in lies(self.case, self.each, self.seed, names)), "receivers", self.each)
        further = 0 if receivers_are_held(self.settlement) else IMPROVED * self.each
        return self._try(drawn, further, set(self.case.receivers) - set(names))

    def together(self) -> Tried:
        """Try misreports of all suppliers together, and of two: of those whose records are here, as they are to fit together."""
        names = tuple(name for name in self.suppliers if name not in self.case.at_home)
        drawn = _said(grouped(self.case, self.each, self.seed, names), "several suppliers", self.each)
        return self._try(drawn, IMPROVED * self.each, set(self.case.suppliers) - set(names))

    def twice(self) -> Tried:
        """Have suppliers take part under two names. Where agents answer for names, a new name has none."""
        answered = bool(self.unheard or self.case.at_home)
        tried = Tried(left_out=self.case.suppliers if answered else ())
        for name in counted("audit of two names: supplier", self.suppliers[: 0 if answered else self.each]):
            apart = split(self.case, name)
            if apart is None:
                tried.left_out += (name,)
                continue
            told, names, words = apart
            try:
                gained = _gain(self.settlement, told, self.planner, (name,), names)
            except (PartyLostError, NotSolvedError, CertificateError):
                tried.left_out += (name,)
                continue
            tried.compared.append(compared(self.settlement, (name,), words, gained))
            tried.kinds["one supplier under two names"] += 1
        return tried

    def _heard(self, name: str) -> bool:
        return name not in self.unheard and name not in self.settlement.lost

    def _try(self, drawn: Iterable[Group], further: int, left_out: Collection[str]) -> Tried:
        """Return what drawn misreports gain, and `further` ones that begin with the best of each party, or group of them."""
        tried = Tried(left_out=tuple(name for name in self.case.names if name in left_out))
        best: dict[tuple[str, ...], tuple[Group, float]] = {}

        def gained(group: Group) -> float:
            try:
                return gain(self.settlement, group, self.planner)
            except (NotSolvedError, CertificateError):
                return -math.inf

        def note(group: Group, value: float, kind: str) -> None:
            if value == -math.inf:
                tried.failed += 1
                return
            told = [f"{lie.party}: {lie.report}" for lie in group] if len(group) > 1 else [group[0].report]
            tried.compared.append(compared(self.settlement, [lie.party for lie in group], "; ".join(told), value))
            tried.kinds[kind] += 1

        try:
            for group in drawn:
                value = gained(group)
                note(group, value, group[0].kind)
                whose = tuple(lie.party for lie in group)
                if value > (best[whose][1] if whose in best else -math.inf):
                    best[whose] = group, value
            for start in best.values():
                more = further // len(best)
                for group, value in counted("further misreport", improved(self.case, *start, gained, more), more):
                    note(group, value, "starting from the best of these")
        except PartyLostError as error:  # another party is lost: what remains to be tried would be of another problem
            tried.left_out = tuple(dict.fromkeys((*tried.left_out, *error.plan.lost)))
        return tried


def _said(drawn: Iterable[Group], whose: str, count: int) -> Iterable[Group]:
    return counted(f"audit of {whose}: misreport", drawn, count)


SEARCHES: Mapping[str, Callable[[Search], Tried]] = {
    "receiver_ic": Search.receivers,
    "group_ic": Search.together,
    "false_name_ic": Search.twice,
}
