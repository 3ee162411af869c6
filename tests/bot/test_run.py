"""`footnote run` as its user starts it: a separate process, with the real client on a local Discord."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retrieval.library import Library
from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched, identities
from tests.bot.discord.prepared import done
from tests.local_discord import LocalDiscord
from tests.local_llm import LocalLLM, held_by
from tests.local_sources import LocalSources
from tests.retrieval.consistency import assert_consistent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from retrieval.embedding.local import LocalEmbedder

    Start = Callable[..., Awaitable["Footnote"]]

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"
ASKED = "does a dynamics net with better one-step likelihood give you a better controller?"
PATIENCE = 60.0  # seconds: the process imports Chroma and onnxruntime, on a machine that may be busy


class Footnote:
    """A running `footnote run`, and its stderr so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    async def says(self, words: str) -> None:
        assert self._process.stderr is not None
        while words.encode() not in await asyncio.wait_for(self._process.stderr.readline(), PATIENCE):
            pass

    def kill(self) -> None:
        self._process.kill()

    async def ended(self) -> tuple[int, str]:
        _, stderr = await asyncio.wait_for(self._process.communicate(), PATIENCE)
        assert self._process.returncode is not None
        return self._process.returncode, stderr.decode()


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord(patience=timedelta(seconds=PATIENCE)) as server:
        yield server


@pytest.fixture
async def start(discord: LocalDiscord, seeded_dir: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """Start the bot over seeds/, with further settings by name; bots that still run at the end are killed."""
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    running: list[asyncio.subprocess.Process] = []

    async def start(**settings: str) -> Footnote:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTNOTE_", "OPENAI_"))}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--data-dir", str(tmp_path / "data")),
            env=mine
            | {
                "SSL_CERT_FILE": str(discord.ca_file),
                "FOOTNOTE_DISCORD__TOKEN": discord.token,
                "FOOTNOTE_DISCORD__PROXY": discord.proxy_url,
                "FOOTNOTE_FETCH__SOURCES": "",
            }
            | settings,
            stderr=asyncio.subprocess.PIPE,
        )
        running.append(process)
        return Footnote(process)

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_command_and_a_mention_are_answered_once_each_and_sigterm_ends_it(
    discord: LocalDiscord, start: Start
) -> None:
    guild = discord.guild("Lab")
    channel, alice = guild.channel("papers"), guild.member("alice")
    footnote = await start()
    await discord.ready()

    used = await alice.uses_command(channel, "ask", question=ASKED)
    shown = await used.finished(done)
    assert used.kind == "deferred"
    assert MISMATCH in shown.text
    assert "not always correlated with control performance" in shown.text
    assert shown.pings == set()

    said = await alice.says(channel, f"{discord.bot.mention} {ASKED}")
    reply = await channel.wait_for_bot_message(matching=lambda message: message.replied_id == said.id)
    await reply.wait_until(done)
    assert MISMATCH in reply.text

    await discord.replay(said)
    await discord.stays_silent(1.0)

    footnote.terminate()
    code, stderr = await footnote.ended()
    assert code == 0, stderr
    assert discord.token not in stderr
    assert ASKED not in stderr


async def test_an_answer_in_flight_is_delivered_after_sigterm(discord: LocalDiscord, start: Start) -> None:
    guild = discord.guild("Lab")
    channel, alice = guild.channel("papers"), guild.member("alice")
    gate = asyncio.Event()
    async with LocalLLM() as llm:
        llm.next(held_by(gate))
        footnote = await start(FOOTNOTE_LLM__BASE_URL=llm.base_url, FOOTNOTE_LLM__MODEL="test-model")
        await discord.ready()
        await alice.says(channel, f"{discord.bot.mention} {ASKED}")
        await llm.asked(1)
        footnote.terminate()
        gate.set()
        reply = await (await channel.wait_for_bot_message()).wait_until(done)
        assert MISMATCH in reply.text
        code, stderr = await footnote.ended()
        assert code == 0, stderr


@pytest.mark.slow
async def test_what_a_server_was_answered_from_gets_its_full_text_and_answers_a_detail(
    discord: LocalDiscord, start: Start, tmp_path: Path, embedder: LocalEmbedder
) -> None:
    title = "RidgeLine: Reading Avalanche Warnings from Slope Cameras"
    abstract = "We read avalanche warnings from slope cameras. RidgeLine warns two hours ahead."
    paper = Paper("arxiv:2611.05432", title, abstract, "arxiv", "https://arxiv.org/abs/2611.05432")
    library = await Library.open(tmp_path / "data", embedder)
    await library.add([Fetched(paper, external_ids=identities(title, arxiv_id="2611.05432"))])
    await library.close()
    guild = discord.guild("Lab")
    channel, alice = guild.channel("papers"), guild.member("alice")
    page = Path(__file__).parents[1] / "fulltext" / "pages" / "ridgeline.html"
    async with LocalSources() as sources:
        sources.files["/html/2611.05432"] = page.read_bytes()
        settings = {"FOOTNOTE_FETCH__FULL_TEXTS": "5", "FOOTNOTE_ARXIV__BASE_URL": sources.base_url}
        footnote = await start(**settings)
        await discord.ready()
        detail = "What batch size is RidgeLine trained with?"
        before = await (await alice.uses_command(channel, "ask", question=detail)).finished(done)
        assert title in before.text
        assert "96" not in before.text
        footnote.terminate()
        assert (await footnote.ended())[0] == 0
        assert sources.requests == []

        footnote = await start(**settings)  # it looks when it starts, and then every ten minutes
        await footnote.says("full text of arxiv:2611.05432")
        await discord.ready(2)
        answer = await (await alice.uses_command(channel, "ask", question=detail)).finished(done)
        assert "a batch size of 96 for 40 epochs" in answer.text
        assert "2.1 The loss" in (await (await alice.picks(answer, "Quotes in full")).finished()).text
        assert [request.path for request in sources.requests] == ["/html/2611.05432"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_it_starts_closes_what_is_open_and_ends_it(
    discord: LocalDiscord, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    assert discord.token
    await asyncio.to_thread((tmp_path / "data" / "footnote.db").unlink)  # so that it has to ingest seeds/
    footnote = await start()
    await footnote.says("starting version=")
    await asyncio.sleep(2)  # while it loads and ingests
    footnote.terminate(number)
    code, stderr = await footnote.ended()
    connecting = "stopping signal=" in stderr  # on a fast machine the start is over by then
    assert (code, "Traceback" in stderr) == (0 if connecting else -number, False)


async def test_a_wrong_token_is_one_sentence_and_exit_one(discord: LocalDiscord, start: Start) -> None:
    assert discord.token
    code, stderr = await (await start(FOOTNOTE_DISCORD__TOKEN="not.the.token")).ended()
    assert code == 1
    assert "refused the bot token" in stderr.splitlines()[-1]
    assert "not.the.token" not in stderr
    assert "Traceback" not in stderr


async def test_an_unreachable_discord_is_one_sentence_and_exit_one(
    start: Start,
) -> None:
    code, stderr = await (await start(FOOTNOTE_DISCORD__PROXY="http://127.0.0.1:1")).ended()
    assert code == 1
    log, sentence = stderr.splitlines()
    assert "starting version=" in log
    assert "Discord cannot be reached" in sentence
    assert "FOOTNOTE_DISCORD__PROXY, which is set" in sentence


def _removed(data: Path) -> int:
    """Count the papers marked as removed in the catalogue, while the bot writes to it."""
    with closing(sqlite3.connect(f"file:{data / 'footnote.db'}?mode=ro", uri=True)) as catalogue:
        (count,) = catalogue.execute("SELECT count(*) FROM papers WHERE removed_at IS NOT NULL").fetchone()
    return int(count)


async def _killed_when(footnote: Footnote, data: Path, count: int) -> None:
    """Kill the bot as soon as the catalogue has this many removed papers, before its indexes follow."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while _removed(data) != count:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.002)
    footnote.kill()
    await footnote.ended()


async def test_a_kill_right_after_a_removal_or_its_undo_leaves_everything_consistent(
    discord: LocalDiscord, start: Start, tmp_path: Path, embedder: LocalEmbedder
) -> None:
    guild = discord.guild("Lab")
    channel, alice, mo = guild.channel("papers"), guild.member("alice"), guild.member("Mo", "manage_guild")
    data = tmp_path / "data"
    footnote = await start()
    await discord.ready()
    answer = await (await alice.uses_command(channel, "ask", question=ASKED)).finished(done)
    said = answer.text

    question = await (await mo.uses_command(channel, "library remove", source="seeds")).finished()
    await mo.clicks(question, "Yes, remove")
    await _killed_when(footnote, data, 74)

    footnote = await start()
    await discord.ready(2)
    found = await (await alice.uses_command(channel, "search", query=MISMATCH)).finished()
    assert f"**{MISMATCH}**" not in found.text
    assert answer.text == said
    quotes = await (await alice.picks(answer, "Quotes in full")).finished()
    assert MISMATCH in quotes.text
    removed = await (await mo.uses_command(channel, "library removed")).finished()
    assert "**1.** 74 papers" in removed.text
    await mo.clicks(removed, "Undo 1")
    await _killed_when(footnote, data, 0)

    footnote = await start()
    await discord.ready(3)
    again = await (await alice.uses_command(channel, "ask", question=ASKED)).finished(done)
    assert MISMATCH in again.text
    footnote.terminate()
    assert (await footnote.ended())[0] == 0
    library = await Library.open(data, embedder)
    try:
        assert library.fault is None
        assert len(await library.ids()) == 74
        await library.index_pending()  # the bot answers while it indexes, and may have been stopped meanwhile
        await assert_consistent(library)
    finally:
        await library.close()
