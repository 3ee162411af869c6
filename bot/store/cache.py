"""The cache: what the language model wrote lately, so that no question is paid twice; nobody's name is there."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.store.memory_tables import drafts
from storage.database import FAILURES, upsert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

logger = logging.getLogger(__name__)

LIFETIME: Final = timedelta(days=1)


class DraftCache:
    """Keep texts by a hash for a day; what cannot be read or kept costs another call, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> str | None:
        """Return what was kept under a key within the last day, else None."""
        fresh = drafts.c.kept_at > datetime.now(UTC) - LIFETIME
        try:
            async with self._database.reading() as connection:
                body: str | None = await connection.scalar(sa.select(drafts.c.body).where(drafts.c.key == key, fresh))
        except FAILURES as error:
            logger.warning("a draft could not be read: %s", type(error).__name__)
            return None
        return body

    async def keep(self, key: str, body: str) -> None:
        """Keep a text in place of what was kept under its key before."""
        row = {"body": body, "kept_at": datetime.now(UTC)}
        try:
            async with self._database.writing() as connection:
                await upsert(connection, drafts, {"key": key}, row)
        except FAILURES as error:
            logger.warning("a draft could not be kept: %s", type(error).__name__)

    async def forget_older(self, connection: AsyncConnection, now: datetime) -> int:
        """Delete what was kept for a day."""
        return (await connection.execute(sa.delete(drafts).where(drafts.c.kept_at <= now - LIFETIME))).rowcount
