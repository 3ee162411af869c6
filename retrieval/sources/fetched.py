"""Fetched, Page and Cursor: what a source on the network yields, and the place from which to read on."""

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
    """Say what a source did wrong; `temporary` ones may be gone when the source is asked again."""

    def __init__(self, sentence: str, *, temporary: bool = False) -> None:
        super().__init__(sentence)
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Fetched:
    """Hold a paper with what its source knows beside title and abstract; None and () where it does not say.

    Attributes:
        paper: the paper; its abstract is empty where the source gives none.
        upvotes: votes on Hugging Face, 0 or more.
        code_url: an https or http address of the paper's code.
        keywords: the source's own words for what the paper is about.
        version: arXiv's version of this text, from 1.
        withdrawn: whether the authors or arXiv have taken the paper back.
        updated: when this version was made, in UTC.
        external_ids: every id in the form of `identify` under which another source may know the paper, the
            paper's own first.
        authors: names, in order.
        categories: arXiv categories, the primary one first.
        listed: the day of the Hugging Face list that the paper was on.
        announce_type: arXiv's "new", "cross", "replace" or "replace-cross", from its feeds.
        venue: the journal, the conference or the book that the paper is in.
        raw_title: the title with the markup that the source wrote it in, which the paper's has not.
        raw_abstract: the same of the abstract.
        full_text: the text beside the abstract, which the catalogue keeps apart.
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
    """Hold how far a source has been read; stored with a page's papers, it lets the next reading go on there.

    Attributes:
        complete: whether the reading came to its end; if not, the next one resumes it.
        position: Hugging Face: pages of `day` already read; arXiv: results already read.
        day: Hugging Face: the list to read next.
        began: arXiv: when the reading began.
        since: arXiv: how far back in time it goes; None for all that there is.
        newest: the newest date that the source has shown, for "last fresh".
        etag: a feed's own mark of what it last sent.
        modified: the same as a date in HTTP's form.
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
        """Return the cursor as a line of JSON."""
        from pydantic import TypeAdapter

        return TypeAdapter(Cursor).dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def load(cls, line: str) -> Cursor:
        """Return the cursor that `dump` wrote; raises SourceError for anything else."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(line)
        except ValidationError as error:
            raise SourceError(
                "The place where a source was left cannot be read; forget it, and the source is read from its start."
            ) from error


@dataclass(frozen=True, slots=True)
class Page:
    """Hold papers that came in one answer and the cursor after them: store both, or neither.

    Attributes:
        papers: may be empty.
        cursor: goes on after these papers.
        share: how much of the reading is done, 0..1; an estimate.
        notice: a sentence that people should know, such as that there is nothing new.
    """

    papers: tuple[Fetched, ...]
    cursor: Cursor
    share: float
    notice: str | None = None


class OnlineSource(Protocol):
    """Read papers from the network."""

    @property
    def name(self) -> str:
        """Return the source as a user writes it."""
        ...

    def pages(self, cursor: Cursor | None = None) -> AsyncIterator[Page]:
        """Yield pages from where a cursor stands, or from the start; at least one, the last one complete.

        Raises SourceError; what was yielded before it stays good, and the last cursor resumes after it.
        """
        ...


def identities(title: str, *, arxiv_id: str | None = None, doi: str | None = None) -> tuple[str, ...]:
    """Return every id that the paper may go under, that of `identify` first."""
    known = (
        identify(title, arxiv_id=arxiv_id, doi=doi),
        identify(title, doi=doi),
        identify(title),
    )
    return tuple(dict.fromkeys(known))
