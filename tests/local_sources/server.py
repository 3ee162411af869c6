"""Serve daily papers, arXiv's API and feeds over a real socket."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web

from . import atom, daily

if TYPE_CHECKING:
    from .clock import LocalClock
    from .faults import Fault
    from .papers import LocalPaper

MOST_OF_A_SLICE = 2000


@dataclass(frozen=True)
class Request:
    """A request as it came, and the time on the clock at that moment."""

    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    at: float | None = None


class LocalSources:
    """All three kinds of service on one port of 127.0.0.1.

    Attributes:
        base_url: the endpoint of Hugging Face and of arXiv.
        lists: Hugging Face's papers by day; a day that is missing is empty.
        submitted: for a day's list, the day on which its papers say they were submitted, if that is another one.
        arxiv: what arXiv's API holds, in any order.
        feeds: documents and their types by path, as in {"/feed.xml": ("<rss…", "application/rss+xml")}.
        files: other documents by path, such as arXiv's under "/pdf/2401.00001" and "/html/2401.00001".
        today: the last day for which Hugging Face has a list; later ones are refused.
        requests: all requests so far.
        arrived: set once the first request has come.
    """

    def __init__(self, today: dt.date = dt.date(2026, 11, 20), clock: LocalClock | None = None) -> None:
        self.base_url = ""
        self.today = today
        self.lists: dict[dt.date, list[LocalPaper]] = {}
        self.submitted: dict[dt.date, dt.date] = {}
        self.arxiv: list[LocalPaper] = []
        self.feeds: dict[str, tuple[str, str]] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.arrived = asyncio.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._clock = clock
        self._faults: deque[Fault | None] = deque()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        assert self._runner
        await self._runner.cleanup()

    def next(self, *faults: Fault | None, times: int = 1) -> None:
        """Plan how the next requests are answered; None stands for the right reply."""
        self._faults.extend(fault for _ in range(times) for fault in faults)

    def asked(self, path: str) -> list[Request]:
        """List the requests for a path so far."""
        return [request for request in self.requests if request.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        at = self._clock.monotonic() if self._clock else None
        self.requests.append(Request(request.path, dict(request.query), dict(request.headers), at))
        self.arrived.set()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)
            fault = self._faults.popleft() if self._faults else None
            good = self._good(request)
            if fault is None:
                return good
            body = good.body or b""
            assert isinstance(body, bytes)
            return await fault(request, body, good.content_type, self._closing.wait)
        finally:
            self._at_once -= 1

    def _good(self, request: web.Request) -> web.Response:
        if request.path == "/api/daily_papers":
            return self._daily(request)
        if request.path == "/api/query":
            return self._query(request)
        if request.path in self.feeds:
            return self._feed(request)
        if request.path in self.files:
            body = self.files[request.path]
            return web.Response(body=body, content_type="application/pdf" if body[:4] == b"%PDF" else "text/html")
        return web.Response(status=404, text="<html>Not found</html>", content_type="text/html")

    def _daily(self, request: web.Request) -> web.Response:
        try:
            day = dt.date.fromisoformat(request.query["date"])
        except ValueError:
            return web.json_response({"error": "Invalid date"}, status=400)
        if day > self.today:
            return web.json_response({"error": "Date is in the future"}, status=400)
        limit, page = int(request.query.get("limit", 50)), int(request.query.get("p", 0))
        papers = self.lists.get(day, [])[page * limit : (page + 1) * limit]
        return web.json_response([daily.item(paper, self.submitted.get(day, day)) for paper in papers])

    def _query(self, request: web.Request) -> web.Response:
        query = request.query
        start, size = int(query["start"]), min(int(query["max_results"]), MOST_OF_A_SLICE)
        by_update = query.get("sortBy") == "lastUpdatedDate"
        found = sorted(
            (
                paper
                for paper in self.arxiv
                if _matches(paper, query["search_query"]) and query.get("id_list", paper.arxiv_id) == paper.arxiv_id
            ),
            key=lambda paper: paper.updated if by_update else paper.published,
            reverse=query.get("sortOrder") == "descending",
        )
        body = atom.api([atom.entry(paper) for paper in found[start : start + size]], len(found), start)
        return web.Response(text=body, content_type="application/atom+xml")

    def _feed(self, request: web.Request) -> web.Response:
        body, content_type = self.feeds[request.path]
        etag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(text=body, content_type=content_type, headers={"ETag": etag})


def _matches(paper: LocalPaper, search: str) -> bool:
    """Read the part of arXiv's query language that is used here: categories joined by OR, words by AND."""
    if categories := re.findall(r"cat:([\w.*-]+)", search):
        return any(
            category == wanted or (wanted.endswith("*") and category.startswith(wanted[:-1]))
            for category in paper.categories
            for wanted in categories
        )
    text = f"{paper.title} {paper.abstract}".casefold()
    return all(word.casefold() in text for word in re.findall(r'all:"([^"]*)"', search))
