"""Whether the arrays of a model are numbers, and whether its bounds and constants can hold at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.expr import DivisionExpression, NegationExpression, ProductExpression, SumExpression
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.core.expr.visitor import StreamBasedExpressionVisitor

from veridical.data import InputError, NotSolvedError
from veridical.solvers.translate.numbers import number, varies

if TYPE_CHECKING:
    from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["refuse_empty", "refuse_undefined", "relation_of"]

ROUNDING = 1e-9  # of the terms of a constraint without variables, or of two bounds that cross
LIKE_A_SUM = (NegationExpression, NamedExpressionData, EqualityExpression, InequalityExpression, RangedExpression)


def relation_of(constraint: ConstraintData) -> Any:
    """Return the expression of a constraint; rows of a MatrixConstraint have none of their own."""
    if hasattr(constraint, "_expr"):
        return constraint.expr
    return RangedExpression((constraint.lower, constraint.body, constraint.upper), strict=False)


def refuse_empty(form: StandardForm, name: str) -> None:
    """Raise NotSolvedError for bounds that no number meets, and for constraints without variables that do not hold.

    What fails by no more than the rounding of its own terms holds, and gets sides that say so.
    """
    excess = form.low - form.high
    empty = excess > ROUNDING * np.maximum(np.abs(form.low), np.abs(form.high))
    refused = [form.variables[column] for column in np.flatnonzero(empty)]
    form.low[excess > 0] = form.high[excess > 0]

    row_low, row_high = form.row_low, form.row_high
    constant = form.constant_rows()
    excess = np.maximum(row_low - row_high, np.where(constant, np.maximum(row_low, -row_high), -np.inf))
    for row in np.flatnonzero(excess > 0).tolist():
        if excess[row] > ROUNDING * _size(relation_of(form.constraints[row])):
            refused.append(form.constraints[row])
        row_low[row] = min(row_low[row], row_high[row], 0.0 if constant[row] else np.inf)
        row_high[row] = max(row_high[row], 0.0 if constant[row] else -np.inf)
    if refused:
        names = ", ".join(component.name for component in refused[:10])
        raise NotSolvedError(f"{name}: infeasible, nothing lies within the bounds of {names}", "infeasible")


def _size(expression: Any) -> float:
    """Return the size of the terms that an expression is the sum of, its free variables at 0."""

    def leaf(_: Any, node: Any, __: int) -> tuple[bool, float | None]:
        if node is None or node.__class__ in (int, float) or not node.is_expression_type() or not varies(node):
            return False, 0.0 if node is None else _magnitude(node)
        return True, None

    def inner(node: Any, sizes: list[float]) -> float:
        if isinstance(node, ProductExpression):
            return math.prod(sizes)
        if isinstance(node, (SumExpression, *LIKE_A_SUM)):
            return math.fsum(sizes)
        if isinstance(node, DivisionExpression):
            return sizes[0] / (_magnitude(node.args[1]) or math.inf)
        return _magnitude(node)

    return float(StreamBasedExpressionVisitor(beforeChild=leaf, exitNode=inner).walk_expression(expression))


def _magnitude(node: Any) -> float:
    """Return the absolute value of what has no free variable, else 0."""
    value = 0.0 if varies(node) and not node.is_fixed() else number(node)
    return abs(value) if math.isfinite(value) else 0.0


def refuse_undefined(form: StandardForm, name: str) -> None:
    """Raise InputError where data are NaN, or infinite where they must not be: solvers take those for numbers."""
    finite = np.isfinite(form.matrix.data)
    if not finite.all():
        row = int(np.searchsorted(form.matrix.indptr, np.flatnonzero(~finite)[0], side="right")) - 1
        raise InputError.of(form.constraints[row].name, "<a coefficient that is NaN or infinite>", "finite numbers", name)
    for low, high, components in ((form.row_low, form.row_high, form.constraints), (form.low, form.high, form.variables)):
        bad = np.isnan(low) | np.isnan(high) | (low == np.inf) | (high == -np.inf)
        if bad.any():
            raise InputError.of(components[int(np.argmax(bad))].name, "<a bound that is NaN>", "numbers", name)
    bad = ~np.isfinite(form.cost)
    if bad.any() or not np.isfinite(form.offset):
        where = form.variables[int(np.argmax(bad))].name if bad.any() else "the constant"
        raise InputError.of(f"objective, {where}", "<a coefficient that is NaN or infinite>", "finite numbers", name)
    for row, factor, _ in form.nonlinear.parts if form.nonlinear is not None else ():
        if not math.isfinite(factor):
            owner = "objective" if row < 0 else form.constraints[row].name
            raise InputError.of(owner, "<a coefficient that is NaN or infinite>", "finite numbers", name)
    if form.hessian is not None and not np.isfinite(form.hessian.data).all():
        raise InputError.of("objective", "<a quadratic coefficient that is NaN or infinite>", "finite numbers", name)
