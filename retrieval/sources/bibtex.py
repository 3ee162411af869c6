"""BibTeX and BibLaTeX, read with bibtexparser; a broken entry does not affect the others."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.sources.record_authors import given_first
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.texts import open_text
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO, TextIO

    from bibtexparser.model import Block, Entry

    from retrieval.sources.rows import Found

_GROUP: Final = re.compile(r"\{([^{}]*)\}")
# Escapes that stand for plain characters; each becomes a private-use character while LaTeX is decoded.
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
_PART: Final = 1 << 18  # characters of a large file that are parsed at once
_BEGINS: Final = re.compile(r"\s*@\s*[A-Za-z]+\s*[{(]")
_SHORTCUT: Final = re.compile(r"^\s*@string\s*[{(].*[)}]\s*$", re.IGNORECASE | re.MULTILINE)
_VENUES: Final = ("journal", "journaltitle", "booktitle")


def read_bibtex(stream: BinaryIO) -> Iterator[Found]:
    """Yield the entries of a BibTeX file."""
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # failures are reported here, once
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
    """Split a large file between entries; each part comes with the number of lines before it."""
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
    """Yield the entries of a text; `before` is the number of lines before it in the file."""
    from bibtexparser.entrypoint import parse_string

    try:
        library = parse_string(text)
    except Exception as error:  # bibtexparser lets any error of its parts through
        raise BadInputError(f"it cannot be read as BibTeX ({type(error).__name__})") from error
    if not library.entries and not library.failed_blocks:
        raise BadInputError("it has no entries such as @article{key, title={…}}")
    for entry in library.entries:
        yield Row(f"entry {entry.key}", _fields(entry))
    for block in library.failed_blocks:
        yield _failed(block, before)


def readable(value: str) -> str:
    """A field as text: LaTeX is decoded, and braces that protect capitals are removed."""
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
    # Entries with the same key may be two papers or one paper twice; their titles tell.
    if isinstance(block, DuplicateBlockKeyBlock) and isinstance(inner, Entry):
        return Row(f"{line}, entry {inner.key}", _fields(inner, enclosed=True))
    if isinstance(inner, Entry) and inner.fields_dict.get("title"):
        return Row(f"{line}, entry {inner.key}", _fields(inner, enclosed=True))
    return Bad(line, "the entry is not closed, or is no BibTeX")


def _fields(entry: Entry, *, enclosed: bool = False) -> Mapping[str, object]:
    """An entry's fields; `enclosed` if bibtexparser left their values in braces."""
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
    # A name that is all in braces, such as a group's, has no parts.
    return [readable(name) if _WHOLE_NAME.fullmatch(name.strip()) else given_first(readable(name)) for name in names]


def _apart(value: str) -> list[str]:
    """Split names at "and", but not inside braces."""
    names, start = [], 0
    for match in _AND.finditer(value):
        before = value[start : match.start()]
        if before.count("{") <= before.count("}"):
            names.append(before)
            start = match.end()
    return [*names, value[start:]]
