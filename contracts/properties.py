"""The table of properties: what can be asked of the outcome of any mechanism, and of which outcomes.

A mechanism is one thing, the ways to compute its outcome another, the properties that the outcome has a third. The checks stand
with the audits of the outcomes (`menu_audit`, `allotment_audit`, `orders_audit`, `joint_plan.audit`, and, for continuous costs,
`veridical.solvers.closed_form.continuous_rule`), and each audit enters its own in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from veridical.contracts.audit import audit
from veridical.contracts.comparison import Compared, worst
from veridical.contracts.joint_plan.planner import Planner
from veridical.data import InputError
from veridical.data.assembler import label

__all__ = ["IMPLIES", "INCENTIVES", "PARTICIPATION", "PROPERTIES", "Property", "PropertyResult", "applies_to", "worst_case"]

INCENTIVES = ("dominant_strategy_ic", "bayesian_ic")
PARTICIPATION = ("ex_post_ir", "interim_ir")
IMPLIES = (  # whatever has the first has the second; truth one by one and truth together imply neither each other
    ("dominant_strategy_ic", "bayesian_ic"),
    ("ex_post_ir", "interim_ir"),
    ("coalition_ic_with_side_payments", "coalition_ic"),
)


@dataclass(frozen=True)
class PropertyResult:
    """Whether an outcome has a property, and its worst case; subclasses say who that is (the witness).

    `worst`: in currency or units, of the largest violation where the property fails; else of the case that is nearest to being
    one, and how far it is from that where `worst` <= 0. What counts as a violation is relative to the amounts compared
    (`contracts.comparison`). `searched`: whether anything was tried; the audit of a finite menu or allotment tries all that
    there is. Where nothing was, `holds` is None and `worst` NaN; where a sample of what there is showed no violation, `holds` is
    None as well.

    Examples
    --------
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers-correlated"), "first_best").contracts
    >>> result = vd.PROPERTIES["dominant_strategy_ic"](menu)
    >>> bool(result), result.verdict, round(result.worst)
    (False, 'fails', 2900)
    """

    name: str
    holds: bool | None
    worst: float
    searched: bool = field(default=True, kw_only=True)

    WORDS: ClassVar[Mapping[str, str]] = {}  # how `where` introduces each part of the witness
    WITHOUT_WHO: ClassVar[str] = "profile"  # how it introduces `others` where nobody is singled out
    NOBODY: ClassVar[str] = ""  # what it says where there is no witness

    def __bool__(self) -> bool:
        return bool(self.holds)

    @property
    def verdict(self) -> str:
        """The result in a word or three."""
        if self.holds is None:
            return "searched in part" if self.searched else "not searched"
        return "holds" if self.holds else "fails"

    @property
    def where(self) -> str:
        """The worst case in words; nothing where none was searched."""
        if not self.searched:
            return ""
        witness = {name: getattr(self, name) for name in self.WORDS}
        who = next(iter(witness.values()), None)
        parts = []
        for name, value in witness.items():
            word = self.WITHOUT_WHO if name == "others" and not who else self.WORDS[name]
            if value is not None and value != "":
                parts.append(f"{word} {label(value) if isinstance(value, float) else value}".strip())
        return ", ".join(parts) or self.NOBODY

    def __str__(self) -> str:
        if not self.searched:
            return f"{self.name} was not searched"
        return f"{self.name} {self.verdict}: worst {self.worst:.6g} ({self.where})"


Result = TypeVar("Result", bound=PropertyResult)
Check = Callable[[Any, str, Planner | None], PropertyResult]
_CHECKS: dict[type[Any], tuple[tuple[str, ...], Check]] = {}  # by outcome: the properties that it can have, and their check


@dataclass(frozen=True)
class Property:
    """A property by name; calling it with an outcome checks it.

    Examples
    --------
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers"), "icds", "closed_form").contracts
    >>> print(vd.PROPERTIES["balanced"](menu))
    balanced holds: worst 0 (profile panel=3, battery=1)
    """

    name: str
    summary: str

    @property
    def outcomes(self) -> tuple[type[Any], ...]:
        """The kinds of outcome that the property applies to."""
        return tuple(kind for kind, (names, _) in _CHECKS.items() if self.name in names)

    def __call__(self, outcome: Any, *, planner: Planner | None = None) -> PropertyResult:
        """Return whether an outcome has the property, with the worst case.

        Parameters
        ----------
        outcome : Menu, Allotment, Equilibrium, Settlement or Rule
            What a mechanism hands out. An outcome of several kinds counts as the most specific: an Equilibrium is
            held to the properties of equilibria, not to those of any Allotment.
        planner : Planner, optional
            Who plans, where misreports have to be planned: for the truthfulness of a Settlement.

        Raises
        ------
        InputError
            Where the property does not apply to the outcome, or a planner is needed and there is none.
        """
        names, check = next((_CHECKS[kind] for kind in type(outcome).__mro__ if kind in _CHECKS), ((), None))
        if check is None or self.name not in names:
            raise self.error_for(outcome)
        return check(outcome, self.name, planner)

    def error_for(self, outcome: Any, allowed: str = "") -> InputError:
        """Return the error that says which outcomes the property applies to."""
        kinds = allowed or ", ".join(kind.__name__ for kind in self.outcomes)
        return InputError.of("outcome", f"<{type(outcome).__name__}>", f"for the property {self.name} one of: {kinds}")


SUMMARIES = {
    "dominant_strategy_ic": "nobody gains by a misreport, whatever the others report",
    "ex_post_ic": "nobody gains by a misreport if the others tell the truth, whatever their types are",
    "bayesian_ic": "nobody gains by a misreport in expectation, if the others tell the truth",
    "ex_post_ir": "nobody who is truthful loses, whatever the others report",
    "interim_ir": "nobody who is truthful loses in expectation over what the others are",
    "ex_ante_ir": "nobody who is truthful loses in expectation over all types, the own one too",
    "balanced": "the same quantity is bought of every component at every profile",
    "budget": "no more is paid than there is: at no profile more than sales are expected to bring, nor paid in by an operator",
    "expected_budget": "in expectation no more is paid than there is",
    "monotone": "a higher type never gets less, whatever the others' types are",
    "capacity": "nobody is promised units that are not there, nor asked for orders that he does not take",
    "equilibrium": "nobody gains, in expectation, by another order than the one that is placed",
    "savings": "the plan costs no more than the baseline",
    "core": "no receivers and suppliers save so much by a plan of their own that all of them are better off",
    "receiver_ic": "no receiver gains by a misreport, whatever the others report",
    "group_ic": "no suppliers gain together by misreports that they agree on",
    "false_name_ic": "no supplier gains by taking part under two names",
    "coalition_ic": "no two, nor all together, misreport so that one gains and none loses, whatever the others report",
    "coalition_ic_with_side_payments": "no two, nor all together, gain in sum by misreports, whatever the others report",
}
PROPERTIES: Mapping[str, Property] = {name: Property(name, summary) for name, summary in SUMMARIES.items()}


def applies_to(outcome: type[Any], *names: str, check: Check | None = None) -> None:
    """Enter an outcome in the table, and so the properties that it can have.

    Parameters
    ----------
    outcome : type
        The kind of outcome; its subclasses have the same properties unless they are entered themselves.
    *names : str
        The properties.
    check : callable, optional
        Gives the result for the outcome, one of these names, and the planner or None; else it is read off the outcome's `audit`.
    """
    _CHECKS[outcome] = names, check or (lambda outcome, name, planner: audit(outcome).properties[name])


def worst_case(result: type[Result], name: str, compared: Iterable[Compared], truthful: bool = False) -> Result:
    """Return the result of a property that misreports could violate; it holds if none gains more than its own comparison allows.

    Parameters
    ----------
    result : type
        Whose witness has the fields of the misreports.
    name : str
        The property.
    compared : iterable
        Of misreports with `gain` in currency, or in units. Where there are none, nobody has anything to misreport.
    truthful : bool
        Whether the misreports stand for reports of the truth, so that the witness has no report of its own.
    """
    extreme = worst(compared)
    if extreme is None:
        return result(name, True, 0.0)
    misreport = extreme.misreport
    witness = {part.name: getattr(misreport, part.name) for part in fields(misreport) if part.name != "gain"}
    witness |= {key: None for key, value in witness.items() if value == "" or (truthful and key == "report")}
    return result(name, not extreme.violates, misreport.gain, **witness)
