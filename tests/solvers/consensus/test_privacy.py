"""No number or word of a record leaves an agent as it stands; what answers tell all the same: studies/test_disclosure.py."""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from support.consensus import consensus
from veridical.data.joint_plan import JointPlanCase, Values
from veridical.solvers.consensus import Answer
from veridical.solvers.consensus.carriers import AgentSpec
from veridical.solvers.consensus.carriers.spec import handed_over
from veridical.solvers.consensus.exchange import PublicCase

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def marked(network: JointPlanCase) -> JointPlanCase:
    """The case with every private number changed in its last digits: no two are equal, and none turns up by chance."""
    rng = np.random.default_rng(7)
    parties = []
    for party in network.parties:
        fields = {}
        for attribute in party.columns():
            value = getattr(party, attribute)
            if isinstance(value, Values):
                fields[attribute] = Values({key: x * (1 + 1e-7 * rng.uniform(0.1, 1)) for key, x in value.items()})
            elif value is not None:
                fields[attribute] = value * (1 + 1e-7 * rng.uniform(0.1, 1))
        parties.append(party.replace(**fields))
    return network.changed(parties=tuple(parties))


def secrets(case: JointPlanCase, name: str) -> tuple[set[float], set[str]]:
    """Return the numbers and words that only a party knows."""
    record = case.party(name)
    numbers: set[float] = set()
    words: set[str] = set()
    for attribute in record.columns():
        value = getattr(record, attribute)
        for key, number in value.items() if isinstance(value, Values) else [((), value)]:
            numbers |= {number} - {None, 0.0}
            words |= {part for part in (key if isinstance(key, tuple) else (key,)) if isinstance(part, str)}
    return numbers, words - {*case.names, *case.shared.sites, *case.shared.products}


def inside(sent: bytes, numbers: set[float], words: set[str]) -> list[float | str]:
    found: list[float | str] = [word for word in words if word.encode() in sent]
    return found + [x for x in numbers if struct.pack("<d", x) in sent or struct.pack(">d", x) in sent]


def test_no_number_or_word_of_a_record_leaves_an_agent(marked: JointPlanCase, baseline: Array) -> None:
    with consensus() as planner:
        agreed = planner.plan(marked, baseline)
    sent = {name: pickle.dumps([message.answer for message in agreed.log.of(name)]) for name in marked.names}
    for name in marked.names:
        numbers, words = secrets(marked, name)
        assert len(numbers) > 15
        assert set(inside(pickle.dumps(marked.part(name)), numbers, words)) == numbers | words  # what is there is found
        for who in marked.names:
            assert inside(sent[who], numbers, words) == []
        assert inside(pickle.dumps(PublicCase.of(marked)), numbers, words) == []
    assert {type(message.answer) for message in agreed.log.messages} == {Answer}
    sizes = {name: len(marked.shared.share(name)) for name in marked.names}
    for message in agreed.log.messages:  # plans and slopes over the party's own flows, one number else
        for array in (message.answer.plan, message.answer.slope):
            assert array is None or array.shape == (sizes[message.agent],)
        assert isinstance(message.answer.value, float)


def test_an_agent_is_handed_its_own_part_and_nothing_else(marked: JointPlanCase) -> None:
    for name in marked.names:
        handed = handed_over(name, AgentSpec(marked.part(name)), pickle.dumps)
        assert set(inside(handed, *secrets(marked, name))) == set().union(*secrets(marked, name))  # what is there is found
        for other in marked.names:
            if other != name:
                assert inside(handed, *secrets(marked, other)) == []
