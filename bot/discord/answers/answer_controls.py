"""The controls under an answer: a row of buttons, and a menu whose options are the custom ids of buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import OPTION_CHARACTERS
from bot.discord.ui.layout import button
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say

if TYPE_CHECKING:
    from bot.answering import Answer
    from bot.discord.ui.layout import Item

MOST_CHOICES: Final = 4


def controls(answer: Answer, answer_id: str, *, thread: bool) -> list[Item]:
    """Lay out the controls of an answer; none under a refusal without choices.

    `thread` adds the option to continue in a thread.
    """
    if answer.refused:
        choices = _choices(answer, answer_id)
        return [_menu(answer_id, say("Ask instead…"), choices)] if choices else []
    row: Item = ui.ActionRow(
        button("👍", ids.UP + answer_id),
        button("👎", ids.DOWN + answer_id),
        button(say("Follow up"), ids.FOLLOW_UP + answer_id),
    )
    return [row, _menu(answer_id, say("More…"), _options(answer, answer_id, thread=thread))]


def _menu(answer_id: str, placeholder: str, options: list[discord.SelectOption]) -> Item:
    select: ui.Select[Any] = ui.Select(custom_id=ids.MENU + answer_id, placeholder=placeholder, options=options)
    return ui.ActionRow(select)


def _options(answer: Answer, answer_id: str, *, thread: bool) -> list[discord.SelectOption]:
    options = _choices(answer, answer_id)
    if answer.citations:
        first = answer.citations[0]
        several = any(citation.paper_id != first.paper_id for citation in answer.citations)
        options += [
            _option(say("Quotes in full"), ids.QUOTES + answer_id),
            _option(say("Cite"), ids.CITE_ANSWER + answer_id, say("One line and BibTeX for each paper")),
            _option(say("Similar papers"), ids.similar(first.paper_id), say("Like [1]") if several else None),
            _option(say("Star a paper"), ids.STARS + answer_id)
            if several
            else _option(say("Star the paper"), ids.star(first.paper_id)),
        ]
    if thread:
        options.append(_option(say("Continue in a thread"), ids.THREAD + answer_id))
    taken = say("For the person who asked, and for moderators")
    return [*options, _option(say("Delete this answer"), ids.TAKE_AWAY + answer_id, taken)]


def _choices(answer: Answer, answer_id: str) -> list[discord.SelectOption]:
    return [
        _option(plain(choice), ids.choice(answer_id, index))
        for index, choice in enumerate(answer.choices[:MOST_CHOICES])
        if plain(choice)
    ]


def _option(label: str, custom_id: str, description: str | None = None) -> discord.SelectOption:
    return discord.SelectOption(
        label=shorten_at_end(label, OPTION_CHARACTERS), value=custom_id, description=description
    )
