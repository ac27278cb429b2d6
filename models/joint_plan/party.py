"""One party: what its role declares, its own model, in which nothing of anybody else occurs, and several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, Part, Party
from veridical.models.info import MechanismModel, builder, describe, info_of
from veridical.models.joint_plan import carrier, retailer, shipper, vendor
from veridical.models.joint_plan.information import Families, PlanInfo
from veridical.models.joint_plan.vocabulary import prices

__all__ = ["DECLARATIONS", "Declaration", "block_model", "carried", "declare", "frame", "party_model", "register", "served"]


@dataclass(frozen=True)
class Declaration:
    """What a role does. `declare(block, record, shared, flows)` declares on a block `plan` (by flow), `cost` and constraints.

    The cost must be convex in the plan, and finite for every plan >= 0. `after(block, record, week)` returns the record as a
    solved block leaves it after a week; None where a party carries nothing over. `served(block, record, week)` returns the
    units that a solved block serves in a week, and those that were to be served; None where a party serves nobody.
    `index_names`: what the parts of a constraint's index are called, by family. `identities`: families that define a quantity or
    keep a balance, whose duals say what the prices of flows and of limits say already.

    Examples
    --------
    >>> import veridical as vd
    >>> declaration = vd.models.joint_plan.DECLARATIONS["vendor"]
    >>> "production_capacity" in declaration.index_names
    True
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
    """Make the declarations of a user's own role known; its record is registered by `veridical.data.joint_plan.register`.

    Parameters
    ----------
    role
        The name of the role, as the class of its records has it.
    declare, after, served
        As in `Declaration`.
    levels
        What the parts of a constraint's index are called, by family.
    identities
        Families of constraints that define a quantity or keep a balance.

    Raises
    ------
    InputError
        For a role that is no name, and for functions that are none.

    Examples
    --------
    >>> from veridical.models.joint_plan import vendor
    >>> register("workshop", vendor.declare, vendor.after, vendor.FAMILIES, identities=vendor.IDENTITIES)
    >>> DECLARATIONS.pop("workshop").identities[0]
    'stock_balance'
    """
    if not isinstance(role, str) or not role:
        raise InputError.of("role", role, "the name of the role, as the class of its records has it")
    for name, function in (("declare", declare), ("after", after), ("served", served)):
        if not callable(function) and (function is not None or name == "declare"):
            raise InputError.of(f"{role}, {name}", f"<a {type(function).__name__}>", "a function, see `Declaration`")
    DECLARATIONS[role] = Declaration(declare, after, served, levels or {}, tuple(identities))


def declare(block: Any, part: Part) -> Any:
    """Declare a party on a block, which is returned: `plan` (units by flow), `cost` and the role's constraints.

    Parameters
    ----------
    block
        An empty block of a Pyomo model, or a model.
    part
        The party's record and its own flows, as `JointPlanCase.part` returns them.

    Returns
    -------
    The block.

    Raises
    ------
    InputError
        For a role without declarations.

    Examples
    --------
    >>> import veridical as vd
    >>> declare(pyo.ConcreteModel(), vd.example("pilot").part("Alder")).plan.dim()
    5
    """
    role = part.record.role
    if role not in DECLARATIONS:
        allowed = (
            f"one of {', '.join(sorted(DECLARATIONS))}, or one whose block is registered: veridical.models.joint_plan.register"
        )
        raise InputError.of("role", role, allowed)
    declaration, info = DECLARATIONS[role], info_of(block.model())
    declaration.declare(block, part.record, part.shared, part.shared.flows)
    if block.component("plan") is None or list(block.plan) != list(part.shared.flows):
        got = "<nothing>" if block.component("plan") is None else "<other keys than the party's flows, or in another order>"
        raise InputError.of(f"{role}, plan", got, "variables >= 0 on the block, indexed by the flows in their order: units")
    if block.component("cost") is None:
        raise InputError.of(
            f"{role}, cost", "<nothing>", "an Expression on the block: what the plan costs the party, convex in it"
        )
    if isinstance(info, PlanInfo):
        families = Families(role, declaration.index_names, frozenset(declaration.identities))
        info.take(part.record.name, block, families)
    return block


def frame(name: str, case: JointPlanCase, parties: Iterable[str]) -> tuple[pyo.ConcreteModel, PlanInfo]:
    """Return a model with `parties`, a block each, and `price`, of all routes; and its record, to be closed."""
    return _framed(name, [case.part(party) for party in parties], PlanInfo(case=case, shared=case.shared))


@builder
def block_model(part: Part) -> pyo.ConcreteModel:
    """Return the block of one party as it stands in a model of several, under the same names, with its own cost to minimise."""
    m, info = _framed("joint", [part], PlanInfo(shared=part.shared))
    info.close({})
    m.own_cost = pyo.Objective(expr=m.parties[part.record.name].cost)
    return m


def _framed(name: str, parts: Iterable[Part], info: PlanInfo) -> tuple[pyo.ConcreteModel, PlanInfo]:
    m = MechanismModel(name=name)
    m.price = info.price = prices(info.shared)
    info.note("", m.price)
    describe(m, info)
    by_name = {part.record.name: part for part in parts}
    m.parties = info.parties = pyo.Block(list(by_name))
    for party, part in by_name.items():
        declare(m.parties[party], part)
    return m, info


def party_model(case: JointPlanCase | Part, name: str | None = None) -> pyo.ConcreteModel:
    """Return the model of one party alone: `plan` by flow, in the order of its share of the plan, and its `cost` to minimise.

    Parameters
    ----------
    case
        A case; or what the party's own process is given (`case.part(name)`).
    name
        The party's name, where `case` is a case.

    Returns
    -------
    pyo.ConcreteModel
        With the party's `plan`, `cost` and constraints, and no number of any other party.

    Examples
    --------
    >>> import veridical as vd
    >>> len(party_model(vd.example("pilot"), "Alder").plan) == len(vd.example("pilot").shared.of("Alder").flows)
    True
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
    """Return the record of a party with what a solved block carries over from a week: what the next week starts from.

    Parameters
    ----------
    block
        The party's solved block or model.
    record
        The record that the block was declared from.
    week
        The week that is over.

    Returns
    -------
    The record; the same one where a role carries nothing over.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.data.joint_plan.pilot(vendors=1, weeks=1, makers=1)
    >>> model = party_model(case, "Alder")
    >>> _ = vd.solvers.solve(model)
    >>> carried(model, case.party("Alder"), 1).previous_production >= 0
    True
    """
    after = DECLARATIONS[record.role].after
    return record if after is None else after(block, record, week)


def served(block: Any, record: Party, week: int) -> tuple[float, float]:
    """Return the units that a solved block serves in a week, and those that were to be served; 0 of 0 where it serves nobody.

    Parameters
    ----------
    block
        The party's solved block or model.
    record
        The record that the block was declared from.
    week
        The week.

    Returns
    -------
    Units served, and units to be served.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("pilot")
    >>> served(party_model(case, "Alder"), case.party("Alder"), 1)     # vendors serve no demand themselves
    (0.0, 0.0)
    """
    served_by = DECLARATIONS[record.role].served
    return (0.0, 0.0) if served_by is None else served_by(block, record, week)
