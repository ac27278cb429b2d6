"""What every assembler model consists of: suppliers, profiles, contracts, assembly.

Names in a model are ones that a person reads: a profile of costs is `panel=4, battery=3`; what the other suppliers report is
`battery=3`. `m.profile[i, cost, others]` is the profile in which supplier i's cost is `cost` and the others' are `others`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from functools import partial
from itertools import pairwise, permutations, product
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from veridical.data import AssemblerCase
from veridical.data.arrays import Array, Integers
from veridical.models.assembler.memory import fits, fits_together
from veridical.models.assembler.numbers import case_of, named, profile_names, value, without_noise
from veridical.models.assembler.order_rules import order_rules, setup_cost
from veridical.models.assembler.products import declare_numbers, declare_sales, expected_revenue, needed
from veridical.models.assembler.worst_prior import expected
from veridical.models.assembler.yields import arriving, assembled, declare_yields, numbers_of_rows, outcome
from veridical.models.info import MechanismModel, ModelInfo, describe, info_of
from veridical.models.linear_families import Each, declare, index_set, members_of

__all__ = [
    "aim",
    "assembly",
    "assembly_of_sources",
    "basis",
    "capacities",
    "case_of",
    "contracts",
    "elsewhere",
    "ex_post_participation",
    "expected_revenue",
]
__all__ += [
    "declare_sales",
    "frame",
    "misreports",
    "needed",
    "neighbours",
    "newsvendor",
    "own_contracts",
    "own_costs",
    "planned",
    "profit",
    "value",
    "without_noise",
]

INDEX_NAMES = {  # what the parts of an index are called, family by family
    "incentive_compatibility": ("supplier", "cost", "report", "others"),
    **dict.fromkeys(("individual_rationality", "full_information"), ("supplier", "cost", "others")),
    **dict.fromkeys(("feasibility", "monotonicity"), ("supplier", "cost", "next_cost", "others")),
    **dict.fromkeys(("assembly", "pooling", "posted_price", "balanced_ordering"), ("supplier", "profile")),
    **dict.fromkeys((f"expected_sales.written.{name}" for name in ("cover", "excess_covers", "support")), ("profile",)),
    "expected_sales.written.tangent": ("profile", "tangent"),
    **dict.fromkeys(("capacity", "whole_lots", "no_order", "minimum_order"), ("supplier", "profile")),
    **dict.fromkeys(("worst_prior", "deviation_below", "deviation_above"), ("profile",)),
    "transport": ("profile", "other_profile"),
}


def frame(
    case: AssemblerCase, name: str, form: str, contracts: bool = True, coalitions: Collection[int] | None = None
) -> pyo.ConcreteModel:
    """Return a model with its sets, the numbers that may vary, and the prior.

    Sets: SUPPLIERS, COSTS (i, cost), PROFILES t, and for every supplier i

    - OWN_COST (i, cost, others): what he knows,
    - MISREPORTS (i, cost, report, others): what he could say in its stead,
    - NEIGHBOURS (i, cost, next_cost, others): his neighbouring costs.

    `price`, `cost[i, cost]` and `probability[t]` are mutable Params: change their values and solve again. A cost keeps the name
    that it had when the model was built. Where the case has them, so are `salvage`, `shortage_penalty`, `assembly_cost`,
    `units_per_product[i]`, `deliverable[i]` (capacities), `usable[i, value]` (yields) and `reservation_profit[i]`, by `i=cost`
    where it depends on the cost.
    """
    fits(case, name, form, contracts)
    if coalitions is not None:
        fits_together(case, name, coalitions)
    m = basis(case, name)
    m.PROFILES = pyo.Set(initialize=profile_names(case))
    prior(m, m.PROFILES)
    m.profile = {}
    known, misreports, neighbours = [], [], []
    profiles = list(m.PROFILES)
    for i, supplier in enumerate(case.suppliers):
        name, costs = supplier.name, supplier.costs
        words = list(map(", ".join, product(*(case.tokens(j) for j in range(len(case.names)) if j != i))))
        own = [(name, cost, others) for others in words for cost in costs]
        m.profile.update(zip(own, map(profiles.__getitem__, _own_profiles(case, i).ravel().tolist()), strict=True))
        known += own
        lies, steps = list(permutations(costs, 2)), list(pairwise(costs))
        misreports += [(name, cost, report, others) for others in words for cost, report in lies]
        neighbours += [(name, cost, next_cost, others) for others in words for cost, next_cost in steps]
    index_set(m, "OWN_COST", known, 3)
    index_set(m, "MISREPORTS", misreports, 4)
    index_set(m, "NEIGHBOURS", neighbours, 4)
    return m


def _own_profiles(case: AssemblerCase, i: int) -> Integers:
    """Return the numbers of the profiles: a row for what the others report, a column for each cost of supplier i."""
    numbers = np.arange(case.profiles).reshape(case.shape)
    return np.moveaxis(numbers, i, -1).reshape(-1, case.shape[i])


def misreports(m: Any, reporting: Container[str] | None = None) -> tuple[Any, Integers, Integers, Integers]:
    """Return MISREPORTS, those of the `reporting` suppliers; of each the cost, and the contracts by the truth and by the report.

    Costs are numbered as in `m.cost`, contracts as in `m.quantity` and `m.payment`.
    """
    case = info_of(m).case
    pairs = [[(k, s) for k in range(count) for s in range(count) if s != k] for count in case.shape]
    return _situations(m, m.MISREPORTS, pairs, reporting)


def neighbours(m: Any, reporting: Container[str] | None = None) -> tuple[Any, Integers, Integers]:
    """Return NEIGHBOURS, those of the `reporting` suppliers; of each the contracts at the lower and at the higher cost."""
    pairs = [list(pairwise(range(count))) for count in info_of(m).case.shape]
    index, _, cheaper, dearer = _situations(m, m.NEIGHBOURS, pairs, reporting)
    return index, cheaper, dearer


def own_contracts(m: Any) -> tuple[Any, Integers, Integers]:
    """Return OWN_COST; of each the cost and the contract."""
    index, cost, truth, _ = _situations(m, m.OWN_COST, [[(k, k) for k in range(count)] for count in info_of(m).case.shape], None)
    return index, cost, truth


def _situations(
    m: Any, index: Any, pairs: list[list[tuple[int, int]]], reporting: Container[str] | None
) -> tuple[Any, Integers, Integers, Integers]:
    """Return an index of pairs of a supplier's costs and what the others report; costs and contracts, by number, of each."""
    case = info_of(m).case
    first_cost = np.cumsum([0, *case.shape])
    parts = [[np.zeros(0, dtype=np.int64)] * 3]
    for i, name in enumerate(case.names):
        if (reporting is None or name in reporting) and pairs[i]:
            own, (costs, reports) = _own_profiles(case, i), np.array(pairs[i]).T
            contracts = [i * case.profiles + own[:, which].ravel() for which in (costs, reports)]
            parts.append([np.tile(first_cost[i] + costs, len(own)), *contracts])
    kept = index if reporting is None else [key for key in index if key[0] in reporting]
    cost, first, second = (np.concatenate(part) for part in zip(*parts, strict=True))
    return kept, cost, first, second


def basis(case: AssemblerCase, name: str) -> pyo.ConcreteModel:
    """Return a model with SUPPLIERS and COSTS, price and costs, and the record of what it is."""
    m = MechanismModel(name=name)
    m.SUPPLIERS = pyo.Set(initialize=case.names)
    m.COSTS = pyo.Set(initialize=[(supplier.name, cost) for supplier in case.suppliers for cost in supplier.costs], dimen=2)
    each = {supplier.name: supplier.units_per_product for supplier in case.suppliers}
    m.units_per_product = pyo.Param(m.SUPPLIERS, initialize=each, mutable=True) if case.has_bill else each
    declare_numbers(m, case)
    m.cost = pyo.Param(m.COSTS, initialize={key: key[1] for key in m.COSTS}, mutable=True)
    if reserved := reservations(case):
        m.reservation_profit = pyo.Param(list(reserved), initialize=reserved, mutable=True)
    if capacities := {supplier.name: supplier.capacity for supplier in case.suppliers if supplier.capacity is not None}:
        m.deliverable = pyo.Param(list(capacities), initialize=capacities, mutable=True)
    describe(m, ModelInfo(case, name, dict(INDEX_NAMES)))
    declare_yields(m)
    info_of(m).parameters = named(m, case)
    return m


def prior(m: Any, profiles: Any) -> None:
    """Declare `probability` of cost profiles."""
    info = info_of(m)
    likely = dict(zip(profiles, info.case.probability.ravel().tolist(), strict=True))
    m.probability = pyo.Param(profiles, initialize=likely, mutable=True)
    info.parameters = named(m, info.case)


def own_costs(m: Any) -> None:
    """Declare what sees a supplier's own cost alone: REPORTS (i, cost, report) and `marginal`, how likely each cost is."""
    reports = [(i, cost, report) for i, cost in m.COSTS for j, report in m.COSTS if j == i and report != cost]
    m.REPORTS = pyo.Set(initialize=reports, dimen=3)
    profiles: dict[Any, list[Any]] = {key: [] for key in m.COSTS}
    for i, cost, others in m.OWN_COST:
        profiles[i, cost].append(m.probability[m.profile[i, cost, others]])
    m.marginal = pyo.Expression(m.COSTS, rule=lambda m, *key: pyo.quicksum(profiles[key]))
    names = {"individual_rationality": ("supplier", "cost"), "incentive_compatibility": ("supplier", "cost", "report")}
    info_of(m).index_names |= names


def elsewhere(m: Any) -> dict[tuple[str, float], Any]:
    """Return what a supplier earns elsewhere at a cost, for (i, cost) in COSTS: a Param, or 0 where the case says nothing."""
    case = info_of(m).case
    if m.component("reservation_profit") is None:
        return dict.fromkeys(m.COSTS, 0.0)
    tokens = (token for i in range(len(case.names)) for token in case.reservation_tokens(i))
    known = m.reservation_profit
    return {key: known[token] if token in known else 0.0 for key, token in zip(m.COSTS, tokens, strict=True)}  # noqa: SIM401


def capacities(m: Any, index: Any, units: Callable[..., Any]) -> None:
    """Declare `capacity`: no more is bought of a supplier than he can deliver; `units(i, ...)`, over an index of (i, ...)."""
    if m.component("deliverable") is None:
        return

    @m.Constraint([key for key in index if key[0] in m.deliverable])
    def capacity(m: Any, *key: Any) -> Any:
        return units(*key) <= m.deliverable[key[0]]


def contracts(m: Any, form: str) -> None:
    """Declare contracts that depend on every report: quantity q_i(t), payment P_i(t); units assembled a_i y(t) <= q_i(t).

    Of random yields z in a scenario s: a_i y(t, s) <= z_i(s) q_i(t).
    """
    m.quantity = pyo.Var(m.SUPPLIERS, m.PROFILES, domain=pyo.NonNegativeReals)
    m.payment = pyo.Var(m.SUPPLIERS, m.PROFILES)
    declare_sales(m, m.PROFILES, form)
    assembly(m)
    capacities(m, m.quantity, lambda i, t: m.quantity[i, t])
    order_rules(m, m.quantity, lambda i, t: m.quantity[i, t])


def assembly(m: Any) -> None:
    """Declare `assembly`: products need no more of a component than arrives."""
    case = info_of(m).case
    if case.several_sources or case.products is not None:
        assembly_of_sources(m, lambda i, t: m.quantity[i, t])
        return
    suppliers, profiles, scenario, shares = numbers_of_rows(m)
    y, q = Each(m.units)[profiles * (scenario.max() + 1) + scenario], Each(m.quantity)[suppliers * len(m.PROFILES) + profiles]
    needs = y if isinstance(m.units_per_product, dict) else Each(m.units_per_product)[suppliers] * y
    arrives = q if m.component("usable") is None else Each(m.usable)[shares] * q
    declare(m, "assembly", assembled(m, m.quantity.index_set()), needs <= arrives)


def assembly_of_sources(m: Any, ordered: Callable[[str, str], Any]) -> None:
    """Declare `assembly` by component: what its sources deliver in all; `ordered(i, t)` is what is ordered of supplier i."""
    case = info_of(m).case
    sources = {component: [case.names[i] for i in members] for component, members in case.sources.items()}
    info_of(m).index_names["assembly"] = ("component", *info_of(m).index_names["assembly"][1:])

    @m.Constraint(list(sources), assembled(m, m.PROFILES))
    def assembly(m: Any, component: str, t: str, s: str = "") -> Any:
        first, several = sources[component][0], case.products is not None
        delivered = pyo.quicksum(arriving(m, i, s) * ordered(i, t) for i in sources[component])
        return (needed(m, first, t) if several else m.units_per_product[first] * m.units[outcome(t, s)]) <= delivered


def ex_post_participation(m: Any) -> None:
    """Declare `individual_rationality`: a truthful supplier earns what he would elsewhere, whatever the others report."""
    if m.component("reservation_profit") is None:
        known, cost, truth = own_contracts(m)
        P, q, costs = Each(m.payment), Each(m.quantity), Each(m.cost)
        declare(m, "individual_rationality", known, P[truth] >= costs[cost] * q[truth])
        return
    reserved = elsewhere(m)

    @m.Constraint(m.OWN_COST)
    def individual_rationality(m: Any, i: str, cost: float, others: str) -> Any:
        truth = m.profile[i, cost, others]
        return m.payment[i, truth] >= m.cost[i, cost] * m.quantity[i, truth] + reserved[i, cost]


def aim(m: Any, cost: Callable[[AssemblerCase], Array]) -> None:
    """Say where the units of each profile are likely to be, from a unit cost; of one product, as of several each has its own."""
    if info_of(m).case.products is None:
        info_of(m).likely_units = newsvendor(cost)


def newsvendor(cost: Callable[[AssemblerCase], Array]) -> Callable[[AssemblerCase], Array]:
    """Return what gives the quantity of each profile at a unit cost, infinite or undefined where nothing is bought.

    At expected yields in all scenarios, where yields are random.
    """
    return partial(_newsvendor_units, cost)  # which is pickled with the model


def _newsvendor_units(cost: Callable[[AssemblerCase], Array], case: AssemblerCase) -> Array:
    return np.repeat(case.best_units(np.nan_to_num(cost(case), nan=np.inf)).ravel(), case.yields.count)


def profit(m: Any, paid: Callable[[str, str], Any] | None = None) -> None:
    """Declare the objective, expected profit: sum_t beta(t) (S(y(t)) - sum_i P_i(t)), (2); `paid`: what counts as P_i(t)."""
    if paid is None and m.component("ordered") is None:  # as below, less the look-ups
        payments, count = members_of(m.payment), len(m.PROFILES)
        each = {t: LinearExpression(payments[place::count]) for place, t in enumerate(m.PROFILES)}
        m.profit = pyo.Objective(expr=expected(m, lambda t: expected_revenue(m, t) - each[t]), sense=pyo.maximize)
        return
    payment, suppliers = paid or (lambda i, t: m.payment[i, t]), list(m.SUPPLIERS)

    def earned(t: str) -> Any:
        return expected_revenue(m, t) - pyo.quicksum(payment(i, t) + setup_cost(m, i, t) for i in suppliers)

    m.profit = pyo.Objective(expr=expected(m, earned), sense=pyo.maximize)


def reservations(case: AssemblerCase) -> dict[str, float]:
    """Return what suppliers earn elsewhere, by the name that it has: of every supplier for whom it is not 0 at all costs."""
    some = [i for i, supplier in enumerate(case.suppliers) if any(supplier.reservations)]
    pairs = (zip(case.reservation_tokens(i), case.suppliers[i].reservations, strict=True) for i in some)
    return {token: profit for pair in pairs for token, profit in pair}


def planned(m: Any) -> Array | None:
    """Return the units of each of several products in a solved model, shape (products, *shape); None of one product."""
    case = info_of(m).case
    return None if case.products is None else value(m.units, (-1, *case.shape)).clip(min=0)
