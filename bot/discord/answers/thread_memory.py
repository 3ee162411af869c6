"""Find out which answer a question goes on from: replies, threads and direct messages are conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.store import Store, StoredAnswer

# A direct message goes on from the last answer for so long; a thread does for ever.
SAME_SITTING = timedelta(hours=1)
LOOKED_BACK = 50  # answers in a thread among which somebody's own last one is looked for


async def parent_of(store: Store, channel: Any, user_id: int, pointed: Sequence[int] = ()) -> StoredAnswer | None:  # noqa: ANN401
    """Return the answer that somebody's question in a channel goes on from; None where it begins a conversation.

    What points to an answer, to its question, or to a remark under it, goes on from it; `pointed` are the ids of the
    messages that the question points to, the nearest first. In a thread several people may talk at once: each goes on
    from their own last question there, and who has asked nothing yet from the last one, or from the answer that the
    thread hangs on.
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
    """Return the answer that a message shows, or that was given to it."""
    if (shown := await store.answers.of_message(message_id)) is not None:
        return shown
    given = await store.answers.to_question(message_id)
    return given[0] if given else None


async def _latest(store: Store, channel_id: int, user_id: int) -> StoredAnswer | None:
    latest = await store.answers.latest_in(channel_id, limit=LOOKED_BACK)
    heard = [stored for stored in latest if not stored.private or stored.asker_id == user_id]
    own = [stored for stored in heard if stored.asker_id == user_id]
    return next(reversed(own or heard), None)
