"""Library: the same as AsyncLibrary for code without an event loop; one runs for it in a thread."""

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

    from bot.answering.answer import Answer
    from retrieval.catalogue import Added, Counts
    from retrieval.papers import Hit, Paper
    from retrieval.sources.fetched import Fetched


class Library:
    """Hold the papers of a folder, and answer from them; every method is AsyncLibrary's.

    Open it with `with`, or close it at the end.
    """

    def __init__(self, data_dir: str | Path | None = None, *, llm: bool = True) -> None:
        """Open the folder that holds all state, as AsyncLibrary does."""
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
        """Let go of the folder; closing twice does nothing."""
        self._opened.close()

    def ingest(self, *sources: str) -> Added:
        """Take papers in, and count them: "seeds", files, folders, or sources on the network."""
        return self._portal.call(self._library.ingest, *sources)

    def add(self, papers: Iterable[Paper | Fetched]) -> Added:
        """Take papers in that are at hand, and count them."""
        return self._portal.call(self._library.add, papers)

    def answer(self, question: str, history: Sequence[str | Answer] = ()) -> Answer:
        """Answer a question, each statement with citations whose quotes were checked, or refuse to."""
        return self._portal.call(self._library.answer, question, history)

    def search(
        self, query: str, *, limit: int = 10, since: dt.date | None = None, source: str | None = None
    ) -> list[Hit]:
        """Return up to `limit` papers for a query, the best first; since a day, or of one source."""
        return self._portal.call(partial(self._library.search, query, limit=limit, since=since, source=source))

    def get(self, paper: str) -> Paper | None:
        """Return the paper that an id or a link names, in whatever spelling, or None."""
        return self._portal.call(self._library.get, paper)

    def details(self, paper: str) -> Fetched | None:
        """Return all that is known of the paper that an id or a link names: authors, venue, other ids; or None."""
        return self._portal.call(self._library.details, paper)

    def similar(self, paper: str, *, limit: int = 10) -> list[Hit]:
        """Return up to `limit` other papers, the nearest first; none if the paper is not here."""
        return self._portal.call(partial(self._library.similar, paper, limit=limit))

    def papers(self, *, since: dt.date | None = None, source: str | None = None) -> list[str]:
        """Return the ids of all papers, the newest first; since a day, or of one source."""
        return self._portal.call(partial(self._library.papers, since=since, source=source))

    def export(self, form: str = "bibtex", papers: Sequence[str] | None = None) -> str:
        """Return papers by their ids, or all, as "bibtex", "ris", "csl", "csv" or "jsonl"."""
        return self._portal.call(self._library.export, form, papers)

    def counts(self) -> Counts:
        """Return how much the library holds."""
        return self._portal.call(self._library.counts)


def answer(question: str, library: Library | None = None, history: Sequence[str | Answer] = ()) -> Answer:
    """Answer a question from a library, or from the one that the settings name, which is opened for it alone."""
    if library is not None:
        return library.answer(question, history)
    with Library() as opened:
        return opened.answer(question, history)
