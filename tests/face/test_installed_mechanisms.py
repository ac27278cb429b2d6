"""Mechanisms that installed packages offer by the entry-point group `veridical.mechanisms`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import veridical as vd
from veridical.families import MECHANISMS, load_installed

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
