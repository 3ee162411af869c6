"""The bot as one of several processes, each of which serves some shards, leased in the database."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from discord.ext import commands

from bot.discord.footnote_bot import FootnoteBot
from bot.errors import DiscordStartError
from bot.store import Shards
from bot.store.leases import LEASE
from retrieval import ServerAwayError

log = logging.getLogger(__name__)

RENEWED_EVERY: Final = LEASE / 4
TRIED_EVERY: Final = timedelta(seconds=1)  # between attempts, while the holder may be dead


class ShardedBot(FootnoteBot, commands.AutoShardedBot):
    """Serve some shards, or with None as many as Discord recommends.

    Attributes:
        ousted: why it has shut itself down, None if it has not.
    """

    def __init__(self, *arguments: Any, shards: Shards | None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self._shards = shards
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._keeping: asyncio.Task[None] | None = None
        self.ousted: str | None = None

    async def setup_hook(self) -> None:
        """Lease the shards before connecting; raises DiscordStartError if others hold them."""
        if self._shards is None:
            count, _, _ = await self.http.get_bot_gateway()
            self._shards = Shards(tuple(range(count)), count)
        self.shard_ids, self.shard_count = list(self._shards.ids), self._shards.count
        await self._take()
        await self.services.store.threads.load()  # other processes may have opened some until now
        self._keeping = asyncio.create_task(self._keep())
        await super().setup_hook()

    @property
    def leads(self) -> bool:
        """Whether it serves the first shard."""
        return self._shards is None or 0 in self._shards.ids

    def serves(self, guild_id: int) -> bool:
        """Check whether a server is on one of its shards."""
        return self._shards is None or self._shards.serve(guild_id)

    async def close(self) -> None:
        """Disconnect and release the shards."""
        held = self._keeping is not None
        if self._keeping is not None and self._keeping is not asyncio.current_task():
            self._keeping.cancel()
        self._keeping = None
        await super().close()
        if held:
            with suppress(ServerAwayError):  # otherwise the leases expire
                await self.services.store.leases.release(self._holder)

    async def _take(self) -> None:
        """Lease the shards, waiting for a dead holder's leases to expire; a live one renews them in the meantime."""
        assert self._shards is not None
        leases, first = self.services.store.leases, None
        while blockers := await leases.take_or_blockers(self._shards, self._holder, datetime.now(UTC)):
            first = first or blockers
            if any(until > first.get(shard, until) for shard, until in blockers.items()):
                raise DiscordStartError(_refusal(blockers))
            await asyncio.sleep(TRIED_EVERY.total_seconds())

    async def _keep(self) -> None:
        """Renew the leases; shut down if another process has one of them."""
        assert self._shards is not None
        while True:
            await asyncio.sleep(RENEWED_EVERY.total_seconds())
            try:
                blockers = await self.services.store.leases.take_or_blockers(
                    self._shards, self._holder, datetime.now(UTC)
                )
            except Exception as error:  # noqa: BLE001  # the database may be unavailable for a while
                log.warning("shards not renewed: %s", type(error).__name__)
                continue
            if blockers:
                self.ousted = _refusal(blockers)
                await self.close()
                return


def _refusal(blockers: dict[int, datetime]) -> str:
    named = ", ".join(map(str, sorted(blockers)))
    return (
        f"Another process serves shard {named} of the bot, or uses another shard count; stop it, or choose others "
        "in FOOTNOTE_DISCORD__SHARDS."
    )
