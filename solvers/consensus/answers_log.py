"""What an agent at home was asked and answered, as its owner keeps it: a line of JSON for each, with every digit of each number.

A coordinator's own log (`Log`) has the same. `read` returns a file's lines as messages, so that the two can be compared.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from veridical.data import InputError, files
from veridical.solvers.consensus.codec import ANSWER, ANSWERS, question_of
from veridical.solvers.consensus.codec import read as message_of
from veridical.solvers.consensus.messages import Answer, Message

__all__ = ["read", "write"]

NUMBERS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # JSON has no words for these


def write(path: str | Path, party: str, question: bytes, answer: bytes) -> None:
    """Write a question and its answer at the end of a file; raises InputError where it cannot be written."""
    number, asked = question_of(question)
    kind, fields = message_of(answer, *ANSWERS)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "party": party,
        "number": number,
        "method": asked.method,
        "arguments": [_plain(array) for array in asked.arguments],
        "answered": kind,
        **{name: _plain(value) for name, value in fields.items() if name != "number"},
    }
    files.append(path, json.dumps(line, allow_nan=False) + "\n")


def read(path: str | Path) -> list[Message]:
    """Return the answers in a file, in order; a last line that a crash cut short is left out.

    Raises InputError for a file that cannot be read, and for a line that is none of such a file.
    """
    lines = files.read(path, "log of answers", "JSON lines").split("\n")
    messages = []
    for number, text in enumerate(lines[:-1], 1):
        try:
            line = json.loads(text)
            if line["answered"] == "answer":
                answer = Answer(**{name: _value(line[name]) for name in ANSWER})
                messages.append(Message(0, line["party"], line["method"], answer, tuple(map(_value, line["arguments"]))))
        except (ValueError, KeyError, TypeError, RecursionError):
            allowed = "a line of JSON as `veridical agent` writes it"
            raise InputError.of(f"line {number}", "<something else>", allowed, Path(path).name) from None
    return messages


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return np.array([_value(item) for item in value], dtype=np.float64)
    return NUMBERS[value] if isinstance(value, str) else value
