"""Orders and payments in whole numbers: what a supplier's are multiples of, as decimals are written, without any rounding error.

A cost of 4.1 is 41/10 here, and not the float that is nearest to it: contracts are read as they are printed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from veridical.data.record import wrong

if TYPE_CHECKING:
    from veridical.data.assembler_terms import AssemblerTerms

__all__ = ["OrderGrid", "check_grids", "common_multiple", "exact", "grids", "needed"]


def exact(value: float) -> Fraction:
    """Return the decimal that a number is written as.

    >>> exact(4.1)
    Fraction(41, 10)
    """
    return Fraction(repr(float(value)))


def common_multiple(*steps: Fraction) -> Fraction:
    """Return the least number that is a whole multiple of every step.

    >>> common_multiple(Fraction(1, 2), Fraction(3, 4))
    Fraction(3, 2)
    """
    denominator = math.lcm(*(step.denominator for step in steps))
    return Fraction(math.lcm(*(int(step * denominator) for step in steps)), denominator)


def needed(case: AssemblerTerms) -> list[Fraction]:
    """Return the units to be ordered of every supplier for one product; on average over yields, where these are random."""
    return [exact(supplier.units_per_product) / exact(supplier.usable.expectation) for supplier in case.suppliers]


@dataclass(frozen=True)
class OrderGrid:
    """What orders of one supplier and payments to him are multiples of.

    `step`: of an order, units. `money`: of a payment, currency. `least`, `most`: steps of the smallest order that is one, and of
    the largest, None where there is no end. Paid p steps of money for a steps, a supplier with the k-th cost earns
    p - (slope[k] a + reserved[k]) / divisor more than he would elsewhere, in steps of money; all whole numbers.
    """

    step: Fraction
    money: Fraction
    least: int
    most: int | None
    slope: tuple[int, ...]
    reserved: tuple[int, ...]
    divisor: int


def grids(case: AssemblerTerms) -> list[OrderGrid]:
    """Return the grid of each supplier of a case that says what to round to."""
    assert case.round_money is not None
    assert case.round_units is not None
    money, unit = exact(case.round_money), exact(case.round_units)
    found = []
    for supplier in case.suppliers:
        step = unit if supplier.lot_size is None else common_multiple(unit, exact(supplier.lot_size))
        least = 1 if supplier.minimum_order is None else max(1, math.ceil(exact(supplier.minimum_order) / step))
        most = None if supplier.capacity is None else math.floor(exact(supplier.capacity) / step)
        slope = [exact(cost) * step / money for cost in supplier.costs]
        reserved = [exact(profit) / money for profit in supplier.reservations]
        divisor = math.lcm(*(one.denominator for one in (*slope, *reserved)))
        per_step, elsewhere = (tuple(int(one * divisor) for one in some) for some in (slope, reserved))
        found.append(OrderGrid(step, money, least, most, per_step, elsewhere, divisor))
    return found


def check_grids(case: AssemblerTerms) -> None:
    """Raise the error for keys of rounding of which one is missing, and for a supplier of whom nothing could be ordered."""
    given = {"round_money": case.round_money, "round_units": case.round_units}
    if None not in given.values():
        unit = exact(given["round_units"] or 0.0)
        for i, (supplier, grid) in enumerate(zip(case.suppliers, grids(case), strict=True)):
            if supplier.lot_size is not None and grid.step not in (unit, exact(supplier.lot_size)):
                allowed = f"a whole multiple of round_units, {case.round_units:g}, or what goes into it"
                raise wrong(supplier.lot_size, allowed, f"suppliers[{i}].lot_size")
            if grid.most is not None and grid.most < grid.least:
                order = float(grid.step * grid.least)
                allowed = f"at least {order:g}, his smallest order that is a multiple of round_units, {case.round_units:g}"
                raise wrong(supplier.capacity, allowed, f"suppliers[{i}].capacity")
        return
    for name, other in (("round_money", "round_units"), ("round_units", "round_money")):
        if given[name] is not None:
            raise wrong(given[name], f"{other} beside it: payments and quantities are rounded together, or neither", name)
