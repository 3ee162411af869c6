"""A local Discord that fails when a test asks for it, and that a bot in another process can reach."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web

import local_discord
from local_discord.gateway import INVALID_SESSION, RECONNECT

from .faults import Bucket, Fault, FaultyRouter
from .proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from local_discord import Message
    from local_discord.router import Routes


class LocalDiscord(local_discord.LocalDiscord):
    """A local Discord for tests; leaving it fails the test if the client used an unknown route."""

    router: FaultyRouter

    @property
    def proxy_url(self) -> str:
        """The address of the proxy for a bot in a separate process."""
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def api(self) -> str:
        """The address of the REST routes without TLS, for a client that accepts other addresses than Discord's."""
        return f"http://127.0.0.1:{self._runner.addresses[1][1]}/api/v10"

    async def stays_silent(self, seconds: float = 0.3) -> None:
        """Fail if the bot posts or answers anything within this many seconds."""
        await self.taken_in()
        said = len(self.bot_messages())
        with contextlib.suppress(AssertionError):
            await self.journal.until(lambda: len(self.bot_messages()) > said, "nothing", timedelta(seconds=seconds))
        assert len(self.bot_messages()) == said, f"The bot spoke: {self.bot_messages()[said:]}"

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
        """Let the next calls of a route succeed as usual; faults asked for after this hit the calls after them."""
        self._fault(Fault(route, times=times))

    def cut_next(self, route: str, *, times: int = 1, stored: bool = False) -> None:
        """End the connection of the next calls without a reply; ``stored``: after carrying them out."""
        self._fault(Fault(route, times=times, stored=stored, dropped=True))

    def rate_limit_next(self, route: str, *, retry_after: float, times: int = 1, is_global: bool = False) -> None:
        """Answer the next calls of a route with 429."""
        self._fault(Fault(route, 429, times=times, retry_after=retry_after, is_global=is_global))

    def limit_rate(self, route: str, *, limit: int, window: float) -> None:
        """From now on allow a route ``limit`` calls in ``window`` seconds, and say so in its headers."""
        self.router.check_route(route)
        self.router.faults.buckets[route] = Bucket(route, limit, window)

    def let_chance_decide(self, chance: Callable[[str], Fault | None] | None) -> None:
        """From now on ask ``chance`` which fault each call of a route gets; None ends that."""
        self.router.faults.chance = chance

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
            self.router.faults.pending.remove(fault)

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
        """Send op 9 and wait until the client has identified again, which takes discord.py about 5 s."""
        identified = self.gateway.identified
        self.gateway.ask(INVALID_SESSION, data=False)
        await self.ready(identified + 1)

    async def replay(self, message: Message) -> None:
        """Deliver a message's event once more."""
        await self.gateway.deliver_again(message.id)

    def heartbeats_every(self, seconds: float) -> None:
        """Set the interval for clients that connect from now on."""
        self.gateway.heartbeat_interval = timedelta(seconds=seconds)

    def worst_heartbeat_lateness(self) -> float:
        """Get how many seconds late the latest heartbeat was, counting one that is still missing."""
        return self.gateway.worst_lateness()

    # Life

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.ca_file = str(_written(Path(folder) / "ca.pem", self._certificates.authority))
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._proxy = ConnectProxy(self._port)
        await self._proxy.start()
        self._stack.push_async_callback(self._proxy.stop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        if kind is None:
            unknown = sorted(set(self.router.unimplemented))
            assert not unknown, f"The local Discord has no such route: {unknown}"

    def _make_router(self, *tables: Routes) -> FaultyRouter:
        return FaultyRouter(self.world, self.token, *tables)

    def _fault(self, fault: Fault) -> Fault:
        self.router.check_route(fault.route)
        self.router.faults.pending.append(fault)
        return fault


def _written(file: Path, text: bytes) -> Path:
    file.write_bytes(text)
    return file
