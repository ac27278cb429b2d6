"""Nonlinear models with their derivatives, ours and by Pyomo's own evaluation; external functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.calculus.derivatives import Modes, differentiate

from veridical.solvers.translate.nlp import SmoothNLP
from veridical.solvers.translate.standard_form import compile_model

Model = Any
Expression = Any
Array = NDArray[np.float64]


def plain(*start: float) -> Model:
    """Return a model with variables v[0], v[1], ... at a point."""
    m = pyo.ConcreteModel(name="plain")
    m.v = pyo.Var(range(len(start)), initialize=dict(enumerate(start)))
    m.price = pyo.Param(initialize=1.7, mutable=True)
    return m


def smooth(m: Model) -> SmoothNLP:
    """Return the NLP of a model at the values of its variables."""
    form = compile_model(m, nonlinear=True)
    return SmoothNLP(form, np.array([variable.value for variable in form.variables], dtype=float))


def derivatives(m: Model) -> tuple[float, Array, Array]:
    """Return value, gradient and Hessian of a model's objective in the order of m.v; zero for what is not in it."""
    nlp = smooth(m)
    nlp.set_duals(np.zeros(nlp.n_constraints()))
    place = [int(name[2:-1]) for name in nlp.primals_names()]
    gradient, hessian = np.zeros(len(m.v)), np.zeros((len(m.v),) * 2)
    gradient[place] = nlp.evaluate_grad_objective()
    hessian[np.ix_(place, place)] = nlp.evaluate_hessian_lag().toarray()
    return nlp.evaluate_objective(), gradient, hessian


def judged(m: Model, expression: Expression) -> tuple[float, Array, Array]:
    """Return value, gradient and Hessian by Pyomo's own evaluation: differences of values, and of Pyomo's gradient."""
    free = [variable for variable in m.v.values() if not variable.fixed]
    gradient, hessian = np.zeros(len(m.v)), np.zeros((len(m.v),) * 2)
    step = 1e-6

    def slope() -> Array:
        return np.array(differentiate(expression, wrt_list=free, mode=Modes.reverse_numeric), dtype=float)

    rows = [variable.index() for variable in free]
    for variable in free:
        at, found, slopes = variable.value, [], []
        for change in (step, -step):
            variable.value = at + change
            found.append(float(pyo.value(expression)))
            slopes.append(slope())
        variable.value = at
        gradient[variable.index()] = (found[0] - found[1]) / (2 * step)
        hessian[rows, variable.index()] = (slopes[0] - slopes[1]) / (2 * step)
    return float(pyo.value(expression)), gradient, hessian


def agree(found: Any, expected: Any, tolerance: float) -> None:
    """Hold arrays against each other, relative to the largest entry or 1."""
    size = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * size)


# External functions: f(u) = u^3, f(u, v) = u^2 v^3, f(u, v, w) = u v^2 w^3 with the column-wise upper triangle
# (uu; uv, vv; uw, vw, ww), in which no two entries are alike.
def cube(u: Any) -> tuple[Any, list[Any], list[Any]]:
    return u**3, [3 * u**2], [6 * u]


def pair(u: Any, v: Any) -> tuple[Any, list[Any], list[Any]]:
    return u**2 * v**3, [2 * u * v**3, 3 * u**2 * v**2], [2 * v**3, 6 * u * v**2, 6 * u**2 * v]


def triple(u: Any, v: Any, w: Any) -> tuple[Any, list[Any], list[Any]]:
    return (
        u * v**2 * w**3,
        [v**2 * w**3, 2 * u * v * w**3, 3 * u * v**2 * w**2],
        [0 * u, 2 * v * w**3, 2 * u * w**3, 3 * v**2 * w**2, 6 * u * v * w**2, 6 * u * v**2 * w],
    )


def external(function: Callable[..., tuple[Any, list[Any], list[Any]]], how: str) -> Any:
    """Return a Pyomo function, called point by point or in batches."""
    found = pyo.ExternalFunction(
        function=lambda *args: function(*args)[0],
        gradient=lambda args, fixed: function(*args)[1],
        hessian=lambda args, fixed: function(*args)[2],
    )
    if how == "batch":
        found.batch = function
    return found


def cubes(how: str) -> list[Any]:
    """Return the three external functions."""
    return [external(function, how) for function in (cube, pair, triple)]
