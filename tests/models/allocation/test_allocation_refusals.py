"""What the models of capacity allocation refuse."""

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import LINEAR, NORMAL, case, group
from support.allocation_models import closed
from veridical.data import InputError, NotSolvedError


def test_models_that_are_too_large_are_refused_before_they_are_built() -> None:
    many = case(group(range(4, 10), None, LINEAR, 40), capacity=60.0)
    sampled = case(group([4, 5, 6], None, LINEAR, 640), capacity=600.0)  # small enough for memory, but not visited in full
    for own, count in ((many, "1,221,759"), (sampled, "205,761")):
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            with pytest.raises(InputError, match=rf"^by hand: retailers: got <\d+ retailers with {count} type profiles: about"):
                vd.build(own, mechanism)


def test_a_form_that_the_revenues_do_not_have_is_refused() -> None:
    linear, curved = case(group([4, 5]), capacity=1.0), case(group([4, 5], None, NORMAL), group([3, 4]), capacity=1.0)
    assert vd.models.allocation.forms(linear) == ("quadratic",)
    assert vd.models.allocation.forms(curved) == ("smooth",)
    for own, bad, allowed in (
        (linear, "smooth", "auto, quadratic"),
        (curved, "quadratic", "auto, smooth"),
        (curved, "tangent", ""),
    ):
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            with pytest.raises(InputError, match=f"form: got '{bad}'; allowed: for these revenues one of {allowed}"):
                vd.build(own, mechanism, form=bad)
            with pytest.raises(InputError, match=f"form: got '{bad}'"):
                vd.solve(own, mechanism, {"solver": "ipopt", "form": bad})
    assert vd.solve(linear, "allocation", {"solver": "highs", "form": "quadratic"}).objective == pytest.approx(
        closed(linear).earned
    )


def test_a_mechanism_that_does_not_fit_the_case_is_refused() -> None:
    fixed, chosen = case(group([4, 5]), capacity=1.0), case(group([4, 5]), capacity_cost=1.0)
    with pytest.raises(InputError, match="capacity: got <nothing>; allowed: a capacity in units"):
        vd.models.allocation.build(chosen)
    with pytest.raises(InputError, match="capacity_cost: got <nothing>; allowed: a capacity cost"):
        vd.models.allocation.capacity_choice.build(fixed)
    for own, wrong in ((chosen, "allocation"), (fixed, "capacity_choice"), (fixed, "icds")):
        with pytest.raises(InputError, match=f"mechanism: got '{wrong}'; allowed: for this case of kind allocation one of"):
            vd.solve(own, wrong)
    assert vd.solve(chosen).mechanism == "capacity_choice"
    assert vd.solve(fixed).mechanism == "allocation"
    with pytest.raises(InputError, match="solver: got 'closed_form'"):
        vd.solve(fixed, "allocation_direct", "closed_form")
    with pytest.raises(InputError, match="samples: got 5"):
        vd.solve(fixed, "allocation", "highs", samples=5)


def test_highs_says_that_newsvendors_are_no_quadratic_program() -> None:
    own = case(group([4, 5], None, NORMAL), capacity=1.0)
    with pytest.raises(InputError, match="an objective that is not quadratic"):
        vd.solve(own, "allocation", "highs")
    assert vd.solve(own, "allocation").solver.name == "ipopt"


def test_a_users_constraint_that_nothing_meets_is_infeasible() -> None:
    model = vd.build(case(group([4, 5], None, LINEAR, 2), capacity=1.0), "allocation")
    model.floor = pyo.Constraint(model.CELLS, rule=lambda m, *key: m.quantity[key] >= 2.0)
    for solver in ("highs", "ipopt"):
        with pytest.raises(NotSolvedError, match="capacity") as error:
            vd.solvers.solve(model, solver)
        assert error.value.status == "infeasible"
