"""Export of papers to the formats of reference managers, spreadsheets and programs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import threading
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Protocol

from retrieval.batches import batched
from retrieval.bibliography import Cited, Keys, Name, bibtex
from retrieval.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from retrieval.sources.fetched import Fetched

# A spreadsheet takes a cell that begins with one of these for a formula; a leading space makes it text.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BATCH: Final = 200
_SEVERAL: Final = re.compile(r"\s(?:and|&)\s", re.IGNORECASE)
_COLUMNS: Final = ("id", "title", "authors", "date", "venue", "doi", "arxiv", "url", "keywords", "abstract")


@dataclass(frozen=True, slots=True)
class Format:
    """An export format; `write` yields pieces of text, about a paper each."""

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Iterable[Fetched]], Iterator[str]]


def write_bibtex(papers: Iterable[Fetched]) -> Iterator[str]:
    """Yield a BibTeX entry for each paper."""
    keys = Keys()
    for number, paper in enumerate(papers):
        yield ("\n" if number else "") + bibtex(paper, keys.give(paper))


def write_ris(papers: Iterable[Fetched]) -> Iterator[str]:
    """Yield a RIS entry for each paper."""
    from rispy.writer import RisWriter

    class Writer(RisWriter):  # type: ignore[misc]  # rispy has no types
        def set_header(self, count: int) -> str:  # noqa: ARG002
            return ""  # no number above each entry

    writer = Writer()
    for fetched in papers:
        paper = Cited.of(fetched)
        entry = {
            "type_of_reference": "JOUR" if paper.venue else "GEN",
            "title": paper.title,
            "authors": [Name.read(name).family_first for name in paper.authors],
            "date": f"{paper.published:%Y/%m/%d}" if paper.published else "",
            "year": str(paper.published.year) if paper.published else "",
            "journal_name": paper.venue,
            "doi": paper.doi,
            "urls": _addresses(paper),
            "keywords": list(paper.keywords),
            "abstract": paper.abstract,
            "id": paper.paper_id,
        }
        yield writer.formats([{key: value for key, value in entry.items() if value}]).strip() + "\n\n"


def write_csl(papers: Iterable[Fetched]) -> Iterator[str]:
    """Yield a CSL-JSON array, which Zotero, Pandoc and citeproc read."""
    keys = Keys()
    yield "["
    for number, paper in enumerate(papers):
        yield (",\n" if number else "\n") + json.dumps(_csl(Cited.of(paper), keys.give(paper)), ensure_ascii=False)
    yield "\n]\n"


def write_csv(papers: Iterable[Fetched]) -> Iterator[str]:
    """Yield CSV with a header and a row for each paper."""
    yield _row(_COLUMNS)
    for fetched in papers:
        paper, verbatim = Cited.of(fetched), fetched.paper
        yield _row(
            (
                paper.paper_id,
                verbatim.title,
                _names(paper.authors),
                paper.published.isoformat() if paper.published else "",
                paper.venue,
                paper.doi,
                paper.arxiv,
                paper.url,
                "; ".join(paper.keywords),
                verbatim.abstract,
            )
        )


def write_jsonl(papers: Iterable[Fetched]) -> Iterator[str]:
    """Yield a JSON object per line, with everything known about a paper and its verbatim text."""
    for fetched in papers:
        paper, verbatim = Cited.of(fetched), fetched.paper
        row = {
            "_id": paper.paper_id,
            "title": verbatim.title,
            "text": verbatim.abstract,
            "authors": list(fetched.authors),
            "published": paper.published.isoformat() if paper.published else None,
            "venue": fetched.venue,
            "arxiv_id": f"{paper.arxiv}{f'v{fetched.version}' if fetched.version else ''}" if paper.arxiv else None,
            "doi": paper.doi,
            "url": paper.url,
            "code_url": fetched.code_url,
            "keywords": list(fetched.keywords),
            "categories": list(fetched.categories),
            "upvotes": fetched.upvotes,
        }
        known = {key: value for key, value in row.items() if value or key == "text"}
        yield json.dumps(known, ensure_ascii=False) + "\n"


FORMATS: Final[dict[str, Format]] = {
    "bibtex": Format("BibTeX", (".bib",), write_bibtex),
    "ris": Format("RIS", (".ris",), write_ris),
    "csl": Format("CSL-JSON", (".json",), write_csl),
    "csv": Format("CSV", (".csv",), write_csv),
    "jsonl": Format("JSON Lines", (".jsonl", ".ndjson"), write_jsonl),
}


class Papers(Protocol):
    """The part of a library that export needs."""

    async def details(self, paper_ids: Iterable[str]) -> Mapping[str, Fetched]:
        """Everything known about papers, by the ids given; unknown ids are left out."""
        ...


async def export(papers: Papers, paper_ids: Sequence[str], form: str, write: Callable[[str], object]) -> int:
    """Write papers in a format, with some hundred in memory at a time; the number of papers written.

    `write` is called in a thread, with one piece of text at a time. Unknown ids are left out.
    """
    loop = asyncio.get_running_loop()
    stopped = threading.Event()
    count = 0

    def read() -> Iterator[Fetched]:
        nonlocal count
        for some in batched(paper_ids, _BATCH):
            if stopped.is_set():
                return
            known = asyncio.run_coroutine_threadsafe(_details(papers, some), loop).result()
            found = [known[paper_id] for paper_id in some if paper_id in known]
            count += len(found)
            yield from found

    def work() -> None:
        for piece in FORMATS[form].write(read()):
            write(piece)

    try:
        await asyncio.to_thread(work)
    finally:
        stopped.set()
    return count


async def _details(papers: Papers, paper_ids: Sequence[str]) -> Mapping[str, Fetched]:
    return await papers.details(paper_ids)


def format_of(file_name: str) -> str:
    """The key of the format for a file name; raises BadInputError if the suffix is unknown."""
    suffix = PurePath(file_name).suffix.lower()
    for key, form in FORMATS.items():
        if suffix in form.suffixes:
            return key
    known = ", ".join(f"{form.suffixes[0]} ({form.name})" for form in FORMATS.values())
    raise BadInputError(f'"{file_name}" does not say what to write; let its name end in one of {known}.')


def _csl(paper: Cited, key: str) -> dict[str, Any]:
    day = paper.published
    entry: dict[str, Any] = {
        "id": paper.paper_id if paper.paper_id.startswith("title:") else key,
        "type": "article-journal" if paper.venue else "article",
        "title": paper.title,
        "author": [_csl_name(name) for name in paper.authors],
        "issued": {"date-parts": [[day.year, day.month, day.day]]} if day else None,
        "container-title": paper.venue,
        "number": f"arXiv:{paper.arxiv}" if paper.arxiv else "",
        "DOI": paper.doi,
        "URL": paper.url,
        "keyword": ", ".join(paper.keywords),
        "abstract": paper.abstract,
    }
    return {name: value for name, value in entry.items() if value}


def _csl_name(written: str) -> dict[str, str]:
    name = Name.read(written)
    if not name.given:
        return {"literal": written}
    return {"family": name.family, "given": name.given} | ({"suffix": name.suffix} if name.suffix else {})


def _addresses(paper: Cited) -> list[str]:
    """The paper's URL, and the one at arXiv, from which importers read the arXiv id."""
    at_arxiv = f"https://arxiv.org/abs/{paper.arxiv}" if paper.arxiv else ""
    return list(dict.fromkeys(address for address in (paper.url, at_arxiv) if address))


def _names(authors: tuple[str, ...]) -> str:
    """Join names with semicolons; a single name that reads like several gets a trailing one."""
    names = [name.replace(";", " ") for name in authors]
    return "; ".join(names) + (";" if len(names) == 1 and _SEVERAL.search(names[0]) else "")


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        [f" {cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
    )
    return line.getvalue()
