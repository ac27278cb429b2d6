"""How the quantities of a menu become whole orders: by a map that grows, so that whatever was no less than another stays so.

Quantities that were equal stay equal, and those that fell in a supplier's cost still do: what is truthful stays so at some
payments, orders that were balanced are balanced, and what did not depend on somebody's report does not. Products, not units, are
rounded to a common step; each supplier's order is then enough for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from veridical.contracts.menu import Menu
from veridical.data.arrays import Array, Integers
from veridical.data.order_grid import OrderGrid, common_multiple, needed

__all__ = ["Levels", "product_steps"]

SAME = 1e-6  # of the largest quantity: what is nearer is one quantity, in which a solver left noise
ON_GRID = 1e-6  # steps
SPLITS = 16  # ways to part the quantities that are rounded up from those that are rounded down


def product_steps(menu: Menu, grids: list[OrderGrid], balanced: bool) -> list[Fraction]:
    """Return the steps of products to try: those of every supplier, or the one that suits all where orders are to be balanced."""
    steps = sorted({grid.step / units for grid, units in zip(grids, needed(menu.case), strict=True) if units})
    return [common_multiple(*steps)] if balanced else steps


@dataclass(frozen=True)
class Levels:
    """The different numbers of products that a menu orders components for, ascending, and which of them every order is."""

    values: Array
    place: Any  # of shape (suppliers, profiles)
    grids: list[OrderGrid]
    needed: list[Fraction]  # of every supplier, units to be ordered for a product

    @classmethod
    def of(cls, menu: Menu, grids: list[OrderGrid]) -> Levels:
        """Return the levels of a menu; quantities that differ by less than a solver's noise are one."""
        each = needed(menu.case)
        units, orders = np.array(each, dtype=float)[:, None], menu.quantity.reshape(len(grids), -1)
        products = np.divide(orders, units, out=np.zeros(orders.shape), where=units > 0)
        values, place = np.unique(products, return_inverse=True)
        level = np.concatenate([[0], np.cumsum(np.diff(values) > SAME * values[-1])])
        means = np.bincount(level, weights=values) / np.bincount(level)
        return cls(means, level[place.reshape(products.shape)], grids, each)

    def splits(self, step: Fraction) -> Iterator[Integers]:
        """Yield roundings to multiples of a step of products: to the nearest, and by other parts of a step from which on up."""
        steps = self.values / float(step)
        near = np.round(steps)
        steps = np.where(np.abs(steps - near) <= ON_GRID, near, steps)
        below = np.floor(steps)
        parts = np.unique(steps - below)
        between = (parts[:-1] + parts[1:]) / 2
        if len(between) > SPLITS:
            between = between[np.linspace(0, len(between) - 1, SPLITS).astype(int)]
        for part in (0.5, *between.tolist(), 1.0):
            yield (below + (steps - below > part)).astype(np.int64)

    def orders(self, number: Integers, step: Fraction) -> list[Integers]:
        """Return each supplier's orders, in his steps, for a number of steps of products at each level; shape (profiles,)."""
        found = []
        for grid, units, place in zip(self.grids, self.needed, self.place, strict=True):
            ratio = step * units / grid.step
            whole = number if int(number.max(initial=1)) * ratio.numerator < 2**62 else number.astype(object)
            order = (-(-whole * ratio.numerator // ratio.denominator)).astype(np.int64)
            order = np.where(order > 0, np.maximum(order, grid.least), 0)
            found.append((order if grid.most is None else np.minimum(order, grid.most))[place])
        return found

    def within(self, number: Integers, step: Fraction) -> Integers:
        """Return numbers of products of which every supplier can deliver just the parts: within capacities and least orders."""
        some = [(grid, step * units / grid.step) for grid, units in zip(self.grids, self.needed, strict=True) if units]
        most = [grid.most // ratio for grid, ratio in some if grid.most is not None]
        least = max(-(-grid.least // ratio) for grid, ratio in some)
        number = np.where(number > 0, np.maximum(number, int(least)), 0)
        if not most:
            return number
        return np.minimum(number, int(min(most)) if min(most) >= least else 0)
