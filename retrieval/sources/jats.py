"""An article of JATS; its elements are described at https://jats.nlm.nih.gov/publishing/."""

from __future__ import annotations

from typing import Any, Final

from retrieval.sources.elements import find, line, text

ELEMENTS: Final = ("article",)
_FIRST: Final = ("epub", "electronic", "pub", "preprint", "ppub", "print", "collection")


def fields(article: Any) -> dict[str, Any] | None:  # noqa: ANN401  # lxml has no types
    """An article's fields; None if it has no metadata, such as an article nested in another."""
    front = next(iter(find(article, "front/article-meta")), None)
    if front is None:
        return None
    ids = {element.get("pub-id-type", ""): text(element) for element in find(front, "article-id")}
    return {
        "_id": next((f"{kind} {value}" for kind, value in ids.items() if kind not in {"doi", "arxiv"}), None),
        "title": ": ".join(
            part for name in ("article-title", "subtitle") if (part := line(front, f"title-group/{name}").strip(" :"))
        ),
        "abstract": _abstract(front),
        "authors": [_name(element) for element in find(front, "contrib-group/contrib") if _is_author(element)],
        "doi": ids.get("doi"),
        "arxiv": ids.get("arxiv"),
        "issued": _date(front),
        "venue": line(article, "front/journal-meta/journal-title-group/journal-title")
        or line(article, "front/journal-meta/journal-title"),
        "keywords": [text(element) for element in find(front, "kwd-group/kwd")],
    }


def _abstract(front: Any) -> str:  # noqa: ANN401
    """The main abstract; a plain-language or graphical one only if there is no other."""
    found = sorted(find(front, "abstract"), key=lambda element: bool(element.get("abstract-type")))
    return text(found[0]) if found else ""


def _is_author(contributor: Any) -> bool:  # noqa: ANN401
    return bool(contributor.get("contrib-type", "author") == "author")


def _name(contributor: Any) -> str:  # noqa: ANN401
    whole = f"{line(contributor, 'name/given-names')} {line(contributor, 'name/surname')}".strip()
    return whole or line(contributor, "string-name") or line(contributor, "collab")


def _date(front: Any) -> str:  # noqa: ANN401
    dates = find(front, "pub-date")
    dates.sort(
        key=lambda item: min((_FIRST.index(kind) for kind in _kinds(item) if kind in _FIRST), default=len(_FIRST))
    )
    for date in dates:
        if year := line(date, "year"):
            return "-".join(part for part in (year, line(date, "month"), line(date, "day")) if part)
    return ""


def _kinds(date: Any) -> tuple[str, ...]:  # noqa: ANN401
    return (date.get("pub-type") or "", date.get("publication-format") or "", date.get("date-type") or "")
