"""Rounds of an assembler's suppliers: each has his menu, reports one of his costs, and learns his quantity and his payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np

import veridical as vd
from veridical.contracts import Menu
from veridical.data import AssemblerCase, InputError
from veridical.data.arrays import Array
from veridical.data.measures import Measures
from veridical.rounds.terms.protocol import Outcome, frozen_case, thawed_case

__all__ = ["MenuTerms"]

PROFILES = 65_536  # rows of what one supplier may be shown
SILENT = {
    "void": "If any supplier has not reported by the deadline, there is no contract: nothing is delivered, nothing paid.",
    "highest": "A supplier who has not reported by the deadline has the contract of his highest cost.",
}
TRUTH = {
    "dominant_strategy_ic": "Whatever the others report, no report of yours earns you more than your true cost.",
    "bayesian_ic": "If the others report their true costs, no report of yours is expected to earn you more than your true cost.",
}
PARTICIPATION = {
    "ex_post_ir": "With your true cost you never earn less than without the contract, whatever the others report.",
    "interim_ir": "With your true cost you are not expected to earn less than without the contract, if the others report theirs.",
}
SHOWN = (
    "profiles",
    "lists",
)  # what a supplier's contracts are posted by: the others' reports, or lists that say nothing of these
LISTS = "What the others report decides which of the {} lists applies, and what you report does not."
DIGITS = 12  # by which two lists are told apart: what is less is a solver's rounding
BETWEEN = "If your cost lies between two of those that can be reported, report the higher one: you do not lose by that."


@dataclass(frozen=True, eq=False)
class MenuTerms:
    """The menu of a mechanism, frozen. promises: the two properties that it was audited for. silent: a key of `SILENT`.

    shown: one of `SHOWN`.
    """

    kind: ClassVar[str] = "assembler"
    case_type: ClassVar[type[Any]] = AssemblerCase
    noun: ClassVar[str] = "supplier"
    columns: ClassVar[tuple[str, ...]] = ("report", "quantity", "payment", "status")

    menu: Menu
    mechanism: str
    promises: tuple[str, str]
    silent: str
    shown: str = SHOWN[0]

    @classmethod
    def freeze(
        cls, case: AssemblerCase, mechanism: str | None, solver: str | None, parameters: dict[str, Any], silent: str
    ) -> Self:
        """Solve, certify and audit the menu of a mechanism that promises truth; raises InputError for one that does not."""
        silent = silent or "void"
        if silent not in SILENT:
            raise InputError.of("--silent", silent, f"one of {', '.join(SILENT)}", case.name)
        if case.profiles > PROFILES:
            given = f"<{case.profiles:,} profiles of costs>"
            raise InputError.of("suppliers", given, f"menus of at most {PROFILES:,} profiles in a round", case.name)
        chosen = vd.families.find(case, mechanism)
        promised = chosen.promises(case=case, **chosen.complete(case, dict(parameters)))
        if not set(promised) & set(TRUTH):
            raise InputError.of(
                "--mechanism", chosen.name, "one that promises that the truth is best: this one does not", case.name
            )
        solution = vd.solve(case, mechanism, solver, **parameters)
        audit, menu = solution.audit, solution.contracts
        if not isinstance(menu, Menu) or audit is None or not audit.truthful or not audit.individually_rational:
            raise InputError.of("--mechanism", chosen.name, "one whose menu lists all profiles and passes its audit", case.name)
        return cls(menu, chosen.name, (audit.incentive_concept, audit.participation), silent)

    @classmethod
    def thaw(cls, record: Mapping[str, Any]) -> Self:
        """Return the terms in a record."""
        menu = Menu(thawed_case(record["case"]), np.array(record["quantity"]), np.array(record["payment"]))
        return cls(menu, record["mechanism"], tuple(record["promises"]), record["silent"], record.get("shown", SHOWN[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as plain values."""
        numbers = {"quantity": self.menu.quantity.tolist(), "payment": self.menu.payment.tolist()}
        fixed = {"mechanism": self.mechanism, "promises": list(self.promises), "silent": self.silent}
        fixed |= {} if self.shown == SHOWN[0] else {"shown": self.shown}
        return {"kind": self.kind, "case": frozen_case(self.menu.case), **fixed, **numbers}

    def shown_by(self, show: str) -> Self:
        """Return the same terms, posted by `profiles` of what the others report, or by `lists`; raises InputError.

        By lists a supplier learns neither who the others are nor what they may report. He need not, where truth is best whatever
        they report: for a mechanism that promises less, lists are refused.
        """
        if show not in SHOWN:
            raise InputError.of("--show", show, f"one of {', '.join(SHOWN)}", self.menu.case.name)
        if show == SHOWN[1] and self.promises != ("dominant_strategy_ic", "ex_post_ir"):
            allowed = f"{SHOWN[0]}: under {self.mechanism} a supplier has to know what to believe of the others"
            raise InputError.of("--show", show, allowed, self.menu.case.name)
        return replace(self, shown=show)

    @property
    def participants(self) -> tuple[str, ...]:
        """The suppliers, in the case's order."""
        return tuple(self.menu.case.names)

    @property
    def measures(self) -> Measures:
        """How the case says money and quantities."""
        return Measures.of(self.menu.case)

    def posted(self, name: str) -> dict[str, Any]:
        """Return a supplier's menu: for each cost that he may report what he delivers and is paid, by the others' and on average.

        Averages are over the others' costs, given that the report is true. By lists: what each list brings, by his report.
        """
        case, i = self.menu.case, self._place(name)
        if self.shown == SHOWN[1]:
            return self._lists(i)
        others = [other for other in case.names if other != name]
        costs = [supplier.costs for supplier in case.suppliers if supplier.name != name]
        weight, quantity, payment = self._by_own_report[i]
        reports = []
        for k, cost in enumerate(case.suppliers[i].costs):
            total = weight[k].sum()
            average = weight[k] / total if total > 0 else np.full(len(weight[k]), 1 / len(weight[k]))
            rows = zip(product(*costs), quantity[k].tolist(), payment[k].tolist(), strict=True)
            contracts = [{"others": dict(zip(others, them, strict=True)), "quantity": q, "payment": p} for them, q, p in rows]
            expected = {"quantity": float(average @ quantity[k]), "payment": float(average @ payment[k])}
            reports.append({"report": cost, "average": expected, "contracts": contracts})
        words = self._words(i)
        return {"mechanism": self.mechanism, "words": words, "others": others, "reports": reports, **self.measures.to_dict()}

    def _words(self, i: int) -> list[str]:
        between = len(self.menu.case.suppliers[i].costs) > 1 and self.promises[1] == "ex_post_ir"
        promised = [TRUTH[self.promises[0]], PARTICIPATION[self.promises[1]]]
        return [*promised, *([BETWEEN] if between else []), SILENT[self.silent]]

    def _lists(self, i: int) -> dict[str, Any]:
        """Return what a supplier is shown by lists: each once, that of the largest orders first."""
        costs = self.menu.case.suppliers[i].costs
        _, quantity, payment = self._by_own_report[i]
        each = np.stack([quantity, payment]).transpose(2, 0, 1)  # others' profile, quantity and payment, own report
        alike = np.array([float(f"{value:.{DIGITS}g}") for value in each.ravel()]).reshape(len(each), -1)
        _, first = np.unique(alike, axis=0, return_index=True)
        lists = [
            [{"report": cost, "quantity": q, "payment": p} for cost, q, p in zip(costs, *each[k].tolist(), strict=True)]
            for k in first[::-1]
        ]
        words = [*self._words(i), *([LISTS.format(len(lists))] if len(lists) > 1 else [])]
        reports = [{"report": cost} for cost in costs]
        return {"mechanism": self.mechanism, "words": words, "reports": reports, "lists": lists, **self.measures.to_dict()}

    def checked(self, name: str, report: object) -> float:
        """Return a cost of the supplier's; raises InputError for any other value."""
        costs = self.menu.case.suppliers[self._place(name)].costs
        if isinstance(report, int | float) and not isinstance(report, bool) and report in costs:
            return float(report)
        raise InputError.of("report", report, f"one of your costs: {', '.join(map(vd.data.assembler.label, costs))}")

    def clear(self, reports: Mapping[str, float]) -> Outcome:
        """Return each supplier's quantity and payment at the reported costs."""
        case = self.menu.case
        if self.silent == "void" and not set(case.names) <= set(reports):
            nothing = {"quantity": 0.0, "payment": 0.0, "status": "no contract: not every supplier has reported"}
            return {name: {"report": reports.get(name), **nothing} for name in case.names}
        counts = [reports.get(supplier.name, supplier.costs[-1]) for supplier in case.suppliers]
        at = tuple(supplier.costs.index(cost) for supplier, cost in zip(case.suppliers, counts, strict=True))
        outcome: Outcome = {}
        for i, name in enumerate(case.names):
            status = "contract" if name in reports else "no report: counts as the highest cost"
            numbers = {"quantity": float(self.menu.quantity[i][at]), "payment": float(self.menu.payment[i][at])}
            outcome[name] = {"report": reports.get(name), **numbers, "status": status}
        return outcome

    def _place(self, name: str) -> int:
        return list(self.menu.case.names).index(name)

    @cached_property
    def _by_own_report(self) -> list[tuple[Array, Array, Array]]:
        """Prior, quantity and payment of each supplier, a row an own cost, a column a profile of the others'."""
        menu, shape = self.menu, self.menu.case.shape

        def rows(table: Array, i: int) -> Array:
            return np.moveaxis(np.asarray(table), i, 0).reshape(shape[i], -1)

        prior = menu.case.probability
        return [(rows(prior, i), rows(menu.quantity[i], i), rows(menu.payment[i], i)) for i in range(len(shape))]
