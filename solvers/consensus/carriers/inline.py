"""Agents in this process."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from veridical.solvers.consensus.carriers.workers import Call, Replies, Workers
from veridical.solvers.consensus.codec import answer_of
from veridical.solvers.consensus.messages import Question

__all__ = ["InProcessWorkers"]


class InProcessWorkers(Workers):
    """Agents in this process, one after the other, in a thread, so that their time is limited as elsewhere.

    An agent of the user's own is code that runs here: it can do what this program can. What ends it is an exception in its
    thread, which code that is not Python's, or that catches everything, does not notice.
    """

    def open(self, name: str) -> None:
        """Make the agent at once, so that what it refuses is refused before the first round."""
        self.agents = {**getattr(self, "agents", {}), name: self.specs[name].make()}
        self.met.add(name)

    def call(self, name: str) -> Call:
        """Call the agent."""
        agent = self.agents[name]
        return lambda sent, most: answer_of(agent, sent)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Ask in turn; each has its own deadline."""
        replies: Replies = {}
        for name, question in questions.items():
            replies |= super().ask({name: question})
        return replies

    def shut(self, name: str) -> None:
        """Raise SystemExit in the thread in which an agent still runs."""
        if name in self.waiting and (thread := self.waiting[name].line.thread).ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
