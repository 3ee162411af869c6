"""The objects that the bot's commands, buttons and forms share."""

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

    from bot.digest import Deliverer
    from bot.discord.answers.responder import Answerer
    from bot.discord.digests.discord_poster import DiscordPoster
    from bot.discord.gate.rate_limits import Limits
    from bot.store import Store
    from retrieval import Library, Paper

    LookUp: TypeAlias = Callable[[str], Awaitable[Paper | None]]


@dataclass(slots=True)
class Services:
    """The shared objects; each part of the bot takes what it needs.

    Attributes:
        links: turns command names into clickable links.
        model: name of the language model, None if answers are the papers' own sentences.
        arxiv: looks up a paper by its arXiv id, if arXiv may be queried.
        pdfs: reads the PDFs that people send.
        changing_settings: lock for changes of server settings, which are saved as a whole.
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
    """Build the services of a bot that answers with this answerer from this library."""
    links = CommandLinks()
    responder = Responder(answerer, IntentReader(library), store, links, with_model=model is not None)
    gate = Gate(store.servers, links, limits, store.traffic if store.shared else None)
    return Services(library, store, gate, responder, links, PdfAttachments(library), model, arxiv)


class Bot(commands.Bot):
    """The bot as its parts see it.

    Attributes:
        services: the shared objects.
        poster: posts digests and sends direct messages.
        deliverer: delivers the digests that are due.
        now: the clock of the digests.
    """

    services: Services
    poster: DiscordPoster
    deliverer: Deliverer
    now: Callable[[], datetime]

    @property
    def leads(self) -> bool:
        """Whether this process does what only one of them may do."""
        return True

    async def linked(self, sentence: str) -> str:
        """Turn the commands named in one of our own sentences into links."""
        return await self.services.links.linked(sentence)
