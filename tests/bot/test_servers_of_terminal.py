"""The command line when servers are away: one sentence, or whatever can be found without them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from retrieval.catalogue.catalogue import Catalogue
from retrieval.papers import Paper
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import Chroma, Postgres
    from tests.terminal import Result

SENTENCE_WITHIN = 5.0  # seconds, on top of the start of the command


@pytest.mark.parametrize("how", ["paused", "gone", "dropped"])
def test_a_database_that_is_away_is_one_sentence(
    terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, postgres: Postgres, how: str
) -> None:
    terminal("stats")  # so that imports are not timed below
    place = f"127.0.0.1:{free_port() if how == 'gone' else postgres.port}"
    monkeypatch.setenv("FOOTNOTE_DATABASE_URL", f"postgresql://postgres:secret@{place}/{'x' * (how == 'dropped')}")
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", f"http://127.0.0.1:{free_port()}")
    if how == "paused":
        postgres.pause()
    began = time.monotonic()
    said = terminal("search", "otters")
    assert time.monotonic() - began < SENTENCE_WITHIN
    assert (said.code, said.out) == (1, "")
    assert place in said.err
    assert "FOOTNOTE_DATABASE_URL" in said.err
    assert "Traceback" not in said.err
    assert "secret" not in said.err


def test_a_search_while_chroma_is_away_finds_by_words_and_says_so(
    terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, database: str, chroma: Chroma, tmp_path: Path
) -> None:
    (tmp_path / "otters.jsonl").write_text(
        '{"id": "p1", "title": "On otters", "abstract": "We study otters at length. They swim."}\n', encoding="utf-8"
    )
    monkeypatch.setenv("FOOTNOTE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", chroma.url)
    assert terminal("ingest", "otters.jsonl").code == 0
    chroma.pause()
    found = terminal("search", "otters")
    assert found.code == 0
    assert "On otters" in found.out
    assert "only by their words" in found.out + found.err


def test_to_embed_beside_others_wants_a_server(terminal: Callable[..., Result]) -> None:
    said = terminal("embed")
    assert (said.code, said.out) == (1, "")
    assert "FOOTNOTE_DATABASE_URL" in said.err


def test_what_was_embedded_beside_is_indexed_by_the_next_that_comes(
    terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, database: str, chroma: Chroma
) -> None:
    async def add() -> None:
        catalogue = await Catalogue.open(database)
        await catalogue.add([Paper(f"p{at}", f"On otters {at}", "They swim.", "test") for at in range(5)])
        await catalogue.close()

    asyncio.run(add())
    monkeypatch.setenv("FOOTNOTE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", chroma.url)
    said = terminal("embed")
    assert (said.code, said.out) == (0, "Embedded 5 papers; whoever indexes the library will use the vectors.\n")
    assert terminal("embed").out.startswith("Embedded 0 papers")
    assert "On otters" in terminal("search", "otters").out
