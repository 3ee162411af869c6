"""Parse RSS and Atom with feedparser, and tell a damaged document from a short one."""

from __future__ import annotations

import calendar
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import feedparser

from retrieval.sources.fetched import SourceError
from retrieval.sources.fields import one_line, plain, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.sources.web import Reply

_ENDS = (b"</feed>", b"</rss>", b"</rdf:rdf>")


def parse_feed(reply: Reply, service: str, *, strict: bool) -> Any:  # noqa: ANN401  # feedparser has no types
    """Return feedparser's reading of an answer.

    Args:
        reply: the answer.
        service: whom to name in an error.
        strict: refuse XML that is not well formed; else only what is cut off or no feed at all, because feeds
            with a stray entity are many and feedparser reads them well.

    Raises:
        SourceError: a temporary one, for such answers are often a cache's or a proxy's.
    """
    headers = {"content-type": reply.headers.get("content-type", ""), "content-location": reply.url}
    parsed = parse_bytes(reply.body, headers)
    if not parsed.get("version"):
        raise SourceError(f"{service} sent something else than a feed; check {shown(reply.url)}.", temporary=True)
    reason = parsed.get("bozo_exception")
    broken = parsed.get("bozo") and not isinstance(
        reason, (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    )
    whole = reply.body.rstrip().lower().endswith(_ENDS)
    if broken and (strict or not whole):
        raise SourceError(f"{service}'s answer is damaged ({one_line(str(reason))}); try again later.", temporary=True)
    return parsed


def parse_bytes(body: bytes, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
    """Return feedparser's reading of a document, whatever it is."""
    # As a file, because feedparser takes bytes that look like a path or an address for one, and opens it.
    return feedparser.parse(
        io.BytesIO(body),
        response_headers=headers,
        resolve_relative_uris=False,
        sanitize_html=False,  # takes "x<y and y>z" for a tag
    )


def text_of(entry: Any, name: str) -> str:  # noqa: ANN401
    """Return a field as text, HTML taken out where the feed says that it is some; empty where it is missing."""
    value = entry.get(name)
    if not isinstance(value, str):
        return ""
    kind = (entry.get(f"{name}_detail") or {}).get("type", "")
    return plain(value) if "html" in kind else value


def time_of(entry: Any, name: str) -> dt.datetime | None:  # noqa: ANN401
    """Return a date of an entry or a feed in UTC, None where it is missing or no date."""
    # "in" first: feedparser gives the date of publication for a missing update, and warns that it will not for long.
    parsed = entry[f"{name}_parsed"] if f"{name}_parsed" in entry else None  # noqa: SIM401
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(parsed), dt.UTC) if parsed else None
    except (ValueError, OverflowError):
        return None


def names_of(entry: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return the authors' names, in order."""
    people = entry.get("authors") or []
    return tuple(dict.fromkeys(name for person in people if (name := one_line(person.get("name") or ""))))


def terms_of(entry: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return the categories, in order."""
    return tuple(dict.fromkeys(term for tag in entry.get("tags") or [] if (term := one_line(tag.get("term") or ""))))
