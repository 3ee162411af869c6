"""Check the machine: open files, disk, memory, the data dir, the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from bot import machine
from bot.errors import SettingsError
from bot.preflight.check import Finding
from bot.preflight.discord_check import date_of_discord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.settings import Settings

SKEW: Final = timedelta(seconds=30)  # that the clock may be off; digests and leases in a shared database depend on it
MINUTE: Final = timedelta(minutes=1)


async def open_files(settings: Settings) -> AsyncGenerator[Finding]:  # noqa: ARG001
    """Check whether enough files may be open at once."""
    spare = machine.refuse_few_files()
    yield Finding("open files", ok=True, sentence="enough may be opened" if spare is None else f"{spare} more")


async def disk(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether there is room to write."""
    free = machine.refuse_full_disk(settings.data_dir)
    yield Finding("disk", ok=True, sentence=f"{free // machine.MEGABYTE:,} MB are free")


async def data_dir(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the data dir is writable."""
    machine.refuse_unwritable(settings.data_dir)
    yield Finding("data dir", ok=True, sentence=f"{settings.data_dir} can be written to")


async def memory(settings: Settings) -> AsyncGenerator[Finding]:  # noqa: ARG001
    """Check whether there is enough memory."""
    left = machine.refuse_little_memory()
    sentence = "unknown on this system" if left is None else f"{left // machine.MEGABYTE:,} MB are left"
    yield Finding("memory", ok=True if left else None, sentence=sentence)


async def clock(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the clock is right; with a token, compare it with Discord's."""
    machine.refuse_wrong_clock(_now())
    date = await date_of_discord(settings) if settings.discord.token else None
    now = _now()
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if date is None:
        yield Finding("clock", ok=True, sentence=shown)
        return
    off = now - parsedate_to_datetime(date)
    if abs(off) > SKEW:
        far = f"{abs(off) / MINUTE:.0f} minutes" if abs(off) > 2 * MINUTE else f"{abs(off).total_seconds():.0f} seconds"
        late = "behind" if off < timedelta(0) else "ahead of"
        yield Finding("clock", ok=False, sentence=f"The clock is {far} {late} Discord's; set it, best by NTP.")
        return
    yield Finding("clock", ok=True, sentence=f"{shown}, as Discord's")


async def health(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the port of /healthz and /metrics is free."""
    chosen = settings.health
    if chosen.port is None:
        yield Finding("health", ok=None, sentence="not served; FOOTNOTE_HEALTH__PORT gives it a port")
        return
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, chosen.host, chosen.port)
    except OSError as error:
        raise SettingsError(chosen.refusal(error)) from error
    server.close()
    yield Finding("health", ok=True, sentence=f"port {chosen.port} at {chosen.host} is free for the bot")


def _now() -> datetime:
    return datetime.now(UTC)
