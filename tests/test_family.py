"""The family of mechanisms between naive and first best: their order, each of them several ways, and what they rest on."""

import itertools
import math
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import linprog

import veridical as vd
from veridical.data import AssemblerCase, InputError, virtual_cost, weighted_virtual_cost

Array = NDArray[np.float64]
Assembler = Callable[..., AssemblerCase]
Cases = Callable[..., st.SearchStrategy[AssemblerCase]]
Way = tuple[str, dict[str, Any]]

EXACT = 1e-9  # rounding of sums and of a simplex basis
SOLVED = 1e-6  # what a certificate promises
KINDS = ("uniform", "exponential", "empirical")
SHIPPED = [name for name in vd.examples() if isinstance(vd.example(name), AssemblerCase)]
UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}
POINTS, MASSES = [120.0, 310.0, 560.0], [0.25, 0.45, 0.3]
DISCRETE = {"distribution": "empirical", "values": POINTS, "weights": MASSES}


def examples(count: int) -> Any:
    """Return hypothesis' settings: the same cases in every run."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=slow)


def near(value: float, tolerance: float = SOLVED) -> Any:
    """Return what equals a profit within a tolerance, relative, to 1 where the profit is smaller."""
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def by_hand(unit_cost: float, price: float = 30.0) -> float:
    """max_q r E[min(D, q)] - unit_cost q with D uniform on [100, 900]: (r - c) 100 + 800 (r - c)^2 / (2 r)."""
    margin = max(0.0, price - unit_cost)
    return margin * 100 + 800 * margin**2 / (2 * price)


def profit(case: AssemblerCase, way: Way, solver: Any = "highs") -> float:
    """Return the optimal profit of a mechanism with its parameters."""
    return vd.solve(case, way[0], solver, **way[1]).objective


# --- order ---


def chain(n: int) -> list[Way]:
    """Return the mechanisms in the order of their profits."""
    hybrids: list[Way] = [("hybrid", {"k": k}) for k in range(n + 1)]
    bayesian: list[Way] = [("bic", {"participation": each}) for each in ("ex_post", "interim")]
    return [("naive", {}), *hybrids, ("icds", {}), *bayesian, ("first_best", {})]


def ordered(case: AssemblerCase) -> None:
    """Hold the profits of all mechanisms of a case against one another."""
    n = len(case.names)
    found = [profit(case, way) for way in chain(n)]
    naive, *hybrids, icds, ex_post, interim, best = found
    rounding = SOLVED * max(1.0, best)
    for (lower, below), (upper, above) in itertools.pairwise(zip(chain(n), found, strict=True)):
        assert below <= above + rounding, (lower, upper)
    frw = profit(case, ("frw", {}))
    assert naive - rounding <= frw <= icds + rounding
    assert profit(case, ("icds_balanced", {})) <= icds + rounding
    assert abs(hybrids[0] - naive) <= rounding
    assert abs(hybrids[-1] - icds) <= rounding
    if case.independent:
        assert abs(ex_post - icds) <= rounding
        assert abs(interim - icds) <= rounding


@pytest.mark.parametrize("name", SHIPPED)
def test_profits_of_shipped_cases_are_ordered(name: str) -> None:
    ordered(vd.example(name))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(8)
def test_profits_with_independent_costs_are_ordered(cases: Cases, kind: str, data: st.DataObject) -> None:
    ordered(data.draw(cases(kind, least=0)))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(8)
def test_profits_under_joint_priors_with_zeros_are_ordered(cases: Cases, kind: str, data: st.DataObject) -> None:
    ordered(data.draw(cases(kind, joint=True, least=0)))


@given(data=st.data(), size=st.integers(2, 3))
@examples(20)
def test_correlation_of_two_suppliers_hands_over_the_first_best(assembler: Assembler, size: int, data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 9), min_size=size**2, max_size=size**2))
    table = np.reshape(weights, (size, size)) / sum(weights)
    beliefs = table / table.sum(axis=1, keepdims=True), table.T / table.T.sum(axis=1, keepdims=True)
    # Every type believes something of his own: beliefs have full rank (Cremer and McLean).
    assume(min(float(np.linalg.svd(each, compute_uv=False)[-1]) for each in beliefs) > 0.03)
    case = assembler([[4, 9, 11][:size], [3, 7, 8][:size]], joint=table, price=37.0)
    interim = vd.solve(case, "bic")
    assert interim.objective == near(sum(p * by_hand(c, 37) for p, c in zip(table.ravel(), case.total_cost.ravel(), strict=True)))
    assert interim.contracts is not None
    rents = [float((case.probability * interim.contracts.rent(i)).sum()) for i in range(2)]
    assert rents == pytest.approx([0, 0], abs=1e-5 * interim.objective)  # payments are as exact as a certificate of 1e-6


def test_beliefs_that_say_nothing_hand_over_nothing(assembler: Assembler) -> None:
    # b's cost tells a nothing of his own, since two of a's types have the same beliefs; v by hand for two types of a.
    case = assembler([[4, 9]], [[0.6, 0.4]])
    for participation in ("interim", "ex_post"):
        found = profit(case, ("bic", {"participation": participation}))
        assert found == near(0.6 * by_hand(4) + 0.4 * by_hand(9 + 5 * 0.6 / 0.4))


def test_what_two_correlated_suppliers_earn_by_hand(correlated: AssemblerCase) -> None:
    # First best at 7, 11, 12, 16; interim beliefs (.9, .1) and (.1, .9) are generic, so she takes all of it.
    best = 0.45 * by_hand(7) + 0.05 * (by_hand(11) + by_hand(12)) + 0.45 * by_hand(16)
    assert profit(correlated, ("bic", {})) == near(best)
    assert profit(correlated, ("bic", {"participation": "ex_post"})) < best * (1 - 1e-3)


# --- the program of the spec, written once more and solved by scipy ---


def program(case: AssemblerCase, mechanism: str, k: int = 0, participation: str = "interim") -> float:
    """Optimal value of a mechanism with discrete demand, as one dense linear program in y, s, q and P."""
    assert isinstance(case.demand, vd.data.Empirical)
    points = case.demand.values
    masses = case.demand.weights or [1 / len(points)] * len(points)
    profiles, n = list(np.ndindex(*case.shape)), len(case.shape)
    costs = [supplier.costs for supplier in case.suppliers]
    width = [own[-1] - own[0] for own in costs]
    reporting = sorted(range(n), key=lambda i: (-width[i], i))[:k]
    columns: dict[Any, int] = {}
    rows: list[dict[int, float]] = []

    def column(*key: Any) -> int:
        return columns.setdefault(key, len(columns))

    def q(i: int, t: tuple[int, ...]) -> int:
        if mechanism == "frw":
            return column("q", i, t[i])
        return (
            column("q", i, *(c if j in reporting else 0 for j, c in enumerate(t)))
            if mechanism == "hybrid"
            else column("q", i, *t)
        )

    def p(i: int, t: tuple[int, ...]) -> int:
        return column("P", i, t[i]) if mechanism == "frw" else column("P", i, *t)

    def replaced(t: tuple[int, ...], i: int, report: int) -> tuple[int, ...]:
        return (*t[:i], report, *t[i + 1 :])

    def no_gain(i: int, own: int, report: int | None, weighted: list[tuple[float, tuple[int, ...]]]) -> None:
        """Add the row: what a report earns him on average, less what the truth does, is at most 0."""
        row: dict[int, float] = {}
        for weight, t in weighted:
            for place, sign in ((t, -1.0),) if report is None else ((t, -1.0), (replaced(t, i, report), 1.0)):
                row[p(i, place)] = row.get(p(i, place), 0.0) + sign * weight
                row[q(i, place)] = row.get(q(i, place), 0.0) - sign * weight * costs[i][own]
        rows.append(row)

    gain: dict[int, float] = {}
    beta = {t: float(case.probability[t]) for t in profiles}
    for t in profiles:
        for j, mass in enumerate(masses):
            gain[column("s", j, *t)] = beta[t] * case.price * mass
            rows.append({column("s", j, *t): 1.0, column("y", *t): -1.0})
        for i in range(n):
            gain[p(i, t)] = gain.get(p(i, t), 0.0) - beta[t]
            rows.append({column("y", *t): 1.0, q(i, t): -1.0})
    for i in range(n):
        for own in range(len(costs[i])):
            reports = [report for report in range(len(costs[i])) if report != own]
            mine = [t for t in profiles if t[i] == own]
            likely = [(beta[t], t) for t in mine]
            for t in mine:
                if mechanism != "bic" or participation == "ex_post":
                    no_gain(i, own, None, [(1.0, t)])
                for report in reports if mechanism != "bic" else []:
                    no_gain(i, own, report, [(1.0, t)])
            if mechanism == "bic" and any(weight for weight, _ in likely):
                for report in reports:
                    no_gain(i, own, report, likely)
                if participation == "interim":
                    no_gain(i, own, None, likely)
    matrix = np.zeros((len(rows), len(columns)))
    for place, row in enumerate(rows):
        for where, value in row.items():
            matrix[place, where] = value
    objective = np.zeros(len(columns))
    objective[list(gain)] = list(gain.values())
    bounds = [(None, None) if key[0] == "P" else (0, points[key[1]] if key[0] == "s" else None) for key in columns]
    found = linprog(-objective, A_ub=matrix, b_ub=np.zeros(len(rows)), bounds=bounds, method="highs-ds")
    assert found.status == 0
    assert found.fun is not None
    return -float(found.fun)


WAYS: list[Way] = [
    ("frw", {}),
    ("hybrid", {"k": 1}),
    ("hybrid", {"k": 2}),
    ("bic", {"participation": "interim"}),
    ("bic", {"participation": "ex_post"}),
]


@pytest.mark.parametrize("way", WAYS, ids=[f"{name} {' '.join(map(str, each.values()))}".strip() for name, each in WAYS])
@given(data=st.data())
@examples(15)
def test_models_are_the_programs_of_the_spec(cases: Cases, way: Way, data: st.DataObject) -> None:
    case = data.draw(cases("empirical", joint=True, least=0).filter(lambda case: way[1].get("k", 0) <= len(case.names)))
    assert profit(case, way) == near(program(case, way[0], **way[1]))


def binary_hybrid(case: AssemblerCase) -> float:
    """Best profit of two suppliers with two costs where the first one's report moves quantities: all quantities at demand points.

    Rents are the least: the first is paid for what he would deliver as a dear type, the second his highest cost.
    """
    (low, high), (_, other) = (supplier.costs for supplier in case.suppliers)
    chance = case.probability.sum(axis=1)
    grid = np.array(list(itertools.product([0.0, *POINTS], repeat=4)))  # a's at low and high, b's at a's low and high
    grid = grid[grid[:, 0] >= grid[:, 1]]
    units = np.minimum(grid[:, :2], grid[:, 2:])
    sales = sum(mass * np.minimum(units, point) for point, mass in zip(POINTS, MASSES, strict=True))
    paid = low * chance[0] * grid[:, 0] + (high * chance[1] + (high - low) * chance[0]) * grid[:, 1]
    return float((case.price * sales @ chance - paid - other * grid[:, 2:] @ chance).max())


def own_cost_contracts(case: AssemblerCase) -> float:
    """Best profit where a supplier's contract answers to his own cost: every falling choice of demand points, at least rents."""
    choices, spent = [], []
    for i, supplier in enumerate(case.suppliers):
        marginal = case.probability.sum(axis=tuple(a for a in range(len(case.shape)) if a != i))
        grid = np.array(list(itertools.product([0.0, *POINTS], repeat=len(supplier.costs))))
        grid = grid[(np.diff(grid, axis=1) <= 0).all(axis=1)]
        rent = np.zeros_like(grid)
        for k in range(len(supplier.costs) - 1):
            rent[:, k] = sum(
                (supplier.costs[s + 1] - supplier.costs[s]) * grid[:, s + 1] for s in range(k, len(supplier.costs) - 1)
            )
        choices.append(grid)
        spent.append((grid * supplier.costs + rent) @ marginal)
    best = -math.inf
    for picked in itertools.product(*(range(len(grid)) for grid in choices)):
        own = [grid[place] for grid, place in zip(choices, picked, strict=True)]
        units = own[0]
        for each in own[1:]:
            units = np.minimum.outer(units, each)
        sales = sum(mass * np.minimum(units, point) for point, mass in zip(POINTS, MASSES, strict=True))
        best = max(
            best, case.price * float((case.probability * sales).sum()) - sum(s[k] for s, k in zip(spent, picked, strict=True))
        )
    return best


@given(weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), price=st.integers(8, 60))
@examples(20)
def test_hybrid_is_the_best_of_all_quantities_at_demand_points(assembler: Assembler, weights: list[int], price: int) -> None:
    joint = np.reshape(weights, (2, 2)) / sum(weights)
    case = assembler([[4, 9], [3, 7]], joint=joint, price=price, demand=DISCRETE)
    exact = binary_hybrid(case)
    assert profit(case, ("hybrid", {"k": 1})) == near(exact, EXACT)
    assert profit(case, ("hybrid", {"k": 1}), "closed_form") == near(exact, EXACT)  # one private cost, two values: (18) holds


@given(weights=st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any), price=st.integers(8, 60))
@examples(15)
def test_frw_is_the_best_of_all_quantities_at_demand_points(assembler: Assembler, weights: list[int], price: int) -> None:
    joint = np.reshape(weights, (3, 3)) / sum(weights)
    case = assembler([[4, 6, 9], [3, 7, 8]], joint=joint, price=price, demand=DISCRETE)
    exact = own_cost_contracts(case)
    for solver in ("highs", "closed_form"):
        assert profit(case, ("frw", {}), solver) == near(exact, EXACT)


# --- three ways ---


def three_ways(case: AssemblerCase, way: Way) -> None:
    """Hold the closed form, HiGHS and Ipopt against one another."""
    closed = vd.solve(case, way[0], "closed_form", **way[1])
    rounding = SOLVED * max(1.0, abs(closed.objective))
    for solver in ("highs", "ipopt"):
        assert abs(profit(case, way, solver) - closed.objective) <= rounding, solver
    assert closed.bound >= closed.objective - 1e-9 * max(1.0, abs(closed.objective))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_hybrid_with_independent_costs_is_the_same_three_ways(cases: Cases, kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind, least=0))
    three_ways(case, ("hybrid", {"k": data.draw(st.integers(0, len(case.names)))}))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_balanced_hybrid_is_the_same_three_ways(cases: Cases, kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind, joint=True, least=0))
    three_ways(case, ("hybrid", {"k": data.draw(st.integers(0, len(case.names))), "balanced": True}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("joint", [False, True], ids=["independent", "joint"])
@given(data=st.data())
@examples(10)
def test_frw_is_the_same_three_ways(cases: Cases, kind: str, joint: bool, data: st.DataObject) -> None:
    three_ways(data.draw(cases(kind, joint=joint, least=0)), ("frw", {}))


@given(data=st.data())
@examples(25)
def test_hybrid_by_closed_form_refuses_where_unbalanced_menus_can_earn_more(cases: Cases, data: st.DataObject) -> None:
    case = data.draw(cases("uniform", joint=True, least=0))
    k = data.draw(st.integers(0, len(case.names)))
    small = case.with_private(case.widest(k))
    if vd.monotonicity(small).balanced_is_optimal:
        assert profit(case, ("hybrid", {"k": k}), "closed_form") == near(profit(case, ("hybrid", {"k": k})))
    else:
        with pytest.raises(InputError, match=r"for `hybrid` .* condition \(18\).*balanced=true"):
            profit(case, ("hybrid", {"k": k}), "closed_form")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    "way",
    [("hybrid", {}), ("hybrid", {"balanced": True}), ("bic", {}), ("bic", {"participation": "ex_post"})],
    ids=["hybrid", "balanced", "interim", "ex_post"],
)
def test_ipopt_and_highs_agree_on_shipped_cases(name: str, way: Way) -> None:
    case = vd.example(name)
    solutions = [vd.solve(case, way[0], solver, **way[1]) for solver in ("highs", "ipopt")]
    assert solutions[1].objective == near(solutions[0].objective)
    assert all(solution.certificate.holds for solution in solutions)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("participation", ["interim", "ex_post"])
@given(data=st.data())
@examples(8)
def test_bic_is_the_same_by_highs_and_ipopt(cases: Cases, kind: str, participation: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind, joint=True, least=0, suppliers=2))
    way: Way = ("bic", {"participation": participation})
    assert profit(case, way, "ipopt") == near(profit(case, way))


# --- the hybrid ---


def test_hybrid_averages_raw_virtual_cost(correlated: AssemblerCase) -> None:
    # v = 7, 47, 57, 17. Raw, given a's cost: (.45 7 + .05 47) / .5 = 11 and (.05 57 + .45 17) / .5 = 21, which is what a alone
    # being private makes of it: 4 + 7 and 9 + 5 .5/.5 + 7. Pooled first, three profiles are at 23.36: 8.64 and 23.36.
    raw = np.array([11.0, 21.0])
    pooled = (2.35 + 2.85 + 7.65) / 0.55
    averaged = np.array([(0.45 * 7 + 0.05 * pooled) / 0.5, pooled])
    exact = 0.5 * by_hand(11) + 0.5 * by_hand(21)
    q = 100 + 800 * (30 - averaged) / 30  # what one would buy at the other costs, at what it really costs
    earned = 0.5 * float((30 * (q - (q - 100) ** 2 / 1600) - raw * q).sum())
    assert earned < 0.99 * exact
    for solver, balanced in itertools.product(("highs", "ipopt", "closed_form"), (False, True)):
        solution = vd.solve(correlated, "hybrid", solver, k=1, balanced=balanced)
        assert solution.objective == pytest.approx(exact, rel=1e-7)
        assert solution.contracts is not None
        wanted = np.broadcast_to((100 + 800 * (30 - raw) / 30)[:, None], (2, 2))
        for i in range(2):
            np.testing.assert_allclose(solution.contracts.quantity[i], wanted, atol=0.02)  # of 600: flat at the top


def test_where_unbalanced_hybrids_earn_more_the_closed_form_says_so(assembler: Assembler) -> None:
    # The correlated pair beside a third supplier with a narrow range: hybrid(2) is the pair, at a price that is 2 dearer.
    joint = np.multiply.outer([[0.45, 0.05], [0.05, 0.45]], [0.5, 0.5])
    case = assembler([[4, 9], [3, 7], [1, 2]], joint=joint, price=32.0)
    exact = sum(0.45 * (100 * (32 - v) + 800 * (32 - v) ** 2 / 64) for v in (7 + 2, 16 + 0.8 / 0.45 + 2))
    assert profit(case, ("hybrid", {"k": 2})) == near(exact)
    balanced = profit(case, ("hybrid", {"k": 2, "balanced": True}))
    assert balanced == near(profit(case, ("hybrid", {"k": 2, "balanced": True}), "closed_form"))
    assert balanced < 0.9 * exact
    with pytest.raises(InputError, match="balanced=true"):
        profit(case, ("hybrid", {"k": 2}), "closed_form")


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_hybrid_asks_the_widest_first_and_pays_the_others_their_highest_cost(assembler: Assembler, solver: str) -> None:
    # Ranges 2, 5, 1, 5: b before d, then a, then c.
    costs = [[1, 3], [2, 7], [4, 5], [1, 6]]
    case = assembler(costs, [[0.5, 0.5]] * 4, price=60.0)
    order = [1, 3, 0, 2]
    for k in range(5):
        kept = sorted(order[:k])
        assert case.widest(k) == tuple(kept)
        solution = vd.solve(case, "hybrid", solver, k=k)
        contracts = solution.contracts
        assert contracts is not None
        quantity = contracts.quantity[0]
        exact, highest = 0.0, sum(costs[i][1] for i in range(4) if i not in kept)
        for t in np.ndindex(2, 2, 2, 2):  # v of a kept supplier: low, or high + (high - low) .5/.5
            v = highest + sum(costs[i][0] if t[i] == 0 else 2 * costs[i][1] - costs[i][0] for i in kept)
            exact += by_hand(v, 60) / 16
            assert quantity[t] == pytest.approx(100 + 800 * (60 - v) / 60, rel=2e-4)
        assert solution.objective == near(exact)
        for i in set(range(4)) - set(kept):
            np.testing.assert_allclose(contracts.payment[i], costs[i][1] * contracts.quantity[i], rtol=1e-5)


def test_half_of_the_suppliers_report_where_k_is_not_given(assembler: Assembler) -> None:
    for n, k in ((1, 1), (2, 1), (3, 2), (4, 2)):
        case = assembler([[1, 2 + i] for i in range(n)], [[0.5, 0.5]] * n, price=40.0)
        solution = vd.solve(case, "hybrid", "closed_form")
        assert dict(solution.parameters) == {"k": k}
        assert solution.objective == near(profit(case, ("hybrid", {"k": k})))


def many(assembler: Assembler, n: int) -> AssemblerCase:
    """Return a case with n suppliers, among whom number 7, 7 + 41, ... have wide ranges; ties among the others."""
    costs, probabilities = [], []
    for i in range(n):
        width = 6 + i % 5 if i % 41 == 7 else 0.5
        costs.append([1 + i % 3, 1 + i % 3 + width])
        probabilities.append([0.3 + 0.4 * (i % 2), 0.7 - 0.4 * (i % 2)])
    return assembler(costs, probabilities, price=1.15 * sum(own[1] for own in costs))


def test_hybrid_of_five_hundred_suppliers(assembler: Assembler) -> None:
    case = many(assembler, 500)
    wide = list(range(7, 500, 41))
    assert len(wide) == 13  # one too many: of the ones with range 6, the last in order stays out
    kept = sorted(sorted(wide, key=lambda i: (-(6 + i % 5), i))[:12])
    tracemalloc.start()
    solution = vd.solve(case, "hybrid", "closed_form", k=12)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    virtual = np.array(0.0)
    chance = np.array(1.0)
    for i in kept:
        (low, high), (p, rest) = case.suppliers[i].costs, case.suppliers[i].probabilities or ()
        virtual = np.add.outer(virtual, [low, high + (high - low) * p / rest])
        chance = np.multiply.outer(chance, [p, rest])
    others = sum(supplier.costs[1] for i, supplier in enumerate(case.suppliers) if i not in kept)
    margin = np.maximum(case.price - others - virtual, 0.0)
    exact = float((chance * (100 * margin + 800 * margin**2 / (2 * case.price))).sum())
    assert solution.objective == pytest.approx(exact, rel=1e-12)
    contracts, menu = solution.contracts, solution.menu
    assert contracts is not None
    assert menu is not None
    assert contracts.case.names == (*(case.names[i] for i in kept), "the 488 others")
    assert len(menu) == 2**12
    assert contracts.case.suppliers[-1].costs == pytest.approx((others,))
    assert solution.audit is not None
    assert solution.audit.truthful
    buys = 100 + 800 * margin / case.price
    np.testing.assert_allclose(contracts.quantity[0][..., 0], np.where(margin > 0, buys, 0), rtol=1e-9)


def test_of_suppliers_whose_range_is_the_same_the_first_report(assembler: Assembler) -> None:
    case = assembler([[1, 2]] * 100, [[0.5, 0.5]] * 100, price=250.0)
    solution = vd.solve(case, "hybrid", "closed_form", k=3)
    assert solution.contracts is not None
    assert solution.contracts.case.names == (*case.names[:3], "the 97 others")
    exact = sum(math.comb(3, j) / 8 * by_hand(194 + 3 + 2 * j, 250) for j in range(4))
    assert solution.objective == pytest.approx(exact, rel=1e-12)


def test_hybrid_of_many_suppliers_takes_the_marginal_of_a_copula(assembler: Assembler) -> None:
    # Suppliers 3 and 20 have the widest ranges; scores correlated by -.4, even odds: P(l, l) = 1/4 + asin(-.4) / (2 pi).
    n, rho = 40, -0.4
    costs = [[1.0, 6.0] if i in (3, 20) else [1.0, 1.5] for i in range(n)]
    matrix = np.full((n, n), 0.1) + 0.9 * np.eye(n)
    matrix[3, 20] = matrix[20, 3] = rho
    raw = assembler(costs, [[0.5, 0.5]] * n, price=110.0).model_dump() | {"prior": {"correlation": matrix.tolist()}}
    case = AssemblerCase.model_validate(raw)
    same = 0.25 + math.asin(rho) / (2 * math.pi)
    table = np.array([[same, 0.5 - same], [0.5 - same, same]])
    np.testing.assert_allclose(case.with_private((3, 20)).probability[..., 0], table, atol=1e-9)
    other = 38 * 1.5
    exact = same * by_hand(2 + other, 110)
    exact += 2 * (0.5 - same) * by_hand(7 + 5 * same / (0.5 - same) + other, 110)
    exact += same * by_hand(12 + 2 * 5 * (0.5 - same) / same + other, 110)
    assert profit(case, ("hybrid", {"k": 2}), "closed_form") == pytest.approx(exact, rel=1e-8)


def test_the_marginal_of_a_copula_is_that_of_its_table(assembler: Assembler) -> None:
    # Few enough to make the whole table, whose marginal the kept suppliers then have: three orthants have closed forms.
    matrix = np.array([[1, 0.3, -0.2, 0.1], [0.3, 1, 0.25, 0], [-0.2, 0.25, 1, 0.4], [0.1, 0, 0.4, 1]])
    base = assembler([[1, 6], [1, 5], [1, 4], [1, 2]], [[0.5, 0.5]] * 4, price=40.0)
    case = AssemblerCase.model_validate(base.model_dump() | {"prior": {"correlation": matrix.tolist()}})
    table = case.with_private((0, 1, 2)).probability[..., 0]
    arcs = math.asin(0.3) + math.asin(-0.2) + math.asin(0.25)
    assert table[0, 0, 0] == pytest.approx(1 / 8 + arcs / (4 * math.pi), abs=5e-6)  # integrated to about 1e-6
    assert table.sum(axis=2)[0, 0] == pytest.approx(1 / 4 + math.asin(0.3) / (2 * math.pi), abs=5e-6)


def subsets(n: int) -> Iterator[tuple[int, ...]]:
    """Give all sets of suppliers, ascending."""
    for size in range(n + 1):
        yield from itertools.combinations(range(n), size)


@pytest.mark.parametrize("joint", [False, True], ids=["independent", "joint"])
@given(data=st.data())
@examples(15)
def test_a_case_with_fewer_private_costs_is_an_average_of_the_whole(cases: Cases, joint: bool, data: st.DataObject) -> None:
    case = data.draw(cases("uniform", joint=joint, least=0))
    n = len(case.names)
    for kept in subsets(n):
        small = case.with_private(kept)
        if len(kept) == n:
            assert small is case
            continue
        dropped = tuple(i for i in range(n) if i not in kept)
        assert small.names == (
            *(case.names[i] for i in kept),
            case.names[dropped[0]] if len(dropped) == 1 else f"the {len(dropped)} others",
        )
        assert small.suppliers[-1].costs == pytest.approx((sum(case.suppliers[i].costs[-1] for i in dropped),))
        assert [each.costs for each in small.suppliers[:-1]] == [case.suppliers[i].costs for i in kept]
        assert (small.price, small.demand, small.name) == (case.price, case.demand, case.name)
        np.testing.assert_allclose(small.probability[..., 0], case.probability.sum(axis=dropped), rtol=0, atol=1e-15)
        # beta v of the smaller case is the sum of beta v: a conditional expectation, weights of 0 included
        average = weighted_virtual_cost(case).sum(axis=dropped)
        np.testing.assert_allclose(weighted_virtual_cost(small)[..., 0], average, rtol=1e-12, atol=1e-13 * case.price)


def test_nobody_private_is_naive(assembler: Assembler) -> None:
    case = assembler([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]])
    small = case.with_private(())
    assert small.names == ("the 2 others",)
    assert small.suppliers[0].costs == (16.0,)
    assert profit(small, ("icds", {}), "closed_form") == pytest.approx(by_hand(16), rel=EXACT)


# --- own-cost contracts ---


def by_sets(case: AssemblerCase) -> float:
    """The integral of the spec for two independent costs each: over x, the best set of suppliers whose dear type delivers x.

    Demand is uniform. The integrand is linear between the worths at which two sets, or a set and none, are even.
    """
    assert isinstance(case.demand, vd.data.Uniform)
    n, (low, high) = len(case.names), (case.demand.low, case.demand.high)
    likely = [supplier.probabilities or () for supplier in case.suppliers]
    lines = [(0.0, 0.0)]
    for dear in subsets(n):
        worth = math.prod(likely[i][0] for i in range(n) if i not in dear)
        cost = sum(case.suppliers[i].costs[1] if i in dear else likely[i][0] * case.suppliers[i].costs[0] for i in range(n))
        lines.append((worth, cost))

    def most(x: float) -> float:
        worth = case.price * min(1.0, (high - x) / (high - low))
        return max(worth * share - cost for share, cost in lines)

    even = [(c - d) / (a - b) for (a, c), (b, d) in itertools.combinations(lines, 2) if abs(a - b) > 1e-12]
    kinks = [high - (high - low) * worth / case.price for worth in even]
    ends = sorted({0.0, low, high, *(x for x in kinks if low < x < high)})
    return sum(quad(most, a, b, epsabs=1e-11)[0] for a, b in itertools.pairwise(ends))


@given(data=st.data(), n=st.integers(1, 4))
@examples(25)
def test_frw_is_the_integral_over_sets_of_suppliers(assembler: Assembler, n: int, data: st.DataObject) -> None:
    draw = data.draw(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9)), min_size=n, max_size=n))
    costs = [[low / 2, (low + step) / 2] for low, step, _ in draw]
    probabilities = [[p / 10, 1 - p / 10] for _, _, p in draw]
    price = sum(own[1] for own in costs) * data.draw(st.integers(8, 60)) / 16
    case = assembler(costs, probabilities, price=price)
    exact = by_sets(case)
    assert profit(case, ("frw", {}), "closed_form") == pytest.approx(exact, rel=1e-8, abs=1e-8)
    assert profit(case, ("frw", {})) == near(exact)


def test_equal_suppliers_tie_in_frw(assembler: Assembler) -> None:
    case = assembler([[2, 5]] * 3, [[0.5, 0.5]] * 3, price=40.0)
    exact = by_sets(case)
    for solver in ("closed_form", "highs", "ipopt"):
        assert profit(case, ("frw", {}), solver) == near(exact)


def test_frw_by_hand(assembler: Assembler) -> None:
    # One supplier: icds. A second one whose cost is known adds it to every unit that a delivers.
    case = assembler([[4, 9], [3]], [[0.6, 0.4], [1.0]])
    # worth R of a unit: low type alone R .6 - .6 4 - 3 (b is paid whether or not a delivers), both R - 9 - 3
    lines = [(0.0, 0.0), (0.6, 5.4), (1.0, 12.0)]
    found = quad(
        lambda x: max(30 * min(1.0, (900 - x) / 800) * b - c for b, c in lines), 0, 900, points=[100, 460, 660], epsabs=1e-10
    )
    # even: 9 and 0 at x = 660, 16.5 at x = 460
    assert profit(case, ("frw", {}), "closed_form") == pytest.approx(found[0], rel=1e-9)
    assert found[0] < 0.6 * by_hand(7) + 0.4 * by_hand(12 + 7.5)  # what icds earns


# --- (18) and correlation ---


@given(weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
@examples(60)
def test_virtual_cost_of_two_costs_each_rises_where_correlation_is_not_positive(assembler: Assembler, weights: list[int]) -> None:
    ll, lh, hl, hh = weights
    assume(ll * hh <= lh * hl)
    case = assembler([[4, 9], [3, 7]], joint=np.reshape(weights, (2, 2)) / sum(weights))
    found = vd.monotonicity(case)
    assert found.holds
    assert found.balanced_is_optimal
    assert (found.fall, found.supplier, found.cost, found.next_cost, found.others) == (0, None, None, None, None)
    assert profit(case, ("icds", {})) == near(profit(case, ("icds_balanced", {}), "closed_form"))


def test_the_witness_against_monotone_virtual_cost_by_hand(correlated: AssemblerCase) -> None:
    # v = 7, 47, 57, 17: it falls by 30 where a rises beside b=7, by 40 where b rises beside a=9.
    np.testing.assert_allclose(virtual_cost(correlated), [[7, 47], [57, 17]], rtol=1e-12)
    found = vd.monotonicity(correlated)
    assert (found.holds, found.independent, found.balanced_is_optimal) == (False, False, False)
    assert (found.supplier, found.cost, found.next_cost, found.others) == ("b", 3.0, 7.0, "a=9")
    assert found.fall == pytest.approx(40, rel=1e-12)
    assert "falls by 40 when the cost of b rises from 3 to 7 while the others have a=9" in str(found)


def test_independent_costs_need_no_monotone_virtual_cost(irregular: AssemblerCase) -> None:
    # a: 2, 15, 14.43; b: 1, 19, 6.5: the largest fall is b's, 12.5, beside any of a's costs.
    found = vd.monotonicity(irregular)
    assert (found.holds, found.independent, found.balanced_is_optimal) == (False, True, True)
    assert (found.supplier, found.cost, found.next_cost) == ("b", 4.0, 5.0)
    assert found.fall == pytest.approx(12.5, rel=1e-12)


def test_profiles_that_never_occur_and_virtual_cost(assembler: Assembler) -> None:
    pair: list[list[float]] = [[4, 9], [3, 7]]
    # (l, h) never occurs, but (l, l) would earn on it: infinite there, 16 + 4 .2 / .3 where a is dear as well.
    found = vd.monotonicity(assembler(pair, joint=[[0.5, 0.0], [0.2, 0.3]]))
    assert (found.holds, found.supplier, found.cost, found.next_cost, found.others) == (False, "a", 4.0, 9.0, "b=7")
    assert found.fall == math.inf
    # Neither (l, l) nor anything below it occurs: any value does. (h, h) may be as dear as it likes.
    assert vd.monotonicity(assembler(pair, joint=[[0.0, 0.5], [0.5, 0.0]])).holds
    # (l, h) never occurs and costs rents: infinite. (m, h), above it, costs none, and (h, h) is finite again.
    found = vd.monotonicity(assembler([[4, 6, 9], [3, 7]], joint=[[0.5, 0.0], [0.0, 0.0], [0.0, 0.5]]))
    assert (found.holds, found.fall) == (False, math.inf)
    assert vd.monotonicity(assembler([[4, 9], [3]], joint=[[0.0], [1.0]])).holds


def falls(case: AssemblerCase) -> float:
    """Return the largest fall of virtual cost between any two profiles, one above the other, from the definition."""
    beta, worst = case.probability, 0.0
    value: dict[tuple[int, ...], float] = {}
    for t in np.ndindex(*case.shape):
        rent = 0.0
        for i, supplier in enumerate(case.suppliers):
            cheaper = sum(float(beta[(*t[:i], s, *t[i + 1 :])]) for s in range(t[i]))
            rent += (supplier.costs[t[i]] - supplier.costs[t[i] - 1]) * cheaper if t[i] else 0.0
        if beta[t] > 0 or rent > 0:
            full = sum(supplier.costs[k] for supplier, k in zip(case.suppliers, t, strict=True))
            value[t] = full + rent / float(beta[t]) if beta[t] > 0 else math.inf
    for t, u in itertools.product(value, value):
        if t != u and all(a <= b for a, b in zip(t, u, strict=True)) and value[t] > value[u]:
            worst = max(worst, value[t] - value[u])
    return worst


@given(data=st.data())
@examples(50)
def test_virtual_cost_is_monotone_where_no_profile_above_another_is_cheaper(cases: Cases, data: st.DataObject) -> None:
    case = data.draw(cases("uniform", joint=True, least=0))
    worst, found = falls(case), vd.monotonicity(case)
    assert found.holds == (worst <= 1e-12 * case.price)
    if not found.holds:
        assert 0 < found.fall <= worst * (1 + 1e-12)  # of one step; along several it can add up
        assert found.supplier in case.names


@given(data=st.data())
@examples(40)
def test_correlation_is_that_of_drawn_costs(cases: Cases, data: st.DataObject) -> None:
    case = data.draw(cases("uniform", joint=True, least=0, suppliers=2).filter(lambda case: len(case.names) == 2))
    a, b = (np.array(supplier.costs) for supplier in case.suppliers)
    beta = case.probability
    found = vd.correlation(case)
    if min((beta.sum(axis=1) > 0).sum(), (beta.sum(axis=0) > 0).sum()) < 2:
        assert math.isnan(found)
        return
    covariance = np.cov(np.repeat(a, len(b)), np.tile(b, len(a)), aweights=beta.ravel(), ddof=0)
    assert found == pytest.approx(covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1]), abs=1e-12)


def test_correlation_of_two_costs_each_depends_on_the_prior_alone(assembler: Assembler) -> None:
    # (.4 .3 - .1 .2) / sqrt(.5 .5 .6 .4)
    exact = 0.1 / math.sqrt(0.06)
    for costs in ([[4, 9], [3, 7]], [[1, 20], [3, 3.5]]):
        assert vd.correlation(assembler(costs, joint=[[0.4, 0.1], [0.2, 0.3]])) == pytest.approx(exact, rel=1e-12)
    assert math.isnan(vd.correlation(assembler([[4, 9], [3]], joint=[[0.4], [0.6]])))


@pytest.mark.parametrize("n", [1, 3])
def test_correlation_is_between_two(assembler: Assembler, n: int) -> None:
    with pytest.raises(InputError, match=f"suppliers: got <{n} suppliers>; allowed: two suppliers"):
        vd.correlation(assembler([[1, 2]] * n, [[0.5, 0.5]] * n))


# --- parameters ---


BAD_PARAMETERS = [  # id; mechanism; solver; parameters; field, value, allowed
    ("k below 0", "hybrid", "highs", {"k": -1}, "k", "-1", "a whole number from 0 to the number of suppliers, 2"),
    ("k above n", "hybrid", "highs", {"k": 3}, "k", "3", "a whole number from 0 to the number of suppliers, 2"),
    ("k a fraction", "hybrid", "highs", {"k": 1.5}, "k", "1.5", "a whole number"),
    ("k whole but no int", "hybrid", "highs", {"k": 1.0}, "k", "1.0", "a whole number"),
    ("k true", "hybrid", "highs", {"k": True}, "k", "True", "a whole number"),
    ("k a word", "hybrid", "highs", {"k": "two"}, "k", "'two'", "a whole number"),
    ("k below 0, closed form", "hybrid", "closed_form", {"k": -1}, "k", "-1", "a whole number from 0"),
    ("k true, closed form", "hybrid", "closed_form", {"k": True}, "k", "True", "a whole number"),
    ("balanced a number", "hybrid", "highs", {"balanced": 1}, "balanced", "1", "true or false"),
    ("balanced a word", "hybrid", "highs", {"balanced": "yes"}, "balanced", "'yes'", "true or false"),
    ("balanced nothing", "hybrid", "highs", {"balanced": None}, "balanced", "None", "true or false"),
    (
        "participation misspelt",
        "bic",
        "highs",
        {"participation": "expost"},
        "participation",
        "'expost'",
        "'interim' or 'ex_post'",
    ),
    ("participation true", "bic", "highs", {"participation": True}, "participation", "True", "'interim' or 'ex_post'"),
    ("participation nothing", "bic", "highs", {"participation": None}, "participation", "None", "'interim' or 'ex_post'"),
    ("unknown", "hybrid", "highs", {"kk": 1}, "kk", "1", "for hybrid k, balanced, feasibility"),
    ("unknown to bic", "bic", "highs", {"feasibility": True}, "feasibility", "True", "for bic participation"),
    ("unknown to frw", "frw", "highs", {"k": 1}, "k", "1", "for frw feasibility"),
    ("unknown to naive", "naive", "highs", {"k": 1}, "k", "1", "for naive no parameters"),
    (
        "feasibility by formula",
        "hybrid",
        "closed_form",
        {"feasibility": False},
        "feasibility",
        "False",
        "closed_form k, balanced",
    ),
    ("feasibility of frw", "frw", "closed_form", {"feasibility": False}, "feasibility", "False", "closed_form no parameters"),
    ("bic by formula", "bic", "closed_form", {}, "solver", "'closed_form'", "bic has no closed form"),
]


@pytest.mark.parametrize(
    ("mechanism", "solver", "parameters", "field", "value", "allowed"),
    [row[1:] for row in BAD_PARAMETERS],
    ids=[row[0] for row in BAD_PARAMETERS],
)
def test_bad_parameters_are_refused(
    regular: AssemblerCase, mechanism: str, solver: str, parameters: dict[str, Any], field: str, value: str, allowed: str
) -> None:
    calls: list[Callable[[], Any]] = [lambda: vd.solve(regular, mechanism, solver, **parameters)]
    calls += [lambda: vd.build(regular, mechanism, **parameters)] if solver == "highs" else []
    for call in calls:
        with pytest.raises(InputError) as refusal:
            call()
        assert f"{field}: got {value}; allowed: " in str(refusal.value)
        assert allowed in str(refusal.value).partition("allowed: ")[2]


def test_comparisons_refuse_parameters_that_no_mechanism_has(regular: AssemblerCase) -> None:
    with pytest.raises(InputError, match="kk: got 1; allowed: one of balanced, feasibility, k, participation"):
        vd.compare(regular, kk=1)
    with pytest.raises(InputError, match="k: got 1; allowed: one of participation"):
        vd.compare(regular, ["naive", "bic"], k=1)


def test_a_comparison_passes_parameters_to_the_mechanisms_that_have_them(correlated: AssemblerCase) -> None:
    frame = vd.compare(correlated, ["naive", "hybrid", "bic"], k=2, participation="ex_post")
    profits = frame["profit"]
    assert profits["hybrid"] == near(0.45 * by_hand(7) + 0.45 * by_hand(16 + 0.8 / 0.45))
    assert profits["naive"] == near(by_hand(16))
    assert profits["bic"] < vd.solve(correlated, "bic").objective * (1 - 1e-3)
    assert frame["parameters"].to_dict() == {"naive": "", "hybrid": "k=2", "bic": "participation=ex_post"}
    assert frame["truthful"].to_dict() == {"naive": "always", "hybrid": "always", "bic": "in expectation"}


def test_private_suppliers_keep_their_own_place_in_the_prior_however_they_are_named(assembler: Assembler) -> None:
    case = assembler([[1, 2], [3, 4], [5, 6]], joint=np.arange(1, 9).reshape(2, 2, 2) / 36)
    small = case.with_private((1, 0))
    assert small.names == ("a", "b", "c")
    np.testing.assert_allclose(small.probability[..., 0], [[3 / 36, 7 / 36], [11 / 36, 15 / 36]], rtol=1e-14)
    assert case.with_private((0, 1, 1)) == small
    for kept in ((3,), (-1,)):
        with pytest.raises(InputError, match="numbers of suppliers, from 0 to 2"):
            case.with_private(kept)


def test_the_others_get_a_name_that_nobody_has(assembler: Assembler) -> None:
    raw = assembler([[1, 9], [3, 4], [5, 6]], [[0.5, 0.5]] * 3).model_dump(exclude_none=True)
    raw["suppliers"][0]["name"] = "the 2 others"
    small = AssemblerCase.model_validate(raw).with_private((0,))
    assert len(set(small.names)) == 2
    assert [supplier.costs for supplier in small.suppliers] == [(1.0, 9.0), (10.0,)]


def test_numbers_of_numpy_are_numbers(regular: AssemblerCase) -> None:
    found = vd.solve(regular, "hybrid", k=np.int64(1))
    assert found.objective == vd.solve(regular, "hybrid", k=1).objective
    assert type(found.parameters["k"]) is int


@pytest.mark.parametrize("apart", [1e-12, 1e-9, 1e-7])
@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_beliefs_that_hardly_differ_are_refused_where_bets_on_them_decide(
    assembler: Assembler, apart: float, solver: str
) -> None:
    # The optimum jumps from icds to first best at any difference; Ipopt once certified the first where the second is true.
    joint = [[0.25 + apart, 0.25 - apart], [0.25 - apart, 0.25 + apart]]
    case = assembler([[4, 9], [3, 7]], joint=joint)
    with pytest.raises(InputError, match="say almost nothing of the others"):
        vd.solve(case, "bic", solver)
    independent = vd.solve(assembler([[4, 9], [3, 7]], [[0.5, 0.5]] * 2), "icds", "closed_form").objective
    assert vd.solve(case, "bic", solver, participation="ex_post").objective == pytest.approx(independent, rel=1e-6)


@pytest.mark.parametrize(("apart", "solver"), [(1e-5, "highs"), (1e-3, "highs"), (1e-3, "ipopt")])
def test_beliefs_that_differ_enough_extract_everything(assembler: Assembler, apart: float, solver: str) -> None:
    case = assembler([[4, 9], [3, 7]], joint=[[0.25 + apart, 0.25 - apart], [0.25 - apart, 0.25 + apart]])
    best = vd.solve(case, "first_best", "closed_form").objective
    assert vd.solve(case, "bic", solver).objective == pytest.approx(best, rel=1e-6)


def test_highs_ends_where_its_active_set_would_cycle(correlated: AssemblerCase) -> None:
    # Payments of an interim menu have no bounds. HiGHS's active set does not end here without a limit of iterations of our own;
    # its interior point, which is tried too where nobody asks for the other, finds the optimum: everything is extracted.
    asked = {"solver": "highs", "form": "quadratic"}
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solve(correlated, "bic", {**asked, "options": {"solver": "qpasm"}})
    assert end.value.status == "iteration_limit"
    best = vd.solve(correlated, "first_best").objective
    assert vd.solve(correlated, "bic", asked).objective == pytest.approx(best, rel=1e-6)
