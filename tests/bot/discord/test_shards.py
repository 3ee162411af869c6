"""Two processes of the bot on one local Discord with two shards, and on one PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.digest.poster import GoneError
from bot.digest.subscription_editor import subscribe
from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.gate.rate_limits import Limits, Rate
from bot.discord.lifecycle import read_shards
from bot.discord.services import make_services
from bot.discord.sharded_client import ShardedBot
from bot.errors import DiscordStartError
from bot.store import ServerSettings, Shards, Store
from bot.store.leases import LEASE
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library
from tests.bot.discord.prepared import PreparedAnswers, done
from tests.bot.discord.test_digest_posting import post
from tests.bot.discord.test_digest_render import NONCE, digest
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from retrieval.papers import Paper
    from tests.local_discord import Server

ROOT = Path(__file__).parents[3]
MINUTE = timedelta(minutes=1)
DIGESTS = 48
PAPERS = 8  # of the seeds
RENEWED = timedelta(seconds=0.3)  # a second holder is refused once it has seen the first renew its lease
# `footnote run`, but it takes over a dead worker's deliveries after 4 s instead of a minute, and its shards after 3 s.
QUICK = """
from datetime import timedelta
import bot.digest.delivery as delivery, bot.store.leases as leases
delivery.LEASE, delivery.POSTING, delivery.LONGEST_SLEEP = (timedelta(seconds=count) for count in (4, 3, 1))
leases.LEASE = timedelta(seconds=3)
import bot.discord.sharded_client as sharded
assert sharded.LEASE is leases.LEASE
from bot.__main__ import main
main()
"""
# A process that takes shard 0 for 3 s, and goes on running.
HOLDER = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import bot.store.leases as leases
from bot.store import Shards, Store
leases.LEASE = timedelta(seconds=3)
async def main():
    store = await Store.open(Path(sys.argv[1]), sys.argv[2])
    while True:
        assert not await store.leases.take_or_blockers(Shards((0,), 2), "holder", datetime.now(UTC))
        print("held", flush=True)
        await asyncio.sleep(0.5)
asyncio.run(main())
"""


def guild_of(local: LocalDiscord, shard: int) -> Server:
    """Make a guild that falls to this one of two shards, which the millisecond of its creation decides."""
    for number in range(100):
        guild = local.guild(f"Lab {shard} {number}")
        if (guild.id >> 22) % 2 == shard:
            return guild
        local.clock.advance(timedelta(milliseconds=1))
    raise AssertionError


class Processes:
    """Run bots as separate processes would: each with its own store, services and answers."""

    def __init__(self, local: LocalDiscord, database: str, tmp_path: Path, library: Library) -> None:
        self._local = local
        self._database = database
        self._tmp_path = tmp_path
        self._library = library

    @asynccontextmanager
    async def process(self, *ids: int, per_minute: int = 1000) -> AsyncIterator[tuple[ShardedBot, PreparedAnswers]]:
        """Run a bot with these of two shards; if none are named, with as many as Discord advises."""
        store = await Store.open(self._tmp_path, self._database)
        answers = PreparedAnswers()
        bot = ShardedBot(
            make_services(answers, self._library, store, Limits(Rate(per_minute, MINUTE), Rate(1000, MINUTE))),
            CommandsFile(self._tmp_path / f"{ids}{FILE_NAME}"),
            shards=Shards(ids, 2) if ids else read_shards("auto"),
            connector=self._local.connector(),
            guild_ready_timeout=0.1,
        )
        starts = self._local.gateway.identified
        async with bot:
            running = asyncio.create_task(bot.start(self._local.token))
            ready = asyncio.create_task(self._local.ready(starts + (len(ids) or self._local.world.shards)))
            await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if running.done():
                await store.close()
                running.result()
            yield bot, answers
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await store.close()


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    """A Discord that waits longer, because several processes load their models at once."""
    async with LocalDiscord(patience=MINUTE) as local:
        yield local


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits: discord.py leaves 5 s between two shards, and leases are renewed every 5 s."""

    async def at_once(_: ShardedBot, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait: only the real Discord requires it."""

    monkeypatch.setattr(ShardedBot, "before_identify_hook", at_once)
    monkeypatch.setattr("bot.discord.sharded_client.RENEWED_EVERY", RENEWED)
    monkeypatch.setattr("bot.discord.sharded_client.TRIED_EVERY", RENEWED)


@pytest.fixture
def processes(local: LocalDiscord, database: str, tmp_path: Path, library: Library) -> Processes:
    return Processes(local, database, tmp_path, library)


async def test_each_question_is_answered_once_by_whoever_serves_its_shard(
    local: LocalDiscord, processes: Processes, mention: str
) -> None:
    places = [guild_of(local, shard).channel("papers") for shard in (0, 1)]
    people = [guild_of(local, shard).member("Ada") for shard in (0, 1)]
    async with processes.process(0) as (_, first), processes.process(1) as (_, second):
        for place, person in zip(places, people, strict=True):
            await person.says(place, f"{mention} what is attention?")
            await (await place.wait_for_bot_message()).wait_until(done)
        await people[0].dms("what is attention?")
        await (await people[0].dm.wait_for_bot_message()).wait_until(done)
        await local.stays_silent()
        assert [len(place.bot_messages) for place in (*places, people[0].dm)] == [1, 1, 1]
        assert (len(first.asked), len(second.asked)) == (2, 1)
    assert len(local.command_syncs) == 1


async def test_a_second_holder_is_refused_in_a_sentence_and_takes_over_when_the_first_has_gone(
    local: LocalDiscord, processes: Processes
) -> None:
    guild_of(local, 0)
    async with processes.process(0):
        with pytest.raises(DiscordStartError, match=r"serves shard 0 .*FOOTNOTE_DISCORD__SHARDS"):
            async with processes.process(0, 1):
                pass
    began = time.monotonic()
    async with processes.process(0, 1):  # the lease was given back
        assert time.monotonic() - began < LEASE.total_seconds() / 2


async def test_the_shard_of_a_holder_that_was_killed_is_taken_over_without_a_restart(
    local: LocalDiscord, processes: Processes, database: str, tmp_path: Path
) -> None:
    guild_of(local, 0)
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(tmp_path), database), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert await asyncio.wait_for(holder.stdout.readline(), 60) == b"held\n"
        with pytest.raises(DiscordStartError, match="serves shard 0"):
            async with processes.process(0, 1):
                pass
        holder.kill()
        began = time.monotonic()
        async with processes.process(0, 1) as (bot, _):
            assert time.monotonic() - began > 1  # what was left of the lease
            assert bot.ousted is None
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()


async def test_auto_takes_all_shards_that_discord_advises(
    local: LocalDiscord, processes: Processes, mention: str
) -> None:
    local.world.shards = 2
    places = [guild_of(local, shard).channel("papers") for shard in (0, 1)]
    people = [guild_of(local, shard).member("Ada") for shard in (0, 1)]
    async with processes.process() as (bot, answers):
        assert sorted(bot.shards) == [0, 1]
        assert set(await bot.services.store.leases.held([0, 1], datetime.now(UTC))) == {0, 1}
        for place, person in zip(places, people, strict=True):
            await person.says(place, f"{mention} what is attention?")
            await (await place.wait_for_bot_message()).wait_until(done)
        assert len(answers.asked) == 2
        with pytest.raises(DiscordStartError, match="serves shard 1"):
            async with processes.process(1):
                pass


async def test_one_whose_shard_another_took_ends_with_a_sentence(local: LocalDiscord, processes: Processes) -> None:
    guild_of(local, 0)
    async with processes.process(0) as (bot, _):
        later = datetime.now(UTC) + 2 * LEASE
        assert not await bot.services.store.leases.take_or_blockers(Shards((0,), 2), "another", later)
        async with asyncio.timeout(10):
            while bot.ousted is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "serves shard 0" in bot.ousted
        assert bot.is_closed()


async def test_limits_settings_and_privacy_are_the_same_for_both(
    local: LocalDiscord, processes: Processes, mention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.servers.KNOWN_FOR", timedelta(seconds=0.1))
    guilds = [guild_of(local, shard) for shard in (0, 1)]
    places = [guild.channel("papers") for guild in guilds]
    ada = guilds[0].member("Ada")
    guilds[1].join(ada)
    async with (
        processes.process(0, per_minute=3) as (one, first),
        processes.process(1, per_minute=3) as (other, second),
    ):
        # Three answers, and each process says once that the limit is reached. The questions come one after the other:
        # if they came at once, one process might answer three, and the other refuse its two with a single sentence.
        for asked, place in enumerate((places[0], places[1], places[0], places[1], places[0]), start=1):
            await ada.says(place, f"{mention} what is attention?")
            await _until(partial(_spoke, local, asked), 60)
        assert len(first.asked) + len(second.asked) == 3

        await one.services.store.servers.save(guilds[1].id, ServerSettings(prefix="?"))
        await asyncio.sleep(0.2)
        assert (await other.services.store.servers.of(guilds[1].id)).prefix == "?"

        assert (await other.services.store.export(ada.id))["counted_lately"]
        await one.services.store.forget_person(ada.id)
        assert not (await other.services.store.export(ada.id))["counted_lately"]


async def test_only_servers_of_own_shards_count_as_left(local: LocalDiscord, processes: Processes) -> None:
    guilds = [guild_of(local, shard) for shard in (0, 1)]
    async with processes.process(0) as (bot, _):
        store = bot.services.store
        gone = next(one for one in range(1 << 30, (1 << 30) + (2 << 22), 1 << 22) if (one >> 22) % 2 == 0)
        for guild_id in (guilds[0].id, guilds[1].id, gone):
            await store.servers.save(guild_id, ServerSettings(prefix="?"))
        await bot.forget_what_is_due()
        async with store._database.reading() as connection:
            assert await store.servers.left_before(connection, datetime.now(UTC) + timedelta(days=1)) == [gone]


async def test_what_one_has_taken_is_nothing_to_the_other(database: str, tmp_path: Path) -> None:
    stores = [await Store.open(tmp_path, database) for _ in range(2)]
    now = datetime.now(UTC)
    new = await asyncio.gather(*(store.traffic.note_if_new(7, 0.0, now) for store in stores for _ in range(5)))
    assert sum(new) == 1
    assert await stores[0].traffic.note_if_new(7, 1.0, now)  # an edit
    assert not await stores[1].traffic.note_if_new(7, 1.0, now)
    limits = [("person", 5, 10, MINUTE), ("server", 6, 1000, MINUTE)]
    waits = await asyncio.gather(*(stores[number % 2].traffic.take("QUESTION", limits, now) for number in range(25)))
    assert waits.count(0.0) == 10
    async with stores[0]._database.writing() as connection:
        await stores[0].traffic.forget_older(connection, now + timedelta(seconds=1))
    assert await stores[1].traffic.note_if_new(7, 0.0, now)
    for store in stores:
        await store.close()


async def test_48_digests_over_two_shards_are_posted_once_although_one_process_is_killed(
    local: LocalDiscord, database: str, tmp_path: Path, models: Path, seeds: list[Paper]
) -> None:
    guilds = [guild_of(local, shard) for shard in (0, 1)]
    channels = [guilds[number % 2].channel(f"digest-{number}") for number in range(DIGESTS)]
    library = await Library.open(tmp_path / "library", LocalEmbedder(cache_dir=models), database_url=database)
    await library.add(seeds[:PAPERS])
    await library.close()
    store = await Store.open(tmp_path, database)
    now = datetime.now(UTC)
    for channel in channels:
        guild = channel.guild
        assert guild is not None
        wanted = subscribe(
            kind="channel",
            place_id=channel.id,
            guild_id=guild.id,
            owner_id=1,
            topics=["robots"],
            hour=9,
            zone="UTC",
            now=now - timedelta(days=2),
        )
        await store.subscriptions.add(wanted)
        await store.subscriptions.hurry(wanted.subscription_id, now)

    async def start(name: str, shards: str) -> asyncio.subprocess.Process:
        (tmp_path / name).mkdir()
        (tmp_path / name / "models").symlink_to(models)
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("FOOTNOTE_", "OPENAI_"))}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", QUICK, "run", "--data-dir", str(tmp_path / name)),
            cwd=ROOT,
            env=mine
            | {
                "SSL_CERT_FILE": str(local.ca_file),
                "FOOTNOTE_DISCORD__TOKEN": local.token,
                "FOOTNOTE_DISCORD__PROXY": local.proxy_url,
                "FOOTNOTE_DISCORD__SHARDS": shards,
                "FOOTNOTE_DATABASE_URL": database,
                "FOOTNOTE_FETCH__SOURCES": "",
            },
            stderr=asyncio.subprocess.DEVNULL,
        )

    both = [await start("a", "0/2"), await start("b", "1/2")]
    try:
        await local.journal.until(
            lambda: sum(len(channel.bot_messages) for channel in channels) >= 5, "some digests", timedelta(minutes=2)
        )
        both[1].send_signal(signal.SIGKILL)
        assert not all(channel.bot_messages for channel in channels[1::2])  # of the shard that has died
        await _until(lambda: all(channel.bot_messages for channel in channels), 200)
        await local.stays_silent()
        assert [len(channel.bot_messages) for channel in channels] == [1] * DIGESTS
    finally:
        for process in both:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await store.close()


def _spoke(local: LocalDiscord, times: int) -> bool:
    return len(local.bot_messages()) == times


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


async def test_a_digest_for_another_shard_knows_what_the_bot_may_do_there(
    local: LocalDiscord, processes: Processes
) -> None:
    guild_of(local, 0)
    guild = guild_of(local, 1)
    plain, forbidden = guild.channel("digest"), guild.channel("quiet")
    plain.deny("attach_files")
    forbidden.deny("send_messages")
    async with processes.process(0) as (bot, _):
        for channel in (plain, forbidden):
            to = subscribe(
                kind="channel",
                place_id=channel.id,
                guild_id=guild.id,
                owner_id=1,
                topics=["robots"],
                hour=9,
                zone="UTC",
                now=datetime.now(UTC),
            )
            if channel is forbidden:
                with pytest.raises(GoneError, match="Send Messages"):
                    await post(bot.poster, to, digest(3), NONCE)
            else:
                assert await post(bot.poster, to, digest(3), NONCE) == [plain.bot_messages[0].id]
    assert not local.calls("POST /channels/{}/messages")[1:]
