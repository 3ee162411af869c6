"""Storage of full texts: their sections as extracted, and the vectors of their windows, which are in no index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from retrieval.batches import batched
from retrieval.catalogue import fetch_attempts
from retrieval.catalogue.catalogue_tables import GONE, STANDS, full_texts, papers, section_windows, sections
from retrieval.catalogue.contents import Contents, Embedded
from retrieval.fulltext.article import FullText, Section

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

    Transactions: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

TABLES: Final = (section_windows, sections, full_texts)
ROWS: Final = 500  # per statement

WAITING = sa.select(full_texts.c.paper_id).where(full_texts.c.embedded.is_(False), full_texts.c.paper_id.not_in(GONE))


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a full text: its section's number, its offsets in the section, and the hash of the embedded text.

    `contents` is None if they are not embedded yet, or were not loaded: few windows need them.
    """

    section: int
    start: int
    end: int
    text_hash: str
    vector: NDArray[np.float32]
    contents: Contents | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A full text that waits to be embedded.

    Attributes:
        known: the embeddings of its windows that are stored already, by the hash of the window's text.
    """

    paper_id: str
    title: str
    full_text: FullText
    known: Mapping[str, Embedded]


class FullTexts:
    """The full texts of a catalogue; each method is one transaction."""

    def __init__(self, database: Database, writing_in_turn: Transactions) -> None:
        """`writing_in_turn` makes write transactions for the holder of the index lease."""
        self._database = database
        self._writing_in_turn = writing_in_turn

    async def waiting(self, model: str) -> Waiting | None:
        """Load a full text that waits to be embedded, with what `model` has embedded of it; None if none waits."""
        async with self._database.reading() as connection:
            paper_id = await connection.scalar(WAITING.order_by(full_texts.c.paper_id).limit(1))
            if paper_id is None:
                return None
            title = await connection.scalar(sa.select(papers.c.title).where(papers.c.paper_id == paper_id))
            rows = await connection.execute(
                sa.select(section_windows).where(
                    section_windows.c.paper_id == paper_id, section_windows.c.model == model
                )
            )
            known = {
                row.text_hash: Embedded(np.frombuffer(row.vector, np.float32), contents)
                for row in rows
                if (contents := _contents(row)) is not None
            }
            full_text = (await _read(connection, [paper_id]))[paper_id]
        return Waiting(paper_id, title or "", full_text, known)

    async def store_windows(self, done: Waiting, windows: Sequence[Window], model: str) -> None:
        """Replace the windows of a full text, unless the text has changed since."""
        rows = [
            {"paper_id": done.paper_id, "position": position, "model": model, **_row(window)}
            for position, window in enumerate(windows)
        ]
        async with self._writing_in_turn() as connection:
            if (await _read(connection, [done.paper_id])).get(done.paper_id) != done.full_text:
                return
            await connection.execute(sa.delete(section_windows).where(section_windows.c.paper_id == done.paper_id))
            for batch in batched(rows, ROWS):
                await connection.execute(sa.insert(section_windows), batch)
            own = full_texts.c.paper_id == done.paper_id
            await connection.execute(sa.update(full_texts).where(own).values(embedded=True))

    async def put(self, paper_id: str, full_text: FullText) -> bool:
        """Store the full text of a paper, to be embedded; False if the paper is unknown, withdrawn or removed."""
        async with self._database.writing() as connection:
            stands = sa.select(papers.c.paper_id).where(papers.c.paper_id == paper_id, STANDS)
            if await connection.scalar(stands) is None:
                return False
            await store(connection, paper_id, full_text)
            return True

    async def lacking(self, paper_ids: Sequence[str], now: dt.datetime) -> list[str]:
        """The given papers that have no full text and may be tried now, in order."""
        async with self._database.reading() as connection:
            return await fetch_attempts.read_lacking(connection, paper_ids, now)

    async def begin_attempt(self, paper_id: str, now: dt.datetime) -> bool:
        """Record an attempt to fetch a full text before it is made; False if none is due."""
        async with self._database.writing() as connection:
            return await fetch_attempts.begin(connection, paper_id, now)

    async def note_failure(self, paper_id: str, sentence: str) -> None:
        """Record why the full text of a paper could not be fetched."""
        async with self._database.writing() as connection:
            await fetch_attempts.note_failure(connection, paper_id, sentence)

    async def papers_tried_since(self, moment: dt.datetime) -> int:
        """Count the papers whose latest attempt was after a time."""
        async with self._database.reading() as connection:
            return await fetch_attempts.count_tried_since(connection, moment)

    async def of(self, paper_ids: Sequence[str]) -> dict[str, FullText]:
        """Full texts by paper id; papers without one are left out."""
        async with self._database.reading() as connection:
            return await _read(connection, paper_ids)

    async def windows_of(self, paper_ids: Sequence[str], model: str) -> dict[str, list[Window]]:
        """Windows embedded by `model`, in order and without contents, by paper id; papers without any are left out."""
        found: dict[str, list[Window]] = {}
        wanted = [column for column in section_windows.c if column is not section_windows.c.contents]
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(*wanted)
                .where(section_windows.c.paper_id.in_(paper_ids), section_windows.c.model == model)
                .order_by(section_windows.c.paper_id, section_windows.c.position)
            )
            for row in rows:
                window = Window(row.section, row.start, row.end, row.text_hash, np.frombuffer(row.vector, np.float32))
                found.setdefault(row.paper_id, []).append(window)
        return found

    async def contents_of(self, windows: Sequence[tuple[str, Window]], model: str) -> list[Contents | None]:
        """The contents of windows, given as (paper id, window); None for those not embedded yet."""
        if not windows:
            return []
        asked = section_windows.c.paper_id.in_({paper_id for paper_id, _ in windows})
        hashes = section_windows.c.text_hash.in_({window.text_hash for _, window in windows})
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(section_windows).where(asked, hashes, section_windows.c.model == model)
            )
            found = {(row.paper_id, row.section, row.start, row.text_hash): _contents(row) for row in rows}
        return [found.get((paper_id, cut.section, cut.start, cut.text_hash)) for paper_id, cut in windows]

    async def known(self, paper_ids: Iterable[str]) -> list[str]:
        """The given papers that have a full text."""
        asked = sa.select(full_texts.c.paper_id).where(full_texts.c.paper_id.in_(list(paper_ids)))
        async with self._database.reading() as connection:
            return list(await connection.scalars(asked))


async def store(connection: AsyncConnection, paper_id: str, full_text: FullText) -> None:
    """Store or replace the full text of a paper; does nothing if it is unchanged."""
    if (await _read(connection, [paper_id])).get(paper_id) == full_text:
        return
    await forget(connection, [paper_id], but=section_windows)  # their vectors may be reused for the new text
    await connection.execute(sa.insert(full_texts), {"paper_id": paper_id, "pages": full_text.pages, "embedded": False})
    rows = [
        {
            "paper_id": paper_id,
            "number": number,
            "heading": section.heading,
            "text": section.text,
            "breaks": [list(page_break) for page_break in section.breaks],
        }
        for number, section in enumerate(full_text.sections)
    ]
    for batch in batched(rows, ROWS):
        await connection.execute(sa.insert(sections), batch)


async def forget(
    connection: AsyncConnection, paper_ids: Sequence[str] | sa.Select[Any], *, but: sa.Table | None = None
) -> None:
    """Delete the full texts of papers, except the rows of the table `but`."""
    for table in TABLES:
        if table is not but:
            await connection.execute(sa.delete(table).where(table.c.paper_id.in_(paper_ids)))


async def move(connection: AsyncConnection, paper_id: str, to: str) -> None:
    """Move the full text of a merged paper to the paper `to`; if that has one already, delete it instead."""
    if to in await _read(connection, [to]):
        await forget(connection, [paper_id])
        return
    for table in TABLES:
        await connection.execute(sa.update(table).where(table.c.paper_id == paper_id).values(paper_id=to))
    await queue_embedding(connection, [to])


async def queue_embedding(connection: AsyncConnection, paper_ids: Sequence[str] | None = None) -> None:
    """Queue the full texts of some papers, or of all, to be embedded; stored embeddings are reused."""
    waits = sa.update(full_texts).values(embedded=False)
    await connection.execute(waits if paper_ids is None else waits.where(full_texts.c.paper_id.in_(paper_ids)))


def _row(window: Window) -> dict[str, Any]:
    contents = window.contents
    return {
        "section": window.section,
        "start": window.start,
        "end": window.end,
        "text_hash": window.text_hash,
        "vector": np.ascontiguousarray(window.vector, np.float32).tobytes(),
        "contents": contents and contents.pack(),
    }


def _contents(row: sa.Row[Any]) -> Contents | None:
    return None if row.contents is None else Contents.unpack(row.contents)


async def _read(connection: AsyncConnection, paper_ids: Sequence[str]) -> dict[str, FullText]:
    pages = await connection.execute(
        sa.select(full_texts.c.paper_id, full_texts.c.pages).where(full_texts.c.paper_id.in_(paper_ids))
    )
    counts: dict[str, int] = dict(pages.all())
    if not counts:
        return {}
    found: dict[str, list[Section]] = {paper_id: [] for paper_id in counts}
    rows = await connection.execute(
        sa.select(sections).where(sections.c.paper_id.in_(counts)).order_by(sections.c.paper_id, sections.c.number)
    )
    for row in rows:
        breaks = tuple((int(offset), int(page)) for offset, page in row.breaks)
        found[row.paper_id].append(Section(row.heading, row.text, breaks))
    return {paper_id: FullText(counts[paper_id], tuple(found[paper_id])) for paper_id in counts}
