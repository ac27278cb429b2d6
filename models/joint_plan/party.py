"""One party: what its role declares, its own model, in which nothing of anybody else occurs, and several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, Part, Party
from veridical.models.info import MechanismModel, describe, info_of
from veridical.models.joint_plan import carrier, retailer, shipper, vendor
from veridical.models.joint_plan.information import Families, PlanInfo
from veridical.models.joint_plan.vocabulary import prices

__all__ = ["DECLARATIONS", "Declaration", "carried", "declare", "frame", "party_model", "register", "served"]


@dataclass(frozen=True)
class Declaration:
    """What a role does. `declare(block, record, shared, flows)` declares on a block `plan` (by flow), `cost` and constraints.

    The cost must be convex in the plan, and finite for every plan >= 0. `after(block, record, week)` returns the record as a
    solved block leaves it after a week; None where a party carries nothing over. `served(block, record, week)` returns the
    units that a solved block serves in a week, and those that were to be served; None where a party serves nobody.
    `index_names`: what the parts of a constraint's index are called, by family. `identities`: families that define a quantity or
    keep a balance, whose duals say what the prices of flows and of limits say already.
    """

    declare: Callable[[Any, Any, Any, Any], None]
    after: Callable[[Any, Any, int], Any] | None = None
    served: Callable[[Any, Any, int], tuple[float, float]] | None = None
    index_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identities: Iterable[str] = ()


def _of(role: Any) -> Declaration:
    return Declaration(role.declare, role.after, getattr(role, "served", None), role.FAMILIES, role.IDENTITIES)


DECLARATIONS: dict[str, Declaration] = {
    "retailer": _of(retailer),
    "marketplace": _of(retailer),
    "shipper": _of(shipper),
    "vendor": _of(vendor),
    "seller": Declaration(vendor.declare_seller, vendor.stock_after, None, vendor.SELLER, vendor.IDENTITIES),
    "carrier": _of(carrier),
}


def register(
    role: str,
    declare: Any,
    after: Any = None,
    levels: Mapping[str, tuple[str, ...]] | None = None,
    served: Any = None,
    identities: Iterable[str] = (),
) -> None:
    """Make the declarations of a user's own role known; `levels` name the indices of its constraints; see `Declaration`."""
    DECLARATIONS[role] = Declaration(declare, after, served, levels or {}, tuple(identities))


def declare(block: Any, part: Part) -> Any:
    """Declare a party on a block, which is returned; raises InputError for a role without declarations."""
    role = part.record.role
    if role not in DECLARATIONS:
        raise InputError.of("role", role, f"one of {', '.join(sorted(DECLARATIONS))}, or one that is registered")
    declaration, info = DECLARATIONS[role], info_of(block.model())
    declaration.declare(block, part.record, part.shared, part.shared.flows)
    if isinstance(info, PlanInfo):
        families = Families(role, declaration.index_names, frozenset(declaration.identities))
        info.take(part.record.name, block, families)
    return block


def frame(name: str, case: JointPlanCase, parties: Iterable[str]) -> tuple[pyo.ConcreteModel, PlanInfo]:
    """Return a model with `parties`, a block each, and `price`, of all routes; and its record, to be closed."""
    m = MechanismModel(name=name)
    m.price = prices(case.shared)
    info = PlanInfo(case=case, shared=case.shared, price=m.price)
    info.note("", m.price)
    describe(m, info)
    m.parties = info.parties = pyo.Block(list(parties))
    for party in m.parties:
        declare(m.parties[party], case.part(party))
    return m, info


def party_model(case: JointPlanCase | Part, name: str | None = None) -> pyo.ConcreteModel:
    """Return the model of one party alone: `plan` by flow, in the order of its share of the plan, and its `cost` to minimise.

    Takes a case and a party's name, or what that party's own process is given (`case.part(name)`).
    """
    part = case if isinstance(case, Part) else case.part(str(name))
    m = pyo.ConcreteModel(name=part.record.name)
    info = PlanInfo(shared=part.shared)
    describe(m, info)
    declare(m, part)
    families = info.families[part.record.name]
    info.index_names, info.identities = dict(families.index_names), families.identities
    m.least_cost = pyo.Objective(expr=m.cost)
    return m


def carried(block: Any, record: Party, week: int) -> Party:
    """Return a record as a solved block leaves it after a week; it starts the next one."""
    after = DECLARATIONS[record.role].after
    return record if after is None else after(block, record, week)


def served(block: Any, record: Party, week: int) -> tuple[float, float]:
    """Return the units that a solved block serves in a week, and those that were to be served; 0 of 0 where it serves nobody."""
    served_by = DECLARATIONS[record.role].served
    return (0.0, 0.0) if served_by is None else served_by(block, record, week)
