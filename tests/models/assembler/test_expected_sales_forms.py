"""Expected sales in all their forms give one optimum."""

from typing import Any

import pytest

import veridical as vd
from support.assembler_cases import BASIC, EXACT, build, near, newsvendor_profit
from veridical.data import AssemblerCase


@pytest.mark.parametrize("mechanism", BASIC)
def test_forms_of_discrete_demand_agree(discrete: AssemblerCase, mechanism: str) -> None:
    values = {form: vd.solve(discrete, mechanism, {"solver": "highs", "form": form}) for form in ("linear", "tangent", "auto")}
    assert {form: solution.solver.form for form, solution in values.items()} == {
        "linear": "linear",
        "tangent": "tangent",
        "auto": "linear",
    }
    for solution in values.values():
        assert solution.objective == near(values["linear"].objective)


@pytest.mark.parametrize("mechanism", BASIC)
def test_forms_of_uniform_demand_agree(correlated: AssemblerCase, mechanism: str) -> None:
    values = {form: vd.solve(correlated, mechanism, {"solver": "highs", "form": form}) for form in ("quadratic", "tangent")}
    assert [solution.solver.form for solution in values.values()] == ["quadratic", "tangent"]
    assert values["quadratic"].objective == near(values["tangent"].objective)


@pytest.mark.parametrize(
    ("demand", "form", "allowed"),
    [
        ({"distribution": "uniform", "low": 1, "high": 9}, "linear", ("quadratic", "tangent")),
        ({"distribution": "exponential", "mean": 9}, "quadratic", ("tangent",)),
        ({"distribution": "exponential", "mean": 9}, "linear", ("tangent",)),
        ({"distribution": "empirical", "values": [1, 9]}, "quadratic", ("linear", "tangent")),
        ({"distribution": "empirical", "values": [1, 9]}, "cubic", ("linear",)),
    ],
)
def test_a_form_that_the_distribution_lacks_is_an_input_error(
    demand: dict[str, Any], form: str, allowed: tuple[str, ...]
) -> None:
    case = build([[2, 3]], [[0.5, 0.5]], demand=demand)
    for call in (
        lambda: vd.build(case, "icds", form=form),
        lambda: vd.solve(case, "icds", {"solver": "highs", "form": form}),
        lambda: vd.solvers.solve(vd.build(case, "icds"), {"solver": "highs", "form": form}),
    ):
        with pytest.raises(vd.InputError, match=f"form: got '{form}'") as refusal:
            call()
        assert all(word in str(refusal.value).partition("allowed: ")[2] for word in allowed)


def test_a_model_may_be_solved_in_one_form_and_then_in_another(correlated: AssemblerCase) -> None:
    model = vd.build(correlated, "icds", form="quadratic")
    values = [
        vd.solvers.solve(model, {"solver": "highs", "form": form}) for form in ("tangent", "quadratic", "tangent", "tangent")
    ]
    assert [solution.solver.form for solution in values] == ["tangent", "quadratic", "tangent", "tangent"]
    for solution in values:
        assert solution.objective == near(0.45 * newsvendor_profit(7) + 0.45 * newsvendor_profit(16 + 0.8 / 0.45))


def test_feasibility_follows_from_incentive_compatibility(discrete: AssemblerCase) -> None:
    without = vd.solve(discrete, "icds", feasibility=False)
    assert "feasibility" not in without.duals
    assert without.objective == near(vd.solve(discrete, "icds").objective, EXACT)
