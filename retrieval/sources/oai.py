"""A record of OAI-PMH, in arXiv's own formats or in Dublin Core, which every repository has."""

from __future__ import annotations

from typing import Any, Final

from retrieval.sources.elements import find, line, text
from retrieval.sources.record_authors import given_first

ELEMENTS: Final = ("record",)


def fields(record: Any) -> dict[str, Any] | None:  # noqa: ANN401  # lxml has no types
    """A record's fields; None if it was deleted or is empty."""
    metadata = next(iter(find(record, "metadata")), None)
    if metadata is None or not len(metadata):
        return None
    own = metadata[0]
    identifier = line(record, "header/identifier")
    made = _of_arxiv(own) if find(own, "id") else _of_dublin_core(own)
    beside = {"_id": identifier, "updated": line(record, "header/datestamp")}
    return beside | {key: value for key, value in made.items() if value is not None}


def _of_arxiv(own: Any) -> dict[str, Any]:  # noqa: ANN401
    versions = [
        {"version": element.get("version"), "created": line(element, "date")} for element in find(own, "version")
    ]
    names = [
        " ".join(part for name in ("forenames", "keyname", "suffix") if (part := line(element, name)))
        for element in find(own, "authors/author")
    ]
    return {
        "arxiv": line(own, "id"),
        "title": line(own, "title"),
        "abstract": _wrapped(own, "abstract"),
        "authors": names or line(own, "authors"),
        "doi": line(own, "doi"),
        "created": line(own, "created") or None,
        "versions": versions,
        "updated": line(own, "updated") or None,
        "categories": line(own, "categories"),
        "comments": line(own, "comments"),
        "venue": line(own, "journal-ref"),
        "authors_parsed": [],  # has `record.py` unwrap the abstract, as in arXiv's snapshot
    }


def _of_dublin_core(own: Any) -> dict[str, Any]:  # noqa: ANN401
    identifiers = [text(element) for name in ("identifier", "relation") for element in find(own, name)]
    dates = sorted(found for element in find(own, "date") if (found := text(element)))
    return {
        "title": line(own, "title"),
        "abstract": max((text(element) for element in find(own, "description")), key=len, default=""),
        "authors": [given_first(text(element)) for element in find(own, "creator")],
        "doi": identifiers,
        "arxiv": identifiers,
        "url": identifiers,
        "date": dates[0] if dates else None,
        "keywords": [text(element) for element in find(own, "subject")],
    }


def _wrapped(own: Any, path: str) -> str:  # noqa: ANN401
    return next((text(element) for element in find(own, path)), "")
