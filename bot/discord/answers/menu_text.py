"""The text that a message menu acts on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.discord.answers.message_text import words_of
from bot.discord.ui.markdown import plain
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    import discord

    from bot.store.answers import Answers


async def text_of(message: discord.Message, me: discord.ClientUser | None, answers: Answers) -> str:
    """Read the text of a message, or the question of one of our answers; raises BadInputError if there is none.

    Only this one message is read.
    """
    assert me is not None
    stored = await answers.of_message(message.id) if message.author.id == me.id else None
    text = plain(stored.answer.standalone_question if stored else words_of(message, me))
    if not text:
        raise BadInputError(say("That message has no text that I could search for."))
    return text
