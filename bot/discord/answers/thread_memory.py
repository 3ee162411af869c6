"""Find the answer that a question follows up: replies, threads and direct messages are conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.store import Store, StoredAnswer

# In a DM, a question follows up the last answer for this long; in a thread, for ever.
SAME_SITTING = timedelta(hours=1)
LOOKED_BACK = 50  # answers in a thread that are searched for somebody's own last one


async def parent_of(store: Store, channel: Any, user_id: int, pointed: Sequence[int] = ()) -> StoredAnswer | None:  # noqa: ANN401
    """Find the answer that somebody's question in a channel follows up; None if it starts a conversation.

    A message that points to an answer, to its question or to a remark under it follows it up; `pointed` are the ids of
    the messages that it points to, nearest first. Several people may talk in a thread: each follows up their own last
    question there, and somebody new the last answer or the one that the thread hangs on.
    """
    for message_id in pointed:
        if answered := await _about(store, message_id):
            return answered
    if isinstance(channel, discord.Thread):
        return await _latest(store, channel.id, user_id) or await store.answers.of_message(channel.id)
    if isinstance(channel, discord.DMChannel):
        latest = await _latest(store, channel.id, user_id)
        return latest if latest and datetime.now(UTC) - latest.asked_at < SAME_SITTING else None
    return None


async def _about(store: Store, message_id: int) -> StoredAnswer | None:
    """Find the answer that a message shows, or that was given to it."""
    if (shown := await store.answers.of_message(message_id)) is not None:
        return shown
    given = await store.answers.to_question(message_id)
    return given[0] if given else None


async def _latest(store: Store, channel_id: int, user_id: int) -> StoredAnswer | None:
    latest = await store.answers.latest_in(channel_id, limit=LOOKED_BACK)
    heard = [stored for stored in latest if not stored.private or stored.asker_id == user_id]
    own = [stored for stored in heard if stored.asker_id == user_id]
    return next(reversed(own or heard), None)
