"""Nonlinear terms with exact first and second derivatives, evaluated in batches.

What is nonlinear in an expression is split into terms. The arguments of a term are linear forms of the variables ("slots")
and numbers; terms of one shape (the same operations on other slots and numbers) are one batch, evaluated for all at
once: a `Jet` carries value, gradient and Hessian with respect to the slots as arrays with one entry a term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.var import VarData
from pyomo.core.expr import (
    AbsExpression,
    DivisionExpression,
    ExternalFunctionExpression,
    LinearExpression,
    MonomialTermExpression,
    NegationExpression,
    PowExpression,
    ProductExpression,
    SumExpression,
    UnaryFunctionExpression,
)

from veridical.data import InputError

__all__ = ["Curvature", "Jet", "Sum", "Terms"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Tree = Any  # a float, a Form, or a tuple (operation, trees ...)
Shape = Any  # the same with slots and numbers replaced by their places
SMOOTH = "smooth algebraic expressions: + - * / **, exp, log, trigonometric and hyperbolic functions, ExternalFunction"


@dataclass(frozen=True)
class Form:
    """A linear form of the variables, an argument of a nonlinear operation: sum coefficient * column + constant."""

    coefficients: tuple[tuple[int, float], ...]
    constant: float


@dataclass
class Sum:
    """An expression split into a linear part and nonlinear terms (factor, tree)."""

    coefficients: dict[int, float] = field(default_factory=dict)
    constant: float = 0.0
    terms: list[tuple[float, Tree]] = field(default_factory=list)

    def add(self, other: Sum, factor: float) -> None:
        """Add factor * other."""
        for column, coefficient in other.coefficients.items():
            self.coefficients[column] = self.coefficients.get(column, 0.0) + factor * coefficient
        self.constant += factor * other.constant
        self.terms += [(factor * each, tree) for each, tree in other.terms]

    @property
    def is_number(self) -> bool:
        """Whether no variable is left in it."""
        return not self.coefficients and not self.terms

    def tree(self) -> Tree:
        """Return the whole as one tree."""
        linear: Tree = self.constant
        if self.coefficients:
            linear = Form(tuple(sorted(self.coefficients.items())), self.constant)
        parts = [tree if factor == 1.0 else ("*", factor, tree) for factor, tree in self.terms]
        if not parts:
            return linear
        if linear != 0.0:
            parts.insert(0, linear)
        return parts[0] if len(parts) == 1 else ("+", *parts)


class Terms:
    """Splits expressions; gives new variables columns through `column`."""

    def __init__(self, column: Callable[[VarData], int]) -> None:
        self.column = column
        self.functions: dict[int, Any] = {}  # external functions met, by id

    def split(self, node: Any) -> Sum:
        """Return an expression as a Sum; raises InputError for what is not smooth."""
        if not hasattr(node, "is_potentially_variable") or not node.is_potentially_variable():
            return Sum(constant=_number(node))
        if isinstance(node, VarData):
            return Sum(constant=_number(node)) if node.fixed else Sum({self.column(node): 1.0})
        if isinstance(node, NamedExpressionData):
            return self.split(node.expr)
        kind = type(node)
        if kind in (SumExpression, LinearExpression):
            return self._sum((1.0, argument) for argument in node.args)
        if kind in (ProductExpression, MonomialTermExpression):
            return self._product(*map(self.split, node.args))
        if kind is NegationExpression:
            return self._sum([(-1.0, node.args[0])])
        if kind is DivisionExpression:
            above, below = map(self.split, node.args)
            return self._product(above, self._power(below, -1.0))
        if kind is PowExpression:
            base, exponent = map(self.split, node.args)
            if exponent.is_number:
                return self._power(base, exponent.constant)
            return _term(("exp", ("*", exponent.tree(), ("log", base.tree()))))
        if kind is UnaryFunctionExpression and node.getname() in UNARY:
            argument = self.split(node.args[0])
            if argument.is_number:
                return Sum(constant=_number(UNARY[node.getname()](np.float64(argument.constant))[0]))
            return _term((node.getname(), argument.tree()))
        if kind is ExternalFunctionExpression:
            return self._external(node)
        name = "abs" if kind is AbsExpression else getattr(node, "getname", lambda: kind.__name__)()
        raise InputError.of("expression", f"<{name}: {node}>", SMOOTH)

    def _sum(self, parts: Iterable[tuple[float, Any]]) -> Sum:
        total = Sum()
        for factor, part in parts:
            total.add(self.split(part), factor)
        return total

    def _product(self, left: Sum, right: Sum) -> Sum:
        if right.is_number:
            left, right = right, left
        if left.is_number:
            total = Sum()
            total.add(right, left.constant)
            return total
        return _term(("*", left.tree(), right.tree()))

    def _power(self, base: Sum, exponent: float) -> Sum:
        if base.is_number:
            return Sum(constant=_number(np.power(base.constant, exponent)))
        if exponent == 0:
            return Sum(constant=1.0)
        return base if exponent == 1 else _term(("pow", exponent, base.tree()))

    def _external(self, node: Any) -> Sum:
        *arguments, _ = node.args if hasattr(node._fcn, "_fcn_id") else (*node.args, None)
        self.functions[id(node._fcn)] = node._fcn
        parts = [self.split(argument) for argument in arguments]
        if all(part.is_number for part in parts):
            return Sum(constant=_number(node._fcn.evaluate(node.args)))
        return _term(("external", id(node._fcn), *(part.tree() for part in parts)))


def _term(tree: Tree) -> Sum:
    return Sum(terms=[(1.0, tree)])


def _number(node: Any) -> float:
    value = pyo.value(node, exception=False)
    return math.nan if value is None else float(value)


@dataclass
class Jet:
    """Value, gradient and Hessian of a batch with respect to its slots; keys of the Hessian are (lower, upper) slots."""

    value: Any
    gradient: dict[int, Any] = field(default_factory=dict)
    hessian: dict[tuple[int, int], Any] = field(default_factory=dict)


def _merge(into: dict[Any, Any], other: dict[Any, Any], factor: Any) -> None:
    for key, value in other.items():
        into[key] = into[key] + factor * value if key in into else factor * value


def _outer(into: dict[tuple[int, int], Any], left: dict[int, Any], right: dict[int, Any], factor: Any) -> None:
    """Add factor * (left right' + right left') / (2 on the diagonal of one pair) to the Hessian."""
    for i, a in left.items():
        for j, b in right.items():
            key = (i, j) if i <= j else (j, i)
            value = factor * a * b * (2.0 if i == j else 1.0)
            into[key] = into[key] + value if key in into else value


def _product(left: Jet, right: Jet, order: int) -> Jet:
    jet = Jet(left.value * right.value)
    if order >= 1:
        _merge(jet.gradient, left.gradient, right.value)
        _merge(jet.gradient, right.gradient, left.value)
    if order >= 2:
        _merge(jet.hessian, left.hessian, right.value)
        _merge(jet.hessian, right.hessian, left.value)
        _outer(jet.hessian, left.gradient, right.gradient, 1.0)
    return jet


def _chain(inner: Jet, value: Any, first: Any, second: Any, order: int) -> Jet:
    """Return the jet of a function of one argument with the given value and derivatives."""
    jet = Jet(value)
    if order >= 1:
        _merge(jet.gradient, inner.gradient, first)
    if order >= 2:
        _merge(jet.hessian, inner.hessian, first)
        for i, a in inner.gradient.items():
            for j, b in inner.gradient.items():
                if i <= j:
                    extra = second * a * b
                    jet.hessian[i, j] = jet.hessian[i, j] + extra if (i, j) in jet.hessian else extra
    return jet


def _tan(u: Array) -> tuple[Array, Array, Array]:
    t = np.tan(u)
    return t, 1 + t * t, 2 * t * (1 + t * t)


def _tanh(u: Array) -> tuple[Array, Array, Array]:
    t = np.tanh(u)
    return t, 1 - t * t, -2 * t * (1 - t * t)


def _exp(u: Array) -> tuple[Array, Array, Array]:
    e = np.exp(u)
    return e, e, e


def _sqrt(u: Array) -> tuple[Array, Array, Array]:
    s = np.sqrt(u)
    return s, 0.5 / s, -0.25 / (s * u)


# Value, first and second derivative of the functions of one argument, under Pyomo's names.
UNARY: dict[str, Callable[[Any], tuple[Any, Any, Any]]] = {
    "exp": _exp,
    "log": lambda u: (np.log(u), 1 / u, -1 / u**2),
    "log10": lambda u: (np.log10(u), 1 / (u * math.log(10)), -1 / (u**2 * math.log(10))),
    "sqrt": _sqrt,
    "sin": lambda u: (np.sin(u), np.cos(u), -np.sin(u)),
    "cos": lambda u: (np.cos(u), -np.sin(u), -np.cos(u)),
    "tan": _tan,
    "asin": lambda u: (np.arcsin(u), (1 - u * u) ** -0.5, u * (1 - u * u) ** -1.5),
    "acos": lambda u: (np.arccos(u), -((1 - u * u) ** -0.5), -u * (1 - u * u) ** -1.5),
    "atan": lambda u: (np.arctan(u), 1 / (1 + u * u), -2 * u / (1 + u * u) ** 2),
    "sinh": lambda u: (np.sinh(u), np.cosh(u), np.sinh(u)),
    "cosh": lambda u: (np.cosh(u), np.sinh(u), np.cosh(u)),
    "tanh": _tanh,
    "asinh": lambda u: (np.arcsinh(u), (u * u + 1) ** -0.5, -u * (u * u + 1) ** -1.5),
    "acosh": lambda u: (np.arccosh(u), (u * u - 1) ** -0.5, -u * (u * u - 1) ** -1.5),
    "atanh": lambda u: (np.arctanh(u), 1 / (1 - u * u), 2 * u / (1 - u * u) ** 2),
}


class Batch:
    """Terms of one shape: term t stands in row `rows[t]` with `factors[t]`; slot k of it is `slots[k] @ x + constants[k]`."""

    def __init__(self, shape: Shape, functions: dict[int, Any]) -> None:
        self.shape, self.functions = shape, functions
        self.pending: list[tuple[int, float, list[Form], list[float]]] = []
        self.keys: list[tuple[int, int]] = []  # pairs of slots with a second derivative
        self.pairs: list[tuple[Integers, Integers, Integers, Array]] = []  # and what each contributes, see _pairs

    def close(self, columns: int) -> None:
        """Turn the collected terms into arrays."""
        rows, factors, slots, numbers = zip(*self.pending, strict=True)
        self.rows: Integers = np.array(rows, dtype=np.int64)
        self.factors: Array = np.array(factors)
        self.numbers: Array = np.array(numbers, dtype=float).T.copy()
        self.slots: list[sp.csr_array] = []
        self.constants: list[Array] = []
        for forms in zip(*slots, strict=True):
            counts = [len(form.coefficients) for form in forms]
            flat = [pair for form in forms for pair in form.coefficients]
            indices, data = np.array([c for c, _ in flat], dtype=np.int64), np.array([v for _, v in flat], dtype=float)
            starts = np.concatenate([[0], np.cumsum(counts)])
            self.slots.append(sp.csr_array((data, indices, starts), shape=(len(forms), columns)))
            self.constants.append(np.array([form.constant for form in forms]))
        self.pending = []

    def jet(self, x: Array, order: int) -> Jet:
        """Return value and derivatives up to `order` at x, one entry a term."""
        inputs = [matrix @ x + constant for matrix, constant in zip(self.slots, self.constants, strict=True)]
        with np.errstate(all="ignore"):  # NaN where a function is not defined: the solver steps back from there
            return self._evaluate(self.shape, inputs, order)

    def degree(self, shape: Shape) -> float:
        """Return the polynomial degree of a (part of the) shape; infinite where it is none."""
        operation, *arguments = shape
        if operation == "slot":
            return 1
        if operation == "number":
            return 0
        if operation == "+":
            return max(map(self.degree, arguments))
        if operation == "*":
            return sum(map(self.degree, arguments))
        if operation == "pow" and arguments[0] == int(arguments[0]) and arguments[0] > 0:
            return float(arguments[0] * self.degree(arguments[1]))
        return math.inf

    def _evaluate(self, shape: Shape, inputs: list[Array], order: int) -> Jet:
        operation, *arguments = shape
        if operation == "slot":
            return Jet(inputs[arguments[0]], {arguments[0]: np.ones_like(inputs[arguments[0]])})
        if operation == "number":
            return Jet(self.numbers[arguments[0]])
        if operation == "pow":
            exponent, inner = arguments[0], self._evaluate(arguments[1], inputs, order)
            u = inner.value
            first = exponent * np.power(u, exponent - 1)
            second = exponent * (exponent - 1) * (np.power(u, exponent - 2) if exponent != 2 else 1.0)
            return _chain(inner, np.power(u, exponent), first, second, order)
        if operation == "external":
            return self._external(arguments[0], [self._evaluate(each, inputs, order) for each in arguments[1:]], order)
        parts = [self._evaluate(each, inputs, order) for each in arguments]
        if operation == "+":
            total = Jet(sum(part.value for part in parts))
            for part in parts:
                _merge(total.gradient, part.gradient, 1.0)
                _merge(total.hessian, part.hessian, 1.0)
            return total
        if operation == "*":
            return _product(parts[0], parts[1], order)
        return _chain(parts[0], *UNARY[operation](parts[0].value), order)

    def _external(self, function: int, parts: list[Jet], order: int) -> Jet:
        """Return the jet of an external function: in one call where it has `batch`, else term by term."""
        external = self.functions[function]
        values = np.broadcast_arrays(*(part.value for part in parts))
        n = len(parts)
        if hasattr(external, "batch"):
            value, gradient, hessian = external.batch(*values)
        else:
            value, gradient, hessian = _one_by_one(external, values, n, order)
        jet = Jet(value)
        for k in range(n if order >= 1 else 0):
            _merge(jet.gradient, parts[k].gradient, gradient[k])
            if order >= 2:
                _merge(jet.hessian, parts[k].hessian, gradient[k])
                for low in range(k + 1):
                    weight = hessian[low + k * (k + 1) // 2]
                    inner = _chain(parts[k], 0.0, 0.0, weight, 2).hessian if low == k else {}
                    if low < k:
                        _outer(inner, parts[low].gradient, parts[k].gradient, weight)
                    _merge(jet.hessian, inner, 1.0)
        return jet


def _one_by_one(external: Any, values: Sequence[Array], n: int, order: int) -> tuple[Array, Array, Array]:
    """Return value, gradient and Hessian (column-wise upper triangle) of an external function, called once a term."""
    hidden = [external._fcn_id] if hasattr(external, "_fcn_id") else []
    found = [external.evaluate_fgh([*point, *hidden], fgh=order) for point in zip(*(v.tolist() for v in values), strict=True)]
    size = n * (n + 1) // 2
    value = np.array([f for f, _, _ in found], dtype=float)
    gradient = np.array([g[:n] if g is not None else [0.0] * n for _, g, _ in found], dtype=float).T
    hessian = np.array([h[:size] if h is not None else [0.0] * size for _, _, h in found], dtype=float).T
    return value, gradient, hessian


class Curvature:
    """All nonlinear terms of a model: row -1 is the objective, row r >= 0 a constraint."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.batches: dict[Shape, Batch] = {}

    def add(self, row: int, parts: Iterable[tuple[float, Tree]]) -> None:
        """Add nonlinear terms to a row."""
        for factor, tree in parts:
            slots: dict[Form, int] = {}
            numbers: list[float] = []
            shape = _canonical(tree, slots, numbers)
            batch = self.batches.get(shape)
            if batch is None:
                batch = self.batches[shape] = Batch(shape, self.terms.functions)
            batch.pending.append((row, factor, list(slots), numbers))

    def close(self, rows: int, columns: int) -> None:
        """Turn what was collected into arrays, and find out which entries the derivatives have."""
        self.count, self.columns = rows, columns
        first: list[tuple[Integers, Integers]] = []
        second: list[tuple[Integers, Integers]] = []
        for batch in self.batches.values():
            batch.close(columns)
            first += [_entries(batch, k) for k in range(len(batch.slots))]
            pairs = batch.jet(np.full(columns, 0.5), 2).hessian
            batch.keys = list(pairs)
            batch.pairs = [_pairs(batch.slots[i], batch.slots[j], i == j) for i, j in pairs]
            second += [(pair[0], pair[1]) for pair in batch.pairs]
        self.jacobian_rows, self.jacobian_columns, self._first = _unique(first, columns)
        self.hessian_rows, self.hessian_columns, self._second = _unique(second, columns)

    @property
    def in_rows(self) -> bool:
        """Whether a constraint has a nonlinear term."""
        return bool((self.jacobian_rows >= 0).any())

    @property
    def empty(self) -> bool:
        """Whether there is no nonlinear term."""
        return not self.batches

    def degree(self, objective: bool) -> float:
        """Return the highest polynomial degree among the terms of the objective (or of the constraints)."""
        degrees = [b.degree(s) for s, b in self.batches.items() if ((b.rows < 0) if objective else (b.rows >= 0)).any()]
        return max(degrees, default=0.0)

    def values(self, x: Array) -> tuple[float, Array]:
        """Return the nonlinear part of the objective, and of every row."""
        total: Array = np.zeros(self.count + 1)
        for batch in self.batches.values():
            total += np.bincount(batch.rows + 1, batch.factors * batch.jet(x, 0).value, self.count + 1)
        return float(total[0]), total[1:]

    def first(self, x: Array) -> Array:
        """Return the entries of the Jacobian (row -1: gradient of the objective) at `jacobian_rows`, `jacobian_columns`."""
        parts = []
        for batch in self.batches.values():
            gradient = batch.jet(x, 1).gradient
            for k, slot in enumerate(batch.slots):
                weight = batch.factors * gradient.get(k, 0.0)
                parts.append(np.repeat(weight, np.diff(slot.indptr)) * slot.data)
        return _sums(self._first, parts, len(self.jacobian_rows))

    def second(self, x: Array, weights: Array, objective: float) -> Array:
        """Return the entries of the Hessian of objective * f + weights @ rows, lower triangle, at `hessian_rows`, `..columns`."""
        parts = []
        for batch in self.batches.values():
            multiplier = np.concatenate([[objective], weights])[batch.rows + 1] * batch.factors
            hessian = batch.jet(x, 2).hessian
            for key, (_, _, term, factor) in zip(batch.keys, batch.pairs, strict=True):
                parts.append((multiplier * hessian[key])[term] * factor)
        return _sums(self._second, parts, len(self.hessian_rows))


def _sums(place: Integers, parts: list[Array], size: int) -> Array:
    """Return the sums of the entries of all parts by place."""
    return np.bincount(place, np.concatenate([np.zeros(0), *parts]), size).astype(float)


def _canonical(tree: Tree, slots: dict[Form, int], numbers: list[float]) -> Shape:
    """Return the shape of a tree, and collect its slots and numbers in the order in which they are met."""
    if isinstance(tree, Form):
        return "slot", slots.setdefault(tree, len(slots))
    if not isinstance(tree, tuple):
        numbers.append(float(tree))
        return "number", len(numbers) - 1
    operation, *arguments = tree
    if operation in ("pow", "external"):
        return operation, arguments[0], *(_canonical(each, slots, numbers) for each in arguments[1:])
    if operation == "*" and len(arguments) != 2:
        raise AssertionError(tree)
    return operation, *(_canonical(each, slots, numbers) for each in arguments)


def _entries(batch: Batch, k: int) -> tuple[Integers, Integers]:
    """Return rows and columns of the Jacobian entries that slot k contributes, in the order of its coefficients."""
    slot = batch.slots[k]
    return np.repeat(batch.rows, np.diff(slot.indptr)), slot.indices.astype(np.int64)


def _pairs(left: sp.csr_array, right: sp.csr_array, same: bool) -> tuple[Integers, Integers, Integers, Array]:
    """Return rows, columns, terms and factors of the Hessian entries that a pair of slots contributes (lower triangle)."""
    counts = np.diff(right.indptr)
    term = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))  # of every coefficient on the left
    repeat = counts[term]
    a = np.repeat(np.arange(left.nnz), repeat)
    offset = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    b = np.repeat(right.indptr[term], repeat) + offset
    i, j = left.indices[a].astype(np.int64), right.indices[b].astype(np.int64)
    factor = left.data[a] * right.data[b]
    if same:
        keep = i >= j
    else:
        keep = np.ones(len(i), dtype=bool)
        factor = np.where(i == j, 2 * factor, factor)
    return np.maximum(i, j)[keep], np.minimum(i, j)[keep], term[a][keep], factor[keep]


def _unique(parts: list[tuple[Integers, Integers]], columns: int) -> tuple[Integers, Integers, Integers]:
    """Return the distinct (row, column) of all parts, and for each entry of the parts the place among them."""
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    rows = np.concatenate([row for row, _ in parts])
    cols = np.concatenate([col for _, col in parts])
    keys, place = np.unique(rows * columns + cols, return_inverse=True)
    return keys // columns, keys % columns, place
