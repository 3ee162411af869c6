"""`footnote run`: the Discord bot, which also fetches papers and posts digests."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bot.factory import make_answerer, make_editor, make_meter, open_library, open_model, open_store, prepare_library
from bot.preflight.check import AtStart
from bot.preflight.checklist import start_problems
from bot.preflight.discord_check import refuse_bad_login
from bot.preflight.library_check import PROBE, describe_library
from retrieval import FootnoteError

if TYPE_CHECKING:
    from bot.settings import Settings
    from retrieval import Library

log = logging.getLogger(__name__)

# After this time a computing thread yields to the event loop. With Python's default of 5 ms, each of the many short
# steps to an acknowledgement waits that long, and Discord waits 3 s in all.
SWITCH_INTERVAL: Final = timedelta(microseconds=500)


async def run(settings: Settings) -> None:
    """Serve Discord until a signal stops the bot."""
    log.info("starting version=%s data_dir=%s", version("footnote"), settings.data_dir)
    from bot.discord import run_bot
    from bot.discord.services import make_services
    from retrieval.sources.lookup import look_up
    from retrieval.sources.web import Web

    token = await look_before(settings)
    sys.setswitchinterval(SWITCH_INTERVAL.total_seconds())
    async with (
        open_library(settings) as library,
        open_store(settings) as store,
        Web() as web,
        open_model(settings, meter=make_meter(settings, store)) as model,
    ):
        await _look_into(settings, library)
        answerer = make_answerer(settings, library, model, store)
        editor = make_editor(settings, library, store.feedback.liked, model)
        arxiv = partial(look_up, web, settings.arxiv.base_url)
        services = make_services(answerer, library, store, model=model.name if model else None, arxiv=arxiv)
        await run_bot(settings, services, token, editor, partial(prepare_library, library))


async def look_before(settings: Settings) -> str:
    """Check that the bot can start, and read its token; raises FootnoteError if not, and logs what would hamper it."""
    from bot.discord.connection.login import require_token

    token = require_token(settings)
    async for finding in start_problems(settings, AtStart.ABORT):
        raise FootnoteError(f"{finding.sentence}.")
    async for finding in start_problems(settings, AtStart.WARN):
        log.warning("%s: %s", finding.part, finding.sentence)
    await refuse_bad_login(settings)
    return token


async def _look_into(settings: Settings, library: Library) -> None:
    """Log what is wrong with an open library; raises FootnoteError if no question could ever be read."""
    if (finding := await describe_library(library, settings)).ok is False:
        log.warning("%s: %s", finding.part, finding.sentence)
    try:
        await library.embedder.embed([PROBE])
    except FootnoteError as error:
        if settings.embedding.provider == "local":
            raise
        log.warning("embedding model: %s", error)  # its server may come back
