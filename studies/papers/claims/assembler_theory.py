"""What the ICDS paper proves of ICDS itself, sections 2.1 to 2.4, held against seeded random cases and counterexamples.

A proposition that random cases do not contradict is called true here: no more is claimed of it. What is false has its witness.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.contracts.audit import audit
from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, correlation, example, monotonicity, virtual_cost
from veridical.data.arrays import Array
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw
from veridical.studies.papers.claims.assembler_cases import (
    EXACT,
    SMALL,
    SOLVED,
    SUPPLEMENT,
    case_of,
    drawn,
    farthest,
    solved,
    surplus,
)
from veridical.studies.papers.claims.claim import Claims, Verdict, listed, not_checked

__all__ = ["CLAIMS"]

CLAIMS = Claims("ICDS paper")


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


@CLAIMS.add("Appendix F", "the pooled quantities where (18) fails for several suppliers", "-")
def pooling_several() -> Verdict:
    cases = [case for case in drawn(60, independent=False, shapes=((2, 2, 2),)) if not monotonicity(case).holds][:12]
    balanced = [solvers.solve(models.icds_balanced.build(case), "highs").objective for case in cases]
    error = farthest([closed.icds_balanced(case).bound for case in cases], balanced)
    witness = f"{SUPPLEMENT}; the isotonic regression in its place and HiGHS differ by {error:.1e}, relative, {len(cases)} cases"
    return Verdict(None, witness, error)


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
