"""Every message, command, click and form is handled once and in time, and whoever acted is told of any error."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import discord
import pytest
from sqlalchemy.exc import OperationalError

from bot.discord.gate.gate import ActKind
from bot.discord.gate.rate_limits import Limits, Rate
from bot.store import ServerSettings
from retrieval.papers import Paper
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, TITLE, URL, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from tests.bot.discord.conftest import Online
    from tests.conftest import LibraryWith
    from tests.local_discord import Channel, LocalDiscord, Message, Person

MANY = tuple(replace(GOOD.citations[0], number=n, paper_id=f"p{n}", title=f"{TITLE} {n}") for n in range(1, 60))
WORDS = "somebody's words"  # must not appear in the log


@pytest.fixture
async def bot_library(library_with: LibraryWith) -> Library:
    return await library_with([Paper(GOOD.citations[0].paper_id, TITLE, QUOTE, "arxiv", URL)])


def with_buttons(message: Message) -> bool:
    return any(part["type"] in (2, 3) for part in message.parts())


async def asked(ada: Person, channel: Channel) -> Message:
    return await (await ada.uses_command(channel, "ask", question="does likelihood matter?")).finished(with_buttons)


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


def close_channel(local: LocalDiscord) -> ServerSettings:
    return ServerSettings(channels=frozenset({local.guild("Lab").channel("elsewhere").id}))


@pytest.mark.usefixtures("bot")
class TestOnce:
    async def test_a_choice_that_discord_sends_again_is_answered_once_however_long_the_answer(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        answers.prepared = replace(REFUSAL, choices=("fog", "moss"))
        card = await asked(ada, papers)
        answers.prepared = replace(GOOD, citations=MANY)
        use = await ada.picks(card, "moss")
        answer = await use.finished(done)
        await papers.wait_for_bot_message(lambda message: message not in (card, answer))
        await local.stays_silent(0.2)
        shown = len(papers.bot_messages)
        await local.drop(redeliver=shown + 4)
        await local.stays_silent(0.3)
        assert answers.asked == ["does likelihood matter?", "moss"]
        assert len(papers.bot_messages) == shown

    async def test_a_form_that_discord_sends_again_is_taken_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        card = await asked(ada, papers)
        click = await (await ada.clicks(card, "Follow up")).response()
        await (await ada.submits(click, {"Your question": "why?"})).finished(with_buttons)
        await local.drop(redeliver=8)
        await local.stays_silent(0.3)
        assert answers.asked == ["does likelihood matter?", "why?"]
        assert len(papers.bot_messages) == 2

    @pytest.mark.parametrize(
        "button", ["Star the paper", "👍", "Quotes in full", "Similar papers", "Continue in a thread"]
    )
    async def test_a_click_that_discord_sends_again_acts_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, store: Store, button: str
    ) -> None:
        card = await asked(ada, papers)
        use = await ada.picks(card, button)
        await use.finished()
        await local.taken_in()
        before = (len(local.router.calls), await store.feedback.starred(GOOD.citations[0].paper_id, ada.id))
        await local.drop(redeliver=8)
        await local.stays_silent(0.3)
        assert before == (len(local.router.calls), await store.feedback.starred(GOOD.citations[0].paper_id, ada.id))


ACKNOWLEDGED_FIRST: list[tuple[str, dict[str, object]]] = [
    ("ask", {"question": "why?"}),
    ("search", {"query": "fog", "source": "arxiv"}),
    ("paper", {"paper": TITLE}),
    ("similar", {"paper": TITLE}),
    ("compare", {"first": TITLE, "second": "fog"}),
    ("trending", {}),
    ("about", {}),
    ("help", {}),
    ("privacy", {}),
    ("settings", {}),
    ("submit", {"arxiv": "2106.00001"}),
    ("digest list", {}),
    ("digest subscribe", {"topics": "fog"}),
    ("digest preview", {"topics": "fog"}),
]


@pytest.mark.parametrize(("command", "options"), ACKNOWLEDGED_FIRST)
async def test_a_command_is_acknowledged_before_anything_is_looked_up(
    bot: FootnoteBot,
    papers: Channel,
    moderator: Person,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    options: dict[str, object],
) -> None:
    await (await moderator.uses_command(papers, "help")).finished()  # from here on the bot knows the server's settings
    never = asyncio.Event()

    async def hang(*_: object, **__: object) -> None:
        await never.wait()

    @asynccontextmanager
    async def hanging() -> AsyncIterator[None]:
        await never.wait()
        yield

    for name in ("get", "search", "similar", "counts", "source_states"):
        monkeypatch.setattr(bot.services.library, name, hang)
    monkeypatch.setattr(bot.services.store._database, "reading", hanging)
    use = await (await moderator.uses_command(papers, command, **options)).response()
    assert use.kind == "deferred"


@pytest.mark.usefixtures("bot")
class TestErrors:
    async def test_an_error_before_the_answer_is_told_and_leaves_no_words_in_the_log(
        self, ada: Person, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fail(*_: object, **__: object) -> NoReturn:
            raise OperationalError("SELECT x", {"q": WORDS}, Exception("disk I/O error"))

        monkeypatch.setattr(store.answers, "latest_in", fail)
        await ada.dms("does likelihood matter?")
        assert "Something went wrong" in (await ada.dm.wait_for_bot_message()).text
        assert "error=OperationalError" in caplog.text
        assert WORDS not in caplog.text

    async def test_an_error_of_a_listener_is_logged_without_what_it_says(
        self,
        local: LocalDiscord,
        papers: Channel,
        ada: Person,
        store: Store,
        mention: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        async def fail(_: int) -> NoReturn:
            raise ValueError(WORDS)

        said = await ada.says(papers, f"{mention} first?")
        await kept_as(store, await answer_in(papers))
        monkeypatch.setattr(store.answers, "to_question", fail)
        await ada.deletes(said)
        await local.stays_silent(0.1)
        assert "place=event:on_raw_message_delete" in caplog.text
        assert WORDS not in caplog.text

    async def test_no_error_of_the_database_names_the_values_of_its_statement(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with store._database.writing() as connection:
            with pytest.raises(OperationalError) as caught:
                await connection.exec_driver_sql("INSERT INTO nowhere VALUES (?)", (WORDS,))
        assert WORDS not in str(caught.value)


class TestClosing:
    async def test_a_command_that_waits_for_others_is_given_up_with_an_apology(
        self, bot: FootnoteBot, papers: Channel, local: LocalDiscord, moderator: Person
    ) -> None:
        never = asyncio.Event()

        async def slow(_: str) -> None:
            await never.wait()

        bot.services.arxiv = slow
        use = await moderator.uses_command(papers, "submit", arxiv="2106.00001")
        await use.response()
        await local.taken_in()
        await bot.services.gate.shutdown.drain(timedelta(seconds=0.1))
        assert use.final
        assert "could not finish this" in use.final.text

    async def test_the_apology_is_in_the_language_of_whoever_acted(
        self, bot: FootnoteBot, papers: Channel, local: LocalDiscord, moderator: Person
    ) -> None:
        never = asyncio.Event()

        async def slow(_: str) -> None:
            await never.wait()

        bot.services.arxiv = slow
        moderator.locale = "de"
        use = await moderator.uses_command(papers, "submit", arxiv="2106.00001")
        await use.response()
        await local.taken_in()
        await bot.services.gate.shutdown.drain(timedelta(seconds=0.1))
        assert use.final
        assert "neu gestartet" in use.final.text

    async def test_a_click_is_waited_for_and_a_later_one_told_to_wait(
        self, bot: FootnoteBot, papers: Channel, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card = await asked(ada, papers)
        go_on = asyncio.Event()
        similar = bot.services.library.similar

        async def slow(paper_id: str, *, limit: int) -> object:
            await go_on.wait()
            return await similar(paper_id, limit=limit)

        monkeypatch.setattr(bot.services.library, "similar", slow)
        use = await (await ada.picks(card, "Similar papers")).response()
        closing = asyncio.create_task(bot.services.gate.shutdown.drain())
        await asyncio.sleep(0)
        late = await ada.clicks(card, "👍")
        assert "being restarted" in (await late.finished()).text
        assert not closing.done()
        go_on.set()
        await closing
        assert use.final
        assert "papers like" in use.final.text


@pytest.mark.usefixtures("bot")
class TestEdits:
    async def test_a_notice_becomes_the_answer_once_the_message_is_a_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        said = await ada.says(papers, mention)
        notice = await papers.wait_for_bot_message()
        await ada.edits(said, f"{mention} first?")
        await notice.wait_until(lambda message: TITLE in message.text)
        assert answers.asked == ["first?"]
        assert papers.bot_messages == [notice]

    async def test_an_apology_becomes_the_answer_to_the_question_as_it_is_then(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        answers.error = ValueError("no")
        said = await ada.says(papers, f"{mention} frist?")
        apology = await papers.wait_for_bot_message()
        await apology.wait_until(lambda message: "Something went wrong" in message.text)
        answers.error = None
        await ada.edits(said, f"{mention} first?")
        await apology.wait_until(lambda message: TITLE in message.text)
        assert papers.bot_messages == [apology]

    async def test_an_edit_that_discord_sends_again_is_answered_once(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        said = await ada.says(papers, mention)
        notice = await papers.wait_for_bot_message()
        await ada.edits(said, f"{mention} first?")
        await notice.wait_until(lambda message: TITLE in message.text)
        await local.drop(redeliver=6)
        await local.stays_silent(0.2)
        assert answers.asked == ["first?"]

    async def test_an_edit_counts_as_a_question(
        self, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, limits: Limits
    ) -> None:
        limits.per_user = Rate(2, timedelta(minutes=1))
        said = await ada.says(papers, f"{mention} 0?")
        answer = await answer_in(papers)
        await ada.edits(said, f"{mention} 1?")
        await answers.were_asked(2)
        await answer.wait_until(done)
        await ada.edits(said, f"{mention} 2?")
        await papers.wait_for_bot_message(lambda message: "Please ask again" in message.text)
        assert answers.asked == ["0?", "1?"]
        assert TITLE in answer.text

    async def test_an_edit_is_not_answered_where_the_bot_may_no_longer_answer(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, store: Store
    ) -> None:
        said = await ada.says(papers, f"{mention} 0?")
        answer = await answer_in(papers)
        await kept_as(store, answer)
        await store.servers.save(local.guild("Lab").id, close_channel(local))
        await ada.edits(said, f"{mention} 1?")
        assert "answer only in" in (await ada.dm.wait_for_bot_message()).text
        assert answers.asked == ["0?"]
        assert not answer.deleted

    async def test_what_happens_to_messages_that_the_bot_never_heard_is_not_looked_up(
        self, local: LocalDiscord, papers: Channel, ada: Person, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_up = []
        to_question = store.answers.to_question

        async def counted(message_id: int) -> object:
            looked_up.append(message_id)
            return await to_question(message_id)

        monkeypatch.setattr(store.answers, "to_question", counted)
        for number in range(3):
            said = await ada.says(papers, f"not for the bot {number}")
            await ada.edits(said, f"not for the bot either {number}")
            await ada.deletes(said)
        await local.taken_in()
        assert looked_up == []


class TestRestart:
    async def test_a_deletion_after_a_restart_withdraws_the_answer_from_before(
        self, local: LocalDiscord, papers: Channel, ada: Person, online: Online, store: Store, mention: str
    ) -> None:
        async with online():
            said = await ada.says(papers, f"{mention} first?")
            answer = await answer_in(papers)
            await kept_as(store, answer)
        async with online():
            await ada.deletes(said)
            await local.journal.until(lambda: answer.deleted, "the answer to be withdrawn")

    @pytest.mark.parametrize("button", ["Follow up", "👎"])
    async def test_a_form_that_was_open_during_a_restart_is_taken(
        self, papers: Channel, ada: Person, online: Online, answers: PreparedAnswers, button: str
    ) -> None:
        async with online():
            card = await asked(ada, papers)
            click = await (await ada.picks(card, button)).response()
        async with online():
            words = {"Follow up": "Your question", "👎": "What was wrong?"}[button]
            sent = await ada.submits(click, {words: "why?"})
            await sent.finished(with_buttons if button == "Follow up" else lambda message: "Thank you" in message.text)
        assert answers.asked[1:] == (["why?"] if button == "Follow up" else [])

    async def test_the_forms_of_moderators_outlive_a_restart_too(
        self, local: LocalDiscord, papers: Channel, moderator: Person, online: Online, store: Store
    ) -> None:
        async with online():
            panel = await (await moderator.uses_command(papers, "settings")).finished()
            prefix = await (await moderator.clicks(panel, "Change the prefix…")).response()
            paper = await (await moderator.uses_command(papers, "submit")).response()
        async with online():
            await (await moderator.submits(prefix, {"Prefix": "p."})).finished(lambda now: "Saved" in now.text)
            typed = {"Title": "Fog and moss", "Abstract": "Mosses take up water from fog. " * 3}
            assert "Added" in (await (await moderator.submits(paper, typed)).finished()).text
        assert (await store.servers.of(local.guild("Lab").id)).prefix == "p."


class TestLimits:
    async def test_in_a_closed_channel_somebody_is_told_once_and_not_for_every_message(
        self, bot: FootnoteBot, local: LocalDiscord, papers: Channel, ada: Person, bob: Person, mention: str
    ) -> None:
        await bot.services.store.servers.save(local.guild("Lab").id, close_channel(local))
        for number in range(5):
            await ada.says(papers, f"{mention} {number}?")
        await bob.says(papers, f"{mention} and I?")
        await bob.dm.wait_for_bot_message()
        await local.stays_silent(0.2)
        assert len(ada.dm.bot_messages) == 1
        assert not papers.bot_messages

    async def test_too_many_clicks_are_told_to_slow_down(
        self, bot: FootnoteBot, papers: Channel, ada: Person, bob: Person
    ) -> None:
        card = await asked(ada, papers)
        bot.services.gate.limits[ActKind.ACTION] = Limits(per_user=Rate(2, timedelta(minutes=1)))
        for _ in range(2):
            assert "starred" in (await (await ada.picks(card, "Star the paper")).finished()).text + "starred"
        refused = await (await ada.picks(card, "Star the paper")).finished()
        assert "Not so fast" in refused.text
        assert refused.ephemeral
        assert "Not so fast" in (await (await ada.uses_command(papers, "help")).finished()).text
        assert "You starred" in (await (await bob.picks(card, "Star the paper")).finished()).text

    async def test_everything_about_oneself_is_not_to_be_had_over_and_over(
        self, bot: FootnoteBot, papers: Channel, ada: Person
    ) -> None:
        shown = await (await ada.uses_command(papers, "privacy")).finished()
        bot.services.gate.limits[ActKind.EXPORT] = Limits(per_user=Rate(1, timedelta(minutes=1)))
        await (await ada.clicks(shown, "Export my data")).followup()
        assert "Not so fast" in (await (await ada.clicks(shown, "Export my data")).finished()).text

    @pytest.mark.parametrize("button", ["Similar papers", "Continue in a thread", "Follow up"])
    async def test_no_button_leads_past_the_channels_that_moderators_chose(
        self, bot: FootnoteBot, local: LocalDiscord, papers: Channel, ada: Person, button: str
    ) -> None:
        card = await asked(ada, papers)
        await bot.services.store.servers.save(local.guild("Lab").id, close_channel(local))
        refused = await (await ada.picks(card, button)).finished()
        assert "answer only in" in refused.text
        assert refused.ephemeral


class TestThreads:
    @pytest.fixture
    def without_threads(self, local: LocalDiscord, papers: Channel) -> None:
        """Allow the bot to open threads, but not the members."""
        lab = local.guild("Lab")
        lab.roles[lab.id].permissions &= ~discord.Permissions(create_public_threads=True).value
        papers.grant("create_public_threads")

    @pytest.mark.usefixtures("without_threads")
    async def test_the_bot_opens_no_thread_for_somebody_who_may_open_none(
        self, online: Online, papers: Channel, ada: Person, mention: str, local: LocalDiscord, store: Store
    ) -> None:
        async with online():
            card = await asked(ada, papers)
            refused = await (await ada.picks(card, "Continue in a thread")).finished()
            assert refused.text == "You need the permission “Create Public Threads” to open a thread here."
            await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
            said = await ada.says(papers, f"{mention} first?")
            reply = await papers.wait_for_bot_message(lambda message: message.reply_to is said)
            assert TITLE in (await reply.wait_until(done)).text


class TestWithMessageContent:
    @pytest.fixture
    def message_content(self) -> bool:
        return True

    @pytest.mark.usefixtures("bot")
    async def test_a_reply_to_the_bot_is_heard_with_the_ping_off(
        self, local: LocalDiscord, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        await ada.says(papers, f"{mention} first?")
        answer = await answer_in(papers)
        second = await ada.says(papers, "second?", reply_to=answer, ping=False)
        await papers.wait_for_bot_message(lambda message: message.reply_to is second)
        await ada.says(papers, f"{bob.mention} what do you think?", reply_to=answer, ping=False)
        await local.stays_silent(0.2)
        assert answers.asked == ["first?", "second?"]
