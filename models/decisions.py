"""A model's decisions as utilities see them: linear forms of its variables, or Pyomo's expressions where that is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence
from numbers import Real
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression, MonomialTermExpression, NegationExpression, SumExpression
from pyomo.core.expr.numvalue import native_numeric_types
from pyomo.core.expr.visitor import identify_variables, replace_expressions

from veridical.contracts.direct_mechanism import LOOKED_AT, EvaluateAll
from veridical.contracts.linear_utility import Decision, EveryType, Indexed, Namespace, NotLinearError
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.type_space import TypeSpace, in_words, word

__all__ = [
    "Decisions",
    "Terms",
    "Utility",
    "Variables",
    "decided",
    "evaluation",
    "evaluation_of_all_types",
    "linear_body",
    "number",
    "terms_of",
    "value_at_solution",
]

Utility = Callable[[Any, Any, Any, tuple[Any, ...]], Any]


class Variables:
    """Numbered variables, which linear expressions are made of."""

    def __init__(self, variables: list[Any]) -> None:
        self.variables = variables

    def terms(self, coefficients: Mapping[int, float]) -> list[Any]:
        """Return coefficients by number of a variable as terms of Pyomo's."""
        variables = self.variables
        return [
            variables[column] if coefficient == 1.0 else MonomialTermExpression((coefficient, variables[column]))
            for column, coefficient in coefficients.items()
        ]


class Decisions(Variables):
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
        super().__init__([])
        self.model, self.numbers = model, numbers
        self._columns: dict[int, int] = {}
        self.stand_in = Namespace(lambda name: self._part(getattr(model, name)))
        self.remembered: dict[Any, Decision] = {}
        self.of_all_types: dict[Any, Decision] = {}  # by agent and reports, where `work_out` found them

    def linear(self, utility: Utility, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Decision:
        """Return a utility as a linear form; raises NotLinearError where it is none, or uses Pyomo beyond arithmetic."""
        key: Any = agent, theta, reports
        try:
            return self.remembered[key]
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
        if key is not None and len(self.remembered) < LOOKED_AT:
            self.remembered[key] = form
        return form

    def work_out(self, utility: Utility, types: TypeSpace, agents: Iterable[Any]) -> bool:
        """Work a utility out for all types of each agent at once, and return whether it can be.

        Every form is compared with what the utility gives for one of the types alone: one that tells types apart by what is no
        arithmetic is called for each of them instead.
        """
        found: dict[Any, Decision] = {}
        try:
            for agent in agents:
                values = types.values(agent)
                if not all(isinstance(value, Real) for value in values):
                    return False
                every, count = EveryType(list(values)), len(values)
                for place, reports in enumerate(types.profiles):
                    form = found[agent, reports] = Decision.of(utility(self.stand_in, agent, every, reports))
                    k = (place + place // count) % count
                    one, alone = form.at(k), Decision.of(utility(self.stand_in, agent, values[k], reports))
                    if one.coefficients != alone.coefficients or one.constant != alone.constant:
                        return False
        except Exception:  # whatever it is, it comes again, or does not, when it is called for each type
            return False
        self.of_all_types = found
        return True

    def expression(self, form: Decision) -> Any:
        """Return a linear form as an expression of the model's variables."""
        terms = self.terms({column: coefficient for column, coefficient in form.coefficients.items() if coefficient})
        return LinearExpression([*([form.constant] if form.constant else []), *terms])

    def stands_on(self, model: Any) -> bool:
        """Return whether these are decisions of a model, and all its variables are still there."""
        if self.model is not model:
            return False
        parents = {id(parent): parent for parent in (variable.parent_component() for variable in self.variables)}
        return all(parent is not None and parent.model() is model for parent in parents.values())

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


class Terms(MutableSequence[Any]):
    """Terms of a linear expression that are made when they are asked for: of a hundred thousand rows few are ever looked at.

    Our translation reads the coefficients instead, see `terms_of`. Terms that are made stay: who walks an expression more than
    once, as Pyomo does for derivatives, meets the same ones. It is no list: who reads a list's memory would find none.
    """

    __slots__ = ("_made", "changed", "coefficients", "numbered")

    def __init__(self, numbered: Variables, coefficients: Mapping[int, float]) -> None:
        self.numbered, self.coefficients, self.changed = numbered, coefficients, False
        self._made: list[Any] | None = None

    def _terms(self, changed: bool = False) -> list[Any]:
        """Return the terms as Pyomo's; `changed`, as by a sum that goes on with them: the coefficients are no longer theirs."""
        if self._made is None:
            self._made = self.numbered.terms(self.coefficients)
        self.changed |= changed
        return self._made

    def __len__(self) -> int:
        return len(self.coefficients) if self._made is None else len(self._made)

    def __getitem__(self, place: Any) -> Any:
        return self._terms()[place]

    def __setitem__(self, place: Any, term: Any) -> None:
        self._terms(changed=True)[place] = term

    def __delitem__(self, place: Any) -> None:
        del self._terms(changed=True)[place]

    def insert(self, place: int, term: Any) -> None:
        """Insert a term, as in a list."""
        self._terms(changed=True).insert(place, term)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._terms())

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self._terms(),)


def linear_body(numbered: Variables, coefficients: Mapping[int, float]) -> LinearExpression:
    """Return a linear expression of Pyomo's whose terms are made when they are asked for."""
    expression = LinearExpression([])
    expression._args_, expression._nargs = Terms(numbered, coefficients), len(coefficients)
    return expression


def terms_of(expression: Any) -> Terms | None:
    """Return the terms of an expression that `linear_body` made; None of any other, and where they have been changed."""
    if expression.__class__ is not LinearExpression or expression._args_.__class__ is not Terms:
        return None
    terms: Terms = expression._args_
    return None if terms.changed else terms


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

    `remembered`: decisions of the model as it stands that the utility was called with before, and that may remember what it was.
    Raises InputError, when called, for what has no finite value.
    """
    decisions = remembered or Decisions(model, numbers=True)
    known: list[float] = []
    linear, already = True, decisions.remembered

    def evaluate(agent: Any, theta: Any, reports: tuple[Any, ...]) -> tuple[float, float]:
        nonlocal linear
        if linear:
            try:
                form = already[agent, theta, reports]
            except (KeyError, TypeError):
                try:
                    form = decisions.linear(utility, agent, theta, reports)
                except NotLinearError:
                    linear = False
            if linear:
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


def evaluation_of_all_types(model: Any, decisions: Decisions | None) -> EvaluateAll:
    """Return what evaluates the forms that are known for all types of an agent, at a model's solution.

    `decisions`: those of the model as it stands; None where they do not stand on it any more.
    """
    if decisions is None or not decisions.of_all_types:
        return lambda agent, profiles: None
    known = np.array(list(map(_value, decisions.variables)))

    def evaluate(agent: Any, profiles: list[list[tuple[Any, ...]]]) -> tuple[Array, Array] | None:
        try:
            forms = [decisions.of_all_types[agent, reports] for row in profiles for reports in row]
        except KeyError:
            return None
        types = len(profiles)
        constants = np.array([_of_each(form.constant, types) for form in forms])
        factors = np.array([_of_each(factor, types) for form in forms for factor in form.coefficients.values()])
        columns = np.array([column for form in forms for column in form.coefficients], dtype=int)
        terms = factors.reshape(-1, types) * known[columns, None]
        counts = np.array([len(form.coefficients) for form in forms])
        starts, some = np.cumsum(counts) - counts, counts > 0
        values, amounts = constants.copy(), np.abs(constants)
        values[some] += np.add.reduceat(terms, starts[some])
        amounts[some] = np.maximum(amounts[some], np.maximum.reduceat(np.abs(terms), starts[some]))
        shape = types, len(profiles[0]), types
        return values.reshape(shape).transpose(2, 0, 1), amounts.reshape(shape).transpose(2, 0, 1)

    return evaluate


def _of_each(factor: Any, types: int) -> list[float]:
    return factor.values if factor.__class__ is EveryType else [factor] * types


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
        tables: dict[tuple[Any, ...], list[float]] = {}
        for key, member in component.items():
            parts = key if isinstance(key, tuple) else (key,)
            profile = parts[-length:] if length > 1 else parts[-1]
            if len(parts) < length or profile not in places:
                tables = {}
                break
            of = parts[:-length]
            table = tables[of] if of in tables else tables.setdefault(of, [np.nan] * len(places))
            value = member.value if component.ctype is pyo.Var else None
            table[places[profile]] = value_at_solution(member) if value is None else value
        for of, table in tables.items():
            values = np.array(table).reshape(types.shape) + 0.0  # no -0
            if np.isfinite(values).all():
                found[component.name, ", ".join(map(word, of))] = values
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
