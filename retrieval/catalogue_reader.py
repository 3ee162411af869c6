"""The catalogue reader: what a library knows of its papers by id, link, author, day or source, without a search."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from retrieval.catalogue.scope import Scope
from retrieval.references import find_references
from retrieval.search.authors import find_named_authors, find_works
from retrieval.search.resolver import look_up, resolve
from retrieval.search.titles import Titles

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from retrieval.catalogue.catalogue import Catalogue, Count, Counts, Fresh, SourceState
    from retrieval.catalogue.merge import Known
    from retrieval.catalogue.paper_cache import PaperCache
    from retrieval.catalogue.removal import Removed
    from retrieval.fulltext.article import FullText
    from retrieval.index.lexical import LexicalIndex
    from retrieval.papers import Paper
    from retrieval.search.authors import NamedAuthor, Works
    from retrieval.search.resolver import Lookup
    from retrieval.sources.fetched import Fetched


class CatalogueReader:
    """Reads the catalogue, and the lexical index where that has names and links; changes nothing."""

    def __init__(self, catalogue: Catalogue, paper_cache: PaperCache, lexical: LexicalIndex) -> None:
        self._catalogue = catalogue
        self._paper_cache = paper_cache
        self._lexical = lexical
        self._titles = Titles(catalogue, lexical)

    async def get(self, paper_id: str) -> Paper | None:
        """A paper by any of its ids, even if it is withdrawn and no longer found; None if it is unknown."""
        if paper := (await self._paper_cache.papers([paper_id])).get(paper_id):
            return paper
        current = await self._current_id(paper_id)
        return (await self._paper_cache.papers([current])).get(current) if current else None

    async def find(self, text: str) -> Paper | None:
        """The one paper that a text names by an id or a link, in any spelling; None if it names none or several."""
        paper_id = await self.id_of(text)
        return await self.get(paper_id) if paper_id else None

    async def id_of(self, text: str) -> str | None:
        """The id of the one paper that a text names, as in `find`, even if it was removed."""
        name = text.strip()
        if current := await self._current_id(name):
            return current
        named = set((await resolve(find_references(text), self._catalogue, self._lexical)).values())
        return named.pop() if len(named) == 1 else None

    async def current_ids(self, paper_ids: Iterable[str]) -> dict[str, str]:
        """Map ids to the current ids of their papers; unknown ids are left out.

        When two papers turn out to be one, they are merged under one of their ids.
        """
        return await self._catalogue.current_ids(paper_ids)

    async def _current_id(self, paper_id: str) -> str | None:
        return (await self.current_ids([paper_id])).get(paper_id)

    async def known(self, paper_id: str) -> Known | None:
        """Everything known about a paper and its sources, by any of its ids; None if it is not here."""
        current = await self._current_id(paper_id)
        return (await self._catalogue.known([current])).get(current) if current else None

    async def details(self, paper_ids: Iterable[str]) -> dict[str, Fetched]:
        """Everything known about papers, withdrawn ones included, by the ids given; unknown ids are left out."""
        current = await self.current_ids(paper_ids)
        known = await self._catalogue.known(set(current.values()))
        return {asked: known[paper_id].details for asked, paper_id in current.items() if paper_id in known}

    async def lookup(self, text: str) -> Lookup:
        """Find the papers that a text names by an id or a link, and the names that are not in the library."""
        return await look_up(text, self._catalogue, self._lexical)

    async def by_author(self, name: str, *, limit: int = 10) -> Works:
        """Up to `limit` papers of an author, newest first; the name may be a surname, or misspelled."""
        return await find_works(name, limit, self._catalogue, self._lexical)

    async def authors_in(self, text: str) -> tuple[NamedAuthor, ...]:
        """Find names of the library's authors in a text."""
        return await asyncio.to_thread(find_named_authors, text, self._lexical)

    async def of_key(self, key: str) -> str | None:
        """The id of the paper with a hashed `short_key`; None if there is none."""
        return await asyncio.to_thread(self._lexical.of_key, key)

    @property
    def titles(self) -> Titles:
        """The search for papers by title."""
        return self._titles

    async def full_text(self, paper_id: str) -> FullText | None:
        """The full text of a paper, by any of its ids; None if there is none."""
        current = await self._current_id(paper_id)
        return (await self._catalogue.full_texts.of([current])).get(current) if current else None

    async def ids(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> list[str]:
        """Ids of all papers, newest first; with `since` or `until`, only of papers that have a date."""
        return await self._catalogue.ids(Scope(since, until, source))

    async def newest(
        self,
        *,
        limit: int = 10,
        since: dt.date | None = None,
        until: dt.date | None = None,
        source: str | None = None,
    ) -> list[Paper]:
        """Up to `limit` papers, newest first; papers without a date are left out."""
        return await self._catalogue.newest(limit, Scope(since, until, source))

    async def count(
        self, *, since: dt.date | None = None, until: dt.date | None = None, source: str | None = None
    ) -> Count:
        """Count the papers of a period and source, and the undated papers that it leaves out."""
        return await self._catalogue.count(Scope(since, until, source))

    async def fresh(self, after: dt.datetime, before: dt.datetime, since: dt.date | None = None) -> list[Fresh]:
        """Papers first indexed in (after, before], oldest first, without those withdrawn or removed since.

        With `since`, papers listed (or, if that is unknown, published) before that day are left out.
        """
        return await self._catalogue.fresh(after, before, since)

    async def removed(self) -> list[Removed]:
        """All removed papers, last removed first."""
        return await self._catalogue.removed()

    async def only_from(self, source: str) -> list[str]:
        """Ids of the papers that only this source has."""
        return await self._catalogue.only_from(source)

    async def source_state(self, source: str) -> SourceState | None:
        """The state of a source, by its name as a user writes it; None if it was never read."""
        return next(iter(await self._catalogue.source_states(source)), None)

    async def source_states(self) -> list[SourceState]:
        """The states of all sources that were ever read, by name."""
        return await self._catalogue.source_states()

    async def sources(self) -> list[str]:
        """The names of the papers' sources, sorted; fast however many papers there are."""
        return await self._catalogue.sources()

    async def counts(self) -> Counts:
        """Count the papers, chunks and full texts."""
        return await self._catalogue.counts()
