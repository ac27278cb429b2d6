"""What is too large for memory is refused before it is built."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import BASIC, EXACT, build


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "first_best"])
def test_models_too_large_for_memory_are_refused_before_they_are_built(mechanism: str) -> None:
    case = build([[1, 2]] * 25, [[0.5, 0.5]] * 25, price=90.0)
    calls: list[Callable[[], Any]] = [lambda: vd.build(case, mechanism), lambda: vd.solve(case, mechanism, "highs")]
    for call in calls:
        tracemalloc.start()
        with pytest.raises(vd.InputError, match="33,554,432 cost profiles") as refusal:
            call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "closed_form" in str(refusal.value)
        assert "GB" in str(refusal.value)
        assert peak < 20e6  # one number a profile would take 268 MB


def test_a_small_model_whose_menu_is_too_large_for_memory_is_refused() -> None:
    case = build([[1, 2]] * 40, [[0.5, 0.5]] * 40, price=90.0)
    with pytest.raises(vd.InputError, match="1,099,511,627,776 cost profiles"):
        vd.solve(case, "naive", "highs")


@pytest.mark.parametrize("mechanism", BASIC)
def test_closed_forms_too_large_for_memory_are_refused(mechanism: str) -> None:
    case = build([[1, 2]] * 40, [[0.5, 0.5]] * 40, price=90.0)
    with pytest.raises(vd.InputError, match="1,099,511,627,776 cost profiles"):
        vd.solve(case, mechanism, "closed_form")


def test_closed_form_takes_more_suppliers_than_a_model_could() -> None:
    # Equal suppliers with even odds: v = 16 + 2 k with k high costs, each of them 1 + (2 - 1) 1 dearer; D uniform on [0, 1000].
    case = build([[1, 2]] * 16, [[0.5, 0.5]] * 16, price=60.0, demand={"distribution": "uniform", "low": 0, "high": 1000})
    chances = [float(np.prod([(16 - j) / (j + 1) for j in range(k)])) / 2**16 for k in range(17)]
    exact = sum(p * 1000 * (60 - 16 - 2 * k) ** 2 / 120 for k, p in enumerate(chances))
    assert vd.solve(case, "icds", "closed_form").objective == pytest.approx(exact, rel=EXACT)
