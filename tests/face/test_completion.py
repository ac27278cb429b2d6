"""Completion in a shell: of commands, options and the names of shipped cases."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import veridical as vd

MAIN = "import sys; sys.argv[0] = 'veridical'; from veridical.__main__ import main; main()"


def completed(words: str, **environment: str) -> list[str]:
    """Return what bash is told to offer for the last word."""
    asked = {"_VERIDICAL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    ended = subprocess.run(
        [sys.executable, "-c", MAIN],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **asked, **environment},
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_commands_options_and_shipped_cases_are_completed() -> None:
    assert completed("veridical ch") == ["choose-k", "choose-fees"]
    assert completed("veridical round cl") == ["clear"]
    assert completed("veridical solve two-s") == [name for name in vd.examples() if name.startswith("two-s")]
    assert "--mechanism" in completed("veridical solve two-suppliers --m")
    assert completed("veridical solve mine-") == []  # the shell offers files


def script_for(shell: str) -> str:
    """Return the script of a shell, whichever the tests are run from."""
    ended = subprocess.run(
        [sys.executable, "-c", MAIN, "--show-completion", shell],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o default"), ("zsh", "#compdef"), ("fish", "complete --command")]
)
def test_the_script_of_a_shell_is_shown(shell: str, word: str) -> None:
    script = script_for(shell)
    assert "_VERIDICAL_COMPLETE" in script
    assert word in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_takes_the_script(tmp_path: Path) -> None:
    script = script_for("bash")
    program = tmp_path / "veridical"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{MAIN}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    asked = "COMP_WORDS=(veridical audit unb); COMP_CWORD=2; _veridical_completion veridical; echo ${COMPREPLY[@]}"
    ended = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asked}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert ended.stdout.strip() == "unbalanced-smallest"
