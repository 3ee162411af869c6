"""The editor: compose the digest that a subscription asks for from the library's fresh papers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from cachetools import LRUCache

from bot.digest import digest_text
from bot.digest.digest import Digest, Entry, Roundup
from bot.digest.map_renderer import draw
from bot.digest.matcher import match, matching_for
from bot.digest.roundup import FEWEST_PAPERS, MOST_PAPERS, make_map
from bot.digest.schedule import local_day
from bot.digest.selector import Candidate, choose, taste_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from bot.digest.digest_text import ReasonWriter
    from bot.store.domain import Subscription
    from retrieval import Evidence
    from retrieval.catalogue.records import Fresh
    from retrieval.embedding import Embedder

# A paper published longer ago than this is not news, whenever it was added.
NEWS: Final = timedelta(days=30)
# Sources that people ingest by hand, in bulk and at any time.
FROM_FILES: Final = frozenset({
    "acl", "bibtex", "csv", "doi", "endnote", "feed", "jats", "json", "jsonl", "medline", "oai", "openreview", "page",
    "parquet", "pubmed", "ris", "seeds", "wos",
})  # fmt: skip
# A pool reads at least this far back, so that subscriptions due at the same time share it; most look back one day.
READ_BACK: Final = timedelta(hours=36)
MATCHES_REMEMBERED: Final = 500  # entries, each of one topic and the papers of one day
ALT_CHARACTERS: Final = 1024  # Discord's limit


class FreshPapers(Protocol):
    """What an editor needs of the library."""

    @property
    def embedder(self) -> Embedder:
        """The model that made the vectors."""
        ...

    async def fresh(self, after: datetime, before: datetime, since: date | None = None) -> Sequence[Fresh]:
        """Papers first indexed in (after, before]; with `since`, none listed or published before that day."""
        ...

    async def evidence(self, query: str, paper_ids: Iterable[str]) -> Mapping[str, Evidence]:
        """The evidence of the best of these papers for a query, by the ids given."""
        ...

    async def vectors(self, paper_ids: Iterable[str]) -> Mapping[str, NDArray[np.float32]]:
        """The unit vectors of papers, by the ids given."""
        ...


@dataclass(frozen=True, slots=True)
class Pool:
    """The papers that a digest may choose from.

    Attributes:
        since: the papers were added after this time,
        until: and not after this one.
        papers: in the order in which they were added.
        vectors: unit vectors, one row per paper.
    """

    since: datetime
    until: datetime
    papers: tuple[Fresh, ...]
    vectors: NDArray[np.float32] = field(repr=False)

    def since_moment(self, since: datetime) -> list[int]:
        """The indices of the papers that were added after a time."""
        return [index for index, paper in enumerate(self.papers) if paper.added_at > since]


class Editor:
    """Compose digests; what was read from the library for one subscription is reused for the next.

    Args:
        library: the source of fresh papers.
        reasons: writes why a paper matters.
        liked: returns how much a server likes each paper, by paper id.
    """

    def __init__(
        self,
        library: FreshPapers,
        reasons: ReasonWriter,
        liked: Callable[[int], Awaitable[Mapping[str, float]]],
    ) -> None:
        self._library = library
        self._reasons = reasons
        self._liked = liked
        self._pool: Pool | None = None
        self._reading = asyncio.Lock()
        self._matches: LRUCache[tuple[str, tuple[str, ...]], Mapping[str, float]] = LRUCache(MATCHES_REMEMBERED)

    async def pool(self, since: datetime, until: datetime) -> Pool:
        """Read the papers that were added between two times; the pool may hold earlier ones too."""
        async with self._reading:
            pool = self._pool
            if pool is None or pool.until != until or pool.since > since:
                since = min(since, until - READ_BACK)
                papers = [
                    paper
                    for paper in await self._library.fresh(since, until, (until - NEWS).date())
                    if _is_news(paper, until)
                ]
                self._pool = pool = await self.gather(papers, since, until)
            return pool

    async def gather(self, papers: Sequence[Fresh], since: datetime, until: datetime) -> Pool:
        """Build a pool of papers, without those that are withdrawn, have no abstract or are not embedded."""
        papers = [paper for paper in papers if not paper.details.withdrawn and paper.details.paper.abstract.strip()]
        vectors = await self._library.vectors([paper.paper_id for paper in papers])
        known = tuple(
            sorted((paper for paper in papers if paper.paper_id in vectors), key=lambda paper: paper.added_at)
        )
        rows = np.stack([vectors[paper.paper_id] for paper in known]) if known else np.zeros((0, 1), np.float32)
        return Pool(since, until, known, rows)

    async def compose(
        self,
        subscription: Subscription,
        pool: Pool,
        since: datetime,
        *,
        day: date,
        shown: Collection[str] = (),
        weekly: bool = False,
    ) -> tuple[Digest, tuple[str, ...]]:
        """Compose a digest of the papers that were added after `since`, and list every id of its papers.

        Papers with an id in `shown` are left out. The text is in the current language.
        """
        wanted = [
            index
            for index in pool.since_moment(since)
            if _asked_for(pool.papers[index], subscription) and not shown_before(pool.papers[index], shown)
        ]
        topics = subscription.topics
        chosen, candidates = [], []
        if wanted:
            asked = tuple(pool.papers[index].paper_id for index in wanted)
            matches = [await self._match(topic, asked) for topic in topics]
            taste = await self._taste(subscription.guild_id)
            span = (pool.until - since).total_seconds() or 1.0
            candidates = [
                Candidate(
                    ids=ids_of(pool.papers[index]),
                    vector=pool.vectors[index],
                    matches=tuple(scores.get(pool.papers[index].paper_id, 0.0) for scores in matches),
                    upvotes=pool.papers[index].details.upvotes or 0,
                    freshness=(pool.papers[index].added_at - since).total_seconds() / span,
                )
                for index in wanted
            ]
            chosen = await asyncio.to_thread(choose, candidates, subscription.most, taste)
        details = [pool.papers[wanted[index]].details for index in chosen]
        named = [topics[candidates[index].topic] for index in chosen]
        reasons = await self._reasons.write([(t, d.paper) for t, d in zip(named, details, strict=True)])
        entries = tuple(
            Entry(d.paper, topic, reason.text, reason.quote, candidates[index].match, d.upvotes, d.code_url)
            for index, d, topic, reason in zip(chosen, details, named, reasons, strict=True)
        )
        news = [_is_dated(pool.papers[index]) and _is_news(pool.papers[index], pool.until) for index in wanted]
        new = all(news[index] for index in chosen) if chosen else all(news)
        digest = Digest(
            title=digest_text.title(topics, day, new=new),
            day=day,
            topics=topics,
            entries=entries,
            considered=len(wanted),
            note=digest_text.note(topics, len(wanted), len(entries), subscription.most, new=all(news)),
            hint=None if subscription.greeted else digest_text.hint(),
            weekly=weekly,
        )
        return digest, tuple(paper_id for index in chosen for paper_id in candidates[index].ids)

    async def draw(self, subscription: Subscription, pool: Pool, since: datetime, digest: Digest) -> Roundup | None:
        """Draw a map of the papers added after `since`, with a star on those in the digest; None if too few."""
        asked = [index for index in pool.since_moment(since) if _asked_for(pool.papers[index], subscription)][
            -MOST_PAPERS:
        ]
        if len(asked) < FEWEST_PAPERS:
            return None
        titles = [pool.papers[index].details.paper.title for index in asked]
        inside = {entry.paper.paper_id for entry in digest.entries}
        posted = [row for row, index in enumerate(asked) if pool.papers[index].paper_id in inside]
        days = [local_day(moment, subscription.zone) for moment in (since, pool.until)]
        caption = digest_text.map_title(len(asked), days[0], days[1])
        legend = digest_text.map_legend()

        def make() -> Roundup:
            chart = make_map(pool.vectors[asked], titles)
            names = [(cluster.name, len(cluster.members)) for cluster in chart.clusters]
            alt = digest_text.map_alt(caption, names)[:ALT_CHARACTERS]
            return Roundup(draw(chart, caption, posted, legend), alt, tuple(name for name, _ in names))

        return await asyncio.to_thread(make)

    async def _match(self, topic: str, paper_ids: tuple[str, ...]) -> Mapping[str, float]:
        """The probability that each paper is about a topic; papers that are not are left out."""
        found = self._matches.get((topic, paper_ids))
        if found is None:
            evidence = await self._library.evidence(topic, paper_ids)
            found = match(topic, evidence, matching_for(self._library.embedder.model))
            self._matches[topic, paper_ids] = found
        return found

    async def _taste(self, guild_id: int | None) -> NDArray[np.float32] | None:
        if guild_id is None:
            return None
        liked = await self._liked(guild_id)
        return taste_of(liked, await self._library.vectors(list(liked))) if liked else None


def ids_of(fresh: Fresh) -> tuple[str, ...]:
    """Every id of a paper, its own first."""
    return tuple(dict.fromkeys((fresh.paper_id, *fresh.details.external_ids)))


def shown_before(fresh: Fresh, shown: Collection[str]) -> bool:
    """Whether any id of a paper is in `shown`."""
    return any(paper_id in shown for paper_id in ids_of(fresh))


def day_of(fresh: Fresh) -> date:
    """The day on which a paper was listed; if unknown, published; if that is unknown too, added (UTC)."""
    return fresh.details.listed or fresh.details.paper.published or fresh.added_at.astimezone(UTC).date()


def _is_news(fresh: Fresh, until: datetime) -> bool:
    """Whether a paper may be new; one from a file that does not date it may be of any age, so it is not."""
    recent = day_of(fresh) >= (until - NEWS).date()
    return recent and (_is_dated(fresh) or not FROM_FILES.issuperset(fresh.sources))


def _is_dated(fresh: Fresh) -> bool:
    return (fresh.details.listed or fresh.details.paper.published) is not None


def _asked_for(fresh: Fresh, subscription: Subscription) -> bool:
    """Whether a paper is from the sources and categories that a subscription asks for."""
    of_source = not subscription.sources or not set(subscription.sources).isdisjoint(fresh.sources)
    wanted = subscription.categories
    return of_source and (not wanted or not set(wanted).isdisjoint(fresh.details.categories))
