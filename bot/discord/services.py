"""What the commands, buttons and forms of the bot share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from discord.ext import commands

from bot.answering.intent import IntentReader
from bot.discord.answers.pdf_attachment import PdfAttachments
from bot.discord.answers.responder import Responder
from bot.discord.gate.gate import Gate
from bot.discord.ui.command_links import CommandLinks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.digest.delivery import Deliverer
    from bot.discord.answers.responder import Answerer
    from bot.discord.digests.discord_poster import DiscordPoster
    from bot.discord.gate.rate_limits import Limits
    from bot.store import Store
    from retrieval.library import Library
    from retrieval.papers import Paper

    LookUp: TypeAlias = Callable[[str], Awaitable[Paper | None]]


@dataclass(slots=True)
class Services:
    """Hold what there is; each part of the bot takes what it uses.

    Attributes:
        links: makes commands something to click.
        model: the name of the language model that writes, None where answers are the papers' own sentences.
        arxiv: looks a paper up by its arXiv id, where arXiv may be asked.
        pdfs: reads the PDFs that people give the bot.
        changing_settings: held by whoever changes a server's settings, all of which are saved at once.
    """

    library: Library
    store: Store
    gate: Gate
    responder: Responder
    links: CommandLinks
    pdfs: PdfAttachments
    model: str | None = None
    arxiv: LookUp | None = None
    changing_settings: asyncio.Lock = field(default_factory=asyncio.Lock)


def make_services(
    answerer: Answerer,
    library: Library,
    store: Store,
    limits: Limits | None = None,
    *,
    model: str | None = None,
    arxiv: LookUp | None = None,
) -> Services:
    """Return the services of a bot that answers with this answerer from this library."""
    links = CommandLinks()
    responder = Responder(answerer, IntentReader(library), store, links, with_model=model is not None)
    gate = Gate(store.servers, links, limits, store.traffic if store.shared else None)
    return Services(library, store, gate, responder, links, PdfAttachments(library), model, arxiv)


class Bot(commands.Bot):
    """The bot as its parts see it.

    Attributes:
        services: what they share.
        poster: posts digests and tells people things directly.
        deliverer: knows which digests are due.
        now: the clock of the digests.
    """

    services: Services
    poster: DiscordPoster
    deliverer: Deliverer
    now: Callable[[], datetime]

    @property
    def leads(self) -> bool:
        """Say whether it does what only one process does."""
        return True

    async def linked(self, sentence: str) -> str:
        """Return a sentence of the bot's own with the commands that it names as something to click."""
        return await self.services.links.linked(sentence)
