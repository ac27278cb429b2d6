"""Salvage and penalties of newsvendors, least orders, prices of terms: by integrals, by trying all, by differences."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import expon, norm, uniform

import veridical as vd
from support.allocation_cases import LINEAR, case, group
from support.allocation_judges import holds
from support.linear_oracles import Retailing, allocation
from veridical.data import AllocationCase, InputError, Newsvendor

TYPES, LIKELY = (8.0, 10.0, 12.0), (0.3, 0.4, 0.3)
TERMS: list[dict[str, Any]] = [{}, {"salvage": 2.0}, {"shortage_penalty": 3.0}, {"salvage": 2.0, "shortage_penalty": 3.0}]


def newsvendor(distribution: str = "normal", **terms: float) -> dict[str, Any]:
    """Return the revenue of a newsvendor who sells at 10."""
    demand = {"distribution": distribution, **({"sd": 2.0} if distribution == "normal" else {})}
    return {"form": "newsvendor", "price": 10.0, "demand": demand, **terms}


NODES, WEIGHTS = np.polynomial.legendre.leggauss(300)


def earned(q: float, theta: float, distribution: str = "normal", salvage: float = 0.0, shortage_penalty: float = 0.0) -> float:
    """Return expected profit of q units less that of none, demand by demand: sales, what is left over, what is lost."""
    demand: Any = {"normal": norm(theta, 2.0), "uniform": uniform(0, theta), "exponential": expon(scale=theta)}[distribution]
    low, high = float(demand.ppf(1e-15)), float(demand.isf(1e-15))
    corners = sorted({low, high, *(x for x in (0.0, q) if low < x < high)})
    total = 0.0
    for start, end in itertools.pairwise(corners):
        d = start + (end - start) * (NODES + 1) / 2
        wanted = np.maximum(d, 0.0)
        sold = np.minimum(wanted, q)
        gained = 10.0 * sold + salvage * (q - sold) - shortage_penalty * (wanted - sold) + shortage_penalty * wanted
        total += float(WEIGHTS @ (gained * demand.pdf(d))) * (end - start) / 2
    return total


@pytest.mark.parametrize("distribution", ["normal", "uniform", "exponential"])
@pytest.mark.parametrize("terms", TERMS)
def test_what_units_earn_by_integrals(distribution: str, terms: dict[str, Any]) -> None:
    revenue = Newsvendor(**newsvendor(distribution, **terms))
    for q, theta in itertools.product((0.0, 3.0, 9.0, 14.0), (8.0, 12.0)):
        assert float(revenue.value(q, theta)) == pytest.approx(earned(q, theta, distribution, **terms), rel=1e-7, abs=1e-8)
        change = float(revenue.value(q + 1e-5, theta) - revenue.value(q, theta)) / 1e-5
        assert float(revenue.marginal(q, theta)) == pytest.approx(change, rel=1e-4, abs=1e-4)
    asked = np.array([9.0, 4.0, 2.5])
    assert revenue.marginal(revenue.quantity(asked, 10.0), 10.0) == pytest.approx(asked, rel=1e-9)


def best_of_all(capacity: float, terms: dict[str, Any]) -> float:
    """Return what one retailer brings at most: each type has the best of all units up to the capacity, looked for by hand."""
    total = 0.0
    for k, theta in enumerate(TYPES):
        above = sum(LIKELY[k + 1 :])
        following = TYPES[min(k + 1, 2)]

        def lost(q: float, k: int = k, theta: float = theta, above: float = above, following: float = following) -> float:
            here = earned(q, theta, **terms)
            return -(LIKELY[k] * here - (above * (earned(q, following, **terms) - here) if above else 0.0))

        grid = np.linspace(0.0, capacity, 25)
        start = int(np.argmin([lost(float(q)) for q in grid]))
        ends = float(grid[max(start - 1, 0)]), float(grid[min(start + 1, 24)])
        fine: Any = minimize_scalar(lost, bounds=ends, method="bounded", options={"xatol": 1e-9})
        total -= min(float(fine.fun), lost(capacity), lost(0.0))
    return total


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("capacity", [4.0, 9.0, 10.5])
def test_one_newsvendor_by_trying_all_quantities(terms: dict[str, Any], capacity: float) -> None:
    """With one retailer each type's units stand alone: the best of all up to the capacity, rents left to higher types."""
    own = case(group(TYPES, LIKELY, newsvendor(**terms)), capacity=capacity)
    total = best_of_all(capacity, terms)
    for solver in (None, "closed_form"):
        assert vd.solve(own, "allocation", solver).objective == pytest.approx(total, rel=1e-6)


def test_units_that_are_handed_out_for_salvage_are_refused_by_name() -> None:
    """At 40 units the low types would get all of them to salvage: the best quantity is no stationary point."""
    own = case(group(TYPES, LIKELY, newsvendor(salvage=2.0)), capacity=40.0)
    for mechanism, solver in (("allocation", None), ("allocation", "closed_form"), ("allocation_kkt", None)):
        with pytest.raises(
            InputError, match=r"retailers\[0\].revenue.salvage: got 2.0; allowed: less, a smaller capacity than 40"
        ):
            vd.solve(own, mechanism, solver)
    bounded = own.changed(**{"retailers.0.capacity": 9.0})
    one, other = (vd.solve(bounded, "allocation", solver).objective for solver in (None, "closed_form"))
    assert one == pytest.approx(other, rel=1e-7)
    with pytest.raises(InputError, match=r"retailers\[0\].revenue.salvage: got 2.0; allowed: a number below capacity_cost, 1.5"):
        own.changed(capacity_cost=1.5)
    with pytest.raises(InputError, match=r"salvage: got 12.0; allowed: a number below price \+ shortage_penalty, 10"):
        case(group(TYPES, LIKELY, newsvendor(salvage=12.0)), capacity=4.0)


def patterns(own: AllocationCase, least: float, **terms: Any) -> float:
    """Return the best over all choices of who gets an order at which profile; identical retailers are treated alike."""
    parts = [own.retailers[g] for g in own.order]
    groups = [(part.theta.tolist(), part.probability.tolist()) for part in parts]
    cells = sorted({(t[i], tuple(sorted(t))) for t in itertools.product(range(2), repeat=2) for i in range(2)})
    best = 0.0
    for chosen in itertools.product((False, True), repeat=len(cells)):
        on = dict(zip(cells, chosen, strict=True))
        placed = lambda i, t, on=on: on[t[i], tuple(sorted(t))]  # noqa: E731
        retailing = Retailing(least=least, placed=placed, **terms)
        best = max(best, allocation(groups, own.capacity, own.capacity_cost or 0.0, terms=retailing))
    return best


@pytest.mark.parametrize("least", [0.5, 1.1, 1.6])
def test_minimum_orders_by_trying_all_choices(least: float) -> None:
    own = case({**group((4.0, 8.0), (0.5, 0.5), count=2), "minimum_order": least}, capacity=2.4)
    found = vd.solve(own, "allocation")
    assert found.objective == pytest.approx(patterns(own, least, dominant=True, ex_post=True), rel=1e-6)
    assert vd.solve(own, "allocation_direct").objective == pytest.approx(patterns(own, least), rel=1e-6)
    units = found.contracts.by_type
    assert ((units == 0) | (units >= least * (1 - 1e-9))).all()
    assert holds(found, "dominant_strategy_ic")
    chosen = own.changed(capacity_cost=1.5)
    wanted = patterns(chosen, least, dominant=True, ex_post=True)
    assert vd.solve(chosen, "capacity_choice").objective == pytest.approx(wanted, rel=1e-6)


def test_minimum_orders_of_a_kept_model_know_its_capacity() -> None:
    """At the second capacity more is worth allotting than there is at the first: bounds of orders follow from it."""
    own = case({**group((4.0, 8.0), (0.5, 0.5), count=2), "minimum_order": 1.1}, capacity=1.5)
    wider = own.changed(capacity=6.0)
    repeated = vd.Repeated()
    repeated.solve(own, "allocation")
    assert repeated.solve(wider, "allocation").objective == pytest.approx(vd.solve(wider, "allocation").objective, rel=1e-9)
    model = vd.build(own.changed(**{"retailers.0.capacity": 1.4}), "allocation")
    for param in (model.K, model.type_probability, model.deliverable):
        assert not param.mutable  # else a bound, or a tangent, would be that of another number


def test_the_capacity_that_a_refusal_names_is_the_largest_that_is_taken() -> None:
    own = case(group(TYPES, LIKELY, newsvendor(salvage=2.0)), capacity=40.0)
    with pytest.raises(InputError, match="a capacity of retailers 1 of at most ") as refused:
        vd.solve(own, "allocation", "closed_form")
    limit = float(str(refused.value).partition("of at most ")[2].partition(":")[0])
    taken = vd.solve(own.changed(**{"retailers.0.capacity": limit}), "allocation", "closed_form")
    assert taken.objective == pytest.approx(best_of_all(limit, {"salvage": 2.0}), rel=1e-6)
    assert best_of_all(1.01 * limit, {"salvage": 2.0}) > taken.objective * (1 + 1e-6)  # some type would get all that it can
    with pytest.raises(InputError, match="a capacity of retailers 1 of at most "):
        vd.solve(own.changed(**{"retailers.0.capacity": 1.01 * limit}), "allocation", "closed_form")


def test_salvage_of_correlated_types_is_refused_of_a_kept_model_too() -> None:
    """At the second capacity units could be handed out to be salvaged: nothing is proven then, whatever was solved before."""
    joint = [[0.4, 0.1], [0.1, 0.4]]
    part = {"count": 2, "types": [8.0, 12.0], "revenue": newsvendor(salvage=2.0)}
    own = case(part, capacity=9.0, prior={"joint": joint})
    wider = own.changed(capacity=60.0)
    repeated = vd.Repeated()
    assert repeated.solve(own, "allocation").status == "optimal"
    for solve in (vd.solve, repeated.solve):
        with pytest.raises(InputError, match=r"revenue.salvage: got 2.0; allowed: 0 beside types that depend on one another"):
            solve(wider, "allocation")
    assert not vd.build(own, "allocation").K.mutable


def test_minimum_orders_of_correlated_types() -> None:
    joint = np.array([[0.4, 0.1], [0.1, 0.4]])
    own = case(
        {"count": 2, "types": [4.0, 8.0], "revenue": LINEAR, "minimum_order": 1.1}, capacity=2.4, prior={"joint": joint.tolist()}
    )
    wanted = patterns(own, 1.1, dominant=True, ex_post=True, prior=joint)
    assert vd.solve(own, "allocation").objective == pytest.approx(wanted, rel=1e-6)


def test_minimum_orders_of_newsvendors() -> None:
    """One newsvendor: each type gets nothing, the least, or what it would without."""
    own = case({**group(TYPES, LIKELY, newsvendor()), "minimum_order": 9.5}, capacity=12.0)
    free = vd.solve(own.changed(**{"retailers.0.minimum_order": None}), "allocation", "closed_form")
    found = vd.solve(own, "allocation")
    assert found.objective <= free.objective + 1e-6
    assert found.contracts.by_type.max() >= 9.5 - 1e-6
    for units, without in zip(np.diag(found.contracts.by_type), np.diag(free.contracts.by_type), strict=True):
        assert units == pytest.approx(max(9.5, without), rel=1e-3) or units == 0


def test_minimum_orders_are_refused_by_name() -> None:
    own = case({**group((4.0, 8.0), (0.5, 0.5), count=2), "minimum_order": 1.1}, capacity=2.4)
    own = own.changed(fixed_price={"wholesale_price": 2.0, "rule": "linear"})
    for mechanism, solver in (
        ("allocation", "closed_form"),
        ("allocation_kkt", None),
        ("fixed_price", None),
        ("centralized", "closed_form"),
    ):
        with pytest.raises(
            InputError, match=r"retailers\[0\].minimum_order: got 1.1; allowed: for .* no minimum order; mechanisms"
        ):
            vd.solve(own, mechanism, solver)
    news = case({**group(TYPES, LIKELY, newsvendor(), 2), "minimum_order": 1.1}, capacity=9.0)
    for keys in ({"prior": {"correlation": [[1, 0.5], [0.5, 1]]}}, {"retailers.0.reservation_profit": [0.0, 1.0, 2.0]}):
        with pytest.raises(
            InputError, match=r"minimum_order: got 1.1; allowed: for newsvendors .* no minimum order; linear and power"
        ):
            vd.solve(news.changed(**keys), "allocation")
    with pytest.raises(InputError, match="solver that takes it: highs"):
        vd.solve(own, "allocation", "ipopt")
    with pytest.warns(UserWarning, match="is left out: by hand: retailers"):
        frame = vd.compare(own)
    assert frame["penalty"]["centralized"] == pytest.approx(0, abs=1e-6)
    assert frame["profit"]["allocation"] <= frame["profit"]["centralized"]


@pytest.mark.parametrize(
    ("mechanism", "revenue"), [("allocation", LINEAR), ("allocation", newsvendor(salvage=2.0)), ("capacity_choice", LINEAR)]
)
@pytest.mark.parametrize("solver", [None, "closed_form"])
def test_prices_of_retailers_terms_are_differences(mechanism: str, revenue: Any, solver: str | None) -> None:
    """What one more unit of a retailer's own capacity, and of what he earns elsewhere, does to the supplier's profit."""
    linear = revenue is LINEAR
    types, limit, far, capacity = ((4.0, 6.0, 8.0), 1.3, 2.6, 2.9) if linear else (TYPES, 8.5, 9.0, 20.0)
    near = {**group(types, (0.2, 0.3, 0.5), revenue, 2), "name": "near", "capacity": limit, "reservation_profit": 0.3}
    other = {**group(types, LIKELY, revenue), "name": "far", "reservation_profit": [0.2, 0.1, 0.0], "capacity": far}
    own = case(near, other, capacity=capacity)
    own = own if mechanism == "allocation" else own.changed(capacity_cost=2.6)
    found = vd.solve(own, mechanism, solver).sensitivity
    for name in ("capacity near", "capacity far", f"reservation_profit far={types[0]:g}"):
        left, right = vd.one_sided_derivatives(own, name, mechanism, "closed_form", step=1e-5)
        assert min(left, right) - 2e-3 <= found[name] <= max(left, right) + 2e-3
    assert found["capacity near"] > 0.1
    assert found["reservation_profit near"] == pytest.approx(-2, rel=1e-7)
