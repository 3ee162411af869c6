"""Searches that are too long for the ids of their page buttons; who searched, and where, is not stored."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.store.domain import Search
from bot.store.store_tables import searches
from storage.database import upsert

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.database import Database

_SEARCH: Final = TypeAdapter(Search)


class Searches:
    """Store each search once, under its hash, as long as somebody turns its pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, search: Search) -> str:
        """Store a search, or note that it was used, and return its key: a hash of it, in 16 URL-safe characters."""
        body = json.dumps(_SEARCH.dump_python(search, mode="json"))
        key = base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()[:12]).decode()
        async with self._database.writing() as connection:
            await upsert(connection, searches, {"key": key}, {"body": body, "used_at": dt.datetime.now(dt.UTC)})
        return key

    async def get(self, key: str) -> Search | None:
        """Load the search with a key, None if it is not stored (any more)."""
        async with self._database.reading() as connection:
            body = await connection.scalar(sa.select(searches.c.body).where(searches.c.key == key))
        return None if body is None else _SEARCH.validate_python(json.loads(body))

    async def forget_older(self, connection: AsyncConnection, moment: dt.datetime) -> int:
        """Delete the searches whose pages nobody has turned since a moment."""
        return (await connection.execute(sa.delete(searches).where(searches.c.used_at < moment))).rowcount
