"""Queue the failures, rate limits and pauses that a test asks for."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local_discord.router import Router, ample, headers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from local_discord.router import Call, Routes
    from local_discord.world import World

# Discord counts its limits separately for each of these.
MAJOR = re.compile(r"^/(?:channels|guilds|webhooks)/(\d+)")


@dataclass
class Fault:
    """What goes wrong with the next calls of a route.

    ``stored``: the call is carried out and only its reply is lost. ``dropped``: the connection ends
    without a reply. ``gate``: the call waits for it. Without status and ``dropped``, the call succeeds as usual.
    """

    route: str
    status: int | None = None
    code: int = 0
    message: str = "asked for by the test"
    times: int = 1
    stored: bool = False
    dropped: bool = False
    retry_after: float | None = None
    is_global: bool = False
    gate: asyncio.Event | None = None


@dataclass
class Bucket:
    """A rate limit in force: ``limit`` calls per ``window`` seconds for each channel, guild or webhook."""

    route: str
    limit: int
    window: float
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    def admit(self, major: str) -> tuple[bool, dict[str, str], float]:
        """Count a call; returns whether it may pass, the bucket headers, and the seconds until it may."""
        now = time.monotonic()
        calls = self._calls.setdefault(major, deque())
        while calls and now - calls[0] >= self.window:
            calls.popleft()
        admitted = len(calls) < self.limit
        if admitted:
            calls.append(now)
        wait = self.window - (now - calls[0])
        return admitted, headers(self.route, self.limit, self.limit - len(calls), wait), wait


@dataclass
class Faults:
    """The faults still to come; ``chance`` decides about calls for which none is waiting."""

    pending: list[Fault] = field(default_factory=list)
    chance: Callable[[str], Fault | None] | None = None
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def take(self, route: str) -> Fault | None:
        """Choose the fault of this call of the route, None for none, and count it as used."""
        fault = next((one for one in self.pending if one.route == route), None)
        if fault is None:
            return self.chance(route) if self.chance else None
        fault.times -= 1
        if not fault.times:
            self.pending.remove(fault)
        return fault


class FaultyRouter(Router):
    """Answer as Discord does, except for the failures that a test asks for."""

    def __init__(self, world: World, token: str, *tables: Routes) -> None:
        super().__init__(world, token, *tables)
        self.faults = Faults()

    async def answer(
        self, request: web.Request, call: Call, carry_out: Callable[[], tuple[int, Any]]
    ) -> web.StreamResponse:
        """Carry out a call, with the fault that it gets."""
        assert call.route
        fault = self.faults.take(call.route)
        if fault and fault.gate:
            self._world.journal.note(f"{call.method} {call.path} is held back")
            await fault.gate.wait()
        if fault and not fault.stored and (fault.status or fault.dropped):
            return await self._fail(request, call, fault)
        admitted, limits, wait = self._admit(call)
        if not admitted:
            return await self._limited(request, call, wait, limits)
        status, answer = carry_out()
        if fault and fault.stored:
            return await self._fail(request, call, fault)
        return await self.reply(request, call, status, answer, limits)

    def _admit(self, call: Call) -> tuple[bool, dict[str, str], float]:
        bucket = self.faults.buckets.get(call.route or "")
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
        return await self.reply(request, call, fault.status, {"code": fault.code, "message": fault.message}, {})

    async def _limited(
        self,
        request: web.Request,
        call: Call,
        wait: float,
        limits: dict[str, str],
        *,
        is_global: bool = False,
    ) -> web.StreamResponse:
        # Without a Via header, discord.py takes a 429 for a Cloudflare ban and gives up.
        limits = limits | {"Via": "1.1 google", "Retry-After": f"{wait:.3f}"}
        limits |= {"X-RateLimit-Global": "true"} if is_global else {"X-RateLimit-Scope": "user"}
        answer = {"message": "You are being rate limited.", "retry_after": wait, "global": is_global}
        return await self.reply(request, call, 429, answer, limits)
