"""Subscriptions: who gets which digests, where and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bot.store.domain import Subscription
from bot.store.row_mapper import exported, from_row, to_columns
from bot.store.store_tables import deliveries, subscriptions

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

HELD_BACK: Final = subscriptions.c.paused & subscriptions.c.look_at.is_not(None)
OLDEST_FIRST: Final = (subscriptions.c.created_at, subscriptions.c.subscription_id)
# Fields that people do not choose.
PROGRESS: Final = frozenset(
    {"subscription_id", "created_at", "next_due_at", "delivered_until", "greeted", "paused", "reason", "look_at"}
)
EXPORTED: Final = (
    *("subscription_id", "created_at", "guild_id", "topics", "sources", "categories", "hour", "zone", "weekdays"),
    *("most", "silent", "roundup", "crosspost", "language", "paused", "reason"),
)
GOING_ON: Final = {"paused": False, "reason": None, "untold": False, "look_at": None}


class Subscriptions:
    """Store what people chose for their digests; the progress of a subscription changes with its deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, subscription: Subscription) -> None:
        """Store a new subscription."""
        row = to_columns(subscription) | {"untold": False}
        async with self._database.writing() as connection:
            await connection.execute(sa.insert(subscriptions).values(row))

    async def get(self, subscription_id: str) -> Subscription | None:
        """Load a subscription, None if there is none (any more)."""
        return next(iter(await self._those(subscriptions.c.subscription_id == subscription_id)), None)

    async def of_place(self, place_id: int) -> list[Subscription]:
        """List the subscriptions of a channel, thread or forum, or of a person's DMs, oldest first."""
        return await self._those(subscriptions.c.place_id == place_id)

    async def of_server(self, guild_id: int) -> list[Subscription]:
        """List the subscriptions of a server, oldest first."""
        return await self._those(subscriptions.c.guild_id == guild_id)

    async def of_owner(self, owner_id: int) -> list[Subscription]:
        """List the subscriptions that a person made anywhere, oldest first."""
        return await self._those(subscriptions.c.owner_id == owner_id)

    async def change(self, subscription: Subscription, was_due_at: datetime) -> bool:
        """Store what somebody edited; False if the subscription is no longer stored.

        The due time is replaced only if it is still `was_due_at`: a digest that is recorded during the edit moves it.
        """
        due = sa.case(
            (
                subscriptions.c.next_due_at == was_due_at,
                sa.literal(subscription.next_due_at, subscriptions.c.next_due_at.type),
            ),
            else_=subscriptions.c.next_due_at,
        )
        async with self._database.writing() as connection:
            changed = await connection.execute(
                sa.update(subscriptions)
                .where(_one(subscription.subscription_id))
                .values(_chosen(subscription) | {"next_due_at": due})
            )
            return changed.rowcount > 0

    async def pause(self, subscription_id: str) -> bool:
        """Stop posting until somebody resumes it; False if a person had paused it already.

        A delivery in progress is dropped, unless a part of it was posted: then the rest follows after `resume`.
        """
        async with self._database.writing() as connection:
            return await set_paused(connection, subscription_id)

    async def held_back(self, guild_id: int) -> list[Subscription]:
        """List the subscriptions of a server that are paused for a reason, not by a person."""
        return await self._those((subscriptions.c.guild_id == guild_id) & HELD_BACK)

    async def look_again(self, subscription_ids: Collection[str], moment: datetime) -> None:
        """Have the reason why subscriptions are paused checked again at a moment, unless that is to happen earlier."""
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(subscriptions)
                .where(
                    subscriptions.c.subscription_id.in_(subscription_ids), HELD_BACK, subscriptions.c.look_at > moment
                )
                .values(look_at=moment)
            )

    async def resume(self, subscription_id: str, next_due_at: datetime) -> None:
        """Resume posting, first at `next_due_at`."""
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(subscriptions)
                .where(_one(subscription_id), subscriptions.c.paused)
                .values(GOING_ON | {"next_due_at": next_due_at})
            )

    async def hurry(self, subscription_id: str, now: datetime) -> None:
        """Make a subscription due now, unless it is paused or already due."""
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(subscriptions)
                .where(_one(subscription_id), subscriptions.c.paused.is_(False), subscriptions.c.next_due_at > now)
                .values(next_due_at=now)
            )

    async def remove(self, subscription_id: str) -> bool:
        """Delete a subscription with its deliveries; False if there was none.

        The papers that it showed stay recorded, so that no other subscription shows them there again.
        """
        async with self._database.writing() as connection:
            return (await connection.execute(sa.delete(subscriptions).where(_one(subscription_id)))).rowcount > 0

    async def untold(self) -> list[Subscription]:
        """List the paused subscriptions whose owners have yet to be told why."""
        return await self._those(subscriptions.c.untold)

    async def mark_told(self, subscription_id: str) -> None:
        """Record that the owner was told why it is paused, or cannot be."""
        async with self._database.writing() as connection:
            await connection.execute(sa.update(subscriptions).where(_one(subscription_id)).values(untold=False))

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export the subscriptions that a person made."""
        rows = await connection.execute(
            sa.select(subscriptions.c.kind, subscriptions.c.place_id, *(subscriptions.c[name] for name in EXPORTED))
            .where(subscriptions.c.owner_id == user_id)
            .order_by(*OLDEST_FIRST)
        )
        return {"subscriptions": [_exported(row) for row in rows]}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete a person's DM subscriptions, and forget the owner of those in channels, which others read."""
        theirs = subscriptions.c.owner_id == user_id
        private = sa.delete(subscriptions).where(theirs, subscriptions.c.kind == "dm")
        shared = sa.update(subscriptions).where(theirs).values(owner_id=None, untold=False)
        return (await connection.execute(private)).rowcount + (await connection.execute(shared)).rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the subscriptions of a server."""
        return (await connection.execute(sa.delete(subscriptions).where(subscriptions.c.guild_id == guild_id))).rowcount

    async def _those(self, condition: sa.ColumnElement[bool]) -> list[Subscription]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(subscriptions).where(condition).order_by(*OLDEST_FIRST))
            return [from_row(Subscription, row) for row in rows]


async def set_paused(
    connection: AsyncConnection,
    subscription_id: str,
    reason: str | None = None,
    *,
    look_at: datetime | None = None,
    maybe_posted: bool = False,
) -> bool:
    """Pause a subscription inside a transaction, and drop its delivery.

    Returns False if it is gone, or if a person had paused it already.

    If there is a `reason`, it is not a person who pauses it: the reason is checked again at `look_at`, and the owner is
    to be told, unless it is the one that they know. The delivery stays if a part of it was posted; with `maybe_posted`
    it stays too, as a part may have been.
    """
    news = subscriptions.c.paused.is_(False) | subscriptions.c.reason.is_distinct_from(reason)
    told = sa.case((news, subscriptions.c.owner_id.is_not(None)), else_=subscriptions.c.untold)
    paused = await connection.execute(
        sa.update(subscriptions)
        .where(_one(subscription_id), subscriptions.c.paused.is_(False) | HELD_BACK)
        .values(paused=True, reason=reason, look_at=look_at, untold=False if reason is None else told)
    )
    open_ = (deliveries.c.subscription_id == subscription_id) & deliveries.c.posted_at.is_(None)
    if not maybe_posted:
        await connection.execute(sa.delete(deliveries).where(open_, deliveries.c.parts.is_(None)))
    await connection.execute(sa.update(deliveries).where(open_).values(worker=None))
    return paused.rowcount > 0


def _one(subscription_id: str) -> sa.ColumnElement[bool]:
    return subscriptions.c.subscription_id == subscription_id


def _chosen(subscription: Subscription) -> dict[str, object]:
    return {name: value for name, value in to_columns(subscription).items() if name not in PROGRESS}


def _exported(row: sa.Row[Any]) -> dict[str, object]:
    columns = exported(row)
    return columns | {"place": {"kind": columns.pop("kind"), "id": columns.pop("place_id")}}
