"""Agents of other firms for tests: a coordinator with tokens, and each party's agent in a thread that reaches out to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from support.ports import free_port
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus, PartyAgent
from veridical.solvers.consensus.network import serve_party

SMALL = pilot(vendors=2, sites=1, regions=1, products=2, weeks=2)


def token(name: str) -> str:
    """Return the token of a party."""
    return f"token-of-{name}"


@dataclass
class Home:
    """One party's agent as it runs: what it said, how many answers it gave, and the error that it ended with."""

    said: list[str] = field(default_factory=list)
    answered: int = -1
    error: BaseException | None = None
    thread: threading.Thread | None = None

    def ended(self) -> str:
        """Wait for the end, and return the error in words, nothing where there was none."""
        assert self.thread is not None
        self.thread.join(30)
        assert not self.thread.is_alive()
        return "" if self.error is None else str(self.error)


@dataclass
class Firms:
    """A case whose parties are at home: where the coordinator listens, and everybody's agent."""

    folder: Path
    case: JointPlanCase = SMALL
    tls: tuple[Path, Path] | None = None
    port: int = field(default_factory=free_port)
    homes: dict[str, Home] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = [f'"{name}" = "{sha256(token(name).encode()).hexdigest()}"\n' for name in self.case.names]
        self.tokens = self.folder / "tokens.toml"
        self.tokens.write_text("".join(lines), encoding="utf-8")

    @property
    def url(self) -> str:
        """Where agents come in."""
        return f"http://127.0.0.1:{self.port}" if self.tls is None else f"https://localhost:{self.port}"

    def options(self, **options: Any) -> dict[str, Any]:
        """Return the options of the coordinator."""
        files = {} if self.tls is None else {"certificate": str(self.tls[0]), "key": str(self.tls[1])}
        network = {"workers": "network", "listen": f"127.0.0.1:{self.port}", "tokens": str(self.tokens), "absence": 20.0, **files}
        return {"solver": "consensus", "options": {**network, "timeout": 30.0, **options}}

    def planner(self, callback: Any = None, **options: Any) -> Consensus:
        """Return the coordinator."""
        return Consensus(self.options(**options), callback=callback)

    def start(self, name: str, agent: Any = None, **given: Any) -> Home:
        """Have a party's agent reach out, and go on until its end."""
        home = Home()
        self.homes[name] = home
        made = PartyAgent(self.case.part(name)) if agent is None else agent
        usual = {"party": name, "token": token(name), "coordinator": self.url, "say": home.said.append, "give_up": 30.0}
        usual |= {"log": self.folder / f"{name}.jsonl"} | ({} if self.tls is None else {"ca": self.tls[0]})

        def serve() -> None:
            try:
                home.answered = serve_party(made, **{**usual, **given})
            except BaseException as error:
                home.error = error

        home.thread = threading.Thread(target=serve, daemon=True)
        home.thread.start()
        return home

    def start_all(self, agents: Mapping[str, Any] | None = None) -> None:
        """Have all agents reach out, with some in place of the parties' own."""
        for name in self.case.names:
            self.start(name, (agents or {}).get(name))

    def together(self, agents: Mapping[str, Any] | None = None, callback: Any = None, **options: Any) -> Any:
        """Return the plan that all come to, once everybody's agent has ended."""
        self.start_all(agents)
        with self.planner(callback, **options) as planner:
            plan = planner.plan(self.case, usual_plan(self.case))
        for home in self.homes.values():
            home.ended()
        return plan


def usual_plan(case: JointPlanCase) -> Any:
    """Return a plan to start from: 20 units of everything, whoever asks."""
    return np.full(len(case.shared.flows), 20.0)


class Changed:
    """An agent with some of its ways changed: each takes the agent and what it was asked."""

    def __init__(self, agent: Any, **ways: Any) -> None:
        self.agent, self.ways = agent, ways

    def __getattr__(self, name: str) -> Any:
        if name in ("agent", "ways"):
            raise AttributeError(name)
        if name in self.ways:
            way = self.ways[name]
            return (lambda *asked: way(self.agent, *asked)) if callable(way) else way
        return getattr(self.agent, name)


@dataclass
class Parabola:
    """An agent of a few lines: curve (x - target)^2 / 2 in every flow, in closed form, so that it has no memory at all."""

    target: Any
    curve: float = 1.0
    interface: str = "proximal"
    given: Any = None

    def _kept(self, x: Any) -> Any:
        return x if self.given is None else np.where(np.isnan(self.given), x, self.given)

    def _f(self, x: Any) -> float:
        return self.curve * float((x - self.target) @ (x - self.target)) / 2

    def respond(self, plan: Any, price: Any, rho: Any) -> Answer:
        x = self._kept(np.maximum((self.curve * self.target - price + rho * plan) / (self.curve + rho), 0.0))
        return Answer(self._support(rho * (plan - x) - price), x)

    def best(self, price: Any) -> Answer:
        return Answer(self._support(-price))

    def marginal(self, plan: Any) -> Answer:
        return Answer(self._f(plan), slope=self.curve * (plan - self.target))

    def cost(self, plan: Any) -> Answer:
        return Answer(self._f(plan))

    def fix(self, units: Any) -> Answer:
        self.given = units
        return Answer(0.0)

    def _support(self, slope: Any) -> float:
        """Return the least of f - slope'x."""
        x = self._kept(np.maximum(self.target + slope / self.curve, 0.0))
        return self._f(x) - float(slope @ x)
