"""A model that is given the numbers of another case of the same structure is that case's model, whatever the mechanism."""

from dataclasses import replace
from functools import wraps
from itertools import combinations
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import build, demands
from support.strategies import examples, shares
from veridical.data import AssemblerCase
from veridical.models.info import Carried, info_of
from veridical.solvers.packaging import families_of
from veridical.solvers.translate.standard_form import Repeatable, compile_model

MECHANISMS = {
    name: mechanism
    for name, mechanism in vd.MECHANISMS.items()
    if mechanism.kind is AssemblerCase and isinstance(getattr(mechanism.build, "carried", None), Carried)
}
WIDE = {"distribution": "uniform", "low": 100, "high": 900}
FORMS = {"uniform": ("tangent", "quadratic"), "empirical": ("linear",)}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[AssemblerCase, AssemblerCase, str, dict[str, Any]]:
    """Return two cases with the same suppliers and demand, a form of its sales, and parameters."""
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    kind = draw(st.sampled_from(sorted(FORMS)))
    demand, joint, least = draw(demands(kind)), draw(st.booleans()), draw(st.sampled_from([0, 1, 1, 1]))

    def case() -> AssemblerCase:
        steps = [draw(st.lists(st.integers(2, 40), min_size=count, max_size=count)) for count in counts]
        costs, price = [(np.cumsum(own) / 4).tolist() for own in steps], draw(st.integers(20, 600)) / 8
        if joint:
            table = np.reshape(draw(shares(int(np.prod(counts)), least)), counts)
            return build(costs, joint=table, price=price, demand=demand)
        return build(costs, [draw(shares(count, least)) for count in counts], price=price, demand=demand)

    return case(), case(), draw(st.sampled_from(FORMS[kind])), {"feasibility": draw(st.booleans())}


# In the first a virtual cost cancels to 0, and no probability is 0: weights in 39ths and in 62nds.
CANCELLING = (
    build(
        [[6.25, 10], [6.25, 9, 15.25], [4.75, 10.75]],
        joint=np.reshape([2, 1, 8, 6, 1, 4, 4, 3, 6, 1, 2, 1], (2, 3, 2)) / 39,
        price=18.125,
        demand=WIDE,
    ),
    build(
        [[2.5, 6.5], [4.25, 8.25, 16.5], [4, 13.25]],
        joint=np.reshape([3, 6, 7, 4, 5, 8, 3, 8, 3, 4, 4, 7], (2, 3, 2)) / 62,
        price=75.0,
        demand=WIDE,
    ),
)


def test_all_of_the_assemblers_mechanisms_can() -> None:
    assert set(MECHANISMS) == {"naive", "frw", "hybrid", "icds_balanced", "icds", "bic", "first_best"}


@pytest.mark.parametrize("name", sorted(MECHANISMS))
@examples(20)
@given(pair=pairs())
@example(pair=(*CANCELLING, "quadratic", {"feasibility": True}))
def test_the_model_is_the_other_cases(name: str, pair: tuple[AssemblerCase, AssemblerCase, str, dict[str, Any]]) -> None:
    built, other, form, parameters = pair
    mechanism = MECHANISMS[name]
    chosen = {key: value for key, value in parameters.items() if key in mechanism.parameters}
    carried = mechanism.build.carried  # type: ignore[union-attr]
    assume(carried.structure(built, **chosen) == carried.structure(other, **chosen))
    try:
        model, anew = (vd.build(case, name, form, **chosen) for case in (built, other))
    except vd.InputError:
        assume(False)  # beliefs that bic refuses
    repeatable = Repeatable(model)
    carried.renumber(model, other)
    again, fresh = repeatable.form(), compile_model(anew)
    if again is None:  # a probability is 0 in one of them, or a sum of costs cancels: so it is from the other one's side
        back = Repeatable(anew)
        carried.renumber(anew, built)
        assert back.form() is None
        return
    for part in ("cost", "row_low", "row_high", "low", "high"):
        np.testing.assert_array_equal(getattr(again, part), getattr(fresh, part), err_msg=part)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(again.matrix, part), getattr(fresh.matrix, part))
    assert again.offset == fresh.offset
    assert (again.hessian is None) == (fresh.hessian is None)
    if again.hessian is not None and fresh.hessian is not None:
        np.testing.assert_array_equal(again.hessian.toarray(), fresh.hessian.toarray())
    families, expected = families_of(info_of(model), again), families_of(info_of(anew), fresh)
    prices = np.arange(len(fresh.row_low), dtype=float)
    assert list(families) == list(expected)
    for family, (rows, series) in expected.items():
        found = families[family][1](prices[families[family][0]])
        assert found.equals(series(prices[rows])), family
        assert found.index.names == series(prices[rows]).index.names
    assert list(info_of(model).standing(model)) == list(info_of(anew).standing(anew))
    for filled in (model, anew):
        for variable, value in zip(compile_model(filled).variables, np.linspace(1, 2, len(fresh.cost)), strict=True):
            variable.set_value(value, skip_validation=True)
    menus = [info_of(filled).contracts(filled, {}) for filled in (model, anew)]  # type: ignore[misc]
    assert menus[0].case == menus[1].case == other
    np.testing.assert_array_equal(menus[0].quantity, menus[1].quantity)
    np.testing.assert_array_equal(menus[0].payment, menus[1].payment)


def test_what_a_mechanism_decides_by_costs_is_structure() -> None:
    narrow, wide = build([[4, 9], [3, 7]], [[0.5, 0.5]] * 2), build([[4, 9], [3, 12]], [[0.5, 0.5]] * 2)
    structure = MECHANISMS["hybrid"].build.carried.structure  # type: ignore[union-attr]
    assert structure(narrow, k=1) != structure(wide, k=1)
    assert structure(narrow, k=2) == structure(wide, k=2)


@pytest.mark.parametrize(("one", "other"), list(combinations(("minimum_order", "lot_size", "setup_cost"), 2)))
def test_two_rules_of_orders_with_the_same_number_are_two_structures(one: str, other: str) -> None:
    first, second = (vd.example("two-suppliers").changed(**{f"suppliers.panel.{rule}": 350.0}) for rule in (one, other))
    repeated = vd.Repeated()
    for case in (first, second):  # lots of 350 were taken for orders of 350 at least: 6,939.4 was called the optimum, not 6,834.4
        found, whole = repeated.solve(case, "icds", "highs"), vd.solve(case, "icds", "highs")
        assert found.objective == pytest.approx(whole.objective, rel=1e-7)  # of a mixed-integer program
        assert found.contracts.case == case


@pytest.mark.parametrize("name", sorted(MECHANISMS))
def test_a_function_that_wraps_a_builder_is_another_one(name: str) -> None:
    build = MECHANISMS[name].build
    assert build is not None

    @wraps(build)
    def capped(case: AssemblerCase, **parameters: Any) -> Any:  # has all the attributes of `build`
        m = build(case, **parameters)
        m.cap = pyo.Constraint(expr=m.profit.expr <= 100 * case.price)  # a number of the case that is in no Param
        return m

    assert Carried.by(build) is not None
    assert Carried.by(capped) is None


def test_a_mechanism_that_adds_to_a_shipped_one_is_solved_with_the_numbers_of_each_point() -> None:
    icds = MECHANISMS["icds"]

    @wraps(vd.models.icds.build)
    def capped(case: AssemblerCase, form: str = "auto", feasibility: bool = True, coalitions: bool = False) -> Any:
        m = vd.models.icds.build(case, form, feasibility, coalitions)
        m.cap = pyo.Constraint(m.PROFILES, rule=lambda m, t: sum(m.payment[i, t] for i in m.SUPPLIERS) <= 200 * case.price)
        return m

    mine = replace(icds, name="capped", routes=(replace(icds.routes[0], way=capped),))
    case = vd.example("two-suppliers")
    table = vd.study({"case": case, "mechanisms": [mine], "vary": {"price": {"values": [20, 30, 40]}}})
    expected = [vd.solve(case, mine, price=price).objective for price in (20, 30, 40)]
    assert table["objective"].tolist() == pytest.approx(expected, rel=1e-8)


def test_a_bound_on_bets_moves_with_costs_and_is_no_structure() -> None:
    case = build([[4, 9], [3, 7]], [[0.5, 0.5]] * 2)
    assert MECHANISMS["bic"].build.carried.structure(case, max_payment=100.0) is None  # type: ignore[union-attr]
