"""A library and the bot's memory are copied from SQLite to PostgreSQL and back without a change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.commands import copy as command
from bot.commands.copy import copy
from bot.store import ServerSettings, Store
from bot.store.domain import StoredAnswer
from retrieval.embedding.local import LocalEmbedder
from retrieval.errors import BadInputError, LibraryDamagedError
from retrieval.fulltext.article import FullText, Section
from retrieval.index.chroma_server import ChromaServer
from retrieval.library import Library
from retrieval.sources.fetched import Fetched
from tests.bot.discord.prepared import GOOD
from tests.retrieval.index.test_self_check import NumberEmbedder
from tests.retrieval.test_shared import SUBJECTS, first, paper, papers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncEngine

    from retrieval.papers import Paper
    from tests.servers import Chroma

SERVED = 6  # of the seeds
WHOLE = FullText(3, (Section("2 Traps", "We set 17 traps of oak along the river.", ((0, 3),)),))


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    folder = tmp_path / "filled"
    library = await Library.open(folder, NumberEmbedder())
    await library.add([*papers(), Fetched(paper("otters"), full_text=WHOLE)])
    await library.remove(["p:comets"])
    await library.close()
    store = await Store.open(folder)
    await store.servers.save(5, ServerSettings(prefix="?"))
    for answer_id, parent in (("z", None), ("a", "z")):  # the order of their ids is not that of their making
        kept = StoredAnswer(
            answer_id=answer_id,
            answer=GOOD,
            asker_id=7,
            channel_id=8,
            guild_id=5,
            question_message_id=None,
            parent_id=parent,
            private=False,
            asked_at=datetime.now(UTC),
        )
        await store.answers.keep(kept, [])
    await store.close()
    return folder


async def test_there_and_back_everything_is_the_same_and_nothing_is_embedded(
    filled: Path, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await copy(str(filled), database)
    said = capsys.readouterr().out
    assert all(table in said for table in ("papers", "full_texts", "sections", "section_windows", "answers"))
    await copy(database, str(tmp_path / "back"))
    for folder, url in ((tmp_path / "there", database), (tmp_path / "back", None)):
        embedder = NumberEmbedder()
        library = await Library.open(folder, embedder, database_url=url)
        await library.index_pending()
        assert (await first(library, "On otters") or "")[0] == "p:otters"
        assert (await library.counts()).papers == len(SUBJECTS) - 1
        assert (await library.removed())[0].paper_id == "p:comets"
        assert embedder.asked <= 2  # the probe and the question
        hits = await library.search("On otters")
        parts = await library.full_text_passages("On otters", await library.embed("On otters"), hits)
        assert [part.paper.abstract for part in parts] == [WHOLE.sections[0].text]
        await library.add([paper("beavers")])  # the row numbers continue
        await library.close()
        store = await Store.open(folder, url)
        assert (await store.servers.of(5)).prefix == "?"
        assert [kept.answer_id for kept in await store.answers.history("a")] == ["z", "a"]
        await store.close()


async def test_a_copy_that_was_stopped_goes_on_and_one_that_differs_is_said(
    filled: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ROWS", 2)
    real, left = command._go_on_counting, 3

    async def stop(table: sa.Table, engine: AsyncEngine) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        await real(table, engine)

    monkeypatch.setattr(command, "_go_on_counting", stop)
    with pytest.raises(KeyboardInterrupt):
        await copy(str(filled), database)
    monkeypatch.setattr(command, "_go_on_counting", real)
    store = await Store.open(filled)
    await store.servers.save(4, ServerSettings(prefix="!"))  # in a table that is copied later
    await store.close()
    await copy(str(filled), database)
    with pytest.raises(BadInputError, match="already contains papers"):
        await copy(str(filled), database)


async def test_rows_that_changed_behind_a_stopped_copy_are_found(
    filled: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command._copied

    async def other(table: sa.Table, read: AsyncEngine, written: AsyncEngine) -> AsyncIterator[int]:
        async for rows in real(table, read, written):
            yield rows
        if table.name == "servers":
            async with written.begin() as connection:
                await connection.execute(table.update().values(prefix="x"))

    monkeypatch.setattr(command, "_copied", other)
    with pytest.raises(LibraryDamagedError, match="servers is not the same"):
        await copy(str(filled), database)


async def test_no_library_and_no_other_place_are_sentences(filled: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no library"):
        await copy(str(tmp_path / "nothing"), str(tmp_path / "x"))
    with pytest.raises(BadInputError, match="Source and target are the same"):
        await copy(str(filled), str(filled))


async def test_a_served_library_ranks_as_the_embedded_one_it_was_copied_from(
    tmp_path: Path, database: str, chroma: Chroma, models: Path, seeds: list[Paper]
) -> None:
    queries = [text for each in seeds[:SERVED] for text in (each.title, each.abstract.split(". ")[0])]
    queries += ["reinforcement learning of robots", "language models that hallucinate", "who trained it?"]

    async def ranked(library: Library) -> list[list[tuple[str, float]]]:
        found = [await library.search(query, limit=SERVED) for query in queries]
        return [[(hit.paper.paper_id, round(hit.score, 5)) for hit in hits] for hits in found]

    library = await Library.open(tmp_path / "embedded", LocalEmbedder(cache_dir=models))
    await library.add(seeds[:SERVED])
    embedded = await ranked(library)
    await library.close()
    await copy(str(tmp_path / "embedded"), database)
    library = await Library.open(
        tmp_path / "served", LocalEmbedder(cache_dir=models), database_url=database, chroma=ChromaServer(chroma.url)
    )
    await library.index_pending()
    assert await ranked(library) == embedded
    assert not library.gaps.vectors
    await library.close()
