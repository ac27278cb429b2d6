"""How money and quantities are said: the currency, the unit, and what payments and orders are rounded to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from veridical.data.record import wrong

__all__ = [
    "ROUNDING",
    "UNSAID",
    "Measures",
    "amount_digits",
    "decimals",
    "decimals_for",
    "decimals_of",
    "figure",
    "refuse_rounding",
    "unrounded",
]

ROUNDING = ("round_money", "round_units")  # keys of a case whose contracts can be rounded
ROUNDED_OFF = 1e-12  # what is less than that is taken for what rounding leaves
CENTS = 2  # decimals of money where nothing is said


def figure(value: float, digits: int = CENTS) -> str:
    """Return a number with thousands separators, rounded; -0 is 0.

    >>> figure(1234.5), figure(-0.001)
    ('1,234.50', '0.00')
    """
    return f"{round(float(value), digits) + 0.0:,.{digits}f}"


def decimals(step: float) -> int:
    """Return how many decimals multiples of a step have.

    >>> decimals(0.05), decimals(1.0), decimals(50.0)
    (2, 0, 0)
    """
    exponent = Decimal(repr(float(step))).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def decimals_of(values: Iterable[float]) -> int:
    """Return the decimals by which all of some numbers are shown alike and none loses a digit.

    >>> decimals_of([29.55, 37.3]), decimals_of([560.0, 200.0]), decimals_of([])
    (2, 0, 0)
    """
    return max(map(decimals, values), default=0)


def amount_digits(values: Iterable[float], step: float | None = None) -> int:
    """Return the same for money: no single decimal where it has cents, and those of the step to which it is rounded.

    >>> amount_digits([22529.2, 2031.0]), amount_digits([17200.0]), amount_digits([17200.0], 0.01), amount_digits([0.125])
    (2, 0, 2, 3)
    """
    digits = max(decimals_of(values), 0 if step is None else decimals(step))
    return CENTS if digits == 1 else digits


def decimals_for(largest: float, digits: int = CENTS) -> int:
    """Return how many decimals amounts have of which this is the largest: `digits`, or as many as it takes to see three digits.

    >>> decimals_for(1234.5), decimals_for(0.5), decimals_for(0.00123), decimals_for(0.0)
    (2, 3, 5, 2)
    """
    if not ROUNDED_OFF < abs(largest) < 1:
        return digits
    return max(digits, 2 - math.floor(math.log10(abs(largest))))


@dataclass(frozen=True)
class Measures:
    """How the money and the quantities of a case are said.

    `currency` and `unit` in words, None where the case says nothing. `round_money` (currency) and `round_units` (units): what
    payments and orders are whole multiples of, None where they are not rounded. `money_digits` and `unit_digits`: decimals, where
    nothing is rounded.
    """

    currency: str | None = None
    unit: str | None = None
    round_money: float | None = None
    round_units: float | None = None
    money_digits: int = CENTS
    unit_digits: int = CENTS

    @classmethod
    def of(cls, case: Any) -> Measures:
        """Return how a case of any kind says money and quantities."""
        currency, unit, money, units = (getattr(case, name, None) for name in ("currency", "unit", *ROUNDING))
        return cls(currency, unit, money, units)

    def fitted(self, money: float = 0.0, units: float = 0.0) -> Measures:
        """Return the same with the decimals that are needed where these are the largest amount and the largest quantity."""
        return replace(self, money_digits=decimals_for(money), unit_digits=decimals_for(units))

    @property
    def of_money(self) -> str:
        """The currency, in axes and sentences."""
        return self.currency or "currency"

    @property
    def of_units(self) -> str:
        """The unit of quantities, in axes and sentences."""
        return self.unit or "units"

    @property
    def per_unit(self) -> str:
        """What a price is counted in."""
        return f"{self.of_money} per unit"

    def amount(self, value: float, digits: int | None = None) -> str:
        """Return money as a sentence says it, with the currency; with more decimals where it is rounded to less than cents."""
        text = self.money(value, digits)
        return f"{text} {self.currency}" if self.currency else text

    def money(self, value: float, digits: int | None = None) -> str:
        """Return money as a table shows it; with more decimals where it is rounded to less than cents."""
        digits = self.money_digits if digits is None else digits
        return figure(value, digits if self.round_money is None else max(digits, decimals(self.round_money)))

    def payment(self, value: float) -> str:
        """Return a payment as a table shows it: with the decimals that it is rounded to."""
        return figure(value, self.money_digits if self.round_money is None else decimals(self.round_money))

    def quantity(self, value: float) -> str:
        """Return a quantity as a table shows it: with the decimals that it is rounded to."""
        return figure(value, self.unit_digits if self.round_units is None else decimals(self.round_units))

    @property
    def sentence(self) -> str:
        """What money and quantities of a table are in, in words; empty where the case says nothing."""
        parts = [f"money in {self.currency}"] if self.currency else []
        return ", ".join([*parts, f"quantities in {self.unit}"] if self.unit else parts)

    def to_dict(self) -> dict[str, str]:
        """Return what JSON says: `currency` and `unit`, those that the case says."""
        said = {"currency": self.currency, "unit": self.unit}
        return {name: word for name, word in said.items() if word is not None}


UNSAID = Measures()  # where a case says nothing


def refuse_rounding(cls: Any, raw: Any) -> Any:
    """Return a raw table as it is; raise the error for a key of rounding where the class of the record has none."""
    for key in ROUNDING if isinstance(raw, Mapping) else ():
        if key in raw and key not in cls.model_fields:
            allowed = (
                "no rounding here: only contract menus of an assembler whose suppliers' costs are listed are rounded; currency "
                "and unit say what money and quantities are in"
            )
            raise wrong(raw[key], allowed, key)
    return raw


def unrounded(case: Any) -> Any:
    """Return a case as it is before anything is rounded."""
    given = {name: None for name in ROUNDING if getattr(case, name, None) is not None}
    return case.changed(**given) if given else case
