"""Stand-ins for what digests need: a shelf of papers, a board that remembers nonces as Discord does, a clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.digest.digest_text import ReasonWriter
from bot.digest.editor import Editor
from bot.digest.poster import GoneError, UnavailableError
from bot.digest.subscription_editor import subscribe
from retrieval.catalogue.records import Fresh
from retrieval.papers import Evidence, Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from typing import Unpack

    from numpy.typing import NDArray

    from bot.digest.digest import Digest
    from bot.store import PlaceKind, Posted, Store, Subscription
    from tests.papers import Facts

NOW = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
OWNER, SERVER, CHANNEL = 2**61 + 1, 2**61 + 100, 2**61 + 200
NONCE_MEMORY = timedelta(minutes=3)


class WordVectors:
    """Embed texts by their words alone: texts that share words are near each other."""

    model = "all-MiniLM-L6-v2"  # its calibration suits these cosines well enough
    dimensions = 128
    max_tokens = 256

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[hashlib.sha256(word.strip(".,").encode()).digest()[0] % self.dimensions] += 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    async def close(self) -> None:
        pass


def fresh(
    number: int,
    about: str,
    at: datetime,
    *,
    ids: tuple[str, ...] = (),
    sources: tuple[str, ...] = ("arxiv",),
    **known: Unpack[Facts],
) -> Fresh:
    paper_id = f"arxiv:2603.{number:05}"
    abstract = f"Much is unknown. We propose a way of {about} that helps in {about}. It works in case {number}."
    paper = Paper(
        paper_id, f"On {about} ({number})", abstract, sources[0], f"https://arxiv.org/abs/{number}", at.date()
    )
    return Fresh(paper_id, at, Fetched(paper, external_ids=(paper_id, *ids), **known), sources)


@dataclass
class Shelf:
    """Hold fresh papers, as the library does."""

    papers: list[Fresh] = field(default_factory=list)
    embedder: WordVectors = field(default_factory=WordVectors)

    def add(self, *papers: Fresh) -> None:
        self.papers += papers

    async def fresh(self, after: datetime, before: datetime, since: date | None = None) -> list[Fresh]:
        arrived = [paper for paper in self.papers if after < paper.added_at <= before]
        days = [each.details.listed or each.details.paper.published for each in arrived]
        return [each for each, day in zip(arrived, days, strict=True) if not (since and day and day < since)]

    async def evidence(self, query: str, paper_ids: Iterable[str]) -> dict[str, Evidence]:
        """Weigh papers by shared words alone, as these vectors know nothing else."""
        (topic,) = await self.embedder.embed([query])
        words = set(query.lower().split())
        texts = {each.paper_id: each.details.paper for each in self.papers}
        shares = {each: len(words & set(texts[each].abstract.lower().split())) / len(words) for each in paper_ids}
        vectors = await self.vectors(shares)
        cosines = {each: float(vector @ topic) for each, vector in vectors.items()}
        return {
            each: Evidence(cosines[each], cosines[each], share, share, share, share) for each, share in shares.items()
        }

    async def vectors(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        wanted = set(paper_ids)
        known = [paper.details.paper for paper in self.papers if paper.paper_id in wanted]
        rows = await self.embedder.embed([f"{paper.title} {paper.abstract}" for paper in known])
        return {paper.paper_id: row for paper, row in zip(known, rows, strict=True)}


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Shown:
    place_id: int
    nonce: str
    digest: Digest
    at: datetime
    message_id: int
    papers: list[str]


@dataclass
class Board:
    """Show posts, `room` papers per message; a nonce that is posted again while remembered shows nothing new.

    `faults` has what the next calls do instead: raise an error before anything is shown, or show it and lose the
    reply ("lost").
    """

    clock: Clock
    room: int = 15
    posted: list[Shown] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    faults: list[BaseException | str | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def post(
        self, subscription: Subscription, digest: Digest, *, nonce: str, posted: Posted
    ) -> AsyncGenerator[Posted]:
        titles = [entry.paper.title for entry in digest.entries]
        while not posted.message_ids or sum(posted.papers) < len(titles):
            self.calls.append("post")
            fault = self._fault()
            own = self._nonce(nonce, posted)
            papers = titles[sum(posted.papers) :][: self.room]
            for each in self.posted:
                if each.nonce == own and self.clock.now - each.at < NONCE_MEMORY:
                    break
            else:
                each = Shown(subscription.place_id, own, digest, self.clock.now, len(self.posted) + 1, papers)
                self.posted.append(each)
            if isinstance(fault, str):
                raise UnavailableError("The reply was lost.")
            posted = posted.plus(each.message_id, len(papers))
            yield posted

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime, posted: Posted) -> Posted:
        self.calls.append("find")
        self._fault()
        own = self._nonce(nonce, posted)
        for each in self.posted:
            if each.place_id == subscription.place_id and each.at >= since and each.nonce == own:
                return posted.plus(each.message_id, len(each.papers))
        return posted

    @staticmethod
    def _nonce(nonce: str, posted: Posted) -> str:
        return f"{nonce}{len(posted.message_ids) or ''}"

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        self._fault()
        assert nonce
        self.told.append((owner_id, sentence))

    def titles(self, place_id: int = CHANNEL) -> list[list[str]]:
        return [each.papers for each in self.posted if each.place_id == place_id]

    def _fault(self) -> BaseException | str | None:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, BaseException):
            raise fault
        return fault


def away(retry_after: timedelta | None = None) -> UnavailableError:
    return UnavailableError("Discord is away.", retry_after)


def gone() -> GoneError:
    return GoneError("I may not write in that channel any more.")


def editor(shelf: Shelf, store: Store) -> Editor:
    return Editor(shelf, ReasonWriter(shelf.embedder), store.feedback.liked)


def subscription(
    *,
    kind: PlaceKind = "channel",
    place_id: int = CHANNEL,
    guild_id: int | None = SERVER,
    topics: Iterable[str] = ("walking robots",),
    hour: int = 8,
    zone: str = "UTC",
    now: datetime = NOW - timedelta(hours=12),
    **chosen: Any,
) -> Subscription:
    """Make a daily subscription for 8:00 UTC, ordered the day before and due at NOW."""
    return subscribe(
        kind=kind,
        place_id=place_id,
        guild_id=guild_id,
        owner_id=OWNER,
        topics=topics,
        hour=hour,
        zone=zone,
        now=now,
        **chosen,
    )
