"""Leases: which process holds which shards of the bot, so that no two processes handle the same events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.store.store_tables import shard_leases
from storage.database import upsert

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bot.store.domain import Shards
    from storage.database import Database

LEASE: Final = timedelta(seconds=20)  # longer than the clocks of machines differ


class Leases:
    """Hold shards for a process, as long as it keeps taking them again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_or_blockers(self, shards: Shards, holder: str, now: datetime) -> dict[int, datetime]:
        """Lease or renew all of these shards, and return nothing; or lease none, and return those that others hold.

        Each is returned with the time when its lease expires. Any shard that is held with another shard count is among
        them: shards mean the same servers only where their count is the same.
        """
        others = (shard_leases.c.until > now) & (shard_leases.c.holder != holder)
        in_the_way = shard_leases.c.shard.in_(shards.ids) | (shard_leases.c.count != shards.count)
        async with self._database.writing() as connection:
            if connection.dialect.name == "postgresql":  # so that processes take shards one after the other
                await connection.execute(sa.text("LOCK TABLE shard_leases IN SHARE ROW EXCLUSIVE MODE"))
            held = await connection.execute(
                sa.select(shard_leases.c.shard, shard_leases.c.until).where(others & in_the_way)
            )
            if blockers := dict(held.all()):
                return blockers
            values = {"holder": holder, "count": shards.count, "until": now + LEASE}
            await connection.execute(sa.delete(shard_leases).where(shard_leases.c.until <= now))
            for shard in shards.ids:
                await upsert(connection, shard_leases, {"shard": shard}, values)
            return {}

    async def release(self, holder: str) -> None:
        """Release every shard that a process holds, so that the next one need not wait for the leases to expire."""
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(shard_leases).where(shard_leases.c.holder == holder))

    async def held(self, ids: Collection[int], now: datetime) -> dict[int, str]:
        """Find which process holds each of these shards; those that nobody holds are left out."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(shard_leases.c.shard, shard_leases.c.holder).where(
                    shard_leases.c.shard.in_(ids), shard_leases.c.until > now
                )
            )
            return dict(rows.all())
