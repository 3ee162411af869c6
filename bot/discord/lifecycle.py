"""Start the bot, stop it gracefully, and turn what keeps it from Discord into sentences."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.digest import GoneError, UnavailableError
from bot.discord.alerts import Alerts
from bot.discord.connection import login
from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.gate.shutdown import TIME_TO_FINISH
from bot.discord.health import serving_health
from bot.discord.systemd import tell_systemd
from bot.errors import DiscordStartError
from bot.fetcher import open_fetcher
from bot.full_texts import FullTextFetcher
from bot.runner import on_ending_signals
from bot.store import Shards

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from typing import TypeAlias

    from bot.digest import Editor
    from bot.discord.services import Services
    from bot.settings import DiscordSettings, Settings

    Job: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]

log = logging.getLogger(__name__)

# discord.py opens one connection per concurrent call: for a burst of commands, as many TLS handshakes would take up the
# time in which Discord waits for an acknowledgement.
CONNECTIONS = 48
LONGEST_IDLE = timedelta(seconds=90)  # how long an idle connection is kept for the next burst

_BAD_TOKEN_CLOSE_CODE = 4004


async def run_bot(
    settings: Settings,
    services: Services,
    token: str,
    editor: Editor | None = None,
    prepare_library: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run the bot, with paper fetching and digests, until a signal stops it.

    `prepare_library` makes the library ready; until it has, the bot answers from what is there. Raises
    DiscordStartError if the token is refused or Discord cannot be reached, and SettingsError for an invalid source.
    """
    chosen = settings.discord
    bot = _make_bot(
        chosen,
        services,
        CommandsFile(settings.data_dir / FILE_NAME),
        message_content=chosen.message_content,
        editor=editor,
        proxy=chosen.proxy,
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=LONGEST_IDLE.total_seconds()),
    )
    tell = partial(tell_owner, bot)

    async def prepare(stop: asyncio.Event) -> None:
        if prepare_library is not None:
            await _first_of(prepare_library(), stop.wait())
            await bot.show_count()

    async with open_fetcher(settings, services.library, tell) as fetcher, serving_health(settings.health, bot):
        full_texts = FullTextFetcher(
            services.library,
            fetcher.web,
            settings.arxiv.base_url,
            services.store.answers.papers_of_servers,
            per_day=settings.fetch.full_texts,
        )
        jobs = (fetcher.run, full_texts.run, bot.deliverer.run, Alerts(bot, tell).run, tell_systemd)
        await serve(bot, token, prepare, *jobs)


def _make_bot(chosen: DiscordSettings, *arguments: Any, **options: Any) -> FootnoteBot:  # noqa: ANN401  # the bot's
    if chosen.shards is None:
        return FootnoteBot(*arguments, **options)
    from bot.discord.sharded_client import ShardedBot

    shards, services = read_shards(chosen.shards), arguments[0]
    if shards and len(shards.ids) < shards.count and not services.store.shared:
        raise DiscordStartError(
            "FOOTNOTE_DISCORD__SHARDS leaves shards to other processes, which must share a database server: set "
            "FOOTNOTE_DATABASE_URL."
        )
    return ShardedBot(*arguments, shards=shards, **options)


def read_shards(written: str) -> Shards | None:
    """Parse the shards in `0-3/16` or `2/16`, None for `auto`."""
    if written == "auto":
        return None
    span, _, count = written.partition("/")
    first, _, last = span.partition("-")
    return Shards(tuple(range(int(first), int(last or first) + 1)), int(count))


async def serve(bot: FootnoteBot, token: str, *jobs: Job) -> None:
    """Keep the bot connected until SIGTERM, SIGHUP or SIGINT, then let it finish its answers; a second signal ends it.

    `jobs` run beside it once it is ready, until the event passed to them is set. Raises DiscordStartError as `run_bot`
    does.
    """
    with _stop_signals() as signals, _as_sentences(bot.http.proxy):
        async with bot:
            stop = asyncio.Event()
            working = asyncio.create_task(_work(bot, jobs, stop))
            try:
                await _first_of(bot.start(token), _told_to_stop(bot, signals, stop, working))
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            if sentence := getattr(bot, "ousted", None):
                raise DiscordStartError(sentence)


async def tell_owner(bot: FootnoteBot, sentence: str) -> None:
    """Tell the bot's owner, in a direct message, about a problem that only they can fix; it is also logged."""
    application = bot.application
    if application is None:
        return
    owner_id = application.team.owner_id if application.team else application.owner.id
    try:
        await bot.poster.tell(owner_id or application.owner.id, sentence, nonce=secrets.token_urlsafe(16))
    except (GoneError, UnavailableError) as error:
        log.info("the owner was not told: %s", error)


async def _work(bot: FootnoteBot, jobs: tuple[Job, ...], stop: asyncio.Event) -> None:
    """Run the jobs once the bot is ready; one that fails does not affect the others."""

    async def safely(job: Job) -> None:
        try:
            await job(stop)
        except Exception:
            log.exception("a job beside the bot failed")

    await _first_of(bot.wait_until_ready(), stop.wait())
    if not stop.is_set():
        await asyncio.gather(*map(safely, jobs))


async def _told_to_stop(
    bot: FootnoteBot, signals: asyncio.Queue[signal.Signals], stop: asyncio.Event, working: asyncio.Task[None]
) -> None:
    """Wait for a signal, then for the answers and digests in progress or for a second signal."""
    log.info("stopping signal=%s", (await signals.get()).name)
    stop.set()
    await _first_of(_finish(bot, working), signals.get())


async def _finish(bot: FootnoteBot, working: asyncio.Task[None]) -> None:
    patience = TIME_TO_FINISH.total_seconds()
    await asyncio.gather(bot.services.gate.shutdown.drain(), asyncio.wait([working], timeout=patience))


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Wait for the first to end, re-raise its error, and cancel the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _stop_signals() -> Iterator[asyncio.Queue[signal.Signals]]:
    """Queue the signals that ask the bot to stop; if the loop cannot handle signals, Ctrl-C works as usual."""
    received: asyncio.Queue[signal.Signals] = asyncio.Queue()
    watched = on_ending_signals(received.put_nowait, signal.SIGINT)
    try:
        yield received
    finally:
        for number in watched:
            asyncio.get_running_loop().remove_signal_handler(number)


@contextmanager
def _as_sentences(proxy: str | None) -> Iterator[None]:
    """Convert discord.py's login and connection errors to DiscordStartError."""
    try:
        yield
    except discord.LoginFailure:
        raise DiscordStartError(login.REFUSED) from None
    except discord.PrivilegedIntentsRequired:
        raise DiscordStartError(login.INTENT_OFF) from None
    except discord.ConnectionClosed as error:
        if error.code == _BAD_TOKEN_CLOSE_CODE:
            raise DiscordStartError(login.NO_LONGER_TAKEN) from None
        raise DiscordStartError(f"Discord closed the connection for good (code {error.code}).") from None
    except discord.HTTPException as error:
        raise DiscordStartError(login.not_let_in(error.status)) from None
    except (aiohttp.ClientError, discord.GatewayNotFound, OSError) as error:
        raise DiscordStartError(login.unreachable(error, proxy)) from None
