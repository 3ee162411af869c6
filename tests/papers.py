"""Narrow the papers of a source to the type that a test expects, and type the optional fields of fetched ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, TypeVar

from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from retrieval.fulltext.article import FullText


T = TypeVar("T", Paper, Fetched)


class Facts(TypedDict, total=False):
    """The fields of a Fetched besides its paper, its version and its ids."""

    upvotes: int | None
    code_url: str | None
    keywords: tuple[str, ...]
    withdrawn: bool
    updated: dt.datetime | None
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    listed: dt.date | None
    announce_type: str | None
    venue: str | None
    full_text: FullText | None


def plain(papers: Iterable[Paper | Fetched]) -> list[Paper]:
    """Assert that all papers are plain ones, as from a source with little more than titles and abstracts."""
    return [_of(Paper, paper) for paper in papers]


def fetched(papers: Iterable[Paper | Fetched]) -> list[Fetched]:
    """Assert that all papers are fetched ones, as from a source that says more about each."""
    return [_of(Fetched, paper) for paper in papers]


def _of(kind: type[T], paper: Paper | Fetched) -> T:
    assert isinstance(paper, kind), paper
    return paper
