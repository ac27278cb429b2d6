"""The choice of k: tables, losses, hundreds of suppliers, bad input."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

import veridical as vd
from support.assembler_cases import build, random_cases
from support.assembler_study import surplus
from support.strategies import examples
from veridical import models
from veridical.data import AssemblerCase, InputError
from veridical.data.continuous_case import ContinuousCase
from veridical.solvers.closed_form import assembler as closed
from veridical.studies import choose_k

# --- the choice of k ---


@pytest.fixture(scope="module")
def four() -> AssemblerCase:
    """Return four suppliers whose ranges are 2, 6, 0 and 3.5: the order of reporting is b, d, a, c."""
    costs: list[list[float]] = [[4, 6], [1, 3, 7], [5], [2, 5.5]]
    return build(costs, [[0.5, 0.5], [0.3, 0.3, 0.4], [1.0], [0.6, 0.4]], price=40.0)


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
def test_the_table_is_the_hybrid_one_by_one(solver: str, four: AssemblerCase) -> None:
    choice = choose_k(four, 0.05, solver)
    table = choice.table
    assert table.index.name == "k"
    assert table.index.tolist() == [0, 1, 2, 3, 4]
    assert table["supplier"].tolist() == ["", "b", "d", "a", "c"]
    assert table["contracts"].tolist() == [1, 3, 6, 12, 12]
    assert list(table.columns) == ["supplier", "contracts", "profit", "added", "loss"]
    profits = [vd.solve(four, "hybrid", solver, k=k).objective for k in range(5)]
    assert table["profit"].to_numpy() == pytest.approx(profits, rel=1e-8)
    assert np.isnan(table["added"][0])
    assert table["added"].to_numpy()[1:] == pytest.approx(np.diff(profits), abs=1e-4)
    icds = vd.solve(four, "icds", solver).objective
    assert table["loss"].to_numpy() == pytest.approx(1 - np.array(profits) / icds, abs=1e-8)
    assert profits[0] == pytest.approx(vd.solve(four, "naive", solver).objective, rel=1e-8)
    assert (choice.case, choice.accepted) == ("by hand", 0.05)


def test_the_models_agree_with_the_closed_form(four: AssemblerCase) -> None:
    direct, solved = choose_k(four).table, choose_k(four, solver="highs").table
    assert solved["profit"].to_numpy() == pytest.approx(direct["profit"].to_numpy(), rel=1e-7)
    assert solved[["supplier", "contracts"]].equals(direct[["supplier", "contracts"]])


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
@pytest.mark.parametrize("loss", [0, 0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 1.0])
def test_k_is_the_smallest_that_loses_no_more(loss: float, solver: str, four: AssemblerCase) -> None:
    choice = choose_k(four, loss, solver)
    icds = vd.solve(four, "icds", "closed_form").objective
    profits = [vd.solve(four, "hybrid", "closed_form", k=k).objective for k in range(5)]
    enough = [k for k, profit in enumerate(profits) if profit >= icds * (1 - loss) * (1 - 1e-9)]
    assert choice.k == enough[0]
    assert choice.accepted == loss
    assert loss < 1 or choice.k == 0
    assert loss > 0 or choice.k == 3  # c has one cost, which he need not report


def test_losses_choose_different_k(four: AssemblerCase) -> None:
    assert len({choose_k(four, loss).k for loss in (0.0, 0.01, 0.05, 0.2, 1.0)}) >= 3


@examples(40)
@given(data=st.data())
def test_more_who_report_never_earn_less(data: st.DataObject) -> None:
    case = data.draw(random_cases(data.draw(st.sampled_from(["uniform", "exponential", "empirical"])), least=0))
    choice = choose_k(case, 0.1)
    table = choice.table
    profit = table["profit"].to_numpy()
    assert (np.diff(profit) >= -1e-9 * max(1.0, profit.max())).all()
    assert table["loss"].between(0, 1).all()
    assert table["loss"].iloc[-1] == 0
    widths = [case.suppliers[case.names.index(name)].costs for name in table["supplier"][1:]]
    assert sorted(table["supplier"][1:]) == sorted(case.names)
    assert (np.diff([each[-1] - each[0] for each in widths]) <= 0).all()
    assert table["contracts"].tolist() == np.cumprod([1, *(len(each) for each in widths)]).tolist()
    enough = [k for k in table.index if profit[k] >= 0.9 * profit[-1] - 1e-9 * max(1.0, profit[-1])]
    assert choice.k == enough[0]


def test_nothing_to_earn_is_nothing_to_lose() -> None:
    for solver in ("closed_form", "highs"):
        choice = choose_k(build([[4, 9], [3, 7]], [[0.5, 0.5]] * 2, price=5.0), 0.0, solver)
        assert choice.k == 0
        assert choice.table["profit"].to_numpy() == pytest.approx(0, abs=1e-6)
        assert (choice.table["loss"] == 0).all()


def test_a_correlated_case_is_for_models(correlated: AssemblerCase) -> None:
    with pytest.raises(InputError, match=r"closed_form.*independent.*highs"):
        choose_k(correlated, solver="closed_form")
    choice = choose_k(correlated, 0.1, "highs")
    assert choose_k(correlated).table["profit"].tolist() == pytest.approx(choice.table["profit"].tolist(), rel=1e-6)
    # The numbers of the case's page; naive by hand: F(q) = 14 / 30, profit 14 q - 30 (q - 100)^2 / 1600.
    assert choice.table["profit"].to_numpy()[[0, 2]] == pytest.approx([4013.3333, 5655.30], abs=6e-3)
    assert choice.k == 2
    assert choice.table["supplier"].tolist() == ["", "a", "b"]


def test_the_choice_is_drawn(four: AssemblerCase) -> None:
    choice = choose_k(four, 0.05)
    figure = choice.figure()
    assert isinstance(figure, Figure)
    left, right = figure.axes
    curve, ring = left.lines
    assert np.array_equal(np.asarray(curve.get_xydata()), choice.table[["contracts", "profit"]].to_numpy(dtype=float))
    assert choice.k is not None
    chosen = choice.table[["contracts", "profit"]].to_numpy(dtype=float)[choice.k].tolist()
    assert np.asarray(ring.get_xydata()).tolist() == [chosen]
    bars: Any = right.patches
    assert [bar.get_width() for bar in bars] == choice.table["added"].tolist()[1:]
    assert [label.get_text() for label in right.get_yticklabels()] == ["1. b", "2. d", "3. a", "4. c"]
    colours = [bar.get_facecolor() for bar in bars]
    assert colours == [colours[0]] * choice.k + [colours[-1]] * (4 - choice.k)
    assert colours[0] != colours[-1]


def test_the_record_of_a_choice(four: AssemblerCase) -> None:
    choice = choose_k(four, 0.05)
    found = choice.to_dict()
    assert (found["case"], found["loss"], found["k"]) == ("by hand", 0.05, choice.k)
    assert [row["k"] for row in found["hybrids"]] == list(range(5))
    assert [row["profit"] for row in found["hybrids"]] == choice.table["profit"].tolist()
    assert {type(row["contracts"]) for row in found["hybrids"]} == {int}


# --- hundreds of suppliers ---


def alike(count: int, price: float) -> AssemblerCase:
    return build([[1.0, 2.0]] * count, [[0.4, 0.6]] * count, price=price)


def alike_by_hand(count: int, price: float) -> float:
    """Return what ICDS earns with that many suppliers of costs 1 and 2: v = count + K (1 + 0.4 / 0.6), K binomial."""
    k = np.arange(count + 1)
    return float(stats.binom(count, 0.6).pmf(k) @ surplus(price, 500, 400, count + k * (1 + 0.4 / 0.6)))


@pytest.mark.parametrize(("count", "price"), [(3, 6.0), (12, 30.0), (500, 1200.0), (500, 1010.0), (500, 1000.0)])
def test_the_limit_of_icds_is_what_it_earns_by_hand(count: int, price: float) -> None:
    found, exact = closed.icds_limit(alike(count, price)), alike_by_hand(count, price)
    assert found >= exact * (1 - 1e-10)
    # Splitting costs between points `step` apart adds a variance of step^2 / 4 a supplier at most; profit bends by 2 alpha / r,
    # and where v passes the price by `low` units at once: then the mass of one point counts, moved by a standard deviation.
    variance = count * (count * 5 / 3 / 2**16) ** 2 / 4
    likely = stats.binom(count, 0.6).pmf(np.arange(count + 1)).max()
    assert found <= exact + variance / 2 * 800 / price + 100 * likely * math.sqrt(variance) + 1e-10 * exact


def test_five_hundred_suppliers_are_told_the_most_that_they_can_lose() -> None:
    case = alike(500, 1100.0)
    choice = choose_k(case, 0.05)
    table = choice.table
    assert table.index.tolist() == list(range(17))
    assert table["contracts"].tolist() == [2**k for k in range(17)]
    assert table["supplier"].tolist() == ["", *case.names[:16]]
    exact = alike_by_hand(500, 1100.0)
    true = 1 - table["profit"].to_numpy() / exact
    # k of them report, the others cost 2: v = 1000 - k + K (1 + 0.4 / 0.6)
    expected = [
        stats.binom(k, 0.6).pmf(np.arange(k + 1)) @ surplus(1100, 500, 400, 1000 - k + np.arange(k + 1) * 5 / 3)
        for k in table.index
    ]
    assert table["profit"].to_numpy() == pytest.approx(np.array(expected), rel=1e-9)
    assert (table["loss"].to_numpy() >= true - 1e-10).all()
    assert table["loss"].to_numpy() == pytest.approx(1 - table["profit"].to_numpy() / closed.icds_limit(case), abs=1e-12)
    assert table["loss"].to_numpy() == pytest.approx(true, abs=1e-6)
    enough = [k for k, loss in enumerate(true) if loss <= 0.05]
    assert choice.k == (enough[0] if enough else None)
    assert choose_k(case, float(true[9]) + 1e-5).k == 9
    assert choose_k(case, float(true[16]) - 1e-5).k is None


@examples(80)
@given(data=st.data())
def test_the_limit_is_the_icds_profit_where_both_can_be_had(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["uniform", "exponential", "empirical"]))
    case = data.draw(random_cases(kind, least=0, suppliers=4))
    exact, limit = closed.icds(case).bound, closed.icds_limit(case)
    scale = case.price * case.demand.expectation
    assert limit >= exact - 1e-10 * scale
    if kind == "empirical":
        # Profit has kinks in virtual cost. Splitting a cost between points `step` apart moves it by step / 2 on average at most,
        # and profit by at most the largest demand as much.
        step = len(case.names) * case.price / 2**16  # nobody's virtual cost counts beyond the price
        allowed = len(case.names) * step / 2 * max(case.demand.model_dump()["values"])
        assert limit <= exact + allowed + 1e-10 * scale
    else:
        assert limit == pytest.approx(exact, rel=1e-6, abs=1e-9 * scale)


def test_the_limit_pools_what_is_irregular_and_skips_what_never_occurs(irregular: AssemblerCase) -> None:
    never = build([[2, 3, 7, 8], [1, 4]], [[0.0, 0.5, 0.0, 0.5], [1.0, 0.0]], price=40.0)
    for case in (irregular, never):
        full = vd.solve(case, "icds").objective
        assert closed.icds_limit(case) == pytest.approx(full, rel=1e-6)


def test_there_is_no_limit_for_correlated_costs(correlated: AssemblerCase) -> None:
    with pytest.raises(InputError, match="independent"):
        closed.icds_limit(correlated)


# --- bad input ---


@pytest.mark.parametrize("loss", [-0.1, 1.1, math.nan, math.inf, "x", "0.1", True, False, None, [0.1]])
def test_a_loss_is_a_share(loss: Any, four: AssemblerCase) -> None:
    with pytest.raises(InputError, match=r"loss: got .*a share of the profit, from 0 to 1"):
        choose_k(four, loss)


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
def test_k_is_chosen_for_costs_that_can_be_listed(solver: str) -> None:
    case = vd.example("continuous-pair")
    assert isinstance(case, ContinuousCase)
    with pytest.raises(InputError, match=r"continuous-pair.*case\.grid"):
        choose_k(case, 0.05, solver)  # type: ignore[arg-type]
    assert choose_k(case.grid(4), 0.05, solver).k is not None


def test_an_unknown_solver_is_refused(four: AssemblerCase) -> None:
    with pytest.raises(InputError, match="solver"):
        choose_k(four, 0.05, "nobody")


def test_hybrids_of_every_k_are_also_what_the_models_declare(four: AssemblerCase) -> None:
    for k in (0, 2, 4):
        model = models.hybrid.build(four, k=k)
        assert vd.solvers.solve(model, "highs").objective == pytest.approx(choose_k(four).table["profit"][k], rel=1e-7)


def test_a_copula_without_correlation_is_independent_at_any_size() -> None:
    raw = build([[1.0, 2.0]] * 20, [[0.6, 0.4]] * 20, price=50.0).model_dump(exclude_none=True)
    plain = AssemblerCase.model_validate(raw)
    zeros = AssemblerCase.model_validate(raw | {"prior": {"correlation": np.eye(20).tolist()}})
    assert zeros.independent
    assert closed.icds_limit(zeros) == closed.icds_limit(plain)
    tied = np.eye(20)
    tied[0, 1] = tied[1, 0] = 0.5
    correlated = AssemblerCase.model_validate(raw | {"prior": {"correlation": tied.tolist()}})
    with pytest.raises(InputError, match="independent costs"):  # said without a table of 2^20 profiles
        closed.icds_limit(correlated)
    fixed_cost = build([[1.0, 2.0], [3.0]], [[0.6, 0.4], [1.0]], price=50.0).model_dump(exclude_none=True)
    assert AssemblerCase.model_validate(fixed_cost | {"prior": {"correlation": tied[:2, :2].tolist()}}).independent


def test_balanced_menus_are_chosen_among_by_closed_form_where_virtual_cost_falls(correlated: AssemblerCase) -> None:
    found = choose_k(correlated, balanced=True)
    assert found.table["profit"].iloc[-1] == pytest.approx(vd.solve(correlated, "icds_balanced").objective, rel=1e-6)
    assert found.table["profit"].iloc[1] == pytest.approx(vd.solve(correlated, "hybrid", k=1, balanced=True).objective, rel=1e-6)


@pytest.mark.parametrize("loss", [np.float32(0.25), np.int64(0), 0])
def test_a_loss_may_be_any_number(loss: float, regular: AssemblerCase) -> None:
    assert choose_k(regular, loss).k == choose_k(regular, float(loss)).k
