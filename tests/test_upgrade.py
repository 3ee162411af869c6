"""Data that 0.1.0 wrote is opened by today's code, and nothing of it is lost."""

from __future__ import annotations

import datetime as dt
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store import Store
from retrieval.embedding.local import LocalEmbedder
from retrieval.library import Library

DATA = Path(__file__).parent / "fixtures" / "data-0.1.0"
ROBOTS = "arxiv:2401.00001"
POSTED = datetime(2026, 11, 23, 9, tzinfo=UTC)


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
