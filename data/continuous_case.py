"""The assembler's world with continuous costs: section 4 of the ICDS paper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from veridical.data.arrays import Array, fixed
from veridical.data.assembler import AssemblerCase
from veridical.data.assembly import SUPPLIERS, Assembly
from veridical.data.case_record import counted
from veridical.data.errors import InputError
from veridical.data.fields import Name, listed, whole_number
from veridical.data.limits import POINTS
from veridical.data.prior import Prior
from veridical.data.private_cost import PrivateCost
from veridical.data.record import Record, check, wrong
from veridical.data.supplier import Supplier

__all__ = ["ContinuousCase", "ContinuousSupplier", "refuse_continuous"]

BESIDE_A_RANGE = "nothing beside continuous costs: it goes with listed `costs`, and `case.grid(points)` is a case that lists them"
SINGULAR = 1e-9  # least eigenvalue of a correlation under which costs still vary when the others are known


class ContinuousSupplier(Record):
    """The only source of one component; his unit cost is drawn from a distribution, and only he knows it.

    Examples
    --------
    >>> from veridical.data import PrivateCost
    >>> ContinuousSupplier(name="panel", cost=PrivateCost(distribution="uniform", low=2, high=6)).cost.high
    6.0
    """

    name: Name = Field(description="the supplier's name: text on one line that no other supplier has")
    cost: PrivateCost = Field(
        description='a table with the key distribution, currency per unit, as { distribution = "uniform", low = 2, high = 9 }'
    )

    @model_validator(mode="before")
    @classmethod
    def _of_a_range(cls, raw: Any) -> Any:
        for key in raw if isinstance(raw, Mapping) else ():
            if key in Supplier.model_fields and key not in cls.model_fields:
                raise wrong(raw[key], BESIDE_A_RANGE, str(key))
        return raw


class ContinuousCase(Assembly):
    """An assembler who buys one component from each supplier, whose unit costs x_i ~ G_i lie anywhere between two ends.

    Costs are independent, or depend on one another through the `correlation` of a Gaussian copula. Money in currency, costs
    and price in currency per unit, demand in units. Source: assembler paper, section 4.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("continuous-pair")
    >>> case.independent, case.grid(4).shape                           # points that stand for the ranges
    (True, (4, 4))
    """

    suppliers: Annotated[tuple[ContinuousSupplier, ...], listed(SUPPLIERS)] = Field(description=SUPPLIERS)
    prior: Prior | None = Field(
        default=None, description="the table [prior] with `correlation` alone, where costs depend on one another"
    )

    @model_validator(mode="before")
    @classmethod
    def _continuous(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and raw.get("products") is not None:
            allowed = "price and demand of one product where costs are continuous; several products go with listed `costs`"
            raise wrong("<a list>", allowed, "products")
        suppliers = raw.get("suppliers") if isinstance(raw, Mapping) else None
        for i, supplier in enumerate(suppliers if isinstance(suppliers, list | tuple) else ()):
            for key in ("costs", "probabilities"):
                if isinstance(supplier, Mapping) and key in supplier:
                    allowed = "a cost (continuous) for every supplier, or costs for every supplier: a case has one kind alone"
                    raise wrong(supplier[key], allowed, f"suppliers[{i}].{key}")
        if isinstance(raw, Mapping) and raw.get("ambiguity") is not None:
            raise wrong(raw["ambiguity"], BESIDE_A_RANGE, "ambiguity")
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> ContinuousCase:
        if self.prior is None:
            return self
        if self.prior.correlation is None:
            raise wrong("<joint>", "only correlation: continuous costs have no joint table", "prior.joint")
        if len(self.prior.correlation) != len(self.names):
            allowed = f"one row a supplier, in order: {' x '.join(self.names)}"
            raise wrong(f"<{len(self.prior.correlation)} rows>", allowed, "prior.correlation")
        if np.linalg.eigvalsh(self.correlation)[0] < SINGULAR:
            allowed = "a positive definite matrix: a cost that follows from the others' has no density given them"
            raise wrong(self.prior.correlation, allowed, "prior.correlation")
        return self

    @cached_property
    def correlation(self) -> Array:
        """Correlation of the suppliers' normal scores Phi^-1(G_i(x_i)), shape (n, n)."""
        given = None if self.prior is None else self.prior.correlation
        return fixed(np.eye(len(self.suppliers)) if given is None else np.array(given, dtype=float))

    @property
    def in_short(self) -> str:
        """How many suppliers."""
        return f"{counted(len(self.suppliers), 'supplier')}, costs in ranges"

    @property
    def least_cost(self) -> float:
        """What the components of one product cost at least, currency."""
        return math.fsum(supplier.cost.low for supplier in self.suppliers)

    @property
    def independent(self) -> bool:
        """Whether the costs are independent."""
        return bool(np.array_equal(self.correlation, np.eye(len(self.suppliers))))

    def grid(self, points: int) -> AssemblerCase:
        """Return the case with each supplier's range cut into `points` cells of equal width.

        A cell's cost is its upper end, its probability the cell's; the correlation carries over. A menu of that case with the
        payments (11) is also one for the continuous case: reports are rounded up to the grid. It is truthful there, since a
        cost between c_{k-1} and c_k prefers the k-th contract to the next as c_k does, and to the one before as c_{k-1} does,
        nobody truthful loses, since no cost is above the one it is paid as, and it earns the same. So the grid's optimum
        over balanced menus is a lower bound on the continuous one. Raises InputError where `points` is not a whole number >= 1.
        """
        points = whole_number(points, "points", 1, self.name, "cells of each supplier's range of costs", POINTS)
        suppliers = []
        for supplier in self.suppliers:
            ends = np.linspace(supplier.cost.low, supplier.cost.high, points + 1)
            if not (np.diff(ends) > 0).all():
                allowed = f"fewer: the range of {supplier.name} does not have that many numbers"
                raise InputError.of("points", points, allowed, self.name)
            probabilities = np.diff(supplier.cost.cdf(ends)).tolist()
            suppliers.append({"name": supplier.name, "costs": ends[1:].tolist(), "probabilities": probabilities})
        raw = {name: value for name, value in self._table().items() if name not in ("suppliers", "prior")}
        prior = None if self.independent else self.prior
        return check(AssemblerCase, {**raw, "suppliers": suppliers, "prior": prior}, self.name or None)


def refuse_continuous(case: object) -> None:
    """Raise InputError for continuous costs, and for anything else that is not an AssemblerCase."""
    if not isinstance(case, AssemblerCase):
        name, kind = (case.name, "continuous costs") if isinstance(case, ContinuousCase) else (None, type(case).__name__)
        allowed = "a case of kind assembler whose suppliers have `costs` (in Python a grid of continuous ones: case.grid(points))"
        raise InputError.of("case", f"<{kind}>", allowed, name)
