"""What stands before every page and every call: limits of size and rate, and headers for browsers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LARGEST_BODY", "Rates", "SafeHeaders", "SmallBodies"]

LARGEST_BODY = 8_192  # bytes; a report takes less than a hundred
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
YEAR = 365 * 24 * 3600


class SafeHeaders:
    """Adds the security headers to every answer, and under TLS the word that this host is never to be called without."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = f"max-age={YEAR}"
            await send(message)

        await self.app(scope, receive, with_headers)


class SmallBodies:
    """Refuses bodies above `LARGEST_BODY`, whether or not they say how long they are, before anything looks at them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        too_large, body, more = said.isdigit() and int(said[:20]) > LARGEST_BODY, b"", True
        while more and not too_large:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more, too_large = message.get("more_body", False), len(body) > LARGEST_BODY
        if too_large:
            answer = JSONResponse(
                {"error": "too_large", "message": f"At most {LARGEST_BODY:,} bytes."}, 413, {"Connection": "close"}
            )
            await answer(scope, receive, send)
            return
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, whole, send)


class Rates:
    """How often each of many may do something: `burst` times at once, then `per_second`. Remembers the last `most` of them."""

    def __init__(self, per_second: float, burst: int, most: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second, self.burst, self.most, self.clock = per_second, burst, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, who: str) -> float:
        """Let somebody do it once, and return 0; where he has done it too often, return the seconds that he must wait.

        Examples
        --------
        >>> rates = Rates(per_second=0.5, burst=1, clock=lambda: 0.0)
        >>> rates.wait("Alder"), rates.wait("Alder"), rates.wait("Birch")
        (0.0, 2.0, 0.0)
        """
        with self._lock:
            now = self.clock()
            left, before = self._left.pop(who, (float(self.burst), now))
            left = min(left + (now - before) * self.per_second, float(self.burst))
            missing = max(1.0 - left, 0.0)
            self._left[who] = (left if missing else left - 1.0, now)
            while len(self._left) > self.most:
                self._left.popitem(last=False)
            return missing / self.per_second
