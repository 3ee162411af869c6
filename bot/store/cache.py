"""The cache of the language model's recent drafts: the same question is not paid for twice; who asked is not stored."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.store.store_tables import drafts
from storage.database import DATABASE_ERRORS, upsert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

logger = logging.getLogger(__name__)

LIFETIME: Final = timedelta(days=1)


class DraftCache:
    """Store drafts for a day, each under a hash of what it was made from.

    A draft that cannot be read or written costs another call, and does no other harm.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> str | None:
        """Load the text stored under a key within the last day, None if there is none."""
        fresh = drafts.c.kept_at > datetime.now(UTC) - LIFETIME
        try:
            async with self._database.reading() as connection:
                body: str | None = await connection.scalar(sa.select(drafts.c.body).where(drafts.c.key == key, fresh))
        except DATABASE_ERRORS as error:
            logger.warning("a draft could not be read: %s", type(error).__name__)
            return None
        return body

    async def keep(self, key: str, body: str) -> None:
        """Store a text under a key, replacing an earlier one."""
        row = {"body": body, "kept_at": datetime.now(UTC)}
        try:
            async with self._database.writing() as connection:
                await upsert(connection, drafts, {"key": key}, row)
        except DATABASE_ERRORS as error:
            logger.warning("a draft could not be kept: %s", type(error).__name__)

    async def forget_older(self, connection: AsyncConnection, now: datetime) -> int:
        """Delete what is more than a day old."""
        return (await connection.execute(sa.delete(drafts).where(drafts.c.kept_at <= now - LIFETIME))).rowcount
