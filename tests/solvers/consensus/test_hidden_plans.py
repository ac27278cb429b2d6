"""Which plan is an agent asked for? An adversary looks at all that its agent sees: what that tells, and what it does not."""

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest

from support.consensus import certified
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus, NoAnswer, PartyAgent
from veridical.solvers.consensus.codec import written
from veridical.solvers.consensus.turns import Drawn
from veridical.solvers.planners import Central

SEED = b"known to the test alone"
Seen = tuple[str, tuple[Array, ...]]
Made = tuple[dict[str, Any], list[Any], Array]  # what agents have seen while all plans were made, the plans, the baseline


class Seeing:
    """An agent that keeps all that it sees."""

    interface, strong_convexity, smoothness = "proximal", None, None

    def __init__(self, agent: PartyAgent) -> None:
        self.agent, self.seen = agent, list[Seen]()

    def __getattr__(self, method: str) -> Any:
        if method not in ("respond", "best", "marginal", "cost", "fix"):
            raise AttributeError(method)

        def answer(*arguments: Array) -> Answer:
            self.seen.append((method, arguments))
            told: Answer = getattr(self.agent, method)(*arguments)
            return told

        return answer


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, sites=1, regions=2, products=2, weeks=2, seed=3)


@pytest.fixture(scope="module")
def absences(case: JointPlanCase) -> list[tuple[str, ...]]:
    return [(), *((name,) for name in case.suppliers)]


@pytest.fixture(scope="module")
def made(case: JointPlanCase, absences: list[tuple[str, ...]]) -> Made:
    """Return what agents have seen while all plans were made, and the plans."""
    agents = {name: Seeing(PartyAgent(case.part(name))) for name in case.names}
    with Consensus({"solver": "consensus", "options": {"shuffle": True}}, agents=agents) as planner:
        start = planner.baseline(case)
        planner._drawn = Drawn(SEED)
        for agent in agents.values():
            agent.seen.clear()
        return agents, list(planner.plan_each(case, start, absences)), start


def streams(seen: list[Seen], plans: list[Any], name: str) -> dict[tuple[str, ...], list[Seen]]:
    """Return what a supplier was asked for each plan, as the coordinator knows it: what no supplier is told."""
    whose = {
        b"".join(argument.tobytes() for argument in message.arguments): plan.non_participants
        for plan in plans
        for message in plan.log.of(name)
        if message.method == "respond"
    }
    of: dict[tuple[str, ...], list[Seen]] = {}
    waiting: list[Seen] = []
    last: tuple[str, ...] | None = None
    for method, arguments in seen:
        if method == "respond":
            last = whose[b"".join(argument.tobytes() for argument in arguments)]
            of.setdefault(last, []).extend([*waiting, (method, arguments)])
            waiting = []
        elif method == "cost" and last is not None:  # a proof ends a block
            of[last].append((method, arguments))
            last = None
        else:
            waiting.append((method, arguments))
    return of


def of_supplier(made: Made, name: str) -> dict[tuple[str, ...], list[Seen]]:
    agents, plans, _ = made
    seen = agents[name].seen
    marginal = next(k for k, (method, _) in enumerate(seen) if method == "marginal")
    start = seen[marginal - 1][1][0]  # in the plan without himself he is asked once, what the baseline costs him, and for no step
    alone = [
        k
        for k, (method, arguments) in enumerate(seen)
        if method == "cost" and np.array_equal(arguments[0], start) and seen[k + 1][0] != "marginal"
    ]
    return streams([one for k, one in enumerate(seen) if k not in alone], plans, name)


def bytes_of(seen: Seen) -> tuple[str, int]:
    """Return all of a question but its numbers: the method, and how many bytes it has on the wire."""
    return seen[0], len(written("question", number=1, method=seen[0], arguments=seen[1]))


@pytest.mark.parametrize("name", ["Alder", "Birch", "Cedar"])
def test_kind_number_and_size_of_questions_are_the_same_for_every_plan(made: Made, case: JointPlanCase, name: str) -> None:
    """Whatever is made of them, a guess which of them is the plan of all is as good as a guess."""
    of = of_supplier(made, name)
    assert set(of) == {(), *((other,) for other in case.suppliers if other != name)}
    assert len({tuple(map(bytes_of, stream)) for stream in of.values()}) == 1
    assert len(next(iter(of.values()))) > 20
    assert {method for method, _ in made[0][name].seen} == {"respond", "cost", "marginal"}  # and never what others take as given


@pytest.mark.parametrize("name", ["Alder", "Birch", "Cedar"])
def test_every_plan_begins_with_the_same_numbers(made: Made, name: str) -> None:
    """No plan starts from what another has come to."""
    of = of_supplier(made, name)
    first = [[arguments for _, arguments in stream[:2]] for stream in of.values()]
    steps = [next(arguments for method, arguments in stream if method == "respond") for stream in of.values()]
    for marginal, step in zip(first, steps, strict=True):
        for one, other in zip(marginal, first[0], strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(step[1:], steps[0][1:])  # price and weight


def test_every_turn_has_an_order_of_its_own(made: Made) -> None:
    agents, plans, _ = made
    whose = {}
    for plan in plans:
        for message in plan.log.of("Alder"):
            if message.method == "respond":
                whose[message.arguments[0].tobytes() + message.arguments[1].tobytes()] = plan.non_participants
    asked = [whose[a[0].tobytes() + a[1].tobytes()] for method, a in agents["Alder"].seen if method == "respond"]
    blocks = [plan for plan, _ in itertools.groupby(asked[::5])]
    turns = [tuple(asked[k : k + 15 : 5]) for k in range(0, len(asked), 15)]
    assert all(set(turn) == {(), ("Birch",), ("Cedar",)} for turn in turns)  # each plan once a turn
    assert len(set(turns)) > 1
    assert len(blocks) > 3


def test_all_orders_come_as_often_as_one_another() -> None:
    """600 draws of six orders: 100 each, give or take three standard deviations."""
    drawn = Drawn(SEED)
    counts = Counter(tuple(drawn.of("abc")) for _ in range(600))
    assert len(counts) == 6
    assert all(73 <= count <= 127 for count in counts.values())
    assert Drawn(b"another").of(range(20)) != Drawn(SEED).of(range(20))


@pytest.mark.parametrize("shuffle", [True, False])
def test_plans_in_turn_are_those_made_one_by_one_to_the_last_digit(
    made: Made, case: JointPlanCase, absences: list[tuple[str, ...]], shuffle: bool
) -> None:
    _, plans, start = made
    with Consensus({"solver": "consensus", "options": {"shuffle": shuffle}}) as planner:
        again = list(planner.plan_each(case, start, absences[::-1]))[::-1]
    for one, other in zip(plans, again, strict=True):
        np.testing.assert_array_equal(one.units, other.units)
        np.testing.assert_array_equal(one.prices, other.prices)
        assert (one.costs, one.bound, one.non_participants) == (other.costs, other.bound, other.non_participants)
        assert [str(done) for done in one.progress.rounds] == [str(done) for done in other.progress.rounds]


# --- what can be told ---


def test_the_numbers_tell_plans_apart(made: Made) -> None:
    """A plan without a rival leaves other flows and prices to a supplier: he who knows in which direction knows which it is."""
    last = {absent: stream[-1][1][0] for absent, stream in of_supplier(made, "Alder").items()}
    for one, other in itertools.combinations(last.values(), 2):
        assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()


def test_a_supplier_knows_that_a_plan_is_made_without_him(
    made: Made, case: JointPlanCase, absences: list[tuple[str, ...]]
) -> None:
    """He is asked what the baseline costs him once more often than for steps from it."""
    agents, _, start = made
    share = case.shared.share("Birch")
    assert sum(method == "marginal" for method, _ in agents["Birch"].seen) == len(absences) - 1
    at_start = [a for method, a in agents["Birch"].seen if method == "cost" and np.array_equal(a[0], start[share])]
    assert len(at_start) >= len(absences)


def test_a_receiver_is_told_whose_flows_are_given(made: Made, case: JointPlanCase) -> None:
    given = {tuple(np.flatnonzero(~np.isnan(arguments[0]))) for method, arguments in made[0]["retailer"].seen if method == "fix"}
    assert given == {(), *(tuple(case.shared.share(name)) for name in case.suppliers)}


# --- and what goes wrong on the way ---


class Forgetful(PartyAgent):
    """An agent that does not answer every seventh time."""

    times = 0

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        self.times += 1
        if self.times % 7 == 0:
            raise NoAnswer
        return super().respond(plan, price, rho)


def test_lost_answers_leave_plans_in_turn_right(case: JointPlanCase, absences: list[tuple[str, ...]]) -> None:
    agents = {"Alder": Forgetful(case.part("Alder"))}
    with Consensus({"solver": "consensus", "options": {"shuffle": True}}, agents=agents) as planner:
        start = planner.baseline(case)
        plans = list(planner.plan_each(case, start, absences))
    saved = sum(Central().costs(case, start).values()) - Central().plan(case, start).objective
    for plan, absent in zip(plans, absences, strict=True):
        certified(plan, Central().plan(case, start, absent).objective, saved, 1e-3)
