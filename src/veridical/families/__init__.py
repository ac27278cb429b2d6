"""Kinds of cases, a file each: mechanisms, the routes by which they are computed, comparisons, tables, pictures, audits.

Modules: `family` (what a kind is made of), `registry` (which there are, and which fit a case), `routes` (steps that the routes
share), `own` (kinds of the user's own), and the kinds. Another kind is one more file that holds a FAMILY, and its name in the
line below.
"""

from importlib import import_module

from veridical.families.family import Family, Mechanism, Number, Parameter, Route, Task, always
from veridical.families.own import add_kind
from veridical.families.registry import (
    FAMILIES,
    MECHANISMS,
    RESERVED,
    candidates,
    family_of,
    find,
    fitting,
    load_installed,
    register,
    resolve,
    unregister,
)

__all__ = ["Family", "Mechanism", "Number", "Parameter", "Route", "Task", "add_kind", "always"]
__all__ += ["FAMILIES", "MECHANISMS", "RESERVED", "candidates", "family_of", "find", "fitting", "load_installed", "register"]
__all__ += ["resolve", "unregister"]

for _name in ("assembler", "allocation", "joint_plan", "continuous"):
    register(import_module(f"{__name__}.{_name}").FAMILY)
