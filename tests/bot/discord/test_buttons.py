"""The real client on the local Discord: what clicks on a card do, also after a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord
import pytest

from bot.answering.answer import Citation, Statement
from bot.discord.answers.answer_forms import gone
from bot.discord.papers.search_pages import TOKEN_CHARACTERS, find, token_of
from bot.discord.ui.custom_ids import paper_key, paper_of
from bot.discord.ui.layout import Card
from bot.store import Search, ServerSettings
from retrieval.papers import LONGEST_KEY, Paper
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, TITLE, URL, kept_as

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from tests.bot.discord.prepared import PreparedAnswers
    from tests.conftest import LibraryWith
    from tests.local_discord import Channel, LocalDiscord, Message, Person

    Online = Callable[[], AbstractAsyncContextManager[FootnoteBot]]

LONG_ID = "made:" + "up-" * 60
LONG_QUERY = "fog nets " * 20
MOSS = Paper(LONG_ID, "Mosses of the Fog", "Mosses take up 40% of their water from fog.", "arxiv", URL)
PAPERS = [
    Paper(GOOD.citations[0].paper_id, TITLE, QUOTE, "arxiv", URL),
    MOSS,
    *(Paper(f"fog:{n}", f"Fog and its uses, part {n}", f"Fog was caught by {n} nets.", "seeds") for n in range(12)),
]
CITING_MOSS = replace(
    GOOD,
    statements=(Statement("Mosses drink fog.", (1,)),),
    citations=(Citation(1, MOSS.paper_id, MOSS.title, MOSS.url, MOSS.abstract),),
)


@pytest.fixture
async def bot_library(library_with: LibraryWith) -> Library:
    return await library_with(PAPERS)


async def asked(ada: Person, channel: Channel, question: str = "does likelihood matter?") -> Message:
    """Ask, and wait for the card that answers."""
    return await (await ada.uses_command(channel, "ask", question=question)).finished(with_buttons)


def with_buttons(message: Message) -> bool:
    return any(part["type"] in (2, 3) for part in message.parts())


def custom_ids(message: Message) -> list[str]:
    """List the ids of all buttons."""
    return [part["custom_id"] for part in message.parts() if part["type"] == 2]


async def told(ada: Person, message: Message, button: str) -> Message:
    """Click a button as Ada, and wait for the reply that only she sees."""
    answer = await (await ada.picks(message, button)).finished()
    assert answer.ephemeral
    assert answer.viewer is ada
    assert answer is not message
    return answer


@pytest.mark.usefixtures("bot")
class TestFeedback:
    async def test_a_thumb_up_is_kept_and_thanked_for(
        self, ada: Person, papers: Channel, store: Store, local: LocalDiscord
    ) -> None:
        card = await asked(ada, papers)
        assert "Thank you" in (await told(ada, card, "👍")).text
        assert await store.feedback.liked(local.guild("Lab").id) == {GOOD.citations[0].paper_id: 0.5}

    async def test_a_thumb_down_asks_why_and_counts_even_where_nobody_says(
        self, ada: Person, bob: Person, papers: Channel, store: Store, local: LocalDiscord
    ) -> None:
        card = await asked(ada, papers)
        click = await (await ada.clicks(card, "👎")).response()
        assert click.modal
        sent = await ada.submits(click, {"What was wrong?": "the wrong paper"})
        assert "Thank you" in (await sent.finished()).text
        await (await bob.clicks(card, "👎")).response()
        both = {GOOD.citations[0].paper_id: -1.0}
        async with asyncio.timeout(10):  # the form comes before the rating is stored
            while await store.feedback.liked(local.guild("Lab").id) != both:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "the wrong paper" in str(await store.export(ada.id))

    async def test_a_star_is_set_and_taken_back_also_where_the_id_of_the_paper_is_too_long_for_a_button(
        self, ada: Person, papers: Channel, store: Store, answers: PreparedAnswers
    ) -> None:
        answers.prepared = CITING_MOSS
        card = await asked(ada, papers)
        assert (await told(ada, card, "Star the paper")).text == f"⭐ You starred [{MOSS.title}]({URL})."
        assert await store.feedback.starred(LONG_ID, ada.id)
        assert "removed your star" in (await told(ada, card, "Star the paper")).text
        assert not await store.feedback.starred(LONG_ID, ada.id)

    async def test_whoever_installed_the_bot_for_themselves_leaves_nothing_of_a_server_that_it_is_not_in(
        self, ada: Person, papers: Channel, store: Store, local: LocalDiscord
    ) -> None:
        lab = local.guild("Lab")
        lab.removes_bot()
        await local.taken_in()
        card = await asked(ada, papers)
        assert "You starred" in (await told(ada, card, "Star the paper")).text
        assert await store.feedback.starred(GOOD.citations[0].paper_id, ada.id)
        assert await store.feedback.liked(lab.id) == {}
        assert lab.id not in store.servers._known

    async def test_of_several_papers_the_one_to_star_is_chosen_among_those_with_ones_own_stars_lit(
        self, ada: Person, papers: Channel, store: Store, answers: PreparedAnswers
    ) -> None:
        answers.prepared = replace(
            CITING_MOSS, citations=(*CITING_MOSS.citations, replace(GOOD.citations[0], number=2))
        )
        card = await asked(ada, papers)
        choice = await told(ada, card, "Star a paper")
        assert [part["style"] for part in choice.parts() if part["type"] == 2] == [2, 2]
        assert TITLE in (await told(ada, choice, custom_ids(choice)[1])).text
        assert await store.feedback.starred(GOOD.citations[0].paper_id, ada.id)
        again = await told(ada, card, "Star a paper")
        assert [part["style"] for part in again.parts() if part["type"] == 2] == [2, 3]


@pytest.mark.usefixtures("bot")
class TestTakingAway:
    @pytest.fixture
    def long(self, answers: PreparedAnswers) -> None:
        statements = tuple(Statement(f"{n}. " + "word " * 250, (1,)) for n in range(6))
        answers.prepared = replace(GOOD, statements=statements, writer="llm")

    @pytest.mark.usefixtures("long")
    async def test_whoever_asked_takes_all_messages_of_an_answer_away_and_it_is_forgotten(
        self, ada: Person, papers: Channel, store: Store
    ) -> None:
        await ada.uses_command(papers, "ask", question="everything?")
        last = await papers.wait_for_bot_message(with_buttons)
        kept = await kept_as(store, last)
        shown = await store.answers.messages(kept.answer_id)
        assert len(shown) > 1
        click = await ada.picks(last, "Delete this answer")
        assert (await click.followup()).text == "The answer was deleted."
        assert not papers.bot_messages
        assert await store.answers.get(kept.answer_id) is None

    async def test_nobody_else_takes_it_away_but_moderators(
        self, ada: Person, bob: Person, moderator: Person, papers: Channel, mention: str
    ) -> None:
        await ada.says(papers, f"{mention} does likelihood matter?")
        card = await papers.wait_for_bot_message(with_buttons)
        refused = await (await bob.picks(card, "Delete this answer")).followup()
        assert "Only the person who asked" in refused.text
        assert refused.ephemeral
        assert papers.bot_messages == [card]
        await (await moderator.picks(card, "Delete this answer")).followup()
        assert not papers.bot_messages

    async def test_an_answer_that_is_no_longer_kept_only_moderators_take_away(
        self, ada: Person, moderator: Person, papers: Channel, store: Store
    ) -> None:
        card = await asked(ada, papers)
        await store.forget_person(ada.id)
        assert (await (await ada.picks(card, "Delete this answer")).followup()).text == gone()
        await (await moderator.picks(card, "Delete this answer")).followup()
        assert not papers.bot_messages

    async def test_a_private_answer_and_one_in_direct_messages_can_be_taken_away(
        self, ada: Person, papers: Channel
    ) -> None:
        for channel, private in ((papers, True), (ada.dm, False)):
            use = await ada.uses_command(channel, "ask", question="a secret?", private=private)
            card = await use.finished(with_buttons)
            await (await ada.picks(card, "Delete this answer")).followup()
            assert card.deleted


@pytest.mark.usefixtures("bot")
class TestReading:
    async def test_quotes_are_shown_whole_to_whoever_asks_for_them(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        quote = "word " * 300 + "end."
        answers.prepared = replace(GOOD, citations=(replace(GOOD.citations[0], quote=quote),))
        card = await asked(ada, papers)
        assert quote not in card.text
        assert quote in (await told(ada, card, "Quotes in full")).text

    async def test_many_quotes_come_in_several_messages_that_only_the_asker_sees(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        citations = tuple(Citation(n, f"id:{n}", TITLE, URL, f"{n} " + "word " * 200) for n in range(1, 12))
        answers.prepared = replace(GOOD, citations=citations)
        card = await ada.uses_command(papers, "ask", question="everything?")
        await card.finished()
        last = (await card.finished(with_buttons)) if not card.followups else card.followups[-1]
        click = await ada.picks(last, "Quotes in full")
        await click.followup()
        assert all(message.ephemeral for message in click.messages())

    async def test_similar_papers_are_those_like_the_first_one_cited(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        answers.prepared = CITING_MOSS
        card = await asked(ada, papers)
        similar = await told(ada, card, "Similar papers")
        assert f"Papers like [{MOSS.title}]({URL})" in similar.text
        assert "Fog and its uses" in similar.text

    async def test_a_paper_that_is_not_here_is_said_to_be_gone(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        unknown = replace(GOOD.citations[0], paper_id="arxiv:0000.00000")
        answers.prepared = replace(GOOD, citations=(unknown, replace(unknown, number=2, paper_id="x" * 200)))
        card = await asked(ada, papers)
        assert (await told(ada, card, "Similar papers")).text == "I no longer have that paper."
        choice = await told(ada, card, "Star a paper")
        for custom_id in custom_ids(choice):
            assert (await told(ada, choice, custom_id)).text == "I no longer have that paper."


@pytest.mark.usefixtures("bot")
class TestGoingOn:
    async def test_a_follow_up_is_asked_in_a_form_and_answered_in_the_conversation(
        self, ada: Person, bob: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        card = await asked(ada, papers)
        click = await (await bob.clicks(card, "Follow up")).response()
        sent = await bob.submits(click, {"Your question": "  and *why*?"})
        answer = await sent.finished(with_buttons)
        assert answers.asked == ["does likelihood matter?", "and *why*?"]
        assert answers.histories[-1] == ["does likelihood matter?"]
        assert not answer.ephemeral
        assert "and \\*why\\*?" in answer.text
        assert TITLE in answer.text

    async def test_a_choice_asks_its_question_however_its_label_was_cut(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        long = "What is said about " + "very " * 20 + "long things?"
        answers.prepared = replace(REFUSAL, choices=("What is said about moss?", long))
        card = await asked(ada, papers)
        answers.prepared = GOOD
        (menu,) = (part for part in card.parts() if part["type"] == 3)
        label = menu["options"][1]["label"]
        assert label.endswith("…")
        answer = await (await ada.picks(card, label)).finished(with_buttons)
        assert answers.asked[-1] == long
        assert answer is not card
        assert TITLE in answer.text

    async def test_what_follows_a_private_answer_is_private(
        self, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        answers.prepared = replace(GOOD, choices=("fog", "moss"))
        use = await ada.uses_command(papers, "ask", question="a secret?", private=True)
        card = await use.finished(with_buttons)
        assert card.ephemeral
        assert (await (await ada.picks(card, "moss")).finished(with_buttons)).ephemeral
        click = await (await ada.clicks(card, "Follow up")).response()
        assert (await (await ada.submits(click, {"Your question": "why?"})).finished(with_buttons)).ephemeral
        assert not papers.bot_messages

    async def test_whom_the_server_does_not_let_ask_may_not_ask_by_a_button_either(
        self, ada: Person, papers: Channel, answers: PreparedAnswers, store: Store, local: LocalDiscord
    ) -> None:
        answers.prepared = replace(REFUSAL, choices=("fog", "moss"))
        card = await asked(ada, papers)
        role = local.guild("Lab").role("readers")
        await store.servers.save(local.guild("Lab").id, ServerSettings(roles=frozenset({role.id})))
        answer = await (await ada.picks(card, "moss")).finished()
        assert "**@readers**" in answer.text
        assert not answer.pings
        assert len(answers.asked) == 1

    async def test_an_answer_goes_on_in_a_thread_that_the_bot_knows_for_its_own(
        self, ada: Person, papers: Channel, store: Store
    ) -> None:
        card = await asked(ada, papers)
        answer = await told(ada, card, "Continue in a thread")
        thread = await papers.wait_for_thread()
        assert thread.mention in answer.text
        assert thread.name == "does likelihood matter?"
        assert "mention me" in (await thread.wait_for_bot_message()).text
        assert await store.threads.is_own(thread.id)
        again = await told(ada, card, "Continue in a thread")
        assert again.text == f"This answer has a thread already: {thread.mention}"

    async def test_a_thread_that_is_deleted_is_forgotten(
        self, ada: Person, papers: Channel, store: Store, local: LocalDiscord
    ) -> None:
        await told(ada, await asked(ada, papers), "Continue in a thread")
        thread = await papers.wait_for_thread()
        assert await store.threads.is_own(thread.id)
        thread.delete()
        await local.taken_in()
        async with asyncio.timeout(10):
            while await store.threads.is_own(thread.id):  # noqa: ASYNC110  # SQLite tells nobody
                await asyncio.sleep(0.01)

    @pytest.mark.parametrize("name", ["Create Public Threads", "Send Messages in Threads"])
    async def test_a_missing_permission_is_named(self, ada: Person, papers: Channel, name: str) -> None:
        card = await asked(ada, papers)
        papers.deny(name.lower().replace(" ", "_"))
        assert f"“{name}”" in (await told(ada, card, "Continue in a thread")).text


@pytest.mark.usefixtures("bot")
class TestPages:
    async def test_pages_of_a_search_are_turned_in_place_by_whoever_searched(
        self, ada: Person, papers: Channel
    ) -> None:
        use = await ada.uses_command(papers, "search", query="fog nets")
        message = await use.finished()
        first = message.text
        assert "Page 1 of" in first
        await (await ada.clicks(message, "Next ▶")).finished(lambda message: "Page 2 of" in message.text)
        assert "**6.**" in message.text
        await (await ada.clicks(message, "◀ Previous")).finished(lambda message: "Page 1 of" in message.text)
        assert message.text == first

    async def test_pages_that_everybody_sees_stay_in_the_language_of_the_server(
        self, ada: Person, bob: Person, papers: Channel, store: Store, local: LocalDiscord
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(language="fr"))
        ada.locale = bob.locale = "de"
        message = await (await ada.uses_command(papers, "search", query="fog nets")).finished()
        assert "Page 1 sur" in message.text
        await (await ada.clicks(message, "Suivant ▶")).finished(lambda message: "Page 2 sur" in message.text)
        assert "Seite 3 von" in (await told(bob, message, "Suivant ▶")).text

    async def test_somebody_else_turns_pages_of_their_own(self, ada: Person, bob: Person, papers: Channel) -> None:
        message = await (await ada.uses_command(papers, "search", query="fog nets")).finished()
        theirs = await told(bob, message, "Next ▶")
        assert "Page 2 of" in theirs.text
        assert "Page 1 of" in message.text

    async def test_a_long_search_is_kindly_forgotten_when_no_page_was_turned_for_long(
        self, ada: Person, papers: Channel, store: Store
    ) -> None:
        message = await (await ada.uses_command(papers, "search", query=LONG_QUERY)).finished()
        await (await ada.clicks(message, "Next ▶")).finished(lambda message: "Page 2 of" in message.text)
        await store.forget_due(datetime.now(UTC) + timedelta(days=91))
        click = await ada.clicks(message, "Next ▶")
        assert "Please search again" in (await click.followup()).text


class TestAfterARestart:
    async def test_every_button_of_an_old_card_works(
        self, online: Online, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        answers.prepared = CITING_MOSS
        async with online():
            card = await asked(ada, papers)
            listed = await (await ada.uses_command(papers, "search", query="fog nets")).finished()
            long = await (await ada.uses_command(papers, "search", query=LONG_QUERY)).finished()
        async with online() as bot:
            assert "Thank you" in (await told(ada, card, "👍")).text
            assert "You starred" in (await told(ada, card, "Star the paper")).text
            assert MOSS.abstract in (await told(ada, card, "Quotes in full")).text
            assert "Papers like" in (await told(ada, card, "Similar papers")).text
            click = await (await ada.clicks(card, "👎")).response()
            assert "Thank you" in (await (await ada.submits(click, {})).finished()).text
            click = await (await ada.clicks(card, "Follow up")).response()
            await (await ada.submits(click, {"Your question": "why?"})).finished(with_buttons)
            assert answers.histories[-1] == ["does likelihood matter?"]
            await told(ada, card, "Continue in a thread")
            assert not bot.persistent_views  # no card is kept in memory
            for pages in (listed, long):
                await (await ada.clicks(pages, "Next ▶")).finished(lambda message: "Page 2 of" in message.text)

    async def test_a_card_of_a_time_when_everything_was_a_button_works(
        self, online: Online, ada: Person, papers: Channel, store: Store
    ) -> None:
        async with online() as bot:
            card = await asked(ada, papers)
            answer_id = (await kept_as(store, card)).answer_id
            paper_id = GOOD.citations[0].paper_id
            ids = [f"footnote:{kind}:{answer_id}" for kind in ("up", "quotes", "more", "thread")]
            row = [discord.ui.Button[Any](label=one, custom_id=one) for one in ids]
            star, similar = f"footnote:star:{paper_id}", f"footnote:similar:{paper_id}"
            more = [discord.ui.Button[Any](label=one, custom_id=one) for one in (star, similar)]
            channel: Any = bot.get_channel(papers.id)
            await channel.send(view=Card(discord.ui.ActionRow(*row), discord.ui.ActionRow(*more)))
            old = papers.bot_messages[-1]
            assert "Thank you" in (await told(ada, old, ids[0])).text
            assert QUOTE in (await told(ada, old, ids[1])).text
            assert (await (await ada.clicks(old, ids[2])).response()).modal
            assert "Let us continue in" in (await told(ada, old, ids[3])).text
            assert "You starred" in (await told(ada, old, star)).text
            assert "Papers like" in (await told(ada, old, similar)).text

    async def test_a_choice_of_an_old_card_is_answered(
        self, online: Online, ada: Person, papers: Channel, answers: PreparedAnswers
    ) -> None:
        answers.prepared = replace(REFUSAL, choices=("fog", "moss"))
        async with online():
            card = await asked(ada, papers)
        async with online():
            await (await ada.picks(card, "moss")).finished(with_buttons)
        assert answers.asked[-1] == "moss"

    async def test_an_answer_that_was_forgotten_is_kindly_said_to_be_gone(
        self, online: Online, ada: Person, papers: Channel, store: Store, answers: PreparedAnswers
    ) -> None:
        answers.prepared = replace(GOOD, choices=("fog", "moss"))
        async with online():
            card = await asked(ada, papers)
        await store.forget_person(ada.id)
        async with online():
            for button in ("👍", "Quotes in full", "Continue in a thread", "moss"):
                answer = await (await ada.picks(card, button)).finished()
                assert answer.text == gone(), button
            click = await (await ada.clicks(card, "👎")).response()
            assert (await (await ada.submits(click, {"What was wrong?": "x"})).finished()).text == gone()
            click = await (await ada.clicks(card, "Follow up")).response()
            assert (await (await ada.submits(click, {"Your question": "x"})).finished()).text == gone()


async def test_a_paper_is_found_by_what_its_button_says(bot_library: Library) -> None:
    for paper_id in (LONG_ID, "fog:1"):
        key = paper_key(paper_id)
        assert len(key) <= LONGEST_KEY
        assert await paper_of(key, bot_library) == paper_id
    for strange in ("two words", "#hash", "", "ü", "\ud800", "x" * 61):
        assert paper_key(strange).startswith("#")


@pytest.mark.parametrize(
    "query", ["fog", "fog~nets~2", "~", "ünï 😀", " padded ", "two\nlines", "x" * 200, "\u200bhidden", "\ud800\0", ""]
)
async def test_a_search_is_found_by_its_token(query: str, store: Store) -> None:
    search = Search(query, date(2026, 3, 14), source="arxiv", sort="newest")
    token = await token_of(search, store.searches)
    assert len(token) <= TOKEN_CHARACTERS
    assert await find(token, store.searches) == search
    assert await token_of(search, store.searches) == token


async def test_no_token_is_trusted(store: Store) -> None:
    for token in ("", "w", "wb~~", "wb~20261340~~fog", "wx~~~fog", "wb~~~", "k", "kunknown"):
        assert await find(token, store.searches) is None
