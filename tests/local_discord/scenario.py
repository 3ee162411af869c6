"""Run the local Discord, and let a test say who is there and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import discord
from aiohttp import web

from . import interactions, rest
from .faults import Bucket, Fault, Faults
from .gateway import INVALID_SESSION, RECONNECT, Gateway
from .journal import Journal
from .people import Person
from .places import Guild, User
from .router import Call, Router, Routes
from .transport import Certificates, ConnectProxy, connector
from .world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    import aiohttp

    from .clock import Clock
    from .messages import Message

gateway_routes = Routes()


@gateway_routes("GET /gateway", "GET /gateway/bot")
def gateway_address(world: World, call: Call) -> dict[str, Any]:
    """Tell where the Gateway is; only auto-sharded clients ask."""
    starts = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": "wss://gateway.discord.gg", "shards": world.shards, "session_start_limit": starts}


class Server(Guild):
    """A guild whose members are people that a test can move."""

    def __init__(self, world: World, name: str, gateway: Gateway) -> None:
        super().__init__(world, world.clock.snowflake(), name)
        self._gateway = gateway

    def member(self, name: str, *permissions: str, bot: bool = False) -> Person:
        """Let somebody new in, with named permissions such as ``"manage_guild"`` beyond everyone's."""
        person = Person(self.world, self.world.clock.snowflake(), name, bot, gateway=self._gateway)
        self.world.users[person.id] = person
        self.join(person, *permissions)
        return person


class LocalDiscord:
    """A Discord of our own on local sockets; leaving it fails the test if the client used an unknown route.

    ``message_content``, ``members`` and ``presences`` are the switches of the developer portal.
    ``patience`` is how many seconds anything may take that a test waits for.
    """

    def __init__(
        self,
        *,
        token: str = "local.token",
        message_content: bool = False,
        members: bool = False,
        presences: bool = False,
        patience: float = 10.0,
    ) -> None:
        self.token = token
        self.journal = Journal(patience)
        switches = discord.Intents(message_content=message_content, members=members, presences=presences)
        self.gateway = Gateway(token, switches.value)
        self.world = World(self.journal, self.gateway.emit, message_content=message_content)
        self.gateway.world = self.world
        self._faults = Faults()
        tables = (rest.routes, interactions.routes, gateway_routes)
        self.router = Router(self.world, token, self._faults, *tables)
        self._port = 0
        self._stack = contextlib.AsyncExitStack()

    @property
    def bot(self) -> User:
        """The bot's account."""
        return self.world.bot

    @property
    def clock(self) -> Clock:
        """The server's clock; ``clock.advance(900)`` lets interaction tokens expire."""
        return self.world.clock

    @property
    def proxy_url(self) -> str:
        """What a separate process takes for its proxy."""
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def ca_file(self) -> str:
        """What a separate process takes for ``SSL_CERT_FILE``; it then trusts no other authority."""
        return str(self._certificates.ca_file)

    @property
    def command_syncs(self) -> list[int | None]:
        """The scope of every bulk overwrite of commands: a guild's id, or None for the global ones."""
        return self.world.command_syncs

    @property
    def api(self) -> str:
        """Where the REST routes are to be had without TLS, for a client that takes another address than Discord's."""
        return f"http://127.0.0.1:{self._runner.addresses[1][1]}/api/v10"

    def connector(self) -> aiohttp.TCPConnector:
        """Return the connector with which a client in this process reaches this Discord."""
        return connector(self._certificates, self._port)

    def guild(self, name: str = "Lab") -> Server:
        """Return the guild of this name, made if there is none."""
        for known in self.world.guilds.values():
            if known.name == name and isinstance(known, Server):
                return known
        made = Server(self.world, name, self.gateway)
        self.world.add_guild(made)
        return made

    async def ready(self, times: int = 1) -> None:
        """Wait until clients have identified so often and read all their guilds."""
        await self.journal.until(lambda: self.gateway.identified >= times, f"a client to identify ({times})")
        await self.gateway.taken_in()

    async def taken_in(self) -> None:
        """Wait until the client has read everything that was sent to it."""
        await self.gateway.taken_in()

    async def stays_silent(self, seconds: float = 0.3) -> None:
        """Fail if the bot posts or answers anything within this time from now."""
        await self.taken_in()
        said = len(self.spoken())
        with contextlib.suppress(AssertionError):
            await self.journal.until(lambda: len(self.spoken()) > said, "nothing", seconds)
        assert len(self.spoken()) == said, f"The bot spoke: {self.spoken()[said:]}"

    def spoken(self) -> list[Message]:
        """Return every message that the bot has made, ephemeral ones too, in order."""
        made = (call.message for call in self.router.calls if call.message)
        return list(dict.fromkeys(made))

    def calls(self, route: str) -> list[Call]:
        """Return the requests to a route so far, as in ``"POST /channels/{}/messages"``."""
        self.router.check_route(route)
        return [call for call in self.router.calls if call.route == route]

    # What goes wrong

    def fail_next(
        self,
        route: str,
        *,
        status: int,
        code: int = 0,
        message: str = "as the test asked",
        times: int = 1,
        stored: bool = False,
    ) -> None:
        """Answer the next calls of a route with an error; ``stored``: after carrying them out."""
        self._fault(Fault(route, status, code, message, times, stored))

    def spare_next(self, route: str, *, times: int = 1) -> None:
        """Let the next calls of a route go their usual way; what is asked for afterwards befalls those after them."""
        self._fault(Fault(route, times=times))

    def cut_next(self, route: str, *, times: int = 1, stored: bool = False) -> None:
        """End the connection of the next calls without a reply; ``stored``: after carrying them out."""
        self._fault(Fault(route, times=times, stored=stored, dropped=True))

    def rate_limit_next(self, route: str, *, retry_after: float, times: int = 1, is_global: bool = False) -> None:
        """Answer the next calls of a route with 429."""
        self._fault(Fault(route, 429, times=times, retry_after=retry_after, is_global=is_global))

    def limit_rate(self, route: str, *, limit: int, window: float) -> None:
        """From now on allow a route so many calls in so many seconds, and say so in its headers."""
        self.router.check_route(route)
        self._faults.buckets[route] = Bucket(route, limit, window)

    def let_chance_decide(self, chance: Callable[[str], Fault | None] | None) -> None:
        """From now on ask ``chance`` what shall befall each call of a route; None ends that."""
        self._faults.chance = chance

    @contextlib.asynccontextmanager
    async def refuses_connections(self) -> AsyncIterator[None]:
        """End every connection, the Gateway's too, and refuse new ones inside this block."""
        await self._site.stop()
        assert self._runner.server
        for handler in self._runner.server.connections:
            if handler.transport:
                handler.transport.abort()
        try:
            yield
        finally:
            await self._listen(self._port)

    @contextlib.contextmanager
    def hold(self, route: str) -> Iterator[None]:
        """Keep the calls of a route waiting inside this block."""
        gate = asyncio.Event()
        fault = self._fault(Fault(route, times=-1, gate=gate))
        try:
            yield
        finally:
            gate.set()
            self._faults.pending.remove(fault)

    def answer_deadline(self, seconds: float) -> None:
        """Change the 3 seconds within which an interaction must be answered."""
        self.world.interaction_deadline = seconds

    async def drop(self, *, code: int = 4000, redeliver: int = 0) -> None:
        """End the connection and wait until the client has resumed; send the last events again if asked."""
        resumed, self.gateway.redeliver = self.gateway.resumed, redeliver
        await self.gateway.drop(code)
        await self.journal.until(lambda: self.gateway.resumed > resumed, "the client to resume")
        await self.taken_in()

    @contextlib.asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Keep the client off the Gateway inside this block; afterwards it resumes."""
        resumed = self.gateway.resumed
        self.gateway.open.clear()
        await self.gateway.drop()
        try:
            yield
        finally:
            self.gateway.open.set()
        await self.journal.until(lambda: self.gateway.resumed > resumed, "the client to resume")
        await self.taken_in()

    async def asks_to_reconnect(self) -> None:
        """Send op 7 and wait until the client has resumed."""
        resumed = self.gateway.resumed
        self.gateway.ask(RECONNECT)
        await self.journal.until(lambda: self.gateway.resumed > resumed, "the client to resume")
        await self.taken_in()

    async def invalidates_session(self) -> None:
        """Send op 9 and wait until the client has identified anew; discord.py takes about 5 s for it."""
        identified = self.gateway.identified
        self.gateway.ask(INVALID_SESSION, data=False)
        await self.ready(identified + 1)

    async def replay(self, message: Message) -> None:
        """Deliver a message's event once more."""
        await self.gateway.deliver_again(message.id)

    def heartbeats_every(self, seconds: float) -> None:
        """Set the interval for clients that connect from now on."""
        self.gateway.heartbeat_interval = seconds

    def worst_heartbeat_lateness(self) -> float:
        """Return how many seconds late the latest heartbeat came, or is by now."""
        return self.gateway.worst_lateness()

    # Life

    async def __aenter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._certificates = Certificates(Path(folder) / "ca.pem")
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._runner, self._context = runner, self._certificates.for_server()
        await self._listen(0)
        self._port = runner.addresses[0][1]
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._proxy = ConnectProxy(self._port)
        await self._proxy.start()
        self._stack.push_async_callback(self._proxy.stop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.gateway.drop(code=4000)
        await self._stack.aclose()
        if kind is None:
            unknown = sorted(set(self.router.unimplemented))
            assert not unknown, f"The local Discord has no such route: {unknown}"

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._context, reuse_address=True)
        await self._site.start()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.gateway.handle(request)
        return await self.router.handle(request)

    def _fault(self, fault: Fault) -> Fault:
        self.router.check_route(fault.route)
        self._faults.pending.append(fault)
        return fault
