"""Ids and addresses in fields, however they are spelled: arXiv ids with versions, DOIs, links to the paper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from retrieval.papers import ARXIV_ID, DOI
from retrieval.references import find_references

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARXIV: Final = re.compile(
    r"(?:(?:https?://)?(?:[a-z]+\.)*arxiv\.org/(?:abs|pdf|html|format|src)/|oai:arxiv\.org:|arxiv\s?[:.]\s?"
    r"|(?:https?://(?:dx\.)?doi\.org/|doi:\s?)?10\.48550/arxiv\.)?"
    rf"(?P<id>{ARXIV_ID.pattern})(?:\.pdf)?(?:\s?\[[\w.-]+\])?/?",
    re.IGNORECASE,
)
_DOI_ADDRESS: Final = re.compile(rf"\s*(?:https?://(?:dx\.)?doi\.org/|doi:?\s*)?({DOI.pattern})", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s;<>\"{}|\\^`]+")
_VENUE_SCHEMES: Final = ("openreview:", "acl:")
# A search on some site is not a paper's own address.
_SEARCH: Final = re.compile(r"[?&](?:q|query|search|search_query|term)=|/search(?:[/?]|$)", re.IGNORECASE)
# Sites with pages about papers that are published elsewhere.
_ABOUT: Final = re.compile(
    r"https?://(?:[a-z]+\.)*(?:semanticscholar\.org|openalex\.org|scopus\.com|dimensions\.ai|lens\.org|dblp\.org"
    r"|webofscience\.com|adsabs\.harvard\.edu|inspirehep\.net)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An arXiv id without its version, and the version if one is given."""

    number: str
    version: int | None


def arxiv_in(texts: Iterable[str]) -> ArxivId | None:
    """The first arXiv id among the texts, in any spelling, with its version if any of them gives it."""
    found = (_ARXIV.fullmatch(unquote(text.strip())) for text in texts)
    ids = [_arxiv(match["id"]) for match in found if match]
    # The same id may also be given without its version.
    return max((id_ for id_ in ids if id_.number == ids[0].number), key=lambda id_: id_.version or 0, default=None)


def doi_in(texts: Iterable[str]) -> str | None:
    """The first DOI among the texts, plain or as a link."""
    found = (_DOI_ADDRESS.fullmatch(unquote(text.strip())) for text in texts)
    return next((match[1].rstrip(".,;") for match in found if match), None)


def link_to(given: Iterable[str], arxiv_id: str | None, doi: str | None) -> str | None:
    """A paper's address: its own, else arXiv's or the DOI's, else a page about it; None if there is none."""
    addresses = [match[0] for text in given if (match := _ADDRESS.match(text.strip())) and not _SEARCH.search(text)]
    own = [address for address in addresses if not _ABOUT.match(address)]
    by_id = [f"https://arxiv.org/abs/{arxiv_id}"] if arxiv_id else [f"https://doi.org/{doi}"] if doi else []
    return next(iter([*own, *by_id, *addresses]), None)


def venue_ids_in(links: Iterable[str]) -> tuple[str, ...]:
    """OpenReview and ACL Anthology ids in links."""
    ids = (reference.paper_id for link in links for reference in find_references(link))
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ and id_.startswith(_VENUE_SCHEMES)))


def _arxiv(written: str) -> ArxivId:
    number, _, version = written.lower().partition("v") if "/" not in written else _old(written)
    return ArxivId(number, int(version) if version else None)


def _old(written: str) -> tuple[str, str, str]:
    archive, _, rest = written.partition("/")
    name, dot, subject = archive.partition(".")
    number, mark, version = rest.lower().partition("v")
    return f"{name.lower()}{dot}{subject.upper()}/{number}", mark, version
