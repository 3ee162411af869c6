"""The commands in the menu of a message, on the local Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.store import ServerSettings
from tests.bot.discord.prepared import kept_as

if TYPE_CHECKING:
    from bot.store import Store
    from tests.local_discord import Channel, LocalDiscord, Person

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"
ASK, FIND = "Ask about this", "Find papers like this"


@pytest.mark.usefixtures("bot")
class TestMenus:
    async def test_a_message_of_somebody_else_is_asked_as_a_question(
        self, papers: Channel, ada: Person, moderator: Person, store: Store
    ) -> None:
        message = await moderator.says(papers, f"{ada.mention} {QUESTION}")
        answer = await (await ada.uses_context_menu(message, ASK)).finished(lambda now: "Follow up" in now.text)
        assert TITLE in answer.text
        assert not answer.ephemeral
        assert not answer.pings
        (kept,) = await store.answers.latest_in(papers.id)
        assert kept.answer.question == f"Ada {QUESTION}"
        assert kept.asker_id == ada.id

    async def test_the_answer_is_private_where_the_server_wants_that(
        self, papers: Channel, ada: Person, moderator: Person, store: Store, local: LocalDiscord
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(private=True))
        message = await moderator.says(papers, QUESTION)
        for menu in (ASK, FIND):
            answer = await (await ada.uses_context_menu(message, menu)).finished(lambda now: TITLE in now.text)
            assert answer.ephemeral

    async def test_papers_like_a_message_are_listed_and_can_be_paged(
        self, papers: Channel, ada: Person, moderator: Person
    ) -> None:
        message = await moderator.says(papers, "language models")
        page = await (await ada.uses_context_menu(message, FIND)).finished()
        await ada.clicks(page, "Next ▶")
        await page.wait_until(lambda now: "**6.**" in now.text)

    async def test_papers_like_an_answer_of_the_bot_are_those_of_its_question(
        self, papers: Channel, ada: Person, store: Store
    ) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION)
        answer = await used.finished(lambda now: "Follow up" in now.text)
        await kept_as(store, answer)
        page = await (await ada.uses_context_menu(answer, FIND)).finished()
        assert "objective mismatch issue" in page.text
        assert TITLE in page.text

    @pytest.mark.parametrize("menu", [ASK, FIND])
    async def test_a_message_without_words_gets_a_sentence(
        self, papers: Channel, ada: Person, moderator: Person, menu: str
    ) -> None:
        message = await moderator.says(papers, "", files={"picture.png": b"x"})
        answer = await (await ada.uses_context_menu(message, menu)).finished()
        assert "That message has no text" in answer.text

    async def test_a_message_that_is_too_long_is_asked_by_its_beginning(
        self, papers: Channel, ada: Person, moderator: Person, store: Store
    ) -> None:
        message = await moderator.says(papers, QUESTION + " Please tell me." * 140)
        await (await ada.uses_context_menu(message, ASK)).finished(lambda now: "Follow up" in now.text)
        (kept,) = await store.answers.latest_in(papers.id)
        assert kept.answer.question.startswith(QUESTION)
        assert len(kept.answer.question) <= 2000
