"""/search on the local Discord, and the days that people type."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from bot.discord.papers.search_command import read_day
from retrieval.errors import BadInputError
from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from bot.store import Store
    from retrieval.library import Library
    from tests.local_discord import Channel, LocalDiscord, Person

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
TODAY = dt.date(2026, 3, 14)


@pytest.mark.usefixtures("bot")
class TestSearching:
    async def test_the_best_papers_are_listed_with_their_links(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "search", query="objective mismatch in reinforcement learning")
        page = await used.finished()
        assert TITLE in page.text
        assert not page.links  # the shipped papers have no addresses
        assert not used.ephemeral
        assert not page.pings

    @pytest.mark.parametrize(("query", "most"), [("diffusion", 5), ("language models", 40), ("sourdough bread", 0)])
    async def test_a_search_ends_where_papers_stop_being_about_it(
        self, papers: Channel, ada: Person, query: str, most: int
    ) -> None:
        page = await (await ada.uses_command(papers, "search", query=query)).finished()
        pages = -(-most // 5)
        assert ("**1.**" in page.text) is (most > 0)
        shown = re.search(r"Page 1 of (\d+)", page.text)
        assert (int(shown[1]) if shown else min(pages, 1)) <= pages

    async def test_an_author_or_an_id_finds_papers_whatever_they_are_about(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        abstract = "We study how purple llamas learn to knit. The llamas knit better with practice."
        llama = Paper("arxiv:2601.00001", "Knitting llamas", abstract, "arxiv", published=dt.date(2026, 1, 1))
        await seeded.add([Fetched(llama, authors=("Wilhelmina Quux", "Ada Moss"))])
        for query in ("Wilhelmina Quux", "https://arxiv.org/abs/2601.00001"):
            page = await (await ada.uses_command(papers, "search", query=query)).finished()
            assert "**1.** **Knitting llamas**\n-# Wilhelmina Quux et al. · Jan 1, 2026 · arXiv" in page.text
            assert "**2.**" not in page.text

    async def test_the_next_page_goes_on_where_the_first_one_ended(self, papers: Channel, ada: Person) -> None:
        page = await (await ada.uses_command(papers, "search", query="language models")).finished()
        assert "**1.**" in page.text
        await ada.clicks(page, "Next ▶")
        await page.wait_until(lambda now: "**6.**" in now.text and "**1.**" not in now.text)
        await ada.clicks(page, "◀ Previous")
        await page.wait_until(lambda now: "**1.**" in now.text)

    async def test_a_search_with_the_prefix_takes_the_rest_of_the_line(self, papers: Channel, ada: Person) -> None:
        asked = await ada.says(papers, "!search objective mismatch in reinforcement learning")
        page = await papers.wait_for_bot_message()
        assert TITLE in page.text
        assert page.reply_to is asked

    async def test_days_and_sources_filter_and_the_newest_comes_first(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        abstract = "We study how purple llamas learn to knit. The llamas knit better with practice."
        days = {"old": dt.date(2020, 1, 1), "new": dt.date(2026, 2, 1), "newer": dt.date(2026, 3, 1)}
        await seeded.add(
            [Paper(name, f"Knitting llamas, {name}", abstract, "farm", published=day) for name, day in days.items()]
        )
        since = await (await ada.uses_command(papers, "search", query="knitting llamas", since="2026")).finished()
        assert "llamas, new" in since.text
        assert "llamas, old" not in since.text
        assert "74 papers have no date and are left out." in since.text
        options = {"query": "knitting llamas", "source": "FARM", "sort": "newest"}
        sorted_ = await (await ada.uses_command(papers, "search", **options)).finished()
        places = [sorted_.text.index(f"llamas, {name}") for name in ("newer", "new\\", "old") if name != "new\\"]
        assert places == sorted(places)
        assert "Humanoid" not in sorted_.text

    async def test_a_day_or_source_that_is_none_gets_a_sentence(self, papers: Channel, ada: Person) -> None:
        day = await (await ada.uses_command(papers, "search", query="x", since="yesteryear")).finished()
        source = await (await ada.uses_command(papers, "search", query="x", source="the moon")).finished()
        assert "I do not understand that date" in day.text
        assert "I have no source the moon; my sources are: seeds." in source.text
        assert day.ephemeral

    async def test_sources_and_days_are_offered(self, papers: Channel, ada: Person) -> None:
        sources = await ada.autocompletes(papers, "search", query="x", source="se")
        assert [choice["value"] for choice in sources] == ["seeds"]
        ages = await ada.autocompletes(papers, "search", query="x", since="")
        assert ages[0]["name"] == "the last 7 days"
        assert [choice["value"] for choice in await ada.autocompletes(papers, "search", query="x", since="2024-5")] == [
            "2024-05-01"
        ]

    async def test_nothing_found_is_said(self, papers: Channel, ada: Person) -> None:
        page = await (await ada.uses_command(papers, "search", query="llamas", since="2999")).finished()
        assert "I know no papers on “llamas”" in page.text
        assert "74 papers have no date" in page.text

    async def test_a_hostile_query_neither_pings_nor_formats(self, papers: Channel, ada: Person) -> None:
        query = f"@everyone {ada.mention} [x](https://evil.example) ```"
        page = await (await ada.uses_command(papers, "search", query=query)).finished()
        assert not page.pings
        assert "https://evil.example" not in page.links

    async def test_a_server_that_wants_private_answers_gets_them(
        self, papers: Channel, ada: Person, store: Store, local: LocalDiscord
    ) -> None:
        settings = await store.servers.of(local.guild("Lab").id)
        await store.servers.save(local.guild("Lab").id, type(settings)(private=True))
        used = await ada.uses_command(papers, "search", query="language models")
        assert (await used.finished()).ephemeral

    async def test_a_direct_message_can_search_too(self, ada: Person) -> None:
        page = await (await ada.uses_command(ada.dm, "search", query="objective mismatch")).finished()
        assert TITLE in page.text


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2024", dt.date(2024, 1, 1)),
        (" 2024-05 ", dt.date(2024, 5, 1)),
        ("2024-5-7", dt.date(2024, 5, 7)),
        ("30 days", dt.date(2026, 2, 12)),
        ("7d", dt.date(2026, 3, 7)),
    ],
)
def test_days_are_read_as_people_write_them(typed: str, day: dt.date) -> None:
    assert read_day(typed, today=TODAY) == day


@pytest.mark.parametrize("typed", ["", "soon", "2024-13", "2024-02-30", "0000", "9999999 days", "24-05-01"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(BadInputError):
        read_day(typed, today=TODAY)
