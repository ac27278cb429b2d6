"""The pages in a browser, without JavaScript: bid, revise, deadline, result; wide and narrow, by keyboard alone, for all.

`VERIDICAL_TEST_PICTURES` names a folder that pictures of the pages are written to.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from support.browsers import chromium
from support.rounds import World, serving
from veridical.rounds.store import Store

WIDTHS: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """Return a page of either width, without JavaScript."""
    context = browser.new_context(viewport=WIDTHS[request.param], java_script_enabled=False, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def picture(page: Page, name: str) -> None:
    """Write a picture of a page where pictures are wanted."""
    if folder := os.environ.get("VERIDICAL_TEST_PICTURES"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=Path(folder, f"{name}-{width}.png"), full_page=True)


def test_a_retailer_bids_revises_and_sees_his_result(page: Page, retailers: World) -> None:
    with serving(retailers.app()) as address:
        page.goto(f"{address}/enter/{retailers.tokens['retailer 1']}")
        assert page.url == f"{address}/rounds/{retailers.id}"
        assert page.get_by_role("heading", level=1).inner_text() == "two-retailers"
        picture(page, "bid")
        page.get_by_label("What you would pay").fill("5")
        page.get_by_role("button", name="Send the bid").click()
        page.get_by_role("heading", name="Received").wait_for()
        picture(page, "received")
        page.get_by_role("link", name="Back to the round").click()
        assert "no. 1" in page.locator(".done").inner_text()
        page.get_by_label("What you would pay").fill("1,5")
        page.get_by_role("button", name="Send the bid").click()
        assert "without commas" in page.get_by_role("alert").inner_text()
        picture(page, "wrong")
        page.get_by_label("What you would pay").fill("7.25")
        page.get_by_role("button", name="Send the bid").click()
        assert "7.25" in page.get_by_role("status").inner_text()
        retailers.close()
        page.goto(f"{address}/rounds/{retailers.id}")
        assert "The report that counts is your no. 2" in page.locator(".notice").inner_text()
        assert page.get_by_role("button", name="Send the bid").count() == 0
        picture(page, "closed")
        part = retailers.clear()["retailer 1"]
        page.reload()
        shown = page.locator(".result").inner_text()
        assert part["report"] == 7.25
        for number in (part["units"], part["payment"]):
            assert f"{number:,.2f}" in shown
        picture(page, "result")


def test_a_form_that_was_open_when_the_deadline_passed_is_late(page: Page, suppliers: World) -> None:
    with serving(suppliers.app()) as address:
        page.goto(f"{address}/enter/{suppliers.tokens['panel']}")
        picture(page, "menu")
        page.get_by_role("radio").first.check()
        suppliers.close()
        page.get_by_role("button", name="Send the report").click()
        page.get_by_role("heading", name="Too late").wait_for()
        picture(page, "late")


def test_nothing_of_a_page_stands_outside_it(page: Page, suppliers: World, lite: Store) -> None:
    retailers = World(lite, "two-retailers", suppliers.clock)
    retailers.report("retailer 1", 5.0)
    with serving(retailers.app()) as address:
        for path in (
            f"/enter/{suppliers.tokens['panel']}",
            f"/enter/{retailers.tokens['retailer 1']}",
            "/",
            "/manual",
            "/enter/wrong",
        ):
            page.goto(address + path)
            for summary in page.locator("summary").all():
                summary.click()
            width = page.viewport_size["width"] if page.viewport_size else 0
            over = page.locator("body").bounding_box()
            assert over is not None
            assert over["width"] <= width
            for part in page.locator("main > *, main section > *, header, footer").all():
                box = part.bounding_box()
                if box is not None and "skip" not in (part.get_attribute("class") or ""):
                    assert box["x"] >= 0
                    assert box["x"] + box["width"] <= width + 1, part.evaluate("node => node.outerHTML.slice(0, 200)")


def test_a_report_is_sent_by_keyboard_alone(page: Page, suppliers: World) -> None:
    with serving(suppliers.app()) as address:
        page.goto(f"{address}/enter/{suppliers.tokens['panel']}")
        focused = page.locator(":focus")
        for _ in range(12):
            page.keyboard.press("Tab")
            if focused.get_attribute("type") == "radio":
                break
        page.keyboard.press("ArrowDown")
        for _ in range(3):
            page.keyboard.press("Tab")
            if focused.get_attribute("type") == "submit":
                break
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Received").wait_for()
    assert len(suppliers.book.receipts(suppliers.who("panel"))) == 1


def test_axe_finds_nothing_serious(browser: Browser, suppliers: World, lite: Store) -> None:
    retailers = World(lite, "two-retailers", suppliers.clock)
    suppliers.report("panel", 3.0)
    with serving(suppliers.app()) as address:
        context = browser.new_context(viewport=WIDTHS["narrow"])
        page = context.new_page()

        def look(path: str) -> None:
            page.goto(address + path)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS] == []

        for path in (
            "/",
            "/manual",
            "/enter/wrong",
            f"/enter/{suppliers.tokens['panel']}",
            f"/enter/{retailers.tokens['retailer 1']}",
        ):
            look(path)
        page.goto(f"{address}/rounds/{retailers.id}")
        page.get_by_label("What you would pay").fill("5")
        page.get_by_role("button", name="Send the bid").click()
        page.get_by_role("heading", name="Received").wait_for()
        assert [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in SERIOUS] == []
        retailers.clear()
        look(f"/rounds/{retailers.id}")
        context.close()
