"""Utilities that are worked out for all types at once, and rows whose terms are made when they are asked for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr import LinearExpression, identify_variables, replace_expressions

import veridical as vd
from veridical.contracts.linear_utility import Decision, EveryType, NotLinearError
from veridical.models.decisions import Decisions, evaluation, evaluation_of_all_types

Utility = Callable[[Any, Any, Any, tuple[Any, ...]], Any]
VALUES = (1, 2.5, 4, 7.25)


def space() -> vd.TypeSpace:
    return vd.TypeSpace({"ann": {f"type {k}": value for k, value in enumerate(VALUES)}, "bob": [0.5, 1, 3]})


def declared(types: vd.TypeSpace, utility: Utility, incentive: str = "dominant") -> Any:
    m = pyo.ConcreteModel()
    m.sold = pyo.Var(types.agents, types.profiles, bounds=(0, 1))
    m.price = pyo.Var(types.agents, types.profiles)
    m.one_thing = pyo.Constraint(
        types.profiles, rule=lambda m, *reports: sum(m.sold[agent, reports] for agent in types.agents) <= 1
    )
    vd.truthful(m, types, utility, incentive)
    revenue = types.expectation(lambda reports: sum(m.price[agent, reports] for agent in types.agents))
    m.revenue = pyo.Objective(expr=revenue, sense=pyo.maximize)
    return m


def for_each(utility: Utility) -> Utility:
    """Return the same utility, which cannot be called for all types at once."""
    return lambda m, agent, theta, reports: utility(m, agent, float(theta) if type(theta) is not int else int(theta), reports)


def plain(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return theta * m.sold[agent, reports] - m.price[agent, reports]


def arithmetic(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    sold = m.sold[agent, reports]
    worth = (theta**2 - 3 / (1 + theta)) * sold / (2 + theta) + (2 - theta) * 0.25 * sold + 2**theta / 1000 - -theta * 0.01
    return +worth - (m.price[agent, reports] + 0.125 * sold) / 1.5


def by_class(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return (3 if isinstance(theta, int) else theta) * m.sold[agent, reports] - m.price[agent, reports]


def by_identity(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return (9 if theta is VALUES[3] else theta) * m.sold[agent, reports] - m.price[agent, reports]


def by_comparison(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return (9 if theta > 3 else theta) * m.sold[agent, reports] - m.price[agent, reports]


def by_function(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return math.sqrt(theta) * m.sold[agent, reports] - m.price[agent, reports]


def by_key(m: Any, agent: Any, theta: Any, reports: tuple[Any, ...]) -> Any:
    return {1: 2, 2.5: 3, 4: 3.5, 7.25: 3.75, 0.5: 1, 3: 4}[theta] * m.sold[agent, reports] - m.price[agent, reports]


@pytest.mark.parametrize("incentive", ["dominant", "bayesian"])
@pytest.mark.parametrize("utility", [plain, arithmetic, by_class, by_comparison, by_function, by_key])
def test_rows_are_the_same_for_all_types_at_once_and_for_each(utility: Utility, incentive: str) -> None:
    at_once, each = declared(space(), utility, incentive), declared(space(), for_each(utility), incentive)
    for name in ("incentive_compatibility", "individual_rationality"):
        rows = {key: str(row.expr) for key, row in at_once.component(name).items()}
        assert rows == {key: str(row.expr) for key, row in each.component(name).items()}
    found, expected = vd.solvers.solve(at_once), vd.solvers.solve(each)
    assert found.audit is not None
    assert found.audit.truthful
    assert found.objective == pytest.approx(expected.objective, rel=1e-9)
    assert found.contracts.utilities["ann"].worth.shape == (4, 4, 3)
    for agent in ("ann", "bob"):  # by evaluation of the utilities with numbers
        types = space()
        others = {other: labels for other in types.agents if other != agent for labels in [types.labels(other)]}
        ((_, labels),) = others.items()
        for (k, s, o), worth in np.ndenumerate(found.contracts.utilities[agent].worth):
            reports = (types.labels(agent)[s], labels[o]) if agent == "ann" else (labels[o], types.labels(agent)[s])
            assert worth == pytest.approx(pyo.value(utility(at_once, agent, types.values(agent)[k], reports)), abs=1e-9)


@pytest.mark.parametrize(
    ("utility", "at_once"),
    [(plain, True), (arithmetic, True)] + [(one, False) for one in (by_class, by_identity, by_comparison, by_function, by_key)],
)
def test_utilities_that_tell_types_apart_are_called_for_each(utility: Utility, at_once: bool) -> None:
    types, m = space(), declared(space(), plain)
    decisions = Decisions(m)
    assert decisions.work_out(utility, types, types.agents) is at_once
    assert bool(decisions.of_all_types) is at_once
    for (agent, reports), form in decisions.of_all_types.items():
        for k, theta in enumerate(types.values(agent)):
            alone = Decision.of(utility(decisions.stand_in, agent, theta, reports))
            assert (form.at(k).coefficients, form.at(k).constant) == (alone.coefficients, alone.constant)  # to the last bit


@pytest.mark.parametrize(
    "use",
    [
        bool,
        float,
        int,
        abs,
        round,
        str,
        math.exp,
        math.floor,
        lambda theta: theta > 1,
        lambda theta: theta == 1,
        lambda theta: {1: 2}[theta],
        lambda theta: [1, 2][theta],
        lambda theta: theta[0],
        lambda theta: f"{theta}",
        lambda theta: max(theta, 1),
        lambda theta: theta in (1, 2),
        lambda theta: theta * True,
        lambda theta: theta + "1",
        np.sqrt,
        lambda theta: theta // 1,
        lambda theta: theta % 1,
    ],
)
def test_what_is_no_arithmetic_is_refused_for_all_types_at_once(use: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):  # NotLinearError is one
        use(EveryType([1, 2]))


def test_what_cancels_in_a_utility_leaves_nothing_behind() -> None:
    m = declared(space(), arithmetic)  # at a type of 1 what sold is worth cancels to 1e-17, of which a unit was made
    form = Decisions(m).linear(arithmetic, "ann", 1, ("type 0", 1))
    assert 0 in form.coefficients.values()
    assert min(abs(factor) for row in m.incentive_compatibility.values() for factor in row.body.linear_coefs) > 1e-3


def test_products_of_decisions_are_refused_for_all_types_at_once() -> None:
    with pytest.raises(NotLinearError):
        EveryType([1, 2]) * Decision({0: 1.0}) * Decision({1: 1.0})


def test_rows_are_linear_expressions_to_pyomo() -> None:
    m = declared(space(), arithmetic)
    row = m.incentive_compatibility["ann", "type 2", "type 1", "bob=1"]
    assert isinstance(row.body, LinearExpression)
    assert row.body.nargs() == len(row.body.args) == 4
    assert len(list(identify_variables(row.body))) == 4
    for variable in m.component_data_objects(pyo.Var):
        variable.set_value(0.5)
    worth = pyo.value(row.body)
    expected = sum(float(factor) * 0.5 for factor in row.body.linear_coefs)
    assert worth == pytest.approx(expected)
    sold = m.sold["ann", "type 2", 1]
    sums = [row.body + 1, 1 + row.body, row.body + sold, row.body - row.body, 2 * row.body, sum([row.body, row.body])]
    assert [pyo.value(one) for one in sums] == pytest.approx([worth + 1, worth + 1, worth + 0.5, 0, 2 * worth, 2 * worth])
    assert pyo.value(row.body) == worth  # sums left it as it was
    assert row.body.polynomial_degree() == 1
    assert pyo.value(replace_expressions(row.body, {id(sold): 0.0})) == pytest.approx(
        worth - 0.5 * float(dict(zip(map(id, row.body.linear_vars), row.body.linear_coefs, strict=True))[id(sold)])
    )
    assert str(copy.deepcopy(row.body)) == str(row.body)


def test_rows_are_written_and_solved_by_others_and_cloned() -> None:
    m = declared(space(), arithmetic)
    expected = vd.solvers.solve(m).objective
    pyo.SolverFactory("appsi_highs").solve(m)
    assert pyo.value(m.revenue) == pytest.approx(expected, rel=1e-7)
    assert vd.solvers.solve(m.clone()).objective == pytest.approx(expected, rel=1e-9)
    text = StringIO()
    m.write("/dev/null", format="lp")
    m.pprint(ostream=text)
    assert "incentive_compatibility" in text.getvalue()


def test_fixed_variables_count_as_their_values() -> None:
    m = declared(space(), plain)
    m.sold["ann", "type 3", 1].fix(0.25)
    at_once = vd.solvers.solve(m).objective
    other = declared(space(), for_each(plain))
    other.sold["ann", "type 3", 1].fix(0.25)
    assert at_once == pytest.approx(vd.solvers.solve(other).objective, rel=1e-9)
    m.sold["ann", "type 3", 1].unfix()
    assert vd.solvers.solve(m).objective == pytest.approx(vd.solvers.solve(declared(space(), plain)).objective, rel=1e-9)


@pytest.mark.parametrize("utility", [plain, arithmetic, lambda m, agent, theta, reports: theta - 2 if agent == "bob" else 3])
def test_all_types_at_once_are_evaluated_as_each_of_them_is(utility: Utility) -> None:
    m, types = declared(space(), plain), space()
    vd.solvers.solve(m)
    at_once = Decisions(m)
    assert at_once.work_out(utility, types, types.agents)
    one = evaluation(m, utility, types, Decisions(m))
    for agent, other in (("ann", "bob"), ("bob", "ann")):
        place = types.agents.index(agent)
        profiles = [[(s, o) if place == 0 else (o, s) for o in types.labels(other)] for s in types.labels(agent)]
        found = evaluation_of_all_types(m, at_once)(agent, profiles)
        assert found is not None
        alone = [[[one(agent, theta, reports) for reports in row] for row in profiles] for theta in types.values(agent)]
        np.testing.assert_allclose(np.stack(found, axis=-1), alone, rtol=1e-12, atol=1e-12)  # worth, and the largest amount in it
