"""Rows, structure and start of an NLP, and what is not smooth."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr import MaxExpression, MinExpression

from support.smooth_models import agree, plain, smooth
from veridical import solvers
from veridical.data import InputError

Model = Any
Expression = Any


def curved() -> Model:
    """Return a model with linear, nonlinear and mixed rows: at most, at least, between and equal."""
    m = plain(0.8, 0.6, 0.7)
    m.objective = pyo.Objective(expr=m.v[0] * m.v[1] ** 2 + m.v[2], sense=pyo.maximize)
    m.most = pyo.Constraint(expr=pyo.exp(m.v[0]) + m.v[1] + 2 <= 5)
    m.least = pyo.Constraint(expr=m.v[0] * m.v[2] - 1 >= -3)
    m.range = pyo.Constraint(expr=(1, m.v[0] ** 2 + m.v[1] ** 2 + 3, 9))
    m.equal = pyo.Constraint(expr=m.v[0] * m.v[1] == m.v[2] + 4)
    m.linear = pyo.Constraint(expr=m.v[0] + m.v[2] <= 6)
    return m


def test_rows_keep_their_kind_and_their_constants_go_to_the_bounds() -> None:
    nlp = smooth(curved())
    x, y, z = 0.8, 0.6, 0.7
    assert nlp.constraint_names() == ["most", "least", "range", "equal", "linear"]
    assert nlp.constraints_ub().tolist() == [3, math.inf, 6, 4, 6]
    assert nlp.constraints_lb().tolist() == [-math.inf, -2, -2, 4, -math.inf]
    agree(nlp.evaluate_constraints(), [math.exp(x) + y, x * z, x**2 + y**2, x * y - z, x + z], 1e-14)
    jacobian = [[math.exp(x), 1, 0], [z, 0, x], [2 * x, 2 * y, 0], [y, x, -1], [1, 0, 1]]
    agree(nlp.evaluate_jacobian().toarray(), jacobian, 1e-14)
    agree(nlp.evaluate_grad_objective(), [-(y**2), -2 * x * y, -1], 1e-14)  # minimised
    nlp.set_obj_factor(0.5)
    nlp.set_duals(np.array([1, 2, 3, 4, 5]))
    hessian = [[math.exp(x) + 6, -y + 4, 2], [-y + 4, -x + 6, 0], [2, 0, 0]]
    agree(nlp.evaluate_hessian_lag().toarray(), hessian, 1e-14)


def test_structure_is_the_same_everywhere_and_out_is_filled() -> None:
    nlp = smooth(curved())
    jacobian, hessian = nlp.evaluate_jacobian(), nlp.evaluate_hessian_lag()
    gradient, rows = np.full(3, np.nan), np.full(5, np.nan)
    for point in (np.zeros(3), np.array([1.0, -2.0, 0.0]), np.array([0.3, 0.4, 0.5])):
        nlp.set_primals(point)
        nlp.set_duals(point[[0, 1, 2, 0, 1]] - 1)
        fresh = nlp.evaluate_jacobian(), nlp.evaluate_hessian_lag()
        for old, new in zip((jacobian, hessian), fresh, strict=True):
            assert (old.row.tolist(), old.col.tolist()) == (new.row.tolist(), new.col.tolist())
        assert nlp.evaluate_jacobian(out=jacobian) is jacobian
        assert nlp.evaluate_hessian_lag(out=hessian) is hessian
        assert nlp.evaluate_grad_objective(out=gradient) is gradient
        assert nlp.evaluate_constraints(out=rows) is rows
        np.testing.assert_array_equal(jacobian.toarray(), fresh[0].toarray())
        np.testing.assert_array_equal(hessian.toarray(), fresh[1].toarray())
        np.testing.assert_array_equal(gradient, nlp.evaluate_grad_objective())
        np.testing.assert_array_equal(rows, nlp.evaluate_constraints())
    assert (nlp.nnz_jacobian(), nlp.nnz_hessian_lag()) == (jacobian.nnz, hessian.nnz)
    assert nlp.nnz_hessian_lag() == len({*zip(hessian.row.tolist(), hessian.col.tolist(), strict=True)})
    np.testing.assert_array_equal(hessian.toarray(), hessian.toarray().T)


def test_moving_the_point_does_not_move_the_start() -> None:
    nlp = smooth(curved())
    nlp.set_primals(np.zeros(3))
    assert nlp.init_primals().tolist() == [0.8, 0.6, 0.7]
    assert nlp.get_primals().tolist() == [0, 0, 0]


def test_outside_of_a_domain_values_are_nan_and_no_warning() -> None:
    m = plain(-0.5, 0.5)
    m.objective = pyo.Objective(expr=pyo.log(m.v[0]) + m.v[1] ** 0.5)
    nlp = smooth(m)
    assert math.isnan(nlp.evaluate_objective())


@pytest.mark.parametrize(
    "rough",
    [
        lambda m: abs(m.v[0]),
        lambda m: pyo.ceil(m.v[0]),
        lambda m: pyo.floor(m.v[0] * m.v[1]),
        lambda m: pyo.Expr_if(IF=m.v[0] >= 1, THEN=m.v[0], ELSE=m.v[1]),
        lambda m: MinExpression((m.v[0], m.v[1])),
        lambda m: MaxExpression((m.v[0], m.v[1] ** 2)),
    ],
    ids=["abs", "ceil", "floor", "if", "min", "max"],
)
def test_what_is_not_smooth_is_refused_where_it_stands(rough: Callable[[Model], Expression]) -> None:
    m = plain(0.5, 0.7)
    m.objective = pyo.Objective(expr=m.v[0] + m.v[1])
    m.rough = pyo.Constraint(expr=m.v[1] ** 2 + 2 * rough(m) <= 3)
    with pytest.raises(InputError, match=r"rough: got <.*>; allowed: smooth algebraic expressions"):
        solvers.solve(m, "ipopt")
    assert [variable.value for variable in m.v.values()] == [0.5, 0.7]
    m.del_component("rough")
    m.objective.expr = rough(m) + m.v[1]
    with pytest.raises(InputError, match=r"objective: got <.*>; allowed: smooth algebraic expressions"):
        solvers.solve(m, "ipopt")


def test_integer_variables_are_refused_by_name() -> None:
    m = plain(0.5)
    m.count = pyo.Var(domain=pyo.NonNegativeIntegers)
    m.objective = pyo.Objective(expr=(m.v[0] - m.count) ** 2)
    with pytest.raises(InputError, match="count: got <an integer variable>; allowed: continuous variables"):
        solvers.solve(m, "ipopt")
