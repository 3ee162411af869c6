"""Run the local Discord."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import discord
from aiohttp import web

from . import interaction_routes, rest
from .gateway import Gateway
from .guild_setup import Server
from .journal import Journal
from .router import Call, Router, Routes
from .transport import Certificates, connector
from .world import World

if TYPE_CHECKING:
    from types import TracebackType

    import aiohttp

    from .channels import Message
    from .clock import Clock
    from .users import User


class LocalDiscord:
    """A Discord of our own on local sockets.

    ``message_content``, ``members`` and ``presences`` are the switches of the developer portal. ``patience`` is the
    default time limit of every wait.
    """

    def __init__(
        self,
        *,
        token: str = "local.token",  # noqa: S107  # opens nothing but this
        message_content: bool = False,
        members: bool = False,
        presences: bool = False,
        patience: timedelta = timedelta(seconds=10),
    ) -> None:
        self.token = token
        self.journal = Journal(patience)
        switches = discord.Intents(message_content=message_content, members=members, presences=presences)
        self.gateway = Gateway(token, switches.value)
        self.world = World(self.journal, self.gateway.emit, message_content=message_content)
        self.gateway.world = self.world
        self.router = self._make_router(rest.routes, interaction_routes.routes)
        self._certificates = Certificates()
        self._context = self._certificates.for_server()
        self._port = 0
        self._stack = contextlib.AsyncExitStack()

    @property
    def bot(self) -> User:
        """The bot's account."""
        return self.world.bot

    @property
    def clock(self) -> Clock:
        """The server's clock; ``clock.advance(timedelta(minutes=15))`` makes interaction tokens expire."""
        return self.world.clock

    @property
    def command_syncs(self) -> list[int | None]:
        """The scope of every bulk overwrite of commands: a guild's id, or None for the global commands."""
        return self.world.command_syncs

    def connector(self) -> aiohttp.TCPConnector:
        """Make the connector with which a client in this process reaches this Discord."""
        return connector(self._certificates, self._port)

    def guild(self, name: str = "Lab") -> Server:
        """Get the guild with this name, created if there is none."""
        for known in self.world.guilds.values():
            if known.name == name and isinstance(known, Server):
                return known
        made = Server(self.world, name, self.gateway)
        self.world.add_guild(made)
        return made

    async def ready(self, times: int = 1) -> None:
        """Wait until clients have identified this many times and read all of their guilds."""
        await self.journal.until(lambda: self.gateway.identified >= times, f"a client to identify ({times})")
        await self.gateway.taken_in()

    async def taken_in(self) -> None:
        """Wait until the client has read everything that was sent to it."""
        await self.gateway.taken_in()

    def answer_deadline(self, deadline: timedelta) -> None:
        """Change the 3 seconds in which an interaction must be answered."""
        self.world.interaction_deadline = deadline

    def bot_messages(self) -> list[Message]:
        """List every message that the bot has created, including ephemeral ones, in order."""
        made = (call.message for call in self.router.calls if call.message)
        return list(dict.fromkeys(made))

    def calls(self, route: str) -> list[Call]:
        """List the requests to a route so far, as in ``"POST /channels/{}/messages"``."""
        self.router.check_route(route)
        return [call for call in self.router.calls if call.route == route]

    # Life

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self._stack.push_async_callback(self._runner.cleanup)
        await self._listen(0)
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.gateway.drop(code=4000)
        await self._stack.aclose()

    def _make_router(self, *tables: Routes) -> Router:
        return Router(self.world, self.token, *tables)

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._context, reuse_address=True)
        await self._site.start()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.gateway.handle(request)
        return await self.router.handle(request)
