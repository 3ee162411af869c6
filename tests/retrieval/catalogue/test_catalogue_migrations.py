"""The catalogue's tables are made by migrations, also from a catalogue that is older than any migration."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from retrieval.catalogue import catalogue as module
from retrieval.catalogue.catalogue import Added, Catalogue
from retrieval.catalogue.catalogue_tables import metadata
from retrieval.catalogue.full_text_store import Window
from retrieval.catalogue.scope import Scope
from retrieval.embedding.word_vectors import Words, best_matches
from retrieval.fulltext.article import FullText, Section
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched
from storage.engine import create_engine
from storage.errors import MigrationError

if TYPE_CHECKING:
    from pathlib import Path

OLD = """
CREATE TABLE papers (
    number INTEGER NOT NULL PRIMARY KEY, paper_id VARCHAR NOT NULL UNIQUE, title TEXT NOT NULL, abstract TEXT NOT NULL,
    source VARCHAR NOT NULL, url TEXT, published DATE, content_hash VARCHAR(64) NOT NULL, indexed_hash VARCHAR(64),
    indexed_chunks INTEGER NOT NULL
);
CREATE TABLE chunks (
    paper_id VARCHAR NOT NULL, position INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    kind VARCHAR NOT NULL, text_hash VARCHAR(64) NOT NULL, model VARCHAR NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (paper_id, position)
);
"""
OLD_CHUNKS = """
CREATE TABLE chunks (
    paper_id VARCHAR NOT NULL, position INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    kind VARCHAR NOT NULL, text_hash VARCHAR(64) NOT NULL, model VARCHAR NOT NULL, vector BLOB NOT NULL, words BLOB,
    PRIMARY KEY (paper_id, position)
);
CREATE INDEX chunks_by_kind ON chunks (paper_id, kind);
"""
CATS = Paper(identify("Cats"), "Cats", "Cats sit.", "seeds")
DOUBLE = Paper("arxiv:2401.00001", "Cats", "Cats sit.", "jsonl", published=dt.date(2024, 1, 1))
TEXT = FullText(1, (Section("1 Mats", "Cats sit on mats.", ((0, 1),)),))
OWN = Paper("d1", "Dogs", "Dogs run.", "beir")


def make_old(file: Path) -> None:
    """Make a catalogue of three papers as it was before migrations, and before word vectors."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript(OLD)
        db.executemany(
            "INSERT INTO papers (paper_id, title, abstract, source, published, content_hash, indexed_hash, "
            "indexed_chunks) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            [
                (each.paper_id, each.title, each.abstract, each.source, each.published, *(2 * [each.content_hash]))
                for each in (DOUBLE, CATS, OWN)
            ],
        )
        db.commit()


def backups(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".backup")


@pytest.mark.parametrize("tables", [False])
async def test_the_migrations_make_the_tables_that_the_code_uses(catalogue: Catalogue, database_url: str) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        options = {"version_table": module.MIGRATIONS.version_table, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await catalogue.ids(Scope()) == []
    engine = create_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_catalogue_from_before_migrations_keeps_its_papers_and_learns_their_ids(tmp_path: Path) -> None:
    make_old(tmp_path / "footnote.db")
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}")
    assert await catalogue.get([DOUBLE.paper_id, CATS.paper_id, "d1"]) == {
        paper.paper_id: paper for paper in (DOUBLE, CATS, OWN)
    }
    counts = await catalogue.counts()
    assert (counts.papers, counts.pending) == (3, 0)
    assert counts.by_source == {"beir": 1, "jsonl": 1, "seeds": 1}
    now = dt.datetime.now(dt.UTC)
    assert len(await catalogue.fresh(now - dt.timedelta(minutes=5), now)) == 3
    ids = [CATS.paper_id, DOUBLE.paper_id, identify("Dogs")]
    assert await catalogue.current_ids(ids) == {name: name for name in ids[:2]}
    # That two of them are one paper is known only when a source names both ids.
    assert await catalogue.add([Fetched(DOUBLE, external_ids=(DOUBLE.paper_id, CATS.paper_id))]) == Added(known=1)
    assert await catalogue.current_ids(ids) == dict.fromkeys(ids[:2], DOUBLE.paper_id)
    await catalogue.close()


async def test_a_catalogue_is_copied_before_a_migration_and_not_at_every_start(tmp_path: Path) -> None:
    make_old(tmp_path / "footnote.db")
    for _ in range(2):
        await (await Catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}")).close()
        assert backups(tmp_path) == ["footnote.db.catalogue_version-none.backup"]


async def test_a_new_catalogue_and_one_too_large_are_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")).close()
    make_old(tmp_path / "footnote.db")
    monkeypatch.setattr(module, "MIGRATIONS", replace(module.MIGRATIONS, largest_backup=1000))
    await (await Catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}")).close()
    assert backups(tmp_path) == []


async def test_a_catalogue_of_a_newer_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'footnote.db'}"
    await (await Catalogue.open(url)).close()
    with closing(sqlite3.connect(tmp_path / "footnote.db")) as db:
        db.execute("UPDATE catalogue_version SET version_num = '9999'")
        db.commit()
    with pytest.raises(MigrationError, match="newer version of Footnote"):
        await Catalogue.open(url)


async def test_an_address_that_was_a_search_for_the_title_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "footnote.db"
    make_old(file)
    with closing(sqlite3.connect(file)) as db:
        search = "https://huggingface.co/papers?q=Cats"
        db.execute("UPDATE papers SET url = ? WHERE paper_id = ?", (search, CATS.paper_id))
        db.execute("UPDATE papers SET url = 'https://example.org/dogs' WHERE paper_id = ?", (OWN.paper_id,))
        db.commit()
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    found = await catalogue.get([CATS.paper_id, OWN.paper_id])
    await catalogue.close()
    assert (found[CATS.paper_id].url, found[OWN.paper_id].url) == (None, "https://example.org/dogs")


async def test_what_is_asked_of_all_papers_reads_an_index_and_not_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "footnote.db"
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    asked: list[tuple[str, tuple[object, ...]]] = []
    sa.event.listen(
        catalogue._database.engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, parameters, *_: asked.append((statement, parameters)),
    )
    await catalogue.held()
    await catalogue.counts()
    await catalogue.pending(32, "model")
    await catalogue.titles(25)
    await catalogue.newest(10, Scope())
    await catalogue.count(Scope(since=dt.date(2026, 1, 1)))
    now = dt.datetime.now(dt.UTC)
    await catalogue.fresh(now - dt.timedelta(days=1), now, now.date())
    await catalogue.close()
    with sqlite3.connect(file) as db:
        plans = {
            statement: [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in asked
        }
    assert any("papers_standing" in step for steps in plans.values() for step in steps)
    # Only queries with a LIMIT may scan: the latest papers are read in row order, and no more than needed.
    assert not [statement for statement, steps in plans.items() if "SCAN papers" in steps and "LIMIT" not in statement]


async def test_full_texts_of_before_their_sentences_were_kept_wait_to_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "footnote.db"
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    await catalogue.add([CATS])
    await catalogue.full_texts.put(CATS.paper_id, TEXT)
    waiting = await catalogue.full_texts.waiting("model")
    assert waiting is not None
    window = Window(0, 0, 10, "hash", np.ones(4, np.float32))
    await catalogue.full_texts.store_windows(waiting, [window], "model")
    assert await catalogue.full_texts.waiting("model") is None
    await catalogue.close()
    with closing(sqlite3.connect(file)) as db:  # the state after version 0006
        db.execute("ALTER TABLE section_windows DROP COLUMN contents")
        db.executescript(f"DROP TABLE chunks; {OLD_CHUNKS}")
        for table in ("full_text_attempts", "index_turn"):
            db.execute(f"DROP TABLE {table}")
        for index in ("standing", "pending", "withdrawn", "removed"):
            db.execute(f"DROP INDEX papers_{index}")
        db.execute(f"UPDATE {module.MIGRATIONS.version_table} SET version_num = '0006'")
        db.commit()
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    again = await catalogue.full_texts.waiting("model")
    assert again is not None
    assert (again.paper_id, again.full_text, again.known) == (CATS.paper_id, TEXT, {})
    assert len((await catalogue.full_texts.windows_of([CATS.paper_id], "model"))[CATS.paper_id]) == 1
    assert await catalogue.full_texts.lacking([CATS.paper_id], dt.datetime.now(dt.UTC)) == []
    await catalogue.close()


def _in_four_bits(words: Words) -> bytes:
    """Pack word vectors as version 0008 did."""
    levels = np.clip(np.rint(words.vectors / (0.35 / np.sqrt(words.vectors.shape[1]))), -7, 7)
    low, high = np.split((levels + 8).astype(np.uint8), 2, axis=1)
    return bytes((low | high << 4).data)


async def test_sentences_and_words_of_version_0008_are_found_in_their_windows(tmp_path: Path) -> None:
    file = tmp_path / "footnote.db"
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    await catalogue.add([CATS])
    await catalogue.full_texts.put(CATS.paper_id, TEXT)
    waiting = await catalogue.full_texts.waiting("model")
    assert waiting is not None
    await catalogue.full_texts.store_windows(waiting, [Window(0, 0, 17, "hash", np.ones(384, np.float32))], "model")
    await catalogue.close()
    chance = np.random.default_rng(7)
    vectors = chance.normal(size=(4, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    one, two, asked = (Words.of(list("abcde"), chance.normal(size=(5, 384)).astype(np.float32)) for _ in range(3))
    with closing(sqlite3.connect(file)) as db:
        db.executescript(f"DROP TABLE index_turn; DROP TABLE chunks; {OLD_CHUNKS}")
        rows = [
            (0, 0, 20, "window", _in_four_bits(one)),
            (1, 21, 50, "window", _in_four_bits(two)),
            *((at, start, end, "sentence", None) for at, (start, end) in enumerate([(0, 20), (25, 40)], start=2)),
        ]
        db.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, 'model', ?, ?)",
            [
                (CATS.paper_id, at, start, end, kind, f"hash {at}", vectors[at].tobytes(), words)
                for at, start, end, kind, words in rows
            ],
        )
        db.execute("ALTER TABLE section_windows DROP COLUMN contents")
        for column, kind in (("spans", "JSON"), ("sentences", "BLOB"), ("words", "BLOB")):
            db.execute(f"ALTER TABLE section_windows ADD COLUMN {column} {kind}")
        db.execute(
            "UPDATE section_windows SET spans = '[[0, 17]]', sentences = ?, words = ?",
            (vectors[3].astype(np.float16).tobytes(), _in_four_bits(two)),
        )
        db.execute(f"UPDATE {module.MIGRATIONS.version_table} SET version_num = '0008'")
        db.commit()

    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{file}")
    first, second = (await catalogue.chunks_of([CATS.paper_id]))[CATS.paper_id]
    known = (await catalogue.pending(1, "model"))[0].embedded
    (window,) = (await catalogue.full_texts.windows_of([CATS.paper_id], "model"))[CATS.paper_id]
    (text,) = await catalogue.full_texts.contents_of([(CATS.paper_id, window)], "model")
    await catalogue.close()

    assert text is not None
    assert [(each.start, each.end) for each in (first, second)] == [(0, 20), (21, 50)]
    assert set(known) == {"hash 0", "hash 1"}
    for held, own, spans, sentence, words in (
        (first.contents, first.vector, [[0, 20]], vectors[2], one),
        (second.contents, second.vector, [[4, 19]], vectors[3], two),
        (text, None, [[0, 17]], vectors[3], two),
    ):
        assert held.spans.tolist() == spans
        assert held.sentences @ sentence == pytest.approx(1, abs=1e-3)
        exact = (asked.vectors @ words.vectors.T).max(axis=1)
        assert np.abs(best_matches(asked.vectors, [held.words])[0] - exact).max() < 0.07
        assert own is None or any(np.array_equal(own, vector) for vector in vectors[:2])
