"""Sources of papers by the names that users give them; `open_spec` opens any of them.

Importing any module of this package runs this one, so it imports the file readers only where they are used.
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
    """A source of files with all of its papers.

    Attributes:
        name: as the user wrote it.
        papers: the papers that could be read.
        left_out: what could not be read: the first sentences about it, and a count.
        remarks: sentences about how it was read, such as what each column was taken for.
    """

    name: str
    papers: tuple[Paper | Fetched, ...]
    left_out: LeftOut = field(default_factory=LeftOut)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """A source of files that is read on demand, so that a file can be of any size.

    Attributes:
        name: as the user wrote it.
        papers: can be iterated once.
        intake: what was left out, and remarks; complete once all papers have been read.
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
    """Open what a spec names; a file wins over a paper with that id. Nothing is fetched yet.

    Raises BadInputError if it names nothing. `choice`, `strict` and `as_page` are as in `stream_source`.
    """
    from retrieval.sources.single import open_single

    named = None if _is_here(spec) else open_single(spec, web, addresses)
    online = named or open_online(spec, web, huggingface_url=huggingface_url, arxiv_url=addresses.arxiv)
    return online or stream_source(spec, choice, strict=strict, as_page=as_page)


def open_source(spec: str, *, strict: bool = False) -> Source:
    """Read a whole source of files; raises BadInputError if it does not exist or holds no papers.

    Args:
        spec: "seeds", a file in any supported format, or a folder. A folder in BEIR's form stands for its corpus.jsonl,
            any other for all its files with a known extension, by name.
        strict: raise BadInputError if anything cannot be read, instead of leaving it out.
    """
    from retrieval.sources.intake import Intake

    intake = Intake()
    papers = tuple(_papers(spec, intake))
    if strict:
        _be_strict(spec, intake)
    return Source(spec, papers, intake.left_out, tuple(intake.remarks))


def stream_source(spec: str, choice: Choice, *, strict: bool = False, as_page: bool = False) -> Stream:
    """Open a source of files and read up to its first paper; raises BadInputError as `open_source` does.

    Args:
        spec: as in `open_source`.
        choice: which papers to take.
        strict: read everything once beforehand, and take nothing if anything cannot be read.
        as_page: read every file as a page dump, whatever it looks like.
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
    except (OSError, RuntimeError) as error:  # an unreadable folder, too long a name, an unknown ~user
        raise BadInputError(f'The source "{spec}" cannot be read ({error}); {_accepted()}.') from error
    if is_folder:
        yield from _of_folder(path, files, intake)
    elif is_file:
        yield from _of_file(path, intake)
    else:
        raise BadInputError(f'There is no source "{spec}"; {near}{_accepted()}.')


def _is_here(spec: str) -> bool:
    """Whether a spec names a file or a folder."""
    try:
        return bool(spec.strip()) and Path(spec).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def seeds_file() -> Path:
    """The page of papers that ships with Footnote: beside this module in a wheel, in seeds/ in a clone."""
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
    # The queries beside a corpus are JSON Lines too, but not papers.
    corpus = [path for name in _CORPUS if (path := folder / name).is_file()]
    return corpus[:1] or sorted(path for path in folder.iterdir() if path.is_file() and _may_hold_papers(path))


def _of_folder(folder: Path, files: Iterable[Path], intake: Intake) -> Iterator[Paper | Fetched]:
    """Read every file that may hold papers; one that holds none is left out."""
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
        more = f" The same is true of {others:,} more." if others else ""
        raise BadInputError(f"{intake.left_out.first[0]}{more} Nothing from {spec} was ingested.")


def _accepted() -> str:
    from retrieval.sources.formats import READABLE

    return f'a source is "{SEEDS}", a file of papers ({READABLE}), a folder of those, {ONE_PAPER}, {_ONLINE}'


def _nearest(path: Path) -> str:
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [SEEDS, "huggingface", "arxiv", *siblings], n=1)
    return f'the nearest is "{near[0]}"; ' if near else ""
