"""Duals of mechanisms are derivatives of their profit, and are called by names that a reader knows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.assembler_cases import build
from support.small_models import shifted
from veridical.data import AssemblerCase
from veridical.models.info import info_of

Edit = Callable[[Any], None]
LINEAR = {"solver": "highs", "form": "linear"}
QUADRATIC = {"solver": "highs", "form": "quadratic"}
TANGENT = {"solver": "highs", "form": "tangent", "tolerance": 1e-10}
MECHANISMS = ("naive", "icds_balanced", "icds", "first_best")
PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {  # mechanisms with parameters, as the tables below call them
    "hybrid 1": ("hybrid", {"k": 1}),
    "balanced hybrid 1": ("hybrid", {"k": 1, "balanced": True}),
    "interim bic": ("bic", {"participation": "interim"}),
    "ex post bic": ("bic", {"participation": "ex_post"}),
}
# More of one component than of the others is of no use, less costs units: moving a quantity that is tied to others has a kink,
# as moving one that stands at a point of demand has. These families may have no unique price; any between two slopes is right.
KINKED = ("monotonicity", "balanced_ordering", "pooling")
LEVELS: dict[str, tuple[str, ...]] = {  # as models/assembler/vocabulary.py documents them
    "incentive_compatibility": ("supplier", "cost", "report", "others"),
    "individual_rationality": ("supplier", "cost", "others"),
    "feasibility": ("supplier", "cost", "next_cost", "others"),
    "monotonicity": ("supplier", "cost", "next_cost", "others"),
    "full_information": ("supplier", "cost", "others"),
    "assembly": ("supplier", "profile"),
    "expected_sales.written.cover": ("profile",),
    "expected_sales.written.tangent": ("profile", "tangent"),
    "expected_sales.written.excess_covers": ("profile",),
    "expected_sales.written.support": ("profile",),
}


def unchanged(model: Any) -> None:
    """Leave a model as it is built."""


def without_upward_lies(model: Any) -> None:
    """Leave out the misreports of a cost below one's own: feasibility (5) then no longer follows from the others, and binds."""
    for index, constraint in model.incentive_compatibility.items():
        if index[2] < index[1]:
            constraint.deactivate()


def with_volume(model: Any) -> None:
    """Ask for nearly all of the units that the support has: some profiles then stand at its upper end."""
    expected = pyo.quicksum(model.probability[t] * model.units[t] for t in model.PROFILES)
    model.volume = pyo.Constraint(expr=expected >= 0.95 * info_of(model).case.demand.high)


def slopes(
    case: AssemblerCase, mechanism: str, edit: Edit, solver: dict[str, Any], family: str, step: float
) -> Iterator[tuple[Any, float, float, float]]:
    """Give for every constraint of a family its name, its dual, and the two one-sided derivatives of the optimal value."""

    def model() -> Any:
        name, parameters = PARAMETERS.get(mechanism, (mechanism, {}))
        built = vd.build(case, name, form=solver["form"], **parameters)
        edit(built)
        info_of(built).contracts = None  # quantities of a shifted model are no menu of ours
        return built

    here = vd.solvers.solve(model(), solver)
    duals = here.duals[family]
    for key, dual in duals.items():
        values = []
        for change in (step, -step):
            other = model()
            shifted(other.find_component(family)[key], change)
            values.append(vd.solvers.solve(other, solver).objective)
        yield key, float(dual), (values[0] - here.objective) / step, (here.objective - values[1]) / step


@pytest.mark.parametrize(
    ("problem", "mechanism", "family", "edit"),
    [
        ("discrete", "icds", "incentive_compatibility", unchanged),
        ("discrete", "icds", "individual_rationality", unchanged),
        ("discrete", "icds", "assembly", unchanged),
        ("discrete", "icds", "expected_sales.written.cover", unchanged),
        ("pooled", "icds", "feasibility", without_upward_lies),
        ("pooled", "icds_balanced", "monotonicity", unchanged),
        ("discrete", "icds_balanced", "expected_sales.written.cover", unchanged),
        ("discrete", "naive", "individual_rationality", unchanged),
        ("discrete", "naive", "expected_sales.written.cover", unchanged),
        ("discrete", "first_best", "full_information", unchanged),
        ("discrete", "first_best", "assembly", unchanged),
        ("discrete", "hybrid 1", "pooling", unchanged),
        ("discrete", "hybrid 1", "posted_price", unchanged),
        ("discrete", "hybrid 1", "individual_rationality", unchanged),
        ("discrete", "balanced hybrid 1", "balanced_ordering", unchanged),
        ("discrete", "frw", "incentive_compatibility", unchanged),
        ("discrete", "frw", "individual_rationality", unchanged),
        ("discrete", "frw", "assembly", unchanged),
        ("discrete", "interim bic", "individual_rationality", unchanged),
        ("discrete", "ex post bic", "incentive_compatibility", unchanged),
        ("discrete", "ex post bic", "individual_rationality", unchanged),
    ],
)
def test_duals_are_derivatives_where_models_are_linear(
    problem: str, mechanism: str, family: str, edit: Edit, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(problem)
    prices, kinks = [], []
    for key, dual, right, left in slopes(case, mechanism, edit, LINEAR, family, step=0.01):
        kinks.append(left - right)
        # The optimum is concave in every right-hand side, and a dual one of its supergradients.
        assert right - 1e-6 <= dual <= left + 1e-6, key
        if right == pytest.approx(left, abs=1e-6):
            assert dual == pytest.approx((right + left) / 2, abs=1e-6), key
            prices.append(abs(dual))
    assert max(prices, default=0) > 0.1 or (family in KINKED and max(kinks) > 0.1)


@pytest.mark.parametrize(
    ("problem", "mechanism", "family", "edit", "solver"),
    [
        ("regular", "icds", "incentive_compatibility", unchanged, TANGENT),
        ("regular", "icds", "individual_rationality", unchanged, TANGENT),
        ("regular", "icds", "assembly", unchanged, TANGENT),
        ("correlated", "icds", "feasibility", without_upward_lies, TANGENT),
        ("correlated", "icds_balanced", "monotonicity", unchanged, TANGENT),
        ("regular", "naive", "individual_rationality", unchanged, TANGENT),
        ("regular", "first_best", "full_information", unchanged, TANGENT),
        ("correlated", "icds_balanced", "monotonicity", unchanged, QUADRATIC),
        ("regular", "icds_balanced", "expected_sales.written.excess_covers", unchanged, QUADRATIC),
        ("regular", "first_best", "expected_sales.written.excess_covers", unchanged, QUADRATIC),
        ("regular", "first_best", "expected_sales.written.support", with_volume, QUADRATIC),
        ("regular", "first_best", "assembly", with_volume, QUADRATIC),
        ("correlated", "hybrid 1", "pooling", unchanged, TANGENT),
        ("regular", "hybrid 1", "incentive_compatibility", unchanged, TANGENT),
        ("correlated", "hybrid 1", "individual_rationality", unchanged, TANGENT),
        ("correlated", "hybrid 1", "posted_price", unchanged, TANGENT),
        ("correlated", "balanced hybrid 1", "balanced_ordering", unchanged, TANGENT),
        ("regular", "frw", "incentive_compatibility", unchanged, TANGENT),
        ("regular", "frw", "individual_rationality", unchanged, TANGENT),
        ("regular", "frw", "assembly", unchanged, TANGENT),
        ("regular", "interim bic", "incentive_compatibility", unchanged, TANGENT),
        ("correlated", "interim bic", "individual_rationality", unchanged, TANGENT),
        ("correlated", "ex post bic", "incentive_compatibility", unchanged, TANGENT),
        ("correlated", "ex post bic", "individual_rationality", unchanged, TANGENT),
    ],
)
def test_duals_are_derivatives_where_demand_has_a_density(
    problem: str, mechanism: str, family: str, edit: Edit, solver: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(problem)
    prices, kinks = [], []
    # Slope changes by r / 800 = .04 a unit at most, so one-sided differences over a fifth of a unit are .01 apart where there
    # is no kink; what they have in common is as exact as the tangents' gap, 1e-10 of 7,000, over that step.
    for key, dual, right, left in slopes(case, mechanism, edit, solver, family, step=0.2):
        kinks.append(left - right)
        assert right - 2e-2 <= dual <= left + 2e-2, key
        if right == pytest.approx(left, abs=2e-2):
            assert dual == pytest.approx((right + left) / 2, abs=1e-3), key
            prices.append(abs(dual))
    assert max(prices, default=0) > 0.1 or (family in KINKED and max(kinks) > 0.1)


def test_a_family_that_follows_from_another_has_a_kink(correlated: AssemblerCase) -> None:
    # (5) follows from (3): loosening it alone changes nothing, tightening it costs, and any dual in between is right.
    found = {
        key: (dual, right, left) for key, dual, right, left in slopes(correlated, "icds", unchanged, TANGENT, "feasibility", 0.2)
    }
    assert found
    for dual, right, left in found.values():
        assert min(abs(right), abs(left)) < 1e-3
        assert min(right, left) - 1e-3 <= dual <= max(right, left) + 1e-3
    assert max(abs(right - left) for _, right, left in found.values()) > 0.1


def test_duals_by_hand() -> None:
    # One supplier, 4 or 9 with odds .25, .75, D uniform on [100, 900], r = 30. A unit more at the low type's own cost is
    # worth beta = .25 to nobody but him: paying him one more costs .25. The high type's participation carries his own
    # payment (.75) and what the low type could copy (.25).
    solution = vd.solve(build([[4, 9]], [[0.25, 0.75]]), "icds", TANGENT, feasibility=False)
    duals = solution.duals
    # body <= 0 with body = (lie) - (truth): room of one unit of money is a payment saved
    assert duals["incentive_compatibility"]["a", 4.0, 9.0, ""] == pytest.approx(0.25, abs=1e-6)
    assert duals["incentive_compatibility"]["a", 9.0, 4.0, ""] == pytest.approx(0, abs=1e-6)
    assert duals["individual_rationality"]["a", 4.0, ""] == pytest.approx(0, abs=1e-6)
    assert duals["individual_rationality"]["a", 9.0, ""] == pytest.approx(1, abs=1e-6)
    # a component that comes from nowhere saves its weighted virtual cost
    assert duals["assembly"]["a", "a=4"] == pytest.approx(0.25 * 4, abs=1e-4)
    assert duals["assembly"]["a", "a=9"] == pytest.approx(0.75 * 9 + 0.25 * 5, abs=1e-4)


# --- names ---


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_duals_are_indexed_by_names_that_a_reader_knows(
    discrete: AssemblerCase, correlated: AssemblerCase, mechanism: str
) -> None:
    seen = set()
    for case, solver in ((discrete, LINEAR), (correlated, QUADRATIC), (correlated, TANGENT)):
        for family, series in vd.solve(case, mechanism, solver).duals.items():
            assert isinstance(series, pd.Series)
            assert series.index.is_unique
            assert np.isfinite(series).all()
            if mechanism != "naive" and family in LEVELS:
                assert tuple(series.index.names) == LEVELS[family], family
                seen.add(family)
    if mechanism == "naive":
        own = vd.solve(discrete, "naive", LINEAR).duals["individual_rationality"]
        assert tuple(own.index.names) == ("supplier", "cost")
        # one unit of money is what the dearest cost of each is worth, and no cheaper one binds
        assert own.to_dict() == pytest.approx(
            {("a", 4.0): 0, ("a", 9.0): 0, ("a", 11.0): 1, ("b", 3.0): 0, ("b", 7.0): 1}, abs=1e-9
        )
    elif mechanism == "icds":
        assert set(LEVELS) - {"monotonicity", "full_information"} == seen
        duals = vd.solve(discrete, "icds", LINEAR).duals
        assert set(duals["incentive_compatibility"].index) == {
            *(
                ("a", cost, report, f"b={b}")
                for cost in (4.0, 9.0, 11.0)
                for report in (4.0, 9.0, 11.0)
                if cost != report
                for b in (3, 7)
            ),
            *(("b", cost, 10.0 - cost, f"a={a}") for cost in (3.0, 7.0) for a in (4, 9, 11)),
        }
        assert set(duals["assembly"].index) == {(i, f"a={a}, b={b}") for i in "ab" for a in (4, 9, 11) for b in (3, 7)}


Levels = dict[str, tuple[str, ...]]
OWN: Levels = {"individual_rationality": ("supplier", "cost"), "incentive_compatibility": ("supplier", "cost", "report")}
OTHER_LEVELS: dict[str, Levels] = {  # where they are not those of LEVELS
    "frw": OWN | {"feasibility": ("supplier", "cost", "next_cost"), "assembly": ("supplier", "cost", "others")},
    "hybrid 1": {"pooling": ("supplier", "profile"), "posted_price": ("supplier", "profile")},
    "balanced hybrid 1": dict.fromkeys(("pooling", "posted_price", "balanced_ordering"), ("supplier", "profile")),
    "interim bic": OWN,
    "ex post bic": {"incentive_compatibility": OWN["incentive_compatibility"]},
}


@pytest.mark.parametrize("mechanism", OTHER_LEVELS)
def test_duals_of_other_contracts_are_indexed_by_what_those_answer_to(
    discrete: AssemblerCase, correlated: AssemblerCase, mechanism: str
) -> None:
    name, parameters = PARAMETERS.get(mechanism, (mechanism, {}))
    levels = LEVELS | OTHER_LEVELS[mechanism]
    for case, solver in ((discrete, LINEAR), (correlated, TANGENT)):
        duals = vd.solve(case, name, solver, **parameters).duals
        assert set(duals) >= {"incentive_compatibility", "individual_rationality", "assembly", *OTHER_LEVELS[mechanism]}
        for family, series in duals.items():
            assert tuple(series.index.names) == levels[family], family
            assert series.index.is_unique
            assert np.isfinite(series).all()
    duals = vd.solve(discrete, name, LINEAR, **parameters).duals
    if mechanism == "frw":
        pairs = [("a", cost, report) for cost in (4.0, 9.0, 11.0) for report in (4.0, 9.0, 11.0) if cost != report]
        assert set(duals["incentive_compatibility"].index) == {*pairs, ("b", 3.0, 7.0), ("b", 7.0, 3.0)}
        assert set(duals["assembly"].index) >= {("a", 9.0, "b=7"), ("b", 3.0, "a=11")}
    if mechanism == "hybrid 1":  # a, whose range is 7 and b's 4, reports; b's cost is as if it were 3
        assert set(duals["pooling"].index) == {(i, f"a={cost}, b=7") for i in "ab" for cost in (4, 9, 11)}


def test_duals_of_interim_constraints_leave_out_types_that_never_occur() -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.4, 0.6], [0.0, 0.0]])
    interim = vd.solve(case, "bic").duals
    assert set(interim["individual_rationality"].index) == {("a", 4.0), ("b", 3.0), ("b", 7.0)}
    assert set(interim["incentive_compatibility"].index) == {("a", 4.0, 9.0), ("b", 3.0, 7.0), ("b", 7.0, 3.0)}
    # a's cost is known: he keeps nothing. b: 4 + 3, and 4 + 7 + 4 .4/.6.
    margins = np.array([30 - 7, 30 - 11 - 4 * 0.4 / 0.6])
    exact = float(np.array([0.4, 0.6]) @ (100 * margins + 800 * margins**2 / 60))
    assert vd.solve(case, "bic").objective == pytest.approx(exact, rel=1e-6)


def test_indexed_constraints_of_a_users_own_keep_their_index(discrete: AssemblerCase) -> None:
    model = vd.build(discrete, "icds", form="linear")
    model.quota = pyo.Constraint(model.SUPPLIERS, rule=lambda m, i: sum(m.quantity[i, t] for t in m.PROFILES) <= 1000)
    duals = vd.solvers.solve(model, LINEAR).duals["quota"]
    assert list(duals.index) == ["a", "b"]
    assert duals.max() > 0.01


@pytest.mark.parametrize("mechanism", ["icds", "naive"])
def test_reduced_costs_of_segments_of_demand_are_derivatives(discrete: AssemblerCase, mechanism: str) -> None:
    def solved(longer: float = 0.0, at: Any = None) -> tuple[Any, float]:
        model = vd.build(discrete, mechanism, form="linear")
        info_of(model).contracts = None  # quantities of a shifted model are no menu of ours
        model.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT)
        if at is not None:
            segment = model.expected_sales.written.segment[at]
            segment.setub(segment.ub + longer)
        return model, vd.solvers.solve(model, LINEAR).objective

    model, here = solved()
    prices = []
    for key, segment in model.expected_sales.written.segment.items():
        right, left = ((solved(step, key)[1] - here) / step for step in (0.01, -0.01))
        price = max(model.rc[segment], 0.0)  # below 0 it belongs to the lower bound
        assert right - 1e-6 <= price <= left + 1e-6, key
        prices.append(price)
        if 0 < segment.value < segment.ub:
            assert model.rc[segment] == pytest.approx(0, abs=1e-9)
    assert max(prices) > 0.1
