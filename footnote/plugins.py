"""What a plugin is written with: a source, an embedding model or a writer in a package of its own.

docs/extending.md shows one of each; what is exported here is kept stable.
"""

from __future__ import annotations

from bot.answering.answer import Draft, Support
from bot.answering.evidence.selection import Chosen, Selection
from bot.answering.writer import AnswerWriter
from bot.errors import WriterError
from bot.llm.usage import Usage
from bot.settings import EmbeddingSettings, Settings
from retrieval.embedding import Embedder
from retrieval.errors import EmbeddingError
from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Cursor, Fetched, OnlineSource, Page, SourceError, identities
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
