"""The control under a card that shows how to cite its papers: one select for any number of papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import OPTION_CHARACTERS, SELECT_OPTIONS
from bot.discord.ui.markdown import shorten_at_end
from bot.discord.ui.phrases import title_of
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.discord.ui.layout import Item
    from bot.discord.ui.phrases import Titled

COMPONENTS: Final = 2  # of a message's components: the row and the select


def cite_menu(papers: Iterable[Titled]) -> list[Item]:
    """Make the row with the select of these papers; empty if there are none."""
    known = {paper.paper_id: paper for paper in papers}
    options = [
        discord.SelectOption(
            label=shorten_at_end(title_of(paper), OPTION_CHARACTERS) or "…", value=ids.paper_key(paper.paper_id)
        )
        for paper in list(known.values())[:SELECT_OPTIONS]
    ]
    if not options:
        return []
    select: ui.Select[Any] = ui.Select(
        custom_id=ids.CITE_MENU, placeholder=say("Cite…"), min_values=1, max_values=len(options), options=options
    )
    return [ui.ActionRow(select)]
