"""A direct mechanism of any kind: everybody reports a type, and what everybody gets follows; as what each type makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from veridical.contracts.decision_table import flattened
from veridical.data.arrays import Array
from veridical.data.cards import Card, Shown, table_of
from veridical.data.errors import InputError, shown
from veridical.data.lazy import pd
from veridical.data.limits import fits
from veridical.data.sheets.book import Book, Column, Sheet, Tabular
from veridical.data.type_space import TypeSpace, word

__all__ = [
    "INCENTIVES",
    "LOOKED_AT",
    "PARTICIPATION",
    "DirectMechanism",
    "Promise",
    "Utilities",
    "evaluated",
    "grid_error",
    "promise",
    "refuse_no_types",
]

LOOKED_AT = 1_000_000  # evaluations of utilities; beyond it a sample is drawn
INCENTIVES = ("dominant", "ex_post", "bayesian", "none")
PARTICIPATION = ("ex_post", "interim", "ex_ante", "none")
Evaluate = Callable[[Any, Any, tuple[Any, ...]], tuple[float, float]]  # agent, theta, reports -> utility, largest amount in it
# Agent, and reports by his report and those of the others -> both by type, report and reports of the others; None: not known
EvaluateAll = Callable[[Any, list[list[tuple[Any, ...]]]], tuple[Array, Array] | None]


@dataclass(frozen=True)
class Promise:
    """What some agents are promised: an incentive concept, and when a truthful one gets at least his outside option."""

    agents: tuple[Any, ...]
    incentive: str = "dominant"
    participation: str = "ex_post"
    outside_option: Any = 0.0
    interdependent: bool = False
    coalitions: bool = False  # whether truth is also best for every two of them, and for all of them, in sum

    @property
    def incentive_property(self) -> str | None:
        """The property that the incentive concept is; None for none."""
        if self.incentive == "none":
            return None
        if self.incentive == "bayesian":
            return "bayesian_ic"
        return "ex_post_ic" if self.interdependent else "dominant_strategy_ic"  # where values are private these are the same

    @property
    def participation_property(self) -> str | None:
        """The property that participation is; None for none."""
        return None if self.participation == "none" else f"{self.participation}_ir"

    def outside(self, agent: Any, theta: Any) -> Any:
        """Return what an agent of a type has elsewhere."""
        value = self.outside_option(agent, theta) if callable(self.outside_option) else self.outside_option
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise InputError.of(
                f"outside_option of {agent}", value, "a finite number, or a function of agent and type that returns one"
            )
        return float(value)


def refuse_no_types(types: Any) -> None:
    """Raise InputError for what is no TypeSpace."""
    if not isinstance(types, TypeSpace):
        raise InputError.of("types", f"<{type(types).__name__}>", "a TypeSpace: veridical.TypeSpace({agent: types, ...})")


def promise(
    types: TypeSpace,
    agents: Any,
    incentive: str,
    participation: str,
    outside_option: Any,
    interdependent: bool,
    coalitions: bool = False,
) -> Promise:
    """Return a promise whose parts have been checked; `agents`: None for all."""
    refuse_no_types(types)
    if not isinstance(interdependent, bool):
        raise InputError.of("interdependent", interdependent, "True or False")
    for name, value, known in (("incentive", incentive, INCENTIVES), ("participation", participation, PARTICIPATION)):
        if value not in known:
            raise InputError.of(name, value, f"one of {', '.join(known)}")
    if interdependent and incentive == "dominant":
        allowed = "ex_post, bayesian or none: with interdependent values no stronger incentive than ex_post makes sense"
        raise InputError.of("incentive", incentive, allowed)
    if isinstance(agents, str):
        agents = (agents,)
    chosen = types.agents if agents is None else tuple(agents)
    for agent in chosen:
        types.axis(agent)
    return Promise(chosen, incentive, participation, outside_option, interdependent, coalitions)


@dataclass(frozen=True, eq=False)
class Utilities:
    """What one agent gets: `worth[k, s, o]` is the utility of his type k when he reports s and the others o.

    Parameters
    ----------
    worth
        Shape (types, types, profiles of the others), in what utility is measured in; NaN where it was not looked at.
    amounts
        The same shape: the largest amount of which each is a sum.
    outside
        What he has elsewhere, shape (types, profiles of the others).
    """

    worth: Array
    amounts: Array
    outside: Array


@dataclass(frozen=True, eq=False)
class DirectMechanism(Shown, Tabular):
    """The outcome of a direct mechanism.

    Parameters
    ----------
    types
        Who reports, and what.
    utilities
        By agent, of those that something was promised to.
    promises
        What was promised, and to whom.
    payments
        What each agent is paid, shape of the prior; None where no payments were declared.
    decisions
        What is decided at each profile: a column a variable, named as in `to_frame`; may be empty.
    evaluations
        How often utilities were evaluated, and how often that would have been for all types and reports.
    grid_error
        Of types between the points of a grid: by agent, `regret` and `loss` (see `TypeSpace.grid`); None where types are no grid.

    Examples
    --------
    >>> import veridical as vd
    >>> types = vd.TypeSpace({"buyer": [1.0, 2.0, 3.0]})
    >>> def posted(agent, theta, reports):                             # a good at the price 2, for who says that he likes it
    ...     return theta - 2 if reports[0] >= 2 else 0.0
    >>> mechanism = vd.examine(types, posted).mechanism
    >>> mechanism.rents("buyer").tolist()
    [0.0, 0.0, 1.0]
    """

    types: TypeSpace
    utilities: Mapping[Any, Utilities]
    promises: tuple[Promise, ...]
    payments: Mapping[Any, Array] | None = None
    decisions: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    evaluations: tuple[int, int] = (0, 0)
    grid_error: pd.DataFrame | None = None

    @property
    def sampled(self) -> bool:
        """Whether only a sample of types and reports was looked at."""
        return self.evaluations[0] < self.evaluations[1]

    def rents(self, agent: Any) -> pd.Series:
        """Return what each type of an agent gets by the truth beyond his outside option, expected over his belief.

        Examples
        --------
        >>> import veridical as vd
        >>> types = vd.TypeSpace({"buyer": [1, 2, 3]})
        >>> audit = vd.examine(types, lambda agent, theta, reports: (theta - 2) * (reports[0] >= 2))
        >>> audit.mechanism.rents("buyer").tolist()
        [0.0, 0.0, 1.0]
        """
        own = self._of(agent)
        beliefs = self.types.beliefs(agent)
        truth = np.einsum("kko->ko", own.worth) - own.outside
        expected = np.where(beliefs > 0, beliefs * truth, 0.0).sum(axis=1) + 0.0 * beliefs[:, 0]
        return pd.Series(expected, index=pd.Index(self.types.labels(agent), name=agent), name="rent")

    def envelope(self, agent: Any) -> pd.DataFrame:
        """Return the rents of one-dimensional types beside the envelope formula.

        Between neighbouring types a truthful rent rises by at least what the lower type's contract is worth more to the higher
        type, and at most by what the higher one's is: U(k) + d(k) <= U(k+1) <= U(k) + D(k). Their mean is the trapezoid of the
        envelope formula, whose integral over a continuum the sums of both sides enclose.

        Returns
        -------
        pd.DataFrame
            By type, ascending by value: `rent`, and from the lowest type's rent on the sums `low`, `high` of both sides.

        Raises
        ------
        InputError
            For types that are no numbers, and a mechanism of which only a sample was looked at.
        """
        own, order = self._of(agent), self.types.order(agent)
        if order is None:
            raise InputError.of(f"types of {agent}", shown(list(self.types.values(agent))), "one-dimensional types: numbers")
        if not np.isfinite(own.worth).all():
            raise InputError.of(f"types of {agent}", "<only a sample was looked at>", "types and reports that were all looked at")
        table = (own.worth @ self.types.belief(agent))[np.ix_(order, order)]
        rent = np.diag(table)
        low = np.append(0.0, np.cumsum(np.diag(table, -1) - np.diag(table)[:-1]))
        high = np.append(0.0, np.cumsum(np.diag(table)[1:] - np.diag(table, 1)))
        index = pd.Index([self.types.labels(agent)[k] for k in order], name=agent)
        return pd.DataFrame({"rent": rent, "low": rent[0] + low, "high": rent[0] + high}, index=index)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table of `to_frame`."""
        types = self.types
        columns: dict[tuple[str, str], Array] = {("probability", ""): types.table.ravel()}
        columns |= {key: values.ravel() for key, values in self.decisions.items()}
        for agent, own in self.utilities.items():
            truth = np.einsum("kko->ko", own.worth).reshape(len(own.worth), *self._rest(agent))
            columns["utility", word(agent)] = np.moveaxis(truth, 0, types.axis(agent)).ravel()
        return pd.DataFrame(columns, index=types.index)

    def to_frame(self) -> pd.DataFrame:
        """Return the mechanism as a table: a row a profile of reports; probability, what is decided, utilities by the truth."""
        return self.frame.copy()

    def book(self) -> Book:
        """Return the table of a file, as `to_frame` has it; `veridical.audit(types, utility, path)` reads it."""
        agents = [word(agent) for agent in self.types.agents]
        frame = flattened(self.frame.set_axis(self.types.index.set_names(agents))).set_index(agents)
        columns = {"probability": Column("how likely these types are", "share")}
        for name in map(str, frame):
            utility = "what this agent gets by the truth"
            columns.setdefault(name, Column(utility if name.startswith("utility ") else "what is decided at these reports"))
        return Book("a direct mechanism", Sheet("mechanism", frame, columns, Column("what this agent reports")))

    def to_dict(self) -> dict[str, Any]:
        """Return the mechanism as plain values: a record a profile."""
        rows, names = [], [tuple(column) for column in self.frame.columns.to_list()]
        for profile, figures in zip(self.types.profiles, self.frame.to_numpy().tolist(), strict=True):
            row: dict[str, Any] = {"reports": dict(zip(map(word, self.types.agents), profile, strict=True))}
            for (name, of), figure in zip(names, figures, strict=True):
                figure = figure if math.isfinite(figure) else None
                if of:
                    row.setdefault(name, {})[of] = figure
                else:
                    row[name] = figure
            rows.append(row)
        return {"menu": rows}

    def _line(self) -> str:
        names = ", ".join(" ".join(filter(None, key)) for key in self.decisions)
        return f"{self.types!r}, decisions: {names or 'none'}"

    def _card(self) -> Card:
        sizes = [f"{word(agent)} ({len(self.types.labels(agent)):,})" for agent in self.types.agents]
        figures = [("agents, with how many types each", ", ".join(sizes)), ("profiles", f"{len(self.types.profiles):,}")]
        table = table_of("a row for what is reported", self.frame, everything="frame")
        return Card("direct mechanism", figures, [table])

    def _of(self, agent: Any) -> Utilities:
        if agent not in self.utilities:
            raise InputError.of(
                "agent", agent, f"one of those that something is promised to: {', '.join(map(word, self.utilities))}"
            )
        return self.utilities[agent]

    def _rest(self, agent: Any) -> tuple[int, ...]:
        axis = self.types.axis(agent)
        return self.types.shape[:axis] + self.types.shape[axis + 1 :]


def evaluated(
    types: TypeSpace,
    promises: Sequence[Promise],
    evaluate: Evaluate,
    seed: int = 0,
    every: EvaluateAll = lambda agent, profiles: None,
) -> tuple[dict[Any, Utilities], tuple[int, int]]:
    """Return every agent's utilities for every type, misreport and report of the others, and how many there were of how many.

    Above a million evaluations a seeded sample is drawn for each agent: reports of the others where they must not matter, pairs
    of a type and a report where a gain is an expectation over the others. `every` may know all of an agent's without a call for
    each.
    """
    agents = [(agent, one) for one in promises for agent in one.agents]
    sizes = {agent: len(types.labels(agent)) * len(types.profiles) for agent, _ in agents}
    total, looked_at = sum(sizes.values()), 0
    random = np.random.default_rng(seed)
    utilities = {}
    for agent, one in agents:
        labels, values, others, axis = types.labels(agent), types.values(agent), types.others(agent), types.axis(agent)
        shape = (len(labels), len(labels), len(others))
        fits(2 * math.prod(shape), "types", shape)
        most = LOOKED_AT // len(agents) if total > LOOKED_AT else math.prod(shape)
        chosen = _chosen(shape, most, one, random)
        worth, amounts = np.full(shape, np.nan), np.full(shape, np.nan)
        outside = np.empty((len(labels), len(others)))
        profiles = [[(*rest[:axis], label, *rest[axis:]) for rest in others] for label in labels]
        if not one.interdependent and total <= LOOKED_AT and (tables := every(agent, profiles)) is not None:
            outside[:] = [[one.outside(agent, theta)] for theta in values]
            utilities[agent] = Utilities(*tables, outside)
            looked_at += tables[0].size
            continue
        rest_values = list(product(*(types.values(other) for other in types.agents if other != agent)))  # in the order of others
        for k, theta in enumerate(values):
            thetas = [(*rest[:axis], theta, *rest[axis:]) for rest in rest_values] if one.interdependent else None
            outside[k] = [one.outside(agent, true) for true in thetas] if thetas else one.outside(agent, theta)
            for s, columns in chosen(k):
                row = profiles[s]
                pairs = [evaluate(agent, thetas[o] if thetas else theta, row[o]) for o in columns]
                at = columns if isinstance(columns, list) else slice(None)
                worth[k, s, at], amounts[k, s, at] = zip(*pairs, strict=True)
        looked_at += int(np.isfinite(worth).sum())
        utilities[agent] = Utilities(worth, amounts, outside)
    return utilities, (looked_at, total)


def _chosen(
    shape: tuple[int, int, int], most: int, one: Promise, random: np.random.Generator
) -> Callable[[int], list[tuple[int, Sequence[int]]]]:
    """Return which reports, and of the others which, are looked at for each type: all where there are no more than `most`."""
    types, _, others = shape
    everything = range(others)
    if types * types * others <= most:
        return lambda k: [(s, everything) for s in range(types)]
    if one.incentive != "bayesian":
        columns = np.sort(random.choice(others, max(1, min(others, most // types**2)), replace=False)).tolist()
        return lambda k: [(s, columns) for s in range(types)]
    pairs = max(2 * types, most // others)
    reports = max(1, pairs // types - 1)

    def some(k: int) -> list[tuple[int, Sequence[int]]]:
        lies = random.permutation([s for s in range(types) if s != k])[:reports]
        return [(int(s), everything) for s in (k, *lies)]

    return some


def grid_error(types: TypeSpace, promises: Sequence[Promise], evaluate: Evaluate) -> pd.DataFrame | None:
    """Return what types between the points of a grid could gain by a report of another cell, and lose by the truth.

    Looked at are the ends (corners) of every cell: a type there reports the cell, and nothing else is more for a utility that is
    linear in the type. Of Bayesian promises expected over the others. None where types are no grid, where values are
    interdependent, and where that would be above a million evaluations.
    """
    agents = [(agent, one) for one in promises for agent in one.agents if agent in types.edges and not one.interdependent]
    if not agents:
        return None
    rows: dict[Any, dict[str, float]] = {}
    for agent, one in agents:
        axis, labels, others = types.axis(agent), types.labels(agent), types.others(agent)
        ends = types.edges[agent]
        if math.prod(map(len, ends)) * len(types.profiles) > LOOKED_AT:
            return None
        profiles = [[(*rest[:axis], label, *rest[axis:]) for rest in others] for label in labels]
        corners = dict.fromkeys(product(*(end.tolist() for end in ends)))
        worth = {
            theta: np.array([[evaluate(agent, _type(theta), reports)[0] for reports in row] for row in profiles])
            for theta in corners
        }
        weights = types.belief(agent) if one.incentive == "bayesian" else None
        regret = loss = -math.inf
        for s, cell in enumerate(product(*(range(len(end) - 1) for end in ends))):
            for theta in product(*(end[[c, c + 1]].tolist() for c, end in zip(cell, ends, strict=True))):
                values = worth[theta] if weights is None else worth[theta] @ weights[:, None]
                regret = max(regret, float((values - values[s]).max()))
                interim = worth[theta][s] if one.participation == "ex_post" else worth[theta][s] @ types.belief(agent)
                loss = max(loss, one.outside(agent, _type(theta)) - float(np.min(interim)))
        rows[agent] = {"regret": regret, "loss": max(loss, 0.0)}
    return pd.DataFrame.from_dict(rows, orient="index")


def _type(theta: tuple[float, ...]) -> Any:
    """Return a point of a grid as utilities receive it: a number, or a vector."""
    return theta[0] if len(theta) == 1 else theta
