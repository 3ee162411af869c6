"""Background tasks of the bot: they begin when it is ready, end at a signal, and tell the owner what is wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
from typing import TYPE_CHECKING

from bot.digest.subscription_editor import subscribe
from bot.discord.lifecycle import serve, tell_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Person

PATIENCE = 20.0


async def test_a_job_begins_when_the_bot_is_ready_and_a_signal_lets_it_end(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    said: list[object] = []
    bot, begun = make_bot(), asyncio.Event()

    async def job(stop: asyncio.Event) -> None:
        said.append(bot.is_ready())
        begun.set()
        await stop.wait()
        said.append("ended")

    async def broken(_: asyncio.Event) -> None:
        said.append("broken")
        raise ValueError

    running = asyncio.create_task(serve(bot, local.token, broken, job))
    await local.ready()
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        signal.raise_signal(signal.SIGTERM)
        await running
    assert said == ["broken", True, "ended"]


async def test_a_signal_before_the_bot_is_ready_starts_nothing(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    async def job(_: asyncio.Event) -> None:
        raise AssertionError

    local.gateway.open.clear()
    running = asyncio.create_task(serve(make_bot(), local.token, job))
    await local.journal.until(lambda: local.calls("GET /users/@me"), "the login")
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE)
    local.gateway.open.set()


async def test_the_deliverer_posts_what_is_due_while_the_bot_runs(
    local: LocalDiscord, papers: Channel, ada: Person, make_bot: Callable[[], FootnoteBot], store: Store
) -> None:
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    await store.subscriptions.add(
        subscribe(
            kind="channel",
            place_id=papers.id,
            guild_id=papers.guild.id if papers.guild else None,
            owner_id=ada.id,
            topics=["robots"],
            hour=yesterday.hour,
            zone="UTC",
            now=yesterday,
        )
    )
    bot = make_bot()
    running = asyncio.create_task(serve(bot, local.token, bot.deliverer.run))
    assert "New papers on “robots”" in (await papers.wait_for_bot_message()).text
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE)


async def test_the_owner_is_told_directly_and_who_cannot_be_is_not(
    local: LocalDiscord, online: Online, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot")
    async with online() as bot:
        await tell_owner(bot, "arXiv is out of order.")
        assert "the owner was not told" in caplog.text
        local.world.users[1] = ada
        ada.id = 1
        await tell_owner(bot, "arXiv is out of order.")
        assert "arXiv is out of order." in (await ada.dm.wait_for_bot_message()).text
