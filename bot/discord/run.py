"""Start the bot, stop it gracefully, and turn what keeps it from Discord into sentences."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.discord.client import FootnoteBot
from bot.discord.sync import FILE_NAME, CommandsFile
from bot.errors import DiscordStartError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from bot.discord.ask import Answers
    from bot.settings import Settings

log = logging.getLogger(__name__)

PORTAL = "https://discord.com/developers/applications"
TOKEN_SETTING = "FOOTNOTE_DISCORD__TOKEN"  # noqa: S105  # a name, not a secret

_HOW_TO_GET_A_TOKEN = f"make one at {PORTAL} (your application, Bot, Reset Token) and set {TOKEN_SETTING}"
_TOKEN = re.compile(r"[\w.-]+", re.ASCII)
_BAD_TOKEN_CLOSE_CODE = 4004


def require_token(settings: Settings) -> str:
    """Return the bot token; raises DiscordStartError where there is none or where it cannot be one."""
    secret = settings.discord.token
    if secret is None:
        raise DiscordStartError(f"There is no Discord bot token: {_HOW_TO_GET_A_TOKEN}.")
    token = secret.get_secret_value().strip()
    if not _TOKEN.fullmatch(token):
        raise DiscordStartError(f"{TOKEN_SETTING} does not look like a bot token: {_HOW_TO_GET_A_TOKEN}.")
    return token


async def run_bot(settings: Settings, answers: Answers, token: str) -> None:
    """Run the bot until a signal stops it.

    Raises DiscordStartError where the token is refused or Discord cannot be reached.
    """
    file = CommandsFile(settings.data_dir / FILE_NAME)
    await serve(FootnoteBot(answers, file, proxy=settings.discord.proxy), token)


async def serve(bot: FootnoteBot, token: str) -> None:
    """Keep the bot connected until SIGTERM or SIGINT lets it finish its answers; a second one ends at once.

    Raises DiscordStartError as `run_bot` does.
    """
    with _stop_signals() as signals, _as_sentences():
        async with bot:
            await _first_of(bot.start(token), _told_to_stop(bot, signals))


async def _told_to_stop(bot: FootnoteBot, signals: asyncio.Queue[signal.Signals]) -> None:
    """Wait for a signal, then for the answers in flight or for a second signal."""
    log.info("stopping signal=%s", (await signals.get()).name)
    await _first_of(bot.in_flight.drain(), signals.get())


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Await whichever ends first, raise what it raised, and cancel the others."""
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
    """Collect SIGTERM and SIGINT in a queue; where the loop cannot, Ctrl-C ends the program as ever."""
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[signal.Signals] = asyncio.Queue()
    watched = []
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, received.put_nowait, number)
        except NotImplementedError:  # Windows
            continue
        watched.append(number)
    try:
        yield received
    finally:
        for number in watched:
            loop.remove_signal_handler(number)


@contextmanager
def _as_sentences() -> Iterator[None]:
    """Raise DiscordStartError for what discord.py raises when it cannot log in or stay connected."""
    try:
        yield
    except discord.LoginFailure:
        raise DiscordStartError(f"Discord refused the bot token (401): {_HOW_TO_GET_A_TOKEN}.") from None
    except discord.PrivilegedIntentsRequired:
        raise DiscordStartError(
            "Discord refused a privileged intent (4014): switch on Message Content Intent "
            f"at {PORTAL} (your application, Bot, Privileged Gateway Intents)."
        ) from None
    except discord.ConnectionClosed as error:
        if error.code == _BAD_TOKEN_CLOSE_CODE:
            raise DiscordStartError(f"Discord no longer takes the bot token: {_HOW_TO_GET_A_TOKEN}.") from None
        raise DiscordStartError(f"Discord closed the connection for good (code {error.code}).") from None
    except discord.HTTPException as error:
        raise DiscordStartError(
            f"Discord did not let the bot log in (HTTP {error.status}): "
            "try again later, or see https://discordstatus.com."
        ) from None
    except (aiohttp.ClientError, discord.GatewayNotFound, OSError) as error:
        raise DiscordStartError(
            f"Discord cannot be reached ({_reason(error)}): check the network, "
            "or set FOOTNOTE_DISCORD__PROXY where only a proxy leads out."
        ) from None


def _reason(error: Exception) -> str:
    """Return a few words without any address, which could hold a proxy's password."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}: {error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status}"
    return type(error).__name__
