"""Answers as bytes. Numbers and the names of types are all that comes from an agent; nothing of it is ever unpickled or run.

An answer is a letter, `value`, whether a plan and a slope follow, and these as float64, one a flow of the question: no other
length is taken. An agent that did not answer, that ended in an error, or whose answer cannot be written so sends a letter
and a few words.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.consensus.messages import Answer, NoAnswer, Question, error_for
from veridical.solvers.solution import Termination

__all__ = ["answer_of", "decode", "failure", "longest"]

ANSWER, SILENCE, ERROR, MALFORMED = b"A", b"S", b"E", b"M"
HEAD = struct.Struct("<cd??")
NUMBER = np.dtype("<f8")
WORDS = 60  # characters of the words that are sent


class _MalformedError(Exception):
    """An answer that cannot be written as one: the text says what it has instead."""


def answer_of(agent: Any, question: Question) -> bytes:
    """Put a question to an agent, with copies of the arguments; whatever its code does, return what it comes to as bytes."""
    try:
        if not hasattr(agent, question.method):
            if question.method == "marginal":  # whoever cannot tell marginal costs does not answer
                return SILENCE
            raise _MalformedError(f"an agent without {question.method}")
        return _encode(getattr(agent, question.method)(*(array.copy() for array in question.arguments)), question)
    except NoAnswer:
        return SILENCE
    except _MalformedError as error:
        return _in_words(MALFORMED, str(error))
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the agent's own too: Ctrl-C comes to the main thread
        return failure(error)


def failure(error: BaseException) -> bytes:
    """Return an error inside an agent by its type alone: its message may hold what is private."""
    return _in_words(ERROR, _name(type(error)))


def longest(question: Question) -> int:
    """Return the bytes that an answer has at most."""
    return max(HEAD.size + 2 * NUMBER.itemsize * question.flows, 1 + WORDS)


def decode(party: str, question: Question, sent: bytes) -> Answer | None:
    """Return a party's answer, None where it did not answer; raise an error that names it where it could not make one."""
    kind, words = sent[:1], "".join(letter for letter in sent[1 : 1 + WORDS].decode("ascii", "ignore") if letter.isprintable())
    if kind == ERROR and words != InputError.__name__:
        raise NotSolvedError(f"{party}: its agent ended in {words} when asked for {question.method}", Termination.FAILED)
    if kind == ERROR:
        raise error_for(party, question, words, "a party whose own agent takes its record")
    if kind == MALFORMED:
        raise error_for(
            party, question, words, f"an Answer of numbers, each list with one for each of its {question.flows} flows"
        )
    if sent == SILENCE:
        return None
    if kind == ANSWER and len(sent) >= HEAD.size:
        _, value, *has = HEAD.unpack_from(sent)
        if len(sent) == HEAD.size + NUMBER.itemsize * question.flows * sum(has):
            arrays = iter(np.frombuffer(sent, NUMBER, offset=HEAD.size).astype(np.float64).reshape(sum(has), question.flows))
            plan, slope = (next(arrays) if there else None for there in has)
            return Answer(value, plan, slope)
    raise error_for(party, question, "bytes that are no answer", f"at most {longest(question)} bytes, as `codec` writes them")


def _encode(answer: object, question: Question) -> bytes:
    if not isinstance(answer, Answer):
        raise _MalformedError(f"a {_name(type(answer))}")
    lists = [None if array is None else _numbers(field, array, (question.flows,)) for field, array in _lists(answer)]
    head = HEAD.pack(ANSWER, float(_numbers("value", answer.value, ())), *(array is not None for array in lists))
    return b"".join([head, *(array.tobytes() for array in lists if array is not None)])


def _lists(answer: Answer) -> tuple[tuple[str, Any], ...]:
    return ("plan", answer.plan), ("slope", answer.slope)


def _numbers(field: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Return real numbers of a shape; nothing else, not even what could be made into such."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.shape != shape:
        kind = (
            _name(type(value)) if array.dtype.kind in "OUSV" and not array.shape else f"{array.dtype.name} of shape {array.shape}"
        )
        raise _MalformedError(f"{field}: {kind}")
    return array.astype(NUMBER)


def _name(kind: type) -> str:
    """Return a type's name, past what its own class makes of that."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _in_words(kind: bytes, words: str) -> bytes:
    return kind + words[:WORDS].encode("ascii", "replace")
