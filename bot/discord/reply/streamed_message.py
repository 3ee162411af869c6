"""A message that grows while an answer is written: few edits, the latest wins, and the last is never lost."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, Self

import aiohttp
import discord
import stamina

from bot.discord.connection.codes import ARCHIVED, UNKNOWN_MESSAGE
from bot.discord.ui.layout import files_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from discord import ui

log = logging.getLogger(__name__)

INTERVAL: Final = timedelta(seconds=1.3)  # between edits; Discord does not publish its limit, 1.2 to 1.5 s is safe
ATTEMPTS: Final = 3  # at the last edit; discord.py retries each of them, too


_PASSING: Final = (discord.DiscordServerError, aiohttp.ClientError, OSError)
_NETWORK: Final = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)


class Sheet(Protocol):
    """Where the messages of one answer go, with their files; each method raises discord.py's errors."""

    @property
    def name(self) -> str:
        """Its name in the log."""
        ...

    async def post(self, view: ui.LayoutView) -> int:
        """Post the next message and return its id."""
        ...

    async def edit(self, view: ui.LayoutView) -> None:
        """Edit the first message."""
        ...

    async def reopen(self) -> None:
        """Unarchive the channel if it is a thread."""
        ...


class StreamedMessage:
    """Show views in one message, with at most one edit per `interval`; use it as an async context.

    `when_posted` is called as soon as the message is posted. A view passed to `show` may be skipped; those passed to
    `finish` are not. If the message was deleted, `finish` posts a new one; if its thread was archived, it is
    unarchived.

    Attributes:
        shown: ids of the posted messages, in order.
    """

    def __init__(
        self,
        sheet: Sheet,
        *,
        when_posted: Callable[[], object] = lambda: None,
        interval: timedelta = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._sheet = sheet
        self._interval = interval
        self._clock = clock
        self._pause = pause
        self._changed = asyncio.Event()
        self._latest: ui.LayoutView | None = None
        self._last = self._finished = False
        self._components: list[dict[str, object]] | None = None
        self.shown: list[int] = []
        self._lost = False
        self._due = 0.0
        self._writer: asyncio.Task[None] | None = None
        self._when_posted = when_posted

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop showing views."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def show(self, view: ui.LayoutView) -> None:
        """Show the view soon, unless another one replaces it first; failures are only logged."""
        if not self._last:
            self._write(view)

    async def finish(self, first: ui.LayoutView, *more: ui.LayoutView) -> list[int]:
        """Show the final view, post the others after it, and return the ids of all messages, in order.

        Raises discord.py's errors if a view cannot be shown, and may then be called again. A final view stays: further
        calls post their views after it.
        """
        if self._finished:
            more = (first, *more)
        else:
            self._last = True
            await self._write(first)
        for view in more:
            self.shown.append(await self._sheet.post(view))
        return self.shown

    @property
    def finished(self) -> bool:
        """Whether a final view was shown, whatever happened to those after it."""
        return self._finished

    def _write(self, view: ui.LayoutView) -> asyncio.Task[None]:
        self._latest = view
        self._changed.set()
        if self._writer is None or self._writer.done():  # after a failed writer, another view may be shown
            self._writer = asyncio.create_task(self._keep_writing())
        return self._writer

    async def _keep_writing(self) -> None:
        """Write the latest view whenever an edit is allowed, until the final one is written."""
        while True:
            await self._changed.wait()
            if (seconds := self._due - self._clock()) > 0:
                await self._pause(seconds)
            self._changed.clear()
            assert self._latest is not None
            if self._last:
                await self._put_last(self._latest)
                self._finished = True
                return
            try:
                await self._put(self._latest)
            except _NETWORK as error:
                code = getattr(error, "code", None)
                self._lost = self._lost or code == UNKNOWN_MESSAGE
                log.info("not shown yet place=%s error=%s code=%s", self._sheet.name, type(error).__name__, code)

    async def _put(self, view: ui.LayoutView) -> None:
        components = view.to_components()
        if self._lost or (components == self._components and not files_of(view)):
            return
        if not self.shown:
            self.shown.append(await self._sheet.post(view))
            self._when_posted()
        else:
            try:
                await self._sheet.edit(view)
            finally:
                self._due = self._clock() + self._interval.total_seconds()
        self._components = components

    async def _put_last(self, view: ui.LayoutView) -> None:
        if not self._lost:
            try:
                await self._put_surely(view)
            except discord.HTTPException as error:
                if error.code == UNKNOWN_MESSAGE and self.shown:
                    self._lost = True
                elif error.code == ARCHIVED:
                    await self._sheet.reopen()
                    await self._put(view)
                else:
                    raise
        if self._lost:
            self.shown[:1] = [await self._sheet.post(view)]

    async def _put_surely(self, view: ui.LayoutView) -> None:
        """Retry an edit if the error may pass, but not a post, which might appear twice."""
        attempts = ATTEMPTS if self.shown else 1
        async for attempt in stamina.retry_context(on=_PASSING, attempts=attempts, timeout=None):
            with attempt:
                await self._put(view)
