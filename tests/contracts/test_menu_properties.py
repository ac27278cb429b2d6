"""Properties of contract menus: each by hand, the implications between them, and which mechanism has which."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

import veridical as vd
from support.assembler_cases import build, random_cases
from support.coalitions import worst_together
from support.strategies import examples
from veridical.contracts import Menu, PropertyResult
from veridical.contracts.menu_audit import SupplierResult
from veridical.data import AssemblerCase, CertificateError, InputError

Where = tuple[str | None, float | None, float | None, str | None]
PAIR = [[4.0, 9.0], [3.0, 7.0]]


def menu(case: AssemblerCase, quantity: ArrayLike, payment: ArrayLike) -> Menu:
    """Return a menu from numbers by supplier and profile."""
    full = (len(case.names), *case.shape)
    broadcast = [np.broadcast_to(np.asarray(each, dtype=float), full) for each in (quantity, payment)]
    return Menu(case, broadcast[0], broadcast[1])


def where(found: PropertyResult) -> Where:
    """Return the witness of a finding."""
    assert isinstance(found, SupplierResult)
    return found.supplier, found.cost, found.report, found.others


def check(found: PropertyResult, holds: bool, worst: float, witness: Where) -> None:
    """Hold a finding against what it must be."""
    assert (found.holds, bool(found)) == (holds, holds)
    assert found.worst == pytest.approx(worst, rel=1e-12, abs=1e-12)
    assert where(found) == witness


# --- each property by hand ---


@pytest.fixture
def pair() -> AssemblerCase:
    """Return two suppliers; profiles (4, 3), (4, 7), (9, 3), (9, 7) with probabilities .4, .1, .2, .3."""
    return build(PAIR, joint=[[0.4, 0.1], [0.2, 0.3]])


def table(pair: AssemblerCase) -> Menu:
    """Return a menu that violates every property by a known amount.

    a: quantities 10, 8, 5, 6; payments 100, 70, 80, 60. b: quantities 10, 8, 5, 4 and payments 60, 56, 20, 30.
    """
    return menu(pair, [[[10, 8], [5, 6]], [[10, 8], [5, 4]]], [[[100, 70], [80, 60]], [[60, 56], [20, 30]]])


def test_truth_whatever_the_others_report(pair: AssemblerCase) -> None:
    # a, cost 4: truth 60, 38; as 9: 60, 36. Cost 9: truth 35, 6; as 4: 10, -2.   Nobody gains: 0 at (4 as 9, b=3).
    # b, cost 3: truth 30, 5 (a = 4, 9); as 7: 32, 18. Cost 7: truth 0, 2; as 3: -10, -15. 13 at a=9.
    check(vd.PROPERTIES["dominant_strategy_ic"](table(pair)), False, 13, ("b", 3.0, 7.0, "a=9"))


def test_truth_in_expectation(pair: AssemblerCase) -> None:
    # Gains of b with cost 3: 2 where a = 4, 13 where a = 9, beliefs .4 and .2 of .6.
    check(vd.PROPERTIES["bayesian_ic"](table(pair)), False, (0.4 * 2 + 0.2 * 13) / 0.6, ("b", 3.0, 7.0, None))


def test_nobody_truthful_loses(pair: AssemblerCase) -> None:
    # Rents of a: 60, 38, 35, 6; of b: 30, 0, 5, 2. The least is 0: b with cost 7 beside a=4.
    found = vd.PROPERTIES["ex_post_ir"](table(pair))
    check(found, True, 0, ("b", 7.0, None, "a=4"))
    # In expectation b with cost 7 keeps (.1 0 + .3 2) / .4.
    check(vd.PROPERTIES["interim_ir"](table(pair)), True, -1.5, ("b", 7.0, None, None))


def test_somebody_truthful_loses_ex_post_alone(pair: AssemblerCase) -> None:
    # b with cost 7 loses 3 beside a=4 and gains 2 beside a=9, where he is three times as often.
    payment = [[[100, 70], [80, 60]], [[60, 53], [20, 30]]]
    found = menu(pair, table(pair).quantity, payment)
    check(vd.PROPERTIES["ex_post_ir"](found), False, 3, ("b", 7.0, None, "a=4"))
    check(vd.PROPERTIES["interim_ir"](found), True, -(3 * 2 - 3) / 4, ("b", 7.0, None, None))
    # ... and beside neither where he loses 9 beside a=4
    payment[1][0][1] = 47
    check(vd.PROPERTIES["interim_ir"](menu(pair, table(pair).quantity, payment)), False, (9 - 6) / 4, ("b", 7.0, None, None))


def test_balanced(pair: AssemblerCase) -> None:
    check(vd.PROPERTIES["balanced"](table(pair)), False, 2, (None, None, None, "a=9, b=7"))
    same = menu(pair, [[10, 8], [5, 4]], table(pair).payment)
    found = vd.PROPERTIES["balanced"](same)
    assert found.holds
    assert found.worst == 0


def test_budget(pair: AssemblerCase) -> None:
    # Demand is 100 at least, price 30: 10, 8, 5, 4 units sell for 300, 240, 150, 120; paid are 160, 126, 100, 90.
    check(vd.PROPERTIES["budget"](table(pair)), True, 90 - 120, (None, None, None, "a=9, b=7"))
    payment = table(pair).payment.copy()
    payment[0, 1, 0] = 137.5
    check(vd.PROPERTIES["budget"](menu(pair, table(pair).quantity, payment)), False, 7.5, (None, None, None, "a=9, b=3"))


def test_truth_holds_by_how_much() -> None:
    # Quantities 10, 6, 2 for costs 2, 4, 9. Payments 60, 50, 21: rents 40, 26, 3; the best lies keep 38, 20 and -4, so that
    # the middle type, as the cheap one, is nearest to a lie that pays: he would lose 6; the cheap one, as the middle, 2.
    case = build([[2.0, 4.0, 9.0], [3.0]], [[0.2, 0.3, 0.5], [1.0]])
    found = menu(case, [[[10], [6], [2]], [[0], [0], [0]]], [[[60], [50], [21]], [[0], [0], [0]]])
    for name in ("dominant_strategy_ic", "bayesian_ic"):
        finding = vd.PROPERTIES[name](found)
        assert finding.holds
        assert finding.worst == pytest.approx(-2)
        assert where(finding)[:3] == ("a", 2.0, 4.0)
    check(vd.PROPERTIES["ex_post_ir"](found), True, 0, ("b", 3.0, None, "a=2"))


def test_a_lie_that_pays_in_expectation_is_averaged_over_ones_own_beliefs() -> None:
    # a with cost 4 gains 12 by saying 9 beside b=3 and loses 4 beside b=7. Believing .9 and .1 he gains 10.4; the odds of b
    # in the whole prior, .5 and .5, would say 4, and those of the dear type, .1 and .9, would say no.
    case = build(PAIR, joint=[[0.45, 0.05], [0.05, 0.45]])
    payment = [[[0.0, 0.0], [12.0, -4.0]], [[0.0, 0.0], [0.0, 0.0]]]
    found = menu(case, 0.0, payment)
    check(vd.PROPERTIES["dominant_strategy_ic"](found), False, 12, ("a", 4.0, 9.0, "b=3"))
    check(vd.PROPERTIES["bayesian_ic"](found), False, 0.9 * 12 - 0.1 * 4, ("a", 4.0, 9.0, None))


def test_types_that_never_occur_have_no_expectations() -> None:
    # a never has cost 9, and would lose by the truth and gain by a lie: that counts whatever is likely, and in no expectation.
    case = build(PAIR, [[1.0, 0.0], [0.5, 0.5]])
    found = menu(case, 0.0, [[[6.0, 6.0], [-2.0, -2.0]], [[0.0, 0.0], [0.0, 0.0]]])
    check(vd.PROPERTIES["dominant_strategy_ic"](found), False, 8, ("a", 9.0, 4.0, "b=3"))
    check(vd.PROPERTIES["bayesian_ic"](found), True, 0, ("b", 3.0, 7.0, None))
    check(vd.PROPERTIES["ex_post_ir"](found), False, 2, ("a", 9.0, None, "b=3"))
    check(vd.PROPERTIES["interim_ir"](found), True, 0, ("b", 3.0, None, None))


def test_one_supplier_alone() -> None:
    case = build([[4.0, 9.0]], [[0.25, 0.75]])
    # cost 4: truth 50 - 40, as 9: 45 - 20; cost 9: truth 0, as 4: -40
    found = menu(case, [[10.0, 5.0]], [[50.0, 45.0]])
    check(vd.PROPERTIES["dominant_strategy_ic"](found), False, 15, ("a", 4.0, 9.0, None))
    check(vd.PROPERTIES["bayesian_ic"](found), False, 15, ("a", 4.0, 9.0, None))
    check(vd.PROPERTIES["ex_post_ir"](found), True, 0, ("a", 9.0, None, None))
    check(vd.PROPERTIES["interim_ir"](found), True, 0, ("a", 9.0, None, None))
    check(vd.PROPERTIES["balanced"](found), True, 0, (None, None, None, "a=4"))
    check(vd.PROPERTIES["budget"](found), True, 45 - 150, (None, None, None, "a=9"))


def test_nobody_has_anything_to_misreport() -> None:
    found = menu(build([[4.0], [3.0]]), [[[10.0]], [[10.0]]], [[[39.0]], [[30.0]]])
    check(vd.PROPERTIES["dominant_strategy_ic"](found), True, 0, (None, None, None, None))
    check(vd.PROPERTIES["bayesian_ic"](found), True, 0, (None, None, None, None))
    check(vd.PROPERTIES["ex_post_ir"](found), False, 1, ("a", 4.0, None, "b=3"))
    check(vd.PROPERTIES["interim_ir"](found), False, 1, ("a", 4.0, None, None))


def test_a_gain_below_a_millionth_of_the_own_payment_is_rounding(pair: AssemblerCase) -> None:
    payment = np.zeros((2, 2, 2))
    payment[0, 0] = 1000.0
    payment[0, 1] = 1000.0 + 0.9e-3
    holds = menu(pair, 0.0, payment)
    assert vd.PROPERTIES["dominant_strategy_ic"](holds).holds
    payment[0, 1] = 1000.0 + 1.1e-3
    payment[1] = 1e9  # what the other is paid says nothing of it
    fails = menu(pair, 0.0, payment)
    assert not vd.PROPERTIES["dominant_strategy_ic"](fails).holds
    assert vd.PROPERTIES["dominant_strategy_ic"](fails).worst == pytest.approx(1.1e-3)


def test_a_finding_in_words(pair: AssemblerCase) -> None:
    assert str(vd.PROPERTIES["dominant_strategy_ic"](table(pair))) == (
        "dominant_strategy_ic fails: worst 13 (supplier b, cost 3, report 7, others a=9)"
    )
    assert str(vd.PROPERTIES["interim_ir"](table(pair))) == "interim_ir holds: worst -1.5 (supplier b, cost 7)"
    assert str(vd.PROPERTIES["balanced"](table(pair))) == "balanced fails: worst 2 (profile a=9, b=7)"


# --- random menus against the definitions ---


def definitions(case: AssemblerCase, quantity: Any, payment: Any) -> dict[str, float]:
    """Return the worst violation of each property, term by term."""
    beta = case.probability
    found = dict.fromkeys(vd.PROPERTIES, -math.inf)

    def note(name: str, value: float) -> None:
        found[name] = max(found[name], value)

    for i, supplier in enumerate(case.suppliers):
        for own, cost in enumerate(supplier.costs):
            profiles = [t for t in np.ndindex(*case.shape) if t[i] == own]
            mass = sum(beta[t] for t in profiles)
            truth = {t: payment[(i, *t)] - cost * quantity[(i, *t)] for t in profiles}
            for t in profiles:
                note("ex_post_ir", -truth[t])
            if mass > 0:
                note("interim_ir", -sum(beta[t] * truth[t] for t in profiles) / mass)
            for report in set(range(len(supplier.costs))) - {own}:
                lies = {t: (i, *t[:i], report, *t[i + 1 :]) for t in profiles}
                gains = {t: payment[lie] - cost * quantity[lie] - truth[t] for t, lie in lies.items()}
                for t in profiles:
                    note("dominant_strategy_ic", gains[t])
                if mass > 0:
                    note("bayesian_ic", sum(beta[t] * gains[t] for t in profiles) / mass)
    for t in np.ndindex(*case.shape):
        units = [quantity[(i, *t)] for i in range(len(case.names))]
        note("balanced", max(units) - min(units))
        paid = sum(payment[(i, *t)] for i in range(len(case.names)))
        note("budget", paid - case.price * float(case.demand.expected_sales(np.array(min(units)))))

    def kept(i: int, k: int, t: tuple[int, ...]) -> float:
        return float(payment[(i, *t)] - case.suppliers[i].costs[k] * quantity[(i, *t)])

    def amount(i: int, k: int, t: tuple[int, ...]) -> float:
        return float(max(abs(payment[(i, *t)]), case.suppliers[i].costs[k] * quantity[(i, *t)]))

    for name, (_, value) in worst_together(case.shape, kept, amount).items():
        note(name, value)
    return {name: 0.0 if value == -math.inf else value for name, value in found.items()}


@pytest.mark.parametrize("kind", ["uniform", "exponential", "empirical"])
@given(data=st.data(), seed=st.integers(0, 10**6))
@examples(30)
def test_findings_are_the_definitions(kind: str, data: st.DataObject, seed: int) -> None:
    case = data.draw(random_cases(kind, joint=True, least=0))
    rng = np.random.default_rng(seed)
    shape = (len(case.names), *case.shape)
    quantity, payment = (np.asarray(rng.integers(low, 9, shape) * unit, dtype=np.float64) for low, unit in ((0, 50), (-2, 100)))
    found = vd.audit(case, Menu(case, quantity, payment))
    wanted = definitions(case, quantity, payment)
    largest = max(1.0, float(np.abs(payment).max()))
    for name, finding in found.properties.items():
        assert finding.worst == pytest.approx(wanted[name], rel=1e-9, abs=1e-9 * largest), name
        size = max(1.0, float(quantity.max())) if name == "balanced" else largest
        assert finding.holds == (wanted[name] <= 1e-6 * size)
    for stronger, weaker in vd.IMPLIES:
        assert found.properties[weaker].worst <= found.properties[stronger].worst + 1e-9 * largest
        assert found.properties[weaker] or not found.properties[stronger]


def test_the_implications_are_not_turned_round(pair: AssemblerCase) -> None:
    assert set(vd.IMPLIES) == {
        *(("dominant_strategy_ic", "bayesian_ic"), ("ex_post_ir", "interim_ir")),
        ("coalition_ic_with_side_payments", "coalition_ic"),
    }
    # A bet that is fair to the cheap type and not to the dear one: truthful in expectation, not whatever b reports.
    case = build(PAIR, joint=[[0.45, 0.05], [0.05, 0.45]])
    found = vd.audit(case, menu(case, 0.0, [[[1.0, -9.0], [-9.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])).properties
    assert found["bayesian_ic"].holds
    assert found["interim_ir"].holds
    check(found["dominant_strategy_ic"], False, 10, ("a", 4.0, 9.0, "b=7"))
    check(found["ex_post_ir"], False, 9, ("a", 4.0, None, "b=7"))


def test_the_audit_says_who_lies_in_either_sense(pair: AssemblerCase) -> None:
    found = vd.audit(pair, table(pair))
    assert [(lie.supplier, lie.cost, lie.report, lie.others) for lie in found.misreports] == [("b", 3.0, 7.0, "a=9")]
    assert found.max_regret == pytest.approx(13)
    interim = found.held_to(("bayesian_ic", "interim_ir"))
    assert interim.max_regret == pytest.approx(3.4 / 0.6)
    assert [lie.others for lie in interim.misreports] == [""]
    assert [found.min_rent, interim.min_rent] == pytest.approx([0, 1.5])


# --- which mechanism has which property on which kind of case ---


KINDS_OF_CASES = ("regular", "irregular", "correlated", "discrete")
TOGETHER = (
    *("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir"),
    *("coalition_ic", "coalition_ic_with_side_payments"),
)
TABLE: Mapping[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "naive": ("naive", {}, ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced", "budget")),
    "frw": ("frw", {}, ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir")),
    "hybrid": ("hybrid", {}, ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir")),
    "balanced hybrid": (
        "hybrid",
        {"balanced": True},
        ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced"),
    ),
    "icds_balanced": ("icds_balanced", {}, ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced")),
    "icds": ("icds", {}, ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir")),
    "icds together": ("icds", {"coalitions": True}, TOGETHER),
    "hybrid together": ("hybrid", {"coalitions": True}, TOGETHER),
    "bic": ("bic", {}, ("bayesian_ic", "interim_ir")),
    "ex post bic": ("bic", {"participation": "ex_post"}, ("bayesian_ic", "ex_post_ir", "interim_ir")),
    "first_best": ("first_best", {}, ("ex_post_ir", "interim_ir")),
}


@pytest.mark.parametrize("kind", KINDS_OF_CASES)
@pytest.mark.parametrize("row", TABLE)
def test_menus_have_the_properties_of_their_mechanism(kind: str, row: str, request: pytest.FixtureRequest) -> None:
    case: AssemblerCase = request.getfixturevalue(kind)
    name, parameters, has = TABLE[row]
    mechanism = vd.MECHANISMS[name]
    direct = mechanism.closed_form and (row not in ("icds",) or case.independent) and "coalitions" not in parameters
    ways = ["highs"] + (["closed_form"] if direct else [])
    for solver in ways:
        if row == "hybrid" and solver == "closed_form" and not vd.monotonicity(case.with_private(case.widest(None))).holds:
            continue
        solution = vd.solve(case, name, solver, **parameters)
        assert solution.audit is not None
        for each in has:
            assert solution.audit.properties[each].holds, (solver, each)
        assert (solution.audit.max_regret <= 1e-6 * solution.audit.largest_payment) == ("bayesian_ic" in has)
    promised = set(mechanism.promises(**parameters))
    implied = {weaker for stronger, weaker in vd.IMPLIES if stronger in promised}
    assert promised | implied == set(has)


def test_every_mechanism_is_in_the_table() -> None:
    assert {name for name, _, _ in TABLE.values()} == {
        name for name, mechanism in vd.MECHANISMS.items() if mechanism.kind is AssemblerCase
    }


NOT_PROMISED = [  # a property that the mechanism does not promise, and a case on which its menu lacks it
    ("icds", {}, "balanced", "correlated"),
    ("icds", {}, "coalition_ic", "correlated"),
    ("icds_balanced", {}, "coalition_ic_with_side_payments", "regular"),
    ("frw", {}, "balanced", "regular"),
    ("bic", {}, "dominant_strategy_ic", "correlated"),
    ("bic", {}, "ex_post_ir", "correlated"),
    ("bic", {"participation": "ex_post"}, "dominant_strategy_ic", "correlated"),
    ("first_best", {}, "dominant_strategy_ic", "regular"),
    ("first_best", {}, "bayesian_ic", "regular"),
]


@pytest.mark.parametrize(
    ("mechanism", "parameters", "name", "kind"), NOT_PROMISED, ids=[f"{row[0]}-{row[2]}-{row[3]}" for row in NOT_PROMISED]
)
def test_what_is_not_promised_need_not_hold(
    mechanism: str, parameters: dict[str, Any], name: str, kind: str, request: pytest.FixtureRequest
) -> None:
    solution = vd.solve(request.getfixturevalue(kind), mechanism, **parameters)
    assert solution.audit is not None
    finding = solution.audit.properties[name]
    assert not finding.holds
    assert finding.worst > 1
    assert name not in vd.MECHANISMS[mechanism].promises(**parameters)


def test_three_cheap_suppliers_cost_more_than_they_earn() -> None:
    # Rarely cheap: 1 with chance .1, else 20. v = 3, and 22 + 19 .1/.9 with one dear. Where all are cheap each is paid 1 a unit
    # and 19 for each that would be bought if he alone were dear; 820 units sell for 30 (820 - 720^2 / 1600).
    case = build([[1.0, 20.0]] * 3, [[0.1, 0.9]] * 3)
    one_dear = 100 + 800 * (8 - 19 / 9) / 30
    deficit = 3 * (820 + 19 * one_dear) - 30 * (820 - 720**2 / 1600)
    assert deficit > 1000
    for solver in ("highs", "closed_form"):
        solution = vd.solve(case, "icds", solver)
        assert solution.audit is not None
        finding = solution.audit.properties["budget"]
        assert not finding.holds
        assert finding.others == "a=1, b=1, c=1"
        # payments are as exact as quantities are: to a few millionths of what is paid, 2,460 for units and rents on top
        assert finding.worst == pytest.approx(deficit, abs=5e-6 * (2460 + 57 * one_dear))
    assert "budget" not in vd.MECHANISMS["icds"].promises()


def test_first_best_invites_a_lie_by_hand(regular: AssemblerCase) -> None:
    # Cost 4 beside b=3 says 9 and keeps 5 a unit on F(q) = 18/30.
    solution = vd.solve(regular, "first_best", "closed_form")
    assert solution.audit is not None
    check(solution.audit.properties["dominant_strategy_ic"], False, 5 * (100 + 800 * 18 / 30), ("a", 4.0, 9.0, "b=3"))
    # b's odds: .4 of 3, .6 of 7, where F(q) = 14/30
    expected = 5 * (100 + 800 * (0.4 * 18 + 0.6 * 14) / 30)
    check(solution.audit.properties["bayesian_ic"], False, expected, ("a", 4.0, 9.0, None))


@pytest.mark.parametrize(("mechanism", "promise"), [("icds", "balanced"), ("first_best", "bayesian_ic"), ("bic", "ex_post_ir")])
def test_a_promise_that_is_not_kept_is_a_certificate_error(correlated: AssemblerCase, mechanism: str, promise: str) -> None:
    solution = vd.solve(correlated, mechanism)
    solution.checked(vd.MECHANISMS[mechanism].promises())
    with pytest.raises(CertificateError, match=f"{promise} fails: worst "):
        solution.checked((promise,))


def test_properties_are_called_what_they_are() -> None:
    of_menus = [name for name, each in vd.PROPERTIES.items() if Menu in each.outcomes]
    one_by_one = ["dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced", "budget", "capacity"]
    assert of_menus == [*one_by_one, "coalition_ic", "coalition_ic_with_side_payments"]
    assert all(name == each.name and each.summary for name, each in vd.PROPERTIES.items())
    assert {name for pair in vd.IMPLIES for name in pair} <= set(vd.PROPERTIES)
    for mechanism, participation in itertools.product(
        [each for each in vd.MECHANISMS.values() if each.kind is AssemblerCase], ("interim", "ex_post")
    ):
        parameters = {"participation": participation} if "participation" in mechanism.parameters else {}
        assert set(mechanism.promises(**parameters)) <= set(vd.PROPERTIES)


@pytest.mark.parametrize(
    ("terms", "quantity", "worst", "witness"),
    [
        ({}, 1e9, 0.0, (None, None, None, None)),
        ({"suppliers.b.capacity": 9.5}, [[5, 5], [10, 8]], 0.5, ("b", 3.0, None, "a=9")),
        ({"suppliers.b.capacity": 10.0}, [[5, 5], [10, 8]], 0.0, ("b", 3.0, None, "a=9")),
        ({"suppliers.a.minimum_order": 6.0}, [[8, 0], [7, 5.5]], 0.5, ("a", 9.0, None, "b=7")),
        ({"suppliers.a.minimum_order": 6.0}, [[8, 0], [7, 6]], 0.0, ("a", 9.0, None, "b=7")),
        ({"suppliers.a.lot_size": 2.5}, [[7.5, 5], [5, 2]], 0.5, ("a", 9.0, None, "b=7")),
    ],
)
def test_orders_are_within_what_a_supplier_takes(
    pair: AssemblerCase, terms: dict[str, float], quantity: ArrayLike, worst: float, witness: Where
) -> None:
    own = pair.changed(**terms)
    orders = menu(own, np.broadcast_to(np.asarray(quantity, dtype=float), (2, 2, 2)), 1e12)
    found = vd.PROPERTIES["capacity"](orders)
    check(found, worst == 0.0, worst, witness)


def test_orders_that_a_supplier_does_not_take_are_not_sent(pair: AssemblerCase) -> None:
    own = pair.changed(**{"suppliers.b.capacity": 9.5})
    with pytest.raises(InputError, match=r"menu: got <capacity fails: worst 0.5 .*allowed: a menu with orders within every"):
        vd.contracts.supplier_contracts(menu(own, 10.0, 100.0))
    assert list(vd.contracts.supplier_contracts(menu(own, 9.5, 100.0))) == ["a", "b"]
