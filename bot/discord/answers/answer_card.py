"""Show an Answer: growing while it is written, then whole with its buttons, and its quotes one by one."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.discord.answers.answer_file import document
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.layout import (
    COLOUR,
    FILE_NAME,
    LABEL_CHARACTERS,
    MESSAGE_CHARACTERS,
    MOST_ROWS,
    ROW_BUTTONS,
    Block,
    Card,
    button,
    count,
    one_page,
    pages,
    rows,
    star,
)
from bot.discord.ui.markdown import escape, length, plain, shorten
from bot.discord.ui.words import support, title_link, written_by
from bot.language import say
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bot.answering.answer import Answer, Citation, Statement
    from bot.discord.ui.layout import Item

MOST_MESSAGES: Final = 5  # an app that a user installed may follow an interaction up so often
MOST_CHOICES: Final = 4
MOST_STARS: Final = 5

# Escaped lengths, so chosen that a statement, or the citations shown together, always fit into a message.
STATEMENT_CHARACTERS: Final = 1500
QUESTION_CHARACTERS: Final = 300
NOTE_CHARACTERS: Final = 300
LONGEST_QUOTE: Final = 2500
FOLDED_QUOTE: Final = 240
SHORTEST_QUOTE: Final = 160
CITATIONS_TOGETHER: Final = 5

REFUSED: Final = discord.Colour.dark_grey()


def cards(
    answer: Answer,
    answer_id: str | None = None,
    *,
    asked: str | None = None,
    starred: Collection[str] = (),
    thread: bool = False,
    file: bool = True,
) -> list[Card]:
    """Return the messages that show the answer, in order; nearly always it is one.

    With an `answer_id` the last one carries the buttons, and quotes are folded, since one of the buttons shows them
    whole; `thread` adds the button that goes on in a thread. `asked` repeats the question on top, for places that do
    not show it. `starred` are the papers whose star is lit. What would take too many messages goes into a file, where a
    `file` may be attached.
    """
    buttons = [] if answer_id is None else _buttons(answer, answer_id, thread=thread)
    groups = [*_asked(asked), *_body(answer, answer_id, starred, asked), *_footer(answer)]
    laid = pages(groups, taken=count(buttons))
    whole = None
    if len(laid) > MOST_MESSAGES:
        laid = [*laid[: MOST_MESSAGES - 1], _rest(file=file)]
        whole = document(answer) if file else None
    colour = REFUSED if answer.refused else COLOUR
    boxes = [ui.Container(*page, accent_colour=colour) for page in laid]
    return [*map(Card, boxes[:-1]), Card(boxes[-1], *buttons, document=whole)]


def _rest(*, file: bool) -> list[Item]:
    """Return what stands in the last message instead of all that would take too many."""
    if file:
        words = say("There is more than fits here: all of it is in the file.")
        return [ui.TextDisplay(f"-# {words}"), ui.File(f"attachment://{FILE_NAME}")]
    words = say(
        "There is more than fits here; to attach all of it I lack the permission “{name}”.", name=say("Attach Files")
    )
    return [ui.TextDisplay(f"-# {words}")]


def writing(answer: Answer | None, stage: str, *, asked: str | None = None) -> Card:
    """Return the one message that shows what there is of the answer so far, and in `stage` what is being done."""
    groups = _asked(asked)
    if answer is not None and answer.statements:
        groups += [*_lead(answer), _statements(answer), _citations(answer, {}, None)]
    return Card(ui.Container(*one_page(groups, Block(f"-# {stage}")), accent_colour=COLOUR))


def quotes(answer: Answer) -> list[Card]:
    """Return the messages that show every citation with its quote whole; one that says so where there is none."""
    if not answer.citations:
        return [Card(ui.TextDisplay(say("This answer quotes no paper.")))]
    shown = {each: escape(shorten(plain(each.quote), LONGEST_QUOTE)) for each in answer.citations}
    groups = [[Block(_citation([each], shown))] for each in answer.citations]
    return [Card(ui.Container(*page, accent_colour=COLOUR)) for page in pages(groups)]


def _asked(question: str | None) -> list[list[Block]]:
    text = escape(shorten(plain(question or ""), QUESTION_CHARACTERS))
    return [[Block(f"> **{text}**")]] if text else []


def _body(answer: Answer, answer_id: str | None, starred: Collection[str], asked: str | None) -> list[list[Block]]:
    if answer.refused:
        return _refusal(answer, with_choices=answer_id is None)
    stars = None if answer_id is None else starred
    longest = LONGEST_QUOTE if answer_id is None else FOLDED_QUOTE
    fixed = [*_asked(asked), *_lead(answer), _statements(answer), _citations(answer, {}, stars), *_footer(answer)]
    room = MESSAGE_CHARACTERS - sum(length(block.text) for group in fixed for block in group)
    return [*_lead(answer), _statements(answer), _citations(answer, _fitting_quotes(answer, longest, room), stars)]


def _lead(answer: Answer) -> list[list[Block]]:
    return [[Block(escape(answer.lead))]] if answer.lead else []


def _refusal(answer: Answer, *, with_choices: bool) -> list[list[Block]]:
    words = shorten(plain(answer.refusal or ""), STATEMENT_CHARACTERS) or say("The papers that I know do not say.")
    groups = [[Block(escape(words))]]
    if answer.nearest:
        heading = Block("**" + say("Nearest papers") + "**")
        groups.append([heading, *(Block(f"- {title_link(paper)}") for paper in answer.nearest)])
    choices = [shorten(plain(choice), QUESTION_CHARACTERS) for choice in answer.choices[:MOST_CHOICES]]
    if any(choices) and with_choices:
        groups.append([Block(f"- {escape(choice)}") for choice in choices if choice])
    elif any(choices):
        groups.append([Block("-# " + say("What the papers here do answer:"))])
    return groups


def _statements(answer: Answer) -> list[Block]:
    return [Block(_statement(each)) for each in answer.statements]


def _statement(statement: Statement) -> str:
    text = escape(shorten(plain(statement.text), STATEMENT_CHARACTERS))
    return f"{text} {''.join(f'[{number}]' for number in statement.citations)}"


def _citations(answer: Answer, shown: Mapping[Citation, str], starred: Collection[str] | None) -> list[Block]:
    """Return a block for each paper cited, with the quotes shown; `starred` None is for no stars at all."""
    blocks: list[Block] = []
    lit: set[str] = set()
    for together in _by_paper(answer.citations):
        paper_id = together[0].paper_id
        beside = None
        if starred is not None and paper_id not in lit and len(lit) < MOST_STARS:
            lit.add(paper_id)
            beside = star(paper_id, lit=paper_id in starred)
        blocks.append(Block(_citation(together, shown), beside))
    return blocks


def _citation(together: Sequence[Citation], shown: Mapping[Citation, str]) -> str:
    quotes = [f"> -# {shown[each]}" for each in together if each in shown]
    return "\n".join([f"**[{together[0].number}]** {title_link(together[0])}", *quotes])


def _by_paper(citations: Sequence[Citation]) -> Iterator[list[Citation]]:
    """Yield the citations of each paper together, papers in the order of their first citation."""
    papers: dict[str, list[Citation]] = {}
    for each in dict.fromkeys(citations):
        papers.setdefault(each.paper_id, []).append(each)
    for cited in papers.values():
        for start in range(0, len(cited), CITATIONS_TOGETHER):
            yield cited[start : start + CITATIONS_TOGETHER]


def _fitting_quotes(answer: Answer, longest: int, room: int) -> dict[Citation, str]:
    """Give the quotes by citation, escaped and no longer than lets the answer fit, though not below the shortest.

    A quote that a statement says word for word is left out: it can be read above.
    """
    said = [fold(statement.text) for statement in answer.statements]
    plains = {
        each: shorten(plain(each.quote), longest)
        for each in answer.citations
        if plain(each.quote) and not _is_said(fold(each.quote), said)
    }
    markup = len("\n> -# ")

    def escaped(limit: int) -> dict[Citation, str]:
        return {citation: escape(shorten(quote, limit)) for citation, quote in plains.items()}

    def size(limit: int) -> int:
        return sum(length(quote) + markup for quote in escaped(limit).values())

    limits = range(SHORTEST_QUOTE, longest + 1)
    return escaped(limits[max(bisect_right(limits, room, key=size) - 1, 0)])


def _is_said(quote: str, said: Sequence[str]) -> bool:
    """Say whether a statement is the quote, give or take some words at its ends; both are folded."""
    return any(quote in text or (text in quote and 2 * len(text) >= len(quote)) for text in said)


def _footer(answer: Answer) -> list[list[Block]]:
    note = plain(answer.note or "")
    lines = [escape(shorten(note, NOTE_CHARACTERS))] if note else []
    if not answer.refused:
        lines.append(f"{support(answer)} · {written_by(answer)}")
    return [[Block("\n".join(f"-# {line}" for line in lines))]] if lines else []


def _buttons(answer: Answer, answer_id: str, *, thread: bool) -> list[Item]:
    """Return the rows under an answer: the choices that it leaves, what was thought of it, and where to go on."""
    if answer.refused and not answer.choices:
        return []
    choices = [
        button(choice, ids.choice(answer_id, index), discord.ButtonStyle.primary)
        for index, choice in enumerate(answer.choices[:MOST_CHOICES])
        if plain(choice)
    ]
    feedback = [button("👍", ids.UP + answer_id), button("👎", ids.DOWN + answer_id)]
    if answer.citations:
        feedback.append(button(say("Quotes"), ids.QUOTES + answer_id))
    if near := [each.paper_id for each in answer.citations] or [each.paper_id for each in answer.nearest]:
        feedback.append(button(say("Similar papers"), ids.similar(near[0])))
    onward = [button(say("Follow up"), ids.FOLLOW_UP + answer_id)]
    if thread:
        onward.append(button(say("Continue in a thread"), ids.THREAD + answer_id))
    together = [*feedback, *onward]
    below = [together] if len(together) <= ROW_BUTTONS else [feedback, onward]
    # Choices of some length read as a list, short ones as a line.
    line = sum(length(each.label or "") for each in choices) <= LABEL_CHARACTERS
    above = [choices] if line or len(choices) + len(below) > MOST_ROWS else [[each] for each in choices]
    return rows(*above, *below)
