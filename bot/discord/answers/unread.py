"""What to say of what came with a message and was not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.language import say

if TYPE_CHECKING:
    from bot.discord.answers.message_contents import Carried


def unread_note(message: Carried) -> str | None:
    """Return the sentence to show with an answer; None where all was read."""
    return say("I did not read {things}.", things=", ".join(message.unread)) if message.unread else None


def unreadable(message: Carried) -> str | None:
    """Return what to say where a message has no question of its own, and points only to what was not read."""
    if message.other:
        return None
    if message.hidden:
        return say(
            "I cannot see what the message says that you mean. Please write its question here, or choose “Ask about "
            "this” in its menu, under Apps."
        )
    if message.unread:
        return say("I cannot read {things}: please write your question as text.", things=", ".join(message.unread))
    return None
