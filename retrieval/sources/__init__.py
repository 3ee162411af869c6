"""Where papers come from, found by what a user calls it: files here, sources on the network through `open_online`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import BadInputError
from retrieval.sources.formats import NAMES, READABLE
from retrieval.sources.intake import Intake
from retrieval.sources.page_dump import SHIPPED, read_page_dump
from retrieval.sources.rows import LeftOut
from retrieval.sources.specs import ACCEPTED as _ONLINE
from retrieval.sources.specs import open_online

if TYPE_CHECKING:
    from retrieval.papers import Paper
    from retrieval.sources.fetched import Fetched

__all__ = ["SEEDS", "Source", "open_online", "open_source", "seeds_file"]

SEEDS = SHIPPED

_SEEDS_FILE = "hf-papers.txt"
_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
_ACCEPTED = f'a source is "{SEEDS}", a file of papers ({READABLE}), a folder of those, {_ONLINE}'


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


def open_source(spec: str, *, strict: bool = False) -> Source:
    """Return a source of files with its papers; raises BadInputError where it is none or holds none.

    Args:
        spec: "seeds", a file of any of the formats, or a folder: of one in BEIR's form (with a corpus.jsonl) that
            file, of any other all its files with a name of theirs, in the order of the names.
        strict: raise BadInputError where anything cannot be read, instead of leaving it out.
    """
    if spec == SEEDS:
        return Source(spec, read_page_dump(seeds_file(), source=SEEDS))
    try:
        path = Path(spec).expanduser()
        if spec and path.is_dir():
            return _checked(spec, _read_folder(path), strict=strict)
        if path.is_file():
            return _checked(spec, _read(path), strict=strict)
        near = _nearest(path)
    except (OSError, RuntimeError) as error:  # a folder that may not be read, a name too long, an unknown ~user
        raise BadInputError(f'The source "{spec}" cannot be read ({error}); {_ACCEPTED}.') from error
    raise BadInputError(f'There is no source "{spec}"; {near}{_ACCEPTED}.')


def seeds_file() -> Path:
    """Return the page that ships: beside this module in a wheel, in seeds/ at the top of a clone."""
    packaged = Path(__file__).with_name(_SEEDS_FILE)
    return packaged if packaged.exists() else Path(__file__).parents[2] / SEEDS / _SEEDS_FILE


def _read(path: Path) -> Intake:
    intake = Intake()
    shipped = seeds_file()
    if shipped.exists() and path.samefile(shipped):
        intake.papers += read_page_dump(path, source=SEEDS)
    else:
        intake.read(path)
    return intake


def _read_folder(folder: Path) -> Intake:
    """Read every file that may hold papers; one that holds none is among what is left out."""
    intake = Intake()
    # The queries beside a corpus are JSON Lines, too, but no papers.
    corpus = [path for name in _CORPUS if (path := folder / name).is_file()]
    for path in corpus[:1] or sorted(path for path in folder.iterdir() if path.is_file() and _may_hold_papers(path)):
        before = intake.left_out.count
        try:
            intake.read(path)
        except BadInputError as error:
            if intake.left_out.count == before:
                intake.left_out.add(str(error))
    if not intake.papers:
        reason = f" ({intake.left_out.first[0].rstrip('.')})" if intake.left_out.first else ""
        raise BadInputError(f"The folder {folder} holds no papers{reason}; {_ACCEPTED}.")
    return intake


def _may_hold_papers(path: Path) -> bool:
    name = path.name.lower()
    return not name.startswith(".") and (name.removesuffix(".gz").endswith(NAMES) or name.endswith(".zip"))


def _checked(spec: str, intake: Intake, *, strict: bool) -> Source:
    if strict and intake.left_out.count:
        others = intake.left_out.count - 1
        more = f" So it is with {others:,} more." if others else ""
        raise BadInputError(f"{intake.left_out.first[0]}{more} Nothing of {spec} is taken in.")
    return Source(spec, tuple(intake.papers), intake.left_out, tuple(intake.remarks))


def _nearest(path: Path) -> str:
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [SEEDS, "huggingface", "arxiv", *siblings], n=1)
    return f'the nearest is "{near[0]}"; ' if near else ""
