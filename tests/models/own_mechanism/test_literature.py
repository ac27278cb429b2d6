"""What the literature proves of mechanisms, found through declarations on models of one's own."""

import itertools
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.own_mechanisms import auction, bidders, goods, project, quality, regulation, solved, table, trade
from veridical.data.type_space import TypeSpace

EXACT = 1e-6


def near(value: float) -> Any:
    """Return what equals a figure as nearly as a certificate promises."""
    return pytest.approx(value, rel=EXACT, abs=EXACT)


def ironed(values: Sequence[float], probabilities: Sequence[float]) -> list[float]:
    """Return ironed virtual values: v_k - (v_(k+1) - v_k) (1 - F_k) / f_k, averaged over neighbours until they do not fall.

    Myerson (1981), section 6; for finitely many types Elkind (2007).
    """
    above = 1 - np.cumsum(probabilities)
    steps = np.append(np.diff(values), 0.0)
    pools: list[list[float]] = []  # [virtual value, probability, types]
    for value, f, step, rest in zip(values, probabilities, steps, above, strict=True):
        pools.append([value - step * rest / f, f, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            last, before = pools.pop(), pools.pop()
            weight = last[1] + before[1]
            pools.append([(last[0] * last[1] + before[0] * before[1]) / weight, weight, last[2] + before[2]])
    return [level for level, _, count in pools for _ in range(int(count))]


def optimal_revenue(values: Sequence[float], probabilities: Sequence[float], number: int) -> float:
    """Return E[max(0, the largest ironed virtual value)]: what the optimal auction earns."""
    virtual = ironed(values, probabilities)
    profiles = itertools.product(range(len(values)), repeat=number)
    return sum(math.prod(probabilities[k] for k in t) * max(0.0, *(virtual[k] for k in t)) for t in profiles)


@pytest.mark.parametrize(("incentive", "participation"), [("dominant", "ex_post"), ("bayesian", "interim")])
@pytest.mark.parametrize(("number", "most", "revenue"), [(2, 10, 4.9), (3, 6, 4.0), (4, 4, 3.2421875)])
def test_optimal_auction(number: int, most: int, revenue: float, incentive: str, participation: str) -> None:
    # Values 1..K, all equally likely: virtual value 2 v - K. Two bidders, K = 10: E[max(0, 2 max(v) - 10)]
    # = sum over v = 6..10 of (2 v - 10) (2 v - 1) / 100 = 4.9. Dominant strategies cost nothing (Manelli and Vincent, 2010).
    values = list(range(1, most + 1))
    assert optimal_revenue(values, [1 / most] * most, number) == pytest.approx(revenue, rel=1e-12)
    solution = solved(auction(bidders(values, number), incentive, participation))
    assert solution.objective == near(revenue)
    assert solution.audit.truthful
    assert solution.audit.individually_rational


IRREGULAR = ([1.0, 2.0, 3.0, 4.0, 5.0], [0.3, 0.05, 0.4, 0.05, 0.2])


def test_optimal_auction_with_an_irregular_prior() -> None:
    values, probabilities = IRREGULAR
    plain = [v - (0 if v == 5 else 1) * (1 - sum(probabilities[: k + 1])) / probabilities[k] for k, v in enumerate(values)]
    assert plain != sorted(plain)  # else there is nothing to iron
    m = auction(bidders(values, 2, probabilities))
    solution = solved(m)
    assert solution.objective == near(optimal_revenue(values, probabilities, 2))
    assert solution.audit.truthful


def test_two_sided_ignorance_has_no_efficient_trade_without_a_subsidy() -> None:
    # Myerson and Satterthwaite (1983), theorem 1 and section 5: uniform costs and values on [0, 1].
    gains = {}
    for points in (4, 8, 16):
        types = TypeSpace.grid({"seller": (0.0, 1.0), "buyer": (0.0, 1.0)}, points)
        solution = solved(trade(types))
        gains[points] = solution.objective
        assert solution.audit.truthful
        assert solution.audit.properties["budget"].holds
        first_best = types.expectation(lambda t: max(0.0, t[1] - t[0]))
        assert first_best == pytest.approx((1 - points**-2) / 6, rel=1e-12)  # (1 / n^3) n (n^2 - 1) / 6, towards 1/6
        if points >= 8:
            assert solution.objective < first_best * 0.95
    # Towards 9/64, where trade takes place if value - cost >= 1/4, with an error of the order of a cell: from 8 points to 16 it
    # falls by more than a third, and n times the error stays below 1/8.
    error = {points: found - 9 / 64 for points, found in gains.items()}
    assert 0 < error[16] < 0.65 * error[8]
    assert all(points * one <= 0.125 for points, one in error.items())


def test_full_efficiency_conflicts_with_the_budget_on_fine_grids() -> None:
    coarse = TypeSpace.grid({"seller": (0.0, 1.0), "buyer": (0.0, 1.0)}, 4)
    assert solved(trade(coarse, efficient=True)).objective == near((1 - 4**-2) / 6)
    fine = TypeSpace.grid({"seller": (0.0, 1.0), "buyer": (0.0, 1.0)}, 8)
    with pytest.raises(vd.NotSolvedError, match=r"cannot hold together: .*budget\[") as caught:
        solved(trade(fine, efficient=True))
    for family in ("incentive_compatibility", "individual_rationality"):
        assert family in str(caught.value)


CORRELATED = TypeSpace({"ann": [1.0, 2.0], "bob": [1.0, 2.0]}, [[0.4, 0.1], [0.1, 0.4]])


def test_the_whole_surplus_is_extracted_where_beliefs_are_independent_vectors() -> None:
    # Cremer and McLean (1988), theorem 2. The surplus is 0.4 + 2 * 0.6.
    solution = solved(auction(CORRELATED, "bayesian", "interim"))
    assert solution.objective == near(1.6)
    assert solution.audit.truthful
    assert not solution.audit.properties["ex_post_ir"].holds  # bets that are lost now and then


@pytest.mark.parametrize("incentive", ["dominant", "bayesian"])
def test_the_whole_surplus_is_not_extracted_where_nobody_may_lose(incentive: str) -> None:
    # Whoever has 2 can report 1, and meets another 1 with probability 0.2; the good, sold there for 1, leaves the two of them
    # 0.2 * 1 at most in expectation, half of it each: 2 * 0.5 * 0.1 in all. Not to sell there would cost 0.4.
    solution = solved(auction(CORRELATED, incentive, "ex_post"))
    assert solution.objective == near(1.5)
    assert solution.audit.individually_rational


@pytest.mark.parametrize(("middle", "revenue"), [(2.2, 2.2), (2.5, 2.5), (2.8, 2.6)])
def test_dependent_beliefs_leave_a_rent_to_who_would_have_to_lie_between(middle: float, revenue: float) -> None:
    # The middle type believes the mean of what the other two believe: (Cremer and McLean, theorem 2: not every surplus can be
    # extracted.) Whatever it pays, p, the others pay in the mean if they report it: 2 E p = E_1 p + E_3 p. They do not gain by it
    # if E_1 p >= 2 - U_1 and E_3 p >= 3 - U_3, and it takes part if E p <= middle: U_1 + U_3 >= 5 - 2 middle. All types are
    # equally likely, and to sell always is best as long as the rents are small: the revenue is (5 + middle - rents) / 3.
    assert revenue == pytest.approx((5 + middle - max(0.0, 5 - 2 * middle)) / 3)
    beliefs = np.array([[0.6, 0.4], [0.4, 0.6], [0.2, 0.8]])
    types = TypeSpace({"buyer": [2.0, middle, 3.0], "signal": ["low", "high"]}, beliefs / 3)
    m = pyo.ConcreteModel()
    m.sold = pyo.Var(types.profiles, bounds=(0, 1))
    m.price = pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, i, v, t: v * m.sold[t] - m.price[t], "bayesian", "interim", agents=["buyer"])
    m.revenue = pyo.Objective(expr=types.expectation(lambda t: m.price[t]), sense=pyo.maximize)
    assert solved(m).objective == near(revenue)


def test_independent_types_keep_their_rents_under_interim_participation() -> None:
    types = bidders([1.0, 2.0], 2)  # virtual values 0 and 2: 2 * 3/4, whereas the surplus is 7/4
    assert solved(auction(types, "bayesian", "interim")).objective == near(1.5)


def test_one_buyer_of_two_goods() -> None:
    # Manelli and Vincent (2006): uniform values on the unit square; (12 + 2 sqrt 2) / 27. A grid's error falls with its cells:
    # it halves where they do, and what the two grids come to together is ten times as near.
    limit = (12 + 2 * math.sqrt(2)) / 27
    errors = []
    for points in (5, 10):
        solution = solved(goods(TypeSpace.grid({"buyer": [(0.0, 1.0), (0.0, 1.0)]}, points)))
        assert solution.audit.truthful
        assert solution.audit.mechanism.grid_error.loc["buyer", "regret"] == near(1 / points)
        errors.append(solution.objective - limit)
    coarse, fine = errors
    assert fine / coarse == pytest.approx(0.5, abs=0.02)
    assert abs(2 * fine - coarse) < fine / 10


LOTTERY = TypeSpace({"buyer": {"second": (0.0, 3.0), "first": (6.0, 0.0), "either": (2.0, 2.0)}})


def best_price_list(types: TypeSpace) -> float:
    """Return the most that prices of bundles earn from one buyer, from all ways to give each type a bundle.

    Given bundles, the largest truthful payments are shortest paths: p_k <= v_k(b_k), p_k <= p_s + v_k(b_k) - v_k(b_s).
    """
    values, bundles = types.values("buyer"), list(itertools.product((0, 1), repeat=2))
    best = 0.0
    for given in itertools.product(bundles, repeat=len(values)):
        worth = np.array([[np.dot(value, bundle) for bundle in given] for value in values])
        own = np.diag(worth)
        paid = own
        for _ in values:
            paid = np.minimum(paid, (paid[None, :] + own[:, None] - worth).min(axis=1))
        if (paid <= (paid[None, :] + own[:, None] - worth).min(axis=1) + 1e-12).all():  # else no payments make it truthful
            best = max(best, float(types.table @ paid))
    return best


def test_a_lottery_earns_more_than_any_price_list() -> None:
    # A half of the first good with the second, for 3: `either` buys it, `second` buys the second alone for 3, and `first`, who
    # would get 6/2 - 3 = 0 from it, pays 6. Everybody's whole value but for a half of 2: (3 + 6 + 3) / 3.
    lottery = solved(goods(LOTTERY))
    assert lottery.objective == near(4.0)
    assert best_price_list(LOTTERY) == pytest.approx(11 / 3)
    m = goods(LOTTERY, deterministic=True)
    prices = solved(m)
    assert prices.status == "optimal"
    assert prices.objective == near(11 / 3)
    assert prices.audit.truthful
    assert set(np.round(table(m.sold, list(m.sold)), 9)) <= {0.0, 1.0}


PROJECT = TypeSpace(
    {name: [-3.0, 1.0, 2.0] for name in ("ann", "bob", "eve")},
    {"ann": [0.2, 0.5, 0.3], "bob": [0.3, 0.3, 0.4], "eve": [0.5, 0.25, 0.25]},
)


def built(values: Sequence[float]) -> float:
    """Return whether a public project is built: if it is worth something to all together."""
    return float(sum(values) > 0)


def clarke(agent: str, t: Sequence[float]) -> float:
    """Return Clarke's (1971) pivot: what the others get with the agent, less what they would have without."""
    rest = sum(t) - t[PROJECT.axis(agent)]
    return rest * built(t) - max(0.0, rest)


@cache
def externality(agent: str, report: float) -> float:
    """Return what a report is worth to the others, as they expect before they know their types."""
    others = zip(PROJECT.others(agent), PROJECT.belief(agent), strict=True)
    return sum(float(p) * sum(values) * built((*values, report)) for values, p in others)


def agv(agent: str, t: Sequence[float]) -> float:
    """Return d'Aspremont and Gerard-Varet's (1979) payment: the own externality, less the mean of the others'."""
    each = {i: externality(i, report) for i, report in zip(PROJECT.agents, t, strict=True)}
    return each[agent] - sum(one for i, one in each.items() if i != agent) / 2


def test_the_pivot_of_a_public_project_has_no_deficit() -> None:
    def worth(agent: str, value: float, t: Sequence[float]) -> float:
        return value * built(t) + clarke(agent, t)

    assert vd.examine(PROJECT, worth, participation="none").truthful
    audit = solved(project(PROJECT, built, clarke, "dominant")).audit
    assert audit.properties["dominant_strategy_ic"].holds
    assert audit.properties["budget"].holds
    assert audit.mechanism.payments is not None
    raised = -sum(audit.mechanism.payments.values())
    assert raised.min() == near(0.0)
    assert raised.max() > 0.5  # it raises money, which nobody may have


def test_expected_externalities_balance_and_are_truthful_in_expectation_alone() -> None:
    audit = solved(project(PROJECT, built, agv, "bayesian")).audit
    assert audit.truthful
    assert audit.properties["bayesian_ic"].holds
    assert not audit.properties["dominant_strategy_ic"].holds
    assert audit.mechanism.payments is not None
    assert np.abs(sum(audit.mechanism.payments.values())).max() < 1e-9  # ex post: types are independent
    found = vd.examine(PROJECT, lambda i, v, t: v * built(t) + agv(i, t), "bayesian", "none")
    assert found.truthful
    assert found.properties["dominant_strategy_ic"].worst == near(audit.properties["dominant_strategy_ic"].worst)


def test_effort_is_distorted_below_the_best_firm_and_not_at_it() -> None:
    # Laffont and Tirole (1986): effort e(theta) = 1 - lambda / (1 + lambda) * F / f. With finitely many firms, best first, the
    # rent of each is sum (theta_(k+1) - theta_k) e_(k+1) - (theta_(k+1) - theta_k)^2 / 2 over the worse ones: marginal value of
    # effort (1 + lambda) f_k (1 - e_k) equals lambda F_(k-1) (theta_k - theta_(k-1)).
    theta, f, funds = [0.8, 1.0, 1.2, 1.4], [0.4, 0.3, 0.2, 0.1], 0.5
    types = TypeSpace({"firm": theta}, {"firm": f})
    effort = [1 - funds / (1 + funds) * sum(f[:k]) / f[k] * 0.2 * (k > 0) for k in range(4)]
    rent = [sum(0.2 * effort[j] - 0.02 for j in range(k + 1, 4)) for k in range(4)]
    burden = [(1 + funds) * (cost - e + e**2 / 2) + funds * u for cost, e, u in zip(theta, effort, rent, strict=True)]
    for solver in ("highs", "ipopt"):
        m = regulation(types, funds)
        solution = solved(m, solver)
        assert solution.status == "optimal"
        assert solution.objective == near(float(np.dot(f, burden)))
        assert table(m.effort, types.profiles) == pytest.approx(effort, abs=1e-4)  # a flat optimum: the root of the gap
        assert solution.audit.mechanism.rents("firm").tolist() == pytest.approx(rent, abs=1e-4)


def test_quality_is_distorted_below_the_best_supplier_and_not_at_him() -> None:
    # Che (1993): marginal value = virtual marginal cost, here 8 = q + theta + (theta_k - theta_(k-1)) F_(k-1) / f_k.
    theta, f = [1.0, 1.5, 3.0], [0.5, 0.25, 0.25]
    types = TypeSpace({"supplier": theta}, {"supplier": f})
    virtual = [1.0, 1.5 + 0.5 * 0.5 / 0.25, 3.0 + 1.5 * 0.75 / 0.25]
    m = quality(types, worth=8.0)
    solution = solved(m, "ipopt")
    bought = [8.0 - cost for cost in virtual]
    assert table(m.quality, types.profiles) == pytest.approx(bought, abs=1e-4)
    assert bought[0] == 8.0 - theta[0]  # what would be bought of him if his cost were known
    assert solution.objective == near(float(np.dot(f, np.square(bought))) / 2)
    assert solution.audit.truthful
    assert solution.status == "locally_optimal"  # quality^2 stands on both sides of a constraint: no convexity is claimed
    assert math.isnan(solution.bound)
