"""The API for plugins: sources, embedding models and writers that live in packages of their own.

docs/extending.md shows one of each. The names exported here are stable.
"""

from __future__ import annotations

from bot.answering import AnswerWriter
from bot.answering.answer import Draft, Support
from bot.answering.evidence.selection import Chosen, Selection
from bot.errors import WriterError
from bot.llm import Usage
from bot.settings import EmbeddingSettings, Settings
from retrieval import EmbeddingError, Fetched, Paper
from retrieval.embedding import Embedder
from retrieval.papers import identify
from retrieval.sources.fetched import Cursor, OnlineSource, Page, SourceError, identities
from retrieval.sources.limiter import Service
from retrieval.sources.web import Reply, Web

__all__ = [
    "AnswerWriter",
    "Chosen",
    "Cursor",
    "Draft",
    "Embedder",
    "EmbeddingError",
    "EmbeddingSettings",
    "Fetched",
    "OnlineSource",
    "Page",
    "Paper",
    "Reply",
    "Selection",
    "Service",
    "Settings",
    "SourceError",
    "Support",
    "Usage",
    "Web",
    "WriterError",
    "identify",
    "identities",
]
