"""Two hundred random finite problems end as a linear program that is written apart does, and are audited as loops do."""

from collections import Counter

import pytest

import veridical as vd
from support.finite_mechanisms import audited, brute_force, declared, problem
from support.own_mechanisms import solved

PROBLEMS, BATCHES = 200, 10
CLEAR = 1e-5  # a gain beyond it is one by anybody's tolerance: utilities are of the order of 1


@pytest.mark.parametrize("batch", range(BATCHES))
def test_optimum_and_audit(batch: int) -> None:
    endings = Counter[str]()
    for seed in range(batch, PROBLEMS, BATCHES):
        one = problem(seed)
        ending, optimum = brute_force(one)
        endings[ending] += 1
        _, m = declared(one)
        if ending != "optimal":
            with pytest.raises(vd.NotSolvedError) as caught:
                solved(m)
            assert caught.value.status in ending.split(" or "), seed
            continue
        solution = solved(m)
        assert solution.objective == pytest.approx(optimum, rel=1e-6, abs=1e-6), seed
        audit = solution.audit
        assert audit.warnings == (), seed
        assert audit.truthful or one.incentive == "none", seed
        assert audit.individually_rational or one.participation == "none", seed
        for name, worst in audited(one, m).items():
            found = audit.properties[name]
            assert found.holds == (worst <= CLEAR), (seed, name)
            assert found.worst == pytest.approx(worst, abs=1e-9), (seed, name)
    assert endings["optimal"] >= 8
    assert len(endings) > 1  # some of each batch are infeasible, or unbounded


def test_the_problems_are_of_all_kinds() -> None:
    problems = [problem(seed) for seed in range(PROBLEMS)]
    for kinds, count in (
        ({(one.incentive, one.interdependent) for one in problems}, 6),
        ({one.participation for one in problems}, 4),
        ({one.budget for one in problems}, 3),
        ({callable(one.outside) for one in problems}, 2),
        ({len(one.worth) for one in problems}, 3),
    ):
        assert len(kinds) == count
