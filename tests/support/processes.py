"""The command line in a process of its own, which may be killed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

MAIN = "import sys; from veridical.__main__ import main; sys.argv[0] = 'veridical'; main()"
KILLED = "import os, signal; os.{} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"  # at the first call of a function


def process(folder: Path, *arguments: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Return how a command ended; `before` is what its process does first, and `options` are those of `subprocess.run`."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-c", before + MAIN, *arguments]
    return subprocess.run(command, cwd=folder, text=True, check=False, timeout=120, **streams)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, without those that a process left while it wrote them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
