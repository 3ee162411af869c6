"""Flatten the records of common services, so that `record.py` finds their fields."""

from __future__ import annotations

from typing import Any, Final

_LISTS: Final = (
    "notes",
    "results",
    "papers",
    "data",
    "items",
    "works",
    "articles",
    "records",
    "entries",
    "documents",
    "collection",
    "hits",
    "hit",
    "result",
)
_WRAPPED: Final = ("message", "response", "result", "resultList", "hits")
_OPENREVIEW: Final = "https://openreview.net/forum?id="
_WORDS_AT_MOST: Final = 50_000
# Keys under which services nest a record's fields, and fields that DataCite and INSPIRE give as lists of objects.
_NESTED: Final = ("metadata", "attributes", "info")
_OF_LISTS: Final = (
    ("titles", "title", "title"),
    ("abstracts", "abstract", "value"),
    ("descriptions", "abstract", "description"),
    ("arxiv_eprints", "arxiv", "value"),
    ("dois", "doi", "value"),
)


def records_in(value: Any) -> list[Any] | None:  # noqa: ANN401
    """The records in a service's answer; None if the value is itself a record, or holds none."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or "title" in value:
        return None
    for key in _LISTS:
        inner = value.get(key)
        if isinstance(inner, list) and all(isinstance(item, dict) for item in inner):
            return inner
    if isinstance(only := value.get("message"), dict) and "title" in only:
        return [only]
    return next((found for key in _WRAPPED if (found := records_in(value.get(key))) is not None), None)


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    """A record with its nested fields at the top level; one in BEIR's form stays as it is."""
    for key in _NESTED:
        if isinstance(inner := record.get(key), dict):
            record = {**inner, **record}
    if isinstance(content := record.get("content"), dict):
        record = _of_openreview(record, content)
    for key in ("paper", "data", "bibjson"):
        if isinstance(inner := record.get(key), dict) and "title" in inner:
            record = {**record, **inner}
    if isinstance(words := record.get("abstract_inverted_index"), dict) and not record.get("abstract"):
        record = {**record, "abstract": _in_order(words)}
    return _of_contents(_of_lists(record))


def _of_openreview(record: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    fields = {
        key: value["value"] if isinstance(value, dict) and "value" in value else value for key, value in content.items()
    }
    forum = record.get("forum") or record.get("id")
    link = {"url": f"{_OPENREVIEW}{forum}"} if isinstance(forum, str) and forum else {}
    return {**record, **link, **{key: field for key, field in fields.items() if key not in {"pdf", "html"}}}


def _of_lists(record: dict[str, Any]) -> dict[str, Any]:
    """Take the first value of a field that comes as a list of objects, unless the plain field is there."""
    for plural, name, key in _OF_LISTS:
        listed = record.get(plural)
        first = listed[0] if isinstance(listed, list) and listed else None
        if isinstance(first, dict) and isinstance(first.get(key), str) and not record.get(name):
            record = {**record, name: first[key]}
    return record


def _in_order(words: dict[str, Any]) -> str:
    """OpenAlex's abstract, which comes as the positions of each word."""
    placed = [
        (index, word)
        for word, indexes in words.items()
        if isinstance(indexes, list)
        for index in indexes
        if isinstance(index, int) and not isinstance(index, bool)
    ]
    return " ".join(word for _, word in sorted(placed)[:_WORDS_AT_MOST])


def _of_contents(record: dict[str, Any]) -> dict[str, Any]:
    """Split a field that holds both: the title, in quotes, on the first line, and the text after it."""
    contents = record.get("contents")
    if not isinstance(contents, str) or record.get("title") or record.get("text") or record.get("abstract"):
        return record
    first, _, rest = contents.strip().partition("\n")
    if not rest:
        return {**record, "text": contents}
    return {**record, "title": first.strip().strip('"'), "text": rest.strip()}
