"""What every audit says: who would misreport, as what, and gain how much; and whether anybody loses by the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import singledispatch
from math import isnan
from typing import Any, ClassVar

from veridical.data.cards import ROWS, Card, Shown, Table, number
from veridical.data.deprecated import Renamed
from veridical.data.measures import UNSAID, Measures

__all__ = ["Audit", "Found", "audit"]


class Found(Mapping[str, Any]):
    """Results by property, of which some are worked out when one of them is first looked at.

    Parameters
    ----------
    known
        Results that there are.
    names, later
        Names of the others, and what works these out, by name.
    """

    def __init__(self, known: Mapping[str, Any], names: tuple[str, ...], later: Callable[[], Mapping[str, Any]]) -> None:
        self._known, self._names, self._later = dict(known), names, later

    def __getitem__(self, name: str) -> Any:
        if name in self._names and name not in self._known:
            self._known |= self._later()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._known, *self._names]))

    def __len__(self) -> int:
        return len({*self._known, *self._names})

    def __repr__(self) -> str:
        return repr(dict(self))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def known(self) -> dict[str, Any]:
        """The results that there are by now; nothing is worked out."""
        return dict(self._known)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what is sent to another process: all results."""
        return dict, (dict(self),)


@dataclass(frozen=True)
class Audit(Shown):
    """What an outcome is worth and whether it can be trusted; all money in currency. As it stands, the audit of a Menu.

    `properties`: the PropertyResult of each property of `veridical.PROPERTIES` that was checked. `incentive_concept` and
    `participation` are the two that the outcome is held to: dominant_strategy_ic or bayesian_ic, ex_post_ir or interim_ir.
    `lies`: for each incentive concept the best misreports, of everybody who gains by one, the largest gain first.
    `expected_profit`: of the principal, recomputed from the outcome alone; for a menu (2). `under`: the prior of that
    expectation in words, where it is not the case's own.

    Examples
    --------
    >>> import veridical as vd
    >>> audit = vd.solve(vd.example("two-suppliers-correlated"), "first_best").audit
    >>> audit.truthful, round(audit.max_regret), audit.misreports[0].supplier
    (False, 2900, 'panel')
    >>> sorted(audit.properties)[:3]
    ['balanced', 'bayesian_ic', 'budget']
    """

    properties: Mapping[str, Any]
    lies: Mapping[str, tuple[Any, ...]]
    expected_profit: float
    largest_payment: float
    incentive_concept: str = "dominant_strategy_ic"
    participation: str = "ex_post_ir"
    under: str = field(default="", kw_only=True)
    measures: Measures = field(default=UNSAID, kw_only=True)  # in what money and quantities are said

    FIRST: ClassVar[tuple[str, ...]] = ("max_regret", "min_rent", "balanced")  # the figures with which the JSON begins
    LAST: ClassVar[tuple[str, ...]] = ("expected_profit", "largest_payment")  # those after what the outcome is held to

    findings = Renamed("properties")
    truth = Renamed("incentive_concept")
    record = Renamed("to_dict")

    @property
    def objective(self) -> float:
        """What the objective of a solution with these contracts must be."""
        return self.expected_profit

    @property
    def max_regret(self) -> float:
        """Largest gain from any misreport; 0 where none gains, NaN where none could be tried."""
        return max(float(self.properties[self.incentive_concept].worst), 0.0)  # in this order a NaN stays

    @property
    def min_rent(self) -> float:
        """Smallest profit of anybody who is truthful; negative where somebody would lose."""
        return 0.0 - float(self.properties[self.participation].worst)

    @property
    def balanced(self) -> bool:
        """Whether the same quantity is bought of every component at every profile."""
        return bool(self.properties["balanced"].holds)

    @property
    def misreports(self) -> tuple[Any, ...]:
        """The best misreports of everybody who gains by one, the largest gain first."""
        return self.lies[self.incentive_concept]

    @property
    def truthful(self) -> bool | None:
        """Whether no misreport gains more than a millionth of the own amounts compared (`contracts.comparison`).

        None where none could be tried, or not of everybody.
        """
        result = self.properties[self.incentive_concept]
        return None if result.holds is None else bool(result.holds)

    @property
    def individually_rational(self) -> bool:
        """Whether nobody who is truthful loses more than a millionth of his own amounts (`contracts.comparison`)."""
        return bool(self.properties[self.participation].holds)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the solution should know; of what our own mechanisms promise a certificate fails instead."""
        return ()

    @property
    def verdict(self) -> str:
        """Whether truth is best, and whether nobody loses by it, in words."""
        if self.truthful is None:
            lies = "no misreport could be tried"
        elif self.truthful:
            expected = " in expectation" if self.incentive_concept == "bayesian_ic" else ""
            lies = f"no misreport gains{expected} (largest regret {self.max_regret:.1e})"
        else:
            lies = f"a misreport gains {self.measures.amount(self.max_regret)}"
        loses = "" if self.individually_rational else "; somebody truthful loses by taking part"
        return lies + loses

    def _line(self) -> str:
        earns = "" if isnan(self.expected_profit) else f"; expected profit {self.measures.amount(self.expected_profit)}"
        return self.verdict + earns

    def _card(self) -> Card:
        held = f"{self.incentive_concept}, {self.participation}".replace("_", " ")
        amounts = {"expected profit": self.expected_profit, "largest payment": self.largest_payment}
        figures = [("truth", self.verdict), ("held to", held)]
        figures += [(name, self.measures.amount(value)) for name, value in amounts.items() if not isnan(value)]
        known = self.properties.known if isinstance(self.properties, Found) else self.properties
        rows = [[name.replace("_", " "), result.verdict, number(result.worst), result.where] for name, result in known.items()]
        later = [name for name in self.properties if name not in known]
        notes = [f"not looked at yet: {', '.join(later)} (audit.properties[name] does)"] if later else []
        table = Table("properties", ["property", "", "worst case", "where"], rows, frozenset({0, 1, 3}))
        return Card("audit", figures, [*self._liars(), table], [*notes, *self.warnings])

    def _liars(self) -> list[Table]:
        """Return the table of who would lie, where somebody would: the most that each of them gains."""
        if not self.misreports:
            return []
        first = self.misreports[0]
        names = [one.name for one in fields(first) if isinstance(getattr(first, one.name), str | int | float)]
        rows = [
            [self.measures.money(getattr(lie, name)) if name == "gain" else number(getattr(lie, name)) for name in names]
            for lie in self.misreports[:ROWS]
        ]
        words = frozenset(k for k, name in enumerate(names) if isinstance(getattr(first, name), str))
        return [Table("who would lie, most gain first", names, rows, words)]

    def held_to(self, promises: tuple[str, ...]) -> Audit:
        """Return this audit with truth and participation in expectation where no more than that is promised."""
        incentive_concept = "bayesian_ic" if "bayesian_ic" in promises else "dominant_strategy_ic"
        participation = "interim_ir" if "interim_ir" in promises else "ex_post_ir"
        return replace(self, incentive_concept=incentive_concept, participation=participation)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        return {
            **{name: getattr(self, name) for name in (*self.FIRST, "truthful", "individually_rational")},
            "truth": self.incentive_concept,
            "participation": self.participation,
            **{name: getattr(self, name) for name in self.LAST},
            **({"under": self.under} if self.under else {}),
            "misreports": [asdict(misreport) for misreport in self.misreports],
            "properties": {name: asdict(result) | {"where": result.where} for name, result in self.properties.items()},
        }


@singledispatch
def audit(outcome: Any, **options: Any) -> Audit:
    """Return the audit of what a mechanism hands out, from its numbers and the case alone; outcomes register their own.

    Parameters
    ----------
    outcome : Menu, Allotment, Equilibrium or Settlement
        What is audited.
    **options
        Of a Settlement: `planner`, who plans what misreports lead to; `misreports`, how many are tried; `seed`.

    Returns
    -------
    Audit
        What is found.

    Raises
    ------
    TypeError
        For what is no outcome of a mechanism.

    Examples
    --------
    >>> import veridical as vd
    >>> audit(vd.solve(vd.example("two-suppliers"), "icds", "closed_form").contracts).truthful
    True
    """
    raise TypeError(f"no audit is registered for {type(outcome).__name__}")
