"""Dask clusters: a client of one, connected in a way that does not hang where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from veridical.data.errors import InputError

__all__ = ["CONNECTING", "connected"]

CONNECTING = 10.0  # seconds that a scheduler is given to answer at first


def connected(address: str, timeout: float, error_for: Callable[[object, str], InputError]) -> Any:
    """Return a client of the Dask scheduler at an address.

    Raises the InputError that `error_for` makes of the address and what is allowed, where no scheduler answers in time, and where
    the extra `distributed` is not installed.
    """
    try:
        from distributed import Client  # an extra
    except ImportError:
        raise error_for(address, "a scheduler after: pip install veridical[distributed]") from None
    try:
        with ThreadPoolExecutor(1) as apart:  # a thread of its own: this one may have an event loop that runs
            apart.submit(asyncio.run, _reached(address, timeout)).result()
        return Client(address, timeout=timeout)  # type: ignore[no-untyped-call]
    except Exception as error:  # of any kind, where something else than a scheduler answers
        raise error_for(address, f"the address of a Dask scheduler that answers ({type(error).__name__})") from None


async def _reached(address: str, timeout: float) -> None:
    """Connect to an address and leave again: a client that was made for nothing may block when it is collected."""
    from distributed.comm.core import connect

    channel = await connect(address, timeout=timeout)  # type: ignore[no-untyped-call]
    channel.abort()
