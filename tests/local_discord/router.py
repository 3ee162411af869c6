"""Turn an HTTP request into a call of a route, and what the route says into an HTTP response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from .errors import ApiError, unauthorized
from .faults import Fault, Faults, ample, headers

if TYPE_CHECKING:
    from .messages import Message
    from .world import World

Payload = dict[str, Any]
Handler = Callable[..., Any]
PREFIX = re.compile(r"^/api/v\d+")
# Discord counts its limits apart for each of these.
MAJOR = re.compile(r"^/(?:channels|guilds|webhooks)/(\d+)")


@dataclass
class Call:
    """One request: what it asked, and how it was answered."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    files: dict[str, bytes] = field(repr=False)
    at: float
    authorization: str | None = field(default=None, repr=False)
    route: str | None = None
    status: int = 0
    answer: Any = field(default=None, repr=False)
    message: Message | None = field(default=None, repr=False)


class Routes:
    """A table from ``"POST /channels/{}/messages"`` to the function that answers it."""

    def __init__(self) -> None:
        self.table: list[tuple[str, re.Pattern[str], Handler, bool]] = []

    def __call__(self, *names: str, public: bool = False) -> Callable[[Handler], Handler]:
        """Register a function for these routes; public ones carry no bot token."""

        def register(handler: Handler) -> Handler:
            for name in names:
                pattern = re.compile(re.escape(name).replace(r"\{\}", "([^/]+)").replace(r"\ ", " "))
                self.table.append((name, pattern, handler, public))
            return handler

        return register


class Router:
    """Answer every REST request, keep a record of each, and make the failures that a test asks for."""

    def __init__(self, world: World, token: str, faults: Faults, *tables: Routes) -> None:
        self.calls: list[Call] = []
        self.unimplemented: list[str] = []
        self._world = world
        self._token = token
        self._faults = faults
        self._table = [entry for table in tables for entry in table.table]

    def check_route(self, name: str) -> None:
        """Fail early when a test names a route that does not exist."""
        known = sorted(entry[0] for entry in self._table)
        assert name in known, f"There is no route {name!r}; there are {known}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        call = await _read(request, self._world.clock.now())
        self.calls.append(call)
        found = self._find(call)
        if found is None:
            self.unimplemented.append(f"{call.method} {call.path}")
            return await self._reply(request, call, 404, {"code": 0, "message": "404: Not Found"}, {})
        handler, ids, public = found
        assert call.route
        fault = self._faults.take(call.route)
        if fault and fault.gate:
            self._world.journal.note(f"{call.method} {call.path} is held back")
            await fault.gate.wait()
        if fault and not fault.stored and (fault.status or fault.dropped):
            return await self._fail(request, call, fault)
        admitted, limits, wait = self._admit(call)
        if not admitted:
            return await self._limited(request, call, wait, limits)
        try:
            if not public and call.authorization != f"Bot {self._token}":
                raise unauthorized()
            status, answer = 200, handler(self._world, call, *ids)
        except ApiError as error:
            status, answer = error.status, error.body
        if fault and fault.stored:
            return await self._fail(request, call, fault)
        return await self._reply(request, call, 204 if answer is None else status, answer, limits)

    def _find(self, call: Call) -> tuple[Handler, tuple[str, ...], bool] | None:
        for name, pattern, handler, public in self._table:
            if match := pattern.fullmatch(f"{call.method} {call.path}"):
                call.route = name
                return handler, match.groups(), public
        return None

    def _admit(self, call: Call) -> tuple[bool, dict[str, str], float]:
        bucket = self._faults.buckets.get(call.route or "")
        if bucket is None:
            return True, ample(call.route or ""), 0.0
        major = MAJOR.match(call.path)
        return bucket.admit(major.group(1) if major else "")

    async def _fail(self, request: web.Request, call: Call, fault: Fault) -> web.StreamResponse:
        if fault.dropped:
            self._world.journal.note(f"{call.method} {call.path}: connection dropped")
            assert request.transport
            request.transport.abort()
            return web.Response()
        assert fault.status
        if fault.retry_after is not None:
            limits = headers(fault.route, 5, 0, fault.retry_after)
            return await self._limited(request, call, fault.retry_after, limits, is_global=fault.is_global)
        return await self._reply(request, call, fault.status, {"code": fault.code, "message": fault.message}, {})

    async def _limited(
        self,
        request: web.Request,
        call: Call,
        wait: float,
        limits: dict[str, str],
        *,
        is_global: bool = False,
    ) -> web.StreamResponse:
        # Without a Via header discord.py takes a 429 for a ban by Cloudflare and gives up.
        limits = limits | {"Via": "1.1 google", "Retry-After": f"{wait:.3f}"}
        limits |= {"X-RateLimit-Global": "true"} if is_global else {"X-RateLimit-Scope": "user"}
        answer = {"message": "You are being rate limited.", "retry_after": wait, "global": is_global}
        return await self._reply(request, call, 429, answer, limits)

    async def _reply(
        self, request: web.Request, call: Call, status: int, answer: Any, extra: dict[str, str]
    ) -> web.StreamResponse:
        call.status, call.answer = status, answer
        # A charset after the content type would break discord.py's login.
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        body = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        response = web.Response(status=status, body=body or None, headers=extra)
        if body:
            response.content_type = kind
        await response.prepare(request)
        await response.write_eof()
        if call.message:
            call.message.delivered = True
        wrong = (
            f" {answer['code']} {answer['message']} {answer.get('errors', '')}"
            if status >= 400 and "code" in answer
            else ""
        )
        self._world.journal.note(f"{call.method} {call.path} → {status}{wrong}")
        return response


async def _read(request: web.Request, now: float) -> Call:
    body: Any = None
    files: dict[str, bytes] = {}
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name == "payload_json":
                body = json.loads(await part.text())
            else:
                files[part.filename or part.name or "file"] = bytes(await part.read())
    elif request.can_read_body:
        body = await request.json()
    path = PREFIX.sub("", request.path)
    return Call(request.method, path, dict(request.query), body, files, now, request.headers.get("Authorization"))
