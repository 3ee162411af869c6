"""Map HTTP requests to route functions, and their results to HTTP responses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from .errors import ApiError, unauthorized

if TYPE_CHECKING:
    from .channels import Message
    from .world import World

Payload = dict[str, Any]
Handler = Callable[..., Any]
PREFIX = re.compile(r"^/api/v\d+")
ORDINARY_LIMIT = 5  # calls that Discord allows at once in most buckets


@dataclass
class Call:
    """One request and its response."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    files: dict[str, bytes] = field(repr=False)
    time: float
    authorization: str | None = field(default=None, repr=False)
    route: str | None = None
    status: int = 0
    answer: Any = field(default=None, repr=False)
    message: Message | None = field(default=None, repr=False)


class Routes:
    """A table from ``"POST /channels/{}/messages"`` to the function that handles it."""

    def __init__(self) -> None:
        self.table: list[tuple[str, re.Pattern[str], Handler, bool]] = []

    def __call__(self, *names: str, public: bool = False) -> Callable[[Handler], Handler]:
        """Register a function for these routes; public ones need no bot token."""

        def register(handler: Handler) -> Handler:
            for name in names:
                pattern = re.compile(re.escape(name).replace(r"\{\}", "([^/]+)").replace(r"\ ", " "))
                self.table.append((name, pattern, handler, public))
            return handler

        return register


class Router:
    """Handle every REST request, and record it."""

    def __init__(self, world: World, token: str, *tables: Routes) -> None:
        self.calls: list[Call] = []
        self.unimplemented: list[str] = []
        self._world = world
        self._token = token
        self._table = [entry for table in tables for entry in table.table]

    def check_route(self, name: str) -> None:
        """Fail early when a test names a route that does not exist."""
        known = sorted(entry[0] for entry in self._table)
        assert name in known, f"There is no route {name!r}; there are {known}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle one request."""
        call = await _read(request, self._world.clock.now())
        self.calls.append(call)
        found = self._find(call)
        if found is None:
            self.unimplemented.append(f"{call.method} {call.path}")
            return await self.reply(request, call, 404, {"code": 0, "message": "404: Not Found"}, {})
        handler, ids, public = found
        return await self.answer(request, call, partial(self._carry_out, call, handler, ids, public=public))

    async def answer(
        self, request: web.Request, call: Call, carry_out: Callable[[], tuple[int, Any]]
    ) -> web.StreamResponse:
        """Carry out a call and reply; subclasses inject faults here."""
        status, answer = carry_out()
        return await self.reply(request, call, status, answer, ample(call.route or ""))

    async def reply(
        self, request: web.Request, call: Call, status: int, answer: Any, extra: dict[str, str]
    ) -> web.StreamResponse:
        """Send a reply with extra headers."""
        call.status, call.answer = status, answer
        # discord.py's login fails if a charset follows the content type.
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

    def _carry_out(self, call: Call, handler: Handler, ids: tuple[str, ...], *, public: bool) -> tuple[int, Any]:
        try:
            if not public and call.authorization != f"Bot {self._token}":
                raise unauthorized()
            answer = handler(self._world, call, *ids)
        except ApiError as error:
            return error.status, error.body
        return 204 if answer is None else 200, answer

    def _find(self, call: Call) -> tuple[Handler, tuple[str, ...], bool] | None:
        for name, pattern, handler, public in self._table:
            if match := pattern.fullmatch(f"{call.method} {call.path}"):
                call.route = name
                return handler, match.groups(), public
        return None


def ample(route: str) -> dict[str, str]:
    """Make the headers of a bucket that never empties; without any, discord.py makes one call at a time."""
    return headers(route, ORDINARY_LIMIT, ORDINARY_LIMIT - 1, 0.1)


def headers(route: str, limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    """Make a bucket's headers as Discord sends them."""
    return {
        "X-RateLimit-Bucket": f"{hash(route) & 0xFFFFFFFF:08x}",
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
    }


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
