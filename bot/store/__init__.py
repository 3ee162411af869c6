"""What the bot remembers: servers' settings, conversations, threads, feedback and digests, and how it forgets them."""

from bot.store.nouns import Delivery, KeptAnswer, PlaceKind, ServerSettings, Subscription, Trend
from bot.store.store import Store

__all__ = ["Delivery", "KeptAnswer", "PlaceKind", "ServerSettings", "Store", "Subscription", "Trend"]
