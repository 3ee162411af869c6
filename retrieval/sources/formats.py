"""Detect the format of a file: by its content first, and by its name if the content is ambiguous."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Final

from retrieval.errors import BadInputError
from retrieval.fulltext.extraction import can_read_pdfs
from retrieval.sources import delimited, pdf, tagged
from retrieval.sources.bibtex import read_bibtex
from retrieval.sources.encodings import encoding_of
from retrieval.sources.json_files import read_json, read_json_lines
from retrieval.sources.parquet import read_parquet
from retrieval.sources.ris import read_ris
from retrieval.sources.rows import Format

READABLE: Final = (
    "BibTeX (.bib), RIS (.ris), CSL-JSON and other JSON (.json), JSON Lines (.jsonl, .ndjson), CSV and TSV with a "
    "column for the title, XML of PubMed, JATS, OAI-PMH and EndNote, Atom and RSS, MEDLINE (.nbib), Web of Science's "
    "text (.ciw), EndNote's (.enw), Parquet (with pyarrow), PDF (with pypdf), a page dump (.txt), and .gz and .zip of "
    "these"
)
NAMES: Final = (
    ".bib",
    ".ris",
    ".json",
    ".jsonl",
    ".ndjson",
    ".csv",
    ".tsv",
    ".xml",
    ".atom",
    ".rss",
    ".txt",
    ".nxml",
    ".nbib",
    ".ciw",
    ".enw",
    ".parquet",
    # Without the extra, PDFs in a folder of reference files are passed over.
    *((".pdf",) if can_read_pdfs() else ()),
)

JSON_LINES: Final = Format("jsonl", "JSON Lines", read_json_lines)
JSON: Final = Format("json", "JSON", read_json)
BIBTEX: Final = Format("bibtex", "BibTeX", read_bibtex)
RIS: Final = Format("ris", "RIS", read_ris)
PARQUET: Final = Format("parquet", "Parquet", read_parquet)
PDF: Final = Format(pdf.SOURCE, "PDF", pdf.read_pdf)
MEDLINE: Final = Format("medline", "MEDLINE", tagged.read_medline)
WEB_OF_SCIENCE: Final = Format("wos", "Web of Science's text", tagged.read_web_of_science)
ENDNOTE: Final = Format("endnote", "EndNote's text", tagged.read_endnote)
TABLE: Final = Format("csv", "a table", delimited.read_delimited)

_OTHERS: Final = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"PK\x03\x04", "a zip within a zip"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_BIBTEX: Final = re.compile(r"^\s*@\s*[A-Za-z]+\s*[{(]", re.MULTILINE)
_RIS: Final = re.compile(r"^TY  ?-", re.MULTILINE)
_TAGGED: Final = (
    (re.compile(r"\s*PMID- ?\d"), MEDLINE),
    (re.compile(r"\s*(?:FN [^\n]*\n(?:VR [^\n]*\n)?\s*)?PT [A-Z]\s"), WEB_OF_SCIENCE),
    (re.compile(r"\s*%0 [A-Z]"), ENDNOTE),
)
_BEGINS_JSON: Final = re.compile(r'\s*(?:\[\s*[\]{]|\{\s*["}])')
_MAY_BE_ANY: Final = frozenset({"", ".txt"})
_BY_NAME: Final = {
    ".bib": BIBTEX, ".ris": RIS, ".csv": TABLE, ".tsv": TABLE, ".json": JSON, ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
}  # fmt: skip


def format_of(name: str, start: bytes) -> Format | None:
    """The format of a file, from its name and its first bytes; None if it may be a page dump.

    Raises BadInputError, in a few words, for what is known to be something else.
    """
    if kind := next((kind for mark, kind in _OTHERS if start.startswith(mark)), ""):
        raise BadInputError(f"it is {kind}")
    if start.startswith(b"%PDF"):
        return PDF
    if start.startswith(b"PAR1"):
        return PARQUET
    text = start.decode(encoding_of(start), "replace").lstrip("\ufeff")
    suffix = PurePath(name).suffix.lower()
    if text.lstrip().startswith("<") and _BY_NAME.get(suffix) not in {JSON_LINES, TABLE}:
        return _of_xml(start)
    return _of_text(text, suffix)


def _of_text(text: str, suffix: str) -> Format | None:
    named = _BY_NAME.get(suffix)
    if named is not TABLE and _BEGINS_JSON.match(text):
        return JSON_LINES if not text.lstrip().startswith("[") and (named is JSON_LINES or _is_lines(text)) else JSON
    if tagged := next((kind for pattern, kind in _TAGGED if pattern.match(text)), None):
        return tagged
    for pattern, kind in ((_RIS, RIS), (_BIBTEX, BIBTEX)):
        # Notes may quote an entry, so a file of another kind must begin with one.
        if pattern.search(text) if named is kind or suffix in _MAY_BE_ANY else pattern.match(text.lstrip()):
            return kind
    if named is None and suffix != ".md" and _is_table(text):
        return TABLE
    return named


def _is_table(text: str) -> bool:
    head = [*text.splitlines(), ""][delimited.lines_above(text)]
    cells = delimited.cells_of(head)
    return len(cells) > 1 and "title" in delimited.columns_of(cells)


def _of_xml(start: bytes) -> Format:
    from retrieval.sources import feed_files, xml_files

    root = xml_files.root_of(start) or ""
    if root in {"feed", "rss", "RDF"}:
        return Format(feed_files.SOURCE, "a feed", feed_files.read_feed)
    if root.lower() == "html" or not root:
        raise BadInputError("it is a web page")
    if root in {"PubmedArticleSet", "PubmedArticle", "PubmedBookArticleSet"}:
        return Format("pubmed", "PubMed's XML", xml_files.read_pubmed)
    if root in {"OAI-PMH", "ListRecords", "GetRecord", "record"}:
        return Format("oai", "OAI-PMH", xml_files.read_oai)
    if root in {"xml", "records"}:
        return Format("endnote", "EndNote's XML", xml_files.read_endnote)
    if root in {"article", "pmc-articleset", "articles"}:
        return Format("jats", "JATS", xml_files.read_jats)
    raise BadInputError(f"it is XML of another kind (<{root[:40]}>)")


def _is_lines(text: str) -> bool:
    """Whether the first line is a whole object, so that another may follow."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
