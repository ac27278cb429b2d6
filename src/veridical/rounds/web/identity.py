"""Who asks: a participant shows his token, as a bearer token to the API, as a cookie that his link has set to the pages."""

from __future__ import annotations

import math
import re

from starlette.requests import Request

from veridical.rounds.book import Book, Participant
from veridical.rounds.refusals import RefusedError, no_such_round, unknown_token
from veridical.rounds.sealing import hashed
from veridical.rounds.web.guards import Rates

__all__ = ["Identity", "cookie"]

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie(round: str) -> str:
    """Return the name of a round's cookie."""
    return f"veridical_{round}"


class Identity:
    """Tells participants by their tokens, and limits how often each asks, and each address guesses.

    A participant may ask 60 times at once, and twice a second; an address may show 20 wrong tokens at once, and one a second.
    """

    def __init__(self, book: Book, asked: Rates | None = None, guessed: Rates | None = None) -> None:
        self.book = book
        self.asked = asked or Rates(per_second=2.0, burst=60)
        self.guessed = guessed or Rates(per_second=1.0, burst=20)

    def of(self, request: Request, token: str | None, round: str | None = None) -> Participant:
        """Return who has a token, in the round that is asked for; raises RefusedError."""
        address = request.client.host if request.client else ""
        try:
            if token is None or not TOKEN.fullmatch(token):
                raise unknown_token()
            who = self.book.enter(token)
        except RefusedError:
            self._within(self.guessed.wait(address))
            raise
        self._within(self.asked.wait(hashed(token)))
        if round not in (None, who.round):
            raise no_such_round()
        return who

    @staticmethod
    def _within(seconds: float) -> None:
        if seconds > 0:
            after = math.ceil(seconds)
            raise RefusedError(429, "too_often", f"Too many requests: try again in {after} s.", retry_after=after)
