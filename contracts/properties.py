"""Properties of contract menus as objects: each checks any menu and returns the worst violation with its witness.

A mechanism is one thing, the ways to compute it another, the properties that its menus have a third. `survey` looks at what a
menu is worth to whoever misreports once for all of them. An expectation is over the others' costs given one's own, so types
that never occur have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.contracts.menu import Menu
from veridical.data.assembler import label

__all__ = ["IMPLIES", "PROPERTIES", "Finding", "Misreport", "Property", "Verdict", "findings"]

Array = NDArray[np.float64]
TOLERANCE = 1e-6  # relative to the largest payment; for quantities to the largest quantity


@dataclass(frozen=True)
class Verdict:
    """What a property comes to: whether it holds, and the worst case there is.

    `worst` > 0 is the size of the worst violation, `worst` <= 0 how far the nearest case is from being one.
    """

    name: str
    holds: bool
    worst: float

    def __bool__(self) -> bool:
        return self.holds

    @property
    def where(self) -> str:
        """The worst case in words."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.name} {'holds' if self.holds else 'fails'}: worst {self.worst:.6g} ({self.where})"


@dataclass(frozen=True)
class Finding(Verdict):
    """What a property comes to for one menu; `worst` in currency, for `balanced` in units.

    The worst case: `supplier` with `cost` reports `report` while the others report `others`; for `balanced`
    and `budget` the profile `others`; None where there is no such part.
    """

    supplier: str | None = None
    cost: float | None = None
    report: float | None = None
    others: str | None = None

    @property
    def where(self) -> str:
        """The worst case in words."""
        parts = [f"supplier {self.supplier}"] if self.supplier else []
        parts += [f"cost {label(self.cost)}"] if self.cost is not None else []
        parts += [f"report {label(self.report)}"] if self.report is not None else []
        parts += [f"{'others' if self.supplier else 'profile'} {self.others}"] if self.others else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Property:
    """A property by name; calling it with a menu gives the finding."""

    name: str
    summary: str

    def __call__(self, menu: Menu) -> Finding:
        """Return what the property comes to for a menu."""
        return findings(menu)[self.name]


PROPERTIES: Mapping[str, Property] = {
    name: Property(name, summary)
    for name, summary in (
        ("dominant_strategy_ic", "no supplier gains by a misreport, whatever the others report"),
        ("bayesian_ic", "no supplier gains by a misreport in expectation, if the others tell the truth"),
        ("ex_post_ir", "no truthful supplier loses, whatever the others report"),
        ("interim_ir", "no truthful supplier loses in expectation over the others' costs"),
        ("balanced", "the same quantity is bought of every component at every profile"),
        ("budget", "at no profile is more paid than the product is expected to sell for"),
    )
}
IMPLIES = (("dominant_strategy_ic", "bayesian_ic"), ("ex_post_ir", "interim_ir"))  # whatever has the first has the second


@dataclass(frozen=True)
class Misreport:
    """Supplier `supplier`, whose cost is `cost`, reports `report` while the others report `others`, and gains `gain`.

    `others` is empty where the gain is an expectation, or where there are no others.
    """

    supplier: str
    cost: float
    report: float
    others: str
    gain: float


def findings(menu: Menu) -> dict[str, Finding]:
    """Return what every property comes to for a menu."""
    return survey(menu)[0]


def survey(menu: Menu) -> tuple[dict[str, Finding], dict[str, tuple[Misreport, ...]]]:
    """Return every finding; and for both kinds of truthfulness the best lie of each supplier, the largest gain first."""
    case = menu.case
    lies: dict[str, list[Misreport]] = {"dominant_strategy_ic": [], "bayesian_ic": []}
    losses: dict[str, list[Misreport]] = {"ex_post_ir": [], "interim_ir": []}
    for i in range(len(case.shape)):
        for name, found in _of(menu, i).items():
            kept = lies if name in lies else losses
            if best := max(found, key=lambda each: each.gain, default=None):
                kept[name].append(best)
    largest = max(1.0, float(np.abs(menu.payment).max()))

    def finding(name: str, worst: float, scale: float, **where: Any) -> Finding:
        return Finding(name, worst <= TOLERANCE * scale, worst, **where)

    result = {}
    for name, found in (*lies.items(), *losses.items()):
        best = max(found, key=lambda each: each.gain, default=None)
        if best is None:  # nobody has anything to misreport
            result[name] = finding(name, 0.0, largest)
        else:
            report = best.report if name in lies else None
            where = {"supplier": best.supplier, "cost": best.cost, "report": report, "others": best.others or None}
            result[name] = finding(name, best.gain, largest, **where)
    spread = menu.spread
    result["balanced"] = finding(
        "balanced", float(spread.max()), max(1.0, float(menu.quantity.max())), others=_profile(menu, int(spread.argmax()))
    )
    assembled = np.maximum(menu.quantity.min(axis=0), 0.0)
    deficit = menu.payment.sum(axis=0) - case.price * case.demand.expected_sales(assembled)
    result["budget"] = finding("budget", float(deficit.max()), largest, others=_profile(menu, int(deficit.argmax())))
    gainful = {name: sorted((lie for lie in found if lie.gain > 0), key=lambda lie: -lie.gain) for name, found in lies.items()}
    return {name: result[name] for name in PROPERTIES}, {name: tuple(found) for name, found in gainful.items()}


def _of(menu: Menu, i: int) -> dict[str, list[Misreport]]:
    """Return supplier i's gain from every misreport, and his loss by the truth: the most over the others' reports, and expected.

    Keyed by the property that a gain would violate; a loss stands as a misreport of the truth.
    """
    case = menu.case
    supplier = case.suppliers[i]
    quantity, payment, weight = (np.moveaxis(each, i, 0) for each in (menu.quantity[i], menu.payment[i], case.probability))
    rest = [case.tokens(j) for j in range(len(case.shape)) if j != i]
    found: dict[str, list[Misreport]] = {"dominant_strategy_ic": [], "bayesian_ic": [], "ex_post_ir": [], "interim_ir": []}

    def note(always: str, expected: str, k: int, s: int, gain: Array) -> None:
        place = np.unravel_index(int(gain.argmax()), gain.shape)
        others = ", ".join(tokens[p] for tokens, p in zip(rest, place, strict=True))
        pair = supplier.costs[k], supplier.costs[s]
        found[always].append(Misreport(supplier.name, *pair, others, float(gain[place])))
        if likely[k] > 0:
            found[expected].append(Misreport(supplier.name, *pair, "", float((weight[k] * gain).sum() / likely[k])))

    likely = weight.reshape(len(weight), -1).sum(axis=1)
    for k, cost in enumerate(supplier.costs):
        truth = payment[k] - cost * quantity[k]
        note("ex_post_ir", "interim_ir", k, k, -truth)
        for s in range(len(supplier.costs)):
            if s != k:
                note("dominant_strategy_ic", "bayesian_ic", k, s, payment[s] - cost * quantity[s] - truth)
    return found


def _profile(menu: Menu, flat: int) -> str:
    place = np.unravel_index(flat, menu.case.shape)
    return ", ".join(menu.case.tokens(i)[int(k)] for i, k in enumerate(place))
