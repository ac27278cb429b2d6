"""Agents of users' own that lie, fail or answer nonsense: each ends in an error that names its party, or is lost."""

from __future__ import annotations

import ctypes
import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus, PartyAgent
from veridical.solvers.consensus.carriers.workers import Line
from veridical.solvers.consensus.messages import Question

Array = NDArray[np.float64]
Change = Callable[..., Any]
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(vendors=2, sites=1, regions=1, products=2, weeks=2)


class Hostile:
    """An honest agent, but for methods and declarations that are its own."""

    def __init__(self, agent: PartyAgent, **ways: Any) -> None:
        self.agent = agent
        for name, way in ways.items():
            setattr(self, name, partial(way, agent) if callable(way) else way)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.agent, name)


def plans(case: JointPlanCase, who: str, non_participants: Collection[str] = (), timeout: float = 10, **ways: Any) -> Plan:
    """Return the plan with a hostile agent."""
    options = {"rounds": 100, "timeout": timeout, "patience": 2}
    agents = {who: Hostile(PartyAgent(case.part(who)), **ways)}
    with Consensus({"solver": "consensus", "options": options}, agents=agents) as planner:
        return planner.plan(case, planner.baseline(case), non_participants)


def changed(method: str, change: Change) -> dict[str, Any]:
    """Return the way of an agent that changes its answers to a method."""
    return {method: lambda agent, *arguments: change(getattr(agent, method)(*arguments))}


def given(method: str, answer: Any) -> dict[str, Any]:
    """Return the way of an agent that gives one answer to a method."""
    return {method: lambda *_: answer}


def raising(method: str, error: BaseException) -> dict[str, Any]:
    """Return the way of an agent that raises."""

    def way(*_: Any) -> Answer:
        raise error

    return {method: way}


def spoils(agent: PartyAgent, plan: Array, price: Array, rho: Array) -> Answer:
    """Overwrite the coordinator's arrays, if they are its own."""
    answer = agent.respond(plan, price, rho)
    for array in (plan, price, rho):
        array.fill(NAN)
    return answer


def numbers(text: str) -> str:
    return rf"^Alder, respond: got <plan: {text}>; allowed: an Answer of numbers, each list with one for each of its \d+ flows$"


ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "NaN plan": (changed("respond", lambda r: Answer(r.value, r.plan * NAN)), "^Alder, respond: got <a plan that is not finite"),
    "NaN value": (changed("respond", lambda r: Answer(NAN, r.plan)), "^Alder, respond: got <a value that is not finite"),
    "infinite plan": (changed("respond", lambda r: Answer(r.value, r.plan + INF)), "^Alder, respond: got <a plan that is not"),
    "plan of 1e308": (
        changed("respond", lambda r: Answer(r.value, r.plan * 0 + 1e308)),
        "^Alder, respond: got <a plan .* above 1e",
    ),
    "short plan": (changed("respond", lambda r: Answer(r.value, np.zeros(3))), numbers(r"float64 of shape \(3,\)")),
    "huge plan": (changed("respond", lambda r: Answer(r.value, np.zeros(10**6))), numbers(r"float64 of shape \(1000000,\)")),
    "matrix": (changed("respond", lambda r: Answer(r.value, r.plan[None])), numbers(r"float64 of shape \(1, \d+\)")),
    "scalar plan": (changed("respond", lambda r: Answer(r.value, 5.0)), numbers(r"float64 of shape \(\)")),  # type: ignore[arg-type]
    "no plan": (changed("respond", lambda r: Answer(r.value)), "^Alder, respond: got <no plan>"),
    "text as plan": (changed("respond", lambda r: Answer(r.value, "hello")), numbers("str")),  # type: ignore[arg-type]
    "complex plan": (changed("respond", lambda r: Answer(r.value, r.plan * 1j)), numbers(r"complex128 of shape \(\d+,\)")),
    "objects": (changed("respond", lambda r: Answer(r.value, np.full(len(r.plan), None))), numbers(r"object of shape \(\d+,\)")),
    "negative plan": (changed("respond", lambda r: Answer(r.value, -r.plan - 1)), "^Alder, respond: got <a plan with -.*>= 0"),
    "text": (given("respond", "InputError"), "^Alder, respond: got <a str>; allowed: an Answer"),
    "nothing": (given("respond", None), "^Alder, respond: got <a NoneType>"),
    "dictionary": (given("respond", {}), "^Alder, respond: got <a dict>"),
    "NaN cost": (given("cost", Answer(NAN)), "^Alder, cost: got <a value that is not finite"),
    "infinite cost": (given("cost", Answer(INF)), "^Alder, cost: got <a value that is not finite"),
    "cost of -inf": (given("cost", Answer(-INF)), "^Alder, cost: got <a value that is not finite"),
    "cost of 1e308": (given("cost", Answer(1e308)), "^Alder, cost: got <a value .* above 1e"),
    "text as cost": (given("cost", Answer("5")), "^Alder, cost: got <value: str>"),  # type: ignore[arg-type]
    "no cost": (given("cost", Answer(None)), "^Alder, cost: got <value: NoneType>"),  # type: ignore[arg-type]
    "costs": (given("cost", Answer(np.ones(2))), r"^Alder, cost: got <value: float64 of shape \(2,\)>"),  # type: ignore[arg-type]
    "support of +inf": (changed("respond", lambda r: Answer(INF, r.plan)), "^Alder, respond: got <a value that is not finite"),
    "support too high": (
        changed("respond", lambda r: Answer(r.value + 1e6, r.plan)),
        "^Alder, respond: got <a proof that a plan costs",
    ),
    "cost too low": (changed("cost", lambda r: Answer(r.value - 1e5)), "^Alder, marginal: got <a proof that a plan costs"),
    "plans at random": (
        changed("respond", lambda r: Answer(r.value, np.random.default_rng(0).random(len(r.plan)) * 1e6)),
        "^Alder, cost: got <a proof that a plan costs",
    ),
    "NaN slope": (
        changed("marginal", lambda r: Answer(r.value, slope=r.slope * NAN)),
        "^Alder, marginal: got <a slope that is not",
    ),
    "short slope": (
        changed("marginal", lambda r: Answer(r.value, slope=np.zeros(2))),
        "^Alder, marginal: got <slope: float64 of",
    ),
    "no slope": (changed("marginal", lambda r: Answer(r.value)), "^Alder, marginal: got <no slope>"),
    "no method": (
        given("respond", None) | {"interface": "zzz"},
        r"agents\.Alder\.interface: got 'zzz'; allowed: one of proximal",
    ),
    "no interface": ({"interface": None}, r"agents\.Alder\.interface: got None; allowed: one of proximal"),
    "dual": ({"interface": "dual"}, r"strong_convexity\.Alder: got None; allowed: a number > 0"),
    "dual of NaN": (
        {"interface": "dual", "strong_convexity": NAN},
        r"agents\.Alder\.strong_convexity: got nan; allowed: a finite",
    ),
    "dual of text": (
        {"interface": "dual", "strong_convexity": "1"},
        r"agents\.Alder\.strong_convexity: got '1'; allowed: a finite",
    ),
    "dual of -1": (
        {"interface": "dual", "strong_convexity": -1.0},
        r"agents\.Alder\.strong_convexity: got -1\.0; allowed: a finite",
    ),
    "primal of inf": ({"interface": "primal", "smoothness": INF}, r"agents\.Alder\.smoothness: got inf; allowed: a finite"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_cannot_be_is_named_with_its_party(small: JointPlanCase, name: str) -> None:
    ways, message = ANSWERS[name]
    with pytest.raises(InputError, match=message):
        plans(small, "Alder", **ways)


@pytest.mark.parametrize("answer", [Answer(NAN), Answer(INF)], ids=["NaN", "+inf"])
def test_a_bound_that_cannot_be_is_named_with_its_party(small: JointPlanCase, answer: Answer) -> None:
    with pytest.raises(InputError, match=r"^retailer, best: got <a value that is not finite"):
        plans(small, "retailer", **given("best", answer))


@pytest.mark.parametrize("method", ["best", "fix"])
def test_what_an_agent_is_never_asked_for_changes_nothing(small: JointPlanCase, method: str) -> None:
    """Receivers answer for a price alone and suppliers' flows are free: a supplier is asked for no bound, and told no flows."""
    asked: list[str] = []

    def way(*_: Any) -> Answer:
        asked.append(method)
        raise ZeroDivisionError

    ways: dict[str, Any] = {method: way}
    honest, hostile = plans(small, "Alder"), plans(small, "Alder", **ways)
    assert (asked, hostile.lost) == ([], ())
    assert (hostile.objective, hostile.bound) == (honest.objective, honest.bound)


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        (given("best", Answer(NAN)), "^Alder, best: got <a value that is not finite"),
        (given("best", Answer(INF)), "^Alder, best: got <a value that is not finite"),
        (given("best", Answer(1e6)), "^Alder, best: got <a proof that a plan costs"),
        (raising("best", ZeroDivisionError()), "^Alder: its agent ended in ZeroDivisionError when asked for best$"),
    ],
    ids=["NaN", "+inf", "too high", "raises"],
)
def test_a_suppliers_bound_is_checked_where_it_is_asked_for(small: JointPlanCase, ways: dict[str, Any], message: str) -> None:
    """Where a receiver does not answer for a price alone, suppliers are asked for the bound."""

    class Priceless:
        interface = "proximal"

        def __init__(self, agent: PartyAgent) -> None:
            self.respond, self.marginal, self.cost, self.fix = agent.respond, agent.marginal, agent.cost, agent.fix

    agents = {
        "retailer": Priceless(PartyAgent(small.part("retailer"))),
        "Alder": Hostile(PartyAgent(small.part("Alder")), **ways),
    }
    with pytest.raises((InputError, NotSolvedError), match=message), Consensus(agents=agents) as planner:
        planner.plan(small, planner.baseline(small))


@pytest.mark.parametrize(
    "error",
    [ValueError("secret cost 42"), SystemExit("secret cost 42"), KeyboardInterrupt("secret cost 42"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["respond", "cost", "marginal"])
def test_errors_inside_agents_end_the_run_by_their_type_alone(small: JointPlanCase, method: str, error: BaseException) -> None:
    with pytest.raises(NotSolvedError) as raised:
        plans(small, "Alder", **raising(method, error))
    assert str(raised.value) == f"Alder: its agent ended in {type(error).__name__} when asked for {method}"
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_errors_in_fixing_and_in_declarations_are_named(small: JointPlanCase) -> None:
    with pytest.raises(NotSolvedError, match=r"^retailer: its agent ended in ZeroDivisionError when asked for fix$"):
        plans(small, "retailer", non_participants=["Alder"], **raising("fix", ZeroDivisionError()))

    class Sly:
        @property
        def interface(self) -> str:
            sys.exit("secret cost 42")

    for agent, message in (
        (Sly(), r"agents\.Alder: got <an agent>.*SystemExit"),
        (object(), r"agents\.Alder\.interface: got None"),
    ):
        with pytest.raises(InputError, match=message) as raised, Consensus(agents={"Alder": agent}) as planner:
            planner.plan(small, np.zeros(len(small.shared.flows)))
        assert "42" not in str(raised.value)


def test_an_agent_without_a_method_is_named(small: JointPlanCase) -> None:
    class Bare:
        interface = "proximal"

    with (
        pytest.raises(InputError, match=r"^Alder, cost: got <an agent without cost>"),
        Consensus(agents={"Alder": Bare()}) as planner,
    ):
        planner.plan(small, np.zeros(len(small.shared.flows)))


def test_who_proves_least_is_named_when_rounds_are_over(small: JointPlanCase) -> None:
    more = itertools.count(0, 100)
    with pytest.raises(NotSolvedError, match=r"Alder proves least of what it said last that a plan costs$"):
        plans(small, "Alder", **changed("cost", lambda r: Answer(r.value + next(more))))
    with pytest.raises(NotSolvedError, match=r"nothing was proven last by Alder$"):
        plans(small, "Alder", **changed("respond", lambda r: Answer(-INF, r.plan)))
    with pytest.raises(NotSolvedError, match=r"nothing was proven last by retailer$"):
        plans(small, "retailer", **given("best", Answer(-INF)))


def test_agents_cannot_reach_the_arrays_of_the_coordinator(small: JointPlanCase) -> None:
    honest, spoilt = plans(small, "Alder"), plans(small, "Alder", respond=spoils)
    np.testing.assert_array_equal(spoilt.units, honest.units)
    assert spoilt.bound == honest.bound


def interrupts(*_: Any) -> Answer:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    time.sleep(60)
    return Answer(0.0)


def test_ctrl_c_ends_the_run_while_an_agent_is_busy(small: JointPlanCase) -> None:
    with pytest.raises(KeyboardInterrupt):
        plans(small, "Alder", timeout=60, respond=interrupts)


def endless(*_: Any) -> Answer:
    while True:
        pass


def patient(*_: Any) -> Answer:
    while True:
        time.sleep(0.01)


@pytest.mark.parametrize("way", [endless, patient])
def test_an_endless_agent_is_lost_and_its_thread_ends(small: JointPlanCase, way: Change) -> None:
    before = set(threading.enumerate())
    found = plans(small, "Alder", timeout=0.3, respond=way)
    assert found.progress.lost == ("Alder",)
    ends = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not left


def test_an_agent_that_is_ended_when_it_has_just_answered_ends_its_thread_without_a_word() -> None:
    line, ended = Line(), ctypes.py_object(SystemExit)
    assert line.ask(lambda question, most: b"", Question("cost", (np.zeros(1),))).answer.result(timeout=10) == b""
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(line.thread.ident or 0), ended) == 1
    line.ask(lambda question, most: b"", Question("cost", (np.zeros(1),)))  # wakes the thread
    line.thread.join(timeout=10)
    assert not line.thread.is_alive()


def test_a_cost_has_one_value(small: JointPlanCase) -> None:
    more = itertools.count(0, 100)
    fickle = Hostile(PartyAgent(small.part("Alder")), **changed("cost", lambda r: Answer(next(more))))
    with Consensus(agents={"Alder": fickle}) as planner:
        exchange, plan = planner._exchange(small), np.ones(len(small.shared.flows))
        exchange.every("cost", ["Alder"], plan)
        with pytest.raises(InputError, match=r"^Alder, cost: got <.* for a plan that cost .* before>; allowed: one cost for one"):
            exchange.every("cost", ["Alder"], plan)
