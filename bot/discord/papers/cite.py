"""Show how to cite papers, in private: a line to read, and BibTeX to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from discord import ui

from bot.discord.answers.answer_forms import gone
from bot.discord.gate.gate_components import Clickable
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import MESSAGE_CHARACTERS
from bot.discord.ui.layout import COLOUR, Card, FileCard, notice
from bot.discord.ui.markdown import escape, length, plain, safe_url, shorten
from bot.language import say
from retrieval.bibliography import Cited, Keys, bibtex, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.gate.gate_components import Gesture
    from retrieval import Fetched, Library

FILE_NAME: Final = "citations.bib"
LINE_CHARACTERS: Final = 600  # of each paper's line, escaped
LINES_ROOM: Final = 2500  # characters for all lines together; the file has the rest
FENCE: Final = "```"


class Cite(Clickable[ui.Button[Any]], template=ids.CITE + ids.PAPER):
    """Show how to cite a paper."""

    async def clicked(self, click: Gesture) -> None:
        """Show it to whoever clicked."""
        await click.admitted.target.post(await citations_of(click.services.library, [self.match["paper"]]))


class CiteMenu(Clickable[ui.Select[Any]], template=ids.CITE_MENU):
    """Show how to cite the chosen papers."""

    async def clicked(self, click: Gesture) -> None:
        """Show it to whoever chose."""
        await click.admitted.target.post(await citations_of(click.services.library, self.item.values))


class CiteAnswer(Clickable[ui.Button[Any]], template=ids.CITE_ANSWER + ids.ANSWER):
    """Show how to cite the papers that an answer quotes."""

    async def clicked(self, click: Gesture) -> None:
        """Show it to whoever chose."""
        stored = await click.services.store.answers.get(self.match["answer"])
        if stored is None:
            await click.admitted.target.post(notice(gone()))
            return
        keys = dict.fromkeys(ids.paper_key(citation.paper_id) for citation in stored.answer.citations)
        await click.admitted.target.post(await citations_of(click.services.library, list(keys)))


ALL: Final[tuple[type[Clickable[Any]], ...]] = (Cite, CiteMenu, CiteAnswer)


async def citations_of(library: Library, keys: Sequence[str]) -> Card:
    """Lay out the message that cites the papers with these keys."""
    found = [paper_id for key in keys if (paper_id := await ids.paper_of(key, library)) is not None]
    known = await library.details(found)
    details = list(
        {
            found_details.paper.paper_id: found_details for paper_id in found if (found_details := known.get(paper_id))
        }.values()
    )
    return citation_card(details) if details else notice(say("I no longer have that paper."))


def citation_card(papers: Sequence[Fetched]) -> Card:
    """Lay out the message that cites papers; BibTeX that does not fit is attached as a file."""
    keys = Keys()
    entries = "\n".join(bibtex(paper, keys.give(paper), abstract=False) for paper in papers).strip()
    lines, room = [], LINES_ROOM
    for paper in papers:
        line = _line(paper)
        room -= length(line)
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(papers):
        lines.append("-# " + say("The file has all of them."))
    text = "\n".join(lines)
    # A fence in a title would end the code block.
    code = f"{FENCE}bibtex\n{entries.replace(FENCE, chr(39) * 3)}\n{FENCE}"
    if len(lines) == len(papers) and length(text) + length(code) <= MESSAGE_CHARACTERS:
        return Card(ui.Container(ui.TextDisplay(text), ui.TextDisplay(code), accent_colour=COLOUR))
    attached: ui.File[Any] = ui.File(f"attachment://{FILE_NAME}")
    box: ui.Container[Any] = ui.Container(ui.TextDisplay(text), attached, accent_colour=COLOUR)
    return FileCard(box, name=FILE_NAME, data=f"{entries}\n".encode())


def _line(details: Fetched) -> str:
    url = safe_url(Cited.of(details).url)
    return escape(shorten(plain(words(details)), LINE_CHARACTERS)) + (f" <{url}>" if url else "")
