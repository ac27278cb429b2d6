"""The rows of truth and participation that a promise asks for, as linear forms or expressions of a model's variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from numbers import Real
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import InequalityExpression
from pyomo.core.expr.numvalue import native_numeric_types

from veridical.contracts.coalitions import coalitions
from veridical.contracts.direct_mechanism import Promise
from veridical.contracts.linear_utility import Decision, NotLinearError
from veridical.data.errors import InputError, shown
from veridical.data.type_space import TypeSpace, in_words, word
from veridical.models.decisions import Decisions, Utility, linear_body, number

__all__ = ["Rows"]

ROUNDING = 1e-12  # of the numbers of a row without variables


class Rows:
    """The rows that one promise asks for: linear forms where the utility is linear in the variables, else expressions."""

    def __init__(self, m: Any, types: TypeSpace, utility: Utility, one: Promise) -> None:
        self.m, self.types, self.utility, self.one = m, types, utility, one
        self.decisions = Decisions(m)
        self.linear = True
        self.every = not one.interdependent and self.decisions.work_out(utility, types, one.agents)
        self.values = {agent: types.values(agent) for agent in one.agents}
        self.profiles: dict[Any, list[list[tuple[Any, ...]]]] = {}
        for agent in one.agents:
            axis, others = types.axis(agent), types.others(agent)
            self.profiles[agent] = [[(*rest[:axis], label, *rest[axis:]) for rest in others] for label in types.labels(agent)]

    def worth(self, agent: Any, k: int, s: int, o: int) -> Any:
        """Return the utility of type k who reports s while the others report o: a linear form, or an expression."""
        reports = self.profiles[agent][s][o]
        if self.every:
            return self.decisions.of_all_types[agent, reports].at(k)
        theta = self.values[agent][k] if not self.one.interdependent else self._true(agent, k, o)
        return self._utility(agent, theta, reports)

    def _utility(self, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
        if self.linear:
            try:
                return self.decisions.linear(self.utility, agent, theta, reports)
            except NotLinearError:
                self.linear = False
        return number(self.utility(self.m, agent, theta, reports), self.types, agent, theta, reports)

    def _true(self, agent: Any, k: int, o: int) -> tuple[Any, ...]:
        types = self.types
        return tuple(types.value(one, label) for one, label in zip(types.agents, self.profiles[agent][k][o], strict=True))

    def outside(self, agent: Any, k: int, o: int) -> float:
        """Return the outside option of type k; where values are interdependent that depends on the others as well."""
        theta = self._true(agent, k, o) if self.one.interdependent else self.values[agent][k]
        return float(self.one.outside(agent, theta))

    def incentives(self, adjacent: bool) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
        """Yield index, truth and misreport of every row."""
        for agent in self.one.agents:
            labels, words = self.types.labels(agent), self._words(agent)
            pairs = self._pairs(agent, adjacent)
            if self.one.incentive != "bayesian":
                for o, others in enumerate(words):
                    truth = [self.worth(agent, k, k, o) for k in range(len(labels))]
                    for k, s in pairs:
                        yield (agent, labels[k], labels[s], others), truth[k], self.worth(agent, k, s, o)
                continue
            believed = self._believed(agent)
            truths = {k: self._expected(agent, k, k, believed[k]) for k in range(len(labels)) if believed[k]}
            for k, s in pairs:
                if k in truths:
                    yield (agent, labels[k], labels[s]), truths[k], self._expected(agent, k, s, believed[k])

    def participation(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yield index, truthful utility and outside option of every row."""
        for agent in self.one.agents:
            labels, words = self.types.labels(agent), self._words(agent)
            if self.one.participation == "ex_post":
                for k, label in enumerate(labels):
                    for o, others in enumerate(words):
                        yield (agent, label, others), self.worth(agent, k, k, o), self.outside(agent, k, o)
                continue
            believed = self._believed(agent)
            expected = {k: self._expected(agent, k, k, beliefs) for k, beliefs in enumerate(believed) if beliefs}
            outside = {k: sum(w * self.outside(agent, k, o) for o, w in believed[k]) for k in expected}
            if self.one.participation == "interim":
                for k, worth in expected.items():
                    yield (agent, labels[k]), worth, outside[k]
                continue
            likely = np.moveaxis(self.types.table, self.types.axis(agent), 0).reshape(len(labels), -1).sum(axis=1).tolist()
            yield agent, self._sum([(likely[k], expected[k]) for k in expected]), sum(likely[k] * outside[k] for k in expected)

    def together(self) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
        """Yield index, truth and joint misreport of every row of a pair of agents, and of all of them.

        One of them may be truthful: the other one's lie may be worth paying for.
        """
        types = self.types
        for members in coalitions(self.one.agents):
            axes = [types.axis(agent) for agent in members]
            rest = [agent for agent in types.agents if agent not in members]
            labels = [range(len(types.labels(agent))) for agent in members]
            for others in product(*map(types.labels, rest)):
                at = {told: self._place(axes, members, told, others) for told in product(*labels)}
                for true in product(*labels):
                    truth = self._sum([(1.0, self._told(agent, k, at[true])) for agent, k in zip(members, true, strict=True)])
                    for told in product(*labels):
                        if told != true:
                            lie = self._sum(
                                [(1.0, self._told(agent, k, at[told])) for agent, k in zip(members, true, strict=True)]
                            )
                            named = (self._in_words(members, places) for places in (true, told))
                            yield (", ".join(map(word, members)), *named, in_words(rest, others)), truth, lie

    def _place(
        self, axes: list[int], members: tuple[Any, ...], told: tuple[int, ...], others: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Return the profile in which the members say what they say, and the others something else."""
        profile, rest = [None] * len(self.types.agents), iter(others)
        for axis, agent, place in zip(axes, members, told, strict=True):
            profile[axis] = self.types.labels(agent)[place]
        return tuple(next(rest) if label is None else label for label in profile)

    def _told(self, agent: Any, k: int, reports: tuple[Any, ...]) -> Any:
        """Return the utility of an agent's type k at a profile of reports."""
        return self._utility(agent, self.values[agent][k], reports)

    def _in_words(self, members: tuple[Any, ...], places: tuple[int, ...]) -> str:
        return ", ".join(word(self.types.labels(agent)[place]) for agent, place in zip(members, places, strict=True))

    def made(self, family: str, parts: Iterable[tuple[Any, Any, Any]]) -> list[tuple[Any, Any]]:
        """Return the rows of a family by index: each says that the first utility is at least the second."""
        rows = ((key, self._row(family, key, greater, less)) for key, greater, less in parts)
        return [(key, row) for key, row in rows if row is not None]

    def _row(self, family: str, key: Any, greater: Any, less: Any) -> Any:
        """Return the row greater >= less; None for one without variables, which must hold as it is."""
        if self.linear and isinstance(greater, Decision):
            form = greater - less
            coefficients = form.coefficients
            if 0.0 in coefficients.values():
                coefficients = {column: coefficient for column, coefficient in coefficients.items() if coefficient}
            if coefficients:
                return InequalityExpression((-form.constant, linear_body(self.decisions, coefficients)), False)
            difference: Any = form.constant
        else:
            difference = self._as_expression(greater) - self._as_expression(less)
        if difference.__class__ not in native_numeric_types:
            return difference >= 0
        if difference < -ROUNDING * max(_size(greater), _size(less)):
            row = ", ".join(map(word, key if isinstance(key, tuple) else (key,)))
            allowed = "a row that some decision can make true: both utilities are numbers"
            raise InputError.of(f"{family}[{row}]", f"<{difference:g} >= 0>", allowed)
        return None

    def _sum(self, parts: list[tuple[float, Any]]) -> Any:
        """Return a weighted sum of utilities: a linear form where all are, else an expression."""
        if self.linear and all(isinstance(part, Decision | Real) for _, part in parts):
            total: dict[int, float] = {}
            constant = 0.0
            for weight, part in parts:
                if isinstance(part, Decision):
                    constant += weight * part.constant
                    for column, coefficient in part.coefficients.items():
                        total[column] = total.get(column, 0.0) + weight * coefficient
                else:
                    constant += weight * float(part)
            return Decision({column: coefficient for column, coefficient in total.items() if coefficient}, constant)
        return pyo.quicksum(weight * self._as_expression(part) for weight, part in parts)

    def _as_expression(self, part: Any) -> Any:
        return self.decisions.expression(part) if isinstance(part, Decision) else part

    def _expected(self, agent: Any, k: int, s: int, beliefs: list[tuple[int, float]]) -> Any:
        return self._sum([(weight, self.worth(agent, k, s, o)) for o, weight in beliefs])

    def _believed(self, agent: Any) -> list[list[tuple[int, float]]]:
        """Return for every type which profiles of the others it reckons with, and how likely each is; none if it never occurs."""
        return [[(o, weight) for o, weight in enumerate(row) if weight > 0] for row in self.types.beliefs(agent).tolist()]

    def _words(self, agent: Any) -> list[str]:
        names = [other for other in self.types.agents if other != agent]
        return [in_words(names, others) for others in self.types.others(agent)]

    def _pairs(self, agent: Any, adjacent: bool) -> list[tuple[int, int]]:
        """Return the types and the reports that rows are written for."""
        values, order = self.types.values(agent), self.types.order(agent)
        if not adjacent:
            return [(k, s) for k in range(len(values)) for s in range(len(values)) if s != k]
        if order is None:
            raise InputError.of(f"types of {agent}", shown(list(values)), "numbers, for adjacent=True: one-dimensional types")
        return [pair for low, high in pairwise(order) for pair in ((low, high), (high, low))]


def _size(part: Any) -> float:
    return abs(part.constant) if isinstance(part, Decision) else abs(float(part))
