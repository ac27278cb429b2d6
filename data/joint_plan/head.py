"""`case.toml` of a joint plan: its weeks, its parties with their roles and single numbers, the mechanism's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from veridical.data.case_record import CURRENCY, NAMED, TEXT, UNIT
from veridical.data.fields import Flag, Name, Positive, Text, is_name, listed, number, reads
from veridical.data.joint_plan.at_home import HOME
from veridical.data.joint_plan.case import Parameters
from veridical.data.joint_plan.party import ROLES
from veridical.data.joint_plan.shared import TRUCK, WHOLE_TRUCKS, Weeks
from veridical.data.measures import refuse_rounding
from veridical.data.record import Record, missing, wrong

__all__ = ["Head"]


def _party(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise wrong(raw, "a table with the keys name and role")
    for key in ("name", "role"):
        if key not in raw:
            raise missing("text on one line", key)
        if not isinstance(raw[key], str) or (key == "name" and not is_name(raw[key])):
            raise wrong(raw[key], "text on one line", key)
    role = ROLES.find(raw["role"])
    if role is None:
        raise wrong(raw["role"], ROLES.allowed(), "role")
    fields = {"name": raw["name"], "role": raw["role"]}
    if "record" in raw:
        return _at_home(raw, fields)
    scalars = role.scalars()
    for key, value in raw.items():
        if key in scalars:
            fields[key] = number(value, f"a finite number >= 0 ({scalars[key].header})", lambda x: x >= 0, field=key)
        elif key not in fields:
            raise wrong(value, f"for a {role.role} only the keys {', '.join(dict.fromkeys(('name', 'role', *scalars)))}", key)
    for key, column in scalars.items():
        if key not in fields and not column.optional:
            raise missing(f"a finite number >= 0 ({column.header})", key)
    return fields


def _at_home(raw: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the table of a party whose record is kept at home, which has no other keys."""
    if raw["record"] != HOME:
        allowed = f"{HOME}, for a party whose record is not in the case; else left out"
        raise wrong(raw["record"], allowed, "record")
    for key, value in raw.items():
        if key not in (*fields, "record"):
            raise wrong(value, f"beside record = {HOME} only the keys {', '.join(fields)}", key)
    return {**fields, "record": HOME}


def _schema() -> dict[str, Any]:
    """Return the schema of a party's table: of each role its own numbers."""
    name = {"type": "string", "minLength": 1, "description": NAME}
    tables = []
    for role, cls in ROLES.known().items():
        scalars = cls.scalars()
        numbers = {key: {"type": "number", "minimum": 0, "description": column.header} for key, column in scalars.items()}
        wanted = ["name", "role", *(key for key, column in scalars.items() if not column.optional)]
        of_role = {"name": name, "role": {"enum": [role], "description": (cls.__doc__ or role).splitlines()[0]}, **numbers}
        tables.append({"type": "object", "properties": of_role, "required": wanted, "additionalProperties": False})
    at_home = {"name": name, "role": {"enum": list(ROLES.known())}, "record": {"const": HOME, "description": KEPT}}
    tables.append({"type": "object", "properties": at_home, "required": [*at_home], "additionalProperties": False})
    return {"oneOf": tables}


KEPT = "where the record is: with its party, in a folder of its own (`veridical split`)"
NAME, ROLE = "the party's name: text on one line that no other party has", "who the party is: what it decides and knows"
PartyTable = Annotated[dict[str, Any], reads(_party, exactly=_schema)]


class Head(Record):
    """What case.toml holds. `parties`: the name and role of each, and the scalars of its role, which are checked here,
    or in their place `record = "home"`.
    """

    kind: Literal["joint_plan"] = "joint_plan"
    name: Text = Field(default="", description=NAMED)
    description: Text = Field(default="", description=TEXT)
    currency: Name | None = Field(default=None, description=CURRENCY)
    unit: Name | None = Field(default=None, description=UNIT)
    weeks: Weeks
    truckload: Flag = Field(default=False, description=WHOLE_TRUCKS)
    truck_volume: Positive = Field(default=80.0, description=TRUCK)
    mechanism: Parameters = Field(default=Parameters(), description="the table [mechanism]: its parameters")
    parties: Annotated[tuple[PartyTable, ...], listed("two or more [[parties]] tables", 2)] = Field(
        description="two or more [[parties]] tables, each with name and role"
    )

    def _saved(self) -> dict[str, Any]:
        return {**super()._saved(), **({"weeks": len(self.weeks)} if self.weeks[0] == 1 else {})}

    def _comments(self, field: str, table: Mapping[str, Any]) -> Mapping[str, str]:
        scalars = {key: column.header for key, column in ROLES[table["role"]].scalars().items()}
        return {"name": NAME, "role": ROLE, **scalars} if field == "parties" else {}

    @model_validator(mode="before")
    @classmethod
    def _rounded(cls, raw: Any) -> Any:
        return refuse_rounding(cls, raw)
