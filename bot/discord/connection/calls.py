"""The one layer that repeats calls to Discord: a lost reply loses nothing, and a call under way is never cancelled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp
import discord
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.discord.connection.codes import ALREADY_ACKNOWLEDGED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from discord.http import Route

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES: Final = (0.2, 0.8, 2.0)  # seconds; Discord waits 3 s for an acknowledgement
ATTEMPTS: Final = len(PAUSES) + 1
CALLBACK: Final = "/interactions/{webhook_id}/{webhook_token}/callback"
FOLLOW_UP: Final = "/webhooks/{webhook_id}/{webhook_token}"

_LOST: Final = (aiohttp.ClientError, OSError)
_under_way: Final[set[asyncio.Task[Any]]] = set()


def make_lasting(client: discord.Client) -> None:
    """Let every call of the client be repeated where its connection breaks, and outlive whoever waits for it.

    It holds for the current task and those that it starts, as interactions take their adapter from the context.
    """
    request = client.http.request

    async def lasting(route: Route, *, files: Sequence[discord.File] | None = None, **options: Any) -> Any:  # noqa: ANN401
        return await _shielded(_repeated(route, files or (), lambda: request(route, files=files, **dict(options))))

    client.http.request = lasting  # type: ignore[method-assign]  # discord.py has no other place for it
    async_context.set(LastingAdapter())  # type: ignore[no-untyped-call]  # discord.py


class LastingAdapter(AsyncWebhookAdapter):
    """Answer interactions so that a broken connection loses nothing."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:  # noqa: ANN401
        """Make a call; an acknowledgement that Discord has after an earlier attempt counts as done."""
        attempts = _Attempts(session)
        make = super().request

        async def call() -> Any:  # noqa: ANN401
            # Nothing tells a repeated follow-up from a second one.
            if route.method == "POST" and route.path == FOLLOW_UP:
                return await make(route, attempts, **options)  # type: ignore[arg-type]
            return await _repeated(route, options.get("files") or (), lambda: make(route, attempts, **options))  # type: ignore[arg-type]

        try:
            return await _shielded(call())
        except discord.HTTPException as error:
            if error.code != ALREADY_ACKNOWLEDGED or route.path != CALLBACK or attempts.made == 1:
                raise
            return {"interaction": {"id": str(route.webhook_id), "type": 0}}


class _Attempts:
    """Count the requests that are made with a session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.made = 0

    def request(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        self.made += 1
        return self._session.request(*args, **options)


async def _repeated(route: Route, files: Sequence[discord.File], call: Callable[[], Awaitable[T]]) -> T:
    """Make a call again while its connection breaks: Discord knows a message by its nonce, the rest by what it is."""
    for pause in PAUSES:
        try:
            return await call()
        except _LOST as error:
            log.info("call repeated method=%s path=%s error=%s", route.method, route.path, type(error).__name__)
        await asyncio.sleep(pause)
        for file in files:
            file.reset(seek=True)
    return await call()


async def _shielded(call: Coroutine[Any, Any, T]) -> T:
    """Await a call that goes on where the wait for it is cancelled.

    discord.py holds every call back while it sleeps in a global rate limit: for ever, were that sleep cut short.
    """
    task = asyncio.create_task(call)
    _under_way.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()
