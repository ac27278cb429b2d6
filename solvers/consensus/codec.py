"""What goes between coordinator and agents as bytes: MessagePack, data alone, with a version and a kind in every message.

`KINDS` says of each kind which fields it has, and of each field its form: a message with one field more, less, or of another
form is none. Lists of numbers are little-endian float64, as many as the question's party has flows. Nothing that is read is ever
unpickled or run. docs/agents.md has the table for whoever writes an agent in another language.

An agent that did not answer, that ended in an error, or whose answer cannot be written so sends a few words in place of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.consensus.messages import METHODS, Answer, NoAnswer, Question, error_for
from veridical.solvers.solution import Termination

__all__ = ["KINDS", "VERSION", "MalformedError", "answer_of", "decode", "failure", "longest", "question_of", "read", "written"]

VERSION = 1
NUMBER = np.dtype("<f8")
WORDS = 60  # characters of an agent's words that are shown
SENTENCE = 400  # characters of what either side says of itself
HEAD = 200  # bytes of an answer beside its lists
MOST_NUMBER = 2**53


class MalformedError(Exception):
    """Bytes that are no message, or an answer that cannot be written as one: the text says what there is instead."""


@dataclass(frozen=True)
class Form:
    """What a field may be. write: what stands for a value in MessagePack. read: the value, or an error for any other thing."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _of(kind: type, holds: Callable[[Any], bool] = lambda value: True) -> Form:
    def checked(value: Any) -> Any:
        if type(value) is not kind or not holds(value):
            raise ValueError
        return value

    return Form(checked, checked)


def _or_nothing(form: Form) -> Form:
    return Form(
        lambda value: None if value is None else form.write(value), lambda value: None if value is None else form.read(value)
    )


def _number(value: Any) -> float:
    if type(value) not in (float, int):
        raise ValueError
    return float(value)


def _list(value: Any) -> Array:
    if type(value) is not bytes:
        raise ValueError
    return np.frombuffer(value, NUMBER).astype(np.float64)  # a copy of its own, which may be written to


def _lists(value: Any) -> tuple[Array, ...]:
    if type(value) not in (list, tuple):
        raise ValueError
    return tuple(map(_list, value))


NUMBERS = Form(lambda value: np.asarray(value, NUMBER).tobytes(), _list)
NUMBERS_OF = Form(lambda value: list(map(NUMBERS.write, value)), _lists)
WHOLE = _of(int, lambda value: 0 <= value < MOST_NUMBER)
TEXT = _of(str, lambda value: len(value) <= SENTENCE)
TABLE, BYTES = _of(dict), _of(bytes)

# Of an answer, beside its number: the fields of `Answer`. One more list of numbers is one line here, and one there.
ANSWER = {"value": Form(float, _number), "plan": _or_nothing(NUMBERS), "slope": _or_nothing(NUMBERS)}
LISTS = tuple(name for name in ANSWER if name != "value")

KINDS: dict[str, dict[str, Form]] = {
    # from an agent
    "hello": {"party": TEXT, "traits": TABLE},
    "answer": {"number": WHOLE, **ANSWER},
    "silence": {"number": WHOLE},
    "error": {"number": WHOLE, "type": TEXT},
    "malformed": {"number": WHOLE, "words": TEXT},
    # from a coordinator
    "welcome": {"run": TEXT},
    "question": {"number": WHOLE, "method": _of(str, METHODS.__contains__), "arguments": NUMBERS_OF},
    "refused": {"words": TEXT},
    "goodbye": {"words": TEXT},
    # to a process or a worker of a cluster that is to run an agent: what it is made from, or, of the user's own, its code
    "part": {"part": TABLE, "settings": TABLE},
    "code": {"code": BYTES},
}
ANSWERS = ("answer", "silence", "error", "malformed")


def written(kind: str, **fields: Any) -> bytes:
    """Return a message as bytes.

    Examples
    --------
    >>> read(written("goodbye", words="That was all."), "goodbye")
    ('goodbye', {'words': 'That was all.'})
    """
    forms = KINDS[kind]
    message = {"v": VERSION, "kind": kind, **{name: form.write(fields[name]) for name, form in forms.items()}}
    sent: bytes = msgpack.packb(message)
    return sent


def read(sent: Any, *kinds: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of a message and its fields; raise MalformedError for what is no message of one of these kinds.

    A message of kind `refused` is read whatever its version is.
    """
    try:
        message = msgpack.unpackb(sent, use_list=False)
    except Exception as error:  # of many kinds, some of them that of the bytes
        raise MalformedError("bytes that are no MessagePack") from error
    if type(message) is not dict or type(message.get("kind")) is not str:
        raise MalformedError("something else than a message")
    kind, version = message.pop("kind"), message.pop("v", None)
    if (type(version) is not int or version != VERSION) and kind != "refused":
        shown = version if type(version) is int else "none"
        raise MalformedError(f"a message of version {shown}, not {VERSION}")
    if kind not in kinds:
        raise MalformedError(f"no message of kind {' or '.join(kinds)}")
    forms = KINDS[kind]
    if message.keys() != forms.keys():
        raise MalformedError(f"a message of kind {kind} with other fields than {', '.join(forms)}")
    for name, form in forms.items():
        try:
            message[name] = form.read(message[name])
        except (ValueError, OverflowError):
            raise MalformedError(f"a message of kind {kind} with another {name} than there can be") from None
    return kind, message


def question_of(sent: Any) -> tuple[int, Question]:
    """Return a question and its number; raise MalformedError for what is none that an agent may be asked."""
    _, fields = read(sent, "question")
    question = Question(fields["method"], fields["arguments"])
    if len(question.arguments) != METHODS[question.method]:
        raise MalformedError(f"a question for {question.method} with {len(question.arguments)} lists of numbers")
    return fields["number"], question


def answer_of(
    agent: Any,
    sent: bytes,
    notice: Callable[[BaseException], None] = lambda error: None,
    ends: type[BaseException] | tuple[type[BaseException], ...] = (),
) -> bytes:
    """Put a question to an agent; whatever its code does, return what it comes to as bytes.

    `notice` is told of errors that the agent ended in. `ends`: those that are not the agent's own, which are raised.
    """
    number, question = question_of(sent)
    try:
        if not hasattr(agent, question.method):
            if question.method == "marginal":  # whoever cannot tell marginal costs does not answer
                return written("silence", number=number)
            raise MalformedError(f"an agent without {question.method}")
        return _encode(number, getattr(agent, question.method)(*question.arguments), question)
    except NoAnswer:
        return written("silence", number=number)
    except MalformedError as error:
        return written("malformed", number=number, words=_plain(str(error)))
    except ends:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the agent's own too: Ctrl-C comes to the main thread
        notice(error)
        return failure(number, error)


def failure(number: int, error: BaseException) -> bytes:
    """Return an error inside an agent by its type alone: its message may hold what is private."""
    return written("error", number=number, type=_plain(_name(type(error))))


def longest(question: Question) -> int:
    """Return the bytes that an answer has at most."""
    return HEAD + len(LISTS) * (NUMBER.itemsize * question.flows + 8)


def decode(party: str, number: int, question: Question, sent: Any) -> Answer | None:
    """Return a party's answer, None where it did not answer; raise an error that names it where it could not make one."""
    try:
        if len(sent) > longest(question):
            raise MalformedError("more bytes than that")
        kind, fields = read(sent, *ANSWERS)
        if fields.pop("number") != number:
            raise MalformedError("an answer to another question")
        if any(fields[name] is not None and fields[name].shape != (question.flows,) for name in LISTS if name in fields):
            raise MalformedError("lists of another length")
    except MalformedError as error:
        allowed = f"one answer to question {number}, of at most {longest(question)} bytes, as docs/agents.md has it ({error})"
        raise error_for(party, question, "bytes that are no answer", allowed) from None
    if kind == "answer":
        return Answer(**fields)
    if kind == "silence":
        return None
    words = _plain(fields.get("type", fields.get("words", "")))
    if kind == "error" and words != InputError.__name__:
        raise NotSolvedError(f"{party}: its agent ended in {words} when asked for {question.method}", Termination.FAILED)
    if kind == "error":
        raise error_for(party, question, words, "a party whose own agent takes its record")
    raise error_for(party, question, words, f"an Answer of numbers, each list with one for each of its {question.flows} flows")


def _encode(number: int, answer: object, question: Question) -> bytes:
    if not isinstance(answer, Answer):
        raise MalformedError(f"a {_name(type(answer))}")
    lists = {name: getattr(answer, name) for name in LISTS}
    values = {name: None if array is None else _numbers(name, array, (question.flows,)) for name, array in lists.items()}
    return written("answer", number=number, value=float(_numbers("value", answer.value, ())), **values)


def _numbers(field: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Return real numbers of a shape; nothing else, not even what could be made into such."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.shape != shape:
        kind = (
            _name(type(value)) if array.dtype.kind in "OUSV" and not array.shape else f"{array.dtype.name} of shape {array.shape}"
        )
        raise MalformedError(f"{field}: {kind}")
    return array.astype(NUMBER)


def _name(kind: type) -> str:
    """Return a type's name, past what its own class makes of that."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _plain(words: str) -> str:
    """Return an agent's words as they are shown: short, and nothing in them that drives a terminal."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in words[:WORDS])
