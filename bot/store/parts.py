"""Part: how each part of the store exports and deletes a person's or a server's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Part(Protocol):
    """Export and delete data, inside a transaction that spans every part."""

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Export a person's data, ready for JSON; no two parts use the same name."""
        ...

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete a person's data and return the number of rows."""
        ...

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete a server's data and return the number of rows."""
        ...
