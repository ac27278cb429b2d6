"""What a coordinator reads off a run: a vendor's lanes, held against his record, with and without what lessens it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from support.consensus import consensus
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot
from veridical.solvers.consensus import Consensus, PartyAgent
from veridical.solvers.planners import Central
from veridical.studies.disclosure import PARAMETERS, lanes, recovered

Array = NDArray[np.float64]


WORLDS: dict[str, Callable[[], JointPlanCase]] = {
    "handling": lambda: pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, seed=2),
    "no fit": lambda: pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, seed=4),
    "arrivals": lambda: marketplace(sellers=2, sites=3, regions=3, products=4, weeks=5, seed=4),
}
SEEN_WRONG = [("handling", "Alder", True), ("no fit", "Alder", False), ("arrivals", "Garnet", True)]  # whether there is a rest


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(vendors=3, sites=3, regions=3, products=3, weeks=5, seed=5)  # a run in which every lane is read at the end


@pytest.fixture(scope="module")
def start(small: JointPlanCase) -> Array:
    return Central().baseline(small)


@pytest.fixture(scope="module")
def run(small: JointPlanCase, start: Array) -> Plan:
    with consensus() as planner:
        return planner.plan(small, start)


def truth(case: JointPlanCase, vendor: str) -> pd.DataFrame:
    record = case.party(vendor)
    return pd.DataFrame({name: pd.Series(dict(getattr(record, name))) for name in PARAMETERS})


def test_a_run_reveals_a_vendors_lanes(small: JointPlanCase, run: Plan) -> None:
    for vendor in small.suppliers:
        told, true = lanes(run.log, small.shared, vendor), truth(small, vendor)
        np.testing.assert_allclose(told.contract, true.contract, rtol=1e-6)
        np.testing.assert_allclose(told.lane_congestion, true.lane_congestion, rtol=1e-5)
        costs = ["contract_cost", "spot_cost"]
        away = (told[costs] - true[costs]).to_numpy()  # up to one constant
        np.testing.assert_allclose(away, away[0, 0], atol=1e-4)
        assert (recovered(run, small, vendor).groupby("rounds").size() == len(PARAMETERS)).all()
        table = recovered(run, small, vendor, rounds=[0, len(run.progress.rounds)])
        assert (table.loc[0].determined == 0).all()  # one answer before the first round: no volume recurs
        assert table.loc[0].error.isna().all()
        assert (table.loc[len(run.progress.rounds)].determined == 3).all()
        assert table.error.max() < 1e-5


def test_money_in_other_units_is_read_in_these(small: JointPlanCase, start: Array) -> None:
    """All costs and prices times 7: contracts as before, costs times 7; nothing in it counts in currency."""
    routes = tuple(route._replace(price=7 * route.price) for route in small.shared.routes)
    parties = tuple(party.scaled("cost", 7.0) for party in small.parties)
    case = small.changed(routes=routes, parties=parties)
    with consensus() as planner:
        plan = planner.plan(case, start)
    table = recovered(plan, case, "Alder", rounds=[len(plan.progress.rounds)])
    assert (table.determined == 3).all()
    assert table.error.max() < 1e-5


def test_sellers_lanes_are_read_too() -> None:
    case = marketplace(sellers=2, sites=2, regions=2, products=2, weeks=4, seed=1)
    with consensus() as planner:
        plan = planner.plan(case, planner.baseline(case))
    tables = [recovered(plan, case, seller) for seller in case.suppliers]
    assert sum(table.determined.sum() for table in tables) > 0
    assert max(table.error.max() for table in tables) < 1e-5


def test_what_cannot_be_read_is_refused(small: JointPlanCase, start: Array, run: Plan) -> None:
    with pytest.raises(InputError, match=r"plan: got <a plan without a log>"):
        recovered(Central().plan(small, start), small, "Alder")
    with pytest.raises(InputError, match=r"vendor: got 'retailer'; allowed: a vendor or a seller"):
        recovered(run, small, "retailer")
    case = carriers(shippers=1, carriers=2, lanes=2, weeks=2)
    with pytest.raises(InputError, match=r"vendor: got 'Alder'; allowed: a vendor or a seller"):
        recovered(run, case, "Alder")


def test_leaving_values_out_hides_no_lane(small: JointPlanCase, start: Array, run: Plan) -> None:
    with consensus(values="checks") as planner:
        quiet = planner.plan(small, start)
    np.testing.assert_array_equal(quiet.units, run.units)
    assert quiet.bound == run.bound
    for vendor in small.suppliers:
        exact = {message.round for message in quiet.log.of(vendor) if np.isfinite(message.answer.value)}
        assert all(number % planner.options.check == 0 for number in exact)
        assert len(exact) < len({message.round for message in run.log.of(vendor) if np.isfinite(message.answer.value)})
        pd.testing.assert_frame_equal(lanes(quiet.log, small.shared, vendor), lanes(run.log, small.shared, vendor))


def test_noise_hides_contracts_and_congestion_by_a_factor_and_costs_not_at_all(small: JointPlanCase, start: Array) -> None:
    agents = {name: PartyAgent(small.part(name), noise=0.1, seed=k) for k, name in enumerate(small.suppliers)}
    with Consensus({"solver": "consensus", "options": {"gap": 0.1}}, agents=agents) as planner:
        blurred = planner.plan(small, start)
    shown = 0
    for vendor in small.suppliers:
        told, true = lanes(blurred.log, small.shared, vendor), truth(small, vendor)
        factor = told.contract / true.contract
        shown += factor.notna().sum()
        assert ((factor - 1).abs().dropna() > 1e-3).any()
        assert ((factor - 1).abs().dropna() < 0.1 + 1e-6).all()
        known = told.lane_congestion.notna() & factor.notna()
        np.testing.assert_allclose((told.lane_congestion * factor)[known], true.lane_congestion[known], rtol=1e-4)
        differences = (told.contract_cost - true.contract_cost).dropna()
        np.testing.assert_allclose(differences, differences.mean(), atol=1e-3)
    assert shown >= 6  # of nine, where two thirds of the rounds of an exact run are enough


@pytest.mark.parametrize(("case", "vendor", "rest"), SEEN_WRONG, ids=str)
def test_what_counts_as_determined_is_right(case: str, vendor: str, rest: bool) -> None:
    """Runs in which answers stop where handling or arrivals are at their limit: volumes that are no contracts, and fit."""
    world = WORLDS[case]()
    with consensus() as planner:
        plan = planner.plan(world, planner.baseline(world))
    table = recovered(plan, world, vendor, rounds=[5, 10, 15, len(plan.progress.rounds)])
    assert bool(table.determined.sum() > 0) == rest
    assert not (table.error > 1e-5).any()
