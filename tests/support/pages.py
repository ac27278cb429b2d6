"""Blocks of code in pages for people: what they are, and how each is run and held against what the page shows.

A page is run from its first block to its last, in one folder and one namespace of Python, as a reader would do it.

- `python` with prompts: the examples of a doctest. Without prompts: a script, which has to run.
- `console`: commands after `$ ` with what they print; `$ cat FILE` stands for a file with what is shown.
- `sh`: commands, of which no output is shown.
- `toml` and `csv` whose first line is a comment with a file's name, `# case.toml`: that file. Other TOML has to be TOML.
- What a page cannot run here (an installation, a server, minutes of work) has `<!-- not run: reason -->` above it.
- `console apart` and the like: what takes several programs at once, or files that are not there; the page has a test of its own.
"""

import doctest
import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.places import ROOT
from support.steady import steady
from veridical import cli

__all__ = ["Block", "Reader", "blocks", "pages"]

FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n+)?```(?P<kind>[\w{}-]*)(?P<apart> apart)?[^\n]*\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
APART = "a test of its own"
NO_CODE = {"", "text", "json", "bibtex"}
MADE = {"tutorials", "cases", "reference", "gallery", "project", "published.md", "_build"}  # when the site is built


@dataclass(frozen=True)
class Block:
    """A block of a page: its kind and text, the line where it begins, and why it is not run, where that is so."""

    kind: str
    text: str
    line: int
    reason: str | None

    @property
    def is_code(self) -> bool:
        """Whether it is to be run, read or written: directives of the site, and plain text, are not."""
        return self.kind not in NO_CODE and not self.kind.startswith("{")


def pages() -> dict[str, str]:
    """Return the pages that are written by hand: README, what stands beside it for contributors, and the site's."""
    docs = ROOT / "docs"
    written = [path for path in sorted(docs.rglob("*.md")) if path.relative_to(docs).parts[0] not in MADE]
    files = [ROOT / "README.md", *written]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page in order."""
    return [
        Block(
            found["kind"], found["text"], page.count("\n", 0, found.start("text")), found["reason"] or (found["apart"] and APART)
        )
        for found in FENCE.finditer(page)
    ]


class Reader:
    """Who reads a page and does all that it says, in the working folder."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.name, self.monkeypatch, self.capsys = name, monkeypatch, capsys
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.does: dict[str, Callable[[Block], None]] = {
            "python": self.python,
            "console": self.console,
            "sh": self.shell,
            "toml": self.toml,
            "csv": self.file,
        }

    def read(self, block: Block) -> None:
        """Do what a block says; what it shows must be what comes of it."""
        assert block.kind in self.does, f"{self.name}, line {block.line}: blocks are of the kinds {', '.join(self.does)}"
        self.does[block.kind](block)

    def python(self, block: Block) -> None:
        """Run examples, or a script; a script that begins with the name of a file is also written to it."""
        if ">>> " not in block.text:
            self.file(block)
            exec(compile(block.text, f"{self.name}, line {block.line}", "exec"), self.names)
            return
        examples = doctest.DocTestParser().get_doctest(block.text, {}, self.name, self.name, block.line)
        examples.globs = self.names
        said: list[str] = []
        results = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=said.append, clear_globs=False)
        assert results.failed == 0, "".join(said)

    def console(self, block: Block) -> None:
        """Run commands, and compare what they print with what is shown."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if command.startswith("cat "):
                Path(command.removeprefix("cat ")).write_text(shown, encoding="utf-8")
                continue
            status, out, err = self.command(command)
            assert steady(out if status == 0 else out + err) == steady(shown), f"{self.name}, line {block.line}: {command}"

    def shell(self, block: Block) -> None:
        """Run commands, which have to succeed."""
        for line in block.text.splitlines():
            if command := line.partition("  #")[0].strip():
                status, _, err = self.command(command)
                assert status == 0, f"{self.name}, line {block.line}: {command}: {err}"

    def toml(self, block: Block) -> None:
        """Read TOML, and write the file that it says it is."""
        tomllib.loads(block.text)
        self.file(block)

    def file(self, block: Block) -> None:
        """Write a file, where the first line says which."""
        if named := re.match(r"# ([\w.-]+\.\w+)\n", block.text):
            Path(named[1]).write_text(block.text, encoding="utf-8")

    def command(self, line: str) -> tuple[int, str, str]:
        """Run a command of the program in this process; return exit status, standard output and error."""
        program, *arguments = shlex.split(line)
        assert program == "veridical", f"{self.name}: {line}: a block with other programs needs <!-- not run: reason -->"
        self.monkeypatch.setattr(sys, "argv", [program, *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert isinstance(end.value.code, int)
        return end.value.code, *self.capsys.readouterr()
