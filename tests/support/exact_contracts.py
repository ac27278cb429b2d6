"""Contracts as they are printed, judged in exact fractions: nothing of the package but the case is used."""

import csv
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

from veridical.data import AssemblerCase


def written(number: float) -> Fraction:
    """Return the decimal that a number prints as."""
    return Fraction(str(number))


def printed(path: Path, case: AssemblerCase) -> tuple[dict[Any, Fraction], dict[Any, Fraction]]:
    """Return quantities and payments in a menu's file, by supplier and profile of cost indices."""
    places = [{written(cost): k for k, cost in enumerate(supplier.costs)} for supplier in case.suppliers]
    quantity, payment = {}, {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            profile = tuple(place[Fraction(row[name])] for place, name in zip(places, case.names, strict=True))
            for i, name in enumerate(case.names):
                quantity[i, profile], payment[i, profile] = (Fraction(row[f"{what} {name}"]) for what in ("quantity", "payment"))
    return quantity, payment


def faults(path: Path, case: AssemblerCase, truthful: bool = True) -> list[str]:
    """Return in words what is wrong with the contracts in a menu's file, at no tolerance."""
    assert case.round_money is not None
    assert case.round_units is not None
    quantity, payment = printed(path, case)
    found = []
    for i, supplier in enumerate(case.suppliers):
        steps = {"round_units": written(case.round_units)}
        if supplier.lot_size is not None:
            steps["lot_size"] = written(supplier.lot_size)
        for t in itertools.product(*map(range, case.shape)):
            q, paid, cost = quantity[i, t], payment[i, t], written(supplier.costs[t[i]])
            where = f"{supplier.name} at {t}"
            found += [f"{where}: {q} is no multiple of {name}" for name, step in steps.items() if q % step]
            found += [f"{where}: {paid} is no multiple of round_money"] * bool(paid % written(case.round_money))
            if supplier.capacity is not None and q > written(supplier.capacity):
                found.append(f"{where}: {q} is above the capacity")
            if q < 0 or (supplier.minimum_order is not None and 0 < q < written(supplier.minimum_order)):
                found.append(f"{where}: {q} is no order")
            if paid - cost * q < written(supplier.reservations[t[i]]):
                found.append(f"{where}: loses {cost * q + written(supplier.reservations[t[i]]) - paid}")
            for k in range(case.shape[i]) if truthful else ():
                lie = (*t[:i], k, *t[i + 1 :])
                if (gain := payment[i, lie] - cost * quantity[i, lie] - (paid - cost * q)) > 0:
                    found.append(f"{where}: gains {gain} by reporting cost {k}")
    return found
