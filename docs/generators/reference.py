"""The reference: a page for each package, with every public object, from its docstring."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from generators import put

__all__ = ["PACKAGES", "objects", "write"]

PACKAGES = {  # public packages, the most used first, with a line each
    "veridical": "The calls that most users need: load, solve, compare, audit, study.",
    "veridical.data": "Cases and their parts: what is known before anything is decided.",
    "veridical.data.demand": "Distributions of demand.",
    "veridical.data.joint_plan": "Joint plans: parties, flows, tables, synthetic cases.",
    "veridical.contracts": "What is promised, and whether it holds: menus, allotments, settlements, properties, audits.",
    "veridical.models": "Mechanisms as Pyomo models: each module has a function `build`.",
    "veridical.models.allocation": "Models of capacity allocation, and revenue of your own.",
    "veridical.models.joint_plan": "Models of joint plans, and blocks of roles of your own.",
    "veridical.solvers": "Solvers, settings, solutions, certificates.",
    "veridical.solvers.closed_form": "Formulas that solve a case without a model.",
    "veridical.solvers.planners": "Joint plans made by one model of all parties.",
    "veridical.solvers.consensus": "Joint plans made by agents who keep their tables to themselves.",
    "veridical.families": "Kinds of cases and their mechanisms.",
    "veridical.studies": "Choosing k, choosing fees, published tables.",
    "veridical.studies.sweep": "Many solves, one table.",
    "veridical.studies.pilot": "A joint plan week by week.",
}
CONSTANTS = {  # public names that are neither functions nor classes: what each is
    "IMPLIES": "Pairs of properties: whatever has the first has the second.",
    "MECHANISMS": "All mechanisms by name, of every kind of case.",
    "PROPERTIES": "All properties by name. Each is called with an outcome and returns a `PropertyResult`.",
    "ENGINES": "The solvers that are built in, by name.",
    "FAMILIES": "The kinds of cases by their record.",
    "RESERVED": "Names that no parameter of a mechanism may have.",
    "REPRODUCTIONS": "What of the papers can be recomputed, by name.",
    "LONG": "Those of `REPRODUCTIONS` that run only where they are named.",
    "DEMANDS": "The distributions of demand that case files know, by name.",
    "ROLES": "The roles of parties that case files know, by name.",
    "DECLARATIONS": "The blocks of the roles, by role.",
    "LEVELS": "The names of the levels of a flow: supplier, receiver, site, product, week.",
    "COST": "Marks a column as a private cost.",
    "CAPACITY": "Marks a column as a capacity.",
    "NEED": "Marks a column as something that is needed.",
    "STATE": "Marks a column as what there is at the beginning.",
    "POINTS": "How many points stand for a range of types where nobody says it.",
    "Name": "Field type: non-empty text on one line.",
    "NonNegative": "Field type: a finite number >= 0.",
    "Positive": "Field type: a finite number > 0.",
    "Numbers": "Field type: one or more numbers.",
    "AnyDemand": "Field type: any registered demand.",
}


def objects(package: str) -> dict[str, Any]:
    """Return the public objects of a package by name."""
    module = importlib.import_module(package)
    return {name: getattr(module, name) for name in module.__all__}


def write(folder: Path) -> None:
    """Write a page for each package, and the list of them."""
    documented: dict[int, str] = {}
    for package, about in PACKAGES.items():
        put(folder / f"{package}.md", page(package, about, documented))
    rows = "\n".join(f"| [`{package}`]({package}.md) | {about} |" for package, about in PACKAGES.items())
    pages = "\n".join(PACKAGES)
    put(
        folder / "index.md",
        "# API reference\n\nEvery public object with its docstring. The examples in them are run by the tests.\n\n"
        f"| package | what is in it |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n",
    )


def page(package: str, about: str, documented: dict[int, str]) -> str:
    """Return the page of a package; what stands on an earlier page is linked to."""
    elsewhere, constants, modules, blocks = [], [], [], []
    for name, value in sorted(objects(package).items(), key=lambda item: inspect.isclass(item[1])):  # functions first
        full = f"{package}.{name}"
        if isinstance(value, ModuleType):
            modules.append((name, value))
        elif not (inspect.isclass(value) or inspect.isroutine(value)) or name in CONSTANTS:
            constants.append(f"| `{name}` | {CONSTANTS[name]} |")
        elif id(value) in documented:
            elsewhere.append(f"{{py:obj}}`{name} <{documented[id(value)]}>`")
        else:
            documented[id(value)] = full
            blocks.append(directive("class" if inspect.isclass(value) else "function", full))
    for name, module in modules:
        if hasattr(module, "build") and inspect.isfunction(module.build) and id(module.build) not in documented:
            documented[id(module.build)] = f"{package}.{name}.build"
            blocks.append(directive("function", f"{package}.{name}.build"))
    parts = [f"# `{package}`", about]
    links = [f"[`{module.__name__}`]({module.__name__}.md)" for _, module in modules if module.__name__ in PACKAGES]
    parts += [f"Packages: {', '.join(links)}."] if links else []
    parts += [f"On other pages: {', '.join(elsewhere)}."] if elsewhere else []
    parts += blocks
    parts += ["## Constants\n\n| name | what it is |\n|---|---|\n" + "\n".join(constants)] if constants else []
    return "\n\n".join(parts) + "\n"


def directive(kind: str, name: str) -> str:
    """Return the directive that shows an object."""
    options = "   :members:\n" if kind == "class" else ""
    heading = name.split(".")[-2] + ".build" if name.endswith(".build") else name.rsplit(".", 1)[1]
    return f"## `{heading}`\n\n```{{eval-rst}}\n.. auto{kind}:: {name}\n{options}```"
