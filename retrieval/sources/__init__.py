"""Where papers come from, found by what a user calls it; `open_spec` is the one door to all of them.

Whatever imports a module of this package runs this one, so that the readers of files are imported where they are used.
"""

from __future__ import annotations

import difflib
from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import BadInputError
from retrieval.sources.rows import LeftOut
from retrieval.sources.specs import ACCEPTED as _ONLINE
from retrieval.sources.specs import ONE_PAPER, open_online

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrieval.papers import Paper
    from retrieval.sources.choice import Choice
    from retrieval.sources.fetched import Fetched, OnlineSource
    from retrieval.sources.intake import Intake
    from retrieval.sources.single import Addresses, Single
    from retrieval.sources.web import Web

__all__ = ["SEEDS", "Source", "Stream", "open_online", "open_source", "open_spec", "seeds_file", "stream_source"]

SEEDS = "seeds"

_SEEDS_FILE = "hf-papers.txt"
_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Source:
    """Hold what a user called a source, and all of its papers.

    Attributes:
        name: as the user wrote it.
        papers: those that could be read.
        left_out: the first sentences on what could not be read, and how much that was.
        remarks: sentences on how it was read, such as which column was taken for what.
    """

    name: str
    papers: tuple[Paper | Fetched, ...]
    left_out: LeftOut = field(default_factory=LeftOut)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """Hold a source of files whose papers are read as they are asked for, so that a file may be of any size.

    Attributes:
        name: as the user wrote it.
        papers: may be gone through once.
        intake: what had to be left out and what is to be said, when all papers have been asked for.
    """

    name: str
    papers: Iterator[Paper | Fetched]
    intake: Intake


def open_spec(
    spec: str,
    web: Web,
    addresses: Addresses,
    choice: Choice,
    *,
    huggingface_url: str,
    strict: bool = False,
    as_page: bool = False,
) -> OnlineSource | Stream | Single:
    """Return what a spec names, a file before a paper with that id; nothing is fetched yet.

    Raises BadInputError where it names nothing. `choice`, `strict` and `as_page` are as in `stream_source`.
    """
    from retrieval.sources.single import open_single

    named = None if _is_here(spec) else open_single(spec, web, addresses)
    online = named or open_online(spec, web, huggingface_url=huggingface_url, arxiv_url=addresses.arxiv)
    return online or stream_source(spec, choice, strict=strict, as_page=as_page)


def open_source(spec: str, *, strict: bool = False) -> Source:
    """Return a source of files with its papers; raises BadInputError where it is none or holds none.

    Args:
        spec: "seeds", a file of any of the formats, or a folder: of one in BEIR's form (with a corpus.jsonl) that
            file, of any other all its files with a name of theirs, in the order of the names.
        strict: raise BadInputError where anything cannot be read, instead of leaving it out.
    """
    from retrieval.sources.intake import Intake

    intake = Intake()
    papers = tuple(_papers(spec, intake))
    if strict:
        _be_strict(spec, intake)
    return Source(spec, papers, intake.left_out, tuple(intake.remarks))


def stream_source(spec: str, choice: Choice, *, strict: bool = False, as_page: bool = False) -> Stream:
    """Return a source of files, read up to its first paper; raises BadInputError as `open_source` does.

    Args:
        spec: as in `open_source`.
        choice: which papers to take.
        strict: read everything once before, so that nothing is taken where anything cannot be read.
        as_page: take every file for a page dump, whatever it looks like.
    """
    from retrieval.sources.intake import Intake

    if strict:
        trial = Intake(as_page=as_page)
        deque(_papers(spec, trial), maxlen=0)
        _be_strict(spec, trial)
    intake = Intake(choice, as_page)
    papers = _papers(spec, intake)
    first = next(papers, None)
    return Stream(spec, iter(()) if first is None else chain([first], papers), intake)


def _papers(spec: str, intake: Intake) -> Iterator[Paper | Fetched]:
    from retrieval.sources.page_dump import read_page_dump

    if spec == SEEDS:
        yield from intake.chosen(read_page_dump(seeds_file(), source=SEEDS))
        return
    try:
        path = Path(spec).expanduser()
        is_folder, is_file = bool(spec) and path.is_dir(), path.is_file()
        near = "" if is_folder or is_file else _nearest(path)
        files = _files(path) if is_folder else []
    except (OSError, RuntimeError) as error:  # a folder that may not be read, a name too long, an unknown ~user
        raise BadInputError(f'The source "{spec}" cannot be read ({error}); {_accepted()}.') from error
    if is_folder:
        yield from _of_folder(path, files, intake)
    elif is_file:
        yield from _of_file(path, intake)
    else:
        raise BadInputError(f'There is no source "{spec}"; {near}{_accepted()}.')


def _is_here(spec: str) -> bool:
    """Say whether a spec names a file or a folder."""
    try:
        return bool(spec.strip()) and Path(spec).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def seeds_file() -> Path:
    """Return the page that ships: beside this module in a wheel, in seeds/ at the top of a clone."""
    packaged = Path(__file__).with_name(_SEEDS_FILE)
    return packaged if packaged.exists() else Path(__file__).parents[2] / SEEDS / _SEEDS_FILE


def _of_file(path: Path, intake: Intake) -> Iterator[Paper | Fetched]:
    from retrieval.sources.page_dump import read_page_dump

    shipped = seeds_file()
    if shipped.exists() and path.samefile(shipped):
        yield from intake.chosen(read_page_dump(path, source=SEEDS))
    else:
        yield from intake.papers(path)


def _files(folder: Path) -> list[Path]:
    # The queries beside a corpus are JSON Lines, too, but no papers.
    corpus = [path for name in _CORPUS if (path := folder / name).is_file()]
    return corpus[:1] or sorted(path for path in folder.iterdir() if path.is_file() and _may_hold_papers(path))


def _of_folder(folder: Path, files: Iterable[Path], intake: Intake) -> Iterator[Paper | Fetched]:
    """Read every file that may hold papers; one that holds none is among what is left out."""
    for path in files:
        before = intake.left_out.count
        try:
            yield from intake.papers(path)
        except BadInputError as error:
            if intake.left_out.count == before:
                intake.left_out.add(str(error))
    if not intake.read:
        reason = f" ({intake.left_out.first[0].rstrip('.')})" if intake.left_out.first else ""
        raise BadInputError(f"The folder {folder} holds no papers{reason}; {_accepted()}.")


def _may_hold_papers(path: Path) -> bool:
    from retrieval.sources.formats import NAMES

    name = path.name.lower()
    return not name.startswith(".") and (name.removesuffix(".gz").endswith(NAMES) or name.endswith(".zip"))


def _be_strict(spec: str, intake: Intake) -> None:
    if intake.left_out.count:
        others = intake.left_out.count - 1
        more = f" So it is with {others:,} more." if others else ""
        raise BadInputError(f"{intake.left_out.first[0]}{more} Nothing of {spec} is taken in.")


def _accepted() -> str:
    from retrieval.sources.formats import READABLE

    return f'a source is "{SEEDS}", a file of papers ({READABLE}), a folder of those, {ONE_PAPER}, {_ONLINE}'


def _nearest(path: Path) -> str:
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [SEEDS, "huggingface", "arxiv", *siblings], n=1)
    return f'the nearest is "{near[0]}"; ' if near else ""
