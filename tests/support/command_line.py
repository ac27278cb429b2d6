"""What the command line prints, read back, and the case file that it is run on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.bad_input import good

Run = Callable[..., tuple[int, str, str]]
Json = Callable[..., dict[str, Any]]

PAIR = good("probabilities = [0.7, 0.3]", "probabilities = [0.6, 0.4]").replace("price", 'name = "a pair"\nprice', 1)

# By hand, report - truth. Panel with cost 3: (600 - 3 * 60) - (500 - 3 * 100) = 220 while the battery's supplier reports 1, and
# (560 - 3 * 40) - (400 - 3 * 80) = 280 while he reports 4; with cost 9 he loses by reporting 3.
# Battery with cost 1: (320 - 80) - (150 - 100) = 190 while the panel's supplier reports 3; with cost 4, 300 - 4 * 60 - 0 = 60
# while he reports 9. Rents: at (3, 4) and (9, 4) the battery's supplier has 320 - 4 * 80 = 160 - 4 * 40 = 0, nobody less.
# Demand is never below 200, so all is sold: .36 (3000 - 650) + .24 (2400 - 720) + .24 (1800 - 900) + .16 (1200 - 720) = 1542.
MANIPULABLE = """\
panel,battery,quantity panel,quantity battery,payment panel,payment battery
3,1,100,100,500,150
3,4,80,80,400,320
9,1,60,60,600,300
9,4,40,40,560,160
"""


def no_constant(name: str) -> None:
    """Refuse NaN and infinities, which Python's parser would take and JSON does not know."""
    raise AssertionError(f"{name} is not JSON")


def parsed(result: tuple[int, str, str]) -> dict[str, Any]:
    """Return what a command that succeeded printed, all of it JSON."""
    status, out, err = result
    assert (status, err) == (0, "")
    found = json.loads(out, parse_constant=no_constant)
    assert isinstance(found, dict)
    return found


def is_number(value: object) -> bool:
    """Return whether a value of JSON is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def cells(out: str) -> list[list[str]]:
    """Return the cells of the tables that a command printed, row by row."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def is_picture(path: str) -> bool:
    """Return whether a file is a PNG."""
    return Path(path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
