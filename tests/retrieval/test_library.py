from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import sqlite3
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import chromadb
import numpy as np
import pytest
import tantivy
from chromadb.api.client import Client

from retrieval.catalogue.catalogue import Added, Count
from retrieval.errors import BadInputError, EmbeddingError, LibraryLockedError
from retrieval.index import chunker
from retrieval.index.chroma_server import ChromaServer
from retrieval.index.indexer import PROBE
from retrieval.index.lexical import STAMP
from retrieval.index.vectors import COLLECTION
from retrieval.library import Library
from retrieval.papers import Paper
from retrieval.sources.fetched import Cursor, Fetched, Page, identities
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Unpack

    from numpy.typing import NDArray

    from retrieval.embedding.local import LocalEmbedder
    from retrieval.embedding.word_vectors import Words
    from tests.papers import Facts

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"


class CountingEmbedder:
    """Embed with the real model, and record every text."""

    max_tokens = 256
    dimensions = 384

    def __init__(self, inner: LocalEmbedder, model: str = "all-MiniLM-L6-v2") -> None:
        self._inner = inner
        self.model = model
        self.asked: list[str] = []
        self._more = asyncio.Condition()

    def count_tokens(self, text: str) -> int:
        return self._inner.count_tokens(text)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        async with self._more:
            self._more.notify_all()
        return await self._inner.embed(texts)

    async def embed_words(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[Words]]:
        self.asked += texts
        async with self._more:
            self._more.notify_all()
        return await self._inner.embed_words(texts)

    async def reached(self, count: int) -> None:
        """Wait until this many texts have been embedded."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.asked) >= count)

    async def close(self) -> None:
        """Do nothing: the fixture closes the model."""


class WordlessEmbedder:
    """Embed only whole texts, not words, like a model behind an API."""

    model = "some-api-model"
    max_tokens = 256
    dimensions = 384

    def __init__(self, inner: LocalEmbedder) -> None:
        self.count_tokens = inner.count_tokens
        self.embed = inner.embed

    async def close(self) -> None:
        """Do nothing: the fixture closes the model."""


@pytest.fixture
def counting(embedder: LocalEmbedder) -> CountingEmbedder:
    return CountingEmbedder(embedder)


def _chroma(data_dir: Path) -> Client:
    client = chromadb.PersistentClient(str(data_dir / "chroma"))
    assert isinstance(client, Client)  # its declared type has no close()
    return client


def _stored(data_dir: Path) -> tuple[set[str], set[str]]:
    """List the chunk ids in the catalogue, and those in Chroma."""
    with sqlite3.connect(data_dir / "footnote.db") as db:
        named = {f"{paper_id}#{at}" for paper_id, at in db.execute("SELECT paper_id, position FROM chunks")}
    client = _chroma(data_dir)
    held = set(client.get_collection(COLLECTION, embedding_function=None).get(include=[])["ids"])
    client.close()
    return named, held


async def test_a_question_in_other_words_finds_its_paper_with_its_evidence(seeded: Library) -> None:
    hits = await seeded.search("does a better one-step likelihood of the dynamics net give a better controller?")
    best = hits[0]
    assert best.paper.title == MISMATCH
    assert best.evidence.cosine > 0.4
    assert 0 < best.evidence.bm25_share < 1
    assert 0 < best.evidence.coverage <= 1
    assert 0.3 < best.evidence.words < 1
    assert any("not always correlated with control performance" in fold(part.text) for part in best.sentences[:3])
    assert all(part.text == best.paper.abstract[part.start : part.end] for part in best.passages + best.sentences)


async def test_a_model_without_words_still_ranks(tmp_path: Path, embedder: LocalEmbedder, seeds: list[Paper]) -> None:
    library = await Library.open(tmp_path, WordlessEmbedder(embedder))
    await library.add(seeds[:8])
    for paper in seeds[:8]:
        best = (await library.search(paper.title))[0]
        assert best.paper == paper
        assert best.evidence.words == 0
    await library.close()


async def test_the_order_does_not_depend_on_how_many_are_asked_for(seeded: Library) -> None:
    few = await seeded.search("robots that learn from language", limit=5)
    many = await seeded.search("robots that learn from language", limit=100)
    assert [hit.paper.paper_id for hit in many[:5]] == [hit.paper.paper_id for hit in few]
    assert len(many) > 60
    assert [hit.score for hit in many] == sorted((hit.score for hit in many), reverse=True)


async def test_papers_added_twice_are_neither_doubled_nor_embedded_again(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    embedded = len(counting.asked)
    added = await library.add(seeds[:5])
    assert (added.known, len(counting.asked)) == (5, embedded)
    assert embedded == len(set(counting.asked))
    await library.close()
    named, held = _stored(tmp_path)
    assert named == held


async def test_a_changed_abstract_embeds_the_window_that_changed_and_leaves_no_stale_chunk(
    tmp_path: Path, counting: CountingEmbedder
) -> None:
    library = await Library.open(tmp_path, counting)
    long = Paper("x", "A title", " ".join(f"Sentence number {n} speaks of topic {n}." for n in range(30)), "test")
    await library.add([long])
    counting.asked.clear()
    said = ["Sentence number 3 speaks of topic 3.", "A new one came."]
    short = replace(long, abstract=" ".join(said))
    await library.add([short])
    assert counting.asked == [f"A title. {short.abstract}", *said]
    await library.add([replace(short, url="https://example.org/x")])
    assert len(counting.asked) == 3
    await library.close()
    named, held = _stored(tmp_path)
    assert named == held
    assert len(named) == 1


async def test_an_ingest_cut_off_after_the_catalogue_is_taken_up_at_the_next_start(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    running = asyncio.create_task(library.add(seeds))
    await counting.reached(50)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await library.close()

    again = await Library.open(tmp_path, counting)
    await again.index_pending()
    counts = await again.counts()
    assert (counts.papers, counts.pending) == (74, 0)
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held


@pytest.mark.parametrize("lost", ["chroma", "lexical"])
async def test_a_lost_index_is_made_anew_without_embedding(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper], lost: str
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:6])
    await library.close()
    shutil.rmtree(tmp_path / lost)
    counting.asked.clear()

    again = await Library.open(tmp_path, counting)
    assert await again.index_pending() == (6 if lost == "chroma" else 0)
    assert counting.asked == []
    assert (await again.search(seeds[0].title))[0].paper == seeds[0]
    await again.close()


async def test_a_lexical_index_of_before_authors_is_made_anew_without_embedding(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add([Fetched(seeds[0], authors=("Yejin Choi",)), *seeds[1:6]])
    await library.close()
    stamp = (tmp_path / "lexical" / STAMP).read_text()
    shutil.rmtree(tmp_path / "lexical")
    (tmp_path / "lexical").mkdir()
    schema = tantivy.SchemaBuilder()
    for field, tokenizer in (("paper_id", "raw"), ("identity", "raw"), ("words", "stemmed"), ("pieces", "whitespace")):
        schema.add_text_field(field, stored=field == "paper_id", tokenizer_name=tokenizer)
    tantivy.Index(schema.build(), str(tmp_path / "lexical"))
    (tmp_path / "lexical" / STAMP).write_text(stamp)
    counting.asked.clear()

    again = await Library.open(tmp_path, counting)
    assert (again.fault, (await again.counts()).pending) == (None, 0)
    assert counting.asked == []
    assert [each.paper for each in (await again.by_author("Choi")).papers] == [seeds[0]]
    await again.close()


async def test_lost_vectors_in_an_index_that_still_opens_are_noticed(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:6])
    await library.close()
    client = _chroma(tmp_path)
    collection = client.get_collection(COLLECTION, embedding_function=None)
    collection.delete(ids=[f"{paper.paper_id}#0" for paper in seeds[:6]])
    client.close()

    again = await Library.open(tmp_path, counting)
    assert await again.index_pending() == 6
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held


async def test_another_model_rebuilds_instead_of_mixing_vectors(
    tmp_path: Path, counting: CountingEmbedder, embedder: LocalEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    other = CountingEmbedder(embedder, model="another-model")
    again = await Library.open(tmp_path, other)
    assert await again.index_pending() == 5
    assert set(other.asked) == {*counting.asked, PROBE}
    await again.close()


async def test_another_chunker_rebuilds_but_embeds_no_text_again(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    counting.asked.clear()
    monkeypatch.setattr("retrieval.index.stamp.CHUNKER_VERSION", chunker.CHUNKER_VERSION + 1)
    again = await Library.open(tmp_path, counting)
    assert await again.index_pending() == 5
    assert counting.asked == []
    await again.close()
    assert len([each for each in (tmp_path / "chroma").iterdir() if each.is_dir()]) <= 1  # none is left behind


async def test_a_library_with_sentences_in_chroma_is_filled_anew_with_windows_alone(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:3])
    found = [(hit.paper.paper_id, hit.score) for hit in await library.search("reinforcement learning")]
    stamp = library._parts.dense.expected
    await library.close()
    client = _chroma(tmp_path)
    collection = client.get_collection(COLLECTION, embedding_function=None)
    collection.modify(metadata={"stamp": stamp.removesuffix("/windows")})
    collection.upsert(ids=[f"{seeds[0].paper_id}#9"], embeddings=[np.eye(counting.dimensions)[0].tolist()])
    client.close()
    counting.asked.clear()
    again = await Library.open(tmp_path, counting)
    assert again.fault is not None
    assert await again.index_pending() == 3
    assert counting.asked == []
    assert [(hit.paper.paper_id, hit.score) for hit in await again.search("reinforcement learning")] == found
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held


async def test_a_data_dir_in_use_is_refused_with_a_sentence(library: Library, tmp_path: Path) -> None:
    assert not library.fault
    code = (
        "import asyncio, sys; from pathlib import Path; from retrieval.library import Library\n"
        "from retrieval.embedding.local import LocalEmbedder\n"
        "asyncio.run(Library.open(Path(sys.argv[1]), LocalEmbedder(Path(sys.argv[1]))))"
    )
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "data"), stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await second.communicate()
    assert f"{LibraryLockedError.__name__}: Another footnote process is using" in stderr.decode()


@pytest.fixture
async def dated(library: Library) -> Library:
    """A library with papers of different days, one of them without a date and one withdrawn."""
    papers = [
        Paper("a", "Cats on mats", "Cats sit on mats.", "one", published=dt.date(2026, 1, 1)),
        Paper("b", "Cats on hats", "Cats sit on hats.", "two", published=dt.date(2026, 2, 1)),
        Paper("c", "Cats on bats", "Cats sit on bats.", "two"),
        Paper("d", "Cats on rats", "Cats sit on rats.", "two", published=dt.date(2026, 2, 1)),
    ]
    await library.add(
        [*papers, Fetched(replace(papers[0], paper_id="e", published=dt.date(2026, 3, 1)), withdrawn=True)]
    )
    return library


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, "abcd"),
        ({"since": dt.date(2026, 1, 15)}, "bd"),
        ({"since": dt.date(2026, 2, 1)}, "bd"),
        ({"until": dt.date(2026, 1, 31)}, "a"),
        ({"since": dt.date(2026, 1, 1), "until": dt.date(2026, 2, 1)}, "abd"),
        ({"since": dt.date(2026, 2, 2)}, ""),
        ({"source": "two"}, "bcd"),
        ({"source": "two", "until": dt.date(2026, 12, 31)}, "bd"),
    ],
)
async def test_a_time_and_a_source_leave_other_papers_out(dated: Library, scope: dict[str, Any], found: str) -> None:
    assert {hit.paper.paper_id for hit in await dated.search("cats", **scope)} == set(found)
    assert (await dated.count(**scope)).papers == len(found)
    assert {paper.paper_id for paper in await dated.newest(**scope)} == set(found) - {"c"}


async def test_the_newest_come_first_and_what_has_no_date_is_counted(dated: Library) -> None:
    assert [paper.paper_id for paper in await dated.newest()] == ["d", "b", "a"]
    assert [paper.paper_id for paper in await dated.newest(limit=1)] == ["d"]
    assert await dated.count(since=dt.date(2026, 2, 1)) == Count(papers=2, undated=1)
    assert await dated.count(since=dt.date(2026, 2, 1), source="one") == Count(papers=0, undated=0)


@pytest.mark.parametrize("query", ["", "   ", "?!", "\u200b", "x" * 20_000, '"title:(a OR'])
async def test_any_query_is_survived(seeded: Library, query: str) -> None:
    assert len(await seeded.search(query, limit=3)) <= 3


async def test_an_empty_library_finds_nothing(library: Library) -> None:
    assert await library.search("anything") == []


async def test_a_search_does_not_block_the_event_loop(seeded: Library) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await seeded.search("robots that learn from language")
    ticking.cancel()
    assert ticks > 10


async def test_an_opening_that_never_ended_condemns_the_dense_index(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    (tmp_path / "opening").touch()
    for file in (tmp_path / "chroma").rglob("*.bin"):
        file.write_bytes(bytes(range(256)) * 64)
    counting.asked.clear()
    again = await Library.open(tmp_path, counting)
    assert await again.index_pending() == 5
    assert counting.asked == []
    await again.close()


async def test_a_library_that_closes_well_opens_without_a_rebuild(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    again = await Library.open(tmp_path, counting)
    assert again.fault is None
    await again.close()


async def test_an_opening_that_failed_says_nothing_against_the_dense_index(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    with pytest.raises(BadInputError):
        await Library.open(tmp_path, counting, chroma=ChromaServer("ftp://127.0.0.1"))
    again = await Library.open(tmp_path, counting)
    assert again.fault is None
    await again.close()


@pytest.mark.parametrize("garbage", [b"garbage" * 1000, b""])
async def test_a_dense_index_that_cannot_be_opened_is_made_anew_at_once(
    tmp_path: Path, counting: CountingEmbedder, seeds: list[Paper], garbage: bytes
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(garbage)
    counting.asked.clear()
    again = await Library.open(tmp_path, counting)
    assert again.fault
    assert await again.index_pending() == 5
    assert again.fault is None
    assert counting.asked == []
    assert (await again.search(seeds[0].title))[0].paper == seeds[0]
    await again.close()


async def test_indexes_are_not_emptied_for_a_model_before_it_has_answered(
    tmp_path: Path, counting: CountingEmbedder, embedder: LocalEmbedder, seeds: list[Paper]
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add(seeds[:5])
    await library.close()

    class Away(CountingEmbedder):
        async def embed(self, _texts: Sequence[str]) -> NDArray[np.float32]:
            raise EmbeddingError("The server is away.")

    other = await Library.open(tmp_path, Away(embedder, model="another-model"))
    assert "another-model" in (other.fault or "")
    with pytest.raises(EmbeddingError):
        await other.index_pending()
    await other.close()
    again = await Library.open(tmp_path, counting)
    assert (again.fault, (await again.counts()).pending) == (None, 0)
    await again.close()


async def test_similar_papers_are_of_the_same_theme_and_never_the_paper_itself(seeded: Library) -> None:
    (found,) = await seeded.search("Objective Mismatch in Model-based Reinforcement Learning", limit=1)
    near = await seeded.similar(found.paper.paper_id, limit=5)
    assert len(near) == 5
    assert found.paper.paper_id not in {hit.paper.paper_id for hit in near}
    assert "Reinforcement Learning" in " ".join(hit.paper.title for hit in near)
    assert [hit.evidence.cosine for hit in near] == sorted((hit.evidence.cosine for hit in near), reverse=True)
    assert await seeded.similar("nobody knows it") == []


async def test_titles_name_every_paper_the_newest_first(library: Library) -> None:
    assert await library.titles.newest(5) == []
    await library.add(
        [
            Paper("a", "Older", "Cats sit on mats.", "one", published=dt.date(2026, 1, 1)),
            Paper("b", "Newer", "Cats sit on hats.", "one", published=dt.date(2026, 2, 1)),
            Paper("c", "Undated", "Cats sit on bats.", "one"),
        ]
    )
    assert await library.titles.newest(5) == [("b", "Newer"), ("a", "Older"), ("c", "Undated")]
    assert await library.titles.newest(1) == [("b", "Newer")]


async def test_a_changed_paper_is_found_as_it_is_now(library: Library) -> None:
    before = Paper("a", "A paper", "Cats sit on mats.", "one")
    await library.add([before])
    assert (await library.search("cats"))[0].paper == before
    after = Paper("a", "A paper", "Dogs run in parks. They bark.", "one")
    await library.add([after])
    (hit,) = await library.search("dogs")
    assert hit.paper == after
    assert {passage.text for passage in hit.sentences} == {"Dogs run in parks.", "They bark."}
    assert await library.get("a") == after


def _fetched(number: int, abstract: str, version: int = 1, **facts: Unpack[Facts]) -> Fetched:
    title = f"Study {number} of cats"
    ids = identities(title, arxiv_id=f"2401.0000{number}")
    paper = Paper(ids[0], title, abstract, "arxiv", published=dt.date(2024, 1, number))
    updated = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=version)
    known: Facts = {"updated": updated}
    return Fetched(paper, version=version, external_ids=ids, **(known | facts))


async def test_a_withdrawn_paper_is_found_no_more_until_it_comes_back(
    tmp_path: Path, counting: CountingEmbedder
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add([_fetched(1, "Cats sit on mats. They purr."), _fetched(2, "Cats sit on hats.")])
    assert (await library.similar("arxiv:2401.00002"))[0].paper.paper_id == "arxiv:2401.00001"
    added = await library.add([_fetched(1, "This paper has been withdrawn.", 2, withdrawn=True)])
    assert added.withdrawn == 1
    assert [hit.paper.paper_id for hit in await library.search("cats on mats that purr")] == ["arxiv:2401.00002"]
    assert await library.similar("arxiv:2401.00002") == []
    assert await library.ids() == ["arxiv:2401.00002"]
    assert [paper_id for paper_id, _ in await library.titles.find("study", 5)] == ["arxiv:2401.00002"]
    assert await library.get("arxiv:2401.00001") is not None
    assert (await library.details(["arxiv:2401.00001"]))["arxiv:2401.00001"].withdrawn
    await library.close()
    named, held = _stored(tmp_path)
    assert named == held
    assert not any(name.startswith("arxiv:2401.00001") for name in held)

    again = await Library.open(tmp_path, counting)
    assert await again.index_pending() == 0
    await again.add([_fetched(1, "Cats sit on mats. They purr.", 3)])
    assert (await again.search("cats on mats that purr"))[0].paper.paper_id == "arxiv:2401.00001"
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held


async def test_facts_are_refreshed_without_embedding(tmp_path: Path, counting: CountingEmbedder) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add([_fetched(1, "Cats sit on mats.", upvotes=1)])
    counting.asked.clear()
    await library.add([_fetched(1, "Cats sit on mats.", 2, upvotes=5, keywords=("cats",))])
    details = (await library.details(["arxiv:2401.00001"]))["arxiv:2401.00001"]
    assert (details.upvotes, details.keywords, details.version) == (5, ("cats",), 2)
    assert counting.asked == []
    await library.close()


async def test_a_seed_that_another_source_knows_by_an_id_answers_to_both(seeded: Library, seeds: list[Paper]) -> None:
    seed = next(paper for paper in seeds if paper.title == MISMATCH)
    ids = identities(MISMATCH, arxiv_id="2002.04523")
    paper = replace(seed, paper_id=ids[0], source="huggingface", url="https://arxiv.org/abs/2002.04523")
    await seeded.search(MISMATCH)  # so that it is in the paper cache
    added = await seeded.add([Fetched(paper, upvotes=3, external_ids=ids)])
    assert (added.known, (await seeded.counts()).papers) == (1, 74)
    found = await seeded.get("arxiv:2002.04523")
    assert found == replace(seed, url=paper.url)
    (hit,) = await seeded.search(MISMATCH, limit=1, source="huggingface")
    assert hit.paper == found
    assert (await seeded.search(MISMATCH, limit=1, source="seeds"))[0].paper == found
    assert await seeded.current_ids(["arxiv:2002.04523"]) == {"arxiv:2002.04523": seed.paper_id}
    assert await seeded.similar("arxiv:2002.04523", limit=3) == await seeded.similar(seed.paper_id, limit=3)
    vectors = await seeded.vectors(["arxiv:2002.04523", seed.paper_id, "arxiv:none"])
    assert set(vectors) == {"arxiv:2002.04523", seed.paper_id}
    assert np.linalg.norm(vectors[seed.paper_id]) == pytest.approx(1.0, abs=1e-5)


async def test_a_page_taken_before_a_kill_is_indexed_at_the_next_start(
    tmp_path: Path, counting: CountingEmbedder
) -> None:
    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    library = await Library.open(tmp_path, counting)
    await library.add([_fetched(3, "Cats sleep.")])
    gone = _fetched(3, "Cats sleep.", 2, withdrawn=True)
    page = Page((_fetched(1, "Cats sit on mats."), gone), Cursor(position=200), 0.5)
    assert await library.ingest_page(page, "arxiv:cs.CL") == Added(new=1, known=1, withdrawn=1)
    await library.close()

    again = await Library.open(tmp_path, counting, now=lambda: moment)
    reading = await again.source_state("arxiv:cs.CL")
    assert reading is not None
    assert (reading.cursor, reading.last_success) == (page.cursor, None)
    assert (await again.counts()).pending == 2
    assert await again.index_pending() == 2
    assert [hit.paper.paper_id for hit in await again.search("cats")] == ["arxiv:2401.00001"]
    fresh = await again.fresh(moment - dt.timedelta(days=1), moment)
    assert [(each.paper_id, each.added_at) for each in fresh] == [("arxiv:2401.00001", moment)]
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held


async def test_a_removal_cut_off_half_way_is_finished_at_the_next_start(
    tmp_path: Path, counting: CountingEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    library = await Library.open(tmp_path, counting)
    await library.add([_fetched(1, "Cats sit on mats."), _fetched(2, "Cats sit on hats.")])
    gone = _fetched(1, "Cats sit on mats.", 2, withdrawn=True)
    await library.ingest_page(Page((gone,), Cursor(complete=True), 1.0), "arxiv:cs.CL")
    await asyncio.to_thread(library._parts.dense.delete, ["arxiv:2401.00001#0"])
    await library.close()
    counting.asked.clear()

    again = await Library.open(tmp_path, counting)
    assert "made anew" not in caplog.text
    assert await again.index_pending() == 1
    assert (await again.counts()).pending == 0
    assert [hit.paper.paper_id for hit in await again.search("cats on mats")] == ["arxiv:2401.00002"]
    await again.add([_fetched(1, "Cats sit on mats.", 3)])
    assert len(await again.search("cats on mats")) == 2
    await again.close()
    named, held = _stored(tmp_path)
    assert named == held
