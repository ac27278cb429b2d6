"""What goes between coordinator and agents, and the log of what left each agent.

A question is the name of one of an agent's methods and its arguments: plans and prices, which the coordinator knows. An
answer is an `Answer`: numbers, and no others leave an agent; of an error inside it tells the type alone. But numbers say much: no
firm hands over its tables; answers reveal costs at the plans asked about, and enough of them reveal the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Protocol

from veridical.contracts.joint_plan.attendance import SilentError
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.fields import NonNegative, Record, one_of

__all__ = ["INTERFACES", "METHODS", "Agent", "AgentTraits", "Answer", "Log", "Message", "NoAnswer", "Question", "SilentError"]
__all__ += ["error_for"]

INTERFACES = ("proximal", "dual", "primal")
METHODS = {"respond": 3, "step": 3, "best": 1, "marginal": 1, "cost": 1, "fix": 1}  # what is asked, with how many arguments
METHODS |= {"world": 2, "misreport": 1, "execute": 1, "served": 1, "needed": 1}  # of agents whose records are at home


@dataclass(frozen=True)
class Answer:
    """`plan`: the party's response, units. `value`: currency, see `Agent`. `slope`: marginal cost, currency per unit.

    Examples
    --------
    >>> import numpy as np
    >>> Answer(16.0, plan=np.array([4.0])).value
    16.0
    """

    value: float
    plan: Array | None = None
    slope: Array | None = None


class NoAnswer(Exception):  # noqa: N818  (no error: it happens)
    """Raised by an agent that does not answer this time: its last answer stands in for it.

    Examples
    --------
    >>> class Away:
    ...     def cost(self, plan):
    ...         raise NoAnswer("closed on Sundays")                     # its last answer counts
    """


class Agent(Protocol):
    """A party as the coordinator sees it: any object with these attributes and methods; f is its cost over its own flows.

    Arrays have one entry a flow of the party, in the order of its share. `interface` says which of the first three is asked.
    All of them give a support as well, a number `value` with f(x) >= value + g'x for every x >= 0: it is what makes the
    lower bound, without anybody's tables. Only what an interface needs has to be there; `cost` always. A proximal agent may have
    a method `step` too, which is `respond` with -inf as its value: with the option values = checks it is asked between checks.

    Answers are checked: a list has one finite number for each of the party's flows, plans are not negative, a plan has one cost,
    and no support is above a cost that was told, by more than a millionth. What fails, and an error inside the agent, ends the
    run with an error that names the party and the method, and of the error its type alone; where the agent is at home with
    another firm (`workers = "network"`), its party is lost in place of that. An agent runs in a thread: what it may do is what
    its process may. In the coordinator's own process that is everything; agents of parties who do not trust one another belong
    on machines of their own.

    Examples
    --------
    >>> import numpy as np
    >>> class Mill:                                                    # its cost is x^2 a flow; it answers for a price
    ...     interface, strong_convexity, smoothness = "dual", 2.0, None
    ...     def best(self, price):
    ...         plan = np.maximum(-price / 2, 0.0)
    ...         return Answer(float((plan**2 + price * plan).sum()), plan)
    ...     def cost(self, plan):
    ...         return Answer(float((plan**2).sum()))
    >>> Mill().best(np.array([-8.0])).plan.tolist()
    [4.0]
    """

    interface: str  # proximal, dual or primal
    strong_convexity: float | None  # of f, for dual agents: currency per unit squared
    smoothness: float | None  # of f, for primal agents: Lipschitz constant of the marginal cost, currency per unit squared

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return `plan`, the x >= 0 of least f(x) + price'x + sum rho (x - plan)^2 / 2, and its support at g = rho (c - x).

        Here c = plan - price / rho is the centre of the step.
        """

    def best(self, price: Array) -> Answer:
        """Return the least f(x) + price'x over x >= 0, which is the support at g = -price; -inf where there is none.

        A dual agent's answer has the best x too, as `plan`. For others this is asked for the bound, and is better without.
        """

    def marginal(self, plan: Array) -> Answer:
        """Return `slope`, the marginal cost at a plan, and as `value` f there (or what a tangent just above it has there)."""

    def cost(self, plan: Array) -> Answer:
        """Return f at a plan as `value`."""

    def fix(self, units: Array) -> Answer:
        """Take flows as given from now on: units, NaN where a flow is free. The value is 0."""

    # Of an agent whose record is at home, where it has these: see `home.HomeAgent`, which has them all.

    def world(self, number: Array, week: Array) -> Answer:
        """Answer from now on as things stand at the start of a week in the world of that number; 0: as before all weeks.

        Both are lists of one number. The value is 0. For every world the coordinator draws a number that says nothing.
        """

    def misreport(self, number: Array) -> Answer:
        """Answer from now on by the misreport of a number, a list of one; 0 is the truth. The value is 0."""

    def execute(self, plan: Array) -> Answer:
        """Do the week at a plan, keep what it leaves to this world's next one, and return as `value` what it costs."""

    def served(self, plan: Array) -> Answer:
        """Return the units served in the week that was executed last; raise `NoAnswer` to keep them at home."""

    def needed(self, plan: Array) -> Answer:
        """Return the units that were to be served in it; raise `NoAnswer` to keep them at home."""


class AgentTraits(Record):
    """A party's agent: its interface, what it declares of its cost, whether it answers for a price alone, or by a step alone.

    weeks: whether it keeps its weeks to itself in a rolling run (`world`, `execute`). misreports: whether it answers by
    misreports of its own when it is asked to (`misreport`), so that an audit can try them. known: hashes of what it goes by that
    the coordinator knows too (`Shared.digests`), where it tells them: who goes by something else is refused.
    """

    interface: Annotated[str, one_of(*INTERFACES)] = "proximal"
    strong_convexity: NonNegative | None = None
    smoothness: NonNegative | None = None
    priced: bool = True
    steps: bool = False
    weeks: bool = False
    misreports: bool = False
    known: dict[str, str] | None = None


@dataclass(frozen=True)
class Question:
    """A method of an agent, and its arguments.

    Examples
    --------
    >>> import numpy as np
    >>> Question("cost", (np.array([10.0, 20.0]),)).flows
    2
    """

    method: str
    arguments: tuple[Array, ...]

    @property
    def flows(self) -> int:
        """How many flows the party has: the length of every list that is asked or answered."""
        return len(self.arguments[0])


@dataclass(frozen=True)
class Message:
    """What left an agent: in which round (0: before the first), to which question, and the answer.

    `arguments` are the question's, which the coordinator chose.

    Examples
    --------
    >>> Message(3, "Alder", "cost", Answer(120.0)).answer.value
    120.0
    """

    round: int
    agent: str
    method: str
    answer: Answer
    arguments: tuple[Array, ...] = ()


@dataclass
class Log:
    """Everything that left the agents, in order.

    Examples
    --------
    >>> log = Log([Message(1, "Alder", "cost", Answer(120.0)), Message(1, "Birch", "cost", Answer(90.0))])
    >>> [message.answer.value for message in log.of("Alder")]
    [120.0]
    """

    messages: list[Message] = field(default_factory=list)

    def of(self, agent: str) -> list[Message]:
        """Return what left one agent."""
        return [message for message in self.messages if message.agent == agent]


def error_for(party: str, question: Question, got: str, allowed: str) -> InputError:
    """Return the error for an answer that cannot be used: whose agent gave it, to which question, and what it was."""
    return InputError.of(f"{party}, {question.method}", f"<{got}>", allowed)
