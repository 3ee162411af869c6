"""A server that sends exactly the bytes of a script: what real servers send, and what none should."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

from aiohttp import web

from .reading import Asked

HANG = "hang"
BREAK = "break"
Part: TypeAlias = bytes | float | str


@dataclass(frozen=True)
class Sent:
    """What is sent; a part is bytes, seconds to wait, HANG (stay open) or BREAK (cut the connection)."""

    parts: tuple[Part, ...]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request to a script: its body, its number within the case (from 1), and a good answer to it."""

    body: dict[str, Any]
    number: int
    statements: list[dict[str, Any]]
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str]

    @property
    def good(self) -> str:
        return json.dumps({"sufficient": True, "statements": self.statements}, ensure_ascii=False)

    @property
    def shape(self) -> str:
        return str(self.body.get("response_format", {}).get("type", ""))

    @property
    def roles(self) -> list[str]:
        return [message["role"] for message in self.body["messages"]]

    @property
    def prompt_tokens(self) -> int:
        return sum(len(message["content"]) for message in self.body["messages"]) // 4


Script: TypeAlias = Callable[[Call], Sent]


class Wild:
    """Serve each case at its own address, http://…/NAME/v1."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self.calls: Counter[str] = Counter()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self._scripts = scripts
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._root = ""

    def base_url(self, name: str) -> str:
        return f"{self._root}/{name}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{name}/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self._root = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        assert self._runner
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.calls[name] += 1
        self.asked.set()
        body = await request.json()
        asked = Asked.from_messages(body.get("messages", []))
        call = Call(body, self.calls[name], statements(asked), request.headers, request.query)
        sent = self._scripts[name](call)
        response = web.StreamResponse(status=sent.status, headers={"Content-Type": sent.content_type, **sent.headers})
        try:
            await self._play(request, response, sent.parts)
        except ConnectionError:  # the client has hung up
            self.left.set()
        return response

    async def _play(self, request: web.Request, response: web.StreamResponse, parts: Iterable[Part]) -> None:
        for part in parts:
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif part == HANG:
                await self._hang(request)
                return
            elif part == BREAK:
                assert request.transport
                request.transport.close()
                return
            else:
                assert isinstance(part, bytes)
                if not response.prepared:
                    await response.prepare(request)
                await response.write(part)
        if not response.prepared:
            await response.prepare(request)

    async def _hang(self, request: web.Request) -> None:
        """Stay open until the client hangs up, which is recorded, or the server stops."""
        while not self._closing.is_set():
            if request.transport is None or request.transport.is_closing():
                self.left.set()
                return
            await asyncio.sleep(0.02)


def statements(asked: Asked) -> list[dict[str, Any]]:
    """Make statements of the first three long sentences of the first paper, each with itself as its quote."""
    if not asked.papers:
        return []
    first = asked.papers[0]
    told = [" ".join(each.split()) for each in first.abstract.replace("\n", " ").split(". ")]
    return [
        {"supports": [{"paper": first.number, "quote": each.rstrip(".")}], "text": each.rstrip(".") + "."}
        for each in told
        if len(each.split()) > 7
    ][:3]
