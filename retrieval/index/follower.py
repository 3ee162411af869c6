"""The follower: applies the change feed to a process's own lexical index and paper cache.

It writes nothing that is shared. Its position in the feed is in a file next to the index, written after tantivy's
commit; after a kill in between, the changes are applied twice, which does no harm.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Final

from retrieval.batches import batched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.catalogue.paper_cache import PaperCache
    from retrieval.index.lexical import LexicalIndex

log = logging.getLogger(__name__)

BATCH: Final = 200  # papers per commit of tantivy
POSITION_FILE: Final = "followed.json"


class Follower:
    """Follows the change feed of one library, one caller at a time."""

    def __init__(
        self, catalogue: Catalogue, paper_cache: PaperCache, lexical: LexicalIndex, folder: Path, library_id: str
    ) -> None:
        self._catalogue = catalogue
        self._paper_cache = paper_cache
        self._lexical = lexical
        self._file = folder / POSITION_FILE
        self._library_id = library_id
        self._lock = asyncio.Lock()
        self._number: int | None = None

    async def follow(self, library_id: str) -> None:
        """Switch to this library; if it differs from the one followed so far, drop everything held."""
        if library_id == self._library_id:
            return
        async with self._lock:
            log.warning("the database holds another library now, which is read from its beginning")
            self._library_id = library_id
            self._paper_cache.clear()
            await asyncio.to_thread(self._lexical.reset)
            self._number = None

    async def catch_up(self) -> bool:
        """Apply new changes, or fill the index if its position is unknown; whether there was anything to do."""
        async with self._lock:
            if self._number is None:
                self._number = await asyncio.to_thread(self._read_position)
            last = await self._catalogue.last_change()
            if self._number is None or self._number > last:
                await self._fill(last)
                return True
            changed = False
            while changes := await self._catalogue.changes(self._number, BATCH):
                await self._apply(list(changes.values()))
                await self._note(max(changes))
                changed = True
            return changed

    async def mend(self, paper_ids: Sequence[str]) -> None:
        """Write papers that the index has lost."""
        async with self._lock:
            for batch in batched(paper_ids, BATCH):
                await self._apply(batch)

    async def empty(self) -> None:
        """Empty the index; the next `catch_up` fills it."""
        async with self._lock:
            await asyncio.to_thread(self._lexical.reset)
            self._number = None

    async def _fill(self, last: int) -> None:
        """Rebuild the index from the catalogue."""
        await asyncio.to_thread(self._lexical.reset)
        ids = list(await self._catalogue.indexed())
        if ids:
            log.info("the index of words is filled from the catalogue papers=%d", len(ids))
        for batch in batched(ids, BATCH):
            await self._apply(batch)
        await self._note(last)

    async def _apply(self, paper_ids: Sequence[str]) -> None:
        self._paper_cache.forget(paper_ids)
        papers, authors = await self._catalogue.to_index(paper_ids)
        gone = [paper_id for paper_id in paper_ids if paper_id not in papers]
        if gone:
            await asyncio.to_thread(self._lexical.delete, gone)
        if papers:
            await asyncio.to_thread(self._lexical.replace, list(papers.values()), authors)

    async def _note(self, number: int) -> None:
        self._number = number
        await asyncio.to_thread(self._write_position, {"library": self._library_id, "number": number})

    def _write_position(self, position: dict[str, object]) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(position), encoding="utf-8")
        draft.replace(self._file)

    def _read_position(self) -> int | None:
        """The number of the last applied change; None if it is unknown or the index has another stamp."""
        if self._lexical.stamp != self._lexical.expected:
            return None
        try:
            position = json.loads(self._file.read_text(encoding="utf-8"))
            return int(position["number"]) if position["library"] == self._library_id else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
