"""`footnote run`: the Discord bot over the library, which grows and posts digests meanwhile."""

from __future__ import annotations

import logging
import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bot.wiring import make_answerer, make_editor, make_meter, open_library, open_model, open_store, take_in

if TYPE_CHECKING:
    from bot.settings import Settings

log = logging.getLogger(__name__)

# A thread that computes lets the event loop go on after so long. With Python's own 5 ms, the many short steps that lead
# to an acknowledgement each wait for as long, and Discord waits for it no longer than 3 s.
SWITCH_SECONDS: Final = 0.0005


async def run(settings: Settings) -> None:
    """Serve Discord until a signal stops it."""
    log.info("starting version=%s data_dir=%s", version("footnote"), settings.data_dir)
    from bot.discord.run import require_token, run_bot
    from bot.discord.services import make_services
    from retrieval.sources.lookup import look_up
    from retrieval.sources.web import Web

    token = require_token(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    async with open_library(settings) as library, open_store(settings) as store, Web() as web:
        await take_in(library)
        async with open_model(settings, meter=make_meter(settings, store)) as model:
            answerer = make_answerer(settings, library, model, store)
            editor = make_editor(settings, library, store.feedback.liked, model)
            arxiv = partial(look_up, web, settings.arxiv.base_url)
            name = model.name if model else None
            await run_bot(settings, make_services(answerer, library, store, model=name, arxiv=arxiv), token, editor)
