"""The bot's memory: what it stores of servers, conversations, digests and language model usage, and for how long."""

from bot.store.budgets import Budgets, StoreMeter
from bot.store.domain import (
    Delivery,
    PlaceKind,
    Posted,
    Search,
    ServerSettings,
    Shards,
    Sort,
    Spending,
    StoredAnswer,
    Subscription,
    Trend,
)
from bot.store.searches import Searches
from bot.store.store import FILE, Store

__all__ = [
    "FILE",
    "Budgets",
    "Delivery",
    "PlaceKind",
    "Posted",
    "Search",
    "Searches",
    "ServerSettings",
    "Shards",
    "Sort",
    "Spending",
    "Store",
    "StoreMeter",
    "StoredAnswer",
    "Subscription",
    "Trend",
]
