"""What a command prints, held against what a page shows of it."""

import re


def steady(text: str) -> list[str]:
    """Return lines without what differs from run to run: seconds, residuals, and which of many menus of bets was found."""
    text = re.sub(r"\d\.\de[-+]\d\d", "ROUNDING", text)
    text = re.sub(r"(of this menu who tells the truth loses) [\d,.]+", r"\1 AMOUNT", text)
    text = re.sub(r"in \d+\.\d\d s", "in SECONDS", text)
    text = re.sub(r"(always|in expectation|no) │ +\d+\.\d\d │$", r"\1 │ SECONDS │", text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip().splitlines()]
