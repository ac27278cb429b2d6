"""What the allocation paper proves, sections 3, 4 and 6, held against seeded random cases and counterexamples.

A theorem that random cases do not contradict is called true here: no more is claimed of it. What is false has its witness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical import models, solvers
from veridical.contracts.allotment import Reports, dominant
from veridical.contracts.audit import audit
from veridical.data import AllocationCase
from veridical.data.arrays import Array
from veridical.data.private_type import PrivateType
from veridical.solvers.closed_form import allocation as closed
from veridical.solvers.closed_form import rationing
from veridical.solvers.closed_form.auction import auction
from veridical.solvers.closed_form.continuous_types import at_types
from veridical.studies.papers.allocation_tables import case_of
from veridical.studies.papers.claims.claim import Claims, Verdict, listed

__all__ = ["CLAIMS"]

CLAIMS = Claims("allocation paper")
SEED = 0
EXACT, SOLVED = 1e-9, 1e-6  # relative: closed forms; what a solver's certificate promises
LINEAR = {"form": "linear_demand"}
POWER = {"form": "power_demand", "scale": 0.8, "exponent": 2.0}
NEWSVENDOR = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "normal", "sd": 2.0}}


def drawn(count: int, revenues: Sequence[Any] = (LINEAR, POWER), **fields: float) -> list[AllocationCase]:
    """Return random cases: two to four identical retailers with two to five types, any prior; the capacity given or random."""
    rng = np.random.default_rng(SEED)
    cases = []
    for trial in range(count):
        m, members = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        types = np.round(3 + np.cumsum(rng.uniform(0.5, 3, m)), 1).tolist()
        probabilities = (0.9 * rng.dirichlet(np.ones(m)) + 0.1 / m).tolist()
        group = {"count": members, "types": types, "probabilities": probabilities, "revenue": revenues[trial % len(revenues)]}
        units = fields or {"capacity": float(rng.uniform(0.2, 1.5) * members)}
        cases.append(AllocationCase.model_validate({"retailers": [group], **units}))
    return cases


@cache
def optima() -> tuple[closed.Allocation, ...]:
    """Return the optimal mechanisms of random cases."""
    return tuple(closed.allocation(case) for case in drawn(24, (LINEAR, POWER, NEWSVENDOR)))


@CLAIMS.add("assumptions 1 and 2", "linear demand: R_QQ <= 0; R_theta > 0, R_theta_Q > 0 and R_theta_QQ >= 0 for q > 0", "true")
def assumptions_1_and_2() -> Verdict:
    revenue = case_of([4, 5], 2, capacity=1).retailers[0].revenue
    q, theta = (grid.ravel() for grid in np.meshgrid(np.linspace(0.1, 4, 20), np.linspace(4, 8, 20)))
    step = np.diff(revenue.marginal_by_type(np.linspace(0.1, 4, 20), 5.0)).min()
    curvature = float(revenue.curvature(q, theta).max())
    least = min(float(revenue.by_type(q, theta).min()), float(revenue.marginal_by_type(q, theta).min()))
    holds = curvature <= EXACT and least > 0 and step >= -EXACT
    return Verdict(holds, f"largest R_QQ {curvature:.2f}, least of R_theta and R_theta_Q {least:.2f} on 400 points", least)


def rises_by(prior: dict[str, Any]) -> float:
    """Return the largest rise of H = (1 - F) / f between 400 quantiles of a prior, from 0.1 to 99 %."""
    known = PrivateType.model_validate(prior)
    return float(np.diff(known.inverse_hazard(known.inverse_survival(np.linspace(0.999, 0.01, 400)))).max())


@CLAIMS.add("assumption 3", "H' <= 0 for uniform, normal, exponential, logistic and chi-squared priors", "true")
def hazard_rates() -> Verdict:
    priors: dict[str, dict[str, Any]] = {
        "uniform": {"distribution": "uniform", "low": 4, "high": 8},
        "normal": {"distribution": "norm", "loc": 6, "scale": 1, "low": 0},
        "exponential": {"distribution": "expon", "loc": 4, "scale": 2},
        "logistic": {"distribution": "logistic", "loc": 6, "scale": 1, "low": 0},
        "chi-squared, 3 degrees of freedom": {"distribution": "chi2", "df": 3},
        "chi-squared, 1 degree of freedom": {"distribution": "chi2", "df": 1},
    }
    rises = {name: rises_by(prior) for name, prior in priors.items()}
    wrong = [name for name, rise in rises.items() if rise > 1e-6]
    words = f"H rises for {', '.join(wrong)}" if wrong else "H rises nowhere"
    return Verdict(not wrong, f"{words}, of {len(rises)} priors at 400 quantiles each", max(rises.values()))


@CLAIMS.add("assumption 3 and Corollary 4", "the Pareto prior of Corollary 4 meets assumption 3, made throughout", "true")
def pareto() -> Verdict:
    rise = rises_by({"distribution": "pareto", "b": 3.0, "scale": 4.0})
    return Verdict(rise <= 1e-6, f"its H = theta / b rises, by up to {rise:.2g} between neighbours of 400 quantiles", rise)


@CLAIMS.add("Theorem 1", "an allocation that rises in the own type, with payments (3), is incentive compatible", "always")
def truthful() -> Verdict:
    regret = max(optimum.audit.max_regret for optimum in optima())
    return Verdict(regret < SOLVED, f"largest regret {regret:.1e} in {len(optima())} random cases", regret)


@CLAIMS.add("Theorem 1", "(3) guarantees retailers profits that are not negative", "always")
def nobody_loses() -> Verdict:
    least = min(optimum.audit.min_rent for optimum in optima())
    return Verdict(least > -SOLVED, f"least profit {least:.1e} in {len(optima())} random cases", least)


def cheaper(reports: Reports) -> Array:
    """Return payments (3), before expectations, less 1."""
    return dominant(reports) - 1.0


def flat(reports: Reports) -> Array:
    """Return payments as (3) is printed, with R_theta(Q(theta_i, .), theta_i), a constant, inside the integral."""
    revenue, theta, quantity = reports.group.revenue, reports.group.theta, reports.quantity
    return np.asarray(revenue.value(quantity, theta) - (theta - theta[0]) * revenue.by_type(quantity, theta))


@CLAIMS.add("Theorem 1", "a mechanism is incentive compatible only if (3) holds", "always")
def only_if() -> Verdict:
    regret = max(audit(replace(optimum, price=cheaper)).max_regret for optimum in optima())
    witness = f"payments (3) less 1 leave a regret of {regret:.1e} at most in {len(optima())} random cases; "
    return Verdict(regret > SOLVED, f"{witness}the proof takes the lowest type's profit to be 0", regret)


@CLAIMS.add("(3) as displayed", "payments with R_theta(Q(theta_i, .), theta_i) in the integral are incentive compatible", "true")
def misprint() -> Verdict:
    regrets = [audit(replace(optimum, price=flat)).max_regret for optimum in optima()]
    count = sum(regret > SOLVED for regret in regrets)
    witness = f"somebody gains by a lie in {count} of {len(regrets)} random cases, up to {max(regrets):.2f}; "
    witness += "the proof of Theorem 1 has Q(theta, .)"
    return Verdict(count == 0, witness, max(regrets))


@CLAIMS.add("section 3.1", "the optimal allocation rises in the own type (where the prior is not regular: ironed)", "always")
def rises() -> Verdict:
    fall = min(float(np.diff(reports.quantity, axis=1).min()) for optimum in optima() for reports in optimum.reports)
    return Verdict(fall >= -EXACT, f"smallest step {fall:.1e} units in {len(optima())} random cases", fall)


@CLAIMS.add("Theorem 2, (6)-(11)", "the first-order conditions with lambda give the optimal allocation", "always")
def conditions() -> Verdict:
    cases = drawn(12, (LINEAR,))
    profits = [
        (closed.allocation(case).earned, solvers.solve(models.allocation.build(case), "highs").objective) for case in cases
    ]
    error = max(abs(formula / model - 1) for formula, model in profits)
    residual = max(optimum.residual for optimum in optima())
    witness = (
        f"residual {residual:.1e} in {len(optima())} cases; profits by HiGHS differ by {error:.1e}, relative, in {len(cases)}"
    )
    return Verdict(error < SOLVED and residual < SOLVED, witness, error)


@CLAIMS.add("Theorem 3", "V(K) is concave", "always")
def concave() -> Verdict:
    largest, cases = -np.inf, drawn(20)
    for case in cases:
        assert case.capacity is not None
        earned = [closed.allocation(case, share * case.capacity).earned for share in np.linspace(0.2, 2.0, 10)]
        largest = max(largest, float(np.diff(earned, 2).max() / max(earned)))
    return Verdict(largest <= EXACT, f"largest second difference {largest:.1e}, relative, in {len(cases)} random cases", largest)


@CLAIMS.add("Theorem 4", "the capacity worth having is not above that with full information, K* <= K_c", "always")
def less_capacity() -> Verdict:
    cases = [case.changed(capacity=None, capacity_cost=cost) for cost in (0.2, 1.0, 2.5) for case in drawn(10)]
    gaps = [closed.centralized(case).capacity - closed.capacity_choice(case).capacity for case in cases]
    return Verdict(min(gaps) >= -EXACT, f"K_c - K* is {min(gaps):.2g} or more in {len(gaps)} random cases", min(gaps))


def rationed(optimum: closed.Allocation, rule: Callable[[Array, float], Array]) -> float:
    """Return how far the optimal units are, at most, from the orders at lambda = 0, rationed by a rule."""
    (virtual,) = optimum.virtual
    orders = optimum.profiles.by_retailer(np.broadcast_to(virtual.quantity([0.0])[0], optimum.by_type.shape))
    return float(np.abs(rule(orders, optimum.capacity) - optimum.quantity).max())


@CLAIMS.add("Theorem 5, display", "Q_i = K / n + tau_i - sum of tau / n is the optimal linear allocation", "always")
def display() -> Verdict:
    case = case_of(range(4, 9), 2, capacity=2.63)
    optimum = closed.allocation(case)
    shifts = optimum.virtual[0].quantity([0.0])[0]
    lowest, highest = (case.capacity or 0.0) / 2 + np.array([-1, 1]) * (shifts[-1] - shifts[0]) / 2
    (place,) = np.flatnonzero((optimum.profiles.counts[:, [0, -1]] == 1).all(axis=1))
    units = optimum.quantity[place]
    witness = f"Table 5, types 4 and 8: {listed([lowest, highest])} units by the display, {listed(units)} optimal; "
    off = float(np.abs([lowest - units[0], highest - units[1]]).max())
    return Verdict(off < EXACT, f"{witness}the number served divides, as in Definition 1", off)


@CLAIMS.add("Theorem 5 and Corollary 1", "linear demand: linear allocation of the orders is optimal", "always")
def linear() -> Verdict:
    found = [closed.allocation(case) for case in drawn(60, (LINEAR,))]
    error = max(rationed(optimum, rationing.linear) for optimum in found)
    witness = f"units differ by {error:.1e} at most in {len(found)} random cases; no condition on H is needed"
    return Verdict(error < EXACT, witness, error)


def powered(exponent: float, factor: float) -> Callable[[Array, float], Array]:
    """Return generalised linear allocation with Y(q) = factor * q^exponent."""
    return lambda orders, capacity: rationing.generalized_linear(
        orders, capacity, lambda q: factor * q**exponent, lambda y: (y / factor) ** (1 / exponent)
    )


@CLAIMS.add("Corollary 3", "r(q) = theta - v(q): generalised linear allocation with Y = v + q v' is optimal", "always")
def generalized() -> Verdict:
    cases = [case for exponent in (0.5, 2.0, 3.0) for case in drawn(15, (POWER | {"exponent": exponent},))]
    errors = []
    for case in cases:
        revenue: Any = case.retailers[0].revenue
        rule = powered(revenue.exponent, revenue.scale * (1 + revenue.exponent))
        errors.append(rationed(closed.allocation(case), rule))
    return Verdict(
        max(errors) < 1e-8, f"units differ by {max(errors):.1e} at most in {len(cases)} random cases, v = 0.8 q^b", max(errors)
    )


@CLAIMS.add("Corollary 3, example", "r(q) = theta - q^2: it is optimal with Y(q) = 2 q^2", "true")
def square() -> Verdict:
    cases = drawn(20, ({"form": "power_demand", "scale": 1.0, "exponent": 2.0},))
    error = max(rationed(closed.allocation(case), powered(2.0, 2.0)) for case in cases)
    witness = (
        f"units differ by {error:.1e} at most in {len(cases)} random cases; Y = v + q v' is 3 q^2, but a factor changes nothing"
    )
    return Verdict(error < 1e-8, witness, error)


def continuous_error(
    demand: dict[str, Any], prior: dict[str, Any], rule: Callable[[ArrayLike, ArrayLike], Array], orders: Any
) -> float:
    """Return how far the optimum for three newsvendors is from rationed `orders`, units, at 200 random profiles of types."""
    group = {"count": 3, "prior": prior, "revenue": {"form": "newsvendor", "price": 10.0, "demand": demand}}
    case = AllocationCase.model_validate({"capacity": 6.0, "retailers": [group]})
    known = case.retailers[0].prior
    assert known is not None
    types = known.inverse_survival(np.random.default_rng(SEED).uniform(0.02, 1, (200, 3)))
    units = at_types(case, types, 6.0)[1]
    return float(np.abs(rule(orders(types), 6.0) - units).max())


@CLAIMS.add("Corollary 2", "normal newsvendors with an exponential prior on the mean: linear allocation is optimal", "always")
def shiftable() -> Verdict:
    prior = {"distribution": "expon", "loc": 4.0, "scale": 1.0}
    error = continuous_error({"distribution": "normal", "sd": 2.0}, prior, rationing.linear, lambda types: types + 100)
    return Verdict(error < SOLVED, f"units differ by {error:.1e} at most at 200 random profiles of three retailers", error)


@CLAIMS.add(
    "Theorem 6 and Corollary 4",
    "uniform newsvendors on [0, theta] with a Pareto prior: proportional allocation is optimal",
    "always",
)
def scalable() -> Verdict:
    return proportional("uniform")


def proportional(distribution: str, **parameters: float) -> Verdict:
    """Return whether scalable newsvendors with a Pareto prior get a capacity that binds in proportion to their types."""
    prior = {"distribution": "pareto", "b": 3.0, "scale": 6.0}
    error = continuous_error(
        {"distribution": distribution, **parameters}, prior, rationing.proportional, lambda types: types * 10
    )
    return Verdict(error < SOLVED, f"units differ by {error:.1e} at most at 200 random profiles of three retailers", error)


CLAIMS.extend(
    "Example 4",
    [
        (f"the same with {name} demand scaled by theta", "always", check)
        for name, check in (
            ("exponential", partial(proportional, "exponential")),
            ("gamma", partial(proportional, "gamma", shape=2.0)),
        )
    ],
)


@CLAIMS.add("Theorem 7", "it is best to bid P*(theta), if the others do", "always")
def sealed_bids() -> Verdict:
    gain, cleared, cases = -np.inf, 0, [case_of(range(4, 9), 2, capacity=2.63), *(c for c in drawn(12) if c.members == (2,))]
    for case in cases:
        sale, group = auction(case), case.retailers[0]
        (table,) = sale.bids
        bids = np.unique([0.0, *table, *(table[1:] + table[:-1]) / 2, table[-1] + 1])
        units, paid = np.empty((len(bids), len(table))), np.empty((len(bids), len(table)))
        for (i, own), (j, other) in product(enumerate(bids), enumerate(table)):
            result = sale.clear([float(own), float(other)])
            units[i, j], paid[i, j] = result.units[0], result.payment[0]
            cleared += 1
        for theta, right in zip(group.theta, table, strict=True):
            profit = (group.revenue.value(units, theta) - paid) @ group.probability
            gain = max(gain, float(profit.max() - profit[np.searchsorted(bids, right)]))
    witness = (
        f"no bid on, between, above or below the table gains more than {gain:.1e}, {cleared} clearings of {len(cases)} auctions"
    )
    return Verdict(gain < SOLVED, witness, gain)


@CLAIMS.add("section 6", "a retailer's units rise with his own bid and fall with the other's", "true")
def monotone_table() -> Verdict:
    table = auction(case_of(range(4, 9), 2, capacity=2.63)).table.to_numpy()
    own, other = float(np.diff(table, axis=0).min()), float(np.diff(table, axis=1).max())
    holds = own >= -EXACT and other <= EXACT
    return Verdict(
        holds, f"Table 5: the least step in the own bid is {listed([own])}, the largest in the other's {listed([other])}", own
    )
