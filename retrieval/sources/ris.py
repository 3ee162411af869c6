"""RIS, read with rispy one entry at a time, so that a broken entry does not affect the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from retrieval.errors import BadInputError
from retrieval.sources.record import LONGEST_TEXT
from retrieval.sources.record_authors import given_first
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.texts import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

_ENTRY: Final = re.compile(r"TY  ?-")
_END: Final = re.compile(r"^ER  ?-.*\Z", re.MULTILINE | re.DOTALL)
_TITLES: Final = ("title", "primary_title", "translated_title", "short_title")
_VENUES: Final = ("journal_name", "secondary_title", "alternate_title3")
_ABSTRACTS: Final = ("abstract", "notes_abstract")


def read_ris(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a RIS file."""
    opened = open_text(stream)
    if opened.encoding:
        yield Remark(f"read as {opened.encoding.upper()}")
    begun, entry = 0, ""
    for number, line in enumerate(opened.file, start=1):
        if _ENTRY.match(line):
            if begun:
                yield _row(f"line {begun}", entry)
            begun, entry = number, line
        elif begun and len(entry) < LONGEST_TEXT * 2:
            entry += line
    if not begun:
        raise BadInputError('it has no entries, which begin with "TY  - "')
    yield _row(f"line {begun}", entry)


def _row(position: str, entry: str) -> Found:
    import rispy

    try:
        (found,) = rispy.loads(f"{_END.sub('', entry).rstrip()}\nER  - \n")
    except Exception as error:  # noqa: BLE001  # rispy raises what its parts raise
        return Bad(position, f"it is no entry of RIS ({type(error).__name__})")
    return Row(position, _fields(found))


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    authors = found.get("authors") or found.get("first_authors") or []
    return {
        "_id": found.get("id") or found.get("accession_number"),
        "title": _first(found, _TITLES),
        "abstract": _first(found, _ABSTRACTS),
        "authors": [given_first(name) for name in authors if isinstance(name, str)],
        "doi": found.get("doi"),
        "url": found.get("urls") or found.get("url"),
        "issued": str(found.get("date") or "").strip("/ "),
        "year": str(found.get("year") or found.get("publication_year") or "").strip("/ "),
        "keywords": found.get("keywords"),
        "venue": _first(found, _VENUES),
    }


def _first(found: dict[str, Any], keys: tuple[str, ...]) -> str:
    values = (found.get(key) for key in keys)
    return next((value if isinstance(value, str) else " ".join(map(str, value)) for value in values if value), "")
