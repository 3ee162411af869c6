"""AsyncLibrary: a library of papers that answers questions, for async code."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bot.answering import Exchange
from bot.factory import open_answerer, open_library
from bot.fetcher import online_source
from bot.settings import Settings
from retrieval import Added
from retrieval.export import export
from retrieval.sources import open_source
from retrieval.sources.web import Web

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from types import TracebackType

    from bot.answering import Answer, Answerer
    from retrieval import Counts, Fetched, Hit, Paper
    from retrieval import Library as Papers
    from retrieval.sources.fetched import OnlineSource


class AsyncLibrary:
    """A library of papers in a folder, and answers from it.

    Open it with `async with`; only one process can use a folder at a time. Errors meant for users are FootnoteErrors.
    """

    def __init__(self, data_dir: str | Path | None = None, *, llm: bool = True) -> None:
        """Choose the folder; it is opened by `async with`.

        Args:
            data_dir: created if missing; defaults to FOOTNOTE_DATA_DIR, then to `.footnote`.
            llm: let a language model write the answers if the settings (FOOTNOTE_LLM__…) name one.
        """
        self._data_dir = data_dir
        self._llm = llm
        self._opened = AsyncExitStack()
        self._papers: Papers | None = None
        self._answerer: Answerer | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = Settings.load(**({"data_dir": Path(self._data_dir)} if self._data_dir else {}))
            papers = await stack.enter_async_context(open_library(settings))
            self._answerer = await stack.enter_async_context(open_answerer(settings, papers, use_llm=self._llm))
            await papers.index_pending()  # left over by a process that was killed
            self._settings, self._papers = settings, papers
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._papers = self._answerer = None
        await self._opened.aclose()

    async def ingest(self, *sources: str) -> Added:
        """Ingest sources ("seeds", files, folders, online sources), like `footnote ingest`, and count the papers.

        Unreadable records of a file are skipped. Raises BadInputError for an unknown source.
        """
        papers = self._open
        added = Added()
        async with Web() as web:
            for spec in sources:
                online = online_source(self._settings, spec, web)
                added += await (self._read(online) if online else papers.add(open_source(spec).papers))
        return added

    async def add(self, papers: Iterable[Paper | Fetched]) -> Added:
        """Ingest papers that you already have, and count them."""
        return await self._open.add(papers)

    async def answer(self, question: str, history: Sequence[str | Answer] = ()) -> Answer:
        """Answer a question with checked citations for each statement, or refuse.

        `history` holds the earlier turns of the conversation, oldest first: answers or plain questions.
        """
        _ = self._open
        assert self._answerer is not None
        return await self._answerer.answer(question, _turns(history))

    async def stream(self, question: str, history: Sequence[str | Answer] = ()) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, statement by statement, each one checked; the last is the complete answer."""
        _ = self._open
        assert self._answerer is not None
        async with aclosing(self._answerer.stream(question, _turns(history))) as snapshots:
            async for snapshot in snapshots:
                yield snapshot

    async def search(
        self, query: str, *, limit: int = 10, since: dt.date | None = None, source: str | None = None
    ) -> list[Hit]:
        """Up to `limit` papers for a query, best first; optionally published since a day, or from one source."""
        return await self._open.search(query, limit=limit, since=since, source=source)

    async def get(self, paper: str) -> Paper | None:
        """Find a paper by an id or a link, in any spelling; None if it is not here."""
        return await self._open.find(paper)

    async def details(self, paper: str) -> Fetched | None:
        """Everything known about a paper (authors, venue, other ids), by an id or a link; None if it is not here."""
        found = await self._open.find(paper)
        return (await self._open.details([found.paper_id])).get(found.paper_id) if found else None

    async def similar(self, paper: str, *, limit: int = 10) -> list[Hit]:
        """Up to `limit` similar papers, nearest first; empty if the paper is not here."""
        found = await self._open.find(paper)
        return await self._open.similar(found.paper_id, limit=limit) if found else []

    async def papers(self, *, since: dt.date | None = None, source: str | None = None) -> list[str]:
        """Ids of all papers, newest first; optionally published since a day, or from one source."""
        return await self._open.ids(since=since, source=source)

    async def export(self, form: str = "bibtex", papers: Sequence[str] | None = None) -> str:
        """Export all papers, or those with the given ids, as "bibtex", "ris", "csl", "csv" or "jsonl"."""
        pieces: list[str] = []
        await export(self._open, await self.papers() if papers is None else papers, form, pieces.append)
        return "".join(pieces)

    async def counts(self) -> Counts:
        """Count the papers and chunks of the library."""
        return await self._open.counts()

    @property
    def _open(self) -> Papers:
        if self._papers is None:
            raise RuntimeError("the library is not open; use it inside a with block")
        return self._papers

    async def _read(self, source: OnlineSource) -> Added:
        papers, added = self._open, Added()
        async with aclosing(papers.ingest(source)) as pages:
            async for _, some in pages:
                added += some
        return added


def _turns(history: Sequence[str | Answer]) -> list[str | Exchange]:
    return [turn if isinstance(turn, str) else Exchange.of(turn) for turn in history]
