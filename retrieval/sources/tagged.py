"""Entries with a tag before each line: MEDLINE as PubMed saves it, Web of Science, EndNote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from retrieval.errors import BadInputError
from retrieval.sources.record import LONGEST_TEXT
from retrieval.sources.record_authors import given_first
from retrieval.sources.rows import Remark, Row
from retrieval.sources.texts import open_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from retrieval.sources.rows import Found

Entry: TypeAlias = dict[str, list[str]]  # the lines after each tag

_OF_DOI: Final = re.compile(r"\s*\[doi\]\Z")


@dataclass(frozen=True, slots=True)
class _Style:
    """A program's format: the pattern of a tagged line, the tag that begins an entry, and what the tags mean."""

    line: re.Pattern[str]
    first: str
    fields: Callable[[Entry], dict[str, Any]]


def read_medline(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a MEDLINE file."""
    return _entries(stream, _MEDLINE)


def read_web_of_science(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a Web of Science file in plain text."""
    return _entries(stream, _WEB_OF_SCIENCE)


def read_endnote(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a file in EndNote's import format."""
    return _entries(stream, _ENDNOTE)


def _entries(stream: BinaryIO, style: _Style) -> Iterator[Found]:
    opened = open_text(stream)
    if opened.encoding:
        yield Remark(f"read as {opened.encoding.upper()}")
    begun, size, tag, entry = 0, 0, "", Entry()
    for number, line in enumerate(opened.file, start=1):
        found = style.line.match(line)
        if found and found[1] == style.first:
            if begun:
                yield Row(f"line {begun}", style.fields(entry))
            begun, size, entry = number, 0, Entry()
        if found:
            tag = found[1]
        value = ((found[2] or "") if found else line).strip()
        size += len(value)
        if begun and value and size < LONGEST_TEXT * 2:
            entry.setdefault(tag, []).append(value)
    if not begun:
        raise BadInputError("it has no entries")
    yield Row(f"line {begun}", style.fields(entry))


def _of_medline(entry: Entry) -> dict[str, Any]:
    number = _text(entry, "PMID")
    dois = [_OF_DOI.sub("", value) for tag in ("LID", "AID") for value in entry.get(tag, ()) if _OF_DOI.search(value)]
    names = [given_first(value) for value in entry.get("FAU") or entry.get("AU") or ()]
    return {
        "_id": f"PMID {number}" if number else None,
        "title": _text(entry, "TI") or _text(entry, "TT"),
        "abstract": _text(entry, "AB"),
        "authors": [*names, *entry.get("CN", ())],
        "doi": next(iter(dois), None),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{number}/" if number and not dois else None,
        "issued": _text(entry, "DP"),
        "venue": _text(entry, "JT") or _text(entry, "TA"),
        "keywords": entry.get("OT"),
    }


def _of_web_of_science(entry: Entry) -> dict[str, Any]:
    return {
        "_id": _text(entry, "UT"),
        "title": _text(entry, "TI"),
        "abstract": _text(entry, "AB"),
        "authors": [given_first(value) for value in entry.get("AF") or entry.get("AU") or ()],
        "doi": _text(entry, "DI"),
        "issued": _text(entry, "PD"),
        "year": _text(entry, "PY"),
        "venue": _text(entry, "SO"),
        "keywords": _text(entry, "DE").split(";"),
    }


def _of_endnote(entry: Entry) -> dict[str, Any]:
    return {
        "_id": _text(entry, "M"),
        "title": _text(entry, "T"),
        "abstract": _text(entry, "X"),
        "authors": [given_first(value) for value in entry.get("A", ())],
        "doi": _text(entry, "R"),
        "url": entry.get("U"),
        "issued": _text(entry, "8"),
        "year": _text(entry, "D"),
        "venue": _text(entry, "J") or _text(entry, "B"),
        "keywords": entry.get("K"),
    }


def _text(entry: Entry, tag: str) -> str:
    return " ".join(entry.get(tag, ()))


_MEDLINE: Final = _Style(re.compile(r"([A-Z]{2,4}) *- ?(.*)"), "PMID", _of_medline)
_WEB_OF_SCIENCE: Final = _Style(re.compile(r"([A-Z][A-Z0-9])(?: (.*)|\s*\Z)"), "PT", _of_web_of_science)
_ENDNOTE: Final = _Style(re.compile(r"%([0-9A-Z@!?+^<>&$*~#=[\]():])(?: (.*)|\s*\Z)"), "0", _of_endnote)
