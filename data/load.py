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

__all__ = ["KINDS", "Case", "Reader", "example", "examples", "load", "register_kind"]

Case = AssemblerCase | ContinuousCase | AllocationCase | JointPlanCase
HEAD = "case.toml"  # of a case that is a folder
Change = Callable[[dict[str, Any]], Mapping[str, Any]]
Reader = Callable[[Mapping[str, Any], str, Path], Any]
KINDS: dict[str, Reader] = {}


def register_kind(kind: str, read: Reader) -> None:
    """Have case files with this `kind` read by `read`, which is given the raw table, the file's name and its folder."""
    KINDS[kind] = read


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


def build(raw: Mapping[str, Any], file: str, folder: Path) -> Any:
    """Return the case that a raw table describes."""
    kind = raw.get("kind", "<nothing>")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError.of("kind", kind, f"one of {', '.join(KINDS)}", file)
    return KINDS[kind](raw, file, folder)


def _assembler(raw: Mapping[str, Any], file: str, folder: Path) -> AssemblerCase | ContinuousCase:
    """Suppliers with a `cost` have continuous costs, suppliers with `costs` finitely many."""
    suppliers = raw.get("suppliers")
    several = suppliers if isinstance(suppliers, list | tuple) else ()
    continuous = any(isinstance(supplier, Mapping) and "cost" in supplier for supplier in several)
    kind: type[AssemblerCase | ContinuousCase] = ContinuousCase if continuous else AssemblerCase
    return check(kind, {"name": Path(file).stem, **raw}, file, {"folder": folder})


def _allocation(raw: Mapping[str, Any], file: str, folder: Path) -> AllocationCase:
    return check(AllocationCase, {"name": Path(file).stem, **raw}, file, {"folder": folder})


def _joint_plan(raw: Mapping[str, Any], file: str, folder: Path) -> JointPlanCase:
    """Where case.toml gives no name, it is its folder's."""
    return joint_plan({"name": folder.resolve().name if file == HEAD else Path(file).stem, **raw}, file, folder)


register_kind("assembler", _assembler)
register_kind("allocation", _allocation)
register_kind("joint_plan", _joint_plan)


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
