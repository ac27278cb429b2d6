"""Truth, participation and budgets declared on models of the user's own: rows, duals, audits, tables, and what is refused."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.contracts import DirectMechanism
from veridical.contracts.direct_mechanism_audit import MechanismAudit
from veridical.data import InputError, NotSolvedError
from veridical.solvers import Solution

TYPES = vd.TypeSpace({"seller": [1.0, 2.0], "buyer": {"low": 1.5, "high": 3.0}}, {"seller": [0.5, 0.5], "buyer": [0.4, 0.6]})
WORTH = {"seller": -1.0, "buyer": 1.0}


def utility(m: Any, agent: str, theta: float, reports: Any) -> Any:
    """Return what a unit that changes hands is worth, with the payment."""
    return WORTH[agent] * theta * m.trade[reports] + m.payment[agent, reports]


def trade(types: vd.TypeSpace = TYPES) -> Any:
    """Return a model of trade between a seller and a buyer, without any declaration."""
    m = pyo.ConcreteModel()
    m.trade, m.payment = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.agents, types.profiles)
    surplus = types.expectation(lambda r: (types.value("buyer", r[1]) - types.value("seller", r[0])) * m.trade[r])
    m.surplus = pyo.Objective(expr=surplus, sense=pyo.maximize)
    return m


def mechanism_of(solution: Solution) -> DirectMechanism:
    assert isinstance(solution.contracts, DirectMechanism)
    return solution.contracts


def audit_of(solution: Solution) -> MechanismAudit:
    assert isinstance(solution.audit, MechanismAudit)
    return solution.audit


def test_families_are_indexed_in_words() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m)
    assert "(agent " in solution.explain()
    duals = solution.duals
    assert duals["incentive_compatibility"].index.names == ["agent", "type", "report", "others"]
    assert ("buyer", "high", "low", "seller=1") in duals["incentive_compatibility"].index
    assert ("seller", 1.0, "buyer=low") in duals["individual_rationality"].index
    assert "seller=1, buyer=high" in duals["budget"].index
    m = trade()
    vd.truthful(m, TYPES, utility, "bayesian", "interim")
    vd.budget(m, TYPES, m.payment, "ex_ante")
    solution = vd.solvers.solve(m)
    assert solution.duals["incentive_compatibility"].index.names == ["agent", "type", "report"]
    assert solution.duals["individual_rationality"].index.names == ["agent", "type"]
    assert solution.duals["budget"].index.tolist() == ["expected"]


def test_a_row_says_what_truth_asks_for() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    for reports in TYPES.profiles:
        m.trade[reports], m.payment["buyer", reports] = 0.5, -0.7
    m.trade[1.0, "low"] = 0.25
    row = m.incentive_compatibility["buyer", "high", "low", "seller=1"]
    assert pyo.value(row.body) - (row.lower or 0) == pytest.approx((3 * 0.5 - 0.7) - (3 * 0.25 - 0.7))


def test_the_shadow_price_of_a_budget_is_a_finite_difference() -> None:
    def optimum(subsidy: float) -> Solution:
        m = trade()
        vd.truthful(m, TYPES, utility, "bayesian", "interim")
        paid = TYPES.expectation(lambda r: sum(m.payment[agent, r] for agent in TYPES.agents))
        m.subsidised = pyo.Constraint(expr=paid <= subsidy)
        m.cost = pyo.Constraint(expr=m.payment["seller", (1.0, "low")] >= -5)
        return vd.solvers.solve(m)

    step, at = 1e-3, -0.05
    difference = (optimum(at + step).objective - optimum(at - step).objective) / (2 * step)
    assert optimum(at).duals["subsidised"].iloc[0] == pytest.approx(difference, abs=1e-7)


def test_agents_can_be_declared_one_after_the_other_under_different_concepts() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility, "dominant", "ex_post", agents=["seller"])
    vd.truthful(m, TYPES, utility, "bayesian", "interim", agents="buyer")
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m)
    assert audit_of(solution).truthful
    assert audit_of(solution).individually_rational
    keys = solution.duals["incentive_compatibility"].index.tolist()
    assert {(key[0], sum(part == part for part in key)) for key in keys} == {("seller", 4), ("buyer", 3)}
    with pytest.raises(InputError, match="agents: got 'buyer'; allowed: agents that nothing is promised to yet"):
        vd.truthful(m, TYPES, utility, agents=["buyer"])


def test_what_is_promised_to_nobody_is_not_asked_for() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility, "none", "ex_post")
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(0.5 * 0.4 * 0.5 + 0.6 * (0.5 * 2 + 0.5 * 1))  # first best
    assert not audit_of(solution).truthful
    assert solution.warnings == ()


@pytest.mark.parametrize("kind", ["param", "expression", "block", "nonlinear"])
def test_utilities_may_use_what_models_have(kind: str) -> None:
    def own(m: Any, agent: str, theta: float, reports: Any) -> Any:
        paid = m.paid[agent, reports] if kind == "expression" else m.payment[agent, reports]
        scale = m.scale if kind == "param" else 1.0
        extra = m.inner.bonus if kind == "block" else 0.0
        effort = 0.1 * m.trade[reports] ** 2 if kind == "nonlinear" else 0.0
        return scale * WORTH[agent] * theta * m.trade[reports] + paid + extra - effort

    m = trade()
    m.scale = pyo.Param(initialize=1.0, mutable=True)
    m.inner = pyo.Block()
    m.inner.bonus = pyo.Var(bounds=(0, 0))
    m.paid = pyo.Expression(TYPES.agents, TYPES.profiles, rule=lambda m, agent, *r: m.payment[(agent, *r)])
    vd.truthful(m, TYPES, own)
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m, "ipopt" if kind == "nonlinear" else "highs")
    assert audit_of(solution).truthful
    assert audit_of(solution).individually_rational
    plain = trade()
    vd.truthful(plain, TYPES, utility)
    vd.budget(plain, TYPES, plain.payment)
    if kind != "nonlinear":
        assert solution.objective == pytest.approx(vd.solvers.solve(plain).objective)
    assert solution.status == ("locally_optimal" if kind == "nonlinear" else "optimal")
    if kind == "param":  # a number that is changed is changed in the rows, and in the audit
        m.scale.value = 10.0
        assert pyo.value(m.incentive_compatibility["buyer", "low", "high", "seller=1"].body) != 0
        assert audit_of(vd.solvers.solve(m)).truthful


def test_a_concave_mechanism_is_optimal_by_ipopt() -> None:
    types = vd.TypeSpace({"supplier": [1.0, 2.0]})
    m = pyo.ConcreteModel()
    m.quality, m.payment = pyo.Var(types.profiles, bounds=(0, 10)), pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, agent, theta, r: m.payment[r] - theta * m.quality[r])
    m.value = pyo.Objective(
        expr=types.expectation(lambda r: 8 * m.quality[r] - m.quality[r] ** 2 - m.payment[r]), sense=pyo.maximize
    )
    solution = vd.solvers.solve(m, "ipopt")
    assert solution.status == "optimal"
    # marginal value 8 - 2 q is the cost of the cheap type, and the virtual cost 2 + 1 of the dear one
    assert [m.quality[t].value for t in (1.0, 2.0)] == pytest.approx([3.5, 2.5], abs=1e-6)


def test_the_audit_looks_at_the_utility_and_not_at_the_rows() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    m.incentive_compatibility.deactivate()
    solution = vd.solvers.solve(m)
    assert not audit_of(solution).truthful
    worst = audit_of(solution).misreports[0]
    assert (worst.agent, worst.type, worst.report) == ("buyer", "high", "low")
    assert solution.warnings[0].startswith("what was declared does not hold: dominant_strategy_ic fails: worst ")


def test_a_component_that_was_replaced_is_audited_as_it_is_now() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    vd.solvers.solve(m)
    for name in ("incentive_compatibility", "individual_rationality", "budget", "payment"):
        m.del_component(name)
    m.payment = pyo.Var(TYPES.agents, TYPES.profiles, initialize=0.0)
    m.payment.fix(0.0)
    solution = vd.solvers.solve(m)
    assert audit_of(solution).max_regret == pytest.approx(1.5)  # low says high to a seller at 2, and gets it for nothing
    copied = vd.solvers.solve(m.clone())
    assert audit_of(copied).max_regret == audit_of(solution).max_regret


def test_a_clone_is_audited_by_its_own_values() -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    copy = m.clone()
    copy.trade.fix(0.0)
    assert vd.solvers.solve(m).objective > vd.solvers.solve(copy).objective == 0
    assert mechanism_of(vd.solvers.solve(copy)).decisions["trade", ""].max() == 0
    assert pickle.loads(pickle.dumps(vd.solvers.solve(copy))).audit.truthful


def test_tables_json_and_csv_say_the_same(tmp_path: Path) -> None:
    m = trade()
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m)
    menu = solution.menu
    assert menu is not None
    assert menu.loc[(1.0, "high"), ("trade", "")] == m.trade[1.0, "high"].value
    record = json.loads(json.dumps(solution.to_dict(), allow_nan=False))
    row = record["menu"][1]
    assert row["reports"] == {"seller": 1.0, "buyer": "high"}
    assert row["payment"]["buyer"] == m.payment["buyer", 1.0, "high"].value
    assert row["utility"]["buyer"] == pytest.approx(3 * m.trade[1.0, "high"].value + row["payment"]["buyer"])
    assert record["audit"]["properties"]["dominant_strategy_ic"]["holds"] is True
    assert (record["audit"]["evaluations"], record["audit"]["sampled"]) == (16, False)
    mechanism_of(solution).to_csv(tmp_path / "menu.csv")
    for offer in (menu, tmp_path / "menu.csv", str(tmp_path / "menu.csv")):
        found = vd.audit(TYPES, utility, offer)
        assert found.truthful
        assert found.to_dict()["properties"]["ex_post_ir"] == record["audit"]["properties"]["ex_post_ir"]
    assert "<table" in mechanism_of(solution)._repr_html_()
    assert repr(solution.contracts) == (
        "DirectMechanism(TypeSpace(seller: 2 types, buyer: 2 types), decisions: trade, payment seller, payment buyer)"
    )


def test_a_table_written_by_hand_is_audited(tmp_path: Path) -> None:
    rows = [
        "seller,buyer,trade,payment seller,payment buyer",
        "1,low,1,1.5,-1.5",
        "1.0,high,1,2,-3",
        "2,low,0,0,0",
        "2,high,1,2,-2",
    ]
    path = tmp_path / "menu.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    found = vd.audit(TYPES, utility, path)
    assert found.max_regret == pytest.approx(1.5)  # high says low at seller=1: pays 1.5 instead of 3
    worst = found.misreports[0]
    assert (worst.agent, worst.type, worst.report, worst.others) == ("buyer", "high", "low", "seller=1")
    curved = vd.audit(TYPES, lambda m, agent, theta, r: utility(m, agent, theta, r) - m.trade[r] ** 2, path)
    assert curved.max_regret == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "menu.csv: <file>: got <an empty file>; allowed: a header and a row for every profile of reports"),
        ("seller,trade\n1,1\n", "menu.csv: header: got <a header without buyer>; allowed: exactly one column 'buyer'"),
        ("seller,buyer,trade\n1,mid,1\n", "menu.csv: row 2, column buyer: got 'mid'; allowed: one of low, high"),
        ("seller,buyer,trade\n1,low,x\n", "menu.csv: row 2, column trade: got 'x'; allowed: a finite number"),
        ("seller,buyer,trade\n1,low,1\n1,low,1\n", "menu.csv: row 3: got 'seller=1, buyer=low'; allowed: every profile once"),
        (
            "seller,buyer,trade\n1,low,1\n",
            "menu.csv: rows: got <no row for seller=1, buyer=high>; allowed: a row for each of the 4",
        ),
        (
            "seller,buyer,trade\n1,low,1\n1,high,1\n2,low,1\n2,high,1\n",
            "utility of seller: got <no column payment>; allowed: one that asks for columns there are: trade",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_place(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "menu.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(words)):
        vd.audit(TYPES, utility, path)


def model() -> Any:
    return pyo.ConcreteModel()


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (
            lambda: vd.truthful(trade(), TYPES, utility, "dominate"),
            "incentive: got 'dominate'; allowed: one of dominant, ex_post",
        ),
        (
            lambda: vd.truthful(trade(), TYPES, utility, participation="x"),
            "participation: got 'x'; allowed: one of ex_post, interim",
        ),
        (lambda: vd.truthful(trade(), TYPES, utility, agents=["q"]), "agent: got 'q'; allowed: one of seller, buyer"),
        (
            lambda: vd.truthful(trade(), TYPES, utility, interdependent=True),
            "incentive: got 'dominant'; allowed: ex_post, bayesian or none",
        ),
        (lambda: vd.truthful(None, TYPES, utility), "model: got <NoneType>; allowed: a Pyomo model"),
        (lambda: vd.truthful(trade(), {"a": [1]}, utility), "types: got <dict>; allowed: a TypeSpace"),  # type: ignore[arg-type]
        (
            lambda: vd.truthful(trade(), TYPES, lambda m, agent, theta, r: None),
            "utility of seller at type 1.0 and reports seller=1, buyer=low: got None; allowed: a number, or an expression",
        ),
        (
            lambda: vd.truthful(trade(), TYPES, lambda m, agent, theta, r: -theta),
            "individual_rationality[seller, 1, buyer=low]: got <-1 >= 0>; allowed: a row that some decision can make true",
        ),
        (
            lambda: vd.truthful(trade(), TYPES, utility, outside_option=lambda agent, theta: "much"),
            "outside_option of seller: got 'much'; allowed: a finite number",
        ),
        (
            lambda: vd.truthful(vd.build(vd.example("two-suppliers")), TYPES, utility),
            "model: got 'icds'; allowed: a model of your own: this one is a mechanism already",
        ),
        (lambda: vd.budget(trade(), TYPES, {}, "weekly"), "kind: got 'weekly'; allowed: one of ex_post, ex_ante"),
        (
            lambda: vd.truthful(trade(), TYPES, utility, adjacent="x"),  # type: ignore[arg-type]
            "adjacent: got 'x'; allowed: True or False",
        ),
    ],
)
def test_what_cannot_be_declared_is_refused_by_name(declare: Any, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        declare()


def test_a_second_budget_and_a_component_of_the_same_name_are_refused() -> None:
    m = trade()
    vd.budget(m, TYPES, m.payment)
    with pytest.raises(InputError, match="budget: got <a second one>"):
        vd.budget(m, TYPES, m.payment)
    m = trade()
    m.incentive_compatibility = pyo.Var()
    with pytest.raises(InputError, match="model: got <a component incentive_compatibility of its own>"):
        vd.truthful(m, TYPES, utility)


def test_a_budget_alone_is_no_mechanism() -> None:
    m = trade()
    vd.budget(m, TYPES, m.payment)
    solution = vd.solvers.solve(m)
    assert solution.audit is None
    assert solution.menu is None


def test_a_conflict_names_every_family() -> None:
    types = vd.TypeSpace.grid({"seller": (0.0, 1.0), "buyer": (0.0, 1.0)}, 6)
    m = trade(types)
    vd.truthful(m, types, utility, "bayesian", "interim")
    vd.budget(m, types, m.payment)

    @m.Constraint(types.profiles)
    def efficient(m: Any, seller: float, buyer: float) -> Any:
        return pyo.Constraint.Skip if seller == buyer else m.trade[seller, buyer] == float(buyer > seller)

    with pytest.raises(NotSolvedError) as error:
        vd.solvers.solve(m)
    assert all(f"{family}[" in str(error.value) for family in ("budget", "incentive_compatibility", "individual_rationality"))
    m.budget.deactivate()
    assert audit_of(vd.solvers.solve(m)).truthful


def test_rents_lie_between_both_sides_of_the_envelope_formula() -> None:
    types = vd.TypeSpace.grid({"seller": (0.0, 1.0), "buyer": (0.0, 1.0)}, 6)
    m = trade(types)
    vd.truthful(m, types, utility, "bayesian", "interim")
    vd.budget(m, types, m.payment)
    mechanism = mechanism_of(vd.solvers.solve(m))
    for agent in types.agents:
        table = mechanism.envelope(agent)
        assert (table["rent"] >= table[["low", "high"]].min(axis=1) - 1e-9).all()
        assert (table["rent"] <= table[["low", "high"]].max(axis=1) + 1e-9).all()
        assert table["rent"].tolist() == pytest.approx(mechanism.rents(agent).tolist())
    with pytest.raises(InputError, match="one-dimensional types: numbers"):
        vd.examine(vd.TypeSpace({"a": ["x", "y"]}), lambda agent, theta, r: 0.0).mechanism.envelope("a")


def test_the_error_of_a_grid_is_what_types_at_the_ends_of_cells_gain() -> None:
    points = 5
    types = vd.TypeSpace.grid({"buyer": (0.0, 1.0)}, points)
    m = pyo.ConcreteModel()
    m.sold, m.price = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, agent, theta, r: theta * m.sold[r] - m.price[r])
    m.revenue = pyo.Objective(expr=types.expectation(lambda r: m.price[r]), sense=pyo.maximize)
    solution = vd.solvers.solve(m)
    error = mechanism_of(solution).grid_error
    assert error is not None
    # A posted price at the middle of a cell: who is half a cell below it buys at a loss, or would say a lower cell.
    assert error.to_dict("index")["buyer"] == pytest.approx({"regret": 0.5 / points, "loss": 0.5 / points})
    assert audit_of(solution).to_dict()["grid_error"] == error.to_dict("index")


def test_interdependent_values_see_the_whole_profile() -> None:
    types = vd.TypeSpace({"ann": [0.0, 1.0], "bob": [0.0, 1.0]})

    def own(m: Any, agent: str, theta: Any, reports: Any) -> Any:
        return sum(theta) * m.won[agent, reports] - m.paid[agent, reports]

    m = pyo.ConcreteModel()
    m.won, m.paid = pyo.Var(types.agents, types.profiles, bounds=(0, 1)), pyo.Var(types.agents, types.profiles)
    m.once = pyo.Constraint(types.profiles, rule=lambda m, *r: sum(m.won[agent, r] for agent in types.agents) <= 1)
    vd.truthful(m, types, own, "ex_post", interdependent=True)
    m.revenue = pyo.Objective(
        expr=types.expectation(lambda r: sum(m.paid[agent, r] for agent in types.agents)), sense=pyo.maximize
    )
    solution = vd.solvers.solve(m)
    assert audit_of(solution).incentive_concept == "ex_post_ic"
    assert audit_of(solution).truthful
    assert audit_of(solution).properties["dominant_strategy_ic"].holds is None
    assert not audit_of(solution).properties["dominant_strategy_ic"].searched
    # At (1, 0), (0, 1) it is worth 1, at (1, 1) 2. A type 1 who says 0 to a type 1 gets a type 0's share w there, worth 2 to
    # him, for which a truthful type 0 pays w: his rent is w. So w = 0, and everything is extracted.
    best = 0.25 * 2 + 0.5 * 1
    assert solution.objective == pytest.approx(best)


def joint(coalitions: bool, agents: int = 2) -> Any:
    """Return a purchase of up to a unit from each of several sellers, all of which are needed, at types 1 and 2."""
    names = [f"seller {k}" for k in range(agents)]
    weights = [0.45, *[0.1 / (2**agents - 2)] * (2**agents - 2), 0.45]
    types = vd.TypeSpace({name: [1.0, 2.0] for name in names}, np.reshape(weights, (2,) * agents))
    m = pyo.ConcreteModel()
    m.bought = pyo.Var(types.profiles, bounds=(0, 1))
    m.delivered, m.payment = pyo.Var(types.agents, types.profiles, bounds=(0, 1)), pyo.Var(types.agents, types.profiles)
    m.needed = pyo.Constraint(types.agents, types.profiles, rule=lambda m, i, *t: m.bought[t] <= m.delivered[(i, *t)])
    vd.truthful(m, types, lambda m, i, cost, t: m.payment[i, t] - cost * m.delivered[i, t], coalitions=coalitions)
    paid = types.expectation(lambda t: sum(m.payment[i, t] for i in types.agents))
    worth = types.expectation(lambda t: 2.5 * agents * (m.bought[t] - 0.3 * m.bought[t] ** 2))
    m.profit = pyo.Objective(expr=worth - paid, sense=pyo.maximize)
    return m


@pytest.mark.parametrize("agents", [2, 3])
def test_coalitions_that_are_declared_do_not_gain(agents: int) -> None:
    alone, together = (vd.solvers.solve(joint(coalitions, agents)) for coalitions in (False, True))
    names = ("coalition_ic", "coalition_ic_with_side_payments")
    assert [audit_of(alone).properties[name].holds for name in names] == [False, False]
    assert [audit_of(together).properties[name].holds for name in names] == [True, True]
    assert together.objective < alone.objective
    duals = together.duals["coalition_incentive_compatibility"]
    assert duals.index.names == ["coalition", "types", "reports", "others"]
    assert ("seller 0, seller 1", "1, 1", "2, 1", "" if agents == 2 else "seller 2=1") in duals.index
    assert duals.abs().max() > 0
    assert together.warnings == ()


def test_coalitions_that_gain_in_spite_of_a_declaration_are_warned_of() -> None:
    m = joint(True)
    m.coalition_incentive_compatibility.deactivate()
    (warning,) = vd.solvers.solve(m).warnings
    assert warning.startswith("what was declared does not hold: coalition_ic_with_side_payments fails: worst ")
    for incentive in ("bayesian", "none"):
        with pytest.raises(InputError, match="coalitions: got True; allowed: False, for incentives other than dominant"):
            vd.truthful(trade(), TYPES, utility, incentive, coalitions=True)


def test_nothing_is_declared_where_not_all_can_be() -> None:
    m = trade()
    with pytest.raises(InputError, match="individual_rationality"):
        vd.truthful(
            m, TYPES, lambda m, agent, theta, r: utility(m, agent, theta, r) if r[1] == "low" else 0.0, outside_option=1.0
        )
    assert m.component("incentive_compatibility") is None
    vd.truthful(m, TYPES, utility)
    vd.budget(m, TYPES, m.payment)
    assert audit_of(vd.solvers.solve(m)).truthful


def test_the_error_of_a_grid_is_left_out_where_it_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    types = vd.TypeSpace.grid({"buyer": (0.0, 1.0)}, 20)

    def posted(agent: str, theta: float, reports: Any) -> float:
        return theta - 0.5 if reports[0] > 0.5 else 0.0

    assert vd.examine(types, posted).mechanism.grid_error is not None
    monkeypatch.setattr("veridical.contracts.direct_mechanism.LOOKED_AT", 410)  # 400 pairs at the points, 420 at the ends
    found = vd.examine(types, posted)
    assert (found.sampled, found.mechanism.grid_error) == (False, None)
