"""Who has private information, what it may be, and how likely that is: the agents of any mechanism and their types."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from veridical.data.arrays import Array, fixed
from veridical.data.assembler import label
from veridical.data.errors import InputError, shown
from veridical.data.fields import SUM_TOLERANCE
from veridical.data.lazy import pd
from veridical.data.limits import fits
from veridical.data.prior import independent

__all__ = ["TypeSpace", "in_words", "word"]

Label = Any
Profile = tuple[Label, ...]
SCALARS = (str, int, float, np.generic)


class TypeSpace:
    """The agents of a mechanism, the types that each may have, and the common prior over profiles of types.

    A report is the label of a type; a profile is a tuple with one label an agent, in the order of `agents`; with one agent it is
    a tuple of one. A type's value is what utilities receive: the label itself where types are given as a list.

    Parameters
    ----------
    types : mapping
        For each agent its types: a list of them (numbers or names, each once), or a mapping label -> value, in which a value may
        be anything: a vector, a record.
    prior : optional
        None: all profiles are equally likely, and types independent. A mapping agent -> probabilities (a list in the order of
        the types, or a mapping label -> probability): independent types. Nested lists or an array with one axis an agent, or a
        Series over profiles: a joint prior, so types may be correlated. Sums to 1 within 1e-9.

    Raises
    ------
    InputError
        For types or probabilities that cannot be used, with agent, value and what is allowed.

    Examples
    --------
    >>> prior = {"seller": [0.5, 0.5], "buyer": {"low": 0.75, "high": 0.25}}
    >>> types = TypeSpace({"seller": [0.0, 0.5], "buyer": {"low": 0.2, "high": 0.9}}, prior)
    >>> types.agents, types.profiles[1], types.value("buyer", "high")
    (('seller', 'buyer'), (0.0, 'high'), 0.9)
    >>> float(types.probability[0.0, "high"])
    0.125
    """

    def __init__(self, types: Mapping[str, Sequence[Any] | Mapping[Any, Any]], prior: Any = None) -> None:
        if not isinstance(types, Mapping) or not types:
            raise InputError.of("types", types, "a mapping agent -> types, with one agent or more")
        self._values = {_label(agent, "types"): _types(f"types.{agent}", given) for agent, given in types.items()}
        self.agents: tuple[Any, ...] = tuple(self._values)
        self.shape: tuple[int, ...] = tuple(map(len, self._values.values()))
        fits(math.prod(self.shape) * (len(self.shape) + 1), "types", self.shape)
        self.profiles: list[Profile] = list(product(*self._values.values()))
        self.edges: Mapping[Any, tuple[Array, ...]] = {}  # of a grid's cells, by agent and by dimension
        self.table: Array = fixed(self._table(prior))

    @classmethod
    def grid(cls, ranges: Mapping[str, Any], points: int) -> TypeSpace:
        """Return a grid of continuous, independent types: cells of equal probability, each with its median as its type.

        Parameters
        ----------
        ranges : mapping
            For each agent `(low, high)`, for types that are uniform between them, or a distribution with `ppf`, as those of
            scipy.stats; or a list of such, for types that are vectors with independent parts.
        points : int
            Cells in each dimension.

        Returns
        -------
        TypeSpace
            With `edges`, where the cells end. A type between the points reports the cell that it lies in; what it could gain
            by another report, and lose by taking part, is in `DirectMechanism.grid_error`: the most over all ends of cells, which
            is the most that there is for utilities that are linear in the type.

        Examples
        --------
        >>> types = TypeSpace.grid({"buyer": (0.0, 1.0)}, points=4)
        >>> types.labels("buyer"), types.edges["buyer"][0].tolist()
        ((0.125, 0.375, 0.625, 0.875), [0.0, 0.25, 0.5, 0.75, 1.0])
        """
        if isinstance(points, bool) or not isinstance(points, int) or points < 1:
            raise InputError.of("points", points, "a whole number >= 1: cells in each dimension")
        types: dict[str, Any] = {}
        edges: dict[str, tuple[Array, ...]] = {}
        for agent, given in ranges.items():
            several = isinstance(given, list)
            axes = [_cells(f"ranges.{agent}", one, points) for one in (given if several else [given])]
            edges[agent] = tuple(ends for ends, _ in axes)
            vectors = product(*(middles.tolist() for _, middles in axes))
            types[agent] = {", ".join(map(label, vector)): vector for vector in vectors} if several else axes[0][1].tolist()
        space = cls(types)
        space.edges = edges
        return space

    def labels(self, agent: Any) -> tuple[Label, ...]:
        """Return the labels of an agent's types, in order."""
        return tuple(self._of(agent))

    def value(self, agent: Any, type_label: Label) -> Any:
        """Return what a type is worth: what utilities receive."""
        values = self._of(agent)
        if type_label not in values:
            raise InputError.of(f"type of {agent}", type_label, f"one of {shown(list(values))}")
        return values[type_label]

    def values(self, agent: Any) -> tuple[Any, ...]:
        """Return the values of an agent's types, in order."""
        return tuple(self._of(agent).values())

    @cached_property
    def probability(self) -> pd.Series:
        """The prior: a Series over profiles, with a level an agent."""
        return pd.Series(self.table.ravel(), index=self.index, name="probability")

    @cached_property
    def index(self) -> pd.Index:
        """The profiles as a pandas index, with a level an agent."""
        return pd.MultiIndex.from_product([list(values) for values in self._values.values()], names=list(self.agents))

    def order(self, agent: Any) -> list[int] | None:
        """Return the places of an agent's types, ascending by value; None where values are no numbers."""
        values = self.values(agent)
        numbers = all(isinstance(value, Real) for value in values)
        return sorted(range(len(values)), key=values.__getitem__) if numbers else None

    def axis(self, agent: Any) -> int:
        """Return the place of an agent in profiles."""
        self._of(agent)
        return self.agents.index(agent)

    def others(self, agent: Any) -> list[Profile]:
        """Return what the others may report: profiles without the agent's place."""
        return list(product(*(values for other, values in self._values.items() if other != agent)))

    def beliefs(self, agent: Any) -> Array:
        """Return how likely the others' profiles are given one's own type, shape (types, profiles of the others).

        Rows of types that never occur are NaN: they believe nothing.
        """
        rows = np.moveaxis(self.table, self.axis(agent), 0).reshape(len(self._of(agent)), -1)
        likely = rows.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(rows, likely, out=np.full(rows.shape, np.nan), where=likely > 0))

    def belief(self, agent: Any) -> Array:
        """Return how likely the others' profiles are, whatever one's own type is.

        Raises InputError where that depends on the type.
        """
        rows = self.beliefs(agent)
        rows = rows[np.isfinite(rows[:, 0])]
        if not np.allclose(rows, rows[:1], rtol=1e-9, atol=1e-15):
            raise InputError.of("prior", "<correlated types>", f"a prior in which {agent}'s type says nothing about the others'")
        return np.asarray(rows[0])

    def expectation(self, function: Callable[[Profile], Any]) -> Any:
        """Return the expectation over profiles of what a function returns for each: a number, or an expression of a model.

        Examples
        --------
        >>> TypeSpace({"buyer": [1, 2, 3]}).expectation(lambda reports: reports[0] ** 2)
        4.666666666666666
        """
        return sum(
            weight * function(profile)
            for profile, weight in zip(self.profiles, self.table.ravel().tolist(), strict=True)
            if weight
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{agent}: {size} types" for agent, size in zip(self.agents, self.shape, strict=True))
        return f"TypeSpace({sizes})"

    def _of(self, agent: Any) -> dict[Label, Any]:
        if agent not in self._values:
            raise InputError.of("agent", agent, f"one of {', '.join(map(str, self.agents))}")
        return self._values[agent]

    def _table(self, prior: Any) -> Array:
        if prior is None:
            return np.full(self.shape, 1.0 / math.prod(self.shape))
        if isinstance(prior, Mapping) and not any(isinstance(key, tuple) for key in prior):
            for agent in prior:
                self._of(agent)
            for agent in self.agents:
                if agent not in prior:
                    raise InputError.missing(f"prior.{agent}", "probabilities, one a type of each agent")
            return independent([self._marginal(agent, prior[agent]) for agent in self.agents])
        if isinstance(prior, Mapping | pd.Series):
            return self._joint(prior)
        return _probabilities("prior", prior, self.shape)

    def _marginal(self, agent: Any, given: Any) -> Array:
        field, labels = f"prior.{agent}", self._of(agent)
        if isinstance(given, Mapping | pd.Series):
            by_label = dict(given)
            if by_label.keys() != labels.keys():
                raise InputError.of(field, list(by_label), f"a probability for each of {shown(list(labels))}")
            given = [by_label[one] for one in labels]
        return _probabilities(field, given, (len(labels),))

    def _joint(self, given: Mapping[Any, Any] | pd.Series) -> Array:
        by_profile = {key if isinstance(key, tuple) else (key,): value for key, value in given.items()}
        if len(by_profile) != len(given) or by_profile.keys() != set(self.profiles):
            strange = next(iter(by_profile.keys() - set(self.profiles)), None)
            what = "<a profile is missing>" if strange is None else strange
            raise InputError.of(
                "prior", what, f"one probability for each of the {len(self.profiles)} profiles, in the order {self.agents}"
            )
        return _probabilities("prior", [by_profile[profile] for profile in self.profiles], (len(self.profiles),)).reshape(
            self.shape
        )


def in_words(agents: Iterable[Any], labels: Iterable[Label]) -> str:
    """Return reports as people read them: `seller=0.5, buyer=low`."""
    return ", ".join(f"{agent}={word(one)}" for agent, one in zip(agents, labels, strict=True))


def word(value: Any) -> str:
    """Return a label as names carry it."""
    return label(value) if isinstance(value, float) else str(value)


def _label(value: Any, field: str) -> Any:
    """Return a label or an agent's name: what can stand in an index."""
    if not isinstance(value, SCALARS) or (isinstance(value, float) and not math.isfinite(value)):
        allowed = "names and finite numbers; where types are vectors or other things, a mapping label -> value"
        raise InputError.of(field, value, allowed)
    return value.item() if isinstance(value, np.generic) else value


def _types(field: str, given: Any) -> dict[Label, Any]:
    """Return types by label."""
    if isinstance(given, Mapping | pd.Series):
        pairs = list(given.items())
    elif isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError.of(field, given, "a list of types, or a mapping label -> value")
    else:
        pairs = [(one, one.item() if isinstance(one, np.generic) else one) for one in given]
    types: dict[Label, Any] = {}
    for place, (one, value) in enumerate(pairs):
        key = _label(one, f"{field}[{place}]")
        if key in types:
            raise InputError.of(f"{field}[{place}]", one, "every type once")
        types[key] = value
    if not types:
        raise InputError.of(field, given, "one type or more")
    return types


def _probabilities(field: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Return probabilities as an array of a shape."""
    allowed = f"finite probabilities >= 0 of shape {shape}, that sum to 1 within {SUM_TOLERANCE}"
    try:
        table = np.array(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError.of(field, given, allowed) from None
    if table.shape != shape:
        raise InputError.of(field, f"<an array of shape {table.shape}>", allowed)
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise InputError.of(field, given, allowed)
    total = float(table.sum())
    if abs(total - 1) > SUM_TOLERANCE:
        raise InputError.of(field, f"<the sum {total!r}>", allowed)
    return table / total


def _cells(field: str, given: Any, points: int) -> tuple[Array, Array]:
    """Return where cells of equal probability end, and their medians."""
    ends, middles = np.arange(points + 1) / points, (np.arange(points) + 0.5) / points
    if hasattr(given, "ppf"):
        return np.asarray(given.ppf(ends), dtype=float), np.asarray(given.ppf(middles), dtype=float)
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError.of(field, given, "(low, high) with low < high, or a distribution with `ppf`")
    return low + (high - low) * ends, low + (high - low) * middles
