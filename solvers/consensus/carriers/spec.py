"""What an agent is made from, and how that travels to a process or a worker that is to run it.

A party's part goes as data, read by the part's own validation. An agent of the user's own is a Python object and goes as code,
pickled by whoever starts the run and read by the process that he started: the one thing that is, and nothing comes back so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from veridical.data import InputError
from veridical.data.fields import check
from veridical.data.joint_plan import Part
from veridical.data.joint_plan.packing import packed, unpacked
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.codec import answer_of, failure, question_of, read, written
from veridical.solvers.consensus.messages import AgentTraits, Question

__all__ = ["AgentSpec", "disagreement", "effective", "handed_over", "made", "traits_of", "unsafe"]

WHERE = {"weeks": "case.toml", "routes": "flows.csv", "prices": "flows.csv", "volumes": "products.csv"}  # of what both know
SETTINGS = ("interface", "strong_convexity", "smoothness", "noise")  # of a party's own agent, beside its part


@dataclass(frozen=True)
class AgentSpec:
    """What an agent is made from: a party's part and how it answers, or an agent of the user's own; neither: it is at home.

    Of one whose record is at home `world` (a number and a week) and `lie` say by which of its records it is to answer.
    """

    part: Part | None = None
    interface: str = "proximal"
    strong_convexity: float | None = None
    smoothness: float | None = None
    agent: Any = None
    noise: float = 0.0
    world: tuple[int, int] = (0, 0)
    lie: int = 0

    @property
    def told(self) -> tuple[Question, ...]:
        """The questions by which an agent at home is told which of its records is meant."""
        world, lie = (tuple(np.array([float(number)]) for number in numbers) for numbers in (self.world, (self.lie,)))
        return Question("world", world), Question("misreport", lie)

    def standing(self, world: tuple[int, int] = (0, 0), lie: int = 0) -> AgentSpec:
        """Return the same agent where another record of its party is meant; by default the one that it begins with."""
        return replace(self, world=world, lie=lie)

    @property
    def remote(self) -> bool:
        """Whether the agent runs with its own firm, which has what it is made from."""
        return self.part is None and self.agent is None

    def make(self) -> Any:
        """Return the agent."""
        if self.agent is not None:
            return self.agent
        assert self.part is not None
        return PartyAgent(self.part, **self.settings)

    @property
    def settings(self) -> dict[str, Any]:
        """How the party's own agent answers."""
        return {name: getattr(self, name) for name in SETTINGS}

    @property
    def traits(self) -> dict[str, Any]:
        """What the party's own agent declares of itself, as the fields of `AgentTraits`."""
        own = {name: getattr(self, name) for name in ("interface", "strong_convexity", "smoothness")}
        return {**own, "priced": True, "steps": True}


def traits_of(agent: Any) -> dict[str, Any]:
    """Return what an agent declares of itself, as the fields of `AgentTraits`; whatever its code raises comes through."""
    names = "interface", "strong_convexity", "smoothness", "known"
    declared = {name: getattr(agent, name) for name in names if hasattr(agent, name)}
    able = {"priced": hasattr(agent, "best"), "steps": hasattr(agent, "step"), "weeks": hasattr(agent, "execute")}
    return {"interface": None, **declared, **able, "misreports": bool(getattr(agent, "misreports", False))}


def unsafe(traits: AgentTraits) -> tuple[str, float | None, str] | None:
    """Return why an agent like that cannot converge: which field is wrong, what it is, what is allowed; None where it can."""
    if traits.interface == "dual" and not traits.strong_convexity:
        allowed = "a number > 0: without it no step is safe, and with linear costs dual agents do not agree"
        return "strong_convexity", traits.strong_convexity, allowed
    if traits.interface == "primal" and not traits.smoothness:
        allowed = "a number > 0, the Lipschitz constant of the marginal cost: kinked costs have none, and stall"
        return "smoothness", traits.smoothness, allowed
    return None


def disagreement(told: Mapping[str, str] | None, known: Mapping[str, str] | None) -> str:
    """Return by what an agent goes otherwise than its coordinator, as their hashes say; "" where nothing is known of that."""
    if told is None or known is None:
        return ""
    others = [
        f"it goes by other {thing} than the coordinator: {file} is to say the same in both folders"
        for thing, file in WHERE.items()
        if told.get(thing) != known.get(thing)
    ]
    return next(iter(others), "")


def effective(traits: AgentTraits) -> AgentTraits:
    """Return traits as they count: primal agents are not asked for a price alone."""
    return traits.changed(priced=traits.priced and traits.interface != "primal")


def handed_over(name: str, spec: AgentSpec, dumps: Callable[[Any], bytes]) -> bytes:
    """Return a spec as bytes that are read where the agent is to be; raise InputError for an agent that cannot be pickled."""
    if spec.part is not None and spec.agent is None:
        return written("part", part=packed(spec.part), settings=spec.settings)
    try:
        return written("code", code=dumps(spec.agent))
    except (Exception, SystemExit) as error:
        allowed = f"an agent that can be pickled ({type(error).__name__}), or workers = inline"
        raise InputError.of(f"agents.{name}", "<an agent>", allowed, "consensus") from None


def made(sent: bytes, loads: Callable[[bytes], Any]) -> Callable[[bytes], bytes]:
    """Return what asks an agent that is made here; one that cannot be made answers everything by the type of the error."""
    try:
        kind, message = read(sent, "part", "code")
        if kind == "code":
            agent = loads(message["code"])
        else:
            agent = PartyAgent(check(Part, unpacked(message["part"])), **message["settings"])
        return partial(answer_of, agent)
    except BaseException as error:
        ended = error
        return lambda question: failure(question_of(question)[0], ended)
