"""The choice of a solver and its settings: a name, a table, or a TOML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, field_validator, model_validator

from veridical.data import files
from veridical.data.errors import InputError
from veridical.data.fields import Flag, Name, Positive, Record, check, whole, wrong
from veridical.models.expected_sales import FORMS

__all__ = ["SOLVER_NAME", "THREADS", "Configuration", "configure", "from_file"]

ACCEPTABLE = ("optimal", "local", "feasible", "incomplete")
SOLVER_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
# Options that name a file to read, to write or to load as a library: of HiGHS, Ipopt (which takes a prefix), SCIP and others.
OF_FILES = re.compile(r"(?<!pro)file|dump|(^|[./])(hsllib|pardisolib)$", re.IGNORECASE)
# Values for which Ipopt loads a library that it finds by itself when it runs, and crashes where there is none.
OF_LIBRARIES = re.compile("ma(27|28|57|77|86|97)|mc19|pardiso", re.IGNORECASE)
# Commands that solvers take for options: cbc (which takes their first letters), glpk, gurobi and knitro.
COMMANDS = (
    *("basisin", "basisout", "bas", "csvstatistics", "directory", "export", "gsolu", "import", "log", "mipstart", "output"),
    *("nextbestsolution", "outdir", "outname", "printmask", "ranges", "record", "restoremodel", "savemodel", "savesolution"),
    *("solution", "wcnf", "wcpxlp", "wfreemps", "wglp", "wlp", "wmps", "workdir", "writesolution", "xcheck"),
)
# Options that name another machine, which then has the case and, where it is a Dask scheduler, this program: Gurobi, Mosek, Dask.
OF_MACHINES = re.compile("^(scheduler$|cloud|csmanager|wls)|server|host|router|proxy|remote|url", re.IGNORECASE)
KNOWN = ("closed_form", "consensus", "highs", "ipopt")  # solvers whose options are known, all of them
THREADS = 1024  # that a solver is asked for at most: HiGHS starts all of them, and of a million for minutes
PLAIN = re.compile(r"((-(?=[\d.]))?[\w.+][\w.+-]*)?", re.ASCII)  # one word or number: no path, and no further option in it


class Configuration(Record):
    """A solver's name, the portable settings, and further options under the solver's own names.

    Examples
    --------
    >>> Configuration(solver="highs", time_limit=60).tolerance
    1e-08
    """

    solver: Name = Field(description="the name of a solver")
    time_limit: Positive | None = Field(default=None, description="seconds")
    tolerance: Positive = Field(default=1e-8, description="relative gap at which the search ends")
    threads: int | None = Field(default=None, description="of the processor, at most")
    starts: int = Field(default=1, description="of a local search, of which the best end is kept")
    form: str = Field(default="auto", description="how expected sales are written", json_schema_extra={"enum": ["auto", *FORMS]})
    # what is taken besides: `local` optima that are not proven, `feasible` points at a limit, and plans that are `incomplete`
    accept: str = Field(
        default="optimal", description="what is taken, besides what is optimal", json_schema_extra={"enum": list(ACCEPTABLE)}
    )
    allow_files: Flag = False  # whether options may name files to read and write: the caller's to say, no solver file's
    options: dict[str, Any] = Field(default_factory=dict, description="further ones, by the solver's own names")
    _file: str = PrivateAttr("solver")
    _folder: Path | None = PrivateAttr(None)  # of the file that the settings came from

    def error_for(self, field: str, value: object, allowed: str) -> InputError:
        """Return the error for a setting that a solver does not take; it names the file that the setting came from."""
        return InputError.of(field, value, allowed, self._file)

    def place(self, name: str) -> Path:
        """Return the path of a file that an option names: below the folder of the solver file, unless `allow_files`.

        In a table of the caller's own it is any. Raises InputError.
        """
        if self._folder is None and self._file == "solver":
            return Path(name)
        with files.outside_allowed(self.allow_files), files.inside(self._folder or Path(), name) as path:
            return path

    def with_options(self, **options: Any) -> Configuration:
        """Return the configuration with further options, of the same file; raises InputError."""
        changed = check(type(self), {**self._table(), "options": {**self.options, **options}}, self._file)
        changed._file, changed._folder = self._file, self._folder
        return changed

    @field_validator("solver")
    @classmethod
    def _solver(cls, value: str) -> str:
        if not SOLVER_NAME.fullmatch(value):
            raise wrong(value, "a solver by its name: letters, digits and _, no path and no program; a solver file ends in .toml")
        return value

    @model_validator(mode="after")
    def _no_files(self) -> Configuration:
        for name, value in self.options.items():
            if "executable" in str(name).lower():
                raise wrong(value, "no such option: programs are found by Pyomo, by the solver's name", f"options.{name}")
            if not self.allow_files and self._names_file(str(name), str(value)):
                allowed = "an option that names no file and no library, unless who calls, in Python, says allow_files=True"
                raise wrong(value, allowed, f"options.{name}")
        return self

    def _names_file(self, name: str, value: str) -> bool:
        """Whether an option may name a file or library; of solvers that are not ours also in a further one, behind a space."""
        if self.solver in KNOWN or OF_FILES.search(name):
            return bool(OF_FILES.search(name) or OF_LIBRARIES.fullmatch(value))
        command = name.lower().lstrip("-")
        is_plain = PLAIN.fullmatch(name.replace("/", "")) and PLAIN.fullmatch(value)
        return not is_plain or any(word.startswith(command) for word in COMMANDS)

    @field_validator("options", mode="before")
    @classmethod
    def _options(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            raise wrong(value, "a table of options under the solver's own names")
        return value

    @field_validator("threads", mode="before")
    @classmethod
    def _threads(cls, value: object) -> object:
        return None if value is None else whole(value, 1, THREADS)

    @field_validator("accept", mode="before")
    @classmethod
    def _accept(cls, value: object) -> object:
        if value not in ACCEPTABLE:
            raise wrong(value, f"one of {', '.join(ACCEPTABLE)}")
        return value

    @field_validator("starts", mode="before")
    @classmethod
    def _starts(cls, value: object) -> object:
        return whole(value, 1, 10_000)

    @field_validator("form", mode="before")
    @classmethod
    def _form(cls, value: object) -> object:
        if value not in ("auto", *FORMS):
            raise wrong(value, f"one of auto, {', '.join(FORMS)}")
        return value


def configure(solver: str | Path | Mapping[str, Any] | Configuration, *, allow_files: bool = False) -> Configuration:
    """Return the configuration that a name, a table or a TOML file describes.

    Parameters
    ----------
    solver
        A solver's name, a table of settings, the path of a TOML file, or a configuration, which is returned as it is.
    allow_files
        Whether options may name files that the solver reads or writes, and those in a TOML file other machines. A table may say
        so itself; a TOML file may not.

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
        return check(Configuration, {"allow_files": allow_files, **solver}, "solver")
    path = Path(solver)
    if path.suffix != ".toml":
        return check(Configuration, {"solver": str(solver)}, "solver")
    configuration = from_file(files.read_toml(path, "solver file"), path.name, allow_files=allow_files)
    configuration._folder = path.parent
    return configuration


def from_file(raw: Mapping[str, Any], file: str, *, allow_files: bool = False) -> Configuration:
    """Return the configuration that a table in a file describes: a file may say less than who calls.

    Raises InputError, with the file, for a table that says `allow_files`, and unless that is what the caller says, for options
    that name files or other machines.
    """
    if "allow_files" in raw:
        raise InputError.of("allow_files", raw["allow_files"], "no such key in a file: who calls says so, in Python", file)
    options = raw.get("options")
    for name, value in options.items() if isinstance(options, dict) and not allow_files else ():
        if OF_MACHINES.search(name):
            allowed = "an option that names no other machine, unless who calls, in Python, says allow_files=True or gives a table"
            raise InputError.of(f"options.{name}", value, allowed, file)
    configuration = check(Configuration, {**raw, "allow_files": allow_files}, file)
    configuration._file = file
    return configuration
