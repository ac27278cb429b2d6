"""Pages for people: plain HTML and forms, no JavaScript, nothing from elsewhere."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from veridical.data.assembler import label
from veridical.rounds.book import Book, Participant
from veridical.rounds.refusals import RefusedError, already_received, not_a_report
from veridical.rounds.sealing import form_code
from veridical.rounds.web.api import REQUEST
from veridical.rounds.web.identity import Identity, cookie

__all__ = ["Pages"]

ROUND = re.compile(r"[0-9a-f]{16}")
DECIMAL = re.compile(r"\d{1,40}(\.\d{0,40})?|\.\d{1,40}", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")  # as messages have it, for programs
ROWS = 200  # of contracts by what the others report that a page lists under one report
SAFE = ("same-origin", "none")


def exact(value: float) -> str:
    """Return a number to bid or report: as short as can be, with no digit lost."""
    return label(value)


def clock(time: str) -> str:
    """Return a time of an entry for people: to the second, in UTC."""
    return datetime.fromisoformat(time).strftime("%d %B %Y, %H:%M:%S UTC")


class Pages:
    """The pages of a book of rounds."""

    def __init__(self, book: Book, identity: Identity) -> None:
        self.book, self.identity = book, identity
        loader = PackageLoader("veridical.rounds.web", "pages")
        self.environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self.environment.filters |= {"exact": exact, "clock": clock}
        self.css = self.environment.loader.get_source(self.environment, "style.css")[0]  # type: ignore[union-attr]

    def show(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page."""
        return HTMLResponse(self.environment.get_template(name).render(**values), status)

    def refused(self, error: RefusedError) -> HTMLResponse:
        """Return the page that says why nothing was done."""
        message = TIME.sub(lambda found: clock(found[0]), str(error))
        return self.show("refused.html", error.status, message=message, code=error.code)

    def router(self, app: FastAPI) -> APIRouter:
        """Return the routes, for an app whose API the manual describes."""
        pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

        @pages.get("/")
        def front() -> Response:
            return self.show("front.html")

        @pages.get("/style.css")
        def style() -> Response:
            return Response(self.css, media_type="text/css")

        @pages.get("/manual")
        def manual() -> Response:
            return self.show("manual.html", api=app.openapi())

        @pages.get("/enter/{token}")
        def enter(request: Request, token: str) -> Response:
            who = self.identity.of(request, token)
            answer = RedirectResponse(f"/rounds/{who.round}", 303)
            secure = request.url.scheme == "https"
            path = f"/rounds/{who.round}"
            answer.set_cookie(cookie(who.round), token, path=path, secure=secure, httponly=True, samesite="lax")
            return answer

        @pages.get("/rounds/{round}")
        def own(request: Request, round: str) -> Response:
            return self.round(self._member(request, round))

        @pages.get("/rounds/{round}/receipts.json")
        def receipts(request: Request, round: str) -> Response:
            found = [receipt.to_dict() for receipt in self.book.receipts(self._member(request, round))]
            name = {"Content-Disposition": 'attachment; filename="receipts.json"'}
            return Response(json.dumps(found, indent=1), media_type="application/json", headers=name)

        @pages.post("/rounds/{round}/reports")
        async def report(request: Request, round: str) -> Response:
            body = await request.body()
            return await run_in_threadpool(self._reported, request, round, body)

        @pages.post("/rounds/{round}/leave")
        async def leave(request: Request, round: str) -> Response:
            body = await request.body()
            return await run_in_threadpool(self._left, request, round, body)

        return pages

    def round(self, who: Participant, message: str = "", status: int = 200) -> HTMLResponse:
        """Return the page of a participant's round, with what is wrong with a report of his."""
        world, state = self.book.round(who.round), self.book.state(who.round)
        form = secrets.token_urlsafe(16)
        code = form_code(who.token, who.round, form)
        result = self.book.result(who) if state == "cleared" else None
        shown = {"posted": world.terms.posted(who.name), "receipts": self.book.receipts(who), "result": result}
        fixed = {"now": self.book.now(who.round), "form": form, "code": code, "rows": ROWS}
        return self.show("round.html", status, world=world, who=who, state=state, message=message, **shown, **fixed)

    def _member(self, request: Request, round: str) -> Participant:
        token = request.cookies.get(cookie(round)) if ROUND.fullmatch(round) else None
        return self.identity.of(request, token, round)

    def _reported(self, request: Request, round: str, body: bytes) -> Response:
        who = self._member(request, round)
        fields = self._form(request, who, body)
        before = self.book.received(who, fields["form"])
        if before is not None:  # the page was sent again: whatever stands in it, it was received
            raise already_received(before.number, before.received, before.entry)
        text = fields.get("report", "").strip()
        try:
            if not DECIMAL.fullmatch(text):
                raise not_a_report("A number is needed, such as 4 or 7.25, without commas")
            receipt, _ = self.book.report(who, float(text), fields["form"])
        except RefusedError as error:
            if error.code == "not_a_report":
                return self.round(who, str(error), error.status)
            raise
        world = self.book.round(who.round)
        return self.show("received.html", 201, world=world, who=who, receipt=receipt, report=float(text))

    def _left(self, request: Request, round: str, body: bytes) -> Response:
        who = self._member(request, round)
        self._form(request, who, body)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(cookie(round), path=f"/rounds/{round}")
        return answer

    def _form(self, request: Request, who: Participant, body: bytes) -> dict[str, str]:
        """Return the fields of a form that one of our own pages has sent; raises RefusedError."""
        try:
            fields = {name: values[-1] for name, values in parse_qs(body.decode("ascii"), max_num_fields=20).items()}
        except ValueError:
            raise RefusedError(400, "unreadable", "This is no form that can be read.") from None
        name = fields.get("form", "")
        code = form_code(who.token, who.round, name)
        own = re.fullmatch(REQUEST, name) and hmac.compare_digest(
            code.encode(), fields.get("code", "").encode("utf-8", "replace")
        )
        if not own or request.headers.get("sec-fetch-site", "same-origin") not in SAFE:
            raise RefusedError(403, "not_our_form", "This form was not sent by a page of yours. Open your link again.")
        return fields
