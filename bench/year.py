"""Simulate a year of operation with a bot that is killed, and check what was lost, duplicated, or left on the disk.

    uv run python bench/year.py --from PAPERS.jsonl.gz [--days 365] [--papers 5] [--questions 3] [--kills 60]

Each day some papers are fetched (a page and its cursor, as from a source), questions are asked, rated and saved,
digests are posted to a Discord that fails in the ways of bench/digest_year.py, and old data is deleted, as the bot does
once a day. All of it runs in its own process, on a real library and a real store, which is killed with SIGKILL while it
posts, or at any other moment. Papers are those of the file, with the stand-in vectors of bench/large_library.py; the
retention is 30 days, so that a year has a dozen retention periods.

At the end, catalogue, Chroma and tantivy are compared, and the digests counted. The exit code is 1 if anything was
posted twice or not at all, if anything is missing, or if the store grew in the second half of the year.
"""

from __future__ import annotations

import argparse
import asyncio
import pickle
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from bench.digest_year import START, Discord, Wire, Worker, make_subscription, recorded_dues, report
from bench.large_library import CACHE, StandIn, papers
from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.digest.delivery import Deliverer
from bot.digest.digest_text import ReasonWriter
from bot.digest.editor import Editor
from bot.llm.meter import Payer, Spent
from bot.store import Search, Store, StoredAnswer
from bot.store.store_tables import searches
from retrieval.library import Library
from retrieval.sources.fetched import Cursor, Page

if TYPE_CHECKING:
    from datetime import datetime

    from retrieval.sources.fetched import Fetched

RETENTION: Final = timedelta(days=30)
SOURCE: Final = "arxiv:year"
COLLECTED_EVERY: Final = 15  # days; what was posted is forgotten after 30
MEMORY_MAY_GROW: Final = 1.1  # from the first half of the year to the second
DAYS: Final = "days.pickle"  # what each day brings, read from the files once
FOLDERS: Final = ("memory.db", "footnote.db", "chroma", "lexical")


def days_of(options: argparse.Namespace) -> list[list[Fetched]]:
    """The papers of each day, published on that day."""
    known = list(papers(options.files, options.days * options.papers))
    found = []
    for day in range(options.days):
        on = (START + timedelta(days=day)).date()
        part = known[day * options.papers : (day + 1) * options.papers]
        found.append([replace(each, paper=replace(each.paper, published=on), listed=on) for each in part])
    return found


class Bot:
    """Do what the bot does on a day."""

    def __init__(self, library: Library, store: Store, days: list[list[Fetched]], questions: int) -> None:
        self.library = library
        self._store = store
        self._days = days
        self._questions = questions
        self._answerer = Answerer(library, ExtractiveWriter())

    async def live(self, now: datetime) -> None:
        """Fetch, answer and forget; a day that a kill cut short is continued."""
        day = min((now - START).days, len(self._days) - 1)
        reading = await self.library.source_state(SOURCE)
        for at in range(reading.cursor.position if reading and reading.cursor else 0, day + 1):
            cursor = Cursor(complete=True, position=at + 1, newest=START + timedelta(days=at))
            await self.library.ingest_page(Page(tuple(self._days[at]), cursor, 1.0), SOURCE)
            await self.library.index_pending()
        chance = random.Random(day)
        for number in range(self._questions):
            await self._ask(now, chance, f"{day}-{number}")
        await self._store.forget_due(now)

    async def _ask(self, now: datetime, chance: random.Random, name: str) -> None:
        about = chance.choice(chance.choice(self._days[: (now - START).days + 1])).paper
        answer = await self._answerer.answer(f"What is said about {about.title}?")
        kept = StoredAnswer(
            answer_id=name.ljust(16, "_"),
            answer=answer,
            asker_id=chance.randrange(1, 100),
            channel_id=chance.randrange(1, 10),
            guild_id=chance.randrange(1, 4),
            question_message_id=None,
            parent_id=None,
            private=False,
            asked_at=now,
        )
        with suppress(sa.exc.IntegrityError):  # it was stored before a kill
            await self._store.answers.keep(kept)
        if chance.random() < 0.3:
            await self._store.feedback.rate(kept.answer_id, kept.asker_id, chance.choice((-1, 1)))
        key = await self._store.searches.keep(Search(f"{about.title} {name}"))
        async with self._store._database.writing() as connection:  # noqa: SLF001  # the store itself uses the real time
            await connection.execute(sa.update(searches).where(searches.c.key == key).values(used_at=now))
        spent = Spent("answer", "a model", 4000, 200, estimated=False)
        await self._store.usage.add(now.date(), Payer(kept.guild_id, kept.asker_id), spent)


async def work(options: argparse.Namespace, url: str, folder: str) -> None:
    """Live through each time read from stdin; print when it is done, and when there is more to do."""
    now = START
    library = await Library.open(Path(folder), StandIn(cache_dir=CACHE), now=lambda: now)
    store = await Store.open(Path(folder), retention=RETENTION)
    days = pickle.loads((Path(folder) / DAYS).read_bytes())  # noqa: S301  # this program's own
    bot = Bot(library, store, days, options.questions)
    await library.index_pending()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    day = -1
    async with aiohttp.ClientSession() as session:
        editor = Editor(library, ReasonWriter(library.embedder), store.feedback.liked)
        deliverer = Deliverer(store, editor, Wire(session, url), now=lambda: now)
        while line := (await lines.readline()).decode().strip():
            now = START.fromisoformat(line)
            if (now - START).days != day:
                await bot.live(now)
                day = (now - START).days
            await deliverer.tick()
            due = await store.deliveries.next_due()
            sys.stdout.write(f"{due.isoformat() if due else ''}\n")
            sys.stdout.flush()
    await store.close()
    await library.close()


def sizes(folder: Path) -> dict[str, float]:
    """Sizes on disk, in MB; databases with their logs."""
    return {
        name: sum(each.stat().st_size for path in folder.glob(f"{name}*") for each in _files(path)) / 1_000_000
        for name in FOLDERS
    }


def _files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]


async def live(options: argparse.Namespace) -> int:
    """Let the year pass and return the exit code."""
    chance = random.Random(options.seed)
    server = Discord(options.failing, random.Random(options.seed + 1))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / DAYS).write_bytes(pickle.dumps(days_of(options)))
        store = await Store.open(folder, retention=RETENTION)
        made = [make_subscription(number, chance) for number in range(options.subscriptions)]
        for each in made:
            await store.subscriptions.add(each)
        runner = web.AppRunner(server.routes())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        year = Year(options, server, store, folder, url, chance)
        await year.pass_by()
        await runner.cleanup()
        made_still = [kept for each in made if (kept := await store.subscriptions.get(each.subscription_id))]
        await year.collect()
        await store.close()
        first = {each.subscription_id: each.next_due_at for each in made}
        code = report(options, made_still, first, server, year.recorded(), year.killed, time.monotonic() - began)
        return code | await compare(folder, options) | year.judge()


class Year:
    """The clock of the year: kills the bot, and records disk use and what was posted."""

    def __init__(
        self,
        options: argparse.Namespace,
        server: Discord,
        store: Store,
        folder: Path,
        url: str,
        chance: random.Random,
    ) -> None:
        self._options = options
        self._server = server
        self._store = store
        self._folder = folder
        self._url = url
        self._chance = chance
        self._posted: dict[str, dict[datetime, tuple[datetime, datetime, list[int]]]] = {}
        self._memory: dict[int, float] = {}
        self.killed = 0

    async def pass_by(self) -> None:
        """Run the whole year."""
        server, options, chance = self._server, self._options, self._chance
        end = START + timedelta(days=options.days)
        kills = sorted(START + (end - START) * chance.random() for _ in range(options.kills))
        worker = await Worker.start(self._url, str(self._folder))
        noted = 0
        while server.now < end:
            blow: asyncio.Task[None] | None = None
            if kills and kills[0] <= server.now and server.kill is None:
                kills.pop(0)
                if chance.random() < 0.5:
                    server.kill = (chance.randrange(4), chance.random() < 0.5)  # while it posts
                else:
                    blow = asyncio.create_task(_strike(worker, chance.random() * 2))
            try:
                due = await worker.tick(server.now)
            except ConnectionError:
                due = None
            if blow:
                blow.cancel()
            if worker.process.returncode is not None or due is None:
                await worker.end()
                self.killed += 1
                worker = await Worker.start(self._url, str(self._folder))
                server.now += chance.choice((timedelta(seconds=20), timedelta(minutes=2), timedelta(hours=2)))
                continue
            server.now = max(min(due, server.now + timedelta(hours=6)), server.now + timedelta(seconds=5))
            day = (server.now - START).days
            self._memory[day] = sizes(self._folder)["memory.db"]
            if day >= noted + COLLECTED_EVERY:
                noted = day
                await self.collect()
                told = ", ".join(f"{name} {size:.1f} MB" for name, size in sizes(self._folder).items())
                print(f"day {day}: {len(server.posts)} posts, {self.killed} kills; {told}", flush=True)
        await worker.end()

    async def collect(self) -> None:
        """Collect the recorded deliveries, before the bot deletes them."""
        async with self._store._database.reading() as connection:  # noqa: SLF001  # nothing in the bot needs this
            ids = list(await connection.scalars(sa.text("SELECT subscription_id FROM subscriptions")))
        for subscription_id in ids:
            known = self._posted.setdefault(subscription_id, {})
            known |= {row[0]: row for row in await recorded_dues(self._store, subscription_id)}

    def recorded(self) -> dict[str, list[tuple[datetime, datetime, list[int]]]]:
        """The recorded deliveries of each subscription, in order."""
        return {name: [rows[due] for due in sorted(rows)] for name, rows in self._posted.items()}

    def judge(self) -> int:
        """Print the size of the store in both halves of the year; returns 1 if it still grew, else 0."""
        middle = self._options.days // 2
        first = max(size for day, size in self._memory.items() if day < middle)
        second = max(size for day, size in self._memory.items() if day >= middle)
        print(f"memory.db at most: {first:.2f} MB in the first half of the time, {second:.2f} MB in the second")
        return int(second > first * MEMORY_MAY_GROW)


async def _strike(worker: Worker, seconds: float) -> None:
    await asyncio.sleep(seconds)
    worker.process.kill()


async def compare(folder: Path, options: argparse.Namespace) -> int:
    """Check that each paper is there once, and that catalogue, Chroma and tantivy agree; returns 1 if not, else 0."""
    library = await Library.open(folder, StandIn(cache_dir=CACHE))
    try:
        await library.index_pending()
        ids = await library.ids()
        stored: Any = await library._catalogue.chunks_of(ids)  # noqa: SLF001  # as a test would
        windows = {f"{each.paper_id}#{each.position}" for rows in stored.values() for each in rows}
        index = library._parts.dense  # noqa: SLF001
        dense: Counter[str] = Counter(index._ask(lambda held: held.get(ids=None, include=[])["ids"]))  # noqa: SLF001
        figures = {
            "papers fetched": options.days * options.papers,
            "papers in the catalogue": len(ids),
            "papers in tantivy": library._lexical.count(),  # noqa: SLF001
            "windows in the catalogue": len(windows),
            "windows in Chroma": sum(dense.values()),
            "of which in both": len(windows & set(dense)),
        }
    finally:
        await library.close()
    for name, value in figures.items():
        print(f"{name:45} {value}")
    counts = list(figures.values())
    return int(len(set(counts[:3])) > 1 or len(set(counts[3:])) > 1)


def main() -> None:
    """Play Discord and the clock, or, in the process that this starts, the bot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="files", action="append", required=True, metavar="FILE")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--papers", type=int, default=5)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--subscriptions", type=int, default=12)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--failing", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.workers = 1
    if options.worker:
        asyncio.run(work(options, *options.worker))
    else:
        sys.exit(asyncio.run(live(options)))


if __name__ == "__main__":
    main()
