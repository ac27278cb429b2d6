"""Expected sales by tangents where they stand in constraints: the largest of the smallest profit under several priors."""

from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd

Model = Any
PRIORS = ((0.25, 0.25, 0.25, 0.25), (0.45, 0.05, 0.05, 0.45), (0.1, 0.4, 0.4, 0.1))


def profit(m: Model, prior: tuple[float, ...]) -> Any:
    earned = [m.price * m.expected_sales.sales[t] - sum(m.payment[i, t] for i in m.SUPPLIERS) for t in m.PROFILES]
    return sum(weight * worth for weight, worth in zip(prior, earned, strict=True))


def cautious(priors: tuple[tuple[float, ...], ...] = PRIORS) -> Model:
    """Truthful contracts with the largest profit under the worst of some priors."""
    m = vd.models.icds.build(vd.example("two-suppliers-correlated"))
    m.profit.deactivate()
    m.least = pyo.Var()
    m.prior = pyo.Constraint(range(len(priors)), rule=lambda m, k: m.least <= profit(m, priors[k]))
    m.worst = pyo.Objective(expr=m.least, sense=pyo.maximize)
    return m


def true_profit(m: Model, prior: tuple[float, ...]) -> float:
    """Return the profit of the quantities and payments in a model, with sales as the distribution has them."""
    demand = vd.example("two-suppliers-correlated").demand
    sales = [float(demand.expected_sales(m.units[t].value)) for t in m.PROFILES]
    paid = [sum(m.payment[i, t].value for i in m.SUPPLIERS) for t in m.PROFILES]
    return sum((p * (float(pyo.value(m.price)) * s - c) for p, s, c in zip(prior, sales, paid, strict=True)), 0.0)


def test_the_worst_of_several_priors_is_as_good_as_the_smooth_form_makes_it() -> None:
    smooth = vd.solvers.solve(cautious(), {"solver": "ipopt", "form": "smooth"}).objective
    m = cautious()
    solution = vd.solvers.solve(m, {"solver": "highs", "form": "tangent"})
    assert solution.objective == pytest.approx(smooth, rel=1e-6)
    assert solution.bound == pytest.approx(smooth, rel=1e-6)
    assert min(true_profit(m, prior) for prior in PRIORS) == pytest.approx(smooth, rel=1e-6)


def test_one_prior_in_a_constraint_is_the_mechanism_itself() -> None:
    case = vd.example("two-suppliers-correlated")
    exact = vd.solve(case, "icds", {"solver": "ipopt", "form": "smooth"}).objective
    assert vd.solvers.solve(cautious((tuple(case.probability.ravel()),))).objective == pytest.approx(exact, rel=1e-8)


def test_a_least_profit_beside_the_usual_objective_binds_and_has_a_price() -> None:
    def solved(least: float, solver: dict[str, str]) -> vd.solvers.Solution:
        m = vd.models.icds.build(vd.example("two-suppliers-correlated"))
        m.floor = pyo.Constraint(expr=profit(m, PRIORS[2]) >= least)
        return vd.solvers.solve(m, solver)

    smooth, tangent = (solved(4_300.0, {"solver": s, "form": f}) for s, f in (("ipopt", "smooth"), ("highs", "tangent")))
    assert tangent.objective == pytest.approx(smooth.objective, rel=1e-6)
    assert smooth.duals["floor"].iloc[0] < -1e-3
    assert tangent.duals["floor"].iloc[0] == pytest.approx(smooth.duals["floor"].iloc[0], rel=1e-3)


def test_integer_quantities_with_sales_in_constraints() -> None:
    m = cautious()
    for quantity in m.quantity.values():
        quantity.domain = pyo.NonNegativeIntegers
    solution = vd.solvers.solve(m)
    assert solution.objective <= vd.solvers.solve(cautious()).objective * (1 + 1e-9)
    assert min(true_profit(m, prior) for prior in PRIORS) == pytest.approx(solution.objective, rel=1e-6)
    assert all(quantity.value == round(quantity.value) for quantity in m.quantity.values())


@pytest.mark.parametrize("side", ["at most", "exactly"])
def test_limits_on_sales_from_above_are_refused_by_name(side: str) -> None:
    m = vd.models.icds.build(vd.example("two-suppliers-correlated"))
    sales = sum(m.expected_sales.sales[t] for t in m.PROFILES)
    m.quota = pyo.Constraint(expr=sales <= 900 if side == "at most" else sales == 900)
    with pytest.raises(vd.InputError, match="quota: got <expected sales"):
        vd.solvers.solve(m, {"solver": "highs", "form": "tangent"})
