"""Anderson acceleration of a fixed-point iteration: rounds that are cheap to compute with and dear to ask for.

Type II (Walker and Ni, SIAM Journal on Numerical Analysis 49, 2011): of the last few points and what the iteration made of them,
the affine combination whose residuals cancel best is gone on with. What the iteration made of the last point is kept: where the
residual has grown after all, it goes on from there, as if nothing had been tried; where that happens too often, or residuals no
longer fall, the plain iteration is gone on with for good (safeguards in the manner of Zhang, O'Donoghue and Boyd, SIAM Journal
on Optimization 30, 2020). So what converges without acceleration converges with it. No point is further from what the iteration
made of the last one than a hundred times its residual: where residuals hardly differ, their differences show no way, however far.
"""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array

__all__ = ["Anderson"]

MEMORY = 10  # differences of points that are combined
REGULAR = 1e-8  # of the mean square of the differences of residuals: what keeps their combination from being any size
FAR = 100.0  # residuals that a point may be off the plain iteration: so far off is a fixed point where each round takes 1 %
GROWN = 2.0  # the residual may not be larger than this times the least since the memory was empty
TRIES = 20  # times that it grew, after which nothing is tried any more
FALLS, WITHIN = 0.99, 20  # nor where the residual has not fallen to this part of the least in so many rounds


class Anderson:
    """One iteration v -> F(v). `metric`: the weight of each entry in the norm of residuals; F shortens distances by it.

    Examples
    --------
    >>> slow = np.array([0.99, 0.9, 0.5])
    >>> plain = fast = np.ones(3)
    >>> anderson = Anderson(np.ones(3))
    >>> for _ in range(8):
    ...     plain, fast = slow * plain, anderson.next(fast, slow * fast)
    >>> bool(np.abs(fast).max() < 1e-3 * np.abs(plain).max())
    True
    """

    def __init__(self, metric: Array) -> None:
        self.scale = np.sqrt(metric)
        self.tries = self.idle = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was iterated has changed."""
        self.points: list[Array] = []
        self.images: list[Array] = []
        self.least = np.inf
        self.plain: Array | None = None

    def next(self, point: Array, image: Array) -> Array:
        """Return the point to go on with, of a point and what the iteration made of it."""
        residual = float(np.linalg.norm((image - point) * self.scale))
        if self.plain is not None and residual > GROWN * self.least:
            back = self.plain
            self.tries += 1
            self.forget()
            return back
        self.idle = 0 if residual <= FALLS * self.least else self.idle + 1
        self.tries = self.tries if self.idle < WITHIN else TRIES
        self.least = min(self.least, residual)
        self.points, self.images = [*self.points, point][-MEMORY - 1 :], [*self.images, image][-MEMORY - 1 :]
        self.plain = None
        if len(self.points) < 2 or self.tries >= TRIES:
            return image
        images = np.array(self.images)
        moved = np.diff((images - np.array(self.points)) * self.scale, axis=0)
        gram = moved @ moved.T
        size = float(np.trace(gram))
        if not size > 0.0:
            return image
        weights = np.linalg.solve(gram + REGULAR * size * np.eye(len(gram)), moved @ ((image - point) * self.scale))
        self.plain = image
        further = -weights @ np.diff(images, axis=0)
        length = float(np.linalg.norm(further * self.scale))
        return image + further * min(1.0, FAR * residual / length) if length > 0.0 else image
