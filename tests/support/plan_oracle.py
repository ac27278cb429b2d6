"""Joint plans a second time, from the algebra alone: arrays by hand and an interior point method of its own.

Nothing of `models` or `solvers` is used, only the numbers of the case. Each flow is one variable that both ends share; squares
stand on the flows themselves. `least` is Mehrotra's predictor and corrector (SIAM Journal on Optimization 2, 1992) for
min c'z + z'Hz / 2 with A z = b, z >= 0.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse.linalg import splu

from veridical.data.joint_plan import JointPlanCase, Party

Array = NDArray[np.float64]
Terms = Iterable[tuple[Any, float]]


class Program:
    """A quadratic program under construction: variables >= 0 by key."""

    def __init__(self) -> None:
        self.columns: dict[Any, int] = {}
        self.cost: list[float] = []
        self.rows: list[list[tuple[int, float]]] = []
        self.right: list[float] = []
        self.squares: list[tuple[list[tuple[int, float]], float]] = []
        self.offset = 0.0

    def of(self, key: Any, cost: float = 0.0) -> Any:
        """Add `cost` to a variable's, which is made where it is not there; return its key."""
        if key not in self.columns:
            self.columns[key] = len(self.cost)
            self.cost.append(0.0)
        self.cost[self.columns[key]] += cost
        return key

    def equal(self, terms: Terms, right: float) -> None:
        self.rows.append([(self.columns[self.of(key)], factor) for key, factor in terms])
        self.right.append(right)

    def at_most(self, terms: Terms, right: float) -> None:
        self.equal([*terms, (("slack", len(self.rows)), 1.0)], right)

    def square(self, terms: Terms, weight: float, less: float = 0.0) -> None:
        """Add weight / 2 * (terms - less) squared."""
        terms = [(self.columns[self.of(key)], factor) for key, factor in terms]
        self.squares.append((terms, weight))
        for column, factor in terms:
            self.cost[column] -= weight * less * factor
        self.offset += weight / 2 * less**2

    def arrays(self) -> tuple[Array, sp.csc_array, sp.csc_array, Array]:
        """Return c, H, A, b."""
        n = len(self.cost)
        matrix = _sparse(self.rows, n)
        root = _sparse([[(k, np.sqrt(weight) * factor) for k, factor in terms] for terms, weight in self.squares], n)
        return np.array(self.cost), sp.csc_array(root.T @ root), matrix, np.array(self.right)

    def solve(self, fixed: Mapping[Any, float]) -> tuple[dict[Any, float], float]:
        """Return the optimum, and what it is worth, with some variables fixed."""
        c, H, A, b = self.arrays()
        z = np.full(len(c), np.nan)
        for key, value in fixed.items():
            z[self.columns[key]] = value
        z = _forced(A, b, z)
        free = np.isnan(z)
        held = np.where(free, 0.0, z)
        z[free] = least((c + H @ held)[free], H[free][:, free], A[:, free], b - A @ held)
        return dict(zip(self.columns, z.tolist(), strict=True)), float(c @ z + z @ (H @ z) / 2 + self.offset)


def _sparse(rows: list[list[tuple[int, float]]], columns: int) -> sp.csc_array:
    entries = [(k, column, factor) for k, row in enumerate(rows) for column, factor in row]
    at, of, values = (np.array(part) for part in zip(*entries, strict=True)) if entries else (np.zeros(0, int),) * 3
    return sp.csc_array((values, (at, of)), shape=(len(rows), columns))


def _forced(A: sp.csc_array, b: Array, z: Array) -> Array:
    """Return z with 0 for what must be 0: a sum of nothing negative that comes to nothing leaves no interior."""
    rows = sp.csr_array(A)
    while True:
        free, z = np.isnan(z), z.copy()
        right = b - A @ np.where(free, 0.0, z)
        for k in np.flatnonzero(np.abs(right) < 1e-12):
            part = slice(rows.indptr[k], rows.indptr[k + 1])
            columns, values = rows.indices[part], rows.data[part]
            columns, values = columns[free[columns]], values[free[columns]]
            if len(columns) and (np.all(values > 0) or np.all(values < 0)):
                z[columns] = 0.0
        if (np.isnan(z) == free).all():
            return z


def least(c: Array, H: sp.csc_array, A: sp.csc_array, b: Array) -> Array:
    """Return the z >= 0 with A z = b at which c'z + z'Hz / 2 is least."""
    keep = np.diff(sp.csr_array(A).indptr) > 0
    A, b = sp.csc_array(A[keep]), b[keep]
    n, m = len(c), len(b)
    size, worth = max(np.abs(b).max(initial=0.0), 1.0), max(np.abs(c).max(initial=0.0), 1.0)
    z, y, s = np.full(n, size), np.zeros(m), np.full(n, worth)
    best, kept = np.inf, z
    for _ in range(200):
        dual, primal = c + H @ z - A.T @ y - s, A @ z - b
        mu = float(z @ s) / n
        error = max(np.abs(dual).max() / worth, np.abs(primal).max(initial=0.0) / size, n * mu / (1 + abs(float(c @ z))))
        if error < best:
            best, kept = error, z
        if error < 1e-13:
            break
        blocks: Any = [[H + sp.diags_array(s / z + 1e-14), A.T], [A, -1e-14 * sp.eye_array(m)]]
        factors = splu(sp.csc_array(sp.block_array(blocks)))

        def step(complement: Array) -> tuple[Array, Array, Array]:
            move = factors.solve(np.concatenate([-dual - complement / z, -primal]))  # noqa: B023
            dz = move[:n]
            return dz, -move[n:], -(complement + s * dz) / z  # noqa: B023

        dz, _, ds = step(z * s)
        a, d = _longest(z, dz), _longest(s, ds)
        sigma = (float((z + a * dz) @ (s + d * ds)) / n / mu) ** 3
        dz, dy, ds = step(z * s + dz * ds - sigma * mu)
        a = min(_longest(z, dz), _longest(s, ds)) * 0.9995  # of a quadratic program: one length for both
        if not np.isfinite(a) or a < 1e-12:
            break
        z, y, s = z + a * dz, y + a * dy, s + a * ds
    assert best < 1e-9, best
    return _exact(c, H, A, b, kept, kept / size < s / worth)


def _exact(c: Array, H: sp.csc_array, A: sp.csc_array, b: Array, z: Array, nothing: NDArray[np.bool_]) -> Array:
    """Return the point at which the conditions hold as equations, with 0 for what is nothing, where that is a better one.

    What curves by a thousandth alone, as the tie-break, is known from a gap of 1e-13 to a thousandth of a unit only.
    """
    some = np.flatnonzero(~nothing)
    A, H, right = A[:, some], sp.csc_array(sp.csr_array(H)[some])[:, some], np.concatenate([-c[some], b])
    blocks: Any = [[H, A.T], [A, None]]
    system = sp.csc_array(sp.block_array(blocks))
    regular = sp.diags_array(np.concatenate([np.full(len(some), 1e-8), np.full(len(b), -1e-8)]))
    factors, answer = splu(sp.csc_array(system + regular)), np.concatenate([z[some], np.zeros(len(b))])
    for _ in range(100):
        answer = answer + factors.solve(right - system @ answer)
    found = np.zeros(len(z))
    found[some] = answer[: len(some)]
    left = np.abs(right - system @ answer).max()
    sound = found.min(initial=0.0) > -1e-9 * np.abs(z).max() and left < 1e-9 * max(np.abs(right).max(), 1.0)
    return np.maximum(found, 0.0) if sound else np.where(nothing, 0.0, z)


def _longest(at: Array, along: Array) -> float:
    """Return how far a step may go, at most 1, until something reaches 0."""
    falling = along < 0
    return float(np.min(-at[falling] / along[falling], initial=1.0))


# --- what the roles pay, of the specification ---


def declare(program: Program, case: JointPlanCase, party: Party) -> None:
    """Add a party: its costs and limits, on its flows."""
    x = [flow for flow in case.shared.flows if party.name in (flow.supplier, flow.receiver)]
    price = dict(zip(case.shared.flows, case.shared.price.tolist(), strict=True))
    for flow in x:
        program.of(flow, price[flow] if party.side == "receiver" else -price[flow])
    kinds: dict[str, Any] = {"retailer": _retailer, "shipper": _shipper, "vendor": _vendor, "seller": _seller}
    kinds |= {"carrier": _carrier, "marketplace": _retailer}
    kinds[party.role](program, party, x, case.shared.products, case.shared.weeks)


def _retailer(m: Program, r: Any, x: Any, vol: Any, weeks: Any) -> None:
    sites, products = {flow.site for flow in x}, {flow.product for flow in x}
    links = [(f, region) for f, region in r.outbound_cost if f in sites]
    for f in sites:
        for t in weeks:
            coming = [(flow, vol[flow.product]) for flow in x if flow.site == f and flow.week == t]
            m.at_most([*coming, (m.of(("overtime", f, t), r.inbound_overtime[f]), -1.0)], r.inbound_capacity[f, t])
            m.square(coming, r.congestion[f])
            for p in products:
                stock = m.of(("stock", f, p, t), r.holding_cost[f, p])
                terms = [(flow, 1.0) for flow in x if (flow.site, flow.product, flow.week) == (f, p, t)]
                terms += [(m.of(("y", *link, p, t), r.outbound_cost[link] * vol[p]), -1.0) for link in links if link[0] == f]
                before = [(("stock", f, p, t - 1), 1.0)] if t > weeks[0] else []
                m.equal([*terms, *before, (stock, -1.0)], -r.stock[f, p] if t == weeks[0] else 0.0)
    for (region, p, t), units in r.demand.items():
        if p in products:
            served = [(("y", *link, p, t), 1.0) for link in links if link[1] == region]
            m.equal([*served, (m.of(("lost", region, p, t), r.penalty[p]), 1.0)], units)


def _lanes(m: Program, v: Any, x: Any, vol: Any, weeks: Any) -> None:
    for f in {flow.site for flow in x}:
        for t in weeks:
            shipped = [(flow, vol[flow.product]) for flow in x if flow.site == f and flow.week == t]
            own = m.of((v.name, "own", f, t), v.contract_cost[f])
            m.equal([*shipped, (own, -1.0), (m.of((v.name, "spot", f, t), v.spot_cost[f]), -1.0)], 0.0)
            m.at_most([(own, 1.0)], v.contract[f])
            m.square(shipped, v.lane_congestion[f])


def _from_stock(m: Program, v: Any, x: Any, vol: Any, weeks: Any, arrivals: Any) -> None:
    """Stock, expediting and handling; `arrivals`: by product and week, None where the vendor makes it."""
    for t in weeks:
        shipped = [(flow, vol[flow.product]) for flow in x if flow.week == t]
        m.at_most([*shipped, (m.of((v.name, "handling", t), v.handling_overtime), -1.0)], v.handling_capacity[t])
        for p in {flow.product for flow in x}:
            terms = [(flow, -1.0) for flow in x if (flow.product, flow.week) == (p, t)]
            terms += [(m.of((v.name, "s", p, t), v.expediting_cost[p]), 1.0)]
            terms += [((v.name, "stock", p, t - 1), 1.0)] if t > weeks[0] else []
            terms += [((v.name, "q", p, t), 1.0)] if arrivals is None else []
            known = (v.stock[p] if t == weeks[0] else 0.0) + (0.0 if arrivals is None else arrivals[p, t])
            m.equal([*terms, (m.of((v.name, "stock", p, t), v.holding_cost[p]), -1.0)], -known)


def _smooth(m: Program, weight: float, volume: Mapping[int, list[tuple[Any, float]]], before: float | None) -> None:
    for t, terms in volume.items():
        if t - 1 in volume:
            m.square([*terms, *((key, -factor) for key, factor in volume[t - 1])], weight)
        elif before is not None:
            m.square(terms, weight, before)


def _vendor(m: Program, v: Any, x: Any, vol: Any, weeks: Any) -> None:
    products = sorted({flow.product for flow in x})
    made = {t: [(m.of((v.name, "q", p, t), v.production_cost[p]), vol[p]) for p in products] for t in weeks}
    for t in weeks:
        m.at_most([*made[t], (m.of((v.name, "over", t), v.production_overtime), -1.0)], v.production_capacity[t])
    _smooth(m, v.smoothing, made, v.previous_production)
    _from_stock(m, v, x, vol, weeks, None)
    _lanes(m, v, x, vol, weeks)


def _seller(m: Program, v: Any, x: Any, vol: Any, weeks: Any) -> None:
    _from_stock(m, v, x, vol, weeks, v.arrivals)
    _lanes(m, v, x, vol, weeks)


def _carrier(m: Program, v: Any, x: Any, vol: Any, weeks: Any) -> None:
    _lanes(m, v, x, vol, weeks)
    for t in weeks:
        days = [((v.name, "own", f, t), v.truck_days[f]) for f in {flow.site for flow in x}]
        m.at_most([*days, (m.of((v.name, "fleet", t), v.fleet_overtime), -1.0)], v.fleet[t])
    volume = {t: [(flow, vol[flow.product]) for flow in x if flow.week == t] for t in weeks}
    _smooth(m, v.smoothing, volume, v.previous_volume)


def _shipper(m: Program, r: Any, x: Any, vol: Any, weeks: Any) -> None:
    sites = {flow.site for flow in x}
    for t in weeks:
        docked = [(flow, vol[flow.product]) for flow in x if flow.week == t]
        m.at_most([*docked, (m.of((r.name, "dock", t), r.dock_overtime), -1.0)], r.dock_capacity[t])
        for f in sites:
            m.square([(flow, vol[flow.product]) for flow in x if (flow.site, flow.week) == (f, t)], r.congestion[f])
            for p in {flow.product for flow in x if flow.site == f}:
                left = r.market_cost if t == weeks[-1] else r.waiting_cost
                waits, carried, market = ((r.name, what, f, p, t) for what in ("waiting", "carried", "market"))
                before = [((r.name, "waiting", f, p, t - 1), 1.0)] if t > weeks[0] else []
                m.of(waits, left[f, p])
                m.of(market, r.market_cost[f, p])
                known = r.ready[f, p, t] + (r.stock[f, p] if t == weeks[0] else 0.0)
                m.equal([*before, (waits, -1.0), (carried, -1.0), (market, -1.0)], -known)
                booked = [(flow, -1.0) for flow in x if (flow.site, flow.product, flow.week) == (f, p, t)]
                m.at_most([*booked, (carried, 1.0)], 0.0)


# --- plans, costs, transfers ---


def _program(case: JointPlanCase, names: Collection[str]) -> Program:
    program = Program()
    for party in case.parties:
        if party.name in names:
            declare(program, case, party)
    return program


def joint_cost(case: JointPlanCase, start: Array, absent: Collection[str] = (), fee: float = 0.0) -> tuple[Array, float]:
    """Return a plan at the least cost of those who take part, and that cost; with a fee per m3 of change from `start`."""
    program = _program(case, [name for name in case.names if name not in absent])
    fixed = {}
    for flow, units, volume in zip(case.shared.flows, start.tolist(), case.shared.volume.tolist(), strict=True):
        if flow.supplier in absent or flow.receiver in absent:
            if flow in program.columns:
                fixed[flow] = units
        elif fee:
            program.equal([(flow, 1.0), (program.of(("more", flow), fee * volume), -1.0), (("less", flow), 1.0)], units)
            program.of(("less", flow), fee * volume)
    z, value = program.solve(fixed)
    return np.array([z.get(flow, before) for flow, before in zip(case.shared.flows, start.tolist(), strict=True)]), value


def cost(case: JointPlanCase, name: str, plan: Array) -> float:
    """Return a party's least cost at a plan."""
    program = _program(case, [name])
    units = zip(case.shared.flows, plan.tolist(), strict=True)
    return program.solve({flow: x for flow, x in units if flow in program.columns})[1]


def baseline(case: JointPlanCase) -> Array:
    """Return the receivers' own plan, with the tie-break of the case."""
    program = _program(case, case.receivers)
    for flow in case.shared.flows:
        program.square([(flow, 1.0)], case.mechanism.tie_break)
    z, _ = program.solve({})
    return np.array([z[flow] for flow in case.shared.flows])


def unevenness(case: JointPlanCase, plan: Array, absent: Collection[str] = ()) -> float:
    """Return by how much a plan at least cost is from the evenest of its kind, relative to its sum of squares; 0 for that one.

    All plans at least cost of a convex quadratic program have the same Hz and the same c'z; x is the one with the least sum of
    squares exactly where none of them has a smaller product with x. That is a linear program.
    """
    program = _program(case, [name for name in case.names if name not in absent])
    units = {flow: x for flow, x in zip(case.shared.flows, plan.tolist(), strict=True) if flow in program.columns}
    z, _ = program.solve(units)
    point = np.array(list(z.values()))
    c, _, A, _ = program.arrays()
    held = [program.columns[flow] for flow in units if flow.supplier in absent or flow.receiver in absent]
    bounds = [(0.0, None)] * len(c)
    for column in held:
        bounds[column] = (point[column], point[column])
    aim = np.zeros(len(c))
    aim[[program.columns[flow] for flow in units]] = list(units.values())
    curved = sp.csr_array(_sparse([terms for terms, weight in program.squares if weight], len(c)))
    squared = curved @ point
    near = 1e-8 * (np.abs(squared) + np.abs(squared).max(initial=1.0))
    upper = sp.vstack([sp.csr_array(c[None]), curved, -curved])
    least_cost = c @ point + 1e-9 * (np.abs(c) @ np.abs(point) + 1.0)
    limits = np.concatenate([[least_cost], squared + near, near - squared])
    program_of = {"A_ub": upper, "b_ub": limits, "A_eq": A, "b_eq": A @ point, "bounds": bounds, "method": "highs"}
    for presolve in (True, False):  # it takes some of these faces, which are thin, for empty ones
        found = linprog(aim, **program_of, options={"presolve": presolve})
        if found.success:
            break
    assert found.success, found.message
    return float(aim @ aim - found.fun) / (float(aim @ aim) + 1.0)
