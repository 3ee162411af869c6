"""What a reply shows: drafts, each replacing the last, and finally the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import discord
    from discord import ui


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply to a message goes, if not simply under that message.

    Attributes:
        message: the message that it replies to.
        channel: the channel or thread that it is posted in.
        earlier: ids of the bot's messages there that it replaces; None for the notices under the message.
    """

    message: discord.Message
    channel: Any
    earlier: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The reply so far, drawn only if it is about to be shown."""

    draw: Callable[[], ui.LayoutView]
    destination: Destination | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """The messages that stay; `is_answer` is False for a notice, which the next reply there replaces."""

    views: Sequence[ui.LayoutView]
    is_answer: bool = True
    destination: Destination | None = None


Content: TypeAlias = "Draft | Whole"
