"""Parts are put together as the settings say: a library on servers instead of on this machine."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.factory import make_meter, open_answerer, open_library, open_store, prepare_library
from bot.llm.meter import Payer, Spent
from bot.settings import Settings
from retrieval.errors import EmbeddingError, FootnoteError
from tests.local_llm import LocalLLM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from retrieval.library import Library
    from retrieval.papers import Paper

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"
ASKED = "does a better one-step likelihood of a dynamics model mean better control performance?"


@pytest.fixture
async def chroma(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a real Chroma server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("chroma")
    process = await asyncio.create_subprocess_exec(
        *(str(command), "run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert process.returncode is None
            await asyncio.sleep(0.1)
        else:
            writer.close()
            break
    yield f"http://127.0.0.1:{port}"
    process.kill()
    await process.wait()


async def test_embeddings_of_an_openai_compatible_server_rank_and_are_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: list[Paper]
) -> None:
    async with LocalLLM(key="the-key") as llm:
        monkeypatch.setenv("FOOTNOTE_EMBEDDING__PROVIDER", "openai")
        monkeypatch.setenv("FOOTNOTE_EMBEDDING__DIMENSIONS", "256")
        monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "the-key")
        settings = Settings.load(data_dir=tmp_path / "data")
        async with open_library(settings) as library:
            await library.add(seeds[:8])
            assert (await library.search("objective mismatch in reinforcement learning"))[0].paper.title == MISMATCH
            assert library.embedder.dimensions == 256
        asked = len(llm.requests)
        async with open_library(settings) as library:
            assert await library.index_pending() == 0
        assert len(llm.requests) == asked


async def test_a_question_that_was_answered_today_is_not_paid_again_and_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeded: Library
) -> None:
    async with LocalLLM() as llm:
        monkeypatch.setenv("FOOTNOTE_LLM__BASE_URL", llm.base_url)
        settings = Settings.load(data_dir=tmp_path / "data")
        answers = []
        for _ in range(2):
            async with open_answerer(settings, seeded) as answerer:
                answers.append(await answerer.answer(ASKED))
        assert len(llm.chats) == 1
        first, second = answers
        assert (first.writer, first.statements, first.citations) == ("llm", second.statements, second.citations)
        assert (first.usage is None, second.usage) == (False, None)


async def test_the_meter_holds_the_budgets_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, tokens in [("DAY", "300"), ("SERVER", "200"), ("PERSON", "100")]:
        monkeypatch.setenv(f"FOOTNOTE_LLM__TOKENS_PER_{name}", tokens)
    settings = Settings.load(data_dir=tmp_path / "data")
    async with open_store(settings) as store:
        meter = make_meter(settings, store)
        found = []
        for _ in range(3):
            await meter.record(Payer(1, 1), Spent("answer", "gpt", 100, 0))
            found.append(
                [await meter.exhausted_budget(payer) for payer in (Payer(1, 1), Payer(1, 2), Payer(2, 1), Payer(2))]
            )
    assert found == [["person", None, "person", None], ["server", "server", "person", None], ["day"] * 4]


async def test_an_embedding_server_that_is_not_there_is_one_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: list[Paper]
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__PROVIDER", "openai")
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__API_KEY", "the-key")
    monkeypatch.setattr("retrieval.embedding.openai.RETRIES", 0)
    settings = Settings.load(data_dir=tmp_path / "data")
    async with open_library(settings) as library:
        with pytest.raises(EmbeddingError) as caught:
            await library.add(seeds[:3])
        assert "the-key" not in str(caught.value)
        assert (await library.counts()).pending == 3


async def test_vectors_may_live_in_a_chroma_server(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, seeds: list[Paper], chroma: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models)
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", chroma)
    settings = Settings.load(data_dir=tmp_path / "data")
    async with open_library(settings) as library:
        await library.add(seeds[:5])
        assert (await library.search("objective mismatch"))[0].paper.title == MISMATCH
    async with open_library(settings) as library:
        assert await library.index_pending() == 0
    assert not (tmp_path / "data" / "chroma").exists()


async def test_a_chroma_server_that_is_not_there_leaves_the_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", "http://me:hunter2@127.0.0.1:1")
    async with open_library(Settings.load(data_dir=tmp_path / "data")) as library:
        assert library.gaps.vectors
    assert "127.0.0.1:1 does not answer" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("url", ["http://me:hunter2@127.0.0.1:1/#x", "not-a-url", "http://localhost:99999"])
async def test_a_chroma_server_at_no_address_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FOOTNOTE_CHROMA__URL", url)
    with pytest.raises(FootnoteError, match=r"FOOTNOTE_CHROMA__URL.*\.$") as caught:
        async with open_library(Settings.load(data_dir=tmp_path / "data")):
            pass
    assert "hunter2" not in str(caught.value)


async def test_embeddings_of_openai_without_a_key_are_refused_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FOOTNOTE_EMBEDDING__PROVIDER", "openai")
    with pytest.raises(EmbeddingError, match="FOOTNOTE_EMBEDDING__API_KEY"):
        async with open_library(Settings.load(data_dir=tmp_path / "data")):
            pass
    assert not (tmp_path / "data").exists()


async def test_an_empty_library_takes_seeds_in_and_a_filled_one_does_not(
    tmp_path: Path, models: Path, seeds: list[Paper]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models)
    settings = Settings.load(data_dir=tmp_path / "data")
    async with open_library(settings) as library:
        await library.add(seeds[:2])
        await prepare_library(library)
        assert (await library.counts()).papers == 2
