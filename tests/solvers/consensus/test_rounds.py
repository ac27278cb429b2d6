"""How many rounds a consensus takes: at most 40 to a thousandth of the savings, at the sizes of `benchmarks/consensus.py`."""

import numpy as np
import pytest

from support.consensus import certified, consensus, savings, savings_without
from veridical.data import example
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus.activity import CAREFUL, ActivityCopy
from veridical.solvers.consensus.penalties import EVENED, Residuals, eased, first_rho
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


@pytest.mark.parametrize("without", [(), ("Alder",), ("Cedar",), ("Dogwood",)])
def test_forty_rounds_are_enough_with_the_fee_of_the_shipped_pilot(without: tuple[str, ...]) -> None:
    case = example("pilot")
    assert isinstance(case, JointPlanCase)
    start, fee = Central().baseline(case), case.mechanism.activity_fee
    assert fee > 0.0
    with consensus(rounds=MOST) as planner:
        agreed = planner.plan(case, start, without, activity_fee=fee)
    assert len(agreed.progress.rounds) <= MOST
    central = Central().plan(case, start, without, activity_fee=fee)
    certified(agreed, central.objective, savings_without(case, start, central.objective, without))


def test_flows_that_drift_come_to_their_limits() -> None:
    """With weights that stay as they are after round 28 flows drift at 0.3 units a round, and this one takes 430 rounds."""
    case = pilot(vendors=3, sites=3, regions=6, products=18, weeks=6, makers=2, seed=105)
    start, fee = Central().baseline(case), 5.0
    with consensus(rounds=100) as planner:
        agreed = planner.plan(case, start, activity_fee=fee)
    central = Central().plan(case, start, activity_fee=fee)
    certified(agreed, central.objective, savings(case, start, central))


@pytest.mark.parametrize(("seed", "fee"), [(1, 0.5), (2, 5.0), (3, 50.0)])
def test_bounds_with_a_fee_are_below_the_optimum_and_plans_above(seed: int, fee: float) -> None:
    case = pilot(vendors=2 + seed % 2, sites=2, regions=3, products=4, weeks=4, makers=2, seed=seed)
    start = Central().baseline(case)
    with consensus() as planner:
        agreed = planner.plan(case, start, activity_fee=fee)
    central = Central().plan(case, start, activity_fee=fee)
    certified(agreed, central.objective, max(savings(case, start, central), 1e-6 * central.objective))


def test_a_fee_keeps_flows_at_the_baseline_until_it_is_outweighed() -> None:
    baseline, fee, every = np.array([10.0, 10.0, 10.0, 0.0]), np.full(4, 2.0), np.ones(4, dtype=bool)
    copy = ActivityCopy(baseline, fee, 1.0)
    apart = np.array([10.5, 14.0, 6.0, -3.0])  # half a unit at rho = 2 a unit is worth 1, which is less than the fee
    copy.move(apart, np.ones(4), every)
    np.testing.assert_allclose(copy.plan, [10.0, 13.0, 7.0, 0.0])
    np.testing.assert_allclose(copy.price[:3], [1.0, 2.0, -2.0])
    assert (copy.weight(1) > 0.0).tolist() == [True, False, False, True]
    assert (copy.weight(CAREFUL + 1) > 0.0).all()
    held = copy.plan.copy()
    copy.move(apart + 1.0, np.ones(4), ~every)  # nobody answered
    assert (copy.plan == held).all()


def test_weights_go_to_flows_whose_ends_are_apart_and_stay_the_same_on_average() -> None:
    residuals, rho = Residuals(3), np.array([1.0, 2.0, 4.0])
    residuals.add(np.array([4.0, 1.0, 1.0]), np.array([1.0, 2.0, 16.0]))
    assert (residuals.evened(rho, EVENED[0] - 1, 10, 1.0) == rho).all()
    assert (residuals.evened(rho, EVENED[0], 0, 1.0) == rho).all()
    evened = residuals.evened(rho, EVENED[0], 10, 1.0)
    assert evened[0] > rho[0]
    assert evened[2] < rho[2]
    assert np.prod(evened) == pytest.approx(np.prod(rho))
    assert (residuals.evened(rho, EVENED[1], 10, 1.0) == rho).all()  # nothing was added since
