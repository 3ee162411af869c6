"""/submit on the local Discord, and how ids, links and texts are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.discord.papers.submit import read_arxiv_id, read_paper
from retrieval.errors import BadInputError
from retrieval.papers import Paper
from retrieval.sources.lookup import look_up
from retrieval.sources.web import Web
from tests.local_sources import LocalClock, LocalSources, some_papers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.discord.footnote_bot import FootnoteBot
    from retrieval.library import Library
    from tests.local_discord import Channel, Person

TITLE = "Knitting llamas: a study"
ABSTRACT = "We study how purple llamas learn to knit. We find that llamas knit better with daily practice."
LINK = "https://arxiv.org/abs/2603.00001v2"


@pytest.fixture
async def arxiv(bot: FootnoteBot) -> AsyncIterator[LocalSources]:
    """A local arXiv that the bot reads."""
    async with LocalSources() as sources, Web(LocalClock(), timeout=timedelta(seconds=10)) as web:
        bot.services.arxiv = partial(look_up, web, sources.base_url)
        yield sources


@pytest.mark.usefixtures("bot")
class TestSubmitting:
    async def test_a_typed_paper_is_shown_and_answers_questions_at_once(
        self, papers: Channel, moderator: Person, ada: Person, seeded: Library
    ) -> None:
        form = await moderator.uses_command(papers, "submit")
        sent = await moderator.submits(form, {"Title": TITLE, "Abstract": ABSTRACT, "Link": LINK})
        assert "Added" in (await sent.finished()).text
        card = await sent.followup()
        assert TITLE in card.text
        assert LINK in card.links
        assert sent.ephemeral
        paper = await seeded.get("arxiv:2603.00001")
        assert paper is not None
        assert (paper.title, paper.abstract, paper.source) == (TITLE, ABSTRACT, "submitted")
        page = await (await ada.uses_command(papers, "search", query="knitting llamas")).finished()
        assert TITLE in page.text

    async def test_a_paper_that_is_known_keeps_its_text(
        self, papers: Channel, moderator: Person, seeded: Library
    ) -> None:
        await seeded.add([Paper("arxiv:2603.00001", "As its source has it", ABSTRACT, "arxiv", LINK)])
        form = await moderator.uses_command(papers, "submit")
        sent = await moderator.submits(form, {"Title": TITLE, "Abstract": "Something else. " * 10, "Link": LINK})
        assert "I have this paper already" in (await sent.finished()).text
        paper = await seeded.get("arxiv:2603.00001")
        assert paper is not None
        assert paper.title == "As its source has it"

    async def test_a_link_that_is_none_is_explained(self, papers: Channel, moderator: Person) -> None:
        form = await moderator.uses_command(papers, "submit")
        sent = await moderator.submits(form, {"Title": TITLE, "Abstract": ABSTRACT, "Link": "javascript:alert(1)"})
        assert "That is no web address" in (await sent.finished()).text

    async def test_a_known_arxiv_id_shows_the_paper(self, papers: Channel, moderator: Person, seeded: Library) -> None:
        await seeded.add([Paper("arxiv:2603.00001", TITLE, ABSTRACT, "arxiv", LINK)])
        used = await moderator.uses_command(papers, "submit", arxiv=LINK)
        assert "I have this paper already" in (await used.finished()).text
        assert TITLE in (await used.followup()).text

    async def test_an_arxiv_link_brings_the_paper_itself(
        self, papers: Channel, moderator: Person, arxiv: LocalSources, seeded: Library
    ) -> None:
        (known,) = arxiv.arxiv = some_papers(1)
        used = await moderator.uses_command(papers, "submit", arxiv=f"https://arxiv.org/abs/{known.arxiv_id}v1")
        assert "Added" in (await used.finished()).text
        card = await used.followup()
        assert known.title in card.text
        assert f"https://arxiv.org/abs/{known.arxiv_id}" in card.links
        paper = await seeded.get(f"arxiv:{known.arxiv_id}")
        assert paper is not None
        assert (paper.abstract, paper.source) == (known.abstract, "arxiv")

    async def test_what_arxiv_does_not_have_or_give_is_explained(
        self, papers: Channel, moderator: Person, arxiv: LocalSources
    ) -> None:
        missing = await moderator.uses_command(papers, "submit", arxiv="2002.04523")
        assert "arXiv has no paper with the id 2002.04523" in (await missing.finished()).text
        arxiv.arxiv = [replace(some_papers(1)[0], comment="This paper has been withdrawn by the authors")]
        withdrawn = await moderator.uses_command(papers, "submit", arxiv=arxiv.arxiv[0].arxiv_id)
        assert "it may be withdrawn" in (await withdrawn.finished()).text

    async def test_without_a_way_to_arxiv_the_form_is_offered(self, papers: Channel, moderator: Person) -> None:
        answer = await (await moderator.uses_command(papers, "submit", arxiv="2002.04523")).finished()
        assert "type the paper's title and abstract" in answer.text

    async def test_what_is_no_arxiv_id_is_explained(self, papers: Channel, moderator: Person) -> None:
        answer = await (await moderator.uses_command(papers, "submit", arxiv="my paper")).finished()
        assert "That is no arXiv id" in answer.text

    async def test_members_do_not_see_the_command(self, papers: Channel, ada: Person) -> None:
        with pytest.raises(AssertionError, match="does not see"):
            await ada.uses_command(papers, "submit")


@pytest.mark.parametrize(
    ("typed", "arxiv_id"),
    [
        ("2002.04523", "2002.04523"),
        (" 2002.04523v3 ", "2002.04523"),
        ("arXiv:2002.04523", "2002.04523"),
        ("https://arxiv.org/abs/2002.04523v1", "2002.04523"),
        ("http://www.arxiv.org/pdf/2002.04523v1.pdf", "2002.04523"),
        ("https://arxiv.org/abs/hep-ex/0307015?context=x", "hep-ex/0307015"),
        ("math.GT/0309136", "math.GT/0309136"),
    ],
)
def test_an_arxiv_id_is_read_from_what_people_paste(typed: str, arxiv_id: str) -> None:
    assert read_arxiv_id(typed) == arxiv_id


@pytest.mark.parametrize("typed", ["", "paper", "https://example.org/abs/", "2002.045", "20020.4523"])
def test_what_names_no_arxiv_paper_is_refused(typed: str) -> None:
    with pytest.raises(BadInputError):
        read_arxiv_id(typed)


def test_the_identity_comes_from_the_link_and_else_from_the_title() -> None:
    assert read_paper(TITLE, ABSTRACT, LINK).paper_id == "arxiv:2603.00001"
    assert read_paper(TITLE, ABSTRACT, "https://doi.org/10.1234/AbC").paper_id == "doi:10.1234/abc"
    assert read_paper(TITLE, ABSTRACT, "").paper_id == read_paper(f" {TITLE.upper()}\n", ABSTRACT, "").paper_id


@pytest.mark.parametrize(("title", "abstract"), [("\u200b\u200b\u200b", ABSTRACT), (TITLE, "\u200b" * 60)])
def test_a_paper_that_nobody_can_read_is_refused(title: str, abstract: str) -> None:
    with pytest.raises(BadInputError):
        read_paper(title, abstract, "")
