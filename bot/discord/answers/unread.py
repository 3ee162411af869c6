"""Sentences about attachments that were not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.language import say

if TYPE_CHECKING:
    from bot.discord.answers.message_contents import Carried


def unread_note(message: Carried) -> str | None:
    """Say what was not read, to be shown with an answer; None if everything was."""
    return say("I did not read {things}.", things=", ".join(message.unread)) if message.unread else None


def unreadable(message: Carried) -> str | None:
    """Reply to a message without a question of its own that only points to something unread; else None."""
    if message.other:
        return None
    if message.hidden:
        return say(
            "I cannot see the message that you mean. Please write the question here, or choose “Ask about this” in "
            "the message's menu, under Apps."
        )
    if message.unread:
        return say("I cannot read {things}: please write your question as text.", things=", ".join(message.unread))
    return None
