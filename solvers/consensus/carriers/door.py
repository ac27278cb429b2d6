"""The door by which agents of other firms come in: one WebSocket a party, with TLS and a token of its own.

Whoever comes shows a token before a single frame of his is read, then says hello. A newer connection of a party takes the place
of the older one. Questions wait here until their party is connected, and are asked anew where it comes back; before that it is
told again what it had been told (`remind`). A party that breaks the protocol is shown out, and stays out.

The server is a thread of its own with an event loop; what other threads call are the methods without an underscore.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import socket
import ssl
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from veridical.data import InputError
from veridical.data.errors import visible
from veridical.data.fields import check
from veridical.solvers.consensus.carriers.spec import disagreement, effective, unsafe
from veridical.solvers.consensus.codec import ANSWERS, SENTENCE, MalformedError, read, written
from veridical.solvers.consensus.messages import AgentTraits

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

__all__ = ["Door", "Sent"]

LOG = logging.getLogger("veridical.network")
QUIET = logging.getLogger("veridical.network.frames")  # what the library says of each broken connection: of interest to nobody
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())

MOST = 2**26  # bytes of a message: 2.7 million flows
HELLO = 5.0  # seconds that whoever comes is given to say who he is
ENDING = 2.0  # seconds that a connection is given to close
LOOK = 0.01  # seconds after which it is looked whether all connections are closed, when the door is
BEAT, MISSED = 20.0, 90.0  # seconds between signs of life, and without one after which a connection is lost
AGAIN = 10.0  # seconds in which one thing is said once
NONSENSE = (1002, 1007, 1009)  # codes by which the library ends a connection of frames that are none, or too long
Sent = tuple[int, bytes, int]  # a question's number, the question, how long its answer may be


@dataclass
class Asked:
    """A question that waits for its party, or for its answer; `on`: the connection on which it was asked last."""

    sent: bytes
    most: int
    answer: Future[bytes]
    on: Any = None


@dataclass
class Seat:
    """A party's place: what it declared, its connection, what it has yet to answer.

    ready: whether it may be asked. since: when it was last seen. expelled: why it is out of the run.
    """

    name: str
    since: float
    traits: AgentTraits | None = None
    link: ServerConnection | None = None
    ready: bool = False
    asked: Asked | None = None
    expelled: str = ""


class Listening(socket.socket):
    """A listening socket, in the place of the one that is given, which knows the connections that came in and are not closed."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(fileno=listening.detach())
        self.came: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and keep it in mind."""
        connection, address = super().accept()
        self.came = [*self.unclosed(), connection]
        return connection, address

    def unclosed(self) -> list[socket.socket]:
        """Return the connections that are not closed."""
        return [connection for connection in self.came if connection.fileno() >= 0]


class Door:
    """A server for the parties of one run. `tokens`: the SHA-256 of each one's token, hex.

    `remind`: what a party has to be told again when it comes back. `known`: hashes of what each is to go by.
    """

    def __init__(
        self,
        listening: socket.socket,
        tls: ssl.SSLContext | None,
        tokens: Mapping[str, str],
        remind: Callable[[str], list[Sent]],
        known: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.listening = Listening(listening)
        self.tls, self.tokens, self.remind, self.known = tls, tokens, remind, known
        self.run = secrets.token_hex(8)  # by which an agent knows a coordinator that was started anew
        self.seats = {name: Seat(name, monotonic()) for name in tokens}
        self.most = 16 + 4 * len(tokens)  # connections at once
        self.open = 0
        self.said: dict[str, float] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.loop = asyncio.SelectorEventLoop()  # the kind that calls `Listening.accept`
        self.ended = asyncio.Event()
        self.parting = "goodbye"
        self.thread = Thread(target=self._run, daemon=True, name="door")
        self.thread.start()

    @property
    def address(self) -> str:
        """Where parties come in, as a URL."""
        host, port = self.listening.getsockname()[:2]
        return f"{'http' if self.tls is None else 'https'}://{f'[{host}]' if ':' in host else host}:{port}"

    def ask(self, name: str, sent: bytes, most: int) -> Future[bytes]:
        """Ask a party, when it is connected; the answer is an exception where it is shown out."""
        asked = Asked(sent, most, Future())
        self._soon(self._put, self.seats[name], asked)
        return asked.answer

    def withdraw(self, name: str) -> None:
        """Wait no more for a party's answer."""
        self._soon(self._withdraw, self.seats[name])

    def away(self, name: str) -> float:
        """Return for how many seconds a party has not been connected."""
        seat = self.seats[name]
        return 0.0 if seat.link is not None else monotonic() - seat.since

    def missing(self, names: Collection[str]) -> list[str]:
        """Return who has not said hello yet."""
        return [name for name in names if self.seats[name].traits is None]

    def expel(self, name: str, words: str) -> None:
        """Show a party out, and tell it why."""
        self._soon(self._expel, self.seats[name], words)

    def close(self, parting: bool) -> None:
        """Close the door; `parting`: whether parties are told that this was all, or else go on trying to come back."""

        def end() -> None:
            self.parting = "goodbye" if parting else ""
            self.ended.set()

        self._soon(end)
        self.thread.join()

    def _run(self) -> None:
        self.loop.set_exception_handler(lambda loop, context: QUIET.error("%s", context))
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        from websockets.asyncio.server import serve  # an extra

        limits = {"ssl_handshake_timeout": HELLO, "ssl_shutdown_timeout": ENDING}
        handshake: dict[str, Any] = {} if self.tls is None else limits
        async with serve(
            self._enter,
            sock=self.listening,
            ssl=self.tls,
            process_request=self._admit,
            max_size=MOST,
            compression=None,
            server_header=None,
            open_timeout=HELLO,
            close_timeout=ENDING,
            ping_interval=BEAT,
            ping_timeout=MISSED,
            logger=QUIET,
            **handshake,
        ):
            await self.ended.wait()
            await self._turn_away()
            if self.parting:
                links = [seat.link for seat in self.seats.values() if seat.link is not None]
                await asyncio.gather(*(self._part(link, "goodbye", "this was all: the run is over") for link in links))
        left = monotonic() + HELLO + ENDING  # by then each has closed by a limit of its own
        while (unclosed := self.listening.unclosed()) and monotonic() < left:
            await asyncio.sleep(LOOK)
        for connection in unclosed:
            connection.close()

    async def _turn_away(self) -> None:
        """Let nobody else in, and hang up on whoever is not a party's connection yet.

        asyncio sees to a connection that came in only in its next turn, and cannot once the server is closed.
        """
        self.loop.remove_reader(self.listening)
        await asyncio.sleep(0)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=ENDING)  # who is shown out reads why
        links = [seat.link for seat in self.seats.values() if seat.link is not None]
        inside = {link.transport.get_extra_info("socket").fileno() for link in links}
        for connection in self.listening.unclosed():
            if connection.fileno() not in inside:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let in who shows a token that a party has; whoever else it is reads why not."""
        given = request.headers.get_all("Authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        shown = sha256(token.strip().encode(errors="replace")).hexdigest()
        whose = [name for name, expected in self.tokens.items() if hmac.compare_digest(expected, shown)]
        if scheme.lower() != "bearer" or not whose:
            self._say("a connection is refused: no party of this run has its token", connection)
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no party of this run has this token\n")
        if self.open >= self.most:
            self._say("a connection is refused: too many are open", connection)
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open\n")
        connection.username = whose[0]
        return None

    async def _enter(self, link: ServerConnection) -> None:
        """See to one connection to its end."""
        from websockets.exceptions import ConnectionClosed  # an extra

        seat = self.seats[link.username]
        self.open += 1
        try:
            refused = await self._hello(seat, link)
            if refused:
                self._say(f"{seat.name} is refused: {refused}", link)
                await self._part(link, "refused", refused)
                return
            if await self._take(seat, link):
                async for message in link:
                    self._received(seat, link, message)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code in NONSENSE and not closed.rcvd_then_sent and seat.link is link:
                self._expel(seat, "it sent frames that are none, or too long")
        finally:
            self.open -= 1
            if seat.link is link:
                seat.link, seat.ready, seat.since = None, False, monotonic()
                over = self.ended.is_set() or seat.expelled
                words = f"{seat.name} is not connected any more{'' if over else ', and is waited for'}"
                self._say(words, level=logging.INFO if over else logging.WARNING)

    async def _hello(self, seat: Seat, link: ServerConnection) -> str:
        """Return why a connection is refused, nothing where it is not."""
        try:
            hello = read(await asyncio.wait_for(link.recv(), HELLO), "hello")[1]
        except TimeoutError:
            return f"no hello came within {HELLO:.0f} s"
        except MalformedError as error:
            return f"its hello was {error}"
        if hello["party"] != seat.name:
            return "its token is another party's than the name it gives"
        try:
            traits = check(AgentTraits, hello["traits"])
        except InputError as error:
            return f"its agent cannot take part: {error}"
        if (lacking := unsafe(traits)) is not None:
            field, value, allowed = lacking
            return f"its agent cannot take part: {field}: got {value}; allowed: {allowed}"
        if other := disagreement(traits.known, self.known.get(seat.name)):
            return other
        traits = effective(traits)
        if seat.expelled:
            return f"{seat.name} is out of this run: {seat.expelled}"
        if seat.traits is not None and traits != seat.traits:
            return "its agent declares something else of itself than before"
        seat.traits = traits
        return ""

    async def _take(self, seat: Seat, link: ServerConnection) -> bool:
        """Give a connection its party's place, and have it told what it has to know; return whether it may be asked."""
        old, seat.link, seat.ready = seat.link, link, False
        await link.send(written("welcome", run=self.run))
        if old is not None:
            self._say(f"{seat.name} has connected anew, and its older connection is refused", link)
            self._later(self._part(old, "refused", f"a newer connection of {seat.name} took the place of this one"))
        else:
            self._say(f"{seat.name} is connected", link, logging.INFO)
        for number, sent, most in self.remind(seat.name):
            await link.send(sent)
            answer = await link.recv()
            try:
                kind, fields = read(answer if len(answer) <= most else b"", *ANSWERS)
                if kind != "answer" or fields["number"] != number:
                    raise MalformedError(f"an answer of kind {kind}")
            except MalformedError as error:
                self._expel(seat, f"when it was told again what it had been told, it sent {error}")
                return False
        if seat.link is link:  # nobody newer has come meanwhile
            seat.ready = True
            if seat.asked is not None:
                await self._send(seat)
        return seat.link is link

    def _put(self, seat: Seat, asked: Asked) -> None:
        if seat.expelled:
            asked.answer.set_exception(ConnectionError(seat.expelled))
            return
        seat.asked = asked
        if seat.ready:
            self._later(self._send(seat))

    def _withdraw(self, seat: Seat) -> None:
        """Ask no more; a connection on which an answer may be under way is closed, since nobody would know what it answers."""
        asked, seat.asked = seat.asked, None
        if asked is None:
            return
        asked.answer.set_exception(ConnectionError("it is not asked any more"))
        if asked.on is not None and asked.on is seat.link:
            self._later(seat.link.close())

    async def _send(self, seat: Seat) -> None:
        """Ask what waits to be asked; where the connection is lost meanwhile, the next one asks it."""
        asked, link = seat.asked, seat.link
        if asked is not None and link is not None and asked.on is not link:
            asked.on = link
            with suppress(OSError, self._closed()):
                await link.send(asked.sent)

    def _received(self, seat: Seat, link: ServerConnection, message: Any) -> None:
        """Take a message for the answer to what was asked on this connection, or show out who sent it."""
        asked = seat.asked
        if seat.link is not link or seat.expelled:
            return
        if asked is None or asked.on is not link:
            self._expel(seat, "it sent an answer to nothing that it was asked")
        elif type(message) is not bytes or len(message) > asked.most:
            self._expel(seat, f"it sent {len(message):,} bytes or letters for an answer of at most {asked.most:,} bytes")
        else:
            seat.asked = None
            asked.answer.set_result(message)

    def _expel(self, seat: Seat, words: str) -> None:
        if seat.expelled:
            return
        seat.expelled = words
        self._say(f"{seat.name} is out of this run: {words}")
        if seat.asked is not None:
            seat.asked.answer.set_exception(ConnectionError(words))
            seat.asked = None
        if seat.link is not None:
            self._later(self._part(seat.link, "refused", f"{seat.name} is out of this run: {words}"))

    async def _part(self, link: ServerConnection, kind: str, words: str) -> None:
        """Say a last word, and close a connection."""
        with suppress(OSError, TimeoutError, self._closed()):
            async with asyncio.timeout(ENDING):
                await link.send(written(kind, words=words[:SENTENCE]))
                await link.close()

    def _soon(self, work: Callable[..., None], *arguments: Any) -> None:
        """Have something done in the thread of the door, if that is still open."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(work, *arguments)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _closed(self) -> type[Exception]:
        from websockets.exceptions import ConnectionClosed  # an extra

        return ConnectionClosed

    def _say(self, words: str, link: ServerConnection | None = None, level: int = logging.WARNING) -> None:
        """Say what happens, to whoever reads the log; one thing once in a while, since others decide how often it happens."""
        now = monotonic()
        if now - self.said.get(words, -AGAIN) < AGAIN:
            return
        self.said = {text: at for text, at in self.said.items() if now - at < AGAIN} | {words: now}
        place = "" if link is None else f" ({(link.remote_address or ('?',))[0]})"
        LOG.log(level, "%s", visible(words + place))
