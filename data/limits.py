"""How much a case may ask for: refused before any memory is taken for it, with the memory said."""

from __future__ import annotations

from veridical.data.errors import InputError

__all__ = ["DRAWS", "LARGEST", "MEMORY", "POINTS", "RETAILERS", "SMALLEST", "WEEKS", "fits", "gigabytes"]

SMALLEST, LARGEST = 1e-60, 1e60  # of a number that is not 0: squares of ratios are then still numbers
RETAILERS = 100_000  # in a group
POINTS = 1_000_000  # cells of a continuous range
DRAWS = 10_000_000  # samples, misreports, random starts
WEEKS = 10_000
MEMORY = 8e9  # bytes: what would take more is refused before it is made


def gigabytes(count: float) -> str:
    """Return a number of bytes in words."""
    return f"about {count / 1e9:,.0f} GB" if count < 1e18 else "far beyond any memory"


def fits(cells: float, field: str, value: object, file: str | None = None) -> None:
    """Raise InputError where so many numbers of 8 bytes are more than memory is meant to hold."""
    if 8 * cells > MEMORY:
        size = f"<{value!r}, which takes {gigabytes(8 * cells)}>"
        raise InputError.of(field, size, f"what takes less than {MEMORY / 1e9:.0f} GB", file)
