"""Continuous costs on the command line."""

from pathlib import Path

import pytest

from support.command_line import MANIPULABLE, PAIR, Run, is_number, parsed
from veridical import compare, example, load, one_sided_derivatives, solve
from veridical.data import InputError

pytestmark = pytest.mark.usefixtures("case_file")


def panel_alone(run: Run) -> None:
    """Write a case of one supplier, cost uniform on [3, 13]."""
    suppliers = '[[suppliers]]\nname = "panel"\ncost = { distribution = "uniform", low = 3.0, high = 13.0 }\n'
    Path("case.toml").write_text(PAIR[: PAIR.index("[[suppliers]]")] + suppliers, encoding="utf-8")


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_continuous_costs_have_the_keys_that_scripts_rely_on(run: Run, solver: str) -> None:
    found = parsed(run("solve", "continuous-pair", "--solver", solver, "--json", "-"))
    assert (found["case"], found["mechanism"], found["status"]) == ("continuous-pair", "continuous", "optimal")
    assert all(is_number(found[key]) for key in ("objective", "bound"))
    assert found["bound"] >= found["objective"] * (1 - 1e-8)
    assert set(found["solver"]) == {"name", "version", "options", "form", "seconds"}
    assert found["solver"]["name"] == solver
    assert all(is_number(found["certificate"][figure]) for figure in ("primal_residual", "dual_residual", "gap"))
    assert found["audit"]["balanced"] is True
    assert found["audit"]["truthful"] is True
    assert is_number(found["audit"]["max_regret"])
    assert is_number(found["audit"]["min_rent"])
    assert is_number(found["sensitivity"]["price"])
    assert len(found["menu"]) == 16 * 16
    assert sum(row["probability"] for row in found["menu"]) == pytest.approx(1)
    for row in found["menu"]:
        assert all(len(row[key]) == 2 and all(map(is_number, row[key])) for key in ("quantity", "payment", "rent"))
    if solver == "highs":
        assert found["parameters"] == {"points": 16}
        assert found["duals"]
        assert "integration" not in found
    else:
        assert found["duals"] == {}
        assert set(found["integration"]) == {"method", "points", "error", "payments_error"}
        assert found["integration"]["method"] == "quadrature"
        assert 0 <= found["integration"]["error"] <= 1e-7 * found["objective"]


def test_a_continuous_case_by_hand(run: Run) -> None:
    # J = 2 x - 3, evenly on [3, 23], below the price: mean of (30 - v) 200 + 300 (30 - v)^2 / 30 over v, 30 - v from 27 to 7.
    exact = 200 * 17 + 10 * (27**3 - 7**3) / 60
    panel_alone(run)
    direct = parsed(run("solve", "case.toml", "--solver", "closed_form", "--json", "-"))
    assert direct["objective"] == pytest.approx(exact, rel=1e-8)
    for points in (1, 8):
        solved = parsed(run("solve", "case.toml", "--set", f"points={points}", "--json", "-"))
        assert solved["parameters"] == {"points": points}
        assert [row["costs"] for row in solved["menu"]] == [[k] for k in range(points)]
        assert [row["probability"] for row in solved["menu"]] == pytest.approx([1 / points] * points)
        # Cells are paid as their upper ends c_k = 3 + 10 k / points: v = c_k + (k - 1) 10 / points.
        each = [30 - (3 + 10 * k / points + (k - 1) * 10 / points) for k in range(1, points + 1)]
        expected = sum(200 * less + 10 * less**2 for less in each) / points
        assert solved["objective"] == pytest.approx(expected, rel=1e-8)
        assert solved["objective"] < exact


def test_points_reach_the_closed_form_too(run: Run) -> None:
    found = parsed(run("solve", "continuous-pair", "--solver", "closed_form", "--set", "points=8", "--json", "-"))
    assert found["parameters"] == {"points": 8}
    assert len(found["menu"]) == 64
    usual = parsed(run("solve", "continuous-pair", "--solver", "closed_form", "--json", "-"))
    assert found["objective"] == usual["objective"]  # they are where the rule is shown, no more


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
@pytest.mark.parametrize("points", ["0", "-3", "1.5", "true", "many"])
def test_points_are_a_whole_number_above_0(run: Run, points: str, solver: str) -> None:
    status, out, err = run("solve", "continuous-pair", "--solver", solver, "--set", f"points={points}")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert "points: got" in line
    assert "a whole number" in line


def test_tables_of_continuous_costs(run: Run) -> None:
    status, out, err = run("solve", "continuous-pair", "--solver", "closed_form")
    assert (status, err) == (0, "")
    assert "the 16 most likely of 256 profiles" in out
    assert "profit by quadrature over" in out
    assert "nan" not in out
    status, out, _ = run("solve", "continuous-pair", "--set", "points=8")
    assert status == 0
    assert out.startswith("continuous (points=8) for continuous-pair")


def test_a_continuous_menu_is_audited_on_its_grid_alone(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    status, out, err = run("audit", "continuous-pair", "menu.csv")
    assert (status, out) == (2, "")
    assert err.startswith(
        "veridical: continuous-pair: case: got <continuous costs>; allowed: a case of kind assembler whose suppliers have `costs`"
    )


def test_mechanisms_for_costs_that_can_be_listed_refuse_continuous_ones(run: Run) -> None:
    status, out, err = run("solve", "continuous-pair", "--mechanism", "icds")
    assert (status, out) == (2, "")
    assert "mechanism: got 'icds'" in err
    assert "continuous" in err


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_the_price_of_a_continuous_case_has_the_derivative_that_is_said(solver: str) -> None:
    case = example("continuous-pair")
    said = float(solve(case, solver=solver).sensitivity["price"])
    left, right = one_sided_derivatives(case, "price", solver=solver)
    assert left <= said <= right  # profit is convex in the price
    # Expected sales rise by 280 in all as the price goes from 15 to 30, and by less than 100 for every unit of price: a step of
    # 1e-4 of it moves the slope by less than 0.3.
    assert right - left <= 0.3
    with pytest.raises(InputError, match=r"parameter: got 'cost panel=3'; allowed: one of price|parameter: .*allowed: price"):
        one_sided_derivatives(case, "cost panel=3", solver=solver)


def test_one_sided_derivatives_of_one_continuous_cost_by_hand(run: Run) -> None:
    panel_alone(run)
    # Z = mean of (r - v) 200 + 300 (r - v)^2 / r, v evenly on [3, 23]: dZ/dr = 200 + mean of 300 (1 - v^2 / r^2).
    slope = 200 + 300 * (1 - (23**3 - 3**3) / (3 * 20 * 900))
    case = load("case.toml")
    assert solve(case, solver="closed_form").sensitivity["price"] == pytest.approx(slope, rel=1e-8)
    assert one_sided_derivatives(case, "price", solver="closed_form") == pytest.approx((slope, slope), rel=1e-3)


def test_json_of_a_comparison_of_continuous_costs(run: Run) -> None:
    for solver in ("highs", "closed_form"):
        (row,) = parsed(run("compare", "continuous-pair", "--solver", solver, "--json", "-"))["mechanisms"]
        assert row["mechanism"] == "continuous"
        assert row["share_of_first_best"] is None
        assert (row["truthful"], row["balanced"]) == ("always", True)
    frame = compare(example("continuous-pair"), solver="closed_form")
    assert row["profit"] == frame["profit"].iloc[0]
