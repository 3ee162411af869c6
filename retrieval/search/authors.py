"""Author search: papers by an author, and names of authors in a text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from rapidfuzz.distance import OSA

from retrieval.index.lexical import NameTerm
from retrieval.text.names import Name, possible_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.index.lexical import LexicalIndex
    from retrieval.papers import Paper
    from retrieval.text.names import NameForm

Match: TypeAlias = Literal["name", "initials", "slip", "surname", "given"]
_Step: TypeAlias = tuple[Match, "Sequence[NameTerm]"]

FAR = 1000  # longer than any name
TWO_SLIPS = 12  # names with this many characters may have two typos, shorter ones one


@dataclass(frozen=True, slots=True)
class Authored:
    """A paper by the author asked for, and how well the names match.

    Attributes:
        paper: the paper.
        author: the author as the paper names them, such as "Yejin Choi".
        match: "name" (same name, apart from middle names), "initials" (one has only an initial as given name), "slip"
            (one or two letters differ), or "surname" or "given" (only that was asked for, or only that matches).
    """

    paper: Paper
    author: str
    match: Match


@dataclass(frozen=True, slots=True)
class Works:
    """How many papers match an author's name, and the first of them."""

    total: int
    papers: tuple[Authored, ...]


@dataclass(frozen=True, slots=True)
class NamedAuthor:
    """An author's name in a text.

    Attributes:
        text: the name as written.
        span: its (start, end) in the text.
        papers: about how many papers have an author of this name.
        in_full: whether it is given name and surname, and so unambiguous; a surname alone may be any word.
    """

    text: str
    span: tuple[int, int]
    papers: int
    in_full: bool


async def find_works(name: str, limit: int, catalogue: Catalogue, lexical: LexicalIndex) -> Works:
    """Find an author's papers: the likeliest reading of the name first, newest first within each.

    A full name only falls back to others with that surname if nobody has the full name, even misspelled.
    """
    asked = Name.read(name)
    total, found = await asyncio.to_thread(_find, asked, limit, lexical)
    known = await catalogue.known(paper_id for paper_id, _ in found)
    papers = [
        Authored(details.paper, _author(details.authors, terms), match)
        for paper_id, (match, terms) in found
        if paper_id in known and not (details := known[paper_id].details).withdrawn
    ]
    return Works(total, tuple(papers))


def find_named_authors(text: str, lexical: LexicalIndex) -> tuple[NamedAuthor, ...]:
    """Find names of the library's authors in a text, in text order; of two that overlap, the longer one."""
    found: list[NamedAuthor] = []
    for written in possible_names(text):
        start, end = written.span
        if any(start < other.span[1] and other.span[0] < end for other in found):
            continue
        words = written.name.words
        whole = " ".join(words)
        in_full = lexical.frequency(NameTerm("full", whole))
        in_part = lexical.frequency(NameTerm("initial" if len(words) > 1 else "surname", whole))
        if in_full or in_part:
            sure = bool(in_full) and written.name.in_full
            found.append(NamedAuthor(text[start:end], written.span, max(in_full, in_part), sure))
    return tuple(sorted(found, key=lambda author: author.span))


def works_in_full(text: str, lexical: LexicalIndex, limit: int) -> list[str]:
    """Ids of up to `limit` papers by authors whose full names are in a text."""
    terms = [NameTerm("full", " ".join(name.name.words)) for name in possible_names(text) if name.name.in_full]
    known = [term for term in terms if lexical.frequency(term)]
    return lexical.newest(known, limit)[1] if known else []


def _find(asked: Name, limit: int, lexical: LexicalIndex) -> tuple[int, list[tuple[str, _Step]]]:
    for steps in _interpretations(asked):
        total = 0
        found: list[tuple[str, _Step]] = []
        before: list[NameTerm] = []
        for step in steps:
            count, paper_ids = lexical.newest(step[1], limit, but=before)
            total += count
            found += [(paper_id, step) for paper_id in paper_ids]
            before += step[1]
        if total:
            return total, found[:limit]
    return 0, []


def _interpretations(asked: Name) -> Iterator[Sequence[_Step]]:
    """Yield the readings of a name, likeliest first; the steps of a reading go from exact to loose."""
    *others, last = asked.words or ("",)
    if not last:
        return
    if not others:
        forms: Sequence[tuple[Match, NameForm]] = (("name", "full"), ("surname", "surname"), ("given", "given"))
        yield [(match, [NameTerm(form, last)]) for match, form in forms]
        return
    yield _in_full(asked)
    yield _in_full(Name((*asked.words[1:], asked.words[0])))  # "Choi Yejin"
    yield (("surname", [NameTerm("surname", " ".join(asked.words))]),)
    if not asked.abbreviated:
        yield (("slip", [NameTerm("full", full, 1 + (len(full) >= TWO_SLIPS)) for full in asked.forms("full")]),)
    yield (("surname", [NameTerm("surname", last)]),)


def _in_full(name: Name) -> Sequence[_Step]:
    # "Y. Choi" matches any Choi with that initial; "Yejin Choi" also matches authors listed as just "Y. Choi".
    form: NameForm = "initial" if name.abbreviated else "full"
    return (
        ("name", [NameTerm("full", full) for full in name.forms("full")]),
        ("initials", [NameTerm(form, initial) for initial in name.forms("initial")]),
    )


def _author(authors: Sequence[str], terms: Sequence[NameTerm]) -> str:
    """The author that matches one of the terms; the nearest one if the index is out of date."""
    asked = {(term.form, term.text) for term in terms}
    best, least = "", FAR
    for author in authors:
        name = Name.read(author)
        for form, text in asked:
            for spelling in name.forms(form):
                if spelling == text:
                    return author
                if (distance := OSA.distance(spelling, text, score_cutoff=least)) < least:
                    best, least = author, distance
    return best
