"""Cases from the tables that people have: supplier quotes, sales, retailers and their types, in frames or in files.

Modules: `table` (rows under a header, wherever it stands, each named as its program calls it), `figures` (numbers in them, as
people write these), `quotes` (suppliers from quotes), `retailers` (groups of retailers from types), `cases` (the cases).

Nothing is guessed: what cannot be read in one way alone is an InputError that names file, row and column, the value and what is
allowed. All that is wrong with a table is said at once.
"""

from veridical.data.importing.cases import import_case

__all__ = ["import_case"]
