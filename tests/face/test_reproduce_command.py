"""`veridical reproduce`: published, as published and exact."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from support.command_line import Run, cells, is_number, is_picture, no_constant, parsed
from veridical import tables
from veridical.studies.papers import claims
from veridical.studies.papers.claims import Claim, Verdict

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


def saying(verdict: Verdict) -> Callable[[], Verdict]:
    """Return the check that comes to a verdict."""
    return lambda: verdict


@pytest.fixture
def few_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be four claims, of every verdict and of both papers."""
    verdicts = (
        Verdict(True, "gains 2.79, 4.39, 6.32, 8.66, 11.30, 14.31, of 2,400 problems", 1.6),
        Verdict(False, "unbalanced menus earn 5,655.30 against 4,896.97", 16.0),
        Verdict(None, "it stands in the supplement"),
    )
    made = [Claim("ICDS paper", f"section {k}", f"claim {k}", "always", saying(verdict)) for k, verdict in enumerate(verdicts)]
    made.append(Claim("allocation paper", "Table 1", "842 % or more", "842 %", saying(verdicts[1])))
    monkeypatch.setattr(claims, "CLAIMS", tuple(made))


@pytest.mark.usefixtures("few_claims")
def test_claims_have_a_row_each_with_verdict_and_witness(run: Run) -> None:
    (found,) = parsed(run("reproduce", "claims", "--json", "-"))["reproductions"]
    assert (found["name"], found["series"]) == ("claims", None)
    assert {key for row in found["rows"] for key in row} == {"claim", "paper", "where", "claimed", "holds", "witness", "figure"}
    assert [row["holds"] for row in found["rows"]] == [True, False, None, False]
    assert [row["figure"] for row in found["rows"]] == [1.6, 16.0, None, 16.0]
    status, out, err = run("reproduce", "claims", "--plot", "figures")
    assert (status, err) == (0, "")
    assert list(Path("figures").iterdir()) == []  # there is nothing to draw
    words = " ".join(" ".join(cell for row in cells(out) for cell in row).split())
    assert all(word in words for word in ("section 0: claim 0", "not checked", "5,655.30", "842 % or more"))
    assert "1 true, 2 false, 1 not checked" in out


@pytest.mark.usefixtures("few_claims")
@pytest.mark.parametrize("width", [120, 80])
def test_claims_fit_the_terminal_with_every_number_in_one_piece(width: int) -> None:
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(*(tables.fitted(part, console) for part in tables.reproduction(claims.claims())))
    shown = captured.get()
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert shown.count("│") >= 4 * 5  # a table still, no list
    for number in ("2.79", "14.31", "2,400", "5,655.30", "4,896.97", "842"):
        assert number in shown
