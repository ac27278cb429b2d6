"""Truth, participation and budgets as declarations on any Pyomo model: mechanisms of the user's own.

The user writes variables by profile of reports, his constraints and his objective; `truthful` adds the constraints under which
each agent reports his type and takes part, `budget` those under which payments are paid for. The families have the same names as
in the built-in mechanisms, and the solution carries their duals and an audit that is made from the utilities, not from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.expr import InequalityExpression, LinearExpression
from pyomo.core.expr.numvalue import native_numeric_types

from veridical.contracts.direct_mechanism import DirectMechanism, Promise, evaluated, grid_error, promise
from veridical.contracts.linear_utility import Decision, NotLinearError
from veridical.data.arrays import Array
from veridical.data.errors import InputError, shown
from veridical.data.type_space import TypeSpace, in_words, word
from veridical.models.decisions import Decisions, Utility, decided, evaluation
from veridical.models.info import ModelInfo, describe, info_of

__all__ = ["budget", "truthful"]

BUDGETS = ("ex_post", "ex_ante")
ROUNDING = 1e-12  # of the numbers of a row without variables


def truthful(
    m: Any,
    types: TypeSpace,
    utility: Utility,
    incentive: str = "dominant",
    participation: str = "ex_post",
    outside_option: Any = 0.0,
    *,
    agents: Iterable[Any] | None = None,
    adjacent: bool = False,
    interdependent: bool = False,
) -> None:
    """Declare that agents report the truth and take part: the families `incentive_compatibility` and `individual_rationality`.

    Parameters
    ----------
    m
        A Pyomo model with variables indexed by `types.profiles`.
    types
        The agents, their types and the prior.
    utility
        `utility(m, agent, theta, reports)`: an expression of what the agent gets whose true type is theta (its value) when
        `reports` (a profile of labels) are made. It is called with the model, or with what stands in for it: use arithmetic and
        indices. Linear utilities suit HiGHS, nonlinear ones Ipopt.
    incentive
        `dominant`, the same as `ex_post` where values are private: truth is best whatever the others report; `bayesian`: in
        expectation, if they report the truth; `none`.
    participation
        A truthful agent gets at least his outside option `ex_post`, at every profile; `interim`, expected over the others;
        `ex_ante`, expected over his own type too; `none`.
    outside_option
        A number, or a function of agent and theta.
    agents
        Whom this is about; all agents, where none are named. Others can be declared by a further call.
    adjacent
        Write only misreports of the neighbouring types: enough for one-dimensional types with single crossing. The audit tries
        all misreports nevertheless.
    interdependent
        theta is the whole true profile of values; `ex_post` is then the strongest incentive that there is.

    Raises
    ------
    InputError
        For what cannot be declared, by name: an unknown concept, agents declared twice, a row that no decision can change.

    Examples
    --------
    The best price for one buyer: what he values at 1, 2 or 3, all equally likely, sells at 2.

    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> types = vd.TypeSpace({"buyer": [1.0, 2.0, 3.0]})
    >>> m = pyo.ConcreteModel()
    >>> m.sold = pyo.Var(types.profiles, bounds=(0, 1))
    >>> m.price = pyo.Var(types.profiles)
    >>> vd.truthful(m, types, lambda m, agent, theta, reports: theta * m.sold[reports] - m.price[reports])
    >>> m.revenue = pyo.Objective(expr=types.expectation(lambda reports: m.price[reports]), sense=pyo.maximize)
    >>> solution = vd.solvers.solve(m)
    >>> round(solution.objective, 6), solution.audit.truthful
    (1.333333, True)
    """
    declared = _declaration(m, types)
    one = promise(types, agents, incentive, participation, outside_option, interdependent)
    for other in declared.promises:
        if twice := next((agent for agent in one.agents if agent in other.agents), None):
            raise InputError.of("agents", twice, "agents that nothing is promised to yet")
    rows = _Rows(m, types, utility, one)
    with PauseGC():
        if incentive != "none":
            family = _family(m, declared, "incentive_compatibility")
            for key, truth, lie in rows.incentives(adjacent):
                rows.add(family, key, truth, lie)
        if participation != "none":
            family = _family(m, declared, "individual_rationality")
            for key, truth, outside in rows.participation():
                rows.add(family, key, truth, outside)
    declared.promises += (one,)
    declared.utilities += (utility,)
    declared.decisions += (rows.decisions if rows.linear else None,)
    names = info_of(m).index_names
    expected = incentive == "bayesian"
    names.setdefault("incentive_compatibility", ("agent", "type", "report", *(() if expected else ("others",))))
    names.setdefault("individual_rationality", ("agent", "type", "others")[: {"ex_post": 3, "interim": 2}.get(participation, 1)])


def budget(m: Any, types: TypeSpace, payment: Any, kind: str = "ex_post") -> None:
    """Declare that no more is paid than there is: payments to the agents sum to at most 0. The family `budget`.

    Parameters
    ----------
    m
        The model.
    types
        The agents, their types and the prior.
    payment
        What is paid to the agents: a variable (or expression, or mapping) with the index agent, reports.
    kind
        `ex_post`, at every profile; `ex_ante`, in expectation.

    Raises
    ------
    InputError
        For an unknown kind, and a second budget.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> types = vd.TypeSpace({"seller": [0, 1], "buyer": [0, 2]})
    >>> m = pyo.ConcreteModel()
    >>> m.payment = pyo.Var(types.agents, types.profiles)
    >>> vd.budget(m, types, m.payment)
    >>> str(m.budget["seller=0, buyer=2"].body)
    'payment[seller,0,2] + payment[buyer,0,2]'
    """
    if kind not in BUDGETS:
        raise InputError.of("kind", kind, f"one of {', '.join(BUDGETS)}")
    declared = _declaration(m, types)
    if declared.payment is not None:
        raise InputError.of("budget", "<a second one>", "one budget; add further constraints with Pyomo")
    family = _family(m, declared, "budget")

    def paid(reports: tuple[Any, ...]) -> Any:
        return pyo.quicksum(payment[agent, reports] for agent in types.agents)

    if kind == "ex_ante":
        family.add("expected", types.expectation(paid) <= 0)
    else:
        for reports in types.profiles:
            family.add(in_words(types.agents, reports), paid(reports) <= 0)
    declared.payment = payment
    info_of(m).index_names["budget"] = ("profile",)


@dataclass
class _Declaration:
    """What has been declared on a model; called with the solved model, it returns the mechanism that was found."""

    types: TypeSpace
    promises: tuple[Promise, ...] = ()
    utilities: tuple[Utility, ...] = ()
    decisions: tuple[Decisions | None, ...] = ()  # by utility, where it is linear: they remember its forms
    payment: Any = None
    families: set[str] = field(default_factory=set)

    def __call__(self, m: Any, duals: Any = None) -> DirectMechanism | None:
        """Return the mechanism at the model's values; None where only a budget was declared."""
        if not self.promises:
            return None
        types = self.types
        declared = zip(self.promises, self.utilities, self.decisions, strict=True)
        of = {
            agent: evaluator
            for one, utility, decisions in declared
            for evaluator in [evaluation(m, utility, types, decisions)]
            for agent in one.agents
        }

        def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
            return of[agent](agent, theta, reports)

        utilities, evaluations = evaluated(types, self.promises, evaluate)
        payments = None
        if self.payment is not None:
            payments = {agent: self._paid(agent) for agent in types.agents}
        error = grid_error(types, self.promises, evaluate)
        return DirectMechanism(types, utilities, self.promises, payments, decided(m, types), evaluations, error)

    def is_far(self, constraint: Any) -> bool:
        """Whether a constraint is about a misreport of a type that is no neighbour: it mostly follows from those between."""
        key = constraint.index()
        places = self._places.get(key[0]) if key.__class__ is tuple and len(key) > 2 else None
        if places is None or key[1] not in places or key[2] not in places:
            return False
        far = abs(places[key[1]] - places[key[2]]) > 1
        return far and constraint.parent_component().local_name == "incentive_compatibility"

    @cached_property
    def _places(self) -> dict[Any, dict[Any, int]]:
        """By agent the place of each type: by its value where values are numbers, else as they are listed."""
        return {agent: {label: place for place, label in enumerate(_in_order(self.types, agent))} for agent in self.types.agents}

    def _paid(self, agent: Any) -> Array:
        values = [pyo.value(self.payment[agent, reports]) for reports in self.types.profiles]
        return np.array(values, dtype=float).reshape(self.types.shape)


class _Rows:
    """The rows that one promise asks for: linear forms where the utility is linear in the variables, else expressions."""

    def __init__(self, m: Any, types: TypeSpace, utility: Utility, one: Promise) -> None:
        self.m, self.types, self.utility, self.one = m, types, utility, one
        self.decisions = Decisions(m)
        self.linear = True
        self.values = {agent: types.values(agent) for agent in one.agents}
        self.profiles: dict[Any, list[list[tuple[Any, ...]]]] = {}
        for agent in one.agents:
            axis, others = types.axis(agent), types.others(agent)
            self.profiles[agent] = [[(*rest[:axis], label, *rest[axis:]) for rest in others] for label in types.labels(agent)]

    def worth(self, agent: Any, k: int, s: int, o: int) -> Any:
        """Return the utility of type k who reports s while the others report o: a linear form, or an expression."""
        reports = self.profiles[agent][s][o]
        theta = self.values[agent][k] if not self.one.interdependent else self._true(agent, k, o)
        if self.linear:
            try:
                return self.decisions.linear(self.utility, agent, theta, reports)
            except NotLinearError:
                self.linear = False
        return self.utility(self.m, agent, theta, reports)

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

    def add(self, family: Any, key: Any, greater: Any, less: Any) -> None:
        """Add the row greater >= less; one without variables must hold as it is."""
        if self.linear and isinstance(greater, Decision):
            form = greater - less
            terms = self.decisions.terms(form)
            if terms:
                relation = InequalityExpression((-form.constant, LinearExpression(terms)), False)
                # The key is fresh and flat: to have Pyomo look into that took as long as all the rest of a row.
                family._setitem_when_not_present(key, relation)
                return
            difference: Any = form.constant
        else:
            difference = self._as_expression(greater) - self._as_expression(less)
        if difference.__class__ not in native_numeric_types:
            family.add(key, difference >= 0)
        elif difference < -ROUNDING * max(_size(greater), _size(less)):
            row = ", ".join(map(word, key if isinstance(key, tuple) else (key,)))
            allowed = "a row that some decision can make true: both utilities are numbers"
            raise InputError.of(f"{family.name}[{row}]", f"<{difference:g} >= 0>", allowed)

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
        values = self.types.values(agent)
        if not adjacent:
            return [(k, s) for k in range(len(values)) for s in range(len(values)) if s != k]
        if not all(isinstance(value, Real) for value in values):
            raise InputError.of(f"types of {agent}", shown(list(values)), "numbers, for adjacent=True: one-dimensional types")
        order = sorted(range(len(values)), key=values.__getitem__)
        return [pair for low, high in pairwise(order) for pair in ((low, high), (high, low))]


def _in_order(types: TypeSpace, agent: Any) -> list[Any]:
    """Return the labels of an agent's types, ascending where their values are numbers."""
    labels = list(types.labels(agent))
    if all(isinstance(value, Real) for value in types.values(agent)):
        labels.sort(key=lambda label: types.value(agent, label))
    return labels


def _size(part: Any) -> float:
    return abs(part.constant) if isinstance(part, Decision) else abs(float(part))


def _declaration(m: Any, types: TypeSpace) -> _Declaration:
    """Return what has been declared on a model so far."""
    info = info_of(m)
    if info.contracts is None and info.mechanism is None:
        info = ModelInfo() if info.case is None else info
        info.contracts = _Declaration(types)
        info.likely_to_follow = info.contracts.is_far
        describe(m, info)
    declared = info.contracts
    if not isinstance(declared, _Declaration):
        raise InputError.of("model", m.name, "a model of your own: this one is a mechanism already")
    if declared.types is not types:
        raise InputError.of("types", repr(types), "the same TypeSpace in all declarations on a model")
    return declared


def _family(m: Any, declared: _Declaration, name: str) -> Any:
    """Return a family of constraints of ours, made where it is not there yet."""
    if name not in declared.families:
        if m.component(name) is not None:
            raise InputError.of(
                "model", f"<a component {name} of its own>", "no component of that name: it is the family that is declared"
            )
        m.add_component(name, pyo.Constraint(pyo.Any))
        declared.families.add(name)
    return m.component(name)
