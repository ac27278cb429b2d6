"""What is imported before it is used, counted by names and not by seconds: each entry point in a process of its own."""

import subprocess
import sys

import pytest

import veridical as vd
from support.command_line import Run
from veridical.families import FAMILIES

NUMBERS = ("numpy", "pandas", "pydantic", "scipy", "pyomo.core", "pyomo.environ", "highspy")
RARE = ("cyipopt", "distributed", "matplotlib", "piqp", "scipy.optimize", "scipy.stats")  # no part of a usual solve
FACTORS = ("scipy.linalg", "scipy.sparse.linalg", "scipy.sparse.csgraph")  # a small linear program is certified without these
OTHERS = ("veridical.solvers.consensus", "veridical.data.importing.cases")  # of other commands
OURS = (
    "veridical.data",
    "veridical.contracts",
    "veridical.models",
    "veridical.solvers",
    "veridical.studies",
    "veridical.families",
)
COMMAND = """\
import sys; sys.argv[1:] = {}
from veridical.__main__ import main
try: main()
except SystemExit as end: assert not end.code
"""
NAMES = "import veridical as vd\nfor name in vd.__all__: getattr(vd, name)\n"

ENTRIES = {  # by entry point: what runs, what of ours and others' must not be imported, and what must, so that the test can see
    "import veridical": ("import veridical\n", (*NUMBERS, *RARE, *OURS, "rich", "typer"), ("pyomo.opt",)),
    "--version": (COMMAND.format(["--version"]), (*NUMBERS, *RARE, *OURS), ("typer",)),
    "--help": (COMMAND.format(["--help"]), (*NUMBERS, *RARE, *OURS), ("typer",)),
    "a command's --help": (COMMAND.format(["generate", "--help"]), ("numpy", *RARE, *OURS), ("typer",)),
    "all names": (NAMES, (*RARE, "pandas", "rich", "typer", "veridical.tables", "veridical.solvers.consensus"), ("pyomo.core",)),
    "a case": ("import veridical as vd; vd.example('two-suppliers')\n", (*RARE, "pandas", "pyomo.core", "highspy"), ("numpy",)),
    "solve": (
        COMMAND.format(["solve", "two-suppliers"]),
        (*RARE, *FACTORS, "pandas", *OTHERS, "veridical.studies.papers", "veridical.studies.figures"),
        ("highspy", "rich.table"),
    ),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_is_imported_before_it_is_used(entry: str) -> None:
    code, unused, used = ENTRIES[entry]
    report = "import sys; print('imported:', *sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    modules = ended.stdout.rpartition("imported: ")[2].split()
    assert [name for name in unused if name in modules] == []
    assert [name for name in used if name not in modules] == []


def test_pyomo_still_finds_the_parts_of_scipy() -> None:
    code = (
        "import veridical, scipy.sparse, pyomo.environ, sys\n"
        "assert 'scipy.stats' not in sys.modules\n"
        "from pyomo.common.dependencies import scipy, scipy_available\n"
        "assert scipy_available and scipy.stats.norm.cdf(0.0) == 0.5\n"
        "from pyomo.common.dependencies.scipy import stats\n"
        "assert stats.norm.cdf(0.0) == 0.5\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_kinds_that_are_shipped_have_no_commands_that_the_help_would_not_know_of() -> None:
    shipped = [family for family in FAMILIES.values() if family.case.__module__.startswith("veridical")]
    assert len(shipped) == 4
    assert [family.kind for family in shipped if family.commands] == []


@pytest.mark.parametrize(("command", "names"), [("solve", vd.MECHANISMS), ("reproduce", vd.studies.REPRODUCTIONS)])
def test_help_names_what_there_is(command: str, names: dict[str, object], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    status, out, err = run(command, "--help")
    assert (status, err) == (0, "")
    assert ", ".join(names) in out


def test_the_version_is_that_of_the_package(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version") == (0, f"veridical {version('veridical')}\n", "")


@pytest.mark.parametrize(
    "name", ["data.joint_plan", "solvers.consensus", "solvers.planners", "studies.papers.claims", "studies.figures.style"]
)
def test_modules_are_attributes_of_their_packages_without_being_imported_first(name: str) -> None:
    code = f"import veridical; assert veridical.{name}.__name__ == 'veridical.{name}'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_a_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'veridical.studies' has no attribute 'nothing'"):
        vd.studies.nothing  # noqa: B018
