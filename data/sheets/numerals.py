"""Numbers as people write them: with decimal points or commas, signs of currencies, thousands apart; one way in all of a table.

`1.234` may be one thousand or one and a bit: what such text means is found from the other numbers of the table, and asked for
where these do not say it. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["CURRENCIES", "DECIMALS", "Decimals", "Numeral", "decimals", "numeral"]

DECIMALS = {".": "point", ",": "comma"}
SIGNS = {"€": "EUR", "£": "GBP", "$": "$", "¥": "¥", "₹": "INR", "₩": "KRW", "zł": "PLN", "Kč": "CZK", "kr": "kr", "Fr.": "CHF"}
CODES = (  # of ISO 4217, those of the largest markets
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW MAD MXN MYR NGN NOK NZD "
    "PEN PHP PKR PLN RON RSD SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
CURRENCIES = {**SIGNS, **dict(zip(CODES.split(), CODES.split(), strict=True))}
WORD = "|".join(map(re.escape, CURRENCIES))
WRITTEN = re.compile(rf"(?P<before>{WORD})? ?(?P<number>[+-]?[\d.,][\d.,' ]*?(?:[eE][+-]?\d+)?) ?(?P<after>{WORD}|%)?")
SPACES = str.maketrans(
    {"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-"}
)  # hard and thin spaces, and the like


class Numeral(NamedTuple):
    """Text that is a number: what it is where the decimal sign is a point, and where it is a comma (None: it is none then).

    `currency`: that of the sign or code beside it. `percent`: whether it is in hundredths.
    """

    point: float | None
    comma: float | None
    currency: str = ""
    percent: bool = False

    def value(self, decimal: str) -> float | None:
        """Return the number, with that decimal sign."""
        found = self.point if decimal == "." else self.comma
        return None if found is None else found / 100 if self.percent else found


class Decimals(NamedTuple):
    """The decimal sign of a table, where its numbers say it: `sign` is empty where they may be read both ways.

    `unclear`: the place of one that the two readings differ in; `clash`: those of two which are not written alike.
    """

    sign: str
    unclear: int | None = None
    clash: tuple[int, int] | None = None


def numeral(text: str) -> Numeral | None:
    """Return what number text is, None for text that is none.

    >>> numeral("1.234,50 €")
    Numeral(point=None, comma=1234.5, currency='EUR', percent=False)
    >>> numeral("1.234")[:2], numeral("12.5")[:2], numeral("about 12")
    ((1.234, 1234.0), (12.5, None), None)
    """
    found = WRITTEN.fullmatch(" ".join(text.translate(SPACES).split()))
    if found is None:
        return None
    before, after = found["before"] or "", found["after"] or ""
    if before and after and before != after:
        return None
    word = before or after.replace("%", "")
    point, comma = (_read(found["number"].strip(), decimal) for decimal in DECIMALS)
    return None if point is None and comma is None else Numeral(point, comma, CURRENCIES.get(word, word), after == "%")


def decimals(numerals: Iterable[Numeral]) -> Decimals:
    """Return how the numbers of a table are written.

    >>> decimals([numeral("1.234"), numeral("12,5")])
    Decimals(sign=',', unclear=None, clash=None)
    """
    alone: dict[str, int] = {}
    unclear = None
    for place, one in enumerate(numerals):
        if one.point is None or one.comma is None:
            alone.setdefault("," if one.point is None else ".", place)
        elif one.point != one.comma and unclear is None:
            unclear = place
    if len(alone) == 2:
        first, second = sorted(alone.values())
        return Decimals("", clash=(first, second))
    return Decimals(next(iter(alone), ""), None if alone else unclear)


def _read(text: str, decimal: str) -> float | None:
    """Return a number with that decimal sign, thousands apart by the other one, spaces or apostrophes; None for anything else."""
    other = "," if decimal == "." else "."
    whole, sign, fraction = text.partition(decimal)
    exponent = ""
    if match := re.search(r"[eE][+-]?\d+$", text):
        exponent = match[0]
        whole, fraction = whole.removesuffix(exponent), fraction.removesuffix(exponent)
    for apart in (other, " ", "'"):
        if apart in whole:
            if not re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(apart)}\d{{3}})+", whole):
                return None
            whole = whole.replace(apart, "")
            break
    digits = whole.lstrip("+-")
    if not (digits + fraction).isdigit() or not (digits + fraction).isascii() or (sign and not fraction):
        return None
    return float(f"{whole or '0'}.{fraction or '0'}{exponent}" if digits else f"{whole}0.{fraction}{exponent}")
