"""One party: which declarations its role has, and its own model, in which nothing of anybody else occurs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, Part, Party
from veridical.models.info import ModelInfo, constraint_key, describe
from veridical.models.joint_plan import receivers, suppliers

__all__ = ["DECLARATIONS", "LEVELS", "Declaration", "carried", "declare", "party_model", "register", "served"]

# the parts of a constraint's index, by family; the party's name comes before them in a joint model
LEVELS: dict[str, tuple[str, ...]] = {
    "stock_balance": ("site", "product", "week"),
    "demand": ("region", "product", "week"),
    "inbound_volume": ("site", "week"),
    "inbound_capacity": ("site", "week"),
    "production_volume": ("week",),
    "production_capacity": ("week",),
    "handling": ("week",),
    "lane_volume": ("site", "week"),
    "lane_split": ("site", "week"),
    "lane_contract": ("site", "week"),
    "weekly_change": ("week",),
    "waiting_balance": ("site", "product", "week"),
    "booked": ("site", "product", "week"),
    "loading_volume": ("site", "week"),
    "dock_capacity": ("week",),
    "fleet": ("week",),
    "carried_volume": ("week",),
}


@dataclass(frozen=True)
class Declaration:
    """What a role does. `declare(block, record, shared, flows)` declares on a block `plan` (by flow), `cost` and constraints.

    The cost must be convex in the plan, and finite for every plan >= 0. `after(block, record, week)` returns the record as a
    solved block leaves it after a week; None where a party carries nothing over. `served(block, record, week)` returns the
    units that a solved block serves in a week, and those that were to be served; None where a party serves nobody.
    """

    declare: Callable[[Any, Any, Any, Any], None]
    after: Callable[[Any, Any, int], Any] | None = None
    served: Callable[[Any, Any, int], tuple[float, float]] | None = None


DECLARATIONS: dict[str, Declaration] = {
    "retailer": Declaration(receivers.retailer, receivers.retailer_after, receivers.retailer_served),
    "marketplace": Declaration(receivers.retailer, receivers.retailer_after, receivers.retailer_served),
    "shipper": Declaration(receivers.shipper, receivers.shipper_after, receivers.shipper_served),
    "vendor": Declaration(suppliers.vendor, suppliers.vendor_after),
    "seller": Declaration(suppliers.seller, suppliers.stock_after),
    "carrier": Declaration(suppliers.carrier, suppliers.carrier_after),
}


def register(
    role: str, declare: Any, after: Any = None, levels: dict[str, tuple[str, ...]] | None = None, served: Any = None
) -> None:
    """Make the declarations of a user's own role known; `levels` name the indices of its constraints."""
    DECLARATIONS[role] = Declaration(declare, after, served)
    LEVELS.update(levels or {})


def declare(block: Any, part: Part) -> Any:
    """Declare a party on a block, which is returned; raises InputError for a role without declarations."""
    role = part.record.role
    if role not in DECLARATIONS:
        raise InputError.of("role", role, f"one of {', '.join(sorted(DECLARATIONS))}, or one that is registered")
    DECLARATIONS[role].declare(block, part.record, part.shared, part.shared.flows)
    return block


def party_model(case: JointPlanCase | Part, name: str | None = None) -> pyo.ConcreteModel:
    """Return the model of one party alone: `plan` by flow, in the order of `m.part.shared.flows`, and its `cost` to minimise.

    Takes a case and a party's name, or what that party's own process is given (`case.part(name)`).
    """
    part = case if isinstance(case, Part) else case.part(str(name))
    m = pyo.ConcreteModel(name=part.record.name)
    m.part = part
    declare(m, part)
    # a stock balance is by site where goods are received, and by product alone where they are sent from
    names = LEVELS if part.record.side == "receiver" else {**LEVELS, "stock_balance": ("product", "week")}
    describe(m, ModelInfo(index_names=names, name_of=constraint_key))
    m.least_cost = pyo.Objective(expr=m.cost)
    return m


def carried(block: Any, record: Party, week: int) -> Party:
    """Return a record as a solved block leaves it after a week; it starts the next one."""
    after = DECLARATIONS[record.role].after
    return record if after is None else after(block, record, week)


def served(block: Any, record: Party, week: int) -> tuple[float, float]:
    """Return the units that a solved block serves in a week, and those that were to be served; 0 of 0 where it serves nobody."""
    own = DECLARATIONS[record.role].served
    return (0.0, 0.0) if own is None else own(block, record, week)
