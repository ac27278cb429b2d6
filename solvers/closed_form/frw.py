"""FRW in closed form: contracts that answer to a supplier's own cost alone. Section 2.1 of the ICDS paper.

Unit by unit: of the x-th unit the assembler decides how many of each supplier's costs, the cheapest s_i, deliver it, and pays
whoever does the dearest of them. With probability B(s) all components are there, and the unit is worth R = S'(x), which is r (1 -
F(x)) without salvage or penalties; it costs C(s) = sum_i G_i(s_i) c_i[s_i - 1]. So Z = integral over x >= 0 of max_s (R B(s) -
C(s))^+ dx. B, a joint distribution function, is supermodular, so the best s falls with x, and quantities that follow it are
truthful: the integral is exact for any prior and any number of costs. With two independent costs each it is a maximum over the
sets of suppliers whose dear type delivers as well.
"""

from __future__ import annotations

import math

import numpy as np

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase
from veridical.data.arrays import Array, accumulated
from veridical.solvers.closed_form.assembler import ClosedForm
from veridical.solvers.closed_form.sensitivity import by_rents

__all__ = ["frw"]

TIE = 1e-12


def frw(case: AssemblerCase) -> ClosedForm:
    """Return the best menu in which a supplier's contract answers to his own cost alone."""
    case.refuse_in_closed_form()
    case.refuse_products("the closed form of `frw`", "its model takes several (solver highs)")
    case.refuse_large_menu()
    reserved = case.reserved("closed forms")
    complete = case.probability  # B(s), where s - 1 is the index
    spent = np.zeros(case.shape)  # C(s)
    for i in range(len(case.shape)):
        complete = accumulated(np.add, complete, axis=i)
        spent = spent + np.cumsum(case.marginals[i]).reshape(case.costs(i).shape) * case.product_costs(i)
    worths, best = _envelope(complete, spent, case.first_sale)

    # quantities at which the worth of a unit falls below each of `worths`
    units = case.best_units(worths)
    first = worths[:-1][[s is not None for s in best]].min(initial=case.first_sale)  # at which anything is bought
    brought = case.revenue(np.minimum(units, case.best_units(first)))
    bought = np.diff(units[::-1])[::-1], np.diff(brought[::-1])[::-1]  # from one to the next: units, and what they bring
    steps = zip(best, *bought, strict=True)
    profit = sum(brings * complete[s] - count * spent[s] for s, count, brings in steps if s is not None)
    profit += float(case.revenue(0.0)) - math.fsum(reserved)

    def menu() -> Menu:
        quantity = np.zeros((len(case.shape), *case.shape))
        payment = np.zeros_like(quantity)
        deepest = np.full(len(case.shape), -1)
        thresholds = [np.full(m, np.inf) for m in case.shape]  # the worth of a unit from which a cost delivers it
        for worth, s in zip(worths, best, strict=False):
            if s is not None:
                for i, last in enumerate(np.maximum(deepest, s)):
                    thresholds[i][deepest[i] + 1 : last + 1] = worth
                    deepest[i] = last
        for i, threshold in enumerate(thresholds):
            amount = case.best_units(threshold) * case.suppliers[i].needed
            dearer = np.diff(case.suppliers[i].costs) * amount[1:]
            rent = np.append(np.cumsum(dearer[::-1])[::-1], 0.0) + reserved[i]
            quantity[i] = amount.reshape(case.costs(i).shape)
            payment[i] = (np.array(case.suppliers[i].costs) * amount + rent).reshape(case.costs(i).shape)
        return Menu(case, quantity, payment)

    most = 0.0 if case.deliverable == math.inf else float((case.worth(case.deliverable) * complete - spent).max())
    return ClosedForm(float(profit), menu, by_rents, deliverable_worth=max(most, 0.0))


def _envelope(complete: Array, spent: Array, highest: float) -> tuple[Array, list[tuple[int, ...] | None]]:
    """Return where the best s changes as the worth R of a unit rises from 0 to the highest, and the best s of each stretch.

    The largest of the lines R B(s) - C(s), and of 0. At each change the largest line is looked for among all: a maximum of
    lines is convex, so agreement at the ends of a stretch proves it in between.
    """

    def top(worth: float) -> tuple[int, ...] | None:
        value = worth * complete - spent
        s = tuple(int(k) for k in np.unravel_index(int(value.argmax()), value.shape))
        return s if value[s] > TIE * highest else None

    def line(s: tuple[int, ...] | None) -> tuple[float, float]:
        return (0.0, 0.0) if s is None else (float(complete[s]), float(spent[s]))

    changes: list[tuple[float, tuple[int, ...] | None]] = [(0.0, None)]
    waiting: list[tuple[tuple[int, ...] | None, tuple[int, ...] | None]] = [(None, top(highest))]
    while waiting:
        left, right = waiting.pop()
        (slope, cost), (steeper, dearer) = line(left), line(right)
        if steeper <= slope:
            continue
        worth = (dearer - cost) / (steeper - slope)
        middle = top(worth)
        gain = worth * line(middle)[0] - line(middle)[1] - (worth * slope - cost)
        if middle in (left, right) or gain <= TIE * highest:
            changes.append((worth, right))
        else:
            waiting += [(middle, right), (left, middle)]
    worths, best = zip(*changes, strict=True)
    return np.array([*worths, highest]), list(best)
