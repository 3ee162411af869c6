"""Read BibTeX and BibLaTeX with bibtexparser; a broken entry costs that entry alone."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.sources.record_authors import given_first
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.texts import open_text
from retrieval.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO, TextIO

    from bibtexparser.model import Block, Entry

    from retrieval.sources.rows import Found

_GROUP: Final = re.compile(r"\{([^{}]*)\}")
# Signs that are text, and not to be read as LaTeX; each waits as a character that no text has.
_ESCAPED: Final = {
    r"\textbackslash{}": "\\",
    r"\textbraceleft{}": "{",
    r"\textbraceright{}": "}",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\{": "{",
    r"\}": "}",
    r"\$": "$",
    r"\_": "_",
}
_WAITING: Final = {escaped: chr(0xE000 + number) for number, escaped in enumerate(_ESCAPED)}
_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)
_WHOLE_NAME: Final = re.compile(r"\{([^{}]*)\}")
_DEEPEST: Final = 6
_PART: Final = 1 << 18  # characters of a large file that are read at once
_BEGINS: Final = re.compile(r"\s*@\s*[A-Za-z]+\s*[{(]")
_SHORTCUT: Final = re.compile(r"^\s*@string\s*[{(].*[)}]\s*$", re.IGNORECASE | re.MULTILINE)
_VENUES: Final = ("journal", "journaltitle", "booktitle")


def read_bibtex(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a file of references."""
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what fails is said here, once
    opened = open_text(stream)
    if opened.encoding:
        yield Remark(f"read as {opened.encoding.upper()}")
    if opened.whole:
        yield from _entries(opened.file.read())
        return
    shortcuts = ""
    for line, part in _parts(opened.file):
        try:
            yield from _entries(shortcuts + part, line - shortcuts.count("\n"))
        except BadInputError as error:
            yield Bad(f"line {line}", str(error))
        shortcuts += "".join(f"{found[0]}\n" for found in _SHORTCUT.finditer(part))


def _parts(file: TextIO) -> Iterator[tuple[int, str]]:
    """Yield many entries at a time with the number of the line before them, cut where one closes before another."""
    begun, size, lines = 0, 0, list[str]()
    for number, line in enumerate(file):
        if size > _PART and _BEGINS.match(line) and _closed(lines):
            yield begun, "".join(lines)
            begun, size, lines = number, 0, []
        lines.append(line)
        size += len(line)
    yield begun, "".join(lines)


def _closed(lines: list[str]) -> bool:
    return next((line.rstrip().endswith(("}", ")")) for line in reversed(lines) if line.strip()), True)


def _entries(text: str, before: int = 0) -> Iterator[Found]:
    """Yield the entries of a text that begins after so many lines."""
    from bibtexparser.entrypoint import parse_string

    try:
        library = parse_string(text)
    except Exception as error:  # bibtexparser raises what its parts raise
        raise BadInputError(f"it cannot be read as BibTeX ({type(error).__name__})") from error
    if not library.entries and not library.failed_blocks:
        raise BadInputError("it has no entries such as @article{key, title={…}}")
    for entry in library.entries:
        yield Row(f"entry {entry.key}", _fields(entry))
    for block in library.failed_blocks:
        yield _failed(block, before)


def readable(value: str) -> str:
    r"""Return a field as text: LaTeX read, and the braces gone that keep letters from being made small."""
    for escaped, stored in _WAITING.items():
        value = value.replace(escaped, stored)
    value = clean(value)
    for _ in range(_DEEPEST):
        value = _GROUP.sub(r"\1", value)
    value = " ".join(value.split())
    for escaped, stored in _WAITING.items():
        value = value.replace(stored, _ESCAPED[escaped])
    return value


def _failed(block: Block, before: int) -> Found:
    from bibtexparser.model import DuplicateBlockKeyBlock, Entry

    line = f"line {(block.start_line or 0) + before + 1}"
    inner = getattr(block, "ignore_error_block", None)
    # Two entries with one key are two papers, or the same one again: their titles say which.
    if isinstance(block, DuplicateBlockKeyBlock) and isinstance(inner, Entry):
        return Row(f"{line}, entry {inner.key}", _fields(inner, enclosed=True))
    if isinstance(inner, Entry) and inner.fields_dict.get("title"):
        return Row(f"{line}, entry {inner.key}", _fields(inner, enclosed=True))
    return Bad(line, "the entry is not closed, or is no BibTeX")


def _fields(entry: Entry, *, enclosed: bool = False) -> Mapping[str, object]:
    """Return an entry's fields; `enclosed` is one that was not taken to pieces, whose values stand in braces."""
    values = {field.key.lower(): str(field.value) for field in entry.fields}
    raw = {key: _bare(value) for key, value in values.items()} if enclosed else values
    given = {key: readable(value) for key, value in raw.items() if key not in {"author", "url", "doi", "abstract"}}
    eprint = given.get("eprint", "")
    kind = (given.get("archiveprefix") or given.get("eprinttype") or "").casefold()
    doi, url = (_bare(raw.get(key, "")).replace("\\", "") for key in ("doi", "url"))
    return {
        "_id": given.get("footnote-id") or entry.key,
        "title": ": ".join(part for key in ("title", "subtitle") if (part := given.get(key, "").strip(" :"))),
        "abstract": readable(raw.get("abstract", "")),
        "authors": _authors(raw.get("author", "")),
        "doi": doi,
        "arxiv": eprint if kind in {"arxiv", ""} else None,
        "url": url.removeprefix("url{").rstrip("}"),
        "issued": _date(given),
        "keywords": given.get("keywords"),
        "venue": next((given[key] for key in _VENUES if given.get(key)), None),
    }


def _bare(value: str) -> str:
    value = value.strip()
    enclosed = len(value) > 1 and (value[0], value[-1]) in {("{", "}"), ('"', '"')}
    return value[1:-1] if enclosed and _closes_at_the_end(value) else value


def _closes_at_the_end(value: str) -> bool:
    if value[0] == '"':
        return True
    depth = 0
    for position, character in enumerate(value):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return position == len(value) - 1
    return False


def _date(given: Mapping[str, str]) -> str:
    if given.get("date"):
        return given["date"].partition("/")[0]
    year, month, day = (given.get(key, "") for key in ("year", "month", "day"))
    if month.isdecimal():
        return "-".join(part for part in (year, month, day) if part)
    return " ".join(part for part in (year, month, day) if part)


def _authors(value: str) -> list[str]:
    names = [name for name in _apart(value.strip()) if name.strip() and name.strip().casefold() != "others"]
    # What stands in braces as a whole, such as a group's name, has no parts.
    return [readable(name) if _WHOLE_NAME.fullmatch(name.strip()) else given_first(readable(name)) for name in names]


def _apart(value: str) -> list[str]:
    """Return the names between which an "and" stands, but not those in braces."""
    names, start = [], 0
    for match in _AND.finditer(value):
        before = value[start : match.start()]
        if before.count("{") <= before.count("}"):
            names.append(before)
            start = match.end()
    return [*names, value[start:]]
