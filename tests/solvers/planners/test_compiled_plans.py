"""Plans that are put together from compiled parties: the same as the whole model's, and nothing is compiled twice."""

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.joint_plan_cases import SAME, SHIPPED_PLANS, vendors_at
from veridical import models
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data import JointPlanCase, NotSolvedError
from veridical.data.joint_plan import COST, Part, pilot
from veridical.solvers.planners import Central, cost_at, settle
from veridical.solvers.planners.central import party_at
from veridical.solvers.planners.optimum import optimum
from veridical.solvers.planners.programs import PartyProgram, joined
from veridical.solvers.translate import standard_form
from veridical.solvers.translate.convexity.proof import QUADRATIC


@pytest.mark.parametrize("name", SHIPPED_PLANS)
@pytest.mark.parametrize("absent", [0, 1])
def test_a_plan_of_compiled_parties_is_that_of_the_whole_model(name: str, absent: int) -> None:
    """Two routes: parties' arrays by PIQP, and one Pyomo model of all by HiGHS."""
    case, planner = vd.example(name), Central()
    start, away = planner.baseline(case), case.suppliers[:absent]
    plan = planner.plan(case, start, away, 2.0)
    model = models.joint_plan.joint.build(case, start, away, 2.0)
    whole = vd.solvers.solve(model, "highs")
    size = sum(map(abs, plan.costs.values()))
    assert plan.objective == pytest.approx(whole.objective, abs=1e-8 * size)
    assert plan.solution.certificate.holds
    assert plan.solution.certificate.gap <= 1e-9
    assert plan.bound == pytest.approx(whole.bound, abs=1e-8 * size)
    for party in case.names:  # each party's share, by the party's own model
        assert plan.costs[party] == pytest.approx(party_at(case, party, plan.units)[1].objective, abs=SAME * size)
    assert set(plan.duals) == set(whole.duals)
    for family, series in whole.duals.items():
        pd.testing.assert_index_equal(plan.duals[family].index, series.index)
    pd.testing.assert_series_equal(plan.prices, plan.duals["agreement"])
    assert plan.solution.sensitivity.index.equals(whole.sensitivity.index)
    assert plan.solution.sensitivity["activity_fee"] == pytest.approx(plan.fee / 2.0, rel=1e-6)


@pytest.mark.parametrize("fee", [0.0, 5.0])
@pytest.mark.parametrize("name", ["carriers", "pilot"])
def test_a_plan_is_the_same_to_rounding_whoever_solves_it(name: str, fee: float) -> None:
    """Two interior points, each polished: of all plans at least cost the evenest is one only."""
    case = vd.example(name)
    start, away = Central().baseline(case), case.suppliers[:1]
    plans = [Central(solver).plan(case, start, away, fee) for solver in (None, "highs")]
    assert [plan.solution.solver.name for plan in plans] == ["piqp", "highs"]
    for plan in plans:
        assert plan.solution.certificate.within_all(1e-12)
    np.testing.assert_allclose(plans[0].units, plans[1].units, atol=1e-9 * plans[0].units.max())


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note whose programs are compiled."""
    names: list[str] = []
    of = PartyProgram.of

    def noted(part: Part) -> PartyProgram:
        names.append(part.record.name)
        return of(part)

    monkeypatch.setattr(PartyProgram, "of", noted)
    return names


def test_a_report_compiles_one_party_and_a_counterfactual_none(two_vendors: JointPlanCase, compiled: list[str]) -> None:
    planner = CachingPlanner(Central())
    settle(two_vendors, "vcg", planner, pivot="clarke")
    assert sorted(compiled) == sorted(two_vendors.names)
    lie = two_vendors.reporting("A", two_vendors.party("A").scaled(COST, 1.2))
    settle(lie, "vcg", planner, pivot="clarke")
    assert compiled[len(two_vendors.names) :] == ["A"]


def test_what_is_shown_of_a_party_is_not_shown_again_for_each_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    case, planner, asked = pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, makers=2), Central(), []
    start = planner.baseline(case)
    first = planner.plan(case, start)
    monkeypatch.setattr(standard_form, "shown", lambda form: asked.append(form))
    without = planner.joint(case, start, case.suppliers[:1], 2.0)
    assert not asked
    assert without.solution.certificate.basis == first.solution.certificate.basis == QUADRATIC
    form = joined({name: PartyProgram.of(case.part(name)) for name in case.names}, case.shared).program.form
    assert form.convexity is None  # nothing is shown of these parties now, and so nothing of all of them
    assert len(asked) > 0


def test_whole_trucks_have_another_way(compiled: list[str]) -> None:
    """Their plans are no programs of arrays; the baseline, which knows no trucks, is."""
    case = vd.example("carriers").changed(truckload=True)
    planner = Central()
    start = planner.baseline(case)
    assert sorted(compiled) == sorted(case.receivers)
    assert start == pytest.approx(planner.baseline(case.changed(truckload=False)))
    assert planner.costs(case, start, ["Alder"])["Alder"] == pytest.approx(cost_at(case, "Alder", start), rel=SAME)
    assert sorted(compiled) == sorted(case.receivers)


def test_a_flow_that_no_row_of_its_party_has_is_planned_as_well() -> None:
    """A party that takes what comes, at no cost: its flows have columns all the same, and the other end decides."""
    case = vendors_at(A=2.0)
    part = case.part("retailer")

    def takes(block: Any, record: Any, shared: Any, flows: Any) -> None:
        block.plan = pyo.Var(flows, bounds=(0, 7))
        block.cost = pyo.Expression(expr=0.0)

    kept = models.joint_plan.DECLARATIONS["retailer"]
    models.joint_plan.register("retailer", takes)
    try:
        idle = PartyProgram.of(part)
    finally:
        models.joint_plan.DECLARATIONS["retailer"] = kept
    whole = joined({"retailer": idle, "A": PartyProgram.of(case.part("A"))}, case.shared)
    found = optimum("by hand", whole.program.form, None)
    # Of 7 units a week at most A sells all 7: 5 - 2 each for six of them, and 5 - 2 - 3.5 < 0 for the one beyond his handling.
    assert whole.plan(found.point.x, case.shared, None) == pytest.approx([6.0, 6.0])
    assert whole.costs(found.point.x) == pytest.approx({"retailer": 0.0, "A": -36.0})


def test_what_cannot_hold_is_said_in_the_words_of_the_whole_model(two_vendors: JointPlanCase) -> None:
    """A limit that a party's own role cannot meet at the baseline: no plan comes of arrays, and the model names the rows."""
    kept = models.joint_plan.DECLARATIONS["vendor"]

    def bounded(block: Any, record: Any, shared: Any, flows: Any) -> None:
        kept.declare(block, record, shared, flows)
        block.least = pyo.Constraint(expr=sum(block.plan.values()) >= 1e3)
        block.most = pyo.Constraint(expr=sum(block.plan.values()) <= 10)

    models.joint_plan.register("vendor", bounded, kept.after, {**kept.index_names, "least": (), "most": ()})
    try:
        with pytest.raises(NotSolvedError, match=r"least.*most|most.*least"):
            Central().plan(two_vendors, np.zeros(len(two_vendors.shared.flows)))
    finally:
        models.joint_plan.DECLARATIONS["vendor"] = kept
