"""What the bot remembers: servers' settings, conversations, threads and feedback, and how it forgets them."""

from bot.store.nouns import KeptAnswer, ServerSettings, Trend
from bot.store.store import Store

__all__ = ["KeptAnswer", "ServerSettings", "Store", "Trend"]
