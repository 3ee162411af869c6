"""The real client on the local Discord: a message that grows while things go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import discord
import pytest
import stamina
from discord import app_commands

from bot.answering.answer import Statement
from bot.discord.answers.answer_card import cards
from bot.discord.reply.interaction_target import InteractionTarget
from bot.discord.reply.message_target import MessageTarget
from bot.discord.reply.notices import Notices
from bot.discord.reply.streamed_message import StreamedMessage
from bot.discord.ui.layout import notice
from tests.bot.discord.prepared import GOOD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local_discord import Channel, LocalDiscord, Message, Person

POST = "POST /channels/{}/messages"
EDIT = "PATCH /channels/{}/messages/{}"
ORIGINAL = "PATCH /webhooks/{}/{}/messages/{}"
INTERVAL = timedelta(seconds=0.1)


class Listener(discord.Client):
    """A client that passes on whatever reaches it."""

    def __init__(self, local: LocalDiscord) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            connector=local.connector(),
            guild_ready_timeout=0.1,
        )
        self.tree = app_commands.CommandTree(self)
        self.messages: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.uses: asyncio.Queue[discord.Interaction[Any]] = asyncio.Queue()

    async def setup_hook(self) -> None:
        @self.tree.command(description="Hand the interaction on")
        async def use(interaction: discord.Interaction[Any]) -> None:
            await self.uses.put(interaction)

        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            await self.messages.put(message)


class Turnstile:
    """Make every pause of a live message last until the test ends it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        self.waits = asyncio.Event()
        self._open = asyncio.Event()

    def clock(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.waits.set()
        await self._open.wait()
        self._open.clear()
        self.waits.clear()
        self.now += seconds

    def turn(self) -> None:
        self._open.set()


@pytest.fixture
def papers(local: LocalDiscord) -> Channel:
    return local.guild("Lab").channel("papers")


@pytest.fixture
def ada(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Ada")


@pytest.fixture
async def client(local: LocalDiscord, papers: Channel, ada: Person) -> AsyncIterator[Listener]:
    async with Listener(local) as client:
        running = asyncio.create_task(client.start(local.token))
        await local.ready()
        yield client
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Any:
    with stamina.set_testing(True, attempts=3):
        yield


async def excuse(error: Exception, _: object) -> str:
    return str(error)


async def heard(client: Listener, ada: Person, channel: Channel) -> MessageTarget:
    """Let Ada ask a question, and give the target of the reply to it."""
    await ada.says(channel, "hello?")
    async with asyncio.timeout(10):
        return MessageTarget(await client.messages.get(), excuse, Notices())


async def used(client: Listener, ada: Person, channel: Channel, *, private: bool = False) -> InteractionTarget:
    """Let Ada use a command, and give the target of the reply to it."""
    await ada.uses_command(channel, "use")
    async with asyncio.timeout(10):
        place = InteractionTarget(await client.uses.get(), excuse, private=private)
    await place.defer()
    return place


async def posted(live: StreamedMessage) -> None:
    """Wait until the client has read the reply to the post."""
    async with asyncio.timeout(10):
        while not live.shown:  # noqa: ASYNC110 - no event tells what the client knows
            await asyncio.sleep(0.001)


def said(message: Message) -> list[str]:
    return [version.text for version in message.versions]


async def test_edits_keep_their_distance_and_the_latest_wins(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=INTERVAL) as live:
        live.show(notice("0"))
        message = await papers.wait_for_bot_message()
        for number in range(1, 200):
            live.show(notice(str(number)))
            await asyncio.sleep(0.002)
        ids = await live.finish(notice("done"))
    assert ids == [message.id] == live.shown
    assert said(message)[-1] == "done"
    shown = [int(text) for text in said(message)[:-1]]
    assert shown == sorted(set(shown))
    times = [call.time for call in local.calls(EDIT)]
    assert len(times) >= 2
    assert all(later - earlier >= INTERVAL.total_seconds() for earlier, later in pairwise(times))
    assert message.reply_to is not None


async def test_what_comes_while_an_edit_may_not_be_made_is_skipped_but_for_the_latest(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    turnstile = Turnstile()
    place = await heard(client, ada, papers)
    async with StreamedMessage(
        place, interval=timedelta(seconds=5), clock=turnstile.clock, pause=turnstile.pause
    ) as live:
        live.show(notice("posted"))
        message = await papers.wait_for_bot_message()
        live.show(notice("edited at once"))
        await local.journal.until(lambda: message.edits, "the first edit")
        for text in ("skipped", "skipped too", "the latest"):
            live.show(notice(text))
        async with asyncio.timeout(10):
            await turnstile.waits.wait()
        turnstile.turn()
        await local.journal.until(lambda: len(message.edits) == 2, "the second edit")
        turnstile.turn()
        await live.finish(notice("done"))
    assert said(message) == ["posted", "edited at once", "the latest", "done"]
    assert turnstile.waited == [5.0, 5.0]


async def test_what_is_shown_already_is_not_sent_again(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("same"))
        await posted(live)
        live.show(notice("same"))
        await asyncio.sleep(0)
        await live.finish(notice("same"))
    assert len(local.calls(POST)) == 1
    assert not local.calls(EDIT)


async def test_an_answer_that_is_there_at_once_is_one_message_without_edits(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers)) as live:
        (message_id,) = await live.finish(notice("at once"))
    assert [message.id for message in papers.bot_messages] == [message_id]
    assert not local.calls(EDIT)


async def test_a_message_deleted_while_it_grows_is_posted_anew_when_it_is_done(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("working"))
        message = await papers.wait_for_bot_message()
        await posted(live)
        await ada.deletes(message)
        live.show(notice("still working"))
        await local.journal.until(lambda: local.calls(EDIT) and local.calls(EDIT)[-1].status == 404, "the edit")
        live.show(notice("working on"))
        (message_id,) = await live.finish(notice("done"))
    assert [(each.id, each.text) for each in papers.bot_messages] == [(message_id, "done")]
    assert len(local.calls(EDIT)) == 1


async def test_an_archived_thread_is_opened_again_for_the_end(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    thread = await ada.opens_thread(papers, "On moss")
    async with StreamedMessage(await heard(client, ada, thread), interval=timedelta(0)) as live:
        live.show(notice("working"))
        message = await thread.wait_for_bot_message()
        await posted(live)
        thread.owner = local.bot
        thread.archive()
        await live.finish(notice("done"))
    assert said(message) == ["working", "done"]
    assert not thread.archived
    assert thread.bot_messages == [message]


async def test_a_thread_that_may_not_be_opened_again_says_so_to_the_caller(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    thread = await ada.opens_thread(papers, "On moss")
    async with StreamedMessage(await heard(client, ada, thread), interval=timedelta(0)) as live:
        live.show(notice("working"))
        await thread.wait_for_bot_message()
        await posted(live)
        thread.archive(locked=True)
        with pytest.raises(discord.Forbidden):
            await live.finish(notice("done"))


async def test_a_rate_limit_in_mid_stream_queues_nothing_but_the_latest(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("posted"))
        message = await papers.wait_for_bot_message()
        local.rate_limit_next(EDIT, retry_after=0.2)
        live.show(notice("limited"))
        await local.journal.until(lambda: local.calls(EDIT), "the edit that is too much")
        for number in range(50):
            live.show(notice(f"meanwhile {number}"))
        await live.finish(notice("done"))
    assert said(message) == ["posted", "limited", "done"]
    assert [call.status for call in local.calls(EDIT)] == [429, 200, 200]


@pytest.mark.parametrize("stored", [False, True])
async def test_the_end_lands_through_errors_and_lost_connections_and_only_once(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord, stored: bool
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("posted"))
        message = await papers.wait_for_bot_message()
        await posted(live)
        local.fail_next(EDIT, status=503, stored=stored)
        local.cut_next(EDIT, stored=stored)
        await live.finish(notice("done"))
    assert papers.bot_messages == [message]
    assert message.text == "done"


async def test_trouble_with_what_is_shown_meanwhile_does_not_keep_the_end_from_landing(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    local.fail_next(POST, status=403, code=50013)
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("working"))
        await local.journal.until(lambda: local.calls(POST), "the post")
        await live.finish(notice("done"))
    assert [message.text for message in papers.bot_messages] == ["done"]


async def test_where_nothing_may_be_posted_the_caller_is_told_and_may_try_again(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    local.fail_next(POST, status=403, code=50013)
    async with StreamedMessage(await heard(client, ada, papers)) as live:
        with pytest.raises(discord.Forbidden):
            await live.finish(notice("done"))
        await live.finish(notice("sorry"))
    assert [message.text for message in papers.bot_messages] == ["sorry"]


async def test_an_answer_of_several_messages_keeps_their_order_and_brings_its_file(
    client: Listener, ada: Person, papers: Channel
) -> None:
    statements = tuple(Statement(f"{number} " + "word " * 280, (1,)) for number in range(20))
    views = cards(replace(GOOD, statements=statements))
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("working"))
        await papers.wait_for_bot_message()
        ids = await live.finish(*views)
        assert [message.id for message in papers.bot_messages] == ids
        assert [bool(message.reply_to) for message in papers.bot_messages] == [True, *[False] * (len(ids) - 1)]
        (file,) = papers.bot_messages[-1].attachments
        assert file.filename == "answer.md"
        assert b"19 word" in file.data
        await live.finish(notice("one more thing"))
    assert papers.bot_messages[0].text != "one more thing"
    assert papers.bot_messages[-1].text == "one more thing"


@pytest.mark.parametrize("private", [False, True])
async def test_an_interaction_shows_the_answer_growing_in_place_of_thinking(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord, private: bool
) -> None:
    async with StreamedMessage(await used(client, ada, papers, private=private), interval=timedelta(0)) as live:
        live.show(notice("working"))
        await local.journal.until(lambda: local.calls(ORIGINAL), "the first view")
        ids = await live.finish(notice("done"), notice("and more"))
    first, second = local.bot_messages()
    assert [first.id, second.id] == ids
    assert said(first) == ["working", "done"]
    assert first.ephemeral is private
    assert second.ephemeral is private
    assert not first.loading


async def test_an_answer_that_takes_longer_than_the_interaction_lives_lands_in_the_same_message(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await used(client, ada, papers), interval=timedelta(0)) as live:
        live.show(notice("working"))
        await posted(live)
        local.clock.advance(timedelta(minutes=15, seconds=1))
        await live.finish(notice("done"), notice("and more"))
    first, second = papers.bot_messages
    assert said(first) == ["working", "done"]
    assert second.text == "and more"


async def test_nothing_is_shown_after_the_end_of_the_block(
    client: Listener, ada: Person, papers: Channel, local: LocalDiscord
) -> None:
    async with StreamedMessage(await heard(client, ada, papers), interval=timedelta(seconds=30)) as live:
        live.show(notice("posted"))
        await papers.wait_for_bot_message()
        live.show(notice("edited"))
        await local.journal.until(lambda: local.calls(EDIT), "the edit")
        live.show(notice("never"))
    await local.stays_silent(0.1)
    assert len(local.calls(EDIT)) == 1
