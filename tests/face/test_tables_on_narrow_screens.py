"""Tables of cards and reports in a browser: all of a row is seen on a telephone, and side by side where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import veridical as vd
from support.browsers import chromium
from support.command_line import Run

# Elements that hide a part of themselves until somebody scrolls, and tables whose rows are blocks.
LOOK = """() => {
  const all = [...document.querySelectorAll('*')], tables = [...document.querySelectorAll('table')];
  return {
    page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    hidden: all.filter(one => getComputedStyle(one).overflowX === 'auto' && one.scrollWidth > one.clientWidth + 1).length,
    blocks: tables.filter(one => getComputedStyle(one).display === 'block').length,
    words: tables.map(one => one.innerText + [...one.querySelectorAll('td')].map(
      cell => getComputedStyle(cell, '::before').content).join(' ')).join(' '),
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=["card", "wide card", "report"])
def file(request: pytest.FixtureRequest, run: Run) -> Path:
    """Write a page with a comparison, or a menu with many columns; the first two as a notebook shows them."""
    if request.param == "report":
        run("compare", "two-suppliers", "--solver", "closed_form", "--report", "report.html")
        return Path("report.html").resolve()
    shown = vd.compare(vd.example("two-suppliers"), solver="closed_form")
    if request.param == "wide card":
        shown = vd.solve(vd.example("motor-controllers"), "naive").contracts
    head = '<!DOCTYPE html><meta name="viewport" content="width=device-width, initial-scale=1">'
    Path("card.html").write_text(f"{head}<body>{shown._repr_html_()}</body>", encoding="utf-8")
    return Path("card.html").resolve()


def test_nothing_is_hidden_at_any_width_and_no_heading_is_lost(browser: Browser, file: Path) -> None:
    seen = {}
    for width in (390, 768, 1280):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(file.as_uri())
        seen[width] = page.evaluate(LOOK)
        page.close()
    assert {(one["page"], one["hidden"]) for one in seen.values()} == {(0, 0)}
    assert seen[390]["blocks"] >= 1
    if "quantity Arvo" not in seen[390]["words"]:  # a comparison, which is a table where there is room
        assert seen[1280]["blocks"] == 0
        headings = ("mechanism", "profit", "rents", "regret", "truthful")
        assert all(heading in one["words"] for heading in headings for one in seen.values())
