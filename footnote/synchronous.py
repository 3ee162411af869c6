"""Library: AsyncLibrary for synchronous code, on an event loop in a thread."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Self

from anyio.from_thread import start_blocking_portal

from footnote.asynchronous import AsyncLibrary

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    from bot.answering import Answer
    from retrieval import Added, Counts, Fetched, Hit, Paper


class Library:
    """A library of papers in a folder, and answers from it; every method is AsyncLibrary's.

    Use it in a `with` block, or call `close`.
    """

    def __init__(self, data_dir: str | Path | None = None, *, llm: bool = True) -> None:
        """Open the folder; the arguments are AsyncLibrary's."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            library = AsyncLibrary(data_dir, llm=llm)
            self._library = stack.enter_context(self._portal.wrap_async_context_manager(library))
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the folder; closing twice does nothing."""
        self._opened.close()

    def ingest(self, *sources: str) -> Added:
        """Ingest sources ("seeds", files, folders, online sources), and count the papers."""
        return self._portal.call(self._library.ingest, *sources)

    def add(self, papers: Iterable[Paper | Fetched]) -> Added:
        """Ingest papers that you already have, and count them."""
        return self._portal.call(self._library.add, papers)

    def answer(self, question: str, history: Sequence[str | Answer] = ()) -> Answer:
        """Answer a question with checked citations for each statement, or refuse."""
        return self._portal.call(self._library.answer, question, history)

    def search(
        self, query: str, *, limit: int = 10, since: dt.date | None = None, source: str | None = None
    ) -> list[Hit]:
        """Up to `limit` papers for a query, best first; optionally published since a day, or from one source."""
        return self._portal.call(partial(self._library.search, query, limit=limit, since=since, source=source))

    def get(self, paper: str) -> Paper | None:
        """Find a paper by an id or a link, in any spelling; None if it is not here."""
        return self._portal.call(self._library.get, paper)

    def details(self, paper: str) -> Fetched | None:
        """Everything known about a paper (authors, venue, other ids), by an id or a link; None if it is not here."""
        return self._portal.call(self._library.details, paper)

    def similar(self, paper: str, *, limit: int = 10) -> list[Hit]:
        """Up to `limit` similar papers, nearest first; empty if the paper is not here."""
        return self._portal.call(partial(self._library.similar, paper, limit=limit))

    def papers(self, *, since: dt.date | None = None, source: str | None = None) -> list[str]:
        """Ids of all papers, newest first; optionally published since a day, or from one source."""
        return self._portal.call(partial(self._library.papers, since=since, source=source))

    def export(self, form: str = "bibtex", papers: Sequence[str] | None = None) -> str:
        """Export all papers, or those with the given ids, as "bibtex", "ris", "csl", "csv" or "jsonl"."""
        return self._portal.call(self._library.export, form, papers)

    def counts(self) -> Counts:
        """Count the papers and chunks of the library."""
        return self._portal.call(self._library.counts)


def answer(question: str, library: Library | None = None, history: Sequence[str | Answer] = ()) -> Answer:
    """Answer a question from a library, by default the one in the settings, opened for this call only."""
    if library is not None:
        return library.answer(question, history)
    with Library() as opened:
        return opened.answer(question, history)
