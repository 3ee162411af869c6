"""Questions in their conversation: which papers a follow-up is about, and how it reads for somebody new to it."""

from bot.answering.conversation.conversation import REMEMBERED, Conversation
from bot.answering.conversation.dialogue import ContextualQuestion, DialogueState, Exchange, Relation, Rewriter, detail
from bot.answering.conversation.ordinals import picked

__all__ = [
    "REMEMBERED",
    "ContextualQuestion",
    "Conversation",
    "DialogueState",
    "Exchange",
    "Relation",
    "Rewriter",
    "detail",
    "picked",
]
