"""`case.toml` of a joint plan: its weeks, its parties with their roles and single numbers, the mechanism's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from veridical.data.fields import Flag, Name, Positive, Text, is_name, listed, number
from veridical.data.joint_plan.at_home import HOME
from veridical.data.joint_plan.case import Parameters
from veridical.data.joint_plan.party import ROLES
from veridical.data.joint_plan.shared import Weeks
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
            raise wrong(value, f"for a {role.role} only the keys {', '.join((*fields, *scalars))}", key)
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


PartyTable = Annotated[dict[str, Any], BeforeValidator(_party)]


class Head(Record):
    """What case.toml holds. `parties`: the name and role of each, and the scalars of its role, which are checked here,
    or in their place `record = "home"`.
    """

    kind: Literal["joint_plan"] = "joint_plan"
    name: Text = ""
    description: Text = ""
    currency: Name | None = None
    unit: Name | None = None
    weeks: Weeks
    truckload: Flag = False
    truck_volume: Positive = 80.0
    mechanism: Parameters = Parameters()
    parties: Annotated[tuple[PartyTable, ...], listed("two or more [[parties]] tables", 2)] = Field(
        description="two or more [[parties]] tables, each with name and role"
    )

    @model_validator(mode="before")
    @classmethod
    def _rounded(cls, raw: Any) -> Any:
        return refuse_rounding(cls, raw)
