"""The choices that are offered while somebody types a title."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.papers.title_choices import Titles
from bot.discord.ui.custom_ids import paper_key
from bot.discord.ui.discord_limits import CHOICE_CHARACTERS, CHOICES
from bot.discord.ui.markdown import length
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library

NEEDED = Paper("arxiv:1706.03762", "Attention Is All You Need", "All of it.", "test")
LONG = Paper("title:" + "3" * 80, "Is attention needed? You decide", "None of it.", "test")


@pytest.fixture
async def titles(library: Library) -> Titles:
    await library.add([NEEDED, LONG, Paper("title:4", "", "It has no title.", "test")])
    return Titles(library)


@pytest.mark.parametrize(
    "typed", ["arxiv.org/abs/1706.03762v5", "1706.03762", "all you need", "atention is al you ned"]
)
async def test_the_paper_that_was_meant_is_offered_first(titles: Titles, typed: str) -> None:
    assert (await titles.choices(typed))[0].value == NEEDED.paper_id


async def test_an_empty_input_offers_the_newest_and_an_untitled_paper_by_its_id(titles: Titles) -> None:
    assert [choice.name for choice in await titles.choices("")] == ["title:4", LONG.title, NEEDED.title]


@pytest.mark.parametrize(
    "typed",
    [NEEDED.paper_id, "attention is all you need", "Atention is all you ned", "https://arxiv.org/pdf/1706.03762"],
)
async def test_what_was_typed_without_choosing_still_finds_its_paper(titles: Titles, typed: str) -> None:
    assert await titles.paper(typed) == NEEDED


async def test_a_choice_is_the_paper_that_was_offered_however_long_its_id_is(titles: Titles) -> None:
    (choice,) = await titles.choices("is attention needed")
    assert choice.value == paper_key(LONG.paper_id) != LONG.paper_id
    assert await titles.paper(choice.value) == LONG


async def test_what_means_no_paper_finds_none(titles: Titles) -> None:
    assert await titles.paper("zzzz qqqq xxxx") is None
    assert await titles.choices("zzzz qqqq xxxx") == []


async def test_a_paper_added_later_is_offered(titles: Titles, library: Library) -> None:
    assert await titles.choices("knitting") == []
    await library.add([Paper("title:9", "Knitting llamas", "They knit.", "test")])
    assert [choice.value for choice in await titles.choices("knitting")] == ["title:9"]


@dataclass
class Shelf:
    """The part of a library that titles come from; it finds whatever is typed."""

    known: Sequence[tuple[str, str]]
    asked: list[str] = field(default_factory=list)

    @property
    def titles(self) -> Shelf:
        return self

    async def find(self, typed: str, limit: int) -> Sequence[tuple[str, str]]:
        self.asked.append(typed)
        return self.known[:limit]

    async def id_of(self, _: str) -> str | None:
        return None


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=300), st.text(max_size=300)), max_size=40, unique_by=lambda one: one[0]
    ),
    st.text(max_size=400),
)
def test_choices_are_always_within_discords_limits(known: list[tuple[str, str]], typed: str) -> None:
    async def every() -> None:
        for text in (typed, ""):
            choices = await Titles(Shelf(known)).choices(text)  # type: ignore[arg-type]  # a part of a library
            assert len(choices) <= CHOICES
            for choice in choices:
                assert 1 <= len(choice.name) <= length(choice.name) <= CHOICE_CHARACTERS
                assert 1 <= len(choice.value) <= CHOICE_CHARACTERS
                assert choice.name.splitlines() == [choice.name]

    asyncio.run(every())
