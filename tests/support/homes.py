"""Parties at home: the same case with and without its records, and the agents that keep them, here or over the network."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from typing import Any

from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, coordinated
from veridical.firms.homes import Home
from veridical.firms.splitting import COORDINATOR, SOLVER
from veridical.solvers.consensus import Consensus
from veridical.solvers.consensus.home import HomeAgent
from veridical.solvers.consensus.network import serve_party


def agents_of(case: JointPlanCase, **settings: Any) -> dict[str, HomeAgent]:
    """Return an agent at home for each party of a case that has all records."""
    return {name: HomeAgent(case.part(name), **settings) for name in case.names}


def asking(case: JointPlanCase, options: dict[str, Any] | None = None, **settings: Any) -> Consensus:
    """Return a planner that asks agents at home."""
    return Consensus({"solver": "consensus", "options": options or {}}, agents=agents_of(case, **settings))


def without_records(case: JointPlanCase) -> JointPlanCase:
    """Return a case as its coordinator has it."""
    return coordinated(case)


class Answering:
    """Agents of separate firms, each in a thread of its own, that answer a coordinator over TLS from their folders.

    `ended`: by name, how many answers each gave, or the error that it ended in.
    """

    def __init__(self, firms: Path, names: Iterable[str], **settings: Any) -> None:
        options = tomllib.loads((firms / COORDINATOR / SOLVER).read_text(encoding="utf-8"))["options"]
        self.url = f"https://localhost:{options['listen'].rpartition(':')[2]}"
        self.ended: dict[str, Any] = {}
        self.threads = [Thread(target=self._answer, args=(firms / name, settings), daemon=True) for name in names]

    def __enter__(self) -> "Answering":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads)

    def _answer(self, folder: Path, settings: dict[str, Any]) -> None:
        home = Home.read(folder)
        try:
            agent, log = home.agent(**settings), folder / "answers.jsonl"
            self.ended[home.name] = serve_party(
                agent, party=home.name, token=home.token, coordinator=self.url, ca=home.certificate, log=log, give_up=60
            )
        except InputError as error:
            self.ended[home.name] = error
