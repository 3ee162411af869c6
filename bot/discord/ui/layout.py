"""Lay blocks of text out over messages: never beyond a limit of Discord's, never cutting a block."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import discord
from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import BUTTON_LABEL, MESSAGE_CHARACTERS, MESSAGE_COMPONENTS, ROW_BUTTONS
from bot.discord.ui.markdown import length, plain, shorten_at_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FILE_NAME: Final = "answer.md"

COLOUR: Final = discord.Colour.blurple()

Button: TypeAlias = "ui.Button[Any]"
Item: TypeAlias = "ui.Item[Any]"


@dataclass(frozen=True, slots=True)
class Block:
    """Hold a text that stays in one piece (at most 4000 characters), and the button at its side where it has one."""

    text: str
    beside: Button | None = None

    @property
    def components(self) -> int:
        """Return how many of a message's components it takes."""
        return 1 if self.beside is None else 3


class Card(ui.LayoutView):
    """Show items in one message, with a text file where there is one.

    Its buttons are answered by what their custom ids say, so that discord.py need not remember any card.
    """

    def __init__(self, *items: Item, document: str | None = None) -> None:
        super().__init__(timeout=None)
        for item in items:
            self.add_item(item)
        self._document = document
        self.stop()

    def files(self) -> list[discord.File]:
        """Return the files to send with it, fresh at every call: a File is read only once."""
        return [discord.File(BytesIO(self._document.encode()), FILE_NAME)] if self._document else []


class FileCard(Card):
    """Show items in one message, with a file of any name."""

    def __init__(self, *items: Item, name: str, data: bytes) -> None:
        super().__init__(*items)
        self._name = name
        self._data = data

    def files(self) -> list[discord.File]:
        """Return the file, fresh at every call."""
        return [discord.File(BytesIO(self._data), self._name)]


def notice(sentence: str) -> Card:
    """Return a message with a sentence or two of the bot's own, in which anything foreign is escaped already."""
    return Card(ui.TextDisplay(sentence))


def star(paper_id: str, *, lit: bool) -> Button:
    """Return the button that stars a paper."""
    return button("⭐", ids.star(paper_id), discord.ButtonStyle.success if lit else discord.ButtonStyle.secondary)


def files_of(view: ui.LayoutView) -> list[discord.File]:
    """Return the files to send with a message, fresh for every try."""
    return view.files() if isinstance(view, Card) else []


def attached_of(view: ui.LayoutView) -> dict[str, Any]:
    """Return the option that attaches files to an edit; without files it says nothing, and keeps what there is."""
    files = files_of(view)
    return {"attachments": files} if files else {}


def pages(groups: Sequence[Sequence[Block]], *, taken: int = 0) -> list[list[Item]]:
    """Lay the blocks out in order, a line between groups, and start a new page where one would overflow.

    `taken` components are left free on each page, beside the container that is to hold it.
    """
    most = MESSAGE_COMPONENTS - taken - 1
    laid: list[list[Item]] = []
    room = free = 0
    for group in groups:
        separate = bool(laid)
        for block in group:
            if length(block.text) > room or block.components + separate > free:
                laid.append([])
                room, free = MESSAGE_CHARACTERS, most
            elif separate:
                laid[-1].append(ui.Separator())
                free -= 1
            laid[-1].append(_item(block))
            room -= length(block.text)
            free -= block.components
            separate = False
    return laid


def _item(block: Block) -> Item:
    text: Item = ui.TextDisplay(block.text)
    return text if block.beside is None else ui.Section(text, accessory=block.beside)


def button(
    label: str,
    custom_id: str,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
) -> Button:
    """Return a button; a label that is too long loses words at its end."""
    return ui.Button(label=shorten_at_end(plain(label), BUTTON_LABEL) or "…", custom_id=custom_id, style=style)


def rows(*groups: Iterable[Button]) -> list[Item]:
    """Return each group of buttons in rows of its own."""
    made: list[Item] = []
    for group in groups:
        buttons = list(group)
        made += [ui.ActionRow(*buttons[start : start + ROW_BUTTONS]) for start in range(0, len(buttons), ROW_BUTTONS)]
    return made


def count(items: Iterable[Item]) -> int:
    """Count the components, nested ones included."""
    return sum(1 + len(item.children) if isinstance(item, ui.ActionRow) else 1 for item in items)


def one_page(groups: Sequence[Sequence[Block]], last: Block) -> list[Item]:
    """Lay out in one message the last block and, above it, as many of the others as there is room for."""
    room = MESSAGE_CHARACTERS - length(last.text)
    free = MESSAGE_COMPONENTS - 1 - last.components
    fitting: list[list[Block]] = []
    for group in groups:
        free -= 1  # the line below the group
        fitting.append([])
        for block in group:
            room -= length(block.text)
            free -= block.components
            if room < 0 or free < 0:
                return pages([*filter(None, fitting), [last]])[0]
            fitting[-1].append(block)
    return pages([*filter(None, fitting), [last]])[0]
