"""Simulate a year of digests with workers that are killed and a Discord that fails, and count what was posted.

    uv run python bench/digest_year.py PAPERS.jsonl.gz [--days 365] [--subscriptions 200] [--kills 100] [--failing 0.05]
    uv run python bench/digest_year.py PAPERS.jsonl.gz --database postgresql+asyncpg://... --workers 3

PAPERS has one JSON object per line, with `id`, `date`, `title`, `abstract` and `categories`; papers arrive in the order
of their dates, spread over the working days of the year. Digests have up to 20 papers, seven per message.

This process has the clock and plays Discord: it remembers nonces for three minutes, and fails calls in each of the ways
in WAYS. Workers, each in its own process, run the real engine on the real store, with the real handling of Discord's
errors, and are killed with SIGKILL while they post, before or after the post is shown. Papers have cheap vectors made
from their words, because only the delivery is tested. The last lines are the result; the exit code is 1 if anything was
posted twice, partly or not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import numpy as np
from aiohttp import web

from bench.running import environment
from bot.digest.delivery import Deliverer
from bot.digest.digest_text import ReasonWriter
from bot.digest.editor import Editor
from bot.digest.schedule import next_due
from bot.digest.subscription_editor import subscribe
from bot.discord.digests.discord_poster import poster_errors
from bot.store import Store
from retrieval.catalogue.records import Fresh
from retrieval.papers import Evidence, Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from bot.digest.digest import Digest
    from bot.store import Posted, Subscription

START = datetime(2025, 1, 1, tzinfo=UTC)
NONCE_MEMORY = timedelta(minutes=3)
STILL_TO_COME = timedelta(days=2)  # permanent failures are retried a day later
LOOKED_AT_LAST = timedelta(minutes=2)  # papers that arrived in the last minutes are left for the next digest
YEAR = 365
ROOM = 7  # papers per message, as in Discord
MOST = 20
RETRY_AFTER = 90  # seconds, of a 429
DOWN = timedelta(hours=3)  # the longest time until a killed worker is replaced


@dataclass(frozen=True)
class Way:
    """A way for a call to fail.

    Attributes:
        status: the HTTP status; 0 for a broken connection.
        code: Discord's error code.
        words: Discord's error message.
        carried_out: whether the call took effect, and only the reply is lost.
        everywhere: whether all calls fail for a while.
    """

    status: int
    code: int = 0
    words: str = ""
    carried_out: bool = False
    everywhere: bool = False


WAYS = (
    *(Way(status, carried_out=done) for status in (503, 0) for done in (False, True)),
    *(Way(429, everywhere=everywhere) for everywhere in (False, True)),
    # Refused for good.
    Way(400, 160006, "Maximum number of active threads reached"),
    Way(400, 40067, "A tag is required to create a forum post in this channel"),
    Way(400, 50035, "Invalid Form Body"),
    Way(400, 50006, "Cannot send an empty message"),
    Way(400, 50024, "Cannot execute action on this channel type"),
    Way(400, 50159, "Cannot send voice messages in this channel"),
    Way(400, 240000, "Message blocked by harmful links filter"),
    Way(400, 200000, "Message was blocked by automatic moderation"),
    Way(403, 50001, "Missing Access"),
    Way(403, 50013, "Missing Permissions"),
    Way(403, 20026, "This bot is in quarantine"),
    Way(404, 10003, "Unknown Channel"),
)
TOPICS = (
    "language models", "image segmentation", "speech recognition", "video generation", "robots", "retrieval",
    "medical images", "reinforcement learning", "machine translation", "point clouds", "diffusion models", "safety",
    "graph networks", "recommendation", "remote sensing", "human motion", "face recognition", "reasoning",
)  # fmt: skip
ZONES = (
    "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney",
    "America/Sao_Paulo", "Africa/Nairobi", "Pacific/Auckland", "Europe/London",
)  # fmt: skip


def main() -> None:
    """Play Discord and the clock, or, in the processes that this starts, be a worker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers", type=Path)
    parser.add_argument("--days", type=int, default=YEAR)
    parser.add_argument("--subscriptions", type=int, default=200)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--failing", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        asyncio.run(work(options, *options.worker))
    else:
        sys.exit(asyncio.run(live(options)))


@dataclass
class Discord:
    """A fake Discord: stores posts, remembers nonces, loses some replies, and has the clock."""

    failing: float
    chance: random.Random
    now: datetime = START
    posts: list[dict[str, Any]] = field(default_factory=list)
    by_nonce: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    finished: asyncio.Queue[tuple[int, str | None]] = field(default_factory=asyncio.Queue)
    limited_until: datetime = START
    kill: tuple[int, bool] | None = None  # pending kill: after how many more posts, and whether after the post is shown

    def routes(self) -> web.Application:
        """The web application."""
        app = web.Application()
        app.add_routes([web.post("/post", self.post), web.post("/find", self.find)])
        return app

    async def post(self, request: web.Request) -> web.Response:
        """Post a part of a digest, unless its nonce is known; sometimes fail, before or after posting."""
        wanted = await request.json()
        self.calls["post"] += 1
        struck = after = False
        if self.kill is not None:
            countdown, after = self.kill
            struck = not countdown
            self.kill = None if struck else (countdown - 1, after)
        if struck and not after:
            return self._strike(wanted["pid"])
        way = self._way()
        if way is not None and not way.carried_out:
            return self._fail(request, way)
        known = self.by_nonce.get(wanted["nonce"])
        if known is None or self.now - known["at"] >= NONCE_MEMORY:
            known = {**wanted, "at": self.now, "message": len(self.posts) + 1}
            self.posts.append(known)
            self.by_nonce[wanted["nonce"]] = known
        else:
            self.calls["nonce remembered"] += 1
        if struck:
            return self._strike(wanted["pid"])
        return self._fail(request, way) if way is not None else web.json_response({"message": known["message"]})

    async def find(self, request: web.Request) -> web.Response:
        """Find a part by its nonce."""
        wanted = await request.json()
        self.calls["find"] += 1
        if (way := self._way()) is not None:
            return self._fail(request, way)
        known = self.by_nonce.get(wanted["nonce"])
        self.calls["found"] += known is not None
        return web.json_response({"message": known and known["message"], "papers": known and len(known["papers"])})

    def _way(self) -> Way | None:
        """How this call fails; None if it succeeds."""
        if self.now < self.limited_until:
            return Way(429)
        way = self.chance.choice(WAYS) if self.chance.random() < self.failing else None
        if way is not None and way.everywhere:
            self.limited_until = self.now + timedelta(seconds=RETRY_AFTER)
        return way

    def _fail(self, request: web.Request, way: Way) -> web.Response:
        self.calls["refused for good" if way.code else "failed"] += 1
        self.codes[way.code or way.status] += 1
        if not way.status:
            assert request.transport is not None
            request.transport.abort()
        after = {"Retry-After": str(RETRY_AFTER)} if way.status == 429 else {}
        return web.json_response({"code": way.code, "message": way.words}, status=way.status or 503, headers=after)

    def _strike(self, pid: int) -> web.Response:
        os.kill(pid, signal.SIGKILL)
        return web.json_response({}, status=503)


class Wire:
    """A poster that uses HTTP, as a Discord client does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def post(
        self, subscription: Subscription, digest: Digest, *, nonce: str, posted: Posted
    ) -> AsyncGenerator[Posted]:
        """Post the missing parts of a digest."""
        papers = [entry.paper.paper_id for entry in digest.entries]
        while not posted.message_ids or sum(posted.papers) < len(papers):
            part = papers[sum(posted.papers) :][:ROOM]
            body = {
                "place": subscription.place_id,
                "digest": nonce,
                "nonce": f"{nonce}{len(posted.message_ids)}",
                "whole": papers,
                "papers": part,
                "pid": os.getpid(),
            }
            with poster_errors(subscription):
                sent = await self._call("post", body)
            posted = posted.plus(sent["message"], len(part))
            yield posted

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime, posted: Posted) -> Posted:  # noqa: ARG002  # the engine's
        """Find the next part of a digest."""
        with poster_errors(subscription):
            found = await self._call("find", {"nonce": f"{nonce}{len(posted.message_ids)}"})
        return posted if found["message"] is None else posted.plus(found["message"], found["papers"])

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        """Do nothing."""

    async def _call(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make a call; raises discord.py's errors, which the bot's real poster then classifies."""
        async with self._session.post(f"{self._url}/{name}", json=body) as response:
            answer = await response.json()
            if response.status >= HTTPStatus.BAD_REQUEST:
                kind = {403: discord.Forbidden, 404: discord.NotFound, 503: discord.DiscordServerError}
                raise kind.get(response.status, discord.HTTPException)(response, answer)
            return dict(answer)


class WordVectors:
    """A cheap embedder: bags of words."""

    model = "all-MiniLM-L6-v2"  # its calibration accepts papers with a topic's words
    dimensions = 64
    max_tokens = 256

    def count_tokens(self, text: str) -> int:
        """Count the words of a text."""
        return len(text.split())

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row for each text."""
        rows = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % self.dimensions] += 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    async def close(self) -> None:
        """Do nothing."""


class Shelf:
    """All papers of the year, each visible from its arrival on."""

    def __init__(self, papers: Sequence[Fresh]) -> None:
        self.embedder = WordVectors()
        self._papers = papers
        self._times = [paper.added_at for paper in papers]
        self._by_id = {paper.paper_id: paper.details.paper for paper in papers}
        self._vectors: dict[str, NDArray[np.float32]] = {}

    async def fresh(self, after: datetime, before: datetime, since: date | None = None) -> list[Fresh]:
        """The papers that arrived in (after, before]; each is dated on its day of arrival."""
        came = self._papers[bisect_right(self._times, after) : bisect_right(self._times, before)]
        return [paper for paper in came if since is None or paper.added_at.date() >= since]

    async def evidence(self, query: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Score papers by the cosine of their cheap vectors and by the words they share with a query."""
        (asked,) = await self.embedder.embed([query])
        vectors = await self.vectors(paper_ids)
        words = set(query.lower().split())
        found = {}
        for paper_id, vector in vectors.items():
            share = len(words & set(self._by_id[paper_id].abstract.lower().split())) / len(words)
            cosine = float(vector @ asked)
            found[paper_id] = Evidence(cosine, cosine, share, share, share, share)
        return found

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Cheap vectors by paper id."""
        wanted = list(paper_ids)
        new = [self._by_id[paper_id] for paper_id in wanted if paper_id not in self._vectors]
        rows = await self.embedder.embed([f"{paper.title} {paper.abstract[:300]}" for paper in new])
        self._vectors.update(zip((paper.paper_id for paper in new), rows, strict=True))
        return {paper_id: self._vectors[paper_id] for paper_id in wanted}


def embed_papers(path: Path) -> list[Fresh]:
    """The papers, by date, spread over the working days of the year."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = sorted(map(json.loads, lines), key=lambda row: (row["date"], row["id"]))
    working = [day for day in range(YEAR) if (START + timedelta(days=day)).weekday() < 5]
    papers = []
    for number, row in enumerate(rows):
        day = working[number * len(working) // len(rows)]
        at = START + timedelta(days=day, hours=1, seconds=number % 3600)
        # Enough of an abstract to choose a sentence from.
        abstract = " ".join(row["abstract"].split())[:600]
        paper = Paper(f"arxiv:{row['id']}", " ".join(row["title"].split()), abstract, "arxiv", published=at.date())
        papers.append(Fresh(paper.paper_id, at, Fetched(paper, categories=tuple(row["categories"])), ("arxiv",)))
    return sorted(papers, key=lambda paper: paper.added_at)


async def work(options: argparse.Namespace, url: str, folder: str) -> None:
    """Run the engine for each time read from stdin; write when it is done, and when there is more to do."""
    shelf = Shelf(embed_papers(options.papers))
    store = await Store.open(Path(folder), options.database)
    now = START
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with aiohttp.ClientSession() as session:
        editor = Editor(shelf, ReasonWriter(shelf.embedder), store.feedback.liked)
        deliverer = Deliverer(store, editor, Wire(session, url), now=lambda: now)
        while line := (await lines.readline()).decode().strip():
            now = datetime.fromisoformat(line)
            await deliverer.tick()
            due = await store.deliveries.next_due()
            sys.stdout.write(f"{due.isoformat() if due else ''}\n")
            sys.stdout.flush()
    await store.close()


class Worker:
    """A worker process that delivers due digests."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, url: str, folder: str) -> Worker:
        """Start a process."""
        command = [sys.executable, *sys.argv, "--worker", url, folder]
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment()))

    async def tick(self, now: datetime) -> datetime | None:
        """Let the worker run; returns when it has more to do, and raises ConnectionError if it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{now.isoformat()}\n".encode())
        await self.process.stdin.drain()
        async with asyncio.timeout(3600):
            line = (await self.process.stdout.readline()).decode()
        if not line:
            raise ConnectionError
        return datetime.fromisoformat(line.strip()) if line.strip() else None

    async def end(self) -> None:
        """End the process, and wait for it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def live(options: argparse.Namespace) -> int:
    """Simulate the year; returns the exit code."""
    chance = random.Random(options.seed)
    server = Discord(options.failing, random.Random(options.seed + 1))
    end = START + timedelta(days=options.days)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(Path(folder), options.database)
        made = [make_subscription(number, chance) for number in range(options.subscriptions)]
        for each in made:
            await store.subscriptions.add(each)
        first = {each.subscription_id: each.next_due_at for each in made}
        runner = web.AppRunner(server.routes())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        kills = sorted(START + (end - START) * chance.random() for _ in range(options.kills))
        workers = [await Worker.start(url, folder) for _ in range(options.workers)]
        killed: Counter[str] = Counter()
        shown = 0
        while server.now < end:
            if kills and kills[0] <= server.now and server.kill is None:
                kills.pop(0)
                server.kill = (chance.randrange(12), chance.random() < 0.5)
            results = await asyncio.gather(*(each.tick(server.now) for each in workers), return_exceptions=True)
            for number, result in enumerate(results):
                if isinstance(result, ConnectionError):
                    await workers[number].end()
                    killed["after it was shown" if server.kill is None else "before"] += 1
                    workers[number] = await Worker.start(url, folder)
                    # Sometimes it is back at once, sometimes after hours.
                    away = chance.choice((timedelta(seconds=20), timedelta(minutes=2), DOWN * chance.random()))
                    server.now += away if options.workers == 1 else timedelta()
                elif isinstance(result, BaseException):
                    raise result
            dues = [result for result in results if isinstance(result, datetime)]
            server.now = max(min([*dues, server.now + timedelta(hours=1)]), server.now + timedelta(seconds=5))
            if server.now >= START + timedelta(days=shown):
                shown += 30
                print(f"{server.now:%Y-%m-%d} {len(server.posts)} posts, {time.monotonic() - began:.0f} s", flush=True)
        for worker in workers:
            await worker.end()
        await runner.cleanup()
        made = [kept for each in made if (kept := await store.subscriptions.get(each.subscription_id))]
        recorded = {each.subscription_id: await recorded_dues(store, each.subscription_id) for each in made}
        await store.close()
    return report(options, made, first, server, recorded, sum(killed.values()), time.monotonic() - began)


def make_subscription(number: int, chance: random.Random) -> Subscription:
    """Make a subscription; three channels in four have one, the others several."""
    place = 10_000 + (number if number % 4 else number % 20)
    weekdays = chance.choice(((0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4), (0,), (1, 4)))
    made = subscribe(
        kind="channel",
        place_id=place,
        guild_id=place // 3,
        owner_id=number,
        topics=chance.sample(TOPICS, chance.randint(1, 3)),
        hour=chance.choice((0, 2, 3, 7, 8, 8, 8, 9, 9, 12, 18, 23)),
        zone=ZONES[number % len(ZONES)],
        now=START,
        weekdays=weekdays,
    )
    return replace(made, most=chance.randint(1, MOST))


async def recorded_dues(store: Store, subscription_id: str) -> list[tuple[datetime, datetime, list[int]]]:
    """Due time, end of the covered period, and messages of every recorded delivery."""
    from sqlalchemy import select

    from bot.store.store_tables import deliveries

    async with store._database.reading() as connection:  # noqa: SLF001 - nothing in the bot needs this
        rows = await connection.execute(
            select(deliveries.c.due_at, deliveries.c.until, deliveries.c.message_ids)
            .where(deliveries.c.subscription_id == subscription_id, deliveries.c.posted_at.is_not(None))
            .order_by(deliveries.c.due_at)
        )
        return [tuple(row) for row in rows]


def report(
    options: argparse.Namespace,
    made: Sequence[Subscription],
    first: dict[str, datetime],
    server: Discord,
    recorded: dict[str, list[tuple[datetime, datetime, list[int]]]],
    killed: int,
    seconds: float,
) -> int:
    """Print the result of the year; returns the exit code."""
    end = START + timedelta(days=options.days)
    due = missed = doubled = unposted = caught_up = partial = waiting = 0
    by_message = {post["message"]: post for post in server.posts}
    for each in made:
        moments = {moment: (at, ids) for moment, at, ids in recorded[each.subscription_id]}
        moment, covered = first[each.subscription_id], START
        while moment < end - timedelta(hours=1):
            due += 1
            if moment in moments:
                covered, ids = moments[moment]
                unposted += not ids or not set(ids) <= set(by_message)
                parts = [by_message[each] for each in ids if each in by_message]
                shown_papers = [paper for part in parts for paper in part["papers"]]
                partial += any(part["whole"] != shown_papers for part in parts)
            elif moment <= covered + LOOKED_AT_LAST:
                caught_up += 1  # covered by the digest before it, which was chosen late
            elif moment >= each.next_due_at and end - moment < STILL_TO_COME:
                waiting += 1
            else:
                missed += 1
            moment = next_due(moment, each.hour, each.zone, each.weekdays)
    nonces = Counter(post["nonce"] for post in server.posts)
    doubled = sum(count - 1 for count in nonces.values())
    shown: dict[int, Counter[str]] = defaultdict(Counter)
    for post in server.posts:
        shown[post["place"]].update(post["papers"])
    repeated = sum(count - 1 for papers in shown.values() for count in papers.values())
    figures = {
        "days": options.days,
        "subscriptions": len(made),
        "workers": options.workers,
        "digests due": due,
        "posted": len({post["digest"] for post in server.posts}),
        "of which in several messages": sum(post["nonce"] == f"{post['digest']}1" for post in server.posts),
        "made up for by a late one": caught_up,
        "still to come": waiting,
        "missed": missed,
        "recorded but not posted": unposted,
        "recorded in part": partial,
        "messages posted twice": doubled,
        "papers shown": sum(len(post["papers"]) for post in server.posts),
        "papers shown twice in a place": repeated,
        "workers killed while posting": killed,
        "calls that Discord failed": server.calls["failed"],
        "calls that it refused for good": server.calls["refused for good"],
        "by code": ", ".join(f"{code} {count}" for code, count in sorted(server.codes.items())),
        "posts repeated within the memory of nonces": server.calls["nonce remembered"],
        "posts looked for": server.calls["find"],
        "of which found": server.calls["found"],
        "minutes": round(seconds / 60, 1),
    }
    for name, value in figures.items():
        print(f"{name:45} {value}")
    return int(bool(missed or doubled or unposted or partial or repeated))


if __name__ == "__main__":
    main()
