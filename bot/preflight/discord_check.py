"""Check whether Discord accepts the token and whether the intents are on; show the invite link."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from bot.errors import DiscordStartError
from bot.preflight.check import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.settings import Settings

TIMEOUT: Final = timedelta(seconds=10)  # for Discord to reply
DISCORD_API: Final = "https://discord.com/api/v10"
OK: Final = 200
UNAUTHORIZED: Final = 401
MESSAGE_CONTENT: Final = 1 << 18 | 1 << 19  # flags of an application that may read messages, verified or small


class DiscordAwayError(DiscordStartError):
    """Discord does not reply, or not properly; a login may still succeed later."""


@dataclass(frozen=True, slots=True)
class Application:
    """What Discord says about the token's application."""

    application_id: int
    name: str
    reads_messages: bool


async def discord(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the bot could log in."""
    if settings.discord.token is None:
        yield Finding("discord", ok=None, sentence="no token set; only `footnote run` needs FOOTNOTE_DISCORD__TOKEN")
        return
    application = await _require_intents(settings)
    sentence = f"the token belongs to {application.name}; invite it to a server with {invitation(application)}"
    yield Finding("discord", ok=True, sentence=sentence)


def invitation(application: Application) -> str:
    """Make the link that invites the bot to a server with the permissions it needs and no more."""
    from bot.discord.ui.permissions import invite_link

    return invite_link(application.application_id)


async def require_application(settings: Settings) -> Application:
    """Look up whose token it is; raises DiscordStartError that says what is wrong."""
    from bot.discord.connection.login import NOT_DISCORD, require_token

    token = require_token(settings)
    me = await _ask(settings, token, "users/@me")
    application = await _ask(settings, token, "applications/@me")
    try:
        flags = int(application.get("flags") or 0)
        return Application(int(application["id"]), str(me["username"]), bool(flags & MESSAGE_CONTENT))
    except (KeyError, TypeError, ValueError):
        raise DiscordStartError(NOT_DISCORD) from None


async def refuse_bad_login(settings: Settings) -> None:
    """Raise DiscordStartError if Discord rejects the token or an intent is off; an outage is left to the login."""
    with suppress(DiscordAwayError):
        await _require_intents(settings)


async def _require_intents(settings: Settings) -> Application:
    """Look up whose token it is, like `require_application`; raises DiscordStartError also if an intent is off."""
    from bot.discord.connection.login import INTENT_OFF

    application = await require_application(settings)
    if settings.discord.message_content and not application.reads_messages:
        raise DiscordStartError(INTENT_OFF)
    return application


async def date_of_discord(settings: Settings) -> str | None:
    """Read the Date header of a reply from Discord, None if there is no reply."""
    try:
        async with (
            _session() as session,
            session.get(f"{DISCORD_API}/gateway", proxy=settings.discord.proxy) as response,
        ):
            return response.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


async def _ask(settings: Settings, token: str, path: str) -> dict[str, Any]:
    """Fetch a Discord resource as the bot; raises DiscordStartError that says what is wrong."""
    from bot.discord.connection import login

    headers, proxy = {"Authorization": f"Bot {token}"}, settings.discord.proxy
    try:
        async with (
            _session() as session,
            session.get(f"{DISCORD_API}/{path}", headers=headers, proxy=proxy) as response,
        ):
            status, body = response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DiscordAwayError(login.unreachable(error, proxy)) from None
    if status == UNAUTHORIZED:
        raise DiscordStartError(login.REFUSED)
    if status != OK:
        raise DiscordAwayError(login.not_let_in(status))
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError):
        raise DiscordStartError(login.NOT_DISCORD) from None


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT.total_seconds()))
