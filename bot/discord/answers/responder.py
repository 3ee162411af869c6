"""The responder: the single path from a question to its answer, wherever it was asked."""

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
from bot.answering import Exchange
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
from bot.llm import Payer, paid_by
from bot.store import StoredAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from bot.answering import Answer, Attached
    from bot.answering.intent import IntentReader
    from bot.discord.gate.gate import Admitted
    from bot.discord.reply.content import Content, Destination
    from bot.discord.ui.command_links import CommandLinks
    from bot.store import Store

    Decision: TypeAlias = Callable[[str], Awaitable[Destination | None]]

log = logging.getLogger(__name__)

# Concurrent questions; the others wait. That is no slower on two cores, and leaves the event loop time to acknowledge
# new ones (bench/discord_load.py: without a limit, 58 of 100 commands failed because Discord waits only 3 s). With a
# language model, most of the time is spent waiting for it.
AT_ONCE = 2
AT_ONCE_WITH_MODEL = 12


class Answerer(Protocol):
    """Make an Answer from a question."""

    def stream(
        self, question: str, history: Sequence[str | Exchange] = (), *, document: Attached | None = None
    ) -> AsyncGenerator[Answer]:
        """Yield the answer as it grows, in the current language; the last one is complete."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks.

    Attributes:
        text: the question; for a message, its own words.
        parent: the answer that it follows up, whose chain is the conversation.
        message_id: the message with the question; None for commands, clicks and forms, whose text is always a question.
        before: what others said in messages that it points to.
        note: a sentence to show with the answer.
        unreadable: what to say if the message has no question of its own and points to something unread.
        called: the bot's name there, ready to be shown.
        decide: gets the question and returns where its answer goes, None if it is not to be answered.
        document: a document to search.
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
    """Answer each question once: stream and store the answer, or say why there is none.

    Attributes:
        intents: tells questions from small talk.
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
        """Answer a question where it was asked, or say there why not; raises nothing."""
        await admitted.target.show(self.contents(admitted, Request(question, parent)))

    async def contents(self, admitted: Admitted, asked: Request) -> AsyncGenerator[Content]:
        """Yield what an admitted person is shown: the answer as it grows, or a sentence.

        Everything that does not depend on reading the question is prepared first, and the final cards are drawn last,
        so that the question goes from reader to answerer without a pause.
        """
        started, asked_at = time.monotonic(), datetime.now(UTC)
        target, text, before = admitted.target, asked.text, asked.before
        payer, history = _payer(admitted), await self._history(asked.parent)
        # A "yes" to choices is not small talk.
        maybe_talk = asked.message_id is not None and not (asked.parent and asked.parent.answer.choices)
        with_context = bool(before or asked.unreadable)

        intent = await self.intents.read(text, with_context=with_context) if maybe_talk else Intent()
        points = intent.points_to_context or not text
        if points and before:
            text, before = before, ""
        elif points and asked.unreadable:
            yield Whole([notice(asked.unreadable)], is_answer=False)
            return
        elif intent.small_talk is not None:
            yield Whole([notice(await self._friendly(intent.small_talk, asked.called))], is_answer=False)
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
        await admitted.others_acknowledged
        answer: Answer | None = None
        async with self._turns:
            with paid_by(payer), metrics.counting_failures():
                async with aclosing(self.answerer.stream(text, history, document=asked.document)) as snapshots:
                    async for answer in snapshots:
                        if answer.statements:
                            yield Draft(partial(writing, answer, say("Writing …"), asked=shown), destination)
        assert answer is not None

        # Somebody may reply to the message before all of it is posted.
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
            await self._store.answers.mark_posted(answer_id, target.shown)
        seconds = time.monotonic() - started
        metrics.QUESTIONS.labels(answer.outcome).inc()
        metrics.ANSWER_SECONDS.observe(seconds)
        log.info("answered place=%s outcome=%s seconds=%.2f", target.name, answer.outcome, seconds)

    async def _history(self, parent: StoredAnswer | None) -> list[Exchange]:
        """Load the conversation that a question continues, oldest first."""
        if parent is None:
            return []
        thread = await self._store.answers.history(parent.answer_id) or [parent]
        return [Exchange.of(earlier.answer) for earlier in thread]

    async def _friendly(self, talk: Kind, called: str) -> str:
        """Reply to small talk or to words about the bot."""
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
        """Store an answer; False on failure: an answer without buttons is better than none."""
        try:
            return await self._store.answers.keep(stored, message_ids)
        except Exception as error:  # noqa: BLE001  # whatever it is, there is an answer
            log_incident(source, error)
            return False


def _to_store(admitted: Admitted, asked: Request, answer: Answer, asked_at: datetime, channel_id: int) -> StoredAnswer:
    """Build the stored form of an answer, with the time of its question and the channel it goes to."""
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
    """Determine who the language model is asked for."""
    if admitted.guild_id is None:
        return Payer(person_id=admitted.user.id)
    exempt = not roles_of(admitted.user).isdisjoint(admitted.settings.exempt)
    return Payer(admitted.guild_id, admitted.user.id, exempt=exempt)


def _problem(question: str) -> str:
    """Explain why a question is not even read."""
    if not question:
        return say("Ask me about research papers: write your question after my name, or use /ask.")
    return say("That is too long for me: please ask in at most {most} characters.", most=LONGEST_QUESTION)
