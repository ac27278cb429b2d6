"""What a participant is told when something is not done: nothing has changed then."""

from __future__ import annotations

from veridical.data.errors import VeridicalError

__all__ = [
    "RefusedError",
    "already_received",
    "late",
    "no_such_round",
    "not_a_report",
    "not_cleared",
    "too_many",
    "unknown_token",
]


class RefusedError(VeridicalError):
    """A request that is refused. status: of HTTP, 400 to 499. code: a word for programs. The message is for people."""

    exit_status = 2

    def __init__(self, status: int, code: str, message: str, **details: object) -> None:
        self.status, self.code, self.details = status, code, details
        super().__init__(message)


def late(deadline: str, now: str) -> RefusedError:
    """Return the answer to a report after the deadline."""
    return RefusedError(
        409, "late", f"Too late: the deadline was {deadline}, it is {now}. Nothing was changed.", deadline=deadline
    )


def already_received(number: int, received: str, entry: str) -> RefusedError:
    """Return the answer to a form or a request that came before, with another report in it or by the same form."""
    message = f"This was received before, as your report no. {number}, at {received}. Nothing was changed."
    return RefusedError(409, "already_received", message, number=number, received=received, entry=entry)


def too_many(most: int) -> RefusedError:
    """Return the answer to one report more than there may be."""
    return RefusedError(409, "too_many", f"You have reported {most:,} times, which is the most. The last report counts.")


def not_a_report(message: str) -> RefusedError:
    """Return the answer to what is no report."""
    return RefusedError(422, "not_a_report", message)


def not_cleared() -> RefusedError:
    """Return the answer to whoever asks for a result that there is not yet."""
    return RefusedError(409, "not_cleared", "There is no result yet: the round has not been cleared.")


def unknown_token() -> RefusedError:
    """Return the answer to a request without a token that anybody has."""
    return RefusedError(401, "unknown_token", "A participant's own link, or its token, is needed; this is none.")


def no_such_round() -> RefusedError:
    """Return the answer to a request for a round that is not this participant's: as for one that is not there."""
    return RefusedError(404, "no_such_round", "There is no such round for this token.")
