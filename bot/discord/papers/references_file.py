"""Attach papers as a file of references, in every format that the library writes."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import ui

from bot.discord.ui.layout import FileCard
from bot.language import say
from retrieval.export import FORMATS, export

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.ui.layout import Item
    from retrieval import Library

FILE_NAME: Final = "papers"


def format_menu(custom_id: str) -> Item:
    """Make the row with the select of a format."""
    options = [discord.SelectOption(label=form.name, value=key) for key, form in FORMATS.items()]
    select: ui.Select[Any] = ui.Select(custom_id=custom_id, placeholder=say("Get them as a file…"), options=options)
    return ui.ActionRow(select)


async def references_card(library: Library, paper_ids: Sequence[str], form: str, most: int, text: str) -> FileCard:
    """Lay out a message with papers as a file, compressed if it would exceed `most` bytes."""
    pieces: list[str] = []
    await export(library, paper_ids, form, pieces.append)
    name, data = FILE_NAME + FORMATS[form].suffixes[0], "".join(pieces).encode()
    if len(data) > most:
        name, data = f"{name}.gz", await asyncio.to_thread(gzip.compress, data)
    return FileCard(ui.TextDisplay(text), ui.File(f"attachment://{name}"), name=name, data=data)
