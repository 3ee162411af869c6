"""Questions in their conversation: which papers a follow-up is about, and how it reads for somebody new to it."""

from bot.answering.conversation.conversation import REMEMBERED, Conversation
from bot.answering.conversation.dialogue import Exchange, Relation, Rewriter, Spoken, Turn, detail
from bot.answering.conversation.ordinals import picked

__all__ = ["REMEMBERED", "Conversation", "Exchange", "Relation", "Rewriter", "Spoken", "Turn", "detail", "picked"]
