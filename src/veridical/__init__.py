"""Truthful mechanisms for supply chains, as optimisation models in Pyomo.

    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers"), mechanism="icds", solver="highs")
    >>> round(solution.objective, 2)
    6965.0

Packages: `veridical.data` (what the world is), `veridical.contracts` (what is promised and whether it holds),
`veridical.models` (what is to be decided), `veridical.solvers` (who decides it), `veridical.studies` (published tables, figures,
rolling runs), `veridical.families` (kinds of cases, with their mechanisms); here stand the calls that tie all together, the
command line, and tables for people. Each is imported when it is first used: `veridical.contracts` needs no solver, and the
command line, which speaks of `vd.solving` and `vd.tables` as scripts speak of `vd.solve`, shows its help without any of them.
"""

import gc
import logging
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veridical import comparing as comparing
    from veridical import contracts, data, families, models, solvers, studies
    from veridical import reporting as reporting
    from veridical import solving as solving
    from veridical import tables as tables
    from veridical.citing import cite
    from veridical.comparing import compare
    from veridical.contracts import IMPLIES, PROPERTIES, examine, read_bids
    from veridical.data import (
        AllocationCase,
        AssemblerCase,
        TypeSpace,
        correlation,
        example,
        examples,
        import_case,
        load,
        monotonicity,
        virtual_cost,
    )
    from veridical.data.errors import CertificateError, InputError, NotSolvedError, VeridicalError
    from veridical.display import progress
    from veridical.families import MECHANISMS, Mechanism, add_kind
    from veridical.models.truthful import budget, truthful
    from veridical.repeated import Repeated
    from veridical.solvers.closed_form.auction import auction
    from veridical.solvers.vcg import vcg
    from veridical.solving import audit, build, one_sided_derivatives, solve
    from veridical.studies import choose_fees, choose_k, reproduce
    from veridical.studying import study

    __version__: str

__all__ = ["contracts", "data", "families", "models", "solvers", "studies"]
__all__ += ["IMPLIES", "MECHANISMS", "PROPERTIES", "Mechanism", "Repeated"]
__all__ += ["CertificateError", "InputError", "NotSolvedError", "VeridicalError"]
__all__ += ["TypeSpace", "add_kind", "auction", "audit", "budget", "build", "choose_fees", "choose_k", "compare", "correlation"]
__all__ += [
    "examine",
    "example",
    "examples",
    "load",
    "monotonicity",
    "one_sided_derivatives",
    "progress",
    "read_bids",
    "reproduce",
]
__all__ += ["AllocationCase", "AssemblerCase", "cite", "import_case", "solve", "study", "truthful", "vcg", "virtual_cost"]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # who wants to see what is logged says where

_PACKAGES = ("contracts", "data", "families", "models", "solvers", "studies", "comparing", "reporting", "solving", "tables")
_PLACES = {  # where the other names are found
    "citing": ("cite",),
    "comparing": ("compare",),
    "contracts": ("IMPLIES", "PROPERTIES", "examine", "read_bids"),
    "data": (
        *("AllocationCase", "AssemblerCase", "TypeSpace", "correlation", "example", "examples"),
        *("import_case", "load", "monotonicity", "virtual_cost"),
    ),
    "data.errors": ("CertificateError", "InputError", "NotSolvedError", "VeridicalError"),
    "display": ("progress",),
    "families": ("MECHANISMS", "Mechanism", "add_kind"),
    "models.truthful": ("budget", "truthful"),
    "repeated": ("Repeated",),
    "solvers.closed_form.auction": ("auction",),
    "solvers.vcg": ("vcg",),
    "solving": ("audit", "build", "one_sided_derivatives", "solve"),
    "studies": ("choose_fees", "choose_k", "reproduce"),
    "studying": ("study",),
}


def __getattr__(name: str) -> Any:
    """Import a package or a name when it is first used."""
    if name in _PACKAGES:
        return _imported(name)
    if name == "__version__":
        return _imported("data.stamp").version()
    for module, names in _PLACES.items():
        if name in names:
            value = globals()[name] = getattr(_imported(module), name)
            return value
    from veridical.data.deprecated import moved

    return moved("veridical")(name)


def _imported(module: str) -> ModuleType:
    """Import a module of ours, and what it imports, without looking for garbage: there is none, and looking takes a while."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(f"veridical.{module}")
    finally:
        if collecting:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)


def _register() -> None:
    """Make Pyomo's SolverFactory know the embedded Ipopt as soon as this package is imported, at little cost.

    Pyomo would import scipy.stats, half a second, as soon as anybody imports scipy. It need not: scipy imports its own parts
    when they are used. Where Pyomo has another way of calling back, all that is lost is that half second.
    """
    try:
        from pyomo.common import dependencies
        from pyomo.opt import SolverFactory
    except ImportError:  # data and contracts are of use without Pyomo
        return
    finder = getattr(dependencies, "DeferredImportCallbackFinder", None)
    for indicator in getattr(finder, "_callbacks", {}).get("scipy", ()):
        if indicator._callback is getattr(dependencies, "_finalize_scipy", None):
            indicator._callback = None

    @SolverFactory.register("veridical_ipopt", doc="Ipopt from its wheel, with exact derivatives from Pyomo expressions")
    def embedded_ipopt(**options: Any) -> Any:
        return import_module("veridical.solvers.engines.ipopt_classic").EmbeddedIpopt(**options)


_register()
