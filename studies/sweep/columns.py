"""The columns of a study's table: those that every study has, what is varied, and those that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHECKED", "COLUMNS", "SECONDS", "SOLVED", "VERSIONS", "schema", "worded"]

SOLVED = ("objective", "bound")
CHECKED = ("primal_residual", "dual_residual", "complementarity", "gap")  # of the certificate
SECONDS = ("build", "translate", "solve", "certify")
VERSIONS = {"veridical": "veridical", "pyomo": "Pyomo"}  # column, and distribution
COLUMNS = (
    *("row", "case", "mechanism", "solver", *SOLVED, "status", "certificate", *CHECKED, "audit", "exit_status", "reason"),
    *(f"seconds_{step}" for step in SECONDS),
    *("seconds", *VERSIONS, "python", "engine", "case_hash"),
)


def schema(varied: Mapping[str, Sequence[Any]], columns: tuple[str, ...]) -> pa.Schema:
    """Return the columns of the table and their types; `varied` has the values of each axis, as shown."""
    import pyarrow as pa

    types = dict.fromkeys(COLUMNS, pa.float64())
    words = (
        "case",
        "mechanism",
        "solver",
        "status",
        "certificate",
        "audit",
        "reason",
        *VERSIONS,
        "python",
        "engine",
        "case_hash",
    )
    types |= dict.fromkeys(words, pa.string()) | dict.fromkeys(("row", "exit_status"), pa.int64())
    kinds = {name: set(map(type, values)) for name, values in varied.items()}
    of_kind: list[tuple[set[Any], Any]] = [({bool}, pa.bool_()), ({int}, pa.int64()), ({int, float}, pa.float64())]
    axes = {name: next((kind for takes, kind in of_kind if found <= takes), pa.string()) for name, found in kinds.items()}
    first = ("row", "case", "mechanism", "solver")
    asked = dict.fromkeys(columns, pa.float64())
    head, rest = ({name: types[name] for name in COLUMNS if (name in first) is is_first} for is_first in (True, False))
    order = head | axes | {name: rest.pop(name) for name in ("objective", "bound", "status")} | asked | rest
    return pa.schema(list(order.items()))


def worded(name: str) -> str:
    """Return a column's name in words."""
    head, _, rest = name.partition(".")
    owner, _, parameter = rest.partition(".")
    name = f"{parameter} of {owner}" if head == "mechanism" and parameter else name
    return name.replace("_", " ").replace(":", " ")
