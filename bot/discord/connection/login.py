"""What keeps a bot out of Discord, in sentences that doctor, setup and run share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import aiohttp

from bot.errors import DiscordStartError
from bot.settings import mend_connection

if TYPE_CHECKING:
    from bot.settings import Settings

PORTAL: Final = "https://discord.com/developers/applications"
CONTENT_SETTING: Final = "FOOTNOTE_DISCORD__MESSAGE_CONTENT"
TOKEN_SETTING: Final = "FOOTNOTE_DISCORD__TOKEN"  # noqa: S105  # a name, not a secret

_HOW: Final = f"make one at {PORTAL} (your application, Bot, Reset Token) and set {TOKEN_SETTING}"
REFUSED: Final = f"Discord refused the bot token (401): {_HOW}."
NO_LONGER_TAKEN: Final = f"Discord no longer accepts the bot token: {_HOW}."
INTENT_OFF: Final = (
    "Discord refuses a privileged intent (4014): switch on Message Content Intent "
    f"at {PORTAL} (your application, Bot, Privileged Gateway Intents), or set {CONTENT_SETTING} to false."
)
NOT_DISCORD: Final = "Something other than Discord answers in its place: sign in to the network, or check the proxy."

_TOKEN: Final = re.compile(r"[\w-]+(\.[\w-]+)+", re.ASCII)
# Other values that the portal offers to copy, by their form.
_OTHERS: Final = (
    (re.compile(r"\d+"), "is the application's id"),
    (re.compile(r"[0-9a-f]{64}"), "is the application's public key"),
    (re.compile(r"[\w-]{32}", re.ASCII), "is the application's client secret"),
    (re.compile(r"https?://\S+"), "is a web address"),
    (re.compile(r"Bot\s+\S+"), 'begins with "Bot", which is left out'),
)


def require_token(settings: Settings) -> str:
    """Read the bot token from the settings; raises DiscordStartError if it is missing or does not look like one."""
    secret = settings.discord.token
    if secret is None:
        raise DiscordStartError(f"There is no Discord bot token: {_HOW}.")
    token = secret.get_secret_value().strip()
    if not _TOKEN.fullmatch(token):
        what = next((what for form, what in _OTHERS if form.fullmatch(token)), None)
        also = f" ({what})" if what else ""
        raise DiscordStartError(f"{TOKEN_SETTING} does not look like a bot token{also}: {_HOW}.")
    return token


def not_let_in(status: int) -> str:
    """Say that Discord answered a login with an error."""
    return f"Discord did not let the bot log in (HTTP {status}): try again later, or see https://discordstatus.com."


def unreachable(error: Exception, proxy: str | None) -> str:
    """Say that Discord cannot be reached, without any address, as it may contain a proxy's password."""
    return f"Discord cannot be reached ({_reason(error)}): {mend_connection(proxy)}."


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}: {error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status}"
    return type(error).__name__
