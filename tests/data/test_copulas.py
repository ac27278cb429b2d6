"""Tables of Gaussian copulas against integrals that are taken another way."""

import itertools
import math
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import multivariate_normal, norm

import veridical as vd
from veridical.data import AssemblerCase, InputError
from veridical.data.copula import EXACT, PLACKETT, QUASI_RANDOM, gaussian_copula
from veridical.data.errors import Problem
from veridical.data.plackett import plackett

Array = NDArray[np.float64]


def ends(marginal: Array) -> Array:
    """Return the scores between which the costs lie; 38 standard deviations stand for infinity."""
    scores: Array = np.clip(norm.ppf(np.clip(np.concatenate([[0.0], np.cumsum(marginal)]), 0, 1)), -38, 38)
    return scores


def between(low: Array, high: Array) -> Array:
    """Return the probability between scores, from the tail that is nearer."""
    return np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


def gauss_legendre(low: float, high: float, panels: int = 12) -> tuple[Array, Array]:
    """Return points and weights between two ends."""
    x, w = np.polynomial.legendre.leggauss(24)
    edges = np.linspace(low, high, panels + 1)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def conditional_normals(marginals: Sequence[Array], correlation: Any) -> Array:
    """Return the table of three scores: the third given two, integrated over the second given the first, and over that."""
    r = np.array(correlation, dtype=float)
    cuts = [np.clip(ends(marginal), -9, 9) for marginal in marginals]
    second, weights = math.sqrt(1 - r[0, 1] ** 2), np.linalg.solve(r[:2, :2], r[:2, 2])
    third = math.sqrt(1 - float(r[2, :2] @ weights))
    table = np.empty([len(marginal) for marginal in marginals])
    for i, j in np.ndindex(table.shape[:2]):
        (x, w), (y, v) = (gauss_legendre(*cuts[axis][k : k + 2]) for axis, k in enumerate((i, j)))
        density = np.outer(w * norm.pdf(x), v) * norm.pdf((y - r[0, 1] * x[:, None]) / second) / second
        mean = weights[0] * x[:, None] + weights[1] * y
        for k in range(table.shape[2]):
            low, high = ((cuts[2][end] - mean) / third for end in (k, k + 1))
            table[i, j, k] = float((density * between(low, high)).sum())
    return table


@pytest.mark.parametrize(
    ("marginals", "correlation"),
    [
        ([[0.25, 0.75], [0.5, 0.5], [0.3, 0.4, 0.3]], [[1, -0.8, 0.7], [-0.8, 1, -0.9], [0.7, -0.9, 1]]),
        ([[0.25, 0.5, 0.25], [0.25, 0.75], [0.5, 0.5]], [[1, 0.95, 0.9], [0.95, 1, 0.95], [0.9, 0.95, 1]]),
        ([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]], [[1, 0.5, -0.2], [0.5, 1, 0.3], [-0.2, 0.3, 1]]),
    ],
)
def test_three_scores_are_what_conditional_normals_integrate_to(marginals: Any, correlation: Any) -> None:
    own = [np.array(marginal) for marginal in marginals]
    prior = gaussian_copula(own, np.array(correlation, dtype=float))
    assert prior.method == EXACT
    assert prior.probability == pytest.approx(conditional_normals(own, correlation), abs=1e-11)


@pytest.mark.parametrize("loadings", [[0.9, 0.5, -0.6, 0.7, 0.3], [math.sqrt(0.4)] * 5, [0.97, -0.9, 0.8]])
def test_scores_with_one_common_factor_are_one_integral(loadings: list[float]) -> None:
    common = np.array(loadings)
    matrix = np.outer(common, common)
    np.fill_diagonal(matrix, 1.0)
    marginals = [np.array([0.3, 0.4, 0.3])] * len(common)
    limits, rest = ends(marginals[0]), np.sqrt(1 - common**2)
    prior = gaussian_copula(marginals, matrix)
    chance = [between((limits[:-1, None] - a * Z) / b, (limits[1:, None] - a * Z) / b) for a, b in zip(common, rest, strict=True)]
    for cell in itertools.islice(np.ndindex(prior.probability.shape), 0, None, 7):
        expected = float((norm.pdf(Z) * np.prod([chance[i][k] for i, k in enumerate(cell)], axis=0)).sum() * (Z[1] - Z[0]))
        assert prior.probability[cell] == pytest.approx(expected, abs=1e-12)
    assert prior.error <= 1e-10


Z = np.linspace(-9, 9, 6001)


def scattered(n: int, seed: int, ranks: int | None = None) -> Array:
    """Return a correlation matrix at random, of a rank where one is given."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, ranks or n + 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix: Array = vectors @ vectors.T
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


def test_a_table_of_four_sums_to_that_of_any_three() -> None:
    matrix = scattered(4, 3)
    marginals = [np.array(own) for own in ([0.2, 0.8], [0.3, 0.3, 0.4], [0.5, 0.5], [0.1, 0.9])]
    table = gaussian_copula(marginals, matrix).probability
    for left_out in range(4):
        kept = [i for i in range(4) if i != left_out]
        three = gaussian_copula([marginals[i] for i in kept], matrix[np.ix_(kept, kept)]).probability
        assert table.sum(axis=left_out) == pytest.approx(three, abs=1e-12)


def test_suppliers_in_another_order_have_the_table_in_that_order() -> None:
    matrix, order = scattered(4, 5), [2, 0, 3, 1]
    marginals = [np.array(own) for own in ([0.2, 0.8], [0.3, 0.3, 0.4], [0.5, 0.5], [0.1, 0.9])]
    table = gaussian_copula(marginals, matrix).probability
    turned = gaussian_copula([marginals[i] for i in order], matrix[np.ix_(order, order)]).probability
    assert turned == pytest.approx(table.transpose(order), abs=1e-12)


def test_a_score_that_is_turned_round_turns_the_table_round() -> None:
    matrix, sign = scattered(3, 6), np.array([1, -1, 1])
    marginals = [np.array([0.2, 0.8]), np.array([0.3, 0.3, 0.4]), np.array([0.5, 0.5])]
    table = gaussian_copula(marginals, matrix).probability
    turned = gaussian_copula([marginals[0], marginals[1][::-1], marginals[2]], matrix * np.outer(sign, sign)).probability
    assert turned == pytest.approx(table[:, ::-1], abs=1e-12)


def test_scores_that_are_the_same_or_opposite_are_one_score() -> None:
    own, other = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.4])
    two = gaussian_copula([own, other], np.array([[1, 0.7], [0.7, 1]])).probability
    three = gaussian_copula([own, other, own], np.array([[1, 0.7, 1], [0.7, 1, 0.7], [1, 0.7, 1]])).probability
    opposite = gaussian_copula([own, other, own[::-1]], np.array([[1, 0.7, -1], [0.7, 1, -0.7], [-1, -0.7, 1]])).probability
    for k, m in np.ndindex(3, 3):
        assert three[k, :, m] == pytest.approx(two[k] if k == m else np.zeros(2), abs=1e-13)
        assert opposite[k, :, m] == pytest.approx(two[k] if k + m == 2 else np.zeros(2), abs=1e-13)


@pytest.mark.parametrize("rho", [1e-300, 1e-16, 1e-14, 1e-13, 6e-13, 1e-12, 1e-10, 1e-6])
def test_scores_that_are_all_but_independent(rho: float) -> None:
    """Of 1e-12 and below no factor was left, and the table of nothing was an error of numpy."""
    for sign in (-1, 1):
        prior = gaussian_copula([np.array([0.5, 0.5])] * 2, np.array([[1, sign * rho], [sign * rho, 1]]))
        assert abs(prior.probability[0, 0] - (0.25 + math.asin(sign * rho) / (2 * math.pi))) <= prior.error
    three = np.full((3, 3), rho) + (1 - rho) * np.eye(3)
    table = gaussian_copula([np.array([0.25, 0.75])] * 3, three).probability
    assert abs(table[0, 0, 0] - 1 / 64) <= rho + 1e-13


def orthants(correlation: Array) -> Array:
    """Return P(two scores < 0), by Sheppard's formula; of scores that are all but one from what is left to 1, which is exact."""
    left = 1 - np.abs(correlation)
    tied = 0.5 * (correlation > 0) - np.copysign(np.arcsin(np.sqrt(left / 2)) / math.pi, correlation)
    return np.asarray(tied, dtype=np.float64)


@pytest.mark.parametrize("left", [1e-6, 1e-8, 1e-9, 1e-10, 2e-11])
@pytest.mark.parametrize("sign", [-1, 1])
def test_scores_that_are_all_but_one_are_within_the_error_that_is_told(left: float, sign: int) -> None:
    rho, half = 1 - left, np.array([0.5, 0.5])
    pair = gaussian_copula([half] * 2, np.array([[1, sign * rho], [sign * rho, 1]]))
    assert abs(pair.probability[0, 0] - orthants(np.array(sign * rho))) <= pair.error <= 1e-9
    turned = np.array([1, 1, sign])
    for near in ([rho, rho, rho], [rho, 0.5, 0.5]):  # all of three scores, and two of them
        own = np.eye(3)
        own[0, 1] = own[1, 0] = near[0]
        own[0, 2] = own[2, 0] = near[1]
        own[1, 2] = own[2, 1] = near[2]
        own *= np.outer(turned, turned)
        three = gaussian_copula([half] * 3, own)
        exact = (orthants(own[np.triu_indices(3, 1)]).sum() - 0.5) / 2
        assert abs(three.probability[0, 0, 0] - exact) <= three.error <= 1e-9


@pytest.mark.parametrize("rho", [1 - 1e-12, 1 - 1e-13, 1 - 1e-15, math.nextafter(1, 0), math.nextafter(-1, 0), -1 + 1e-13])
def test_correlations_that_rounding_cannot_tell_from_one_are_refused(rho: float) -> None:
    """Their tables were off by 7e-8, and said to be exact to 1e-14."""
    case = vd.example("two-suppliers-correlated")
    assert isinstance(case, AssemblerCase)
    for problem in (
        raised(lambda: case.changed(prior={"correlation": [[1.0, rho], [rho, 1.0]]})),
        raised(lambda: case.equicorrelated(rho)),
    ):
        assert problem.field.endswith("correlation")
        assert float(problem.value) == rho
        assert "1 or -1, or differ from both by 1e-11 or more" in problem.allowed
    integrated = case.changed(**case.equicorrelated(math.copysign(1, rho))).integrated_prior
    assert integrated is not None
    assert integrated.error < 1e-12  # of one score there is nothing to tell apart


def raised(call: Callable[[], object]) -> Problem:
    """Return the one problem that a call raises."""
    with pytest.raises(InputError) as caught:
        call()
    (problem,) = caught.value.problems
    return problem


def test_scores_that_are_one_but_differ_in_what_others_are_to_them_tell_it() -> None:
    """A matrix is positive semidefinite to 1e-10: the same score may have correlations with a third that differ by 1e-6."""
    own = np.array([[1, 1, 0.5], [1, 1, 0.500001], [0.5, 0.500001, 1]])
    half = np.array([0.5, 0.5])
    prior = gaussian_copula([half] * 3, own)
    off = np.abs(prior.probability.sum(axis=0)[0, 0] - orthants(np.array(0.500001)))
    assert 1e-8 < off <= 2 * prior.error  # of the cells that are summed
    assert prior.error < 1e-6


def test_suppliers_that_have_nothing_to_do_with_others_are_a_factor() -> None:
    matrix = np.eye(5)
    matrix[0, 3] = matrix[3, 0] = 0.6
    matrix[1, 2] = matrix[2, 1] = -0.3
    marginals = [np.array([0.3, 0.7])] * 5
    pairs = [gaussian_copula(marginals[:2], np.array([[1, r], [r, 1]])).probability for r in (0.6, -0.3)]
    expected = np.einsum("ad,bc,e->abcde", *pairs, marginals[4])
    assert gaussian_copula(marginals, matrix).probability == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("rho", [-0.2, 0.3, 0.9])
def test_cells_that_hardly_ever_occur_are_small_and_no_noise(rho: float) -> None:
    """P(the one below -3, the other above 3): given x, the other has the mean rho x."""
    rest, tail = math.sqrt(1 - rho**2), float(norm.cdf(-3))
    table = gaussian_copula([np.array([tail, 1 - 2 * tail, tail])] * 2, np.array([[1, rho], [rho, 1]])).probability
    x, w = gauss_legendre(-12, -3, 40)
    expected = float((w * norm.pdf(x) * norm.sf((3 - rho * x) / rest)).sum())
    assert (table >= 0).all()
    if rho == 0.9:
        assert 0 < expected < 1e-20
        assert table[0, 2] == 0  # as good as impossible, and no bet on it
    else:
        assert table[0, 2] == pytest.approx(expected, rel=1e-6)
        assert expected < 2e-5


def sequential(marginals: Sequence[Array], correlation: Array, cells: Sequence[tuple[int, ...]]) -> list[float]:
    """Return cells by scipy's own integrator, one by one."""
    edges = [ends(marginal) for marginal in marginals]
    ranges = [[(edges[i][k], edges[i][k + 1]) for i, k in enumerate(cell)] for cell in cells]
    return [
        float(
            multivariate_normal.cdf(
                [high for _, high in limits],
                cov=correlation,
                maxpts=400_000,
                abseps=1e-7,
                releps=0,
                lower_limit=[low for low, _ in limits],
                rng=np.random.default_rng(1),
            )
        )
        for limits in ranges
    ]


@pytest.mark.parametrize("seed", [0, 2])
def test_five_scores_with_three_costs_are_exact_and_quick(seed: int) -> None:
    """Correlations at random, of every rank: far beyond what points along four factors could take."""
    matrix, marginals = (
        scattered(5, seed),
        [np.array(own) for own in ([0.3, 0.4, 0.3], [0.2, 0.5, 0.3])] * 2 + [np.full(3, 1 / 3)],
    )
    began = process_time()
    prior = gaussian_copula(marginals, matrix)
    assert process_time() - began < 2  # 0.02 s; Python's collector may walk meanwhile through all that other tests hold
    assert prior.error < 1e-10
    cells = [(0, 0, 0, 0, 0), (1, 1, 1, 1, 1), (2, 0, 1, 2, 0)]
    assert [prior.probability[cell] for cell in cells] == pytest.approx(sequential(marginals, matrix, cells), abs=1e-6)
    for pair in itertools.combinations(range(5), 2):  # by points along one factor
        two = gaussian_copula([marginals[i] for i in pair], matrix[np.ix_(pair, pair)])
        others = tuple(i for i in range(5) if i not in pair)
        assert prior.probability.sum(axis=others) == pytest.approx(two.probability, abs=1e-11)


def test_an_order_of_placketts_identity_is_as_far_off_as_the_next_one_tells() -> None:
    matrix = scattered(6, 4)
    cuts = [np.array([0.3]), np.array([-0.5, 0.4]), np.array([0.0]), np.zeros(0), np.array([1.0]), np.array([-0.2, 0.1])]
    tables = {order: plackett(cuts, matrix, order) for order in (4, 6, 8, 24)}
    assert tables[24].shape == (2, 3, 2, 1, 2, 3)
    off = [float(np.abs(tables[order] - tables[24]).max()) for order in (4, 6, 8)]
    apart = [float(np.abs(tables[b] - tables[a]).max()) for a, b in ((4, 6), (6, 8))]
    assert off[1] < apart[0] < 2 * off[0]
    assert off[2] < apart[1] < 2 * off[1]


def test_twelve_scores_tell_their_error_and_are_within_it() -> None:
    """Each score depends on the one before: a chain, whose table is a product of conditional ones on a fine grid."""
    steps, marginals = 0.6, [np.array([0.4, 0.6])] * 12
    matrix = steps ** np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    prior = gaussian_copula(marginals, matrix)
    low, weight = gauss_legendre(-9, float(ends(marginals[0])[1]), 4)
    high, more = gauss_legendre(float(ends(marginals[0])[1]), 9, 4)
    grids, weights, rest = (low, high), (weight, more), math.sqrt(1 - steps**2)
    for cell in [(0,) * 12, (1,) * 12, (0, 1) * 6, (0, 0, 0, 1, 1, 1) * 2]:
        mass = weights[cell[0]] * norm.pdf(grids[cell[0]])
        for before, now in itertools.pairwise(cell):
            step = norm.pdf((grids[now] - steps * grids[before][:, None]) / rest) / rest
            mass = (mass @ step) * weights[now]
        assert abs(prior.probability[cell] - mass.sum()) <= prior.error
    assert prior.method == PLACKETT
    assert prior.error < 1e-3


def test_scores_that_two_decide_are_integrated_too() -> None:
    """Four scores of rank two: given two of them the others are certain, and nothing is smooth."""
    matrix, marginals = scattered(4, 1, ranks=2), [np.array([0.4, 0.6])] * 4
    prior = gaussian_copula(marginals, matrix)
    assert prior.error < 1e-6
    for i, j in itertools.combinations(range(4), 2):
        pair = gaussian_copula(marginals[:2], matrix[np.ix_([i, j], [i, j])])
        summed = prior.probability.sum(axis=tuple(k for k in range(4) if k not in (i, j)))
        assert np.abs(summed - pair.probability).max() <= 4 * prior.error  # of the cells that are summed


def test_a_table_by_quasi_random_points_says_so_and_how_far_it_is_off() -> None:
    """Fourteen scores: more than nested integrals can take."""
    matrix, marginals = scattered(14, 1), [np.array([0.4, 0.6])] * 14
    prior = gaussian_copula(marginals, matrix)
    assert prior.method == QUASI_RANDOM
    assert 1e-10 < prior.error < 1e-2
    for i, j in [(0, 1), (3, 12), (5, 6)]:
        pair = gaussian_copula(marginals[:2], matrix[np.ix_([i, j], [i, j])])
        assert pair.method == EXACT
        summed = prior.probability.sum(axis=tuple(k for k in range(14) if k not in (i, j)))
        assert (
            np.abs(summed - pair.probability).max() <= 64 * prior.error
        )  # of 4,096 cells that are summed, whose errors are independent
