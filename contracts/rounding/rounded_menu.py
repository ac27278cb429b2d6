"""The menu in whole steps of orders and money that is truthful to the last digit, and loses little of the expected profit.

Orders are the menu's quantities, each of its levels up or down to a whole step (`orders`); payments are then the least truthful
ones (`grid_payments`). Of the ways to part levels into those that go up and those that go down, by how far they are from the step
below, the best is taken, and improved level by level while that adds to the profit.

How little is lost: were the part of a step from which on levels go up drawn at random, orders would be the menu's on average, and
so would payments but for what these are rounded up by. Lost on average, and so by the best of all parts, is no more than that and
what expected sales are above their straight line over one step; where components are needed in steps of one number of products.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from veridical.contracts.menu import Menu
from veridical.contracts.rounding.grid_payments import cost_payments, largest_gain, least_payments, smallest_rent, width
from veridical.contracts.rounding.orders import Levels, product_steps
from veridical.data.arrays import Array, Integers
from veridical.data.assembler import AssemblerCase
from veridical.data.errors import InputError
from veridical.data.order_grid import OrderGrid, grids

__all__ = ["RoundedMenu", "rounded"]

ENTRIES, MOST, FEWEST = 1_000_000, 300, 4  # orders in all menus that are tried, and menus
DIGITS = 1e15  # steps that a float tells apart
REACH = 6  # steps of products
LONG = 20  # times that numbers take which are longer than 64 bits
Search = tuple[float, "Integers", Fraction, "RoundedMenu"]  # profit, steps of products by level, that step, the menu


class RoundedMenu(Menu):
    """A menu whose orders and payments are whole numbers of steps: `orders` and `paid`, of shape (suppliers, *case.shape).

    Rents are those of the numbers as they are printed, and so are `largest_gain` and `smallest_rent`: exact fractions.
    """

    def __init__(self, case: AssemblerCase, grids: list[OrderGrid], orders: Any, paid: Any) -> None:
        quantity = np.stack([_numbers(some, grid.step) for some, grid in zip(orders, grids, strict=True)])
        payment = np.stack([_numbers(some, grid.money) for some, grid in zip(paid, grids, strict=True)])
        super().__init__(case, quantity, payment)
        self.grids, self.orders, self.paid = grids, orders, paid

    def rent(self, i: int) -> Array:
        """w_i(t) = P_i(t) - c_i(t_i) q_i(t), correct in every digit: what a truthful supplier i earns."""
        grid = self.grids[i]
        slope = np.array(grid.slope, dtype=object).reshape(self.case.costs(i).shape)
        kept = self.paid[i].astype(object) * grid.divisor - slope * self.orders[i].astype(object)
        return _numbers(kept, grid.money / grid.divisor)

    @property
    def largest_gain(self) -> Fraction:
        """The most that any supplier gains by any misreport, whatever the others report, currency; 0 where none gains."""
        return max(largest_gain(*line) * line[0].money / line[0].divisor for line in self._lines())

    @property
    def smallest_rent(self) -> Fraction:
        """The least that a truthful supplier earns beyond what he would elsewhere, currency; negative where he loses."""
        return min(smallest_rent(*line) * line[0].money / line[0].divisor for line in self._lines())

    def _lines(self) -> Iterator[tuple[OrderGrid, Any, Any]]:
        for i, grid in enumerate(self.grids):
            yield grid, *(_by_cost(some[i], i) for some in (self.orders, self.paid))


def rounded(menu: Menu, *, balanced: bool = False, truthful: bool = True) -> RoundedMenu:
    """Return a menu in the steps that its case says, `round_units` and `round_money`, that loses little of the expected profit.

    Parameters
    ----------
    menu
        The optimal menu, whose quantities fall in each supplier's own cost.
    balanced
        Whether components of as many products are to be ordered of every supplier.
    truthful
        Whether truth is to be best, whatever the others report; else payments cover costs and what is earned elsewhere, no more.

    Returns
    -------
    RoundedMenu
        Orders are multiples of the step within capacity, whole lots, and at least the minimum order or nothing; payments are the
        least ones on the grid. Nothing at all is ordered where that is best.

    Raises
    ------
    InputError
        For steps so small that a float has no digits for multiples of them, and for balanced orders where the parts of no number
        of products in the menu come in whole steps.

    Examples
    --------
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers"), "icds", "closed_form").contracts
    >>> menu = Menu(menu.case.changed(round_units=50, round_money=5), menu.quantity, menu.payment)
    >>> in_steps = rounded(menu)
    >>> in_steps.quantity.ravel().tolist(), int(in_steps.largest_gain), round(menu.expected_profit - in_steps.expected_profit, 2)
    ([700.0, 550.0, 400.0, 250.0, 700.0, 550.0, 400.0, 250.0], 0, 10.0)
    """
    case = menu.case
    for name, numbers in (("round_units", menu.quantity), ("round_money", menu.payment)):
        step, largest = getattr(case, name), float(np.abs(numbers).max())
        if largest > DIGITS * step:
            allowed = f"at least {largest / DIGITS:.3g}: numbers up to {largest:.3g} have no more digits"
            raise InputError.of(name, step, allowed, case.name)
    return _Search(menu, balanced, truthful).best()


class _Search:
    """Roundings of one menu to multiples of one step of products after the other."""

    def __init__(self, menu: Menu, balanced: bool, truthful: bool) -> None:
        self.menu, self.balanced, self.truthful = menu, balanced, truthful
        self.grids = grids(menu.case)
        self.levels = Levels.of(menu, self.grids)
        self.steps = product_steps(menu, self.grids, balanced)
        long = any(width(grid, int(menu.quantity.max() / float(grid.step)) + 1) is object for grid in self.grids)
        tries = min(MOST, ENTRIES // menu.quantity.size // (LONG if long else 1)) // len(self.steps)
        self.tries = self.left = max(FEWEST, tries)  # menus that may be tried with one step
        self.found: Search | None = None  # the best with this step
        self.refused = False  # whether no payments made one of these truthful

    def best(self) -> RoundedMenu:
        """Return the best menu that is found."""
        largest, steps = float(self.levels.values[-1]), self.steps
        if self.balanced and float(steps[0]) > largest > 0:
            allowed = f"for balanced orders one of which {largest:.6g} products need whole multiples of every component"
            raise InputError.of("round_units", self.menu.case.round_units, allowed, self.menu.case.name)
        found = [self.along(step) for step in steps]
        times = 1
        while self.refused and times * float(min(steps)) < largest:
            self.refused, times = False, 2 * times  # between neighbouring orders that are further apart there is a whole payment
            found += [self.along(step, times) for step in steps]
        return max(found, key=lambda one: one[0])[3]

    def along(self, step: Fraction, times: int = 1) -> Search:
        """Return the best menu with multiples of a step of products, found from multiples of so many `times` of it."""
        self.found, self.left = None, self.tries
        self.attempt(np.zeros(len(self.levels.values), dtype=np.int64), step)  # to order nothing is always truthful
        for number in self.levels.splits(step * times):
            self.attempt(number * times, step)
        self.improve()
        assert self.found is not None
        return self.found

    def attempt(self, number: Integers, step: Fraction) -> bool:
        """Take down a rounding if it is truthful and the best so far; return whether it is."""
        if self.left <= 0:
            return False
        self.left -= 1
        menu = self.made(self.levels.within(number, step) if self.balanced else number, step)
        self.refused |= menu is None
        if menu is None or (self.found is not None and menu.expected_profit <= self.found[0]):
            return False
        self.found = menu.expected_profit, number, step, menu
        return True

    def made(self, number: Integers, step: Fraction) -> RoundedMenu | None:
        """Return the menu for a number of steps of products at each level; None where no payments make it truthful."""
        case = self.menu.case
        orders: list[Any] = []
        paid: list[Any] = []
        for i, (grid, flat) in enumerate(zip(self.grids, self.levels.orders(number, step), strict=True)):
            order = _by_cost(flat.reshape(case.shape), i)
            if self.truthful:  # a solver's noise may have left a dearer type with more
                order = np.maximum.accumulate(order[::-1])[::-1]
            payments = least_payments(grid, order) if self.truthful else cost_payments(grid, order)
            if payments is None:
                return None
            for found, some in ((orders, order), (paid, payments)):
                found.append(np.moveaxis(some.reshape(case.shape[i], *case.shape[:i], *case.shape[i + 1 :]), 0, i))
        return RoundedMenu(case, self.grids, np.stack(orders), np.stack(paid))

    def improve(self) -> None:
        """Move a level, all from it on or all up to it, up or down while that adds to the profit and levels stay in order.

        By a step; by more where components come in steps of other numbers of products, of which some fit better together.
        """
        better, furthest = True, 1 if len(self.steps) == 1 else REACH
        changes = [sign * size for size in range(1, furthest + 1) for sign in (1, -1)]
        count = len(self.levels.values)
        while better and self.left > 0:
            better = False
            for level, change in product(range(count), changes):
                for moving in dict.fromkeys([(level, level + 1), (level, count), (0, level + 1)]):
                    assert self.found is not None
                    _, number, step, _ = self.found
                    moved = number.copy()
                    moved[slice(*moving)] += change
                    if moved[0] >= 0 and (np.diff(moved) >= 0).all():
                        better |= self.attempt(moved, step)


def _by_cost(table: Any, i: int) -> Any:
    """Return a table over profiles with a row for every cost of supplier i, and a column for all reports of the others."""
    return np.moveaxis(table, i, 0).reshape(table.shape[i], -1)


def _numbers(whole: Any, step: Fraction) -> Array:
    """Return multiples of a step as the floats that are nearest to them, which print as the decimals that they are."""
    if isinstance(whole.flat[0], int) or abs(whole).max() * step.numerator >= 2**53 or step.denominator >= 2**53:
        exact = whole.astype(object) * step.numerator
        return np.array([int(one) / step.denominator for one in exact.flat]).reshape(whole.shape)
    return np.asarray(whole * step.numerator / step.denominator)
