"""README and site: every block of code runs, shows what comes of it, and links lead to pages that there are."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.pages import MADE, Block, Reader, blocks, pages
from support.places import ROOT
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import ROLES
from veridical.data.revenue import REVENUES
from veridical.families import FAMILIES, unregister
from veridical.models.joint_plan import DECLARATIONS

PAGES = pages()


@pytest.fixture
def registries() -> Iterator[None]:
    """Forget what a page registers: its own demand, role and kind, which other tests are not to know."""
    kept: list[Any] = [DEMANDS, ROLES, DECLARATIONS, REVENUES]
    before, kinds = [set(registry) for registry in kept], set(FAMILIES)
    yield
    for registry, names in zip(kept, before, strict=True):
        for name in registry.keys() - names:
            del registry[name]
    for case in FAMILIES.keys() - kinds:
        unregister(FAMILIES[case])


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if any(block.is_code for block in blocks(page))])
def test_every_block_of_a_page_runs_and_shows_what_comes_of_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    reader = Reader(name, monkeypatch, capsys)
    for block in blocks(PAGES[name]):
        if block.is_code and block.reason is None:
            reader.read(block)


def test_what_is_not_run_says_why() -> None:
    unsaid = [
        (name, block.line) for name, page in PAGES.items() for block in blocks(page) if block.reason and " " not in block.reason
    ]
    assert unsaid == []


def test_every_fence_is_a_block() -> None:
    for name, page in PAGES.items():
        fences = len(re.findall(r"^```", page, flags=re.MULTILINE))
        assert fences == 2 * len(blocks(page)), name


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        (Block("python", ">>> 1 + 1\n3\n", 1, None), "Expected"),
        (Block("python", "undefined\n", 1, None), "undefined"),
        (Block("console", "$ veridical --version\nveridical 0.0.0\n", 1, None), "veridical --version"),
        (Block("sh", "veridical solve no-such-case\n", 1, None), "no-such-case"),
        (Block("sh", "rm -r somewhere\n", 1, None), "needs <!-- not run"),
        (Block("toml", "price = \n", 1, None), "Invalid"),
        (Block("basic", "10 PRINT\n", 1, None), "of the kinds"),
    ],
)
def test_a_block_that_is_wrong_is_seen(
    block: Block, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((AssertionError, NameError, ValueError), match=wrong):
        Reader("a page", monkeypatch, capsys).read(block)


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 150


def test_the_page_of_installing_has_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    page = next(page for name, page in PAGES.items() if name.endswith("install.md"))
    assert set(re.findall(r'^\| `pip install "veridical\[(\w+)\]"`', page, flags=re.MULTILINE)) == set(extras)


def test_links_between_pages_lead_somewhere() -> None:
    lost = []
    for name, page in PAGES.items():
        text = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w.-]*)?\)", text):
            place = ((ROOT / name).parent / target).resolve()
            made = place.is_relative_to(ROOT / "docs") and place.relative_to(ROOT / "docs").parts[0] in MADE
            if "://" not in target and not made and not place.exists():
                lost.append((name, target))
    assert lost == []
