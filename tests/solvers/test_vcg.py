"""VCG of any model of blocks: transfers against enumeration, textbook examples, and the joint plan's own."""

import random
from itertools import permutations, product
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.joint_plan_cases import vendors_at
from support.party_models import assignment, auction, clarke, network, parties, paths, suppliers
from support.strategies import examples
from veridical.data import JointPlanCase
from veridical.data.joint_plan import pilot
from veridical.solvers.planners import Central, just_in_time, settle

SAME = 1e-6


def agrees(outcome: Any, transfers: dict[Any, float], gains: dict[Any, float], scale: float = 1.0) -> None:
    """Assert that an outcome pays what was found apart, and that its figures hold together."""
    assert outcome.transfers.to_dict() == pytest.approx(transfers, rel=SAME, abs=SAME * scale)
    assert outcome.net_gains.to_dict() == pytest.approx(gains, rel=SAME, abs=SAME * scale)
    assert outcome.budget == pytest.approx(-sum(transfers.values()), rel=SAME, abs=SAME * scale)


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_an_auction_of_one_item_has_the_second_price(sense: int) -> None:
    rng = random.Random(3)
    for count in (1, 2, 5):
        values = {f"bidder {k}": rng.uniform(1, 100) for k in range(count)}
        m = auction(values, sense)
        outcome = vd.vcg(m, m.party)
        winner = max(values, key=lambda name: values[name])
        second = max((value for name, value in values.items() if name != winner), default=0.0)
        agrees(
            outcome,
            dict.fromkeys(values, 0.0) | {winner: -second},
            dict.fromkeys(values, 0.0) | {winner: values[winner] - second},
        )
        sign = 1 if sense == pyo.minimize else -1
        assert outcome.objective == outcome.solution.objective == pytest.approx(-sign * values[winner])
        assert outcome.counterfactuals[winner] == pytest.approx(-sign * second)
        assert pyo.value(m.party[winner].gets) == 1


@examples(10)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(1, 100))
def test_a_public_project_has_no_deficit(values: list[int], price: int) -> None:
    """Clarke (1971): it is built where it is worth its price; whoever decides that pays what the others lose by it."""
    names = [f"citizen {k}" for k in range(len(values))]

    def citizen(value: float) -> Any:
        return lambda block: -value * block.model().build

    m = pyo.ConcreteModel()
    m.build = pyo.Var(domain=pyo.Binary)
    m.party = pyo.Block(names)
    for name, value in zip(names, values, strict=True):
        m.party[name].cost = pyo.Expression(expr=-value * m.build)
    m.total = pyo.Objective(expr=price * m.build + sum(m.party[name].cost for name in names))
    outcome = vd.vcg(m, m.party)
    built = sum(values) > price
    taxes = {}
    for name, value in zip(names, values, strict=True):
        others = sum(values) - value - price
        taxes[name] = max(others, 0) - (others if built else 0)
    assert outcome.transfers.to_dict() == pytest.approx({name: -tax for name, tax in taxes.items()}, abs=1e-9)
    assert outcome.budget >= -1e-9
    assert (outcome.net_gains >= -1e-9).all()
    assert outcome.of_nobody == pytest.approx(price if built else 0.0)


def test_edges_of_a_shortest_path_are_paid_what_a_detour_costs() -> None:
    """The mechanism of Nisan and Ronen (2001): an edge on the path is paid its cost and what the path without it costs more."""
    rng = random.Random(5)
    nodes = "sabct"
    edges = {(u, v): rng.uniform(1, 9) for u, v in permutations(nodes, 2) if v != "s" and u != "t"}
    outcomes = [{edge: edges[edge] for edge in path} for path in paths(edges, "s", "t")]
    m = network(edges, "s", "t")
    agrees(vd.vcg(m, m.party), *clarke(outcomes, edges))


def test_an_edge_that_every_path_needs_has_no_counterfactual() -> None:
    m = network({("s", "a"): 1.0, ("a", "t"): 2.0, ("s", "t"): 9.0}, "s", "t")
    m.party["s", "t"].flow.fix(0)
    with pytest.raises(vd.NotSolvedError, match=r"without \('s', 'a'\).*nobody can take its place.*`absent`"):
        vd.vcg(m, m.party)
    m.party["s", "t"].flow.unfix()
    assert vd.vcg(m, m.party).transfers["s", "a"] == pytest.approx(7.0)


@examples(8)
@given(
    st.integers(2, 3).flatmap(
        lambda jobs: st.lists(st.lists(st.integers(-9, 30), min_size=jobs, max_size=jobs), min_size=jobs + 1, max_size=4)
    )
)
def test_random_assignments_are_paid_as_enumerated(costs: list[list[int]]) -> None:
    jobs, workers = len(costs[0]), range(len(costs))
    outcomes = [{worker: costs[worker][job] for job, worker in enumerate(chosen)} for chosen in permutations(workers, jobs)]
    m = assignment(costs, jobs)
    outcome = vd.vcg(m, m.party)
    _, gains = clarke(outcomes, workers)
    # Where several assignments are best, transfers are of the one that was chosen; gains are of all.
    chosen = {worker: sum(costs[worker][job] * pyo.value(m.party[worker].does[job]) for job in range(jobs)) for worker in workers}
    agrees(outcome, {worker: gains[worker] + chosen[worker] for worker in workers}, gains)


@pytest.mark.parametrize("seed", range(3))
def test_sites_with_a_cost_of_opening_are_paid_as_enumerated(seed: int) -> None:
    """Facility location: binaries, and a cost that is paid once."""
    rng = np.random.default_rng(seed)
    sites, customers = range(4), range(5)
    opening, serving = rng.uniform(5, 20, 4), rng.uniform(1, 15, (4, 5))

    def site(k: int) -> Any:
        def cost(block: Any) -> Any:
            block.open = pyo.Var(domain=pyo.Binary)
            block.serves = pyo.Var(customers, bounds=(0, 1))
            block.only_open = pyo.Constraint(customers, rule=lambda block, j: block.serves[j] <= block.open)
            return opening[k] * block.open + sum(serving[k, j] * block.serves[j] for j in customers)

        return cost

    m = parties({k: site(k) for k in sites}, nobody=3.0)
    m.served = pyo.Constraint(customers, rule=lambda m, j: sum(m.party[k].serves[j] for k in sites) == 1)
    outcomes = []
    for served_by in product(sites, repeat=5):
        costs: dict[Any, float] = {None: 3.0} | {k: opening[k] for k in set(served_by)}
        for j, k in enumerate(served_by):
            costs[k] += serving[k, j]
        outcomes.append(costs)
    outcome = vd.vcg(m, m.party)
    agrees(outcome, *clarke(outcomes, sites))
    assert outcome.mixed_integer
    assert outcome.of_nobody == 3.0
    assert (outcome.net_gains >= -1e-9).all()


def test_the_gap_of_a_model_with_integers_bounds_what_a_lie_gains() -> None:
    rng = np.random.default_rng(1)
    weights, values = rng.integers(5, 60, 14), rng.integers(5, 90, 14)

    def item(k: int) -> Any:
        def cost(block: Any) -> Any:
            block.taken = pyo.Var(domain=pyo.Binary)
            return -float(values[k]) * block.taken

        return cost

    m = parties({k: item(k) for k in range(14)})
    m.room = pyo.Constraint(expr=sum(int(weights[k]) * m.party[k].taken for k in range(14)) <= 200)
    rough = vd.vcg(m, m.party, solver={"solver": "highs", "tolerance": 0.2, "options": {"presolve": "off"}})
    exact = vd.vcg(m, m.party)
    loss = rough.objective - exact.objective
    assert loss <= rough.epsilon
    assert rough.epsilon > 0
    assert exact.epsilon <= 1e-6 * abs(exact.objective)
    assert f"{rough.epsilon:,.3g} (the gap of its integers, and rounding)" in rough.explain()
    assert rough.audit(misreports=1).truthful

    def most(items: list[int]) -> float:
        by_weight = np.zeros(201)  # the most that fits into so much room
        for k in items:
            by_weight[weights[k] :] = np.maximum(by_weight[weights[k] :], by_weight[: 201 - weights[k]] + values[k])
        return float(by_weight[200])

    gains = {k: most(list(range(14))) - most([j for j in range(14) if j != k]) for k in range(14)}
    assert exact.net_gains.to_dict() == pytest.approx(gains, abs=1e-6)


@pytest.mark.parametrize(
    "case",
    [vendors_at(), pilot(vendors=3, sites=1, regions=2, products=2, weeks=2).changed(activity_fee=0.0)],
    ids=["by hand", "pilot"],
)
def test_the_joint_plan_pays_what_its_model_of_blocks_pays(case: JointPlanCase) -> None:
    """Two routes to one settlement: the planner's counterfactual plans, and the central model's blocks with a supplier held."""
    start = just_in_time(case, priced=False).units
    settlement = settle(case, "vcg", Central(), baseline=start, pivot="clarke")
    m = vd.models.joint_plan.joint.build(case)
    before = dict(zip(case.shared.flows, start.tolist(), strict=True))

    def absent(m: Any, name: str) -> None:
        for flow, units in m.parties[name].plan.items():
            units.fix(before[flow])

    outcome = vd.vcg(m, {name: m.parties[name] for name in case.suppliers}, absent=absent)
    scale = abs(settlement.savings)
    for name in case.suppliers:
        assert outcome.transfers[name] == pytest.approx(settlement.transfers[name], rel=SAME, abs=SAME * scale)
        assert outcome.net_gains[name] == pytest.approx(settlement.net_gains[name], rel=SAME, abs=SAME * scale)
        assert outcome.absence_costs[name] == pytest.approx(settlement.baseline_costs[name], rel=SAME, abs=SAME * scale)
    assert outcome.budget == pytest.approx(settlement.budget, rel=SAME, abs=SAME * scale)
    assert outcome.of_nobody == pytest.approx(sum(settlement.costs[name] for name in case.receivers), rel=SAME)


def test_a_small_party_is_paid_the_price_of_what_it_delivers() -> None:
    """A transfer is the integral of the shadow price over what the party brings: price times quantity, but for its own effect."""
    size, demand = 0.1, 50.0

    def large(block: Any) -> Any:
        block.units = pyo.Var(bounds=(0, None))
        return 1.5 * block.units**2

    def small(block: Any) -> Any:
        block.units = pyo.Var(bounds=(0, size))
        return 2.0 * block.units

    m = parties({"large": large, "small": small, "other": large})
    m.demand = pyo.Constraint(expr=sum(block.units for block in m.party.values()) >= demand)
    outcome = vd.vcg(m, m.party)
    price = outcome.solution.duals["demand"]["demand"]
    assert price == pytest.approx(1.5 * (demand - size), rel=1e-5)
    effect = 1.5 * size**2 / 2  # slope of the price times half of the square of the quantity
    assert outcome.transfers["small"] == pytest.approx(price * size + effect, rel=SAME)


def test_money_is_in_any_unit_and_names_do_not_matter() -> None:
    costs, capacities = {"a": 3.0, "b": 4.5, "c": 7.0, "d": 8.0}, {"a": 5.0, "b": 6.0, "c": 9.0, "d": 20.0}
    m = suppliers(costs, capacities, 15.0)
    outcome = vd.vcg(m, m.party)
    for factor in (1e-6, 1e6):
        scaled = suppliers({name: factor * cost for name, cost in costs.items()}, capacities, 15.0)
        other = vd.vcg(scaled, scaled.party)
        assert (other.transfers / factor).to_dict() == pytest.approx(outcome.transfers.to_dict(), rel=SAME)
        assert other.audit(misreports=2).truthful
    names = {"a": "d", "b": "c", "c": "a", "d": "b"}
    renamed = suppliers(
        {names[name]: costs[name] for name in reversed(costs)}, {names[name]: units for name, units in capacities.items()}, 15.0
    )
    other = vd.vcg(renamed, renamed.party)
    assert {name: other.transfers[names[name]] for name in names} == pytest.approx(outcome.transfers.to_dict(), rel=SAME)
    assert outcome.transfers.to_dict() == pytest.approx({"a": 5 * 7.0, "b": 5 * 7.0 + 8.0, "c": 4 * 8.0, "d": 0.0}, rel=SAME)


def test_parties_are_given_as_blocks_in_any_way() -> None:
    costs, capacities = {"a": 3.0, "b": 4.5, "c": 7.0}, {"a": 5.0, "b": 6.0, "c": 30.0}
    m = suppliers(costs, capacities, 9.0)
    expected = vd.vcg(m, m.party).transfers.to_dict()
    by_name = {"first": m.party["a"], "second": "party[b]"}
    some = vd.vcg(m, by_name)  # c is nobody's then, and stays in every world
    assert some.transfers.to_dict() == pytest.approx({"first": expected["a"], "second": expected["b"]})
    assert some.of_nobody == pytest.approx(0.0)
    listed = vd.vcg(m, [m.party[name] for name in costs])
    assert listed.transfers.to_dict() == pytest.approx({f"party[{name}]": expected[name] for name in costs})


def test_other_pivots_add_amounts_to_minus_the_cost_of_the_others() -> None:
    costs, capacities = {"a": 3.0, "b": 4.5, "c": 7.0}, {"a": 5.0, "b": 6.0, "c": 30.0}
    m = suppliers(costs, capacities, 9.0)
    none = vd.vcg(m, m.party, pivot="none")
    assert none.transfers.to_dict() == pytest.approx({"a": -18.0, "b": -15.0, "c": -33.0})
    assert none.net_gains.to_dict() == pytest.approx(dict.fromkeys("abc", -33.0))
    assert none.counterfactuals.empty
    amounts = {"a": 40.0, "b": 50.0, "c": 60.0}
    for pivot in (amounts, amounts.__getitem__):
        given_ = vd.vcg(m, m.party, pivot=pivot)
        assert given_.transfers.to_dict() == pytest.approx({"a": 22.0, "b": 35.0, "c": 27.0})
        assert given_.audit(misreports=3).truthful
        assert given_.pivot == "given"


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_a_cost_may_be_a_variable(sense: int) -> None:
    """The larger of two costs, as a variable above both."""
    m = pyo.ConcreteModel()
    m.party = pyo.Block(["kinked", "flat"])
    for block in m.party.values():
        block.units = pyo.Var(bounds=(0, 10))
    kinked, flat = m.party.values()
    kinked.cost = pyo.Var()
    kinked.low = pyo.Constraint(expr=kinked.cost >= kinked.units)
    kinked.high = pyo.Constraint(expr=kinked.cost >= 5 * kinked.units - 12)
    flat.cost = pyo.Expression(expr=2 * flat.units)
    m.need = pyo.Constraint(expr=kinked.units + flat.units >= 8)
    total = kinked.cost + flat.cost
    m.total = pyo.Objective(expr=total if sense == pyo.minimize else -total, sense=sense)
    outcome = vd.vcg(m, m.party)
    assert outcome.costs.to_dict() == pytest.approx({"kinked": 3.0, "flat": 10.0})
    assert outcome.transfers.to_dict() == pytest.approx({"kinked": 16.0 - 10.0, "flat": 28.0 - 3.0})
    assert outcome.audit(misreports=3).truthful


def test_a_party_that_is_forced_to_take_part_is_named() -> None:
    def forced(block: Any) -> Any:
        block.units = pyo.Var(bounds=(2, 20))
        return 9 * block.units

    def free(block: Any) -> Any:
        block.units = pyo.Var(bounds=(0, 20))
        return block.units

    m = parties({"forced": forced, "free": free})
    m.demand = pyo.Constraint(expr=sum(block.units for block in m.party.values()) >= 10)
    outcome = vd.vcg(m, m.party)
    assert outcome.net_gains["forced"] == pytest.approx(10 - (18 + 8))  # its bounds are gone with it
    assert "Taking part is not worth it for forced (-16)" in outcome.explain()
    assert not outcome.audit(misreports=0).individually_rational


def mills(slopes: dict[str, float]) -> Any:
    """Return mills that share an order of 40, with marginal costs that rise with what each of them grinds."""
    m = pyo.ConcreteModel()
    m.party = pyo.Block(list(slopes))
    for name, slope in slopes.items():
        m.party[name].ground = pyo.Var(bounds=(0, 50))
        m.party[name].cost = pyo.Expression(expr=slope / 2 * m.party[name].ground ** 2)
    m.order = pyo.Constraint(expr=sum(block.ground for block in m.party.values()) == 40)
    m.total = pyo.Objective(expr=sum(block.cost for block in m.party.values()))
    return m


def test_transfers_by_consensus_are_those_of_the_central_plan() -> None:
    slopes = {"north": 1.0, "south": 3.0, "west": 2.0}
    m = mills(slopes)
    outcome = vd.vcg(m, m.party, solver="consensus")
    # Alone mills share an order of 40 at the marginal cost 40 / sum(1 / slope), and so 800 / sum(1 / slope) in all.
    total = {name: 800 / sum(1 / slope for other, slope in slopes.items() if other != name) for name in slopes}
    least = 800 / sum(1 / slope for slope in slopes.values())
    for name, slope in slopes.items():
        cost = slope / 2 * (least / 20 / slope) ** 2
        assert outcome.transfers[name] == pytest.approx(total[name] - (least - cost), rel=1e-4)
        assert outcome.net_gains[name] == pytest.approx(total[name] - least, rel=1e-4)
    assert outcome.audit(misreports=1).truthful
    copy = mills(slopes)
    assert vd.vcg(copy, copy.party).transfers.to_dict() == pytest.approx(outcome.transfers.to_dict(), rel=1e-4)
