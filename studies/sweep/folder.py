"""The folder of a study: what it is (`study.json`), what is finished (`parts/*.parquet`), and in the end the table (`study.csv`).

Every file is written whole or not at all, so that whatever ends the program, it goes on after the last part.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veridical.data import csv_file, files
from veridical.data.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from veridical.studies.sweep.rows import Row

__all__ = ["CSV", "MANIFEST", "PARTS", "Folder", "opened"]

MANIFEST, PARTS, CSV = "study.json", "parts", "study.csv"


class Folder:
    """A study's folder, of which one run at a time writes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema

    def write(self, rows: list[Row]) -> None:
        """Write rows as a part, which has the number of the first of them."""
        import pyarrow as pa
        from pyarrow import parquet

        stream = BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows, self.schema), stream)
        files.write({self.path / PARTS / f"part-{rows[0]['row']:07d}.parquet": stream.getvalue()})

    def read(self) -> list[Row]:
        """Return the rows that are finished; raises InputError for a part that is not as it was written."""
        import pyarrow as pa
        from pyarrow import parquet

        rows: list[Row] = []
        for file in sorted((self.path / PARTS).glob("part-*.parquet")):
            try:
                part = parquet.read_table(file)
                is_whole = part.schema.equals(self.schema)
            except (pa.ArrowException, OSError, ValueError):
                is_whole = False
            if not is_whole:
                allowed = "a part as it was written; without the file its rows are found again"
                raise InputError.of("<file>", "<a damaged file>", allowed, str(file))
            rows += part.to_pylist()
        return rows

    def finish(self, table: pd.DataFrame) -> None:
        """Write the table."""
        import pandas as pd

        words = table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]
        said = table.assign(**{name: table[name].fillna("") for name in words})  # an empty cell, and not the word nan
        csv_file.write(said.set_index(table.columns[0]), self.path / CSV)


@contextmanager
def opened(path: str | Path, manifest: Mapping[str, Any], schema: pa.Schema, resume: bool) -> Iterator[Folder]:
    """Have a folder for one run alone meanwhile: a new or empty one, or with `resume` that of the same study.

    Raises InputError for another one, and names what differs. A new one is left as it was found where the study is refused
    before any row of it is kept: the next, mended one goes there.
    """
    was_there = Path(path).exists()
    folder = files.make_folder(path, "out")
    with files.locked(folder, "out"):
        file = folder / MANIFEST
        is_begun = file.exists()
        if is_begun:
            if not resume:
                allowed = "a folder without a study; to go on with the one in it, resume (--resume)"
                raise InputError.of("out", str(folder), allowed)
            _same(file, manifest)
        elif not all(_left_behind(one) for one in folder.iterdir()):
            raise InputError.of("out", str(folder), "a new or an empty folder, or that of a study with resume (--resume)")
        else:
            files.write({file: json.dumps(manifest, indent=1, allow_nan=False) + "\n"})
        files.make_folder(folder / PARTS, "out")
        try:
            yield Folder(folder, schema)
        except InputError:
            if not is_begun and not any((folder / PARTS).iterdir()):
                (folder / PARTS).rmdir()
                file.unlink()
                if not was_there:
                    folder.rmdir()
            raise


def _left_behind(path: Path) -> bool:
    """Whether a file is what a process that was killed while it wrote has left."""
    return path.name.startswith(".") and path.name.endswith(files.PART)


def _same(file: Path, manifest: Mapping[str, Any]) -> None:
    """Raise InputError where a folder was begun with another study."""
    try:
        begun = json.loads(files.read(file, "study", "JSON"))
    except (ValueError, RecursionError):
        raise InputError.of("<file>", "<a damaged file>", "a study as it was written", str(file)) from None
    before, now = _flat(begun), _flat(json.loads(json.dumps(manifest)))
    for one in (before, now):
        one.pop("veridical", None)  # rows say which version found them
    other = "; another study needs another folder"
    problems = [
        Problem(key, _shown(now, key), f"{_shown(before, key)}, with which the study in the folder was begun{other}")
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]
    if problems:
        raise InputError(*problems, file=str(file))


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    """Return what stands at each place of nested tables; lists stay whole."""
    if not isinstance(value, dict):
        return {place: value}
    return {
        key: part for name, inner in value.items() for key, part in _flat(inner, f"{place}.{name}" if place else name).items()
    }


def _shown(flat: Mapping[str, Any], key: str) -> str:
    return json.dumps(flat[key]) if key in flat else "<nothing>"
