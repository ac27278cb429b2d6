"""Random models of users: the right value by an independent solver, and nothing changes when units, names or order do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

import veridical as vd
from support.strategies import examples

Array = NDArray[np.float64]
UNITS = (1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9)
SAME = 1e-6  # relative: what a certificate promises


@dataclass(frozen=True)
class Program:
    """min cost x + x' square x / 2 - sum of weight log(1 + x), rows low <= A x, bounds; in units of money, goods and rows."""

    cost: Array
    matrix: Array
    low: Array
    high: Array
    whole: bool = False
    square: Array | None = None
    weight: Array | None = None
    money: float = 1.0
    goods: Array = field(default_factory=lambda: np.ones(1))
    rows: Array = field(default_factory=lambda: np.ones(1))
    names: Sequence[str] = ()

    def build(self) -> Any:
        """Return the model: y = x / goods, objective times money, rows times their factors."""
        count = len(self.cost)
        names = list(self.names) or [f"x{j}" for j in range(count)]
        goods, factor = np.broadcast_to(self.goods, count), np.broadcast_to(self.rows, len(self.low))
        model = pyo.ConcreteModel(name="random")
        model.y = pyo.Var(names, domain=pyo.Integers if self.whole else pyo.Reals)
        for j, name in enumerate(names):
            model.y[name].setlb(0.0)
            model.y[name].setub(None if np.isinf(self.high[j]) else self.high[j] / goods[j])
        x = [float(goods[j]) * model.y[name] for j, name in enumerate(names)]
        total = sum(float(self.cost[j]) * x[j] for j in range(count))
        if self.square is not None:
            total += sum(float(self.square[i, j]) / 2 * x[i] * x[j] for i in range(count) for j in range(count))
        if self.weight is not None:
            total -= sum(float(self.weight[j]) * pyo.log(1 + x[j]) for j in range(count))
        model.total = pyo.Objective(expr=self.money * total)
        model.row = pyo.ConstraintList()
        for i, least in enumerate(self.low):
            terms = [float(factor[i] * self.matrix[i, j]) * x[j] for j in range(count) if self.matrix[i, j]]
            if terms:
                model.row.add(sum(terms) >= float(factor[i] * least))
        return model

    def ordered(self, order: Sequence[int]) -> "Program":
        """Return the same program with its variables in another order and under other names."""
        index = list(order)
        names = [f"renamed {j}" for j in index]
        square = None if self.square is None else self.square[np.ix_(index, index)]
        weight = None if self.weight is None else self.weight[index]
        cost, matrix, high = self.cost[index], self.matrix[:, index], self.high[index]
        return replace(self, cost=cost, matrix=matrix, high=high, square=square, weight=weight, names=names)

    def doubled(self) -> "Program":
        """Return the same program with every row twice."""
        return replace(self, matrix=np.vstack([self.matrix, self.matrix]), low=np.concatenate([self.low, self.low]))


WHOLE = st.integers(-5, 9)


@st.composite
def programs(draw: st.DrawFn, kind: str) -> Program:
    """Return a program with a solution: rows ask for less than some point of the box has."""
    count, rows = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    matrix = np.array([[draw(WHOLE) for _ in range(count)] for _ in range(rows)], dtype=float).reshape(rows, count)
    high = np.array([float(draw(st.integers(1, 9))) for _ in range(count)])
    point = np.array([draw(st.integers(0, int(top))) for top in high], dtype=float)
    low = matrix @ point - np.array([draw(st.integers(0, 6)) for _ in range(rows)], dtype=float)
    cost = np.array([float(draw(WHOLE)) for _ in range(count)])
    program = Program(cost, matrix, low, high, whole=kind == "MIP")
    if kind == "QP":
        half = np.array(
            [[draw(st.integers(-2, 2)) for _ in range(count)] for _ in range(draw(st.integers(1, count)))], dtype=float
        )
        return replace(program, square=half.T @ half)
    if kind == "NLP":
        return replace(program, weight=np.array([float(draw(st.integers(0, 20))) for _ in range(count)]))
    return program


def reference(program: Program) -> float:
    """Return the optimum by scipy: linprog for an LP, milp for one with integers."""
    found: Any
    if program.whole:
        rows = LinearConstraint(program.matrix, lb=program.low) if len(program.low) else ()
        box, whole = Bounds(0 * program.high, program.high), np.ones(len(program.cost), dtype=int)
        found = milp(program.cost, constraints=rows, bounds=box, integrality=whole)
    else:
        limits = [(0.0, top) for top in program.high]
        found = linprog(program.cost, A_ub=-program.matrix, b_ub=-program.low, bounds=limits)
    assert found.fun is not None
    return float(found.fun)


def solved(program: Program, solver: str) -> tuple[str, float]:
    """Return status and value, the latter in the units of the program as it was."""
    solution = vd.solvers.solve(program.build(), {"solver": solver, "time_limit": 5})
    return str(solution.status), solution.objective / program.money


def same(program: Program, found: float, expected: float) -> bool:
    """Return whether two values agree, relative to them, or to the terms of which they are made where these cancel."""
    size = max(abs(expected), float(np.abs(program.cost) @ program.high) * 1e-3)
    return abs(found - expected) <= SAME * size


@examples(60)
@given(data=st.data(), solver=st.sampled_from(["highs", "ipopt"]))
def test_linear_programs_are_solved_as_scipy_does(data: st.DataObject, solver: str) -> None:
    program = data.draw(programs("LP"))
    status, value = solved(program, solver)
    assert status == "optimal"
    assert same(program, value, reference(program))


@examples(60)
@given(program=programs("MIP"))
def test_integer_programs_are_solved_as_scipy_does(program: Program) -> None:
    model = program.build()
    solution = vd.solvers.solve(model, "highs")
    assert solution.status == "optimal"
    assert same(program, solution.objective, reference(program))
    assert all(variable.value == round(variable.value) for variable in model.y.values())


@examples(60)
@given(program=programs("QP"))
def test_convex_quadratic_programs_are_solved_alike(program: Program) -> None:
    (first, value), (second, other) = (solved(program, solver) for solver in ("highs", "ipopt"))
    assert first == second == "optimal"
    assert same(program, value, other)


def goods(count: int) -> st.SearchStrategy[Array]:
    """Return units of goods: one for all, from a millionth to a billion, and what is counted in thousands or thousandths."""
    single = st.lists(st.sampled_from([1e-3, 1.0, 1e3]), min_size=count, max_size=count)
    return st.builds(lambda unit, factors: unit * np.array(factors), st.sampled_from(UNITS), single)


Change = Callable[[Program, st.DataObject], Program]
CHANGES: dict[str, Change] = {
    "money": lambda program, data: replace(program, money=data.draw(st.sampled_from(UNITS))),
    "goods": lambda program, data: program if program.whole else replace(program, goods=data.draw(goods(len(program.cost)))),
    "rows": lambda program, data: replace(program, rows=np.array([data.draw(st.sampled_from(UNITS)) for _ in program.low])),
    "order and names": lambda program, data: program.ordered(data.draw(st.permutations(range(len(program.cost))))),
    "rows twice": lambda program, data: program.doubled(),
}
WAYS = [("LP", "highs"), ("LP", "ipopt"), ("QP", "highs"), ("QP", "ipopt"), ("MIP", "highs"), ("NLP", "ipopt")]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("kind", "solver"), WAYS)
@examples(10)
@given(data=st.data())
def test_units_names_order_and_repeated_rows_change_nothing(kind: str, solver: str, change: str, data: st.DataObject) -> None:
    program = data.draw(programs(kind))
    status, value = solved(program, solver)
    changed = CHANGES[change](program, data)
    other_status, other = solved(changed, solver)
    assert status == other_status == "optimal"
    assert same(program, other, value)


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
@examples(25)
@given(data=st.data())
def test_a_model_without_a_point_is_called_infeasible(solver: str, data: st.DataObject) -> None:
    program = data.draw(programs("LP"))
    row = np.array([[float(data.draw(st.integers(0, 5))) for _ in program.cost]])
    row[0, 0] += 1.0
    beyond = row @ program.high + data.draw(st.sampled_from([0.5, 1.0, 1e3]))
    empty = replace(
        program,
        matrix=np.vstack([program.matrix, row]),
        low=np.concatenate([program.low, beyond]),
        money=data.draw(st.sampled_from(UNITS)),
    )
    with pytest.raises(vd.NotSolvedError) as error:
        vd.solvers.solve(empty.build(), solver)
    assert error.value.status == "infeasible"


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
@examples(25)
@given(data=st.data())
def test_a_model_without_an_end_is_called_unbounded(solver: str, data: st.DataObject) -> None:
    program = data.draw(programs("LP"))
    free = np.zeros((len(program.low), 1))  # one more variable, in no row, that earns
    endless = replace(
        program,
        matrix=np.hstack([program.matrix, free]),
        cost=np.append(program.cost, -float(data.draw(st.integers(1, 9)))),
        high=np.append(program.high, np.inf),
        money=data.draw(st.sampled_from(UNITS)),
    )
    with pytest.raises(vd.NotSolvedError) as error:
        vd.solvers.solve(endless.build(), {"solver": solver, "time_limit": 5})
    assert error.value.status == "unbounded"
