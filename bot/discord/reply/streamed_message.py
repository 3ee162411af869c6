"""A message that grows while an answer is written: few edits, the latest always wins, and the last always lands."""

from __future__ import annotations

import asyncio
import logging
import time
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

INTERVAL: Final = 1.3  # seconds between two edits; Discord does not publish the limit, 1.2 to 1.5 is safe
ATTEMPTS: Final = 3  # of the last edit, each of which discord.py repeats itself


_PASSING: Final = (discord.DiscordServerError, aiohttp.ClientError, OSError)
_NETWORK: Final = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)


class Sheet(Protocol):
    """Take the messages of one answer, with the files that go with them; each method raises what discord.py raises."""

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        ...

    async def post(self, view: ui.LayoutView) -> int:
        """Post the next message and return its id."""
        ...

    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message."""
        ...

    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""
        ...


class StreamedMessage:
    """Show views in one message, at most one edit each `interval` seconds; use it as an async context.

    `when_posted` is called as soon as the message is there. What is shown meanwhile may
    be skipped; what `finish` shows is not. Where the message was deleted, what `finish` shows is posted anew; where its
    thread was archived, the thread is opened again.

    Attributes:
        shown: the ids of the messages that are there, in order.
    """

    def __init__(
        self,
        sheet: Sheet,
        *,
        when_posted: Callable[[], object] = lambda: None,
        interval: float = INTERVAL,
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
        """Show nothing more."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def show(self, view: ui.LayoutView) -> None:
        """Show the view soon, unless another comes before it is its turn; failures are only logged."""
        if not self._last:
            self._write(view)

    async def finish(self, first: ui.LayoutView, *more: ui.LayoutView) -> list[int]:
        """Show the view for good, post the others after it, and return the ids of all that is there, in order.

        Raises what discord.py raises where it cannot be shown, and may then be tried again. What was once shown for
        good stays: what a further call brings is posted after it.
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
        """Say whether something was shown for good, whatever became of what should come after it."""
        return self._finished

    def _write(self, view: ui.LayoutView) -> asyncio.Task[None]:
        self._latest = view
        self._changed.set()
        if self._writer is None or self._writer.done():  # after one that failed, something else may be shown
            self._writer = asyncio.create_task(self._keep_writing())
        return self._writer

    async def _keep_writing(self) -> None:
        """Write whatever is the latest whenever it may be written, until the last is."""
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
                self._due = self._clock() + self._interval
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
        """Try an edit again where the trouble may pass; a post is not, lest it be there twice."""
        attempts = ATTEMPTS if self.shown else 1
        async for attempt in stamina.retry_context(on=_PASSING, attempts=attempts, timeout=None):
            with attempt:
                await self._put(view)
