"""Make a large file of each format and read it, to see how much memory that takes.

uv run python bench/large_files.py [--megabytes 1000] [--keep FOLDER] [FORMAT…]
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.sources import stream_source
from retrieval.sources.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ABSTRACT = " ".join(f"Sentence {number} says what the method does and how well it does it." for number in range(20))


def _kaggle(number: int) -> str:
    record = {
        "id": f"{2000 + number // 100_000:04}.{number % 100_000:05}",
        "authors_parsed": [["Doe", "Jane", ""], ["Roe", "Richard", ""]],
        "title": f"Paper number {number}",
        "categories": "cs.CL cs.LG" if number % 10 == 0 else "hep-ph",
        "abstract": ABSTRACT,
        "versions": [{"version": "v1", "created": f"Mon, 2 Apr {2007 + number % 15} 19:18:42 GMT"}],
    }
    return json.dumps(record)


def _pubmed(number: int) -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>Paper number {number}"
        f"</ArticleTitle><Abstract><AbstractText>{ABSTRACT}</AbstractText></Abstract></Article></MedlineCitation>"
        "</PubmedArticle>\n"
    )


def _jats(number: int) -> str:
    return (
        f'<article><front><article-meta><article-id pub-id-type="pmid">{number}</article-id><title-group>'
        f"<article-title>Paper number {number}</article-title></title-group><abstract><p>{ABSTRACT}</p></abstract>"
        "</article-meta></front><body><p>And so on.</p></body></article>\n"
    )


def _bibtex(number: int) -> str:
    return f"@article{{key{number},\n  title = {{Paper number {number}}},\n  abstract = {{{ABSTRACT}}},\n}}\n"


# Header, separator and footer of a file, and the function that makes an entry.
FORMATS: dict[str, tuple[str, str, str, Callable[[int], str]]] = {
    "jsonl": ("", "\n", "\n", _kaggle),
    "json": ("[", ",\n", "]\n", _kaggle),
    "csv": ("id,title,abstract\n", "\n", "\n", lambda number: f'{number},Paper number {number},"{ABSTRACT}"'),
    "xml": ("<PubmedArticleSet>\n", "", "</PubmedArticleSet>\n", _pubmed),
    "nxml": ("<pmc-articleset>\n", "", "</pmc-articleset>\n", _jats),
    "ris": ("", "", "", lambda n: f"TY  - JOUR\nTI  - Paper number {n}\nAB  - {ABSTRACT}\nER  - \n"),
    "bib": ("", "\n", "", _bibtex),
}


def write(folder: Path, kind: str, size: int) -> Path:
    """Write a file of about `size` bytes; `kind` may end in .gz or .zip."""
    name, _, packed = kind.partition(".")
    path = folder / f"large.{kind}"
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"a.{name}", "w") as member:
            for part in _parts(name, size):
                member.write(part)
    else:
        with gzip.open(path, "wb", 1) if packed == "gz" else path.open("wb") as file:
            for part in _parts(name, size):
                file.write(part)
    return path


def _parts(name: str, size: int) -> Iterator[bytes]:
    before, between, after, make = FORMATS[name]
    yield before.encode()
    written, number = 0, 0
    while written < size:
        part = ((between if number else "") + make(number)).encode()
        yield part
        written += len(part)
        number += 1
    yield after.encode()


def read(path: Path, *categories: str) -> tuple[int, int]:
    """Read a file to its end; returns the number of papers, and the peak memory of this process in kB."""
    stream = stream_source(str(path), Choice(tuple(categories)))
    deque(stream.papers, maxlen=0)
    assert not stream.intake.left_out.count, stream.intake.left_out.first
    return stream.intake.read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _measure(path: Path) -> tuple[int, int, float]:
    began = time.perf_counter()
    said = subprocess.run([sys.executable, __file__, "--read", str(path)], check=True, capture_output=True, text=True)
    papers, memory = json.loads(said.stdout)
    return papers, memory, time.perf_counter() - began


def main() -> None:
    """Print a row of a table for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=[*FORMATS, "jsonl.gz", "jsonl.zip"])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--read", type=Path, help="only read this file, and print its papers and the memory")
    asked = parser.parse_args()
    if asked.read:
        print(json.dumps(read(asked.read)))
        return
    print("| file | MB | papers | seconds | most memory, MB |\n| --- | --- | --- | --- | --- |")
    for kind in asked.formats:
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), kind, asked.megabytes * 1_000_000)
            papers, memory, seconds = _measure(path)
            size = path.stat().st_size / 1e6
        print(f"| {kind} | {size:,.0f} | {papers:,} | {seconds:,.0f} | {memory / 1024:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
