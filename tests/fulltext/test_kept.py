"""Full texts in a library are kept apart from the indexes, and survive rebuilds, removals and kills."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from retrieval.catalogue.catalogue_tables import full_texts, section_windows
from retrieval.catalogue.removal import UNDO
from retrieval.embedding.local import LocalEmbedder
from retrieval.fulltext.article import FullText, Section
from retrieval.library import Library
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched, identities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from retrieval.embedding.word_vectors import Words

TITLE = "Counting bees by the sound that they make"
SECTIONS = (
    Section("1 Introduction", "Bees hum. " * 60 + "Nobody has counted them before.", ((0, 1), (300, 2))),
    Section("2 Hives", "We used 17 hives of oak.", ((0, 2),)),
)
FULL = FullText(2, SECTIONS)
BEES = Fetched(Paper(identify(TITLE), TITLE, "We count bees by their sound.", "pdf"), full_text=FULL)
DOGS = Paper(identify("Dogs"), "Dogs", "Dogs run after the ball.", "seeds")


async def windows(library: Library) -> dict[str, int]:
    async with library._catalogue._database.engine.connect() as connection:
        count = sa.select(section_windows.c.paper_id, sa.func.count()).group_by(section_windows.c.paper_id)
        return dict((await connection.execute(count)).all())


async def test_a_full_text_is_kept_beside_the_indexes(library: Library) -> None:
    await library.add([replace(BEES, full_text=None), DOGS])
    without = await library.counts()
    held = library._parts.dense._ask(lambda collection: collection.count()), library._lexical.count()
    await library.add([BEES])
    counts = await library.counts()
    assert replace(counts, full_texts=0) == without
    assert counts.full_texts == 1
    assert (library._parts.dense._ask(lambda collection: collection.count()), library._lexical.count()) == held
    assert await library.full_text(BEES.paper.paper_id) == FULL
    assert await library.full_text(DOGS.paper_id) is None
    assert (await windows(library))[BEES.paper.paper_id] >= 2


async def test_the_same_text_again_costs_nothing_and_another_takes_its_place(library: Library) -> None:
    await library.add([BEES])
    before = await library.counts()
    await library.add([BEES])
    assert await library.counts() == before
    other = FullText(1, (Section("", "We used 18 hives.", ((0, 1),)),))
    await library.add([replace(BEES, full_text=other)])
    assert await library.full_text(BEES.paper.paper_id) == other
    assert await windows(library) == {BEES.paper.paper_id: 1}


async def test_a_source_that_has_no_full_text_takes_none_away(library: Library) -> None:
    await library.add([BEES])
    await library.add([replace(BEES, full_text=None, upvotes=7)])
    assert await library.full_text(BEES.paper.paper_id) == FULL


async def test_a_rebuild_embeds_none_of_it_anew(models: Path, tmp_path: Path) -> None:
    library = await Library.open(tmp_path / "own", LocalEmbedder(cache_dir=models))
    await library.add([BEES, DOGS])
    before = await windows(library)
    await library.close()
    asked: list[str] = []

    class Counting(LocalEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return await super().embed(texts)

        async def embed_words(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[Words]]:
            asked.extend(texts)
            return await super().embed_words(texts)

    again = await Library.open(tmp_path / "own", Counting(cache_dir=models), rebuild=True)
    try:
        assert await again.index_pending() == 2
        assert await windows(again) == before
        assert not [text for text in asked if "17 hives" in text]
        assert (await again.counts()).pending == 0
    finally:
        await again.close()


def forbid_the_model(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    async def embed(*_: object) -> object:
        raise AssertionError

    monkeypatch.setattr(library._embedder, "embed", embed)
    monkeypatch.setattr(library._embedder, "embed_words", embed)


async def test_what_an_earlier_version_left_unread_is_read_at_the_question_or_at_the_start(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    await library.add([BEES, DOGS])
    question = "How many hives of oak were used to count bees?"
    vectors = await library.embed(question)
    hits = await library.search(question, vectors=vectors)
    stored = await library.full_text_passages(question, vectors, hits)
    async with library._catalogue._database.engine.begin() as connection:
        await connection.execute(sa.update(section_windows).values(contents=None))
        await connection.execute(sa.update(full_texts).values(embedded=False))
    read = await library.full_text_passages(question, vectors, hits)
    for one, other in zip(stored, read, strict=True):
        assert (one.paper, one.location) == (other.paper, other.location)
        assert {each.text for each in one.sentences} == {each.text for each in other.sentences}
        assert one.evidence.sentence_cosine == pytest.approx(other.evidence.sentence_cosine, abs=1e-3)
    await library.index_pending()
    forbid_the_model(library, monkeypatch)
    assert await library.full_text_passages(question, vectors, hits) == stored


async def test_a_document_is_read_once_for_what_is_asked_twice(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await library.prepare_document(BEES.paper, FULL)
    question = "How many hives of oak were used to count bees?"
    vectors = await library.embed(question)
    first = await library.document_passages(document, question, vectors)
    assert "We used 17 hives of oak." in [part.paper.abstract for part in first]
    forbid_the_model(library, monkeypatch)
    assert await library.document_passages(document, question, vectors) == first


async def test_what_a_kill_left_unembedded_waits_for_the_next_start(library: Library) -> None:
    await library._catalogue.add([BEES])  # everything that is done before the first vector
    assert (await library.counts()).pending == 2
    await library.index_pending()
    assert (await library.counts()).pending == 0
    assert BEES.paper.paper_id in await windows(library)


async def test_a_removed_paper_takes_its_full_text_with_it_for_good_after_thirty_days(
    tmp_path: Path, embedder: LocalEmbedder
) -> None:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    library = await Library.open(tmp_path / "clocked", embedder, now=lambda: now)
    await library.add([BEES])
    paper_id = BEES.paper.paper_id
    await library.remove([paper_id])
    assert (await library.counts()).full_texts == 0
    await library.restore([paper_id])
    assert await library.full_text(paper_id) == FULL
    assert (await library.counts()).full_texts == 1
    await library.remove([paper_id])
    now += UNDO + dt.timedelta(days=1)
    await library.index_pending()
    assert await library.full_text(paper_id) is None
    assert await windows(library) == {}
    await library.close()


async def test_two_papers_that_turn_out_to_be_one_have_one_full_text(library: Library) -> None:
    ids = identities(TITLE, arxiv_id="2401.00001")
    arxiv = Fetched(Paper(ids[0], "Counting bees", "Another text of it.", "arxiv"), external_ids=ids[:1], version=1)
    await library.add([arxiv, BEES])
    assert (await library.counts()).papers == 2
    both = replace(BEES.paper, paper_id=ids[0])
    await library.add([Fetched(both, external_ids=(ids[0], BEES.paper.paper_id))])
    assert (await library.counts()).papers == 1
    assert await library.full_text(BEES.paper.paper_id) == FULL
    assert (await library.counts()).full_texts == 1
    assert (await library.counts()).pending == 0


async def test_a_part_knows_its_section_and_page(library: Library) -> None:
    await library.add([BEES, DOGS])
    question = "How many hives of oak were used to count bees?"
    vectors = await library.embed(question)
    hits = await library.search(question, vectors=vectors)
    parts = await library.full_text_passages(question, vectors, hits)
    assert parts[0].paper.abstract == "We used 17 hives of oak."
    assert parts[0].location is not None
    assert (parts[0].location.section, parts[0].location.page_at(3)) == ("2 Hives", 2)
    assert await library.full_text_passages(question, vectors, [hit for hit in hits if hit.paper == DOGS]) == []


@pytest.mark.parametrize("offset", [0, 299, 300, 500])
def test_a_page_begins_where_it_breaks(offset: int) -> None:
    assert SECTIONS[0].breaks_of(offset, 600)[0][1] == (1 if offset < 300 else 2)
