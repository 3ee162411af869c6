"""What is offered while somebody types a title."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.papers.titles import Titles
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import length
from retrieval.references import find_references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.papers import Paper

KNOWN = (
    ("arxiv:2002.04523", "Objective Mismatch in Model-based Reinforcement Learning"),
    ("title:1", "Attention"),
    ("arxiv:1706.03762", "Attention Is All You Need"),
    ("title:2", "TÜLU 3: Pushing Frontiers in Open Language Model Post-Training"),
    ("title:3", "Is attention needed, and all of it? You decide"),
    ("title:4", ""),
)


@dataclass
class Shelf:
    """The part of a library that titles come from."""

    known: Sequence[tuple[str, str]] = KNOWN
    asked: list[str] = field(default_factory=list)

    def titles(self) -> Sequence[tuple[str, str]]:
        return self.known

    async def id_of(self, text: str) -> str | None:
        named = {each.paper_id for each in find_references(text)} | {text.strip()}
        return next((paper_id for paper_id, _ in self.known if paper_id in named), None)

    async def get(self, paper_id: str) -> Paper | None:
        self.asked.append(paper_id)
        return None


async def offered(typed: str, known: Sequence[tuple[str, str]] = KNOWN) -> list[str]:
    return [choice.value for choice in await Titles(Shelf(known)).choices(typed)]  # type: ignore[arg-type]


async def meant(typed: str) -> str | None:
    shelf = Shelf()
    await Titles(shelf).paper(typed)  # type: ignore[arg-type]
    return shelf.asked[-1] if shelf.asked else None


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("objectve mismtach", "arxiv:2002.04523"),
        ("reinforcment lerning", "arxiv:2002.04523"),
        ("learning objective", "arxiv:2002.04523"),
        ("tulu", "title:2"),
        ("attention is all", "arxiv:1706.03762"),
        ("atention is al you ned", "arxiv:1706.03762"),
        ("attention", "title:1"),
        ("arxiv.org/abs/1706.03762v5", "arxiv:1706.03762"),
        ("1706.03762", "arxiv:1706.03762"),
    ],
)
async def test_the_paper_that_was_meant_is_offered_first(typed: str, first: str) -> None:
    assert (await offered(typed))[0] == first


async def test_what_is_like_no_title_offers_nothing() -> None:
    assert await offered("zzzz qqqq xxxx") == []


async def test_an_empty_input_offers_all_in_their_order_and_an_untitled_paper_by_its_id() -> None:
    assert await offered(" ") == [paper_id for paper_id, _ in KNOWN]
    choices = await Titles(Shelf()).choices("")  # type: ignore[arg-type]
    assert choices[-1].name == "title:4"


@pytest.mark.parametrize(
    ("typed", "paper_id"),
    [
        ("arxiv:1706.03762", "arxiv:1706.03762"),
        ("title:3", "title:3"),
        ("attention is all you need", "arxiv:1706.03762"),
        ("Atention is all you ned", "arxiv:1706.03762"),
        ("post-training", "title:2"),
        ("https://arxiv.org/pdf/2002.04523", "arxiv:2002.04523"),
    ],
)
async def test_what_was_typed_without_choosing_still_finds_its_paper(typed: str, paper_id: str) -> None:
    assert await meant(typed) == paper_id


async def test_what_could_mean_several_papers_means_none() -> None:
    assert await meant("all of it you need attention now") is None


async def test_a_paper_added_later_is_offered() -> None:
    shelf = Shelf()
    titles = Titles(shelf)  # type: ignore[arg-type]
    assert await titles.choices("knitting") == []
    shelf.known = (("title:9", "Knitting llamas"), *KNOWN)
    assert [choice.value for choice in await titles.choices("knitting")] == ["title:9"]


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=300), st.text(max_size=300)), max_size=40, unique_by=lambda one: one[0]
    ),
    st.text(max_size=400),
)
def test_choices_are_always_within_discords_limits(known: list[tuple[str, str]], typed: str) -> None:
    async def every() -> None:
        for text in (typed, ""):
            choices = await Titles(Shelf(known)).choices(text)  # type: ignore[arg-type]
            assert len(choices) <= CHOICES
            for choice in choices:
                assert 1 <= len(choice.name) <= length(choice.name) <= CHOICE_CHARACTERS
                assert 1 <= len(choice.value) <= CHOICE_CHARACTERS
                assert choice.name.splitlines() == [choice.name]

    asyncio.run(every())


async def test_ten_thousand_titles_are_looked_through_in_well_under_the_three_seconds_that_discord_waits() -> None:
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghiklmnoprstuvw", k=chance.randint(3, 11))) for _ in range(3000)]
    known = [(f"title:{number}", " ".join(chance.choices(words, k=10))) for number in range(10_000)]
    known[7_777] = KNOWN[0]
    titles = Titles(Shelf(known))  # type: ignore[arg-type]
    await titles.choices("")
    start = time.perf_counter()
    for typed in ("", "obj", "objectve mismtach in model-based reinforcment lerning", "x" * 300):
        await titles.choices(typed)
    assert time.perf_counter() - start < 3.0
    assert (await titles.choices("objectve mismtach"))[0].value == KNOWN[0][0]
