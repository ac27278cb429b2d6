"""Standard output for what was asked for, and for nothing else; standard error for progress, which nobody has to read."""

from __future__ import annotations

import os
import sys
from typing import Any, cast

import veridical as vd

__all__ = ["separate"]


class Stream:
    """A text stream of this process on which no failure is a traceback: output that is lost is an InputError, log is dropped.

    Everything but writing is the stream's own.
    """

    def __init__(self, stream: Any, needed: bool) -> None:
        self._stream, self._needed = stream, needed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; return its length."""
        self._tried(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several pieces of text."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Write what waits."""
        self._tried(self._stream.flush)

    def _tried(self, action: Any) -> None:
        try:
            action()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            if isinstance(error, UnicodeError):
                raise
            self._lose()
            if self._needed:
                reason = getattr(error, "strerror", None) or error
                allowed = f"an output that takes all of it ({reason})"
                raise vd.InputError.of("standard output", "<an output that ended>", allowed) from None

    def _lose(self) -> None:
        """Send what still waits, and all that follows, nowhere: Python would try once more at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def separate() -> None:
    """Give standard output to this program alone, for the rest of the process.

    What libraries print (solvers in C, programs that they start) goes to standard error. Does nothing where Python's own
    standard output is not the process's, as under a test.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:  # a stream that the caller has closed is no place for another file
        pass
    os.close(spare)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process
    if sys.stdout is None:
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - nothing can be written to it
    if not _is_process(sys.stdout):
        return
    output: Any = sys.stdout
    if output.writable():
        output.flush()
        own = os.dup(output.fileno())  # not inherited by programs that are started
        os.dup2(2, output.fileno())
        output = open(own, "w", encoding=output.encoding, errors=output.errors)  # noqa: SIM115
    sys.stdout, sys.stderr = cast(Any, Stream(output, needed=True)), cast(Any, Stream(sys.stderr, needed=False))


def _is_process(stream: Any) -> bool:
    try:
        return stream.fileno() == 1 or not stream.writable()
    except (OSError, ValueError):
        return False
