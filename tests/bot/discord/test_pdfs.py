"""PDFs sent to the bot on the local Discord, by direct message and /submit, with the real answerer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from tests.bot.discord.prepared import done
from tests.fulltext import bad
from tests.fulltext.printing import print_paper

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.discord.footnote_bot import FootnoteBot
    from retrieval.library import Library
    from tests.local_discord import Channel, LocalDiscord, Message, Person


@pytest.fixture
def bot_library(seeded: Library) -> Library:
    return seeded


@pytest.fixture
def answers(bot_library: Library) -> Answerer:
    return Answerer(bot_library, ExtractiveWriter())


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


@pytest.mark.usefixtures("bot")
class TestDirectMessages:
    async def test_a_question_with_a_pdf_is_answered_from_it_with_section_and_page(
        self, ada: Person, seeded: Library
    ) -> None:
        before = await seeded.counts()
        printed = print_paper("hivetone")
        await ada.says(ada.dm, "At what rate is the sound sampled?", files={"hive.pdf": printed.data})
        answer = await answer_in(ada.dm)
        assert "Sound is sampled at 6300 hertz" in answer.text
        assert printed.title.split(":")[0] in answer.text
        page = printed.page_of("Sound is sampled at 6300 hertz")
        assert f"“2 Recording hardware”, page {page}" in answer.text
        assert await seeded.counts() == before
        await ada.dms("And how many colonies were recorded?")
        assert "We recorded 42 colonies" in (await answer_in(ada.dm)).text

    async def test_a_pdf_alone_is_read_and_looked_into_afterwards(self, ada: Person) -> None:
        await ada.says(ada.dm, "", files={"walk.pdf": print_paper("frostwalk").data})
        told = await ada.dm.wait_for_bot_message()
        assert "I have read “FrostWalk: Legged Robots that Cross Ice by Feeling It” (3 pages)" in told.text
        await ada.dms("How long did the battery last on the frozen lake?")
        answer = await answer_in(ada.dm)
        assert "The battery lasted 71 minutes" in answer.text
        assert "“IV. EXPERIMENTS ON ICE”, page" in answer.text

    async def test_what_it_does_not_say_comes_from_the_library(self, ada: Person) -> None:
        await ada.says(ada.dm, "", files={"walk.pdf": print_paper("frostwalk").data})
        await ada.dm.wait_for_bot_message()
        await ada.dms("What is objective mismatch in model-based reinforcement learning?")
        answer = await answer_in(ada.dm)
        assert "Objective Mismatch in Model-based Reinforcement Learning" in answer.text
        assert "FrostWalk" not in answer.text

    async def test_nobody_else_is_answered_from_it(self, ada: Person, bob: Person) -> None:
        await ada.says(ada.dm, "", files={"walk.pdf": print_paper("frostwalk").data})
        await ada.dm.wait_for_bot_message()
        await bob.dms("How long did the battery of the FrostWalk robot last on the frozen lake?")
        answer = await answer_in(bob.dm)
        assert "71 minutes" not in answer.text

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (bad.malformed, "“it.pdf” is a damaged PDF"),
            (bad.encrypted, "“it.pdf” is encrypted"),
            (bad.long, "“it.pdf” has more than 500 pages"),
            (bad.pictures, "“it.pdf” contains images of text, not text"),
        ],
    )
    async def test_a_bad_pdf_gets_its_sentence_and_the_question_its_answer(
        self, ada: Person, data: Callable[[], bytes], sentence: str
    ) -> None:
        pdf = data()
        await ada.says(ada.dm, "", files={"it.pdf": pdf})
        assert sentence in (await ada.dm.wait_for_bot_message()).text
        await ada.says(ada.dm, "does likelihood say how good control is?", files={"it.pdf": pdf})
        answer = await answer_in(ada.dm)
        assert sentence in answer.text
        assert "Objective Mismatch" in answer.text


@pytest.mark.usefixtures("bot")
class TestSubmitting:
    async def test_a_submitted_pdf_is_a_paper_that_answers_details(
        self, papers: Channel, moderator: Person, ada: Person, seeded: Library
    ) -> None:
        sent = await moderator.uses_command(papers, "submit", pdf={"tide.pdf": print_paper("tidegrid").data})
        assert "Added" in (await sent.finished()).text
        assert "TideGrid" in (await sent.followup()).text
        assert (await seeded.counts()).full_texts == 1
        asked = await ada.uses_command(papers, "ask", question="How many nodes does the graph of TideGrid have?")
        answer = await (await asked.finished()).wait_until(done)
        assert "a graph with 73 nodes" in answer.text
        assert "“3 Method”, page" in answer.text

    async def test_one_that_cannot_be_read_is_said_why(
        self, papers: Channel, moderator: Person, seeded: Library
    ) -> None:
        sent = await moderator.uses_command(papers, "submit", pdf={"it.pdf": bad.pictures()})
        assert "“it.pdf” contains images of text, not text" in (await sent.finished()).text
        assert (await seeded.counts()).full_texts == 0


async def test_in_a_server_a_pdf_is_not_read(
    bot: FootnoteBot, papers: Channel, ada: Person, mention: str, local: LocalDiscord
) -> None:
    await ada.says(papers, f"{mention} what is this?", files={"it.pdf": print_paper("hivetone").data})
    answer = await answer_in(papers)
    assert "I did not read the file “it.pdf”." in answer.text
