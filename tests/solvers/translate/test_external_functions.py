"""External functions: derivatives of their formulas, point by point and in batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from support.smooth_models import agree, cube, cubes, derivatives, judged, plain, smooth

Model = Any
Expression = Any


def with_functions(how: str) -> Model:
    """Return a model at a point, with the three functions on it."""
    m = plain(0.8, 0.6, -0.7)
    m.f1, m.f2, m.f3 = cubes(how)
    return m


ARGUMENTS: dict[str, tuple[Callable[[Model], Expression], Callable[[Model], Expression]]] = {
    "variable": (lambda m: m.f1(m.v[0]), lambda m: m.v[0] ** 3),
    "linear form": (lambda m: m.f1(2 * m.v[0] - m.v[1] + 1), lambda m: (2 * m.v[0] - m.v[1] + 1) ** 3),
    "nonlinear": (lambda m: m.f1(m.v[0] * m.v[1]), lambda m: (m.v[0] * m.v[1]) ** 3),
    "two": (lambda m: m.f2(m.v[1], m.v[0]), lambda m: m.v[1] ** 2 * m.v[0] ** 3),
    "two the same": (lambda m: m.f2(m.v[1], m.v[1]), lambda m: m.v[1] ** 5),
    "two overlap": (
        lambda m: m.f2(m.v[0] + m.v[1], 3 * m.v[1] - m.v[2]),
        lambda m: (m.v[0] + m.v[1]) ** 2 * (3 * m.v[1] - m.v[2]) ** 3,
    ),
    "constant first": (lambda m: m.f2(1.3, m.v[0]), lambda m: 1.3**2 * m.v[0] ** 3),
    "parameter last": (lambda m: m.f2(m.v[0], m.price), lambda m: m.v[0] ** 2 * m.price**3),
    "three": (lambda m: m.f3(m.v[2], m.v[0], m.v[1]), lambda m: m.v[2] * m.v[0] ** 2 * m.v[1] ** 3),
    "three, one constant": (lambda m: m.f3(m.v[2], 0.9, m.v[1]), lambda m: m.v[2] * 0.9**2 * m.v[1] ** 3),
    "three of all kinds": (
        lambda m: m.f3(m.v[2] * m.v[0], m.v[0] - 2 * m.v[1], m.price) * m.v[1],
        lambda m: m.v[2] * m.v[0] * (m.v[0] - 2 * m.v[1]) ** 2 * m.price**3 * m.v[1],
    ),
    "three, all nonlinear": (
        lambda m: m.f3(pyo.sin(m.v[0]), m.v[0] * m.v[1], pyo.exp(m.v[2] - m.v[1])),
        lambda m: pyo.sin(m.v[0]) * (m.v[0] * m.v[1]) ** 2 * pyo.exp(m.v[2] - m.v[1]) ** 3,
    ),
    "inside": (lambda m: m.f1(m.f2(m.v[0], m.v[1]) + m.v[2]), lambda m: (m.v[0] ** 2 * m.v[1] ** 3 + m.v[2]) ** 3),
}


@pytest.mark.parametrize("how", ["scalar", "batch"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_external_functions_have_the_derivatives_of_their_formulas(name: str, how: str) -> None:
    called, written = ARGUMENTS[name]
    m = with_functions(how)
    m.objective = pyo.Objective(expr=called(m) - 2 * m.v[0])
    found = derivatives(m)
    expected = judged(m, written(m) - 2 * m.v[0])
    agree(found[0], expected[0], 1e-13)
    agree(found[1], expected[1], 1e-7)
    agree(found[2], expected[2], 1e-7)


def test_batches_and_single_calls_agree_to_the_last_digit() -> None:
    found = []
    for how in ("scalar", "batch"):
        m = with_functions(how)
        m.objective = pyo.Objective(expr=m.f2(m.v[0], m.v[1]))
        m.row = pyo.Constraint(range(30), rule=lambda m, k: m.f3(m.v[0] + k, 2 * m.v[1], k * m.v[2] + 1) + m.f1(m.v[k % 3]) <= k)
        nlp = smooth(m)
        nlp.set_duals(np.linspace(-2, 1, 30))
        values = (nlp.evaluate_constraints(), nlp.evaluate_jacobian().data, nlp.evaluate_hessian_lag().data)
        found.append(np.concatenate(values))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14, atol=0)


def test_batches_are_called_once_for_all_terms() -> None:
    m = with_functions("batch")
    sizes: list[int] = []

    def counted(u: Any) -> tuple[Any, list[Any], list[Any]]:
        sizes.append(len(u))
        return cube(u)

    m.f1.batch = counted
    m.objective = pyo.Objective(expr=sum(m.f1(m.v[k] + m.price) for k in range(3)))
    m.row = pyo.Constraint(range(3), rule=lambda m, k: m.f1(m.v[k]) <= 1)
    nlp = smooth(m)
    sizes.clear()
    nlp.evaluate_hessian_lag()
    assert sizes == [6]
