"""References: ids and links of papers in a text, in every form that people paste.

This reads forms only, never meaning; resolver.py maps references to papers of the library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from retrieval.papers import identify

if TYPE_CHECKING:
    from collections.abc import Iterable

# https://arxiv.org/category_taxonomy, and the archives that were merged into it before 2007.
_ARCHIVES: Final = (
    "(?:acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga"
    "|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph"
    r"|q-alg|q-bio|quant-ph|solv-int|stat|supr-con)(?:\.[a-z]{2})?"
)
_MONTH: Final = "(?:0[1-9]|1[0-2])"
# Seven digits after the archive's name until March 2007, then YYMM with four digits, and with five since January 2015
# (https://info.arxiv.org/help/arxiv_identifier.html); hardly any other number looks like this.
_LIKELY_ID: Final = (
    rf"(?:(?:0[7-9]|1[0-4]){_MONTH}\.[0-9]{{4}}|(?:1[5-9]|[2-9][0-9]){_MONTH}\.[0-9]{{5}}"
    rf"|{_ARCHIVES}/(?:9[1-9]|0[0-7]){_MONTH}[0-9]{{3}})"
)
# After "arXiv:" a number is meant as an id, even if its month is impossible.
_MEANT_ID: Final = rf"(?:[0-9]{{4}}\.[0-9]{{4,5}}|{_ARCHIVES}/[0-9]{{7}})"
_VERSION: Final = r"(?:v[0-9]+)?"
_ENDS: Final = rf"{_VERSION}(?:\.pdf)?(?![a-z0-9%])(?!\.[0-9])"
_BEGINS: Final = r"(?<![a-z0-9.$€£¥])"
_ARXIV: Final = r"(?<![a-z0-9])(?:oai:arxiv\.org:|arxiv(?:\.org)?\s?[:#_/.-]?\s?)"
_SUBJECT: Final = r"(?:\s?\[[a-z-]+(?:\.[a-z-]+)?\])?"  # arXiv:2401.12345v2 [cs.CL], as printed on first pages

_DOI: Final = r"10\.[0-9]{4,9}/[-._;()/:a-z0-9+%]+"  # Crossref's pattern, which covers nearly all
# Only URL characters, because Chinese text follows without a space; no brackets, because they close Markdown links.
_REST_OF_ADDRESS: Final = r"[!#$%&()*+,./0-9:;=?@a-z_~-]+"
_HOST: Final = r"(?<![a-z0-9@./-])(?:[a-z0-9-]+\.)+[a-z]{2,}/"

_FORMS: Final = re.IGNORECASE | re.ASCII
_REFERENCE: Final = re.compile(
    rf"(?P<address>(?:https?://|{_HOST}){_REST_OF_ADDRESS})|{_BEGINS}(?:doi\s?:?\s?)?(?P<doi>{_DOI})"
    rf"|(?:{_ARXIV}(?P<meant>{_MEANT_ID})|{_BEGINS}(?P<likely>{_LIKELY_ID})){_ENDS}{_SUBJECT}"
    r"|(?<![a-z0-9])(?P<title>title:[0-9a-f]{16})(?![a-z0-9])",
    _FORMS,
)
_LIKELY_IN_ADDRESS: Final = re.compile(rf"{_BEGINS}({_LIKELY_ID}){_ENDS}", _FORMS)
_MEANT_IN_ADDRESS: Final = re.compile(rf"(?<![a-z0-9])({_MEANT_ID}){_ENDS}", _FORMS)
_DOI_IN_ADDRESS: Final = re.compile(rf"{_BEGINS}{_DOI}", _FORMS)
_DOI_OF_ARXIV: Final = re.compile(rf"10\.48550/arxiv\.({_MEANT_ID}){_VERSION}", _FORMS)
# What publishers append to the DOI in the URLs of their pages.
_PAGE: Final = re.compile(
    r"(?:(?<=[0-9])v[0-9]+)?(?:\.(?:full|abstract|full-text))?(?:\.pdf)?(?:/(?:e?pdf|full|abstract|html))?/?\Z", _FORMS
)
_SCHEME: Final = re.compile(r"\s*https?://", _FORMS)
# URLs of papers that mostly have no other id.
OPENREVIEW_ADDRESS: Final = re.compile(
    r"(?:https?://)?(?:www\.|api2?\.)?openreview\.net/(?:forum|pdf|attachment|notes|revisions)\?(?:[^#\s]*&)?id="
    r"(?P<id>[\w-]+)\S*",
    re.IGNORECASE,
)
# P19-1001 until 2019, 2020.acl-main.1 since then.
ACL_ADDRESS: Final = re.compile(
    r"(?:https?://)?(?:www\.)?(?:aclanthology\.org|aclweb\.org/anthology)/(?:\S*/)?"
    r"(?P<id>[A-Z]\d{2}-\d{4}|\d{4}\.[a-z0-9_]+-[a-z0-9_]+\.\d+)(?:v\d+)?(?:\.pdf|\.bib|\.xml)?/?(?:[?#]\S*)?",
    re.IGNORECASE,
)
_AFTER_ALL: Final = ".,;:!?*_~("


@dataclass(frozen=True, slots=True)
class Reference:
    """An id or a link in a text.

    Attributes:
        text: as written, without the punctuation around it.
        span: its (start, end) in the text.
        paper_id: the id, as made by `identify`; None for a link without an id, which may be a paper's own address.
    """

    text: str
    span: tuple[int, int]
    paper_id: str | None


def find_references(text: str) -> tuple[Reference, ...]:
    """Find the references in a text, in order; a link with several ids gives one for each."""
    return tuple(
        Reference(shown, (match.start(), match.start() + len(shown)), paper_id)
        for match in _REFERENCE.finditer(text)
        for shown, paper_id in _read(match)
    )


def address_key(address: str) -> str:
    """Normalise a URL: without scheme, fragment and "www.", host in lower case."""
    host, slash, path = _SCHEME.sub("", address, count=1).partition("#")[0].strip().partition("/")
    return (host.lower().removeprefix("www.") + slash + path).rstrip("/")


def spellings(paper_id: str) -> tuple[str, ...]:
    """All ids that sources may use for the same paper, the given one first."""
    scheme, _, name = paper_id.partition(":")
    if scheme != "arxiv":
        return (paper_id,)
    archive, slash, number = name.partition("/")
    plain = f"{archive.partition('.')[0]}/{number}" if slash else name  # arXiv itself drops the GT of math.GT/0309136
    return tuple(dict.fromkeys((paper_id, f"arxiv:{plain}", f"doi:10.48550/arxiv.{plain}")))


def _read(match: re.Match[str]) -> Iterable[tuple[str, str | None]]:
    if match["address"]:
        address = _without_punctuation(match[0])
        ids = _ids_in(address)
        return [(address, paper_id) for paper_id in ids] if ids else [(address, None)]
    if match["doi"]:
        paper_id = _doi_id(_without_punctuation(match["doi"]))
        return [(_without_punctuation(match[0]), paper_id)] if paper_id else []
    if match["title"]:
        return [(match[0], match["title"].lower())]
    return [(match[0], _arxiv_id(match["meant"] or match["likely"]))]


def _ids_in(address: str) -> list[str]:
    plain = unquote(address)
    if forum := OPENREVIEW_ADDRESS.fullmatch(plain):
        return [f"openreview:{forum['id']}"]
    if anthology := ACL_ADDRESS.fullmatch(plain):
        return [f"acl:{anthology['id'].lower()}"]
    if doi := _DOI_IN_ADDRESS.search(plain):
        own = "doi.org/" in plain[: doi.start()]
        paper_id = _doi_id(doi[0] if own else _PAGE.sub("", doi[0]))
        return [paper_id] if paper_id else []
    host = _SCHEME.sub("", plain, count=1).partition("/")[0].lower()
    pattern = _MEANT_IN_ADDRESS if "xiv" in host or host.startswith("ar5iv") else _LIKELY_IN_ADDRESS
    return list(dict.fromkeys(map(_arxiv_id, pattern.findall(plain))))


def _arxiv_id(written: str) -> str:
    archive, slash, number = written.partition("/")
    archive, dot, subject = archive.partition(".")
    known_as = f"{archive.lower()}{dot}{subject.upper()}/{number}" if slash else written
    return identify("", arxiv_id=known_as)


def _doi_id(written: str) -> str | None:
    if of_arxiv := _DOI_OF_ARXIV.fullmatch(written):
        return _arxiv_id(of_arxiv[1])
    return identify("", doi=written) if not written.endswith("/") else None


def _without_punctuation(text: str) -> str:
    """Strip the sentence's punctuation: an unmatched closing bracket with what follows it, and trailing stops."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            text = text[:position]
            break
    return text.rstrip(_AFTER_ALL)
