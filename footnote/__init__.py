"""Footnote as a library: papers in, cited answers out.

    from footnote import Library, answer

    with Library("my-papers") as library:
        library.ingest("seeds")
        print(answer("which papers train robots with language corrections?", library).text)

`AsyncLibrary` is the same for async code. The names exported here are stable.
"""

from __future__ import annotations

from bot.answering import Answer, Citation, NearPaper, Statement
from footnote.asynchronous import AsyncLibrary
from footnote.synchronous import Library, answer
from retrieval import Added, Counts, Fetched, FootnoteError, Hit, Paper, Passage

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
