"""What a reply shows: drafts, each replaced by the next, and finally the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import discord
    from discord import ui


@dataclass(frozen=True, slots=True)
class Destination:
    """Say where a reply to a message goes, if not simply under what asked.

    Attributes:
        message: the message that it replies to.
        channel: the channel or thread that it is posted in.
        earlier: ids of the bot's messages there that it takes the place of; None for those that said why not.
    """

    message: discord.Message
    channel: Any
    earlier: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold how to draw what there is so far; it is drawn only if its turn comes to be seen."""

    draw: Callable[[], ui.LayoutView]
    destination: Destination | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """Hold the messages that stay; `is_answer` is False of a sentence that the next reply there takes the place of."""

    views: Sequence[ui.LayoutView]
    is_answer: bool = True
    destination: Destination | None = None


Content: TypeAlias = "Draft | Whole"
