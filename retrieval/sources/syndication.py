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
    """Parse an answer with feedparser.

    Args:
        reply: the answer.
        service: the name for errors.
        strict: refuse XML that is not well-formed. Otherwise, only truncated answers and those that are no feed are
            refused: feeds with a stray entity are common, and feedparser reads them well.

    Raises:
        SourceError: a temporary one, because such answers often come from a cache or a proxy.
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
    """Parse a document with feedparser, whatever it is."""
    # As a file, because feedparser would open a path or an address that the bytes look like.
    return feedparser.parse(
        io.BytesIO(body),
        response_headers=headers,
        resolve_relative_uris=False,
        sanitize_html=False,  # it would take "x<y and y>z" for a tag
    )


def text_of(entry: Any, name: str) -> str:  # noqa: ANN401
    """A field as text, with HTML stripped if the feed declares it; "" if the field is missing."""
    value = entry.get(name)
    if not isinstance(value, str):
        return ""
    kind = (entry.get(f"{name}_detail") or {}).get("type", "")
    return plain(value) if "html" in kind else value


def time_of(entry: Any, name: str) -> dt.datetime | None:  # noqa: ANN401
    """A date of an entry or a feed in UTC; None if it is missing or invalid."""
    # "in" first: for a missing update, feedparser gives the publication date with a deprecation warning.
    parsed = entry[f"{name}_parsed"] if f"{name}_parsed" in entry else None  # noqa: SIM401
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(parsed), dt.UTC) if parsed else None
    except (ValueError, OverflowError):
        return None


def names_of(entry: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The authors' names, in order."""
    people = entry.get("authors") or []
    return tuple(dict.fromkeys(name for person in people if (name := one_line(person.get("name") or ""))))


def terms_of(entry: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The categories, in order."""
    return tuple(dict.fromkeys(term for tag in entry.get("tags") or [] if (term := one_line(tag.get("term") or ""))))
