"""Answers as bytes: what is written is read, and nothing else."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veridical.data import InputError, NotSolvedError
from veridical.solvers.consensus import Answer, NoAnswer, Question
from veridical.solvers.consensus.codec import answer_of, decode, failure, longest

FLOWS = 3
QUESTION = Question("respond", (np.zeros(FLOWS), np.zeros(FLOWS), np.ones(FLOWS)))
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
LISTS = st.none() | st.lists(FLOATS, min_size=FLOWS, max_size=FLOWS).map(np.array)


class Says:
    def __init__(self, say: Callable[[], object]) -> None:
        self.say = say

    def respond(self, *_: object) -> object:
        return self.say()


def sent(say: Callable[[], object]) -> bytes:
    return answer_of(Says(say), QUESTION)


@given(FLOATS, LISTS, LISTS)
def test_an_answer_is_read_as_it_was_written(value: float, plan: np.ndarray | None, slope: np.ndarray | None) -> None:
    written = sent(lambda: Answer(value, plan, slope))
    assert len(written) <= longest(QUESTION)
    answer = decode("Alder", QUESTION, written)
    assert answer is not None
    np.testing.assert_array_equal(struct.pack("d", answer.value), struct.pack("d", value))
    for one, other in ((answer.plan, plan), (answer.slope, slope)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other)
            assert one.flags.writeable


@pytest.mark.parametrize("value", [1, np.float32(1), np.int64(1), np.array(1.0)], ids=lambda value: type(value).__name__)
def test_real_numbers_of_any_type_are_floats(value: float) -> None:
    answer = decode("Alder", QUESTION, sent(lambda: Answer(value, [1, 2, 3])))  # type: ignore[arg-type]
    assert answer is not None
    assert type(answer.value) is float
    assert answer.plan is not None
    np.testing.assert_array_equal(answer.plan, [1.0, 2.0, 3.0])


def test_no_answer_is_none() -> None:
    def silent() -> object:
        raise NoAnswer

    assert decode("Alder", QUESTION, sent(silent)) is None
    assert (
        decode("Alder", Question("marginal", (np.zeros(FLOWS),)), answer_of(object(), Question("marginal", (np.zeros(2),))))
        is None
    )


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"X",
        b"A",
        b"S and more",
        sent(lambda: Answer(1.0, np.zeros(FLOWS)))[:-1],
        sent(lambda: Answer(1.0, np.zeros(FLOWS))) + b"\0",
        pickle.dumps(Answer(1.0, np.zeros(FLOWS))),
        b"A" + b"\xff" * 10**4,
    ],
)
def test_malformed_bytes_are_refused(malformed: bytes) -> None:
    with pytest.raises(InputError, match=r"^Alder, respond: got <bytes that are no answer>"):
        decode("Alder", QUESTION, malformed)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_a_named_error(received: bytes) -> None:
    try:
        answer: object = decode("Alder", QUESTION, received)
    except (InputError, NotSolvedError) as error:
        answer = str(error)
    assert answer is None or isinstance(answer, Answer) or (str(answer).startswith("Alder") and str(answer).isprintable())


def test_an_error_is_told_by_its_type_alone() -> None:
    class Meta(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise SystemExit

    class Sly(Exception, metaclass=Meta):  # noqa: N818
        pass

    assert failure(ValueError("secret cost 42")) == b"EValueError"
    assert failure(Sly("secret cost 42")) == b"ESly"
    with pytest.raises(NotSolvedError, match=r"^Alder: its agent ended in Sly when asked for respond$"):
        decode("Alder", QUESTION, failure(Sly()))
