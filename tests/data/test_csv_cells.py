"""Cells that a spreadsheet would take for formulas are written so that it does not, and read back equal."""

import csv
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import build
from veridical.data import csv_file
from veridical.data.joint_plan import pilot

DANGEROUS = "=+-@"
NAMES = ("=1+1", "+1", "-1", "@sum", "'=x", "''=x", "'quoted", "it's", "plain")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cells=st.lists(st.text(st.sampled_from("=+-@'a1 ,\"\t"), min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_text_comes_back_equal_and_is_no_formula(cells: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(csv_file.text(["header"] * len(cells), [cells]), encoding="utf-8", newline="")
    assert [row for _, row in csv_file.rows(path)][1] == cells
    with path.open(encoding="utf-8", newline="") as stream:
        written = list(csv.reader(stream))[1]
    assert not any(cell[0] in DANGEROUS for cell in written)


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"-1 a": [-1.5, 2.0], "b": ["-x", "y"]}, index=pd.Index([-3, 4], name="=i"))
    csv_file.write(frame, tmp_path / "frame.csv")
    assert (tmp_path / "frame.csv").read_text(encoding="utf-8") == "'=i,'-1 a,b\n-3,-1.5,'-x\n4,2.0,y\n"
    assert csv_file.text(["-a"], [[-1.5], [2.0], ["-1.5"]]) == "'-a\n-1.5\n2\n'-1.5\n"


def test_a_menu_of_suppliers_with_such_names_is_audited_as_it_was(tmp_path: Path) -> None:
    case = build([[4, 9]] * 2, [[0.5, 0.5]] * 2).changed(
        suppliers=[{"name": name, "costs": [4, 9], "probabilities": [0.5, 0.5]} for name in NAMES[:2]]
    )
    menu = vd.solve(case, "icds", "closed_form").contracts
    menu.to_csv(tmp_path / "menu.csv")
    assert (tmp_path / "menu.csv").read_text(encoding="utf-8").startswith("'=1+1,'+1,probability,quantity =1+1")
    assert vd.audit(case, tmp_path / "menu.csv").expected_profit == menu.expected_profit


def test_a_joint_plan_with_such_names_comes_back_equal(tmp_path: Path) -> None:
    case = pilot(vendors=2, sites=1, regions=1, products=1, weeks=1, name="plan")
    case.save(tmp_path / "old")
    (tmp_path / "new").mkdir()
    for path in (tmp_path / "old").iterdir():
        text = path.read_text(encoding="utf-8").replace("Breda", "=Breda").replace("Alder", "@Alder").replace("soap", "-soap")
        (tmp_path / "new" / path.name).write_text(text, encoding="utf-8")
    renamed = vd.load(tmp_path / "new")
    assert renamed.shared.sites == ("=Breda",)
    renamed.save(tmp_path / "new")
    assert vd.load(tmp_path / "new") == renamed
    tables = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "new").glob("*.csv"))
    assert "'=Breda" in tables
    assert not any(cell[:1] in DANGEROUS for line in tables.splitlines() for cell in line.split(","))
