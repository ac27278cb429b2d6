"""Random expressions against differences."""

from typing import Any

import numpy as np
import pyomo.environ as pyo
from hypothesis import given
from hypothesis import strategies as st

from support.smooth_models import agree, external, judged, pair, plain, smooth
from support.strategies import examples

Model = Any
Expression = Any

LEAVES = st.one_of(
    st.integers(0, 3).map(lambda k: ("variable", k)),
    st.integers(0, 3).map(lambda k: ("linear", k)),
    st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]).map(lambda c: ("number", c)),
    st.sampled_from([("parameter",), ("fixed",)]),
)
BOUNDED = ("sin", "cos", "atan")  # of anything: between -2 and 2. Pyomo differentiates these; the others are tested on their own


def grown(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return expressions one level higher; all of them smooth and of moderate size for variables in [-1, 1]."""
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "**", "external"]), below, below),
        st.tuples(st.just("power"), st.sampled_from([-2, -1.5, -1, 0, 0.5, 1, 2, 3]), below),
        st.tuples(st.sampled_from([*BOUNDED, "exp", "log", "sqrt", "asin", "square", "named", "-"]), below),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=9)


def planted(m: Model, tree: Any) -> Expression:
    """Return a tree as an expression on a model; arguments are bounded first wherever a function asks for it."""
    kind, *arguments = tree
    if kind == "variable":
        return m.v[arguments[0]]
    if kind == "linear":
        k = arguments[0]
        return 0.5 * m.v[k] - 0.7 * m.v[(k + 1) % 4] + 0.2
    if kind == "number":
        return arguments[0]
    if kind == "parameter":
        return m.price
    if kind == "fixed":
        return m.v[4]
    if kind == "power":
        return (2 + pyo.sin(planted(m, arguments[1]))) ** arguments[0]
    parts = [planted(m, argument) for argument in arguments]
    if kind in BOUNDED:
        return getattr(pyo, kind)(parts[0])
    if len(parts) == 1:
        inner = parts[0]
        if kind == "named":
            m.named.add(len(m.named), inner)
            return m.named[len(m.named) - 1]
        return {
            "exp": lambda: pyo.exp(pyo.sin(inner)),
            "log": lambda: pyo.log(2 + pyo.sin(inner)),
            "sqrt": lambda: pyo.sqrt(1.5 + pyo.cos(inner)),
            "asin": lambda: pyo.asin(0.6 * pyo.cos(inner)),
            "square": lambda: pyo.atan(inner) ** 2,
            "-": lambda: -inner,
        }[kind]()
    left, right = parts
    return {
        "+": lambda: left + right,
        "-": lambda: left - 2 * right,
        "*": lambda: left * (pyo.sin(right) if large(right) else right),
        "/": lambda: left / (2 + pyo.sin(right)),
        "**": lambda: (1.5 + pyo.sin(left)) ** pyo.cos(right),
        "external": lambda: m.f2(pyo.atan(left), pyo.sin(right) if large(right) else right),
    }[kind]()


def large(expression: Expression) -> bool:
    """Whether an expression is more than a sum of variables and numbers, and may be large."""
    return hasattr(expression, "is_expression_type") and expression.is_expression_type() and expression.polynomial_degree() != 1


@given(
    trees=st.lists(TREES, min_size=4, max_size=4),
    sense=st.sampled_from([pyo.minimize, pyo.maximize]),
    how=st.sampled_from(["scalar", "batch"]),
    seed=st.integers(0, 10**6),
)
@examples(300)
def test_random_expressions_against_differences(trees: list[Any], sense: int, how: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    m = plain(*generator.uniform(-1, 1, 5))
    m.v[4].fix()
    m.f2 = external(pair, how)
    m.named = pyo.Expression(pyo.Any)
    bodies = [planted(m, tree) + 0.1 * m.v[k] for k, tree in enumerate(trees)]
    m.objective = pyo.Objective(expr=bodies[0], sense=sense)
    m.row = pyo.Constraint([1, 2, 3])
    m.row[1] = bodies[1] <= 5
    m.row[2] = (-5, bodies[2], 5)
    m.row[3] = bodies[3] == m.v[0]
    weights, duals = float(generator.uniform(0, 2)), generator.uniform(-2, 2, 3)

    nlp = smooth(m)
    nlp.set_obj_factor(weights)
    nlp.set_duals(duals)
    expected = [judged(m, body) for body in (bodies[0], bodies[1], bodies[2], bodies[3] - m.v[0])]
    place = [int(name[2:-1]) for name in nlp.primals_names()]
    constants = [upper - constraint.ub for upper, constraint in zip(nlp.constraints_ub(), m.row.values(), strict=True)]

    agree(nlp.evaluate_objective(), int(sense) * expected[0][0], 1e-12)
    agree(nlp.evaluate_grad_objective(), int(sense) * expected[0][1][place], 1e-6)
    agree(nlp.evaluate_constraints(), [row[0] + moved for row, moved in zip(expected[1:], constants, strict=True)], 1e-12)
    agree(nlp.evaluate_jacobian().toarray(), np.array([row[1][place] for row in expected[1:]]), 1e-6)
    lagrangian = weights * int(sense) * expected[0][2] + sum(dual * row[2] for dual, row in zip(duals, expected[1:], strict=True))
    # Differences are good to about 1e-9 of the largest of the derivatives that went into them, some of which cancel.
    size = max(1.0, *(float(np.abs(row[2]).max()) for row in expected))
    np.testing.assert_allclose(nlp.evaluate_hessian_lag().toarray(), lagrangian[np.ix_(place, place)], rtol=0, atol=1e-6 * size)
