"""Inject random faults into calls, connections and events while people ask, and check that every question is answered.

    uv run python bench/discord_storm.py --faults 2000 --data-dir .footnote
    uv run python bench/discord_storm.py --faults 10000 --prepared --failing 0.4

`footnote run` runs in its own process, over a copy of the data dir (or of seeds/ if there is none), and this process
plays Discord on local sockets. With --prepared, the bot runs in this process with answers prepared in advance, which
tests the Discord side alone. 320 people in 64 channels of 32 servers ask by mention, direct message, /ask, menu and
form, and click buttons.

A share of all calls fails: the connection is reset, or the server returns an error, before or after the call takes
effect, or it returns a 429 for one bucket or for all. Every few seconds the Gateway is dropped, refused, told to
resume, repeats events or sends a malformed one, or all connections are refused. Each question must get exactly one
answer or one apology, and nothing may be left unfinished; otherwise the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.running import start_bot
from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.services import make_services
from bot.store import Store
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from tests.bot.discord.prepared import PreparedAnswers
from tests.bot.discord.storm import FAILING, PATIENCE, Report, Storm, share_of
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[1]
QUERIES = ROOT / "tests" / "eval" / "seeds-answerable" / "queries.jsonl"
SERVERS, CHANNELS, PEOPLE = 32, 2, 10  # channels and people per server, so many that nobody hits a rate limit
STARTING = timedelta(minutes=5)  # for a bot that ingests seeds/


def main() -> None:
    """Run the bot in a storm, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failing", type=float, default=FAILING, help="the share of calls that fail")
    parser.add_argument("--prepared", action="store_true", help="take answers that were made beforehand")
    parser.add_argument("--data-dir", type=Path, help="a library that is ready; by default seeds/ is taken in")
    report = asyncio.run(_weather(parser.parse_args()))
    _print(report)
    sys.exit(1 if report.problems else 0)


async def _weather(options: argparse.Namespace) -> Report:
    questions = [json.loads(line)["text"] for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if options.data_dir:
            await asyncio.to_thread(shutil.copytree, options.data_dir, data)
        async with LocalDiscord(patience=PATIENCE) as server:
            places = []
            for guild in [server.guild(f"Server {number}") for number in range(SERVERS)]:
                channels = [guild.channel(f"channel-{number}") for number in range(CHANNELS)]
                places += [(guild.member(f"{guild.name} {n}"), channels[n % CHANNELS]) for n in range(PEOPLE)]
            async with (_prepared if options.prepared else _real)(server, data):
                await server.journal.until(lambda: server.gateway.identified, "the bot to start", STARTING)
                await server.ready()
                storm = Storm(server, options.seed, options.faults, questions, failing=options.failing)
                return await storm.blow(places)


@asynccontextmanager
async def _real(server: LocalDiscord, data: Path) -> AsyncIterator[None]:
    """Run the bot as a user would."""
    process = await start_bot(server, data)
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE.total_seconds())


@asynccontextmanager
async def _prepared(server: LocalDiscord, data: Path) -> AsyncIterator[None]:
    """Run the bot in this process, with its own library and prepared answers."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    library = await Library.open(data, LocalEmbedder(cache_dir=data / "models"))
    store = await Store.open(data)
    services = make_services(PreparedAnswers(), library, store)
    async with FootnoteBot(services, CommandsFile(data / FILE_NAME), connector=server.connector()) as bot:
        running = asyncio.create_task(bot.start(server.token))
        yield
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await store.close()
    await library.close()


def _print(report: Report) -> None:
    for name, number in sorted(report.faults.items()):
        print(f"{name:36}{number:8}")
    print(f"{'faults':36}{sum(report.faults.values()):8}")
    for kind, number in sorted(Counter(told.kind for told in report.told).items()):
        print(f"by {kind:33}{number:8}")
    print(f"{'done by people':36}{len(report.told):8}")
    print(f"{'answered by an apology':36}{report.apologies():8}")
    print(f"{'too late for Discord, which said so':36}{sum(told.missed for told in report.told):8}")
    print(f"{os.cpu_count()} cores, seconds{'':21}{'p50':>8}{'p99':>8}{'worst':>8}")
    for name, seconds in (("acknowledged", report.acknowledgements()), ("answered", report.ends())):
        print(f"{name:36}{share_of(seconds, 0.5):8.2f}{share_of(seconds, 0.99):8.2f}{seconds[-1]:8.2f}")
    print(f"{'longest off the Gateway':36}{report.longest_away:8.2f}")
    for problem in report.problems:
        print(problem)
    print(f"{'problems':36}{len(report.problems):8}")


if __name__ == "__main__":
    main()
