"""Traffic: which events were handled lately, and how many acts there were, for all processes of a bot together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.store.store_tables import acts, seen_events
from storage.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

REMEMBERED: Final = timedelta(hours=1)  # longer than Discord repeats events, and than any rate limit looks back
PERSON, SERVER = "person", "server"


class Traffic:
    """Recognise repeated events, and limit acts, across all processes on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note_if_new(self, event_id: int, version: float, now: datetime) -> bool:
        """Record a version of an event; False if some process has already seen this version or a later one."""
        values = {"version": version, "seen_at": now}
        async with self._database.writing() as connection:
            insert = insert_into(connection, seen_events).values(event_id=event_id, **values)
            newer = seen_events.c.version < insert.excluded.version
            statement = insert.on_conflict_do_update(index_elements=["event_id"], set_=values, where=newer)
            return await connection.scalar(statement.returning(seen_events.c.event_id)) is not None

    async def take(self, kind: str, limits: Sequence[tuple[str, int, int, timedelta]], now: datetime) -> float:
        """Count an act and return 0.0, or count nothing and return the seconds until the next one is allowed.

        Each limit is a scope (PERSON or SERVER), its id, a number of acts, and the time in which they are allowed.
        """
        async with self._database.writing() as connection:
            books = []
            for scope, snowflake, count, period in limits:
                seconds = period.total_seconds()
                row = {"kind": kind, "scope": scope, "snowflake": snowflake}
                insert = insert_into(connection, acts).values(**row, times=[], last_at=now)
                await connection.execute(insert.on_conflict_do_nothing())
                mine = (acts.c.kind == kind) & (acts.c.scope == scope) & (acts.c.snowflake == snowflake)
                earlier = await connection.scalar(sa.select(acts.c.times).where(mine).with_for_update())
                times = [second for second in earlier or [] if now.timestamp() - second < seconds]
                wait = seconds - (now.timestamp() - times[0]) if len(times) >= count else 0.0
                books.append((mine, times, wait))
            longest = max(wait for _, _, wait in books)
            if longest == 0.0:
                for mine, times, _ in books:
                    values = {"times": [*times, now.timestamp()], "last_at": now}
                    await connection.execute(sa.update(acts).where(mine).values(values))
            return longest

    async def forget_older(self, connection: AsyncConnection, moment: datetime) -> None:
        """Delete everything before a moment."""
        await connection.execute(sa.delete(seen_events).where(seen_events.c.seen_at < moment))
        await connection.execute(sa.delete(acts).where(acts.c.last_at < moment))

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export when a person recently asked and clicked."""
        rows = await connection.execute(sa.select(acts).where(_of(PERSON, user_id)).order_by(acts.c.kind))
        counted = [
            {"kind": row.kind, "at": [datetime.fromtimestamp(second, UTC).isoformat() for second in row.times]}
            for row in rows
        ]
        return {"counted_lately": counted}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete when a person recently asked and clicked."""
        return (await connection.execute(sa.delete(acts).where(_of(PERSON, user_id)))).rowcount

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete when something was recently asked in a server."""
        return (await connection.execute(sa.delete(acts).where(_of(SERVER, guild_id)))).rowcount


def _of(scope: str, snowflake: int) -> sa.ColumnElement[bool]:
    return (acts.c.scope == scope) & (acts.c.snowflake == snowflake)
