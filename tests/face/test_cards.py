"""What results show of themselves: a line where they are printed, a card in a notebook."""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, assert_type, get_args, get_overloads, get_type_hints

import pandas as pd
import pyomo.environ as pyo
import pytest

import veridical as vd
from support import hard_cases
from support.html_pages import Page
from veridical.data.cards import Card, html_table, table_of
from veridical.data.case_record import hashed
from veridical.data.joint_plan import pilot
from veridical.studies.comparison import Comparison

Results = Mapping[str, Any]
EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def results() -> Results:
    """Return a result of every sort that shows itself."""
    pair, retailers = vd.example("two-suppliers"), vd.example("two-retailers")
    plan = pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, name="small")
    menu, units = vd.solve(pair, "icds"), vd.solve(retailers)
    joint = vd.solve(plan, "vcg", misreports=2)
    types = vd.TypeSpace({"buyer": [1, 2, 3]})
    own = vd.examine(types, lambda agent, theta, reports: (theta - 2) * (reports[0] >= 2))
    study = {
        "case": "two-suppliers",
        "mechanisms": ["icds", "naive"],
        "solver": "closed_form",
        "vary": {"price": {"values": [30, 31]}},
    }
    auction = vd.auction(retailers)
    return {
        "assembler": pair,
        "continuous": vd.example("continuous-pair"),
        "several products": vd.example("motor-controllers"),
        "allocation": retailers,
        "joint plan": plan,
        "menu": menu.contracts,
        "allotment": units.contracts,
        "settlement": joint.contracts,
        "mechanism": own.mechanism,
        "solution": menu,
        "solution of retailers": units,
        "solution of a plan": joint,
        "solution of a model": model_solved(),
        "audit": menu.audit,
        "audit of retailers": units.audit,
        "audit of a plan": joint.audit,
        "audit of a mechanism": own,
        "certificate": menu.certificate,
        "comparison": vd.compare(pair),
        "study": vd.study(study),
        "run": vd.studies.pilot.run(plan),
        "choice of k": vd.choose_k(pair),
        "choice of fees": vd.choose_fees(plan, draws=1),
        "reproduction": next(iter(vd.reproduce(["allocation-table-5"]))),
        "auction": auction,
    }


def model_solved() -> Any:
    """Return the solution of a model that is no mechanism."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, None))
    model.limit = pyo.Constraint(expr=2 * model.x <= 5)
    model.value = pyo.Objective(expr=3 * model.x, sense=pyo.maximize)
    return vd.solvers.solve(model)


SORTS = [
    *("assembler", "continuous", "several products", "allocation", "joint plan", "menu", "allotment", "settlement", "mechanism"),
    *("solution", "solution of retailers", "solution of a plan", "solution of a model"),
    *("audit", "audit of retailers", "audit of a plan", "audit of a mechanism", "certificate"),
    *("comparison", "study", "run", "choice of k", "choice of fees", "reproduction", "auction"),
]


@pytest.mark.parametrize("sort", SORTS)
def test_a_result_is_a_line_where_it_is_printed(sort: str, results: Results) -> None:
    line = repr(results[sort])
    assert "\n" not in line
    assert 15 < len(line) < 400
    assert line.startswith(f"{type(results[sort]).__name__}(")
    assert "nan" not in line


@pytest.mark.parametrize("sort", SORTS)
def test_a_card_is_whole_and_needs_nothing_else(sort: str, results: Results) -> None:
    html = results[sort]._repr_html_()
    page = Page(html)
    assert {"div", "h4"} <= page.tags
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert page.references == []
    assert "url(" not in html
    assert "@import" not in html
    text = " ".join(page.words)
    assert "…" not in text
    assert "..." not in text
    assert not re.search(r"\bnan\b", text)


def test_cards_have_no_colours_of_their_own(results: Results) -> None:
    html = results["solution"]._repr_html_()
    colours = re.findall(r"color:([^;}]+)|background:([^;}]+)", html)
    assert {one or other for one, other in colours} <= {"inherit", "transparent"}


def test_a_card_of_a_solution_says_what_it_comes_to(results: Results) -> None:
    text = " ".join(Page(results["solution"]._repr_html_()).words)
    figures = ("6,965.00", "no misreport gains", "gap", "proven", "shadow prices", "individual_rationality")
    for words in ("icds for two-suppliers", *figures):
        assert words in text
    menu = results["solution"].menu
    for number in menu[("payment", "panel")]:
        assert f"{number:,.2f}" in text  # every row of the menu, in cents as on a terminal


def test_a_card_says_money_as_a_terminal_does(results: Results) -> None:
    text = " ".join(Page(results["comparison"]._repr_html_()).words)
    assert "6,965.00" in text
    assert f"{results['comparison'].share_of_first_best['icds']:.2%}" in text
    assert not re.search(r"\de-\d\d", text)  # no rounding that is left of a regret


def test_the_card_of_an_audit_says_who_would_lie() -> None:
    case = vd.example("two-suppliers").changed(currency="EUR")
    audit = vd.audit(case, vd.solve(case, "first_best", "closed_form").menu)
    words = " ".join(Page(audit._repr_html_()).words)
    worst = audit.misreports[0]
    assert f"{worst.supplier} {worst.cost:g} {worst.report:g} {worst.others} {worst.gain:,.2f}" in words
    honest = vd.audit(case, vd.solve(case, "icds", "closed_form").menu)
    assert "who would lie" not in " ".join(Page(honest._repr_html_()).words)


def test_an_own_constraint_does_not_lose_the_currency() -> None:
    case = vd.example("two-suppliers").changed(currency="EUR")
    model = vd.models.icds.build(case)
    model.few = pyo.Constraint(model.PROFILES, rule=lambda m, t: m.quantity["panel", t] <= 500)
    solution = vd.solvers.solve(model)
    assert "in EUR" in solution.explain()
    assert "expected profit" in repr(solution.audit)
    assert repr(solution.audit).endswith(" EUR)")
    with pytest.raises(KeyError, match=r"fewer: no family of this model; there are .*few"):
        solution.duals["fewer"]


def test_a_figure_is_shown_where_nobody_has_told_matplotlib_to(results: Results) -> None:
    assert results["comparison"].figure()._repr_png_().startswith(b"\x89PNG")


def test_names_are_escaped_on_every_card() -> None:
    case = vd.example("two-suppliers").changed(name=EVIL, **{"suppliers.panel.name": EVIL})
    solution = vd.solve(case, "icds", "closed_form")
    shows: tuple[Any, ...] = (case, solution, solution.contracts, solution.audit, vd.compare(case, ["icds"], "closed_form"))
    for shown in shows:
        html = shown._repr_html_()
        assert EVIL not in html
        assert "<script" not in html
    assert "&lt;script&gt;" in solution._repr_html_()


def test_a_name_with_a_line_break_leaves_a_line_a_line() -> None:
    case = vd.example("two-suppliers").changed(name="one\ntwo\x1b[2J")
    assert "\n" not in repr(case)
    assert "\x1b" not in repr(vd.solve(case, "icds", "closed_form"))
    assert "\x1b" not in case._repr_html_()


def test_a_large_menu_says_that_there_is_more() -> None:
    menu = vd.solve(vd.example("electronics"), "icds", "closed_form").contracts
    text = " ".join(Page(menu._repr_html_()).words)
    count = len(menu.to_frame())
    assert f"the first 24 of {count:,} rows; to_frame() has all" in text


def test_long_names_stand_on_a_card_whole() -> None:
    case = hard_cases.assembler()
    text = " ".join(Page(case._repr_html_()).words)
    for name in hard_cases.LONG:
        assert name in text


def test_a_hash_of_a_case_is_of_all_its_fields() -> None:
    case = vd.example("two-suppliers")
    assert hashed(case) == hashed(case.changed()) != hashed(case.changed(price=30.5))
    other = case.changed(**{"suppliers.panel.costs": [4.0, 9.5]})
    assert repr(case) == repr(other)  # a line says nothing of costs
    assert hashed(other) != hashed(case)


def test_looking_at_an_audit_works_out_nothing_more() -> None:
    audit = vd.solve(vd.example("two-suppliers"), "icds").audit
    assert audit is not None
    later = set(audit.properties) - set(audit.properties.known)  # type: ignore[attr-defined]
    assert later
    text = " ".join(Page(audit._repr_html_()).words)
    assert "not looked at yet: " + ", ".join(name for name in audit.properties if name in later) in text
    assert set(audit.properties) - set(audit.properties.known) == later  # type: ignore[attr-defined]


@pytest.mark.parametrize("sort", ["comparison", "study"])
def test_tables_print_their_rows_and_parts_of_them_are_plain_tables(sort: str, results: Results) -> None:
    frame = results[sort]
    printed = str(frame)
    assert "..." not in printed
    for column in frame.columns:
        assert str(column) in printed
    part = frame[frame.columns[:2]]
    assert repr(part) == str(pd.DataFrame(part))
    assert "veridical-card" not in part._repr_html_()
    assert "veridical-card" in frame[frame["status"] == "optimal"]._repr_html_()


def test_keys_of_duals_and_properties_are_completed(results: Results) -> None:
    solution = results["solution"]
    assert solution.duals._ipython_key_completions_() == list(solution.duals)
    assert "incentive_compatibility" in solution.duals._ipython_key_completions_()
    assert solution.audit.properties._ipython_key_completions_() == list(solution.audit.properties)


def test_an_editor_knows_of_which_kind_a_shipped_case_is() -> None:
    assert_type(vd.example("two-suppliers"), vd.data.AssemblerCase)
    assert_type(vd.example("two-retailers"), vd.data.AllocationCase)
    assert_type(vd.example("pilot"), vd.data.JointPlanCase)
    said: dict[str, Any] = {}
    for signature in get_overloads(vd.example):
        hints = get_type_hints(signature, vars(import_module("veridical.data.load")))
        said |= dict.fromkeys(get_args(hints["name"]), hints["return"])
    assert said == {name: type(vd.example(name)) for name in vd.examples()}


def test_an_editor_knows_what_a_menu_is() -> None:
    """What mypy, which reads this file, is told of the types is what there is."""
    solution = vd.solve(vd.example("two-suppliers"), "icds", "closed_form")
    assert_type(solution.menu, pd.DataFrame)
    assert_type(vd.Repeated().solve(vd.example("two-suppliers"), "icds").menu, pd.DataFrame)
    assert_type(vd.compare(vd.example("two-suppliers"), ["icds"]), Comparison)
    assert_type(solution.duals["feasibility"], pd.Series) if "feasibility" in solution.duals else None
    assert type(solution.menu) is pd.DataFrame
    menu: Callable[..., Any] = type(solution).menu.fget  # type: ignore[attr-defined]
    assert get_type_hints(menu, {"pd": pd})["return"] is pd.DataFrame


def test_a_kind_without_a_mechanism_has_no_menu() -> None:
    assert model_solved().menu is None
    with pytest.raises(vd.InputError, match="menu: got <nothing>; allowed: a model on which `truthful` is declared"):
        vd.solvers.CaseSolution.of(model_solved()).menu  # noqa: B018


def test_a_table_of_a_frame_says_how_many_rows_it_leaves_out() -> None:
    frame = pd.DataFrame({"name": ["<a>", "b", "c"], "worth": [1.5, float("nan"), 2e-7]})
    table = table_of("rows", frame, 2, "the file")
    assert table.caption == "rows: the first 2 of 3 rows; the file has all"
    assert table.rows == [("<a>", "1.5"), ("b", "-")]
    assert "&lt;a&gt;" in html_table(table)
    assert Card("t", [("a", "b")]).html().count("<dd>b</dd>") == 1


def test_cards_of_shipped_cases_say_every_name(tmp_path: Path) -> None:
    for name in vd.examples():
        case = vd.example(name)
        text = " ".join(Page(case._repr_html_()).words)
        for part in getattr(case, "suppliers", ()) or getattr(case, "retailers", ()):
            assert str(getattr(part, "name", part) or "") in text
