"""Beliefs that are all but linearly dependent: where they are, no solver can tell whether bets on them extract a rent."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from veridical.data import InputError
from veridical.data.arrays import Array

__all__ = ["refuse_faint_beliefs"]

EXACT, TOLD = 1e-13, 1e-6  # relative singular values of beliefs: dependent up to the first, told apart from the second


def refuse_faint_beliefs(beliefs: Iterable[Array], names: Iterable[str], file: str | None, private: str = "types") -> None:
    """Raise InputError where what a party's types believe of the others is all but linearly dependent, and yet not so.

    The optimum jumps there: bets on the difference extract his rent, however large they must be. The measure is the smallest
    singular value of his beliefs, relative to the largest.

    Parameters
    ----------
    beliefs
        One table a party, a row an own type, that sums to 1.
    names
        The parties.
    file, private
        What messages call the case, and what the parties alone know.

    Raises
    ------
    InputError
        For the first party whose beliefs are so.

    Examples
    --------
    >>> refuse_faint_beliefs([np.array([[0.5, 0.5], [0.4, 0.6]])], ["panel"], "case")
    """
    for table, name in zip(beliefs, names, strict=True):
        values = np.linalg.svd(table, compute_uv=False)
        faint = values[(values > EXACT * values[0]) & (values < TOLD * values[0])] / values[0]
        if len(faint):
            value = f"<{private} of {name} that say almost nothing of the others: singular value {faint[0]:.1e}>"
            allowed = (
                f"for interim participation beliefs that are dependent (independent {private}), or told apart by {TOLD:g}: in "
                f"between huge bets on next to nothing decide; make {private} independent, or ask for participation ex_post"
            )
            raise InputError.of("prior", value, allowed, file)
