"""Mechanisms and kinds of cases that installed packages offer by the entry-point group `veridical.mechanisms`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.processes import MAIN
from veridical.families import FAMILIES, MECHANISMS, load_installed

MODULE = """
from dataclasses import replace
from veridical import MECHANISMS

cautious = replace(MECHANISMS["naive"], name="cautious", summary="as naive")
several = [replace(MECHANISMS["naive"], name=name) for name in ("careful", "shy")]
word = ["icds"]
taken = MECHANISMS["naive"]
strange = replace(MECHANISMS["naive"], name="strange", kind=dict)
"""
ENTRIES = """[veridical.mechanisms]
cautious = offering:cautious
several = offering:several
word = offering:word
taken = offering:taken
strange = offering:strange
missing = offering:missing
gone = nowhere:thing
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package that offers mechanisms, some of them broken."""
    (tmp_path / "offering.py").write_text(MODULE, encoding="utf-8")
    info = tmp_path / "offering-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = dict(MECHANISMS)
    load_installed.cache_clear()
    yield
    for name in MECHANISMS.keys() - before.keys():
        del MECHANISMS[name]
    load_installed.cache_clear()


@pytest.mark.usefixtures("installed")
def test_offered_mechanisms_are_found_when_they_are_needed_and_broken_ones_are_named() -> None:
    case = vd.example("two-suppliers")
    naive = vd.solve(case, "naive", "closed_form").objective
    assert "cautious" not in MECHANISMS  # nobody has needed it
    with pytest.warns(UserWarning, match="the package offering offers") as warned:
        assert vd.solve(case, "cautious", "closed_form").objective == naive
    said = {str(one.message).split(" offers ")[1].split(",")[0]: str(one.message) for one in warned}
    assert set(said) == {"word", "taken", "strange", "missing", "gone"}
    assert "str is no veridical.Mechanism" in said["word"]
    assert "a mechanism called naive is there already" in said["taken"]
    assert "a kind of case that is not known" in said["strange"]
    assert {"cautious", "careful", "shy"} <= set(vd.families.fitting(case))  # without another warning
    assert list(vd.compare(case, ["shy", "naive"], "closed_form")["profit"]) == [naive, naive]


KIND = """
from typing import Literal
import pyomo.environ as pyo
import veridical as vd

class Sale(vd.data.CaseRecord):
    \"\"\"A thing that is for sale.\"\"\"
    kind: Literal["sale_of_a_package"] = "sale_of_a_package"
    values: vd.data.Numbers

def best_price(case):
    \"\"\"What sells best.\"\"\"
    types = vd.TypeSpace({"buyer": case.values})
    m = pyo.ConcreteModel()
    m.sold, m.price = pyo.Var(types.profiles, bounds=(0, 1)), pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, agent, theta, reports: theta * m.sold[reports] - m.price[reports])
    m.revenue = pyo.Objective(expr=types.expectation(lambda reports: m.price[reports]), sense=pyo.maximize)
    return m

def haggle(offer: float) -> None:
    \"\"\"Say what a buyer says.\"\"\"
    print(f"{offer / 2:g}, and not more")

FAMILY = vd.add_kind(Sale, {"best_price_of_a_package": best_price}, commands={"haggle": haggle})
"""
CASE = 'kind = "sale_of_a_package"\nvalues = [1.0, 2.0, 3.0]\n'
BROKEN = "\n[veridical.mechanisms]\nbroken = nowhere_at_all:THING\n"


def install(folder: Path, entry: str, others: str = "") -> None:
    """Install a package with a kind of its own into a folder, and write a case file of it."""
    (folder / "selling_package.py").write_text(KIND, encoding="utf-8")
    for name, entries in (("selling", f"[veridical.mechanisms]\nsale = {entry}\n"), ("breaking", others)):
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(entries, encoding="utf-8")
    (folder / "sale.toml").write_text(CASE, encoding="utf-8")


def command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return how the installed command ended, in a process of its own: exit status, standard output and error."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); " + MAIN
    line = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("entry", ["selling_package:FAMILY", "selling_package"])
def test_the_command_finds_a_kind_of_an_installed_package(entry: str, tmp_path: Path) -> None:
    install(tmp_path, entry)
    status, out, err = command(tmp_path, "solve", "sale.toml", "--json", "-", "--set", "values=[1.0, 2.0, 4.0]")
    assert (status, err) == (0, "")
    found = json.loads(out)
    # At a price of 1 all three values buy, at 2 two of them, at 4 one: max(3 * 1, 2 * 2, 1 * 4) / 3.
    assert (found["case"], found["mechanism"]) == ("sale", "best_price_of_a_package")
    assert found["objective"] == pytest.approx(4 / 3)
    status, out, err = command(tmp_path, "show", "sale.toml")
    assert (status, err) == (0, "")
    assert "values = [1.0, 2.0, 3.0]" in out
    made = json.loads(command(tmp_path, "schema", "sale_of_a_package")[1])
    assert made["required"] == ["kind", "values"]


def test_a_command_of_an_installed_package_is_one_like_the_others(tmp_path: Path) -> None:
    install(tmp_path, "selling_package:FAMILY", BROKEN)
    status, out, err = command(tmp_path, "haggle", "5")
    assert (status, out) == (0, "2.5, and not more\n")
    assert err.startswith("veridical: warning: the package breaking offers broken")
    _, out, _ = command(tmp_path, "--help")
    assert "haggle  " in out
    assert "Say what a buyer says." in out
    status, out, err = command(tmp_path, "hagle")
    assert (status, out) == (2, "")
    assert "No such command 'hagle'" in err


def test_a_broken_package_is_named_and_breaks_nothing_else(tmp_path: Path) -> None:
    install(tmp_path, "selling_package:FAMILY", BROKEN)
    status, out, err = command(tmp_path, "solve", "sale.toml")
    assert status == 0
    assert "objective 1.33" in out
    said = "the package breaking offers broken, which cannot be used: No module named 'nowhere_at_all'"
    assert err == f"veridical: warning: {said}\n"
    assert command(tmp_path, "solve", "two-suppliers", "--solver", "closed_form", "--json", "-")[0] == 0


def test_python_finds_a_kind_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "selling_package:FAMILY")
    with pytest.raises(vd.InputError, match="kind: got 'sale_of_a_package'; allowed: one of assembler"):
        vd.load(tmp_path / "sale.toml")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_installed.cache_clear()
    try:
        case: Any = vd.load(tmp_path / "sale.toml")
        assert round(vd.solve(case).objective, 6) == 1.333333
        assert vd.load(case.save(tmp_path / "again.toml")) == case.changed(name="sale")
    finally:
        for kind in [one for one in FAMILIES if one.__module__ == "selling_package"]:
            vd.families.unregister(FAMILIES[kind])
        sys.modules.pop("selling_package", None)
        load_installed.cache_clear()
