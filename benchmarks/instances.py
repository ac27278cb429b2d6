"""Seeded random cases that the benchmarks share, and the peak memory of a process."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np

from veridical.data import AssemblerCase


def assembler(suppliers: int, demand: dict[str, Any], seed: int = 0) -> AssemblerCase:
    """Return a case with independent binary costs at which most profiles are worth producing."""
    rng = np.random.default_rng(seed)
    low, gap, probability = rng.uniform(1, 3, suppliers), rng.uniform(0.5, 2, suppliers), rng.uniform(0.3, 0.7, suppliers)
    raw = {
        "kind": "assembler",
        "price": float(low.sum() + 1.3 * gap.sum()),
        "demand": demand,
        "suppliers": [
            {"name": f"s{i}", "costs": [low[i], low[i] + gap[i]], "probabilities": [probability[i], 1 - probability[i]]}
            for i in range(suppliers)
        ],
    }
    return AssemblerCase.model_validate(raw)


def points(count: int, seed: int = 1) -> dict[str, Any]:
    """Return an empirical demand with `count` points."""
    return {"distribution": "empirical", "values": np.random.default_rng(seed).uniform(100, 900, count).tolist()}


def peak_memory() -> float:
    """Return the peak resident memory of this process, MB.

    From /proc where there is one: getrusage also counts what the parent had at the fork.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
