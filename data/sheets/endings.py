"""The endings that decide what a table is written as, or read as."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from veridical.data.errors import InputError

__all__ = ["CSV", "ENDINGS", "PARQUET", "XLSX", "ending"]

CSV, XLSX, PARQUET = ENDINGS = (".csv", ".xlsx", ".parquet")


def ending(path: str | Path, field: str = "<file>", among: tuple[str, ...] = ENDINGS) -> str:
    """Return the ending of a file's name, in small letters.

    Parameters
    ----------
    path : str or Path
        The file, which need not be there.
    field : str
        What the caller named the file by.
    among : tuple of str
        The endings that are allowed.

    Returns
    -------
    str
        One of them.

    Raises
    ------
    InputError
        For another ending, and for `.xlsx` where the package for it is not installed: it says which.

    Examples
    --------
    >>> ending("Menu.CSV")
    '.csv'
    >>> ending("menu.xls", "--menu")
    Traceback (most recent call last):
    ...
    veridical.data.errors.InputError: --menu: got 'menu.xls'; allowed: a file whose name ends in .csv, .xlsx, .parquet
    """
    found = Path(path).suffix.lower()
    if found not in among:
        raise InputError.of(field, Path(path).name, f"a file whose name ends in {', '.join(among)}")
    if found == XLSX and find_spec("openpyxl") is None:
        others = ", ".join(one for one in among if one != XLSX) or "nothing else"
        raise InputError.of(
            field, str(path), f'{others}; .xlsx after: pip install "veridical[excel]" (openpyxl is not installed)'
        )
    return found
