"""Cases of joint plans."""

from functools import cache

import veridical as vd
from veridical.data import JointPlanCase
from veridical.data.joint_plan import CAPACITY, Parameters, Retailer, Route, Shared, Values, Vendor, pilot
from veridical.solvers.planners import Plan, joint, just_in_time


def vendors_at(**production: float) -> JointPlanCase:
    """Return a retailer and vendors A and B, one product of 1 m3, one site, two weeks; 20 units are wanted in the second.

    Units are bought at 5 and held at 1 a week. A makes them at 2, B at 4; either handles 6 a week, more at 3.5 each.
    Just in time, 10 of each in week 2:
        A 10 * 2 + 4 * 3.5 - 50 = -16, B 40 + 14 - 50 = 4, retailer 100; together 88.
    Jointly A sends 6, 6 and B 2, 6, since one more of B in week 1 costs 5, and one more of A in week 2 5.5:
        A 24 - 60 = -36, B 32 - 40 = -8, retailer 100 + 8 = 108; together 64. Savings 24: A 20, B 12, retailer -8.
    Without A, B sends 4, 6: retailer 104, B 40 - 50 = -10. Without B, A sends 4, 6: retailer 104, A 20 - 50 = -30.
    Either way 78 together with who stays at the baseline, so each contributes 14.
    """
    made, weeks = production or {"A": 2.0, "B": 4.0}, (1, 2)
    retailer = Retailer(
        name="retailer",
        demand=Values({("north", "soap", 1): 0.0, ("north", "soap", 2): 20.0}),
        outbound_cost=Values({("Lyon", "north"): 0.0}),
        holding_cost=Values({("Lyon", "soap"): 1.0}),
        stock=Values({("Lyon", "soap"): 0.0}),
        penalty=Values({"soap": 100.0}),
        inbound_capacity=Values({("Lyon", week): 100.0 for week in weeks}),
        inbound_overtime=Values({"Lyon": 0.0}),
        congestion=Values({"Lyon": 0.0}),
    )
    vendors = [
        Vendor(
            name=name,
            production_overtime=0.0,
            handling_overtime=3.5,
            smoothing=0.0,
            production_cost=Values({"soap": cost}),
            holding_cost=Values({"soap": 0.0}),
            expediting_cost=Values({"soap": 100.0}),
            stock=Values({"soap": 0.0}),
            production_capacity=Values(dict.fromkeys(weeks, 100.0)),
            handling_capacity=Values(dict.fromkeys(weeks, 6.0)),
            contract=Values({"Lyon": 100.0}),
            contract_cost=Values({"Lyon": 0.0}),
            spot_cost=Values({"Lyon": 0.0}),
            lane_congestion=Values({"Lyon": 0.0}),
        )
        for name, cost in made.items()
    ]
    routes = tuple(Route(name, "retailer", "Lyon", "soap", 5.0) for name in made)
    shared = Shared(weeks=weeks, products=Values({"soap": 1.0}), sites=("Lyon",), routes=routes)
    return JointPlanCase(name="by hand", shared=shared, parties=(retailer, *vendors), mechanism=Parameters(pivot="baseline"))


SHIPPED_PLANS = ("pilot", "marketplace", "carriers")
SAME = 1e-6  # relative, of costs by two routes


@cache
def planned(name: str) -> tuple[JointPlanCase, Plan, Plan]:
    """Return a shipped case, its baseline and its joint plan."""
    case = vd.example(name)
    start = just_in_time(case)
    return case, start, joint(case, baseline=start.units)


@cache
def scarce_pair() -> JointPlanCase:
    """Return a case of one product, vendor, site and region over two weeks, in which everything is scarce."""
    case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1, seed=4)
    vendor, retailer = case.party("Alder"), case.party("retailer")
    vendor = vendor.scaled(CAPACITY, 0.6).replace(previous_production=4.0)
    return case.reporting("Alder", vendor).reporting("retailer", retailer.scaled(CAPACITY, 0.7))
