"""What share of an order arrives usable: a supplier's yield, and the joint yields of all of them.

Yields are independent of one another, of costs and of demand; nobody knows them when orders are placed and paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from veridical.data.arrays import Array, fixed
from veridical.data.fields import POSITIVE, SUM_TOLERANCE, Numbers, label, numbers, reads, several
from veridical.data.limits import SMALLEST
from veridical.data.record import Record, wrong

__all__ = ["ALL", "JointYields", "Yield"]

SHARE = {**POSITIVE, "maximum": 1}  # in JSON schema
SCENARIOS = 2**14  # joint yields of all suppliers at most


def _weights(value: object) -> Numbers:
    return () if value == () else numbers(value, "finite probabilities > 0, one a value", lambda x: x > 0)


class Yield(Record):
    """The share of an order that arrives usable: one of `values`, with probabilities `weights`, all equal where left out.

    `{ values = [0.8, 1.0], weights = [0.25, 0.75] }`: a quarter of all orders lose a fifth. One value alone is a sure yield v,
    which is the same as 1 / v units of the component in the place of one.

    Examples
    --------
    >>> import veridical as vd
    >>> shares = {"values": [0.8, 1.0], "weights": [0.25, 0.75]}
    >>> case = vd.example("two-suppliers").changed(**{"suppliers.panel.yield": shares})
    >>> round(case.suppliers[0].usable.expectation, 4), case.yields.count
    (0.95, 2)
    """

    values: Annotated[Numbers, several("shares > 0 and <= 1", lambda x: SMALLEST <= x <= 1, True, SHARE)] = Field(
        description="shares > 0 and at most 1, ascending: one, which is sure, or several"
    )
    weights: Annotated[Numbers, reads(_weights, items=POSITIVE)] = Field(
        default=(), description="how likely each is, which sum to 1; equally where left out"
    )

    @model_validator(mode="after")
    def _match(self) -> Yield:
        if self.weights and len(self.weights) != len(self.values):
            raise wrong(f"<{len(self.weights)} weights>", f"as many as there are values: {len(self.values)}", "weights")
        if self.weights and abs(math.fsum(self.weights) - 1) > SUM_TOLERANCE:
            raise wrong(f"<the sum {math.fsum(self.weights)!r}>", f"weights that sum to 1 within {SUM_TOLERANCE}", "weights")
        return self

    def _saved(self) -> dict[str, object]:
        return {key: value for key, value in self._table().items() if value != ()}

    @property
    def sure(self) -> bool:
        """Whether the same share of every order arrives."""
        return len(self.values) == 1

    @cached_property
    def probabilities(self) -> Array:
        """How likely each value is."""
        weights = np.array(self.weights) if self.weights else np.ones(len(self.values))
        return fixed(weights / math.fsum(weights))

    @property
    def expectation(self) -> float:
        """The share of an order that arrives on average."""
        return self.values[0] if self.sure else float(self.probabilities @ self.values)


ALL = Yield(values=(1.0,))  # the yield of a supplier of whom nothing else is said


class JointYields:
    """The yields of several suppliers at once, one scenario for every combination; suppliers in order.

    Parameters
    ----------
    names, yields
        Of each supplier.
    """

    def __init__(self, names: Sequence[str], yields: Sequence[Yield]) -> None:
        self.count = math.prod(len(one.values) for one in yields)
        self.random = [i for i, one in enumerate(yields) if not one.sure]
        self._names, self._yields = names, yields

    @cached_property
    def places(self) -> Array:
        """Which of his values each supplier's yield is, by number; shape (scenarios, suppliers)."""
        return fixed(np.array(list(product(*(range(len(one.values)) for one in self._yields))), dtype=np.int64))

    @cached_property
    def shares(self) -> Array:
        """Each supplier's yield; shape (scenarios, suppliers)."""
        each = [np.array(one.values)[self.places[:, i]] for i, one in enumerate(self._yields)]
        return fixed(np.stack(each, axis=1))

    @cached_property
    def probabilities(self) -> Array:
        """How likely each scenario is."""
        each = [one.probabilities[self.places[:, i]] for i, one in enumerate(self._yields)]
        return fixed(np.prod(each, axis=0))

    @property
    def labels(self) -> list[str]:
        """What the scenarios are called: `panel 0.8, battery 1`, the yields that are not sure."""
        return [", ".join(f"{self._names[i]} {label(row[i])}" for i in self.random) for row in self.shares]
