"""The certificate of a result: optimality conditions recomputed from the model's coefficients, not from a solver's word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veridical.data.arrays import Array
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["ACCEPTED", "Certificate", "certify"]

ACCEPTED = 1e-6  # every figure of a certificate is relative, and must not be above this


@dataclass(frozen=True)
class Certificate:
    """Relative violations of the optimality conditions; all are 0 at an exact optimum.

    primal_residual: worst violated constraint or bound, relative to the size of its terms.
    dual_residual: worst reduced cost or multiplier of the wrong sign, relative to the terms that it is the sum of (of variables
        that bend, to the largest of any), and to what would move the objective; for a closed form, the worst violated optimality
        condition. None where there are no duals (integers).
    complementarity: sum of dual times slack, relative to the objective. None where there are no duals.
    gap: between objective and bound, relative to the objective (to 1 where that is smaller). NaN where nothing is proven of all
        points.
    proves: `global`, no feasible point is better by more than the gap; `local`, the point is stationary; `feasible`, the
        constraints hold.
    basis: in words, what the bound rests on.
    """

    primal_residual: float
    dual_residual: float | None
    complementarity: float | None
    gap: float
    proves: str = "global"
    basis: str = "a closed form"

    @property
    def holds(self) -> bool:
        """Whether every figure is at most ACCEPTED (a NaN is not)."""
        return self.within(ACCEPTED)

    def within(self, gap: float) -> bool:
        """Whether gap and complementarity are at most `gap`, and the residuals at most ACCEPTED (a NaN is not)."""
        residuals = (self.primal_residual, self.dual_residual)
        gaps = (self.complementarity, None if self.proves == "local" else self.gap)
        pairs = [(figure, ACCEPTED) for figure in residuals] + [(figure, max(gap, ACCEPTED)) for figure in gaps]
        return all(figure is None or figure <= limit for figure, limit in pairs)


def certify(form: StandardForm, x: Array, row_dual: Array | None, bound: float | None = None) -> tuple[Certificate, float]:
    """Return the certificate of point x (one value a variable) and multipliers `row_dual`, and the bound that they prove.

    `row_dual` is d(minimised objective)/d(right-hand side), one value a row; None for a model with integers, for which
    the solver's own `bound` (of the minimised objective) is used. The bound returned is in the model's own sense; NaN where
    none is proven: multipliers prove a bound in convex programs alone.
    """
    rows, jacobian = form.rows(x), form.jacobian(x)
    size = np.maximum(abs(jacobian) @ np.abs(x), np.abs(rows))
    row_slack_low, row_slack_high = rows - form.row_low, form.row_high - rows
    slack_low, slack_high = x - form.low, form.high - x
    violation = [
        np.maximum(-np.minimum(row_slack_low, row_slack_high), 0.0) / np.maximum(size, 1.0),
        np.maximum(-np.minimum(slack_low, slack_high), 0.0) / np.maximum(np.abs(x), 1.0),
        np.abs(x - np.round(x))[form.integer],
    ]
    primal = _largest(violation)
    value = form.minimised(x)
    scale = max(1.0, abs(value))
    if not form.has_objective:
        return Certificate(primal, None, None, 0.0, "feasible", "no objective"), np.nan
    if form.is_constant:
        return Certificate(primal, 0.0, 0.0, 0.0, "global", "a constant objective"), form.sense * value
    if row_dual is None:
        if bound is None:
            return Certificate(primal, None, None, np.nan, "feasible", "no bound"), np.nan
        return Certificate(primal, None, None, abs(value - bound) / scale, "global", "the solver's own bound"), form.sense * bound

    usable = signed(form, row_dual)
    gradient = form.gradient(x)
    reduced = gradient - jacobian.T @ usable
    terms = np.maximum(form.gradient_size(x), np.abs(gradient)) + abs(jacobian).T @ np.abs(row_dual)
    if form.nonlinear is not None:  # terms can vanish together, as in (x - 1)^2: the largest of the model measures them
        bent = np.unique(form.nonlinear.jacobian_columns)
        terms[bent] = np.maximum(terms[bent], terms.max(initial=0.0))
    # Of the objective less than this moves nothing, where all terms of a variable are traces.
    terms = np.maximum(terms, scale / max(1.0, float(np.abs(x).max(initial=0.0))))
    asked = np.where(np.isinf(np.where(reduced > 0, slack_low, slack_high)), np.abs(reduced), 0.0)
    wrong = [amount / terms for amount in (abs(jacobian).T @ np.abs(row_dual - usable), asked)]
    products = []
    for multiplier, slack in ((usable, row_slack_low), (-usable, row_slack_high), (reduced, slack_low), (-reduced, slack_high)):
        positive, endless = np.maximum(multiplier, 0.0), np.isinf(slack)
        products.append(np.where(endless, 0.0, positive * np.where(endless, 0.0, slack)))
    complementarity = float(sum(np.abs(product).sum() for product in products)) / scale
    if form.convexity is None:
        return Certificate(primal, _largest(wrong), complementarity, np.nan, "local", "the point is stationary"), np.nan
    # A x - slack = bound, so the dual objective is the value less what the multipliers find unused.
    proven = value - float(sum(product.sum() for product in products))
    gap = abs(value - proven) / scale
    return Certificate(primal, _largest(wrong), complementarity, gap, "global", form.convexity), form.sense * proven


def signed(form: StandardForm, row_dual: Array) -> Array:
    """Return multipliers without those of the wrong sign: on the open side of a row there is nothing to pay for."""
    least, most = np.where(np.isinf(form.row_high), 0.0, -np.inf), np.where(np.isinf(form.row_low), 0.0, np.inf)
    return np.clip(row_dual, least, most)


def _largest(parts: list[Array]) -> float:
    """Return the largest entry; NaN if there is one."""
    return float(np.concatenate([np.zeros(1), *parts]).max())
