"""CSV and TSV: the delimiter is detected, and columns are recognised by their headings."""

from __future__ import annotations

import csv
import io
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from retrieval.errors import BadInputError
from retrieval.sources.encodings import SAMPLE
from retrieval.sources.record_authors import given_first, names_in
from retrieval.sources.rows import Bad, Remark, Row
from retrieval.sources.texts import open_text

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from retrieval.sources.rows import Found

_SIGNS: Final = ",;\t|"
# Headings of Zotero, Scopus, Web of Science, PubMed, Semantic Scholar and datasets, reduced to their letters.
_HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title", "papertitle", "articletitle", "documenttitle", "itemtitle", "displayname", "ti", "name"),
    "abstract": ("abstract", "abstractnote", "text", "summary", "abstracttext", "ab", "paperabstract", "description"),
    "authors": (
        "authorfullnames",
        "af",
        "author",
        "authors",
        "authorshipsauthordisplayname",
        "creator",
        "creators",
        "au",
        "authornames",
    ),
    "issued": (
        "date",
        "published",
        "publicationdate",
        "publisheddate",
        "datepublished",
        "coverdate",
        "releasedate",
        "pd",
    ),
    "year": ("publicationyear", "year", "pubyear", "py", "yearpublished"),
    "doi": ("doi", "di", "itemdoi", "digitalobjectidentifier"),
    "arxiv": ("arxivid", "arxiv", "eprint"),
    "url": ("url", "link", "address", "paperurl", "webpage", "articleurl", "sourcelinkout", "externalurl"),
    "_id": ("id", "key", "paperid", "eid", "ut", "lensid", "publicationid", "pmid", "corpusid"),
    "keywords": ("keywords", "authorkeywords", "manualtags", "tags", "de"),
    "categories": ("categories",),
    "venue": (
        "venue",
        "publicationtitle",
        "journal",
        "journaltitle",
        "sourcetitle",
        "booktitle",
        "journalbook",
        "primarylocationsourcedisplayname",
        "so",
    ),
}
# Scopus puts its author id after the name.
_NUMBER: Final = re.compile(r"\s*\(\d+\)")
_MOST_ABOVE: Final = 5  # lines that a service puts above the headings
_SIGN_SAID: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # a line for Excel
_SHOWN: Final = 8


def read_delimited(stream: BinaryIO) -> Iterator[Found]:
    """Yield the rows of a table as fields; a remark says what each column was taken for."""
    opened = open_text(stream, newline="")
    if opened.encoding:
        yield Remark(f"read as {opened.encoding.upper()}")
    start = opened.file.read(SAMPLE) + opened.file.readline()
    above = lines_above(start)
    lines = (line.replace("\0", "") for line in chain(io.StringIO(start, newline=""), opened.file))
    rows = csv.reader(islice(lines, above, None), delimiter=delimiter_of(start, above), strict=False)
    head = next(_numbered(rows, above), (0, []))[1]
    columns = columns_of(head)
    if "title" not in columns:
        names = ", ".join(f'"{name[:40]}"' for name in head[:_SHOWN])
        raise BadInputError(f"its first line names no column for the title (it has {names or 'nothing'})")
    yield Remark(_guess(head, columns))
    for number, row in _numbered(rows, above):
        if any(cell.strip() for cell in row):
            yield _row(f"line {number}", row, columns)


def columns_of(head: list[str]) -> dict[str, int]:
    """Map fields to the columns that hold them, by their headings; of several columns, the likeliest."""
    plain = [re.sub(r"[^a-z]", "", name.casefold()) for name in head]
    return {
        field: plain.index(name)
        for field, names in _HEADS.items()
        if (name := next((candidate for candidate in names if candidate in plain), ""))
    }


def lines_above(text: str) -> int:
    """Count the lines above the headings, such as the date of an export; 0 if no headings are found."""
    first = text.lstrip("\ufeff").splitlines()[:_MOST_ABOVE]
    return next((index for index, line in enumerate(first) if "title" in columns_of(cells_of(line))), 0)


def cells_of(line: str) -> list[str]:
    """The cells of a line, without quotes."""
    return [cell.strip('" ') for cell in line.split(_sign_of(line))]


def delimiter_of(text: str, above: int) -> str:
    """The delimiter that a table declares, or else the commonest one in its headings."""
    lines = [*text.lstrip("\ufeff\r\n").splitlines()[: above + 1], ""]
    declared = _SIGN_SAID.fullmatch(lines[0])
    return declared[1] if declared and above else _sign_of(lines[min(above, len(lines) - 1)])


def _sign_of(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_SIGNS, key=bare.count)


def _numbered(rows: Reader, above: int) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            line = rows.line_num + above
            raise BadInputError(f"line {line} is no row of a table ({error})") from error
        yield rows.line_num + above, row


def _row(position: str, row: list[str], columns: Mapping[str, int]) -> Found:
    fields: dict[str, object] = {
        field: row[column].strip() for field, column in columns.items() if column < len(row) and row[column].strip()
    }
    if "title" not in fields and "abstract" not in fields:
        return Bad(position, "it has neither title nor abstract, or fewer cells than the first line")
    if isinstance(authors := fields.get("authors"), str):
        fields["authors"] = [given_first(name) for name in names_in(_NUMBER.sub("", authors))]
    return Row(position, fields)


def _guess(head: list[str], columns: Mapping[str, int]) -> str:
    named = {"_id": "id", "issued": "date"}
    taken = ", ".join(f'"{head[column].strip()}" as {named.get(field, field)}' for field, column in columns.items())
    others = [name.strip() for index, name in enumerate(head) if index not in columns.values() and name.strip()]
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    unread = f"; not read: {', '.join(others[:_SHOWN])}{more}" if others else ""
    return f"read the columns {taken}{unread}"
