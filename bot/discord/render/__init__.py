"""Turn answers and papers into Discord messages: pure, and never beyond a limit of Discord's."""

from bot.discord.render.answers import cards, quotes, writing
from bot.discord.render.document import document
from bot.discord.render.layout import Card
from bot.discord.render.papers import PAGE_PAPERS, notice, paper_card, search_page, similar_page, trends

__all__ = [
    "PAGE_PAPERS",
    "Card",
    "cards",
    "document",
    "notice",
    "paper_card",
    "quotes",
    "search_page",
    "similar_page",
    "trends",
    "writing",
]
