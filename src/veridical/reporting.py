"""Reports: what was decided and why it holds, on a page for people who have not seen the case; solutions, comparisons, runs."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from veridical import tables
from veridical.contracts import PROPERTIES, Audit, JointPlanAudit
from veridical.data import cards, files
from veridical.data.case_record import hashed
from veridical.families.family import Family, Memo
from veridical.markup import html, html_of
from veridical.page import Section, page, paragraphs, picture, preformatted
from veridical.solvers import Solution

__all__ = ["Command", "comparison", "run", "solution", "write"]

PACKAGES = ("veridical", "pyomo", "highspy", "numpy", "pandas")  # on which figures may depend
RATES = 12  # derivatives by numbers of the case that a report shows, the largest
NOBODY = "Nobody gains{} by a misreport of his own."
OTHERS = {  # who could gain where a property fails that truth of each alone does not imply
    "receiver_ic": "a receiver who misreports",
    "group_ic": "suppliers who misreport together",
    "coalition_ic": "several who misreport together",
    "false_name_ic": "a supplier who takes part under two names",
}


@dataclass(frozen=True)
class Command:
    """The command that made a report: its words, as they were given, and the case that it read."""

    words: Sequence[str]
    case: Any

    def reproduced(self) -> str:
        """Return how to come to the same result, and which case it was, as HTML."""
        how = "The same command, with the same version and the same case, comes to the same result:"
        known = f"Case {self.case.name}: {hashed(self.case)} (the hash of all its fields)."
        return paragraphs([how]) + preformatted(shlex.join(self.words)) + paragraphs([known])


def solution(found: Solution, family: Family, command: Command, summary: str) -> str:
    """Return the report of a solution as HTML; `summary` says what its mechanism is."""
    memo = family.memo(found) if family.memo else Memo("", list(family.summary(found)), [], [], [])
    title = f"{tables.named(found.mechanism, found.parameters)} for {found.case}"
    decision = (paragraphs([memo.advice]) if memo.advice else "") + html_of([*memo.decision, *tables.measured(found.measures)])
    sections = [
        Section("What is agreed", html_of([*memo.overview, *memo.contracts, *memo.detail])),
        Section("Picture", _drawn(family.picture, found, title)),
        Section("What binds, and what it is worth", html_of(memo.binding) + _rates(found)),
        Section("Who would lie", _liars(found.audit) + html_of(memo.truth) + _properties(found.audit)),
        Section("Certificate", _certified(found)),
        *_ending(command, [f"solved by {found.solver.name} {found.solver.version}"]),
    ]
    described = getattr(command.case, "description", "").strip()
    about = f"{described}{'' if described.endswith(('.', '!', '?')) else '.'} " if described else ""
    return page(title, f"{about}Mechanism {found.mechanism}: {summary}.", decision, sections)


def comparison(frame: Any, family: Family, command: Command) -> str:
    """Return the report of mechanisms side by side as HTML."""
    case = command.case
    name, best, most = frame.best
    truthful = [str(name) for name, row in frame.iterrows() if row["truthful"] == "always"]
    decision = [f"Of {len(frame)} mechanisms {best} comes to most: {name} {most}."]
    decision.append(f"Truth is best whatever the others report under: {', '.join(truthful) or 'none of them'}.")
    left_out = [f"{name} is left out: {reason}" for name, reason in frame.attrs.get("left_out", {}).items()]
    sections = [
        Section("Mechanisms", html_of(family.compared(case.name, frame)) + paragraphs(left_out)),
        Section("Picture", picture(_svg(frame.figure()), f"mechanisms for {case.name}")),
        *_ending(command, []),
    ]
    return page(f"Mechanisms for {case.name}", "The same case under each of them.", paragraphs(decision), sections)


def run(rolled: Any, shown: Sequence[Any], command: Command) -> str:
    """Return the report of a rolling run as HTML; `shown`: what is printed of it, its sentences first."""
    title = f"{command.case.name}, week by week"
    sections = [
        Section("Weeks and parties", html_of(shown[2:])),
        Section("Picture", picture(_svg(rolled.figure()), title)),
        *_ending(command, []),
    ]
    return page(title, "Planned anew in every week, against just in time.", html_of(shown[:2]), sections)


def write(target: str, text: str) -> None:
    """Write a report, as HTML or as PDF by the name's ending; whole or not at all. Raises InputError."""
    if target.lower().endswith(".pdf"):
        from veridical.printing import pdf

        files.write({Path(target): pdf(text, target)})
    else:
        files.write({Path(target): text})


def _drawn(draw: Callable[[Any], Any] | None, found: Solution, words: str) -> str:
    return "" if draw is None or found.contracts is None else picture(_svg(draw(found)), words)


def _svg(figure: Any) -> str:
    from veridical.studies.figures import style

    return style.svg(figure)


def _rates(found: Solution) -> str:
    """Return by how much the objective changes with the numbers of the case, as HTML; nothing where that is not known."""
    rates = found.sensitivity
    rates = rates[rates.abs() > 0].sort_values(key=abs, ascending=False, kind="stable")
    if rates.empty:
        return ""
    several = f", the {RATES} largest of {len(rates)}" if len(rates) > RATES else ""
    rows = [[str(name), cards.number(rate)] for name, rate in rates.head(RATES).items()]
    return cards.html_table(
        cards.Table(f"by how much the objective changes if a number rises by one{several}", ["number", "by"], rows)
    )


def _liars(audit: Audit | None) -> str:
    """Return in a sentence whether anybody would lie alone, and who besides could gain by a lie, as HTML."""
    if audit is None:
        return ""
    expected = " in expectation" if audit.incentive_concept == "bayesian_ic" else ""
    nobody = "No supplier gains{} by a misreport of his own that was tried." if isinstance(audit, JointPlanAudit) else NOBODY
    words = {True: nobody.format(expected), False: "Somebody would lie.", None: "Whether anybody would lie could not be tried."}
    others = [who for name, who in OTHERS.items() if name in audit.properties and audit.properties[name].verdict == "fails"]
    return paragraphs([words[audit.truthful] + (f" But a gain is possible for {', and for '.join(others)}." if others else "")])


def _properties(audit: Audit | None) -> str:
    """Return what each property says and comes to as HTML."""
    if audit is None:
        return ""
    said = {name: PROPERTIES[name].summary for name in audit.properties if name in PROPERTIES}
    meaning = cards.Table("what the names of properties say", ["property", "what it says"], list(said.items()), frozenset({0, 1}))
    return html(tables.properties(audit)) + (cards.html_table(meaning) if said else "")


def _certified(found: Solution) -> str:
    certificate = found.certificate
    words = (
        "Recomputed from the coefficients of the model, not taken from the solver; relative figures, all 0 at an exact optimum."
    )
    proof = certificate.proof
    return paragraphs([f"{proof[0].upper()}{proof[1:]}.", f"{certificate.words[0].upper()}{certificate.words[1:]}.", words])


def _ending(command: Command, solved: Sequence[str]) -> list[Section]:
    """Return the sections that every report ends with: inputs, how to reproduce it, versions."""
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    versions = [*versions, f"Python {platform.python_version()}", platform.platform(terse=True), *solved]
    return [
        Section("Inputs", _inputs(command.case._card())),
        Section("How to reproduce this", command.reproduced()),
        Section("Versions", paragraphs([", ".join(versions) + "."])),
    ]


def _inputs(card: cards.Card) -> str:
    return paragraphs([card.title]) + card.inner()
