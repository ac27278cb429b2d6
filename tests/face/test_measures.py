"""Currency and unit wherever money and quantities are said, and what is said of rounding."""

from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

import veridical as vd
from support.bad_input import good, refused
from support.command_line import Run, cells, is_picture, parsed
from support.pictures import rendered
from veridical.data import InputError
from veridical.data.joint_plan import pilot

SAID = {"currency": "EUR", "unit": "pieces"}
STEPS = {"round_money": 0.05, "round_units": 10}
PAIR = "two-suppliers-correlated"


def options(**fields: Any) -> list[str]:
    """Return fields of a case as the command line takes them."""
    return [text for name, value in fields.items() for text in ("--set", f"{name}={value}")]


def test_a_rounded_menu_in_its_currency(run: Run, tmp_path: Path) -> None:
    menu, picture = tmp_path / "menu.csv", tmp_path / "menu.png"
    files = ("--menu", str(menu), "--plot", str(picture))
    status, out, err = run("solve", "two-suppliers-correlated", *options(**SAID, **STEPS), *files)
    assert (status, err) == (0, "")
    assert is_picture(str(picture))
    text = " ".join(out.split())
    assert "money in EUR, quantities in pieces" in text
    assert "(bound 5,655.30 EUR)" in text
    assert "payments in steps of 0.05 EUR, orders of 10 pieces: that loses 0.23 EUR of 5,655.30 EUR" in text
    assert "smallest rent 0.00 EUR" in text
    rows = [row for row in cells(out) if row[2:3] in (["0.45"], ["0.05"])]
    assert [row[3:5] for row in rows] == [["710", "710"], ["430", "0"], ["0", "430"], ["430", "430"]]  # no decimals
    assert [row[5] for row in rows] == ["2,840.00", "3,870.00", "0.00", "3,870.00"]
    status, out, err = run("audit", "two-suppliers-correlated", str(menu), *options(**SAID))
    assert (status, err) == (0, "")
    assert "money in EUR, quantities in pieces" in out
    assert "expected profit 5,655.06 EUR if everybody tells the truth" in out
    assert "no misreport gains (largest regret 0.0e+00)" in out


def test_json_says_currency_unit_and_rounding_at_the_end(run: Run, tmp_path: Path) -> None:
    found = parsed(run("solve", "two-suppliers", *options(**SAID, **STEPS), "--json", "-"))
    assert list(found)[-3:] == ["rounding", "currency", "unit"]
    assert (found["currency"], found["unit"]) == ("EUR", "pieces")
    rounding = found["rounding"]
    assert (rounding["money"], rounding["units"]) == (0.05, 10)
    assert found["objective"] == pytest.approx(rounding["profit_before"] - rounding["loss"])
    assert found["bound"] == pytest.approx(rounding["profit_before"], rel=1e-6)
    assert all(quantity % 10 == 0 for row in found["menu"] for quantity in row["quantity"])
    compared = parsed(run("compare", "two-suppliers", "--mechanism", "icds", *options(**SAID), "--json", "-"))
    assert (compared["currency"], compared["unit"]) == ("EUR", "pieces")
    chosen = parsed(run("choose-k", "two-suppliers", *options(**SAID), "--json", "-"))
    assert (chosen["currency"], chosen["unit"]) == ("EUR", "pieces")
    vd.solve(vd.example("two-suppliers")).contracts.to_csv(tmp_path / "menu.csv")
    audited = parsed(run("audit", "two-suppliers", str(tmp_path / "menu.csv"), *options(**SAID), "--json", "-"))
    assert (audited["currency"], audited["unit"]) == ("EUR", "pieces")
    plain = parsed(run("solve", "two-suppliers", "--json", "-"))
    assert not {"rounding", "currency", "unit"} & set(plain)


def test_tables_side_by_side(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers", *options(**SAID, **STEPS))
    assert status == 0
    assert "money in EUR, quantities in pieces" in out
    assert "lost by" in out
    assert "bic is left out" in err  # which cannot be rounded
    assert {row[0] for row in cells(out)} >= {"naive", "frw", "hybrid (k=1)", "icds_balanced", "icds", "first_best"}
    status, out, err = run("choose-k", "two-suppliers", *options(**SAID, **STEPS))
    assert (status, err) == (0, "")
    assert "money in EUR, quantities in pieces" in out
    assert "profits are those of menus before rounding" in out


def test_a_comparison_in_which_nobody_takes_the_case_says_why() -> None:
    case = vd.example("two-suppliers")
    with pytest.raises(InputError, match="round_money"):
        vd.compare(case, ["bic"], round_money=0.01, round_units=1)
    with pytest.warns(UserWarning, match="bic is left out"):
        frame = vd.compare(case, round_money=0.01, round_units=1, **SAID)
    assert SAID.items() <= frame.attrs.items()
    assert (frame["rounding_loss"] >= -1e-6).all()
    assert frame["rounding_loss"].notna().all()


@pytest.mark.parametrize(
    ("name", "mechanism", "expected"),
    [
        ("two-suppliers", "icds", ["quantity, pieces", "payment, EUR"]),
        ("two-retailers", None, ["shadow price λ, EUR per unit", "allocation to one retailer, pieces"]),
    ],
)
def test_pictures_have_them_on_their_axes(name: str, mechanism: str | None, expected: list[str]) -> None:
    solution = vd.solve(vd.example(name).changed(**SAID), mechanism)
    picture = vd.families.family_of(vd.example(name)).picture
    assert picture is not None
    figure = rendered(picture(solution))
    assert set(expected) <= {text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}


def test_other_kinds_of_case_say_them_too(run: Run) -> None:
    status, out, err = run("solve", "two-retailers", *options(currency="SEK", unit="tonnes"))
    assert (status, err) == (0, "")
    assert "money in SEK, quantities in tonnes" in out
    assert "expected profit of the supplier 9.244 SEK, optimal (bound 9.244 SEK)" in out
    status, out, err = run("solve", "continuous-pair", "--solver", "closed_form", *options(currency="SEK"))
    assert (status, err) == (0, "")
    assert "money in SEK" in out
    case = pilot(weeks=1).changed(currency="SEK")
    solution = vd.solve(case)
    assert solution.to_dict()["currency"] == "SEK"
    text = " ".join(str(part) for part in vd.families.family_of(case).summary(solution)[:2])
    assert " SEK" in text
    assert "worth" in solution.explain(1)
    assert " in SEK" in solution.explain(1)


@pytest.mark.parametrize("name", ["two-suppliers", "two-retailers", "continuous-pair", "carriers"])
def test_cases_are_saved_with_them(tmp_path: Path, name: str) -> None:
    steps = STEPS if name == "two-suppliers" else {}
    case = vd.example(name).changed(**SAID, **steps)
    again = vd.load(case.save(tmp_path / "case.toml"))
    assert again == case
    assert (again.currency, again.unit) == ("EUR", "pieces")


@pytest.mark.parametrize(
    ("text", "field", "value", "allowed"),
    [
        ("round_money = 0.01", "round_money", "0.01", "round_units beside it"),
        ("round_units = 1", "round_units", "1", "round_money beside it"),
        ("round_money = 0\nround_units = 1", "round_money", "0", "a finite number > 0"),
        ("round_money = 1\nround_units = 'one'", "round_units", "'one'", "a finite number > 0"),
        ("currency = ''", "currency", "''", "non-empty text"),
        ("unit = 3", "unit", "3", "non-empty text"),
    ],
)
def test_bad_measures(run: Run, text: str, field: str, value: str, allowed: str) -> None:
    Path("case.toml").write_text(good("price = 30.0", f"price = 30.0\n{text}"))
    refused(run("solve", "case.toml"), "case.toml", field, value, allowed)


@pytest.mark.parametrize(
    ("keys", "field", "allowed"),
    [
        ({"capacity": 9.5}, "suppliers[0].capacity", "at least 10, his smallest order that is a multiple of round_units, 10"),
        ({"capacity": 59, "minimum_order": 51}, "suppliers[0].capacity", "at least 60"),
        ({"lot_size": 15}, "suppliers[0].lot_size", "a whole multiple of round_units, 10, or what goes into it"),
    ],
)
def test_a_supplier_of_whom_nothing_could_be_ordered(keys: dict[str, Any], field: str, allowed: str) -> None:
    supplier = {f"suppliers.panel.{name}": value for name, value in keys.items()}
    with pytest.raises(InputError) as caught:
        vd.example("two-suppliers").changed(**supplier, **STEPS)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert allowed in problem.allowed


@pytest.mark.parametrize("name", ["two-retailers", "continuous-pair", "carriers"])
def test_contracts_that_are_not_menus_are_not_rounded(run: Run, name: str, tmp_path: Path) -> None:
    path = vd.example(name).save(tmp_path / "case.toml")
    path.write_text(f"round_money = 0.01\n{path.read_text()}")
    status, out, err = run("solve", str(path))
    assert (status, out) == (2, "")
    assert "round_money: got 0.01; allowed: no rounding here: only contract menus of an assembler" in err


def test_steps_of_the_command_are_those_of_the_case(run: Run) -> None:
    by_option = parsed(run("solve", PAIR, "--round-units", "10", "--round-money", "0.05", "--json", "-"))
    by_key = parsed(run("solve", PAIR, *options(**STEPS), "--json", "-"))
    assert by_option["menu"] == by_key["menu"]
    assert by_option["rounding"] == by_key["rounding"]
    # To the last digit: whole steps, and in whole cents nobody gains by a misreport, or loses by the truth.
    for row in by_option["menu"]:
        assert all(Decimal(repr(quantity)) % 10 == 0 for quantity in row["quantity"])
        assert all(Decimal(repr(payment)) % Decimal("0.05") == 0 for payment in row["payment"])
    case = vd.example(PAIR)
    table = {tuple(row["costs"]): row for row in by_option["menu"]}
    for profile, i in product(table, range(2)):
        cost = Decimal(repr(case.suppliers[i].costs[profile[i]]))
        kept = []
        for report in range(2):
            row = table[(*profile[:i], report, *profile[i + 1 :])]
            kept.append(Decimal(repr(row["payment"][i])) - cost * Decimal(repr(row["quantity"][i])))
        assert kept[profile[i]] == max(kept)
        assert kept[profile[i]] >= 0
    status, out, _ = run("solve", PAIR, "--round-units", "10", "--round-money", "0.05")
    assert status == 0
    assert f"that loses {by_option['rounding']['loss']:,.2f} of 5,655.30" in " ".join(out.split())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((PAIR, "--round-units", "10"), "round_money"),
        ((PAIR, "--round-money", "0.01"), "round_units"),
        ((PAIR, "--round-units", "0", "--round-money", "0.01"), "round_units: got 0.0; allowed: a finite number > 0"),
        ((PAIR, "--round-units", "-1", "--round-money", "0.01"), "round_units: got -1.0; allowed: a finite number > 0"),
        ((PAIR, "--round-units", "nan", "--round-money", "0.01"), "round_units: got nan; allowed: a finite number > 0"),
        (("two-retailers", "--round-units", "1", "--round-money", "0.01"), "--round-units: got 1.0; allowed: no rounding here"),
    ],
)
def test_steps_that_cannot_be_used_are_refused(given: tuple[str, ...], message: str, run: Run) -> None:
    status, out, err = run("solve", *given)
    assert (status, out) == (2, "")
    assert message in err
