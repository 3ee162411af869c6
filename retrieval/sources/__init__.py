"""Where papers come from, found by what a user calls it: files here, sources on the network through `open_online`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import BadInputError
from retrieval.sources.jsonl import read_records
from retrieval.sources.page_dump import read_page_dump
from retrieval.sources.specs import ACCEPTED as _ONLINE
from retrieval.sources.specs import open_online

if TYPE_CHECKING:
    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched

__all__ = ["SEEDS", "Source", "open_online", "open_source", "seeds_file"]

SEEDS = "seeds"

_SEEDS_FILE = "hf-papers.txt"
_JSONL = (".jsonl", ".jsonl.gz")
_ACCEPTED = f'a source is "{SEEDS}", a page dump (.txt), a .jsonl or .jsonl.gz file, a folder of those, {_ONLINE}'


@dataclass(frozen=True, slots=True)
class Source:
    """Hold what a user called a source, and all of its papers."""

    name: str
    papers: tuple[Paper | Fetched, ...]


def open_source(spec: str) -> Source:
    """Return a source of files with its papers, every file of it read and found good; raises BadInputError.

    Args:
        spec: "seeds", a page dump, a .jsonl or .jsonl.gz file, or a folder: of one in BEIR's form (with a
            corpus.jsonl) that file, of any other all its .txt and JSON Lines files in the order of their names.
    """
    if spec == SEEDS:
        return Source(spec, read_page_dump(seeds_file(), source=SEEDS))
    try:
        path = Path(spec).expanduser()
        if spec and path.is_dir():
            return Source(spec, tuple(paper for file in _files(path) for paper in _read(file)))
        if path.is_file():
            return Source(spec, _read(path))
        near = _nearest(path)
    except (OSError, RuntimeError) as error:  # a folder that may not be read, a name too long, an unknown ~user
        raise BadInputError(f'The source "{spec}" cannot be read ({error}); {_ACCEPTED}.') from error
    raise BadInputError(f'There is no source "{spec}"; {near}{_ACCEPTED}.')


def seeds_file() -> Path:
    """Return the page that ships: beside this module in a wheel, in seeds/ at the top of a clone."""
    packaged = Path(__file__).with_name(_SEEDS_FILE)
    return packaged if packaged.exists() else Path(__file__).parents[2] / SEEDS / _SEEDS_FILE


def _read(path: Path) -> tuple[Paper | Fetched, ...]:
    if path.name.endswith(_JSONL):
        return read_records(path)
    shipped = seeds_file()
    is_shipped = shipped.exists() and path.samefile(shipped)
    return read_page_dump(path, source=SEEDS if is_shipped else "page")


def _files(folder: Path) -> list[Path]:
    # The queries beside a corpus are JSON Lines, too, but no papers.
    corpus = [path for name in _JSONL if (path := folder / f"corpus{name}").is_file()]
    files = corpus[:1] or sorted(
        path for path in folder.iterdir() if path.is_file() and path.name.endswith((".txt", *_JSONL))
    )
    if not files:
        raise BadInputError(f"The folder {folder} holds no papers; {_ACCEPTED}.")
    return files


def _nearest(path: Path) -> str:
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [SEEDS, "huggingface", "arxiv", *siblings], n=1)
    return f'the nearest is "{near[0]}"; ' if near else ""
