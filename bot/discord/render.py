"""Turn an Answer into Discord messages: pure, and never beyond a limit of Discord's."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, TypeAlias

import discord
from discord import ui

from bot.discord.markdown import escape, length, link, plain, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering.answer import Answer, Citation, NearPaper, Statement

# Discord: over all components of one message.
MESSAGE_CHARACTERS = 4000
MESSAGE_COMPONENTS = 40

# Escaped lengths, so chosen that a statement or a citation alone always fits into a message.
STATEMENT_CHARACTERS = 1500
TITLE_CHARACTERS = 300
NOTE_CHARACTERS = 300
LONGEST_QUOTE = 2500
SHORTEST_QUOTE = 160

_NOTHING_FOUND = "The papers that I know do not say."

Group: TypeAlias = list[str]
Item: TypeAlias = "ui.TextDisplay[ui.LayoutView] | ui.Separator[ui.LayoutView]"


def cards(answer: Answer) -> list[ui.LayoutView]:
    """Return the messages that show the answer, in order; nearly always it is one.

    Quotes lose words from their middle where that keeps the answer in one message; what even then does not
    fit goes into further messages, each statement and each citation whole.
    """
    groups = _groups(answer, _fitting_quotes(answer))
    colour = discord.Colour.dark_grey() if answer.refused else discord.Colour.blurple()
    return [_view(ui.Container(*page, accent_colour=colour)) for page in _pages(groups)]


def notice(sentence: str) -> ui.LayoutView:
    """Return a message with one sentence of the bot's own."""
    return _view(ui.TextDisplay(sentence))


def _view(item: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    return ui.LayoutView(timeout=None).add_item(item)


def _fitting_quotes(answer: Answer) -> list[str]:
    """Return the quotes, escaped and no longer than lets the answer fit, though never shorter than the shortest."""
    quotes = [shorten(plain(citation.quote), LONGEST_QUOTE) for citation in answer.citations]
    unquoted = _groups(answer, [""] * len(quotes))
    room = MESSAGE_CHARACTERS - sum(length(text) for group in unquoted for text in group)

    def escaped(limit: int) -> list[str]:
        return [escape(shorten(quote, limit)) for quote in quotes]

    limits = range(SHORTEST_QUOTE, LONGEST_QUOTE)
    whole = escaped(LONGEST_QUOTE)
    if sum(map(length, whole)) <= room:
        return whole
    fitting = bisect_right(limits, room, key=lambda limit: sum(map(length, escaped(limit))))
    return escaped(limits[max(fitting - 1, 0)])


def _groups(answer: Answer, quotes: Sequence[str]) -> list[Group]:
    if answer.refused:
        groups = [
            [escape(shorten(plain(answer.refusal or "") or _NOTHING_FOUND, STATEMENT_CHARACTERS))],
            ["**Nearest papers**", *map(_near, answer.nearest)] if answer.nearest else [],
        ]
    else:
        groups = [
            [_statement(statement) for statement in answer.statements],
            [_citation(citation, quote) for citation, quote in zip(answer.citations, quotes, strict=True)],
        ]
    return [group for group in (*groups, _footer(answer)) if group]


def _statement(statement: Statement) -> str:
    text = escape(shorten(plain(statement.text), STATEMENT_CHARACTERS))
    return f"{text} {''.join(f'[{number}]' for number in statement.citations)}"


def _citation(citation: Citation, quote: str) -> str:
    return f"**[{citation.number}]** {_title(citation)}\n> {quote}"


def _near(paper: NearPaper) -> str:
    return f"- {_title(paper)}"


def _title(paper: Citation | NearPaper) -> str:
    return link(shorten(plain(paper.title) or plain(paper.paper_id) or "Untitled", TITLE_CHARACTERS), paper.url)


def _footer(answer: Answer) -> Group:
    note = plain(answer.note or "")
    lines = [escape(shorten(note, NOTE_CHARACTERS))] if note else []
    if not answer.refused:
        lines.append(_writer(answer))
    return ["\n".join(f"-# {line}" for line in lines)] if lines else []


def _writer(answer: Answer) -> str:
    if answer.writer == "extractive":
        return "Sentences taken word for word from the papers"
    model = plain(answer.usage.model) if answer.usage else ""
    name = escape(shorten(model, NOTE_CHARACTERS)) or "a language model"
    return f"Written by {name} from the papers quoted"


def _pages(groups: Sequence[Group]) -> list[list[Item]]:
    """Lay the texts out in order, a line between groups, and start a new page where one would overflow."""
    pages: list[list[Item]] = []
    room = 0
    for group in groups:
        separate = bool(pages)
        for text in group:
            # One component is the container itself; a text may need a separator before it.
            if length(text) > room or len(pages[-1]) + 3 > MESSAGE_COMPONENTS:
                pages.append([])
                room = MESSAGE_CHARACTERS
            elif separate:
                pages[-1].append(ui.Separator())
            pages[-1].append(ui.TextDisplay(text))
            room -= length(text)
            separate = False
    return pages
