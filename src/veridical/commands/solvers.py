"""`veridical solvers`: which solvers work here."""

from __future__ import annotations

from veridical import tables

__all__ = ["solvers"]


def solvers() -> None:
    """List the solvers that work on this machine, with versions and what each can do."""
    tables.show(*tables.solvers())
