"""Show an Answer: while it is being written, then complete with its controls, and all its quotes."""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby
from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.answering.paper_statement import without_name
from bot.discord.answers.answer_controls import MOST_CHOICES, controls
from bot.discord.answers.answer_file import document
from bot.discord.ui.discord_limits import FOLLOW_UPS, MESSAGE_CHARACTERS
from bot.discord.ui.layout import (
    COLOUR,
    FILE_NAME,
    Block,
    Card,
    count,
    one_page,
    pages,
    star,
)
from bot.discord.ui.markdown import escape, length, plain, shorten
from bot.discord.ui.phrases import LINK_CHARACTERS, title_link, title_of, written_by
from bot.language import say
from retrieval.batches import batched
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bot.answering import Answer, Citation, Outcome, Statement
    from bot.discord.ui.layout import Item

MOST_STARS: Final = 10
STAR_ROOM: Final = 360  # characters per title, so that all of these fit into a message

# Escaped lengths, chosen so that a statement, or the citations shown together, always fit into a message.
STATEMENT_CHARACTERS: Final = 1500
QUESTION_CHARACTERS: Final = 300
NOTE_CHARACTERS: Final = 300
LONGEST_QUOTE: Final = 2500
FOLDED_QUOTE: Final = 240
SHORTEST_QUOTE: Final = 160
LOCATION_CHARACTERS: Final = 120  # for the section and page above a quote from a full text
CITATIONS_TOGETHER: Final = 5

LISTED: Final = 3  # papers with one statement each, from which they are shown as a list, whoever wrote it

COLOURS: Final[Mapping[Outcome, discord.Colour]] = {
    "answered": COLOUR,
    "closest": discord.Colour.gold(),
    "refused": discord.Colour.dark_grey(),
}


def cards(
    answer: Answer,
    answer_id: str | None = None,
    *,
    asked: str | None = None,
    thread: bool = False,
    file: bool = True,
    link: Callable[[str], str] = str,
) -> list[Card]:
    """Lay out the messages that show the answer, in order; nearly always there is one.

    With an `answer_id`, the last message has the controls, and quotes are shortened, as one of the controls shows them
    in full; `thread` adds the control to continue in a thread. `asked` repeats the question on top, where the channel
    does not show it. What would take too many messages goes into a file, if a `file` may be attached. `link` makes
    commands in our own sentences clickable.
    """
    below = [] if answer_id is None else controls(answer, answer_id, thread=thread)
    groups = [*_asked(asked), *_body(answer, asked, folded=answer_id is not None, link=link), *_footer(answer, link)]
    laid = pages(groups, taken=count(below))
    whole = None
    if len(laid) > FOLLOW_UPS:
        laid = [*laid[: FOLLOW_UPS - 1], _rest(file=file)]
        whole = document(answer) if file else None
    boxes = [ui.Container(*page, accent_colour=COLOURS[answer.outcome]) for page in laid]
    return [*map(Card, boxes[:-1]), Card(boxes[-1], *below, document=whole)]


def _rest(*, file: bool) -> list[Item]:
    """Lay out the end of the last message, in place of what would take too many messages."""
    if file:
        words = say("There is more than fits here: all of it is in the file.")
        return [ui.TextDisplay(f"-# {words}"), ui.File(f"attachment://{FILE_NAME}")]
    words = say(
        "There is more than fits here; I need the permission “{name}” to attach all of it.", name=say("Attach Files")
    )
    return [ui.TextDisplay(f"-# {words}")]


def writing(answer: Answer | None, stage: str, *, asked: str | None = None) -> Card:
    """Lay out the message that shows the answer so far; `stage` is the current activity."""
    groups = _asked(asked)
    colour = COLOUR
    if answer is not None and answer.statements:
        groups += [*_lead(answer), *_statement_groups(answer, {})]
        colour = COLOURS[answer.outcome]
    return Card(ui.Container(*one_page(groups, Block(f"-# {stage}")), accent_colour=colour))


def quotes(answer: Answer) -> list[Card]:
    """Lay out the messages that show every citation with its full quote, or one that says that there are none."""
    if not answer.citations:
        return [Card(ui.TextDisplay(say("This answer quotes no paper.")))]
    shown = {citation: escape(shorten(plain(citation.quote), LONGEST_QUOTE)) for citation in answer.citations}
    groups = [_cited(together, shown, most=1) for together in _by_paper(answer.citations)]
    return [Card(ui.Container(*page, accent_colour=COLOUR)) for page in pages(groups)]


def stars(answer: Answer, starred: Collection[str]) -> Card:
    """Lay out the papers of an answer, each beside its star; those in `starred` have a lit star."""
    blocks = []
    for together in _by_paper(answer.citations)[:MOST_STARS]:
        paper_id = together[0].paper_id
        blocks.append(Block(_title(together[0], STAR_ROOM), star(paper_id, lit=paper_id in starred)))
    hint = say("Green stars are yours; click one to remove it.")
    return Card(ui.Container(*one_page([blocks], Block(f"-# {hint}")), accent_colour=COLOUR))


def _asked(question: str | None) -> list[list[Block]]:
    text = escape(shorten(plain(question or ""), QUESTION_CHARACTERS))
    return [[Block(f"> **{text}**")]] if text else []


def _body(answer: Answer, asked: str | None, *, folded: bool, link: Callable[[str], str]) -> list[list[Block]]:
    if answer.refused:
        return _refusal(answer, with_choices=not folded, link=link)
    longest = FOLDED_QUOTE if folded else LONGEST_QUOTE
    fixed = [*_asked(asked), *_lead(answer), *_statement_groups(answer, {}), *_footer(answer, link)]
    room = MESSAGE_CHARACTERS - sum(length(block.text) for group in fixed for block in group)
    return [*_lead(answer), *_statement_groups(answer, _fitting_quotes(answer, longest, room))]


def _lead(answer: Answer) -> list[list[Block]]:
    return [[Block(escape(answer.lead))]] if answer.lead else []


def _refusal(answer: Answer, *, with_choices: bool, link: Callable[[str], str]) -> list[list[Block]]:
    words = shorten(plain(answer.refusal or ""), STATEMENT_CHARACTERS) or say("The papers that I know do not say.")
    groups = [[Block(link(escape(words)))]]
    choices = [shorten(plain(choice), QUESTION_CHARACTERS) for choice in answer.choices[:MOST_CHOICES]]
    if any(choices) and with_choices:
        groups.append([Block(f"- {escape(choice)}") for choice in choices if choice])
    return groups


def _statement_groups(answer: Answer, shown: Mapping[Citation, str]) -> list[list[Block]]:
    """Lay out the statements with the papers they rest on, and the quotes shown of those.

    Papers that each have statements of their own are listed with them; otherwise the papers follow the statements,
    which refer to them by number.
    """
    if (by_paper := _each_says(answer)) is not None:
        return [[block for together, texts in by_paper for block in _listed(together, texts, shown)]]
    papers = _by_paper(answer.citations)
    alone = papers[0][0] if len(papers) == 1 and answer.writer == "extractive" else None
    return [
        [Block(_statement(statement, alone)) for statement in answer.statements],
        [block for together in papers for block in _cited(together, shown)],
    ]


def _each_says(answer: Answer) -> list[tuple[list[Citation], list[str]]] | None:
    """Pair each paper with its own statements, None if the statements make one text.

    The papers' own sentences, one paper after another, do not make one text, and neither does a list.
    """
    papers = {together[0].number: together for together in _by_paper(answer.citations)}
    runs = [
        (numbers, list(run)) for numbers, run in groupby(answer.statements, key=lambda statement: statement.citations)
    ]
    alone = [(papers[numbers[0]], run) for numbers, run in runs if len(numbers) == 1 and numbers[0] in papers]
    if not len(runs) == len(alone) == len(papers) > 1:
        return None
    if answer.writer != "extractive" and (len(papers) < LISTED or any(len(run) > 1 for _, run in alone)):
        return None
    return [
        (together, [without_name(statement.text, together[0].title) for statement in run]) for together, run in alone
    ]


def _listed(together: Sequence[Citation], texts: Sequence[str], shown: Mapping[Citation, str]) -> list[Block]:
    """Lay out a paper with its statements, except its own title, then its remaining quotes."""
    title = fold(title_of(together[0]))
    texts = [text for text in map(plain, texts) if text and fold(text) != title]
    shortened = [escape(shorten(text, STATEMENT_CHARACTERS)) for text in texts]
    first = "\n".join([f"**[{together[0].number}]** **{title_link(together[0])}**", *shortened[:1]])
    rest = dict.fromkeys(
        line for citation in together if fold(citation.quote) != title and (line := _quote(citation, shown))
    )
    return [Block(first), *(Block(text) for text in shortened[1:]), *_together(list(rest))]


def _statement(statement: Statement, alone: Citation | None) -> str:
    """Format a statement with its numbers; if it rests on one paper `alone`, drop that paper's name in front."""
    text = statement.text if alone is None else without_name(statement.text, alone.title)
    text = escape(shorten(plain(text), STATEMENT_CHARACTERS))
    return f"{text} {''.join(f'[{number}]' for number in statement.citations)}"


def _cited(together: Sequence[Citation], shown: Mapping[Citation, str], most: int = CITATIONS_TOGETHER) -> list[Block]:
    """Lay out a cited paper with its quotes, at most `most` per block."""
    lines = list(dict.fromkeys(line for citation in together if (line := _quote(citation, shown))))
    return [Block("\n".join([_title(together[0]), *lines[:most]])), *_together(lines[most:], most)]


def _together(lines: Sequence[str], most: int = CITATIONS_TOGETHER) -> list[Block]:
    return [Block("\n".join(some)) for some in batched(lines, most)]


def _title(citation: Citation, room: int = 2 * LINK_CHARACTERS) -> str:
    return f"**[{citation.number}]** {title_link(citation, room)}"


def _quote(citation: Citation, shown: Mapping[Citation, str]) -> str:
    """Format a quote, if it is shown, after its location in the full text; empty if there is neither."""
    where = escape(shorten(plain(citation.location), LOCATION_CHARACTERS))
    line = " · ".join(filter(None, [where, shown.get(citation, "")]))
    return f"> -# {line}" if line else ""


def _by_paper(citations: Sequence[Citation]) -> list[list[Citation]]:
    """Group the citations by paper, in the order of their first citation."""
    papers: dict[str, list[Citation]] = {}
    for citation in dict.fromkeys(citations):
        papers.setdefault(citation.paper_id, []).append(citation)
    return list(papers.values())


def _fitting_quotes(answer: Answer, longest: int, room: int) -> dict[Citation, str]:
    """Shorten the quotes so that the answer fits, but not below the minimum; escaped, by citation.

    A quote that a statement contains word for word is left out.
    """
    titles = {citation.number: citation.title for citation in answer.citations}
    stated = [
        fold(without_name(statement.text, titles.get(number, "")))
        for statement in answer.statements
        for number in statement.citations
    ]
    plains = {
        citation: shorten(plain(citation.quote), longest)
        for citation in answer.citations
        if plain(citation.quote) and not _is_said(fold(citation.quote), stated)
    }
    markup = len("\n> -# ")

    def escaped(limit: int) -> dict[Citation, str]:
        return {citation: escape(shorten(quote, limit)) for citation, quote in plains.items()}

    def size(limit: int) -> int:
        return sum(length(quote) + markup for quote in escaped(limit).values())

    limits = range(SHORTEST_QUOTE, longest + 1)
    return escaped(limits[max(bisect_right(limits, room, key=size) - 1, 0)])


def _is_said(quote: str, stated: Sequence[str]) -> bool:
    """Check whether a statement is the quote, give or take some words at the ends; both are folded."""
    return any(quote in text or (text in quote and 2 * len(text) >= len(quote)) for text in stated)


def _footer(answer: Answer, link: Callable[[str], str]) -> list[list[Block]]:
    note = plain(answer.note or "")
    lines = [link(escape(shorten(note, NOTE_CHARACTERS)))] if note else []
    if not answer.refused:
        lines.append(written_by(answer))
    return [[Block("\n".join(f"-# {line}" for line in lines))]] if lines else []
