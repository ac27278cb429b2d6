"""A good case and a good menu, from which bad ones are made, and what a refusal must say."""

GOOD = """\
kind = "assembler"
price = 30.0
[demand]
distribution = "uniform"
low = 200
high = 800
[[suppliers]]
name = "panel"
costs = [3.0, 9.0]
probabilities = [0.6, 0.4]
[[suppliers]]
name = "battery"
costs = [1.0, 4.0]
probabilities = [0.7, 0.3]
"""


def good(old: str = "", new: str = "") -> str:
    """Return the good case with one change."""
    assert not old or GOOD.count(old) == 1
    return GOOD.replace(old, new) if old else GOOD


def price(value: str) -> str:
    """Return the good case at another price."""
    return good("price = 30.0", f"price = {value}")


HEADER = "panel,battery,quantity panel,quantity battery,payment panel,payment battery"
MENU = f"{HEADER}\n3,1,100,100,500,150\n3,4,80,80,400,320\n9,1,60,60,600,300\n9,4,40,40,400,160\n"


def refused(result: tuple[int, str, str], file: str | None, field: str, value: str, allowed: str) -> None:
    """Assert that a command ended with status 2 and one message, with each part in its place (the file, where there is one)."""
    status, out, err = result
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    (line,) = err.splitlines()
    line = line.replace(": missing required key", ": got <nothing>; allowed: missing required key")
    found, _, told = line.partition("; allowed: ")
    where, _, got = found.partition(": got ")
    name, *files, last = where.split(": ")
    assert (name, last) == ("veridical", field)
    assert file is None or files == [file]
    assert value in got
    assert allowed in told
