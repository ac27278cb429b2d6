"""A case as a TOML file in which every field says what it is: by the descriptions of the records that case files are read as."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from veridical.data.case_record import SAVED, CaseRecord, plain
from veridical.data.errors import InputError
from veridical.data.record import Record

__all__ = ["commented"]

WIDTH = 80  # of a line, where its value has room
KIND = "the kind of case, which says how the rest is read"


def commented(case: CaseRecord, every: bool = False) -> tuple[str, dict[str, str]]:
    """Return a case as the text of a TOML file that is read back equal, and the files that it refers to, by their names.

    Parameters
    ----------
    case : CaseRecord
        A case of any kind.
    every : bool
        Whether keys that the case does without are there too, as comments.

    Returns
    -------
    str, dict of str to str
        Every key has a comment where it first stands; the files are the texts that `case.save` writes beside it.

    Raises
    ------
    InputError
        With the place of what no case file can hold.

    Examples
    --------
    >>> import veridical as vd
    >>> text, beside = commented(vd.example("two-suppliers"))
    >>> for line in text.partition("[demand]")[2].splitlines()[1:4]:
    ...     print(line)
    distribution = "uniform"  # the name of the distribution
    low = 200.0  # the least demand, units, >= 0
    high = 800.0  # the largest demand, units, above low
    """
    record, beside = case._as_files()
    return "\n".join(_table(record, (), every, set())).strip() + "\n", beside


def _table(record: Record, place: tuple[str, ...], every: bool, said: set[str]) -> Iterator[str]:
    """Yield the lines of a table, without its header: what is assigned first, then the tables within it.

    `said`: keys of which an earlier table of the same list has said what they are.
    """
    saved = {name: value for name, value in record._saved().items() if value is not None}
    fields = {name: field for name, field in type(record).model_fields.items() if name not in record.unwritten}
    inside = [name for name in fields if name in saved and _is_table(saved[name])]
    for name, field in fields.items():
        if name in inside or name not in (fields if every else saved):
            continue
        words = "" if name in said else _words(record, name)
        said.add(name)
        if name in saved:
            yield from _assigned(name, _written(plain(saved[name], name, {})), words)
        else:
            usual = "..." if field.default is None or not _is_plain(field.default) else _written(field.default)
            yield from (line if line.startswith("#") else f"#{line}" for line in _assigned(name, usual, words))
    for name in inside:
        yield from _within(record, name, saved[name], (*place, name), every)


def _within(record: Record, name: str, value: Any, place: tuple[str, ...], every: bool) -> Iterator[str]:
    """Yield a table, or a list of tables, with its headers."""
    header = "[[{}]]" if isinstance(value, tuple) else "[{}]"
    said: set[str] = set()
    for number, part in enumerate(value if isinstance(value, tuple) else (value,)):
        yield ""
        if isinstance(part, Record) and number == 0:
            yield from _comment(type(part).sentence())
        yield header.format(".".join(place))
        if isinstance(part, Record):
            yield from _table(part, place, every, said)
            continue
        words = record._comments(name, part)
        for key, each in part.items():
            yield from _assigned(key, _written(each), "" if key in said else words.get(key, ""))
        said.update(part)


def _is_table(value: Any) -> bool:
    """Return whether a value is a table with fields of its own, or a list of such; others are written on one line."""
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(part, Mapping) or _is_table(part) for part in value)
    return isinstance(value, Record) and set(value._saved()) <= type(value).model_fields.keys()


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float | tuple)


def _words(record: Record, name: str) -> str:
    """Return what a field is, in words."""
    described = type(record).model_fields[name].description
    if described is None and name == "kind":
        return KIND
    return described or (f"the name of the {name}" if record.registry is not None and name == record.registry.key else "")


def _assigned(key: str, value: str, words: str) -> Iterator[str]:
    """Yield a key with its value; what it is stands behind it where there is room, else above."""
    line = f"{_key(key)} = {value}"
    if words and "\n" not in line and len(line) + len(words) + 4 <= WIDTH:
        yield f"{line}  # {words}"
        return
    yield from _comment(words)
    yield line


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def _comment(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, WIDTH - 2, break_long_words=False, break_on_hyphens=False)]


def _written(value: Any) -> str:
    """Return a value as TOML has it: on one line, but for long lists, of which each entry has its own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        text = tomli_w.dumps({"k": value}).removeprefix("k = ").removesuffix("\n")
        return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in text)  # nothing drives a terminal
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_written(part)}' for key, part in value.items())} }}"
    if isinstance(value, list | tuple):
        parts = [_written(part) for part in value]
        whole = f"[{', '.join(parts)}]"
        nested = any(isinstance(part, list | tuple) for part in value)
        return whole if len(whole) <= WIDTH or not nested else "[\n" + "".join(f"    {part},\n" for part in parts) + "]"
    raise InputError.of("<value>", f"<{type(value).__name__}>", SAVED)
