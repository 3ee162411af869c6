"""Bibliography: a paper as a readable reference, as a BibTeX entry, and as plain fields for every format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from retrieval.sources.identifiers import link_to
from retrieval.sources.record_authors import SUFFIX, given_first
from retrieval.text.importance import importance
from retrieval.text.text import clean, fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from retrieval.sources.fetched import Fetched

NAMED: Final = 6  # authors in a reference; more become "et al."
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_BETWEEN: Final = re.compile(r"[,;]")
_KEY: Final = re.compile(r"[^a-z0-9]+")
_AND: Final = re.compile(r"\sand\s|,", re.IGNORECASE)
# Braces must be written as commands, because BibTeX counts even escaped ones.
_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    | {sign: f"\\{sign}" for sign in "&%$#_"}
)
# Characters that URLs must percent-encode, and the semicolon, at which reference managers split URLs.
_IN_ADDRESS: Final = str.maketrans({sign: quote(sign) for sign in ' <>"{}|\\^`;'})

_IN_DOI: Final = str.maketrans({sign: quote(sign) for sign in "{}\\"})


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name in parts; a single word is the `family` name."""

    given: str
    family: str
    suffix: str = ""

    @classmethod
    def read(cls, written: str) -> Name:
        """Parse a name with the given name first; lower-case words before the last one belong to the family name."""
        parts = given_first(_line(written)).split()
        suffix = parts.pop() if len(parts) > 2 and SUFFIX.fullmatch(parts[-1]) else ""  # noqa: PLR2004
        end = len(parts) - 1
        while end > 1 and parts[end - 1].islower():
            end -= 1
        return cls(" ".join(parts[:end]), " ".join(parts[end:]), suffix)

    @property
    def family_first(self) -> str:
        """The name as reference managers write it: "King, Martin, Jr."."""
        return ", ".join(part for part in (self.family, self.given, self.suffix) if part)


@dataclass(frozen=True, slots=True)
class Cited:
    """The fields of a paper that reference formats need, as plain text.

    Attributes:
        paper_id: the paper's own id.
        title: without LaTeX, on one line.
        authors: given name first.
        published: the publication date.
        venue: the journal or conference.
        arxiv: its arXiv id, without version.
        doi: its DOI.
        url: its own URL, else the one at arXiv or of its DOI; never a search.
        abstract: without LaTeX, on one line.
        keywords: without commas or semicolons.
        category: its primary arXiv category.
    """

    paper_id: str
    title: str
    authors: tuple[str, ...]
    published: dt.date | None
    venue: str
    arxiv: str
    doi: str
    url: str
    abstract: str
    keywords: tuple[str, ...]
    category: str

    @classmethod
    def of(cls, details: Fetched) -> Cited:
        """The fields of a paper."""
        paper = details.paper
        arxiv, doi = id_of("arxiv", details.external_ids), id_of("doi", details.external_ids)
        given = [paper.url.translate(_IN_ADDRESS)] if paper.url else []
        return cls(
            paper_id=paper.paper_id,
            title=_line(paper.title),
            authors=tuple(name for author in details.authors if (name := given_first(_line(author)))),
            published=paper.published,
            venue=_line(details.venue or ""),
            arxiv=arxiv,
            doi=doi,
            url=link_to(given, arxiv or None, doi.translate(_IN_ADDRESS) or None) or "",
            abstract=_line(paper.abstract),
            keywords=tuple(word for keyword in details.keywords if (word := _line(_BETWEEN.sub(" ", keyword)))),
            category=details.categories[0] if details.categories else "",
        )


def line(details: Fetched) -> str:
    """A readable reference: authors, year, title, venue, link."""
    return " ".join(part for part in (words(details), Cited.of(details).url) if part)


def words(details: Fetched) -> str:
    """A readable reference without the link: authors, year, title, venue."""
    paper = Cited.of(details)
    year = f"({paper.published.year})" if paper.published else "(n.d.)"
    named = ", ".join(paper.authors[:NAMED]) + (" et al." if len(paper.authors) > NAMED else "")
    venue = paper.venue or (f"arXiv:{paper.arxiv}" if paper.arxiv else "")
    parts = (_ended(f"{named} {year}".strip()), _ended(paper.title), _ended(venue))
    return " ".join(part for part in parts if part)


def bibtex(details: Fetched, key: str | None = None, *, abstract: bool = True) -> str:
    """A BibTeX entry, which BibLaTeX reads too; in UTF-8, accents are not converted to LaTeX."""
    from bibtexparser.library import Library
    from bibtexparser.model import Entry, Field
    from bibtexparser.writer import BibtexFormat, write

    paper = Cited.of(details)
    form = BibtexFormat()
    form.indent = "  "
    known = {name: value for name, value in _fields(paper).items() if value and (abstract or name != "abstract")}
    fields = [Field(name, value) for name, value in known.items()]
    entry = Entry("article" if paper.venue else "misc", key or key_of(details), fields)
    return write(Library([entry]), form).strip() + "\n"


def key_of(details: Fetched) -> str:
    """A citation key: the first author's surname, the year, and the first significant word of the title."""
    paper = Cited.of(details)
    family = Name.read(paper.authors[0]).family if paper.authors else ""
    telling = fold(paper.title).split()
    word = next((plain for title_word in telling if importance(title_word) >= 1 and (plain := _plain(title_word))), "")
    return f"{_plain(family)}{paper.published.year if paper.published else ''}{word}" or "paper"


class Keys:
    """Citation keys that are unique within a file."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, details: Fetched) -> str:
        """A key that is not taken yet: `key_of`, with a number appended if necessary."""
        key = key_of(details)
        while (count := self._given.get(key, 0)) > 0:
            self._given[key] = count + 1
            key = f"{key}-{count + 1}"
        self._given[key] = 1
        return key


def id_of(scheme: str, external_ids: Iterable[str]) -> str:
    """A paper's id of a scheme ("arxiv", "doi"); "" if it has none. DOIs that arXiv assigns do not count."""
    ids = (
        external_id.removeprefix(f"{scheme}:") for external_id in external_ids if external_id.startswith(f"{scheme}:")
    )
    return next((id_ for id_ in ids if not id_.startswith("10.48550/arxiv.")), "")


def _fields(paper: Cited) -> Mapping[str, str]:
    day = paper.published
    only_year = day is None or (day.month, day.day) == (1, 1)
    return {
        "title": _braced(paper.title),
        "author": f"{{{' and '.join(map(_author, paper.authors))}}}" if paper.authors else "",
        "journal": _braced(paper.venue),
        "year": f"{{{day.year}}}" if day else "",
        "month": "" if day is None or only_year else _MONTHS[day.month - 1],
        "day": "" if day is None or only_year or day.day == 1 else f"{{{day.day}}}",
        "eprint": f"{{{paper.arxiv}}}" if paper.arxiv else "",
        "archiveprefix": "{arXiv}" if paper.arxiv else "",
        "primaryclass": _braced(paper.category) if paper.arxiv else "",
        "doi": f"{{{paper.doi.translate(_IN_DOI)}}}" if paper.doi else "",
        "url": f"{{{paper.url}}}" if paper.url else "",
        "keywords": _braced(", ".join(paper.keywords)),
        "abstract": _braced(paper.abstract),
        # A paper without an id of its own is recognised by this one when it is imported again.
        "footnote-id": f"{{{paper.paper_id}}}" if paper.paper_id.startswith("title:") else "",
    }


def _braced(text: str) -> str:
    return f"{{{text.translate(_ESCAPES)}}}" if text else ""


def _author(name: str) -> str:
    """A name, in braces if BibTeX would split it into several."""
    written = name.translate(_ESCAPES)
    return f"{{{written}}}" if _AND.search(name) else written


def _ended(text: str) -> str:
    """Add a full stop unless the text ends a sentence already."""
    return text if not text or text.endswith((".", "?", "!", "…")) else f"{text}."


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _plain(word: str) -> str:
    return _KEY.sub("", fold(word))
