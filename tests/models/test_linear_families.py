"""Families that are declared as arrays are, for whoever looks, constraints like any others."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr.relational_expr import InequalityExpression
from pyomo.opt import WriterFactory

import veridical as vd
from support.assembler_cases import build
from veridical.models.linear_families import Each, declare, family_of
from veridical.solvers.translate.standard_form import StandardForm, compile_model

POINTS = {"distribution": "empirical", "values": [100, 300, 500], "weights": [0.25, 0.25, 0.5]}
CASE = build([[1, 2], [1.5, 2, 3]], joint=[[0.2, 0.1, 0.1], [0.1, 0.2, 0.3]], price=6.0, demand=POINTS)
FAMILIES = ("assembly", "incentive_compatibility", "individual_rationality", "feasibility", "expected_sales.written.cover")


def arrays(form: StandardForm) -> list[Any]:
    """Return all that a form says: names of rows and columns, entries in their order, sides, bounds, costs."""
    names = [row.name for row in form.constraints], [variable.name for variable in form.variables]
    matrix = form.matrix
    parts = matrix.indptr, matrix.indices, matrix.data, form.row_low, form.row_high, form.low, form.high, form.cost
    return [*names, *(part.tolist() for part in parts), form.offset]


def edit(m: Any, how: str) -> None:
    rows = m.incentive_compatibility
    key = list(rows)[3]
    if how == "replaced":
        rows[key].set_value(m.payment["a", "a=1, b=2"] <= 900)
    elif how == "deactivated":
        rows[key].deactivate()
    elif how == "family deactivated":
        rows.deactivate()
    elif how == "deleted":
        del rows[key]
    elif how == "deleted and added":
        relation = rows[key].expr
        del rows[key]
        rows.add(key, relation)
    elif how == "fixed":
        m.quantity["b", "a=1, b=2"].fix(250.0)
    elif how == "other numbers":
        m.cost["a", 2].set_value(2.5)
        m.probability["a=1, b=2"].set_value(0.125)
        m.price.set_value(7.0)


EDITS = ("none", "replaced", "deactivated", "family deactivated", "deleted", "deleted and added", "fixed", "other numbers")


@pytest.mark.parametrize("how", EDITS)
@pytest.mark.parametrize(("mechanism", "parameters"), [("icds", {}), ("icds", {"feasibility": False}), ("hybrid", {"k": 1})])
def test_a_model_is_translated_as_its_copy_row_by_row(mechanism: str, parameters: dict[str, Any], how: str) -> None:
    m = vd.build(CASE, mechanism, **parameters)
    edit(m, how)
    copy = m.clone()  # its rows are plain expressions
    declared = [component for component in copy.component_objects(pyo.Constraint) if family_of(component) is not None]
    assert declared == []
    assert arrays(compile_model(m)) == arrays(compile_model(copy))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_edited_row_takes_its_family_to_pieces_and_no_other(family: str) -> None:
    m = vd.build(CASE, "icds")
    assert all(family_of(m.find_component(name)) is not None for name in FAMILIES)
    row = next(iter(m.find_component(family).values()))
    row.set_value(row.body <= 1.0)
    assert [name for name in FAMILIES if family_of(m.find_component(name)) is None] == [family]


def test_rows_read_as_they_would_be_written_by_hand() -> None:
    m = vd.build(CASE, "icds")
    row = m.incentive_compatibility["a", 1, 2, "b=3"]
    lie = "payment[a,'a=2, b=3'] - cost[a,1.0]*quantity[a,'a=2, b=3']"
    assert str(row.expr) == f"{lie}  <=  payment[a,'a=1, b=3'] - cost[a,1.0]*quantity[a,'a=1, b=3']"
    assert (row.lb, row.ub, row.equality, row.active, row.index()) == (None, 0, False, True, ("a", 1, 2, "b=3"))
    assert str(m.feasibility["b", 1.5, 2, "a=2"].expr) == "quantity[b,'a=2, b=2']  <=  quantity[b,'a=2, b=1.5']"
    assert str(m.individual_rationality["b", 3, "a=1"].expr) == "cost[b,3.0]*quantity[b,'a=1, b=3']  <=  payment[b,'a=1, b=3']"
    assert str(m.assembly["a", "a=1, b=2"].expr) == "units['a=1, b=2']  <=  quantity[a,'a=1, b=2']"
    assert type(row.expr.create_node_with_local_data(row.expr.args)) is InequalityExpression


def test_a_pickled_model_and_what_pyomo_writes_are_the_same() -> None:
    m = vd.build(CASE, "icds")
    again = pickle.loads(pickle.dumps(m))
    assert arrays(compile_model(again)) == arrays(compile_model(m))
    written = []
    for one in (m, m.clone(), again):
        text = io.StringIO()
        WriterFactory("lp_v2").write(one, text, symbolic_solver_labels=True)
        written.append(text.getvalue())
    assert written[0] == written[1] == written[2]
    assert written[0].count("incentive_compatibility") == 2 * 3 + 6 * 2  # two costs beside three others, three beside two


def test_what_stands_in_two_lists_of_members_has_one_column() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(["here", "there"], bounds=(0, None))
    one, other, first, second = Each(m.x), Each(m.x), np.array([0]), np.array([1])
    declare(m, "limit", ["together"], one[first] + other[second] <= 8.0)
    m.value = pyo.Objective(expr=3 * m.x["here"] + m.x["there"], sense=pyo.maximize)
    assert len(compile_model(m).variables) == 2
    assert vd.solvers.solve(m).objective == pytest.approx(24)


def test_sales_read_as_they_would_be_written_by_hand_and_their_terms_stay() -> None:
    m = vd.build(CASE, "icds")
    sales = m.expected_sales.sales["a=1, b=2"]
    z = [f"expected_sales.written.segment['a=1, b=2',{point}]" for point in ("100.0", "300.0", "500.0")]
    assert str(sales.expr) == f"{z[0]} + 0.75*{z[1]} + 0.5*{z[2]}"
    assert all(one is other for one, other in zip(sales.expr.args, sales.expr.args, strict=True))
    assert m.profit.expr.polynomial_degree() == 1
    m.expected_sales.written.segment["a=1, b=2", 100.0].fix(40.0)  # a number: what the others bring is a linear form all the same
    assert arrays(compile_model(m)) == arrays(compile_model(m.clone()))
    assert compile_model(m).offset == pytest.approx(-6.0 * m.probability["a=1, b=2"].value * 40.0)


def test_a_list_of_variables_is_looked_up_anew_where_others_got_columns_meanwhile() -> None:
    """Rows that are written out stand between families: `x[1]` has its column from the first of them."""
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(range(4), bounds=(0, 9)), pyo.Var(range(2), bounds=(0, 9))
    x, y, first = Each(m.x), Each(m.y), np.array([3])
    declare(m, "one", ["a"], x[first] + y[np.array([0])] <= 8.0)
    m.written = pyo.Constraint(expr=m.x[1] + m.y[1] + m.x[3] <= 7)
    declare(m, "other", ["a", "b"], x[np.array([0, 1])] - Each(m.y)[np.array([1, 0])] <= 2.0)
    m.value = pyo.Objective(expr=sum(m.x.values()) + sum(m.y.values()), sense=pyo.maximize)
    form = compile_model(m)
    assert [variable.name for variable in form.variables] == ["x[3]", "y[0]", "x[1]", "y[1]", "x[0]", "x[2]"]
    assert arrays(form) == arrays(compile_model(m.clone()))


def test_factors_and_numbers_on_either_side() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=(0, 9))
    m.weight = pyo.Param(range(2), initialize={0: 2.0, 1: 5.0}, mutable=True)
    x, weight, every = Each(m.x), Each(m.weight), np.arange(2)
    declare(m, "least", ["a", "b"], weight[every] * x[every] - x[every + 1] >= 4.0)
    m.value = pyo.Objective(expr=m.x[0] + m.x[1] + m.x[2])
    assert [str(row.expr) for row in m.least.values()] == ["4.0  <=  weight[0]*x[0] - x[1]", "4.0  <=  weight[1]*x[1] - x[2]"]
    assert arrays(compile_model(m)) == arrays(compile_model(m.clone()))
    # 5 x1 >= 4 and 2 x0 >= 4 + x1
    assert vd.solvers.solve(m).objective == pytest.approx(2.4 + 0.8)


def test_a_param_without_a_value_is_named() -> None:
    m = vd.build(CASE, "icds")
    m.cost["a", 2].clear()
    with pytest.raises(vd.InputError, match=r"incentive_compatibility\[a,2.0,1.0,'b=1.5'\]: got <cost\[a,2.0\]"):
        compile_model(m)
