"""What every kind of case is: a record with a kind and a name that can be changed and saved."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import model_validator

from veridical.data import files
from veridical.data.errors import InputError
from veridical.data.fields import Name, Text
from veridical.data.measures import refuse_rounding
from veridical.data.record import Record

__all__ = ["HEAD", "CaseRecord", "hashed", "plain", "write_files"]

HEAD = "case.toml"  # of a case that is a folder


class CaseRecord(Record):
    """A case: what is known before anything is decided.

    `currency` and `unit`: how money and quantities are called wherever results are said; they change no number.

    Examples
    --------
    >>> import tempfile
    >>> import veridical as vd
    >>> case = vd.example("two-suppliers").changed(price=31)
    >>> path = case.save(tempfile.mkdtemp() + "/dearer.toml")
    >>> vd.load(path) == case
    True
    """

    kind: str
    name: Text = ""
    description: Text = ""
    currency: Name | None = None
    unit: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _rounded(cls, raw: Any) -> Any:
        return refuse_rounding(cls, raw)

    def changed(self, /, **fields: Any) -> Self:
        """Return the case with other values of some fields, validated; None leaves a field out.

        Names with dots reach into parts, as `--set` does; lists of named tables are addressed by name or number. Of two fields
        that exclude each other the new one replaces the other. Raises InputError.
        """
        try:
            return super().changed(**fields)
        except InputError as error:
            raise InputError(*error.problems, file=error.file or self.name or None) from None

    def save(self, path: str | Path) -> Path:
        """Write the case as a file that `load` reads back equal, and return its path; in a folder it is `case.toml`.

        What the file refers to (a sample of demand) is written beside it. Files are written whole or not at all.
        Raises InputError for a part that no file can hold (a revenue that is the user's own Python): nothing is written then.
        """
        path = Path(path)
        path = path / HEAD if path.is_dir() else path
        beside: dict[str, str] = {}
        try:
            text = tomli_w.dumps(plain(self, "", beside))
            write_files(path.parent, {**beside, path.name: text})
        except InputError as error:
            raise InputError(*error.problems, file=self.name or None) from None
        return path


def hashed(case: Any) -> str:
    """Return what tells a case from others: 16 hexadecimal digits of the SHA-256 of all its fields."""
    return sha256(repr(case).encode()).hexdigest()[:16]


def plain(value: Any, place: str, beside: dict[str, str]) -> Any:
    """Return a record or a part of one as TOML has it; files that it refers to are added to `beside`.

    Raises InputError with the place of what no case file can hold.
    """
    if isinstance(value, Record):
        registry = value.registry
        if registry is not None and registry.find(registry.name_of(type(value))) is not type(value):
            allowed = f"to save a case, {registry.allowed()}, or a class that is registered"
            raise InputError.of(place, f"<{type(value).__name__}>", allowed)
        beside.update(value._beside())
        inside = f"{place}." if place else ""
        return {key: plain(part, f"{inside}{key}", beside) for key, part in value._saved().items() if part is not None}
    if isinstance(value, dict):
        return {key: plain(part, f"{place}.{key}", beside) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, f"{place}[{k}]", beside) for k, part in enumerate(value)]
    if isinstance(value, str | bool | int | float):
        return value
    raise InputError.of(place, f"<{type(value).__name__}>", "to save a case, text, numbers, true or false, and tables of them")


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder, made where it is not there: each whole or not at all, in order.

    Raises InputError where that cannot be done; names lead nowhere outside the folder.
    """
    for name in texts:
        if Path(name).anchor or ".." in Path(name).parts:
            raise InputError.of("<file>", name, "a name below the folder of the case")
        files.make_folder((folder / name).parent)
    files.write({folder / name: text for name, text in texts.items()})
