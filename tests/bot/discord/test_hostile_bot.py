"""Hostile names, questions, titles and abstracts through every command, menu, button and digest of the whole bot.

Nothing pings, no link leads anywhere but to a paper, and no Markdown escapes its place.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.answering.answer import NearPaper, Statement
from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.discord.ui.discord_limits import LONGEST_QUESTION
from bot.store import ServerSettings
from local_discord.plain_text import URL, displayed_text, walk
from retrieval.papers import Paper
from tests.bot.discord.prepared import GOOD, REFUSAL, done

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from tests.bot.discord.prepared import PreparedAnswers
    from tests.conftest import LibraryWith
    from tests.local_discord import Channel, LocalDiscord, Message, Person

FILE = Path(__file__).parents[2] / "hostile" / "injections.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
ABSTRACTS = [row["text"] for row in ROWS if row["where"] == "abstract"]
QUESTIONS = [row["text"] for row in ROWS if row["where"] == "question"]
NAMES = ["@everyone", "`*_~|[x](https://evil.example)", "<@1> <#2>", "\u202eevil\u200b"]
FACT = "We teach robot number {number} to fold laundry, and it folds {number} towels in an hour."
GOOD_LINK = "https://arxiv.org/abs/"
EVIL = (
    "@everyone <@1> <@&2> [x](https://evil.example) https://evil.example ||a|| ~~b~~ `c` *d* __e__ </ask:1> :h:"
    "\n# f\n> g"
)
LISTED = "arxiv:2604.00001"  # the paper with the evil title
FINDS_IT = "robot folds laundry by moonlight"

ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
LINK = re.compile(r"\[[^\[\]]*\]\(https?://[^\s()<>]+\)")
# Times that the bot itself writes.
OWN_TIME = re.compile(r"<t:\d{9,}:[RFt]>")
# A link to one of the bot's commands; the ids of Discord have 17 to 20 digits.
OWN_COMMAND = re.compile(r"</[a-z ]+:\d{17,20}>")
# Discord's markup: what is still special once escapes and the bot's own links are taken out.
MENTION = re.compile(r"<(?:@[!&]?|#|/|:|a:|t:|id:)\S*>|@(?:everyone|here)\b")
MARKUP = re.compile(r"[`~|*_]|\]\(|://|(?<!\w):\w+:|^(?!### )#+ |^>>>", re.MULTILINE)


def assert_dead(text: str, local: LocalDiscord) -> None:
    """Assert that a text has no working Markdown or mention except what the bot itself put there."""
    rest = OWN_COMMAND.sub("", OWN_TIME.sub("", LINK.sub("", ESCAPED.sub("", text))))
    for channel in local.world.channels.values():
        rest = rest.replace(channel.mention, "")
    assert not MENTION.search(rest), text
    assert all(line.count("**") % 2 == 0 for line in rest.splitlines()), text
    assert not MARKUP.search(rest.replace("**", "")), text


def assert_harmless(local: LocalDiscord, at_least: int) -> None:
    """Assert that the bot has sent at least this many messages, and that no version of them does harm."""
    spoken = local.bot_messages()
    assert len(spoken) >= at_least
    for message in spoken:
        assert "Not so fast" not in message.text  # otherwise nothing was tested
        assert not message.pings
        for version in message.versions:
            shown = displayed_text(version.components)
            opened = [str(part["url"]) for part in walk(version.components) if part.get("url")]
            assert [url for url in [*URL.findall(shown), *opened] if not url.startswith(GOOD_LINK)] == []
            assert_dead(shown, local)
    for channel in local.world.channels.values():
        assert channel.name.isprintable()
        assert len(channel.name) <= 100


def replies_to(said: Message) -> Callable[[Message], bool]:
    return lambda message: message.reply_to is said


def button(message: Message, kind: str) -> str:
    """Find the id of the first button of a kind."""
    return next(
        str(part["custom_id"]) for part in message.parts() if str(part.get("custom_id")).startswith(f"footnote:{kind}:")
    )


@pytest.fixture
async def bot_library(library_with: LibraryWith) -> Library:
    papers = [
        Paper(
            f"arxiv:2603.{number:05}",
            f"Folding {number} towels {text[:80]}",
            f"{FACT.format(number=number)} {text}",
            "arxiv",
            f"{GOOD_LINK}2603.{number:05}",
        )
        for number, text in enumerate(ABSTRACTS, start=1)
    ]
    return await library_with([*papers, evil_paper(1)])


def evil_paper(number: int) -> Paper:
    """Make a paper of today with an evil title and abstract, and a bad link."""
    abstract = f"A {FINDS_IT}, and folds {number} towels. {EVIL}"
    return Paper(
        f"arxiv:2604.{number:05}", f"{EVIL} {number}", abstract, "arxiv", "javascript:x", datetime.now(UTC).date()
    )


@pytest.mark.usefixtures("bot")
class TestAnsweringFromHostilePapers:
    @pytest.fixture
    def answers(self, bot_library: Library) -> Answerer:
        return Answerer(bot_library, ExtractiveWriter())

    async def test_questions_their_quotes_and_searches(
        self, papers: Channel, local: LocalDiscord, mention: str
    ) -> None:
        people = [local.guild("Lab").member(name) for name in NAMES]
        for number, text in enumerate(QUESTIONS):
            person = people[number % len(people)]
            question = f"{text} {people[0].mention} {FACT.format(number=number + 1)}"[:LONGEST_QUESTION]
            used = await person.uses_command(papers, "ask", question=question)
            answer = await used.finished(done)
            quotes = [part for part in answer.parts() if str(part.get("custom_id")).startswith("footnote:quotes")]
            if quotes:
                await (await person.clicks(answer, quotes[0]["custom_id"])).response()
            said = await person.says(papers, f"{mention} {question}"[:LONGEST_QUESTION])
            reply = await papers.wait_for_bot_message(replies_to(said))
            await reply.wait_until(done)
            await (await person.uses_command(papers, "search", query=question[:100])).finished()
        assert_harmless(local, 3 * len(QUESTIONS))

    async def test_papers_their_buttons_trends_and_what_is_offered_while_somebody_types(
        self, papers: Channel, local: LocalDiscord, ada: Person
    ) -> None:
        offered = [
            choice for typed in ("fold", "evil") for choice in await ada.autocompletes(papers, "paper", paper=typed)
        ]
        assert len(offered) > len(ABSTRACTS)
        for choice in offered:
            assert choice["name"].isprintable()
        for paper in (LISTED, *(f"arxiv:2603.{number:05}" for number in range(1, len(ABSTRACTS) + 1))):
            ada = local.guild("Lab").member(f"Ada with {paper}")  # nobody may click this often
            card = await (await ada.uses_command(papers, "paper", paper=paper)).finished()
            for kind in ("star", "similar"):
                await (await ada.clicks(card, button(card, kind))).finished()
            await (await ada.uses_command(papers, "similar", paper=paper)).finished()
            used = await ada.uses_command(papers, "compare", first=paper, second="arxiv:2603.00007")
            await used.finished(done)
        await (await ada.uses_command(papers, "trending")).finished()
        assert_harmless(local, 5 * (1 + len(ABSTRACTS)) + 1)

    async def test_menus_on_hostile_messages_and_on_what_the_bot_made_of_them(
        self, papers: Channel, local: LocalDiscord, ada: Person
    ) -> None:
        for text in (EVIL, f"{FINDS_IT} {EVIL}", *QUESTIONS):
            said = await ada.says(papers, text[:2000])
            await (await ada.uses_context_menu(said, "Ask about this")).finished(done)
            answer = await (await ada.uses_context_menu(said, "Find papers like this")).finished(done)
            await (await ada.uses_context_menu(answer, "Find papers like this")).finished(done)
        assert_harmless(local, 3 * (2 + len(QUESTIONS)))

    async def test_what_cannot_be_read_is_repeated_as_text(self, papers: Channel, local: LocalDiscord) -> None:
        for text in (EVIL, *NAMES):
            moderator = local.guild("Lab").member(text, "manage_guild")
            commands: dict[str, dict[str, Any]] = {
                "paper": {"paper": text},
                "search": {"query": text, "source": text},
                "digest subscribe": {"topics": "fog", "days": text},
                "digest edit": {"digest": text, "hour": 1},
                "submit": {"arxiv": text},
            }
            for command, options in commands.items():
                await (await moderator.uses_command(papers, command, **options)).finished()
            for option in ("zone", "only"):
                used = await moderator.uses_command(papers, "digest subscribe", topics="fog", **{option: text})
                await used.finished()
            form = await moderator.uses_command(papers, "submit")
            sent = await moderator.submits(form, {"Title": text, "Abstract": f"{text} {EVIL}", "Link": ""})
            await sent.finished()
        assert_harmless(local, 8 * (1 + len(NAMES)))

    @pytest.fixture
    def now(self) -> Callable[[], datetime]:
        """An hour after the papers came in."""
        return lambda: datetime.now(UTC) + timedelta(hours=1)

    async def test_digests_on_hostile_topics_of_hostile_papers_their_buttons_and_their_threads(
        self,
        papers: Channel,
        local: LocalDiscord,
        moderator: Person,
        bot: FootnoteBot,
        bot_library: Library,
        store: Store,
    ) -> None:
        forum = local.guild("Lab").forum("digests")
        await local.taken_in()
        topics = f"{FINDS_IT} {EVIL}"
        for where in (papers, forum):
            used = await moderator.uses_command(papers, "digest subscribe", topics=topics, where=where)
            assert "Subscribed" in (await used.finished()).text
        await bot_library.add([evil_paper(number) for number in range(2, 6)])
        await (await moderator.uses_command(papers, "digest list")).finished()
        await (await moderator.uses_command(papers, "digest preview", topics=topics)).finished()
        for each in await store.subscriptions.of_server(local.guild("Lab").id):
            assert (await moderator.autocompletes(papers, "digest now", digest=""))[0]["name"].isprintable()
            used = await moderator.uses_command(papers, "digest now", digest=each.subscription_id)
            await used.finished()
        assert await bot.deliverer.tick() == 2
        digest = await papers.wait_for_bot_message()
        for kind in ("digest", "similar"):
            await (await moderator.clicks(digest, button(digest, kind))).finished()
        form = await moderator.clicks(digest, button(digest, "about"))
        await (await moderator.submits(form, {})).finished(done)
        assert len([channel for channel in local.world.channels.values() if channel.parent is forum]) == 1
        assert_harmless(local, 10)


@pytest.mark.usefixtures("bot")
class TestHostileAnswers:
    async def test_cards_choices_follow_ups_threads_and_the_file(
        self, papers: Channel, local: LocalDiscord, ada: Person, answers: PreparedAnswers, mention: str, store: Store
    ) -> None:
        citation = replace(
            GOOD.citations[0], title=EVIL, quote=f"{EVIL} quoted", url=f"{GOOD_LINK}1](https://evil.example)"
        )
        answers.prepared = replace(
            GOOD, statements=(Statement(EVIL, (1,)),), citations=(citation,), choices=(EVIL, "b"), note=EVIL
        )
        answers.growing = [answers.prepared]
        card = await (await ada.uses_command(papers, "ask", question=EVIL)).finished(with_buttons)
        (menu,) = (part for part in card.parts() if part["type"] == 3)
        await (await ada.chooses(card, menu["custom_id"], menu["options"][0]["value"])).finished(with_buttons)
        assert answers.asked[-1] == EVIL
        form = await ada.clicks(card, "Follow up")
        await (await ada.submits(form, {"Your question": EVIL})).finished(with_buttons)
        await (await ada.picks(card, "Quotes in full")).finished()
        await (await ada.picks(card, "Continue in a thread")).finished()
        await papers.wait_for_thread()

        answers.prepared = replace(REFUSAL, refusal=EVIL, choices=(EVIL, "b"), nearest=(NearPaper("x", EVIL, EVIL),))
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} {EVIL}")
        await local.journal.until(
            lambda: len([c for c in local.world.channels.values() if c.is_thread]) == 2, "a thread"
        )

        answers.growing = ()
        answers.prepared = replace(
            GOOD,
            statements=tuple(Statement(f"{EVIL} " * 40, (1,)) for _ in range(20)),
            citations=(citation,),
            note=EVIL,
        )
        await ada.uses_command(papers, "ask", question=EVIL)
        last = await papers.wait_for_bot_message(lambda message: bool(message.attachments))
        await last.wait_until(with_buttons)
        (file,) = last.attachments
        assert file.filename == "answer.md"
        assert not [url for url in URL.findall(file.data.decode()) if not url.startswith(GOOD_LINK)]
        assert_dead(file.data.decode().removeprefix("# ").replace("\n## Papers", ""), local)
        assert_harmless(local, 12)


def with_buttons(message: Message) -> bool:
    return any(part["type"] in (2, 3) for part in message.parts())
