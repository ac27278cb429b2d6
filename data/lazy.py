"""Modules that are imported when they are first used, not when a module that may use them is imported.

pandas takes a quarter of a second, and who asks for the help, or for a name of the package, makes no table. So modules say

    from veridical.data.lazy import pd

and write `pd.Series` as ever: type checkers see pandas, and the first attribute that is asked for imports it. scipy does the same
for its own parts: `import scipy`, and then `scipy.stats.norm`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["csgraph", "found_when_used", "lazy", "pd", "sparse_linalg"]


class Lazy(ModuleType):
    """A module of that name, which is imported when one of its attributes is first asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return what the module itself has; threads that ask at once wait for one import."""
        return getattr(import_module(self.__name__), name)


def lazy(name: str) -> Any:
    """Return a stand-in for a module that is imported when it is first used.

    Parameters
    ----------
    name : str
        The full name of the module.

    Returns
    -------
    ModuleType
        Its attributes are those of the module. It is not in `sys.modules`, so that nobody takes the module for imported.

    Examples
    --------
    >>> lazy("string").digits
    '0123456789'
    """
    return Lazy(name)


def found_when_used(package: str, places: Mapping[str, Collection[str]], modules: Collection[str] = ()) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are imported when they are first used (PEP 562).

    Parameters
    ----------
    package : str
        The package's own name.
    places : mapping of str to names
        By module of the package, the names that are found in it.
    modules : collection of str
        Modules of the package that are names of it too.

    Returns
    -------
    callable
        From a name to what it stands for; raises AttributeError for any other name.

    Examples
    --------
    >>> find = found_when_used("veridical.data", {"demand.densities": ("Uniform",)}, ("demand",))
    >>> find("demand").__name__, find("Uniform").__name__
    ('veridical.data.demand', 'Uniform')
    """

    def find(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        for module, names in places.items():
            if name in names:
                return getattr(import_module(f"{package}.{module}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find


if not TYPE_CHECKING:
    pd = lazy("pandas")
# Each imports the other, and scipy.linalg: a linear program that is small is solved and certified without them.
csgraph, sparse_linalg = lazy("scipy.sparse.csgraph"), lazy("scipy.sparse.linalg")
