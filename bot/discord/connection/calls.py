"""The one layer that repeats calls to Discord: lost replies do no harm, and running calls are never cancelled."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp
import discord
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from bot.discord.connection.codes import ALREADY_ACKNOWLEDGED, SERVER_ERROR, THREAD_EXISTS, UNKNOWN_INTERACTION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

log = logging.getLogger(__name__)

T = TypeVar("T")

# Between attempts; Discord waits 3 s for an acknowledgement, people less.
PAUSES: Final = tuple(timedelta(milliseconds=pause) for pause in (100, 200, 500, 1500))
CALLBACK: Final = "/interactions/{webhook_id}/{webhook_token}/callback"
FOLLOW_UP: Final = "/webhooks/{webhook_id}/{webhook_token}"
THREAD_OF_MESSAGE: Final = "/channels/{channel_id}/messages/{message_id}/threads"

_LOST: Final = (aiohttp.ClientError, OSError)
NETWORK_ERRORS: Final = (discord.HTTPException, *_LOST)  # raised if Discord refuses a call or it is lost
_UNSENT: Final = (aiohttp.ClientConnectorError,)


class LostReplyError(aiohttp.ClientError):
    """Discord's servers replied with an error, so that nobody knows whether the call was carried out."""


@dataclass(slots=True)
class _Call:
    """How often a call was sent, and whether discord.py should handle errors of Discord's servers."""

    attempts: int = 0
    is_last: bool = False


_current: Final[ContextVar[_Call | None]] = ContextVar("_current", default=None)
_under_way: Final[set[asyncio.Task[Any]]] = set()


def replies() -> aiohttp.TraceConfig:
    """Make a client's session treat an error of Discord's servers as a broken connection.

    discord.py itself would wait a second or more and repeat calls that must not be repeated; it is allowed to only at
    the last attempt.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_on_attempt)
    trace.on_request_end.append(_on_reply)
    return trace


def make_lasting(client: discord.Client) -> None:
    """Make every call of the client repeat if its connection breaks, and survive the cancellation of its caller.

    Applies to the current task and the tasks it starts, as interactions take their adapter from the context.
    """
    request = client.http.request

    async def lasting(route: Route, *, files: Sequence[discord.File] | None = None, **options: Any) -> Any:  # noqa: ANN401
        call = _Call()
        try:
            return await _shielded(
                _repeated(route, call, files or (), lambda: request(route, files=files, **dict(options)))
            )
        except discord.HTTPException as error:
            if error.code != THREAD_EXISTS or route.path != THREAD_OF_MESSAGE or call.attempts == 1:
                raise
        return await lasting(Route("GET", "/channels/{channel_id}", channel_id=_message_of(route)))

    client.http.request = lasting  # type: ignore[method-assign]  # discord.py has no other place for it
    async_context.set(LastingAdapter())


class LastingAdapter(AsyncWebhookAdapter):
    """Answer interactions so that a broken connection loses nothing."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:  # noqa: ANN401
        """Make a call; an acknowledgement that Discord has, or may have, from an earlier attempt counts as done.

        If Discord has none, it refuses the reply that follows, which is then shown elsewhere. A follow-up is repeated
        only if it was not sent at all: Discord ignores the nonces of webhooks (discord-api-docs, pull request 6647), so
        a repeated one would be posted twice.
        """
        call = _Call()
        lost = _UNSENT if route.method == "POST" and route.path == FOLLOW_UP else _LOST
        make = super().request
        try:
            return await _shielded(
                _repeated(route, call, options.get("files") or (), lambda: make(route, session, **options), lost)
            )
        except discord.HTTPException as error:
            done = error.code in {ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION}
            if not done or route.path != CALLBACK or call.attempts == 1:
                raise
            return {"interaction": {"id": str(route.webhook_id), "type": 0}}


async def _repeated(
    route: Route,
    call: _Call,
    files: Sequence[discord.File],
    make: Callable[[], Awaitable[T]],
    lost: tuple[type[Exception], ...] = _LOST,
) -> T:
    """Repeat a call while its connection breaks; nonces keep messages unique, and other calls are idempotent."""
    _current.set(call)
    for pause in PAUSES:
        try:
            return await make()
        except lost as error:
            log.info("call repeated method=%s path=%s error=%s", route.method, route.path, type(error).__name__)
        await asyncio.sleep(pause.total_seconds())
        for file in files:
            file.reset(seek=True)
    call.is_last = lost is _LOST
    return await make()


async def _on_attempt(*_: object) -> None:
    if call := _current.get():
        call.attempts += 1


async def _on_reply(_session: object, _context: object, reply: aiohttp.TraceRequestEndParams) -> None:
    call = _current.get()
    if call and not call.is_last and reply.response.status >= SERVER_ERROR:
        raise LostReplyError


async def _shielded(call: Coroutine[Any, Any, T]) -> T:
    """Await a call that continues if the wait for it is cancelled.

    discord.py blocks all calls while one sleeps in a global rate limit: for ever, if that sleep were cancelled.
    """
    task = asyncio.create_task(call)
    _under_way.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()


def _message_of(route: Route) -> str:
    """Extract the id of the message on which a call opens a thread; the thread has the same id."""
    return route.url.split("/")[-2]
