"""A model's decisions as utilities see them: linear forms of its variables, or Pyomo's expressions where that is not enough."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression, MonomialTermExpression, NegationExpression, SumExpression
from pyomo.core.expr.numvalue import native_numeric_types
from pyomo.core.expr.visitor import identify_variables, replace_expressions

from veridical.contracts.direct_mechanism import LOOKED_AT
from veridical.contracts.linear_utility import Decision, Indexed, Namespace, NotLinearError
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.type_space import TypeSpace, in_words, word

__all__ = ["Decisions", "Utility", "decided", "evaluation", "number", "value_at_solution"]

Utility = Callable[[Any, Any, Any, tuple[Any, ...]], Any]


class Decisions:
    """The variables of a model, numbered as utilities ask for them.

    Parameters
    ----------
    model
        A Pyomo model.
    numbers
        Whether numbers that may be changed (mutable Params, named Expressions) stand for their present values. Without it they
        are no linear forms, and what is declared with them keeps them as Pyomo does.
    """

    def __init__(self, model: Any, numbers: bool = False) -> None:
        self.model, self.numbers = model, numbers
        self.variables: list[Any] = []
        self._columns: dict[int, int] = {}
        self.stand_in = Namespace(lambda name: self._part(getattr(model, name)))
        self._remembered: dict[Any, Decision] = {}

    def linear(self, utility: Utility, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Decision:
        """Return a utility as a linear form; raises NotLinearError where it is none, or uses Pyomo beyond arithmetic."""
        key: Any = agent, theta, reports
        try:
            return self._remembered[key]
        except KeyError:
            pass
        except TypeError:  # a type that is a list, say
            key = None
        try:
            form = Decision.of(utility(self.stand_in, agent, theta, reports))
        except NotLinearError:
            raise
        except Exception as error:  # what a stand-in cannot do; a mistake of the utility's comes again with the model itself
            raise NotLinearError(str(error)) from error
        if key is not None and len(self._remembered) < LOOKED_AT:
            self._remembered[key] = form
        return form

    def expression(self, form: Decision) -> Any:
        """Return a linear form as an expression of the model's variables."""
        return LinearExpression([*([form.constant] if form.constant else []), *self.terms(form)])

    def terms(self, form: Decision) -> list[Any]:
        """Return a linear form without its constant as terms of the model's variables; those of coefficient 0 are left out."""
        variables = self.variables
        return [
            variables[column] if coefficient == 1.0 else MonomialTermExpression((coefficient, variables[column]))
            for column, coefficient in form.coefficients.items()
            if coefficient
        ]

    def stands_on(self, model: Any) -> bool:
        """Return whether these are decisions of a model, and all its variables are still there."""
        return self.model is model and all(variable.model() is model for variable in self.variables)

    def _part(self, component: Any) -> Any:
        """Return what stands for a component: linear forms for variables, numbers for Params."""
        if isinstance(component, pyo.Block):
            if component.is_indexed():
                return Indexed({key: Namespace(self._of(block)) for key, block in component.items()}, component.name)
            return Namespace(self._of(component))
        if not hasattr(component, "is_indexed"):
            return component
        if not isinstance(component, pyo.Var | pyo.Param | pyo.Expression):
            if isinstance(component, pyo.Set):
                return component
            raise NotLinearError(f"{component.name} is neither a variable nor a number")
        if not component.is_indexed():
            return self._member(component)
        return Indexed({key: self._member(member) for key, member in component.items()}, component.name)

    def _of(self, block: Any) -> Callable[[str], Any]:
        return lambda name: self._part(getattr(block, name))

    def _member(self, member: Any) -> Any:
        if member.__class__ in native_numeric_types:
            return member
        if member.is_variable_type():
            column = self._columns.get(id(member))
            if column is None:
                column = self._columns[id(member)] = len(self.variables)
                self.variables.append(member)
            return Decision({column: 1.0})
        if not self.numbers:
            return _Varies(member.name)
        return pyo.value(member)


class _Varies:
    """A number that may be changed later: nothing is to be worked out with its present value."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refused(self, *_: Any) -> Any:
        raise NotLinearError(f"{self._name} may be changed")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __pow__ = __rpow__ = (
        _refused
    )
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __bool__ = _refused


def evaluation(
    model: Any, utility: Utility, types: TypeSpace, remembered: Decisions | None
) -> Callable[[Any, Any, tuple[Any, ...]], tuple[float, float]]:
    """Return what evaluates a utility at a model's solution: its value, and the largest amount of which it is a sum.

    `remembered`: decisions of the same model that the utility was called with before, and that may remember what it was.
    Raises InputError, when called, for what has no finite value.
    """
    decisions = remembered if remembered is not None and remembered.stands_on(model) else Decisions(model, numbers=True)
    known: list[float] = []
    linear = True

    def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
        nonlocal linear
        if linear:
            try:
                form = decisions.linear(utility, agent, theta, reports)
            except NotLinearError:
                linear = False
            else:
                if len(known) < len(decisions.variables):
                    known.extend(map(_value, decisions.variables[len(known) :]))
                value, low, high = form.constant, min(form.constant, 0.0), max(form.constant, 0.0)
                for column, coefficient in form.coefficients.items():
                    term = coefficient * known[column]
                    value += term
                    if term > high:
                        high = term
                    elif term < low:
                        low = term
                return value, high if high > -low else -low
        expression = number(utility(model, agent, theta, reports), types, agent, theta, reports)
        value, amount = _worth(expression)
        if not abs(value) < np.inf:
            place = f"utility of {word(agent)} at type {theta!r} and reports {in_words(types.agents, reports)}"
            raise InputError.of(place, value, "a finite number at the solution")
        return value, amount

    return evaluate


def number(value: Any, types: TypeSpace, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    """Return what a utility returned, if it is a number or an expression; else raise InputError, with agent, type and reports."""
    if isinstance(value, Real) or getattr(value, "is_expression_type", lambda: False)() or hasattr(value, "is_variable_type"):
        return value
    place = f"utility of {word(agent)} at type {theta!r} and reports {in_words(types.agents, reports)}"
    raise InputError.of(place, value, "a number, or an expression of the model")


def decided(model: Any, types: TypeSpace) -> dict[tuple[str, str], Array]:
    """Return what a solved model decides at each profile: a table over profiles for each variable and expression that has one."""
    found: dict[tuple[str, str], Array] = {}
    places = {profile if len(profile) > 1 else profile[0]: place for place, profile in enumerate(types.profiles)}
    length = len(types.agents)
    for component in model.component_objects((pyo.Var, pyo.Expression), descend_into=True):
        if not component.is_indexed():
            continue
        tables: dict[tuple[Any, ...], Array] = {}
        for key, member in component.items():
            parts = key if isinstance(key, tuple) else (key,)
            profile = parts[-length:] if length > 1 else parts[-1]
            if len(parts) < length or profile not in places:
                tables = {}
                break
            table = tables.setdefault(parts[:-length], np.full(len(places), np.nan))
            table[places[profile]] = value_at_solution(member)
        for of, table in tables.items():
            if np.isfinite(table).all():
                found[component.name, ", ".join(map(word, of))] = table.reshape(types.shape) + 0.0  # no -0
    return found


def _value(variable: Any) -> float:
    """Return a variable's value; the one nearest to 0 for one that no constraint knows, and that nothing has set."""
    value = variable.value
    if value is not None:
        return float(value)
    low, high = variable.bounds
    return min(max(0.0, -np.inf if low is None else low), np.inf if high is None else high)


def value_at_solution(expression: Any) -> float:
    """Return the value of a variable, an expression or a number; variables that nothing has set are as near 0 as they may be."""
    value = pyo.value(expression, exception=False)
    if value is None:
        unset = {id(one): _value(one) for one in identify_variables(expression) if one.value is None}
        value = pyo.value(replace_expressions(expression, unset))
    return float(value)


def _worth(expression: Any) -> tuple[float, float]:
    """Return the value of an expression, and the largest term of the sum that it is."""
    if expression.__class__ in native_numeric_types:
        return float(expression), abs(float(expression))
    terms: list[float] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        named = getattr(node, "is_named_expression_type", lambda: False)()
        if isinstance(node, SumExpression | LinearExpression | NegationExpression) or named:
            stack.extend(node.args)
        else:
            terms.append(value_at_solution(node))
    return value_at_solution(expression), max(map(abs, terms), default=0.0)
