"""The base of everything that is a case or a part of one: an immutable record, validated on every way in.

A validator raises with the sentence that says what is allowed (`wrong`, `missing`), and `check` turns whatever pydantic
collected into one `InputError`, so that a message always names the field, the value found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from veridical.data.errors import FrozenError, InputError, Missing, Problem, shown

__all__ = ["Record", "check", "missing", "placed", "put", "wrong"]

# Fields of one table that exclude each other: a new value for the first takes the place of the others.
INSTEAD: Mapping[str, tuple[str, ...]] = {
    "capacity": ("capacity_cost",),
    "capacity_cost": ("capacity",),
    "joint": ("correlation",),
    "correlation": ("joint",),
    "types": ("prior",),
    "prior": ("types", "probabilities"),
    "file": ("values",),
    "reports": ("reported", "probabilities"),
    "probabilities": ("reports", "reported"),
    "products": ("price", "demand", "salvage", "shortage_penalty", "assembly_cost"),
}


def wrong(value: object, allowed: str, field: str = "") -> PydanticCustomError:
    """Return the error for a value that is not allowed; `field` is its place below the validated field."""
    return PydanticCustomError("not_allowed", "{allowed}", {"value": shown(value), "allowed": allowed, "field": field})


def missing(what: str, field: str) -> PydanticCustomError:
    """Return the error for a required key `field` that is not there; `what` says what it is for."""
    allowed = f"missing required key: {what}"
    return PydanticCustomError("missing_key", "{allowed}", {"value": "<nothing>", "allowed": allowed, "field": field})


def placed(error: PydanticCustomError, place: str) -> PydanticCustomError:
    """Return an error of `wrong` or `missing` as one of a field that stands in `place`, below the validated field."""
    context: dict[str, Any] = dict(error.context or {})
    inner = context["field"]
    field = place + (inner if inner.startswith("[") or not inner or not place else f".{inner}")
    return PydanticCustomError(error.type, "{allowed}", context | {"field": field})


class Record(BaseModel):
    """A table of a case: immutable, strict about its keys, validated however it is made.

    Whatever makes a record (the constructor, `changed`, `model_copy`, a copy, unpickling) starts from its fields alone and
    validates them: what was computed from the fields of another record (cached properties) never comes along. Parts that are
    records already are not validated again. Equality and hash depend on the fields only. Errors are `InputError`.

    Examples
    --------
    >>> from veridical.data import Uniform
    >>> demand = Uniform(low=100, high=900)
    >>> demand.changed(low=200)
    Uniform(distribution='uniform', low=200.0, high=900.0)
    >>> demand == Uniform(low=100.0, high=900.0)
    True
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    quiet: ClassVar[frozenset[str]] = frozenset()  # fields that a case file has only where they say something
    unwritten: ClassVar[frozenset[str]] = frozenset()  # fields that no case file has: what was read from a file that it names
    registry: ClassVar[Any] = None  # the Registry of the classes that may stand in this one's place, where there is one

    def __init__(self, /, **fields: Any) -> None:
        _validated(type(self), fields, self_instance=self)

    # pydantic: a part of a larger record is to be validated within it, not by a call of this constructor
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, *, context: Any = None, **options: Any) -> Self:
        """Return a table as a validated record; raises InputError."""
        return _validated(cls, obj, context=context, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return a table in JSON as a validated record; raises InputError."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise _input_error(error) from None

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of such a table in a case file, with what it is in a sentence."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for name in cls.unwritten:
            schema["properties"].pop(name, None)
        schema["description"] = cls.sentence()
        return schema

    @classmethod
    def sentence(cls) -> str:
        """Return what such a table is, in words: the first paragraph of the class's docstring."""
        return " ".join((cls.__doc__ or cls.__name__).split("\n\n")[0].split())

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override]
        """Return a validated record: there is no way around validation."""
        return cls(**values)

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, raw: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        if not isinstance(raw, Mapping):
            raise wrong(raw, f"a table with the keys {', '.join(cls.model_fields)}")
        for key in raw:
            if key not in cls.model_fields:
                raise wrong(raw[key], f"only the keys {', '.join(cls.model_fields)}", field=str(key))
        for key, field in cls.model_fields.items():
            if field.is_required() and key not in raw:
                raise missing(_asked(field), key)
        return raw

    def changed(self, /, **fields: Any) -> Self:
        """Return the record with other values of some fields, validated; None leaves a field out.

        Names with dots reach into parts, as `--set` does; lists of named tables are addressed by name or number:
        `case.changed(price=31, **{"demand.low": 50, "suppliers.panel.costs": [4, 10]})`. Of two fields that exclude each other
        the new one replaces the other. Raises InputError.
        """
        table = put(self._table(), fields)
        return check(type(self), {name: value for name, value in table.items() if value is not None})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with the fields of `update` changed as by `changed`; raises InputError."""
        return (deepcopy(self) if deep else self).changed(**(update or {}))

    def copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # type: ignore[override]
        """Return a copy as `model_copy` does."""
        return self.model_copy(update=update, deep=deep)

    def __copy__(self) -> Self:
        return self.changed()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return check(type(self), deepcopy(self._table(), memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return check, (type(self), self._table())

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise FrozenError.of(name, value, f"no assignment, as records are frozen: changed({name}=...) returns another record")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise FrozenError.of(name, "<deletion>", "no deletion, as records are frozen")

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal; what was computed from them and kept does not count."""
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in type(self).model_fields)

    def _table(self) -> dict[str, Any]:
        """Return the fields as the constructor takes them, without those left out."""
        given = ((name, getattr(self, name), field.default) for name, field in type(self).model_fields.items())
        return {name: value for name, value, default in given if value is not None or default is not None}

    def _saved(self) -> dict[str, Any]:
        """Return the fields as a case file has them."""
        fields = type(self).model_fields
        written = {name: value for name, value in self._table().items() if name not in self.unwritten}
        return {name: value for name, value in written.items() if name not in self.quiet or value != fields[name].default}

    def _comments(self, field: str, table: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what the keys of a plain table in a field are, in words."""
        return {}

    def _beside(self) -> dict[str, str]:
        """Return the files that a case file refers to in this table: text by name."""
        return {}


RecordT = TypeVar("RecordT", bound=Record)


def check(cls: type[RecordT], raw: object, file: str | None = None, context: dict[str, Any] | None = None) -> RecordT:
    """Return `raw` as a validated `cls`, or raise `InputError` with every problem found."""
    return _validated(cls, raw, file, context=context)


def put(here: Any, changes: Mapping[str, Any], said: str = "", place: str = "") -> Any:
    """Return a table, a list of tables or a record with values set: `price`, `demand.low`, `suppliers.panel.costs`.

    A table in a list is addressed by its name or number. Of two fields that exclude each other the new one replaces the other.
    `said` and `place` are what stands before the keys, as the caller wrote it and as messages of records show it.
    Raises InputError for a key that leads nowhere or has an empty part (`price.`), and for records that the changes would make
    invalid.
    """
    names = [_name_of(item) or str(k) for k, item in enumerate(here)] if isinstance(here, list | tuple) else []
    steps: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        step, rest = _first_step(key, names)
        if not step or key[len(step) :] == ".":
            raise InputError.of(f"{said}{key}" or "''", value, "names with one dot between them, and none before or after")
        steps.setdefault(step, {})[rest] = value
    if isinstance(here, Record):
        if here.registry is not None and here.registry.key in steps:  # perhaps another class's, which its owner will find
            return put(here._table(), changes, said, place)
        try:
            return here.changed(**changes)
        except InputError as error:
            raise error.within(place) from None
    if isinstance(here, list | tuple):
        items = list(here)
        for step, inside in steps.items():
            if "" in inside:
                raise InputError.of(f"{said}{step}", inside[""], "a field of a table, such as suppliers.NAME.costs")
            if step not in names and not (step.isdecimal() and int(step) < len(items)):
                raise InputError.of(f"{said}{step}.{next(iter(inside))}", step, f"one of {', '.join(names)}")
            k = names.index(step) if step in names else int(step)
            items[k] = put(items[k], inside, f"{said}{step}.", f"{place}[{k}]")
        return items
    if not isinstance(here, dict):
        key, value = next(iter(changes.items()))
        raise InputError.of(f"{said}{key}", value, "a field of the case, with dots between tables")
    table = dict(here)
    for step, inside in steps.items():
        for other in INSTEAD.get(step, ()):
            if other not in steps and inside.get("", step) is not None:
                table.pop(other, None)
        if "" in inside:
            table[step] = inside.pop("")
        if inside:
            part = {} if table.get(step) is None else table[step]
            table[step] = put(part, inside, f"{said}{step}.", f"{place}.{step}".removeprefix("."))
    return table


def _first_step(key: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the first step of a path and the rest of it; a name with dots in it, of those that there are, is one step."""
    met = [name for name in names if key == name or key.startswith(f"{name}.")]
    step = max(met, key=len) if met else key.partition(".")[0]
    return step, key[len(step) + 1 :]


def _asked(field: FieldInfo) -> str:
    """Return in words what a required field is to hold: its description, or what its own check says of a value of no kind."""
    if field.description:
        return field.description
    try:
        kind: Any = Annotated[field.annotation, field]  # as the field is read
        TypeAdapter(kind).validate_python(object())
    except ValidationError as error:
        problem = error.errors()[0]
        return str(problem.get("ctx", {}).get("allowed") or problem["msg"])
    return "any value"


def _name_of(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, dict) else getattr(item, "name", None)
    return None if name is None else str(name)


def _validated(cls: type[RecordT], raw: object, file: str | None = None, **options: Any) -> RecordT:
    try:
        record: RecordT = cls.__pydantic_validator__.validate_python(raw, **options)
    except ValidationError as error:
        raise _input_error(error, file) from None
    return record


def _input_error(error: ValidationError, file: str | None = None) -> InputError:
    """Return the InputError that says what pydantic collected."""
    problems: list[Problem] = []
    for item in error.errors():
        context = item.get("ctx", {})
        place = _place((*item["loc"], context.get("field", "")))
        inner = context.get("error")
        if isinstance(inner, InputError):  # raised by a validator, or by a record that it made
            problems += (inner.within(place) if place else inner).problems
            file = inner.file or file
            continue
        kind = Missing if item["type"] == "missing_key" else Problem
        value, allowed = context.get("value") or shown(item["input"]), context.get("allowed") or item["msg"]
        problems.append(kind(place or "<file>", value, allowed))
    return InputError(*problems, file=file)


def _place(steps: tuple[int | str, ...]) -> str:
    """Return where a field stands, as in `suppliers[0].costs`."""

    def parts() -> Iterator[str]:
        for step in steps:
            if step != "":
                yield f"[{step}]" if isinstance(step, int) else step if step.startswith("[") else f".{step}"

    return "".join(parts()).removeprefix(".")
