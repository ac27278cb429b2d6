"""What rounds need beside the package, and what to install where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needed"]

EXTRAS = {
    "web": ("cryptography", "fastapi", "jinja2", "markupsafe", "sqlalchemy", "starlette", "uvicorn"),
    "postgresql": ("psycopg", "psycopg2"),
    "network": ("cryptography", "websockets"),
}


@contextmanager
def needed(purpose: str, extra: str = "web") -> Iterator[None]:
    """Raise InputError for a package that is imported meanwhile and is not installed: it says what to install.

    `extra`: the one that is named where several have the package.

    Examples
    --------
    >>> with needed("veridical serve"):
    ...     raise ModuleNotFoundError(name="fastapi")
    Traceback (most recent call last):
    ...
    veridical.data.errors.InputError: veridical serve: got <fastapi is not installed>; allowed: after pip...
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        for name in (extra, *EXTRAS):
            if package in EXTRAS[name]:
                from veridical.data.errors import InputError  # loaded when it is needed: `--help` is not to wait

                allowed = f'after pip install "veridical[{name}]", which brings {package}'
                raise InputError.of(purpose, f"<{package} is not installed>", allowed) from None
        raise
