"""The audit of a direct mechanism: which agent would misreport his type, as what, and gain how much.

It is made from utilities evaluated at types and reports, not from the constraints that were to make the mechanism truthful.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import nan
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from veridical.contracts.audit import Audit, audit
from veridical.contracts.coalitions import COALITIONS, check_coalitions, not_searched
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful, worst_place
from veridical.contracts.decision_table import read_decisions, stand_in
from veridical.contracts.direct_mechanism import DirectMechanism, Utilities, evaluated, grid_error, promise, refuse_no_types
from veridical.contracts.linear_utility import Decision, NotLinearError
from veridical.contracts.properties import PropertyResult, applies_to, worst_case
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.type_space import TypeSpace, in_words, word

__all__ = ["AgentMisreport", "AgentResult", "MechanismAudit", "audit_table", "examine"]

TRUTH = ("dominant_strategy_ic", "ex_post_ic", "bayesian_ic")
TOGETHER = "coalition_ic_with_side_payments"  # which joint misreports of those would violate who are promised coalitions=True
TAKING_PART = ("ex_post_ir", "interim_ir", "ex_ante_ir")


@dataclass(frozen=True)
class AgentMisreport:
    """An `agent` whose type is `type` reports `report` while the others report `others`, and gains `gain`.

    Types are labels. `others` is empty where the gain is an expectation, or where there are no others.
    """

    agent: Any
    type: Any
    report: Any
    others: str
    gain: float


@dataclass(frozen=True)
class AgentResult(PropertyResult):
    """Whether a direct mechanism has a property; `worst` in what utility is measured in.

    The worst case: `agent` of the type `type` reports `report` while the others report `others`; for `budget` the profile
    `others`; None where there is no such part.
    """

    agent: Any = None
    type: Any = None
    report: Any = None
    others: str | None = None

    WORDS: ClassVar = {"agent": "", "type": "type", "report": "report", "others": "others"}


@dataclass(frozen=True)
class MechanismAudit(Audit):
    """What was found of a direct mechanism; all figures in what utility is measured in.

    `properties`: dominant_strategy_ic (not where values are interdependent), ex_post_ic, bayesian_ic; ex_post_ir, interim_ir,
    ex_ante_ir against the outside options; coalition_ic without and with side payments, where values are private; budget and
    expected_budget where payments were declared. A gain is relative to the
    largest amount in the two utilities compared, of this agent and type alone. `truthful`, `max_regret` and `misreports` are of
    what each agent was promised, and of the strongest concept where nothing was. `mechanism`: what was audited.

    Examples
    --------
    >>> import veridical as vd
    >>> types = vd.TypeSpace({"buyer": [1.0, 2.0, 3.0]})
    >>> def asked(agent, theta, reports):                              # a good for whatever he says it is worth
    ...     return theta - reports[0]
    >>> audit = vd.examine(types, asked)
    >>> audit.truthful, audit.max_regret                               # type 3 says 1
    (False, 2.0)
    """

    mechanism: DirectMechanism = field(kw_only=True, repr=False)
    by_agent: Mapping[tuple[str, Any], Compared] = field(kw_only=True, repr=False)

    FIRST: ClassVar = ("max_regret", "min_rent")
    LAST: ClassVar = ("evaluations", "possible_evaluations", "sampled")

    @property
    def evaluations(self) -> int:
        """How often utilities were evaluated: pairs of a type and a profile of reports."""
        return self.mechanism.evaluations[0]

    @property
    def possible_evaluations(self) -> int:
        """How many such pairs there are."""
        return self.mechanism.evaluations[1]

    @property
    def sampled(self) -> bool:
        """Whether only a seeded sample of them was looked at."""
        return self.mechanism.sampled

    @property
    def objective(self) -> float:
        """NaN: what the objective of a model of the user's own must be, its utilities do not say."""
        return nan

    @property
    def max_regret(self) -> float:
        """Largest gain from any misreport, by what each agent was promised; 0 where none gains, NaN where none was tried."""
        return self._most(0)

    @property
    def min_rent(self) -> float:
        """Smallest utility beyond the outside option, of anybody who is truthful, by what each agent was promised."""
        return 0.0 - self._most(1, -np.inf)

    @property
    def misreports(self) -> tuple[Any, ...]:
        """The best misreports of everybody who gains by one, the largest gain first."""
        return gainful(self._promised(0))

    @property
    def truthful(self) -> bool | None:
        """Whether no misreport gains, by what each agent was promised; None where none could be tried."""
        compared = self._promised(0)
        return not any(one.violates for one in compared) if compared or not self._searched(0) else None

    @property
    def individually_rational(self) -> bool:
        """Whether nobody who is truthful gets less than his outside option, by what each agent was promised."""
        return not any(one.violates for one in self._promised(1))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The promises that do not hold, and that only a sample was looked at."""
        promised = [key for which in (0, 1) for key in self._declared(which)]
        broken = dict.fromkeys(key[0] for key in promised if key in self.by_agent and self.by_agent[key].violates)
        if any(one.coalitions for one in self.mechanism.promises) and self.properties[TOGETHER].holds is False:
            broken[TOGETHER] = None
        sample = ["only a seeded sample of types and reports was audited"] if self.sampled else []
        return (*(f"what was declared does not hold: {self.properties[name]}" for name in broken), *sample)

    def _declared(self, which: int) -> list[tuple[str, Any]]:
        """Return what was promised: properties with agents; of incentives (0), or of participation (1)."""
        of = [(one, (one.incentive_property, one.participation_property)[which]) for one in self.mechanism.promises]
        return [(name, agent) for one, name in of if name for agent in one.agents]

    def _concepts(self, which: int) -> list[tuple[str, Any]]:
        """Return what each agent is held to: what was promised; where nothing was promised at all, the strongest."""
        promised = self._declared(which)
        if promised:
            return promised
        strongest = "ex_post_ir" if which else self.incentive_concept
        return [(strongest, agent) for agent in self.mechanism.utilities]

    def _promised(self, which: int) -> list[Compared]:
        return [self.by_agent[key] for key in self._concepts(which) if key in self.by_agent]

    def _searched(self, which: int) -> bool:
        """Whether there is anything to misreport that was not looked at."""
        return any(not self.properties[name].searched for name, _ in self._concepts(which))

    def _most(self, which: int, least: float = 0.0) -> float:
        compared = self._promised(which)
        return max([least, *(one.misreport.gain for one in compared)]) if compared or not self._searched(which) else nan

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        error = self.mechanism.grid_error
        return super().to_dict() | {"grid_error": None if error is None else error.to_dict("index")}

    def explain(self) -> str:
        """Return the audit in words: what was looked at, and what was found of each property."""
        kinds = f"{self.evaluations:,} of {self.possible_evaluations:,} pairs of a type and reports were looked at"
        lines = [f"{kinds}{', a seeded sample' if self.sampled else ''}.", *map(str, self.properties.values())]
        return "\n".join(lines)


def examine(
    types: TypeSpace,
    utility: Callable[[Any, Any, tuple[Any, ...]], float],
    incentive: str = "dominant",
    participation: str = "ex_post",
    outside_option: Any = 0.0,
    *,
    interdependent: bool = False,
    seed: int = 0,
) -> MechanismAudit:
    """Audit a mechanism that is no model: anybody's rule, given by what it is worth to each agent.

    Parameters
    ----------
    types : TypeSpace
        The agents, their types, and the prior.
    utility : callable
        `utility(agent, theta, reports)`: what the agent gets whose true type is theta (its value) when `reports` (a profile of
        labels) are made; a number.
    incentive, participation, outside_option, interdependent
        What it is held to, as in `veridical.truthful`; the other properties are looked at as well.
    seed : int
        Of the sample that is drawn where there are more than a million types and reports to look at.

    Returns
    -------
    MechanismAudit
        With `truthful`, `max_regret`, `misreports` (agent, type, report, others, gain) and `properties`.

    Raises
    ------
    InputError
        For a utility that is no finite number, with agent, type and reports.

    Examples
    --------
    A first-price auction: the higher bid wins, the first bidder at a tie, and pays what it bid.

    >>> types = TypeSpace({"ann": [1, 2, 3], "bob": [1, 2, 3]})
    >>> def first_price(agent, theta, reports):
    ...     winner = types.agents[reports.index(max(reports))]
    ...     return theta - max(reports) if agent == winner else 0
    >>> found = examine(types, first_price)
    >>> found.truthful, found.max_regret, found.misreports[0].agent
    (False, 2.0, 'ann')
    """

    def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
        return _number(utility(agent, theta, reports), types, agent, theta, reports)

    one = promise(types, None, incentive, participation, outside_option, interdependent)
    utilities, evaluations = evaluated(types, [one], evaluate, seed)
    error = grid_error(types, [one], evaluate)
    return _of(DirectMechanism(types, utilities, (one,), evaluations=evaluations, grid_error=error))


def audit_table(
    types: TypeSpace,
    utility: Callable[[Any, Any, Any, tuple[Any, ...]], Any],
    menu: str | Path | pd.DataFrame,
    incentive: str = "dominant",
    participation: str = "ex_post",
    outside_option: Any = 0.0,
    *,
    interdependent: bool = False,
) -> MechanismAudit:
    """Audit a mechanism that is a table, by a utility as `veridical.truthful` takes it.

    Parameters
    ----------
    types : TypeSpace
        The agents, their types, and the prior.
    utility : callable
        `utility(m, agent, theta, reports)`, in which `m.trade[reports]` is the column `trade` of the table at the row of these
        reports, and `m.payment[agent, reports]` the column `payment` of the agent.
    menu : path or pd.DataFrame
        The table, or a CSV file: as `DirectMechanism.to_csv` writes it.
    incentive, participation, outside_option, interdependent
        What it is held to, as in `veridical.truthful`.

    Returns
    -------
    MechanismAudit
        As of `examine`.

    Raises
    ------
    InputError
        With file, row and column for a table that cannot be read; for a utility that is no finite number, or asks for a column
        that is not there.
    """
    refuse_no_types(types)
    if not callable(utility):
        raise InputError.of("utility", utility, "a function: utility(m, agent, theta, reports)")
    decisions = read_decisions(types, menu)
    values = np.concatenate([table.ravel() for table in decisions.values()] or [np.zeros(0)])
    forms = stand_in(types, decisions, lambda number, value: Decision({number: 1.0}))
    numbers = stand_in(types, decisions, lambda number, value: value)

    def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
        try:
            try:
                form = Decision.of(utility(forms, agent, theta, reports))
            except (NotLinearError, TypeError):
                return _number(utility(numbers, agent, theta, reports), types, agent, theta, reports)
        except (AttributeError, KeyError) as error:
            columns = ", ".join(" ".join(filter(None, key)) for key in decisions)
            raise InputError.of(
                f"utility of {word(agent)}", f"<{error}>", f"one that asks for columns there are: {columns}"
            ) from None
        amounts = [coefficient * values[column] for column, coefficient in form.coefficients.items()]
        return float(sum(amounts)) + form.constant, max(map(abs, (*amounts, form.constant)))

    one = promise(types, None, incentive, participation, outside_option, interdependent)
    utilities, evaluations = evaluated(types, [one], evaluate)
    error = grid_error(types, [one], evaluate)
    return _of(DirectMechanism(types, utilities, (one,), None, decisions, evaluations, error))


def _number(value: Any, types: TypeSpace, agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
    """Return a utility that is a number, and its amount; raises InputError for what is none."""
    if not isinstance(value, Real) or not abs(float(value)) < np.inf:
        place = f"utility of {word(agent)} at type {theta!r} and reports {in_words(types.agents, reports)}"
        raise InputError.of(place, value, "a finite number")
    return float(value), abs(float(value))


@audit.register
def _of(mechanism: DirectMechanism) -> MechanismAudit:
    """Return the audit of a direct mechanism, from its utilities alone."""
    by_agent: dict[tuple[str, Any], Compared] = {}
    private = not any(one.interdependent for one in mechanism.promises)
    for agent, own in mechanism.utilities.items():
        by_agent |= {(name, agent): one for name, one in _misreports(mechanism, agent, own, private).items()}
    results: dict[str, PropertyResult] = {}
    for name in (*TRUTH, *TAKING_PART):
        compared = [by_agent[name, agent] for agent in mechanism.utilities if (name, agent) in by_agent]
        result = worst_case(AgentResult, name, compared, truthful=name in TAKING_PART)
        looked_at = not mechanism.sampled and (private or name != "dominant_strategy_ic")
        results[name] = result if compared or looked_at else _not_searched(name)
    results.update(_coalitions(mechanism))
    results.update(_budgets(mechanism))
    promised = {one.incentive_property for one in mechanism.promises}
    taking_part = [one.participation_property for one in mechanism.promises if one.participation_property]
    return MechanismAudit(
        results,
        {name: gainful(by_agent[name, agent] for agent in mechanism.utilities if (name, agent) in by_agent) for name in TRUTH},
        nan,
        max(float(np.nanmax(own.amounts)) for own in mechanism.utilities.values()),
        next(
            (name for name in ("bayesian_ic", "ex_post_ic") if name in promised),
            "dominant_strategy_ic" if private else "ex_post_ic",
        ),
        max(taking_part, key=TAKING_PART.index, default="ex_post_ir"),
        mechanism=mechanism,
        by_agent=by_agent,
    )


applies_to(DirectMechanism, *TRUTH, *TAKING_PART, *COALITIONS, "budget", "expected_budget")


def _misreports(mechanism: DirectMechanism, agent: Any, own: Utilities, private: bool) -> dict[str, Compared]:
    """Return an agent's best misreport, whatever the others report and expected, and his largest loss by the truth.

    Keyed by the property that a gain would violate; a loss stands as a misreport of the truth.
    """
    types = mechanism.types
    labels, beliefs = types.labels(agent), types.beliefs(agent)
    names = [other for other in types.agents if other != agent]
    stake = np.nanmax(own.amounts, axis=(1, 2))
    truth, of_truth = (np.einsum("kko->ko", array) for array in (own.worth, own.amounts))
    most = allowed(np.maximum(own.amounts, of_truth[:, None, :]), stake[:, None, None])
    gain = own.worth - truth[:, None, :]
    everyone = np.arange(len(labels))
    gain[everyone, everyone] = np.nan  # the truth is no misreport
    loss, may_lose = own.outside - truth, allowed(np.maximum(of_truth, np.abs(own.outside)), stake[:, None])

    def expected(values: Array) -> Array:
        """Return the expectation over the others, given the own type, on the last axis; NaN where part was not looked at."""
        weights = beliefs if values.ndim == 2 else beliefs[:, None, :]
        return np.asarray(np.where(weights > 0, weights * values, 0.0).sum(axis=-1) + 0.0 * weights.sum(axis=-1))

    def entry(gain: Array, most: Array, truthful: bool = False, everywhere: bool = True) -> Compared | None:
        known = np.isfinite(gain)
        if not known.any():
            return None
        place = worst_place(np.where(known, gain, -np.inf), np.where(known, most, np.inf))
        k = place[0] if gain.ndim else 0
        report = "" if truthful else labels[place[1]]
        others = in_words(names, types.others(agent)[place[-1]]) if everywhere else ""
        own_type = labels[k] if gain.ndim else ""
        misreport = AgentMisreport(agent, own_type, report, others, float(gain[place]) + 0.0)
        return Compared(misreport, float(most[place]), NOISE * float(stake[k]))

    likely = np.moveaxis(types.table, types.axis(agent), 0).reshape(len(labels), -1)
    lost, may = (np.asarray((likely * values)[likely > 0].sum()) for values in (loss, may_lose))
    everywhere = entry(gain, most)
    compared = {
        "dominant_strategy_ic": everywhere if private else None,
        "ex_post_ic": everywhere,
        "bayesian_ic": entry(expected(gain), expected(most), everywhere=False),
        "ex_post_ir": entry(loss, may_lose, truthful=True),
        "interim_ir": entry(expected(loss), expected(may_lose), truthful=True, everywhere=False),
        "ex_ante_ir": entry(lost, may, truthful=True, everywhere=False),
    }
    return {name: one for name, one in compared.items() if one is not None}


def _coalitions(mechanism: DirectMechanism) -> Mapping[str, PropertyResult]:
    """Return whether joint misreports gain; not searched where values depend on others' types, or only a sample was looked at."""
    types, agents = mechanism.types, tuple(mechanism.utilities)
    complete = all(np.isfinite(own.worth).all() for own in mechanism.utilities.values())
    if set(agents) != set(types.agents) or not complete or any(one.interdependent for one in mechanism.promises):
        return not_searched()

    def outcome(agent: int, true: int) -> tuple[Array, Array]:
        own, shape = mechanism.utilities[types.agents[agent]], types.shape
        rest = (shape[agent], *shape[:agent], *shape[agent + 1 :])
        worth, amounts = (np.moveaxis(table[true].reshape(rest), 0, agent) for table in (own.worth, own.amounts))
        return worth, amounts

    return check_coalitions([word(agent) for agent in types.agents], [types.labels(agent) for agent in types.agents], outcome)


def _not_searched(name: str) -> AgentResult:
    """Return the result of a property that there was nothing to look at for."""
    return AgentResult(name, None, nan, searched=False)


def _budgets(mechanism: DirectMechanism) -> dict[str, PropertyResult]:
    """Return whether more is paid than there is: at a profile, and in expectation; not searched where no payments are known.

    Payments that are all but nothing are as far off as the point that a solver found: the stake is the largest of the agents'.
    """
    if mechanism.payments is None:
        return {name: _not_searched(name) for name in ("budget", "expected_budget")}
    types = mechanism.types
    paid = np.array(list(mechanism.payments.values()))
    deficit, amount = paid.sum(axis=0), np.abs(paid).max(axis=0)
    most = allowed(amount, max(float(amount.max()), *(float(np.nanmax(own.amounts)) for own in mechanism.utilities.values())))
    place = worst_place(deficit, most)
    profile = in_words(types.agents, types.profiles[int(np.ravel_multi_index(place, types.shape))])
    expected, may = (float((types.table * values).sum()) for values in (deficit, most))
    return {
        "budget": AgentResult("budget", bool((deficit <= most).all()), float(deficit[place]), others=profile),
        "expected_budget": AgentResult("expected_budget", expected <= may, expected),
    }
