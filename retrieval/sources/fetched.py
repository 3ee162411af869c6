"""Fetched, Page and Cursor: what an online source yields, and where to read on."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  # pydantic reads the cursor's types at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from retrieval.errors import FootnoteError
from retrieval.papers import identify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from retrieval.fulltext.article import FullText
    from retrieval.papers import Paper


class SourceError(FootnoteError):
    """A failure of a source; a `temporary` one may be gone on the next try."""

    def __init__(self, sentence: str, *, temporary: bool = False) -> None:
        super().__init__(sentence)
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Fetched:
    """A paper with what its source knows besides title and abstract; None and () for what it does not say.

    Attributes:
        paper: the paper; its abstract is empty if the source gives none.
        upvotes: votes on Hugging Face, 0 or more.
        code_url: an https or http address of the paper's code.
        keywords: the source's own keywords for the paper.
        version: arXiv's version of this text, from 1.
        withdrawn: whether the authors or arXiv have withdrawn the paper.
        updated: when this version was made, in UTC.
        external_ids: every id in `identify`'s form under which other sources may know the paper, its own first.
        authors: names, in order.
        categories: arXiv categories, the primary one first.
        listed: the day of the Hugging Face list that has the paper.
        announce_type: arXiv's "new", "cross", "replace" or "replace-cross", from its feeds.
        venue: the journal, conference or book that the paper is in.
        raw_title: the title with the source's markup, which is removed from the paper's.
        raw_abstract: the abstract with the source's markup, likewise.
        full_text: the full text, which the catalogue stores separately.
    """

    paper: Paper
    upvotes: int | None = None
    code_url: str | None = None
    keywords: tuple[str, ...] = ()
    version: int | None = None
    withdrawn: bool = False
    updated: dt.datetime | None = None
    external_ids: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    listed: dt.date | None = None
    announce_type: str | None = None
    venue: str | None = None
    raw_title: str | None = None
    raw_abstract: str | None = None
    full_text: FullText | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read; it is stored with a page's papers, and the next reading goes on there.

    Attributes:
        complete: whether the reading has finished; if not, the next one resumes it.
        position: Hugging Face: pages of `day` already read; arXiv: results already read.
        day: Hugging Face: the list to read next.
        began: arXiv: when the reading began.
        since: arXiv: how far back it goes; None for no limit.
        newest: the newest date seen in the source, for "last fresh".
        etag: a feed's ETag.
        modified: a feed's Last-Modified header.
    """

    complete: bool = False
    position: int = 0
    day: dt.date | None = None
    began: dt.datetime | None = None
    since: dt.datetime | None = None
    newest: dt.datetime | None = None
    etag: str | None = None
    modified: str | None = None

    def dump(self) -> str:
        """The cursor as a line of JSON."""
        from pydantic import TypeAdapter

        return TypeAdapter(Cursor).dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def load(cls, line: str) -> Cursor:
        """Read what `dump` wrote; raises SourceError for anything else."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(line)
        except ValidationError as error:
            raise SourceError(
                "The stored position in a source cannot be read; once it is deleted, the source is read from its start."
            ) from error


@dataclass(frozen=True, slots=True)
class Page:
    """Papers from one answer and the cursor after them; store both or neither.

    Attributes:
        papers: may be empty.
        cursor: continues after these papers.
        share: how much of the reading is done, 0..1, as an estimate.
        notice: a sentence for people, such as that there is nothing new.
    """

    papers: tuple[Fetched, ...]
    cursor: Cursor
    share: float
    notice: str | None = None


class OnlineSource(Protocol):
    """A source on the network."""

    @property
    def name(self) -> str:
        """The source as a user writes it."""
        ...

    def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield pages from a cursor on, or from the start: at least one, the last one complete.

        Raises SourceError; pages yielded before it remain valid, and the last cursor resumes after them.
        """
        ...


def identities(title: str, *, arxiv_id: str | None = None, doi: str | None = None) -> tuple[str, ...]:
    """All ids that a paper may have, the one from `identify` first."""
    known = (
        identify(title, arxiv_id=arxiv_id, doi=doi),
        identify(title, doi=doi),
        identify(title),
    )
    return tuple(dict.fromkeys(known))
