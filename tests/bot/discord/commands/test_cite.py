"""Citations of papers on the local Discord, as asked for under an answer, a search, a paper and a digest."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pybtex.database
import pytest

from bot.answering.answer import Answer, Citation, Statement
from bot.digest.digest import Digest, Entry
from bot.discord.answers.answer_card import cards
from bot.discord.digests.digest_card import Mark, digest_cards
from bot.discord.papers.cite import citation_card
from bot.discord.papers.paper_card import search_page
from bot.language import LANGUAGES, in_language
from local_discord.limits import COMPONENTS_V2, check_message
from retrieval.papers import Evidence, Hit, Paper
from retrieval.sources.fetched import Fetched

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from retrieval.library import Library
    from tests.local_discord import Channel, Message, Person

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
QUESTION = "What is the objective mismatch issue in model-based reinforcement learning?"
HOSTILE = Fetched(
    Paper("arxiv:2401.00001", "@everyone ``` [x](https://x.invalid) {Cats} & <@1>", "Cats.", "t", "https://a.org/<b>"),
    external_ids=("arxiv:2401.00001",),
    authors=("Ada `Byron`", "**K** Gödel"),
)


def menu(message: Message) -> dict[str, object]:
    (found,) = [part for part in message.parts() if part.get("custom_id") == "footnote:cite-menu"]
    return found


@pytest.mark.usefixtures("bot")
class TestCiting:
    async def test_under_an_answer_each_paper_is_cited_to_who_asks_alone(self, papers: Channel, ada: Person) -> None:
        used = await ada.uses_command(papers, "ask", question=QUESTION)
        card = await used.finished(lambda message: "Follow up" in message.text)
        chosen = await ada.picks(card, "Cite")
        cited = await chosen.finished()
        assert chosen.ephemeral
        assert f"(n.d.). {TITLE}." in cited.text
        code = cited.text.partition("```bibtex\n")[2].rpartition("\n```")[0]
        entries = pybtex.database.parse_string(code, "bibtex").entries.values()
        assert TITLE in {entry.fields["title"] for entry in entries}
        assert "abstract" not in code

    async def test_under_a_search_and_a_paper(self, papers: Channel, ada: Person, bot: FootnoteBot) -> None:
        page = await (await ada.uses_command(papers, "search", query="objective mismatch")).finished()
        cited = await (await ada.chooses(page, "Cite…", TITLE)).finished()
        assert f"title = {{{TITLE}}}" in cited.text
        paper = await (await ada.uses_command(papers, "paper", paper=TITLE)).finished()
        assert f"title = {{{TITLE}}}" in (await (await ada.clicks(paper, "Cite")).finished()).text
        library = bot.services.library
        found = await library.titles.find(TITLE, 25)
        await library.remove([paper_id for paper_id, title in found if title == TITLE])
        assert "no longer have that paper" in (await (await ada.clicks(paper, "Cite")).finished()).text

    async def test_it_works_after_a_restart_and_in_the_persons_language(
        self, papers: Channel, ada: Person, seeded: Library
    ) -> None:
        assert await seeded.ids()
        ada.locale = "de"
        page = await (await ada.uses_command(papers, "search", query="objective mismatch")).finished()
        assert menu(page)["placeholder"] in {"Cite…", "Zitieren…"}


def test_what_does_not_fit_comes_as_a_file_and_nothing_foreign_is_markup() -> None:
    view = citation_card([HOSTILE])
    text = "\n".join(part["content"] for part in view.to_components()[0]["components"])
    assert not view.files()
    assert text.count("```") == 2
    assert "@everyone" not in text.partition("```")[0]
    assert "<https://a.org/%3Cb%3E>" in text
    many = [
        replace(HOSTILE, paper=replace(HOSTILE.paper, paper_id=f"p{n}", title=f"{n} " + "long title " * 30))
        for n in range(25)
    ]
    view = citation_card(many)
    (file,) = view.files()
    written = file.fp.read().decode()
    assert len(pybtex.database.parse_string(written, "bibtex").entries) == 25
    check_message(
        {
            "components": view.to_components(),
            "flags": COMPONENTS_V2,
            "attachments": [{"id": 0, "filename": file.filename}],
        },
        {},
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_cards_with_the_control_keep_within_the_limits(language: str) -> None:
    found = [Paper(f"arxiv:2401.{n:05}", f"Paper {n} " + "words " * 60, "Text. " * 300, "arxiv") for n in range(15)]
    evidence = Evidence(0, 0, 0, 0, 0)
    citations = tuple(
        Citation(n + 1, each.paper_id, each.title, each.url, "Quote. " * 50) for n, each in enumerate(found)
    )
    answer = Answer(
        "Q?", "Q?", "answered", "extractive", 0.9,
        tuple(Statement("It is so. " * 9, (each.number,)) for each in citations), citations,
        choices=("a", "b", "c", "d"),
    )  # fmt: skip
    entries = tuple(Entry(each, "topic", "reason " * 60, "", 0.9) for each in found)
    digest = Digest("Digest", dt.date(2026, 11, 20), ("topic",), entries, considered=99)
    with in_language(language):
        shown = [
            *cards(answer, "a" * 22, thread=True),
            search_page([Hit(each, 1, (), (), evidence) for each in found[:5]], "q", 1, 9, "t" * 60),
            *digest_cards(digest, Mark("s" * 16, "n" * 20)),
        ]
    for view in shown:
        check_message({"components": view.to_components(), "flags": COMPONENTS_V2}, {})
    assert sum(card.papers for card in digest_cards(digest)) == 15
    selects = [
        part for view in digest_cards(digest) for row in view.to_components() for part in row.get("components", ())
        if part.get("custom_id") == "footnote:cite-menu"
    ]  # fmt: skip
    assert sum(len(part["options"]) for part in selects) == 15
