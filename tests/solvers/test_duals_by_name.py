"""Shadow prices by name where names are unusual, and where there are none."""

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.solution import Duals, largest_of, words


def test_constraints_of_an_index_of_mixed_arity_have_duals() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(["a", "b"], bounds=(0, None))
    m.most = pyo.Constraint(pyo.Any)
    m.most["a"] = m.x["a"] <= 3
    m.most["b", 1] = m.x["b"] <= 4
    m.worth = pyo.Objective(expr=2 * m.x["a"] + 5 * m.x["b"], sense=pyo.maximize)
    duals = vd.solvers.solve(m).duals["most"]
    assert dict(zip(duals.index, duals, strict=True)) == pytest.approx({"a": 2.0, ("b", 1): 5.0})


def test_suffixes_keep_nothing_of_another_solve() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 9))
    m.limit = pyo.Constraint(expr=m.x <= 3)
    m.worth = pyo.Objective(expr=2 * m.x, sense=pyo.maximize)
    m.dual, m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    vd.solvers.solve(m)
    assert m.dual[m.limit] == pytest.approx(2)
    m.limit.deactivate()
    vd.solvers.solve(m)
    assert m.limit not in m.dual
    assert m.rc[m.x] == pytest.approx(2)
    m.x.domain = pyo.Integers
    vd.solvers.solve(m)
    assert len(m.dual) == len(m.rc) == 0


def test_that_a_model_with_integers_has_no_duals_is_said_when_they_are_asked_for() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(domain=pyo.NonNegativeIntegers)
    m.limit = pyo.Constraint(expr=2 * m.x <= 7)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)
    duals = vd.solvers.solve(m).duals
    assert dict(duals) == {}
    with pytest.raises(KeyError, match="integers has no shadow prices"):
        duals["limit"]


@pytest.mark.parametrize("name", ["two-suppliers", "two-suppliers-correlated", "flat-panels", "two-retailers", "carriers"])
def test_the_largest_duals_are_the_same_without_pandas_and_with_it(name: str) -> None:
    case, compared = vd.example(name), 0
    for mechanism in vd.families.fitting(case).values():
        if mechanism.build is None:
            continue
        model = mechanism.build(case, **mechanism.complete(case, {}))
        solution = vd.solvers.solve(model, mechanism.solver(case) or "highs")
        duals = solution.duals
        assert isinstance(duals, Duals)
        for family in duals:
            for count, least in ((3, 1e-9), (10**6, -1.0)):
                quick = duals._families[family].largest(count, least)  # type: ignore[attr-defined]
                by_pandas = largest_of(duals._families[family](), count, least)
                if quick is None:
                    continue
                assert [price for *_, price in quick] == [price for *_, price in by_pandas]
                assert [words(names, key) for names, key, _ in quick] == [words(names, key) for names, key, _ in by_pandas]
                compared += len(quick)
    assert compared > 10
