"""How far long work is, said to whoever wants to show it.

Work that may take more than two seconds is a `step`, and work that is done again and again is `counted`:

    with step("solve icds by highs"):
        ...
    for name in counted("counterfactual plan", names):  # 1 of 3, 2 of 3, 3 of 3
        ...

Nobody listens unless somebody asks: then neither costs more than a look at a context variable, and nothing is printed. The
command line asks, and so may scripts (`veridical.progress`), with a reporter that draws on a terminal. The same is logged at the
level DEBUG, with the seconds that a step took, by the logger `veridical.data.progress`. This module is the lowest of all, so that
every layer can say what it does, and knows neither terminals nor the library that draws.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Protocol, Self, TypeVar

__all__ = ["Reporter", "counted", "reporting", "step"]

ItemT = TypeVar("ItemT")
LOG = logging.getLogger(__name__)


class Reporter(Protocol):
    """What shows progress. A step that ends takes with it those that began within it, ended or not."""

    def begin(self, label: str, total: int | None) -> Any:
        """Take note of a step, of `total` parts where that is known; return a key for it."""

    def advance(self, key: Any, part: int, note: str) -> None:
        """Take note that a step has come to a part, counted from 1, and of what there is to say of it."""

    def end(self, key: Any) -> None:
        """Take note that a step has ended, or failed."""


_REPORTER: ContextVar[Reporter | None] = ContextVar("veridical_progress", default=None)  # of this thread and of no other


@contextmanager
def reporting(reporter: Reporter | None) -> Iterator[None]:
    """Have a reporter told of every step of this thread, as long as the context lasts.

    Parameters
    ----------
    reporter : Reporter or None
        Three methods: `begin`, `advance` and `end`. None: nobody is told.

    Examples
    --------
    >>> class Printed:
    ...     def begin(self, label, total):
    ...         return label
    ...     def advance(self, key, part, note):
    ...         print(key, part, note)
    ...     def end(self, key):
    ...         print("end of", key)
    >>> with reporting(Printed()), step("rounds") as rounds:
    ...     rounds.advance("gap 0.1")
    rounds 1 gap 0.1
    end of rounds
    """
    token = _REPORTER.set(reporter)
    try:
        yield
    finally:
        _REPORTER.reset(token)


class step:  # noqa: N801 - reads as a statement
    """A piece of work with a beginning and an end: a context.

    Parameters
    ----------
    label : str
        What is being done, in words.
    total : int, optional
        How many parts it has, where that is known; `advance` goes on to the next.
    """

    __slots__ = ("_began", "_key", "_label", "_logged", "_part", "_reporter", "_total")

    def __init__(self, label: str, total: int | None = None) -> None:
        self._label, self._total, self._part, self._reporter = label, total, 0, _REPORTER.get()
        self._logged = LOG.isEnabledFor(logging.DEBUG)

    def __enter__(self) -> Self:
        if self._reporter is not None:
            self._key = self._reporter.begin(self._label, self._total)
        if self._logged:
            self._began = perf_counter()
            LOG.debug("begins: %s", self._label)
        return self

    def advance(self, note: str = "") -> None:
        """Say that the next part begins, or in a `note` what the last one came to."""
        self._part += 1
        if self._reporter is not None:
            self._reporter.advance(self._key, self._part, note)
        if self._logged:
            LOG.debug("%s %d%s", self._label, self._part, f": {note}" if note else "")

    def __exit__(self, *error: object) -> None:
        if self._reporter is not None:
            self._reporter.end(self._key)
        if self._logged:
            LOG.debug("ends: %s, after %.3f s", self._label, perf_counter() - self._began)


def counted(label: str, items: Iterable[ItemT], total: int | None = None) -> Iterable[ItemT]:
    """Return items as they are, and say at each of them how far one is.

    Parameters
    ----------
    label : str
        What one item is, in words: `misreport`.
    items : iterable
        What is gone through.
    total : int, optional
        How many there are, where the items themselves do not know.

    Returns
    -------
    iterable
        The same items, taken one by one.

    Examples
    --------
    >>> list(counted("week", [1, 2, 3]))
    [1, 2, 3]
    """
    if _REPORTER.get() is None and not LOG.isEnabledFor(logging.DEBUG):
        return items
    return _told(label, items, len(items) if total is None and isinstance(items, Collection) else total)


def _told(label: str, items: Iterable[ItemT], total: int | None) -> Iterator[ItemT]:
    with step(label, total) as parts:
        for item in items:
            parts.advance()
            yield item
