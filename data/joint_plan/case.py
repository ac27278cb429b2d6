"""A joint plan's world: what is shared, each party's private record, the parameters of the mechanism, a committed baseline."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from veridical.data.cards import Card, Table
from veridical.data.case_card import said, title, word
from veridical.data.case_record import CaseRecord, counted
from veridical.data.errors import InputError
from veridical.data.fields import (
    POSITIVE,
    NonNegative,
    NonNegativeInt,
    Numbers,
    Positive,
    finite,
    one_of,
    reads,
    several,
    whole,
)
from veridical.data.joint_plan.at_home import AtHome
from veridical.data.joint_plan.party import ROLES, Party
from veridical.data.joint_plan.shared import Shared
from veridical.data.joint_plan.tables import BASELINE, head_of, tables_of, write
from veridical.data.joint_plan.values import Values
from veridical.data.lazy import pd
from veridical.data.limits import DRAWS
from veridical.data.record import Record, check, wrong

__all__ = ["JointPlanCase", "Parameters", "Part"]

HERE = 'a record in the case; or solver = "consensus" with workers = "network", or with agents=..., which ask at home'


CORE_POINT = 'of `core`: the gains in the core nearest to Clarke\'s, `"nearest"`, or the `"bidder_optimal"` ones nearest to them'
REDISTRIBUTION = 'under `vcg` with receivers who are agents, of what the operator collects: `"none"` or `"cavallo"`'


def _redistribution(value: object) -> object:
    """Return the name of a redistribution that there is; raise ValueError for another, and for one of another setting."""
    if value in ("none", "cavallo"):
        return value
    if value == "guo_conitzer":
        of = "its coefficients are of ranked bids for identical units of which each party wants one: no joint plan is that"
        raise wrong(value, f"none, cavallo; {of}")
    raise wrong(value, "one of none, cavallo")


class Parameters(Record):
    """The mechanism's parameters, fixed before anybody reports; currency, m3, units.

    pivot: what a supplier's transfer is counted from: `clarke`, the least cost of all with him at the baseline, or `baseline`,
    all at the baseline. activity_fee: per m3 by which the plan differs from the baseline. participation_fee: lump sum of every
    participating supplier. core_point: which gains `core` chooses of those in the core: `nearest` to Clarke's, or the
    `bidder_optimal` ones, whose sum is the largest, that are nearest to Clarke's. redistribution: of what an operator collects,
    under `vcg` with receivers who are agents: `none`, or `cavallo`. receivers: `claimants`, to whom the budget is left, and who
    are taken at their word; or `agents` of the mechanism like the suppliers, and the budget is the operator's: this takes a
    committed baseline. share: of the savings that `split_savings` leaves to the suppliers. cost_factors, draws, seed: the prior
    of `agv`, and under `redistribution` what a party may report: each supplier's costs are those of his committed record times
    one of the factors, all as likely, independently; where there are too many profiles to visit all, so many are drawn.
    tie_break: currency per unit squared; half of it times the sum of squares is what the baseline adds to the receivers' own
    cost, so that exactly one plan is theirs: of nearly equal ones the evenest.

    Examples
    --------
    >>> Parameters(activity_fee=3).pivot
    'clarke'
    """

    pivot: Annotated[str, one_of("baseline", "clarke")] = Field(
        default="clarke", description='what transfers are counted from: `"clarke"` or `"baseline"`'
    )
    activity_fee: NonNegative = Field(default=0.0, description="currency per m3 by which the plan differs from the baseline")
    participation_fee: NonNegative = Field(default=0.0, description="currency, of every supplier who takes part")
    core_point: Annotated[str, one_of("nearest", "bidder_optimal")] = Field(default="nearest", description=CORE_POINT)
    redistribution: Annotated[str, reads(_redistribution, enum=["none", "cavallo"])] = Field(
        default="none", description=REDISTRIBUTION
    )
    receivers: Annotated[str, one_of("claimants", "agents")] = Field(
        default="claimants", description='to whom the budget is left, `"claimants"`; or `"agents"` of the mechanism'
    )
    share: Annotated[float, finite("a number from 0 to 1", lambda x: 0 <= x <= 1, minimum=0, maximum=1)] = Field(
        default=0.5, description="of the savings that `split_savings` leaves to suppliers, 0 to 1"
    )
    cost_factors: Annotated[Numbers, several("numbers > 0", lambda x: x > 0, items=POSITIVE)] = Field(
        default=(0.9, 1.0, 1.1), description="of `agv`: by what costs may differ from the record"
    )
    draws: Annotated[int, reads(lambda value: whole(value, 1, DRAWS), minimum=1, maximum=DRAWS)] = Field(
        default=32, description="of `agv`: profiles drawn where there are too many"
    )
    seed: NonNegativeInt = Field(default=0, description="of the draws")
    tie_break: Positive = Field(default=1e-3, description="currency per unit squared: of nearly equal baselines the evenest")


def _orders(value: object) -> object:
    """Return units by flow from a Series; whatever else it is, as it is."""
    return dict(value.items()) if isinstance(value, pd.Series) else value


AnyParty = Annotated[Party, SerializeAsAny(), ROLES.reader]


class Part(Record):
    """What one party holds: its own record, and of what is shared its own routes. All that its agent is ever given.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> part = case.part("Alder")                                      # nobody else's record is in it
    >>> part.record.role, len(part.shared.flows)
    ('vendor', 2)
    """

    record: AnyParty
    shared: Shared


class JointPlanCase(CaseRecord):
    """Parties that share a plan over `shared.flows`; every flow is one supplier's and one receiver's.

    `baseline`: units of every flow, in the order that the receivers have committed to, as purchase orders are; where there are
    none, whoever solves the case computes them from the receivers' records. Raises InputError where flows and parties do not
    match, a record lacks a number that its share needs, or the baseline lacks a flow.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> case.names, len(case.shared.flows)
    (('retailer', 'Alder'), 2)
    >>> case.changed(pivot="baseline").mechanism.pivot
    'baseline'
    """

    kind: Literal["joint_plan"] = "joint_plan"
    shared: Shared = Field(description="weeks, products, sites and routes")
    parties: tuple[AnyParty, ...] = Field(description="the parties' records")
    mechanism: Parameters = Parameters()
    baseline: Annotated[Values | None, BeforeValidator(_orders)] = Field(default=None, description="committed units, by flow")

    @model_validator(mode="after")
    def _consistent(self) -> JointPlanCase:
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise InputError.of("parties", twice, "names that no two parties share", self.name)
        sides = {party.name: party.side for party in self.parties}
        for route in self.shared.routes:
            for side, name in (("supplier", route.supplier), ("receiver", route.receiver)):
                if sides.get(name) != side:
                    allowed = f"the name of a {side}: {', '.join(n for n, s in sides.items() if s == side)}"
                    raise InputError.of(f"flows, {side}", name, allowed, self.name)
        if len({route[:4] for route in self.shared.routes}) < len(self.shared.routes):
            raise InputError.of("flows", "<a combination that is there twice>", "one row a combination", self.name)
        for party in self.parties:
            for attribute, column, key in party.missing(self.levels(party.name)):
                where = ", ".join(f"{name} {part}" for name, part in zip(column.keys, key, strict=True))
                allowed = f"a row for {party.name}, {where} ({column.header})"
                raise InputError.of(f"{party.name}.{attribute}", "<nothing>", allowed, column.file)
        self._check_baseline()
        return self

    def _check_baseline(self) -> None:
        """Raise InputError where the committed baseline is not one number of units >= 0 for each of the flows."""
        if self.baseline is None:
            return
        flows = dict.fromkeys(self.shared.flows)
        for flow, units in self.baseline.items():
            where = ", ".join(map(str, flow)) if isinstance(flow, tuple) else flow
            if flow not in flows:
                raise InputError.of("baseline", where, "a flow of the case: supplier, receiver, site, product, week", BASELINE)
            if not 0 <= units < math.inf:
                raise InputError.of(f"baseline, {where}", units, "a finite number >= 0, units", BASELINE)
        for flow in flows:
            if flow not in self.baseline:
                raise InputError.of("baseline", "<nothing>", f"a row for {', '.join(map(str, flow))}, 0 units too", BASELINE)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parties' names, in order."""
        return tuple(party.name for party in self.parties)

    @property
    def suppliers(self) -> tuple[str, ...]:
        """Names of the parties that deliver: those to whom transfers are made."""
        return tuple(party.name for party in self.parties if party.side == "supplier")

    @property
    def receivers(self) -> tuple[str, ...]:
        """Names of the parties that receive; the baseline is their plan."""
        return tuple(party.name for party in self.parties if party.side == "receiver")

    @property
    def at_home(self) -> tuple[str, ...]:
        """Names of the parties whose records are kept at home: nothing of them is here, and their agents are asked."""
        return tuple(party.name for party in self.parties if isinstance(party, AtHome))

    def _counts(self) -> list[tuple[int, str]]:
        shared = self.shared
        sizes = {"suppliers": self.suppliers, "receivers": self.receivers, "sites": shared.sites, "products": shared.products}
        sizes |= {"weeks": shared.weeks, "flows": shared.flows}
        return [(len(parts), word(name, len(parts))) for name, parts in sizes.items()]

    def _line(self) -> str:
        return f"{self.name!r}: {', '.join(f'{count:,} {what}' for count, what in self._counts())}"

    def _card(self) -> Card:
        orders = "computed from what the receivers report" if self.baseline is None else "committed to by the receivers"
        figures = [(what, f"{count:,}") for count, what in self._counts()]
        figures += [("baseline", orders), ("mechanism", said(self.mechanism))]
        figures += [(what, value) for what, value in (("currency", self.currency), ("unit", self.unit)) if value]
        routes = Counter(name for route in self.shared.routes for name in route[:2])
        flows = {name: f"{routes[name] * len(self.shared.weeks):,}" for name in self.names}
        rows = [[party.name, party.role, party.side, flows[party.name]] for party in self.parties]
        parties = Table("parties", ["party", "role", "side", "flows"], rows, frozenset({0, 1, 2}))
        return Card(title(self), figures, [parties], [self.description] if self.description else [])

    def party(self, name: str) -> Any:
        """Return a party's record, or what stands for one that is kept at home; raises InputError for another name."""
        for party in self.parties:
            if party.name == name:
                return party
        raise InputError.of("party", name, f"one of {', '.join(self.names)}", self.name)

    def part(self, name: str) -> Part:
        """Return what a party's own process is given: its record and its own flows, and nothing of anybody else.

        Raises InputError for a party whose record is kept at home.
        """
        record = self.party(name)
        if isinstance(record, AtHome):
            raise record.error_for(f"{HERE}: without its record nobody else can tell what a plan costs {name}")
        return Part(record=record, shared=self.shared.of(name))

    def levels(self, name: str) -> Mapping[str, tuple[Any, ...]]:
        """Return the sites, products and weeks of a party's flows."""
        shared = self.shared.of(name)
        return {"site": shared.sites, "product": tuple(shared.products), "week": shared.weeks}

    def reporting(self, name: str, record: Party) -> JointPlanCase:
        """Return the case in which a party hands over another record than its own: a misreport."""
        if type(record) is not type(self.party(name)) or record.name != name:
            raise InputError.of("record", f"<the {record.role} {record.name}>", f"a record of {name}", self.name)
        return self.changed(parties=tuple(record if party.name == name else party for party in self.parties))

    def changed(self, /, **fields: Any) -> Self:
        """Return the case with other values of some fields, validated; names with dots reach into parts, as `--set` does.

        Fields of what is shared and of the mechanism go by their plain names too: `changed(truckload=True, pivot="clarke")`.
        Raises InputError.
        """
        full = {}
        for key, value in fields.items():
            owners: dict[str, type[Record]] = {"": type(self), "shared.": Shared, "mechanism.": Parameters}
            owner = next((name for name, cls in owners.items() if key.split(".")[0] in cls.model_fields), None)
            if owner is None:
                raise InputError.of(key, value, "a field of the case, of what is shared or of the mechanism", self.name)
            full[f"{owner}{key}"] = value
        return super().changed(**full)

    def save(self, path: str | Path) -> Path:
        """Write the case as a folder that `load` reads back equal, and return the path of its case.toml.

        `path` is the folder, or the TOML file in it. Files are written whole or not at all. Raises InputError.
        """
        return write(self, path)

    def _as_files(self) -> tuple[Record, dict[str, str]]:
        from veridical.data.joint_plan.head import Head

        return check(Head, tomllib.loads(head_of(self))), tables_of(self)

    @property
    def in_short(self) -> str:
        """How many parties, weeks and flows."""
        weeks, flows = counted(len(self.shared.weeks), "week"), counted(len(self.shared.flows), "flow")
        return f"{counted(len(self.parties), 'party', 'parties')}, {weeks}, {flows}"

    def since(self, week: int) -> JointPlanCase:
        """Return the rest of the horizon, from `week` on; stocks stay as they are (see `carried` in the models)."""
        weeks = tuple(later for later in self.shared.weeks if later >= week)
        if not weeks:
            raise InputError.of("week", week, f"a week up to {self.shared.weeks[-1]}", self.name)
        orders = None if self.baseline is None else {flow: units for flow, units in self.baseline.items() if flow[-1] in weeks}
        return self.changed(weeks=weeks, parties=tuple(party.since(week) for party in self.parties), baseline=orders)
