"""Tell people by DM what cannot, or should not, be said where they wrote."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import discord
from cachetools import TTLCache

from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.connection.codes import AUTOMOD, SLOWMODE
from bot.discord.ui.layout import notice
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import MutableMapping

log = logging.getLogger(__name__)

TOLD_AGAIN_AFTER: Final = timedelta(hours=1)
REMEMBERED: Final = 1000


class DirectMessages:
    """Send sentences to people who accept DMs."""

    def __init__(self) -> None:
        self._told: MutableMapping[tuple[int, str], bool] = TTLCache(REMEMBERED, TOLD_AGAIN_AFTER.total_seconds())

    async def tell(self, user: discord.abc.User, sentence: str) -> None:
        """Send a sentence; raises nothing."""
        if not isinstance(user, discord.abc.Messageable):
            return
        try:
            await user.send(view=notice(sentence))
        except NETWORK_ERRORS as error:
            code = getattr(error, "code", None)
            log.warning("not told directly error=%s code=%s", type(error).__name__, code)

    async def tell_once(self, user: discord.abc.User, sentence: str) -> None:
        """Send a sentence at most once an hour: one for each of many messages is a flood."""
        if (user.id, sentence) not in self._told:
            self._told[user.id, sentence] = True
            await self.tell(user, sentence)


def undelivered(code: int | None, channel_id: int) -> str:
    """Explain why an answer could not be posted in a channel, by Discord's error code."""
    channel = f"<#{channel_id}>"
    if code == SLOWMODE:
        return say("I could not answer you in {channel}: slow mode is on there. Ask again later.", channel=channel)
    if code == AUTOMOD:
        return say("I could not answer you in {channel}: the server's AutoMod stopped my message.", channel=channel)
    return say(
        "I could not answer you in {channel}: I may not write there. A moderator can allow it, or you can ask me here.",
        channel=channel,
    )
