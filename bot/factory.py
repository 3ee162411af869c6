"""Build the parts that the settings describe: embedder, library, store, language model, answerer, editor."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.machine import refuse_shortage
from bot.settings import DEFAULT_MODEL
from retrieval import EmbeddingError, FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.answering import Answerer
    from bot.answering.plugin_writer import PluginWriter
    from bot.digest import Editor, FreshPapers
    from bot.llm import LanguageModel, Meter
    from bot.settings import Settings
    from bot.store import Store, StoreMeter
    from retrieval import Library
    from retrieval.embedding import Embedder

log = logging.getLogger(__name__)

LONGEST_TIMEOUT: Final = timedelta(days=365)  # "inf" is a setting, but no timedelta
MODELS: Final = "models"  # in the data dir; downloaded or built again if it is deleted


async def make_embedder(settings: Settings) -> Embedder:
    """Build the configured embedding model.

    Raises EmbeddingError if its server is down or needs a key that is not set, and PluginError if a plugin cannot be
    loaded.
    """
    embedding = settings.embedding
    if embedding.provider == "local":
        from retrieval.embedding.local import LocalEmbedder

        return LocalEmbedder(cache_dir=settings.data_dir / MODELS, model_dir=embedding.model_dir)
    if embedding.provider != "openai":
        from retrieval.plugin_loader import EMBEDDERS, make_plugin

        needs = ("model", "dimensions", "max_tokens", "count_tokens", "embed", "close")
        plugged: Embedder = make_plugin(EMBEDDERS, embedding.provider, embedding, needs=needs)
        return plugged
    from retrieval.embedding.openai import OpenAIEmbedder

    key = embedding.api_key or settings.llm.api_key
    base_url = embedding.base_url or settings.llm.base_url
    if key is None and base_url is None:
        raise EmbeddingError(
            "OpenAI's embeddings need a key: set FOOTNOTE_EMBEDDING__API_KEY, or name a server that needs none in "
            "FOOTNOTE_EMBEDDING__BASE_URL."
        )
    return await OpenAIEmbedder.connect(
        model=embedding.model,
        dimensions=embedding.dimensions,
        api_key=key.get_secret_value() if key else None,
        base_url=base_url,
    )


@asynccontextmanager
async def open_library(settings: Settings, *, rebuild: bool = False) -> AsyncIterator[Library]:
    """Open the library in the data dir (`rebuild` remakes its indexes), and close it at the end."""
    from retrieval import Library

    embedder = await make_embedder(settings)
    try:
        refuse_shortage(settings.data_dir)
        library = await Library.open(
            settings.data_dir,
            embedder,
            database_url=settings.database_url,
            chroma=settings.chroma.server,
            rebuild=rebuild,
        )
    except BaseException:
        await embedder.close()
        raise
    try:
        yield library
    finally:
        await library.close()


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the store of the bot's memory, and close it at the end."""
    from bot.store import Store

    retention = timedelta(days=settings.retention)
    store = await Store.open(settings.data_dir, settings.database_url, retention=retention)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_store_if_any(settings: Settings) -> AsyncIterator[Store | None]:
    """Open the store if it exists, and close it at the end; None if it does not exist or does not open."""
    from bot.store import FILE

    async with AsyncExitStack() as stack:
        store: Store | None = None
        if settings.database_url or (settings.data_dir / FILE).exists():
            with suppress(FootnoteError):
                store = await stack.enter_async_context(open_store(settings))
        yield store


def make_meter(settings: Settings, store: Store) -> StoreMeter:
    """Build the meter that counts language model calls in the store, within the configured budgets."""
    from bot.store import Budgets, StoreMeter

    chosen = settings.llm
    budgets = Budgets(chosen.tokens_per_day, chosen.tokens_per_server, chosen.tokens_per_person)
    return StoreMeter(store.usage, store.notices, budgets)


@asynccontextmanager
async def open_model(
    settings: Settings, *, use_llm: bool = True, meter: Meter | None = None
) -> AsyncIterator[LanguageModel | None]:
    """Open the configured language model, and close it at the end; None if none is configured or wanted.

    Raises SettingsError if there is no API at the address, or if it is not clear which model to use.
    """
    chosen = settings.llm
    if not use_llm or not chosen.enabled:
        yield None
        return
    from bot.llm import Address, LanguageModel
    from bot.llm.address import visit

    address = Address.read(chosen.base_url) if chosen.base_url else None
    name = chosen.model or DEFAULT_MODEL
    if address:
        offer = await visit(address, chosen.key)
        name = chosen.model or offer.instead_of(DEFAULT_MODEL)
        if wrong := offer.objection(name):
            log.info("language model: %s", wrong)  # it may come back; until then the papers' own sentences answer
    timeout = timedelta(seconds=min(chosen.timeout, LONGEST_TIMEOUT.total_seconds()))
    model = LanguageModel(name=name, api_key=chosen.key, address=address, timeout=timeout, meter=meter)
    async with aclosing(model):
        yield model


@asynccontextmanager
async def open_answerer(settings: Settings, library: Library, *, use_llm: bool = True) -> AsyncIterator[Answerer]:
    """Open an answerer over the library, with the language model if it is configured and wanted.

    The usage and drafts of the model or plugin go to the store.
    """
    if not use_llm or not (settings.llm.enabled or settings.writer):
        yield make_answerer(settings.model_copy(update={"writer": None}), library, None)
        return
    async with open_store(settings) as store, open_model(settings, meter=make_meter(settings, store)) as model:
        yield make_answerer(settings, library, model, store)


def make_answerer(
    settings: Settings, library: Library, model: LanguageModel | None, store: Store | None = None
) -> Answerer:
    """Build an answerer over the library; a language model, if there is one, reads, writes and judges.

    A configured writer plugin writes in the model's place. With a store, drafts are stored for a day and not paid for
    again.
    """
    from bot.answering import Answerer
    from bot.answering.extractive import ExtractiveWriter
    from bot.answering.reading.language_detection import keep_tables_in

    keep_tables_in(settings.data_dir / MODELS)
    meter = make_meter(settings, store) if store else None
    extractive, plugged = ExtractiveWriter(), make_plugin_writer(settings, meter)
    if model is None:
        return Answerer(library, extractive, plugged)
    from bot.answering.cached import CachedWriter
    from bot.answering.judge import Judge
    from bot.answering.llm import LLMWriter
    from bot.answering.prompt import PROMPT_VERSION
    from bot.answering.rewrite import LLMRewriter
    from bot.answering.translation import LLMTranslator

    chosen = settings.llm
    llm = LLMWriter(model, prompt_tokens=chosen.prompt_tokens)
    recipe = "\n".join([model.name, chosen.base_url or "", str(chosen.prompt_tokens), str(PROMPT_VERSION)])
    writer = CachedWriter(llm, store.drafts, recipe) if store else llm
    judge = Judge(model) if chosen.judge else None
    return Answerer(library, extractive, plugged or writer, LLMRewriter(model), judge, LLMTranslator(model))


def make_plugin_writer(settings: Settings, meter: Meter | None = None) -> PluginWriter | None:
    """Load the configured writer plugin, None if there is none."""
    if settings.writer is None:
        return None
    from bot.answering.plugin_writer import PluginWriter
    from retrieval.plugin_loader import WRITERS, make_plugin

    return PluginWriter(settings.writer, make_plugin(WRITERS, settings.writer, settings, needs=("write",)), meter)


def make_editor(
    settings: Settings,
    library: FreshPapers,
    liked: Callable[[int], Awaitable[Mapping[str, float]]],
    model: LanguageModel | None,
) -> Editor:
    """Build an editor over the library, which has the language model write reasons if there is one."""
    from bot.digest import Editor
    from bot.digest.digest_text import ReasonWriter

    if model is None:
        return Editor(library, ReasonWriter(library.embedder), liked)
    from bot.answering.llm import LLMWriter

    llm = LLMWriter(model, prompt_tokens=settings.llm.prompt_tokens, purpose="digest")
    return Editor(library, ReasonWriter(library.embedder, llm), liked)


async def prepare_library(library: Library) -> None:
    """Make the library ready for questions: finish pending indexing, or ingest seeds/ if it is empty."""
    counts = await library.counts()
    if counts.papers and not (counts.pending or library.fault):
        return
    from bot.console import progress_bar
    from retrieval.sources import open_source

    with progress_bar("Indexing") as report:
        if counts.papers == 0:
            await library.add(open_source("seeds").papers, report)
        else:
            await library.index_pending(report)
