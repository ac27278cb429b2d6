"""What installed packages offer under the entry-point group `veridical.mechanisms`: mechanisms, and kinds of cases.

    [project.entry-points."veridical.mechanisms"]
    sharing = "hospitals.sharing:FAMILY"

An entry is a `Mechanism`, several of them, the `Family` that `veridical.add_kind` returns, or a module that adds its kinds when
it is imported. Entries are loaded when something is first asked for that is not known without them: a kind of case, the name of a
mechanism, or which there are. Whatever a package does wrong is a warning that names it, and the others are taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

__all__ = ["GROUP", "load", "takers"]

GROUP = "veridical.mechanisms"
takers: list[Callable[[Any], None]] = []  # called with everything that is offered: they raise for what cannot be used


@cache
def load() -> None:
    """Load what installed packages offer, once, and hand it to the `takers`; warn of what cannot be used, and leave it out.

    Examples
    --------
    >>> load()                                                         # once; `vd.MECHANISMS` then has them
    """
    for entry in entry_points(group=GROUP):
        try:
            offered = entry.load()
            for take in takers:  # the import above may have added one
                take(offered)
        except Exception as error:  # whatever an installed package does wrong must not end a solve that has no need of it
            warnings.warn(f"{_package(entry)} offers {entry.name}, which cannot be used: {error}", UserWarning, stacklevel=2)


def _package(entry: EntryPoint) -> str:
    return "an installed package" if entry.dist is None else f"the package {entry.dist.name}"
