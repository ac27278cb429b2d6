"""Full models earn what the closed forms of the study say."""

from dataclasses import replace

import numpy as np
import pytest

from support.assembler_study import HIGH, LOW, SIZES, instances
from veridical.data import AssemblerCase
from veridical.solvers.closed_form import assembler as closed
from veridical.studies.papers import full_models


@pytest.mark.parametrize(("solver", "n", "count"), [("highs", 2, 4), ("highs", 4, 4), ("ipopt", 2, 2), ("ipopt", 4, 1)])
def test_full_models_earn_what_the_closed_forms_say(solver: str, n: int, count: int) -> None:
    assert max(full_models.difference(case, solver) for case in full_models.sample(n, count)) <= 1e-6


def test_a_wrong_closed_form_would_be_seen_by_the_full_models(monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = full_models.sample(2, 1)
    for room, name in ((closed, "icds"), (closed, "hybrid"), (full_models, "frw")):
        right = getattr(room, name)
        with monkeypatch.context() as patch:
            patch.setattr(room, name, lambda *a, right=right, **k: replace(right(*a, **k), bound=right(*a, **k).bound * 1.001))
            assert full_models.difference(case, "highs") == pytest.approx(1 - 1 / 1.001, rel=1e-3)


@pytest.mark.parametrize("n", [2, 6])
def test_the_sample_is_seeded_without_repeats_and_from_all_problems(n: int) -> None:
    every = (
        [case for _, case in instances(2, "")] if n == 2 else [case for fixed in (LOW, HIGH) for _, case in instances(n, fixed)]
    )
    known = {case.model_dump_json() for case in every}
    assert len(known) == len(every)
    found = [case.model_dump_json() for case in full_models.sample(n, 100)]
    assert found == [case.model_dump_json() for case in full_models.sample(n, 100)]
    assert len(set(found)) == 100
    assert set(found) <= known
    assert found[:7] == [case.model_dump_json() for case in full_models.sample(n, 7)]
    assert found != [case.model_dump_json() for case in every[:100]]
    halves = [text in {case.model_dump_json() for case in every[: len(every) // 2]} for text in found]
    assert 20 < sum(halves) < 80


def test_the_sample_covers_every_size_and_both_solvers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []

    def noted(case: AssemblerCase, solver: str) -> float:
        seen.append((solver, len(case.names)))
        return float(len(seen))

    monkeypatch.setattr(full_models, "difference", noted)
    table = full_models.agreement().table
    counts = {pair: seen.count(pair) for pair in seen}
    assert {n for solver, n in counts if solver == "highs"} == {2, *SIZES}
    assert {n for solver, n in counts if solver == "ipopt"} >= {2, 4}
    last = np.cumsum(list(counts.values()))
    assert table["exact"].tolist() == last.tolist()  # the largest of each group
    for (solver, n), quantity in zip(counts, table.index, strict=True):
        assert f"{solver}, {counts[solver, n]} instances, n={n}" in quantity
