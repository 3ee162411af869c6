"""Ingest papers into the catalogue's tables, each under the id that it already has, if it has one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue import full_text_store as fulltext
from retrieval.catalogue.catalogue_tables import paper_aliases, paper_sources, papers
from retrieval.catalogue.merge import (
    Known,
    apart,
    as_fetched,
    begin,
    join,
    may_be_same,
    same_title_alone,
    tell_the_same,
    unite,
)
from retrieval.catalogue.removal import let_go
from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched
from storage.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from retrieval.fulltext.article import FullText

BATCH = 500  # papers per statement: SQLite takes 32,766 parameters, PostgreSQL 32,767, and a paper's row has twenty

PAPER = (papers.c.paper_id, papers.c.title, papers.c.abstract, papers.c.source, papers.c.url, papers.c.published)
_FACTS = (
    papers.c.number,
    papers.c.upvotes,
    papers.c.code_url,
    papers.c.keywords,
    papers.c.version,
    papers.c.withdrawn_by,
    papers.c.updated,
    papers.c.authors,
    papers.c.categories,
    papers.c.listed,
    papers.c.announce_type,
    papers.c.venue,
    papers.c.raw_title,
    papers.c.raw_abstract,
    papers.c.removed_at,
)


@dataclass(frozen=True, slots=True)
class Added:
    """Counts of what was ingested.

    Attributes:
        new: papers not known before.
        changed: papers whose text changed.
        known: papers already known with this text, even if other facts changed; repetitions count too.
        withdrawn: how many of all these are now withdrawn and were not before.
        removed: how many had been removed from the library before, and stay removed.
        touched: ids of the papers that were added, changed or merged.
    """

    new: int = 0
    changed: int = 0
    known: int = 0
    withdrawn: int = 0
    removed: int = 0
    touched: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def __add__(self, other: Added) -> Added:
        return Added(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.withdrawn + other.withdrawn,
            self.removed + other.removed,
            self.touched | other.touched,
        )


async def ingest(connection: AsyncConnection, batch: Sequence[Paper | Fetched]) -> Added:
    """Insert papers that are not known under any id, and merge the others with what is known.

    No other ingest may run at the same time.
    """
    added = Added()
    for some in batched(batch, BATCH):
        arriving = [as_fetched(paper) for paper in some]
        upsert = await _Upsert.open(connection, arriving)
        for fetched in arriving:
            upsert.take(fetched)
        added += await upsert.store(connection, len(arriving))
    return added


async def read_known(connection: AsyncConnection, paper_ids: Iterable[str]) -> dict[str, Known]:
    """Everything known about papers, by id, in the order in which they were added."""
    found: list[tuple[int, Known]] = []
    for some in batched(paper_ids, BATCH):
        rows = (await connection.execute(sa.select(*PAPER, *_FACTS).where(papers.c.paper_id.in_(some)))).all()
        aliases: dict[str, list[str]] = {row.paper_id: [row.paper_id] for row in rows}
        for paper_id, alias in await connection.execute(
            sa.select(paper_aliases.c.paper_id, paper_aliases.c.alias)
            .where(paper_aliases.c.paper_id.in_(aliases))
            .order_by(paper_aliases.c.alias)
        ):
            aliases[paper_id].append(alias)
        sources: dict[str, set[str]] = {paper_id: set() for paper_id in aliases}
        for paper_id, source in await connection.execute(
            sa.select(paper_sources.c.paper_id, paper_sources.c.source).where(paper_sources.c.paper_id.in_(aliases))
        ):
            sources[paper_id].add(source)
        found += [(row.number, _known(row, aliases[row.paper_id], sources[row.paper_id])) for row in rows]
    found.sort(key=lambda numbered: numbered[0])
    return {known.details.paper.paper_id: known for _, known in found}


async def owners_of(connection: AsyncConnection, aliases: Iterable[str]) -> dict[str, str]:
    """Map ids to the current ids of their papers; unknown ids are left out."""
    found: dict[str, str] = {}
    for batch in batched(dict.fromkeys(aliases), BATCH):
        rows = await connection.execute(
            sa.select(paper_aliases.c.alias, paper_aliases.c.paper_id).where(paper_aliases.c.alias.in_(batch))
        )
        found |= dict(rows.all())
    return found


def paper_of(row: sa.Row[*tuple[Any, ...]]) -> Paper:
    """A row of the table as a paper."""
    return Paper(row.paper_id, row.title, row.abstract, row.source, row.url, row.published)


@dataclass
class _Upsert:
    """Merges a batch, paper by paper, with what the catalogue knows, and stores what changed.

    Attributes:
        before: the papers as stored, oldest first.
        known: the papers as they will be stored, without doubles.
        owners: the paper that each id belongs to.
        doubles: papers that turned out to be another one, with the id of that one.
        passed_over: how many papers of the batch were removed before.
        full_texts: full texts that came with the batch, by paper id.
    """

    before: dict[str, Known]
    known: dict[str, Known]
    owners: dict[str, str]
    doubles: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    full_texts: dict[str, FullText] = field(default_factory=dict)

    @classmethod
    async def open(cls, connection: AsyncConnection, arriving: Sequence[Fetched]) -> _Upsert:
        asked = (alias for fetched in arriving for alias in fetched.external_ids)
        owners = await owners_of(connection, asked)
        before = await read_known(connection, set(owners.values()))
        for paper_id, known in before.items():
            owners |= dict.fromkeys(known.details.external_ids, paper_id)
        return cls(before, dict(before), owners)

    def take(self, new: Fetched) -> None:
        full_text, new = new.full_text, replace(new, full_text=None)
        found = [paper_id for paper_id in self._owners(new) if self._is(paper_id, new)]
        # A paper removed as the double of another must not take that one with it, nor come back through it.
        same = [paper_id for paper_id in found if not self.known[paper_id].removed]
        if found and not same:
            self.passed_over += 1
            return
        if same:
            paper_id = min(same, key=list(self.known).index) if len(same) > 1 else same[0]
            for double in same:
                if double != paper_id:
                    self.known[paper_id] = unite(self.known[paper_id], self.known.pop(double))
                    self.doubles[double] = paper_id
            after = join(self.known[paper_id], new)
        else:
            new = apart(new) if new.paper.paper_id in self.known else new
            paper_id, after = new.paper.paper_id, begin(new)
        for alias in after.details.external_ids:
            if self.owners.get(alias) in {None, *self.doubles}:
                self.owners[alias] = paper_id
        if full_text is not None:
            self.full_texts[paper_id] = full_text
        own = tuple(alias for alias in after.details.external_ids if self.owners[alias] == paper_id)
        self.known[paper_id] = replace(after, details=replace(after.details, external_ids=own))

    async def store(self, connection: AsyncConnection, arrived: int) -> Added:
        new = [known for paper_id, known in self.known.items() if paper_id not in self.before]
        changed = [known for paper_id, known in self.known.items() if self.before.get(paper_id, known) != known]
        if self.doubles:
            await self._store_doubles(connection)
        if new:
            await connection.execute(sa.insert(papers), [_row(known) | {"indexed_chunks": 0} for known in new])
        if changed:
            await connection.execute(
                sa.update(papers).where(papers.c.paper_id == sa.bindparam("known_as")),
                [_row(known) | {"known_as": _id(known)} for known in changed],
            )
            await self._index_again(connection, changed)
        await self._store_names(connection, [*new, *changed])
        await self._store_full_texts(connection, changed)
        fallen = [_id(known) for known in changed if known.withdrawn_by and not self.before[_id(known)].withdrawn_by]
        await let_go(connection, fallen)
        rewritten = sum(_hash(known) != _hash(self.before[_id(known)]) for known in changed)
        return Added(
            new=len(new),
            changed=rewritten,
            known=arrived - len(new) - rewritten,
            withdrawn=len(fallen) + sum(known.withdrawn_by is not None for known in new),
            removed=self.passed_over,
            touched=frozenset(map(_id, (*new, *changed))) | self.doubles.keys(),
        )

    def _owners(self, new: Fetched) -> list[str]:
        owners = (self.owners.get(alias) for alias in new.external_ids)
        return list(dict.fromkeys(owner for owner in owners if owner is not None))

    def _is(self, paper_id: str, new: Fetched) -> bool:
        known = self.known[paper_id].details
        if not may_be_same(known.external_ids, new.external_ids):
            return False
        return not same_title_alone(known, new) or tell_the_same(known, new)

    async def _store_doubles(self, connection: AsyncConnection) -> None:
        stored = [paper_id for paper_id in self.doubles if paper_id in self.before]
        await let_go(connection, stored)
        for table in (papers, paper_sources):
            await connection.execute(sa.delete(table).where(table.c.paper_id.in_(stored)))

    async def _store_full_texts(self, connection: AsyncConnection, changed: Sequence[Known]) -> None:
        for double, paper_id in self.doubles.items():
            await fulltext.move(connection, double, self._last(paper_id))
        for paper_id, full_text in self.full_texts.items():
            await fulltext.store(connection, self._last(paper_id), full_text)
        # Every window begins with the title.
        titled = [_id(known) for known in changed if _title(known) != _title(self.before[_id(known)])]
        if titled:
            await fulltext.queue_embedding(connection, titled)

    def _last(self, paper_id: str) -> str:
        """The paper that this one was merged into, over any number of merges."""
        while paper_id in self.doubles:
            paper_id = self.doubles[paper_id]
        return paper_id

    async def _index_again(self, connection: AsyncConnection, changed: Sequence[Known]) -> None:
        """Make papers pending whose authors, address or date changed."""
        found_by = [_id(known) for known in changed if _found_by(known) != _found_by(self.before[_id(known)])]
        if found_by:
            await connection.execute(sa.update(papers).where(papers.c.paper_id.in_(found_by)).values(indexed_hash=None))

    async def _store_names(self, connection: AsyncConnection, stored: Sequence[Known]) -> None:
        aliases = [{"alias": alias, "paper_id": _id(known)} for known in stored for alias in known.details.external_ids]
        sources = [{"paper_id": _id(known), "source": source} for known in stored for source in sorted(known.sources)]
        if aliases:
            insert = insert_into(connection, paper_aliases)
            owned = {"paper_id": insert.excluded.paper_id}
            await connection.execute(insert.on_conflict_do_update(index_elements=["alias"], set_=owned), aliases)
        if sources:
            await connection.execute(insert_into(connection, paper_sources).on_conflict_do_nothing(), sources)


def _id(known: Known) -> str:
    return known.details.paper.paper_id


def _title(known: Known) -> str:
    return known.details.paper.title


def _hash(known: Known) -> str:
    return known.details.paper.content_hash


def _found_by(known: Known) -> tuple[object, ...]:
    paper = known.details.paper
    return known.details.authors, paper.url, paper.published


def _row(known: Known) -> dict[str, object]:
    details = known.details
    return {
        "paper_id": details.paper.paper_id,
        "title": details.paper.title,
        "abstract": details.paper.abstract,
        "source": details.paper.source,
        "url": details.paper.url,
        "published": details.paper.published,
        "content_hash": _hash(known),
        "upvotes": details.upvotes,
        "code_url": details.code_url,
        "keywords": list(details.keywords) or None,
        "version": details.version,
        "withdrawn_by": known.withdrawn_by,
        "updated": details.updated,
        "authors": list(details.authors) or None,
        "categories": list(details.categories) or None,
        "listed": details.listed,
        "announce_type": details.announce_type,
        "venue": details.venue,
        "raw_title": details.raw_title,
        "raw_abstract": details.raw_abstract,
    }


def _known(row: sa.Row[*tuple[Any, ...]], aliases: Iterable[str], sources: Collection[str]) -> Known:
    details = Fetched(
        paper=paper_of(row),
        upvotes=row.upvotes,
        code_url=row.code_url,
        keywords=tuple(row.keywords or ()),
        version=row.version,
        withdrawn=row.withdrawn_by is not None,
        updated=row.updated,
        external_ids=tuple(dict.fromkeys(aliases)),
        authors=tuple(row.authors or ()),
        categories=tuple(row.categories or ()),
        listed=row.listed,
        announce_type=row.announce_type,
        venue=row.venue,
        raw_title=row.raw_title,
        raw_abstract=row.raw_abstract,
    )
    return Known(details, frozenset(sources), row.withdrawn_by, row.removed_at is not None)
