"""A page as PDF, by the print layout of Chromium, which playwright runs where both are installed."""

from __future__ import annotations

import shutil

from veridical.data import InputError

__all__ = ["pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")  # of the system; else playwright's own
HOW = 'a name that ends in .html; for .pdf: pip install "veridical[report]", then playwright install chromium'


def pdf(html: str, target: str) -> bytes:
    """Return a page of HTML as PDF; nothing is loaded from anywhere. Raises InputError, which names the `target`."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise InputError.of("--report", target, HOW) from None
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if _root() else [])
            try:
                sheet = browser.new_context(offline=True, java_script_enabled=False).new_page()
                sheet.set_content(html)
                return bytes(sheet.pdf(prefer_css_page_size=True, print_background=True))
            finally:
                browser.close()
    except Error as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError.of("--report", target, f"{HOW} (the browser: {reason})") from None


def _root() -> bool:
    """Whether this is the superuser, for whom Chromium has no sandbox."""
    import os

    return hasattr(os, "geteuid") and os.geteuid() == 0
