"""The best worst case over priors near a given one: no prior there is worse for the menu, and at the worst no menu is better."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import veridical as vd
from support.assembler_cases import SOLVED, build, near
from veridical.data import AssemblerCase, InputError

DEMANDS: dict[str, dict[str, Any]] = {
    "uniform": {"distribution": "uniform", "low": 100, "high": 900},
    "normal": {"distribution": "normal", "mean": 500, "sd": 150},
    "empirical": {"distribution": "empirical", "values": [100, 400, 700]},
}
RADII = [("l1", 0.1), ("l1", 0.6), ("wasserstein", 0.4), ("wasserstein", 2.0)]


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    found = vd.example("two-suppliers-correlated")
    assert isinstance(found, AssemblerCase)
    return found


def least(case: AssemblerCase, distance: str, radius: float, value: np.ndarray[Any, Any]) -> float:
    """Return the least expectation of values over the priors within a distance, by a program that is written apart."""
    given, worth = case.probability.ravel(), value.ravel()
    n = len(given)
    if distance == "l1":  # pi, and how far it is from the given prior
        apart = np.block([[np.eye(n), -np.eye(n)], [-np.eye(n), -np.eye(n)], [np.zeros((1, n)), np.ones((1, n))]])
        bounds = np.concatenate([given, -given, [radius]])
        total = np.concatenate([np.ones(n), np.zeros(n)])[None, :]
        found: Any = linprog(np.concatenate([worth, np.zeros(n)]), apart, bounds, total, [1.0])
        return float(found.fun)
    costs = np.array([[case.suppliers[i].costs[k] for i, k in enumerate(t)] for t in np.ndindex(*case.shape)])
    moved = np.abs(costs[:, None] - costs[None]).sum(axis=2)
    out = np.array([[float(row == t) for row in range(n) for _ in range(n)] for t in range(n)])
    found = linprog(np.tile(worth, n), moved.reshape(1, -1), [radius], out, given)
    return float(found.fun)


@pytest.mark.parametrize("mechanism", ["icds", "frw", "first_best"])
@pytest.mark.parametrize(("distance", "radius"), RADII)
@pytest.mark.parametrize("demand", DEMANDS)
def test_the_optimum_is_a_saddle_point(case: AssemblerCase, demand: str, distance: str, radius: float, mechanism: str) -> None:
    other = case.changed(demand=DEMANDS[demand])
    solution = vd.solve(other.changed(ambiguity={"radius": radius, "distance": distance}), mechanism, "highs")
    assert least(other, distance, radius, solution.contracts.profit) == near(solution.objective)
    assert solution.ambiguity is not None
    worst = np.array(list(solution.ambiguity["worst_prior"].values()))
    assert worst.sum() == pytest.approx(1.0, abs=1e-9)
    there = other.changed(prior={"joint": (worst / worst.sum()).reshape(case.shape).tolist()})
    assert vd.solve(there, mechanism, "highs").objective == near(solution.objective)
    assert solution.audit is not None
    assert solution.audit.truthful or mechanism == "first_best"


@pytest.mark.parametrize("price", [31.7, 31.8, 31.9])
def test_a_posted_price_under_the_worst_prior_is_proven_wherever_the_search_begins(case: AssemblerCase, price: float) -> None:
    """Profit bounds quantities by way of eight rows; without them multipliers that are off by 1e-10 prove nothing."""
    near_the_case = case.changed(ambiguity={"radius": 0.5, "distance": "wasserstein"})
    solution = vd.solve(near_the_case, "hybrid", "highs", price=price)
    assert least(case, "wasserstein", 0.5, solution.contracts.profit) == near(solution.objective)
    axis = {"price": {"values": [30.0, price, 40.0]}}
    row = vd.study({"case": near_the_case, "mechanisms": "hybrid", "solver": "highs", "vary": axis}).iloc[1]
    assert (row["status"], row["price"]) == ("optimal", price)
    assert row["objective"] == near(solution.objective)
    assert row["gap"] <= 1e-8
    assert solution.certificate.gap <= 1e-8


def test_more_suppliers_and_costs(case: AssemblerCase) -> None:
    random = np.random.default_rng(3)
    costs = [[2.0, 3.5, 4.0], [1.0, 2.5], [3.0, 4.0]]
    three = build(costs, joint=random.dirichlet(np.ones(12)).reshape(3, 2, 2), price=16.0)
    for distance, radius in (("l1", 0.2), ("wasserstein", 0.3)):
        solution = vd.solve(three.changed(ambiguity={"radius": radius, "distance": distance}), "icds", "highs")
        assert least(three, distance, radius, solution.contracts.profit) == near(solution.objective)


def test_a_wider_radius_earns_less_and_none_the_same(case: AssemblerCase) -> None:
    nominal = vd.solve(case, "icds", "highs").objective
    for distance, radii in (("l1", [1e-6, 0.1, 0.5, 2.0]), ("wasserstein", [1e-6, 0.5, 2.0, 20.0])):
        profits = [
            vd.solve(case.changed(ambiguity={"radius": radius, "distance": distance}), "icds", "highs").objective
            for radius in radii
        ]
        assert profits[0] == pytest.approx(nominal, rel=1e-4)
        assert all(low < high for low, high in zip(profits[1:], profits[:-1], strict=True))
        # any prior at all: the worst profile, and there nobody earns more than by one contract at the highest costs
        assert profits[-1] == near(vd.solve(case, "naive", "highs").objective)


@pytest.mark.parametrize(("distance", "radius"), RADII)
def test_what_the_radius_costs_is_a_difference(case: AssemblerCase, distance: str, radius: float) -> None:
    def profit(at: float) -> Any:
        return vd.solve(
            case.changed(ambiguity={"radius": at, "distance": distance}), "icds", {"solver": "highs", "tolerance": 1e-9}
        )

    step = 1e-4
    slope = (profit(radius + step).objective - profit(radius - step).objective) / (2 * step)
    assert profit(radius).sensitivity["ambiguity.radius"] == pytest.approx(slope, rel=1e-3)


def test_with_the_other_keys_of_practice(case: AssemblerCase) -> None:
    keys = {"suppliers.battery.capacity": 450.0, "salvage": 1.0, "suppliers.panel.minimum_order": 200.0}
    solution = vd.solve(case.changed(ambiguity={"radius": 0.2}, **keys), "icds", "highs")
    assert least(case, "l1", 0.2, solution.contracts.profit) == near(solution.objective)
    assert solution.objective < vd.solve(case.changed(**keys), "icds", "highs").objective * (1 - SOLVED)


@pytest.mark.parametrize(
    ("mechanism", "solver", "why"),
    [("icds", "closed_form", "closed forms"), ("bic", "highs", "truth itself"), ("icds_balanced", "highs", "virtual costs")],
)
def test_what_rests_on_one_prior_refuses(case: AssemblerCase, mechanism: str, solver: str, why: str) -> None:
    with pytest.raises(InputError, match=f"ambiguity: got <l1>; allowed: for .*{why}.* no ambiguity; mechanisms icds"):
        vd.solve(case.changed(ambiguity={"radius": 0.1}), mechanism, solver)


@pytest.mark.parametrize(
    ("ambiguity", "message"),
    [
        ({"radius": 0.0}, r"ambiguity\.radius: got 0\.0"),
        ({"radius": 0.1, "distance": "l2"}, r"ambiguity\.distance: got 'l2'; allowed: one of l1, wasserstein"),
        ({"distance": "l1"}, r"ambiguity\.radius: .*missing"),
    ],
)
def test_bad_tables_are_refused_by_name(case: AssemblerCase, ambiguity: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        case.changed(ambiguity=ambiguity)


def test_case_files_and_kept_models_have_it(case: AssemblerCase, tmp_path: Any) -> None:
    near_by = case.changed(ambiguity={"radius": 0.1, "distance": "wasserstein"})
    assert vd.load(near_by.save(tmp_path / "near.toml")) == near_by
    many = vd.Repeated()
    for changes in (
        {},
        {"price": 31.0},
        {"suppliers.panel.costs": [4.0, 8.0]},
        {"ambiguity.radius": 0.2},
        {"ambiguity.distance": "l1"},
    ):
        changed = near_by.changed(**changes)
        assert many.solve(changed, "icds", "highs").objective == near(vd.solve(changed, "icds", "highs").objective)
