"""`footnote run`: the Discord bot over the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.wiring import open_answerer, open_library, take_in

if TYPE_CHECKING:
    from bot.settings import Settings


async def run(settings: Settings) -> None:
    """Serve Discord until a signal stops it."""
    from bot.discord.run import require_token, run_bot

    token = require_token(settings)
    async with open_library(settings) as library:
        await take_in(library)
        async with open_answerer(settings, library) as answerer:
            await run_bot(settings, answerer, token)
