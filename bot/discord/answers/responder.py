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
from typing import TYPE_CHECKING, Protocol

from bot.answering.conversation import Exchange
from bot.discord.answers.answer_card import cards, writing
from bot.discord.gate.boundary import log_incident, sentence_for
from bot.discord.reply.direct import DirectMessages, undelivered
from bot.discord.ui.layout import LONGEST_QUESTION, notice
from bot.discord.ui.people import roles_of
from bot.language import say
from bot.llm.meter import Payer, paid_by
from bot.store import KeptAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import discord

    from bot.answering.answer import Answer
    from bot.answering.answerer import Attached
    from bot.discord.gate.acknowledgement import Acknowledgements
    from bot.discord.gate.shutdown import Shutdown
    from bot.discord.reply.streamed_message import StreamedMessage
    from bot.discord.reply.target import ReplyTarget
    from bot.store import Store

log = logging.getLogger(__name__)

# What grows is shown after so long without growing more: an edit just before the last would hold that one up.
SETTLING_SECONDS = 0.2
# Where Discord itself says "is thinking…", that is enough for so long, and saves a request where the answer is quick.
THINKING_SECONDS = 1.0

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
class _Question:
    """Hold a question with who asked it, after which answer, by which message, and when."""

    text: str
    asker: discord.abc.User
    parent: KeptAnswer | None
    private: bool
    message_id: int | None
    guild_id: int | None
    at: datetime
    before: str = ""
    note: str | None = None
    document: Attached | None = None


class Responder:
    """Answer each question once, in its place: streamed, kept, and said why not where there is no answer."""

    def __init__(
        self,
        answerer: Answerer,
        store: Store,
        acknowledgements: Acknowledgements,
        shutdown: Shutdown,
        *,
        with_model: bool = False,
    ) -> None:
        self.answerer = answerer
        self._store = store
        self._acknowledgements = acknowledgements
        self._shutdown = shutdown
        self._direct = DirectMessages()
        self._turns = asyncio.Semaphore(AT_ONCE_WITH_MODEL if with_model else AT_ONCE)

    async def answer(
        self,
        target: ReplyTarget,
        question: str,
        *,
        asker: discord.abc.User,
        parent: KeptAnswer | None = None,
        private: bool = False,
        question_message_id: int | None = None,
        before: str = "",
        note: str | None = None,
        document: Attached | None = None,
    ) -> bool:
        """Answer a question in its place, or say there in a sentence why not; return which it was; raises nothing.

        `parent` is the answer that the question follows up; its chain is the conversation, and then comes what others
        said `before`. `note` is a sentence to show with the answer, `document` what was given to look into.
        """
        now = datetime.now(UTC)
        asked = _Question(
            question,
            asker,
            parent,
            private,
            question_message_id,
            target.guild_id,
            now,
            before=before,
            note=note,
            document=document,
        )
        async with target.streamed() as message:
            if question_message_id is not None:
                message.when_posted(partial(self._acknowledgements.acknowledged, question_message_id))
            return await self._answer(target, message, asked)

    async def _answer(self, target: ReplyTarget, message: StreamedMessage, asked: _Question) -> bool:
        started = time.monotonic()
        try:
            problem = _problem(asked.text)
            if problem is not None:
                await message.finish(notice(problem))
                return False
            async with target.working():
                answer = await self._shutdown.wait_for(self._listen(target, message, asked))
            await self._deliver(target, message, asked, answer)
        except Exception as error:  # noqa: BLE001  # whoever asked gets a sentence, the log the rest
            sentence = sentence_for(error, target.name, target.mine)
            if message.finished:
                sentence = say("The rest of this answer could not be posted. Please ask again.")
            await self._close(target, message, asked.asker, sentence)
            return False
        seconds = time.monotonic() - started
        log.info("answered place=%s outcome=%s seconds=%.2f", target.name, answer.outcome, seconds)
        return True

    async def _history(self, asked: _Question) -> list[Exchange]:
        """Return the conversation that the question goes on with, oldest first."""
        said = [Exchange(asked.before)] if asked.before else []
        if (parent := asked.parent) is None:
            return said
        kept = await self._store.answers.history(parent.answer_id) or [parent]
        return [*(Exchange.of(each.answer) for each in kept), *said]

    async def _listen(self, target: ReplyTarget, message: StreamedMessage, asked: _Question) -> Answer:
        """Show the answer as it grows and return the whole of it."""
        shown = _shown_with(target, asked)
        placeholder = writing(None, say("Looking through the papers …"), asked=shown)
        if not target.says_thinking:
            message.show(placeholder)
            return await self._in_turn(message, asked, shown)
        due = asyncio.get_running_loop().call_later(THINKING_SECONDS, message.show, placeholder)
        try:
            return await self._in_turn(message, asked, shown)
        finally:
            due.cancel()

    async def _in_turn(self, message: StreamedMessage, asked: _Question, shown: str | None) -> Answer:
        """Answer once everybody else has seen that they were heard, and not too many questions are in work."""
        await self._acknowledgements.let_pass(asked.message_id)
        async with self._turns:
            with paid_by(await self._payer(asked)):
                return await self._write(message, asked, shown)

    async def _payer(self, asked: _Question) -> Payer:
        """Return for whom the language model is asked."""
        if asked.guild_id is None:
            return Payer(person_id=asked.asker.id)
        exempt = (await self._store.servers.of(asked.guild_id)).exempt
        return Payer(asked.guild_id, asked.asker.id, exempt=not roles_of(asked.asker).isdisjoint(exempt))

    async def _write(self, message: StreamedMessage, asked: _Question, shown: str | None) -> Answer:
        last: Answer | None = None
        history = await self._history(asked)
        stream = self.answerer.stream(asked.text, history, document=asked.document)
        due: asyncio.TimerHandle | None = None
        try:
            async with aclosing(stream):
                async for answer in stream:
                    last = answer
                    if due is not None:
                        due.cancel()
                    if answer.statements:
                        view = writing(answer, say("Writing …"), asked=shown)
                        due = asyncio.get_running_loop().call_later(SETTLING_SECONDS, message.show, view)
        finally:
            if due is not None:
                due.cancel()
        assert last is not None
        return last

    async def _deliver(self, target: ReplyTarget, message: StreamedMessage, asked: _Question, answer: Answer) -> None:
        """Remember the answer, so that its buttons work, and post the whole of it."""
        shown = _shown_with(target, asked)
        if asked.note:
            answer = replace(answer, note=" ".join(filter(None, [answer.note, asked.note])))
        kept = KeptAnswer(
            answer_id=secrets.token_urlsafe(12),
            answer=answer,
            asker_id=asked.asker.id,
            channel_id=target.channel_id,
            guild_id=target.guild_id,
            question_message_id=asked.message_id,
            parent_id=asked.parent.answer_id if asked.parent else None,
            private=asked.private,
            asked_at=asked.at,
        )
        # Somebody may reply to the message before all of it is there.
        known = [] if message.message_id is None else [message.message_id]
        answer_id = kept.answer_id if await self._keep(target, kept, known) else None
        may = target.mine.attach_files
        posted = await message.finish(*cards(answer, answer_id, asked=shown, thread=target.threadable, file=may))
        if answer_id is not None and posted != known:
            await self._store.answers.posted(answer_id, posted)
        await target.tidy()

    async def _keep(self, target: ReplyTarget, kept: KeptAnswer, message_ids: Sequence[int]) -> bool:
        """Remember an answer and say whether it is kept; one without buttons is better than none."""
        try:
            return await self._store.answers.keep(kept, message_ids)
        except Exception as error:  # noqa: BLE001  # whatever it is, there is an answer
            log_incident(target.name, error)
            return False

    async def _close(
        self, target: ReplyTarget, message: StreamedMessage, asker: discord.abc.User, sentence: str
    ) -> None:
        """Put the sentence where the answer should have been, or where nothing can be put there tell the asker."""
        try:
            await message.finish(notice(sentence))
        except Exception as error:  # noqa: BLE001  # whatever it is, there is no other way to say it here
            code = getattr(error, "code", None)
            log.warning("not delivered place=%s error=%s code=%s", target.name, type(error).__name__, code)
            await self._direct.tell(asker, undelivered(code, target.channel_id))


def _shown_with(target: ReplyTarget, asked: _Question) -> str | None:
    return asked.text if target.repeats_question else None


def _problem(question: str) -> str | None:
    """Return why a question is not even looked at; None where it is."""
    if not question:
        return say("Ask me about research papers: write your question after my name, or use /ask.")
    if len(question) > LONGEST_QUESTION:
        return say("That is too long for me: please ask in at most {most} characters.", most=LONGEST_QUESTION)
    return None
