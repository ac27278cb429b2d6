"""Utilities as linear forms of decisions: worked out by calling the utility with decisions that remember what is done to them.

A utility is written once, `theta * m.trade[reports] + m.payment[agent, reports]`, and is evaluated at a hundred thousand types
and reports. With `Decision` in place of Pyomo's variables each call costs a few microseconds and leaves coefficients behind, from
which come constraints, values at a solution, and the amounts of which a utility is the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from numbers import Real
from operator import add, mul, sub, truediv
from typing import Any

from veridical.data.arrays import plus

__all__ = ["Decision", "EveryType", "Indexed", "Namespace", "NotLinearError", "flat"]


class NotLinearError(TypeError):
    """A utility does with a decision what leaves no linear form."""


class Decision:
    """A linear form of decisions: sum coefficient * column + constant; never changed once it is made."""

    __slots__ = ("coefficients", "constant")

    def __init__(self, coefficients: dict[int, float], constant: float = 0.0) -> None:
        self.coefficients, self.constant = coefficients, constant

    @classmethod
    def of(cls, value: Any) -> Decision:
        """Return a number, or a linear form, as a linear form; raises NotLinearError for anything else."""
        if value.__class__ is Decision:
            return value
        if value.__class__ is EveryType or (isinstance(value, Real) and not isinstance(value, bool)):
            return cls({}, _number(value))
        raise NotLinearError(f"{type(value).__name__} is no number")

    def __add__(self, other: Any) -> Decision:
        if other.__class__ is not Decision:
            return Decision(self.coefficients, _plus(self.constant, _number(other)))
        large, small = (self, other) if len(self.coefficients) >= len(other.coefficients) else (other, self)
        total = dict(large.coefficients)
        for column, coefficient in small.coefficients.items():
            total[column] = _plus(total[column], coefficient) if column in total else coefficient
        return Decision(total, _plus(self.constant, other.constant))

    __radd__ = __add__

    def __mul__(self, factor: Any) -> Decision:
        if factor.__class__ is Decision:
            if factor.coefficients:
                if self.coefficients:
                    raise NotLinearError("a product of decisions")
                return factor.__mul__(self.constant)
            factor = factor.constant
        elif factor.__class__ is not float:
            factor = _number(factor)
        total = {}
        for column, own in self.coefficients.items():  # one or two: a comprehension takes longer
            total[column] = factor * own
        constant = self.constant
        return Decision(total, factor * constant if constant.__class__ is not float or constant else 0.0)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Decision:
        return self.__mul__(1.0 / _number(other))

    def __neg__(self) -> Decision:
        return self * -1.0

    def __pos__(self) -> Decision:
        return self

    def __sub__(self, other: Any) -> Decision:
        if other.__class__ is not Decision:
            return Decision(self.coefficients, _plus(self.constant, -_number(other)))
        total = dict(self.coefficients)
        for column, coefficient in other.coefficients.items():
            total[column] = _plus(total[column], -coefficient) if column in total else -coefficient
        less = other.constant
        return Decision(total, _plus(self.constant, -less) if less.__class__ is not float or less else self.constant)

    def __rsub__(self, other: Any) -> Decision:
        return (-self).__add__(other)

    def __pow__(self, power: Any) -> Decision:
        if power == 1:
            return self
        raise NotLinearError("a power of a decision")

    def __bool__(self) -> bool:
        raise NotLinearError("a condition on a decision")

    def at(self, k: int) -> Decision:
        """Return the form of one type, where factors are those of every type."""
        chosen = {}
        for column, coefficient in self.coefficients.items():
            chosen[column] = coefficient if coefficient.__class__ is float else _at(coefficient, k)
        constant = self.constant
        return Decision(chosen, constant if constant.__class__ is float else _at(constant, k))

    def _refused(self, *_: Any) -> Any:
        raise NotLinearError("what is not linear in a decision")

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __rtruediv__ = __rpow__ = __abs__ = __float__ = __int__ = _refused
    __hash__ = None  # type: ignore[assignment]


class EveryType:
    """All types of an agent at once: arithmetic on it is done on the value of each, by the same operations as on one alone.

    A utility that is called with it gives the forms of all types in one call. What is no arithmetic (a comparison, a function, a
    key) raises NotLinearError or TypeError: such a utility treats types differently, and is called for each.
    """

    __slots__ = ("values",)
    __array_ufunc__ = None

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def _worked_out(self, operation: Callable[[Any, Any], Any], other: Any, reflected: bool = False) -> Any:
        if other.__class__ is Decision:
            return NotImplemented
        if other.__class__ is EveryType:
            others: Iterable[Any] = other.values
        elif other.__class__ in (float, int) or (isinstance(other, Real) and not isinstance(other, bool)):
            others = repeat(other)
        else:
            raise NotLinearError(f"{type(other).__name__} is no number")
        return EveryType(list(map(operation, others, self.values) if reflected else map(operation, self.values, others)))

    def __add__(self, other: Any) -> Any:
        return self._worked_out(add, other)

    def __radd__(self, other: Any) -> Any:
        return self._worked_out(add, other, reflected=True)

    def __sub__(self, other: Any) -> Any:
        return self._worked_out(sub, other)

    def __rsub__(self, other: Any) -> Any:
        return self._worked_out(sub, other, reflected=True)

    def __mul__(self, other: Any) -> Any:
        return self._worked_out(mul, other)

    def __rmul__(self, other: Any) -> Any:
        return self._worked_out(mul, other, reflected=True)

    def __truediv__(self, other: Any) -> Any:
        return self._worked_out(truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._worked_out(truediv, other, reflected=True)

    def __pow__(self, other: Any) -> Any:
        return self._worked_out(pow, other)

    def __rpow__(self, other: Any) -> Any:
        return self._worked_out(pow, other, reflected=True)

    def __neg__(self) -> Any:
        return EveryType([-own for own in self.values])

    def __pos__(self) -> Any:
        return self

    def _refused(self, *_: Any) -> Any:
        raise NotLinearError("what is not done alike for all types")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __abs__ = __float__ = __int__ = __index__ = _refused
    __round__ = __floor__ = __ceil__ = __trunc__ = __floordiv__ = __mod__ = __str__ = __repr__ = __format__ = __getitem__ = (
        _refused
    )
    __hash__ = None  # type: ignore[assignment]


def _plus(before: Any, more: Any) -> Any:
    """Return the sum of two factors, of one type or of every type."""
    if before.__class__ is EveryType or more.__class__ is EveryType:
        pair = (factor.values if factor.__class__ is EveryType else repeat(factor) for factor in (before, more))
        return EveryType(list(map(plus, *pair)))
    return plus(before, more)


def _at(factor: Any, k: int) -> float:
    return float(factor.values[k] if factor.__class__ is EveryType else factor)


def _number(value: Any) -> Any:
    if value.__class__ in (float, int) or isinstance(value, Real):
        return float(value)
    if value.__class__ is EveryType:
        return value
    raise NotLinearError(f"{type(value).__name__} is no number")


def flat(key: Any) -> Any:
    """Return an index without tuples inside, as Pyomo has it: `("buyer", (1, 2))` is `("buyer", 1, 2)`, and `(1,)` is 1."""
    if not isinstance(key, tuple):
        return key
    parts = tuple(_parts(key))
    return parts[0] if len(parts) == 1 else parts


def _parts(key: tuple[Any, ...]) -> Iterator[Any]:
    for part in key:
        if isinstance(part, tuple):
            yield from _parts(part)
        else:
            yield part


class _Asked(dict[Any, Any]):
    """Members by the index as it is asked for."""

    def __init__(self, members: dict[Any, Any], name: str) -> None:
        super().__init__(members)
        self.members, self.name = members, name

    def __missing__(self, key: Any) -> Any:
        try:
            member = self[key] = self.members[flat(key)]
        except KeyError:
            raise KeyError(f"Index '{key}' is not valid for indexed component '{self.name}'") from None
        return member


class Indexed(Mapping[Any, Any]):
    """An indexed component: members by index, with tuples inside of an index taken apart as Pyomo does."""

    def __init__(self, members: dict[Any, Any], name: str) -> None:
        self._members = members
        self._asked = _Asked(members, name)

    def __getitem__(self, key: Any) -> Any:
        return self._asked[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class Namespace:
    """What stands in for a model: its components by name, made when they are first asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        part = self.__dict__[name] = self._make(name)
        return part
