"""What every allocation model consists of: groups, types, profiles of types, units.

Names in a model are ones that a person reads: a profile of types is `4, 4, 7` (`stores 4, 4; online 7` where groups differ), and
what the other retailers are is one retailer less. Identical retailers' types are counted, not listed in every order, and
equal types get equal units: `m.quantity[profile, group, type]` is what each of the `m.count[...]` retailers gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import compress, pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment, Price, dominant, profile_names
from veridical.data import AllocationCase, InputError, RetailerGroup
from veridical.data.allocation import ENUMERATED
from veridical.data.arrays import Booleans
from veridical.data.assembler import shortened
from veridical.data.lazy import pd
from veridical.data.limits import MEMORY, gigabytes
from veridical.data.truncated import POINTS
from veridical.data.type_profiles import TypeProfiles
from veridical.models.allocation.own_revenue import OwnRevenue
from veridical.models.allocation.regularity import concave_up_to, grid, pooled
from veridical.models.allocation.revenue import Written
from veridical.models.info import MechanismModel, ModelInfo, describe, info_of

__all__ = ["POINTS", "allotment", "cost", "details", "expected", "forms", "frame", "groups_of", "monotonicity", "neighbours"]
__all__ += ["occurring", "satiate", "supply", "virtual_marginal", "virtual_revenue"]

SATIATED = 1e-12  # of the revenue of the first unit
BYTES = 4_000  # resident memory a variable with its share of constraints and expressions, measured
INDEX_NAMES = {  # what the parts of an index are called, family by family
    "capacity": ("profile",),
    "monotonicity": ("retailers", "type", "next_type", "others"),
    "incentive_compatibility": ("retailers", "type", "report"),
    "individual_rationality": ("retailers", "type"),
    "shadow_price_covers": ("profile", "retailers", "type"),
    "mean_shadow_price": ("mean_shadow_price",),
}


@dataclass
class AllocationInfo(ModelInfo):
    """What an allocation model says of itself: type profiles, the cells in each, and revenues as they are written into it."""

    profiles: TypeProfiles = field(kw_only=True)
    cells: dict[str, list[tuple[str, str, float]]] = field(default_factory=dict)
    revenues: dict[str, Written] = field(default_factory=dict)
    together: list[Booleans] = field(default_factory=list)  # group by group: whether `monotonicity` holds for a type and the next


def forms(case: AllocationCase) -> tuple[str, ...]:
    """Return how the revenues of a case can be written: quadratic programs where all are linear demand."""
    return ("quadratic",) if all(group.revenue.form == "linear_demand" for group in case.retailers) else ("smooth",)


def frame(case: AllocationCase, name: str, form: str, points: int) -> pyo.ConcreteModel:
    """Return a model with its sets, probabilities and units.

    TYPES (group, type), PROFILES t, CELLS (t, group, type) of the types that somebody has in t, with `count`, how many; `K`,
    the capacity: a mutable Param, or a variable where the case has a `capacity_cost`, which then is one. So is
    `type_probability`, from which `probability` of profiles follows; what is decided from probabilities while the model is built
    (`monotonicity`, upper bounds of newsvendors' units) stays as it was built. Continuous priors are cut into `points` types, and
    types that never occur are left out.
    Raises InputError for a form that the revenues do not have, a user's own revenue that is not concave or not increasing in the
    type, and for a model that would not fit into memory.
    """
    if form not in ("auto", *forms(case)):
        raise InputError.of("form", form, f"for these revenues one of auto, {', '.join(forms(case))}", case.name)
    case = occurring(case.grid(points) if case.continuous else case)
    _fits(case, name)
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
    m.type_probability = pyo.Param(m.TYPES, initialize=likely, mutable=True)
    cells = {(names[row], *types[column]): int(profiles.counts[row, column]) for row, column in np.argwhere(profiles.counts > 0)}
    m.CELLS = pyo.Set(initialize=list(cells), dimen=3)
    for key in cells:
        info.cells.setdefault(key[0], []).append(key)
    m.count = pyo.Param(m.CELLS, initialize=cells)
    m.probability = pyo.Expression(m.PROFILES, rule=_profile_probability)
    m.revenues = pyo.Block(list(range(len(case.retailers))))
    info.revenues = {name: Written(group.revenue, m.revenues[g]) for g, (name, group) in enumerate(groups.items())}
    retailers = sum(case.members)
    wishes = (_wanted(group, float(group.probability @ group.theta)) * group.count for group in groups.values())
    start = case.capacity or sum(wishes)
    if case.capacity is None:
        m.K = pyo.Var(domain=pyo.NonNegativeReals, initialize=start)
        info.parameters["capacity_cost"] = m.capacity_cost = pyo.Param(initialize=case.capacity_cost, mutable=True)
    else:
        info.parameters["capacity"] = m.K = pyo.Param(initialize=case.capacity, mutable=True)
    wanted = {(name, theta): _wanted(group, theta) for name, group in groups.items() for theta in group.types or ()}
    first = {key: min(start / retailers, wanted[key[1:]]) for key in cells}
    m.quantity = pyo.Var(m.CELLS, domain=pyo.NonNegativeReals, initialize=first)
    return m


def supply(m: Any) -> None:
    """Declare `capacity`: nobody gets what is not there, profile by profile. (5), (9).

    Weighted by the profile's probability, as the profile is in the objective, so that its dual is the shadow price lambda itself.
    """
    cells = details(m).cells

    @m.Constraint(m.PROFILES)
    def capacity(m: Any, t: str) -> Any:
        weight = m.probability[t].expr
        return weight * pyo.quicksum(m.count[key] * m.quantity[key] for key in cells[t]) <= weight * m.K


def cost(m: Any) -> Any:
    """Return what capacity costs: 0 where it is fixed."""
    return 0.0 if m.component("capacity_cost") is None else m.capacity_cost * m.K


def expected(m: Any, worth: Any) -> Any:
    """Return the expectation over profiles of the sum over retailers of worth(t, group, type)."""
    cells = details(m).cells.items()
    return pyo.quicksum(m.probability[t].expr * pyo.quicksum(m.count[key] * worth(*key) for key in keys) for t, keys in cells)


def rates(m: Any) -> dict[tuple[str, float], tuple[float, Any]]:
    """Return for each type the next one and the inverse hazard (1 - F) / f; None for the highest, above which there is nobody."""
    rates: dict[tuple[str, float], tuple[float, Any]] = {}
    for name, group in groups_of(m):
        types = list(group.types or ())
        for k, (theta, following) in enumerate(pairwise(types)):
            above = pyo.quicksum(m.type_probability[name, higher] for higher in types[k + 1 :])
            rates[name, theta] = following, above / m.type_probability[name, theta]
        rates[name, types[-1]] = types[-1], None
    return rates


def details(m: Any) -> AllocationInfo:
    """Return what an allocation model says of itself."""
    info = info_of(m)
    assert isinstance(info, AllocationInfo)
    return info


def groups_of(m: Any) -> list[tuple[str, RetailerGroup]]:
    """Return the groups of retailers as they are modelled, with their names."""
    case = details(m).case
    return list(zip(case.names, case.retailers, strict=True))


def virtual_revenue(m: Any) -> None:
    """Declare `virtual_revenue` of every cell: R(q, theta_k) - (1 - F_k) / f_k [R(q, theta_{k+1}) - R(q, theta_k)].

    Where it is concave up to some quantity only, as for newsvendors, that is the upper bound of `quantity`.
    """
    following, revenues = rates(m), details(m).revenues
    for name, group in groups_of(m):
        most = dict(zip(group.types or (), concave_up_to(group).tolist(), strict=True))
        _bound_units(m, name, most)

    @m.Expression(m.CELLS)
    def virtual_revenue(m: Any, t: str, g: str, theta: float) -> Any:
        q, (above, rate) = m.quantity[t, g, theta], following[g, theta]
        revenue = revenues[g].value(q, theta)
        return revenue if rate is None else revenue - rate * revenues[g].gain(q, theta, above)


def virtual_marginal(m: Any) -> None:
    """Declare `virtual_marginal`, the derivative of virtual revenue by units: the left side of (6)."""
    following, revenues = rates(m), details(m).revenues

    @m.Expression(m.CELLS)
    def virtual_marginal(m: Any, t: str, g: str, theta: float) -> Any:
        q, (above, rate) = m.quantity[t, g, theta], following[g, theta]
        marginal = revenues[g].marginal(q, theta)
        if rate is None:
            return marginal
        if revenues[g].revenue.separable:
            return marginal - rate * (above - theta)
        return (1 + rate) * marginal - rate * revenues[g].marginal(q, above)


def neighbours(m: Any) -> dict[tuple[str, float, float, str], tuple[Any, Any]]:
    """Return the pairs of cells that one retailer moves between by reporting the next type, by what the others are.

    Of those types that are kept `together` alone.
    """
    info = details(m)
    case, profiles = info.case, info.profiles
    names = list(m.PROFILES)
    cell = {}  # of each (group, type, others): the cell
    for g, (name, group) in enumerate(zip(case.names, case.retailers, strict=True)):
        rows, places = profiles.occurring(g)
        for row, place, others in zip(rows, places, profile_names(case, profiles.others(g)), strict=True):
            theta = float(group.theta[place])
            cell[name, theta, others] = (names[row], name, theta)
    pairs: dict[Any, tuple[Any, Any]] = {}
    for (name, group), together in zip(groups_of(m), info.together, strict=True):
        for low, high in compress(pairwise(group.types or ()), together):
            lower = {others: key for (g, theta, others), key in cell.items() if g == name and theta == low}
            pairs |= {(name, low, high, others): (key, cell[name, high, others]) for others, key in lower.items()}
    return pairs


def _bound_units(m: Any, name: str, most: Mapping[float, float]) -> None:
    """Bound a group's units by those of each type, where they are finite, and start within."""
    for key in m.CELLS:
        if key[1] == name and most[key[2]] < np.inf:
            m.quantity[key].setub(most[key[2]])
            m.quantity[key] = min(m.quantity[key].value, most[key[2]] / 2)


def satiate(m: Any) -> None:
    """Bound the units of newsvendors by those beyond which nothing is sold: 1e-12 of the first unit's revenue.

    Far out all derivatives vanish, and a solver that gets there takes it for an optimum.
    """
    for name, group in groups_of(m):
        if group.revenue.separable:
            continue
        units = group.revenue.quantity(SATIATED * group.revenue.marginal(0.0, group.theta), group.theta)
        most = dict(zip(group.types or (), units.tolist(), strict=True))
        _bound_units(m, name, most)


def monotonicity(m: Any, wanted: bool | None) -> dict[Any, tuple[Any, Any]]:
    """Declare `monotonicity`, by default of the types that may be pooled; return the pairs of cells that it holds for.

    A higher type gets no less, whatever the others are. Where virtual revenue is monotone this follows, and would only leave
    the shadow prices of profiles in which one retailer gets everything without a unique value; so it would of types that get
    nothing.
    """
    if wanted is False:
        return {}
    info = details(m)
    if wanted is None:
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
    shadow_price = np.full(len(profiles.counts), np.nan)
    if "capacity" in duals:
        shadow_price = duals["capacity"].reindex(list(m.PROFILES)).to_numpy(dtype=float) + 0.0
    capacity = float(pyo.value(m.K))
    return Allotment(case=case, profiles=profiles, by_type=by_type, shadow_price=shadow_price, capacity=capacity, price=price)


def case_of(m: Any) -> AllocationCase:
    """Return the case with the numbers that stand in the model now; the one that it was built from where none has changed."""
    case: AllocationCase = details(m).case
    changes: dict[str, Any] = {}
    for name, param in (("capacity", m.K), ("capacity_cost", m.component("capacity_cost"))):
        if isinstance(param, pyo.Param) and param.value != getattr(case, name):
            changes[name] = param.value
    likely = [tuple(float(m.type_probability[name, theta].value) for theta in group.theta) for name, group in groups_of(m)]
    if likely != [tuple(group.probability.tolist()) for group in case.retailers]:
        changes["retailers"] = [g.changed(probabilities=f) for g, f in zip(case.retailers, likely, strict=True)]
    return case.changed(**changes) if changes else case


def _profile_probability(m: Any, t: str) -> Any:
    """Return how likely a profile is, from the probabilities of types: multinomial, group by group."""
    info = details(m)
    counts = {key[1:]: m.count[key] for key in info.cells[t]}
    orders = math.prod(map(math.factorial, info.case.members)) // math.prod(map(math.factorial, counts.values()))
    powers = (m.type_probability[key] ** n if n > 1 else m.type_probability[key] for key, n in counts.items())
    return math.prod(powers, start=float(orders))


def _wanted(group: RetailerGroup, theta: float) -> float:
    """Return units that a retailer of a type would like to have, roughly: where a solver starts."""
    most = group.revenue.quantity(0.3 * group.revenue.marginal(0.0, theta), theta)
    return float(np.nan_to_num(most, nan=1.0, posinf=1.0)) or 1.0


def occurring(case: AllocationCase) -> AllocationCase:
    """Return the case without the types that never occur."""
    if all((group.probability > 0).all() for group in case.retailers):
        return case
    groups = []
    for group in case.retailers:
        kept = group.probability > 0
        groups.append(group.changed(types=group.theta[kept].tolist(), probabilities=group.probability[kept].tolist()))
    return case.changed(retailers=groups)


def _fits(case: AllocationCase, name: str) -> None:
    """Refuse a model that would not fit into memory or visit all profiles, before anything of it is built."""
    profiles, types = case.profile_count, sum(len(group.theta) for group in case.retailers)
    size = min(profiles, 10**18) * min(types, sum(case.members)) * BYTES
    if size > MEMORY or profiles > ENUMERATED:
        large = f"<{sum(case.members)} retailers with {shortened(profiles)} type profiles: {gigabytes(size)}>"
        allowed = f"models of `{name}` with up to {ENUMERATED:,} type profiles and {MEMORY / 1e9:.0f} GB"
        allowed = f"{allowed}; larger cases have the closed form (solver closed_form)"
        raise InputError.of("retailers", large, allowed, case.name)
