"""The layout: what is installed, and in which direction imports run."""

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from support.places import ROOT

ROOMS = ("data", "contracts", "models", "solvers", "studies", "src/veridical")  # each may import itself and what stands before it
PREFIXES = ("veridical.data", "veridical.contracts", "veridical.models", "veridical.solvers", "veridical.studies", "veridical")


def sources(room: str) -> list[Path]:
    """Return the files of a room; the links in src/veridical are other rooms."""
    return [path for path in (ROOT / room).rglob("*.py") if path.relative_to(ROOT / room).parts[0] not in ROOMS]


def imported(path: Path) -> set[str]:
    """Return the names of our modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; rooms are imported by full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "veridical"}


def rank(module: str) -> int:
    """Return the number of the room that a module belongs to."""
    return next(k for k, prefix in enumerate(PREFIXES) if module == prefix or module.startswith(f"{prefix}."))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    files = sources(room)
    assert files
    higher = [(path.name, name) for path in files for name in imported(path) if rank(name) > ROOMS.index(room)]
    assert higher == []


def test_closed_forms_know_cases_not_models() -> None:
    files = [path for path in sources("solvers") if "closed_form" in path.parts]
    assert files
    assert [(path.name, name) for path in files for name in imported(path) if rank(name) == 2] == []


def test_the_direction_test_sees_a_wrong_import(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def late():\n    from veridical import solvers\n", encoding="utf-8")
    assert {rank(name) for name in imported(tmp_path / "wrong.py")} == {3}


def test_the_wheel_holds_the_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(
        ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "*.egg-info", "build", "__pycache__", ".*_cache")
    )
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {"veridical/py.typed"}
    for room, prefix in zip(ROOMS, PREFIXES, strict=True):
        folder = prefix.replace(".", "/")
        expected |= {f"{folder}/{path.relative_to(ROOT / room).as_posix()}" for path in sources(room)}
    for kind in ("toml", "csv", "json"):
        expected |= {
            f"veridical/data/{path.relative_to(ROOT / 'data').as_posix()}" for path in (ROOT / "data").rglob(f"*.{kind}")
        }
    for pages in ROOT.glob("src/veridical/rounds/web/pages/*"):
        expected.add(f"veridical/{pages.relative_to(ROOT / 'src' / 'veridical').as_posix()}")
    assert inside == expected


def test_every_package_is_typed_and_named() -> None:
    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    found = {
        ".".join((prefix, *path.parent.relative_to(ROOT / room).parts))
        for room, prefix in zip(ROOMS, PREFIXES, strict=True)
        for path in sources(room)
    }
    assert named == found
