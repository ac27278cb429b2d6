"""Joint priors of Gaussian copulas: processor seconds, the method and the error of a cell, for correlations of several kinds.

python benchmarks/copula.py
"""

from __future__ import annotations

from time import process_time

import numpy as np
from figures import figure

from veridical.data.arrays import Array
from veridical.data.copula import gaussian_copula


def scattered(n: int, seed: int) -> Array:
    """Return correlations at random, of every rank."""
    vectors = np.random.default_rng(seed).normal(size=(n, n))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix: Array = np.triu(vectors @ vectors.T, 1)
    return matrix + matrix.T + np.eye(n)


def equal(n: int, rho: float) -> Array:
    """Return one correlation for all pairs."""
    return np.full((n, n), rho) + (1 - rho) * np.eye(n)


def chain(n: int, rho: float) -> Array:
    """Return correlations that fade with the distance."""
    matrix: Array = rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return matrix


def main() -> None:
    """Print a row a prior."""
    print("suppliers x costs | correlations | s | error of a cell | method")
    gaussian_copula([np.array([0.5, 0.5])] * 2, equal(2, 0.5))  # what is imported once is no part of a prior
    for n, own, limit in ((5, np.array([0.3, 0.4, 0.3]), 0.3), (12, np.array([0.4, 0.6]), 2.0)):
        seconds, errors = [], []
        kinds = {f"random, seed {seed}": scattered(n, seed) for seed in range(3)}
        kinds |= {f"all {rho:.2f}": equal(n, rho) for rho in (0.3, 0.9, -0.9 / (n - 1))}
        kinds |= {f"{rho} to the distance": chain(n, rho) for rho in (0.3, 0.6, 0.9)}
        for kind, matrix in kinds.items():
            began = process_time()
            prior = gaussian_copula([own] * n, matrix)
            seconds.append(process_time() - began)
            errors.append(prior.error)
            print(f"{n}x{len(own)} | {kind} | {seconds[-1]:.3f} | {prior.error:.0e} | {prior.method}", flush=True)
        figure(
            f"{n} suppliers with {len(own)} costs, slowest of {len(kinds)} correlations, processor",
            max(seconds),
            "s",
            at_most=limit,
        )
        figure(
            f"{n} suppliers with {len(own)} costs, largest error of a cell",
            max(errors),
            "",
            **({"at_most": 1e-6} if n == 5 else {}),
        )


if __name__ == "__main__":
    main()
