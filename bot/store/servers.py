"""Servers: each server's settings, and which servers the bot has left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from cachetools import TTLCache

from bot.store.domain import ServerSettings
from bot.store.row_mapper import from_row, to_columns
from bot.store.store_tables import servers
from storage.database import insert_into, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

KNOWN: Final = 10_000
KNOWN_FOR: Final = timedelta(seconds=5)


class Servers:
    """Store the settings of each server, with a copy in memory.

    If other processes may change them, the copy is used for a few seconds only.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: MutableMapping[int, ServerSettings] = (
            {} if database.file else TTLCache(KNOWN, KNOWN_FOR.total_seconds())
        )

    async def of(self, guild_id: int) -> ServerSettings:
        """Load the settings of a server, or the defaults."""
        if (known := self._known.get(guild_id)) is not None:
            return known
        async with self._database.reading() as connection:
            row = (await connection.execute(sa.select(servers).where(servers.c.guild_id == guild_id))).one_or_none()
        # Settings saved during this read are newer.
        return self._known.setdefault(guild_id, ServerSettings() if row is None else from_row(ServerSettings, row))

    async def save(self, guild_id: int, settings: ServerSettings) -> None:
        """Replace the settings of a server."""
        async with self._database.writing() as connection:
            await upsert(connection, servers, {"guild_id": guild_id}, to_columns(settings))
        self._known[guild_id] = settings

    async def mark_left(self, guild_id: int, left_at: datetime) -> None:
        """Record when the bot left a server, whose data is deleted 30 days later; a second call changes nothing."""
        async with self._database.writing() as connection:
            await self.note_membership(connection, [], [guild_id], left_at)

    async def mark_joined(self, guild_id: int) -> None:
        """Record that the bot is in a server; if it was there before, the settings are as it left them."""
        async with self._database.writing() as connection:
            await self.note_membership(connection, [guild_id], [], None)

    async def note_membership(
        self, connection: AsyncConnection, here: Iterable[int], gone: Iterable[int], left_at: datetime | None
    ) -> None:
        """Record which servers the bot is in, and which it left, at `left_at` unless that is known already."""
        for guild_id in here:
            await connection.execute(sa.update(servers).where(servers.c.guild_id == guild_id).values(left_at=None))
        for guild_id in gone:
            insert = insert_into(connection, servers).values(
                guild_id=guild_id, left_at=left_at, **to_columns(ServerSettings())
            )
            since = {"left_at": sa.func.coalesce(servers.c.left_at, insert.excluded.left_at)}
            await connection.execute(insert.on_conflict_do_update(index_elements=["guild_id"], set_=since))

    async def left_before(self, connection: AsyncConnection, moment: datetime) -> list[int]:
        """List the servers that the bot left before a moment."""
        return list(await connection.scalars(sa.select(servers.c.guild_id).where(servers.c.left_at < moment)))

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:  # noqa: ARG002
        """Export nothing: settings belong to no person."""
        return {}

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:  # noqa: ARG002
        """Delete nothing: settings belong to no person."""
        return 0

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete the settings of a server."""
        self._known.pop(guild_id, None)
        return (await connection.execute(sa.delete(servers).where(servers.c.guild_id == guild_id))).rowcount
