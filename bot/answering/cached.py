"""A writer that pays once for the same question on the same papers: its drafts are stored, concurrent calls shared."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from pydantic import TypeAdapter

from bot.answering.answer import Draft
from bot.errors import BudgetError
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from bot.answering.evidence.selection import Selection
    from bot.answering.writer import AnswerWriter
    from bot.llm import Usage

    Written: TypeAlias = Draft | Usage

_DRAFTS: Final = TypeAdapter(tuple[Draft, ...])


class DraftCache(Protocol):
    """Store texts by hash for a day; neither method raises."""

    async def get(self, key: str) -> str | None:
        """Fetch the text stored under a key within the last day, else None."""
        ...

    async def keep(self, key: str, body: str) -> None:
        """Store a text under a key."""
        ...


class CachedWriter:
    """Ask the writer only for drafts that it has not written within a day and is not writing now.

    `recipe` covers everything besides question and papers that decides the drafts: model, server, prompt. Stored drafts
    are checked like new ones. Only complete sets are stored, and none from a writer that failed.
    """

    def __init__(self, writer: AnswerWriter, cache: DraftCache, recipe: str) -> None:
        self.name = writer.name
        self._writer = writer
        self._cache = cache
        self._recipe = recipe
        self._flights: dict[str, _Flight] = {}

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Written]:
        """Yield the writer's drafts, and its usage only to the caller whose question started the call."""
        key = self._key(question, selection)
        while True:
            flight = self._flights.get(key)
            is_first = flight is None or flight.abandoned
            if flight is None or flight.abandoned:
                written = self._load_or_write(key, question, selection)
                flight = self._flights[key] = _Flight(written, partial(self._forget, key))
            try:
                async with aclosing(flight.follow()) as items:
                    async for item in items:
                        if is_first or isinstance(item, Draft):
                            yield item
            except BudgetError:
                # The first caller's budget is used up; that says nothing about the others.
                if is_first:
                    raise
            else:
                return

    async def _load_or_write(self, key: str, question: str, selection: Selection) -> AsyncGenerator[Written]:
        """Yield the stored drafts, or else the writer's, which are stored once they are complete."""
        if stored := _loads(await self._cache.get(key)):
            for draft in stored:
                yield draft
            return
        drafts = []
        async with aclosing(self._writer.write(question, selection)) as items:
            async for item in items:
                if isinstance(item, Draft):
                    drafts.append(item)
                yield item
        if drafts:
            await self._cache.keep(key, json.dumps(_DRAFTS.dump_python(tuple(drafts), mode="json")))

    def _forget(self, key: str, flight: _Flight) -> None:
        """Let the next question start a new call."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _key(self, question: str, selection: Selection) -> str:
        """Hash everything that decides the drafts; the question itself is stored nowhere."""
        papers = [(hit.paper.paper_id, hit.paper.content_hash) for hit in selection.hits]
        content = json.dumps([fold(question).split(), papers, self._recipe])
        return hashlib.sha256(content.encode()).hexdigest()


class _Flight:
    """One call that several questions follow (a single flight); it stops when the last of them stops following.

    Attributes:
        items: what the writer has yielded so far.
        error: what the writer raised.
        abandoned: whether it was stopped because nobody followed it any more.
    """

    def __init__(self, written: AsyncGenerator[Written], on_end: Callable[[_Flight], None]) -> None:
        self.items: list[Written] = []
        self.error: Exception | None = None
        self.abandoned = False
        self._on_end = on_end
        self._ended = False
        self._followers = 0
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(written))

    async def _run(self, written: AsyncGenerator[Written]) -> None:
        """Notify the followers of each item, of an error and of the end."""
        try:
            async with aclosing(written):
                async for item in written:
                    self.items.append(item)
                    self._notify()
        except Exception as error:  # noqa: BLE001  # each follower raises it
            self.error = error
        finally:
            self._ended = True
            self._on_end(self)
            self._notify()

    async def follow(self) -> AsyncGenerator[Written]:
        """Yield every item from the first on and re-raise the writer's error; the last to leave stops the call."""
        self._followers += 1
        seen = 0
        try:
            while True:
                changed = self._changed
                for item in self.items[seen:]:
                    seen += 1
                    yield item
                if seen < len(self.items):
                    continue
                if self._ended:
                    break
                await changed.wait()
            if self.error is not None:
                raise self.error
        finally:
            self._followers -= 1
            if not self._followers and not self._ended:
                await self._stop()

    async def _stop(self) -> None:
        self.abandoned = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _loads(body: str | None) -> Sequence[Draft]:
    """Parse stored drafts; none if another version wrote them in a form that this one cannot read."""
    try:
        return _DRAFTS.validate_python(json.loads(body or "[]"))
    except ValueError:
        return ()
