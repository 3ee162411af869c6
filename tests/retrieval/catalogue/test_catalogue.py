from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.catalogue.catalogue import Added, Catalogue
from retrieval.catalogue.contents import Contents, Embedded
from retrieval.catalogue.scope import Scope
from retrieval.errors import DatabaseAwayError, DatabaseUnusableError
from retrieval.papers import Chunk, Paper

if TYPE_CHECKING:
    from pathlib import Path

ONE = Paper("arxiv:2401.00001", "One", "The first abstract.", "test", "https://arxiv.org/abs/2401.00001")
TWO = Paper("title:2", "Two", "The second abstract.", "other", published=dt.date(2026, 3, 14))


def _chunks(paper: Paper, count: int) -> list[tuple[Chunk, Embedded]]:
    return [
        (
            Chunk(paper.paper_id, at, 0, 3, f"text {at}"),
            Embedded(np.full(4, at, np.float32), Contents.of([(0, 3)], np.eye(1, 4, at, np.float32), bytes([at]))),
        )
        for at in range(count)
    ]


def _held(known: Embedded) -> tuple[list[float], bytes]:
    return known.vector.tolist(), known.contents.pack()


async def test_papers_are_counted_as_new_changed_or_known(catalogue: Catalogue) -> None:
    assert await catalogue.add([ONE, TWO]) == Added(new=2)
    assert await catalogue.add([ONE, replace(TWO, abstract="Another text.")]) == Added(changed=1, known=1)
    assert (await catalogue.get([TWO.paper_id]))[TWO.paper_id].abstract == "Another text."


async def test_the_last_of_equal_ids_in_one_batch_wins(catalogue: Catalogue) -> None:
    assert await catalogue.add([ONE, replace(ONE, title="One, again")]) == Added(new=1, known=1)
    assert (await catalogue.get([ONE.paper_id]))[ONE.paper_id].title == "One, again"


async def test_a_source_that_knows_less_takes_no_link_and_no_date_away(catalogue: Catalogue) -> None:
    await catalogue.add([ONE, TWO])
    await catalogue.add([replace(ONE, url=None), replace(TWO, published=None)])
    found = await catalogue.get([ONE.paper_id, TWO.paper_id])
    assert found[ONE.paper_id].url == ONE.url
    assert found[TWO.paper_id].published == TWO.published


async def test_a_paper_is_pending_until_marked_and_again_once_its_text_changes(catalogue: Catalogue) -> None:
    await catalogue.add([ONE])
    assert [waiting.paper for waiting in await catalogue.pending(10, "m")] == [ONE]
    await catalogue.mark_indexed({ONE.paper_id: (ONE.content_hash, 1)})
    assert await catalogue.pending(10, "m") == []
    await catalogue.add([replace(ONE, abstract="New.")])
    assert len(await catalogue.pending(10, "m")) == 1


async def test_vectors_are_kept_for_the_model_that_made_them(catalogue: Catalogue) -> None:
    await catalogue.add([ONE])
    made = _chunks(ONE, 2)
    await catalogue.store_chunks(made, "m")
    (waiting,) = await catalogue.pending(10, "m")
    assert {text_hash: _held(known) for text_hash, known in waiting.embedded.items()} == {
        chunk.text_hash: _held(known) for chunk, known in made
    }
    assert waiting.indexed_chunks == 2
    assert (await catalogue.pending(10, "another model"))[0].embedded == {}


async def test_fewer_chunks_are_remembered_as_what_an_index_may_still_hold(catalogue: Catalogue) -> None:
    await catalogue.add([ONE])
    await catalogue.store_chunks(_chunks(ONE, 3), "m")
    await catalogue.store_chunks(_chunks(ONE, 1), "m")
    assert (await catalogue.pending(1, "m"))[0].indexed_chunks == 3
    assert len((await catalogue.chunks_of([ONE.paper_id]))[ONE.paper_id]) == 1


async def test_what_windows_say_and_their_vectors_are_found_by_paper(catalogue: Catalogue) -> None:
    await catalogue.store_chunks(_chunks(ONE, 2) + _chunks(TWO, 1), "m")
    both = [ONE.paper_id, TWO.paper_id]
    stored = await catalogue.chunks_of(both)
    words = {paper_id: [each.contents.words for each in parts] for paper_id, parts in stored.items()}
    assert words == {ONE.paper_id: [b"\0", b"\1"], TWO.paper_id: [b"\0"]}
    vectors = [
        (paper_id, np.frombuffer(vector, np.float32)[0]) for paper_id, vector in await catalogue.windows_of(both)
    ]
    assert sorted(vectors) == [(ONE.paper_id, 0), (ONE.paper_id, 1), (TWO.paper_id, 0)]


async def test_papers_are_told_apart_by_date_and_source(catalogue: Catalogue) -> None:
    await catalogue.add([ONE, TWO])
    both = [ONE.paper_id, TWO.paper_id]
    assert await catalogue.among(both, Scope(since=dt.date(2026, 3, 14))) == [TWO.paper_id]
    assert await catalogue.among(both, Scope(since=dt.date(2026, 3, 15))) == []
    assert await catalogue.among(both, Scope(source="test")) == [ONE.paper_id]


async def test_counts_tell_sources_pending_and_the_newest_date(catalogue: Catalogue) -> None:
    await catalogue.add([ONE, TWO])
    await catalogue.mark_indexed({ONE.paper_id: (ONE.content_hash, 0)})
    counts = await catalogue.counts()
    assert (counts.papers, counts.pending, counts.newest) == (2, 1, dt.date(2026, 3, 14))
    assert counts.by_source == {"other": 1, "test": 1}
    assert await catalogue.sources() == ["other", "test"]


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "footnote.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(DatabaseUnusableError, match="catalogue cannot be opened"):
        await Catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}")


async def test_a_server_that_is_not_there_is_refused_with_a_sentence() -> None:
    with pytest.raises(DatabaseAwayError, match="does not answer"):
        await Catalogue.open("postgresql+asyncpg://nobody@127.0.0.1:1/footnote")
