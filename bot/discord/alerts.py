"""Tell people in a direct message that a language model budget is used up, once a day for each budget."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.digest import GoneError, UnavailableError
from bot.digest.delivery import nonce_from
from bot.discord.ui.markdown import escape
from bot.language import in_language, say
from bot.store.ledger import NOBODY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date

    from bot.discord.footnote_bot import FootnoteBot

log = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=30)  # between two looks for budgets that other processes noted


class Alerts:
    """Tell a server's owner, or for the whole day's budget the bot's owner; several processes may run this."""

    def __init__(self, bot: FootnoteBot, tell_owner: Callable[[str], Awaitable[None]]) -> None:
        self._bot = bot
        self._tell_owner = tell_owner

    async def run(self, stop: asyncio.Event) -> None:
        """Look for used-up budgets that nobody was told about, until told to stop."""
        while not stop.is_set():
            try:
                await self.tell(datetime.now(UTC).date())
            except Exception:  # the database may be unavailable for a while
                log.exception("nobody could be told of budgets; trying again")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY.total_seconds())

    async def tell(self, day: date) -> None:
        """Tell people about each budget that was used up on a day, as far as the bot is in the server."""
        for guild_id in await self._bot.services.store.notices.untold(day):
            if await (self._tell_of_day() if guild_id == NOBODY else self._tell_of_server(guild_id, day)):
                await self._bot.services.store.notices.mark_told(day, guild_id)

    async def _tell_of_day(self) -> bool:
        if not self._bot.leads:
            return False
        await self._tell_owner(
            "All tokens for today (FOOTNOTE_LLM__TOKENS_PER_DAY) are used up: until midnight UTC I answer with the "
            "papers' own sentences."
        )
        return True

    async def _tell_of_server(self, guild_id: int, day: date) -> bool:
        """Tell a server's owner; True if they were told or cannot be."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.owner_id is None:
            return False
        settings = await self._bot.services.store.servers.of(guild_id)
        with in_language(settings.language or str(guild.preferred_locale)):
            sentence = say(
                "{server} has used up its tokens for today: until midnight UTC I answer there with the papers' own "
                "sentences. /settings shows this month's usage.",
                server=escape(guild.name),
            )
        try:
            await self._bot.poster.tell(guild.owner_id, sentence, nonce=nonce_from(f"budget {guild_id} {day}"))
        except UnavailableError as error:
            log.info("the owner of server %d is told later: %s", guild_id, error)
            return False
        except GoneError as error:
            log.info("the owner of server %d cannot be told: %s", guild_id, error)
        return True
