"""Priors near a given one, and the worst of them for a table of profits: what is known where a prior is only roughly known."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import scipy
import scipy.sparse as sp
from pydantic import Field

from veridical.data.arrays import Array
from veridical.data.fields import Positive, one_of
from veridical.data.record import Record

__all__ = ["Ambiguity"]

DISTANCE = (
    '`"l1"`: probabilities differ by so much in sum; `"wasserstein"`: what moving probability between profiles takes, at the '
    "difference of their unit costs"
)


class Ambiguity(Record):
    """All priors within a distance of the case's own.

    `l1`: the sum over profiles of how much their probabilities differ, at most 2; half of `radius` is the mass that may move,
    from any profile to any other. `wasserstein`: what it takes to turn one prior into the other, where a unit of mass that moves
    from one profile to another costs the sum over suppliers of how much their unit costs differ there; currency per unit.
    """

    radius: Positive = Field(description="how far the prior may be from the given one, > 0")
    distance: Annotated[Literal["l1", "wasserstein"], one_of("l1", "wasserstein")] = Field(default="l1", description=DISTANCE)

    @property
    def words(self) -> str:
        """What expectations are under, in words."""
        return f"the worst prior within {self.radius:g} ({self.distance})"

    def worst(self, prior: Array, value: Array, apart: Array) -> Array:
        """Return the prior within the radius under which a table of values is expected to be the least.

        `prior` and `value` have a shape, and `apart` the distances of any two profiles in their flat order (`wasserstein` alone).
        """
        given, worth = prior.ravel(), value.ravel()
        if self.distance == "l1":
            dearest = np.argsort(-worth, kind="stable")
            moved = np.zeros_like(given)
            left = min(self.radius / 2, 1.0)
            before = np.concatenate([[0.0], np.cumsum(given[dearest])[:-1]])
            moved[dearest] = np.clip(left - before, 0.0, given[dearest])
            found = given - moved
            found[dearest[-1]] += moved.sum()
            return np.asarray(found.reshape(prior.shape))
        count = len(given)
        from_each: Any = sp.kron(sp.eye_array(count), np.ones((1, count)))
        moved_in_all, plan = apart.reshape(1, -1), np.tile(worth, count)
        result: Any = scipy.optimize.linprog(plan, moved_in_all, [self.radius], from_each.tocsr(), given, (0, None))
        return np.asarray(result.x.reshape(count, count).sum(axis=0).reshape(prior.shape))
