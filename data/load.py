"""Where cases come from: TOML files, and the ones that are shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, overload

from veridical.data import files, installed
from veridical.data.allocation import AllocationCase
from veridical.data.assembler import AssemblerCase
from veridical.data.case_record import HEAD
from veridical.data.continuous_case import ContinuousCase
from veridical.data.errors import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.data.joint_plan import build as joint_plan
from veridical.data.joint_plan.head import Head
from veridical.data.record import Record, check

__all__ = ["KINDS", "Case", "Kind", "example", "examples", "kind_of", "load", "place_of", "register_kind"]

Case = AssemblerCase | ContinuousCase | AllocationCase | JointPlanCase
AssemblerName = Literal["electronics", "motor-controllers", "two-suppliers", "two-suppliers-correlated", "unbalanced-smallest"]
ContinuousName = Literal["continuous-pair", "continuous-pair-correlated"]
AllocationName = Literal["flat-panels", "five-retailers", "two-retailers"]
JointPlanName = Literal["carriers", "marketplace", "pilot"]
Change = Callable[[dict[str, Any]], Mapping[str, Any]]
Reader = Callable[[Mapping[str, Any], str, Path], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of case: how the raw table of a file of that kind becomes a case, and the keys that the table may have.

    `records`: what such a table is read as, one or several alternatives, where it is known.
    """

    read: Reader
    keys: tuple[str, ...] = ()
    records: tuple[type[Record], ...] = ()


KINDS: dict[str, Kind] = {}


def register_kind(kind: str, read: Reader, keys: Iterable[str] = (), records: Iterable[type[Record]] = ()) -> None:
    """Make a kind of case known to `load`.

    Parameters
    ----------
    kind
        What case files of this kind say: `kind = "..."`.
    read
        Called with the raw table, the file's name and its folder; returns the case or raises InputError.
    keys
        The keys that such a table may have: what `--set` takes for a field of the case.
    records
        The records that such a table is read as, from which its JSON schema is made; none where there is none.

    Examples
    --------
    >>> register_kind("auction", lambda raw, file, folder: dict(raw), ("reserve",))
    >>> KINDS.pop("auction").keys
    ('reserve',)
    """
    KINDS[kind] = Kind(read, tuple(keys), tuple(records))


def load(path: str | Path, change: Change | None = None, *, allow_files: bool = False) -> Any:
    """Read and validate a case file, or the folder of one; the case's type is its kind's.

    Parameters
    ----------
    path : str or Path
        The TOML file, or the folder with its `case.toml`.
    change : callable, optional
        Takes the raw table of the file and returns the one to use in its place.
    allow_files : bool
        Whether the case may name files outside its own folder, as a sample of demand. By default absolute paths, `..` and links
        that lead outside are refused, so that nothing is read but what came with the case.

    Returns
    -------
    AssemblerCase, ContinuousCase, AllocationCase, JointPlanCase or what a registered kind returns
        The case.

    Raises
    ------
    InputError
        With file, field, value and what is allowed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = example("two-suppliers").save(f"{folder}/case.toml")
    ...     load(path).names
    ('panel', 'battery')
    """
    path = Path(path)
    named = files.inside(path, HEAD) if path.is_dir() else nullcontext(path)  # what the caller names may be anywhere
    with files.outside_allowed(allow_files), named as path:
        raw = files.read_toml(path, "case file")
        return build(change(raw) if change else raw, path.name, path.parent)


def build(raw: Mapping[str, Any], file: str, folder: Path) -> Any:
    """Return the case that a raw table describes; its name is the file's, or the folder's, where it gives none."""
    if "kind" not in raw:
        raise InputError.missing("kind", f"one of {', '.join(KINDS)}", file)
    return kind_of(raw["kind"], file).read(raw, file, folder)


def kind_of(name: object, file: str | None = None) -> Kind:
    """Return a kind of case, looked for among installed packages where it is not known; raises InputError for no kind."""
    if isinstance(name, str) and name not in KINDS:
        installed.load()
    if not isinstance(name, str) or name not in KINDS:
        raise InputError.of("kind", name, f"one of {', '.join(KINDS)}", file)
    return KINDS[name]


def _assembler(raw: Mapping[str, Any], file: str, folder: Path) -> AssemblerCase | ContinuousCase:
    """Return an assembler's case: suppliers with a `cost` have continuous costs, suppliers with `costs` finitely many."""
    suppliers = raw.get("suppliers")
    given = suppliers if isinstance(suppliers, list | tuple) else ()
    continuous = any(isinstance(supplier, Mapping) and "cost" in supplier for supplier in given)
    named, context = {"name": Path(file).stem, **raw}, {"folder": folder}
    return check(ContinuousCase, named, file, context) if continuous else check(AssemblerCase, named, file, context)


def _allocation(raw: Mapping[str, Any], file: str, folder: Path) -> AllocationCase:
    return check(AllocationCase, {"name": Path(file).stem, **raw}, file, {"folder": folder})


def _joint_plan(raw: Mapping[str, Any], file: str, folder: Path) -> JointPlanCase:
    name = folder.resolve().name if file == HEAD else Path(file).stem
    return joint_plan({"name": name, **raw}, file, folder)


register_kind("assembler", _assembler, AssemblerCase.model_fields, (AssemblerCase, ContinuousCase))
register_kind("allocation", _allocation, AllocationCase.model_fields, (AllocationCase,))
register_kind("joint_plan", _joint_plan, Head.model_fields, (Head,))


def examples() -> tuple[str, ...]:
    """Return the names of the shipped cases.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "two-suppliers" in examples()
    True
    """
    cases = (path for path in _shipped().iterdir() if path.name.endswith(".toml") or (path / HEAD).is_file())
    return tuple(sorted(path.name.removesuffix(".toml") for path in cases))


@overload
def example(name: AssemblerName, change: None = None) -> AssemblerCase: ...
@overload
def example(name: ContinuousName, change: None = None) -> ContinuousCase: ...
@overload
def example(name: AllocationName, change: None = None) -> AllocationCase: ...
@overload
def example(name: JointPlanName, change: None = None) -> JointPlanCase: ...
@overload
def example(name: str, change: Change | None = None) -> Any: ...
def example(name: str, change: Change | None = None) -> Any:
    """Return a shipped case by its name.

    Parameters
    ----------
    name : str
        One of `examples()`.
    change : callable, optional
        Takes the raw table of the file and returns the one to use in its place.

    Returns
    -------
    AssemblerCase, ContinuousCase, AllocationCase or JointPlanCase
        The case.

    Raises
    ------
    InputError
        For another name.

    Examples
    --------
    >>> example("two-suppliers").names
    ('panel', 'battery')
    """
    return load(place_of(name), change)


def place_of(name: str) -> Path:
    """Return where a shipped case is: a file, or a folder. Raises InputError for a name of none."""
    if name not in examples():
        raise InputError.of("example", name, f"one of {', '.join(examples())}")
    path = Path(str(_shipped())) / name
    return path if path.is_dir() else path.with_name(f"{name}.toml")


def _shipped() -> Any:
    return resources.files("veridical.data") / "cases"
