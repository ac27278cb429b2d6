"""Audits catch what a user may get wrong: a shortcut, a rule that is not truthful, a sign, a sample taken for the whole."""

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.own_mechanisms import auction, bidders, solved, trade
from veridical.contracts import direct_mechanism
from veridical.data.type_space import TypeSpace

WORTH = {1: 1.0, 2: 0.0, 3: 2.0}  # not monotone in the type: neighbours are not enough


def sale(adjacent: bool, unit: float = 1.0) -> Any:
    """Return the sale of a good to one buyer whose worth is not monotone in what he reports."""
    types = TypeSpace({"buyer": list(WORTH)})
    m = pyo.ConcreteModel()
    m.sold = pyo.Var(types.profiles, bounds=(0, 1))
    m.price = pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, i, k, t: unit * WORTH[k] * m.sold[t] - m.price[t], adjacent=adjacent)
    m.revenue = pyo.Objective(expr=types.expectation(lambda t: m.price[t]), sense=pyo.maximize)
    return solved(m)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_neighbours_that_are_not_enough(unit: float) -> None:
    # Types 1 and 3 are no neighbours: each is asked for all that he has, and 3 had better be 1.
    wrong = sale(adjacent=True, unit=unit)
    assert wrong.objective == pytest.approx(unit)
    assert wrong.audit.truthful is False
    first = wrong.audit.misreports[0]
    assert (first.agent, first.type, first.report, first.gain) == ("buyer", 3, 1, pytest.approx(unit))
    assert any("what was declared does not hold: dominant_strategy_ic" in one for one in wrong.warnings)
    right = sale(adjacent=False, unit=unit)
    assert right.objective == pytest.approx(unit * 2 / 3)  # the best price, 1 or 2
    assert right.audit.truthful
    assert not right.warnings


def test_neighbours_that_are_enough() -> None:
    types = bidders([1, 2, 3, 4], 2)
    assert solved(auction(types, adjacent=True)).audit.truthful
    short, whole = auction(types, adjacent=True), auction(types)
    assert len(short.incentive_compatibility) == 2 * 4 * 6 < len(whole.incentive_compatibility)
    assert solved(short).objective == pytest.approx(solved(whole).objective, rel=1e-6)


TYPES = TypeSpace({"ann": [1, 2, 3, 4], "bob": [1, 2, 3, 4]})


def auctioned(price: int, agent: str, value: float, bids: Any) -> float:
    """Return what an auction is worth in which the higher bid wins, or a coin, and the highest (0) or second (1) is paid."""
    own, high = bids[TYPES.axis(agent)], max(bids)
    return (value - sorted(bids, reverse=True)[price]) / bids.count(high) if own == high else 0.0


def test_a_first_price_auction_is_not_truthful() -> None:
    found = vd.examine(TYPES, lambda i, v, t: auctioned(0, i, v, t), participation="none")
    assert found.truthful is False
    # The most is had where the other bids 1: a 4 wins by a 2 for 2, or by a coin for 1: 2 or 3/2, instead of 0 by the truth.
    assert found.max_regret == pytest.approx(2.0)
    best = found.misreports[0]
    assert (best.agent, best.type, best.report, best.others) == ("ann", 4, 2, "bob=1")
    assert not found.properties["bayesian_ic"].holds
    second = vd.examine(TYPES, lambda i, v, t: auctioned(1, i, v, t))
    assert second.truthful
    assert second.individually_rational


SIGN = {"seller": -1.0, "buyer": 1.0}


def right(m: Any, agent: str, theta: float, t: Any) -> Any:
    """Return the utility of bilateral trade: payments are to the agent."""
    return SIGN[agent] * theta * m.trade[t] + m.payment[agent, t]


def wrong(m: Any, agent: str, theta: float, t: Any) -> Any:
    """Return the same with a sign error: what the buyer pays is taken for what he gets."""
    return SIGN[agent] * (theta * m.trade[t] - m.payment[agent, t])


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_sign_error_is_found_by_the_right_utility(unit: float) -> None:
    types = TypeSpace.grid({"seller": (0.0, unit), "buyer": (0.0, unit)}, 4)
    m = pyo.ConcreteModel()
    m.trade = pyo.Var(types.profiles, bounds=(0, 1))
    m.payment = pyo.Var(types.agents, types.profiles, bounds=(-unit, unit))
    vd.truthful(m, types, wrong, "bayesian", "interim")
    vd.budget(m, types, m.payment)
    gains = types.expectation(lambda t: (t[1] - t[0]) * m.trade[t])
    m.gains = pyo.Objective(expr=gains, sense=pyo.maximize)
    solution = solved(m)
    assert solution.audit.truthful  # by the utility as it was declared
    found = vd.audit(types, right, solution.menu, incentive="bayesian", participation="interim")
    assert found.truthful is False
    assert {one.agent for one in found.misreports if one.gain > 1e-3 * unit} == {"buyer"}
    assert not found.individually_rational
    honest = solved(trade(types))
    assert vd.audit(types, right, honest.menu, incentive="bayesian", participation="interim").truthful


@pytest.mark.parametrize(("incentive", "participation"), [("dominant", "ex_post"), ("bayesian", "interim")])
def test_a_sample_is_called_a_sample(incentive: str, participation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    types = bidders([1, 2, 3, 4], 3)
    m = auction(types, incentive, participation)
    whole = solved(m).audit
    assert not whole.sampled
    assert whole.evaluations == whole.possible_evaluations == 3 * 4 * 4 * 16
    monkeypatch.setattr(direct_mechanism, "LOOKED_AT", 400)
    solution = solved(m)
    audit = solution.audit
    assert audit.sampled
    assert 0 < audit.evaluations < audit.possible_evaluations == 768
    assert any("only a seeded sample" in one for one in solution.warnings)
    assert f"{audit.evaluations} of 768 pairs of a type and reports were looked at, a seeded sample" in audit.explain()
    assert audit.to_dict()["sampled"] is True
    assert audit.truthful is True  # of what was looked at
    again = solved(m).audit
    assert (again.evaluations, again.max_regret) == (audit.evaluations, audit.max_regret)


def test_a_sample_finds_what_is_wrong_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_mechanism, "LOOKED_AT", 60)
    found = vd.examine(TYPES, lambda i, v, t: auctioned(0, i, v, t), participation="none")
    assert found.sampled
    assert found.truthful is False


def test_what_nothing_decides_has_a_value_and_is_no_error() -> None:
    # A type that never occurs, and that nobody can report profitably: its payment stands in no constraint and no objective.
    types = TypeSpace({"seller": [1.0, 2.0], "buyer": [3.0]}, {"seller": [1.0, 0.0], "buyer": [1.0]})
    m = pyo.ConcreteModel()
    m.trade = pyo.Var(types.profiles, bounds=(0, 1))
    m.payment = pyo.Var(types.agents, types.profiles)
    m.spent = pyo.Expression(types.profiles, rule=lambda m, *t: m.payment["seller", t] + m.payment["buyer", t])
    vd.truthful(m, types, right, "none", "interim")
    vd.budget(m, types, m.payment, "ex_ante")
    m.gains = pyo.Objective(expr=types.expectation(lambda t: (t[1] - t[0]) * m.trade[t]), sense=pyo.maximize)
    solution = solved(m)
    assert solution.objective == pytest.approx(2.0)
    assert solution.audit.properties["expected_budget"].holds
    assert np.isfinite(solution.menu["spent"].to_numpy()).all()
    assert solution.audit.warnings == ()  # truth was not promised, and is not said to be broken
