"""Truth, participation and budgets as declarations on any Pyomo model: mechanisms of the user's own.

The user writes variables by profile of reports, his constraints and his objective; `truthful` adds the constraints under which
each agent reports his type and takes part, `budget` those under which payments are paid for. The families have the same names as
in the built-in mechanisms, and the solution carries their duals and an audit that is made from the utilities, not from the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from veridical.contracts.coalitions import coalitions as groups
from veridical.contracts.direct_mechanism import (
    DirectMechanism,
    Evaluate,
    EvaluateAll,
    Promise,
    evaluated,
    grid_error,
    promise,
    refuse_no_types,
)
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.limits import MEMORY, gigabytes
from veridical.data.type_space import TypeSpace, in_words
from veridical.models.decisions import Decisions, Utility, decided, evaluation, evaluation_of_all_types, value_at_solution
from veridical.models.info import ModelInfo, describe, info_of
from veridical.models.truth_rows import Rows

__all__ = ["budget", "truthful"]

BYTES = 3_000  # of a joint misreport: its row, with the utilities of its members
BUDGETS = ("ex_post", "ex_ante")
TRUTH, TAKING_PART, TOGETHER = "incentive_compatibility", "individual_rationality", "coalition_incentive_compatibility"


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
    coalitions: bool = False,
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
    coalitions
        Truth is best for every two of the agents, and for all of them, whatever the others report: no joint misreport gains in
        sum, so that side payments do not help. The family `coalition_incentive_compatibility`; for dominant incentives.

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
    for name, value in (("adjacent", adjacent), ("coalitions", coalitions)):
        if not isinstance(value, bool):
            raise InputError.of(name, value, "True or False")
    one = promise(types, agents, incentive, participation, outside_option, interdependent, coalitions)
    for other in declared.promises:
        if twice := next((agent for agent in one.agents if agent in other.agents), None):
            raise InputError.of("agents", twice, "agents that nothing is promised to yet")
    if coalitions:
        _refuse_coalitions(types, one)
    families: dict[str, list[tuple[Any, Any]]] = {}
    with PauseGC():
        rows, expected = Rows(m, types, utility, one), incentive == "bayesian"
        if incentive != "none":
            families[TRUTH] = rows.made(TRUTH, rows.incentives(adjacent))
        if participation != "none":
            families[TAKING_PART] = rows.made(TAKING_PART, rows.participation())
        if coalitions:
            families[TOGETHER] = rows.made(TOGETHER, rows.together())
        made = {name: _family(m, declared, name) for name in families}  # nothing is declared before all of it can be
        for name, family in made.items():
            for key, row in families[name]:
                # The key is fresh and flat: to have Pyomo look into that took as long as all the rest of a row.
                family._setitem_when_not_present(key, row)
    declared.promises += (one,)
    declared.utilities += (utility,)
    declared.decisions += (rows.decisions if rows.linear else None,)
    names = info_of(m).index_names
    names.setdefault(TRUTH, ("agent", "type", "report", *(() if expected else ("others",))))
    names.setdefault(TAKING_PART, ("agent", "type", "others")[: {"ex_post": 3, "interim": 2}.get(participation, 1)])
    names.setdefault(TOGETHER, ("coalition", "types", "reports", "others"))


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
        one_type: dict[Any, Evaluate] = {}
        all_types: dict[Any, EvaluateAll] = {}
        for one, utility, remembered in declared:
            decisions = remembered if remembered is not None and remembered.stands_on(m) else None
            one_type |= dict.fromkeys(one.agents, evaluation(m, utility, types, decisions))
            all_types |= dict.fromkeys(one.agents, evaluation_of_all_types(m, decisions))

        def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
            return one_type[agent](agent, theta, reports)

        def every(agent: Any, profiles: list[list[tuple[Any, ...]]]) -> tuple[Array, Array] | None:
            return all_types[agent](agent, profiles)

        utilities, evaluations = evaluated(types, self.promises, evaluate, every=every)
        payments = None
        if self.payment is not None:
            payments = {agent: self._paid(agent) for agent in types.agents}
        error = grid_error(types, self.promises, evaluate)
        return DirectMechanism(types, utilities, self.promises, payments, decided(m, types), evaluations, error)

    def far(self, m: Any) -> list[Any]:
        """Return the rows about misreports of a type that is no neighbour: they mostly follow from those between."""
        family = m.component(TRUTH) if TRUTH in self.families else None
        return [] if family is None else [row for key, row in family.items() if key[:3] in self._far]

    @cached_property
    def _far(self) -> set[tuple[Any, Any, Any]]:
        """Agent, type and report with another type between: by value where values are numbers, else as they are listed."""
        far = set()
        for agent in self.types.agents:
            labels = self.types.labels(agent)
            order = self.types.order(agent) or range(len(labels))
            for k, s in product(range(len(labels)), repeat=2):
                if abs(k - s) > 1:
                    far.add((agent, labels[order[k]], labels[order[s]]))
        return far

    def _paid(self, agent: Any) -> Array:
        values = [value_at_solution(self.payment[agent, reports]) for reports in self.types.profiles]
        return np.array(values, dtype=float).reshape(self.types.shape)


def _refuse_coalitions(types: TypeSpace, one: Promise) -> None:
    """Raise InputError where coalitions cannot be declared: what they are held to is truth whatever others report."""
    if one.incentive not in ("dominant", "ex_post") or one.interdependent:
        raise InputError.of("coalitions", True, "False, for incentives other than dominant and values that are not private")
    sizes = [len(types.labels(agent)) for agent in one.agents]
    rows = sum(math.prod(members) ** 2 * (len(types.profiles) // math.prod(members)) for members in groups(sizes))
    if rows * BYTES > MEMORY:
        value = f"<True: {rows:,} joint misreports, {gigabytes(rows * BYTES)}>"
        raise InputError.of("coalitions", value, f"models below {MEMORY / 1e9:.0f} GB; without it the audit looks for them still")


def _declaration(m: Any, types: TypeSpace) -> _Declaration:
    """Return what has been declared on a model so far."""
    refuse_no_types(types)
    if getattr(m, "ctype", None) is not pyo.Block:
        raise InputError.of("model", f"<{type(m).__name__}>", "a Pyomo model")
    info = info_of(m)
    if info.contracts is None and info.mechanism is None:
        info = ModelInfo() if info.case is None else info
        info.contracts = _Declaration(types)
        info.likely_to_follow = info.contracts.far
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
