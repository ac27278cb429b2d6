"""What closed forms say that costs are worth at the margin, against finite differences of what they earn."""

from collections.abc import Callable

import pytest

from veridical.data import AssemblerCase, example
from veridical.solvers.closed_form import assembler
from veridical.solvers.closed_form.assembler import ClosedForm
from veridical.solvers.closed_form.frw import frw
from veridical.solvers.closed_form.sensitivity import sensitivity

STEP = 1e-4
FORMULAS: dict[str, Callable[[AssemblerCase], ClosedForm]] = {
    "first_best": assembler.first_best,
    "naive": assembler.naive,
    "frw": frw,
    "hybrid": lambda case: assembler.hybrid(case, 1),
    "icds": assembler.icds,
    "icds_balanced": assembler.icds_balanced,
}


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    """Return a case without pooling, so that the profit has no kink."""
    found = example("two-suppliers")
    assert isinstance(found, AssemblerCase)
    return found


def moved(case: AssemblerCase, i: int, k: int, by: float) -> AssemblerCase:
    """Return the case with one cost moved."""
    suppliers = [
        {"name": supplier.name, "costs": list(supplier.costs), "probabilities": marginal.tolist()}
        for supplier, marginal in zip(case.suppliers, case.marginals, strict=True)
    ]
    suppliers[i]["costs"][k] += by
    return AssemblerCase.model_validate({"price": case.price, "demand": case.demand, "suppliers": suppliers})


@pytest.mark.parametrize("mechanism", FORMULAS)
def test_costs_at_the_margin_are_finite_differences(mechanism: str, case: AssemblerCase) -> None:
    closed = FORMULAS[mechanism](case)
    found = sensitivity(closed.menu, closed.cost_derivative)
    assert found.name == "sensitivity"
    for i, supplier in enumerate(case.suppliers):
        for k, token in enumerate(case.tokens(i)):
            up, down = (FORMULAS[mechanism](moved(case, i, k, by)).bound for by in (STEP, -STEP))
            assert found[f"cost {token}"] == pytest.approx((up - down) / (2 * STEP), rel=1e-6, abs=1e-5), (supplier.name, k)


def test_names_and_what_price_and_probabilities_are_worth(case: AssemblerCase) -> None:
    closed = assembler.icds(case)
    found = sensitivity(closed.menu, closed.cost_derivative)
    costs = [f"cost {token}" for i in range(2) for token in case.tokens(i)]
    profiles = [f"probability {one}, {other}" for one in case.tokens(0) for other in case.tokens(1)]
    assert found.index.tolist() == ["price", *costs, *profiles]
    weights = case.probability.ravel()
    assert found[profiles].to_numpy() @ weights == pytest.approx(closed.menu.expected_profit, rel=1e-12)
    sales = case.demand.expected_sales(closed.menu.quantity[0])
    assert found["price"] == pytest.approx(float((case.probability * sales).sum()), rel=1e-12)
