"""The application: pages and API of the rounds in a database, behind the guards."""

from __future__ import annotations

import importlib.metadata

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from veridical.rounds.book import Book
from veridical.rounds.refusals import RefusedError
from veridical.rounds.web.api import router
from veridical.rounds.web.guards import Rates, SafeHeaders, SmallBodies
from veridical.rounds.web.identity import Identity
from veridical.rounds.web.pages import Pages

__all__ = ["application"]

ABOUT = """
Rounds of sealed reports. Every participant has a link; its last part is his token, which a program sends with every call as
`Authorization: Bearer TOKEN`. Ask `/api/me` for the round, `/api/rounds/{round}` for what reports bring, post a report, keep the
receipt. Reports may be revised until the deadline; the last one counts. The result is there when the round has been cleared.
"""


def application(book: Book, asked: Rates | None = None, guessed: Rates | None = None) -> FastAPI:
    """Return the application of a book of rounds. asked, guessed: other limits than those of `Identity`."""
    version = importlib.metadata.version("veridical")
    app = FastAPI(title="veridical rounds", version=version, description=ABOUT, docs_url=None, redoc_url=None)
    identity = Identity(book, asked, guessed)
    pages = Pages(book, identity)
    app.include_router(router(book, identity))
    app.include_router(pages.router(app))
    app.add_middleware(SmallBodies)
    app.add_middleware(SafeHeaders)

    def answer(request: Request, error: RefusedError) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        headers |= {"Retry-After": str(error.details["retry_after"])} if error.status == 429 else {}
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": error.code, "message": str(error), **error.details}, error.status, headers)
        page = pages.refused(error)
        page.headers.update(headers)
        return page

    @app.exception_handler(RefusedError)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = "; ".join(f"{'.'.join(map(str, one['loc'][1:])) or 'body'}: {one['msg']}" for one in error.errors()[:5])
        status = 404 if any(one["loc"][0] == "path" for one in error.errors()) else 422
        code = {404: "no_such_round", 422: "not_a_report"}[status]
        return answer(request, RefusedError(status, code, problems))

    @app.exception_handler(HTTPException)
    def unanswered(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = answer(request, RefusedError(error.status_code, "not_here", str(error.detail)))
        response.headers.update(error.headers or {})
        return response

    return app
