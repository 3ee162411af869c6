"""Keep the Gateway running: reconnect soon after refusals, and skip events that cannot be parsed."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import discord.client
import discord.shard
from discord.backoff import ExponentialBackoff

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

LONGEST_PAUSE: Final = timedelta(seconds=30)  # between two attempts to connect; discord.py waits up to 17 minutes
CONNECTED_AFTER: Final = timedelta(seconds=1)  # a refusal comes sooner than this after an attempt
INDISPENSABLE: Final = "READY"


class Backoff(ExponentialBackoff[bool]):
    """Wait longer after each refused attempt, up to LONGEST_PAUSE; a successful connection resets the wait."""

    def __init__(self) -> None:
        super().__init__()
        self._due = 0.0

    def delay(self) -> float:
        """Compute the seconds until the next attempt."""
        now = time.monotonic()
        if now - self._due > CONNECTED_AFTER.total_seconds():
            self._exp = 0
        pause = min(super().delay(), LONGEST_PAUSE.total_seconds())
        self._due = now + pause
        return pause


def make_steady(client: discord.Client) -> None:
    """Make the client reconnect within a minute, and drop single events instead of ending."""
    for module in (discord.client, discord.shard):  # discord.py has no setting for it
        vars(module)["ExponentialBackoff"] = Backoff
    state = client._connection  # noqa: SLF001  # discord.py lets nobody else look at events before they are read
    for name, parse in list(state.parsers.items()):
        if name != INDISPENSABLE:
            state.parsers[name] = _guarded(client, name, parse)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How long a shard's last heartbeat took, and how long ago it was acknowledged, in seconds."""

    latency: float
    age: float


def heartbeats(client: discord.Client) -> dict[int, Heartbeat]:
    """Collect the heartbeats of the open connections, by shard."""
    found = {}
    for shard_id, ws in _sockets(client).items():
        beat = getattr(ws, "_keep_alive", None)  # discord.py reports only the latency, which does not grow in silence
        if beat:
            found[shard_id] = Heartbeat(beat.latency, time.perf_counter() - beat._last_ack)  # noqa: SLF001
    return found


def disconnected(client: discord.Client) -> list[int]:
    """List the shards without a connection, unlike `is_ready`, which stays true once it was."""
    return [shard_id for shard_id, ws in _sockets(client).items() if ws is None or not ws.open]


def _sockets(client: discord.Client) -> dict[int, Any]:
    if isinstance(client, discord.AutoShardedClient):
        return {shard_id: shard._parent.ws for shard_id, shard in client.shards.items()}  # noqa: SLF001
    return {client.shard_id or 0: client.ws}


def _guarded(client: discord.Client, name: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
    def guarded(data: Any) -> None:  # noqa: ANN401
        if name.startswith("MESSAGE_") and _is_of_strangers(client, data):
            return
        try:
            parse(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next event may be good
            event_id = data.get("id") if isinstance(data, dict) else None
            log.error("event dropped type=%s id=%s error=%s", name, event_id, type(error).__name__)  # noqa: TRY400

    return guarded


def _is_of_strangers(client: discord.Client, data: Any) -> bool:  # noqa: ANN401
    """Check whether a message is from a server that the bot has left: discord.py would take it for a DM."""
    guild_id = data.get("guild_id") if isinstance(data, dict) else None
    return guild_id is not None and client.get_guild(int(guild_id)) is None
