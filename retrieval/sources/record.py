"""Turn a record into a paper: find its ids, dates and authors, whatever its fields are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.papers import TITLE_ID, Paper, fingerprint
from retrieval.sources.dates import date_of
from retrieval.sources.fetched import Fetched, identities
from retrieval.sources.fields import address, code_link, is_withdrawn, moment, one_line, unwrap
from retrieval.sources.identifiers import arxiv_in, doi_in, link_to, venue_ids_in
from retrieval.sources.markup import has_markup, without_markup
from retrieval.sources.record_authors import people
from retrieval.sources.shapes import flattened
from retrieval.text.text import clean, sentences

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

LONGEST_TEXT: Final = 100_000
LONGEST_MADE_UP_TITLE: Final = 120

TITLES: Final = ("title", "display_name", "Title", "title_full")
TEXTS: Final = (
    "text",
    "abstract",
    "summary",
    "abstractText",
    "abstractNote",
    "paperAbstract",
    "Abstract",
    "description",
)
_IDS: Final = ("_id", "id", "entry_id", "paperId", "paper_id", "corpus_id", "corpusid", "key", "citation-key")
_ARXIV: Final = ("arxiv_id", "arxiv", "arxivId", "arXiv", "ArXiv", "eprint", "number")
_DOIS: Final = ("doi", "DOI", "Doi")
_LINKS: Final = ("url", "URL", "link", "Link", "landing_page_url", "pdf_url")
_DATES: Final = (
    "published",
    "date",
    "publicationDate",
    "publication_date",
    "publicationdate",
    "publishedAt",
    "published_at",
    "firstPublicationDate",
    "earliest_date",
    "issued",
)
_LATE_DATES: Final = ("pdate", "created", "tcdate", "cdate", "update_date", "updated", "submittedOnDailyAt")
_YEARS: Final = ("year", "publication_year", "pub_year", "publicationYear", "pubYear")
_AUTHORS: Final = ("authors_parsed", "authorships", "authorList", "authors", "author", "creators", "creator")
_VENUES: Final = (
    "venue",
    "container-title",
    "journal",
    "publicationTitle",
    "proceeding",
    "journal-ref",
    "journal_ref",
)
_NAMES: Final = ("name", "display_name", "title")
_READ: Final = frozenset((*TITLES, *TEXTS, *_IDS, *_ARXIV, *_DOIS, *_LINKS, *_DATES, *_LATE_DATES, *_YEARS, *_AUTHORS))
_LONG: Final = 200
_DAY: Final = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ].*)?")
_IMPOSSIBLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Made:
    """A paper, and notes about parts of its record that were dropped."""

    paper: Fetched
    notes: tuple[str, ...]


def make(fields: Mapping[str, Any], source: str, *, verbatim: bool = False) -> Made:
    """Make a paper from a record.

    If it has no title, as in some datasets, its first sentence serves as one, because papers are cited by title. A year
    or a month counts as its first day. A record's id that is an arXiv id counts as one.

    Args:
        fields: a record as parsed from JSON, in BEIR's form or in a service's.
        source: the paper's source.
        verbatim: leave markup in the text.

    Raises:
        BadInputError: says in a few words why it is not a paper.
    """
    notes: list[str] = []
    record = flattened(dict(fields))
    title, abstract, raw = _title_and_text(record, notes, verbatim=verbatim)
    own_id = _text(record, _IDS, notes)
    arxiv, doi = _ids(record)
    ids = identities(title, arxiv_id=arxiv and arxiv.number, doi=doi)
    links = [*_texts(record, _LINKS), *_nested(record, "primary_location", _LINKS)]
    beside = (_beside(title, own_id, abstract),) if len(ids) == 1 and own_id else ()
    authors = next((found for key in _AUTHORS if (found := people(record.get(key)))), ())
    paper = Paper(
        paper_id=ids[0],
        title=title,
        abstract=abstract,
        source=source,
        url=link_to(links, arxiv and arxiv.number, doi) or link_to(_texts(record, _IDS[:3]), None, None),
        published=_published(record, notes),
    )
    comment = one_line(" ".join(_texts(record, ("comments", "comment"))))
    fetched = Fetched(
        paper,
        upvotes=_votes(record.get("upvotes")),
        code_url=next(filter(None, map(address, _texts(record, ("githubRepo", "code_url")))), None)
        or code_link(comment, abstract),
        keywords=_terms(record.get("keywords") or record.get("keyword")),
        version=_version(record) or (arxiv.version if arxiv else None),
        withdrawn=is_withdrawn(comment, abstract),
        updated=_updated(record),
        external_ids=(*ids, *beside, *venue_ids_in(links)),
        authors=tuple(_IMPOSSIBLE.sub("", name) for name in authors),
        categories=categories_in(record.get("categories")),
        venue=_venue(record),
        raw_title=raw[0],
        raw_abstract=raw[1],
    )
    return Made(fetched, tuple(notes))


def _beside(title: str, own_id: str, abstract: str) -> str:
    """A second id for a paper known only by its title; one that Footnote gave it earlier stays."""
    return own_id if TITLE_ID.fullmatch(own_id) else fingerprint(title, own_id, abstract)


def own_id(fields: Mapping[str, Any]) -> str:
    """A record's id in its own file, "" if it has none; raises BadInputError if it is not text."""
    return _text(fields, _IDS[:2], [])


def unread(fields: Mapping[str, Any], made: Fetched) -> tuple[str, ...]:
    """Names of unread fields that look like what the paper lacks: an abstract, a date or an id."""
    paper = made.paper
    return tuple(
        key
        for key, value in fields.items()
        if key not in _READ
        and isinstance(value, str)
        and (
            (not paper.abstract and len(value) >= _LONG)
            or (paper.published is None and bool(_DAY.fullmatch(value.strip())))
            or (paper.paper_id.startswith("title:") and bool(arxiv_in([value]) or doi_in([value])))
        )
    )


def _title_and_text(
    record: Mapping[str, Any], notes: list[str], *, verbatim: bool
) -> tuple[str, str, tuple[str | None, str | None]]:
    """Title, abstract, and each of them with its markup if that was removed."""
    title = " ".join(_text(record, TITLES, notes).split())
    abstract = _text(record, TEXTS, notes).strip()
    if len(title) + len(abstract) > LONGEST_TEXT:
        raise BadInputError(f"title and text are longer than {LONGEST_TEXT:,} characters")
    raw = (None, None) if verbatim else (_marked_up(title), _marked_up(abstract))
    if not verbatim:
        title = one_line(without_markup(title)) if raw[0] else title
        abstract = unwrap(without_markup(abstract)) if raw[1] else abstract
        if "authors_parsed" in record:  # arXiv's snapshot is hard-wrapped
            abstract = unwrap(abstract)
    if not clean(title):
        title = _first_sentence(abstract)
    if not title:
        others = ", ".join(f'"{key}"' for key in list(record)[:6])
        raise BadInputError(f'"title" and "text" are missing or empty{f" (it has {others})" if others else ""}')
    return title, abstract, raw


def _marked_up(text: str) -> str | None:
    return text if has_markup(text) else None


def _first_sentence(text: str) -> str:
    sentence = next((clean(text[start:end]) for start, end in sentences(text)), "")
    if len(sentence) <= LONGEST_MADE_UP_TITLE:
        return sentence
    return sentence[:LONGEST_MADE_UP_TITLE].rpartition(" ")[0] + "…"


def _text(record: Mapping[str, Any], names: Iterable[str], notes: list[str]) -> str:
    """The first field that is not empty; a whole number counts as text, and so does a list of one text."""
    for name in names:
        value = record.get(name)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        if value is None or value in ("", []):
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise BadInputError(f'"{name}" is not text')
        if _IMPOSSIBLE.search(value):
            notes.append(f'"{name}" holds half a character or a null character')
            value = _IMPOSSIBLE.sub("", value)
        return value
    return ""


def _texts(record: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    values = (record.get(name) for name in names)
    lists = (value if isinstance(value, list) else [value] for value in values)
    return [_IMPOSSIBLE.sub("", item) for values in lists for item in values if isinstance(item, str) and item.strip()]


def _nested(record: Mapping[str, Any], key: str, names: Iterable[str]) -> list[str]:
    inner = record.get(key)
    return _texts(inner, names) if isinstance(inner, dict) else []


def _ids(record: Mapping[str, Any]) -> tuple[Any, str | None]:
    outside = [
        text for key in ("externalIds", "externalids", "ids") for text in _nested(record, key, (*_ARXIV, *_DOIS))
    ]
    texts = [*_texts(record, (*_ARXIV, *_IDS, *_DOIS, *_LINKS)), *outside]
    return arxiv_in(texts), doi_in([*_texts(record, _DOIS), *outside, *_texts(record, (*_IDS, *_LINKS))])


def _published(record: Mapping[str, Any], notes: list[str]) -> dt.date | None:
    versions = record.get("versions")
    if isinstance(versions, list) and versions and isinstance(versions[0], dict):
        record = {**record, "created": versions[0].get("created") or record.get("created")}
    wrong = ""
    for name in (*_DATES, *_LATE_DATES[:2], *_YEARS, *_LATE_DATES[2:]):
        value = record.get(name)
        if value is None or value == "":
            continue
        if day := date_of(value) or date_of(_with_year(value, record)):
            return day
        if name in _DATES and isinstance(value, str) and value.strip():
            wrong = wrong or value.strip()
    if wrong:
        notes.append(f'the date "{one_line(wrong)[:40]}" is not like 2024-05-31')
    return None


def _with_year(value: Any, record: Mapping[str, Any]) -> str:  # noqa: ANN401
    """Add the year from its own field: Web of Science has "MAR 3" and "2018" separately."""
    year = next((str(record[key]) for key in _YEARS if record.get(key)), "")
    return f"{value} {year}" if isinstance(value, str) and year else ""


def _version(record: Mapping[str, Any]) -> int | None:
    versions = record.get("versions")
    last = versions[-1] if isinstance(versions, list) and versions else None
    name = last.get("version") if isinstance(last, dict) else None
    return int(name[1:]) if isinstance(name, str) and re.fullmatch(r"v[1-9]\d{0,3}", name) else None


def _updated(record: Mapping[str, Any]) -> dt.datetime | None:
    versions = record.get("versions")
    last = versions[-1] if isinstance(versions, list) and versions else None
    if isinstance(last, dict) and (day := date_of(last.get("created"))):
        return moment(day.isoformat())
    return moment(record.get("updated")) or moment(record.get("update_date"))


def _venue(record: Mapping[str, Any]) -> str | None:
    """Where a paper was published; services give this as text, as a list, or as an object with a name."""
    found = [*_texts(record, _VENUES), *(name for key in _VENUES for name in _nested(record, key, _NAMES))]
    if isinstance(location := record.get("primary_location"), dict):
        found += _nested(location, "source", _NAMES)
    return next((line for text in found if (line := one_line(without_markup(text)))), None)


def _votes(value: Any) -> int | None:  # noqa: ANN401
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1 << 31
    return value if whole else None


def _terms(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    if isinstance(value, list):
        found = [part for item in value if isinstance(item, str) for part in item.split(";")]
    else:
        found = re.split(r"[;,]", value) if isinstance(value, str) else []
    return tuple(dict.fromkeys(line for item in found if (line := one_line(item))))


def categories_in(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The categories in a field: a list, or text with blanks between them."""
    found = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(line for item in found if isinstance(item, str) and (line := one_line(item))))
