"""Files are opened in one place, which knows what may be read and how to write: `veridical.data.files`."""

import ast
from pathlib import Path

from support.places import ROOT

ROOMS = ("data", "contracts", "models", "solvers", "studies", "src/veridical")
OPENING = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "savefig", "to_csv", "to_json", "mkstemp", "fdopen"}
ELSEWHERE = {
    "data/csv_file.py": {"to_csv"},  # to text
    "studies/figures/style.py": {"savefig"},  # to memory
    "studies/figures/picture.py": {"savefig"},  # to memory
    "src/veridical/streams.py": {"open"},  # the null device
    "solvers/consensus/carriers/workers.py": {"open"},  # an agent
    "solvers/consensus/planner.py": {"open"},  # agents
}


def opened(path: Path) -> set[str]:
    """Return the functions by which a file opens files; `to_csv` of one of ours is a function, and no call, where it is named."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls} & OPENING


def test_files_are_opened_in_one_place() -> None:
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(f"{room}/") and not any(name.startswith(f"src/veridical/{inner}/") for inner in ROOMS[:-1]):
                found[name] = opened(path) - ELSEWHERE.get(name, set())
    assert found.pop("data/files.py") >= {"open"}
    assert {name: calls for name, calls in found.items() if calls} == {}
