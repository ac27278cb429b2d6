"""Docstrings: what they have to say, and that their examples run."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest

import veridical as vd
from generators import reference

PACKAGES = (
    *("veridical", "veridical.data", "veridical.data.joint_plan", "veridical.contracts", "veridical.models", "veridical.solvers"),
    "veridical.models.joint_plan",
    *("veridical.solvers.planners", "veridical.solvers.closed_form", "veridical.studies"),
)
BUILDERS = tuple(f"veridical.models.{name}" for name in ("assembler", "allocation", "joint_plan"))
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules() -> Iterator[ModuleType]:
    """Yield every module of the package."""
    yield vd
    for found in pkgutil.walk_packages(vd.__path__, "veridical."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def public() -> dict[str, FunctionType]:
    """Return the public functions: those that packages export, and what builds a mechanism's model."""
    functions: dict[str, FunctionType] = {}
    for name in PACKAGES:
        package = importlib.import_module(name)
        for exported in package.__all__:
            value = getattr(package, exported)
            if inspect.isfunction(value) and value.__module__.startswith("veridical"):
                functions[f"{value.__module__}.{value.__qualname__}"] = value
            if inspect.ismodule(value) and value.__name__.startswith(BUILDERS) and hasattr(value, "build"):
                functions[f"{value.__name__}.build"] = value.build
    return functions


@pytest.mark.parametrize("name", sorted(public()))
def test_public_functions_say_what_they_take_return_and_raise(name: str) -> None:
    function = public()[name]
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    wanted = ["Examples"] + ["Parameters"] * bool(signature.parameters) + ["Returns"] * (signature.return_annotation != "None")
    missing = [section for section in wanted if f"{section}\n{'-' * len(section)}" not in text]
    assert missing == []
    undescribed = [parameter for parameter in signature.parameters if parameter not in text]
    assert undescribed == []


@pytest.mark.parametrize("module", [module.__name__ for module in modules()])
def test_examples_in_docstrings_run(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module), optionflags=FLAGS)
    assert results.failed == 0


def test_every_public_object_has_an_example() -> None:
    without = []
    for package in reference.PACKAGES:
        for name, value in reference.objects(package).items():
            shown = value.build if inspect.ismodule(value) and hasattr(value, "build") else value
            described = inspect.ismodule(shown) or name in reference.CONSTANTS
            if not described and ">>> " not in (inspect.getdoc(shown) or ""):
                without.append(f"{package}.{name}")
    assert without == []


def test_every_constant_that_is_described_is_there() -> None:
    there = {name for package in reference.PACKAGES for name in reference.objects(package)}
    assert reference.CONSTANTS.keys() - there == set()
