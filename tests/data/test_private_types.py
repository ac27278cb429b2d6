"""Continuous types against scipy, inverse hazards by hand, and grids."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from support.allocation_cases import raw_case, raw_group
from veridical.data import InputError
from veridical.data.fields import check
from veridical.data.private_type import PrivateType

PRIORS = [
    ({"distribution": "uniform", "low": 4, "high": 8}, stats.uniform(4, 4)),
    ({"distribution": "expon", "loc": 4, "scale": 2}, stats.expon(4, 2)),
    ({"distribution": "pareto", "b": 3, "scale": 2}, stats.pareto(3, scale=2)),
    ({"distribution": "norm", "loc": 5, "scale": 2, "low": 0}, stats.truncnorm(-2.5, np.inf, loc=5, scale=2)),
    ({"distribution": "norm", "loc": 0, "scale": 1, "low": 6, "high": 9}, stats.truncnorm(6, 9)),
]


@pytest.mark.parametrize(("raw", "judge"), PRIORS, ids=lambda each: each["distribution"] if isinstance(each, dict) else "")
def test_a_prior_is_scipys(raw: dict[str, Any], judge: Any) -> None:
    own = check(PrivateType, raw)
    u = np.linspace(0.02, 1.0, 50)
    theta = own.inverse_survival(u)
    assert theta == pytest.approx(judge.isf(u), rel=1e-9)
    assert own.survival(theta) == pytest.approx(u, rel=1e-9)
    assert own.density(theta[:-1]) == pytest.approx(judge.pdf(theta[:-1]), rel=1e-8)
    assert own.inverse_hazard(theta[:-1]) == pytest.approx(judge.sf(theta[:-1]) / judge.pdf(theta[:-1]), rel=1e-7)
    assert (own.low, own.high) == judge.support()
    assert check(PrivateType, own.model_dump()) == own
    assert own.survival([own.low - 1, own.low]).tolist() == [1, 1]
    assert own.density([own.low - 1]).tolist() == [0]


def test_inverse_hazards_by_hand() -> None:
    theta = np.array([4.5, 6.0, 7.9])
    uniform, exponential, pareto = (check(PrivateType, raw) for raw, _ in PRIORS[:3])
    assert uniform.inverse_hazard(theta) == pytest.approx(8 - theta)
    assert exponential.inverse_hazard(theta) == pytest.approx([2, 2, 2])
    assert pareto.inverse_hazard(theta) == pytest.approx(theta / 3)
    assert float(uniform.inverse_hazard(8.0)) == 0
    gap = check(PrivateType, {"distribution": "dweibull", "c": 2.5, "loc": 8, "scale": 1.5, "low": 4, "high": 12})
    assert float(gap.inverse_hazard(8.0)) == math.inf


def test_priors_from_frozen_distributions() -> None:
    for raw, _ in PRIORS[:3]:
        own = check(PrivateType, raw)
        assert PrivateType.of(own._base) == own
    assert PrivateType.of(stats.norm(5, 2), low=0) == check(PrivateType, PRIORS[3][0])
    assert PrivateType.of(stats.uniform(4, 4), low=5, high=20) == check(PrivateType, {**PRIORS[0][0], "low": 5})
    for wrong in (stats.norm, stats.poisson(3), 5):
        with pytest.raises(InputError, match="frozen continuous distribution"):
            PrivateType.of(wrong)
    with pytest.raises(InputError, match="needs low"):
        PrivateType.of(stats.norm(5, 2))


def test_a_grid_has_cells_of_equal_probability_and_their_lower_ends() -> None:
    own = raw_case(raw_group(types=None, probabilities=None, prior=PRIORS[1][0]), raw_group(name="b"))
    grid = own.grid(8)
    (first, second) = grid.retailers
    assert own.continuous
    assert not grid.continuous
    assert first.theta == pytest.approx(stats.expon(4, 2).ppf(np.arange(8) / 8))
    assert first.probability.tolist() == [1 / 8] * 8
    assert second == own.retailers[1]
    assert (grid.capacity, grid.names) == (3.0, ("retailers 1", "b"))
