"""Send messages so that none is posted twice, however often one has to be retried."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import discord

from bot.discord.connection.codes import SERVER_ERROR, is_slow_down
from bot.discord.ui.layout import files_of

if TYPE_CHECKING:
    from discord import ui

# An edit without content drops the default mention settings (tried with discord.py 2.7.1).
NOBODY: Final = discord.AllowedMentions.none()
_NONCE_BYTES: Final = 16


class Outbox:
    """Send messages one after another, each under one nonce for all of its attempts.

    A message sent after one that may or may not have arrived replaces it.
    """

    def __init__(self) -> None:
        self._doubtful: str | None = None

    async def send(self, channel: discord.abc.Messageable, view: ui.LayoutView, **options: Any) -> discord.Message:  # noqa: ANN401
        """Send a message; raises discord.py's errors, and may then be called again with the same or another view."""
        nonce, is_again = self._doubtful or secrets.token_urlsafe(_NONCE_BYTES), self._doubtful is not None
        self._doubtful = nonce
        try:
            sent = await channel.send(view=view, files=files_of(view), nonce=nonce, **options)
            if is_again:
                # The message under this nonce may be the earlier one.
                await sent.edit(view=view, attachments=files_of(view), allowed_mentions=NOBODY)
        except discord.HTTPException as error:
            # "Slow down" says nothing about an earlier attempt, whose reply may have been lost.
            if error.status < SERVER_ERROR and not is_slow_down(error):
                self._doubtful = None
            raise
        self._doubtful = None
        return sent
