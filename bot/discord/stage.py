"""A local Discord server with people and the bot online, as `footnote demo` shows it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.gate.rate_limits import Limits, Rate
from local_discord import LocalDiscord
from local_discord.web.site import LOOPBACK, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.digest import Editor
    from bot.discord.services import Services
    from local_discord import Person

SERVER: Final = "Reading Group"
PAPERS, DIGEST = "papers", "digest"
MEMBERS: Final = ("Alice", "Bob")
MODERATOR: Final = "Mo"
# A busy machine is no reason to show a bot that did not answer.
PATIENCE: Final = timedelta(seconds=20)  # to acknowledge, instead of Discord's three
START: Final = timedelta(minutes=1)  # for the bot to come online
AHEAD: Final = timedelta(minutes=2)  # of the clock, as a digest leaves out what came in within the last two minutes

ASKED: Final = "has anyone shown that a better one-step likelihood doesn't actually give you a better controller?"
CLOSEST: Final = "how do transformers store facts about dates?"
UNANSWERED: Final = "which sourdough starter rises fastest?"
LISTED: Final = "which papers are about robots?"
SEARCHED: Final = "agents that use a computer like people do"
TOPICS: Final = "reinforcement learning for robots; image generation"

ABOUT: Final[dict[str, Any]] = {
    "title": "Footnote demo",
    "roles": {MODERATOR: "(moderator)"},
    "hint": "Click one, then press Enter to send it. Or ask your own: the papers are here, and nothing leaves this "
    "machine.",
    "tries": [
        {"label": "A question that a paper answers", "place": PAPERS, "text": f"@Footnote {ASKED}"},
        {"label": "A question where it is not sure", "place": PAPERS, "text": f"@Footnote {CLOSEST}"},
        {"label": "A question that no paper is about", "place": PAPERS, "text": f"@Footnote {UNANSWERED}"},
        {"label": "A list of papers", "place": PAPERS, "text": f"@Footnote {LISTED}"},
        {"label": "Search", "place": PAPERS, "command": "search", "options": {"query": SEARCHED}},
        {"label": "Ask in direct messages", "place": "Footnote", "text": LISTED},
        {"label": "Help", "place": PAPERS, "command": "help"},
        {"label": "The moderator's settings", "place": PAPERS, "who": MODERATOR, "command": "settings"},
        {
            "label": "Subscribe a channel to a digest",
            "place": DIGEST,
            "who": MODERATOR,
            "command": "digest subscribe",
            "options": {"topics": TOPICS},
        },
        {"label": "Post the digest now", "place": DIGEST, "who": MODERATOR, "command": "digest now"},
    ],
}


def generous_limits() -> Limits:
    """Set limits that no visitor reaches by trying one thing after another."""
    return Limits(Rate(60, timedelta(minutes=1)), Rate(200, timedelta(minutes=1)))


def refuse_taken(port: int) -> None:
    """Raise OSError if a port cannot be used."""
    with socket.create_server((LOOPBACK, port)):
        pass


@dataclass(frozen=True)
class Stage:
    """The parts of the demo: the local Discord, the people in it, the bot, and the page."""

    local: LocalDiscord
    people: tuple[Person, ...]
    bot: FootnoteBot
    site: Site
    running: asyncio.Task[None]


def _ahead() -> datetime:
    """Tell the bot a time that is a little ahead, so that a digest includes papers that came in just now."""
    return datetime.now(UTC) + AHEAD


@asynccontextmanager
async def open_stage(
    services: Services, folder: Path, *, editor: Editor | None = None, port: int = 0
) -> AsyncIterator[Stage]:
    """Bring the bot online in its own local Discord, and show it at a local port, 0 for any.

    Raises OSError if the port cannot be used.
    """
    async with LocalDiscord(message_content=True, patience=START) as local:
        local.answer_deadline(PATIENCE)
        server = local.guild(SERVER)
        server.channel(PAPERS)
        server.channel(DIGEST)
        server.role("readers")
        people = (*map(server.member, MEMBERS), server.member(MODERATOR, "manage_guild"))
        bot = FootnoteBot(
            services,
            CommandsFile(folder / FILE_NAME),
            message_content=True,
            editor=editor,
            now=_ahead,
            connector=local.connector(),
            guild_ready_timeout=0.1,
        )
        async with Site(local, people, ABOUT).serving(port) as site, bot:
            running = asyncio.create_task(bot.start(local.token))
            digests = asyncio.create_task(bot.deliverer.run(asyncio.Event()))
            try:
                await local.ready()
                await local.journal.until(lambda: local.world.commands.get(None), "the commands to be registered")
                yield Stage(local, people, bot, site, running)
            finally:
                digests.cancel()
                running.cancel()
                await asyncio.gather(running, digests, return_exceptions=True)
