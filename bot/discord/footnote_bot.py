"""FootnoteBot: the Discord client with its intents, cogs and periodic tasks."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import tasks

from bot import metrics
from bot.digest import Deliverer, Editor
from bot.digest.digest_text import ReasonWriter
from bot.discord.answers import answer_buttons
from bot.discord.answers.ask_command import Ask
from bot.discord.answers.chat import Chat
from bot.discord.connection.calls import make_lasting, replies
from bot.discord.connection.command_sync import sync_if_changed
from bot.discord.connection.gateway_connection import make_steady
from bot.discord.digests.digest_commands import Digests
from bot.discord.digests.discord_poster import DiscordPoster
from bot.discord.digests.refusal_watch import RefusalWatch
from bot.discord.gate.boundary import log_incident
from bot.discord.gate.command_tree import Tree
from bot.discord.gate.gate_components import FormDoor
from bot.discord.gate.message_door import prefixes
from bot.discord.help import Help
from bot.discord.papers import cite, paper_buttons
from bot.discord.papers.library_commands import LibraryCommands
from bot.discord.papers.menus import Menus
from bot.discord.papers.paper_commands import Papers
from bot.discord.papers.saved import Saved
from bot.discord.papers.search_command import Search
from bot.discord.papers.submit import Submit
from bot.discord.papers.trends import Trending
from bot.discord.services import Bot
from bot.discord.settings.privacy import Privacy
from bot.discord.settings.settings_command import Settings
from bot.discord.ui.translator import CommandTranslator
from bot.language import load, say_many
from retrieval import DatabaseAwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.discord.connection.command_sync import CommandsFile
    from bot.discord.services import Services

log = logging.getLogger(__name__)

COGS = (
    *(Chat, Ask, FormDoor, RefusalWatch, Search, Papers, Trending, Submit, Help, Settings, Privacy, Menus, Digests),
    *(Saved, LibraryCommands),
)

COUNTED_EVERY = timedelta(hours=1)
CLEANED_EVERY = timedelta(days=1)


def intents(*, message_content: bool = False) -> discord.Intents:
    """Choose the gateway intents: guilds, and messages in them and in direct messages.

    Only Message Content is privileged; the text of mentions and direct messages arrives without it.
    """
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=message_content)


class FootnoteBot(Bot):
    """Answer questions in Discord and post digests there; further `options` are those of discord.Client.

    `editor` composes the digests, by default from the papers' own sentences; `now` is their clock.
    """

    def __init__(
        self,
        services: Services,
        commands_file: CommandsFile,
        *,
        message_content: bool = False,
        editor: Editor | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            command_prefix=prefixes,
            strip_after_prefix=True,
            case_insensitive=True,
            help_command=None,
            tree_cls=Tree,
            intents=intents(message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            http_trace=replies(),
            **options,
        )
        make_steady(self)
        self.services = services
        services.links.tree = self.tree
        self.now = now
        self.poster = DiscordPoster(self, services.links)
        editor = editor or Editor(
            services.library, ReasonWriter(services.library.embedder), services.store.feedback.liked
        )
        self.deliverer = Deliverer(services.store, editor, self.poster, now=now)
        self.syncing: asyncio.Task[None] | None = None
        self.loading: asyncio.Task[None] | None = None
        self._commands_file = commands_file

    async def setup_hook(self) -> None:
        """Add the cogs; in the background, load the question reader and register the commands with Discord."""
        make_lasting(self)
        await asyncio.to_thread(load)
        self.loading = asyncio.create_task(self._load_reader())
        await self.tree.set_translator(CommandTranslator())
        for cog in COGS:
            await self.add_cog(cog(self))
        self.add_dynamic_items(*answer_buttons.ALL, *paper_buttons.ALL, *cite.ALL)
        self.activity = await self._activity()
        if self.leads:
            self.syncing = asyncio.create_task(sync_if_changed(self.tree, self._commands_file))
        self.show_count.add_exception_type(DatabaseAwayError)
        self.show_count.start()
        self.forget_what_is_due.start()
        log.info("logged in application=%s", self.application_id)
        if not self.intents.message_content:
            log.info("without Message Content: no prefix commands, and in threads only mentions are heard")

    async def _load_reader(self) -> None:
        """Load the question reader, so that the first question does not wait for it."""
        try:
            await self.services.responder.intents.load()
        except Exception:  # it is loaded with the first question instead
            log.exception("what questions are read with is not loaded")

    async def on_error(self, event_method: str, /, *_args: object, **_options: object) -> None:
        """Log which listener failed, but not the error's message, which may quote somebody."""
        error = sys.exception()
        if isinstance(error, Exception):
            log_incident(f"event:{event_method}", error)

    async def on_disconnect(self) -> None:
        """Count a connection that ended; the client reconnects."""
        metrics.GATEWAY_BREAKS.inc()

    async def on_message(self, message: discord.Message, /) -> None:
        """Do nothing: the chat cog reads messages and finds the commands in them."""

    async def on_guild_join(self, guild: discord.abc.Snowflake) -> None:
        """Record that the bot is in a server, so that its data is not deleted."""
        await self.services.store.servers.mark_joined(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record that the bot has left the server, whose data is deleted later."""
        await self.services.store.servers.mark_left(guild.id, datetime.now(UTC))

    @tasks.loop(seconds=COUNTED_EVERY.total_seconds())
    async def show_count(self) -> None:
        """Show the number of papers in the bot's status, if it has changed."""
        await self.wait_until_ready()
        activity = await self._activity()
        if activity != self.activity:
            self.activity = activity
            await self.change_presence(activity=activity)

    @tasks.loop(seconds=CLEANED_EVERY.total_seconds())
    async def forget_what_is_due(self) -> None:
        """Delete data past its lifetime, including that of servers that were left while the bot was offline."""
        await self.wait_until_ready()
        try:
            here = (guild.id for guild in self.guilds)
            await self.services.store.note_servers(here, datetime.now(UTC), self.serves)
            log.info("forgotten rows=%d", await self.services.store.forget_due(datetime.now(UTC)))
        except Exception:
            log.exception("nothing forgotten")

    async def close(self) -> None:
        """Cancel background tasks and disconnect."""
        self.show_count.cancel()
        self.forget_what_is_due.cancel()
        for task in filter(None, (self.syncing, self.loading)):
            task.cancel()
        await super().close()

    def serves(self, guild_id: int) -> bool:  # noqa: ARG002  # whoever serves only some looks
        """Check whether this process receives a server's events."""
        return True

    async def _activity(self) -> discord.CustomActivity:
        count = (await self.services.library.counts()).papers
        return discord.CustomActivity(say_many("Knows {n} paper", "Knows {n} papers", count))
