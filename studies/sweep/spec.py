"""What a study is: cases, mechanisms, solvers, what is varied, and which columns the table has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.fields import Name, one_of
from veridical.data.record import Record, placed, wrong
from veridical.studies.sweep.axis import KEYS, Axis, axis, whole_at
from veridical.studies.sweep.columns import COLUMNS
from veridical.studies.sweep.outputs import Outputs

__all__ = ["DESIGNS", "StudySpec"]

DESIGNS = ("cross", "zip", "random")
OF_DESIGN = ("design", "seed", "draws")  # keys of [vary] that are no axes
# What a file has, as JSON schema: the record reads it.
SEVERAL = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "minItems": 1}]})
VARIED = WithJsonSchema(
    {
        "type": "object",
        "description": "a table for each field that is varied: from, to, points; or values; or random",
        "properties": {
            "design": {"enum": list(DESIGNS), "description": "how the values of several fields go together"},
            "seed": {"type": "integer", "minimum": 0, "description": "of what is drawn"},
            "draws": {"type": "integer", "minimum": 1, "description": "points of the design random"},
        },
        "additionalProperties": {"type": "object"},
    }
)
CASES = "a shipped case, a file, a folder, or a list of them"


def _several(value: Any) -> Any:
    """Return one or more values, of which one may stand alone."""
    several = list(value) if isinstance(value, list | tuple) else [value]
    if not several:
        raise wrong(value, "one or more")
    return several


def _axes(raw: Any) -> tuple[tuple[str, Axis], ...]:
    """Return the axes by name; names may be written in tables (`suppliers.panel.costs`) as well as in quotes."""
    if isinstance(raw, tuple):
        return raw
    if not isinstance(raw, Mapping):
        raise wrong(raw, "a table with an axis for each number or field that is varied")
    found: dict[str, Axis] = {}
    for name, table in _flat(raw, ""):
        try:
            one = axis(table)
        except PydanticCustomError as error:
            raise placed(error, name) from None
        if name in found:
            raise wrong(table, "every field once", name)
        found[name] = one
    return tuple(found.items())


def _flat(table: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{place}{key}"
        if isinstance(value, Mapping) and value and not value.keys() & set(KEYS) and any(map(_is_table, value.values())):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


class StudySpec(Record):
    """A study: every mechanism by every solver on every case, at every point of what is varied.

    `case`, `mechanisms` and `solver` are one or several; mechanisms and solvers are left out for the case's own. `vary` has an
    axis for each number or field, by the names that `--set` takes; `correlation` is one number between any two suppliers, and
    `mechanism.NAME.PARAMETER` is of that mechanism alone. `design` is `cross` (all with all), `zip` (the first of each, the
    second of each, ...) or `random` (`draws` points, drawn from the `seed`); in a file it stands under [vary]. `outputs.columns`
    names further columns.

    Examples
    --------
    >>> spec = StudySpec(case="two-suppliers", vary={"price": {"values": [30, 31]}, "design": "cross"})
    >>> list(spec.axes), spec.design
    (['price'], 'cross')
    """

    name: Name = "study"
    case: Annotated[tuple[Any, ...], BeforeValidator(_several), SEVERAL] = Field(description=CASES)
    mechanisms: Annotated[tuple[Any, ...], BeforeValidator(_several), SEVERAL] | None = None
    solver: Annotated[tuple[Any, ...], BeforeValidator(_several), SEVERAL] | None = None
    vary: Annotated[tuple[tuple[str, Axis], ...], BeforeValidator(_axes), VARIED] = ()
    design: Annotated[str, one_of(*DESIGNS)] = "cross"
    seed: Annotated[int, BeforeValidator(lambda value: whole_at(value, "", 0, 2**32 - 1))] = 0
    draws: Annotated[int, BeforeValidator(lambda value: whole_at(value, "", 1))] | None = None
    outputs: Outputs = Outputs()

    @model_validator(mode="before")
    @classmethod
    def _design(cls, raw: Any) -> Any:
        """Take the design out of [vary], where a file has it."""
        vary = raw.get("vary") if isinstance(raw, Mapping) else None
        if not isinstance(vary, Mapping):
            return raw
        of_design = {key: value for key, value in vary.items() if key in OF_DESIGN and not isinstance(value, Mapping)}
        for key, value in of_design.items():
            if key in raw:
                raise wrong(value, f"either here or beside [vary], where it is {raw[key]!r}", f"vary.{key}")
        return {**raw, "vary": {key: value for key, value in vary.items() if key not in of_design}, **of_design}

    @model_validator(mode="after")
    def _consistent(self) -> StudySpec:
        if self.draws is not None and self.design != "random":
            raise wrong(self.draws, 'none but with design = "random"', "draws")
        names = [name for name, _ in self.vary]
        for name in names:
            if any(other.startswith(f"{name}.") for other in names):
                raise wrong(name, "a field, or parts of it, and not both", f"vary.{name}")
            if name in COLUMNS:
                allowed = f"parts of it where it has any ({name}.KEY): a column of every table is called {name}"
                raise wrong(name, allowed, f"vary.{name}")
        return self

    @property
    def axes(self) -> dict[str, Axis]:
        """What is varied, by name."""
        return dict(self.vary)

    @property
    def further(self) -> tuple[str, ...]:
        """The columns that are asked for and are in the table for no other reason."""
        return tuple(name for name in self.outputs.columns if name not in COLUMNS and name not in self.axes)

    def vary_table(self) -> dict[str, Any]:
        """Return what is varied, and how, as plain values."""
        table: dict[str, Any] = {name: one.table() for name, one in self.vary} | {"design": self.design}
        if self.design == "random" or any("random" in one.table() for _, one in self.vary):
            table["seed"] = self.seed
        table |= {} if self.draws is None else {"draws": self.draws}
        plain: dict[str, Any] = json.loads(json.dumps(table))
        return plain
