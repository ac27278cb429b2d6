"""Thirty random cases of the two papers' mechanisms, each against a linear program that is written apart from the package."""

import numpy as np
import pytest

import veridical as vd
from support import linear_oracles
from support.allocation_cases import case, group
from support.assembler_cases import build

SOLVED = 1e-6  # what a certificate promises


@pytest.mark.parametrize("seed", range(15))
def test_an_assembler_s_mechanisms_earn_what_a_program_written_apart_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = [(2, 2), (3, 2), (2, 3), (2, 2, 2), (3, 3)][seed % 5]
    costs = [np.cumsum(random.uniform(1, 6, m)).round(2).tolist() for m in shape]
    prior = random.dirichlet(np.full(int(np.prod(shape)), [0.4, 1.0, 5.0][seed % 3])).reshape(shape)
    prior = np.maximum(prior, 1e-4) / np.maximum(prior, 1e-4).sum()
    price = round(float(random.uniform(0.8, 2.5)) * sum(own[-1] for own in costs), 2)
    points, masses = np.sort(random.uniform(50, 900, 4)).round(1).tolist(), random.dirichlet(np.ones(4)).tolist()
    demand = {"distribution": "empirical", "values": points, "weights": masses}
    own = build(costs, joint=prior, price=price, demand=demand)
    for name, (mechanism, parameters) in linear_oracles.MECHANISMS.items():
        program = linear_oracles.assembler(name, price, points, masses, costs, prior)
        best, _ = program.solve()
        solution = vd.solve(own, mechanism, "highs", **parameters)
        assert solution.objective == pytest.approx(best, rel=SOLVED, abs=SOLVED), name
        if mechanism == "bic":  # the same with a bound that no supplier is paid, or pays, more than
            most = 0.4 * price * float(np.dot(points, masses))
            for key in program.bounds:
                if key[0] == "P":
                    program.bounds[key] = (-most, most)
                if key[0] == "q":
                    program.bounds[key] = (0.0, most / costs[key[1]][0])
            bounded, _ = program.solve()
            limited = vd.solve(own, mechanism, "highs", max_payment=most, **parameters)
            assert limited.objective == pytest.approx(bounded, rel=SOLVED, abs=SOLVED), name
            assert limited.without_max_payment is not None
            assert limited.without_max_payment["profit"] == pytest.approx(best, rel=SOLVED, abs=SOLVED)
            assert limited.without_max_payment["cost"] == pytest.approx(best - bounded, abs=2 * SOLVED * abs(best) + SOLVED)


@pytest.mark.parametrize("seed", range(15))
def test_a_supplier_s_optimum_earns_what_a_program_written_apart_does(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    sizes = [(2, 3), (3, 3), (3,), (4, 2), (2, 2)][seed % 5]
    groups = [
        (np.cumsum(random.uniform(0.3, 5, m)).round(2).tolist(), random.dirichlet(np.full(m, 0.8)).clip(0.02).tolist())
        for m in sizes
    ]
    groups = [(types, (np.array(f) / sum(f)).tolist()) for types, f in groups]
    fields: dict[str, float] = {"capacity": round(float(random.uniform(0.3, 4)), 2)}
    if seed % 3 == 0:
        fields = {"capacity_cost": round(float(random.uniform(0.1, 2)), 2)}
    own = case(*(group(types, f, name=f"r{i}") for i, (types, f) in enumerate(groups)), **fields)
    capacity, cost = fields.get("capacity"), fields.get("capacity_cost", 0.0)
    interim = linear_oracles.allocation(groups, capacity, cost)
    always = linear_oracles.allocation(groups, capacity, cost, ex_post=True)
    assert always == pytest.approx(interim, rel=SOLVED, abs=SOLVED)  # linear demand: nothing is lost by the stronger promise
    solutions = [vd.solve(own, solver=solver) for solver in ("highs", "closed_form")]
    solutions.append(vd.solve(own, "allocation_direct", "highs"))
    if seed % 5 == 3:  # an interior point takes ten times as long
        solutions.append(vd.solve(own, "allocation_kkt", "ipopt"))
    for solution in solutions:
        assert solution.objective == pytest.approx(interim, rel=SOLVED, abs=SOLVED), solution.mechanism
