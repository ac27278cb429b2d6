"""A large step that falls into pieces is solved piece by piece, and comes to what it comes to as a whole."""

from typing import Any

import numpy as np
import piqp
import pytest
import scipy.sparse as sp

from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import PartyAgent, quadratic
from veridical.solvers.consensus.pieces import Pieces
from veridical.solvers.translate.standard_form import StandardForm


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=4, regions=4, products=16, weeks=4, seed=5)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have every problem count as large; what is handed out is, for each that was tried in pieces, whether that was its way."""
    ways: list[bool] = []
    whole = quadratic.Quadratic._pieces

    def noted(problem: quadratic.Quadratic, *arguments: Any) -> Any:
        ways.append(False)
        result = whole(problem, *arguments)
        ways[-1] = True
        return result

    monkeypatch.setattr(quadratic, "SIFTED_FROM", 0)
    monkeypatch.setattr(quadratic.Quadratic, "_pieces", noted)
    return ways


def whole(case: JointPlanCase, monkeypatch: pytest.MonkeyPatch) -> PartyAgent:
    """Return an agent that knows of no pieces."""
    agent = PartyAgent(case.part("retailer"))
    with monkeypatch.context() as patch:
        patch.setattr(quadratic, "UNKNOWN", None)
        for name in ("step", "at", "best"):
            agent._problem(name, np.full(len(agent.columns), name == "at"))
    for problem in agent._problems.values():
        problem.pieces = None
    return agent


def test_a_retailers_steps_and_costs_by_product_are_those_of_the_whole(
    case: JointPlanCase, used: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    agent, other = PartyAgent(case.part("retailer")), whole(case, monkeypatch)
    count = len(agent.columns)
    plan, rho = random.uniform(0.0, 40.0, count), random.uniform(0.01, 0.1, count)
    for _ in range(4):
        price = random.uniform(-2.0, 2.0, count)
        step, same = agent.respond(plan, price, rho), other.respond(plan, price, rho)
        assert step.plan is not None
        assert same.plan is not None
        np.testing.assert_allclose(step.plan, same.plan, atol=2e-2)
        assert step.value == pytest.approx(same.value, rel=1e-5)
        slope = rho * (plan - step.plan) - price
        for _ in range(3):  # a support is below the cost of any plan
            units = random.uniform(0.0, 60.0, count)
            cost = agent.cost(units).value
            assert cost == pytest.approx(other.cost(units).value, rel=1e-7)
            assert step.value + float(slope @ units) <= cost + 1e-7 * abs(cost)
        plan = 0.5 * plan + 0.5 * step.plan
        rho *= random.uniform(0.5, 2.0)
    assert sum(used) >= 14  # 4 steps and 12 costs; the ways of old are there for what is left
    pieces = next(iter(agent._problems.values())).pieces
    assert pieces is not None
    assert pieces.links.size == 16  # sites and weeks


@pytest.mark.parametrize("free", [0, 3])  # with every third flow at a price at which it costs the retailer nothing
def test_a_bound_by_the_prices_between_pieces_is_one_and_close(
    free: int, case: JointPlanCase, used: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(2)
    agent, other = PartyAgent(case.part("retailer")), whole(case, monkeypatch)
    count = len(agent.columns)
    plan, rho, price = random.uniform(0.0, 40.0, count), np.full(count, 0.02), random.uniform(-1.0, 1.0, count)
    if free:
        price[::free] = -agent.form.cost[agent.columns[::free]]
    best = other.best(price).value
    gaps, cost = [], agent.cost(plan).value
    for _ in range(8):  # steps on the way to the best plan at a price, about which the prices between pieces are then right
        step = agent.respond(plan, price, rho)
        assert step.plan is not None
        plan = step.plan
        gaps.append(best - agent.best(price).value)
        assert gaps[-1] >= -1e-7 * abs(best)
    assert gaps[-1] <= 0.01 * cost
    assert gaps[-1] < gaps[0]
    assert {name for name, _ in agent._problems} == {"step", "at"}  # the whole was never solved for it


def program(seed: int, capacity: float, groups: int = 20) -> tuple[StandardForm, Array]:
    """Return 20 groups of three columns that are to add up to something, and a common row that what is beyond pays for."""
    random = np.random.default_rng(seed)
    n = 3 * groups + 1
    matrix = sp.lil_array((groups + 1, n))
    for k in range(groups):
        matrix[k, 3 * k : 3 * k + 3] = 1.0
        matrix[groups, 3 * k] = random.uniform(0.5, 1.5)
    matrix[groups, n - 1] = -1.0
    need = random.uniform(1.0, 3.0, groups)
    weight = np.append(np.ones(n - 1), 0.0)
    cost = np.append(random.uniform(-1.0, 1.0, n - 1), 0.7)
    form = StandardForm(
        nonlinear=None,
        variables=[None] * n,
        constraints=[None] * (groups + 1),
        sense=1,
        cost=cost,
        offset=0.0,
        low=np.zeros(n),
        high=np.full(n, np.inf),
        integer=np.zeros(n, dtype=bool),
        matrix=sp.csr_array(matrix),
        row_low=np.append(need, -np.inf),
        row_high=np.append(need, capacity),
        hessian=sp.csc_array(sp.diags_array(weight)),
    )
    return form, weight


@pytest.mark.parametrize("capacity", [2.0, 14.0, 100.0])  # beyond it at any price, at it, and more than enough
def test_the_price_of_a_common_row_is_found(capacity: float) -> None:
    form, _ = program(3, capacity)
    assert form.hessian is not None
    pieces = Pieces.of(form, form.hessian, 1e-9)
    assert pieces is not None
    solution = pieces.solve(form.cost, form.hessian, form.row_low, form.row_high, lambda *_: 0.0, 1e-12)
    assert solution is not None
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = 1e-10
    rows = sp.csc_matrix(form.matrix)
    solver.setup(
        sp.csc_matrix(form.hessian), form.cost, rows[:-1], form.row_low[:-1], rows[-1:], None, form.row_high[-1:], form.low, None
    )
    assert solver.solve() == piqp.PIQP_SOLVED
    np.testing.assert_allclose(solution[0], solver.result.x, atol=1e-4)
    assert solution[1][-1] == pytest.approx(-float(solver.result.z_u[0]), abs=1e-4)


def test_what_jumps_with_a_price_is_not_taken_apart() -> None:
    form, weight = program(3, 14.0)
    assert Pieces.of(form, sp.csc_array(sp.diags_array(0.0 * weight)), 1e-9) is None


def test_what_has_no_solution_is_said() -> None:
    form, _ = program(3, 14.0)
    assert form.hessian is not None
    pieces = Pieces.of(form, form.hessian, 1e-9)
    assert pieces is not None
    with pytest.raises(NotSolvedError):
        pieces.solve(form.cost, form.hessian, -form.row_low, -form.row_high, lambda *_: 0.0, 1e-9)
