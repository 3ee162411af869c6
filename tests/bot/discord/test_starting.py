"""Besides answers: commands are registered, presence is shown, servers are joined and left."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord import app_commands

from bot.answering.intent import IntentReader
from bot.discord.connection.command_sync import FILE_NAME, sync_if_changed
from bot.store import ServerSettings
from retrieval.papers import Paper
from tests.bot.discord.prepared import TITLE, done

if TYPE_CHECKING:
    from pathlib import Path

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Person


@pytest.mark.usefixtures("bot")
async def test_no_privileged_intent_is_asked_for(local: LocalDiscord) -> None:
    (session,) = local.gateway.connected()
    wanted = discord.Intents._from_value(session.intents)
    assert wanted == discord.Intents(guilds=True, guild_messages=True, dm_messages=True)


async def test_what_is_off_without_message_content_is_said_once(
    online: Online, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with online():
        pass
    assert caplog.text.count("without Message Content: no prefix commands") == 1


async def test_what_questions_are_read_with_is_loaded_before_anybody_asks(online: Online) -> None:
    async with online() as bot:
        assert bot.loading
        await bot.loading
        assert bot.services.responder.intents._reader is not None


async def test_a_bot_that_cannot_load_what_it_reads_with_answers_all_the_same(
    online: Online, monkeypatch: pytest.MonkeyPatch, papers: Channel, ada: Person, mention: str
) -> None:
    async def fail(_: IntentReader) -> None:
        raise OSError

    monkeypatch.setattr(IntentReader, "load", fail)
    async with online():
        await ada.says(papers, f"{mention} does likelihood matter?")
        assert TITLE in (await (await papers.wait_for_bot_message()).wait_until(done)).text


async def test_commands_are_sent_at_the_first_start_and_not_again_at_the_second(
    local: LocalDiscord, online: Online
) -> None:
    for _ in range(2):
        async with online() as bot:
            assert bot.syncing
            await bot.syncing
        assert local.command_syncs == [None]


async def test_changed_commands_are_sent_again(local: LocalDiscord, online: Online) -> None:
    async with online() as bot:
        assert bot.syncing
        await bot.syncing
        command = bot.tree.get_command("ask")
        assert isinstance(command, app_commands.Command)
        command.description = "Ask something else."
        await sync_if_changed(bot.tree, bot._commands_file)
    assert local.command_syncs == [None, None]
    (ask,) = [command for command in local.world.commands[None] if command["name"] == "ask"]
    assert ask["description"] == "Ask something else."


async def test_a_failed_sync_leaves_the_bot_running_and_is_tried_at_the_next_start(
    local: LocalDiscord, online: Online, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    local.fail_next("PUT /applications/{}/commands", status=403, code=30034)
    async with online() as bot:
        assert bot.syncing
        await bot.syncing
        assert "commands not synced" in caplog.text
        await ada.dms("does it scale?")
        assert TITLE in (await (await ada.dm.wait_for_bot_message()).wait_until(done)).text
    async with online() as bot:
        assert bot.syncing
        await bot.syncing
    assert local.command_syncs == [None]


async def test_a_damaged_record_means_that_they_are_sent_again(
    local: LocalDiscord, online: Online, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    async with online() as bot:
        assert bot.syncing
        await bot.syncing
    assert local.command_syncs == [None]


async def test_commands_can_be_used_by_who_installed_the_bot_for_themselves(
    local: LocalDiscord, online: Online
) -> None:
    async with online() as bot:
        assert bot.syncing
        await bot.syncing
    (ask,) = [command for command in local.world.commands[None] if command["name"] == "ask"]
    assert sorted(ask["contexts"]) == [0, 1, 2]
    assert sorted(ask["integration_types"]) == [0, 1]


async def test_the_presence_says_how_many_papers_there_are_and_follows_them(
    local: LocalDiscord, bot: FootnoteBot, library: Library
) -> None:
    (session,) = local.gateway.connected()
    assert _status(session.presence) == "Knows 0 papers"
    await library.add([Paper(paper_id="one", title="A paper", abstract="It says so.", source="test")])
    await bot.show_count()
    await local.journal.until(lambda: _status(session.presence) == "Knows 1 paper", "the new count")


async def test_a_server_that_the_bot_left_is_forgotten_in_time_unless_it_comes_back(
    local: LocalDiscord, bot: FootnoteBot, store: Store
) -> None:
    left, back = local.guild("Left"), local.guild("Back")
    await local.taken_in()
    for guild in (left, back):
        await store.servers.save(guild.id, ServerSettings(prefix="?"))
        guild.removes_bot()
    await local.taken_in()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "discord.py: on_guild_remove"))
    await bot.on_guild_join(discord.Object(back.id))
    await store.forget_due(datetime.now(UTC) + timedelta(days=31))
    assert (await store.servers.of(left.id)).prefix == "!"
    assert (await store.servers.of(back.id)).prefix == "?"


async def test_a_server_that_took_the_bot_back_while_it_was_away_is_not_forgotten(
    local: LocalDiscord, online: Online, store: Store
) -> None:
    back = local.guild("Back")
    await store.servers.save(back.id, ServerSettings(prefix="?"))
    await store.servers.mark_left(back.id, datetime.now(UTC) - timedelta(days=40))
    async with online() as bot:
        await bot.forget_what_is_due()
    await store.forget_due(datetime.now(UTC) + timedelta(days=31))
    assert (await store.servers.of(back.id)).prefix == "?"


async def test_a_server_that_sent_the_bot_away_while_it_was_down_is_forgotten_in_time(
    local: LocalDiscord, online: Online, store: Store
) -> None:
    sent_away, here = local.guild("Sent away"), local.guild("Here")
    sent_away.has_bot = False
    for guild in (sent_away, here):
        await store.threads.own(guild.id + 1, guild.id, 5)
    async with online() as bot:
        await bot.forget_what_is_due()
    assert await store.forget_due(datetime.now(UTC) + timedelta(days=29)) == 0
    assert await store.threads.is_own(sent_away.id + 1)
    await store.forget_due(datetime.now(UTC) + timedelta(days=31))
    assert not await store.threads.is_own(sent_away.id + 1)
    assert await store.threads.is_own(here.id + 1)


def _status(presence: dict[str, Any] | None) -> str | None:
    """Read the text of the bot's presence; when discord.py identifies, it sends it under another key."""
    shown = presence or {}
    activity: dict[str, Any] = shown.get("game") or next(iter(shown.get("activities") or []), {})
    state: str | None = activity.get("state")
    return state
