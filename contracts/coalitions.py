"""Joint misreports: whether agents gain by reports that they agree on, with side payments among them and without.

Looked at are every pair of agents and all of them together, whatever the agents outside report. Without side payments a joint
misreport violates truth where none of its members loses more than is allowed (`contracts.comparison`) and one gains more. With
them it does so as well where the gains in sum exceed what is allowed in sum: the winners can then pay the losers.

Neither form follows from truth one by one, nor the other way round: agents who cannot gain alone may gain together, and who
gains alone may do so at the cost of every partner. With one agent there is nobody to agree with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from veridical.contracts.comparison import allowed
from veridical.contracts.properties import PropertyResult
from veridical.data.arrays import Array, Integers
from veridical.data.type_space import word

__all__ = ["COALITIONS", "Coalition", "CoalitionResult", "check_coalitions", "coalitions", "not_searched", "search"]

COALITIONS = ("coalition_ic", "coalition_ic_with_side_payments")
MOST = 20_000_000  # times that an audit compares what a member has by the truth and by a joint report; beyond, it takes a sample
TRUTHS = 4  # true profiles that a sample has at the least
COUNTED = 10**18  # joint misreports up to which their number is said
BLOCK = 2**15  # of these compared at once: what the second-level cache holds
SEED = 0


@dataclass(frozen=True)
class CoalitionResult(PropertyResult):
    """Whether an outcome withstands joint misreports; `worst` in currency.

    The worst case: `members` whose true `types` are these make the `reports` while the others report `others`; `gains`, one a
    member. `worst` is what they gain in sum; where no joint misreport violates `coalition_ic`, what those who lose by the nearest
    one lose. `tried` of the `possible` joint misreports were compared (None: there are more than 1e18), and `holds` is None where
    none of a mere sample violates.
    """

    members: tuple[str, ...] = ()
    types: tuple[Any, ...] = ()
    reports: tuple[Any, ...] = ()
    gains: tuple[float, ...] = ()
    others: str | None = None
    tried: int = 0
    possible: int | None = 0

    @property
    def where(self) -> str:
        """The worst case in words: `panel 4 -> 9, battery 3 -> 7`; members without an arrow tell the truth."""
        told = zip(self.members, map(word, self.types), map(word, self.reports), strict=True)
        parts = [f"{name} {true}" + (f" -> {report}" if report != true else "") for name, true, report in told]
        return ", ".join([*parts, f"others {self.others}"] if self.others else parts)

    def __str__(self) -> str:
        if self.verdict != "searched in part":
            return super().__str__()
        possible = "more than 1e18" if self.possible is None else f"{self.possible:,}"
        tried = f"none of the {self.tried:,} tried of {possible} joint misreports violates it"
        return f"{self.name} was {self.verdict}: {tried}; worst {self.worst:.6g} ({self.where})"


@dataclass(frozen=True)
class Coalition:
    """Agents who may report together.

    names, labels: of the members and of their types. compared: for a member and his true type what he gets, and what a gain may
    come to, both of shape (joint reports, reports of the others); joint reports in C order. beside: how many reports of the
    others there are, and `others` says one in words. truths: the places of the true profiles to look at, all where None.
    """

    names: tuple[str, ...]
    labels: tuple[Sequence[Hashable], ...]
    compared: Callable[[int, int], tuple[Array, Array]]
    beside: int = 1
    others: Callable[[int], str] = lambda place: ""
    truths: Integers | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of types of each member."""
        return tuple(map(len, self.labels))

    @property
    def reports(self) -> int:
        """Number of joint reports."""
        return math.prod(self.shape)

    @property
    def possible(self) -> int:
        """Number of joint misreports: of every true profile, beside all reports of the others."""
        true = self.reports if self.truths is None else len(self.truths)
        return true * (self.reports - 1) * self.beside


def coalitions(agents: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return every pair of agents, and all of them where these are more.

    Examples
    --------
    >>> coalitions(["a", "b", "c"])
    [('a', 'b'), ('a', 'c'), ('b', 'c'), ('a', 'b', 'c')]
    """
    return [*combinations(agents, 2), *([tuple(agents)] if len(agents) > 2 else [])]


def check_coalitions(
    names: Sequence[str], labels: Sequence[Sequence[Hashable]], outcome: Callable[[int, int], tuple[Array, Array]]
) -> dict[str, CoalitionResult]:
    """Return whether a finite mechanism withstands joint misreports of every pair of agents and of all together.

    Parameters
    ----------
    names : sequence of str
        The agents' names.
    labels : sequence
        Of each agent the labels of his types, which are also what he can report.
    outcome : callable
        For an agent's number and the number of his true type: what he gets (currency) and the largest of his own amounts of which
        that is the difference (>= 0), two arrays with an axis an agent, indexed by reports.

    Returns
    -------
    dict
        A CoalitionResult by the name of each property in `COALITIONS`. Beyond 20 million comparisons of a member's truth and a
        joint report it rests on a seeded sample of true profiles, and says so.

    Examples
    --------
    Two agents are paid 5 each where both report `high`, and nothing else; each keeps what he is paid, whatever he is.

    >>> paid = np.array([[0.0, 0.0], [0.0, 5.0]])
    >>> found = check_coalitions(["a", "b"], [["low", "high"]] * 2, lambda agent, true: (paid, paid))
    >>> print(found["coalition_ic"])
    coalition_ic fails: worst 10 (a low -> high, b low -> high)
    """
    everybody = range(len(names))

    @cache
    def judged(agent: int, true: int) -> tuple[Array, Array]:
        worth, amount = outcome(agent, true)
        return worth, allowed(amount, amount.max())

    def among(members: tuple[int, ...]) -> Coalition:
        rest = [i for i in everybody if i not in members]
        shape = [len(labels[i]) for i in rest]

        axes, size = (*members, *rest), math.prod(len(labels[i]) for i in members)

        def compared(j: int, k: int) -> tuple[Array, Array]:
            worth, may = judged(members[j], k)
            return worth.transpose(axes).reshape(size, -1), may.transpose(axes).reshape(size, -1)

        def others(place: int) -> str:
            reports = zip(rest, np.unravel_index(place, shape), strict=True) if rest else ()
            return ", ".join(f"{names[i]}={word(labels[i][int(k)])}" for i, k in reports)

        picked = tuple(labels[i] for i in members)
        return Coalition(tuple(names[i] for i in members), picked, compared, math.prod(shape), others)

    groups = [among(members) for members in coalitions(everybody)]
    pairs = len(names) * (len(names) - 1) // 2
    return search(groups[:pairs], groups[pairs:])


def search(pairs: Sequence[Coalition], together: Sequence[Coalition], left_out: int = 0) -> dict[str, CoalitionResult]:
    """Return the results of the coalitions: of pairs within half of the comparisons, of all together within the rest.

    `left_out`: joint misreports that were not even put together.
    """
    rng = np.random.default_rng(SEED)
    best: dict[str, tuple[tuple[bool, float], CoalitionResult]] = {}
    pairs, together = ([one for one in some if one.reports > 1] for some in (pairs, together))
    tried, possible = 0, left_out + sum(coalition.possible for coalition in [*pairs, *together])
    spent = 0
    for number, coalition in enumerate([*pairs, *together]):
        share = MOST // 2 // len(pairs) if number < len(pairs) else MOST - spent
        sample = _Sample.of(coalition, share, rng)
        tried, spent = tried + sample.misreports, spent + sample.comparisons
        for name, severity, witness in _worst(coalition, sample):
            if name not in best or severity > best[name][0]:
                best[name] = severity, witness()
    results = {}
    for name in COALITIONS:
        (violates, _), result = best.get(name, ((False, 0.0), CoalitionResult(name, None, 0.0)))
        holds = False if violates else True if tried == possible else None
        results[name] = replace(result, holds=holds, tried=tried, possible=possible if possible <= COUNTED else None)
    return results


def not_searched() -> dict[str, CoalitionResult]:
    """Return the results where no joint misreport could be tried."""
    return {name: CoalitionResult(name, None, math.nan, searched=False) for name in COALITIONS}


@dataclass(frozen=True)
class _Sample:
    """Which true profiles of a coalition are tried beside which reports of the others."""

    truths: Integers
    columns: Integers
    misreports: int
    comparisons: int

    @classmethod
    def of(cls, coalition: Coalition, most: int, rng: np.random.Generator) -> _Sample:
        """Return all true profiles and reports where these are no more than `most` comparisons, else so many drawn at random."""
        every = np.arange(coalition.reports) if coalition.truths is None else coalition.truths
        members, reports, beside = len(coalition.names), coalition.reports, coalition.beside
        truths = min(len(every), max(TRUTHS, most // (members * reports * beside)))
        columns = min(beside, max(1, most // (members * reports * truths)))
        truths = min(truths, max(1, most // (members * reports * columns)))
        drawn = (_drawn(rng, len(every), truths), _drawn(rng, beside, columns))
        tried = len(drawn[0]) * len(drawn[1])
        return cls(every[drawn[0]], drawn[1], tried * (reports - 1), tried * reports * members)


def _drawn(rng: np.random.Generator, size: int, count: int) -> Integers:
    """Return that many places, ascending: the first, where costs are lowest, and others drawn at random."""
    if count >= size:
        return np.arange(size)
    return np.sort(np.append(rng.choice(np.arange(1, size), count - 1, replace=False), 0))


def _worst(coalition: Coalition, sample: _Sample) -> Iterator[tuple[str, tuple[bool, float], Callable[[], CoalitionResult]]]:
    """Yield the property, what orders its worst joint misreport among those of other coalitions, and what makes its result."""
    types = np.unravel_index(sample.truths, coalition.shape)
    members = [_Member.of(coalition, j, own, sample.columns) for j, own in enumerate(types)]
    size = coalition.reports * len(sample.columns)
    extremes: list[tuple[tuple[bool, float], tuple[int, ...]]] = []
    step = max(1, BLOCK // size)
    for first in range(0, len(sample.truths), step):
        truths = sample.truths[first : first + step]
        rows = slice(first, first + len(truths))
        for form, (violates, value) in enumerate(_violations(members, rows, truths)):
            value[np.arange(len(truths)), truths] = -np.inf  # the truth itself is no misreport
            fails = bool(violates.any())
            flat = int((np.where(violates, value, -np.inf) if fails else value).argmax())
            severity = fails, float(value.flat[flat])
            if form == len(extremes) or severity > extremes[form][0]:
                t, report, column = (int(k) for k in np.unravel_index(flat, value.shape))
                extremes[form : form + 1] = [(severity, (first + t, report, column))]

    def witness(name: str, severity: tuple[bool, float], t: int, report: int, column: int) -> CoalitionResult:
        told = np.unravel_index(report, coalition.shape)
        return CoalitionResult(
            name,
            not severity[0],
            severity[1] + 0.0,
            members=coalition.names,
            types=tuple(words[int(own[t])] for words, own in zip(coalition.labels, types, strict=True)),
            reports=tuple(words[int(k)] for words, k in zip(coalition.labels, told, strict=True)),
            gains=tuple(member.gain(t, int(sample.truths[t]), report, column) for member in members),
            others=coalition.others(int(sample.columns[column])) or None,
        )

    for name, (severity, place) in zip(COALITIONS, extremes, strict=True):
        yield name, severity, partial(witness, name, severity, *place)


@dataclass(frozen=True)
class _Member:
    """What a member gets, and what a gain may come to, by the types that he has in a sample, joint reports and others' reports.

    at: which of these types he has in each true profile.
    """

    worth: Array
    may: Array
    at: Integers

    @classmethod
    def of(cls, coalition: Coalition, j: int, own: Integers, columns: Integers) -> _Member:
        used = np.flatnonzero(np.bincount(own))
        at = np.searchsorted(used, own)
        kept = slice(None) if len(columns) == coalition.beside else columns
        each = [[array[:, kept] for array in coalition.compared(j, int(k))] for k in used]
        worth, may = (np.array(arrays) for arrays in zip(*each, strict=True))
        return cls(worth, may, at)

    def gain(self, t: int, truth: int, report: int, column: int) -> float:
        """What the member gains by a joint report."""
        worth = self.worth[self.at[t]]
        return float(worth[report, column] - worth[truth, column]) + 0.0


def _violations(members: Sequence[_Member], rows: slice, truths: Integers) -> tuple[tuple[Any, Array], tuple[Any, Array]]:
    """Return for each form which joint reports violate it, and the figure that orders them: true profiles, reports, others."""
    shape = (len(truths), *members[0].worth.shape[1:])
    total, limit, lost = (np.zeros(shape) for _ in range(3))
    gains, loses, flag = (np.zeros(shape, dtype=bool) for _ in range(3))
    gain, may = np.empty(shape), np.empty(shape)  # of each member in turn: new arrays would take as long as all else
    for member in members:
        at = member.at[rows]
        np.take(member.worth, at, axis=0, out=gain, mode="clip")
        gain -= member.worth[at, truths][:, None]
        np.take(member.may, at, axis=0, out=may, mode="clip")
        np.maximum(may, member.may[at, truths][:, None], out=may)
        total += gain
        limit += may
        gains |= np.greater(gain, may, out=flag)
        np.minimum(gain, 0.0, out=gain)
        lost += gain
        loses |= np.less(gain, np.negative(may, out=may), out=flag)
    # What somebody gains counts only where it is more than what others lose within rounding.
    alone = gains & ~loses & (total > 0)
    return (alone, np.where(loses, lost, total)), ((total > limit) | alone, total)
