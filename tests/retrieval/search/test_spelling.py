from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from retrieval.library import Library

PAPERS = (
    Paper("1", "Catastrophic interference in networks", "Networks forget by interference between tasks.", "test"),
    Paper("2", "Interpretability of attention heads", "Interpretability of heads, in mechanisms of recall.", "test"),
    Paper("3", "Plans for robots", "A robot makes plans. Plans are generated from rewards.", "test"),
)


@pytest.fixture
async def spelt(library: Library) -> Library:
    await library.add([Fetched(paper, authors=("Ada Rewerds",)) for paper in PAPERS])
    return library


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("catastrohpic inteference", "catastrophic interference"),
        ("attenton heads", "attention heads"),
        ("interp of heads", "interpretability of heads"),
        ("Mechanismms!", "mechanisms!"),
    ],
)
async def test_a_slip_is_read_as_the_word_that_a_paper_has(spelt: Library, typed: str, meant: str) -> None:
    assert (await spelt.spelled(typed)).text == meant


@pytest.mark.parametrize(
    "typed",
    [
        "paper planes",  # a real word, though no paper is about planes and one is about plans
        "federated learning",  # a word like "generated"
        "papers by Rewerds",  # an author, though papers are about rewards
        "ATTENTON",  # capitals make it a name
        "zebra qwertyuiop",
        "was ist das wichtigste",
        "",
    ],
)
async def test_what_is_a_word_or_like_none_stays(spelt: Library, typed: str) -> None:
    spelled = await spelt.spelled(typed)
    assert spelled.text == typed
    assert spelled.read_as == ()
