"""Utilities as linear forms of decisions: worked out by calling the utility with decisions that remember what is done to them.

A utility is written once, `theta * m.trade[reports] + m.payment[agent, reports]`, and is evaluated at a hundred thousand types
and reports. With `Decision` in place of Pyomo's variables each call costs a few microseconds and leaves coefficients behind, from
which come constraints, values at a solution, and the amounts of which a utility is the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from typing import Any

__all__ = ["Decision", "Indexed", "Namespace", "NotLinearError", "flat"]


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
        if isinstance(value, Decision):
            return value
        if isinstance(value, Real) and not isinstance(value, bool):
            return cls({}, float(value))
        raise NotLinearError(f"{type(value).__name__} is no number")

    def __add__(self, other: Any) -> Decision:
        if not isinstance(other, Decision):
            return Decision(self.coefficients, self.constant + _number(other))
        large, small = (self, other) if len(self.coefficients) >= len(other.coefficients) else (other, self)
        total = dict(large.coefficients)
        for column, coefficient in small.coefficients.items():
            total[column] = total.get(column, 0.0) + coefficient
        return Decision(total, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, factor: Any) -> Decision:
        if isinstance(factor, Decision):
            if factor.coefficients:
                if self.coefficients:
                    raise NotLinearError("a product of decisions")
                return factor.__mul__(self.constant)
            factor = factor.constant
        elif factor.__class__ is not float:
            factor = _number(factor)
        return Decision({column: factor * own for column, own in self.coefficients.items()}, factor * self.constant)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Decision:
        return self * (1.0 / _number(other))

    def __neg__(self) -> Decision:
        return self * -1.0

    def __pos__(self) -> Decision:
        return self

    def __sub__(self, other: Any) -> Decision:
        if not isinstance(other, Decision):
            return Decision(self.coefficients, self.constant - _number(other))
        total = dict(self.coefficients)
        for column, coefficient in other.coefficients.items():
            total[column] = total.get(column, 0.0) - coefficient
        return Decision(total, self.constant - other.constant)

    def __rsub__(self, other: Any) -> Decision:
        return (-self).__add__(other)

    def __pow__(self, power: Any) -> Decision:
        if power == 1:
            return self
        raise NotLinearError("a power of a decision")

    def __bool__(self) -> bool:
        raise NotLinearError("a condition on a decision")

    def _refused(self, *_: Any) -> Any:
        raise NotLinearError("what is not linear in a decision")

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __rtruediv__ = __rpow__ = __abs__ = __float__ = __int__ = _refused
    __hash__ = None  # type: ignore[assignment]


def _number(value: Any) -> float:
    if value.__class__ is float or isinstance(value, Real):
        return float(value)
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


class Indexed(Mapping[Any, Any]):
    """An indexed component: members by index, with tuples inside of an index taken apart as Pyomo does."""

    def __init__(self, members: dict[Any, Any], name: str) -> None:
        self._members, self._name = members, name
        self._asked = dict(members)  # by the index as it is asked for

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._asked[key]
        except KeyError:
            pass
        try:
            member = self._asked[key] = self._members[flat(key)]
        except KeyError:
            raise KeyError(f"Index '{key}' is not valid for indexed component '{self._name}'") from None
        return member

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
