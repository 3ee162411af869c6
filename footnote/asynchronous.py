"""AsyncLibrary: the library of a data dir and what answers from it, for code that runs in an event loop."""

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
    """Hold the papers of a folder, and answer from them.

    Open it with `async with`; one process owns a folder at a time. Errors that a person may read are FootnoteErrors.
    """

    def __init__(self, data_dir: str | Path | None = None, *, llm: bool = True) -> None:
        """Name the folder that holds all state.

        Args:
            data_dir: made if it is not there; what FOOTNOTE_DATA_DIR says, else `.footnote`, if it is not given.
            llm: let the language model write answers where the settings (FOOTNOTE_LLM__…) name one.
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
            await papers.index_pending()  # what a process that was killed left to do
            self._settings, self._papers = settings, papers
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._papers = self._answerer = None
        await self._opened.aclose()

    async def ingest(self, *sources: str) -> Added:
        """Take papers in, and count them: "seeds", files, folders or sources on the network, as `footnote ingest` does.

        What cannot be read in a file is left out. Raises BadInputError where a source is none.
        """
        papers = self._open
        added = Added()
        async with Web() as web:
            for spec in sources:
                online = online_source(self._settings, spec, web)
                added += await (self._read(online) if online else papers.add(open_source(spec).papers))
        return added

    async def add(self, papers: Iterable[Paper | Fetched]) -> Added:
        """Take papers in that are at hand, and count them."""
        return await self._open.add(papers)

    async def answer(self, question: str, history: Sequence[str | Answer] = ()) -> Answer:
        """Answer a question, each statement with citations whose quotes were checked, or refuse to.

        `history` holds the earlier turns of a conversation, oldest first: answers, or bare questions.
        """
        _ = self._open
        assert self._answerer is not None
        return await self._answerer.answer(question, _turns(history))

    async def stream(self, question: str, history: Sequence[str | Answer] = ()) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, each statement only after its check; the last one is the whole."""
        _ = self._open
        assert self._answerer is not None
        async with aclosing(self._answerer.stream(question, _turns(history))) as snapshots:
            async for snapshot in snapshots:
                yield snapshot

    async def search(
        self, query: str, *, limit: int = 10, since: dt.date | None = None, source: str | None = None
    ) -> list[Hit]:
        """Return up to `limit` papers for a query, the best first; since a day, or of one source."""
        return await self._open.search(query, limit=limit, since=since, source=source)

    async def get(self, paper: str) -> Paper | None:
        """Return the paper that an id or a link names, in whatever spelling, or None."""
        return await self._open.find(paper)

    async def details(self, paper: str) -> Fetched | None:
        """Return all that is known of the paper that an id or a link names: authors, venue, other ids; or None."""
        found = await self._open.find(paper)
        return (await self._open.details([found.paper_id])).get(found.paper_id) if found else None

    async def similar(self, paper: str, *, limit: int = 10) -> list[Hit]:
        """Return up to `limit` other papers, the nearest first; none if the paper is not here."""
        found = await self._open.find(paper)
        return await self._open.similar(found.paper_id, limit=limit) if found else []

    async def papers(self, *, since: dt.date | None = None, source: str | None = None) -> list[str]:
        """Return the ids of all papers, the newest first; since a day, or of one source."""
        return await self._open.ids(since=since, source=source)

    async def export(self, form: str = "bibtex", papers: Sequence[str] | None = None) -> str:
        """Return papers by their ids, or all, as "bibtex", "ris", "csl", "csv" or "jsonl"."""
        pieces: list[str] = []
        await export(self._open, await self.papers() if papers is None else papers, form, pieces.append)
        return "".join(pieces)

    async def counts(self) -> Counts:
        """Return how much the library holds."""
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
