"""Read RIS with rispy, an entry at a time, so that a broken one costs no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.sources.encodings import decode
from retrieval.sources.people import given_first
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.unpacking import whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

_ENTRY: Final = re.compile(r"^TY  ?-", re.MULTILINE)
_END: Final = re.compile(r"^ER  ?-.*\Z", re.MULTILINE | re.DOTALL)
_TITLES: Final = ("title", "primary_title", "translated_title", "short_title")
_VENUES: Final = ("journal_name", "secondary_title", "alternate_title3")
_ABSTRACTS: Final = ("abstract", "notes_abstract")


def read_ris(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a file of references."""
    text, other = decode(whole(stream))
    if other:
        yield Remark(f"read as {other.upper()}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = [match.start() for match in _ENTRY.finditer(text)]
    if not starts:
        raise BadInputError('it has no entries, which begin with "TY  - "')
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield _row(f"line {text.count(chr(10), 0, start) + 1}", text[start:end])


def _row(place: str, entry: str) -> Found:
    import rispy  # type: ignore[import-untyped]  # it has no types

    try:
        (found,) = rispy.loads(f"{_END.sub('', entry).rstrip()}\nER  - \n")
    except Exception as error:  # noqa: BLE001  # rispy raises what its parts raise
        return Bad(place, f"it is no entry of RIS ({type(error).__name__})")
    return Row(place, _fields(found))


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    authors = found.get("authors") or found.get("first_authors") or []
    return {
        "_id": found.get("id") or found.get("accession_number"),
        "title": _first(found, _TITLES),
        "abstract": _first(found, _ABSTRACTS),
        "authors": [given_first(name) for name in authors if isinstance(name, str)],
        "doi": found.get("doi"),
        "url": found.get("urls") or found.get("url"),
        "issued": str(found.get("date") or found.get("year") or found.get("publication_year") or "").strip("/ "),
        "keywords": found.get("keywords"),
        "venue": _first(found, _VENUES),
    }


def _first(found: dict[str, Any], keys: tuple[str, ...]) -> str:
    values = (found.get(key) for key in keys)
    return next((value if isinstance(value, str) else " ".join(map(str, value)) for value in values if value), "")
