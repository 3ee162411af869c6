"""Connect the unmodified discord.py client to the local Discord, to prove that it acts like the real one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
from discord import app_commands, ui
from discord.ext import commands

from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POST = "POST /channels/{}/messages"
EDIT = "PATCH /channels/{}/messages/{}"


class Choice(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Paper", url="https://arxiv.org/abs/1706.03762"))

    @ui.button(label="More", custom_id="more")
    async def more(self, interaction: discord.Interaction, _: ui.Button[Any]) -> None:
        await interaction.response.edit_message(content="more of it", view=self)

    @ui.button(label="Feedback", custom_id="feedback")
    async def feedback(self, interaction: discord.Interaction, _: ui.Button[Any]) -> None:
        await interaction.response.send_modal(Feedback())

    @ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: discord.Interaction, _: ui.Button[Any]) -> None:
        """Never called."""

    @ui.select(
        placeholder="Which paper?",
        options=[
            discord.SelectOption(label="First", value="1"),
            discord.SelectOption(label="Second", value="2"),
        ],
    )
    async def pick(self, interaction: discord.Interaction, select: ui.Select[Any]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"picked {select.values}")


class Layout(ui.LayoutView):
    box: ui.Container[Any] = ui.Container(
        ui.TextDisplay("## Attention\nsee [it](https://arxiv.org/abs/1)"), ui.Separator()
    )

    def __init__(self, text: str = "small print") -> None:
        super().__init__(timeout=None)
        self.add_item(ui.TextDisplay(text))
        row = ui.ActionRow[Any]()
        button: ui.Button[Any] = ui.Button(label="Save", custom_id="save")
        button.callback = self.save  # type: ignore[method-assign]  # discord.py expects this
        row.add_item(button)
        self.add_item(row)

    async def save(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message("saved", ephemeral=True)


class Feedback(ui.Modal, title="Feedback"):
    words: ui.Label[Any] = ui.Label(
        text="What was wrong?", component=ui.TextInput(style=discord.TextStyle.long, max_length=100)
    )
    kind: ui.Label[Any] = ui.Label(
        text="Kind",
        component=ui.Select(options=[discord.SelectOption(label="Quote"), discord.SelectOption(label="Paper")]),
    )
    name: ui.TextInput[Any] = ui.TextInput(label="Your name", required=False)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.words.component, ui.TextInput)
        assert isinstance(self.kind.component, ui.Select)
        text = f"thanks {self.name.value}: {self.words.component.value} ({self.kind.component.values[0]})"
        await interaction.response.send_message(text, ephemeral=True)


class Bot(commands.Bot):
    """A bot that records messages, echoes those that mention it, and has the commands that tests use."""

    def __init__(self, server: LocalDiscord, intents: discord.Intents | None = None, **options: Any) -> None:
        super().__init__(
            "!",
            intents=intents or discord.Intents.default(),
            connector=server.connector(),
            guild_ready_timeout=0.1,
            help_command=None,
            **options,
        )
        self.heard: list[discord.Message] = []
        self.failures: list[Exception] = []
        self.released = asyncio.Event()
        self.failed = asyncio.Event()

    async def setup_hook(self) -> None:
        self.tree.add_command(ask)
        self.tree.add_command(Digest())
        self.tree.add_command(explain)
        self.tree.add_command(who)
        self.tree.error(self.keep_error)
        await self.tree.sync()

    async def keep_error(self, _: discord.Interaction, error: Exception) -> None:
        self.failures.append(getattr(error, "original", error))
        self.failed.set()

    async def on_message(self, message: discord.Message, /) -> None:
        if message.author != self.user:
            self.heard.append(message)
        if self.user in message.mentions and not message.author.bot:
            await message.reply(f"echo: {message.content}", mention_author=False)

    def place(self, channel: Any) -> Any:
        return self.get_partial_messageable(channel.id, guild_id=channel.guild.id if channel.guild else None)


@app_commands.command(description="Ask the papers")
async def ask(interaction: discord.Interaction[Bot], question: str, limit: app_commands.Range[int, 1, 5] = 3) -> None:
    if question == "slow":
        await interaction.client.released.wait()
    if question == "at once":
        await interaction.response.send_message("@everyone done", view=Choice())
    else:
        await interaction.response.defer(ephemeral=question == "secret")
        await interaction.edit_original_response(content=f"{question} {limit}")
        await interaction.followup.send("and one more")


@ask.autocomplete("question")
async def complete(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    number = int(current) if current.isdigit() else 2
    return [app_commands.Choice(name=f"{current} {one}", value=str(one)) for one in range(number)]


class Digest(app_commands.Group, name="digest", description="Daily posts"):
    @app_commands.command(description="Subscribe")
    @app_commands.choices(hour=[app_commands.Choice(name="eight", value=8)])
    async def add(
        self,
        interaction: discord.Interaction,
        where: discord.TextChannel,
        hour: app_commands.Choice[int],
        who: discord.Member,
    ) -> None:
        await interaction.response.send_message(f"{where.name} {hour.value} {who.name}", ephemeral=True)


@app_commands.context_menu(name="Explain this")
async def explain(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"it says {message.content}")


@app_commands.context_menu(name="Who is it")
@app_commands.default_permissions(manage_guild=True)
async def who(interaction: discord.Interaction, user: discord.Member) -> None:
    await interaction.response.send_message(f"it is {user.name}")


@contextlib.asynccontextmanager
async def running(bot: Bot, server: LocalDiscord) -> AsyncIterator[Bot]:
    task = asyncio.create_task(bot.start(server.token))
    identified = server.gateway.identified
    try:
        await server.ready(identified + 1)
        yield bot
    finally:
        await bot.close()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def server() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as made:
        yield made


@pytest.fixture
async def bot(server: LocalDiscord) -> AsyncIterator[Bot]:
    server.guild().channel("papers")
    async with running(Bot(server), server) as started:
        yield started


@pytest.fixture
def papers(server: LocalDiscord) -> Any:
    return server.guild().channel("papers")


@pytest.fixture
def alice(server: LocalDiscord) -> Any:
    return server.guild().member("alice")


class TestGateway:
    async def test_a_wrong_token_is_refused_by_rest(self, server: LocalDiscord) -> None:
        async with Bot(server) as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.start("wrong")

    async def test_a_privileged_intent_that_is_switched_off_ends_the_client(self, server: LocalDiscord) -> None:
        async with Bot(server, discord.Intents(guilds=True, message_content=True)) as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(server.token)

    async def test_a_wrong_token_closes_the_gateway_with_4004(self, server: LocalDiscord) -> None:
        async with (
            aiohttp.ClientSession(connector=server.connector()) as session,
            session.ws_connect("wss://gateway.discord.gg/?v=10") as socket,
        ):
            assert (await socket.receive_json())["op"] == 10
            await socket.send_json({"op": 2, "d": {"token": "no", "intents": 1}})
            assert (await socket.receive()).data == 4004

    async def test_content_is_blank_unless_the_bot_is_addressed(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        await alice.says(papers, "just talking")
        await alice.says(papers, f"{server.bot.mention} hello")
        answer = await papers.wait_for_bot_message()
        await alice.says(papers, "and a reply that pings", reply_to=answer)
        await alice.says(papers, "and one that does not", reply_to=answer, ping=False)
        await alice.dms("in private")
        await server.taken_in()
        texts = [message.content for message in bot.heard]
        assert texts == ["", f"{server.bot.mention} hello", "and a reply that pings", "", "in private"]
        history = [message.content async for message in bot.place(papers).history(oldest_first=True)]
        assert history[:2] == ["", f"{server.bot.mention} hello"]

    async def test_content_is_there_with_the_intent(self) -> None:
        async with LocalDiscord(message_content=True) as server:
            channel, alice = server.guild().channel("papers"), server.guild().member("alice")
            intents = discord.Intents.default()
            intents.message_content = True
            async with running(Bot(server, intents), server) as bot:
                await alice.says(channel, "just talking")
                await server.taken_in()
                assert bot.heard[0].content == "just talking"

    @pytest.mark.usefixtures("bot")
    async def test_resume_brings_what_was_missed(self, server: LocalDiscord, papers: Any, alice: Any) -> None:
        async with server.outage():
            await alice.says(papers, f"{server.bot.mention} while you were away")
        assert "while you were away" in (await papers.wait_for_bot_message()).text
        assert (server.gateway.identified, server.gateway.resumed) == (1, 1)

    async def test_resume_can_bring_what_was_already_delivered(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        said = await alice.says(papers, "once")
        await server.taken_in()
        await server.drop(redeliver=1)
        assert [message.id for message in bot.heard] == [said.id, said.id]
        await server.replay(said)
        assert len(bot.heard) == 3

    @pytest.mark.usefixtures("papers")
    async def test_op_7_makes_the_client_resume(self, server: LocalDiscord, bot: Bot, alice: Any) -> None:
        await server.asks_to_reconnect()
        await alice.dms("still there?")
        await server.taken_in()
        assert [message.content for message in bot.heard] == ["still there?"]

    @pytest.mark.usefixtures("bot")
    async def test_op_9_makes_the_client_identify_anew(self, server: LocalDiscord) -> None:
        await server.invalidates_session()
        assert (server.gateway.identified, server.gateway.resumed) == (2, 0)

    async def test_a_blocked_event_loop_shows_as_a_late_heartbeat(self, server: LocalDiscord) -> None:
        server.heartbeats_every(0.2)
        async with running(Bot(server), server):
            await server.journal.until(lambda: len(server.gateway.heartbeats) >= 4, "four heartbeats")
            before = server.worst_heartbeat_lateness()
            time.sleep(1)  # noqa: ASYNC251 - the very mistake
            await server.taken_in()
            assert server.worst_heartbeat_lateness() > max(0.5, before)

    async def test_sharded_clients_get_their_guilds_only(self, server: LocalDiscord) -> None:
        server.world.shards = 2
        server.guild("One")
        server.clock.advance(timedelta(milliseconds=1))

        class Sharded(commands.AutoShardedBot):
            ready = asyncio.Event()

            async def on_ready(self) -> None:
                self.ready.set()

        client = Sharded("!", intents=discord.Intents.default(), connector=server.connector(), guild_ready_timeout=0.1)
        task = asyncio.create_task(client.start(server.token))
        # discord.py waits 5 s between two shards.
        await server.journal.until(lambda: server.gateway.identified == 2, "both shards", timedelta(seconds=20))
        await asyncio.wait_for(client.ready.wait(), 10)
        assert [guild.name for guild in client.guilds] == ["One"]
        await client.close()
        await asyncio.gather(task, return_exceptions=True)

    async def test_guilds_come_and_go(self, server: LocalDiscord, bot: Bot) -> None:
        server.guild("New").channel("talk")
        await server.taken_in()
        assert {guild.name for guild in bot.guilds} == {"Lab", "New"}
        server.guild("New").removes_bot()
        await server.taken_in()
        assert {guild.name for guild in bot.guilds} == {"Lab"}


class TestMessages:
    @pytest.mark.usefixtures("server")
    async def test_a_message_shows_all_that_a_person_reads(self, bot: Bot, papers: Any) -> None:
        embed = discord.Embed(title="T", description="D", url="https://a.example/x").add_field(name="N", value="V")
        file = discord.File(__file__, "figure.png")
        await bot.place(papers).send(
            "see (https://b.example/y).", embed=embed.set_footer(text="F"), view=Choice(), file=file
        )
        message = await papers.wait_for_bot_message()
        for word in ("see", "T", "D", "N", "V", "F", "Paper", "Which paper?", "First"):
            assert word in message.text.splitlines() or word in message.text
        assert message.links == [
            "https://b.example/y",
            "https://a.example/x",
            "https://arxiv.org/abs/1706.03762",
        ]
        assert message.attachments[0].filename == "figure.png"
        stored = await bot.place(papers).fetch_message(message.id)
        assert (await stored.attachments[0].read()).startswith(b'"""Connect')

    async def test_edits_are_remembered(self, bot: Bot, papers: Any) -> None:
        sent = await bot.place(papers).send("one")
        await sent.edit(content="two")
        message = await papers.wait_for_bot_message()
        assert (message.content, [version.content for version in message.edits]) == ("two", ["one"])
        await sent.delete()
        assert message.deleted
        assert papers.bot_messages == []

    @pytest.mark.usefixtures("server")
    async def test_pings_follow_allowed_mentions_and_come_back_on_an_edit(
        self, bot: Bot, papers: Any, alice: Any
    ) -> None:
        text = f"@everyone {alice.mention}"
        none = discord.AllowedMentions.none()
        await bot.place(papers).send(text)
        assert (await papers.wait_for_bot_message()).pings == {"@everyone", alice.mention}
        sent = await bot.place(papers).send(text, allowed_mentions=none)
        quiet = await papers.wait_for_bot_message()
        assert not quiet.pings
        await sent.edit(content=f"{text}!")
        assert quiet.pings == {"@everyone", alice.mention}
        await bot.place(papers).send(text, allowed_mentions=discord.AllowedMentions(users=[discord.Object(alice.id)]))
        assert (await papers.wait_for_bot_message()).pings == {"@everyone", alice.mention}
        await bot.place(papers).send(view=Layout("hello @here"))
        assert (await papers.wait_for_bot_message()).pings == {"@here"}

    async def test_a_502_after_storing_leaves_one_message(self, server: LocalDiscord, bot: Bot, papers: Any) -> None:
        server.fail_next(POST, status=502, stored=True)
        await bot.place(papers).send("once")
        assert len(server.calls(POST)) == 2
        assert [message.content for message in papers.bot_messages] == ["once"]

    async def test_a_429_is_waited_out(self, server: LocalDiscord, bot: Bot, papers: Any) -> None:
        server.rate_limit_next(POST, retry_after=0.2, times=2)
        await bot.place(papers).send("late")
        times = [call.time for call in server.calls(POST)]
        assert [call.status for call in server.calls(POST)] == [429, 429, 200]
        assert times[2] - times[0] >= 0.35

    async def test_a_bucket_steers_the_client_before_it_hits_the_limit(
        self, server: LocalDiscord, bot: Bot, papers: Any
    ) -> None:
        server.limit_rate(EDIT, limit=2, window=0.5)
        sent = await bot.place(papers).send("0")
        for number in range(1, 5):
            await sent.edit(content=str(number))
        calls = server.calls(EDIT)
        assert [call.status for call in calls] == [200] * 4
        assert calls[2].time - calls[0].time >= 0.45

    async def test_a_connection_can_break(self, server: LocalDiscord, bot: Bot, papers: Any) -> None:
        server.cut_next(POST, stored=True)
        with pytest.raises(aiohttp.ClientError):
            await bot.place(papers).send("lost reply")
        assert len(papers.bot_messages) == 1

    async def test_calls_can_be_held_back(self, server: LocalDiscord, bot: Bot, papers: Any) -> None:
        with server.hold(POST):
            sending = asyncio.create_task(bot.place(papers).send("held"))
            await server.journal.until(lambda: server.calls(POST), "the call")
            await server.taken_in()
            assert not papers.bot_messages
        await sending
        assert papers.bot_messages

    @pytest.mark.parametrize(("status", "code"), [(403, 50001), (403, 50013), (404, 10003), (400, 50035), (403, 20016)])
    async def test_any_failure_can_be_asked_for(
        self, server: LocalDiscord, bot: Bot, papers: Any, status: int, code: int
    ) -> None:
        server.fail_next(POST, status=status, code=code)
        with pytest.raises(discord.HTTPException) as caught:
            await bot.place(papers).send("x")
        assert (caught.value.status, caught.value.code) == (status, code)
        await bot.place(papers).send("x")

    async def test_lost_permissions_and_lost_places_have_their_codes(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        async def code_of(sending: Any) -> int:
            with pytest.raises(discord.HTTPException) as caught:
                await sending
            return caught.value.code

        place = bot.place(papers)
        sent = await place.send("x")
        papers.deny("send_messages")
        assert await code_of(place.send("x")) == 50013
        papers.grant("send_messages")
        papers.deny("view_channel")
        await server.taken_in()
        known = bot.get_channel(papers.id)
        assert isinstance(known, discord.TextChannel)
        assert not known.permissions_for(known.guild.me).view_channel
        assert await code_of(place.send("x")) == 50001
        papers.grant("view_channel")
        await alice.deletes(papers.bot_messages[0])
        assert await code_of(sent.edit(content="y")) == 10008
        assert await code_of(sent.reply("y", mention_author=False)) == 50035
        papers.delete()
        assert await code_of(place.send("x")) == 10003
        alice.accepts_dms = False
        user = await bot.fetch_user(alice.id)
        assert await code_of(user.send("x")) == 50007

    async def test_a_bot_can_write_to_a_person_first(self, bot: Bot, alice: Any) -> None:
        await (await bot.fetch_user(alice.id)).send("good morning")
        assert (await alice.dm.wait_for_bot_message()).content == "good morning"

    async def test_threads_open_hold_messages_and_archive(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        sent = await bot.place(papers).send("root")
        thread = await sent.create_thread(name="talk")
        with pytest.raises(discord.HTTPException) as caught:
            await sent.create_thread(name="again")
        assert caught.value.code == 160004
        here = await papers.wait_for_thread()
        await alice.says(here, f"{server.bot.mention} in here")
        assert "in here" in (await here.wait_for_bot_message()).text
        inside = await thread.send("inside")
        here.archive()
        with pytest.raises(discord.HTTPException) as caught:
            await inside.edit(content="too late")
        assert caught.value.code == 50083
        await thread.send("this reopens it")
        assert not here.archived
        here.archive(locked=True)
        with pytest.raises(discord.HTTPException) as caught:
            await thread.send("no more")
        assert caught.value.code == 50083
        parent = bot.get_channel(papers.id)
        assert isinstance(parent, discord.TextChannel)
        alone = await parent.create_thread(name="alone", type=discord.ChannelType.public_thread)
        with pytest.raises(discord.HTTPException):
            await parent.create_thread(name="x" * 101, type=discord.ChannelType.public_thread)
        assert alone.parent_id == papers.id

    async def test_people_edit_delete_react_and_open_threads(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        seen: list[str] = []
        bot.add_listener(_note(seen, "edit"), "on_raw_message_edit")
        bot.add_listener(_note(seen, "delete"), "on_raw_message_delete")
        bot.add_listener(_note(seen, "reaction"), "on_raw_reaction_add")
        said = await alice.says(papers, "one")
        await alice.edits(said, "two")
        sent = await bot.place(papers).send("x")
        await sent.add_reaction("👍")
        await alice.reacts(await papers.wait_for_bot_message(), "👍")
        await alice.deletes(said)
        thread = await alice.opens_thread(papers, "hers")
        async with bot.place(thread).typing():
            pass
        await server.taken_in()
        assert seen == ["edit", "reaction", "reaction", "delete"]
        assert papers.bot_messages[0].reactions == {"👍": {server.bot.id, alice.id}}
        assert thread.typing_shown == 1
        assert bot.get_channel(thread.id)

    @pytest.mark.usefixtures("bot")
    async def test_what_did_not_happen_is_told_with_what_did(
        self, server: LocalDiscord, papers: Any, alice: Any
    ) -> None:
        await alice.says(papers, "no answer to this")
        with pytest.raises(AssertionError, match=r"a message of the bot in #papers[\s\S]*no answer to this"):
            await papers.wait_for_bot_message(timeout=timedelta(seconds=0.1))
        await server.stays_silent(0.05)


class TestInteractions:
    @pytest.mark.usefixtures("bot", "server")
    async def test_a_deferred_answer_is_finished_by_its_edit_and_followed_up(self, papers: Any, alice: Any) -> None:
        used = await alice.uses_command(papers, "ask", question="what", limit=2)
        await used.response()
        assert (used.kind, used.deferred, used.ephemeral) == ("deferred", True, False)
        assert (await used.finished()).content == "what 2"
        assert (await used.followup()).content == "and one more"
        secret = await alice.uses_command(papers, "ask", question="secret")
        assert (await secret.finished()).ephemeral
        assert (await secret.finished()) not in papers.bot_messages

    @pytest.mark.usefixtures("bot")
    async def test_options_arrive_as_what_they_are(self, papers: Any, alice: Any) -> None:
        used = await alice.uses_command(papers, "digest add", where=papers, hour="eight", who=alice)
        assert (await used.finished()).text == "papers 8 alice"

    @pytest.mark.usefixtures("bot")
    async def test_the_client_does_not_send_what_discord_would_not(self, papers: Any, alice: Any) -> None:
        with pytest.raises(AssertionError, match="without \\['question'\\]"):
            await alice.uses_command(papers, "ask")
        with pytest.raises(AssertionError, match="takes 1 to 5"):
            await alice.uses_command(papers, "ask", question="x", limit=9)
        with pytest.raises(AssertionError, match="manage_guild"):
            await alice.uses_context_menu(alice, "Who is it", papers)

    @pytest.mark.usefixtures("bot")
    async def test_context_menus_carry_their_target(self, server: LocalDiscord, papers: Any, alice: Any) -> None:
        said = await alice.says(papers, "hard words")
        assert (await (await alice.uses_context_menu(said, "Explain this")).finished()).text == "it says hard words"
        boss = server.guild().member("boss", "manage_guild")
        assert (await (await boss.uses_context_menu(alice, "Who is it", papers)).finished()).text == "it is alice"

    @pytest.mark.usefixtures("bot")
    async def test_autocompletion_offers_at_most_25_choices(
        self, server: LocalDiscord, papers: Any, alice: Any
    ) -> None:
        assert [one["value"] for one in await alice.autocompletes(papers, "ask", question="3")] == [
            "0",
            "1",
            "2",
        ]
        with pytest.raises(AssertionError, match="50035"):
            await _impatient(server, alice.autocompletes(papers, "ask", question="26"))

    @pytest.mark.usefixtures("bot")
    async def test_buttons_selects_and_modals_work(self, papers: Any, alice: Any) -> None:
        message = await (await alice.uses_command(papers, "ask", question="at once")).finished()
        await (await alice.clicks(message, "More")).response()
        assert message.content == "more of it"
        chosen = await alice.chooses(message, "Which paper?", "Second")
        assert (await chosen.finished()).content == "picked ['2']"
        opened = await alice.clicks(message, "feedback")
        sent = await alice.submits(opened, {"What was wrong?": "all of it", "Kind": "Paper", "Your name": "Al"})
        assert (await sent.finished()).text == "thanks Al: all of it (Paper)"
        with pytest.raises(AssertionError, match="must be filled in"):
            await alice.submits(await alice.clicks(message, "feedback"), {})
        for button, why in (("Paper", "link"), ("Off", "disabled"), ("Nope", "More")):
            with pytest.raises(AssertionError, match=why):
                await alice.clicks(message, button)

    async def test_layout_views_show_and_work(self, bot: Bot, papers: Any, alice: Any) -> None:
        await bot.place(papers).send(view=Layout())
        message = await papers.wait_for_bot_message()
        assert message.is_v2
        assert "## Attention" in message.text
        assert message.links == ["https://arxiv.org/abs/1"]
        saved = await (await alice.clicks(message, "Save")).finished()
        assert (saved.text, saved.ephemeral, saved.viewer) == ("saved", True, alice)

    async def test_an_answer_after_the_deadline_is_10062(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        used = await alice.uses_command(papers, "ask", question="slow")
        await server.taken_in()
        server.clock.advance(timedelta(seconds=3.1))
        bot.released.set()
        await asyncio.wait_for(bot.failed.wait(), 5)
        failure = bot.failures[0]
        assert isinstance(failure, discord.HTTPException)
        assert failure.code == 10062
        assert used.refused
        with pytest.raises(AssertionError, match="10062"):
            await used.response(timeout=timedelta(seconds=0.05))

    @pytest.mark.usefixtures("bot")
    async def test_a_second_acknowledgement_is_40060(self, server: LocalDiscord, papers: Any, alice: Any) -> None:
        used = await (await alice.uses_command(papers, "ask", question="at once")).response()
        async with aiohttp.ClientSession(connector=server.connector()) as session:
            url = f"https://discord.com/api/v10/interactions/{used.id}/{used.token}/callback"
            async with session.post(url, json={"type": 5}) as reply:
                assert (reply.status, (await reply.json())["code"]) == (400, 40060)

    async def test_tokens_expire_after_15_minutes(
        self, server: LocalDiscord, bot: Bot, papers: Any, alice: Any
    ) -> None:
        used = await (await alice.uses_command(papers, "ask", question="x")).response()
        await used.followup()
        server.clock.advance(timedelta(minutes=15))
        hook = discord.Webhook.partial(server.world.application_id, used.token, client=bot)
        with pytest.raises(discord.HTTPException) as caught:
            await hook.send("late")
        assert caught.value.code == 50027

    async def test_syncing_keeps_ids_and_is_counted(self, server: LocalDiscord, bot: Bot) -> None:
        first = {command.name: command.id for command in await bot.tree.fetch_commands()}
        again = {command.name: command.id for command in await bot.tree.sync()}
        assert first == again
        assert server.command_syncs == [None, None]
        guild = discord.Object(server.guild().id)
        bot.tree.copy_global_to(guild=guild)
        assert len(await bot.tree.sync(guild=guild)) == 4


class TestTransport:
    async def test_an_unknown_route_fails_the_test(self) -> None:
        with pytest.raises(AssertionError, match="GET /guilds/1/audit-logs"):
            async with (
                LocalDiscord() as server,
                aiohttp.ClientSession(connector=server.connector()) as session,
            ):
                await session.get("https://discord.com/api/v10/guilds/1/audit-logs")

    async def test_a_separate_process_connects_through_the_proxy(
        self, server: LocalDiscord, alice: Any, papers: Any
    ) -> None:
        program = (
            "import discord, sys\n"
            "class Bot(discord.Client):\n"
            "    async def on_message(self, message):\n"
            "        if self.user in message.mentions: await message.reply('hello from afar')\n"
            "Bot(intents=discord.Intents.default(), proxy=sys.argv[1], guild_ready_timeout=0.1).run(sys.argv[2])\n"
        )
        environment = os.environ | {"SSL_CERT_FILE": server.ca_file}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            server.proxy_url,
            server.token,
            env=environment,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await server.journal.until(
                lambda: server.gateway.identified, "the process to identify", timedelta(seconds=30)
            )
            await alice.says(papers, f"{server.bot.mention} hi")
            assert (await papers.wait_for_bot_message()).content == "hello from afar"
            await server.drop()
            await alice.says(papers, f"{server.bot.mention} again")
            assert (await papers.wait_for_bot_message()).content == "hello from afar"
        finally:
            process.terminate()
            await process.communicate()


def _note(seen: list[str], what: str) -> Any:
    async def listener(_: object) -> None:
        seen.append(what)

    return listener


async def _impatient(server: LocalDiscord, waiting: Any) -> None:
    server.journal._patience = timedelta(seconds=0.2)
    await waiting
