"""A retailer's revenue of the user's own, given as a Pyomo expression of (q, theta)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo
from numpy.typing import ArrayLike
from pydantic import model_validator
from pyomo.core.expr.calculus.derivatives import Modes, differentiate

from veridical.data import InputError, Revenue
from veridical.data.arrays import Array
from veridical.data.record import wrong

__all__ = ["OwnRevenue"]

FUNCTIONS = {name: getattr(np, name) for name in ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")}
FUNCTIONS |= {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}
FUNCTIONS |= {"asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh}
GRID = 129  # quantities at which assumptions are looked at
MOST = 1e9  # units beyond which demand at a price of 0 counts as endless


class OwnRevenue(Revenue):
    """R(q, theta) as `expression`, a function of two Pyomo variables that returns a smooth expression of them.

        OwnRevenue(expression=lambda q, theta: 12 * theta * (1 - pyo.exp(-q / theta)))

    The models take the expression itself. The closed forms take its value and derivatives, which follow from it by symbolic
    differentiation, and find quantities by root search. What `Revenue` says mechanisms rest on is the user's to see to:
    R(0, theta) = 0, concave in q, and R and R_q non-decreasing in theta; models check it at the types of their case.
    Raises InputError where the expression is none of q and theta alone, has functions without derivatives, or is not 0 or
    without a finite slope at q = 0.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> revenue = OwnRevenue(expression=lambda q, theta: 12 * theta * (1 - pyo.exp(-q / theta)))
    >>> round(float(revenue.value(2, 8)), 4), round(float(revenue.marginal(0, 8)), 4)      # 96 (1 - e^(-1/4)), 12
    (21.2351, 12.0)
    """

    explicit = False
    form: Literal["own"] = "own"
    expression: Callable[[Any, Any], Any]

    @cached_property
    def _functions(self) -> dict[str, Callable[[Any, Any], Any]]:
        """R and its derivatives, as functions of arrays."""
        m = pyo.ConcreteModel()
        m.q, m.theta = pyo.Var(), pyo.Var()
        names = {id(m.q): "q", id(m.theta): "theta"}
        value, marginal = self.expression(m.q, m.theta), self.derivative(m.q, m.theta)
        further = {"by_type": (value, m.theta), "marginal_by_type": (marginal, m.theta), "curvature": (marginal, m.q)}
        derivatives = {name: differentiate(of, wrt=wrt, mode=Modes.reverse_symbolic) for name, (of, wrt) in further.items()}
        expressions = {"value": value, "marginal": marginal} | derivatives
        return {name: _compiled(expression, names) for name, expression in expressions.items()}

    @model_validator(mode="after")
    def _usable(self) -> OwnRevenue:
        try:
            values = {name: float(function(1.0, 2.0)) for name, function in self._functions.items()}
        except Exception as error:  # whatever a user's function may raise
            raise wrong(f"<{type(error).__name__}: {error}>", "a smooth Pyomo expression of q and theta", "expression") from None
        for name, value in values.items():
            if not np.isfinite(value):
                allowed = "an expression that is a number where q, theta > 0"
                raise wrong(f"<{name} {value} at q = 1, theta = 2>", allowed, "expression")
        with np.errstate(all="ignore"):
            first, slope = (float(self._functions[name](np.float64(0.0), np.float64(2.0))) for name in ("value", "marginal"))
        amount = max(abs(values["value"]), abs(slope))  # of R at one unit, and of what R(1) is the integral of
        if abs(first) > 1e-9 * amount or not np.isfinite([first, slope]).all():
            value_at_zero = f"<R = {first:g}, R_q = {slope:g} at q = 0, theta = 2>"
            raise wrong(value_at_zero, "R(0, theta) = 0 and a finite slope", "expression")
        return self

    def refuse_unsound(self, theta: Array, most: float, field: str, file: str) -> None:
        """Raise InputError where a grid up to `most` units shows that mechanisms cannot rest on this revenue at these types."""
        q = np.linspace(0.0, most, GRID)
        value, marginal = self.value(q, theta[:, None]), self.marginal(q, theta[:, None])
        for what, falls, allowed in (
            ("R_q rises in q", -np.diff(marginal), "R concave in q"),
            ("R falls in theta", np.diff(value, axis=0), "R non-decreasing in theta"),
            ("R_q falls in theta", np.diff(marginal, axis=0), "R_q non-decreasing in theta"),
        ):
            scale = np.abs(value if what.startswith("R ") else marginal).max()
            if not (falls >= -1e-9 * scale).all():
                k, j = np.argwhere(~(falls >= -1e-9 * scale))[0]
                raise InputError.of(field, f"<{what} at q = {q[j]:.6g}, theta = {theta[k]:.6g}>", allowed, file)

    def derivative(self, q: Any, theta: Any) -> Any:
        """R_q as a Pyomo expression; theta may be a number."""
        return differentiate(self.expression(q, theta), wrt=q, mode=Modes.reverse_symbolic)

    def _at(self, name: str, q: ArrayLike, theta: ArrayLike) -> Array:
        q, theta = np.broadcast_arrays(np.asarray(q, dtype=float), np.asarray(theta, dtype=float))
        with np.errstate(all="ignore"):
            values: Array = self._functions[name](q, theta) + np.zeros(q.shape)
        return values

    def value(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R(q, theta), currency."""
        return self._at("value", q, theta)

    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q, currency per unit."""
        return self._at("marginal", q, theta)

    def by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_theta, currency per unit of type."""
        return self._at("by_type", q, theta)

    def marginal_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q_theta."""
        return self._at("marginal_by_type", q, theta)

    def curvature(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_qq <= 0."""
        return self._at("curvature", q, theta)

    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Array:
        """Largest q >= 0 at which R_q is `marginal`, by root search; infinite beyond 1e9 units."""
        price, theta = np.broadcast_arrays(np.asarray(marginal, dtype=float), np.asarray(theta, dtype=float))
        quantity = np.where(self.marginal(0.0, theta) > price, np.inf, 0.0)
        inside = np.isinf(quantity) & (self.marginal(MOST, theta) < price)
        if inside.any():
            from scipy.optimize import elementwise  # a tenth of a second, and most cases have no need of it

            many = int(inside.sum())
            excess: Any = lambda q, price, theta: self.marginal(q, theta) - price  # noqa: E731
            ends: Any = (np.zeros(many), np.full(many, MOST))
            result: Any = elementwise.find_root(excess, ends, args=(price[inside], theta[inside]))
            quantity[inside] = result.x
        return quantity


def _compiled(expression: Any, names: dict[int, str]) -> Callable[[Any, Any], Any]:
    """Return a Pyomo expression of q and theta as a function of arrays."""
    from pyomo.core.expr.visitor import expression_to_string, identify_variables

    if hasattr(expression, "is_expression_type"):
        strange = [v.name for v in identify_variables(expression) if id(v) not in names]
        if strange:
            raise ValueError(f"{', '.join(strange)} is neither q nor theta")
    text = expression_to_string(expression) if hasattr(expression, "is_expression_type") else repr(float(expression))
    code = compile(text, "<revenue>", "eval")
    return lambda q, theta: eval(code, {"__builtins__": {}}, {**FUNCTIONS, "q": q, "theta": theta})
