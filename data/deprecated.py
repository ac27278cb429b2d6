"""Old public names that still work for one release: each leads to the new one, with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["OldTableNames", "Renamed", "renamed_names"]


class Renamed:
    """A method or property under its old name: `record = Renamed("to_dict")` in the body of a class.

    Parameters
    ----------
    new : str
        The name that the method or property has now.
    call : bool
        Whether an old property has become a method, so that reading the old name calls the new one.

    Examples
    --------
    >>> class Table:
    ...     def to_dict(self) -> dict[str, int]:
    ...         return {"rows": 2}
    ...     record = Renamed("to_dict")
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as issued:
    ...     warnings.simplefilter("always")
    ...     Table().record()
    {'rows': 2}
    >>> str(issued[0].message)
    'Table.record is now called to_dict; the old name will be removed in the next release'
    """

    def __init__(self, new: str, call: bool = False) -> None:
        self.new = new
        self.call = call

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.old = name

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        _warn(f"{type(instance).__name__}.{self.old}", self.new, 3)
        value = getattr(instance, self.new)
        return value() if self.call else value


class OldTableNames:
    """The old names of what every outcome of a mechanism can be turned into."""

    record = Renamed("to_dict")
    frame = Renamed("to_frame")
    write_csv = Renamed("to_csv")


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module whose old names stand for new ones.

    Parameters
    ----------
    module : str
        The module's own name.
    names : Mapping[str, str]
        For each old name the full name of what it stands for, as `veridical.contracts.auction.AuctionResult`.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new = names[name].rpartition(".")
        _warn(f"{module}.{name}", names[name], 3)
        return getattr(import_module(home), new)

    return __getattr__


def _warn(old: str, new: str, level: int) -> None:
    message = f"{old} is now called {new}; the old name will be removed in the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=level)
