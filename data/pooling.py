"""Pooling adjacent violators: the isotonic regression along a chain."""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array

__all__ = ["chain", "mean"]


def chain(weight: Array, weighted: Array) -> Array:
    """Return the g, non-decreasing, that minimises sum_k w_k (g_k - v_k)^2; given w and w v, so that w_k = 0 is allowed."""
    blocks: list[tuple[float, float, int]] = []
    for w, wv in zip(weight.tolist(), weighted.tolist(), strict=True):
        blocks.append((w, wv, 1))
        while len(blocks) > 1 and not mean(blocks[-2]) < mean(blocks[-1]):
            w2, wv2, n2 = blocks.pop()
            w1, wv1, n1 = blocks.pop()
            blocks.append((w1 + w2, wv1 + wv2, n1 + n2))
    return np.repeat([mean(block) for block in blocks], [count for _, _, count in blocks])


def mean(block: tuple[float, float, int]) -> float:
    """Return what a block of weight, weighted values and size comes to; without a weight it is infinite, whatever it follows."""
    weight, weighted, _ = block
    if weight > 0:
        return weighted / weight
    return np.inf if weighted > 0 else -np.inf
