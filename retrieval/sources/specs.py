"""Specs of online sources: huggingface, arxiv:cs.CL+cs.LG, arxiv:"words", a feed's address."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from retrieval.errors import BadInputError
from retrieval.sources.plugin_source import open_plugin_source

if TYPE_CHECKING:
    from retrieval.sources.arxiv import Arxiv
    from retrieval.sources.fetched import OnlineSource
    from retrieval.sources.web import Web

HUGGINGFACE, ARXIV = "huggingface", "arxiv"
ONE_PAPER = "a DOI, an arXiv id, a link to a paper at arXiv, doi.org, openreview.net or aclanthology.org"
ACCEPTED = (
    '"huggingface", "huggingface:2024-05-31", "huggingface:2024-05-27..2024-05-31", "arxiv:cs.CL+cs.LG", '
    '"arxiv:cs.CL:3" (days), "arxiv:\'words to find\'" or the http(s) address of a feed'
)
LONGEST_QUERY = 300
MOST_CATEGORIES = 20
MOST_DAYS = 3650

_ARCHIVES = (
    "astro-ph|cond-mat|cs|econ|eess|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|nlin|nucl-ex|nucl-th|physics|"
    "q-bio|q-fin|quant-ph|stat"
)
_WITH_DIVISIONS = frozenset(
    ("astro-ph", "cond-mat", "cs", "econ", "eess", "math", "nlin", "physics", "q-bio", "q-fin", "stat")
)
_CATEGORY = re.compile(rf"(?P<archive>{_ARCHIVES})(?:\.(?P<division>[a-z]+(?:-[a-z]+)?|\*))?", re.IGNORECASE)
_DAYS = re.compile(r"(?P<what>.*?)(?::(?P<days>\d+))?", re.DOTALL)
# arXiv's own query language: ti:transformer AND cat:cs.CL
_FIELD = re.compile(r"(?<!\w)(?:ti|au|abs|co|jr|cat|rn|id|all|submittedDate):\S")
_QUOTES = "\"'“”„«»‘’"


def open_online(spec: str, web: Web, *, huggingface_url: str, arxiv_url: str) -> OnlineSource | None:
    """The online source that a spec names, None if it names none; nothing is fetched yet.

    Raises BadInputError for a spec that begins like one but is malformed, and PluginError if a plugin cannot be loaded.
    """
    kind, colon, rest = spec.strip().partition(":")
    if kind == HUGGINGFACE:
        from retrieval.sources.huggingface import HuggingFaceDaily

        first, last = _days(rest) if colon else (None, None)
        return HuggingFaceDaily(web, huggingface_url, first, last)
    if kind == ARXIV:
        return _arxiv(spec.strip(), rest, web, arxiv_url)
    if kind.lower() in {"http", "https"}:
        from retrieval.sources.feed import Feed

        return Feed(web, _checked(spec.strip()))
    return open_plugin_source(spec.strip(), web)


def _days(given: str) -> tuple[dt.date, dt.date]:
    first, _, last = given.partition("..")
    try:
        return dt.date.fromisoformat(first.strip()), dt.date.fromisoformat((last or first).strip())
    except ValueError:
        raise BadInputError(
            f'"{given[:40]}" is no day or days of Hugging Face\'s lists; write huggingface:2024-05-31, or '
            "huggingface:2024-05-27..2024-05-31."
        ) from None


def _arxiv(spec: str, given: str, web: Web, base_url: str) -> Arxiv:
    from retrieval.sources.arxiv import DEFAULT_DAYS, Arxiv

    parts = _DAYS.fullmatch(given.strip())
    assert parts, "the pattern fits every text"
    what, days = parts["what"].strip(), int(parts["days"][:6]) if parts["days"] else None
    if days is not None and not 0 < days <= MOST_DAYS:
        raise BadInputError(f"{spec} asks for {days} days; ask for 1 to {MOST_DAYS}.")
    if categories := _categories(what):
        search = " OR ".join(f"cat:{category}" for category in categories)
        days = days or DEFAULT_DAYS
        return Arxiv(web, base_url, name=spec, search=search, days=days, never_empty=True)
    words = what.strip(_QUOTES + " ")
    if not words or len(words) > LONGEST_QUERY:
        raise BadInputError(
            f"Say what to read from arXiv in up to {LONGEST_QUERY} characters: arxiv:cs.CL+cs.LG for categories, "
            'or arxiv:"words to find".'
        )
    return Arxiv(web, base_url, name=spec, search=_search(words), days=days, never_empty=False)


def _categories(what: str) -> list[str]:
    """Categories in arXiv's spelling; empty if any part of the text is not a category."""
    matches = [_CATEGORY.fullmatch(part.strip()) for part in re.split(r"[+,]", what)]
    if not all(matches):
        return []
    if len(matches) > MOST_CATEGORIES:
        raise BadInputError(f"{len(matches)} categories are too many for one search; name up to {MOST_CATEGORIES}.")
    return list(dict.fromkeys(_spelled(match) for match in matches if match))


def _spelled(match: re.Match[str]) -> str:
    archive, division = match["archive"].lower(), match["division"]
    if division is None:
        return f"{archive}.*" if archive in _WITH_DIVISIONS else archive
    return f"{archive}.{division.upper() if len(division) == len('CL') else division.lower()}"


def _search(words: str) -> str:
    """A search for papers that contain all the words; a query in arXiv's own language stays as it is."""
    if _FIELD.search(words):
        return words
    found = re.findall(r"[^\s\"]+", words)
    return " AND ".join(f'all:"{word}"' for word in found)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and (parts.port is None or parts.port > 0) and not re.search(r"\s", url)
    except ValueError:
        good = False
    if not good:
        raise BadInputError(f'"{url[:80]}" is no address of a feed; write it like https://example.org/feed.xml.')
    return url
