"""Maintenance: indexes what is pending, follows other processes, and recovers after a Chroma server was away."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from retrieval.catalogue.removal import UNDO
from retrieval.errors import DatabaseAwayError, FootnoteError, ServerAwayError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.index.indexer import Indexer
    from retrieval.progress import Progress
    from retrieval.search.nearest_papers import NearestPapers

log = logging.getLogger(__name__)

FOLLOWED_EVERY = timedelta(seconds=2)  # between polls for other processes' changes


class Maintenance:
    """Keeps the indexes of a library up to date with its catalogue."""

    def __init__(
        self, catalogue: Catalogue, indexer: Indexer, nearest: NearestPapers, now: Callable[[], dt.datetime]
    ) -> None:
        self._catalogue = catalogue
        self._indexer = indexer
        self._nearest = nearest
        self._now = now
        self._following: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self._unfinished = False

    async def index_pending(self, progress: Progress | None = None) -> int:
        """Index every pending paper, as `Library.index_pending` says; the number of papers."""
        await self._catalogue.erase_removed(self._now() - UNDO)
        try:
            done = await self._indexer.run(progress)
        except DatabaseAwayError:
            raise
        except ServerAwayError as error:
            self._unfinished = True
            log.warning("%s Papers wait to be indexed until it does.", error)
            return 0
        else:
            self._unfinished = False
            return done

    def start_following(self) -> None:
        """Follow the other processes of a shared library from now on, until `close`."""
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop to follow, and to mend."""
        for task in filter(None, (self._following, self._mending)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        """Apply other processes' changes for ever; errors are logged."""
        while True:
            await asyncio.sleep(FOLLOWED_EVERY.total_seconds())
            try:
                await self._indexer.follow()
                if self._mending is None or self._mending.done():
                    self._mending = asyncio.create_task(self._mend())
            except Exception as error:  # noqa: BLE001  # a server may be away for a while
                log.warning("not up to date with other processes: %s", type(error).__name__)

    async def _mend(self) -> None:
        """Recover after a Chroma server was away or came back empty: check the indexes, index what is pending."""
        try:
            if self._nearest.lost or self._indexer.unchecked:
                await self._indexer.check()
                self._unfinished = self._unfinished or self._indexer.fault is not None
                self._unfinished = self._unfinished or await self._catalogue.pending_count() > 0
            if self._unfinished and not self._indexer.unchecked:
                await self.index_pending()
            if not self._unfinished and not self._indexer.unchecked:
                self._nearest.lost = False
        except Exception as error:  # noqa: BLE001  # as above
            log.warning("not mended yet: %s", error if isinstance(error, FootnoteError) else type(error).__name__)
