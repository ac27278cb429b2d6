"""The gallery: each picture is drawn by a command of the program, which stands beside it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from generators import ROOT, put

__all__ = ["PICTURES", "Picture", "write"]


class Picture(NamedTuple):
    """A picture: its file, its title, the command that draws it, and what to look at."""

    file: str
    title: str
    command: str
    about: str


PICTURES = (
    Picture(
        "menu.png",
        "A contract menu",
        "veridical solve two-suppliers-correlated --plot menu.png",
        "What each supplier is asked to deliver and what he is paid, for each pair of reports.",
    ),
    Picture(
        "choose-k.png",
        "How many suppliers should report?",
        "veridical choose-k electronics --loss 0.02 --plot choose-k.png",
        "Profit against the number of suppliers who report.",
    ),
    Picture(
        "allocation.png",
        "Scarce capacity",
        "veridical solve two-retailers --plot allocation.png",
        "Left: what one more unit is worth at each pair of types. Right: units by the retailer's type.",
    ),
    Picture(
        "joint-plan.png",
        "A joint plan",
        "veridical solve pilot --plot joint-plan.png",
        "How shipments change against the baseline, and how the savings are divided.",
    ),
    Picture(
        "fees.png",
        "Which fee?",
        "veridical choose-fees carriers --draws 2 --plot fees.png",
        "What fees leave to receivers and suppliers, in several drawn worlds.",
    ),
    Picture(
        "study.png",
        "A study of two parameters",
        "veridical study price-and-correlation --out study --plot study.png",
        "A shipped study: profit by price and correlation of costs.",
    ),
    Picture(
        "assembler-figure-1.png",
        "A figure of the ICDS paper, recomputed",
        "veridical reproduce assembler-figure-1 --plot .",
        "The gain of ICDS over FRW.",
    ),
    Picture(
        "allocation-table-1.png",
        "A table of the allocation paper, drawn",
        "veridical reproduce allocation-table-1 --plot .",
        "Published numbers and exact ones.",
    ),
)


def write(folder: Path) -> None:
    """Draw the pictures that are not there, or are older than the program, and write their page."""
    newest = max(path.stat().st_mtime for path in ROOT.rglob("*.py") if "docs" not in path.parts)
    for picture in PICTURES:
        target = folder / picture.file
        if not target.is_file() or target.stat().st_mtime < newest:
            with TemporaryDirectory() as work:
                command(picture.command, work)
                data = Path(work, picture.file).read_bytes()
            put(target, data)
            os.utime(target)
    put(folder / "index.md", page())


def page() -> str:
    """Return the page."""
    parts = ["# Gallery", "Each picture is drawn by the command below it, when this site is built."]
    for picture in PICTURES:
        parts += [f"## {picture.title}", picture.about, f"![{picture.title}]({picture.file})", f"```sh\n{picture.command}\n```"]
    return "\n\n".join(parts) + "\n"


def command(line: str, folder: str) -> None:
    """Run a command of the program in a folder; raises RuntimeError with what it says where it fails."""
    program, *arguments = shlex.split(line)
    ran = subprocess.run([sys.executable, "-m", program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{line}: {ran.stderr}")
