"""`veridical show`, `examples`, `schema`: what a stranger begins from."""

import json
import os
from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Json, Run
from veridical.data.case_record import hashed
from veridical.data.case_schema import results, text


@pytest.mark.parametrize("name", [name for name in vd.examples() if name not in ("carriers", "marketplace", "pilot")])
def test_what_show_prints_is_the_case(run: Run, name: str) -> None:
    status, out, err = run("show", name)
    assert (status, err) == (0, "")
    assert out.startswith(f"#:schema ./{vd.example(name).kind}.schema.json\n")
    Path("mine.toml").write_text(out, encoding="utf-8")
    vd.example(name).save("beside/case.toml")  # what the case reads, of its demand and quotes
    for file in Path("beside").glob("*.csv"):
        os.replace(file, file.name)
    assert vd.load("mine.toml") == vd.example(name)


@pytest.mark.parametrize("options", [[], ["--all"]])
@pytest.mark.parametrize("name", ["two-suppliers", "motor-controllers", "pilot"])
def test_show_writes_a_case_with_all_that_it_reads(run: Run, name: str, options: list[str]) -> None:
    status, out, err = run("show", name, "--out", "mine", *options)
    assert (status, err) == (0, "")
    assert vd.load("mine") == vd.example(name)
    written = set(out.strip().split(", "))
    assert written == {str(path) for path in Path("mine").rglob("*") if path.is_file()}
    assert ("#currency" in Path("mine/case.toml").read_text(encoding="utf-8")) == (bool(options) and name != "motor-controllers")
    status, again, err = run("show", "mine")  # any folder or file
    assert (status, err) == (0, "")
    assert run("show", name, "--out", "two/other.toml")[0] == 0
    assert vd.load("two/other.toml") == vd.example(name)
    assert "# Files beside this one" in again or name == "two-suppliers"


def test_show_keeps_what_a_file_says_first(run: Run) -> None:
    out = run("show", "unbalanced-smallest")[1]
    assert "# The smallest example found in which balanced ordering is not optimal" in out
    bare = 'kind = "assembler"\nprice = 3\n[demand]\ndistribution = "exponential"\nmean = 9\n'
    Path("bare.toml").write_text(bare, encoding="utf-8")
    status, _, err = run("show", "bare.toml")
    assert (status, err) == (2, "veridical: bare.toml: suppliers: missing required key: one or more [[suppliers]] tables\n")


def test_what_show_prints_drives_no_terminal(run: Run) -> None:
    case = vd.example("two-suppliers").changed(description='a "quoted"\n\x1b[31m text\x9b31m and \u202e back')
    path = case.save("odd.toml")
    path.write_text("# said\x9b first\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    out = run("show", "odd.toml")[1]
    assert all(line.isprintable() for line in out.split("\n"))
    Path("again.toml").write_text(out, encoding="utf-8")
    assert vd.load("again.toml") == case


def test_show_writes_nothing_where_it_cannot(run: Run) -> None:
    Path("taken").write_text("", encoding="utf-8")
    status, out, err = run("show", "two-suppliers", "--out", "taken")
    assert (status, out) == (2, "")
    assert "--out: got 'taken'; allowed: a folder that can be written" in err
    assert run("show", "nowhere")[0] == 2
    assert [path.name for path in Path().iterdir()] == ["taken"]


def test_examples_lists_every_shipped_case(run: Run, record: Json) -> None:
    status, out, err = run("examples")
    assert (status, err) == (0, "")
    assert all(name in out for name in vd.examples())
    found = record("examples")["examples"]
    assert [one["name"] for one in found] == list(vd.examples())
    for one in found:
        case = vd.example(one["name"])
        assert (one["kind"], one["shows"], one["case_hash"]) == (case.kind, case.description, hashed(case))
        assert one["shows"]
        assert one["size"]


def test_sizes_are_counted(record: Json) -> None:
    sizes = {one["name"]: one["size"] for one in record("examples")["examples"]}
    assert sizes["two-suppliers"] == "2 suppliers, 4 cost profiles"
    assert sizes["five-retailers"] == "5 retailers, 126 type profiles"  # multisets of 5 out of 5 types: 9! / (5! 4!)
    assert sizes["continuous-pair"] == "2 suppliers, costs in ranges"
    assert sizes["pilot"] == "5 parties, 9 weeks, 324 flows"  # of 36 routes
    one = vd.example("two-suppliers").changed(suppliers=[{"name": "panel", "costs": [3.0]}])
    assert one.in_short == "1 supplier, 1 cost profile"


def test_schema_is_printed_or_written(run: Run) -> None:
    assert run("schema", "allocation") == (0, text("allocation"), "")
    assert run("schema", "results") == (0, results(), "")
    status, out, err = run("schema", "joint_plan", "--out", ".")
    assert (status, err) == (0, "")
    assert out.strip().endswith("#:schema ./joint_plan.schema.json")
    assert Path("joint_plan.schema.json").read_text(encoding="utf-8") == text("joint_plan")
    status, out, err = run("schema", "assembler", "--out", "mine.json")
    assert out.strip().endswith("#:schema ./mine.json")
    assert json.loads(Path("mine.json").read_text(encoding="utf-8"))["title"] == "assembler"
    status, out, err = run("schema", "nothing")
    assert (status, out) == (2, "")
    assert "KIND: got 'nothing'" in err
    assert run("schema", "assembler", "--out", "nowhere/mine.json")[0] == 2
