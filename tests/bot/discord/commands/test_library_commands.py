"""/library on the local Discord: moderators list papers, remove them after a confirmation, and restore them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.discord.papers.library_card import details, list_page
from bot.language import LANGUAGES, in_language
from local_discord.limits import COMPONENTS_V2, check_message
from retrieval.catalogue.merge import begin
from retrieval.papers import Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from tests.local_discord import Channel, LocalDiscord, Message, Person

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"
QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"


async def shown(person: Person, channel: Channel, command: str, **options: str) -> Message:
    used = await person.uses_command(channel, f"library {command}", **options)
    message = await used.finished()
    assert used.ephemeral
    return message


@pytest.mark.usefixtures("bot")
class TestLibrary:
    async def test_it_is_for_moderators_in_servers(self, papers: Channel, ada: Person) -> None:
        with pytest.raises(AssertionError, match="does not see"):
            await ada.uses_command(papers, "library list")
        with pytest.raises(AssertionError, match="is not shown"):
            await ada.uses_command(ada.dm, "library list")

    async def test_the_list_has_pages_and_ids(self, papers: Channel, moderator: Person) -> None:
        page = await shown(moderator, papers, "list", source="seeds")
        assert "74 papers" in page.text
        assert "Page 1 of 8" in page.text
        assert page.text.count("title:") == 10
        await moderator.clicks(page, "Next ▶")
        await page.wait_until(lambda now: "Page 2 of 8" in now.text)
        assert "**11.**" in page.text
        assert "my sources are: seeds" in (await shown(moderator, papers, "list", source="x")).text
        offered = await moderator.autocompletes(papers, "library list", source="se")
        assert [each["name"] for each in offered] == ["seeds"]

    async def test_a_paper_is_taken_out_after_a_question_and_put_back(
        self, papers: Channel, moderator: Person, ada: Person, bot: FootnoteBot
    ) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION)
        answer = await used.finished(lambda message: "Follow up" in message.text)
        before = answer.text
        paper = await shown(moderator, papers, "show", paper=MISMATCH)
        assert "**Sources:** seeds" in paper.text
        await moderator.clicks(paper, "Remove…")
        await paper.wait_until(lambda now: "Remove this paper?" in now.text)
        await moderator.clicks(paper, "No, keep")
        await paper.wait_until(lambda now: "Nothing was removed." in now.text)
        assert (await bot.services.library.counts()).papers == 74
        question = await shown(moderator, papers, "remove", paper=MISMATCH)
        await moderator.clicks(question, "Yes, remove")
        await question.wait_until(lambda now: "One paper was removed from my library." in now.text)
        assert (await bot.services.library.counts()).papers == 73
        found = await (await ada.uses_command(papers, "search", query="objective mismatch")).finished()
        assert f"**{MISMATCH}**" not in found.text
        assert answer.text == before
        quotes = await (await ada.picks(answer, "Quotes in full")).finished()
        assert MISMATCH in quotes.text
        await moderator.clicks(question, "Undo")
        await question.wait_until(lambda now: "One paper is back." in now.text)
        found = await (await ada.uses_command(papers, "search", query="objective mismatch")).finished()
        assert f"**{MISMATCH}**" in found.text

    async def test_a_source_is_taken_out_as_a_whole_and_undone_by_command(
        self, papers: Channel, moderator: Person, bot: FootnoteBot
    ) -> None:
        library = bot.services.library
        await library.add([Paper(f"arxiv:2401.0000{n}", f"Llamas {n}", f"Llama {n} knits.", "farm") for n in range(7)])
        await library.add([Paper("arxiv:2401.00000", "Llamas 0", "Llama 0 knits.", "zoo")])
        question = await shown(moderator, papers, "remove", source="farm")
        assert "Remove the 6 papers from farm?" in question.text
        assert "and one more" in question.text
        assert "One paper stays, because other sources have it too." in question.text
        await moderator.clicks(question, "Yes, remove")
        await question.wait_until(lambda now: "6 papers were removed from my library." in now.text)
        assert len(await library.ids()) == 75
        offered = await moderator.autocompletes(papers, "library undo", paper="6 papers")
        assert [each["value"].partition(":")[0] for each in offered] == ["at"]
        offered = await moderator.autocompletes(papers, "library undo", paper="llamas 3")
        assert [each["name"] for each in offered] == ["Llamas 3"]
        assert "One paper is back." in (await shown(moderator, papers, "undo", paper=offered[0]["value"])).text
        assert "5 papers are back." in (await shown(moderator, papers, "undo")).text
        assert "nothing to restore" in (await shown(moderator, papers, "undo")).text
        assert len(await library.ids()) == 81

    async def test_older_removals_are_listed_and_undone_each(
        self, papers: Channel, moderator: Person, bot: FootnoteBot
    ) -> None:
        library = bot.services.library
        assert "nothing to restore" in (await shown(moderator, papers, "removed")).text
        ids = await library.ids()
        for start in range(7):
            await library.remove(ids[start * 3 : start * 3 + start % 2 + 1])
        await library.remove(ids[30:40])
        page = await shown(moderator, papers, "removed")
        assert page.text.count("can be restored until") == 5
        assert "**1.** 10 papers" in page.text
        assert "and 5 more" in page.text
        await moderator.clicks(page, "Next ▶")
        await page.wait_until(lambda now: "Page 2 of 2" in now.text)
        await moderator.clicks(page, "Undo 8")
        await page.wait_until(lambda now: "One paper is back." in now.text)
        assert await library.get(ids[0]) is not None
        *_, oldest = await moderator.autocompletes(papers, "library undo", paper="2 papers")
        assert "2 papers are back." in (await shown(moderator, papers, "undo", paper=oldest["value"])).text
        assert await library.get(ids[3]) is not None
        assert await library.get(ids[9]) is None
        assert "One paper is back." in (await shown(moderator, papers, "undo", paper=ids[9])).text
        assert "10 papers are back." in (await shown(moderator, papers, "undo")).text

    async def test_what_to_remove_has_to_be_said(self, papers: Channel, moderator: Person) -> None:
        assert "Name either" in (await shown(moderator, papers, "remove")).text
        assert "Name either" in (await shown(moderator, papers, "remove", paper="x", source="seeds")).text
        assert "I know no paper" in (await shown(moderator, papers, "show", paper="zzzz")).text

    async def test_who_is_no_moderator_any_more_cannot_click(
        self, papers: Channel, moderator: Person, local: LocalDiscord, bot: FootnoteBot
    ) -> None:
        question = await shown(moderator, papers, "remove", paper=MISMATCH)
        local.guild("Lab").member_roles.clear()
        refused = await (await moderator.clicks(question, "Yes, remove")).followup()
        assert "Only moderators" in refused.text
        assert (await bot.services.library.counts()).papers == 74

    async def test_a_submitted_paper_that_was_taken_out_stays_out(
        self, papers: Channel, moderator: Person, bot: FootnoteBot
    ) -> None:
        text = "We study how purple llamas learn to knit. We find that they knit better with daily practice."
        typed = {"Title": "Knitting llamas: a study", "Abstract": text, "Link": "https://arxiv.org/abs/2603.00001"}
        await (await moderator.submits(await moderator.uses_command(papers, "submit"), typed)).finished()
        await bot.services.library.remove(["arxiv:2603.00001"])
        again = await moderator.submits(await moderator.uses_command(papers, "submit"), typed)
        assert "removed this paper" in (await again.finished()).text

    async def test_one_servers_moderators_do_not_change_what_others_share(
        self, papers: Channel, moderator: Person, local: LocalDiscord, bot: FootnoteBot
    ) -> None:
        question = await shown(moderator, papers, "remove", paper=MISMATCH)
        local.guild("Other")
        await local.taken_in()
        assert "Several servers share" in (await shown(moderator, papers, "remove", paper=MISMATCH)).text
        refused = await (await moderator.clicks(question, "Yes, remove")).followup()
        assert "Several servers share" in refused.text
        assert "74 papers" in (await shown(moderator, papers, "list")).text
        bot.owner_id = moderator.id
        assert "Remove this paper?" in (await shown(moderator, papers, "remove", paper=MISMATCH)).text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_lists_and_papers_of_any_length_keep_within_the_limits(language: str) -> None:
    long = Fetched(
        Paper("x" * 300, "Title " * 100, "Word " * 9000, "s" * 200, "https://example.org/" + "a" * 900),
        authors=tuple(f"Author {n}" for n in range(3000)),
        keywords=("key",) * 500,
        external_ids=tuple(f"doi:10.1/{n}" for n in range(500)),
        venue="Venue " * 300,
    )
    with in_language(language):
        for view in (details(begin(long)), list_page([long.paper] * 10, 10**6, "s" * 200, 3, 10**5)):
            check_message({"components": view.to_components(), "flags": COMPONENTS_V2}, {})
