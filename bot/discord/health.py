"""Report the bot's health: /healthz for whatever restarts it, /metrics for Prometheus."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import metrics
from bot.discord.connection.gateway_connection import disconnected, heartbeats
from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bot.discord.footnote_bot import FootnoteBot
    from bot.settings import HealthSettings

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=3)  # for a database to reply
# Discord wants a heartbeat every 41 s, and discord.py drops a connection that was silent for 60 s.
OLDEST_HEARTBEAT: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Part:
    """The health of one part; `vital` if a restart may help."""

    ok: bool
    says: str
    vital: bool = True

    def to_json(self) -> dict[str, Any]:
        """Convert to the form that /healthz shows."""
        return {"ok": self.ok, "says": self.says}


class Health:
    """Check the parts of a running bot; a failed check counts as a failure of its part."""

    def __init__(self, bot: FootnoteBot) -> None:
        self._bot = bot
        # When each shard's last heartbeat was acknowledged: discord.py forgets it with the connection.
        self._beats: dict[int, float] = {}

    async def look(self) -> dict[str, Part]:
        """Check every part and return the results by name."""
        looks = {
            "gateway": self._gateway,
            "heartbeat": self._heartbeat,
            "library": self._library,
            "store": self._store,
            "sources": self._sources,
        }
        found = await asyncio.gather(*map(_bounded, looks.values()))
        parts = dict(zip(looks, found, strict=True))
        for name, part in parts.items():
            metrics.UP.labels(name).set(part.ok)
        return parts

    async def _gateway(self) -> Part:
        if self._bot.is_closed() or not self._bot.is_ready():
            return Part(ok=False, says="not connected")
        away = disconnected(self._bot)
        if away:
            # discord.py keeps reconnecting and resumes the session when it succeeds: a restart would not help.
            return Part(ok=False, says=f"connecting again: shard {', '.join(map(str, away))}", vital=False)
        return Part(ok=True, says=f"connected, {len(self._bot.guilds)} servers")

    async def _heartbeat(self) -> Part:
        now = time.monotonic()
        for shard, beat in heartbeats(self._bot).items():
            metrics.GATEWAY_LATENCY.labels(shard).set(beat.latency)
            self._beats[shard] = now - beat.age
        for shard, beat_at in self._beats.items():
            metrics.HEARTBEAT_AGE.labels(shard).set(now - beat_at)
        if not self._beats:
            return Part(ok=False, says="none yet")
        oldest = now - min(self._beats.values())
        return Part(ok=oldest < OLDEST_HEARTBEAT.total_seconds(), says=f"{oldest:.0f} s ago")

    async def _library(self) -> Part:
        library = self._bot.services.library
        counts = await library.counts()
        metrics.PAPERS.set(counts.papers)
        metrics.CHUNKS.set(counts.chunks)
        metrics.PENDING.set(counts.pending)
        away = " without vectors, as the Chroma server does not answer" if library.gaps.vectors else ""
        waiting = f", {counts.pending} wait to be indexed" if counts.pending else ""
        return Part(ok=True, says=f"{counts.papers} papers{waiting}{away}")

    async def _store(self) -> Part:
        due = await self._bot.services.store.deliveries.next_due()
        late = max(0.0, (datetime.now(UTC) - due).total_seconds()) if due else 0.0
        metrics.DIGEST_OVERDUE.set(late)
        return Part(ok=True, says="answers")

    async def _sources(self) -> Part:
        sources = await self._bot.services.library.source_states()
        failing = [reading.source for reading in sources if reading.failing_since]
        metrics.FAILING.set(len(failing))
        if failing:
            return Part(ok=False, says=f"in trouble: {', '.join(failing)}", vital=False)
        return Part(ok=True, says=f"{len(sources)} read", vital=False)


async def _bounded(look: Callable[[], Awaitable[Part]]) -> Part:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await look()
    except TimeoutError:
        return Part(ok=False, says="does not answer")
    except Exception as error:  # whatever it is, the part is not healthy
        log.debug("a part cannot be looked at", exc_info=True)
        return Part(ok=False, says=type(error).__name__)  # its message may contain an address with a password


@asynccontextmanager
async def serving_health(settings: HealthSettings, bot: FootnoteBot) -> AsyncIterator[None]:
    """Serve both pages inside the block if a port is set; raises SettingsError if it cannot be used."""
    if settings.port is None:
        yield
        return
    metrics.BUILD.info({"version": version("footnote")})
    health = Health(bot)

    async def healthz(_: web.Request) -> web.Response:
        parts = await health.look()
        well = all(part.ok for part in parts.values() if part.vital)
        told = {"ok": well, "parts": {name: part.to_json() for name, part in parts.items()}}
        return web.json_response(told, status=200 if well else 503)

    async def scrape(_: web.Request) -> web.Response:
        await health.look()
        page = await asyncio.to_thread(generate_latest)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", scrape)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise SettingsError(settings.refusal(error)) from error
        log.info("health and metrics at http://%s:%d", settings.host, settings.port)
        yield
    finally:
        await runner.cleanup()
