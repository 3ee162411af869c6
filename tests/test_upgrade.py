"""Today's code opens data that older code wrote, and nothing of it is lost."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.digest.digest import loads
from bot.store import Posted, Search, ServerSettings, Store, Subscription
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIXTURES = Path(__file__).parent / "fixtures"
DATA = FIXTURES / "data-0.1.0"
MEMORY = FIXTURES / "memory-0006"
ROBOTS = "arxiv:2401.00001"
POSTED = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)  # as in MEMORY, like the ids below
ANA, SERVER, CHANNEL = 2**61 + 1, 2**61 + 100, 2**61 + 200


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    for file in DATA.glob("*.db"):
        shutil.copy(file, tmp_path)
    return tmp_path


async def test_its_papers_are_found_again(data_dir: Path) -> None:
    library = await Library.open(data_dir, LocalEmbedder(data_dir / "models"))
    try:
        await library.index_pending()
        counts = await library.counts()
        assert (counts.papers, counts.pending) == (3, 0)
        best, *_ = await library.search("do corrections in words help robots?")
        assert best.paper.title == "Robots corrected by language"
        assert best.paper.published == dt.date(2024, 3, 3)
        cats, *_ = await library.search("cats on mats of wool")
        assert cats.paper.url == "https://example.org/cats"
    finally:
        await library.close()


async def test_what_the_bot_remembered_is_remembered(data_dir: Path) -> None:
    store = await Store.open(data_dir)
    try:
        settings = await store.servers.of(10)
        assert (settings.prefix, settings.channels, settings.language) == ("?", frozenset({11, 12}), "de")
        assert (settings.threads, settings.digest_hour, settings.digest_zone) == (True, 7, "Europe/Berlin")
        (subscription,) = await store.subscriptions.of_server(10)
        assert (subscription.topics, subscription.hour, subscription.most) == (("robots", "language"), 7, 3)
        assert subscription.greeted
        assert subscription.next_due_at == POSTED + dt.timedelta(days=1)
        assert await store.deliveries.messages(subscription.subscription_id, POSTED) == [901]
        assert await store.deliveries.shown(11, [ROBOTS, "cats"]) == {ROBOTS}
    finally:
        await store.close()


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Store]:
    with closing(sqlite3.connect(tmp_path / "memory.db")) as database:
        database.executescript((MEMORY / "memory.sql").read_text())
    store = await Store.open(tmp_path)
    yield store
    await store.close()


async def test_an_export_is_what_it_was(memory: Store) -> None:
    exported = json.loads(json.dumps(await memory.export(ANA)))
    assert exported.pop("exported_at")
    assert exported == json.loads((MEMORY / "export.json").read_text())


async def test_settings_searches_drafts_and_conversations_are_read_as_they_were_written(memory: Store) -> None:
    assert await memory.servers.of(SERVER) == ServerSettings(
        prefix="?",
        channels=frozenset({11, 12, CHANNEL}),
        roles=frozenset({13}),
        private=True,
        threads=True,
        language="fr",
        digest_hour=7,
        digest_zone="Europe/Berlin",
        exempt=frozenset({14, 15}),
    )
    wanted = Search("robots", dt.date(2026, 1, 1), "arxiv:cs.CL", "newest")
    assert await memory.searches.get("Eqsu8iG8JTV9zB-U") == wanted
    assert await memory.searches.keep(wanted) == "Eqsu8iG8JTV9zB-U"
    assert await memory.searches.keep(Search("cats")) == "_Dnt7CJovIkOpCHk"
    shown = await memory.answers.of_message(903)
    assert shown is not None
    assert (shown.guild_id, shown.question_message_id, shown.asked_at) == (SERVER, 901, NOW)
    assert shown.answer.statements[0].citations == (1, 2)
    assert (shown.answer.citations[2].location, shown.answer.usage and shown.answer.usage.estimated) == (
        "“4 Results”, page 7",
        True,
    )
    assert [kept.private for kept in await memory.answers.history("second".ljust(16, "_"))] == [False, True]


async def test_digests_under_way_go_on(memory: Store) -> None:
    (paused,) = await memory.subscriptions.held_back(SERVER)
    assert (paused.reason, paused.look_at) == ("The thread is gone.", NOW + dt.timedelta(days=1))
    later = NOW + dt.timedelta(days=1, hours=1)
    claimed = {each.subscription.kind: each for each in await memory.deliveries.claim(later, "me", later, limit=9)}
    delivery = claimed["channel"]
    assert delivery.subscription == Subscription(
        "chan1234",
        "channel",
        CHANNEL,
        SERVER,
        ANA,
        ("robots", "language models"),
        9,
        "Europe/Berlin",
        NOW,
        NOW - dt.timedelta(days=1),
        NOW - dt.timedelta(days=30),
        sources=("arxiv:cs.CL",),
        categories=("cs.CL", "cs.LG"),
        weekdays=(0, 2, 4),
        most=7,
        silent=True,
        roundup=True,
        crosspost=True,
        language="de",
    )
    assert (delivery.attempts, delivery.tried_at, delivery.until) == (0, NOW, NOW)
    assert delivery.posted == Posted((910,), (1,), 911)
    digest = loads(delivery.body)
    assert digest is not None
    assert (digest.day, digest.weekly, digest.considered) == (dt.date(2026, 3, 14), True, 40)
    robots, dateless = digest.entries
    assert (robots.paper.published, robots.match, robots.code_url) == (
        dt.date(2026, 3, 13),
        0.9877,
        "https://example.org/code",
    )
    assert (dateless.paper.url, dateless.upvotes) == (None, None)
