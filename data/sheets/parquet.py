"""A table as a Parquet file: every digit kept; what columns are counted in stands beside them, as metadata."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from veridical.data.measures import Measures

if TYPE_CHECKING:
    from veridical.data.sheets.book import Book, Column

__all__ = ["parquet"]


def parquet(book: Book) -> bytes:
    """Return the first table of a book: columns as in CSV, with `unit` and `meaning` in the metadata of each."""
    sheet = book.first
    frame = sheet.flat.reset_index(allow_duplicates=True)
    names = [name for name, _ in sheet.described()]
    table = pa.Table.from_pandas(frame.set_axis(names, axis=1), preserve_index=False)
    fields = [
        field.with_metadata(_said(column, book.measures))
        for field, (_, column) in zip(table.schema, sheet.described(), strict=True)
    ]
    schema = pa.schema(fields, metadata={**(table.schema.metadata or {}), b"title": book.title.encode()})
    stream = BytesIO()
    pq.write_table(pa.Table.from_arrays(table.columns, schema=schema), stream)
    return stream.getvalue()


def _said(column: Column, measures: Measures) -> dict[str, str]:
    said = {"unit": column.unit(measures), "meaning": column.meaning}
    return {name: words for name, words in said.items() if words}
