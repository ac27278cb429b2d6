"""HiGHS and integers: whole ones, limits, conflicts, what is refused."""

from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.small_models import knapsack

Model = Any


def plants(most: float, count: int) -> Model:
    """Plants with fixed charges 100, 101, ...; what is made needs a plant that is open, and `most` is no real limit."""
    m = pyo.ConcreteModel("plants")
    m.made, m.open = pyo.Var(range(count), bounds=(0, None)), pyo.Var(range(count), domain=pyo.Binary)
    m.switch = pyo.Constraint(range(count), rule=lambda m, i: m.made[i] <= most * m.open[i])
    m.demand = pyo.Constraint(expr=sum(m.made.values()) >= 3)
    m.cost = pyo.Objective(expr=sum((100 + i) * m.open[i] + (1 + 0.1 * i) * m.made[i] for i in range(count)))
    return m


@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize("most", [1e3, 1e6, 3e6, 1e7, 1e9])
def test_no_plant_is_open_by_a_trace(most: float, count: int) -> None:
    m = plants(most, count)
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(103, rel=1e-9)  # 100 + 3 * 1
    assert 103 * (1 - 1e-6) <= solution.bound <= 103 * (1 + 1e-9)
    assert [plant.value for plant in m.open.values()] == [1.0] + [0.0] * (count - 1)


def test_where_a_trace_is_too_small_to_be_seen_no_value_is_returned() -> None:
    with pytest.raises((vd.NotSolvedError, vd.CertificateError)):
        vd.solvers.solve(plants(1e13, 2))


def test_integers_are_whole() -> None:
    m = knapsack()
    m.rest = pyo.Var(bounds=(0, None))
    m.room.set_value(5 * m.take[0] + 6 * m.take[1] + 3 * m.take[2] + 4 * m.take[3] + m.rest <= 10.5)
    m.value.set_value(m.value.expr + 1e-3 * m.rest)
    vd.solvers.solve(m)
    assert {thing.value for thing in m.take.values()} <= {0.0, 1.0}
    assert m.rest.value == pytest.approx(0.5)


def test_an_equation_that_whole_numbers_only_nearly_keep_is_infeasible() -> None:
    m = pyo.ConcreteModel("nearly")
    m.open, m.share = pyo.Var(range(2), domain=pyo.Binary), pyo.Var(bounds=(0, 1))
    m.total = pyo.Constraint(expr=1e9 * m.open[0] + 1e9 * m.open[1] + 100 * m.share == 999_999_998)
    m.cost = pyo.Objective(expr=m.share)
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solvers.solve(m)
    assert end.value.status == vd.solvers.Termination.INFEASIBLE


def test_constraints_that_no_whole_numbers_keep_are_named() -> None:
    m = knapsack()
    m.parity = pyo.Constraint(expr=2 * m.take[0] + 2 * m.take[1] == 3)
    with pytest.raises(vd.NotSolvedError, match="cannot hold together: parity; with whole numbers for") as end:
        vd.solvers.solve(m)
    assert end.value.status == vd.solvers.Termination.INFEASIBLE
    assert "room" not in str(end.value)
    assert {"take[0]", "take[1]"} == set(str(end.value).partition("whole numbers for ")[2].split(", "))


def test_constraints_of_a_relaxation_that_conflict_are_named() -> None:
    m = knapsack()
    m.all = pyo.Constraint(expr=sum(m.take.values()) >= 4)
    m.idle = pyo.Constraint(expr=m.take[0] <= 1)
    with pytest.raises(vd.NotSolvedError, match=r"cannot hold together: (room, all|all, room)"):
        vd.solvers.solve(m)


def test_integers_beside_squares_are_refused_by_name() -> None:
    m = pyo.ConcreteModel("miqp")
    m.n, m.y = pyo.Var(domain=pyo.Integers, bounds=(0, 5)), pyo.Var(bounds=(0, 5))
    m.need = pyo.Constraint(expr=m.n + m.y >= 3.5)
    m.cost = pyo.Objective(expr=m.n + m.y**2)
    with pytest.raises(vd.InputError, match=r"miqp: n: got <an integer variable beside .*>; allowed: .*linear"):
        vd.solvers.solve(m)


def split(things: int = 40, rows: int = 5) -> Model:
    """A market split: an incumbent is easy to find, its optimality takes far longer than any test."""
    m = pyo.ConcreteModel("split")
    m.I, m.J = pyo.RangeSet(things), pyo.RangeSet(rows)
    m.x = pyo.Var(m.I, domain=pyo.Binary)
    m.over, m.under = pyo.Var(m.J, bounds=(0, None)), pyo.Var(m.J, bounds=(0, None))
    weight = {(j, i): (37 * i * i + 61 * i * j + 17 * j * j) % 101 for j in m.J for i in m.I}
    half = {j: sum(weight[j, i] for i in m.I) // 2 for j in m.J}
    m.row = pyo.Constraint(m.J, rule=lambda m, j: sum(weight[j, i] * m.x[i] for i in m.I) + m.over[j] - m.under[j] == half[j])
    m.cost = pyo.Objective(expr=sum(m.over.values()) + sum(m.under.values()))
    return m


def test_the_best_solution_at_a_limit_can_be_had() -> None:
    limit = {"solver": "highs", "time_limit": 1.5}
    with pytest.raises(vd.NotSolvedError, match="known by then") as end:
        vd.solvers.solve(split(), limit)
    assert end.value.status == vd.solvers.Termination.TIME_LIMIT
    m = split()
    solution = vd.solvers.solve(m, {**limit, "accept": "feasible"}, check=False)
    assert (solution.status, solution.termination) == ("feasible", "time_limit")
    assert solution.bound <= solution.objective == pytest.approx(pyo.value(m.cost))
    assert {choice.value for choice in m.x.values()} <= {0.0, 1.0}
    assert all(abs(pyo.value(row.body) - pyo.value(row.upper)) < 1e-6 for row in m.row.values())


def test_what_is_accepted_is_one_of_two_words() -> None:
    with pytest.raises(vd.InputError, match="accept: got 'anything'; allowed: one of optimal, local, feasible"):
        vd.solvers.solve(knapsack(), {"solver": "highs", "accept": "anything"})
    assert vd.solvers.solve(knapsack(), {"solver": "highs", "accept": "feasible"}).status == "optimal"
