"""`veridical choose-fees`: a row a rule, what is chosen, and files."""

import json
import re
from pathlib import Path

import pytest

from support.command_line import Run, cells, is_picture, no_constant, parsed
from veridical import choose_fees, load
from veridical.data.joint_plan import pilot
from veridical.data.stamp import stamped


@pytest.fixture
def pair(run: Run) -> None:
    """Write a small joint plan where the command line runs."""
    pilot(vendors=2, sites=1, regions=1, products=2, weeks=2, seed=3, name="pair").save("pair")


@pytest.mark.usefixtures("pair")
def test_choose_fees_shows_a_row_a_rule_and_writes_them(run: Run) -> None:
    status, out, err = run(
        "choose-fees", "pair/case.toml", "--draws", "1", "--json", "found.json", "--csv", "rules.csv", "--plot", "fees.png"
    )
    assert (status, err) == (0, "")
    assert is_picture("fees.png")
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    expected = choose_fees(load("pair/case.toml"), draws=1)
    rules = [{key: None if value != value else value for key, value in row.items()} for row in expected.to_dict()["rules"]]
    said = stamped(expected.to_dict(), load("pair/case.toml")) | {"failed": [], "rules": rules}
    assert written == said  # of one draw there is no standard error
    assert (
        Path("rules.csv").read_text(encoding="utf-8").startswith("rule,mechanism,pivot,activity_fee,participation_fee,truthful")
    )
    rows = list(expected.table.itertuples())
    shown = [(row[0].removesuffix(" *"), float(row[1] or 0), float(row[2] or 0)) for row in cells(out)]
    assert shown == [(row.pivot or row.mechanism, row.activity_fee, row.participation_fee) for row in rows]
    assert "means over 1 draw ±" in out
    assert not re.search(r"-0(\.0+)?\b(?![.,\d])", out)  # what is next to nothing has no sign
    assert "seed 0" in out
    if expected.chosen:
        assert f"* {expected.chosen}:" in " ".join(out.split())


@pytest.mark.usefixtures("pair")
def test_choose_fees_takes_changes(run: Run) -> None:
    options = ("--draws", "1", "--seed", "4", "--loss", "0.5", "--risk", "0.2", "--spread", "0", "--json", "-")
    found = parsed(run("choose-fees", "pair/case.toml", "--set", "activity_fee=1.5", *options))
    assert (found["case"], found["draws"], found["seed"], found["loss"], found["risk"]) == ("pair", 1, 4, 0.5, 0.2)
    rows = {row["rule"]: row for row in found["rules"]}
    assert rows["clarke, activity 1.5"]["activity_fee"] == 1.5
    assert rows["core"]["receivers_se"] is None  # of one draw
    assert rows["core"]["lost"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["two-suppliers"], "CASE: got <AssemblerCase>; allowed: a case of kind joint_plan"),
        (["carriers", "--draws", "0"], "draws: got 0"),
        (["carriers", "--loss=-0.1"], "loss: got -0.1"),
        (["carriers", "--set", "pivots=clarke"], "--set pivots: got 'clarke'"),
        (["carriers", "--solver", "nobody"], "nobody"),
        (["carriers", "--csv", "rules.txt"], "--csv: got 'rules.txt'"),
        (["carriers", "--json", "missing/fees.json"], "--json: got 'missing/fees.json'"),
    ],
)
def test_choose_fees_says_what_is_wrong(run: Run, arguments: list[str], words: str) -> None:
    status, out, err = run("choose-fees", *arguments)
    assert (status, out) == (2, "")
    assert words in " ".join(err.split())
    assert "Traceback" not in err
