"""What a party does in a week: of equally good decisions the evenest, whoever works them out."""

import pytest

from veridical.data.joint_plan import JointPlanCase, marketplace, pilot
from veridical.solvers.planners import Central
from veridical.solvers.planners.central import party_at
from veridical.solvers.planners.weekly import week_of, weekly_cost

CASES = pilot(vendors=2, sites=2, products=3, weeks=4, seed=2), marketplace(sellers=2, weeks=4, seed=2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_week_costs_the_same_whoever_works_out_what_is_done(case: JointPlanCase) -> None:
    plan = Central().baseline(case)
    apart = 0.0
    for name in case.names:
        part, share = case.part(name), plan[case.shared.share(name)]
        weeks: dict[str, dict[int, float]] = {}
        any_one: dict[str, dict[int, float]] = {}
        for solver in ("highs", "ipopt"):
            for even, found in ((True, weeks), (False, any_one)):
                model, _ = party_at(part, None, share, solver, even)
                model.plan.unfix()
                found[solver] = weekly_cost(model)
        assert weeks["ipopt"] == pytest.approx(weeks["highs"], rel=1e-6, abs=1e-4)
        assert week_of(part, share).cost == pytest.approx(weeks["highs"][1], rel=1e-9, abs=1e-6)
        assert sum(weeks["highs"].values()) == pytest.approx(sum(any_one["highs"].values()), rel=1e-9)  # no worse than any other
        apart = max(apart, *(abs(any_one["ipopt"][week] - cost) for week, cost in any_one["highs"].items()))
    assert apart > 0.01  # otherwise solvers come upon different ones
