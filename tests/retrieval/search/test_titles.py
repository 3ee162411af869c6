"""Which titles are found while somebody types one."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest

from retrieval.catalogue.catalogue import Catalogue
from retrieval.index.lexical import LexicalIndex
from retrieval.papers import Paper
from retrieval.search.titles import Titles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

KNOWN = (
    ("arxiv:2002.04523", "Objective Mismatch in Model-based Reinforcement Learning"),
    ("title:1", "Attention"),
    ("arxiv:1706.03762", "Attention Is All You Need"),
    ("title:2", "TÜLU 3: Pushing Frontiers in Open Language Model Post-Training"),
    ("title:3", "Is attention needed, and all of it? You decide"),
    ("title:4", ""),
    ("title:5", "注意力机制综述"),
    ("title:6", "A.*[b]c\\d: what | is (not) a pattern"),
)


async def titles_of(folder: Path, known: Sequence[tuple[str, str]]) -> tuple[Titles, Catalogue]:
    catalogue = await Catalogue.open(f"sqlite+aiosqlite:///{folder / 'footnote.db'}")
    lexical = LexicalIndex(folder / "lexical", "test")
    # The first are the newest.
    papers = [
        Paper(paper_id, title, "", "test", published=dt.date(2026, 1, 1) - dt.timedelta(days=at))
        for at, (paper_id, title) in enumerate(known)
    ]
    await catalogue.add(papers)
    lexical.replace(papers)
    return Titles(catalogue, lexical), catalogue


@pytest.fixture
async def titles(tmp_path: Path) -> AsyncIterator[Titles]:
    titles, catalogue = await titles_of(tmp_path, KNOWN)
    yield titles
    await catalogue.close()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("objectve mismtach", "arxiv:2002.04523"),
        ("reinforcment lerning", "arxiv:2002.04523"),
        ("learning objective", "arxiv:2002.04523"),
        ("bjective mism", "arxiv:2002.04523"),
        ("tulu", "title:2"),
        ("attention is all", "arxiv:1706.03762"),
        ("all you n", "arxiv:1706.03762"),
        ("atention is al you ned", "arxiv:1706.03762"),
        ("attention", "title:1"),
        ("注意力", "title:5"),
        ("a.*[b]c", "title:6"),
    ],
)
async def test_the_paper_that_was_meant_comes_first(titles: Titles, typed: str, first: str) -> None:
    assert (await titles.find(typed, 25))[0][0] == first


@pytest.mark.parametrize("typed", ["zzzz qqqq xxxx", ".*", "(", "😀", "q.*"])
async def test_what_is_like_no_title_finds_no_other(titles: Titles, typed: str) -> None:
    assert await titles.find(typed, 25) in ([], await titles.newest(25))
    assert await titles.meant(typed) is None


async def test_titles_that_begin_so_come_first_and_equals_the_newest_first(tmp_path: Path) -> None:
    known = [("1", "On deep nets"), ("2", "Deep nets, old"), ("3", "Nets that are deep"), ("4", "Deep nets, older")]
    titles, catalogue = await titles_of(tmp_path, known)
    assert [paper_id for paper_id, _ in await titles.find("deep nets", 25)] == ["2", "4", "1", "3"]
    assert [paper_id for paper_id, _ in await titles.find("deep nets", 2)] == ["2", "4"]
    await catalogue.close()


@pytest.mark.parametrize(
    ("typed", "paper_id"),
    [
        ("attention is all you need", "arxiv:1706.03762"),
        ("Atention is all you ned", "arxiv:1706.03762"),
        ("post-training", "title:2"),
        ("all of it you need attention now", None),
    ],
)
async def test_what_was_typed_means_one_paper_or_none(titles: Titles, typed: str, paper_id: str | None) -> None:
    assert await titles.meant(typed) == paper_id


async def test_a_misspelt_title_is_found_among_thousands(tmp_path: Path) -> None:
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghiklmnoprstuvw", k=chance.randint(3, 11))) for _ in range(3000)]
    known = [(f"title:{number}", " ".join(chance.choices(words, k=10))) for number in range(4000)]
    known[1_777] = KNOWN[0]
    titles, catalogue = await titles_of(tmp_path, known)
    for typed in ("objectve mismtach", "objectve mismtach in model-based reinforcment lerning"):
        assert (await titles.find(typed, 25))[0] == KNOWN[0]
    for typed in ("", "o", "obj", "x" * 300, words[0]):
        assert len(await titles.find(typed, 25)) <= 25
    await catalogue.close()
