"""The choice of a solver and its settings: a name, a table, or a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, field_validator

from veridical.data.errors import InputError
from veridical.data.fields import Name, Positive, Record, check, whole, wrong
from veridical.models.expected_sales import FORMS

__all__ = ["Configuration", "configure"]

ACCEPTABLE = ("optimal", "local", "feasible")


class Configuration(Record):
    """A solver's name, the portable settings, and further options under the solver's own names."""

    solver: Name = Field(description="the name of a solver")
    time_limit: Positive | None = None  # seconds
    tolerance: Positive = 1e-8  # relative gap at which tangents stop
    threads: int | None = None
    starts: int = 1  # of a local search, of which the best end is kept
    form: str = "auto"
    accept: str = "optimal"  # what is taken besides: `local` optima that are not proven, and `feasible` points at a limit
    options: dict[str, Any] = Field(default_factory=dict)
    _file: str = PrivateAttr("solver")

    def error_for(self, field: str, value: object, allowed: str) -> InputError:
        """Return the error for a setting that a solver does not take; it names the file that the setting came from."""
        return InputError.of(field, value, allowed, self._file)

    @field_validator("options", mode="before")
    @classmethod
    def _options(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            raise wrong(value, "a table of options under the solver's own names")
        return value

    @field_validator("threads", mode="before")
    @classmethod
    def _threads(cls, value: object) -> object:
        return None if value is None else whole(value, 1)

    @field_validator("accept", mode="before")
    @classmethod
    def _accept(cls, value: object) -> object:
        if value not in ACCEPTABLE:
            raise wrong(value, f"one of {', '.join(ACCEPTABLE)}")
        return value

    @field_validator("starts", mode="before")
    @classmethod
    def _starts(cls, value: object) -> object:
        return whole(value, 1)

    @field_validator("form", mode="before")
    @classmethod
    def _form(cls, value: object) -> object:
        if value not in ("auto", *FORMS):
            raise wrong(value, f"one of auto, {', '.join(FORMS)}")
        return value


def configure(solver: str | Path | Mapping[str, Any] | Configuration) -> Configuration:
    """Return the configuration that a name, a table or a TOML file describes.

    Parameters
    ----------
    solver
        A solver's name, a table of settings, the path of a TOML file, or a configuration, which is returned as it is.

    Returns
    -------
    Configuration
        The solver's name, the portable settings, and the solver's own options.

    Raises
    ------
    InputError
        With the field, its value and what is allowed, and the file where there is one.

    Examples
    --------
    >>> configure({"solver": "ipopt", "options": {"max_iter": 50}}).options
    {'max_iter': 50}
    """
    if isinstance(solver, Configuration):
        return solver
    if isinstance(solver, Mapping):
        return check(Configuration, dict(solver), "solver")
    path = Path(solver)
    if path.suffix != ".toml":
        return check(Configuration, {"solver": str(solver)}, "solver")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError.of("<file>", str(path), f"a readable solver file ({error.strerror})", path.name) from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a whole number of thousands of digits, tables too deep
        raise InputError.of("<file>", str(path), f"text in the TOML format ({error})", path.name) from None
    configuration = check(Configuration, settings, path.name)
    configuration._file = path.name
    return configuration
