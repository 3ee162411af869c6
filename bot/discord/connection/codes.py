"""The Discord error codes that the bot handles, and which refusals are permanent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import ClientResponse

if TYPE_CHECKING:
    import discord

UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_MESSAGE: Final = 10008
UNKNOWN_USER: Final = 10013
UNKNOWN_WEBHOOK: Final = 10015
UNKNOWN_INTERACTION: Final = 10062
SLOWMODE: Final = 20016
ALREADY_ACKNOWLEDGED: Final = 40060
TAG_REQUIRED: Final = 40067
MISSING_ACCESS: Final = 50001
CANNOT_MESSAGE_PERSON: Final = 50007
MISSING_PERMISSIONS: Final = 50013
EXPIRED_TOKEN: Final = 50027
ARCHIVED: Final = 50083
NO_SHARED_SERVER: Final = 50278
CANNOT_REPLY_WITHOUT_HISTORY: Final = 160002
THREAD_EXISTS: Final = 160004
TOO_MANY_THREADS: Final = 160006
AUTOMOD: Final = 200000

NOT_TO_THIS_PERSON: Final = frozenset({CANNOT_MESSAGE_PERSON, NO_SHARED_SERVER, UNKNOWN_USER})
UNUSABLE_INTERACTION: Final = frozenset({UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, EXPIRED_TOKEN})

SERVER_ERROR: Final = 500  # the first status of Discord's own errors
_UNAUTHORISED: Final = 401
_TOO_MANY_REQUESTS: Final = 429
_CLIENT_ERRORS: Final = range(400, 500)


def is_slow_down(error: discord.HTTPException) -> bool:
    """Check whether the same call may succeed a little later."""
    return error.status == _TOO_MANY_REQUESTS or error.code == SLOWMODE


def is_for_good(error: discord.HTTPException) -> bool:
    """Check whether Discord itself refuses a call, and will until somebody removes the reason.

    A reply that is not JSON comes from something between the bot and Discord, and says nothing about the call.
    """
    refused = error.status in _CLIENT_ERRORS and error.status != _UNAUTHORISED and not is_slow_down(error)
    answer = error.response
    return refused and isinstance(answer, ClientResponse) and answer.content_type == "application/json"
