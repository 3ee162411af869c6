"""Lay out blocks of text over messages within Discord's limits, without splitting a block."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import discord
from discord import ui

from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import BUTTON_LABEL, MESSAGE_CHARACTERS, MESSAGE_COMPONENTS, ROW_BUTTONS
from bot.discord.ui.markdown import length, plain, shorten_at_end
from retrieval.batches import batched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FILE_NAME: Final = "answer.md"

COLOUR: Final = discord.Colour.blurple()

Button: TypeAlias = "ui.Button[Any]"
Item: TypeAlias = "ui.Item[Any]"


@dataclass(frozen=True, slots=True)
class Block:
    """A text that stays in one piece (at most 4000 characters), with an optional button beside it."""

    text: str
    beside: Button | None = None

    @property
    def components(self) -> int:
        """The number of a message's components that it takes."""
        return 1 if self.beside is None else 3


class Card(ui.LayoutView):
    """Show items in one message, with an optional text file.

    Its controls are dispatched by their custom ids, so discord.py need not remember any card.
    """

    def __init__(self, *items: Item, document: str | None = None) -> None:
        super().__init__(timeout=None)
        for item in items:
            self.add_item(item)
        self._document = document
        self.stop()

    def files(self) -> list[discord.File]:
        """Make the files to send, new at every call: a File can be read only once."""
        return [discord.File(BytesIO(self._document.encode()), FILE_NAME)] if self._document else []


class FileCard(Card):
    """Show items in one message, with a file of any name."""

    def __init__(self, *items: Item, name: str, data: bytes) -> None:
        super().__init__(*items)
        self._name = name
        self._data = data

    def files(self) -> list[discord.File]:
        """Make the file, new at every call."""
        return [discord.File(BytesIO(self._data), self._name)]


def notice(sentence: str) -> Card:
    """Make a message from a sentence or two of our own, in which foreign text is already escaped."""
    return Card(ui.TextDisplay(sentence))


def star(paper_id: str, *, lit: bool) -> Button:
    """Make the button that stars a paper."""
    return button("⭐", ids.star(paper_id), discord.ButtonStyle.success if lit else discord.ButtonStyle.secondary)


def files_of(view: ui.LayoutView) -> list[discord.File]:
    """Make the files to send with a message, new for every attempt."""
    return view.files() if isinstance(view, Card) else []


def attached_of(view: ui.LayoutView) -> dict[str, Any]:
    """Make the option that attaches files to an edit; without files it is left out, which keeps the existing ones."""
    files = files_of(view)
    return {"attachments": files} if files else {}


def pages(groups: Sequence[Sequence[Block]], *, taken: int = 0) -> list[list[Item]]:
    """Lay out the blocks in order, with a line between groups, and start a new page before one would overflow.

    `taken` components are left free on each page, besides the container around it.
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
    """Make a button; a label that is too long is cut at a word."""
    return ui.Button(label=shorten_at_end(plain(label), BUTTON_LABEL) or "…", custom_id=custom_id, style=style)


def rows(*groups: Iterable[Button]) -> list[Item]:
    """Put each group of buttons in rows of its own."""
    made: list[Item] = []
    for group in groups:
        made += [ui.ActionRow(*row) for row in batched(group, ROW_BUTTONS)]
    return made


def count(items: Iterable[Item]) -> int:
    """Count the components, nested ones included."""
    return sum(1 + len(item.children) if isinstance(item, ui.ActionRow) else 1 for item in items)


def one_page(groups: Sequence[Sequence[Block]], last: Block) -> list[Item]:
    """Lay out one message: the last block, and above it as many of the others as fit."""
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
