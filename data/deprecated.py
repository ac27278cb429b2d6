"""Old public names that still work for one release: each leads to the new one, with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["OldCase", "OldTableNames", "Renamed", "moved", "renamed"]


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


class OldCase:
    """The case that a model used to carry: what a mutable Param of the model holds now is read as that Param."""

    def __init__(self, info: Any) -> None:
        self._info = info

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        parameter = self._info.parameters.get(name)
        _warn(f"model.case.{name}", f"case.{name}" if parameter is None else f"model.{parameter.name}", 3)
        return getattr(self._info.case, name) if parameter is None else parameter


CONTRACTS = "veridical.contracts"
FINDING = {"Finding": ("veridical.contracts.menu_audit", "SupplierResult")}
FROM_SOLVERS = ("IMPLIES", "PROPERTIES", "AllocationAudit", "Audit", "GameAudit", "Misreport", "Property", "audit")
MOVED: Mapping[str, Mapping[str, tuple[str, str]]] = {  # by module: each old name with the module and the name that it has now
    "veridical": {"one_sided": ("veridical", "one_sided_derivatives")},
    "veridical.contracts": FINDING,
    "veridical.data": {name: (CONTRACTS, name) for name in ("Allotment", "Bids", "Menu", "read_bids")},
    "veridical.data.joint_plan": {"Settlement": (CONTRACTS, "Settlement")},
    "veridical.solvers": FINDING | {name: (CONTRACTS, name) for name in FROM_SOLVERS},
}


def moved(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module, which finds what has moved away from it."""

    def find(name: str) -> Any:
        if name not in MOVED[module]:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, now = MOVED[module][name]
        _warn(f"{module}.{name}", f"{place}.{now}", 3)
        return getattr(import_module(place), now)

    return find


def renamed(options: dict[str, Any], old: str, new: str, value: Any = None) -> Any:
    """Return the value of a keyword argument: the one given, or the one given under its old name, which is taken out."""
    if old not in options:
        return value
    _warn(f"the argument {old}", new, 4)
    return options.pop(old)


def _warn(old: str, new: str, level: int) -> None:
    message = f"{old} is now called {new}; the old name will be removed in the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=level)
