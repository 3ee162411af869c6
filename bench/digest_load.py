"""Let 1,000 digests fall due in one minute while users ask questions, and measure how long it takes.

    uv run python bench/digest_load.py

`footnote run` runs in its own process, over seeds/ and as many papers of today. This process plays Discord on local
sockets, with a rate limit of 5 messages in 5 s per channel. 1,000 channels of 20 servers have one digest each, all due
at once; meanwhile /ask is used once a second, and the time to its acknowledgement is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.running import start_bot
from bot.digest.subscription_editor import subscribe
from bot.store import Store
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from retrieval.sources import open_source
from tests.local_discord import LocalDiscord
from tests.papers import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.papers import Paper
    from tests.local_discord import Channel, Interaction

SERVERS, CHANNELS = 20, 50
POST = "POST /channels/{}/messages"
MESSAGES, WINDOW = 5, 5.0  # a channel's limit
AHEAD = dt.timedelta(seconds=45)  # in which the bot starts
PATIENCE = dt.timedelta(minutes=15)
ALLOWED = 600.0
BETWEEN_QUESTIONS = 1.0
BEAT = 2.0
QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"


async def main() -> None:
    """Prepare the data, run the bot, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with LocalDiscord(patience=PATIENCE) as server:
            server.heartbeats_every(BEAT)
            server.limit_rate(POST, limit=MESSAGES, window=WINDOW)
            guilds = [server.guild(f"Server {number}") for number in range(SERVERS)]
            channels = [guild.channel(f"papers-{number}") for guild in guilds for number in range(CHANNELS)]
            seeds = plain(open_source("seeds").papers)
            await _fill(data, seeds)
            due = dt.datetime.now(dt.UTC) + AHEAD
            await _subscribe(data, channels, [paper.title[:90] for paper in seeds], due)
            process = await start_bot(server, data)
            try:
                await server.ready()
                await _measure(server, channels, due)
            finally:
                process.terminate()
                await asyncio.wait_for(process.wait(), PATIENCE.total_seconds())


async def _fill(data: Path, seeds: Sequence[Paper]) -> None:
    """Ingest seeds/, and each of its papers once more with today's date."""
    today = dt.datetime.now(dt.UTC)
    library = await Library.open(
        data, LocalEmbedder(cache_dir=data / "models"), now=lambda: today - dt.timedelta(hours=1)
    )
    fresh = [
        replace(paper, paper_id=f"arxiv:2603.{number:05}", title=f"{paper.title}, again", published=today.date())
        for number, paper in enumerate(seeds)
    ]
    await library.add([*seeds, *fresh])
    await library.close()


async def _subscribe(data: Path, channels: Sequence[Channel], topics: Sequence[str], due: dt.datetime) -> None:
    store = await Store.open(data)
    for number, channel in enumerate(channels):
        made = subscribe(
            kind="channel",
            place_id=channel.id,
            guild_id=channel.guild.id if channel.guild else None,
            owner_id=1,
            topics=[topics[number % len(topics)]],
            hour=9,
            zone="UTC",
            now=due - dt.timedelta(hours=1),
        )
        await store.subscriptions.add(replace(made, next_due_at=due))
    await store.close()


async def _measure(server: LocalDiscord, channels: Sequence[Channel], due: dt.datetime) -> None:
    used: list[Interaction] = []
    asking = asyncio.create_task(_keep_asking(server, used))
    await asyncio.sleep(max(0.0, (due - dt.datetime.now(dt.UTC)).total_seconds()))
    early = len(used)
    began = time.monotonic()
    await server.journal.until(lambda: all(channel.bot_messages for channel in channels), "every digest")
    took = time.monotonic() - began
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    waits = [interaction.answered_after for interaction in used[early:] if interaction.answered_after is not None]
    calls = server.calls(POST)
    seconds = Counter(int(call.time) for call in server.router.calls)
    papers = sum("**1.**" in channel.bot_messages[0].text for channel in channels)
    print(f"{len(channels)} digests due at once, {os.cpu_count()} cores")
    print(f"all posted after, s      {took:8.1f} of {ALLOWED:.0f}")
    print(f"posted more than once    {sum(len(channel.bot_messages) > 1 for channel in channels):8}")
    print(f"with papers              {papers:8}")
    print(f"refused with 429         {sum(call.status == 429 for call in calls):8}")
    print(f"most calls in a second   {max(seconds.values()):8} of 50")
    print(f"/ask meanwhile           {len(waits):8}")
    print(f"acknowledged, p50, s     {_share(waits, 0.5):8.2f}")
    print(f"acknowledged, worst, s   {max(waits):8.2f} of 1.00")
    print(f"latest heartbeat, s      {server.worst_heartbeat_lateness():8.2f}")


async def _keep_asking(server: LocalDiscord, used: list[Interaction]) -> None:
    """Ask once a second, each time as another user, because the bot allows a user ten questions a minute."""
    lobby = server.guild("Lobby")
    channel = lobby.channel("questions")
    people = [lobby.member(f"Person {number}") for number in range(20)]
    for number in range(int(PATIENCE.total_seconds() / BETWEEN_QUESTIONS)):
        used.append(await people[number % len(people)].uses_command(channel, "ask", question=QUESTION))
        await asyncio.sleep(BETWEEN_QUESTIONS)


def _share(values: Sequence[float], share: float) -> float:
    """The quantile of some values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    asyncio.run(main())
