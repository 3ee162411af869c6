"""/trending on the local Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.local_discord import Channel, Message, Person

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"


def star_of(message: Message) -> str:
    return next(str(part["custom_id"]) for part in message.parts() if "star" in part.get("custom_id", ""))


@pytest.mark.usefixtures("bot")
class TestTrending:
    async def test_a_server_that_asked_nothing_is_invited_to(self, papers: Channel, ada: Person) -> None:
        answer = await (await ada.uses_command(papers, "trending")).finished()
        assert "Nothing was asked or liked here lately." in answer.text

    async def test_what_was_asked_about_and_starred_comes_up(
        self, papers: Channel, ada: Person, moderator: Person
    ) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION)
        await used.finished(lambda message: "Follow up" in message.text)
        paper = await (await moderator.uses_command(papers, "paper", paper=TITLE)).finished()
        await (await moderator.clicks(paper, star_of(paper))).finished()
        answer = await (await ada.uses_command(papers, "trending", days=7)).finished()
        assert "Papers of the last 7 days here" in answer.text
        assert TITLE in answer.text
        assert "in one answer" in answer.text
        assert "liked once" in answer.text

    async def test_what_was_asked_in_private_does_not_count(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION, private=True)
        await used.finished(lambda message: "Follow up" in message.text)
        assert TITLE not in (await (await ada.uses_command(papers, "trending")).finished()).text

    async def test_a_star_on_what_one_person_alone_sees_does_not_count(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION, private=True)
        card = await used.finished(lambda message: "Follow up" in message.text)
        assert "You starred" in (await (await ada.picks(card, "Star the paper")).finished()).text
        assert TITLE not in (await (await ada.uses_command(papers, "trending")).finished()).text

    async def test_it_can_be_asked_for_with_the_prefix_in_a_server(self, papers: Channel, ada: Person) -> None:
        await ada.says(papers, "!trending 7")
        assert "Nothing was asked or liked here lately." in (await papers.wait_for_bot_message()).text
        await ada.says(papers, "!trending 700")
        assert "did not understand that command" in (await papers.wait_for_bot_message()).text
        await ada.dms("!trending")
        assert "only in a server" in (await ada.dm.wait_for_bot_message()).text

    async def test_direct_messages_do_not_show_the_command(self, ada: Person) -> None:
        with pytest.raises(AssertionError, match="is not shown in"):
            await ada.uses_command(ada.dm, "trending")
