"""Messages as bytes: what is written is read, and nothing else; the table of messages in the docs is that of the code."""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Callable
from dataclasses import fields

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.places import ROOT
from veridical.data import InputError, NotSolvedError
from veridical.solvers.consensus import Answer, NoAnswer, Question
from veridical.solvers.consensus.codec import (
    ANSWER,
    KINDS,
    VERSION,
    MalformedError,
    answer_of,
    decode,
    failure,
    longest,
    question_of,
    read,
    written,
)
from veridical.solvers.consensus.messages import METHODS

FLOWS = 3
QUESTION = Question("respond", (np.zeros(FLOWS), np.zeros(FLOWS), np.ones(FLOWS)))
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
LISTS = st.none() | st.lists(FLOATS, min_size=FLOWS, max_size=FLOWS).map(np.array)


def asked(question: Question, number: int = 7) -> bytes:
    return written("question", number=number, method=question.method, arguments=question.arguments)


class Says:
    def __init__(self, say: Callable[[], object]) -> None:
        self.say = say

    def respond(self, *_: object) -> object:
        return self.say()


def sent(say: Callable[[], object]) -> bytes:
    return answer_of(Says(say), asked(QUESTION))


def changed(message: bytes, **fields: object) -> bytes:
    changed: bytes = msgpack.packb(msgpack.unpackb(message) | fields)
    return changed


@given(FLOATS, LISTS, LISTS)
def test_an_answer_is_read_as_it_was_written(value: float, plan: np.ndarray | None, slope: np.ndarray | None) -> None:
    written_answer = sent(lambda: Answer(value, plan, slope))
    assert len(written_answer) <= longest(QUESTION)
    answer = decode("Alder", 7, QUESTION, written_answer)
    assert answer is not None
    np.testing.assert_array_equal(struct.pack("d", answer.value), struct.pack("d", value))
    for one, other in ((answer.plan, plan), (answer.slope, slope)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other)
            assert one.flags.writeable


@given(st.sampled_from(sorted(METHODS)), st.integers(0, 2**53 - 1), st.lists(FLOATS, max_size=4))
def test_a_question_is_read_as_it_was_written(method: str, number: int, values: list[float]) -> None:
    question = Question(method, tuple(np.array(values) + k for k in range(METHODS[method])))
    again, other = question_of(asked(question, number))
    assert (again, other.method, len(other.arguments)) == (number, method, METHODS[method])
    for one, another in zip(question.arguments, other.arguments, strict=True):
        np.testing.assert_array_equal(one, another)
        assert another.flags.writeable


def test_every_field_of_an_answer_is_written() -> None:
    assert [field.name for field in fields(Answer)] == list(ANSWER)


@pytest.mark.parametrize("value", [1, np.float32(1), np.int64(1), np.array(1.0)], ids=lambda value: type(value).__name__)
def test_real_numbers_of_any_type_are_floats(value: float) -> None:
    answer = decode("Alder", 7, QUESTION, sent(lambda: Answer(value, [1, 2, 3])))  # type: ignore[arg-type]
    assert answer is not None
    assert type(answer.value) is float
    assert answer.plan is not None
    np.testing.assert_array_equal(answer.plan, [1.0, 2.0, 3.0])


def test_no_answer_is_none() -> None:
    def silent() -> object:
        raise NoAnswer

    assert decode("Alder", 7, QUESTION, sent(silent)) is None
    marginal = Question("marginal", (np.zeros(FLOWS),))
    assert decode("Alder", 7, marginal, answer_of(object(), asked(marginal))) is None


GOOD = sent(lambda: Answer(1.0, np.zeros(FLOWS)))


@pytest.mark.parametrize(
    ("malformed", "why"),
    [
        (b"", "no MessagePack"),
        (b"X", "something else than a message"),
        (GOOD[:-1], "no MessagePack"),
        (GOOD + b"\0", "no MessagePack"),
        (pickle.dumps(Answer(1.0, np.zeros(FLOWS))), "no MessagePack"),
        (b"A" + b"\xff" * 10**4, "more bytes than that"),
        (msgpack.packb([1, 2]), "something else than a message"),
        (changed(GOOD, v=2), "a message of version 2, not 1"),
        (changed(GOOD, v=None), "a message of version none, not 1"),
        (changed(GOOD, v=True), "a message of version none, not 1"),
        (changed(GOOD, kind="welcome"), "no message of kind answer or silence or error or malformed"),
        (changed(GOOD, kind=3), "something else than a message"),
        (changed(GOOD, number=8), "an answer to another question"),
        (changed(GOOD, number=-1), "with another number than there can be"),
        (changed(GOOD, number=7.0), "with another number than there can be"),
        (changed(GOOD, number=True), "with another number than there can be"),
        (changed(GOOD, value="1"), "with another value than there can be"),
        (changed(GOOD, value=True), "with another value than there can be"),
        (changed(GOOD, plan=[0.0, 0.0, 0.0]), "with another plan than there can be"),
        (changed(GOOD, plan=bytes(7)), "with another plan than there can be"),
        (changed(GOOD, plan=bytes(16)), "lists of another length"),
        (changed(GOOD, slope=bytes(32)), "lists of another length"),
        (changed(GOOD, more=1), "with other fields than number, value, plan, slope"),
        (msgpack.packb({k: v for k, v in msgpack.unpackb(GOOD).items() if k != "slope"}), "with other fields than"),
        (msgpack.packb({1: 2}), "no MessagePack"),
        (changed(GOOD, value=msgpack.Timestamp(1)), "with another value than there can be"),
        (b"\x91" * 5000, "more bytes than that"),
        (b"\x91" * 200, "no MessagePack"),
    ],
)
def test_malformed_bytes_are_refused_with_what_is_wrong(malformed: bytes, why: str) -> None:
    with pytest.raises(InputError, match=r"^Alder, respond: got <bytes that are no answer>; allowed: one answer to") as raised:
        decode("Alder", 7, QUESTION, malformed)
    assert why in str(raised.value)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_a_named_error(received: bytes) -> None:
    try:
        answer: object = decode("Alder", 7, QUESTION, received)
    except (InputError, NotSolvedError) as error:
        answer = str(error)
    assert answer is None or isinstance(answer, Answer) or (str(answer).startswith("Alder") and str(answer).isprintable())


def test_an_agent_is_asked_by_the_methods_that_there_are_and_by_no_other_name() -> None:
    for method in ("__class__", "close", "__init__", "agent", ""):
        with pytest.raises(MalformedError, match="another method than there can be"):
            question_of(changed(asked(QUESTION), method=method))
    with pytest.raises(MalformedError, match="a question for cost with 3 lists of numbers"):
        question_of(changed(asked(QUESTION), method="cost"))


def test_an_error_is_told_by_its_type_alone() -> None:
    class Meta(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise SystemExit

    class Sly(Exception, metaclass=Meta):  # noqa: N818
        pass

    for error, name in ((ValueError("secret cost 42"), "ValueError"), (Sly("secret cost 42"), "Sly")):
        told = failure(7, error)
        assert read(told, "error")[1] == {"number": 7, "type": name}
        with pytest.raises(NotSolvedError, match=rf"^Alder: its agent ended in {name} when asked for respond$"):
            decode("Alder", 7, QUESTION, told)


def test_words_of_an_agent_are_short_and_drive_no_terminal() -> None:
    words = written("error", number=7, type="\x1b[31mred" + "x" * 100)
    with pytest.raises(NotSolvedError) as raised:
        decode("Alder", 7, QUESTION, words)
    assert "ended in ?[31mredx" in str(raised.value)
    assert len(str(raised.value)) < 130


def test_the_docs_have_the_table_of_messages() -> None:
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    section = text.split("## Messages")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ((?:`\w+`(?:, )?)+) \|", section, re.MULTILINE))
    network = {kind: list(forms) for kind, forms in KINDS.items() if kind not in ("part", "code")}
    assert {kind: re.findall(r"`(\w+)`", names) for kind, names in rows.items()} == network
    assert f"`v`, now {VERSION}" in section
    methods = re.findall(r"^\| `(\w+)` \| (\d) \|", section, re.MULTILINE)
    assert {name: int(count) for name, count in methods} == METHODS
