"""Where cases come from: TOML files, and the ones that are shipped."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from veridical.data.allocation import AllocationCase
from veridical.data.assembler import AssemblerCase
from veridical.data.continuous_case import ContinuousCase
from veridical.data.errors import InputError
from veridical.data.fields import check
from veridical.data.joint_plan import JointPlanCase
from veridical.data.joint_plan import build as joint_plan

__all__ = ["Case", "example", "examples", "load"]

Case = AssemblerCase | ContinuousCase | AllocationCase | JointPlanCase
KINDS = ("assembler", "allocation", "joint_plan")
HEAD = "case.toml"  # of a case that is a folder
Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def load(path: str | Path, change: Change | None = None) -> Any:
    """Read and validate a case file, or the folder of one; the case's type is its kind's.

    `change`, where given, takes the raw table of the file and returns the one to use in its place.
    Raises InputError with file, field, value and what is allowed.
    """
    path = Path(path)
    path = path / HEAD if path.is_dir() else path
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of("<file>", str(path), f"a readable case file ({error.strerror})", path.name) from None
    except UnicodeDecodeError as error:
        raise InputError.of("<file>", str(path), f"UTF-8 text in the TOML format ({error})", path.name) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError.of("<file>", str(path), f"text in the TOML format ({error})", path.name) from None
    return build(change(raw) if change else raw, path.name, path.parent)


def build(raw: Mapping[str, Any], file: str, folder: Path) -> Case:
    """Return the case that a raw table describes; its name is the file's, or the folder's, where it gives none.

    Suppliers with a `cost` have continuous costs, suppliers with `costs` finitely many.
    """
    kind = raw.get("kind", "<nothing>")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError.of("kind", kind, f"one of {', '.join(KINDS)}", file)
    own = folder.resolve().name if kind == "joint_plan" and file == HEAD else Path(file).stem
    named, context = {"name": own, **raw}, {"folder": folder}
    if kind == "joint_plan":
        return joint_plan(named, file, folder)
    if kind == "allocation":
        return check(AllocationCase, named, file, context)
    suppliers = raw.get("suppliers")
    if isinstance(suppliers, list | tuple) and any(
        isinstance(supplier, Mapping) and "cost" in supplier for supplier in suppliers
    ):
        return check(ContinuousCase, named, file, context)
    return check(AssemblerCase, named, file, context)


def examples() -> tuple[str, ...]:
    """Return the names of the shipped cases."""
    found = (path for path in _shipped().iterdir() if path.name.endswith(".toml") or (path / HEAD).is_file())
    return tuple(sorted(path.name.removesuffix(".toml") for path in found))


def example(name: str, change: Change | None = None) -> Any:
    """Return a shipped case by its name."""
    if name not in examples():
        raise InputError.of("example", name, f"one of {', '.join(examples())}")
    path = Path(str(_shipped())) / name
    return load(path if path.is_dir() else path.with_name(f"{name}.toml"), change)


def _shipped() -> Any:
    return files("veridical.data") / "cases"
