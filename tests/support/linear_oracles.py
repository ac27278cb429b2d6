"""Optima of tiny cases by scipy's linear programs, written from the papers' definitions: nothing of the package is used.

An assembler's demand is a list of points, so that his problem is a linear program as it stands. A retailer's revenue
q (theta - q) is the least of its tangents, and those at the last solution are added until they meet the curve.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

Array = NDArray[np.float64]

MECHANISMS: dict[str, tuple[str, dict[str, Any]]] = {  # of each oracle the mechanism, and its parameters
    "first_best": ("first_best", {}),
    "naive": ("naive", {}),
    "frw": ("frw", {}),
    "icds": ("icds", {}),
    "ex_post": ("bic", {"participation": "ex_post"}),
    "interim": ("bic", {"participation": "interim"}),
}


@dataclass
class Program:
    """Maximise a sum of coefficients times variables: rows are `sum <= right`."""

    worth: dict[Any, float] = field(default_factory=dict)
    rows: list[tuple[dict[Any, float], float]] = field(default_factory=list)
    bounds: dict[Any, tuple[float | None, float | None]] = field(default_factory=dict)
    equal: list[tuple[dict[Any, float], float]] = field(default_factory=list)

    def variable(self, key: Any, worth: float = 0.0, low: float | None = 0.0, high: float | None = None) -> Any:
        """Declare a variable by its name, and return the name."""
        self.worth[key], self.bounds[key] = worth, (low, high)
        return key

    def at_most(self, right: float, *terms: tuple[float, Any]) -> None:
        """Declare a row; a variable may occur several times."""
        row: dict[Any, float] = {}
        for factor, key in terms:
            row[key] = row.get(key, 0.0) + factor
        self.rows.append((row, right))

    def optimum(self) -> float:
        """Return the optimum, minus infinity where the program is infeasible."""
        _, result = self._run()
        assert result.status in (0, 2), result.message
        return -float(result.fun) if result.status == 0 else -np.inf

    def solve(self) -> tuple[float, dict[Any, float]]:
        """Return the optimum and the variables' values."""
        place, result = self._run()
        assert result.status == 0, result.message
        return -float(result.fun), dict(zip(place, result.x.tolist(), strict=True))

    def in_whole_numbers(self, *kinds: str) -> float:
        """Return the optimum in which variables of these kinds, the first part of their names, are whole numbers."""
        place, matrix = self._matrix()
        ends = ((-np.inf if low is None else low, np.inf if high is None else high) for low, high in self.bounds.values())
        result: Any = milp(
            -np.array(list(self.worth.values())),
            integrality=np.array([key[0] in kinds for key in place]),
            bounds=Bounds(*np.array(list(ends)).T),
            constraints=LinearConstraint(matrix, ub=np.array([right for _, right in self.rows])),
            options={"mip_rel_gap": 1e-9},
        )
        assert result.status == 0, result.message
        return -float(result.fun)

    def _matrix(self) -> tuple[dict[Any, int], Array]:
        """Return the variables' places, and the rows' coefficients."""
        place = {key: k for k, key in enumerate(self.worth)}
        matrix = np.zeros((len(self.rows), len(place)))
        for r, (row, _) in enumerate(self.rows):
            for key, factor in row.items():
                matrix[r, place[key]] = factor
        return place, matrix

    def _run(self) -> tuple[dict[Any, int], Any]:
        """Return the variables' places, and what scipy says."""
        place, matrix = self._matrix()
        result: Any = linprog(
            -np.array(list(self.worth.values())),
            matrix,
            np.array([right for _, right in self.rows]),
            bounds=list(self.bounds.values()),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        return place, result


@dataclass(frozen=True)
class Practice:
    """What real contracts have beside price and costs: currency per product, and of every supplier in turn.

    `each`: units of his component in a product; `reserved`: what he earns elsewhere, a number a cost; `capacity`: units or None;
    `source`: the number of the component that he delivers; `yields`: pairs of a share that arrives and its probability.
    """

    salvage: float = 0.0
    shortage_penalty: float = 0.0
    assembly_cost: float = 0.0
    each: Sequence[float] = ()
    reserved: Sequence[Sequence[float]] = ()
    capacity: Sequence[float | None] = ()
    source: Sequence[int] = ()
    yields: Sequence[Sequence[tuple[float, float]]] = ()


@dataclass(frozen=True)
class Sold:
    """A product: what a sale brings more than a unit that is left over, what that is worth, and demand.

    `each`: units of every component in a product, by the component's number.
    """

    per_sale: float
    salvage: float
    points: Sequence[float]
    masses: Sequence[float]
    each: Mapping[int, float]


def assembler(
    mechanism: str,
    price: float,
    points: Sequence[float],
    masses: Sequence[float],
    costs: Sequence[Sequence[float]],
    prior: Array,
    practice: Practice = Practice(),
) -> Program:
    """Return the assembler's program under `first_best`, `naive`, `frw`, `icds`, `ex_post` or `interim` (Bayesian).

    Without the penalty of all demand, which is a number that no decision moves.
    """
    source = practice.source or list(range(len(costs)))
    units = practice.each or [1.0] * len(costs)
    per_sale = price + practice.shortage_penalty - practice.assembly_cost - practice.salvage
    each = {component: units[source.index(component)] for component in set(source)}
    return of_products(mechanism, [Sold(per_sale, practice.salvage, points, masses, each)], costs, prior, practice)


def of_products(
    mechanism: str,
    products: Sequence[Sold],
    costs: Sequence[Sequence[float]],
    prior: Array,
    practice: Practice = Practice(),
) -> Program:
    """Return the program of an assembler of several products, of which each brings what it does by itself."""
    p, suppliers = Program(), range(len(costs))
    reserved = practice.reserved or [[0.0] * len(own) for own in costs]
    capacity = practice.capacity or [None] * len(costs)
    source = practice.source or list(suppliers)
    arrivals = list(itertools.product(*(practice.yields or [[(1.0, 1.0)]] * len(costs))))
    profiles = list(np.ndindex(*prior.shape))

    def seen(i: int, t: tuple[int, ...]) -> Any:
        """What of a profile supplier i's contract answers to."""
        return {"naive": (), "frw": (t[i],)}.get(mechanism, t)

    for i, t in itertools.product(suppliers, profiles):
        for name, low in (("q", 0.0), ("P", None)):
            if (name, i, seen(i, t)) not in p.worth:
                p.variable((name, i, seen(i, t)), low=low, high=capacity[i] if name == "q" else None)
        p.worth["P", i, seen(i, t)] -= float(prior[t])
    for t, arrival in itertools.product(profiles, arrivals):
        likely_here = float(prior[t]) * float(np.prod([likely for _, likely in arrival]))
        for k, product in enumerate(products):
            made = p.variable(("y", k, t, arrival), likely_here * product.salvage)
            for n, (point, mass) in enumerate(zip(product.points, product.masses, strict=True)):
                sold = p.variable(("s", k, t, arrival, n), likely_here * product.per_sale * mass, high=point)
                p.at_most(0.0, (1.0, sold), (-1.0, made))
        for component in sorted(set(source)):
            members = [i for i in suppliers if source[i] == component]
            needed = [(product.each.get(component, 0.0), ("y", k, t, arrival)) for k, product in enumerate(products)]
            p.at_most(0.0, *needed, *((-arrival[i][0], ("q", i, seen(i, t))) for i in members))

    def rent(i: int, true: int, report: int, t: tuple[int, ...], weight: float) -> list[tuple[float, Any]]:
        """What supplier i with the cost number `true` earns by a report, the others being as in t."""
        told = seen(i, (*t[:i], report, *t[i + 1 :]))
        return [(weight, ("P", i, told)), (-weight * costs[i][true], ("q", i, told))]

    for i in suppliers:
        for true, report in itertools.product(range(len(costs[i])), repeat=2):
            others = [t for t in profiles if t[i] == true]
            likely = np.array([prior[t] for t in others])
            told = [(t, 1.0) for t in others]
            if mechanism in ("ex_post", "interim"):  # one condition, in expectation over the others
                told = list(zip(others, (likely / likely.sum()).tolist(), strict=True))
            gains = [
                [(-f, key) for f, key in rent(i, true, true, t, w)] + ([] if report == true else rent(i, true, report, t, w))
                for t, w in told
            ]
            expected = mechanism == "interim" or (mechanism == "ex_post" and report != true)
            if mechanism == "first_best" and report != true:
                continue
            if mechanism == "ex_post" and report == true:
                gains = [[(-f, key) for f, key in rent(i, true, true, t, 1.0)] for t in others]
            for condition in [list(itertools.chain(*gains))] if expected else gains:
                p.at_most(-reserved[i][true] if report == true else 0.0, *condition)
    return p


@dataclass(frozen=True)
class Retailing:
    """What retailers' contracts say beside type, and what truth and participation are to hold against.

    `prior`: a joint table over types; `reserved`: what each earns elsewhere, a number a type; `most`: units that each can take;
    `dominant`, `ex_post`: whether truth and participation hold whatever the others are; `least` and `placed`: the least order,
    and which (retailer, profile) get one, the others getting nothing; identical retailers of the same type then get the same.
    """

    prior: Array | None = None
    reserved: Sequence[Sequence[float]] = ()
    most: Sequence[float | None] = ()
    dominant: bool = False
    ex_post: bool = False
    least: float = 0.0
    placed: Callable[[int, tuple[int, ...]], bool] | None = None


def allocation(
    groups: Sequence[tuple[Sequence[float], Sequence[float]]],
    capacity: float | None,
    cost: float = 0.0,
    ex_post: bool = False,
    terms: Retailing = Retailing(),
) -> float:
    """Return the supplier's optimum: retailers with (types, probabilities) and the revenue q (theta - q) each.

    Truth and participation in expectation over the others, or whatever they are; one payment a profile; capacity is fixed, or
    bought at `cost`. Payments are what units earn less a rent, so that the curves stand where more of them helps. Minus infinity
    where nothing meets the conditions.
    """
    p, retailers = Program(), range(len(groups))
    profiles = list(np.ndindex(*(len(types) for types, _ in groups)))
    chance = {t: float(np.prod([groups[i][1][k] for i, k in enumerate(t)])) for t in profiles}
    if terms.prior is not None:
        chance = {t: float(terms.prior[t]) for t in profiles}
    most = terms.most or [None] * len(groups)
    units = p.variable("K", -cost) if capacity is None else None
    curves = []
    for t in profiles:
        for i in retailers:
            on = terms.placed is None or terms.placed(i, t)
            p.variable(("q", i, t), low=terms.least if on else 0.0, high=most[i] if on else 0.0)
            p.variable(("rent", i, t), -chance[t], low=None)
            curve = p.variable(("R", i, t), chance[t], low=None)  # R(q) of the true type, less the rent: the payment
            curves.append((curve, ("q", i, t), groups[i][0][t[i]]))
        served = [(1.0, ("q", i, t)) for i in retailers]
        p.at_most(0.0, *served, (-1.0, units)) if units else p.at_most(float(capacity or 0.0), *served)
        if terms.placed is not None:
            for i, j in itertools.permutations(retailers, 2):
                exchanged = tuple(t[{i: j, j: i}.get(k, k)] for k in retailers)
                p.at_most(0.0, (1.0, ("q", i, t)), (-1.0, ("q", j, exchanged)))
    for i in retailers:
        types = groups[i][0]
        for true, report in itertools.product(range(len(types)), repeat=2):
            gains = []
            likely = sum(chance[t] for t in profiles if t[i] == true)
            always = (ex_post or terms.ex_post) if report == true else (ex_post or terms.dominant)
            for t in profiles:
                if t[i] != true:
                    continue
                told, weight = (*t[:i], report, *t[i + 1 :]), chance[t] / likely
                gain = [(-1.0, ("rent", i, t))]  # a report earns its own rent, and what the type makes more of its units
                if report != true:
                    gain += [(1.0, ("rent", i, told)), (types[true] - types[report], ("q", i, told))]
                gains.append([(f if always else weight * f, key) for f, key in gain])
            kept = -terms.reserved[i][true] if terms.reserved and report == true else 0.0
            for condition in gains if always else [list(itertools.chain(*gains))]:
                p.at_most(kept, *condition)
    for curve, q, theta in curves:
        for at in np.linspace(0.0, theta / 2, 9).tolist():
            p.at_most(at**2, (1.0, curve), (-(theta - 2 * at), q))
    if p.optimum() == -np.inf:
        return -np.inf
    while True:
        optimum, x = p.solve()
        above = [x[curve] - x[q] * (theta - x[q]) for curve, q, theta in curves]
        if max(above) < 1e-9:
            return optimum
        for (curve, q, theta), excess in zip(curves, above, strict=True):
            if excess >= 1e-9:
                p.at_most(x[q] ** 2, (1.0, curve), (-(theta - 2 * x[q]), q))
