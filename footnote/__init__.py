"""Footnote as a library: papers in, cited answers out.

    from footnote import Library, answer

    with Library("my-papers") as library:
        library.ingest("seeds")
        print(answer("which papers train robots with language corrections?", library).text)

`AsyncLibrary` is the same for code that runs in an event loop. What is exported here is kept stable.
"""

from __future__ import annotations

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from footnote.asynchronous import AsyncLibrary
from footnote.synchronous import Library, answer
from retrieval.catalogue import Added, Counts
from retrieval.errors import FootnoteError
from retrieval.papers import Hit, Paper, Passage
from retrieval.sources.fetched import Fetched

__all__ = [
    "Added",
    "Answer",
    "AsyncLibrary",
    "Citation",
    "Counts",
    "Fetched",
    "FootnoteError",
    "Hit",
    "Library",
    "NearPaper",
    "Paper",
    "Passage",
    "Statement",
    "answer",
]
