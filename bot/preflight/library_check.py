"""Check the library, its embedding model and its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.factory import make_embedder, open_library
from bot.fetcher import read_sources
from bot.invocation import command
from bot.preflight.check import Finding
from retrieval.sources.web import Web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bot.settings import Settings
    from retrieval import Library

PROBE = "Does the model answer?"
CHROMA_AWAY = "the Chroma server does not answer; make sure that it runs, and check FOOTNOTE_CHROMA__URL"


async def embedding_model(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether a text gets a vector."""
    embedder = await make_embedder(settings)
    try:
        vectors = await embedder.embed([PROBE])
    finally:
        await embedder.close()
    yield Finding("embedding model", ok=True, sentence=f"{embedder.model} gives {vectors.shape[1]} dimensions")


async def library(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the library opens and its indexes agree with the catalogue."""
    async with open_library(settings) as opened:
        yield await describe_library(opened, settings)


async def describe_library(library: Library, settings: Settings) -> Finding:
    """Make the finding about an open library: its size, or what its indexes lack."""
    counts = await library.counts()
    where = f"in {settings.data_dir}"
    if library.gaps.vectors:
        return Finding("library", ok=False, sentence=CHROMA_AWAY)
    if counts.papers == 0:
        return Finding(
            "library", ok=None, sentence=f"empty, {where}; `{command('ingest')}` or the first question fills it"
        )
    if fault := library.fault:
        sentence = f"{fault}; the next question, or `{command('rebuild')}`, rebuilds the indexes {where}"
        return Finding("library", ok=False, sentence=sentence)
    if counts.pending:
        sentence = f"{counts.pending} of {counts.papers} papers {where} wait to be indexed; run `{command('rebuild')}`"
        return Finding("library", ok=False, sentence=sentence)
    sentence = f"{counts.papers} papers, {counts.chunks} chunks {where}; indexes agree"
    return Finding("library", ok=True, sentence=sentence)


async def sources(settings: Settings) -> AsyncGenerator[Finding]:
    """Check whether the configured sources could be fetched, without fetching."""
    async with Web() as web:
        names = ", ".join(source.name for source in read_sources(settings, web))
    if not names:
        yield Finding("sources", ok=None, sentence="none are fetched; FOOTNOTE_FETCH__SOURCES names them")
        return
    yield Finding("sources", ok=True, sentence=f"{names}, every {settings.fetch.every} minutes while the bot runs")
