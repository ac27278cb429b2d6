"""Costs of a distance from a target, as rows with two columns and as segments: the same optimum, prices and proofs."""

from typing import Any, NamedTuple

import highspy
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import veridical as vd
from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers import Termination
from veridical.solvers.certificate import certify
from veridical.solvers.consensus.quadratic import Quadratic
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.planners import Central
from veridical.solvers.planners.compiled import CompiledPlans
from veridical.solvers.planners.optimum import optimum
from veridical.solvers.planners.programs import joined
from veridical.solvers.presolve import Presolved
from veridical.solvers.presolve.kinks import Kinks
from veridical.solvers.translate.standard_form import StandardForm

INFINITE = float("inf")
HIGHS = vd.solvers.Configuration(solver="highs")


class Quantity(NamedTuple):
    """A quantity within bounds, what a unit of it costs, and what it costs to be below or above a target."""

    low: float
    high: float
    cost: float
    target: float
    below: float
    above: float
    entry: float = 1.0  # what its row is multiplied by


def program(quantities: list[Quantity], wanted: float, mix: Any = None) -> StandardForm:
    """Return the program of quantities whose sums, by the rows of `mix`, are to be near `wanted`, by squares.

    Columns: quantities, what is short, what is over, then the sums; rows: the sums, then the distances.
    """
    mix = np.ones((1, len(quantities))) if mix is None else np.array(mix, dtype=float)
    n, sums = len(quantities), len(mix)
    low, high, cost, target, below, above, entry = np.array(quantities, dtype=float).T
    none, one = np.zeros((sums, n)), np.diag(entry)
    matrix = np.block([[mix, none, none, -np.eye(sums)], [one, one, -one, np.zeros((n, sums))]])
    squares = sp.csc_array(np.diag(np.append(np.zeros(3 * n), np.ones(sums))))
    costs = np.concatenate([cost, below, above, np.full(sums, -wanted)])
    sides = np.append(np.zeros(sums), entry * target)
    least, most = np.concatenate([low, np.zeros(2 * n), np.full(sums, -INFINITE)]), np.full(3 * n + sums, INFINITE)
    most[:n] = high
    named: dict[str, Any] = {"variables": [None] * len(costs), "constraints": [None] * len(sides)}
    integer = np.zeros(len(costs), dtype=bool)
    rows = sp.csr_array(matrix)
    return StandardForm(1, costs, wanted**2 * sums / 2, squares, None, rows, sides, sides.copy(), least, most, integer, **named)


def left_of(form: StandardForm) -> Kinks:
    """Return what is left of a form that has something to leave out."""
    kinks = Kinks.of(form)
    assert kinks is not None
    return kinks


def solved(form: StandardForm) -> tuple[Array, Array]:
    """Return an optimum and row duals by PIQP."""
    nothing = np.zeros(len(form.cost))
    return Quadratic(form, np.ones(len(form.cost), dtype=bool)).solve(nothing, nothing, nothing, exact=True)[:2]


QUANTITIES = st.builds(
    lambda low, width, cost, target, below, kink, entry: Quantity(low, low + width, cost, target, below, kink - below, entry),
    st.sampled_from([0.0, -1.0, 0.5, -INFINITE]),
    st.sampled_from([0.0, 1.0, 2.5, INFINITE]),
    st.integers(-2, 3).map(float),
    st.sampled_from([0.0, 0.5, 1.0, 1.5, -2.0, 7.0]),
    st.sampled_from([0.0, 0.25, 2.0, -1.0]),
    st.sampled_from([0.0, 1.5, 4.0]),
    st.sampled_from([1.0, -1.0, 0.5, -3.0]),
).filter(lambda each: each.low < each.high or each.low > -INFINITE)


@settings(max_examples=40, deadline=None)
@given(
    quantities=st.lists(QUANTITIES, min_size=1, max_size=5),
    wanted=st.sampled_from([-4.0, 0.0, 1.0, 6.0]),
    mix=st.lists(st.lists(st.sampled_from([1.0, 0.5, -1.0, 2.0]), min_size=5, max_size=5), min_size=1, max_size=3),
)
def test_what_is_left_has_the_optimum_of_the_whole(quantities: list[Quantity], wanted: float, mix: list[list[float]]) -> None:
    """With bounds that end, so that there is an optimum; duals of the whole prove what comes back to be one."""
    ends = [each._replace(low=max(each.low, -20.0), high=min(each.high, 20.0)) for each in quantities]
    form = program(ends, wanted, np.array(mix)[:, : len(ends)])
    kinks = left_of(form)
    assert len(kinks.form.row_low) == len(mix)
    assert len(kinks.form.cost) <= 2 * len(ends) + len(mix)
    x, row_dual = kinks.restored(*solved(kinks.form))
    certificate, bound = certify(form, x, row_dual)
    assert certificate.within_all(1e-7)
    least = form.minimised(solved(form)[0])
    size = 1.0 + abs(least)
    assert form.minimised(x) == pytest.approx(least, abs=1e-6 * size)
    assert bound == pytest.approx(least, abs=1e-6 * size)
    off = x[: len(ends)] - np.array([each.target for each in ends])
    np.testing.assert_allclose(x[len(ends) : 3 * len(ends)], np.append(np.maximum(-off, 0), np.maximum(off, 0)), atol=1e-9)


@pytest.mark.parametrize("entry", [1.0, -1.0, -2.0])
@pytest.mark.parametrize(
    ("target", "quantity", "price"),
    [(1.0, 2.0, -1.0), (2.5, 2.5, -0.5), (3.0, 3.0, 0.0), (3.5, 3.5, 0.5), (5.0, 4.0, 1.0), (0.0, 2.0, -1.0), (-1.0, 2.0, -1.0)],
)
def test_prices_of_targets_are_what_one_more_costs(target: float, quantity: float, price: float, entry: float) -> None:
    """(x - 3)^2 / 2 + |x - target| over x >= 0: x is 3 drawn to the target by 1, and no further than there."""
    form = program([Quantity(0.0, INFINITE, 0.0, target, 1.0, 1.0, entry)], 3.0)
    kinks = left_of(form)
    x, row_dual = kinks.restored(*solved(kinks.form))
    assert x[0] == pytest.approx(quantity, abs=1e-7)
    assert row_dual[1] * entry == pytest.approx(price, abs=1e-7)
    assert form.minimised(x) == pytest.approx((quantity - 3) ** 2 / 2 + abs(quantity - target), abs=1e-8)


@pytest.mark.parametrize(
    ("target", "low", "high", "wanted", "price"),
    [
        (1.0, 1.0, 9.0, 1.0, -0.5),
        (1.0, 0.0, 1.0, 1.0, 0.5),
        (0.5, 1.0, 9.0, 1.0, -1.0),
        (1.5, 0.0, 1.0, 1.0, 1.0),
        (1.0, 1.0, 9.0, 0.5, -0.25),
    ],
)
def test_of_several_prices_the_middle_one_comes_back(target: float, low: float, high: float, wanted: float, price: float) -> None:
    """x is at its bound; what one more of it is worth is x - wanted, and what is between that and the target's is a price too."""
    form = program([Quantity(low, high, 0.0, target, 1.0, 1.0)], wanted)
    x, row_dual = left_of(form).restored(*solved(left_of(form).form))
    assert x[0] == pytest.approx(1.0)
    assert certify(form, x, row_dual)[0].gap <= 1e-9
    assert row_dual[1] == pytest.approx(price, abs=1e-6)


def test_another_price_moves_the_optimum_and_nothing_else() -> None:
    form = program([Quantity(0.0, 9.0, 0.0, 1.0, 1.0, 1.0), Quantity(0.0, 9.0, 0.5, 2.0, 0.5, 0.25)], 6.0)
    before = left_of(form)
    form.cost[0] += 3.0
    after = left_of(form)
    np.testing.assert_allclose(after.form.cost - before.form.cost, 3.0 * (np.array([1, 0, 0, 1, 0])))
    (x, row_dual), plain = after.restored(*solved(after.form)), solved(form)[0]
    assert certify(form, x, row_dual)[0].within_all(1e-8)
    np.testing.assert_allclose(x, plain, atol=1e-6)


def test_targets_that_are_rounding_get_no_segment() -> None:
    form = program([Quantity(0.0, INFINITE, 1.0, 1e-9, 1.0, 1.0), Quantity(0.0, INFINITE, 0.0, 100.0, 1.0, 1.0)], 120.0)
    kinks = left_of(form)
    assert len(kinks.split) == 1
    x, row_dual = kinks.restored(*solved(kinks.form))
    np.testing.assert_allclose(form.matrix @ x, form.row_low, atol=1e-12)
    assert certify(form, x, row_dual)[0].within_all(1e-9)


def test_rows_that_are_something_else_stay() -> None:
    one = Quantity(0.0, 9.0, 0.0, 1.0, 1.0, 1.0)
    assert Kinks.of(program([one._replace(above=-2.0)], 3.0)) is None  # short and over together would earn without end
    bounded, curved, unlike, within = (program([one], 3.0) for _ in range(4))
    bounded.high[1] = 5.0
    curved.hessian = sp.csc_array(np.diag([1.0, 0.0, 0.0, 1.0]))
    unlike.matrix[1, 1] = 2.0
    within.row_high[1] = 4.0
    assert [Kinks.of(form) for form in (bounded, curved, unlike, within)] == [None] * 4


def test_programs_without_an_optimum_have_none_presolved() -> None:
    """Two quantities of at most 1 are to sum to 3 or more; or more of one earns without end, whatever it is above its target."""
    one = Quantity(0.0, 1.0, 0.0, 0.5, 1.0, 1.0)
    infeasible = program([one, one], 6.0)
    infeasible.low[-1] = 3.0
    endless = program([one, one._replace(high=INFINITE, cost=-2.0)], 6.0, [[1.0, 0.0]])
    for form, status in ((infeasible, Termination.INFEASIBLE), (endless, Termination.UNBOUNDED)):
        assert Presolved.of(form) is not None
        form.variables, form.constraints = ([Named(str(k)) for k in range(count)] for count in form.matrix.shape[::-1])
        with pytest.raises(NotSolvedError) as raised:
            optimum("quantities", form, HIGHS)
        assert raised.value.status == status


class Named:
    """What a row or column is called."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize("absent", [(), ("Alder",)])
def test_a_plan_with_a_fee_has_no_rows_of_activity_left(absent: tuple[str, ...]) -> None:
    """The plan of the shipped pilot by PIQP on the whole, and by HiGHS on what is left."""
    case, plans = vd.example("pilot"), CompiledPlans(None)
    baseline = Central().baseline(case)
    parties = {name: plans.party(case, name) for name in case.names if name not in absent}
    whole, without = (joined(parties, case.shared, baseline, fee).program.form for fee in (5.0, 0.0))
    presolved, free = Presolved.of(whole), Presolved.of(without)
    assert presolved is not None
    assert free is not None
    assert len(presolved.form.row_low) == len(free.form.row_low)  # as many as without a fee
    assert len(free.form.cost) <= len(presolved.form.cost) <= len(free.form.cost) + (baseline > 0).sum()
    direct, left = optimum("plan", whole, None), optimum("plan", whole, HIGHS)
    assert (direct.solver[0], left.solver[0]) == ("piqp", "highs")
    assert left.point.certificate.gap <= 1e-9
    assert whole.minimised(left.point.x) == pytest.approx(whole.minimised(direct.point.x), rel=1e-9)


def test_the_last_point_counts_where_it_is_proven_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """HiPO may come no further at a point that is an optimum by its own multipliers, and so may it far from any."""
    case, plans = vd.example("pilot"), CompiledPlans(None)
    form = joined({name: plans.party(case, name) for name in case.names}, case.shared).program.form
    expected = optimum("plan", form, HIGHS)
    monkeypatch.setattr(Highs, "getModelStatus", lambda _: highspy.HighsModelStatus.kUnknown)
    found = optimum("plan", form, HIGHS)
    assert found.point.certificate.within(1e-9)
    assert form.minimised(found.point.x) == pytest.approx(form.minimised(expected.point.x), rel=1e-9)
    with pytest.raises(NotSolvedError, match="no way of HiGHS's came to a certificate"):
        optimum("plan", form, HIGHS.changed(options={"solver": "hipo", "ipm_iteration_limit": 4}))
