"""Reports: one page that needs nothing else, with the decision first and all that it rests on."""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import pyomo.environ as pyo
import pytest

import veridical as vd
from support import hard_cases
from support.command_line import Run
from support.html_pages import Page
from veridical import printing
from veridical.data.case_record import hashed
from veridical.data.joint_plan import pilot

HEADS = ["What is agreed", "Picture", "What binds, and what it is worth", "Who would lie", "Certificate", "Inputs"]
HEADS += ["How to reproduce this", "Versions"]
EVIL = "<script>alert('x')</script>"


def read(path: str = "report.html") -> tuple[str, str, list[str]]:
    """Return a report: its HTML, which is whole and refers to nothing; its words; and its headings."""
    html = Path(path).read_text(encoding="utf-8")
    page = Page(html.removeprefix("<!DOCTYPE html>\n"))
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in page.references)
    assert not re.findall(r"url\((?!#)[^)]*\)|@import", html)
    assert not [word for word in re.findall(r"https?://[^\s\"<]+", html) if "www.w3.org" not in word]
    return html, " ".join(" ".join(page.words).split()), re.findall(r"<h2>(.*?)</h2>", html)


@pytest.mark.parametrize(
    ("name", "mechanism", "decision"),
    [
        ("two-suppliers", "icds", "Offer each supplier his contracts"),
        ("two-suppliers", "first_best", "These quantities and payments are a benchmark"),
        ("continuous-pair", "continuous", "Offer each supplier his contracts"),
        ("two-retailers", "allocation", "Keep to the capacity"),
        ("five-retailers", "capacity_choice", "units of capacity, ask all retailers"),
    ],
)
def test_a_report_of_a_solution(name: str, mechanism: str, decision: str, run: Run) -> None:
    status, out, _ = run("solve", name, "--mechanism", mechanism, "--solver", "closed_form", "--report", "report.html")
    assert status == 0
    html, words, headings = read()
    assert headings == HEADS
    assert html.index('class="decision"') < html.index("<h2>")
    assert decision in words
    solution = vd.solve(vd.example(name), mechanism, "closed_form")
    first = out.splitlines()[1] if "money in" not in out.splitlines()[1] else out.splitlines()[2]
    assert " ".join(first.split())[:30] in words  # what the terminal says first
    assert html.count("<svg") == 1
    assert solution.certificate.basis in words
    assert ("by a misreport of his own." in words) == bool(solution.audit is not None and solution.audit.truthful)
    assert f"veridical solve {name} --mechanism {mechanism} --solver closed_form" in words
    assert hashed(vd.example(name)) in words
    assert f"veridical {version('veridical')}" in words


def test_a_report_says_who_could_still_gain_where_nobody_does_alone(run: Run) -> None:
    together = "But a gain is possible for several who misreport together."
    assert run("solve", "two-suppliers-correlated", "--report", "report.html")[0] == 0
    _, words, _ = read()
    assert f"Nobody gains by a misreport of his own. {together}" in words
    assert run("solve", "two-suppliers-correlated", "--mechanism", "frw", "--report", "report.html")[0] == 0
    _, words, _ = read()
    assert "Nobody gains by a misreport of his own." in words  # what one gets depends on his own report alone
    assert together not in words


def test_every_number_of_a_menu_is_in_its_report(run: Run) -> None:
    assert run("solve", "two-suppliers", "--report", "report.html")[0] == 0
    _, words, _ = read()
    menu = vd.solve(vd.example("two-suppliers")).menu
    for number in menu[["quantity", "payment", "rent"]].to_numpy().ravel():
        assert f"{number + 0.0:,.2f}" in words


def test_a_report_says_what_to_reckon_with_of_each_supplier_and_what_properties_mean(run: Run) -> None:
    case = vd.example("two-suppliers-correlated")
    case.changed(description="Drive units, one quarter").save("case.toml")
    assert run("solve", "case.toml", "--report", "report.html")[0] == 0
    html, words, _ = read()
    assert html.index("Drive units, one quarter. Mechanism icds") < html.index("<h2>")
    solution = vd.solve(case)
    menu = solution.menu
    assert solution.audit is not None
    for name in case.names:
        for what in ("quantity", "payment", "rent"):
            assert f"{(menu[what, name] * menu['probability']).sum() + 0.0:,.2f}" in words
        assert f"{menu['payment', name].max():,.2f}" in words
    for name in solution.audit.properties:
        assert f"{name} {vd.PROPERTIES[name].summary}" in words


def test_a_report_of_a_joint_plan(run: Run) -> None:
    plan = pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, name="small")
    plan.changed(activity_fee=0.0).save(Path("small"))
    assert run("solve", "small", "--report", "report.html")[0] == 0
    _, words, headings = read()
    assert headings == HEADS
    assert "Plan jointly, but not by these transfers, under which the receivers would lose" in words
    assert "who pays, who gains" in words
    assert run("pilot", "small", "--report", "weeks.html")[0] == 0
    _, words, headings = read("weeks.html")
    assert headings == ["Weeks and parties", "Picture", "Inputs", "How to reproduce this", "Versions"]
    assert "cost to serve" in words


def test_a_report_of_a_joint_plan_has_the_plan_and_says_who_else_would_lie(run: Run) -> None:
    """Not of suppliers one by one alone: a receiver, and suppliers together, gain by lies under VCG."""
    plan = pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, name="small", seed=3)
    plan.save(Path("small"))
    assert run("solve", "small", "--report", "report.html")[0] == 0
    _, words, _ = read()
    solution = vd.solve(plan)
    checked = solution.audit
    assert isinstance(checked, vd.contracts.JointPlanAudit)
    assert checked.truthful
    assert not checked.properties["group_ic"]
    assert "No supplier gains by a misreport of his own that was tried. But a gain is possible for" in words
    assert "suppliers who misreport together" in words.split("But a gain is possible for")[1].split(".")[0]
    assert "Nobody would lie" not in words
    for planned in solution.contracts.units:
        assert (f"{planned:,.0f}" if planned >= 100 or planned < 0.05 else f"{planned:,.1f}") in words
    large = pilot(vendors=1, sites=1, regions=1, products=1, weeks=14, makers=1, name="large")
    large.save(Path("large"))
    assert run("solve", "large", "--set", "misreports=0", "--report", "report.html")[0] == 0
    _, words, _ = read()
    assert "The plan has 14 flows: --menu FILE.csv writes them." in words
    assert "Whether anybody would lie could not be tried." in words


def test_a_report_of_an_allocation_says_that_several_together_would_lie(run: Run) -> None:
    assert run("solve", "two-retailers", "--report", "report.html")[0] == 0
    words = read()[1]
    assert "by a misreport of his own. But a gain is possible for several who misreport together." in words


def test_a_report_of_a_comparison(run: Run) -> None:
    assert run("compare", "two-suppliers", "--set", "price=31", "--report", "report.html", "--plot", "mechanisms.png")[0] == 0
    html, words, headings = read()
    assert headings == ["Mechanisms", "Picture", "Inputs", "How to reproduce this", "Versions"]
    assert html.count("<svg") == 1
    assert "veridical compare two-suppliers --set price=31" in words
    for name in vd.families.fitting(vd.example("two-suppliers")):
        assert name in words
    assert Path("mechanisms.png").read_bytes()[:4] == b"\x89PNG"


def test_a_report_escapes_names_and_has_long_ones_whole(run: Run) -> None:
    case = hard_cases.assembler().changed(name=EVIL)
    case.save("case.toml")
    assert run("solve", "case.toml", "--solver", "closed_form", "--report", "report.html")[0] == 0
    html, words, _ = read()
    assert EVIL not in html
    assert EVIL in words
    for name in hard_cases.LONG:
        assert name in words


def test_a_report_prints_as_it_is_read(run: Run) -> None:
    assert run("solve", "two-suppliers", "--report", "report.html")[0] == 0
    html = Path("report.html").read_text(encoding="utf-8")
    assert "@media print" in html
    assert "@page{size:A4" in html
    assert "prefers-color-scheme:dark" in html


@pytest.mark.parametrize(
    ("target", "allowed"), [("report.docx", "its name ends in .html, .pdf"), ("no/report.html", "No such file")]
)
def test_files_that_are_no_reports_are_refused_before_the_solve(
    target: str, allowed: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vd.solving, "answer", lambda *_: pytest.fail("solved"))
    status, out, err = run("solve", "two-suppliers", "--report", target)
    assert (status, out) == (2, "")
    assert err.startswith("veridical: --report: got")
    assert allowed in err


def test_a_pdf_without_a_browser_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    status, _, err = run("solve", "two-suppliers", "--solver", "closed_form", "--report", "report.pdf")
    assert status == 2
    assert "--report: got 'report.pdf'; allowed: a name that ends in .html; for .pdf: pip install" in err
    assert not Path("report.pdf").exists()


@pytest.mark.skipif(not any(map(shutil.which, printing.BROWSERS)), reason="no browser of the system is installed")
def test_a_pdf_is_printed_by_a_browser(run: Run) -> None:
    assert run("solve", "two-suppliers", "--solver", "closed_form", "--report", "report.pdf")[0] == 0
    content = Path("report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(content) > 10_000


class Sale(vd.data.CaseRecord):
    """A seller of one thing, who does not know what it is worth to the buyer."""

    kind: Literal["reported-sale"] = "reported-sale"
    values: vd.data.Numbers


def best_price(case: Sale) -> pyo.ConcreteModel:
    """What leaves the seller the most."""
    types = vd.TypeSpace({"buyer": case.values})
    m = pyo.ConcreteModel()
    m.sold, m.price = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, agent, theta, reports: theta * m.sold[reports] - m.price[reports])
    m.revenue = pyo.Objective(expr=types.expectation(lambda reports: m.price[reports]), sense=pyo.maximize)
    return m


@pytest.fixture
def sale() -> Iterator[Sale]:
    """Return a case of a kind of the user's own."""
    family = vd.add_kind(Sale, {"reported_price": best_price})
    yield Sale(name="sale", values=[1.0, 2.0, 3.0])
    vd.families.unregister(family)


def test_an_own_kind_has_a_report(run: Run, sale: Sale) -> None:
    sale.save("sale.toml")
    assert run("solve", "sale.toml", "--report", "report.html")[0] == 0
    _, words, headings = read()
    assert headings == [head for head in HEADS if head != "Picture"]
    assert "Ask everybody for a report" in words
    assert "What leaves the seller the most." in words
    assert "1.33" in words  # four thirds: at a price of 2 two of three buy


def test_a_table_that_is_too_wide_for_paper_has_its_columns_as_rows(run: Run) -> None:
    hard_cases.assembler(3, 1e9, 1e9).save("case.toml")
    assert run("solve", "case.toml", "--solver", "closed_form", "--report", "report.html")[0] == 0
    html, words, _ = read()
    menu = vd.solve(vd.load("case.toml"), "icds", "closed_form").menu
    for number in menu[["quantity", "payment", "rent"]].to_numpy().ravel():
        assert f"{number + 0.0:,.2f}" in words
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]
        longest = [
            max(len(piece) for row in rows for piece in row[k].replace("<wbr>", " ").split() or [""]) for k in range(len(rows[0]))
        ]
        assert sum(longest) < 130
