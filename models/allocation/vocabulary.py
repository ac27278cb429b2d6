"""What every allocation model consists of: groups, types, profiles of types, units.

Names in a model are ones that a person reads: a profile of types is `4, 4, 7` (`stores 4, 4; online 7` where groups differ), and
what the other retailers are is one retailer less. Identical retailers' types are counted, not listed in every order, and
equal types get equal units: `m.quantity[profile, group, type]` is what each of the `m.count[...]` retailers gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress, pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment, Price, dominant, profile_names
from veridical.data import AllocationCase, InputError, RetailerGroup
from veridical.data.arrays import Booleans
from veridical.data.lazy import pd
from veridical.data.truncated import POINTS
from veridical.data.type_profiles import TypeProfiles
from veridical.models.allocation import terms
from veridical.models.allocation.before import fits, occurring, wanted
from veridical.models.allocation.capacity_bound import capacity_bound
from veridical.models.allocation.own_revenue import OwnRevenue
from veridical.models.allocation.regularity import grid, pooled
from veridical.models.allocation.revenue import Written
from veridical.models.info import MechanismModel, ModelInfo, describe, info_of

__all__ = [
    "POINTS",
    "allotment",
    "bound_capacity",
    "bound_unit",
    "bound_units",
    "by_others",
    "cost",
    "details",
    "expected",
    "forms",
    "frame",
]
__all__ += ["groups_of", "monotonicity", "neighbours"]
__all__ += ["occurring", "satiate", "supply"]

SATIATED = 1e-12  # of the revenue of the first unit
INDEX_NAMES = {  # what the parts of an index are called, family by family
    "capacity": ("profile",),
    "monotonicity": ("retailers", "type", "next_type", "others"),
    "incentive_compatibility": ("retailers", "type", "report"),
    "individual_rationality": ("retailers", "type"),
    "shadow_price_covers": ("profile", "retailers", "type"),
    "mean_shadow_price": ("mean_shadow_price",),
    "retailer_capacity": ("profile", "retailers", "type"),
    "minimum_order": ("profile", "retailers", "type"),
    "no_order": ("profile", "retailers", "type"),
    "participation": ("retailers", "type", "others"),
    "report_lower": ("retailers", "type", "others"),
    "report_higher": ("retailers", "type", "others"),
}


@dataclass
class AllocationInfo(ModelInfo):
    """What an allocation model says of itself: type profiles, the cells in each, and revenues as they are written into it."""

    profiles: TypeProfiles = field(kw_only=True)
    cells: dict[str, list[tuple[str, str, float]]] = field(default_factory=dict)
    revenues: dict[str, Written] = field(default_factory=dict)
    together: list[Booleans] = field(default_factory=list)  # group by group: whether `monotonicity` holds for a type and the next


def forms(case: AllocationCase) -> tuple[str, ...]:
    """Return how the revenues of a case can be written: quadratic programs where all are linear demand.

    By tangents beside minimum orders, which need binaries.

    Examples
    --------
    >>> import veridical as vd
    >>> forms(vd.example("two-retailers"))                             # linear demand
    ('quadratic',)
    """
    if case.has_minimum_orders:
        return ("tangent",)
    return ("quadratic",) if all(group.revenue.form == "linear_demand" for group in case.retailers) else ("smooth",)


def frame(case: AllocationCase, name: str, form: str, points: int) -> pyo.ConcreteModel:
    """Return a model with its sets, probabilities and units.

    TYPES (group, type), PROFILES t, CELLS (t, group, type) of the types that somebody has in t, with `count`, how many; `K`,
    the capacity: a mutable Param, or a variable where the case has a `capacity_cost`, which then is one. So is
    `type_probability`, from which `probability` of profiles follows; what is decided from probabilities while the model is built
    (`monotonicity`, upper bounds of newsvendors' units) stays as it was built. Where bounds and tangents follow from both
    (`terms.steady`) neither may be given another value. Continuous priors are cut into `points` types, and types that never occur
    are left out.
    Raises InputError for a form that the revenues do not have, a user's own revenue that is not concave or not increasing in the
    type, and for a model that would not fit into memory.
    """
    if form not in ("auto", *forms(case)):
        raise InputError.of("form", form, f"for these revenues one of auto, {', '.join(forms(case))}", case.name)
    case = occurring(case.grid(points) if case.continuous else case)
    fits(case, name)
    for i, group in enumerate(case.retailers):
        if isinstance(group.revenue, OwnRevenue):
            most = case.capacity or float(np.nan_to_num(grid(group).max(), posinf=1.0)) or 1.0
            group.revenue.refuse_unsound(group.theta, most, f"retailers[{i}].revenue", case.name)
    profiles = case.profiles()
    m = MechanismModel(name=name)
    info = AllocationInfo(case, name, dict(INDEX_NAMES), contracts=allotment, profiles=profiles)
    describe(m, info)
    names = profile_names(case, profiles.counts)
    groups = dict(zip(case.names, case.retailers, strict=True))
    types = [(name, theta) for name, group in groups.items() for theta in group.types or ()]
    m.TYPES = pyo.Set(initialize=types, dimen=2)
    m.PROFILES = pyo.Set(initialize=names)
    likely = {key: float(f) for key, f in zip(types, np.concatenate([g.probability for g in case.retailers]), strict=True)}
    independent, steady = case.independent, terms.steady(case)
    # where types are not independent, probabilities of profiles are given, and those of types follow
    m.type_probability = pyo.Param(m.TYPES, initialize=likely, mutable=independent and not steady)
    cells = {(names[row], *types[column]): int(profiles.counts[row, column]) for row, column in np.argwhere(profiles.counts > 0)}
    m.CELLS = pyo.Set(initialize=list(cells), dimen=3)
    for key in cells:
        info.cells.setdefault(key[0], []).append(key)
    m.count = pyo.Param(m.CELLS, initialize=cells)
    given = dict(zip(names, profiles.probability.tolist(), strict=True))
    m.probability = pyo.Expression(m.PROFILES, rule=_profile_probability if independent else given)
    m.revenues = pyo.Block(list(range(len(case.retailers))))
    info.revenues = {name: Written(group.revenue, m.revenues[g]) for g, (name, group) in enumerate(groups.items())}
    retailers = sum(case.members)
    wishes = (wanted(group, float(group.probability @ group.theta)) * group.count for group in groups.values())
    start = case.capacity or sum(wishes)
    if case.capacity is None:
        m.K = pyo.Var(domain=pyo.NonNegativeReals, initialize=start)
        info.parameters["capacity_cost"] = m.capacity_cost = pyo.Param(initialize=case.capacity_cost, mutable=True)
    else:
        info.parameters["capacity"] = m.K = pyo.Param(initialize=case.capacity, mutable=not steady)
    terms.declare(m)
    asked = {(name, theta): wanted(group, theta) for name, group in groups.items() for theta in group.types or ()}
    first = {key: min(start / retailers, asked[key[1:]], groups[key[1]].most / 2) for key in cells}
    m.quantity = pyo.Var(m.CELLS, domain=pyo.NonNegativeReals, initialize=first)
    return m


def supply(m: Any) -> None:
    """Declare `capacity`: nobody gets what is not there, profile by profile. (5), (9).

    Weighted by the profile's probability, as the profile is in the objective, so that its dual is the shadow price lambda itself.
    """
    cells = details(m).cells

    @m.Constraint(m.PROFILES)
    def capacity(m: Any, t: str) -> Any:
        weight = 1.0 if pyo.value(m.probability[t]) == 0 else m.probability[t].expr  # nobody is promised more there either
        return weight * pyo.quicksum(m.count[key] * m.quantity[key] for key in cells[t]) <= weight * m.K

    if m.component("deliverable") is not None:

        @m.Constraint([key for key in m.CELLS if key[1] in m.deliverable])
        def retailer_capacity(m: Any, t: str, g: str, theta: float) -> Any:
            return m.quantity[t, g, theta] <= m.deliverable[g]


def bound_capacity(m: Any) -> None:
    """Bound a capacity that is chosen by what no optimum exceeds, where that is known: proofs of optimality need an end of it."""
    if not isinstance(m.K, pyo.Var) or not math.isfinite(most := capacity_bound(details(m).case)):
        return
    m.most_capacity = pyo.Param(initialize=max(most, m.K.value), mutable=True)
    m.K.setub(m.most_capacity)
    info_of(m).refresh = partial(_bound_capacity, m.K.value)


def cost(m: Any) -> Any:
    """Return what capacity costs: 0 where it is fixed."""
    return 0.0 if m.component("capacity_cost") is None else m.capacity_cost * m.K


def expected(m: Any, worth: Any) -> Any:
    """Return the expectation over profiles of the sum over retailers of worth(t, group, type)."""
    cells = details(m).cells.items()
    return pyo.quicksum(m.probability[t].expr * pyo.quicksum(m.count[key] * worth(*key) for key in keys) for t, keys in cells)


def details(m: Any) -> AllocationInfo:
    """Return what an allocation model says of itself."""
    info = info_of(m)
    assert isinstance(info, AllocationInfo)
    return info


def groups_of(m: Any) -> list[tuple[str, RetailerGroup]]:
    """Return the groups of retailers as they are modelled, with their names."""
    case = details(m).case
    return list(zip(case.names, case.retailers, strict=True))


def by_others(m: Any) -> dict[tuple[str, float, str], tuple[str, str, float]]:
    """Return the cell of each group, type, and what the others are in words."""
    case, profiles, names = details(m).case, details(m).profiles, list(m.PROFILES)
    cell = {}
    for g, (name, group) in enumerate(groups_of(m)):
        rows, places = profiles.occurring(g)
        for row, place, others in zip(rows, places, profile_names(case, profiles.others(g)), strict=True):
            theta = float(group.theta[place])
            cell[name, theta, others] = (names[row], name, theta)
    return cell


def neighbours(m: Any) -> dict[tuple[str, float, float, str], tuple[Any, Any]]:
    """Return the pairs of cells that one retailer moves between by reporting the next type, by what the others are.

    Of those types that are kept `together` alone.
    """
    info, cell = details(m), by_others(m)
    pairs: dict[Any, tuple[Any, Any]] = {}
    for (name, group), together in zip(groups_of(m), info.together, strict=True):
        for low, high in compress(pairwise(group.types or ()), together):
            lower = {others: key for (g, theta, others), key in cell.items() if g == name and theta == low}
            pairs |= {(name, low, high, others): (key, cell[name, high, others]) for others, key in lower.items()}
    return pairs


def bound_units(m: Any, name: str, most: Mapping[float, float]) -> None:
    """Bound a group's units by those of each type, where they are finite, and start within."""
    for key in m.CELLS:
        if key[1] == name and most[key[2]] < np.inf:
            bound_unit(m, key, most[key[2]])


def bound_unit(m: Any, key: Any, most: float) -> None:
    """Bound the units of a cell, and start within."""
    m.quantity[key].setub(most)
    m.quantity[key] = min(m.quantity[key].value, most / 2)


def satiate(m: Any) -> None:
    """Bound the units of newsvendors by those beyond which nothing is sold: 1e-12 of the first unit's revenue.

    Far out all derivatives vanish, and a solver that gets there takes it for an optimum.
    """
    for name, group in groups_of(m):
        if group.revenue.separable or group.revenue.floor > 0:  # who salvages units always earns by more
            continue
        units = group.revenue.quantity(SATIATED * group.revenue.marginal(0.0, group.theta), group.theta)
        most = dict(zip(group.types or (), units.tolist(), strict=True))
        bound_units(m, name, most)


def monotonicity(m: Any, wanted: bool | None) -> dict[Any, tuple[Any, Any]]:
    """Declare `monotonicity`, by default of the types that may be pooled; return the pairs of cells that it holds for.

    A higher type gets no less, whatever the others are. Where virtual revenue is monotone this follows, and would only leave
    the shadow prices of profiles in which one retailer gets everything without a unique value; so it would of types that get
    nothing.
    """
    if wanted is False:
        return {}
    info = details(m)
    if wanted is None and info.case.independent and not info.case.has_minimum_orders:
        info.together = [pooled(group, info.case.capacity) for group in info.case.retailers]
    else:
        info.together = [np.ones(len(group.theta) - 1, dtype=bool) for group in info.case.retailers]
    pairs = neighbours(m)
    if not pairs:
        return {}

    @m.Constraint(list(pairs))
    def monotonicity(m: Any, g: str, theta: float, next_type: float, others: str) -> Any:
        low, high = pairs[g, theta, next_type, others]
        return m.quantity[high] >= m.quantity[low]

    return pairs


def allotment(m: Any, duals: Mapping[str, pd.Series], price: Price = dominant) -> Allotment:
    """Return what a solved model gives to whom; shadow prices are the duals of `capacity`."""
    case, profiles = case_of(m), details(m).profiles
    if case is not details(m).case:
        profiles = replace(profiles, probability=np.array([pyo.value(m.probability[t]) for t in m.PROFILES]))
    by_type = np.zeros(profiles.counts.shape)
    rows, columns = np.nonzero(profiles.counts > 0)
    by_type[rows, columns] = [max(m.quantity[key].value, 0.0) for key in m.CELLS]
    if (placed := m.component("placed")) is not None:  # where nothing is, what integers leave of rounding is nothing
        by_type[rows, columns] *= [key not in placed or placed[key].value > 0.5 for key in m.CELLS]
    shadow_price = np.full(len(profiles.counts), np.nan)
    if "capacity" in duals:
        shadow_price = duals["capacity"].reindex(list(m.PROFILES)).to_numpy(dtype=float) + 0.0
    capacity = float(pyo.value(m.K))
    return Allotment(case=case, profiles=profiles, by_type=by_type, shadow_price=shadow_price, capacity=capacity, price=price)


def case_of(m: Any) -> AllocationCase:
    """Return the case with the numbers that stand in the model now; the one that it was built from where none has changed."""
    case: AllocationCase = details(m).case
    changes: dict[str, Any] = terms.changed(m, case)
    for name, param in (("capacity", m.K), ("capacity_cost", m.component("capacity_cost"))):
        if isinstance(param, pyo.Param) and param.value != getattr(case, name):
            changes[name] = param.value
    likely = [tuple(float(pyo.value(m.type_probability[name, theta])) for theta in group.theta) for name, group in groups_of(m)]
    if likely != [tuple(group.probability.tolist()) for group in case.retailers]:
        changes["retailers"] = [g.changed(probabilities=f) for g, f in zip(case.retailers, likely, strict=True)]
    return case.changed(**changes) if changes else case


def _bound_capacity(least: float, m: Any) -> None:
    """Bound the capacity anew, which follows from what it costs; by no fewer units than `least`, at which a search begins."""
    if isinstance(m.component("most_capacity"), pyo.Param):
        m.most_capacity.set_value(max(capacity_bound(case_of(m)), least))


def _profile_probability(m: Any, t: str) -> Any:
    """Return how likely a profile is, from the probabilities of types: multinomial, group by group."""
    info = details(m)
    counts = {key[1:]: m.count[key] for key in info.cells[t]}
    orders = math.prod(map(math.factorial, info.case.members)) // math.prod(map(math.factorial, counts.values()))
    powers = (m.type_probability[key] ** n if n > 1 else m.type_probability[key] for key, n in counts.items())
    return math.prod(powers, start=float(orders))
