"""Follow-up questions: which papers they are about, and how they read without the conversation."""

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
