"""Consensus of models of blocks: the plan and the prices are the central model's, the bound is one, and little is told."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.linked_blocks import linked
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import pilot
from veridical.solvers.consensus import Consensus, Log, blocks
from veridical.solvers.consensus.block_agent import agent_of
from veridical.solvers.consensus.links import read

GAP = 1e-6  # of the cost: the default


def two(weight: float = 1.0, money: float = 1.0) -> Any:
    """Return two parties that want 2 and 6, each at a square of the distance, and have to agree."""
    m = pyo.ConcreteModel(name="two")
    m.party = pyo.Block(["a", "b"])
    for name, target in (("a", 2.0), ("b", 6.0)):
        m.party[name].x = pyo.Var(bounds=(0, 10))
        m.party[name].cost = pyo.Expression(expr=money * weight * (m.party[name].x - target) ** 2)
    m.link = pyo.Constraint(expr=m.party["a"].x == m.party["b"].x)
    m.total = pyo.Objective(expr=m.party["a"].cost + m.party["b"].cost)
    return m


def agreed(**options: Any) -> dict[str, Any]:
    return {"solver": "consensus", "options": options}


def test_two_who_have_to_agree_meet_half_way_at_the_price_of_it() -> None:
    m = two()
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    solution = blocks.solve(m, m.party)
    assert (solution.status, solution.certificate.proves) == ("optimal", "global")
    assert solution.bound <= 8.0 <= solution.objective <= 8.0 * (1 + 2 * GAP)  # 2^2 + 2^2 at 4
    assert m.party["a"].x.value == pytest.approx(4.0, abs=3e-3)  # costs are flat there: the square root of the gap
    assert m.party["a"].x.value == pytest.approx(m.party["b"].x.value, rel=1e-9)
    assert solution.duals["link"].iloc[0] == pytest.approx(4.0, abs=1e-2)  # 2 (x_a - 2) of one more unit for a than for b
    assert solution.duals["link"].iloc[0] == pytest.approx(vd.solvers.solve(two()).duals["link"].iloc[0], abs=1e-2)
    assert m.dual[m.link] == solution.duals["link"].iloc[0]
    with pytest.raises(KeyError, match="stay with the party"):
        solution.duals["limit"]


def test_three_share_what_is_wanted_by_what_it_costs_them() -> None:
    """Costs c / 2 x^2, sum of x = 11: x = price / c, so that price = 11 / (1 + 1/2 + 1/3) = 6."""
    m = pyo.ConcreteModel()
    m.party = pyo.Block([1, 2, 3])
    for k, block in m.party.items():
        block.x = pyo.Var()
        block.cost = pyo.Expression(expr=k / 2 * block.x**2)
    m.demand = pyo.Constraint(expr=sum(block.x for block in m.party.values()) == 11)
    m.total = pyo.Objective(expr=sum(block.cost for block in m.party.values()) + 5)  # a constant is nobody's, and no matter
    solution = blocks.solve(m, m.party, agreed(gap=1e-9))
    assert [block.x.value for block in m.party.values()] == pytest.approx([6.0, 3.0, 2.0], rel=1e-4)
    assert sum(block.x.value for block in m.party.values()) == pytest.approx(11.0, rel=1e-12)
    assert solution.objective == pytest.approx(38.0, rel=1e-8)
    assert solution.bound == pytest.approx(38.0, rel=1e-8)
    assert solution.duals["demand"].iloc[0] == pytest.approx(6.0, rel=1e-4)


@pytest.mark.parametrize(("seed", "curved"), [(1, True), (2, True), (6, True), (9, True), (4, False), (5, False)])
def test_random_blocks_agree_with_the_central_model(seed: int, curved: bool) -> None:
    m = linked(seed, curved)
    optimum = vd.solvers.solve(m).objective
    solution = blocks.solve(m, m.party)
    small = 1e-8 * abs(optimum)
    assert solution.bound <= optimum + small
    assert abs(solution.objective - optimum) <= 2 * GAP * abs(optimum)
    assert solution.certificate.primal_residual <= 1e-7
    for link, price in solution.duals["link"].items():  # prices are slopes of the optimum, also where they are not unique
        for step in (-0.05, 0.05):
            moved = linked(seed, curved)
            moved.link[link].set_value(moved.link[link].body == moved.link[link].upper + step)
            try:
                there = vd.solvers.solve(moved).objective
            except NotSolvedError:
                continue  # nobody can do that: any price is below
            assert there >= optimum + price * step - 5 * GAP * abs(optimum)


@pytest.mark.parametrize("money", [1e-3, 1e3])
def test_money_may_be_counted_in_anything_and_parties_in_any_order(money: float) -> None:
    m, other = linked(5, True), linked(5, True, money)
    solution = blocks.solve(m, m.party)
    names = list(other.party)[::-1]
    scaled = blocks.solve(other, {name: other.party[name] for name in names})
    assert scaled.objective == pytest.approx(money * solution.objective, rel=2 * GAP)
    assert scaled.duals["link"].to_numpy() / money == pytest.approx(solution.duals["link"].to_numpy(), rel=5e-3)
    for name in names:
        plan = np.array([x.value for x in m.party[name].x.values()])
        assert [x.value for x in other.party[name].x.values()] == pytest.approx(plan, abs=1e-2)


def test_costs_without_a_least_value_at_some_prices_have_a_bound_all_the_same() -> None:
    """Linear costs of what has no limit: at any price above the cheapest cost nothing is proven."""
    m = pyo.ConcreteModel()
    m.party = pyo.Block(["a", "b"])
    for name, cost in (("a", 2.0), ("b", 2.0)):
        m.party[name].x = pyo.Var(domain=pyo.NonNegativeReals)
        m.party[name].cost = pyo.Expression(expr=cost * m.party[name].x)
    m.demand = pyo.Constraint(expr=m.party["a"].x + m.party["b"].x == 10)
    m.total = pyo.Objective(expr=m.party["a"].cost + m.party["b"].cost)
    solution = blocks.solve(m, m.party)
    assert 20.0 * (1 - GAP) <= solution.bound <= 20.0 + 1e-9
    assert solution.objective == pytest.approx(20.0, rel=GAP)
    within = blocks.solve(m, m.party, agreed(largest=50.0))
    assert 20.0 * (1 - GAP) <= within.bound <= 20.0 + 1e-9


def test_smooth_costs_are_taken_too() -> None:
    m = two()
    m.party["a"].cost.set_value(pyo.exp(m.party["a"].x / 2))
    m.party["b"].limit = pyo.Constraint(expr=m.party["b"].x ** 2 <= 9)
    optimum = vd.solvers.solve(m, "ipopt").objective
    solution = blocks.solve(m, m.party)
    assert solution.bound <= optimum + 1e-8 * abs(optimum)
    assert solution.objective == pytest.approx(optimum, rel=2 * GAP)
    assert [component.local_name for component in m.party["a"].component_objects()] == ["x", "cost"]  # as it was
    with pytest.raises(InputError, match=r"options\.workers: got 'processes'; allowed: inline: the cost of a is not quadratic"):
        blocks.solve(m, m.party, agreed(workers="processes"))


def test_a_joint_plan_as_a_model_of_blocks_is_the_plan_that_its_own_consensus_agrees_on() -> None:
    case = pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, makers=2)
    model = vd.models.joint_plan.joint.build(case)
    solution = blocks.solve(model, model.parties)
    with Consensus(agreed(gap=1e-4)) as planner:
        start = planner.baseline(case)
        plan = planner.plan(case, start)
    central = vd.solvers.solve(vd.models.joint_plan.joint.build(case))
    assert solution.objective == pytest.approx(central.objective, rel=2 * GAP)
    assert plan.bound <= solution.objective * (1 + 1e-9)
    assert solution.bound <= plan.objective
    names = solution.duals["agreement"].index.names
    assert names == ["supplier", "receiver", "site", "product", "week"]
    used = vd.models.joint_plan.joint.plan_of(model) > 1e-3  # at 0 units every price between two marginal costs is right
    prices = solution.duals["agreement"].to_numpy()[used], central.duals["agreement"].to_numpy()[used]
    assert used.any()
    np.testing.assert_allclose(*prices, rtol=1e-2)


def test_contributions_leave_a_party_and_two_costs_and_nothing_else() -> None:
    m, log = linked(6, True), Log()
    secret = 0.123456789012345
    m.party["party 0"].own = pyo.Constraint(expr=m.party["party 0"].x[0] <= 10 + secret)
    m.party["party 0"].cost.set_value(m.party["party 0"].cost.expr + secret * m.party["party 0"].x[0])
    told: list[Any] = []
    solution = blocks.solve(m, m.party, log=log, callback=told.append)
    links = read(m, m.party)
    assert {message.method for message in log.messages} == {"step", "best", "cost"}
    for message in log.messages:
        plan = message.answer.plan
        assert message.answer.slope is None
        assert (message.answer.value == -np.inf) == (message.method == "step")  # in rounds no cost
        assert (plan is not None) == (message.method == "step")
        assert plan is None or plan.shape == links.shares[message.agent].shape  # one number a link
    assert [entry.round for entry in told] == list(range(1, solution.solver.options["rounds_taken"] + 1))
    sent = pickle.dumps([message.answer for message in log.messages])
    agent = agent_of(links, "party 0")
    handed = pickle.dumps(agent)
    for number in (secret, 10 + secret):
        assert struct.pack("<d", number) not in sent
    assert struct.pack("<d", 10 + secret) in handed  # it is seen where it is
    for name in links.blocks:
        other = next(iter(m.party[name].x.values())).name.encode()
        assert other not in handed  # nor does an agent in a process of its own have anybody's model
    plan = np.zeros(len(links.shares["party 0"]))
    rho = np.ones(len(plan))
    again = pickle.loads(handed).step(plan, plan, rho)
    assert again.plan == pytest.approx(agent.step(plan, plan, rho).plan, abs=1e-8)


def inequality(m: Any) -> None:
    m.cap = pyo.Constraint(expr=m.party["a"].x + m.party["b"].x <= 3)


def square(m: Any) -> None:
    m.curve = pyo.Constraint(expr=m.party["a"].x ** 2 == m.party["b"].x)


def nobody(m: Any) -> None:
    m.y = pyo.Var()
    m.copy = pyo.Constraint(expr=m.party["a"].x == m.y)


def whole(m: Any) -> None:
    m.party["a"].x.domain = pyo.Integers


def concave(m: Any) -> None:
    m.party["a"].cost.set_value(-(m.party["a"].x ** 2))


def wave(m: Any) -> None:
    m.party["a"].cost.set_value(pyo.sin(m.party["a"].x))


def more(m: Any) -> None:
    m.total.set_value(m.total.expr + 1e-3 * m.party["a"].x)


def nobody_pays(m: Any) -> None:
    m.y = pyo.Var(bounds=(0, 1))
    m.total.set_value(m.total.expr + m.y)


def largest(m: Any) -> None:
    m.total.sense = pyo.maximize


def inside(m: Any) -> None:
    m.party["a"].ours = pyo.Constraint(expr=m.party["a"].x + m.party["b"].x <= 3)


def others(m: Any) -> None:
    m.party["a"].cost.set_value(m.party["a"].cost.expr + m.party["b"].x)
    m.party["b"].cost.set_value(m.party["b"].cost.expr - m.party["b"].x)


def costless(m: Any) -> None:
    m.total.set_value(m.party["b"].cost)
    m.party["a"].del_component("cost")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (inequality, "cap: got <a link that is an inequality>; allowed: linear equalities between parties"),
        (square, "curve: got <a link that is not linear>"),
        (nobody, "copy: got <a link with y, a variable of nobody>"),
        (whole, r"party\[a\]\.x: got <an integer variable>"),
        (concave, r"party\[a\]\.cost: got <a cost that is not convex>"),
        (wave, r"party\[a\]\.cost: got <a cost that is not convex, or not shown to be>"),
        (more, r"total: got <a term with party\[a\]\.x that is in no party's cost>"),
        (nobody_pays, "total: got <a term with y that is in no party's cost>"),
        (largest, "total: got <an objective to maximise>"),
        (inside, r"party\[a\]\.ours: got <a constraint of a with party\[b\]\.x>"),
        (others, r"party\[a\]\.cost: got <a cost of a with party\[b\]\.x, of b>"),
        (costless, r"party\[a\]\.cost: got <nothing>"),
    ],
)
def test_what_is_no_model_of_blocks_and_links_is_refused_by_name(change: Callable[[Any], None], message: str) -> None:
    m = two()
    change(m)
    with pytest.raises(InputError, match=message):
        blocks.solve(m, m.party)


@pytest.mark.parametrize("parties", [5, "party", ["a", "b"], {"a": 1, "b": 2}])
def test_parties_are_blocks(parties: Any) -> None:
    m = two()
    with pytest.raises(InputError, match=r"^parties.*allowed: an indexed Block, a mapping of names to blocks, or a list"):
        blocks.solve(m, parties)
    with pytest.raises(InputError, match="two parties or more"):
        blocks.solve(m, [m.party["a"]])


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        ("highs", "solver: got 'highs'; allowed: consensus"),
        (agreed(roh=1.0), r"options\.roh: got 1\.0; allowed: an option of consensus; near it: rho"),
        (agreed(noise=0.1), r"options\.noise: got 0\.1; allowed: not here"),
        (agreed(workers="dask"), r"options\.workers: got 'dask'; allowed: inline or processes"),
    ],
)
def test_options_that_mean_nothing_here_are_refused(solver: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        blocks.solve(two(), two().party, solver)


def test_who_is_in_no_link_is_alone_and_what_is_fixed_is_a_number() -> None:
    m = two()
    m.third = pyo.Block()
    m.third.x = pyo.Var(bounds=(1, 5))
    m.third.inner = pyo.Block()
    m.third.inner.y = pyo.Var(bounds=(0, 1))
    m.third.cost = pyo.Expression(expr=3 * m.third.x - m.third.inner.y)
    m.total.set_value(m.total.expr + m.third.cost)
    m.party["a"].x.fix(3.0)
    solution = blocks.solve(m, [m.party["a"], m.party["b"], m.third])
    assert solution.objective == pytest.approx(1 + 9 + 2, rel=GAP)
    assert solution.bound <= 12.0 + 1e-9
    assert (m.third.x.value, m.third.inner.y.value) == pytest.approx((1.0, 1.0), abs=1e-6)
    assert solution.duals["link"].iloc[0] == pytest.approx(6.0, abs=1e-2)  # b wants 6 and has 3: 2 * 3
    m.link.deactivate()
    apart = blocks.solve(m, [m.party["a"], m.party["b"], m.third])
    assert apart.objective == pytest.approx(1 + 0 + 2, abs=1e-5)
    assert list(apart.duals) == []


def test_the_sum_of_the_costs_may_be_written_in_any_way() -> None:
    m = two()
    a, b = m.party["a"].x, m.party["b"].x
    m.total.set_value(a**2 / 3 * 3 - 4 * a + (0.1 + 0.2) / 0.3 * b**2 - 12 * b + 40)
    assert blocks.solve(m, m.party).objective == pytest.approx(8.0, rel=2 * GAP)
    m.party["a"].inner = pyo.Block()
    m.party["a"].inner.cost = pyo.Expression(expr=0.0)
    with pytest.raises(InputError, match="parties, c: got <a block within that of a>; allowed: blocks side by side"):
        blocks.solve(m, {"a": m.party["a"], "b": m.party["b"], "c": m.party["a"].inner})


def test_what_is_not_proven_is_not_called_optimal() -> None:
    m = two()
    with pytest.raises(NotSolvedError, match="consensus ran out of rounds after 3 rounds: a plan of cost"):
        blocks.solve(m, m.party, agreed(rounds=3))
    solution = blocks.solve(m, m.party, {**agreed(rounds=3), "accept": "feasible"})
    assert (solution.status, solution.certificate.proves) == ("feasible", "feasible")
    assert solution.bound < 8.0 < solution.objective
    assert solution.certificate.gap == pytest.approx((solution.objective - solution.bound) / solution.objective)
    assert m.party["a"].x.value == pytest.approx(m.party["b"].x.value)


def test_what_nobody_can_do_is_said() -> None:
    m = two()
    m.party["a"].x.setub(1)
    m.party["b"].x.setlb(3)
    with pytest.raises(NotSolvedError, match=r"no plan was met that all can carry out, and of links up to 0\.\d+ apart"):
        blocks.solve(m, m.party, agreed(rounds=20))
    m = two()
    m.party["a"].more = pyo.Constraint(expr=m.party["a"].x >= 11)
    with pytest.raises(NotSolvedError, match=r"^party\[a\]: .*cannot hold together: party\[a\]\.more"):
        blocks.solve(m, m.party)
