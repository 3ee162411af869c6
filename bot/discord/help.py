"""/help and /about: what people can do with the bot, and which papers it knows."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.digests.digest_phrases import NAME_CHARACTERS, SOURCES_SHOWN, freshness
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.ui.layout import COLOUR, Card
from bot.discord.ui.markdown import escape, plain, shorten
from bot.discord.ui.members import own_name
from bot.discord.ui.phrases import SOURCES, date
from bot.language import current_language, say, say_many, translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.discord.services import Bot

# The wording that arXiv asks products to carry.
ARXIV_THANKS: Final = "Thank you to arXiv for use of its open access interoperability."

# Papers are in English, and so are the examples.
QUESTION: Final = "which papers are about language models?"
QUERY: Final = "robots that learn at home"
TOPICS: Final = "robots; language models"

Inner: TypeAlias = "app_commands.Command[Any, ..., Any] | app_commands.ContextMenu"

# Commands in the first two groups, in order; all others are in the third.
ASK: Final = ("ask", "compare", "Ask about this")
FIND: Final = ("search", "paper", "similar", "trending", "saved", "library", "Find papers like this")


class Help(commands.Cog):
    """Explain what the bot can do, and which papers it knows."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._model = bot.services.model
        self._library = bot.services.library

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    async def help(self, ctx: commands.Context[Any]) -> None:
        """See every command, and how to ask me."""
        admitted = await self._gate.admit(ctx, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        name = own_name(self._bot, ctx.guild)
        links: dict[str, list[str]] = {}
        for command in self._bot.tree.get_commands():
            if _is_seen(command, admitted.guild_id, ctx.permissions):
                links[command.name] = [await self._link(inner) for inner in _inner(command)]
        ways = say(
            "Mention me (@{name}), send me a direct message, or reply to one of my answers to follow up.", name=name
        )
        if self._bot.intents.message_content:
            prefix = escape(admitted.settings.prefix)
            ways += " " + say("{prefix}ask with a question works too.", prefix=prefix)
        asked = f"@{name} {QUESTION}"
        groups = [
            (say("Ask"), ASK, ways, asked),
            (say("Find papers"), FIND, None, await self._filled("search", "query", QUERY)),
            (
                say("Digests and settings"),
                sorted({*links} - {*ASK, *FIND}, key=lambda name: (name != "digest", name)),
                None,
                await self._filled("digest subscribe", "topics", TOPICS),
            ),
        ]
        purpose = say("I answer questions about research papers; every sentence rests on a quote that you can check.")
        texts = [ui.TextDisplay[Any](purpose)]
        for heading, names, sentence, example in groups:
            commands_ = [link for command in names for link in links.get(command, ())]
            lines = [f"### {heading}", *filter(None, [sentence]), " · ".join(commands_), f"> -# {example}"]
            texts.append(ui.TextDisplay[Any]("\n".join(lines)))
        await admitted.target.post(Card(ui.Container(*texts, accent_colour=COLOUR)))

    @commands.HybridCommand  # hybrid_command() loses the type of the cog
    async def about(self, ctx: commands.Context[Any]) -> None:
        """See which papers I know and who writes my answers."""
        admitted = await self._gate.admit(ctx, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        counts = await self._library.counts()
        sources = sorted(counts.by_source.items(), key=lambda item: -item[1])[:SOURCES_SHOWN]
        lines = [
            say("I answer questions about research papers; every sentence rests on a quote that you can check."),
            "**" + say_many("One paper", "{n} papers", counts.papers) + "**",
            *(f"- {_origin(source)}: " + say_many("one paper", "{n} papers", number) for source, number in sources),
        ]
        if counts.newest is not None:
            lines.append(say("The newest is from {day}.", day=date(counts.newest)))
        lines += freshness(await self._library.source_states())
        lines += [self._writer(), f"-# Footnote {version('footnote')} · {ARXIV_THANKS}"]
        await admitted.target.post(Card(ui.TextDisplay("\n".join(lines))))

    async def _filled(self, command: str, option: str, words: str) -> str:
        """Format a command with an option filled in, as it looks while being typed."""
        return f"{await self._bot.linked(f'/{command}')} {translated(option, current_language()) or option}: {words}"

    async def _link(self, command: Inner) -> str:
        """Format a command as a link, or a context menu as the path to it."""
        if isinstance(command, app_commands.ContextMenu):
            return say("Apps") + f" → **{translated(command.name, current_language()) or command.name}**"
        return await self._bot.linked(f"/{command.qualified_name}")

    def _writer(self) -> str:
        model = self._model
        if model is None:
            return say("My answers are sentences taken word for word from the papers.")
        return say("My answers are written by {model} from the papers.", model=escape(plain(model)))


def _inner(command: Inner | app_commands.Group) -> Iterable[Inner]:
    if not isinstance(command, app_commands.Group):
        return [command]
    return [child for child in command.walk_commands() if isinstance(child, app_commands.Command)]


def _is_seen(
    command: Inner | app_commands.Group,
    guild_id: int | None,
    mine: discord.Permissions,
) -> bool:
    if guild_id is None:
        contexts = command.allowed_contexts
        return contexts is None or contexts.dm_channel is not False
    return command.default_permissions is None or command.default_permissions <= mine


def _origin(source: str) -> str:
    return escape(shorten(SOURCES.get(source, plain(source)), NAME_CHARACTERS)) or "–"
