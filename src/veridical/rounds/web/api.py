"""The JSON API: what a participant's program needs. Its description, /openapi.json, is shown for people at /manual.

Annotations are evaluated here: FastAPI reads them, and those of `router` name what only it knows.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from veridical.rounds.book import Book, Participant, Receipt
from veridical.rounds.web.identity import Identity

__all__ = ["REQUEST", "router"]

REQUEST = r"^[A-Za-z0-9_-]{1,64}$"  # names of reports
RoundId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="The round, as /api/me names it.")]


class Me(BaseModel):
    """Who has the token."""

    round: str
    participant: str


class RoundView(BaseModel):
    """A round as one participant sees it. Times are ISO 8601, UTC; `now` is the server's, which decides."""

    round: str
    participant: str
    kind: str
    title: str
    state: str = Field(description="open, closed (the deadline has passed) or cleared")
    deadline: str
    now: str
    posted: dict[str, Any] = Field(description="what reports bring: the menu of a supplier, the table bids of a retailer")


class Report(BaseModel):
    """A report. The same `request` with the same report again gets the same receipt: so send it again if no answer came."""

    model_config = ConfigDict(strict=True, extra="forbid")

    report: float = Field(description="one of your costs, or a bid: currency", examples=[4.0])
    request: str = Field(
        pattern=REQUEST, description="your own name for this report, another one each time", examples=["monday-1"]
    )


class Result(BaseModel):
    """Your part of the outcome: quantity or units, currency."""

    round: str
    participant: str
    result: dict[str, Any]


class Refused(BaseModel):
    """Why nothing was done. error: a word for programs. message: for people."""

    model_config = ConfigDict(extra="allow")

    error: str
    message: str


REASONS = {
    400: "no request that can be read",
    401: "no token, or one that nobody has",
    404: "no such round for this token",
    409: "late, received before with another report, or not cleared yet",
    413: "too large",
    422: "no report of yours; what is allowed is said",
    429: "too often: `Retry-After` says the seconds",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused, "description": reason} for status, reason in REASONS.items()
}
bearer = HTTPBearer(auto_error=False, description="The participant's token: the last part of his link.")
Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def router(book: Book, identity: Identity) -> APIRouter:
    """Return the API of a book of rounds."""
    api = APIRouter(prefix="/api", responses=ANSWERS)

    def anybody(request: Request, shown: Shown) -> Participant:
        return identity.of(request, shown.credentials if shown else None)

    def member(request: Request, shown: Shown, round: RoundId) -> Participant:
        return identity.of(request, shown.credentials if shown else None, round)

    @api.get("/me")
    def me(who: Annotated[Participant, Depends(anybody)]) -> Me:
        """Say whose token this is, and of which round."""
        return Me(round=who.round, participant=who.name)

    @api.get("/rounds/{round}")
    def show(round: RoundId, who: Annotated[Participant, Depends(member)]) -> RoundView:
        """Show what reports bring, the deadline, and how far the round is."""
        world = book.round(round)
        times = {"deadline": world.deadline, "now": book.now(round), "state": book.state(round)}
        posted = world.terms.posted(who.name)
        return RoundView(round=round, participant=who.name, kind=world.terms.kind, title=world.title, **times, posted=posted)

    @api.get("/rounds/{round}/reports")
    def receipts(round: RoundId, who: Annotated[Participant, Depends(member)]) -> list[Receipt]:
        """Return the receipts of your reports, in order: the last one is of the report that counts."""
        return book.receipts(who)

    @api.post("/rounds/{round}/reports", status_code=201, responses={200: {"model": Receipt, "description": "again"}})
    def report(round: RoundId, sent: Report, response: Response, who: Annotated[Participant, Depends(member)]) -> Receipt:
        """Report, or report again: the last report at or before the deadline counts. What is answered with 201 is on the disk."""
        receipt, new = book.report(who, sent.report, sent.request)
        response.status_code = 201 if new else 200
        return receipt

    @api.get("/rounds/{round}/result")
    def result(round: RoundId, who: Annotated[Participant, Depends(member)]) -> Result:
        """Return your part of the outcome, once the round is cleared."""
        return Result(round=round, participant=who.name, result=book.result(who))

    return api
