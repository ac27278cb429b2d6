"""Derivatives of the optimum by the numbers of a model: one differentiation of its Lagrangian, at the certified point.

By the envelope theorem the optimum moves with a Param as the Lagrangian does while variables and multipliers stay: dZ/dp is
df/dp less the sum over constraints of dual * d(body - right-hand side)/dp, plus that of reduced cost * d(bound)/dp. This holds
also on a model that its user has edited, as long as the new constraints contain the Params themselves (`m.price`,
`m.cost[...]`). Nothing can know where a plain number in a constraint comes from: its part of the derivative is missing.

Where duals are not unique (pooled profiles, demand points) the optimum has a kink, and any value between the one-sided
derivatives comes out; `veridical.one_sided_derivatives` gives those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.common.errors import PyomoException
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.expr.calculus.diff_with_pyomo import reverse_ad
from pyomo.core.expr.relational_expr import RangedExpression

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.solvers.translate.numbers import varies
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Lagrangian"]


@dataclass(frozen=True, eq=False)
class Lagrangian:
    """The Lagrangian of a solved model, at its point.

    Parameters
    ----------
    parameters
        The mutable Params, by the name that results carry.
    objective
        The objective's expression.
    form, x
        The model as arrays, and the point: one value a variable.
    duals, reduced_costs
        Derivatives of the objective by right-hand sides (one a row) and by bounds (one a variable).
    """

    parameters: Mapping[str, Any]
    objective: Any
    form: StandardForm
    x: Array
    duals: Array
    reduced_costs: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", [param.value for param in self.parameters.values()])

    def derivatives(self) -> pd.Series:
        """Return the derivative of the optimum by each Param, in units of the objective per unit of the Param.

        Raises
        ------
        InputError
            Where a binding constraint or the objective has an expression without derivatives.
        """
        slopes = dict.fromkeys(map(id, self.parameters.values()), 0.0)
        with self._at_the_point():
            for place, expression, weight in self._terms():
                try:
                    leaves = reverse_ad(expression).items() if expression.is_expression_type() else [(expression, 1.0)]
                except (PyomoException, ArithmeticError, ValueError) as error:
                    raise InputError.of(
                        _name(place), f"<{error}>", "an expression with derivatives: sensitivities need them"
                    ) from None
                for leaf, slope in leaves:
                    if id(leaf) in slopes:
                        slopes[id(leaf)] += weight * slope
        derivatives = {name: slopes[id(param)] + 0.0 for name, param in self.parameters.items()}
        return pd.Series(derivatives, dtype=float, name="sensitivity")

    def _terms(self) -> Iterator[tuple[Any, Any, float]]:
        """Yield the expressions whose weighted sum is the Lagrangian, each with where it stands; numbers are left out."""
        parts: list[tuple[Any, Any, float]] = [("objective", self.objective, 1.0)]
        for row in np.flatnonzero(self.duals):
            constraint, dual = self.form.constraints[row], float(self.duals[row])
            excess = _excess(constraint, dual * self.form.sense > 0)
            parts += [(constraint, part, -sign * dual) for part, sign in excess]
        for column in np.flatnonzero(self.reduced_costs):
            variable, price = self.form.variables[column], float(self.reduced_costs[column])
            parts.append((variable, variable.lower if price * self.form.sense > 0 else variable.upper, price))
        return (part for part in parts if hasattr(part[1], "is_expression_type"))

    @contextmanager
    def _at_the_point(self) -> Iterator[None]:
        """Give variables and Params the values that they had, whatever has been done with the model since."""
        places = [*self.form.variables, *self.parameters.values()]
        point = [*self.x.tolist(), *getattr(self, "_values")]  # noqa: B009
        before = [place.value for place in places]
        changed = [k for k, (now, then) in enumerate(zip(before, point, strict=True)) if now != then]
        try:
            for k in changed:
                _set(places[k], point[k])
            yield
        finally:
            for k in changed:
                _set(places[k], before[k])


def _name(place: Any) -> str:
    """Return what a message calls a place in a model, which may be gone: an indexed block of it then knows no name."""
    try:
        return str(place if isinstance(place, str) else place.name)
    except AttributeError:
        return "<model>"


def _set(place: Any, value: Any) -> None:
    if place.is_variable_type():
        place.set_value(value, skip_validation=True)
    else:
        place.set_value(value)


def _excess(constraint: ConstraintData, low: bool) -> list[tuple[Any, float]]:
    """Return body less right-hand side as signed parts; of a ranged constraint less its lower or its upper end."""
    arguments = constraint.expr.args
    if isinstance(constraint.expr, RangedExpression):
        return [(arguments[1], 1.0), (arguments[0] if low else arguments[2], -1.0)]
    parts = [(arguments[0], 1.0), (arguments[1], -1.0)]
    return parts if varies(arguments[0]) else [(part, -sign) for part, sign in parts]
