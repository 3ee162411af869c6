"""Put the parts together as the settings say: embedder, library, answerer."""

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

MODELS: Final = "models"  # in the data dir; made anew where it is deleted


async def make_embedder(settings: Settings) -> Embedder:
    """Return the embedding model that the settings name.

    Raises EmbeddingError where a server is needed and away, or wants a key that is not set, PluginError where a plugin
    cannot be loaded.
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
    """Open the library of the data dir, with `rebuild` its indexes to be made anew, and close it at the end."""
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
    """Open what the bot remembers of servers and people, and close it at the end."""
    from bot.store import Store

    retention = timedelta(days=settings.retention)
    store = await Store.open(settings.data_dir, settings.database_url, retention=retention)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_store_if_any(settings: Settings) -> AsyncIterator[Store | None]:
    """Open the store where there is one already, None where it is not or does not open; close it at the end."""
    from bot.store import FILE

    async with AsyncExitStack() as stack:
        store: Store | None = None
        if settings.database_url or (settings.data_dir / FILE).exists():
            with suppress(FootnoteError):
                store = await stack.enter_async_context(open_store(settings))
        yield store


def make_meter(settings: Settings, store: Store) -> StoreMeter:
    """Return what counts calls to the language model in the store, within the budgets that the settings name."""
    from bot.store import Budgets, StoreMeter

    chosen = settings.llm
    budgets = Budgets(chosen.tokens_per_day, chosen.tokens_per_server, chosen.tokens_per_person)
    return StoreMeter(store.usage, store.notices, budgets)


@asynccontextmanager
async def open_model(
    settings: Settings, *, use_llm: bool = True, meter: Meter | None = None
) -> AsyncIterator[LanguageModel | None]:
    """Give the language model that the settings name, None where none is set or wanted; close it at the end.

    Raises SettingsError where there is no API at the address, or no one model to take.
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
    model = LanguageModel(name=name, api_key=chosen.key, address=address, timeout=chosen.timeout, meter=meter)
    async with aclosing(model):
        yield model


@asynccontextmanager
async def open_answerer(settings: Settings, library: Library, *, use_llm: bool = True) -> AsyncIterator[Answerer]:
    """Give an answerer over the library, with the language model where one is set and wanted; close it at the end.

    What the model takes and writes goes to the settings' store.
    """
    if not use_llm or not settings.llm.enabled:
        own = settings if use_llm else settings.model_copy(update={"writer": None})
        yield make_answerer(own, library, None)
        return
    async with open_store(settings) as store, open_model(settings, meter=make_meter(settings, store)) as model:
        yield make_answerer(settings, library, model, store)


def make_answerer(
    settings: Settings, library: Library, model: LanguageModel | None, store: Store | None = None
) -> Answerer:
    """Return an answerer over the library, in which the language model reads, writes and judges where there is one.

    Where the settings name a plugin, that writes in the model's place. With a store, what the model wrote is kept there
    for a day, and not paid for again.
    """
    from bot.answering import Answerer
    from bot.answering.extractive import ExtractiveWriter
    from bot.answering.reading.language_detection import keep_tables_in

    keep_tables_in(settings.data_dir / MODELS)
    extractive, plugged = ExtractiveWriter(), make_plugin_writer(settings)
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


def make_plugin_writer(settings: Settings) -> PluginWriter | None:
    """Return the plugin that the settings name to write answers, None where they name none."""
    if settings.writer is None:
        return None
    from bot.answering.plugin_writer import PluginWriter
    from retrieval.plugin_loader import WRITERS, make_plugin

    return PluginWriter(settings.writer, make_plugin(WRITERS, settings.writer, settings, needs=("write",)))


def make_editor(
    settings: Settings,
    library: FreshPapers,
    liked: Callable[[int], Awaitable[Mapping[str, float]]],
    model: LanguageModel | None,
) -> Editor:
    """Return an editor over the library, whose reasons the language model writes where there is one."""
    from bot.digest import Editor
    from bot.digest.digest_text import ReasonWriter

    if model is None:
        return Editor(library, ReasonWriter(library.embedder), liked)
    from bot.answering.llm import LLMWriter

    llm = LLMWriter(model, prompt_tokens=settings.llm.prompt_tokens, purpose="digest")
    return Editor(library, ReasonWriter(library.embedder, llm), liked)


async def prepare_library(library: Library) -> None:
    """Make the library ready for questions: finish what waits to be indexed, or take in seeds/ if it is empty."""
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
