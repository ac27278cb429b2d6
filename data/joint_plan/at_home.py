"""A party whose record is kept at home: the case knows its name and its role, and which of its records is meant, by numbers."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from pydantic import Field, field_validator

from veridical.data.errors import InputError
from veridical.data.fields import NonNegativeInt
from veridical.data.joint_plan.party import ROLES, Party
from veridical.data.record import wrong

__all__ = ["HOME", "AtHome"]

HOME = "home"  # what case.toml says of the record of such a party


class AtHome(Party):
    """A party of which nothing is here but its name and role; whoever needs its record is refused, or asks its agent.

    Its agent knows several records by numbers that say nothing to anybody else. state: of the stocks and the like with which a
    world goes on, in a rolling run, the number that its agent was given for them; None: as in its folder. week: from which on it
    looks ahead, with the needs that are known by then; None: all weeks. lie: the number of a misreport of its own; 0: the truth.

    Examples
    --------
    >>> AtHome(name="Alder", role="vendor").side
    'supplier'
    """

    role: str = Field(description="the name of a role")  # type: ignore[misc]  # of a record the class's, here it is all there is
    state: NonNegativeInt | None = None
    week: NonNegativeInt | None = None
    lie: NonNegativeInt = 0

    @field_validator("role")
    @classmethod
    def _known(cls, value: str) -> str:
        if ROLES.find(value) is None:
            raise wrong(value, ROLES.allowed())
        return value

    @property
    def side(self) -> str:  # type: ignore[override]
        """The end of its flows on which the party stands, as its role says: supplier or receiver."""
        return ROLES[self.role].side

    def scaled(self, what: Any, factor: float, **where: Any) -> NoReturn:
        """Raise InputError: figures that are not here cannot be multiplied."""
        raise self.error_for("a record in the case, whose figures can be changed: that is needed here")

    def revealed(self, week: int) -> Self:
        """Return what stands for the record when the needs up to `week` are known."""
        return self.changed(week=week)

    def error_for(self, allowed: str) -> InputError:
        """Return the error for somebody who needs the record."""
        return InputError.of(f"{self.name}.record", HOME, allowed)
