"""Render a digest: a card with its papers and their buttons, more cards if they do not fit, and the week's map."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import discord
from babel.numbers import format_decimal
from discord import ui

from bot.digest.editor import ALT_CHARACTERS
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.cite_menu import COMPONENTS as CITE_COMPONENTS
from bot.discord.ui.cite_menu import cite_menu
from bot.discord.ui.discord_limits import MESSAGE_CHARACTERS, MESSAGE_COMPONENTS, THREAD_NAME
from bot.discord.ui.layout import COLOUR, Card, button, star
from bot.discord.ui.markdown import escape, length, link, plain, safe_url, shorten, shorten_at_end
from bot.discord.ui.phrases import title_link
from bot.language import current_language, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.digest import Digest, Entry, Roundup
    from bot.discord.ui.layout import Item
    from bot.store import Posted

PICTURE_NAME: Final = "week.png"

# Lengths after escaping, chosen so that a heading and one paper always fit into a message together.
TITLE_ROOM: Final = 1200
LINE_CHARACTERS: Final = 300
PAPER_ROOM: Final = 700
REASON_CHARACTERS: Final = 700
TOPIC_CHARACTERS: Final = 220
PAPER_COMPONENTS: Final = 5  # the text, the row, and the buttons in it
FRAME_COMPONENTS: Final = 3 + CITE_COMPONENTS  # the container, the row with the button about the digest, and the select


class DigestCard(Card):
    """One message of a digest, with the picture of the week if it has one.

    Attributes:
        papers: how many papers it shows.
    """

    def __init__(self, *items: Item, papers: int, picture: bytes | None = None) -> None:
        super().__init__(*items)
        self.papers = papers
        self._picture = picture

    def files(self) -> list[discord.File]:
        """The picture, as a new file on each call."""
        return [discord.File(BytesIO(self._picture), PICTURE_NAME)] if self._picture is not None else []


@dataclass(frozen=True, slots=True)
class Mark:
    """What the button on every message of a posted digest carries: the subscription, and the delivery's nonce."""

    subscription_id: str
    nonce: str


def digest_cards(
    digest: Digest,
    mark: Mark | None = None,
    *,
    hint: str | None = None,
    with_picture: bool = True,
    posted: Posted | None = None,
) -> list[DigestCard]:
    """Render a digest as messages, in order and nearly always just one; without a mark it is only a preview.

    `hint` is the digest's own hint as it is to be shown, with clickable commands. If some of the digest is `posted`,
    only the messages with the remaining papers are rendered.
    """
    parts, shown = (len(posted.message_ids), sum(posted.papers)) if posted else (0, 0)
    if parts and shown >= len(digest.entries):
        return []
    roundup = digest.roundup if with_picture and not parts else None
    heading = None if parts else _heading(digest, hint)
    cards: list[DigestCard] = []
    for number, page in enumerate(_pages(digest.entries, shown, heading, roundup), start=parts):
        first = number == 0
        items: list[Item] = [ui.TextDisplay(heading)] if first and heading else []
        for text, row in page:
            items += [ui.TextDisplay(text), row]
        if first and roundup is not None:
            items.append(_gallery(roundup))
        picture = roundup.picture if first and roundup is not None else None
        below = cite_menu(entry.paper for entry in digest.entries[shown : shown + len(page)])
        if mark is not None:
            below.append(_about(mark, number))
        shown += len(page)
        container = ui.Container(*items, accent_colour=COLOUR)
        cards.append(DigestCard(container, *below, papers=len(page), picture=picture))
    return cards


def thread_name(digest: Digest) -> str:
    """The name of a digest's thread."""
    return shorten_at_end(plain(digest.title), THREAD_NAME) or say("Papers")


def shown_hint(digest: Digest) -> str:
    """A digest's hint, escaped for display; empty if it has none."""
    return escape(shorten(plain(digest.hint or ""), LINE_CHARACTERS))


def _heading(digest: Digest, hint: str | None) -> str:
    lines = ["### " + escape(shorten(plain(digest.title), TITLE_ROOM))]
    if digest.note:
        small = "-# " if digest.entries else ""
        lines.append(small + escape(shorten(plain(digest.note), TITLE_ROOM if not digest.entries else LINE_CHARACTERS)))
    if below := hint or shown_hint(digest):
        lines.append(f"-# {below}")
    return "\n".join(lines)


def _pages(
    entries: Sequence[Entry], skipped: int, heading: str | None, roundup: Roundup | None
) -> Iterator[list[tuple[str, ui.ActionRow[Any]]]]:
    """Split the entries after the first `skipped` into messages, each with as many as there is room for."""
    page: list[tuple[str, ui.ActionRow[Any]]] = []
    room = MESSAGE_CHARACTERS - length(heading or "")
    free = MESSAGE_COMPONENTS - FRAME_COMPONENTS - (heading is not None) - (roundup is not None)
    for number, entry in enumerate(entries[skipped:], start=skipped + 1):
        text = _paper(number, entry)
        if length(text) > room or free < PAPER_COMPONENTS:
            yield page
            page, room, free = [], MESSAGE_CHARACTERS, MESSAGE_COMPONENTS - FRAME_COMPONENTS
        page.append((text, _buttons(entry)))
        room -= length(text)
        free -= PAPER_COMPONENTS
    yield page


def _paper(number: int, entry: Entry) -> str:
    """Three lines on a paper: its title, why it matters, and what else is known of it."""
    facts = [escape(shorten(plain(entry.topic), TOPIC_CHARACTERS))]
    if entry.upvotes is not None:
        facts.append(f"▲ {format_decimal(entry.upvotes, locale=current_language())}")
    if entry.code_url and safe_url(entry.code_url):
        facts.append(link(say("Code"), entry.code_url))
    reason = escape(shorten(plain(entry.reason), REASON_CHARACTERS))
    below = " · ".join(filter(None, facts))
    lines = [
        f"**{number}.** **{title_link(entry.paper, PAPER_ROOM)}**",
        *([reason] if reason else []),
        *([f"-# {below}"] if below else []),
    ]
    return "\n".join(lines)


def _buttons(entry: Entry) -> ui.ActionRow[Any]:
    paper_id = entry.paper.paper_id
    return ui.ActionRow(
        star(paper_id, lit=False),
        button(say("Ask about it"), ids.about(paper_id)),
        button(say("Similar"), ids.similar(paper_id)),
    )


def _gallery(roundup: Roundup) -> ui.MediaGallery[Any]:
    item = discord.MediaGalleryItem(
        f"attachment://{PICTURE_NAME}", description=shorten_at_end(plain(roundup.alt), ALT_CHARACTERS) or None
    )
    return ui.MediaGallery(item)


def _about(mark: Mark, number: int) -> ui.ActionRow[Any]:
    custom_id = ids.digest(mark.subscription_id, mark.nonce, number)
    return ui.ActionRow(button(say("About this digest"), custom_id))
