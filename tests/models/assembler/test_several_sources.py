"""A component from several suppliers: against programs written apart, and what a further source changes."""

from typing import Any

import numpy as np
import pytest

import veridical as vd
from support import linear_oracles
from support.assembler_cases import SOLVED, build, near
from veridical.data import AssemblerCase, InputError


def drawn(seed: int) -> tuple[AssemblerCase, list[float], list[float]]:
    """Return a random case in which a and b deliver one component and c another, its points of demand and their masses."""
    random = np.random.default_rng(seed)
    costs = [np.cumsum(random.uniform(1, 4, 2)).round(2).tolist() for _ in range(3)]
    prior = random.dirichlet(np.full(8, 2.0)).reshape(2, 2, 2)
    points, masses = np.sort(random.uniform(50, 900, 3)).round(1).tolist(), random.dirichlet(np.ones(3)).tolist()
    price = round(float(random.uniform(1.2, 2.5)) * (min(costs[0][-1], costs[1][-1]) * 2 + costs[2][-1]), 2)
    demand = {"distribution": "empirical", "values": points, "weights": masses}
    case = build(costs, joint=prior, price=price, demand=demand)
    several = {
        f"suppliers.{name}.{key}": value for name in "ab" for key, value in [("component", "glass"), ("units_per_product", 2.0)]
    }
    return case.changed(**several), points, masses


@pytest.mark.parametrize("capacity", [None, 250.0])
@pytest.mark.parametrize("seed", range(4))
def test_mechanisms_earn_what_a_program_written_apart_does(seed: int, capacity: float | None) -> None:
    case, points, masses = drawn(seed)
    if capacity is not None:
        case = case.changed(**{"suppliers.a.capacity": capacity, "suppliers.b.capacity": 2 * capacity})
    of = linear_oracles.Practice(
        each=[2.0, 2.0, 1.0], capacity=[supplier.capacity for supplier in case.suppliers], source=[0, 0, 1]
    )
    costs = [supplier.costs for supplier in case.suppliers]
    for oracle, (mechanism, parameters) in linear_oracles.MECHANISMS.items():
        if oracle == "interim":
            continue  # beliefs about two others may differ too little to be told apart
        best, _ = linear_oracles.assembler(oracle, case.price, points, masses, costs, case.probability, of).solve()
        solution = vd.solve(case, mechanism, "highs", **parameters)
        assert solution.objective == pytest.approx(best, rel=SOLVED, abs=SOLVED * case.price), oracle
        assert solution.audit is not None
        assert solution.audit.expected_profit == near(solution.objective)
        assert solution.audit.individually_rational
        assert solution.audit.truthful or mechanism in ("first_best", "bic")


def test_a_second_source_is_worth_something_and_a_dear_one_nothing() -> None:
    case = vd.example("two-suppliers")
    other = {"name": "other panel", "component": "panel", "probabilities": [0.5, 0.5]}
    profits = {}
    for name, costs in (("as good", [3.0, 9.0]), ("dear", [50.0, 60.0])):
        supplied = [supplier.model_dump(exclude_none=True, exclude={"reported"}) for supplier in case.suppliers]
        both = case.changed(suppliers=[*supplied, {**other, "costs": costs}])
        profits[name] = vd.solve(both, "icds", "highs").objective
    alone = vd.solve(case, "icds", "highs").objective
    assert profits["dear"] == near(alone)
    assert profits["as good"] > alone * 1.001


def test_sources_share_an_order_where_none_of_them_can_deliver_all() -> None:
    case, _, _ = drawn(0)
    scarce = case.changed(**{"suppliers.a.capacity": 100.0, "suppliers.b.capacity": 120.0})
    menu = vd.solve(scarce, "icds", "highs").contracts
    assert menu.assembled.max() <= 110.0 * (1 + SOLVED)
    assert scarce.deliverable == 110.0
    assert "component" in vd.solve(scarce, "icds", "highs").duals["assembly"].index.names


@pytest.mark.parametrize(
    ("mechanism", "solver", "parameters"),
    [
        ("icds", "closed_form", {}),
        ("icds_balanced", "highs", {}),
        ("hybrid", "closed_form", {}),
        ("hybrid", "highs", {"balanced": True}),
    ],
)
def test_what_takes_one_source_alone_refuses(mechanism: str, solver: str, parameters: dict[str, Any]) -> None:
    case, _, _ = drawn(0)
    with pytest.raises(InputError, match=r"suppliers\[1\]\.component: got 'glass'; allowed: for .* one source a component"):
        vd.solve(case, mechanism, solver, **parameters)


def test_units_of_a_component_are_the_same_of_every_source() -> None:
    case, _, _ = drawn(0)
    with pytest.raises(InputError, match=r"suppliers\[1\]\.units_per_product: got 1\.0; allowed: 2, as a says"):
        case.changed(**{"suppliers.b.units_per_product": 1.0})


def test_sources_are_saved_and_kept_models_have_them(tmp_path: Any) -> None:
    case, _, _ = drawn(1)
    assert vd.load(case.save(tmp_path / "sources.toml")) == case.changed(name="by hand")
    many = vd.Repeated()
    for changes in ({}, {"price": case.price * 1.1}, {"suppliers.a.component": None, "suppliers.a.units_per_product": 2.0}):
        changed = case.changed(**changes)
        assert many.solve(changed, "icds", "highs").objective == near(vd.solve(changed, "icds", "highs").objective)
