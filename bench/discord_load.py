"""Ask the bot 200 questions at once, and measure how soon it acknowledges and answers them.

    uv run python bench/discord_load.py --data-dir .footnote

`footnote run` runs in its own process, over a copy of the data dir (or of seeds/ if there is none). This process plays
Discord on local sockets: 50 people in 20 channels of 5 servers ask 4 questions each, half of them by /ask and half by a
mention. Times are as Discord sees them: a command is acknowledged by its deferral, a mention by the first message of
its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shutil
import tempfile
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import discord

from bench.running import start_bot
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.local_discord import Channel, Interaction, Message, Person

ROOT = Path(__file__).parents[1]
QUERIES = ROOT / "tests" / "eval" / "seeds-answerable" / "queries.jsonl"
SERVERS, CHANNELS, PEOPLE, EACH = 5, 4, 10, 4  # channels and people of each server, questions of each person
PATIENCE = timedelta(minutes=2)
BEAT = 2.0  # seconds between heartbeats; short, so that a late one is noticed
UNFINISHED = " …"  # ends a message whose answer is still growing


async def main() -> None:
    """Run the bot, ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="a library that is ready; by default seeds/ is taken in")
    data_dir: Path | None = parser.parse_args().data_dir
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if data_dir:
            await asyncio.to_thread(shutil.copytree, data_dir, data)
        async with LocalDiscord(patience=PATIENCE) as server:
            server.heartbeats_every(BEAT)
            process = await start_bot(server, data)
            try:
                await server.ready()
                await _measure(server)
            finally:
                process.terminate()
                await asyncio.wait_for(process.wait(), PATIENCE.total_seconds())


async def _measure(server: LocalDiscord) -> None:
    questions = [json.loads(line)["text"] for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    askers = _askers(server)
    warm = await askers[0][0].uses_command(askers[0][1], "ask", question=questions[0])
    await warm.finished(_is_done)
    began = time.monotonic()
    used: list[Interaction] = []
    said: list[Message] = []
    for number in range(EACH):
        for at, (person, channel) in enumerate(askers):
            question = questions[(number * len(askers) + at) % len(questions)]
            if (number + at) % 2:
                used.append(await person.uses_command(channel, "ask", question=question))
            else:
                said.append(await person.says(channel, f"{server.bot.mention} {question}"))
    replies = [await _reply(message) for message in said]
    for interaction in used:
        await server.journal.until(partial(_is_over, interaction), "it")
    for reply in replies:
        await reply.wait_until(_is_done)
    took = time.monotonic() - began
    commands = [math.inf if interaction.answered_after is None else interaction.answered_after for interaction in used]
    mentions = [_seconds_between(message, reply) for message, reply in zip(said, replies, strict=True)]
    answered = [reply for reply in replies if reply.links] + [each for each in used if each.final and each.final.links]
    print(f"{len(used) + len(said)} questions at once, {os.cpu_count()} cores")
    print(f"{'':24}{'p50':>8}{'p99':>8}{'worst':>8}")
    for name, seconds in (("/ask acknowledged, s", commands), ("mention acknowledged, s", mentions)):
        print(f"{name:24}{_share(seconds, 0.5):8.2f}{_share(seconds, 0.99):8.2f}{max(seconds):8.2f}")
    print(f"answered with papers    {len(answered):8} of {len(used) + len(said)} in {took:.1f} s")
    print(f"latest heartbeat, s     {server.worst_heartbeat_lateness():8.2f}")


def _askers(server: LocalDiscord) -> list[tuple[Person, Channel]]:
    askers = []
    for guild in [server.guild(f"Server {number}") for number in range(SERVERS)]:
        channels = [guild.channel(f"channel-{number}") for number in range(CHANNELS)]
        askers += [(guild.member(f"Person {number}"), channels[number % CHANNELS]) for number in range(PEOPLE)]
    return askers


async def _reply(asked: Message) -> Message:
    return await asked.channel.wait_for_bot_message(lambda message: message.reply_to is asked)


def _is_over(interaction: Interaction) -> bool:
    return bool(interaction.refused or (interaction.final and _is_done(interaction.final)))


def _is_done(message: Message) -> bool:
    return bool(message.text) and not message.text.endswith(UNFINISHED)


def _seconds_between(first: Message, second: Message) -> float:
    times = [discord.utils.snowflake_time(message.id) for message in (first, second)]
    return (times[1] - times[0]).total_seconds()


def _share(values: Sequence[float], share: float) -> float:
    """The quantile of some values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    asyncio.run(main())
