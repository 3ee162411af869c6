"""The responder: the one way from a question to its answer, wherever it was asked."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bot import metrics
from bot.answering.conversation import Exchange
from bot.answering.intent import Intent
from bot.answering.reading.kind import Kind
from bot.discord.answers.answer_card import cards, writing
from bot.discord.gate.boundary import log_incident
from bot.discord.reply.content import Draft, Whole
from bot.discord.ui.discord_limits import LONGEST_QUESTION
from bot.discord.ui.layout import notice
from bot.discord.ui.members import roles_of
from bot.discord.ui.permissions import may_thread, mine_in
from bot.language import say
from bot.llm.meter import Payer, paid_by
from bot.store import StoredAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from bot.answering.answer import Answer
    from bot.answering.answerer import Attached
    from bot.answering.intent import IntentReader
    from bot.discord.gate.gate import Admitted
    from bot.discord.reply.content import Content, Destination
    from bot.discord.ui.command_links import CommandLinks
    from bot.store import Store

    Decision: TypeAlias = Callable[[str], Awaitable[Destination | None]]

log = logging.getLogger(__name__)

# So many questions are looked into at a time, and the others wait: that is no slower on two cores, and leaves the event
# loop time to acknowledge the next ones (bench/discord_load.py: with no such limit, 58 of 100 commands came to nothing
# because Discord waits only 3 s). With a language model most of the time is spent waiting for it.
AT_ONCE = 2
AT_ONCE_WITH_MODEL = 12


class Answerer(Protocol):
    """Make an Answer of a question."""

    def stream(
        self, question: str, history: Sequence[str | Exchange] = (), *, document: Attached | None = None
    ) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, in the language that is spoken; the last one is whole."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what somebody asks.

    Attributes:
        text: the question; of a message its own words.
        parent: the answer that it follows up, whose chain is the conversation.
        message_id: the message that asks, None of commands, clicks and forms, of which all is a question.
        before: what others said, that the message points to.
        note: a sentence to show with the answer.
        unreadable: what to say where the message has no question of its own, and what it points to was not read.
        called: what the bot is called there, ready to be shown.
        decide: is told what the question is, and says where its answer goes, None if it is not to be answered.
        document: what was given to look into.
    """

    text: str
    parent: StoredAnswer | None = None
    message_id: int | None = None
    before: str = ""
    note: str | None = None
    unreadable: str | None = None
    called: str = ""
    decide: Decision | None = None
    document: Attached | None = None


class Responder:
    """Answer each question once: streamed, kept, and said why not where there is no answer.

    Attributes:
        intents: tells what is a question.
    """

    def __init__(
        self,
        answerer: Answerer,
        intents: IntentReader,
        store: Store,
        links: CommandLinks,
        *,
        with_model: bool = False,
    ) -> None:
        self.answerer = answerer
        self.intents = intents
        self._store = store
        self._links = links
        self._turns = asyncio.Semaphore(AT_ONCE_WITH_MODEL if with_model else AT_ONCE)

    async def answer(self, admitted: Admitted, question: str, *, parent: StoredAnswer | None = None) -> None:
        """Answer a question in its place, or say there in a sentence why not; raises nothing."""
        await admitted.target.show(self.contents(admitted, Request(question, parent)))

    async def contents(self, admitted: Admitted, asked: Request) -> AsyncGenerator[Content]:
        """Yield what is shown to somebody who was let in: the answer as it grows, or a sentence.

        All that is known without reading the question is prepared first, all that is shown for good is drawn last: in
        between, the question goes from its reader to the answerer at one go.
        """
        started, asked_at = time.monotonic(), datetime.now(UTC)
        target, text, before = admitted.target, asked.text, asked.before
        payer, history = _payer(admitted), await self._history(asked.parent)
        # A "yes" to choices is no small talk.
        maybe_talk = asked.message_id is not None and not (asked.parent and asked.parent.answer.choices)
        alone = not (before or asked.unreadable)

        intent = await self.intents.read(text, alone=alone) if maybe_talk else Intent()
        points = intent.points or not text
        if points and before:
            text, before = before, ""
        elif points and asked.unreadable:
            yield Whole([notice(asked.unreadable)], is_answer=False)
            return
        elif intent.talk is not None:
            yield Whole([notice(await self._friendly(intent.talk, asked.called))], is_answer=False)
            return
        destination = await asked.decide(text) if asked.decide else None
        if asked.decide and destination is None:
            return
        if not text or len(text) > LONGEST_QUESTION:
            yield Whole([notice(await self._links.linked(_problem(text)))], is_answer=False, destination=destination)
            return
        shown = text if target.repeats_question else None
        if before:
            history.append(Exchange(before))
        yield Draft(partial(writing, None, say("Looking through the papers …"), asked=shown), destination)
        await admitted.turn
        answer: Answer | None = None
        async with self._turns:
            with paid_by(payer), metrics.counting_failures():
                async with aclosing(self.answerer.stream(text, history, document=asked.document)) as snapshots:
                    async for answer in snapshots:
                        if answer.statements:
                            yield Draft(partial(writing, answer, say("Writing …"), asked=shown), destination)
        assert answer is not None

        # Somebody may reply to the message before all of it is there.
        known = list(target.shown)
        channel = destination.channel if destination else None
        stored = _to_store(admitted, asked, answer, asked_at, channel.id if channel else target.channel_id)
        answer_id = stored.answer_id if await self._keep(target.name, stored, known) else None
        may = {
            "thread": may_thread(channel) if channel else target.threadable,
            "file": (mine_in(channel) if channel else target.mine).attach_files,
        }
        drawn = cards(stored.answer, answer_id, asked=shown, link=self._links.link, **may)
        yield Whole(drawn, destination=destination)
        if answer_id is not None and target.shown != known:
            await self._store.answers.posted(answer_id, target.shown)
        seconds = time.monotonic() - started
        metrics.QUESTIONS.labels(answer.outcome).inc()
        metrics.ANSWER_SECONDS.observe(seconds)
        log.info("answered place=%s outcome=%s seconds=%.2f", target.name, answer.outcome, seconds)

    async def _history(self, parent: StoredAnswer | None) -> list[Exchange]:
        """Return the conversation that a question goes on with, oldest first."""
        if parent is None:
            return []
        thread = await self._store.answers.history(parent.answer_id) or [parent]
        return [Exchange.of(earlier.answer) for earlier in thread]

    async def _friendly(self, talk: Kind, called: str) -> str:
        """Return what to say to small talk and to words about the bot."""
        help_ = await self._links.mention("help")
        if talk is Kind.SMALL_TALK:
            return say("Always a pleasure! Ask me about papers whenever you like; {help} says how.", help=help_)
        return say(
            "I am {name} and answer questions about research papers; every sentence rests on a quote that you can "
            "check. {help} shows what I can do, {about} which papers I know.",
            name=called,
            help=help_,
            about=await self._links.mention("about"),
        )

    async def _keep(self, source: str, stored: StoredAnswer, message_ids: Sequence[int]) -> bool:
        """Remember an answer and say whether it is kept; one without buttons is better than none."""
        try:
            return await self._store.answers.keep(stored, message_ids)
        except Exception as error:  # noqa: BLE001  # whatever it is, there is an answer
            log_incident(source, error)
            return False


def _to_store(admitted: Admitted, asked: Request, answer: Answer, asked_at: datetime, channel_id: int) -> StoredAnswer:
    """Return the answer to a question of that time, which goes into that channel, as it is remembered."""
    return StoredAnswer(
        answer_id=secrets.token_urlsafe(12),
        answer=replace(answer, note=" ".join(filter(None, [answer.note, asked.note])) or None),
        asker_id=admitted.user.id,
        channel_id=channel_id,
        guild_id=admitted.target.guild_id,
        question_message_id=asked.message_id,
        parent_id=asked.parent.answer_id if asked.parent else None,
        private=admitted.private,
        asked_at=asked_at,
    )


def _payer(admitted: Admitted) -> Payer:
    """Return for whom the language model is asked."""
    if admitted.guild_id is None:
        return Payer(person_id=admitted.user.id)
    exempt = not roles_of(admitted.user).isdisjoint(admitted.settings.exempt)
    return Payer(admitted.guild_id, admitted.user.id, exempt=exempt)


def _problem(question: str) -> str:
    """Return why a question is not even looked at."""
    if not question:
        return say("Ask me about research papers: write your question after my name, or use /ask.")
    return say("That is too long for me: please ask in at most {most} characters.", most=LONGEST_QUESTION)
