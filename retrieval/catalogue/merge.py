"""How a known paper changes when a source has it again; pure functions, no database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rapidfuzz.distance import Indel

from retrieval.papers import fingerprint, identify
from retrieval.references import address_key
from retrieval.sources.fetched import Fetched
from retrieval.text.names import Name
from retrieval.text.text import bare_words, fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from retrieval.papers import Paper

ARXIV, DOI, TITLE = "arxiv:", "doi:", "title:"
LONG_TITLE = 5  # words
ALIKE = 0.8  # share of the words of both texts, in order
TELLING_NOTHING = "?q="  # an address that only searches for the title


@dataclass(frozen=True, slots=True)
class Known:
    """A paper as the catalogue has it.

    Attributes:
        details: the paper with all facts, under the catalogue's id; `external_ids` are all of its ids.
        sources: every source that had it.
        withdrawn_by: the source that reported it withdrawn; None if it is not withdrawn.
        removed: whether it was removed from the library; what sources say about it is then ignored.
    """

    details: Fetched
    sources: frozenset[str]
    withdrawn_by: str | None
    removed: bool = False


def default_aliases(paper_id: str, title: str) -> tuple[str, ...]:
    """Ids of a paper of which only one is known: that id and, if `identify` made it, the title's.

    A dataset's own ids stay separate, even if papers have the same title.
    """
    return (
        tuple(dict.fromkeys((paper_id, identify(title)))) if paper_id.startswith((ARXIV, DOI, TITLE)) else (paper_id,)
    )


def as_fetched(paper: Paper | Fetched) -> Fetched:
    """A paper with all its ids, its own first."""
    fetched = paper if isinstance(paper, Fetched) else Fetched(paper)
    own = fetched.paper
    ids = (own.paper_id, *fetched.external_ids) if fetched.external_ids else default_aliases(own.paper_id, own.title)
    titles = {id_ for id_ in ids if id_.startswith(TITLE)}
    if own.paper_id == identify(own.title) and titles == {own.paper_id}:
        # A paper known only by its title is recognised by its other fields, even if they change in the catalogue.
        ids = (*ids, fingerprint(own.title, own.abstract, own.url or "", *fetched.authors))
    return replace(fetched, external_ids=tuple(dict.fromkeys(ids)))


def may_be_same(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two papers that share an id can be the same; different papers may share a title."""
    for scheme in (ARXIV, DOI):
        ids, others = ({id_ for id_ in known if id_.startswith(scheme)} for known in (one, other))
        if ids and others:
            return not ids.isdisjoint(others)
    return True


def apart(new: Fetched) -> Fetched:
    """Move a paper whose title id is taken to its other one, made from its row or its other fields."""
    title = identify(new.paper.title)
    own = next(
        (external_id for external_id in new.external_ids if external_id.startswith(TITLE) and external_id != title),
        None,
    )
    return replace(new, paper=replace(new.paper, paper_id=own)) if own and new.paper.paper_id == title else new


def same_title_alone(one: Fetched, other: Fetched) -> bool:
    """Whether the title is the only id that two papers share."""
    return not set(one.external_ids) & set(other.external_ids) - {identify(other.paper.title)}


def tell_the_same(known: Fetched, new: Fetched) -> bool:
    """Whether two papers with the same title are one, judged by abstracts, else authors, else links.

    Many papers are called "Erratum" or "Introduction". If the two have none of these in common, the length of the title
    decides: a long title belongs to one paper alone.
    """
    one, other = known.paper, new.paper
    if one.abstract and other.abstract:
        return _alike(one.abstract, other.abstract)
    if known.authors and new.authors:
        return not _surnames(known).isdisjoint(_surnames(new))
    if one.url and other.url and TELLING_NOTHING not in one.url + other.url:
        return address_key(one.url) == address_key(other.url)
    return len(bare_words(other.title)) >= LONG_TITLE


def begin(new: Fetched) -> Known:
    """A paper that was not known before."""
    return Known(new, frozenset({new.paper.source}), new.paper.source if new.withdrawn else None)


def join(known: Known, new: Fetched) -> Known:
    """Merge a known paper with what a source says of it now.

    The text, source, version and authors come from the newest version that has an abstract. A text without a version
    gives way to any version; of equal ones, the source that came first can still update its own. Missing facts are
    filled in; votes, code and keywords are always the latest.
    """
    old = known.details
    takes_over = _takes_over(old, new)
    first, second = (new, old) if takes_over else (old, new)
    withdrawn_by = _withdrawn_by(known, new)
    details = Fetched(
        paper=replace(
            first.paper,
            paper_id=old.paper.paper_id,
            url=_url(first, second),
            published=_published(first, second),
        ),
        upvotes=old.upvotes if new.upvotes is None else new.upvotes,
        code_url=new.code_url or old.code_url,
        keywords=new.keywords or old.keywords,
        version=first.version,
        withdrawn=withdrawn_by is not None,
        updated=first.updated or (second.updated if first.version == second.version else None),
        external_ids=tuple(dict.fromkeys((*old.external_ids, *new.external_ids))),
        authors=first.authors or second.authors,
        categories=first.categories or second.categories,
        listed=new.listed or old.listed,
        announce_type=new.announce_type or old.announce_type,
        venue=first.venue or second.venue,
        raw_title=first.raw_title,
        raw_abstract=first.raw_abstract,
    )
    return Known(details, known.sources | {new.paper.source}, withdrawn_by)


def unite(known: Known, double: Known) -> Known:
    """Merge two papers of the catalogue that turn out to be one, under the first one's id."""
    both = join(known, double.details)
    withdrawn_by = known.withdrawn_by or double.withdrawn_by
    return Known(
        replace(both.details, withdrawn=withdrawn_by is not None), known.sources | double.sources, withdrawn_by
    )


def _alike(one: str, other: str) -> bool:
    """Whether two texts are one in different wordings, or one is the beginning of the other."""
    words, others = bare_words(fold(one)), bare_words(fold(other))
    shorter, longer = sorted((words, others), key=len)
    return longer[: len(shorter)] == shorter or Indel.normalized_similarity(words, others) >= ALIKE


def _surnames(paper: Fetched) -> set[str]:
    return {names[0] for author in paper.authors if (names := Name.read(author).forms("surname"))}


def _url(first: Fetched, second: Fetched) -> str | None:
    """The first paper's address, or else the second's; one known only by its title comes last.

    The address of such a paper may be that of another text. A search for the title, which older libraries have for the
    papers that ship with Footnote, is not an address.
    """
    by_id = sorted((first, second), key=lambda record: all(known.startswith(TITLE) for known in record.external_ids))
    addresses = (record.paper.url for record in by_id)
    return next((url for url in addresses if url and TELLING_NOTHING not in url), None)


def _published(first: Fetched, second: Fetched) -> dt.date | None:
    """The first paper's date, or the second's if the first is only a year and the second a day in it."""
    day, other = first.paper.published, second.paper.published
    only_year = day and other and first.version is None and (day.month, day.day) == (1, 1) and day.year == other.year
    return other if only_year else day or other


def _takes_over(old: Fetched, new: Fetched) -> bool:
    if bool(old.paper.abstract) != bool(new.paper.abstract):
        return bool(new.paper.abstract)
    if _rank(old) != _rank(new):
        return _rank(new) > _rank(old)
    if old.paper.source != new.paper.source:
        return False
    return not (old.updated and new.updated and new.updated < old.updated)


def _withdrawn_by(known: Known, new: Fetched) -> str | None:
    """The source that says the paper is withdrawn; a later version, or that source, can take it back."""
    old, said_by, source = known.details, known.withdrawn_by, new.paper.source
    if new.withdrawn:
        return source if new.version is None or _rank(new) >= _rank(old) else said_by
    if _rank(new) > _rank(old) and (old.version is not None or said_by == source):
        return None
    # An entry without the version's time is from arXiv's feeds, which lack the comment that says so.
    knows = new.version is None or new.updated is not None
    return None if said_by == source and _rank(new) == _rank(old) and knows else said_by


def _rank(fetched: Fetched) -> int:
    return fetched.version or 0
