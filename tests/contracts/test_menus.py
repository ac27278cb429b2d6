"""Contract menus: their table, CSV files there and back, balanced payments and expected profit."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import veridical as vd
from support.assembler_cases import build
from support.demands import EMPIRICAL, EXPONENTIAL, UNIFORM, kind
from veridical.contracts import Menu
from veridical.data import AssemblerCase, Demand, InputError


@pytest.fixture
def case() -> AssemblerCase:
    """Return a case with three, one and two costs, no two of which print alike."""
    own = [[0.2, 0.5, 0.3], [1.0], [0.6, 0.4]]
    return build([[1.1, 2.2, 10 / 3], [0.7], [0.1, 0.3]], own)


@pytest.fixture
def menu(case: AssemblerCase) -> Menu:
    """Return a menu of numbers that need all their digits."""
    random = np.random.default_rng(7)
    shape = (3, *case.shape)
    return Menu(case, random.uniform(0, 900, shape), random.normal(0, 1e3, shape) * 10.0 ** random.integers(-12, 12, shape))


def test_the_menu_s_table_is_laid_out_by_name(case: AssemblerCase, menu: Menu) -> None:
    frame = menu.to_frame()
    assert frame.index.names == ["a", "b", "c"]
    assert frame.index.tolist() == list(itertools.product((1.1, 2.2, 10 / 3), (0.7,), (0.1, 0.3)))
    names = [tuple(column) for column in frame.columns]
    assert names == [("probability", ""), *itertools.product(("quantity", "payment", "rent"), "abc")]
    assert frame.loc[(2.2, 0.7, 0.3), ("probability", "")] == case.probability[1, 0, 1]
    assert frame.loc[(2.2, 0.7, 0.3), ("quantity", "a")] == menu.quantity[0, 1, 0, 1]
    assert frame.loc[(10 / 3, 0.7, 0.1), ("payment", "c")] == menu.payment[2, 2, 0, 0]
    owed = menu.payment[0, 1, 0, 1] - 2.2 * menu.quantity[0, 1, 0, 1]
    assert frame.loc[(2.2, 0.7, 0.3), ("rent", "a")] == pytest.approx(owed, rel=1e-15)


def test_a_solution_s_menu_has_that_layout() -> None:
    frame = vd.solve(vd.example("two-suppliers"), solver="closed_form").menu
    assert frame is not None
    assert frame.index.names == ["panel", "battery"]
    # The paper's section 3.1: v(h, h) = 13 + 1.5 (6 + 3), q = 200 + 600 (30 - v) / 30, nobody of high cost earns a rent.
    assert frame.loc[(9.0, 4.0), ("quantity", "panel")] == pytest.approx(200 + 600 * 3.5 / 30)
    assert frame.loc[(9.0, 4.0), ("payment", "panel")] == pytest.approx(9 * 270)


def test_a_menu_survives_a_csv_file_to_the_last_digit(case: AssemblerCase, menu: Menu, tmp_path: Path) -> None:
    menu.to_csv(tmp_path / "menu.csv")
    back = Menu.read_csv(case, tmp_path / "menu.csv")
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_rows_and_columns_of_a_menu_s_file_may_come_in_any_order(case: AssemblerCase, menu: Menu, tmp_path: Path) -> None:
    menu.to_csv(tmp_path / "menu.csv")
    table = pd.read_csv(tmp_path / "menu.csv", dtype=str).sample(frac=1.0, random_state=3)
    table[table.columns[::-1]].to_csv(tmp_path / "shuffled.csv", index=False)
    back = Menu.read_csv(case, tmp_path / "shuffled.csv")
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_a_menu_survives_its_own_table_in_any_order(case: AssemblerCase, menu: Menu) -> None:
    shuffled = menu.to_frame().sample(frac=1.0, random_state=5)
    assert shuffled.index.tolist() != menu.to_frame().index.tolist()
    back = Menu.from_frame(case, shuffled[shuffled.columns[::-1]])
    assert (back.quantity == menu.quantity).all()
    assert (back.payment == menu.payment).all()


def test_the_menu_of_one_supplier_survives_its_own_table() -> None:
    case = build([[1, 2]], [[0.4, 0.6]])
    menu = Menu.balanced(case, np.array([7.0, 5.0]))
    for frame in (menu.to_frame(), menu.to_frame().sort_index(ascending=False)):
        assert (Menu.from_frame(case, frame).payment == menu.payment).all()


@pytest.mark.parametrize("wrong", ["row missing", "row twice", "other cost", "column missing", "NaN", "infinite", "negative"])
def test_a_table_that_is_no_menu_is_refused(case: AssemblerCase, menu: Menu, wrong: str) -> None:
    frame = menu.to_frame()
    if wrong == "row missing":
        frame = frame.iloc[1:]
    elif wrong == "row twice":
        frame = pd.concat([frame.iloc[1:], frame.iloc[1:2]])
    elif wrong == "other cost":
        frame = frame.rename(index={1.1: 1.2})
    elif wrong == "column missing":
        frame = frame.drop(columns=[("payment", "b")])
    else:
        value = {"NaN": np.nan, "infinite": np.inf, "negative": -1.0}[wrong]
        frame[("quantity", "c")] = value
    with pytest.raises(InputError, match="menu: got"):
        Menu.from_frame(case, frame)


def test_menus_are_read_only(menu: Menu) -> None:
    with pytest.raises(ValueError, match="read-only"):
        menu.quantity[0, 0, 0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        menu.payment[0, 0, 0, 0] = 1.0


def test_balanced_payments_are_the_paper_s() -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.4, 0.15], [0.2, 0.25]])
    menu = Menu.balanced(case, np.array([[700.0, 500.0], [400.0, 300.0]]))
    # (11): w_1(l, .) = 5 q(h, .), w_2(., l) = 4 q(., h), nobody of high cost has one.
    assert menu.rent(0).tolist() == [[5 * 400, 5 * 300], [0, 0]]
    assert menu.rent(1).tolist() == [[4 * 500, 0], [4 * 300, 0]]
    assert menu.payment[0].tolist() == [[4 * 700 + 2000, 4 * 500 + 1500], [9 * 400, 9 * 300]]
    assert menu.payment[1].tolist() == [[3 * 700 + 2000, 7 * 500], [3 * 400 + 1200, 7 * 300]]
    assert menu.is_balanced


def test_balanced_payments_for_three_costs() -> None:
    case = build([[1, 3, 4]], [[0.2, 0.3, 0.5]])
    menu = Menu.balanced(case, np.array([100.0, 70.0, 40.0]))
    assert menu.rent(0).tolist() == [2 * 70 + 1 * 40, 1 * 40, 0]
    assert menu.payment[0].tolist() == [100 + 180, 3 * 70 + 40, 4 * 40]


@pytest.mark.parametrize("demand", [UNIFORM, EXPONENTIAL, EMPIRICAL], ids=kind)
def test_expected_profit_is_the_sum_over_profiles(case: AssemblerCase, demand: Demand) -> None:
    random = np.random.default_rng(11)
    shape = (3, *case.shape)
    menu = Menu(case.model_copy(update={"demand": demand}), random.uniform(0, 900, shape), random.uniform(0, 5e3, shape))
    expected = 0.0
    for t in np.ndindex(*case.shape):
        assembled = min(menu.quantity[(i, *t)] for i in range(3))
        paid = sum(menu.payment[(i, *t)] for i in range(3))
        expected += case.probability[t] * (case.price * float(demand.expected_sales(assembled)) - paid)
    assert menu.expected_profit == pytest.approx(expected, rel=1e-13)
    assert not menu.is_balanced


def test_expected_profit_by_hand() -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.4, 0.15], [0.2, 0.25]], demand={"distribution": "empirical", "values": [50, 90]})
    quantity = np.array([[[80, 60], [40, 0]], [[70, 60], [60, 20]]])
    payment = np.array([[[500, 400], [300, 0]], [[200, 300], [150, 100]]])
    # Assembled 70, 60, 40, 0; sold at 30: (50 + 70) / 2, (50 + 60) / 2, 40, 0.
    expected = 0.4 * (30 * 60 - 700) + 0.15 * (30 * 55 - 700) + 0.2 * (30 * 40 - 450) + 0.25 * (0 - 100)
    assert Menu(case, quantity.astype(float), payment.astype(float)).expected_profit == pytest.approx(expected, rel=1e-14)
