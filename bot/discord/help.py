"""/help and /about: every command, every setting, and what the bot knows."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.digests.digest_wording import freshness
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import Audience, Cost
from bot.discord.gate.reach import is_moderator
from bot.discord.reply.target import server_of
from bot.discord.settings.server_settings import described
from bot.discord.ui.layout import Card
from bot.discord.ui.markdown import escape, plain, shorten
from bot.discord.ui.words import SOURCES, date
from bot.language import say, say_many, spoken, translated
from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.discord.services import Bot

SOURCES_SHOWN: Final = 10
# In arXiv's own words, which it asks products to carry.
ARXIV_THANKS: Final = "Thank you to arXiv for use of its open access interoperability."
NAME_CHARACTERS: Final = 100


class Help(commands.Cog):
    """Say what the bot can do, and what it knows."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._model = bot.services.model
        self._library = bot.services.library
        self._store = bot.services.store

    @commands.hybrid_command()  # type: ignore[arg-type]  # mypy loses the cog in discord.py's decorator
    async def help(self, ctx: commands.Context[Any]) -> None:
        """See every command, and how to ask me."""
        admitted = await self._gate.admit(ctx, Cost.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        guild_id = server_of(ctx.interaction) if ctx.interaction else getattr(ctx.guild, "id", None)
        settings = await self._store.servers.of(guild_id) if guild_id else ServerSettings()
        moderates = is_moderator(ctx.permissions, guild_id)
        parts = [
            ["### " + say("How to ask me"), *self._ways(settings.prefix)],
            ["### " + say("Commands"), *_listed(self._bot.tree, guild_id, ctx.permissions)],
        ]
        if moderates:
            facts = described(settings, listens=self._bot.intents.message_content)
            lines = (f"- **{fact.name}:** {fact.value} – {fact.purpose}" for fact in facts)
            parts.append(["### " + say("Settings of this server"), *lines, "-# " + say("/settings changes each.")])
        texts = [ui.TextDisplay[Any]("\n".join(part)) for part in parts]
        await admitted.target.post(Card(ui.Container(*texts)))

    @commands.hybrid_command()  # type: ignore[arg-type]  # mypy loses the cog in discord.py's decorator
    async def about(self, ctx: commands.Context[Any]) -> None:
        """See which papers I know and who writes my answers."""
        admitted = await self._gate.admit(ctx, Cost.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        counts = await self._library.counts()
        sources = sorted(counts.by_source.items(), key=lambda item: -item[1])[:SOURCES_SHOWN]
        lines = [
            say("I answer questions about research papers; every sentence rests on a quote that you can check."),
            "**" + say_many("One paper", "{n} papers", counts.papers) + "**",
            *(f"- {_origin(source)}: " + say_many("one paper", "{n} papers", number) for source, number in sources),
        ]
        if counts.newest is not None:
            lines.append(say("The newest is of {day}.", day=date(counts.newest)))
        lines += freshness(await self._library.readings())
        lines += [self._writer(), f"-# Footnote {version('footnote')} · {ARXIV_THANKS}"]
        await admitted.target.post(Card(ui.TextDisplay("\n".join(lines))))

    def _ways(self, prefix: str) -> Iterator[str]:
        me = self._bot.user
        name = escape(plain(me.display_name)) if me else "Footnote"
        yield "- " + say("Mention me: @{name} and your question. Reply to my answer to ask on.", name=name)
        yield "- " + say("Write to me directly: there I need no mention.")
        if self._bot.intents.message_content:
            yield "- " + say("Or begin with the prefix: {prefix}ask and your question.", prefix=escape(prefix))
        yield "- " + say("On any message, under Apps: ask about it, or find papers like it.")

    def _writer(self) -> str:
        model = self._model
        if model is None:
            return say("My answers are sentences taken word for word from the papers.")
        return say("My answers are written by {model} from the papers.", model=escape(plain(model)))


def _listed(tree: app_commands.CommandTree[Any], guild_id: int | None, mine: discord.Permissions) -> Iterator[str]:
    """Yield a line for each command that somebody with these permissions sees there."""
    for command in sorted(tree.get_commands(), key=lambda each: each.name):
        if not _is_seen(command, guild_id, mine):
            continue
        if isinstance(command, app_commands.ContextMenu):
            yield "- " + say("Apps") + f" → **{_name(command.name)}**"
        elif isinstance(command, app_commands.Group):
            for each in command.walk_commands():
                if isinstance(each, app_commands.Command):
                    name = " ".join(map(_name, each.qualified_name.split()))
                    yield f"- **/{name}** – {_description(each)}"
        else:
            yield f"- **/{_name(command.name)}** – {_description(command)}"


def _is_seen(
    command: app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu,
    guild_id: int | None,
    mine: discord.Permissions,
) -> bool:
    if guild_id is None:
        contexts = command.allowed_contexts
        return contexts is None or contexts.dm_channel is not False
    return command.default_permissions is None or command.default_permissions <= mine


def _name(name: str) -> str:
    """Return what Discord calls the command in the reader's language."""
    return translated(name, spoken()) or name


def _description(command: app_commands.Command[Any, ..., Any]) -> str:
    return translated(command.description, spoken()) or command.description


def _origin(source: str) -> str:
    return escape(shorten(SOURCES.get(source, plain(source)), NAME_CHARACTERS)) or "–"
