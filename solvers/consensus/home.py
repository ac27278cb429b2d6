"""An agent for a whole run, at its party's home: it stands by one record after the other, and lets nothing of them out.

The coordinator says which record is meant by numbers alone: `world`, a number for what has happened so far in one of the worlds
of a rolling run, and the week from which it looks ahead; `misreport`, a number for a record that the party makes up itself, where
its owner lets himself be audited so. What a week leaves (stocks, the last production) is kept here by the number of its world.
Which world is the joint one, and which one somebody is left out of, is not in the numbers.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from veridical.contracts.joint_plan.misreports import numbered
from veridical.data import InputError, files
from veridical.data.arrays import Array
from veridical.data.joint_plan import Part
from veridical.models.joint_plan import DECLARATIONS
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.messages import Answer, NoAnswer
from veridical.solvers.planners.weekly import PartyWeek, packed, standing, unpacked, week_of

__all__ = ["HomeAgent"]

States = dict[str, dict[str, Any]]  # fields of kind STATE, by number of the world and week before which they are so


class HomeAgent:
    """The agent of a party that has its record to itself; a `PartyAgent` answers for each record that it stands by.

    `misreports`: whether it answers by misreports of its own when it is asked to. `service`: whether it tells how many units it
    serves, and was to serve. `kept`: a file for this user alone in which it keeps what weeks leave, so that it goes on when it is
    started again; None: in memory. `tell`: called with a sentence when a week begins, and when a misreport is asked for. `noise`,
    `seed`: as of `PartyAgent`, for all records alike. Raises InputError for whole trucks, and for a file that cannot be read or
    written.
    """

    strong_convexity: float | None = None
    smoothness: float | None = None
    interface = "proximal"

    def __init__(
        self,
        part: Part,
        *,
        misreports: bool = False,
        service: bool = False,
        kept: Path | None = None,
        tell: Callable[[str], None] | None = None,
        noise: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self.whole, self.misreports, self.service, self.kept = part, misreports, service, kept
        self.tell, self.noise = tell, noise
        self.seed = secrets.randbits(63) if seed is None else seed  # one for all records: means over many would tell more
        self._states: States = _read(part, kept)
        self._number, self._week, self._lie, self._fixed = 0, 0, 0, False
        self._part, self._done = part, PartyWeek(0.0, 0.0, 0.0, {})
        self._agents: dict[tuple[int, int, int], PartyAgent] = {}  # by world, week and misreport: those of this week
        self._now: PartyAgent | None = None
        self.agent()  # what it refuses is refused at once

    @property
    def known(self) -> dict[str, str]:
        """Hashes of what it goes by that its coordinator knows too."""
        return self.whole.shared.digests(self.whole.record.name)

    def agent(self) -> PartyAgent:
        """Return the agent of the record that is meant now, made when it is asked something."""
        if self._now is None:
            self._agents = {key: agent for key, agent in self._agents.items() if key[1:] == (self._week, self._lie)}
            self._now = PartyAgent(self._part, noise=self.noise, seed=self.seed)
            self._agents[self._number, self._week, self._lie] = self._now
        return self._now

    def begin(self) -> None:
        """Stand by the whole record, truly, with no flow given: a run begins, or another one takes over."""
        if (self._number, self._week, self._lie) != (0, 0, 0) or self._fixed:
            self._number, self._week, self._lie, self._fixed = 0, 0, 0, False
            self._now, self._part, self._agents = None, self.whole, {}

    def world(self, number: Array, week: Array) -> Answer:
        """Stand by the record as a world has left it at the start of a week, with the needs that are known by then."""
        world, at, weeks = _whole(number), _whole(week), self.whole.shared.weeks
        known = at == 0 or at == weeks[0] or (at in weeks and _key(world, at) in self._states)
        if not known:
            raise InputError.of("world", f"<{world}, week {at}>", "a world of which the week before was executed here")
        if at not in (0, self._week):
            self._say(f"week {at}")
        self._number, self._week = world, at
        self._stand()
        return Answer(0.0)

    def misreport(self, number: Array) -> Answer:
        """Stand by a misreport of the party's own; 0 is the truth. Raises InputError where its owner does not allow that."""
        lie = _whole(number)
        if lie and not self.misreports:
            raise InputError.of("misreport", lie, "0, the truth: the owner of this agent allows no misreports")
        if lie != self._lie:
            self._say(f"answers by misreport {lie}: {numbered(self.whole, lie).report}" if lie else "answers by the truth again")
        self._lie = lie
        self._stand()
        return Answer(0.0)

    def execute(self, plan: Array) -> Answer:
        """Do the first week of what it stands by at a plan; return what that costs, and keep what it leaves for the next."""
        if self._week == 0 or self._lie:
            got = f"<misreport {self._lie}>" if self._lie else "<no week>"
            raise InputError.of("execute", got, "the truth, and a world with its week, which have to be said before")
        done = week_of(self._part, plan)
        self._states[_key(self._number, self._week + 1)] = dict(done.left)
        if self.kept is not None:
            files.write({self.kept: json.dumps({key: packed(state) for key, state in self._states.items()})}, private=True)
        self._done = done
        return Answer(done.cost)

    def served(self, plan: Array) -> Answer:
        """Return the units served in the week that was executed last, where the owner lets that be told."""
        return self._told(self._done.served)

    def needed(self, plan: Array) -> Answer:
        """Return the units that were to be served in it, where the owner lets that be told."""
        return self._told(self._done.needed)

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the proximal step and its support."""
        return self.agent().respond(plan, price, rho)

    def step(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the proximal step alone."""
        return self.agent().step(plan, price, rho)

    def best(self, price: Array) -> Answer:
        """Return what the best plan at a price comes to."""
        return self.agent().best(price)

    def marginal(self, plan: Array) -> Answer:
        """Return marginal cost and cost of a plan."""
        return self.agent().marginal(plan)

    def cost(self, plan: Array) -> Answer:
        """Return the least cost of a plan."""
        return self.agent().cost(plan)

    def fix(self, units: Array) -> Answer:
        """Take flows as given."""
        self._fixed = True
        return self.agent().fix(units)

    def _told(self, units: float) -> Answer:
        if not self.service and DECLARATIONS[self.whole.record.role].served is not None:  # who serves nobody has nothing to keep
            raise NoAnswer
        return Answer(units)

    def _stand(self) -> None:
        """Have an agent of the record that is meant; the one at hand goes on where its record is the same."""
        part = self.whole if not self._lie else Part(record=numbered(self.whole, self._lie).record, shared=self.whole.shared)
        if self._week:
            weeks = tuple(week for week in part.shared.weeks if week >= self._week)
            state = self._states.get(_key(self._number, self._week), {})
            record = standing(part.record.since(self._week), self._week, state)
            part = Part(record=record, shared=part.shared.changed(weeks=weeks))
        if part != self._part:
            self._part = part
            key = self._number, self._week, self._lie
            self._now = self._agents.get(key)

    def _say(self, what: str) -> None:
        if self.tell is not None:
            self.tell(what)


def _whole(number: Array) -> int:
    return int(number[0])


def _key(number: int, week: int) -> str:
    return f"{number} {week}"


def _read(part: Part, kept: Path | None) -> States:
    """Return the states in a file, none where there is none yet; raises InputError for what this program did not write."""
    if kept is None or not kept.exists():
        return {}
    try:
        raw: Mapping[str, Mapping[str, Any]] = json.loads(files.read(kept, "file of weeks", "JSON"))
        states = {key: unpacked(part.record, state) for key, state in raw.items()}
        for state in states.values():
            part.record.replace(**state)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError) and error.file == kept.name:
            raise
        allowed = f"weeks as the agent wrote them for {part.record.name}; without the file it knows of no week"
        raise InputError.of("<file>", "<a damaged file>", allowed, str(kept)) from None
    return states
