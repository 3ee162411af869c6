"""Threads: those that the bot opened itself, in which it answers without a mention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.store.row_mapper import exported
from bot.store.store_tables import answers, threads
from storage.database import insert_into

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

# A Discord id starts with the milliseconds from this moment to its creation.
DISCORD_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
TIME_SHIFT: Final = 22  # bits


class Threads:
    """Store the bot's own threads, with a copy in memory, as every message in any thread asks for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own: set[int] = set()

    async def load(self) -> None:
        """Load the ids of the bot's threads."""
        async with self._database.reading() as connection:
            self._own.update(await connection.scalars(sa.select(threads.c.thread_id)))

    async def own(self, thread_id: int, guild_id: int, opener_id: int) -> None:
        """Record that the bot opened a thread, and for whom."""
        async with self._database.writing() as connection:
            insert = insert_into(connection, threads).values(
                thread_id=thread_id, guild_id=guild_id, opener_id=opener_id
            )
            await connection.execute(insert.on_conflict_do_nothing())
        self._own.add(thread_id)

    async def is_own(self, thread_id: int) -> bool:
        """Check whether the bot opened a thread."""
        return thread_id in self._own

    async def forget(self, thread_id: int) -> None:
        """Forget a thread that was deleted."""
        if thread_id in self._own:
            async with self._database.writing() as connection:
                await self._forget(connection, threads.c.thread_id == thread_id)

    async def forget_idle(self, connection: AsyncConnection, moment: datetime) -> int:
        """Forget threads older than a moment that have no stored answer; the bot again needs a mention there."""
        oldest = (moment - DISCORD_EPOCH) // timedelta(milliseconds=1) << TIME_SHIFT
        answered = sa.exists().where(answers.c.channel_id == threads.c.thread_id)
        return await self._forget(connection, (threads.c.thread_id < oldest) & ~answered)

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export the threads that were opened for a person."""
        rows = await connection.execute(
            sa.select(threads.c.thread_id, threads.c.guild_id)
            .where(threads.c.opener_id == user_id)
            .order_by(threads.c.thread_id)
        )
        return {"threads": [exported(row) for row in rows]}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Forget for whom threads were opened; they stay the bot's, as others may talk in them."""
        return (
            await connection.execute(sa.update(threads).where(threads.c.opener_id == user_id).values(opener_id=None))
        ).rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the threads of a server."""
        return await self._forget(connection, threads.c.guild_id == guild_id)

    async def _forget(self, connection: AsyncConnection, which: sa.ColumnElement[bool]) -> int:
        gone = set(await connection.scalars(sa.delete(threads).where(which).returning(threads.c.thread_id)))
        self._own -= gone
        return len(gone)
