"""Priors of suppliers' costs: products, joint tables and copulas."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from support.assembler_cases import build
from veridical.data import AssemblerCase

Array = NDArray[np.float64]


def copula(marginals: Sequence[Sequence[float]], correlation: Any) -> AssemblerCase:
    """Return a case whose suppliers' costs depend on one another through a Gaussian copula."""
    suppliers = [
        {"name": f"s{i}", "costs": [1.0 + k for k in range(len(own))], "probabilities": list(own)}
        for i, own in enumerate(marginals)
    ]
    raw = {
        "price": 30.0,
        "demand": {"distribution": "uniform", "low": 200, "high": 800},
        "suppliers": suppliers,
        "prior": {"correlation": np.asarray(correlation, dtype=float).tolist()},
    }
    return AssemblerCase.model_validate(raw)


def margins(table: Array) -> list[Array]:
    """Return the sums of a table along all axes but one, for each."""
    return [table.sum(axis=tuple(a for a in range(table.ndim) if a != axis)) for axis in range(table.ndim)]


def test_independent_suppliers_have_the_product_of_their_probabilities() -> None:
    own = [[0.2, 0.5, 0.3], [1.0], [0.9, 0.1]]
    case = build([[1, 2, 3], [4], [5, 6]], own)
    assert case.probability.shape == case.shape == (3, 1, 2)
    for profile in itertools.product(range(3), range(1), range(2)):
        expected = math.prod(each[k] for each, k in zip(own, profile, strict=True))
        assert case.probability[profile] == pytest.approx(expected, rel=1e-15)
    assert case.independent


def test_a_joint_table_is_read_in_the_order_of_the_suppliers() -> None:
    table = np.array([[[0.05, 0.1], [0.15, 0.02], [0.03, 0.0]], [[0.2, 0.05], [0.1, 0.1], [0.1, 0.1]]])
    case = build([[1, 2], [3, 4, 5], [6, 7]], joint=table)
    assert case.probability == pytest.approx(table, rel=1e-15)
    assert [own.tolist() for own in case.marginals] == [pytest.approx(own) for own in margins(table)]
    assert case.marginals[1] == pytest.approx([0.4, 0.37, 0.23])
    assert not case.independent


def test_a_joint_table_that_is_a_product_counts_as_independent() -> None:
    assert build([[1, 2], [3, 4]], joint=np.outer([0.3, 0.7], [0.6, 0.4])).independent
    assert not build([[1, 2], [3, 4]], joint=np.outer([0.3, 0.7], [0.6, 0.4]) + 1e-6 * np.array([[1, -1], [-1, 1]])).independent


@pytest.mark.parametrize("rho", [-0.8, -0.3, 0.4, 0.95])
def test_copula_of_two_suppliers_is_the_bivariate_normal(rho: float) -> None:
    marginals = [[0.2, 0.5, 0.3], [0.6, 0.4]]
    found = copula(marginals, [[1, rho], [rho, 1]]).probability
    first, second = (norm.ppf(np.cumsum(own)[:-1]) for own in marginals)
    for k, a in enumerate(first):
        # P(X <= a, Y <= b), given X = x: Y is normal with mean rho x and variance 1 - rho^2.
        by_hand = quad(lambda x: norm.pdf(x) * norm.cdf((second[0] - rho * x) / math.sqrt(1 - rho**2)), -12, a, epsabs=1e-13)[0]
        assert found[: k + 1, 0].sum() == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("rho", [-0.9, -0.25, 0.0, 0.4, 0.99])
def test_copula_of_two_even_suppliers_has_the_orthant_probability(rho: float) -> None:
    found = copula([[0.5, 0.5]] * 2, [[1, rho], [rho, 1]]).probability
    orthant = 0.25 + math.asin(rho) / (2 * math.pi)
    assert found == pytest.approx(np.array([[orthant, 0.5 - orthant], [0.5 - orthant, orthant]]), abs=1e-12)


@pytest.mark.parametrize(("r12", "r13", "r23"), [(0.3, 0.2, -0.4), (0.9, 0.8, 0.7), (-0.5, -0.3, 0.1)])
def test_copula_of_three_even_suppliers_has_the_orthant_probability(r12: float, r13: float, r23: float) -> None:
    found = copula([[0.5, 0.5]] * 3, [[1, r12, r13], [r12, 1, r23], [r13, r23, 1]]).probability
    orthant = 1 / 8 + (math.asin(r12) + math.asin(r13) + math.asin(r23)) / (4 * math.pi)
    assert found[0, 0, 0] == pytest.approx(orthant, abs=1e-12)
    assert found[1, 1, 1] == pytest.approx(orthant, abs=1e-12)
    assert found[0, 0].sum() == pytest.approx(0.25 + math.asin(r12) / (2 * math.pi), abs=1e-12)
    assert found[:, 0, 0].sum() == pytest.approx(0.25 + math.asin(r23) / (2 * math.pi), abs=1e-12)


def test_copula_of_four_suppliers_with_one_common_factor() -> None:
    # Scores l_i Z + sqrt(1 - l_i^2) E_i are independent given Z: every probability is one integral, for any number of costs.
    loadings = np.array([0.9, 0.5, -0.6, 0.7])
    marginals = [[0.2, 0.8], [0.3, 0.3, 0.4], [0.5, 0.5], [0.1, 0.9]]
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    found = copula(marginals, matrix).probability
    limits = [norm.ppf(np.clip(np.concatenate([[0.0], np.cumsum(own)]), 0.0, 1.0)) for own in marginals]
    z, width = np.linspace(-9, 9, 6001, retstep=True)  # the trapezoidal rule is exact to rounding for smooth, fading functions
    for profile in np.ndindex(*found.shape):
        chance = norm.pdf(z)
        for loading, limit, k in zip(loadings, limits, profile, strict=True):
            rest = math.sqrt(1 - loading**2)
            chance = chance * (norm.cdf((limit[k + 1] - loading * z) / rest) - norm.cdf((limit[k] - loading * z) / rest))
        assert found[profile] == pytest.approx(chance.sum() * width, abs=1e-12)


@pytest.mark.parametrize(
    ("marginals", "correlation"),
    [
        ([[0.2, 0.5, 0.3], [0.6, 0.4]], [[1, 0.7], [0.7, 1]]),
        ([[0.1, 0.9], [0.25, 0.5, 0.25], [0.999, 0.001]], [[1, 0.5, -0.2], [0.5, 1, 0.3], [-0.2, 0.3, 1]]),
        ([[0.6, 0.4], [1.0], [0.3, 0.7]], [[1, 0.5, 0.9], [0.5, 1, 0.5], [0.9, 0.5, 1]]),
        ([[0.0, 0.4, 0.6], [0.5, 0.5, 0.0]], [[1, 0.5], [0.5, 1]]),
        ([[0.6, 0.4], [0.7, 0.3]], [[1, 1], [1, 1]]),
        ([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        ([[0.2, 0.3, 0.5]] * 3, [[1, 0.99, 0.99], [0.99, 1, 0.99], [0.99, 0.99, 1]]),
    ],
)
def test_copula_keeps_every_supplier_s_own_probabilities(marginals: list[list[float]], correlation: list[list[float]]) -> None:
    found = copula(marginals, correlation).probability
    assert (found >= 0).all()
    for own, margin in zip(marginals, margins(found), strict=True):
        assert margin == pytest.approx(own, abs=1e-12)


def test_copula_gives_the_same_table_every_time() -> None:
    matrix = [[1, 0.3, 0.2], [0.3, 1, -0.4], [0.2, -0.4, 1]]
    first, second = (copula([[0.3, 0.7], [0.5, 0.5], [0.6, 0.4]], matrix).probability for _ in range(2))
    assert (first == second).all()


def test_correlation_zero_is_independence() -> None:
    marginals = [[0.2, 0.5, 0.3], [0.6, 0.4], [0.1, 0.9]]
    expected = np.einsum("i,j,k->ijk", *map(np.array, marginals))
    assert copula(marginals, np.eye(3)).probability == pytest.approx(expected, abs=1e-12)
    two = copula(marginals[:2], np.eye(2))
    assert two.probability == pytest.approx(expected.sum(axis=2), abs=1e-14)
    assert two.independent


def test_correlation_one_makes_costs_move_as_one() -> None:
    # P(k, l) is the overlap of the two intervals of cumulative probability; at -1 one of them is turned round.
    assert copula([[0.6, 0.4], [0.7, 0.3]], [[1, 1], [1, 1]]).probability == pytest.approx(
        np.array([[0.6, 0.0], [0.1, 0.3]]), abs=1e-12
    )
    assert copula([[0.6, 0.4], [0.7, 0.3]], [[1, -1], [-1, 1]]).probability == pytest.approx(
        np.array([[0.3, 0.3], [0.4, 0.0]]), abs=1e-12
    )
    three = copula([[0.6, 0.4]] * 3, np.ones((3, 3))).probability
    assert (three[0, 0, 0], three[1, 1, 1]) == pytest.approx((0.6, 0.4), abs=1e-12)
