"""What is varied: ranges, lists, draws; which values are taken together; correlation; parameters of one mechanism."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import veridical as vd
from veridical.data import InputError

PAIR = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form"}


def study(vary: dict[str, Any], **others: Any) -> Any:
    return vd.study({**PAIR, "vary": vary, **others})


def test_a_row_is_what_solve_finds_at_its_point() -> None:
    vary = {"price": {"values": [28, 31]}, "suppliers.panel.costs": {"values": [[4, 9], [4, 8]]}}
    table = study(vary, mechanisms=["icds", "naive"])
    assert len(table) == 8
    case = vd.example("two-suppliers")
    for row in table.itertuples():
        costs = json.loads(row._5)
        solution = vd.solve(case, row.mechanism, "closed_form", price=row.price, **{"suppliers.panel.costs": costs})
        assert (row.objective, row.bound, row.status) == (solution.objective, solution.bound, "optimal")
        assert row.gap == solution.certificate.gap
    assert table["case_hash"].nunique() == 4  # of the cases as they were solved


def test_cross_takes_all_with_all_the_last_fastest() -> None:
    table = study({"price": {"from": 20, "to": 40, "points": 3}, "demand.low": {"values": [0, 50]}})
    assert table[["price", "demand.low"]].to_numpy().tolist() == [[20, 0], [20, 50], [30, 0], [30, 50], [40, 0], [40, 50]]
    assert table["price"].dtype == int


def test_the_points_of_a_range_have_no_rounding() -> None:
    table = study({"price": {"from": 30, "to": 31, "points": 11}})
    assert table["price"].tolist() == [30.0, 30.1, 30.2, 30.3, 30.4, 30.5, 30.6, 30.7, 30.8, 30.9, 31.0]


def test_a_range_around_0_has_0_in_its_middle() -> None:
    """It had 1e-16, and every row failed."""
    table = study({"correlation": {"from": -0.9, "to": 0.9, "points": 7}}, mechanisms=["icds", "naive"], solver="highs")
    assert table["correlation"].tolist() == [-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9] * 2
    assert table.exit_status == 0
    assert table["objective"][3] == pytest.approx(
        vd.solve(vd.example("two-suppliers"), "icds", "closed_form").objective, rel=1e-8
    )


def test_zip_takes_the_first_of_each_then_the_second() -> None:
    vary = {"price": {"values": [20, 30]}, "demand.low": {"from": 0, "to": 50, "points": 2}, "design": "zip"}
    assert study(vary)[["price", "demand.low"]].to_numpy().tolist() == [[20, 0], [30, 50]]
    with pytest.raises(
        InputError, match=r'vary: got <price 2, demand.low 3>; allowed: with design = "zip" as many values of each'
    ):
        study({**vary, "demand.low": {"values": [0, 1, 2]}})


def test_draws_depend_on_the_seed_and_on_their_own_axis_alone() -> None:
    prices = {"random": {"distribution": "uniform", "low": 20, "high": 40}}
    design = {"design": "random", "draws": 30, "seed": 3}
    one = study({"price": prices, **design})["price"].tolist()
    both = study({"price": prices, "demand.low": {"values": [0, 50]}, **design})
    assert both["price"].tolist() == one
    assert set(both["demand.low"]) == {0, 50}
    assert len(set(one)) == 30
    assert min(one) >= 20
    assert max(one) <= 40
    assert study({"price": prices, **design, "seed": 4})["price"].tolist() != one
    crossed = {"price": {"random": {**prices["random"], "draws": 3}}, "demand.low": {"values": [0, 50]}}
    assert len(study(crossed)) == 6


def test_a_law_is_the_one_that_is_named() -> None:
    drawn = study({"price": {"random": {"distribution": "normal", "mean": 30, "sd": 2, "draws": 100}}}, mechanisms=["naive"])[
        "price"
    ]
    assert abs(drawn.mean() - 30) < 4 * 2 / np.sqrt(100)
    assert abs(drawn.std() - 2) < 4 * 2 / np.sqrt(200)


def test_one_correlation_stands_for_a_matrix() -> None:
    table = study({"correlation": {"values": [-0.2, 0, 0.4]}}, case="electronics", mechanisms=["icds_balanced"], solver="highs")
    case = vd.example("electronics")
    for row in table.itertuples():
        matrix = np.full((6, 6), row.correlation)
        np.fill_diagonal(matrix, 1)
        direct = vd.solve(case, "icds_balanced", "highs", prior={"correlation": matrix.tolist()})
        assert row.objective == pytest.approx(direct.objective, rel=1e-9)


def test_a_correlation_below_the_least_is_refused_with_it() -> None:
    limit = (
        r"vary.correlation: got -0.21; allowed: a number from -1/\(n - 1\) = -0.2, the least that n = 6 scores can share, to 1"
    )
    with pytest.raises(InputError, match=limit):
        study({"correlation": {"values": [-0.21, 0]}}, case="electronics")
    with pytest.raises(InputError, match=r"vary.correlation: got 1.5"):
        study({"correlation": {"values": [1.5]}}, case="electronics")
    with pytest.raises(InputError, match=r"vary.correlation: .*for cases of an assembler: two-retailers is of kind allocation"):
        vd.study({"case": "two-retailers", "vary": {"correlation": {"values": [0.1]}}})


def test_under_one_correlation_everybody_keeps_what_he_believes_of_himself() -> None:
    table = study({"correlation": {"values": [0]}}, case="two-suppliers-correlated")
    halves = {"suppliers.panel.probabilities": [0.5, 0.5], "suppliers.battery.probabilities": [0.5, 0.5]}
    free = vd.example("two-suppliers-correlated").changed(prior=None, **halves)
    assert table["objective"].tolist() == pytest.approx([vd.solve(free, "icds", "closed_form").objective], rel=1e-9)


@pytest.mark.parametrize(
    ("case", "hidden", "other"),
    [
        ("two-suppliers", "suppliers.0.costs", {"suppliers.panel.costs": [[3, 8], [3, 9]]}),
        ("two-suppliers", "correlation", {"prior": [{"correlation": [[1, 0.2], [0.2, 1]]}]}),
        ("two-suppliers", "correlation", {"prior.correlation": [[[1, 0.2], [0.2, 1]], [[1, 0.5], [0.5, 1]]]}),
        ("two-retailers", "retailers.0.types", {"retailers.00.types": [[4, 5, 6, 7, 9]]}),
    ],
)
@pytest.mark.parametrize("design", ["cross", "zip"])
def test_an_axis_that_another_one_stands_over_is_refused(case: str, hidden: str, other: dict[str, Any], design: str) -> None:
    first: Any = {"suppliers.0.costs": [[4, 8], [4, 9]], "correlation": [0.1, 0.3], "retailers.0.types": [[4, 5, 6, 7, 8.5]]}[
        hidden
    ]
    count = len(next(iter(other.values())))
    values = {hidden: first if design == "cross" else first[:count], **other}
    vary = {name: {"values": listed} for name, listed in values.items()}
    allowed = f"a field that no other one sets as well, in {case}$"
    with pytest.raises(InputError, match=rf"^vary\.{hidden}: got <{hidden}, beside .*>; allowed: {allowed}"):
        vd.study({"case": case, "vary": {**vary, "design": design}})


def test_axes_that_need_one_another_hide_nothing() -> None:
    costs, shares = [[4, 9], [4, 6, 9]], [[0.5, 0.5], [0.25, 0.25, 0.5]]
    vary = {"suppliers.panel.costs": {"values": costs}, "suppliers.panel.probabilities": {"values": shares}, "design": "zip"}
    table = study(vary)
    for objective, own, likely in zip(table["objective"], costs, shares, strict=True):
        case = vd.example("two-suppliers").changed(**{"suppliers.panel.costs": own, "suppliers.panel.probabilities": likely})
        assert objective == vd.solve(case, "icds", "closed_form").objective


def test_probabilities_that_are_varied_stand_under_one_correlation() -> None:
    likely = [[0.3, 0.7], [0.5, 0.5]]
    vary = {"correlation": {"values": [0.2]}, "suppliers.panel.probabilities": {"values": likely}}
    table = study(vary, case="two-suppliers-correlated", mechanisms=["icds"], solver="highs")
    case = vd.example("two-suppliers-correlated")
    for objective, own in zip(table["objective"], likely, strict=True):
        halves = {"suppliers.panel.probabilities": own, "suppliers.battery.probabilities": [0.5, 0.5]}
        other = case.changed(prior={"correlation": [[1, 0.2], [0.2, 1]]}, **halves)
        assert objective == pytest.approx(vd.solve(other, "icds", "highs").objective, rel=1e-8)


def test_columns_that_every_table_has_may_be_asked_for_and_stay_what_they_are() -> None:
    vary = {"price": {"values": [30, 31]}}
    columns = ["case", "price", "seconds", "gap", "row", "objective", "rents", "status"]
    asked, plain = (study(vary, outputs={"columns": names}) for names in (columns, ["rents"]))
    assert list(asked.columns) == list(plain.columns)
    assert asked["price"].tolist() == [30, 31]
    assert asked["case"].tolist() == ["two-suppliers"] * 2


def test_a_field_that_is_called_as_a_column_is_varied_by_its_parts() -> None:
    with pytest.raises(
        InputError, match=r"^vary\.mechanism: got 'mechanism'; allowed: parts of it where it has any \(mechanism\.KEY\)"
    ):
        vd.study({"case": "marketplace", "vary": {"mechanism": {"values": [{"activity_fee": 2.0}]}}})


def test_whole_numbers_that_no_column_holds() -> None:
    with pytest.raises(InputError, match=r"vary\.price\.values\[0\]: got 1180591620717411303424; allowed: finite numbers"):
        study({"price": {"values": [2**70]}})
    prices = study({"price": {"from": 30, "to": 2**70, "points": 2}})["price"]
    assert prices.tolist() == pytest.approx([30.0, float(2**70)], rel=1e-11)  # a range has twelve digits


def test_a_parameter_is_of_its_mechanism_alone() -> None:
    vary = {"price": {"values": [100, 118]}, "mechanism.hybrid.k": {"values": [1, 2, 3]}}
    table = study(vary, case="electronics", mechanisms=["hybrid", "naive"])
    counts = table["mechanism"].value_counts()
    assert (counts["hybrid"], counts["naive"]) == (6, 2)
    column = table["mechanism.hybrid.k"]
    assert column[table["mechanism"] == "naive"].isna().all()
    assert column[table["mechanism"] == "hybrid"].tolist() == [1, 2, 3, 1, 2, 3]
    assert table["objective"].iloc[5] == vd.solve(vd.example("electronics"), "hybrid", "closed_form", k=3).objective


def test_a_closed_form_is_taken_where_there_is_one() -> None:
    table = study({}, mechanisms=["icds", "bic"], solver=["closed_form", "highs"])
    assert table[["mechanism", "solver"]].to_numpy().tolist() == [["icds", "closed_form"], ["icds", "highs"], ["bic", "highs"]]
    assert table["objective"].iloc[0] == pytest.approx(table["objective"].iloc[1], rel=1e-6)


def test_columns_are_figures_duals_and_sensitivities() -> None:
    columns = ["rents", "regret", "dual:individual_rationality:max", "dual:individual_rationality:sum", "sensitivity:price"]
    columns += ["contracts:is_balanced", "certificate:gap", "audit:largest_payment"]
    (row,) = study({}, case="two-suppliers-correlated", solver="highs", outputs={"columns": columns}).to_dict("records")
    solution = vd.solve(vd.example("two-suppliers-correlated"), "icds", "highs")
    assert row["rents"] == pytest.approx(191.67, abs=6e-3)  # as `compare` has it
    assert solution.audit is not None
    assert row["regret"] == solution.audit.max_regret
    duals = solution.duals["individual_rationality"]
    assert row["dual:individual_rationality:max"] == pytest.approx(duals.max(), abs=1e-9)
    assert row["dual:individual_rationality:sum"] == pytest.approx(duals.sum(), abs=1e-9)
    # Expected sales: a study's tangents begin elsewhere, and units come out to the square root of the tolerance.
    assert row["sensitivity:price"] == pytest.approx(solution.sensitivity["price"], rel=1e-6)
    assert (row["contracts:is_balanced"], row["certificate:gap"]) == (0, pytest.approx(solution.certificate.gap, abs=1e-9))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"case": "nobody"}, "case: got 'nobody'; allowed: a case file, a folder, or a shipped case: .*two-suppliers"),
        ({}, "case: missing required key: a shipped case"),
        ({"case": []}, "case: got .*; allowed: one or more"),
        ({"mechanisms": ["nothing"]}, "mechanism: got 'nothing'; allowed: for this case of kind assembler one of"),
        ({"mechanisms": ["icds", "icds"]}, "mechanisms: got 'icds'; allowed: every mechanisms once"),
        ({"mechanisms": ["bic"]}, "solver: got 'closed_form'; allowed: a solver for models: bic has no closed form"),
        ({"solver": 3}, "solver: got 3; allowed: a solver's name"),
        ({"wrong": 3}, "wrong: got 3; allowed: only the keys name, case, mechanisms, solver, vary"),
        ({"vary": 3}, "vary: got 3; allowed: a table"),
        ({"vary": {"price": 3}}, "vary.price: got 3; allowed: a table with from, to and points; or values; or random"),
        ({"vary": {"price": {"from": 3}}}, "vary.price.to: missing required key"),
        ({"vary": {"price": {"from": 3, "to": 4, "points": 1}}}, "vary.price.points: got 1; allowed: a whole number from 2"),
        ({"vary": {"price": {"from": 3, "to": "x", "points": 2}}}, "vary.price.to: got 'x'; allowed: a finite number"),
        (
            {"vary": {"price": {"from": 3, "too": 4}}},
            "vary.price.too: got 4; allowed: only the keys from, to, points, values, random",
        ),
        ({"vary": {"price": {"values": []}}}, r"vary.price.values: got \[\]; allowed: a list of one or more values"),
        ({"vary": {"price": {"values": [3, 3]}}}, r"vary.price.values\[1\]: got 3; allowed: every value once"),
        ({"vary": {"price": {"values": [float("nan")]}}}, r"vary.price.values\[0\]: got nan; allowed: finite numbers"),
        ({"vary": {"price": {"values": [3], "from": 2}}}, "vary.price: got <values, from>; allowed: one of the three"),
        (
            {"vary": {"price": {"random": {"distribution": "no"}}}},
            "vary.price.random.distribution: got 'no'; allowed: one of uniform",
        ),
        (
            {"vary": {"price": {"random": {"distribution": "normal", "mean": 3, "sd": -1, "draws": 2}}}},
            "vary.price.random.sd: got -1",
        ),
        (
            {"vary": {"price": {"random": {"distribution": "exponential", "mean": 3}}}},
            "vary.price.random.draws: missing required key",
        ),
        ({"vary": {"prise": {"values": [3]}}}, "vary.prise: got 'prise'; allowed: a field of two-suppliers: kind, .*price"),
        ({"vary": {"k": {"values": [3]}}, "mechanisms": ["hybrid"]}, "vary.k: got 'k'; allowed: .*mechanism.hybrid.k"),
        (
            {"vary": {"suppliers.nobody.costs": {"values": [[3]]}}},
            "vary.suppliers.nobody.costs: got 'nobody'; allowed: one of panel",
        ),
        ({"vary": {"price": {"values": [-1, "x"]}}}, "vary.price: got -1; allowed: a finite number > 0"),
        (
            {"vary": {"mechanism.frw.k": {"values": [3]}}},
            "vary.mechanism.frw.k: got 'frw'; allowed: one of the study's mechanisms: icds",
        ),
        ({"vary": {"mechanism.icds.k": {"values": [3]}}}, "vary.mechanism.icds.k: got 3; allowed: for icds "),
        ({"vary": {"design": "all"}}, "design: got 'all'; allowed: one of cross, zip, random"),
        ({"vary": {"price": {"values": [3]}, "design": "random"}}, "vary.draws: missing required key: how many points"),
        (
            {"outputs": {"columns": ["dual:x:best"]}},
            r"outputs.columns\[0\]: got 'dual:x:best'; allowed: dual:x: and one of max, min",
        ),
        ({"outputs": {"columns": ["so:x"]}}, r"outputs.columns\[0\]: got 'so:x'; allowed: a figure of `compare`"),
        ({"outputs": {"columns": ["rent"]}}, "outputs.columns: got 'rent'; allowed: for two-suppliers one of rents, regret"),
    ],
)
def test_what_is_no_study_is_refused(spec: dict[str, Any], message: str) -> None:
    base = {**PAIR} if spec else {}
    with pytest.raises(InputError, match=message):
        vd.study({**base, **spec})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case = 3", "case: got 3; allowed: a shipped case, a file, a folder, or a list of them"),
        ('case = { kind = "assembler" }', "case: got .*; allowed: a shipped case, a file, a folder, or a list of them"),
        ('case = "electronics"\n[vary]\nprice = { values = [-1, "x"] }', "vary.price: got -1; allowed: .*, in electronics"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_the_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^mine\.toml: {message}$"):
        vd.study(tmp_path / "mine.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_correlation_that_cannot_be_is_told_with_the_file_of_the_study(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('case = "electronics"\n[vary]\ncorrelation = { values = [-0.9] }\n', encoding="utf-8")
    message = r"^mine\.toml: vary\.correlation: got -0\.9; allowed: a number from -1/\(n - 1\) = -0\.2, .*, in electronics$"
    with pytest.raises(InputError, match=message):
        vd.study(tmp_path / "mine.toml")
    with pytest.raises(InputError, match=r"^vary\.correlation: got -0\.9; .*, in electronics$"):
        vd.study({"case": "electronics", "vary": {"correlation": {"values": [-0.9]}}})
