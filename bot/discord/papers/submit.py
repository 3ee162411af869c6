"""/submit: moderators add a paper, by its arXiv id or by its title and abstract."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.discord.gate.availability import for_moderators
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Form
from bot.discord.papers.paper_card import paper_card
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import FORM_TEXT
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, safe_url
from bot.language import say
from retrieval import BadInputError, Fetched, Paper
from retrieval.papers import ARXIV_ID, DOI, identify
from retrieval.sources.fetched import SourceError

if TYPE_CHECKING:
    from bot.discord.gate.gate import Admitted
    from bot.discord.gate.gate_components import Gesture, Typed
    from bot.discord.services import Bot, Services

log = logging.getLogger(__name__)

SOURCE: Final = "submitted"  # the source of papers that were typed in
TITLE_CHARACTERS: Final = 300
SHORTEST_ABSTRACT: Final = 50
LINK_CHARACTERS: Final = 300
ARXIV_PATIENCE: Final = timedelta(minutes=2)  # arXiv accepts one request every 3 s, and others may be waiting


class Submit(commands.Cog):
    """Add papers that no source brings."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._services = bot.services

    @app_commands.command()
    @for_moderators
    @app_commands.describe(
        arxiv="Its arXiv id or link; leave it out to type title and abstract",
        pdf="Its PDF; answers may quote all of its text",
    )
    async def submit(
        self, interaction: discord.Interaction[Any], arxiv: str | None = None, pdf: discord.Attachment | None = None
    ) -> None:
        """Add a paper to my library."""
        how = Acknowledge.BY_FORM if arxiv is None and pdf is None else Acknowledge.PRIVATELY
        admitted = await self._services.gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, how)
        if pdf is not None:
            await _add(self._services, admitted, await self._services.pdfs.read(pdf, SOURCE))
            return
        if arxiv is None:
            await interaction.response.send_modal(PaperForm())
            return
        arxiv_id = read_arxiv_id(arxiv)
        known = await self._services.library.get(identify("", arxiv_id=arxiv_id))
        if known is not None:
            await _show(admitted, known, say("I have this paper already:"))
            return
        await _add(self._services, admitted, await self._fetch(arxiv_id))

    async def _fetch(self, arxiv_id: str) -> Paper:
        """Fetch the paper with this id from arXiv; raises BadInputError if it is not available."""
        if self._services.arxiv is None:
            raise BadInputError(
                say(
                    "I cannot reach arXiv from here: use /submit without an id, and type the paper's title "
                    "and abstract."
                )
            )
        try:
            async with asyncio.timeout(ARXIV_PATIENCE.total_seconds()):
                paper = await self._services.arxiv(arxiv_id)
        except (SourceError, TimeoutError) as error:
            log.warning("arXiv not read error=%s", type(error).__name__)
            raise BadInputError(
                say(
                    "I could not get this paper from arXiv: it may be withdrawn, or arXiv may be down. "
                    "Try again later, or type its title and abstract."
                )
            ) from error
        if paper is None:
            raise BadInputError(say("arXiv has no paper with the id {arxiv_id}.", arxiv_id=arxiv_id))
        return paper


class PaperForm(Form, template=ids.PAPER_FORM):
    """Ask for a title, an abstract and, if there is one, a link."""

    def __init__(self) -> None:
        super().__init__(say("Add a paper"), ids.PAPER_FORM)
        title: ui.TextInput[Any] = ui.TextInput(custom_id="title", min_length=3, max_length=TITLE_CHARACTERS)
        abstract: ui.TextInput[Any] = ui.TextInput(
            custom_id="abstract",
            style=discord.TextStyle.paragraph,
            min_length=SHORTEST_ABSTRACT,
            max_length=FORM_TEXT,
        )
        link: ui.TextInput[Any] = ui.TextInput(custom_id="link", required=False, max_length=LINK_CHARACTERS)
        self.add(say("Title"), title)
        self.add(say("Abstract"), abstract, say("Word for word: answers quote from it."))
        self.add(say("Link"), link, say("If there is one, preferably to arXiv"))

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Add the paper and show it."""
        await _add(form.services, form.admitted, read_paper(typed["title"], typed["abstract"], typed["link"]))


def read_arxiv_id(typed: str) -> str:
    """Parse the arXiv id in an id or a link, without its version; raises BadInputError."""
    text = typed.strip().removesuffix(".pdf")
    for part in (text, text.partition("/abs/")[2], text.partition("/pdf/")[2], text.partition(":")[2]):
        if match := ARXIV_ID.fullmatch(part.partition("?")[0].partition("#")[0].strip("/ ")):
            return match[1]
    raise BadInputError(say("That is no arXiv id; write it like 2002.04523 or https://arxiv.org/abs/2002.04523."))


def read_paper(title: str, abstract: str, link: str) -> Paper:
    """Build the paper that somebody typed, identified by the link if possible; raises BadInputError."""
    title, abstract, link = " ".join(title.split()), abstract.strip(), link.strip()
    if not plain(title) or len(plain(abstract)) < SHORTEST_ABSTRACT:
        raise BadInputError(say("A paper needs a readable title and a readable abstract."))
    if link and safe_url(link) is None:
        raise BadInputError(say("That is no web address; a link begins with https://."))
    try:
        arxiv_id = read_arxiv_id(link)
    except BadInputError:
        arxiv_id = None
    doi = DOI.search(link)
    paper_id = identify(title, arxiv_id=arxiv_id, doi=doi[0] if doi else None)
    return Paper(paper_id, title, abstract, SOURCE, url=safe_url(link) if link else None)


async def _add(services: Services, admitted: Admitted, added: Paper | Fetched) -> None:
    """Add a paper unless it is known: forms and files must not overwrite what a source says."""
    paper = added.paper if isinstance(added, Fetched) else added
    known = await services.library.get(paper.paper_id)
    if known is None and (await services.library.add([added])).removed:
        raise BadInputError(say("A moderator removed this paper from my library; /library undo restores it."))
    sentence = say("Added; I can answer questions about it from now on:") if known is None else None
    await _show(admitted, known or paper, sentence or say("I have this paper already:"))


async def _show(admitted: Admitted, paper: Paper, sentence: str) -> None:
    await admitted.target.post(notice(sentence))
    await admitted.target.post(paper_card(paper))
