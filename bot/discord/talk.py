"""Find out which answer a question goes on from: replies, threads and direct messages are conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from bot.store import KeptAnswer, Store

# A direct message goes on from the last answer for so long; a thread does for ever.
SAME_SITTING = timedelta(hours=1)
LOOKED_BACK = 50  # answers in a thread among which somebody's own last one is looked for


async def parent_of(store: Store, channel: Any, user_id: int, replied_to: int | None = None) -> KeptAnswer | None:  # noqa: ANN401
    """Return the answer that somebody's question in a channel goes on from; None where it begins a conversation.

    A reply to an answer goes on from it. In a thread several people may talk at once: each goes on from their own
    last question there, and who has asked nothing yet from the last one, or from the answer that the thread hangs on.
    """
    if replied_to is not None:
        answered = await store.answers.of_message(replied_to)
        if answered is not None:
            return answered
    if isinstance(channel, discord.Thread):
        return await _latest(store, channel.id, user_id) or await store.answers.of_message(channel.id)
    if isinstance(channel, discord.DMChannel):
        latest = await _latest(store, channel.id, user_id)
        return latest if latest and datetime.now(UTC) - latest.asked_at < SAME_SITTING else None
    return None


async def _latest(store: Store, channel_id: int, user_id: int) -> KeptAnswer | None:
    said = await store.answers.latest_in(channel_id, limit=LOOKED_BACK)
    heard = [kept for kept in said if not kept.private or kept.asker_id == user_id]
    own = [kept for kept in heard if kept.asker_id == user_id]
    return next(reversed(own or heard), None)
