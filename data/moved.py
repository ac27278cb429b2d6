"""Old names that scripts may rely on: each still works, for one release, and warns of the new one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["moved", "renamed"]

CONTRACTS = "veridical.contracts"
MOVED: dict[str, dict[str, tuple[str, str]]] = {  # by module: each old name with the module and the name that it has now
    "veridical": {"one_sided": ("veridical", "one_sided_derivatives")},
    "veridical.data": {name: (CONTRACTS, name) for name in ("Allotment", "Bids", "Menu", "read_bids")},
    "veridical.data.joint_plan": {"Settlement": (CONTRACTS, "Settlement")},
    "veridical.solvers": {
        name: (CONTRACTS, name)
        for name in (
            "IMPLIES",
            "PROPERTIES",
            "AllocationAudit",
            "Audit",
            "Finding",
            "GameAudit",
            "Misreport",
            "Property",
            "audit",
        )
    },
}


def moved(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module, which finds what has moved away from it."""

    def find(name: str) -> Any:
        if name not in MOVED[module]:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, now = MOVED[module][name]
        warnings.warn(f"{module}.{name} is now {place}.{now}", DeprecationWarning, stacklevel=2)
        return getattr(import_module(place), now)

    return find


def renamed(options: dict[str, Any], old: str, new: str, value: Any = None) -> Any:
    """Return the value of a keyword argument: the one given, or the one given under its old name, which is taken out."""
    if old not in options:
        return value
    warnings.warn(f"the argument {old} is now called {new}", DeprecationWarning, stacklevel=3)
    return options.pop(old)
