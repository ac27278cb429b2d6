"""Independent pieces of work at the same time, in threads: HiGHS, SuperLU and numpy let other threads of Python go on.

What each comes to does not depend on how many there are: HiGHS has one worker in each.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from veridical.solvers.engines.quiet import ALONGSIDE

__all__ = ["alongside", "cores"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def cores() -> int:
    """Return how many cores this process may use; one in a process that a study started beside others."""
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def alongside(work: Callable[[ItemT], ResultT], items: Iterable[ItemT], workers: int) -> Generator[ResultT, None, None]:
    """Yield what comes of each item, in their order; `work` must not change anything that it does not own.

    What it raises comes in its item's place. Where an iteration ends early (an error, Ctrl-C, `close`), what has not begun does
    not begin, HiGHS is told to end, and threads are waited for.
    """
    stop = Event()

    def one(item: ItemT) -> ResultT:
        ALONGSIDE.set(stop)  # of this thread, which ends with the pool
        return work(item)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in [pool.submit(one, item) for item in items]:
            while not future.done():
                wait([future], timeout=1.0)  # so that Ctrl-C arrives on every system
            yield future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
