"""Papers by their authors: whose name is asked for, and which names stand in a text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from rapidfuzz.distance import OSA

from retrieval.lexical import NameTerm
from retrieval.names import Name, possible_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.catalogue import Catalogue
    from retrieval.lexical import LexicalIndex
    from retrieval.names import NameForm
    from retrieval.papers import Paper

Match: TypeAlias = Literal["name", "initials", "slip", "surname", "given"]
_Step: TypeAlias = tuple[Match, "Sequence[NameTerm]"]

FAR = 1000  # more letters than any name has
TWO_SLIPS = 12  # characters of a name in which two letters may be wrong; in a shorter one, one


@dataclass(frozen=True, slots=True)
class Authored:
    """Hold a paper, the author that was asked for as the paper names them, and how the two names match.

    Attributes:
        paper: one that stands.
        author: such as "Yejin Choi".
        match: "name", but for middle names; "initials", where one of the names has no more of the given name; "slip",
            where a letter or two differ; "surname" or "given", where nothing more was asked for or found.
    """

    paper: Paper
    author: str
    match: Match


@dataclass(frozen=True, slots=True)
class Works:
    """Hold how many papers there are by whoever goes by a name, and the first of them."""

    total: int
    papers: tuple[Authored, ...]


@dataclass(frozen=True, slots=True)
class NamedAuthor:
    """Hold a name in a text that is an author's.

    Attributes:
        text: as it stands there.
        span: where it stands there.
        papers: about how many papers have such an author.
        in_full: given name and surname, so that hardly anything else can be meant; a surname may be any word.
    """

    text: str
    span: tuple[int, int]
    papers: int
    in_full: bool


async def find_works(name: str, limit: int, catalogue: Catalogue, lexical: LexicalIndex) -> Works:
    """Find an author's papers: the likeliest reading of the name first, the newest first within each.

    Who is named in full is not mistaken for others of that surname, unless nobody has the full name, even misspelt.
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
    """Find the names in a text that authors of the library have, in its order; of two that overlap, the longer one."""
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
    """Return the ids of up to `limit` papers by the authors that a text names in full."""
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
    """Yield the ways to read a name, the likeliest first; the first step of each is nearer to what is asked for."""
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
    # "Y. Choi" may be any of them; Yejin Choi is one who is called no more than "Y. Choi".
    form: NameForm = "initial" if name.abbreviated else "full"
    return (
        ("name", [NameTerm("full", full) for full in name.forms("full")]),
        ("initials", [NameTerm(form, initial) for initial in name.forms("initial")]),
    )


def _author(authors: Sequence[str], terms: Sequence[NameTerm]) -> str:
    """Return the author of a paper that one of the terms was found for; the nearest, should the index be behind."""
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
