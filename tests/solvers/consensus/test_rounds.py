"""How many rounds a consensus takes: at most 40 to a thousandth of the savings, at the sizes of `benchmarks/consensus.py`."""

import numpy as np
import pytest

from support.consensus import certified, consensus, savings
from veridical.data.joint_plan import pilot
from veridical.solvers.consensus.penalties import eased, first_rho
from veridical.solvers.planners import Central

MOST = 40


@pytest.mark.parametrize(("products", "sites", "seed"), [(14, 4, 0), (14, 4, 1), (20, 6, 0)])
def test_forty_rounds_are_enough(products: int, sites: int, seed: int) -> None:
    case = pilot(vendors=5, products=products, sites=sites, regions=sites, seed=seed)
    start = Central().baseline(case)
    with consensus(rounds=MOST) as planner:  # one more, and it would be an error
        agreed = planner.plan(case, start)
    assert len(agreed.progress.rounds) <= MOST
    central = Central().plan(case, start)
    certified(agreed, central.objective, savings(case, start, central))


def test_weights_do_not_depend_on_units_and_take_products_without_volume() -> None:
    case = pilot(vendors=2, sites=1, products=2, weeks=2)
    shared, usual = case.shared, np.array([40.0, 60.0] * (len(case.shared.flows) // 2))
    names = list(shared.products)
    in_litres = shared.changed(products={name: 1000 * volume for name, volume in shared.products.items()})
    np.testing.assert_allclose(first_rho(in_litres, usual, 50.0), first_rho(shared, usual, 50.0), rtol=1e-12)
    of_one, in_other = ({names[0]: 0.0, names[1]: size} for size in (1.0, 1000.0))
    weightless = first_rho(shared.changed(products=of_one), usual, 50.0)
    assert (weightless > 0.0).all()
    np.testing.assert_allclose(first_rho(shared.changed(products=in_other), usual, 50.0), weightless, rtol=1e-12)
    assert np.isfinite(first_rho(shared.changed(products=dict.fromkeys(names, 0.0)), usual, 50.0)).all()


def test_weights_are_lowered_for_a_while_and_left_alone_where_they_are_not_to_be_balanced() -> None:
    rho, eased_by = np.array([1.0, 2.0]), []
    for number in range(1, 500):
        assert (eased(rho, number, 0) == rho).all()
        eased_by.append(float(eased(np.ones(1), number, 10)[0]))
    so_far = np.cumprod(eased_by)
    assert so_far[0] == 1.0
    assert so_far.min() < so_far[-1] < 1.0  # in the end as good as before, and never none
