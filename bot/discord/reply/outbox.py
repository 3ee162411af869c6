"""Send messages so that none is there twice, however often one has to be tried."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import discord

from bot.discord.connection.codes import SERVER_ERROR, is_slow_down
from bot.discord.ui.layout import files_of

if TYPE_CHECKING:
    from discord import ui

# An edit that gives no content loses what the bot says of mentions by default (tried with discord.py 2.7.1).
NOBODY: Final = discord.AllowedMentions.none()
_NONCE_BYTES: Final = 16


class Outbox:
    """Send one message after the other, each under one nonce for life.

    What is sent after a message that may or may not be there takes its place.
    """

    def __init__(self) -> None:
        self._doubtful: str | None = None

    async def send(self, channel: discord.abc.Messageable, view: ui.LayoutView, **options: Any) -> discord.Message:  # noqa: ANN401
        """Send a message; raises what discord.py raises, and may then be called again with the same or another one."""
        nonce, is_again = self._doubtful or secrets.token_urlsafe(_NONCE_BYTES), self._doubtful is not None
        self._doubtful = nonce
        try:
            sent = await channel.send(view=view, files=files_of(view), nonce=nonce, **options)
            if is_again:
                # What Discord has under the nonce may be what was to be sent before.
                await sent.edit(view=view, attachments=files_of(view), allowed_mentions=NOBODY)
        except discord.HTTPException as error:
            # To slow down says nothing of an earlier attempt, whose reply may have been lost.
            if error.status < SERVER_ERROR and not is_slow_down(error):
                self._doubtful = None
            raise
        self._doubtful = None
        return sent
