"""docs/agents.md: four firms on one machine, from a case to the plan and to the weeks, as the page shows it."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path
from threading import Thread
from typing import Any

from support.command_line import Run
from support.places import ROOT
from support.ports import free_port
from support.steady import steady
from veridical.commands.agent import agent

PAGE = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
OPTIONS: dict[str, tuple[str, bool]] = {  # of an agent: what they are called in Python, and whether a value follows
    "--coordinator": ("coordinator", True),
    "--log": ("log", True),
    "--allow-misreports": ("allow_misreports", False),
    "--tell-service": ("tell_service", False),
}


def in_background(arguments: list[str]) -> Thread:
    """Start the agent of a firm in a thread, as its command line says."""
    settings: dict[str, Any] = {}
    folder, *words = arguments
    while words:
        name, valued = OPTIONS[words.pop(0)]
        settings[name] = words.pop(0) if valued else True
    thread = Thread(target=agent, args=(folder,), kwargs=settings, daemon=True)
    thread.start()
    return thread


def test_the_page_shows_what_firms_see(run: Run) -> None:
    blocks = re.findall(r"```console apart\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 4
    port, agents = str(free_port()), []
    for block in blocks:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            program, name, *arguments = shlex.split(command.replace("8443", port))
            assert program == "veridical"
            if command.endswith("&"):
                assert (name, arguments.pop()) == ("agent", "&")
                agents.append(in_background(arguments))
                continue
            status, out, err = run(name, *arguments)
            assert status == 0, err
            assert steady(out.replace(port, "8443")) == steady(shown), out
            if name in ("solve", "pilot"):
                for thread in agents:
                    thread.join(60)
                assert not any(thread.is_alive() for thread in agents)
    examples = doctest.DocTestParser().get_doctest(PAGE[PAGE.index("```python apart") :], {}, "agents", "agents.md", 0)
    assert len(examples.examples) > 5
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples).failed == 0
    for name in ("retailer", "alder", "birch", "cedar"):
        assert Path(f"{name}.jsonl").stat().st_size > 0
