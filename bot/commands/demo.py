"""`footnote demo`: the bot on a local web page, as Discord would show it."""

from __future__ import annotations

import errno
import sys
import tempfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.run import SWITCH_INTERVAL
from bot.console import progress_bar, stdout
from bot.errors import DemoError
from bot.factory import make_answerer, make_editor, open_library, open_model, prepare_library
from bot.invocation import command
from bot.settings import ChromaSettings
from bot.store import Store
from retrieval import Fetched, Paper
from retrieval.sources import SEEDS, open_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.discord.stage import Stage
    from bot.settings import Settings
    from retrieval import Library


async def demo(settings: Settings, port: int, *, configured: bool) -> None:
    """Show the bot until a signal: over seeds/, or over the `configured` library with its language model.

    Raises DemoError if the port cannot be used.
    """
    from bot.discord.stage import refuse_taken

    sys.setswitchinterval(SWITCH_INTERVAL.total_seconds())
    with tempfile.TemporaryDirectory(prefix="footnote-demo-", ignore_cleanup_errors=True) as folder:
        try:
            refuse_taken(port)  # before the papers are read, not after
            async with open_demo(settings, Path(folder), port, configured=configured) as stage:
                stdout().print(f"{stage.site.address} shows the bot to this machine only; Ctrl-C ends it.")
                await stage.running
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            why = "is in use" if error.errno == errno.EADDRINUSE else "may not be used"
            raise DemoError(f"Port {port} {why}; choose another: {command(f'demo --port {port + 1}')}.") from None


@asynccontextmanager
async def open_demo(
    settings: Settings, folder: Path, port: int = 0, *, configured: bool = False
) -> AsyncIterator[Stage]:
    """Bring the bot online at a port; its memory goes to the folder, whichever library it answers from."""
    from bot.discord.services import make_services
    from bot.discord.stage import generous_limits, open_stage

    chosen = settings if configured else _of_its_own(settings, folder)
    store = await Store.open(folder)
    try:
        async with open_library(chosen) as library, open_model(chosen, use_llm=configured) as model:
            await (prepare_library(library) if configured else take_in_as_news(library))
            answerer = make_answerer(chosen, library, model)
            services = make_services(answerer, library, store, generous_limits(), model=model.name if model else None)
            editor = make_editor(chosen, library, store.feedback.liked, model)
            async with open_stage(services, folder, editor=editor, port=port) as stage:
                yield stage
    finally:
        await store.close()


def _of_its_own(settings: Settings, folder: Path) -> Settings:
    """Make settings that store everything in the folder and use no network."""
    local = settings.embedding.model_copy(update={"provider": "local"})
    own = {"data_dir": folder, "database_url": None, "writer": None, "chroma": ChromaSettings(), "embedding": local}
    return settings.model_copy(update=own)


async def take_in_as_news(library: Library) -> None:
    """Ingest seeds/ as papers listed today, so that a digest has something to show."""
    today = datetime.now(UTC).date()
    papers = [Fetched(paper, listed=today) for paper in open_source(SEEDS).papers if isinstance(paper, Paper)]
    with progress_bar("Indexing") as report:
        await library.add(papers, report)
