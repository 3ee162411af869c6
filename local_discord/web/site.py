"""The web page on which people see a local Discord, and its few routes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import WSCloseCode, WSMsgType, web

from local_discord.errors import ImpossibleError

from .actions import Actions
from .view import View

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from local_discord.people import Person
    from local_discord.server import LocalDiscord

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Payload = dict[str, Any]
LOOPBACK: Final = "127.0.0.1"
_STATIC: Final = files(__package__) / "static"
_KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MOST_BYTES: Final = 16 << 20  # per action: a file of 10 MiB in Base64
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAUSE: Final = timedelta(seconds=0.03)  # in which changes are collected before they are sent


class Site:
    """Serve the page on this machine only, and only to browsers that opened it directly.

    Args:
        local: the Discord to show.
        people: those that a visitor may act as.
        about: information for the page: a title, and things to try.
    """

    def __init__(self, local: LocalDiscord, people: Sequence[Person], about: Payload) -> None:
        self._local = local
        self._people = {person.name: person for person in people}
        self._about = about | {"people": [person.name for person in people], "bot": local.bot.name}
        self._actions = Actions(local, self._people)
        self._sockets: set[web.WebSocketResponse] = set()
        self._port = 0

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self._port}/"

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[Site]:
        """Serve on a port, 0 for any; raises OSError if it cannot be used."""
        app = web.Application(middlewares=[self._guard], client_max_size=_MOST_BYTES)
        app.router.add_get("/", self._page)
        app.router.add_get("/about", self._tell_about)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._attachment)
        app.router.add_get("/view", self._watch)
        app.router.add_post("/deeds", self._do)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            self._port = runner.addresses[0][1]
            yield self
        finally:
            for socket in list(self._sockets):
                await socket.close(code=WSCloseCode.GOING_AWAY)
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests from other pages (cross-site) or through other host names (DNS rebinding)."""
        ours = {f"{name}:{self._port}" for name in (LOOPBACK, "localhost")}
        origin = request.headers.get("Origin")
        changes = request.method != "GET" or "Upgrade" in request.headers
        if request.host not in ours or (origin is None and changes):
            return _refused()
        if origin is not None and origin.removeprefix("http://") not in ours:
            return _refused()
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return _file("index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["name"])

    async def _tell_about(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._about)

    async def _attachment(self, request: web.Request) -> web.StreamResponse:
        stored = self._local.world.attachments.get(request.path)
        if stored is None:
            raise web.HTTPNotFound
        if stored.filename.endswith(".png"):
            return web.Response(body=stored.data, content_type="image/png")
        name = quote(stored.filename)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.Response(body=stored.data, content_type="application/octet-stream", headers=headers)

    async def _do(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            action = await request.json()
        except ValueError:
            raise web.HTTPBadRequest from None
        if not isinstance(action, dict):
            raise web.HTTPBadRequest
        return web.json_response(await self._actions.do(action))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Send a page what it shows, then every change, until it shows something else."""
        socket = web.WebSocketResponse(timeout=0.5, heartbeat=30, max_msg_size=1 << 16)
        await socket.prepare(request)
        self._sockets.add(socket)
        telling: asyncio.Task[None] | None = None
        dismissed: set[int] = set()
        view: View | None = None
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    break
                order = _read(frame.data)
                if (number := str(order.get("dismiss", ""))).isdigit():
                    dismissed.add(int(number))
                    if view is not None:
                        self._local.journal.note("a message was dismissed")
                    continue
                try:
                    seen = self._actions.where(order.get("who"), order.get("channel"))
                except ImpossibleError as error:
                    await socket.send_json({"error": f"{error}."})
                    continue
                if telling:
                    telling.cancel()
                view = View(self._actions.who(order.get("who")), seen, dismissed)
                telling = asyncio.create_task(self._tell(socket, view))
        finally:
            self._sockets.discard(socket)
            if telling:
                telling.cancel()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, view: View) -> None:
        first: Payload = {"whole": True, "channel": str(view.channel.id), "who": view.viewer.name}
        with contextlib.suppress(ConnectionError):
            while True:
                changed = self._local.journal.changed
                news = first | view.changes()
                if news:
                    await socket.send_json(news)
                first = {}
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), 1.0)
                    await asyncio.sleep(_PAUSE.total_seconds())


def _read(text: str) -> Payload:
    try:
        order = json.loads(text)
    except ValueError:
        return {}
    return order if isinstance(order, dict) else {}


def _file(name: str) -> web.Response:
    found, kind = _STATIC / name, _KINDS.get(f".{name.rpartition('.')[2]}")
    if kind is None or "/" in name or "\\" in name or not found.is_file():
        raise web.HTTPNotFound
    return web.Response(body=found.read_bytes(), content_type=kind, charset="utf-8")


def _refused() -> web.Response:
    return web.Response(status=403, text="Only the page itself, opened on this machine, may ask this.\n")
