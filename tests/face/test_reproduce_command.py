"""`veridical reproduce`: published, as published and exact."""

import json
from pathlib import Path

import pytest

from support.command_line import Run, cells, is_number, is_picture, no_constant, parsed

pytestmark = pytest.mark.usefixtures("case_file")


def test_reproduce_shows_published_as_published_and_exact(run: Run) -> None:
    status, out, err = run("reproduce", "assembler-3.1")
    assert (status, err) == (0, "")
    rows = cells(out)
    assert [row[0].removesuffix("[1]").strip() for row in rows] == [
        "icds over frw, mean gain %",
        "icds over frw, standard deviation of the gain",
    ]
    assert [row[1] for row in rows] == ["10.38", "13.78"]
    assert rows[0][3].startswith("7.96")
    assert rows[1][3].startswith("8.64") or rows[1][3].startswith("8.65")
    assert "[1] the printed figure cannot come from an optimal FRW menu" in " ".join(out.split())


def test_reproduce_gives_names_in_their_order_and_json_alone(run: Run) -> None:
    names = ["assembler-figure-1", "assembler-3.1"]
    found = parsed(run("reproduce", *names, "--json", "-"))["reproductions"]
    assert [each["name"] for each in found] == names
    figure, section = found
    assert section["series"] is None
    assert [row["published"] for row in section["rows"]] == [10.38, 13.78]
    assert [row["published"] for row in figure["rows"]] == [None] * 4  # the paper prints no number beside its figure
    assert {key for row in section["rows"] for key in row} == {"quantity", "published", "as_published", "exact", "where", "note"}
    assert len(figure["series"]) == 5 + 6 + 5 + 4
    assert {key for point in figure["series"] for key in point} == {"x", "series", "exact", "as published", "panel"}
    assert all(is_number(point[key]) for point in figure["series"] for key in ("x", "exact"))
    assert all(point["as published"] is None for point in figure["series"])  # no reading of the text gives what is printed


def test_reproduce_writes_json_beside_the_tables_and_pictures_where_there_are_some(run: Run) -> None:
    names = ["assembler-3.1", "assembler-figure-1"]
    status, out, err = run("reproduce", *names, "--json", "found.json", "--plot", "deep/figures")
    assert (status, err) == (0, "")
    assert all(name in out for name in names)
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert written == parsed(run("reproduce", *names, "--json", "-"))
    assert [path.name for path in Path("deep/figures").iterdir()] == ["assembler-figure-1.png"]
    assert is_picture("deep/figures/assembler-figure-1.png")


def test_reproduce_refuses_names_that_it_does_not_know_at_once(run: Run) -> None:
    status, out, err = run("reproduce", "assembler-3.1", "assembler-3.3")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("veridical: NAME: got 'assembler-3.3'; allowed: one of assembler-3.1, ")
    assert "assembler-models" in line


@pytest.mark.parametrize("folder", ["case.toml", "case.toml/figures"])
def test_reproduce_refuses_a_folder_that_cannot_be_made(run: Run, folder: str) -> None:
    status, _, err = run("reproduce", "assembler-figure-1", "--plot", folder)
    assert status == 2
    assert err.startswith(f"veridical: --plot: got {folder!r}; allowed: ")
    assert "Traceback" not in err
