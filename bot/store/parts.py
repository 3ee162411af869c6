"""Part: what each part of the store must know how to do with what it keeps of a person or a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Part(Protocol):
    """Export and forget, inside a transaction that spans every part."""

    async def export(self, connection: AsyncConnection, user_id: int) -> dict[str, object]:
        """Return what this part keeps of a person, under names of its own and ready for JSON."""
        ...

    async def forget_person(self, connection: AsyncConnection, user_id: int) -> int:
        """Delete what this part keeps of a person and return how many rows that were."""
        ...

    async def forget_server(self, connection: AsyncConnection, guild_id: int) -> int:
        """Delete what this part keeps of a server and return how many rows that were."""
        ...
