"""What the ICDS paper proves, sections 2 and 4, held against seeded random cases, shipped cases, and counterexamples.

A proposition that random cases do not contradict is called true here, as nothing else is claimed of it; what is false has its
witness. Cases have uniform demand on 100 to 900 units; priors are independent, or correlated at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.contracts.audit import audit
from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, ContinuousCase, correlation, example, monotonicity, virtual_cost
from veridical.data.arrays import Array
from veridical.data.private_cost import PrivateCost
from veridical.data.virtual_cost import weighted_virtual_cost
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.continuous_rule import continuous
from veridical.solvers.closed_form.continuous_virtual_cost import total_virtual_cost
from veridical.solvers.closed_form.continuous_virtual_cost import virtual_cost as continuous_virtual_cost
from veridical.solvers.closed_form.frw import frw
from veridical.studies.papers.claims.claim import Claims, Verdict, listed, not_checked

__all__ = ["CLAIMS"]

CLAIMS = Claims("ICDS paper")
DEMAND = {"distribution": "uniform", "low": 100, "high": 900}
SEED = 0
EXACT, SOLVED = 1e-9, 1e-6  # relative: closed forms; what a solver's certificate promises
BINARY = ((2, 2), (2, 2, 2), (2, 2, 2, 2))
SMALL = ((2, 2), (2, 2, 2))  # of which models are solved, and correlated costs pooled
SUPPLEMENT = "it stands in the online supplement, which is not at hand"


def case_of(costs: Sequence[Sequence[float]], joint: Any, price: float) -> AssemblerCase:
    """Return a case with that joint prior; suppliers are named by their numbers."""
    suppliers = [{"name": f"supplier {i}", "costs": list(own)} for i, own in enumerate(costs, start=1)]
    prior = {"joint": np.asarray(joint).tolist()}
    return AssemblerCase.model_validate({"price": price, "demand": DEMAND, "suppliers": suppliers, "prior": prior})


def drawn(
    count: int, independent: bool | None = None, shapes: Sequence[tuple[int, ...]] = BINARY, seed: int = SEED
) -> list[AssemblerCase]:
    """Return random cases: the price is 1.1 to 2.5 times the highest cost; priors independent, correlated, or half and half."""
    rng = np.random.default_rng(seed)
    cases = []
    for trial in range(count):
        shape = shapes[trial % len(shapes)]
        costs = [np.round(1 + np.cumsum(rng.uniform(0.5, 8, m)), 1).tolist() for m in shape]
        marginals = [rng.dirichlet(np.ones(m)) * 0.9 + 0.1 / m for m in shape]
        apart = independent if independent is not None else trial // len(shapes) % 2 == 0
        joint = marginals[0]
        for marginal in marginals[1:]:
            joint = np.multiply.outer(joint, marginal)
        if not apart:
            joint = 0.98 * rng.dirichlet(np.full(joint.size, 0.5)).reshape(shape) + 0.02 * joint
        price = sum(own[-1] for own in costs) * rng.uniform(1.1, 2.5)
        cases.append(case_of(costs, joint / joint.sum(), float(price)))
    return cases


def surplus(case: AssemblerCase, weight: Array, unit_cost: Array) -> float:
    """Return the sum of weight * max_q (S(q) - unit_cost q)."""
    quantity = case.demand.newsvendor_quantity(case.price, unit_cost)
    return float((weight * (case.price * case.demand.expected_sales(quantity) - unit_cost * quantity)).sum())


def farthest(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the largest relative difference."""
    return max(abs(value - other) / max(1.0, abs(other)) for value, other in zip(values, others, strict=True))


def solved(case: AssemblerCase) -> Any:
    """Return the optimum of the full problem by HiGHS."""
    return solvers.solve(models.icds.build(case), "highs")


@cache
def correlated() -> list[tuple[AssemblerCase, Any]]:
    """Return 40 correlated cases and the optima of their full problems."""
    return [(case, solved(case)) for case in drawn(40, independent=False, shapes=SMALL)]


@CLAIMS.add("section 2.2", "with full information the optimal quantities are balanced", "always")
def full_information() -> Verdict:
    menus = [solvers.solve(models.first_best.build(case), "highs").contracts for case in drawn(12, shapes=SMALL)]
    spread = max(float(menu.spread.max() / menu.most.max()) for menu in menus)
    return Verdict(
        spread < SOLVED, f"by HiGHS quantities differ by {spread:.1e} at most, relative, in {len(menus)} random cases", spread
    )


@CLAIMS.add("section 2.1, (5)", "truthful menus buy no more from a supplier whose cost is higher", "always")
def monotone_in_own_cost() -> Verdict:
    rise = -np.inf
    for _, solution in correlated():
        menu = solution.contracts
        for i, quantity in enumerate(menu.quantity):
            rise = max(rise, float(np.diff(quantity, axis=i).max() / menu.most.max()))
    return Verdict(
        rise <= SOLVED, f"largest rise {max(rise, 0.0):.1e}, relative, in {len(correlated())} optimal menus by HiGHS", rise
    )


@CLAIMS.add("Lemma 1", "without the upward constraints (9) the optimal quantities are balanced", "always")
def relaxed_is_balanced() -> Verdict:
    cases, spread, values, sums = drawn(24, shapes=SMALL), 0.0, [], []
    for case in cases:
        model = models.icds.build(case, feasibility=False)
        for index in model.incentive_compatibility:
            _, cost, report, _ = index
            if report < cost:
                model.incentive_compatibility[index].deactivate()
        solution = solvers.solve(model, "highs")
        spread = max(spread, float(solution.contracts.spread.max() / solution.contracts.most.max()))
        values.append(solution.objective)
        sums.append(surplus(case, case.probability, virtual_cost(case)))
    error = farthest(values, sums)
    witness = (
        f"by HiGHS quantities differ by {spread:.1e} at most, and profits from (14) by {error:.1e}, relative, {len(cases)} cases"
    )
    return Verdict(spread < 1e-4 and error < SOLVED, witness, spread)


@CLAIMS.add("Lemma 2, (11)", "the least rents are w_i(l, .) = Delta_i q(h, .) and w_i(h, .) = 0", "always")
def least_rents() -> Verdict:
    regret = least = 0.0
    cases = drawn(100, shapes=SMALL)
    for case in cases:
        menu = closed.icds_balanced(case).menu
        checked = audit(menu)
        regret, least = max(regret, checked.max_regret), min(least, checked.min_rent)
        for i, quantity in enumerate(menu.quantity):
            own = np.moveaxis(menu.rent(i), i, 0)
            gap = float(np.diff(case.suppliers[i].costs)[0])
            needed = gap * np.moveaxis(quantity, i, 0)[1]
            regret = max(regret, float(np.abs(own[0] - needed).max()), float(np.abs(own[1]).max()))
    witness = f"largest regret, or distance from (11), {regret:.1e}; least rent {least:.1e}; {len(cases)} menus audited"
    return Verdict(regret < SOLVED and least > -SOLVED, witness, regret)


@CLAIMS.add("Proposition 1, (19)", "where (18) holds, F(Q(t)) = ((r - v(t)) / r)^+ is optimal", "always")
def newsvendor_quantities() -> Verdict:
    cases = [case for case in drawn(60, shapes=SMALL) if monotonicity(case).holds][:24]
    error = farthest(
        [surplus(case, case.probability, virtual_cost(case)) for case in cases], [solved(case).objective for case in cases]
    )
    return Verdict(
        error < SOLVED,
        f"profit by (19) and by HiGHS on the full problem differ by {error:.1e}, relative, {len(cases)} cases",
        error,
    )


@CLAIMS.add("Proposition 1", "the profit of ICDS is below that of full information, Z_R < Z-bar", "always")
def strictly_below() -> Verdict:
    cases = drawn(100, shapes=SMALL)
    below = [closed.icds_balanced(case).bound < closed.first_best(case).bound * (1 - EXACT) for case in cases]
    known = case_of([(3, 9), (1, 4)], [[1, 0], [0, 0]], 30)
    gap = closed.first_best(known).bound - closed.icds_balanced(known).bound
    witness = f"below in {sum(below)} of {len(below)} random cases; where nobody has private information (both surely cheap) "
    return Verdict(all(below) and gap > 0, f"{witness}they differ by {gap:.2g}: <= is right", gap)


@CLAIMS.add("Corollary 1", "independent costs, two a supplier: (18) holds", "always")
def independent_two_costs() -> Verdict:
    fails = sum(not monotonicity(case).holds for case in drawn(300, independent=True))
    return Verdict(fails == 0, f"{fails} of 300 random cases fail (18)", float(fails))


@CLAIMS.add("Corollary 1, beyond the paper", "the same with three costs a supplier", "(two in the paper)")
def independent_three_costs() -> Verdict:
    cases = drawn(300, independent=True, shapes=((3, 3), (3, 2)))
    fails = [case for case in cases if not monotonicity(case).holds]
    first = f"; the first: {monotonicity(fails[0])}" if fails else ""
    return Verdict(not fails, f"{len(fails)} of {len(cases)} random cases fail (18){first}", float(len(fails)))


@CLAIMS.add("section 2.3.2 and Appendix A", "two suppliers, costs not positively correlated: (18) holds", "always")
def not_positively_correlated() -> Verdict:
    cases = [case for case in drawn(1500, independent=False, shapes=((2, 2),)) if correlation(case) <= 0]
    fails = sum(not monotonicity(case).holds for case in cases)
    return Verdict(fails == 0, f"{fails} of {len(cases)} random priors with correlation <= 0 fail (18)", float(fails))


@CLAIMS.add(
    "Step 2, (22)-(23)",
    "where (18) fails for one pair of profiles alone, pooling those two gives the best balanced quantities",
    "always",
)
def pooling_one_pair() -> Verdict:
    errors = []
    for case in drawn(300, independent=False, shapes=SMALL):
        cost = virtual_cost(case)
        pairs = [
            (before, after)
            for before in np.ndindex(cost.shape)
            for i in range(cost.ndim)
            if before[i] == 0 and cost[before] > cost[after := (*before[:i], 1, *before[i + 1 :])]
        ]
        if len(pairs) == 1:
            (pair,) = pairs
            pooled, weight = cost.copy(), sum(case.probability[t] for t in pair)
            for t in pair:
                pooled[t] = sum(case.probability[s] * cost[s] for s in pair) / weight
            best = closed.icds_balanced(case).bound
            errors.append(abs(surplus(case, case.probability, pooled) - best) / max(1.0, best))
    wrong = sum(error > EXACT for error in errors)
    witness = f"another profit than the best balanced menu's in {wrong} of {len(errors)} random cases with one such pair"
    return Verdict(wrong == 0, f"{witness}, by {max(errors):.1e} at most, relative; elsewhere see Proposition 2", float(wrong))


CLAIMS.extend("Appendix F", [("the pooled quantities where (18) fails for several suppliers", "-", not_checked(SUPPLEMENT))])
CLAIMS.extend("Appendix E", [("the formulations of the relaxed and of the hybrid problem", "-", not_checked(SUPPLEMENT))])


@CLAIMS.add("Proposition 2", "the optimal procurement quantities are balanced", "always")
def balanced_is_optimal() -> Verdict:
    gains = [100 * (solution.objective / closed.icds_balanced(case).bound - 1) for case, solution in correlated()]
    count = sum(gain > 1e-3 for gain in gains)
    pair = example("two-suppliers-correlated")
    full, balanced = solved(pair).objective, closed.icds_balanced(pair).bound
    witness = f"unbalanced menus earn more in {count} of {len(gains)} random correlated cases, by up to {max(gains):.1f} %; "
    return Verdict(count == 0, f"{witness}in two-suppliers-correlated {full:,.2f} against {balanced:,.2f}", float(count))


@CLAIMS.add("Proposition 2", "where (18) holds, the relaxed solution solves the full problem", "always")
def balanced_where_monotone() -> Verdict:
    pairs = [
        (solution.objective, closed.icds_balanced(case).bound) for case, solution in correlated() if monotonicity(case).holds
    ]
    pairs += [(solved(case).objective, closed.icds_balanced(case).bound) for case in drawn(12, independent=True, shapes=SMALL)]
    error = farthest(*zip(*pairs, strict=True))
    return Verdict(error < SOLVED, f"profits differ by {error:.1e}, relative, in {len(pairs)} random cases", error)


@CLAIMS.add("Proposition 2", "an optimal ICDS mechanism always exists", "always")
def exists() -> Verdict:
    gaps = [solution.certificate.gap for _, solution in correlated()]
    return Verdict(
        max(gaps) < SOLVED,
        f"{len(gaps)} of {len(gaps)} random cases solved with a proven bound, gap {max(gaps):.1e} at most",
        max(gaps),
    )


@cache
def steps(place: int) -> tuple[Array, int]:
    """Return relative changes of the best balanced profit as c_1(l) (place 0) or c_1(h) (place 1) rises; and the cases."""
    cases, changes = drawn(40, shapes=SMALL), []
    for case in cases:
        low, high = case.suppliers[0].costs
        before = closed.icds_balanced(case).bound
        for share in (0.1, 0.5, 0.9):
            costs = [low + share * (high - low), high] if place == 0 else [low, high + share * (high - low)]
            others = [list(supplier.costs) for supplier in case.suppliers[1:]]
            changed = case_of([costs, *others], case.probability, case.price)
            changes.append((closed.icds_balanced(changed).bound - before) / before)
    return np.array(changes), len(cases)


@CLAIMS.add("section 2.4", "the optimal profit falls as c_i(h) rises", "falls")
def in_the_high_cost() -> Verdict:
    changes, cases = steps(1)
    rises = int((changes > EXACT).sum())
    return Verdict(rises == 0, f"it rises in {rises} of {len(changes):,} changes of {cases} random cases", float(rises))


@CLAIMS.add("section 2.4", "the change of the optimal profit with c_i(l) is indefinite", "either sign")
def in_the_low_cost() -> Verdict:
    changes, cases = steps(0)
    rises = int((changes > EXACT).sum())
    witness = f"it rises in {rises} of {len(changes):,} changes of {cases} random cases; "
    proof = "dZ/dc_i(l) = -sum of beta(l, .) (q(l, .) - q(h, .)) is never positive, by (5)"
    return Verdict(rises > 0, witness + proof, float(rises))


@CLAIMS.add("footnote 1 and section 5", "the rent of a supplier rises with his Delta_i", "rises")
def rent_by_gap() -> Verdict:
    rents, gaps = [], (1, 2, 3, 4, 5, 6)
    for gap in gaps:
        case = case_of([(3, 3 + gap), (1, 4)], np.outer([0.8, 0.2], [0.6, 0.4]), 30)
        menu = closed.icds(case).menu
        rents.append(float((case.probability * menu.rent(0)).sum()))
    rises = all(after > before for before, after in pairwise(rents))
    witness = f"expected rents {listed(rents, 0)} at Delta_1 = {listed(gaps, 0)}, p1(h) = 0.2: his quantity falls to nothing"
    return Verdict(rises, witness, max(rents) - rents[-1])


@CLAIMS.add("section 2.1", "ICDS earns at least as much as FRW, also with correlated costs", "always")
def frw_is_below() -> Verdict:
    least = min(solution.objective / frw(case).bound - 1 for case, solution in correlated())
    return Verdict(
        least > -SOLVED, f"smallest gain {100 * least:.2g} % in {len(correlated())} random correlated cases, by HiGHS", least
    )


def example_1() -> AssemblerCase:
    """Return a case with the two suppliers of Example 1, Delta_1 < Delta_2, correlated."""
    return case_of([(3, 5), (1, 5)], [[0.3, 0.2], [0.15, 0.35]], 30)


@CLAIMS.add("Example 1, (15), (17)", "virtual costs and profit with two suppliers", "as printed")
def virtual_costs() -> Verdict:
    case = example_1()
    (a, b), (c, d) = case.probability
    first, second = (float(np.diff(supplier.costs)[0]) for supplier in case.suppliers)
    printed = case.total_cost + np.array([[0, a / b * second], [a / c * first, b / d * first + c / d * second]])
    wrong = float(np.abs(printed - virtual_cost(case)).max())
    menu = closed.icds_balanced(case).menu
    q = menu.quantity[0]
    rents = a * (first * q[1, 0] + second * q[0, 1]) + (b * first + c * second) * q[1, 1]
    margins = case.price * case.demand.expected_sales(q) - case.total_cost * q
    by_17 = float((case.probability * margins).sum()) - rents
    error = abs(by_17 / menu.expected_profit - 1)
    return Verdict(wrong < EXACT and error < EXACT, f"(15) is off by {wrong:.1e}, (17) by {error:.1e}, relative", wrong)


def regret_of(rent: float) -> float:
    """Return the regret in Example 1 where w2(h, l) is `rent` times q(h, h)."""
    case = example_1()
    menu = closed.icds_balanced(case).menu
    payment = np.array(menu.payment)
    payment[1, 1, 0] = (case.suppliers[1].costs[0]) * menu.quantity[1, 1, 0] + rent * menu.quantity[1, 1, 1]
    return audit(Menu(case, menu.quantity, payment)).max_regret


@CLAIMS.add("Example 1, (16)", "w2(h, l) >= w2(h, h) + Delta_1 q(h, h), last line", "Delta_1")
def misprint() -> Verdict:
    case = example_1()
    first, second = (float(np.diff(supplier.costs)[0]) for supplier in case.suppliers)
    as_printed, right = regret_of(first), regret_of(second)
    witness = (
        f"with Delta_1 = {first:g} there a supplier 2 gains {as_printed:,.1f} by a lie, with Delta_2 = {second:g} {right:.1g}"
    )
    return Verdict(as_printed < SOLVED, f"{witness}; the sentence after (16) has Delta_2", as_printed)


@CLAIMS.add("section 2.4", "the suppliers need not know the prior beta", "true")
def without_the_prior() -> Verdict:
    cases, regret, ties, offers = drawn(100, shapes=SMALL), 0.0, 0, 0
    for case in cases:
        menu = closed.icds_balanced(case).menu
        regret = max(regret, audit(menu).max_regret)
        for i in range(len(case.shape)):
            quantity, payment = (np.moveaxis(array[i], i, 0) for array in (menu.quantity, menu.payment))
            cheap = case.suppliers[i].costs[0]
            profit = payment - cheap * quantity
            ties += int((profit[1] >= profit[0] - SOLVED * np.abs(payment).max()).sum())
            offers += profit[0].size
    witness = (
        f"largest regret at any reports of the others {regret:.1e} in {len(cases)} menus; the truth is best but not strictly: "
    )
    return Verdict(
        regret < SOLVED, f"{witness}a cheap supplier loses nothing by over-reporting in {ties} of {offers} places", regret
    )


def by_the_recipe(case: AssemblerCase, k: int) -> float:
    """Return what (26)-(27) earn: quantities at the average of pooled virtual costs, at the virtual costs that they really have.

    NaN where these quantities rise with a cost, so that no payments make them truthful.
    """
    kept = case.widest(k)
    rest = tuple(i for i in range(len(case.shape)) if i not in kept)
    weight = case.probability.sum(axis=rest)
    average = (case.probability * closed.pooled_virtual_cost(case)).sum(axis=rest) / weight
    raw = weighted_virtual_cost(case).sum(axis=rest) / weight
    quantity = case.demand.newsvendor_quantity(case.price, average)
    if any((np.diff(quantity, axis=i) > EXACT * quantity.max()).any() for i in range(quantity.ndim)):
        return float("nan")
    return float((weight * (case.price * case.demand.expected_sales(quantity) - raw * quantity)).sum())


def recipe_against_best(independent: bool, which: str) -> Verdict:
    """Return how far the recipe's profit is from the best balanced hybrid's, over random cases and k: inner ones, or 0 and n."""
    losses = []
    for case in drawn(12, independent=independent, shapes=SMALL[1:]):
        n = len(case.shape)
        for k in range(1, n) if which == "inner" else (0, n):
            losses.append(1 - by_the_recipe(case, k) / closed.hybrid(case, k, balanced=True).bound)
    values = np.array(losses)
    impossible, lossy = int(np.isnan(values).sum()), int((values > 1e-7).sum())
    worst = float(np.nanmax(values))
    witness = (
        f"of {len(values)} random cases and k, {lossy} earn less than the best balanced hybrid, by {100 * worst:.2g} % at most"
    )
    return Verdict(impossible + lossy == 0, f"{witness}, and {impossible} cannot be made truthful", worst)


CLAIMS.extend(
    "Proposition 3, (26)",
    [
        (f"averaging virtual costs after pooling gives the optimal hybrid, {words}", "always", check)
        for words, check in (
            ("independent costs", lambda: recipe_against_best(True, "inner")),
            ("correlated costs, 0 < k < n", lambda: recipe_against_best(False, "inner")),
            ("correlated costs, k = 0 and k = n", lambda: recipe_against_best(False, "ends")),
        )
    ],
)


@CLAIMS.add("section 2.5", "k = 0 is the naive mechanism, k = n is ICDS", "true")
def ends_of_the_hybrid() -> Verdict:
    cases = drawn(60, shapes=SMALL)
    ends = [(closed.hybrid(case, k, balanced=True).bound, other(case).bound) for case in cases for k, other in _ends(case)]
    error = farthest(*zip(*ends, strict=True))
    return Verdict(error < EXACT, f"profits differ by {error:.1e}, relative, {len(cases)} random cases", error)


def _ends(case: AssemblerCase) -> list[tuple[int, Any]]:
    return [(0, closed.naive), (len(case.shape), closed.icds_balanced)]


@CLAIMS.add("section 2.5", "the assembler's profit rises with k", "rises")
def profit_by_k() -> Verdict:
    cases, least = drawn(60, shapes=SMALL), np.inf
    for case in cases:
        profits = [closed.hybrid(case, k, balanced=True).bound for k in range(len(case.shape) + 1)]
        least = min(least, float(np.diff(profits).min() / profits[-1]))
    return Verdict(least >= -EXACT, f"smallest step {100 * least:.2g} % of the profit in {len(cases)} random cases", least)


@CLAIMS.add("Appendix B", "BIC can earn more than ICDS", "can")
def bayesian_earns_more() -> Verdict:
    pair = example("two-suppliers-correlated")
    bic, icds = solvers.solve(models.bic.build(pair), "highs").objective, solved(pair).objective
    return Verdict(bic > icds * (1 + SOLVED), f"two-suppliers-correlated: BIC {bic:,.2f}, ICDS {icds:,.2f}", bic - icds)


@CLAIMS.add("section 1.1 and Appendix B", "with independent costs BIC and ICDS earn the same", "equal")
def bayesian_earns_the_same() -> Verdict:
    cases = drawn(12, independent=True, shapes=SMALL)
    error = farthest(
        [solvers.solve(models.bic.build(case), "highs").objective for case in cases], [closed.icds(case).bound for case in cases]
    )
    return Verdict(error < SOLVED, f"profits differ by {error:.1e}, relative, in {len(cases)} random cases", error)


def continuous_cases(count: int) -> list[ContinuousCase]:
    """Return random pairs: one cost uniform, the other beta, in every third so that its J falls."""
    rng = np.random.default_rng(SEED)
    cases = []
    for trial in range(count):
        low, width = rng.uniform(1, 6, 2), rng.uniform(2, 8, 2)
        costs: list[dict[str, Any]] = [{"distribution": "uniform", "low": low[0], "high": low[0] + width[0]}]
        shape = (0.5, 0.5) if trial % 3 == 2 else tuple(rng.uniform(1, 4, 2))
        costs.append({"distribution": "beta", "a": shape[0], "b": shape[1], "loc": low[1], "scale": width[1]})
        suppliers = [{"name": name, "cost": cost} for name, cost in zip(("first", "second"), costs, strict=True)]
        price = float((low + width).sum() * rng.uniform(1.1, 2))
        cases.append(ContinuousCase.model_validate({"price": price, "demand": DEMAND, "suppliers": suppliers}))
    return cases


@CLAIMS.add("Lemma 3 and Proposition 4", "independent costs: (35) with payments (36) is truthful and earns (37)", "always")
def continuous_costs() -> Verdict:
    cases = continuous_cases(3)
    optima = [continuous(case, points=2**13) for case in cases]
    error = farthest([each.profit_by_payments for each in optima], [each.profit for each in optima])
    regret = max(each.audit(200, SEED).max_regret for each in optima)
    ironed = sum(bool(supplier.cost.stretches) for case in cases for supplier in case.suppliers)
    witness = (
        f"profits by (36) and (37) differ by {error:.1e}, relative, and no misreport of 400 each gains more than {regret:.1e}, "
    )
    return Verdict(
        error < SOLVED and regret < SOLVED, f"{witness}{len(cases)} random pairs; J ironed in {ironed} distributions", error
    )


@CLAIMS.add("section 4", "uniform, normal and Weibull costs: J_i(x_i) = x_i + G / g never falls", "always")
def log_concave() -> Verdict:
    costs: list[dict[str, Any]] = [
        {"distribution": "uniform", "low": 3, "high": 13},
        {"distribution": "norm", "loc": 8, "scale": 2, "low": 3, "high": 13},
        *({"distribution": "weibull_min", "c": c, "loc": 3, "scale": 3, "low": 3, "high": 13} for c in (0.5, 1.0, 3.0)),
    ]
    falls = min(
        float(np.diff(cost.virtual_cost(np.linspace(cost.low, cost.high, 2001)[1:])).min())
        for cost in map(PrivateCost.model_validate, costs)
    )
    return Verdict(falls >= -EXACT, f"smallest step {falls:.1e} between 2,000 costs of {len(costs)} distributions", falls)


@CLAIMS.add(
    "Proposition 4",
    "correlated costs: it suffices that each J_i(x_i | x_-i) never falls in x_i, as with a multivariate normal",
    "always",
)
def correlated_normal() -> Verdict:
    cost = {"distribution": "norm", "loc": 10, "scale": 2, "low": 2, "high": 18}  # truncated at four standard deviations
    suppliers = [{"name": name, "cost": cost} for name in ("first", "second")]
    prior = {"correlation": [[1.0, 0.5], [0.5, 1.0]]}
    case = ContinuousCase.model_validate({"price": 60, "demand": DEMAND, "suppliers": suppliers, "prior": prior})
    costs = np.linspace(7, 13, 61)
    x = np.stack(np.meshgrid(costs, costs, indexing="ij"), axis=-1)
    own = min(float(np.diff(continuous_virtual_cost(case, i, x), axis=i).min()) for i in range(2))
    total = np.minimum(total_virtual_cost(case, x), case.price)  # nothing is bought at the price or above
    fall = float(np.diff(total, axis=0).min())
    row, column = np.unravel_index(int(np.diff(total, axis=0).argmin()), (60, 61))
    witness = f"normal costs (mean 10, sd 2), correlation 0.5: each J_i rises, by {own:.3f} or more in a step of 0.1, but their "
    witness += (
        f"sum falls by {-fall:.3f} as x_1 rises from {costs[row]:.1f} where x_2 = {costs[column]:.1f}: Q rises, against (32)"
    )
    return Verdict(own < 0 or fall >= 0, witness, fall)
