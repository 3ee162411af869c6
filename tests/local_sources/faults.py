"""Faults: what a server can send in place of the right reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

# Takes the request, the right reply's body and type, and a function that waits until the server stops.
Fault: TypeAlias = Callable[[web.Request, bytes, str, Callable[[], Awaitable[object]]], Awaitable[web.StreamResponse]]


def fails(status: int, body: str = "", **headers: str) -> Fault:
    """Answer with an HTTP error; `Retry_After="7"` is a header."""

    async def fault(*_: object) -> web.StreamResponse:
        return web.Response(
            status=status, text=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    return fault


def says(body: str | bytes, content_type: str = "application/atom+xml", status: int = 200, **headers: str) -> Fault:
    """Answer with this body, whatever it is; `Content_Encoding="gzip"` is a header."""
    content = body.encode() if isinstance(body, str) else body

    async def fault(*_: object) -> web.StreamResponse:
        return web.Response(
            status=status,
            body=content,
            content_type=content_type,
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )

    return fault


def cut(share: float = 0.5, *, openly: bool = True) -> Fault:
    """Send a share of the right reply and break off; if not `openly`, it looks like a complete but short reply."""

    async def fault(request: web.Request, body: bytes, content_type: str, _: object) -> web.StreamResponse:
        part = body[: int(len(body) * share)]
        if not openly:
            return web.Response(body=part, content_type=content_type)
        response = web.StreamResponse(headers={"Content-Type": content_type, "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(part)
        assert request.transport
        request.transport.close()
        return response

    return fault


async def silent(
    _request: web.Request, _body: bytes, _type: str, closing: Callable[[], Awaitable[object]]
) -> web.StreamResponse:
    """Never answer."""
    await closing()
    return web.Response(status=503)
