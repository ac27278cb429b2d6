"""What is logged, on the command line: warnings, and with `--log` more, each a line on standard error.

Everything is logged under `veridical`: INFO, what was solved, and rounds of sealed reports that were made or cleared; DEBUG, each
step (build, compile, solve, certify, rounds of a consensus) with its seconds, certificates, points of a study that failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["LEVELS", "logged", "raise_to"]

LEVELS = ("warning", "info", "debug")
LOG = logging.getLogger("veridical")


class Told(logging.Handler):
    """Says every record in a line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Say a record."""
        self._tell(f"veridical: {record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def logged(tell: Callable[[str], None]) -> Iterator[None]:
    """Say warnings meanwhile, and what `raise_to` asks for."""
    handler, before = Told(tell), LOG.level
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


def raise_to(level: str) -> None:
    """Have records of a level, one of `LEVELS`, and above logged as well."""
    LOG.setLevel(level.upper())
