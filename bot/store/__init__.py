"""What the bot remembers: servers' settings, conversations, threads, feedback, searches and digests; how it forgets."""

from bot.store.nouns import Delivery, KeptAnswer, PlaceKind, Search, ServerSettings, Sort, Subscription, Trend
from bot.store.searches import Searches
from bot.store.store import Store

__all__ = [
    "Delivery",
    "KeptAnswer",
    "PlaceKind",
    "Search",
    "Searches",
    "ServerSettings",
    "Sort",
    "Store",
    "Subscription",
    "Trend",
]
