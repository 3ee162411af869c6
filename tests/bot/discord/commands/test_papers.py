"""/paper, /similar and /compare on the local Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrieval.papers import Paper, identify
from retrieval.sources.fetched import Fetched, identities

if TYPE_CHECKING:
    from retrieval.library import Library
    from tests.local_discord import Channel, Person

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
OTHER = "The Alignment Ceiling: Objective Mismatch in Reinforcement Learning from Human Feedback"
ABSTRACT = "A long abstract about nothing but purple llamas, which knit. "

SPELLINGS = {
    "https://doi.org/10.1000/YARN.1": "Spinning llamas",
    "doi:10.1000/yarn.1": "Spinning llamas",
    "10.1000/yarn.1": "Spinning llamas",
    "https://www.tandfonline.com/doi/full/10.1000/yarn.1": "Spinning llamas",
    "https://arxiv.org/pdf/2603.00002v2.pdf": "Spinning llamas",
    "arXiv:2603.00002v1 [cs.CL]": "Spinning llamas",
    "https://huggingface.co/papers/2603.00002": "Spinning llamas",
    "https://doi.org/10.48550/arXiv.2603.00002": "Spinning llamas",
    "https://openreview.net/forum?id=aB3-_xYz01": "Dyeing llamas",
    "www.openreview.net/forum?id=aB3-_xYz01#discussion": "Dyeing llamas",
    "http://aclanthology.org/2026.llama-1.3": "Weaving llamas",
    "https://aclanthology.org/2026.llama-1.3/": "Weaving llamas",
}


@pytest.mark.usefixtures("bot")
class TestPicking:
    async def test_a_misspelt_title_finds_the_paper_and_choosing_it_shows_its_abstract(
        self, papers: Channel, ada: Person
    ) -> None:
        (choice, *_) = await ada.autocompletes(papers, "paper", paper="objectve mismtach in modle")
        assert choice["name"] == TITLE
        card = await (await ada.uses_command(papers, "paper", paper=choice["value"])).finished()
        assert TITLE in card.text
        assert "likelihood of one\\-step ahead" in card.text or "likelihood of one-step ahead" in card.text

    async def test_nothing_typed_offers_twenty_five_papers_the_newest_first(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        await seeded.add([Paper("arxiv:2603.00001", "Knitting llamas", ABSTRACT, "farm")])
        choices = await ada.autocompletes(papers, "paper", paper="")
        assert len(choices) == 25
        assert choices[0] == {"name": "Knitting llamas", "value": "arxiv:2603.00001"}

    async def test_a_title_and_an_id_beyond_any_limit_can_be_offered_and_chosen(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        await seeded.add([Paper("doi:10.1234/" + "x" * 200, "Knitting llamas " * 20, ABSTRACT, "farm")])
        (choice, *_) = await ada.autocompletes(papers, "paper", paper="knitting")
        assert choice["name"].endswith("llamas…")
        assert (
            "purple llamas" in (await (await ada.uses_command(papers, "paper", paper=choice["value"])).finished()).text
        )

    async def test_what_nobody_chose_is_read_as_an_id_a_link_or_nearly_a_title(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        await seeded.add([Paper("arxiv:2603.00001", "Knitting llamas", ABSTRACT, "farm")])
        for typed in ("2603.00001", "https://arxiv.org/abs/2603.00001v3", "arxiv:2603.00001", "kniting llama"):
            assert "purple llamas" in (await (await ada.uses_command(papers, "paper", paper=typed)).finished()).text

    async def test_a_paper_is_found_by_its_ids_and_links_wherever_they_are_typed(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        spun = Paper("arxiv:2603.00002", "Spinning llamas", ABSTRACT, "farm", "https://arxiv.org/abs/2603.00002")
        ids = identities("Spinning llamas", arxiv_id="2603.00002", doi="10.1000/yarn.1")
        dyed = "https://openreview.net/forum?id=aB3-_xYz01"
        woven = "https://aclanthology.org/2026.llama-1.3/"
        await seeded.add(
            [
                Fetched(spun, external_ids=ids),
                Paper(identify("Dyeing llamas"), "Dyeing llamas", f"{ABSTRACT} They dye.", "farm", dyed),
                Paper(identify("Weaving llamas"), "Weaving llamas", f"{ABSTRACT} They weave.", "farm", woven),
            ]
        )
        for typed, title in SPELLINGS.items():
            offered = await ada.autocompletes(papers, "paper", paper=typed)
            assert [each["name"] for each in offered] == [title], typed
            shown = await (await ada.uses_command(papers, "paper", paper=typed)).finished()
            assert title in shown.text, typed
        for typed in ("doi.org/10.1000/yarn.1", dyed, woven):
            title = next(title for spelling, title in SPELLINGS.items() if spelling.endswith(typed[-8:]))
            similar = await (await ada.uses_command(papers, "similar", paper=typed)).finished()
            assert similar.text.startswith(f"Papers like [{title}]")
            page = await (await ada.uses_command(papers, "search", query=typed)).finished()
            assert title in page.text
            asked = await ada.uses_command(papers, "ask", question=f"What is {typed} about?")
            answer = await asked.finished(lambda message: "Follow up" in message.text)
            assert title in answer.text

    async def test_a_paper_that_is_not_there_is_said_to_be_unknown(self, papers: Channel, ada: Person) -> None:
        for command in ("paper", "similar"):
            used = await ada.uses_command(papers, command, paper="@everyone the art of baking bread")
            answer = await used.finished()
            assert "I know no paper “@" in answer.text
            assert not answer.pings


@pytest.mark.usefixtures("bot")
class TestNeighbours:
    async def test_similar_papers_are_listed_without_the_paper_itself(self, papers: Channel, ada: Person) -> None:
        page = await (await ada.uses_command(papers, "similar", paper=TITLE)).finished()
        assert f"Papers like {TITLE}" in page.text
        assert page.text.count(TITLE) == 1
        assert OTHER in page.text

    async def test_a_paper_can_be_asked_for_with_the_prefix(self, papers: Channel, ada: Person) -> None:
        await ada.says(papers, f"!paper {TITLE}")
        assert TITLE in (await papers.wait_for_bot_message()).text

    async def test_similar_papers_can_be_asked_for_with_the_prefix(self, papers: Channel, ada: Person) -> None:
        await ada.says(papers, f"!similar {TITLE}")
        assert OTHER in (await papers.wait_for_bot_message()).text

    async def test_a_chat_command_for_a_paper_that_is_not_there_is_answered_too(
        self, papers: Channel, ada: Person
    ) -> None:
        await ada.says(papers, "!similar the art of baking bread")
        assert "I know no paper" in (await papers.wait_for_bot_message()).text

    async def test_two_papers_are_compared_by_an_answer_that_cites_them(self, papers: Channel, ada: Person) -> None:
        (first, *_) = await ada.autocompletes(papers, "compare", second="", first="objective mismatch in model")
        (second, *_) = await ada.autocompletes(papers, "compare", first="x", second="alignment ceiling")
        used = await ada.uses_command(papers, "compare", first=first["value"], second=second["value"])
        answer = await used.finished(lambda message: TITLE in message.text and OTHER in message.text)
        assert not answer.pings

    async def test_a_paper_is_not_compared_with_itself(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "compare", first=TITLE, second=TITLE.lower())
        assert "same paper twice" in (await used.finished()).text
