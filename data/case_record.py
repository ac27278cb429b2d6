"""What every kind of case is: a record with a kind and a name that can be changed and saved."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import Field, model_validator

from veridical.data import case_card, files
from veridical.data.cards import Card, Shown
from veridical.data.errors import InputError
from veridical.data.fields import Name, Text
from veridical.data.measures import refuse_rounding
from veridical.data.record import Record

__all__ = [
    "CURRENCY",
    "HEAD",
    "NAMED",
    "SAVED",
    "TEXT",
    "UNIT",
    "CaseRecord",
    "counted",
    "hashed",
    "plain",
    "spelled",
    "write_files",
]

HEAD = "case.toml"  # of a case that is a folder
NAMED, TEXT = "text; the file's name, or the folder's, where it is left out", "text: what the case is, in a sentence"
SAVED = "to save a case, text, numbers, true or false, and tables of them"
CURRENCY, UNIT = 'what money is in, as "EUR": how results are said', 'what quantities are counted in, as "pieces"'


class CaseRecord(Shown, Record):
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
    name: Text = Field(default="", description=NAMED)
    description: Text = Field(default="", description=TEXT)
    currency: Name | None = Field(default=None, description=CURRENCY)
    unit: Name | None = Field(default=None, description=UNIT)

    @model_validator(mode="before")
    @classmethod
    def _rounded(cls, raw: Any) -> Any:
        return refuse_rounding(cls, raw)

    def _line(self) -> str:
        return case_card.line(self)

    def _card(self) -> Card:
        return case_card.card(self)

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
        try:
            _, beside = self._as_files()
            write_files(path.parent, {**beside, path.name: tomli_w.dumps(plain(self, "", {}))})
        except InputError as error:
            raise InputError(*error.problems, file=self.name or None) from None
        return path

    def _as_files(self) -> tuple[Record, dict[str, str]]:
        """Return what the case's TOML file holds, and the texts of the files that it refers to; raises InputError as `save`."""
        beside: dict[str, str] = {}
        plain(self, "", beside)
        return self, beside

    @property
    def in_short(self) -> str:
        """How large the case is, in words."""
        return ""


def hashed(case: Any) -> str:
    """Return what tells a case from others: 16 hexadecimal digits of the SHA-256 of all its fields, however it is shown."""
    return sha256(spelled(case).encode()).hexdigest()[:16]


def spelled(value: Any) -> str:
    """Return all fields of a record as one text, which is another for another value of any of them."""
    if isinstance(value, Record):
        fields = ((name, getattr(value, name)) for name in type(value).model_fields)
        return f"{type(value).__name__}({', '.join(f'{name}={spelled(part)}' for name, part in fields)})"
    if type(value) is tuple:
        parts = [spelled(part) for part in value]
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    return repr(value)


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
    raise InputError.of(place, f"<{type(value).__name__}>", SAVED)


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number of things in words.

    >>> counted(1, "week"), counted(1200, "party", "parties")
    ('1 week', '1,200 parties')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder, made where it is not there: each whole or not at all, in order.

    Raises InputError where that cannot be done; names lead nowhere outside the folder.
    """
    for name in texts:
        if Path(name).anchor or ".." in Path(name).parts:
            raise InputError.of("<file>", name, "a name below the folder of the case")
        files.make_folder((folder / name).parent)
    files.write({folder / name: text for name, text in texts.items()})
