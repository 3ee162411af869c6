"""A record of EndNote's XML, whose texts are wrapped in style elements."""

from __future__ import annotations

from typing import Any, Final

from retrieval.sources.elements import find, line, text
from retrieval.sources.record_authors import given_first

ELEMENTS: Final = ("record",)


def fields(record: Any) -> dict[str, Any]:  # noqa: ANN401  # lxml has no types
    """The fields of a record."""
    return {
        "_id": line(record, "rec-number"),
        "title": line(record, "titles/title"),
        "abstract": "\n\n".join(text(element) for element in find(record, "abstract")),
        "authors": [given_first(text(element)) for element in find(record, "contributors/authors/author")],
        "doi": line(record, "electronic-resource-num"),
        "url": [text(element) for element in find(record, "urls/related-urls/url")],
        "issued": line(record, "dates/pub-dates/date"),
        "year": line(record, "dates/year"),
        "venue": line(record, "periodical/full-title") or line(record, "titles/secondary-title"),
        "keywords": [text(element) for element in find(record, "keywords/keyword")],
    }
