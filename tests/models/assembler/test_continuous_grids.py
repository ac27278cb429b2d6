"""The grid model of continuous costs: it comes closer from below, and its menu is truthful for every cost."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import veridical as vd
from support.continuous_cases import MANY, NORMAL, case, uniform
from veridical.data.continuous_case import ContinuousCase
from veridical.data.load import example
from veridical.models.assembler import continuous as model
from veridical.solvers.closed_form import assembler as discrete
from veridical.solvers.closed_form.continuous_rule import continuous


@pytest.mark.parametrize("name", ["all buy", "ironed", "correlated", "three"])
def test_grid_converges_from_below_with_the_square_of_the_step(name: str, continuous_rules: dict[str, Any]) -> None:
    exact, sizes = continuous_rules[name].profit, (4, 8, 16) if name == "three" else (8, 16, 32, 64)
    profits = [discrete.icds_balanced(MANY[name].grid(size)).menu.expected_profit for size in sizes]
    gaps = exact - np.array(profits)
    assert (gaps > 0).all()
    orders = np.log2(gaps[:-1] / gaps[1:])
    assert orders[-1] == pytest.approx(2, abs=0.35)  # measured: 1.95 to 2.05 for smooth densities
    assert gaps[-1] < exact * 20 / sizes[-1] ** 2


def test_grid_cells_are_paid_as_their_upper_ends() -> None:
    grid = case(uniform(0, 10), NORMAL, price=50.0).grid(4)
    assert grid.suppliers[0].costs == (2.5, 5.0, 7.5, 10.0)
    assert grid.marginals[0] == pytest.approx(np.full(4, 0.25))
    judge = stats.truncnorm(-2, 8 / 3, loc=5, scale=1.5)
    assert grid.marginals[1] == pytest.approx(np.diff(judge.cdf([2, 3.75, 5.5, 7.25, 9])))
    assert grid.independent
    correlated = MANY["correlated"].grid(3)
    scores = [stats.norm.ppf(np.cumsum(marginal)[0]) for marginal in correlated.marginals]
    corner = stats.multivariate_normal.cdf(scores, cov=[[1, -0.4], [-0.4, 1]])
    assert correlated.probability[0, 0] == pytest.approx(corner, abs=1e-7)


@pytest.mark.parametrize("name", ["some profiles buy nothing", "ironed", "correlated"])
def test_a_grid_menu_with_reports_rounded_up_is_truthful_for_every_cost(name: str) -> None:
    """So the grid's optimum is feasible in the continuous problem, and a lower bound on its optimum."""
    world = MANY[name]
    grid = world.grid(7)
    menu = discrete.icds_balanced(grid).menu
    rng = np.random.default_rng(2)
    for i in range(2):
        costs = np.array(grid.suppliers[i].costs)
        quantity, payment = (np.moveaxis(each[i], i, 0) for each in (menu.quantity, menu.payment))
        for x in [*rng.uniform(world.suppliers[i].cost.low, world.suppliers[i].cost.high, 200), *costs]:
            worth = payment - x * quantity  # one row a report, one column a report of the other
            truth = worth[np.searchsorted(costs, x)]
            assert (truth >= -1e-9 * payment.max()).all()
            assert (worth.max(axis=0) <= truth + 1e-9 * payment.max()).all()


def test_model_is_the_grid_optimum_and_its_menu_is_audited() -> None:
    world = example("continuous-pair")
    assert isinstance(world, ContinuousCase)
    built = model.build(world, points=6)
    solution = vd.solvers.solve(built, "highs")
    closed = discrete.icds_balanced(world.grid(6)).menu
    assert solution.objective == pytest.approx(closed.expected_profit, rel=1e-6)
    assert model.menu(built).expected_profit == pytest.approx(closed.expected_profit, rel=1e-6)
    assert vd.contracts.audit(model.menu(built)).truthful
    assert len(model.build(world).PROFILES) == 16**2
    assert solution.objective < continuous(world).profit
