"""Phrases for an answer's writer and for papers: titles, origins, dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from babel.dates import format_date

from bot.discord.ui.discord_limits import URL_CHARACTERS
from bot.discord.ui.markdown import escape, link, plain, safe_url, shorten
from bot.language import current_language, say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from bot.answering import Answer, Citation, NearPaper
    from retrieval import Paper

    Titled: TypeAlias = Citation | NearPaper | Paper

TITLE_CHARACTERS: Final = 300  # escaped
LINK_CHARACTERS: Final = URL_CHARACTERS + len("[]()")
MODEL_CHARACTERS: Final = 100
SOURCE_CHARACTERS: Final = 60
AUTHOR_CHARACTERS: Final = 60

# What people call these sources; others are shown by their own names.
SOURCES: Final = {"arxiv": "arXiv", "huggingface": "Hugging Face", "seeds": "Hugging Face"}


# Part of a search for a title, which is not the address of a paper.
SEARCH: Final = "?q="


def written_by(answer: Answer) -> str:
    """Say who wrote the statements: the papers themselves, or a language model."""
    if answer.writer == "extractive":
        return say("Sentences taken word for word from the papers")
    model = plain(answer.usage.model) if answer.usage else ""
    if not model:
        return say("Written by a language model from the papers quoted")
    return say("Written by {model} from the papers quoted", model=escape(shorten(model, MODEL_CHARACTERS)))


def title_of(paper: Titled) -> str:
    """Get the title as plain text, else the id."""
    return plain(paper.title) or plain(paper.paper_id) or say("Untitled")


def address(paper: Titled) -> str | None:
    """Find the paper's own address, None if it has none that can be linked."""
    return None if not paper.url or SEARCH in paper.url else safe_url(paper.url)


def title_link(paper: Titled, room: int = 2 * LINK_CHARACTERS) -> str:
    """Format the title in at most `room` characters, linked if the address leaves it half of them."""
    url = address(paper)
    markup = len(f"[]({url})") if url else 0
    if markup > room // 2:
        url, markup = None, 0
    return link(shorten(title_of(paper), min(TITLE_CHARACTERS, room - markup)), url)


def origin(paper: Paper, authors: Sequence[str] = (), *, most: int = 1) -> str:
    """Say who wrote the paper, when it was published and where it comes from, as far as known.

    At most `most` authors are named.
    """
    name = SOURCES.get(paper.source, plain(paper.source))
    return " · ".join(
        filter(
            None,
            [
                by(authors, most),
                date(paper.published) if paper.published else "",
                escape(shorten(name, SOURCE_CHARACTERS)),
            ],
        )
    )


def by(authors: Sequence[str], most: int = 1) -> str:
    """Name the first authors, and say if there are others."""
    names = [escape(shorten(name, AUTHOR_CHARACTERS)) for name in map(plain, authors) if name]
    shown = ", ".join(names[:most])
    return say("{names} et al.", names=shown) if len(names) > most else shown


def date(day: dt.date) -> str:
    """Format a day in the current language."""
    return format_date(day, "medium", locale=current_language())
