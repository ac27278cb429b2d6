"""What arrives usable of an order: sure yields are a bill of materials; random ones against programs that are written apart."""

import itertools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

import veridical as vd
from support import linear_oracles
from support.assembler_cases import EXACT, SOLVED, build, near
from support.command_line import Run, parsed
from support.practice_cases import of, practice_cases
from support.strategies import examples
from veridical.data import AssemblerCase, InputError

Array = NDArray[np.float64]

HALF: dict[str, Any] = {"suppliers.panel.yield": {"values": [0.8, 1.0], "weights": [0.25, 0.75]}}
BOTH: dict[str, Any] = {**HALF, "suppliers.battery.yield": {"values": [0.5, 0.9]}}
MECHANISMS: dict[str, dict[str, Any]] = {"naive": {}, "frw": {}, "hybrid": {}, "icds": {}, "bic": {}, "first_best": {}}


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    found = vd.example("two-suppliers-correlated")
    assert isinstance(found, AssemblerCase)
    return found


def drawn(random: np.random.Generator, most: int = 2) -> dict[str, Any]:
    """Return a random yield."""
    values = np.unique(random.uniform(0.3, 1.0, int(random.integers(1, most + 1))).round(3))
    return {"values": values.tolist(), "weights": random.dirichlet(np.ones(len(values))).tolist()}


def independent(seed: int, levels: int = 2, suppliers: int = 2) -> AssemblerCase:
    """Return a random case with independent costs and random yields of all suppliers."""
    random = np.random.default_rng(seed)
    costs = [np.cumsum(random.uniform(1, 4, levels)).round(2).tolist() for _ in range(suppliers)]
    likely = [random.dirichlet(np.ones(levels)).tolist() for _ in range(suppliers)]
    price = float(random.uniform(1.5, 3.0)) * sum(own[-1] for own in costs)
    demand = {"distribution": "empirical", "values": np.sort(random.integers(50, 900, 3)).tolist()}
    yields = {f"suppliers.{i}.yield": drawn(random, 3) for i in range(suppliers)}
    return build(costs, likely, price=round(price, 2), demand=demand).changed(**yields)


def pairs(case: AssemblerCase) -> list[list[tuple[float, float]]]:
    """Return every supplier's yields as an oracle takes them."""
    return [list(zip(s.usable.values, s.usable.probabilities.tolist(), strict=True)) for s in case.suppliers]


def expected_worth(case: AssemblerCase, orders: list[float]) -> float:
    """Return what orders bring on average, by the chance that every component is enough for more than each number of products."""
    parts = [
        [(share * order / s.units_per_product, likely) for share, likely in own]
        for s, order, own in zip(case.suppliers, orders, pairs(case), strict=True)
    ]
    ends = sorted({0.0, *(units for own in parts for units, _ in own)})
    total = float(case.revenue(0.0))
    for low, high in pairwise(ends):
        chance = np.prod([sum(likely for units, likely in own if units >= high) for own in parts])
        total += float(chance) * float(case.revenue(high) - case.revenue(low))
    return total


@st.composite
def with_yields(draw: st.DrawFn, kind: str, sure: bool = False) -> AssemblerCase:
    """Return random cases with every key of practice, and yields of some suppliers."""
    case = draw(practice_cases(kind, joint=not sure, varying=not sure))
    changes: dict[str, Any] = {}
    for i in range(len(case.suppliers)):
        count = 1 if sure else draw(st.integers(0, 2))
        values = draw(st.lists(st.integers(3, 20), min_size=count, max_size=count, unique=True))
        if values:
            weights = [draw(st.integers(1, 9)) for _ in values]
            shares = {"values": [value / 20 for value in sorted(values)], "weights": [w / sum(weights) for w in weights]}
            changes[f"suppliers.{i}.yield"] = shares
    return case.changed(**changes)


@examples(12)
@given(with_yields("empirical"))
def test_models_earn_what_a_program_written_apart_does(case: AssemblerCase) -> None:
    assert isinstance(case.demand, vd.data.Discrete)
    keys = of(case)
    keys = linear_oracles.Practice(**{**vars(keys), "yields": pairs(case)})
    points, masses = case.demand.points.tolist(), case.demand.masses.tolist()
    costs = [supplier.costs for supplier in case.suppliers]
    penalty = case.shortage_penalty * case.demand.expectation
    for oracle, (mechanism, parameters) in linear_oracles.MECHANISMS.items():
        if oracle == "interim":
            continue  # beliefs may differ too little to be told apart
        best, _ = linear_oracles.assembler(oracle, case.price, points, masses, costs, case.probability, keys).solve()
        solution = vd.solve(case, mechanism, "highs", **parameters)
        scale = max(abs(best), case.price * case.demand.expectation)
        assert abs(solution.objective + penalty - best) <= SOLVED * scale, oracle
        assert solution.audit is not None
        assert abs(solution.audit.expected_profit - solution.objective) <= SOLVED * scale
        assert solution.audit.individually_rational
        assert solution.audit.truthful or mechanism in ("first_best", "bic")


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
@pytest.mark.parametrize("seed", range(3))
def test_with_two_independent_costs_each_every_profile_is_a_newsvendor_of_its_own(seed: int, solver: str) -> None:
    case = independent(seed).changed(demand={"distribution": "uniform", "low": 100, "high": 900}, salvage=0.2)
    profit = 0.0
    for t in np.ndindex(*case.shape):
        virtual = []
        for i, k in enumerate(t):
            costs, likely = case.suppliers[i].costs, case.marginals[i]
            virtual.append(costs[k] + (costs[1] - costs[0]) * likely[0] / likely[1] if k else costs[0])
        profit += float(case.probability[t]) * best_orders(case, virtual)
    assert vd.solve(case, "icds", solver).objective == pytest.approx(profit, rel=SOLVED)


def best_orders(case: AssemblerCase, unit_costs: Sequence[float]) -> float:
    """Return the most that orders at some unit costs earn, by scipy's sequential quadratic programs in hundreds of units."""
    arrivals = list(itertools.product(*pairs(case)))
    chance = np.array([np.prod([likely for _, likely in arrival]) for arrival in arrivals])
    shares = np.array([[share for share, _ in arrival] for arrival in arrivals])
    n, scale, cost = len(case.suppliers), 100.0, np.array(unit_costs)

    def loss(x: Array) -> float:
        return (float(cost @ x[:n]) * scale - float(chance @ case.revenue(np.maximum(x[n:], 0.0) * scale))) / scale

    def slope(x: Array) -> Array:
        return np.concatenate([cost, -chance * case.worth(np.maximum(x[n:], 0.0) * scale)])

    rows = np.concatenate([shares.T.reshape(n, -1, 1)[i] * np.eye(n)[i] for i in range(n)])
    matrix = np.hstack([rows, -np.tile(np.eye(len(arrivals)), (n, 1))])
    enough: Any = {"type": "ineq", "fun": lambda x: matrix @ x, "jac": lambda x: matrix}
    start, bounds = np.concatenate([np.full(n, 5.0), np.full(len(arrivals), 1.0)]), [(0.0, None)] * (n + len(arrivals))
    found: Any = minimize(loss, start, jac=slope, bounds=bounds, constraints=[enough], options={"maxiter": 500, "ftol": 1e-14})
    return max(-float(found.fun) * scale, 0.0)


@examples(6)
@given(st.sampled_from(["uniform", "exponential"]).flatmap(lambda kind: with_yields(kind, sure=True)))
def test_a_sure_yield_is_a_bill_of_materials(case: AssemblerCase) -> None:
    bill: dict[str, Any] = {}
    for i, supplier in enumerate(case.suppliers):
        bill[f"suppliers.{i}.yield"] = None
        bill[f"suppliers.{i}.units_per_product"] = supplier.units_per_product / supplier.usable.values[0]
    for mechanism, solver in itertools.product(["naive", "frw", "icds_balanced", "icds", "hybrid"], ["closed_form", "highs"]):
        ours, other = (vd.solve(one, mechanism, solver) for one in (case, case.changed(**bill)))
        scale = max(abs(ours.objective), case.price * case.demand.expectation)
        assert abs(ours.objective - other.objective) <= (EXACT if solver == "closed_form" else SOLVED) * scale, (
            mechanism,
            solver,
        )
        if solver == "closed_form":
            np.testing.assert_allclose(ours.contracts.quantity, other.contracts.quantity, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "icds_balanced"])
def test_nothing_is_lost_by_a_yield_of_one(case: AssemblerCase, mechanism: str) -> None:
    said = case.changed(**{f"suppliers.{name}.yield": {"values": [1.0]} for name in case.names})
    plain = vd.solve(case, mechanism, "highs")
    assert vd.solve(said, mechanism, "highs").objective == near(plain.objective, EXACT)
    if mechanism != "icds_balanced":  # and by scenarios that hardly differ
        close = {"values": [1.0 - 1e-12, 1.0], "weights": [0.5, 0.5]}
        several = case.changed(**{f"suppliers.{name}.yield": close for name in case.names})
        assert vd.solve(several, mechanism, "highs").objective == near(plain.objective)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_random_yields_earn_less_than_their_mean_and_more_than_worse_ones(case: AssemblerCase, mechanism: str) -> None:
    def profit(values: list[float], weights: list[float]) -> float:
        shares = {"values": values, "weights": weights}
        return vd.solve(case.changed(**{**BOTH, "suppliers.panel.yield": shares}), mechanism, "highs").objective

    wide, narrow, sure = profit([0.4, 1.0], [0.5, 0.5]), profit([0.6, 0.8], [0.5, 0.5]), profit([0.7], [1.0])
    worse = profit([0.3, 0.9], [0.5, 0.5])
    assert worse < wide < narrow < sure


def changed_units(case: AssemblerCase, units: float, money: float) -> AssemblerCase:
    """Return a case of two suppliers with quantities and money in other units."""
    fields: dict[str, Any] = {"price": case.price * money / units, "demand.low": 100 * units, "demand.high": 900 * units}
    fields["salvage"] = case.salvage * money / units
    for i, supplier in enumerate(case.suppliers):
        fields[f"suppliers.{i}.costs"] = [cost * money / units for cost in supplier.costs]
        fields[f"suppliers.{i}.reservation_profit"] = supplier.reservations[0] * money
        fields[f"suppliers.{i}.capacity"] = supplier.capacity and supplier.capacity * units
    return case.changed(**fields)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_units_money_and_order_of_suppliers_do_not_matter(case: AssemblerCase, mechanism: str) -> None:
    full = case.changed(**BOTH, salvage=1.0, **{"suppliers.panel.capacity": 600.0, "suppliers.battery.reservation_profit": 20.0})
    ours = vd.solve(full, mechanism, "highs").objective
    assert vd.solve(changed_units(full, 1e-3, 1.0), mechanism, "highs").objective == near(ours)
    assert vd.solve(changed_units(full, 1.0, 250.0), mechanism, "highs").objective / 250.0 == near(ours)
    turned = full.changed(suppliers=full.suppliers[::-1], prior={"joint": full.probability.T.tolist()})
    assert vd.solve(turned, mechanism, "highs").objective == near(ours)


@pytest.mark.parametrize(("mechanism", "solver"), [("naive", "highs"), ("frw", "highs"), ("icds", "highs"), ("icds", "ipopt")])
def test_what_a_share_is_worth_is_a_difference_of_profits(case: AssemblerCase, mechanism: str, solver: str) -> None:
    random, fine = case.changed(**BOTH, salvage=1.0), {"solver": solver, "tolerance": 1e-10}
    worth = vd.solve(random, mechanism, fine).sensitivity
    for name in ("yield panel=0.8", "yield battery=0.9", "salvage"):
        low, high = vd.one_sided_derivatives(random, name, mechanism, fine, step=1e-5)
        assert low * (1 - 1e-3) - 0.05 <= worth[name] <= high * (1 + 1e-3) + 0.05 or worth[name] == pytest.approx(
            (low + high) / 2, rel=1e-3, abs=0.05
        ), name


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
@pytest.mark.parametrize("mechanism", ["naive", "frw", "icds", "icds_balanced"])
def test_what_a_sure_share_is_worth(mechanism: str, solver: str) -> None:
    sure: dict[str, Any] = {"suppliers.panel.yield": {"values": [0.8]}, "suppliers.battery.yield": {"values": [0.9]}}
    scarce = vd.example("two-suppliers").changed(**sure, **{"suppliers.battery.capacity": 400.0})
    fine: Any = "closed_form" if solver == "closed_form" else {"solver": solver, "tolerance": 1e-10}
    worth = vd.solve(scarce, mechanism, fine).sensitivity
    for name in ("yield panel=0.8", "yield battery=0.9", "capacity battery"):
        low, high = vd.one_sided_derivatives(scarce, name, mechanism, fine)
        assert worth[name] == pytest.approx((low + high) / 2, rel=5e-4, abs=0.05), name


@pytest.mark.parametrize("seed", range(4))
def test_which_relations_between_profits_hold(seed: int) -> None:
    case = independent(seed, levels=2 + seed % 2, suppliers=2 + seed % 2)
    ways: list[tuple[str, dict[str, Any]]] = [("hybrid", {"k": k}) for k in range(len(case.names) + 1)]
    ways += [("bic", {"participation": "ex_post"}), ("bic", {}), ("first_best", {})]
    profits = [vd.solve(case, mechanism, "highs", **parameters).objective for mechanism, parameters in ways]
    scale = case.price * case.demand.expectation
    assert all(low <= high + SOLVED * scale for low, high in pairwise(profits))
    naive, frw, icds = (vd.solve(case, mechanism, "highs").objective for mechanism in ("naive", "frw", "icds"))
    assert naive - SOLVED * scale <= frw <= icds + SOLVED * scale
    assert abs(naive - profits[0]) <= SOLVED * scale
    assert abs(icds - profits[len(case.names)]) <= SOLVED * scale
    assert abs(icds - profits[-2]) <= SOLVED * scale  # costs are independent: Bayesian menus earn no more


def test_bets_on_correlated_costs_still_take_the_first_best(case: AssemblerCase) -> None:
    profits = [vd.solve(case.changed(**BOTH), mechanism, "highs").objective for mechanism in ("icds", "bic", "first_best")]
    assert profits[0] < profits[1] * (1 - SOLVED)
    assert profits[1] == near(profits[2])


def test_where_nothing_is_proven_without_a_bound_bets_are_held_to_the_first_best() -> None:
    """Beliefs of 1e-11, as in `test_bets`: the first best of random yields comes from its model."""
    correlated = [[1.0, -0.99], [-0.99, 1.0]]
    base = build([[3, 4, 5, 6, 7], [2, 3, 4, 5, 6]], [[0.2] * 5] * 2).changed(prior={"correlation": correlated})
    table = np.maximum(base.probability, 1e-11)
    costs = [supplier.costs for supplier in base.suppliers]
    case = build(costs, joint=table / table.sum()).changed(**{"suppliers.a.yield": {"values": [0.8, 1.0]}})
    profits = [vd.solve(case, mechanism).objective for mechanism in ("icds", "first_best")]
    solution = vd.solve(case, "bic", participation="ex_post")
    assert profits[0] * (1 - SOLVED) <= solution.objective <= profits[1] * (1 + SOLVED)
    assert f"the first best is {profits[1]:,.2f}" in solution.warnings[0]


def test_orders_are_in_no_fixed_proportion(case: AssemblerCase) -> None:
    as_likely = case.changed(**{"suppliers.panel.yield": {"values": [0.8, 1.0]}})
    menu = vd.solve(as_likely, "first_best", "highs").contracts
    ratio = menu.quantity[0] / menu.quantity[1]
    assert ratio[0, 1] == pytest.approx(1.25)  # the cheapest panels beside dear batteries: enough of them always
    assert ratio[1, 0] == pytest.approx(1.0)
    assert not menu.is_balanced


def test_an_audit_counts_what_is_assembled_over_yields() -> None:
    case = independent(3, suppliers=3).changed(salvage=0.1, shortage_penalty=0.3, assembly_cost=0.2)
    random = np.random.default_rng(8)
    quantity, payment = random.uniform(0, 900, (3, 2, 2, 2)), random.uniform(0, 2000, (3, 2, 2, 2))
    menu = vd.contracts.Menu(case, quantity, payment)
    worth = sum(float(case.probability[t]) * expected_worth(case, quantity[:, *t].tolist()) for t in np.ndindex(2, 2, 2))
    paid = float((case.probability * payment.sum(axis=0)).sum())
    audit = vd.audit(case, menu)
    assert audit.expected_profit == pytest.approx(worth - paid, rel=EXACT)
    orders = quantity[:, 0, 1, 0]
    mean = sum(
        float(np.prod([likely for _, likely in arrival]))
        * min(share * order for (share, _), order in zip(arrival, orders, strict=True))
        for arrival in itertools.product(*pairs(case))
    )
    assert menu.assembled[0, 1, 0] == pytest.approx(mean, rel=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_two_sources_with_yields(seed: int) -> None:
    base = independent(seed, suppliers=3)
    case = base.changed(**{f"suppliers.{name}.component": "glass" for name in "ab"}, **{"suppliers.a.capacity": 300.0})
    assert isinstance(case.demand, vd.data.Discrete)
    keys = linear_oracles.Practice(capacity=[300.0, None, None], source=[0, 0, 1], yields=pairs(case))
    points, masses = case.demand.points.tolist(), case.demand.masses.tolist()
    costs = [supplier.costs for supplier in case.suppliers]
    for oracle in ("naive", "frw", "icds", "ex_post", "first_best"):
        mechanism, parameters = linear_oracles.MECHANISMS[oracle]
        best, _ = linear_oracles.assembler(oracle, case.price, points, masses, costs, case.probability, keys).solve()
        assert vd.solve(case, mechanism, "highs", **parameters).objective == near(best), oracle


@pytest.mark.parametrize("mechanism", ["naive", "frw"])
def test_orders_that_have_rules(mechanism: str) -> None:
    plain = independent(1)
    rules: dict[str, Any] = {f"suppliers.{name}.capacity": 900.0 for name in "ab"}
    rules |= {"suppliers.a.minimum_order": 500.0, "suppliers.b.setup_cost": 150.0}
    case = plain.changed(**rules)
    assert isinstance(case.demand, vd.data.Discrete)
    points, masses = case.demand.points.tolist(), case.demand.masses.tolist()
    costs, keys = [s.costs for s in case.suppliers], linear_oracles.Practice(yields=pairs(case))
    program = linear_oracles.assembler(mechanism, case.price, points, masses, costs, case.probability, keys)
    orders, found = [key for key in program.bounds if key[0] == "q"], []
    for placed in itertools.product([False, True], repeat=len(orders)):
        paid = 0.0
        for key, so in zip(orders, placed, strict=True):
            supplier = case.suppliers[key[1]]
            program.bounds[key] = (supplier.minimum_order or 0.0, 900.0) if so else (0.0, 0.0)
            paid += so * supplier.setup_cost * (float(case.marginals[key[1]][key[2][0]]) if key[2] else 1.0)
        found.append(program.optimum() - paid)
    assert vd.solve(case, mechanism, "highs").objective == near(max(found))


def test_the_worst_prior_and_coalitions_are_carried(case: AssemblerCase) -> None:
    wary = vd.solve(case.changed(**BOTH, ambiguity={"radius": 0.2}), "icds", "highs")
    assert wary.ambiguity is not None
    worst = np.array(list(wary.ambiguity["worst_prior"].values())).reshape(case.shape)
    assert float((worst * wary.contracts.profit).sum()) == near(wary.objective)
    there = case.changed(**BOTH, prior={"joint": (worst / worst.sum()).tolist()})
    assert vd.solve(there, "icds", "highs").objective == near(wary.objective)
    together = vd.solve(case.changed(**BOTH), "icds", "highs", coalitions=True)
    assert together.audit is not None
    assert together.audit.properties["coalition_ic_with_side_payments"].holds
    assert together.objective < vd.solve(case.changed(**BOTH), "icds", "highs").objective * (1 - SOLVED)


@pytest.mark.parametrize(
    ("mechanism", "solver", "parameters"),
    [(mechanism, "closed_form", {}) for mechanism in ("naive", "frw", "icds", "icds_balanced", "hybrid", "first_best")]
    + [("icds_balanced", "highs", {}), ("hybrid", "highs", {"balanced": True})],
)
def test_what_takes_sure_yields_alone_refuses(
    case: AssemblerCase, mechanism: str, solver: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(
        InputError, match=r"suppliers\[0\]\.yield\.values: got \[0\.8, 1\.0\]; allowed: for .* sure yields.*highs"
    ):
        vd.solve(case.changed(**HALF), mechanism, solver, **parameters)


def test_rules_of_orders_need_a_capacity_beside_random_yields(case: AssemblerCase) -> None:
    with pytest.raises(InputError, match=r"suppliers\[1\]\.lot_size: got 50\.0; allowed: for random yields beside a capacity"):
        vd.solve(case.changed(**HALF, **{"suppliers.battery.lot_size": 50.0}), "icds", "highs")


def test_a_comparison_leaves_out_what_does_not_take_random_yields(case: AssemblerCase) -> None:
    with pytest.warns(UserWarning, match=r"icds_balanced is left out: .*yield\.values"):
        table = vd.compare(case.changed(**HALF))
    assert set(table.index) == set(MECHANISMS)
    with pytest.raises(InputError, match=r"yield\.values"):
        vd.compare(case.changed(**HALF), ["icds", "icds_balanced"])
    with pytest.raises(InputError, match="max_payment"):
        vd.compare(case.changed(**HALF), max_payment=-1.0)
    with pytest.raises(InputError, match=r"yield\.values"):
        vd.compare(case.changed(**HALF), solver="closed_form")


@pytest.mark.parametrize("form", ["tangent", "smooth", "linear", "quadratic"])
@pytest.mark.parametrize("mechanism", ["naive", "frw", "icds"])
def test_shadow_prices_are_named_by_scenario(case: AssemblerCase, mechanism: str, form: str) -> None:
    demands = {"smooth": {"distribution": "normal", "mean": 500, "sd": 150}}
    demands["linear"] = {"distribution": "empirical", "values": [100, 400, 700]}
    solver = {"solver": "ipopt" if form in ("smooth", "quadratic") else "highs", "form": form}
    solution = vd.solve(
        case.changed(**BOTH, demand=demands.get(form, {"distribution": "uniform", "low": 100, "high": 900})), mechanism, solver
    )
    named = [series for family, series in solution.duals.items() if family.startswith(("assembly", "enough", "expected_sales"))]
    assert named
    assert all("panel 0.8, battery 0.9" in series.index.get_level_values("yields") for series in named)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"values": [0.0, 1.0]}, r"\.values: got \[0\.0, 1\.0\]; allowed: .*shares > 0 and <= 1"),
        ({"values": [0.5, 1.2]}, r"\.values: got \[0\.5, 1\.2\]; allowed: .*shares > 0 and <= 1"),
        ({"values": [0.9, 0.5]}, r"\.values: got .*strictly ascending"),
        ({"values": []}, r"\.values: got \[\]"),
        ({"values": [0.5, 1.0], "weights": [0.5, 0.6]}, r"\.weights: got <the sum 1\.1>; allowed: weights that sum to 1"),
        ({"values": [0.5, 1.0], "weights": [0.0, 1.0]}, r"\.weights: got \[0\.0, 1\.0\]; allowed: finite probabilities > 0"),
        ({"values": [0.5, 1.0], "weights": [1.0]}, r"\.weights: got <1 weights>; allowed: as many as there are values: 2"),
        ({"weights": [1.0]}, r"\.values: .*missing required key"),
        ({"values": [0.5], "mean": 0.5}, r"\.mean: got 0\.5; allowed: only the keys values, weights"),
        (0.9, r": got 0\.9; allowed: a table with the keys values, weights"),
    ],
)
def test_bad_yields_are_refused_by_name(case: AssemblerCase, shares: object, message: str) -> None:
    with pytest.raises(InputError, match=r"suppliers\[0\]\.yield" + message):
        case.changed(**{"suppliers.panel.yield": shares})


def test_too_many_joint_yields_are_refused_before_they_are_listed() -> None:
    shares = {"values": [0.5, 0.75, 1.0]}
    few = build([[1.0, 2.0]] * 8, [[0.5, 0.5]] * 8, price=40.0)
    assert few.changed(**{f"suppliers.{i}.yield": shares for i in range(8)}).yields.count == 3**8
    many = build([[1.0]] * 40, [[1.0]] * 40, price=80.0)
    with pytest.raises(InputError, match=r"suppliers\[8\]\.yield: got <3 values, .*19,683 joint yields.*at most 16,384"):
        many.changed(**{f"suppliers.{i}.yield": shares for i in range(40)})
    wide = build([[1.0, 2.0, 3.0, 4.0]] * 8, [[0.25] * 4] * 8, price=40.0)
    with pytest.raises(InputError, match=r"suppliers: got <8 suppliers .*each with 6,561 joint yields"):
        vd.solve(wide.changed(**{f"suppliers.{i}.yield": shares for i in range(8)}), "icds", "highs")


def test_continuous_costs_refuse_terms_of_listed_ones_by_name() -> None:
    case = vd.example("continuous-pair")
    for key, value in {"yield": {"values": [0.5, 1.0]}, "capacity": 300.0, "reservation_profit": 5.0, "reports": "q.csv"}.items():
        with pytest.raises(InputError, match=rf"suppliers\[0\]\.{key}: got .*beside continuous costs.*`case.grid\(points\)`"):
            case.changed(**{f"suppliers.{case.names[0]}.{key}": value})
    with pytest.raises(InputError, match=r"ambiguity: got .*beside continuous costs"):
        case.changed(ambiguity={"radius": 0.1})
    with pytest.raises(InputError, match=r"suppliers\[0\]\.capasity: got .*only the keys name, cost"):
        case.changed(**{f"suppliers.{case.names[0]}.capasity": 300.0})


def test_a_changed_model_is_the_changed_case(case: AssemblerCase) -> None:
    model = vd.build(case.changed(**BOTH), "icds")
    model.usable["panel", 0.8].set_value(0.7)
    again, fresh = vd.solvers.solve(model, "highs"), case.changed(**BOTH, **{"suppliers.panel.yield.values": [0.7, 1.0]})
    assert again.objective == near(vd.solve(fresh, "icds", "highs").objective)
    assert again.contracts.case == fresh


@pytest.mark.parametrize("mechanism", ["icds", "naive"])
def test_kept_models_take_yields(case: AssemblerCase, mechanism: str) -> None:
    many = vd.Repeated()
    others: list[dict[str, Any]] = [
        {},
        {"price": 27.0},
        {"suppliers.panel.costs": [4.0, 8.0]},
        {"suppliers.panel.yield.values": [0.6, 1.0]},
    ]
    others += [{"suppliers.battery.yield": None}, {"suppliers.battery.yield": {"values": [0.5]}, "suppliers.panel.yield": None}]
    for changes in others:
        changed = case.changed(**BOTH).changed(**changes)
        assert many.solve(changed, mechanism, "highs").objective == near(vd.solve(changed, mechanism, "highs").objective)


def test_yields_are_saved_and_said(case: AssemblerCase, tmp_path: Any) -> None:
    full = case.changed(**BOTH)
    file = full.save(tmp_path / "yields.toml")
    assert "yield" not in case.save(tmp_path / "plain.toml").read_text(encoding="utf-8")
    assert vd.load(file) == full


def test_the_command_line_says_what_yields_mean(case: AssemblerCase, run: Run) -> None:
    said = [
        "--set",
        "suppliers.panel.yield={values=[0.8, 1.0], weights=[0.25, 0.75]}",
        "--set",
        "suppliers.battery.yield.values=[0.9]",
    ]
    solved = case.changed(**HALF, **{"suppliers.battery.yield.values": [0.9]})
    status, out, err = run("solve", case.name, *said)
    assert (status, err) == (0, "")
    assert "a share is usable (panel 0.8 or 1, battery 0.9)" in " ".join(out.split())
    assert parsed(run("solve", case.name, *said, "--json", "-"))["objective"] == near(vd.solve(solved, "icds", "highs").objective)
    status, out, err = run("choose-k", case.name, *said, "--solver", "closed_form")
    assert (status, out) == (2, "")
    assert "suppliers[0].yield.values" in err
    hybrids = parsed(run("choose-k", case.name, *said, "--json", "-"))["hybrids"]
    assert hybrids[-1]["profit"] == near(vd.solve(solved, "icds", "highs").objective)
