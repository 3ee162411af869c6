from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from retrieval.library import Library
    from tests.conftest import LibraryWith


def _by(number: int, title: str, *authors: str, published: dt.date | None = None) -> Fetched:
    abstract = f"We study {title.lower()} and report what was measured."
    paper = Paper(f"arxiv:2401.{number:05}", title, abstract, "test", published=published)
    return Fetched(paper, authors=authors)


OLD = _by(1, "Common sense in stories", "Yejin Choi", "Ronan Le Bras", published=dt.date(2021, 5, 1))
NEW = _by(2, "Moral judgements of machines", "Liwei Jiang", "Yejin K. Choi", published=dt.date(2024, 2, 3))
SHORT = _by(3, "Sketches of rooms", "Y. Choi", published=dt.date(2023, 1, 1))
OTHER = _by(4, "Parsing dialogue", "Eunsol Choi", "Jürgen Schmidhuber", published=dt.date(2024, 6, 1))
UNDATED = _by(5, "Neighbour embeddings", "Choi, Yejin", "Laurens van der Maaten")
TEAM = _by(6, "Routing of cables by robots", "The Team", "Wei Wang", published=dt.date(2024, 1, 1))


@pytest.fixture
async def authored(library_with: LibraryWith) -> Library:
    return await library_with([OLD, NEW, SHORT, OTHER, UNDATED, TEAM])


def _found(*papers: Fetched) -> list[str]:
    return [fetched.paper.title for fetched in papers]


@pytest.mark.parametrize(
    ("name", "papers", "matches"),
    [
        ("Yejin Choi", (NEW, OLD, UNDATED, SHORT), ["name"] * 3 + ["initials"]),
        ("choi, yejin", (NEW, OLD, UNDATED, SHORT), ["name"] * 3 + ["initials"]),
        ("Choi Yejin", (NEW, OLD, UNDATED, SHORT), ["name"] * 3 + ["initials"]),
        ("Yejin K. Choi et al.", (NEW, OLD, UNDATED, SHORT), ["name"] * 3 + ["initials"]),
        ("Yejin Chio", (NEW, OLD, UNDATED), ["slip"] * 3),
        ("Y. Choi", (SHORT, NEW, OLD, UNDATED), ["name"] + ["initials"] * 3),
        ("Choi", (OTHER, NEW, SHORT, OLD, UNDATED), ["surname"] * 5),
        ("Yejin", (NEW, OLD, UNDATED), ["given"] * 3),
        ("Sooyoung Choi", (OTHER, NEW, SHORT, OLD, UNDATED), ["surname"] * 5),
        ("JURGEN SCHMIDHUBER", (OTHER,), ["name"]),
        ("Juergen Schmidhubr", (OTHER,), ["slip"]),
        ("van der Maaten", (UNDATED,), ["surname"]),
        ("L. van der Maaten", (UNDATED,), ["initials"]),
        ("Maaten", (UNDATED,), ["surname"]),
        ("Wei Zhang", (), []),
        ("?", (), []),
        ("", (), []),
    ],
)
async def test_an_author_is_found_however_the_name_is_written(
    authored: Library, name: str, papers: tuple[Fetched, ...], matches: list[str]
) -> None:
    works = await authored.by_author(name)
    assert [each.paper.title for each in works.papers] == _found(*papers)
    assert [each.match for each in works.papers] == matches
    assert works.total == len(papers)


async def test_the_author_found_is_named_as_the_paper_does(authored: Library) -> None:
    works = await authored.by_author("yejin choi", limit=2)
    assert [each.author for each in works.papers] == ["Yejin K. Choi", "Yejin Choi"]
    assert works.total == 4


async def test_what_is_withdrawn_is_by_nobody(authored: Library) -> None:
    await authored.add([replace(NEW, withdrawn=True)])
    assert [each.paper.title for each in (await authored.by_author("Yejin Choi")).papers] == _found(OLD, UNDATED, SHORT)


async def test_authors_that_become_known_later_are_found(library: Library) -> None:
    await library.add([OLD.paper])
    assert (await library.by_author("Choi")).total == 0
    await library.add([OLD])
    assert [each.paper for each in (await library.by_author("Choi")).papers] == [OLD.paper]


async def test_a_search_that_names_an_author_in_full_has_their_papers_first(authored: Library) -> None:
    found = [hit.paper.title for hit in await authored.search("papers by Yejin Choi")]
    assert set(found[:3]) == set(_found(OLD, NEW, UNDATED))
    found = [hit.paper.title for hit in await authored.search("what does yejin choi say about moral judgements?")]
    assert found[0] == NEW.paper.title
    recent = await authored.search("papers by Yejin Choi", since=dt.date(2024, 1, 1))
    assert recent[0].paper == NEW.paper


async def test_a_surname_and_the_words_of_a_question_move_nothing(authored: Library) -> None:
    assert (await authored.search("routing by choi"))[0].paper == TEAM.paper
    assert (await authored.search("what is the team that parsed dialogue?"))[0].paper == OTHER.paper


async def test_names_of_authors_are_found_in_a_text(authored: Library) -> None:
    text = "Did Yejin Choi, Y. Choi and Wang (not Zhang) agree with Schmidhuber's view?"
    found = await authored.authors_in(text)
    assert [(each.text, each.papers, each.in_full) for each in found] == [
        ("Yejin Choi", 3, True),
        ("Y. Choi", 4, False),
        ("Wang", 1, False),
        ("Schmidhuber", 1, False),
    ]
    assert all(text[slice(*each.span)] == each.text for each in found)
