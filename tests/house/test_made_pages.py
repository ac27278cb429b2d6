"""Pages that are made from the program are those that it makes; the citation and the other papers of the house are whole."""

import runpy
import shlex
from importlib.metadata import version
from typing import Any

import pytest
import typer.main
import yaml

from support.places import ROOT
from veridical import cli
from veridical.data.stamp import RELEASED

PAGES: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "pages.py"), run_name="pages")["PAGES"]
APPLICATION: Any = typer.main.get_command(cli.application())
COMMANDS = {
    name: command
    for group, one in APPLICATION.commands.items()
    for name, command in (
        {f"{group} {inner}": command for inner, command in one.commands.items()} if hasattr(one, "commands") else {group: one}
    ).items()
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_one_that_is_made(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name]()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_it_takes(name: str) -> None:
    _, found, example = (COMMANDS[name].help or "").partition("Example: ")
    assert found
    program, *arguments = shlex.split(example.split(" > ")[0])
    assert program == "veridical"
    assert arguments[: len(name.split())] == name.split()
    given = arguments[len(name.split()) :]
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {argument for argument in given if argument.startswith("--")} <= options
    wanted = {parameter.opts[0] for parameter in COMMANDS[name].params if parameter.required and parameter.opts[0][0] == "-"}
    assert wanted <= set(given)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_line_of_the_help_is_cut(name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.argv", ["veridical", *name.split(), "--help"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    shown = " ".join(" ".join(line.strip("│ ") for line in out.splitlines()).split())
    command = COMMANDS.get(name, APPLICATION)
    about = " ".join((command.help or "").split())
    assert about in shown
    helps = [getattr(parameter, "help", None) or "" for parameter in command.params]
    words = {word for text in helps for word in text.split() if "{" not in text and len(word) < 20}
    assert {word for word in words if word not in shown} == set()


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= cited.keys()
    assert cited["version"] == version("veridical")
    assert str(cited["date-released"])[:4] == RELEASED  # of the entry that `vd.cite` gives
    assert (cited["type"], cited["license"]) == ("software", "Apache-2.0")
    for one in [cited, *cited["references"]]:
        assert all("name" in author or {"family-names", "given-names"} <= author.keys() for author in one["authors"])
    assert all({"type", "title", "authors"} <= one.keys() for one in cited["references"])


@pytest.mark.parametrize("name", ["CITATION.cff", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_papers_of_the_house_are_in_the_source_distribution(name: str) -> None:
    assert (ROOT / name).is_file()
    assert name in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").split()
