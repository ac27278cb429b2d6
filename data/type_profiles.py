"""Type profiles of groups of identical retailers: multisets, with how often they occur."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from veridical.data.arrays import Array, Integers

__all__ = ["TypeProfiles", "count_profiles", "enumerated", "from_joint", "sampled", "without_one"]


@dataclass(frozen=True)
class TypeProfiles:
    """How many retailers of each group have which type, profile by profile.

    counts: whole numbers, shape (rows, M): one column a type of a group, groups in order, types ascending within a group.
    probability: shape (rows,), sums to 1. sampled: whether the rows were drawn and weigh 1 / rows each, not enumerated.
    sizes: number of types of each group, M in all.
    """

    counts: Integers
    probability: Array
    sizes: tuple[int, ...]
    sampled: bool = False

    def columns(self, group: int) -> slice:
        """Return the columns of a group's types."""
        start = sum(self.sizes[:group])
        return slice(start, start + self.sizes[group])

    def occurring(self, group: int) -> tuple[Integers, Integers]:
        """Return the pairs (row, type) of the profiles in which somebody of a group has that type, row by row."""
        rows, types = np.nonzero(self.counts[:, self.columns(group)])
        return rows, types

    def others(self, group: int) -> Integers:
        """Return for each pair of `occurring` how many of the other retailers have which type, shape (pairs, M)."""
        rows, types = self.occurring(group)
        return without_one(self.counts[rows], self.columns(group).start + types)

    def beliefs(self, group: int) -> tuple[Integers, Integers, Array]:
        """Return what a retailer of a group meets: the others' profiles, which of them each pair of `occurring` is, and beliefs.

        The profiles are counts of shape (O, M); beliefs have the shape (m, O), a row an own type: how likely each profile of the
        others is to him. A type that never occurs believes what a retailer does who does not know his own.
        """
        rows, types = self.occurring(group)
        others, against = np.unique(self.others(group), axis=0, return_inverse=True)
        against = against.reshape(-1)
        columns = self.columns(group)
        share = self.counts[rows, columns.start + types] / self.counts[0, columns].sum()
        together = np.zeros((self.sizes[group], len(others)))
        np.add.at(together, (types, against), self.probability[rows] * share)
        own = together.sum(axis=1, keepdims=True)
        beliefs = np.where(own > 0, together / np.where(own > 0, own, 1.0), together.sum(axis=0))
        return others, against, beliefs

    def types(self) -> Integers:
        """Return the types' places in their group's list, shape (rows, N): retailers in order, sorted within a group."""
        rows = len(self.counts)
        places = [
            np.repeat(np.tile(np.arange(size), rows), self.counts[:, self.columns(g)].ravel()).reshape(rows, -1)
            for g, size in enumerate(self.sizes)
        ]
        return np.concatenate(places, axis=1)

    def by_retailer(self, by_type: Array) -> Array:
        """Return what retailers have, shape (rows, N), given what their types have, shape (rows, M)."""
        places = self.types()
        starts = np.cumsum([0, *self.sizes[:-1]])
        members = [int(self.counts[0, self.columns(g)].sum()) for g in range(len(self.sizes))]
        return np.take_along_axis(by_type, places + np.repeat(starts, members), axis=1)


def without_one(counts: Integers, columns: Integers | int) -> Integers:
    """Return profiles, shape (rows, M), without one retailer, whose type has the given column: one a row, or one for all rows."""
    others = counts.copy()
    others[np.arange(len(others)), columns] -= 1
    return others


def count_profiles(members: Sequence[int], sizes: Sequence[int]) -> int:
    """Return the number of type profiles of groups of so many retailers with so many types, without making any."""
    return math.prod(math.comb(n + m - 1, n) for n, m in zip(members, sizes, strict=True))


def enumerated(members: Sequence[int], probabilities: Sequence[Array]) -> TypeProfiles:
    """Return all profiles, the lowest types first, with the product of the groups' multinomial probabilities."""
    counts, weight = np.zeros((1, 0), dtype=np.int64), np.ones(1)
    for n, probability in zip(members, probabilities, strict=True):
        multisets = _multisets(n, len(probability))
        logarithm = scipy.special.gammaln(n + 1) - scipy.special.gammaln(multisets + 1).sum(axis=1)
        logarithm = logarithm + scipy.special.xlogy(multisets, probability).sum(axis=1)
        rows, added = len(counts), len(multisets)
        counts = np.concatenate([np.repeat(counts, added, axis=0), np.tile(multisets, (rows, 1))], axis=1)
        weight = np.multiply.outer(weight, np.exp(logarithm)).ravel()
    return TypeProfiles(counts, weight / weight.sum(), tuple(map(len, probabilities)))


def from_joint(members: Sequence[int], sizes: Sequence[int], joint: Array) -> TypeProfiles:
    """Return all profiles with the probabilities of a joint table over types: one axis a retailer, group by group."""
    order = np.repeat(np.arange(len(members)), members)
    starts = np.cumsum([0, *sizes[:-1]])
    places = np.stack([index.ravel() for index in np.indices(joint.shape)], axis=1) + starts[order]
    counts = np.zeros((len(places), sum(sizes)), dtype=np.int64)
    for column in places.T:
        counts[np.arange(len(places)), column] += 1
    profiles = enumerated(members, [np.full(size, 1 / size) for size in sizes])
    of = {row.tobytes(): k for k, row in enumerate(profiles.counts)}
    row = np.array([of[key.tobytes()] for key in counts])
    weight = np.bincount(row, joint.ravel(), len(profiles.counts))
    return TypeProfiles(profiles.counts, weight / weight.sum(), profiles.sizes)


def sampled(members: Sequence[int], probabilities: Sequence[Array], samples: int, seed: int) -> TypeProfiles:
    """Return `samples` profiles drawn with the given seed, of the weight 1 / samples each."""
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(n, group, size=samples) for n, group in zip(members, probabilities, strict=True)]
    counts = np.concatenate(drawn, axis=1).astype(np.int64)
    return TypeProfiles(counts, np.full(samples, 1 / samples), tuple(map(len, probabilities)), sampled=True)


def _multisets(n: int, m: int) -> Integers:
    """Return how often each of m types occurs in every multiset of n, shape (rows, m): n stars between m - 1 bars."""
    rows = math.comb(n + m - 1, n)
    bars = itertools.combinations(range(n + m - 1), m - 1)
    places = np.fromiter(itertools.chain.from_iterable(bars), dtype=np.int64, count=rows * (m - 1)).reshape(rows, m - 1)
    ends = np.full((rows, 1), n + m - 1)
    return np.diff(np.concatenate([ends - n - m, places, ends], axis=1), axis=1)[::-1] - 1
