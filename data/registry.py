"""Classes that case files call by a name: demands by their distribution, revenues by their form, parties by their role.

A class of your own is known to case files once it is registered, however late; so is one in an installed package that names it
as an entry point (`[project.entry-points."veridical.demands"]`, `beta = "package.module:Beta"`), which is loaded the first
time a case file asks for that name.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoints, entry_points
from typing import Any, Generic, TypeVar, cast

from pydantic import BeforeValidator, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from veridical.data.errors import InputError
from veridical.data.record import Record, missing, wrong

__all__ = ["Registry"]

RecordT = TypeVar("RecordT", bound=Record)
OwnT = TypeVar("OwnT", bound=Record)


class Registry(dict[str, type[RecordT]], Generic[RecordT]):
    """Subclasses of `base` by name, which a table gives in its field `key`. `group`: of the entry points that add classes."""

    def __init__(self, base: Any, key: str, group: str | None = None) -> None:
        super().__init__()
        self.base, self.key, self.group = base, key, group
        base.registry = self

    def name_of(self, cls: type[Record]) -> str:
        """Return the name by which case files call a class: the default of the field `key`, or the class's attribute."""
        field = cls.model_fields.get(self.key)
        return str(getattr(cls, self.key, "") if field is None else field.default)

    def register(self, cls: type[OwnT]) -> type[OwnT]:
        """Make a class known to case files, in place of one of the same name; may be used as a decorator.

        Raises InputError for a class that is not a subclass of the base, or that lacks a name or a method.

        Examples
        --------
        >>> from typing import Literal
        >>> import veridical as vd
        >>> from veridical.data import Uniform, register_demand
        >>> from veridical.data.demand import DEMANDS
        >>> fields = {"__annotations__": {"distribution": Literal["weekly"]}, "distribution": "weekly"}
        >>> Weekly = register_demand(type("Weekly", (Uniform,), fields))        # a class statement takes `@register_demand`
        >>> case = vd.example("two-suppliers").changed(demand={"distribution": "weekly", "low": 100, "high": 300})
        >>> case.demand.expectation
        200.0
        >>> del DEMANDS["weekly"]
        """
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise InputError.of(self.key, cls, f"a subclass of {self.base.__name__}")
        field = cls.model_fields.get(self.key)
        if not isinstance(getattr(cls, self.key, None) if field is None else field.default, str):
            raise InputError.of(f"{cls.__name__}.{self.key}", "<no name>", "the name that case files use, as a default")
        if cls.__abstractmethods__:
            lacking = ", ".join(sorted(cls.__abstractmethods__))
            raise InputError.of(cls.__name__, f"<no {lacking}>", f"a class with all methods of {self.base.__name__}")
        self[self.name_of(cls)] = cast(type[RecordT], cls)
        return cls

    @property
    def reader(self) -> BeforeValidator:
        """The validator of fields that are a table of one of the classes; its JSON schema has those that there are by then."""
        return _Reader(self.read, registry=self)

    def known(self) -> dict[str, type[RecordT]]:
        """Return the classes by name, those of installed packages among them; warns of those that cannot be used."""
        found: dict[str, type[RecordT]] = {}
        for name in self.names():
            try:
                cls = self.find(name)
            except InputError as error:  # what a package does wrong must not be in the way of the others
                warnings.warn(str(error), UserWarning, stacklevel=2)
                continue
            found |= {} if cls is None else {name: cls}
        return found

    def find(self, name: object) -> type[RecordT] | None:
        """Return the class of that name, looked for among the entry points where it is not registered; None where there is none.

        Raises InputError for an entry point that cannot be imported, or holds something else than a class of that name.
        """
        if not isinstance(name, str):
            return None
        if name not in self:
            for point in self._entry_points().select(name=name):
                try:
                    cls = point.load()
                except Exception as error:  # whatever another package may raise when it is imported
                    reason = f"{type(error).__name__}: {error}"
                    raise InputError.of(self.key, name, f"an entry point that can be loaded: {point.value} ({reason})") from error
                if self.name_of(self.register(cls)) != name:
                    raise InputError.of(self.key, name, f"the name of {point.value}: {self.name_of(cls)}")
        return self.get(name)

    def allowed(self) -> str:
        """Return the known names in words."""
        return f"one of {', '.join(self.names())}"

    def names(self) -> list[str]:
        """Return the names of registered classes and of entry points."""
        return list(dict.fromkeys([*self, *sorted(self._entry_points().names)]))

    def read(self, raw: Any, info: ValidationInfo) -> Any:
        """Return a table as a validated record of the class that it names: a validator of fields."""
        if isinstance(raw, self.base):
            return raw
        if not isinstance(raw, Mapping):
            raise wrong(raw, f"a table with the key {self.key}, {self.allowed()}")
        if self.key not in raw:
            raise missing(self.allowed(), self.key)
        cls = self.find(raw[self.key])
        if cls is None:
            raise wrong(raw[self.key], self.allowed(), self.key)
        return cls.__pydantic_validator__.validate_python(raw, context=info.context)

    def _entry_points(self) -> EntryPoints:
        return EntryPoints() if self.group is None else entry_points(group=self.group)


@dataclass(frozen=True, eq=False)
class _Reader(BeforeValidator):
    """What `Registry.reader` returns."""

    registry: Any = None

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        tables = []
        for cls in self.registry.known().values():
            table = cls.__get_pydantic_json_schema__(cls.__pydantic_core_schema__, handler)
            tables.append({**table, "required": [self.registry.key, *table.get("required", ())]})  # by which one tells them apart
        return {"oneOf": tables}
