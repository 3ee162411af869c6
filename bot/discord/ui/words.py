"""Say in words what an answer's numbers and names mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from babel.dates import format_date

from bot.discord.ui.markdown import URL_LENGTH, escape, link, plain, safe_url, shorten
from bot.language import say, spoken

if TYPE_CHECKING:
    import datetime as dt

    from bot.answering.answer import Answer, Citation, NearPaper
    from retrieval.papers import Paper

    Titled: TypeAlias = Citation | NearPaper | Paper

TITLE_CHARACTERS: Final = 300  # escaped
LINK_CHARACTERS: Final = URL_LENGTH + len("[]()")
MODEL_CHARACTERS: Final = 100
SOURCE_CHARACTERS: Final = 60

# What people call the sources; others are shown by their own names.
SOURCES: Final = {"arxiv": "arXiv", "huggingface": "Hugging Face", "seeds": "Hugging Face"}


def support(answer: Answer) -> str:
    """Say how sure it is that the papers hold what was asked."""
    return say("The papers quoted say it") if answer.outcome == "answered" else say("The papers quoted may not say it")


def written_by(answer: Answer) -> str:
    """Return who wrote the statements: the papers themselves, or a language model."""
    if answer.writer == "extractive":
        return say("Sentences taken word for word from the papers")
    model = plain(answer.usage.model) if answer.usage else ""
    if not model:
        return say("Written by a language model from the papers quoted")
    return say("Written by {model} from the papers quoted", model=escape(shorten(model, MODEL_CHARACTERS)))


def title_of(paper: Titled) -> str:
    """Return the title as plain text, else the id."""
    return plain(paper.title) or plain(paper.paper_id) or say("Untitled")


def title_link(paper: Titled, room: int = 2 * LINK_CHARACTERS) -> str:
    """Return the title in at most `room` characters, linked where there is an address that leaves it half of them."""
    url = safe_url(paper.url) if paper.url else None
    markup = len(f"[]({url})") if url else 0
    if markup > room // 2:
        url, markup = None, 0
    return link(shorten(title_of(paper), min(TITLE_CHARACTERS, room - markup)), url)


def origin(paper: Paper) -> str:
    """Return where the paper comes from and when it was published, as far as that is known."""
    name = SOURCES.get(paper.source, plain(paper.source))
    parts = [escape(shorten(name, SOURCE_CHARACTERS))] if name else []
    if paper.published is not None:
        parts.append(date(paper.published))
    return " · ".join(parts)


def date(day: dt.date) -> str:
    """Return the day as the language writes it."""
    return format_date(day, "medium", locale=spoken())
