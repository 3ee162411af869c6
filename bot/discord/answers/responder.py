"""The Desk: what every part of the Discord side shares, and the one way from a question to its answer."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import aclosing
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import discord
from discord import app_commands

from bot.answering.conversation import Exchange
from bot.discord.answers.answer_card import cards, writing
from bot.discord.connection.codes import AUTOMOD, SLOWMODE
from bot.discord.gate.access import Rules, roles_of
from bot.discord.gate.acknowledgement import Arrivals
from bot.discord.gate.boundary import RefusedError, log_incident, sentence_for
from bot.discord.gate.deduplication import Seen
from bot.discord.gate.limits import PER_CLICKER, PER_EXPORTER, Limits
from bot.discord.gate.recent import Recent
from bot.discord.gate.shutdown import InFlight
from bot.discord.reply.target import NETWORK_ERRORS
from bot.discord.ui.layout import notice
from bot.language import say
from bot.llm.meter import Payer, paid_by
from bot.store import KeptAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from typing import TypeAlias

    from bot.answering.answer import Answer
    from bot.discord.gate.shutdown import Apology
    from bot.discord.reply.streamed_message import LiveMessage
    from bot.discord.reply.target import Place
    from bot.store import Store
    from retrieval.library import Library
    from retrieval.papers import Paper

    LookUp: TypeAlias = Callable[[str], Awaitable[Paper | None]]

log = logging.getLogger(__name__)

QUESTION_CHARACTERS = 1000
# What grows is shown after so long without growing more: an edit just before the last would hold that one up.
SETTLING_SECONDS = 0.2
# Where Discord itself says "is thinking…", that is enough for so long, and saves a request where the answer is quick.
THINKING_SECONDS = 1.0
REMEMBERED = 1000

# So many questions are looked into at a time, and the others wait: that is no slower on two cores, and leaves the event
# loop time to acknowledge the next ones (bench/discord_load.py: with no such limit, 58 of 100 commands came to nothing
# because Discord waits only 3 s). With a language model most of the time is spent waiting for it.
AT_ONCE = 2
AT_ONCE_WITH_MODEL = 12


class Answers(Protocol):
    """Make an Answer of a question."""

    def stream(self, question: str, history: Sequence[str | Exchange] = ()) -> AsyncGenerator[Answer]:
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


class Desk:
    """Take questions from everywhere and answer each once, in its place.

    `model` is the name of the language model that writes, None where answers are the papers' own sentences; `arxiv`
    looks a paper up by its arXiv id.
    """

    def __init__(
        self,
        answerer: Answers,
        library: Library,
        store: Store,
        limits: Limits | None = None,
        *,
        model: str | None = None,
        arxiv: LookUp | None = None,
    ) -> None:
        self.answerer = answerer
        self.library = library
        self.store = store
        self.model = model
        self.arxiv = arxiv
        self.limits = limits or Limits()
        self.clicks = Limits(per_user=PER_CLICKER)
        self.exports = Limits(per_user=PER_EXPORTER)
        self.in_flight = InFlight()
        self.arrivals = Arrivals()
        self._turns = asyncio.Semaphore(AT_ONCE if model is None else AT_ONCE_WITH_MODEL)
        self.changing_settings = asyncio.Lock()
        self.seen = Seen()
        self._told_of_rules: Recent[int, bool] = Recent(REMEMBERED)

    def begin(self, event_id: int, apologise: Apology, version: float = 0.0) -> bool:
        """Take an event on in the current task, and say whether it is new: after a RESUME Discord repeats some.

        `version` tells an edit of a message from what came before it. From here on answers let the sign that the event
        waits for go first, and closing waits for the end of the task, or else calls `apologise`. Raises ClosingError
        once closing has begun.
        """
        if not self.seen.is_new(event_id, version):
            return False
        self.arrivals.add(event_id)
        self.in_flight.take_on(apologise)
        return True

    async def reply(
        self,
        place: Place,
        question: str,
        *,
        asker: discord.abc.User,
        parent: KeptAnswer | None = None,
        private: bool = False,
        question_message_id: int | None = None,
        before: str = "",
        note: str | None = None,
    ) -> bool:
        """Answer the question in its place, or say there in a sentence why not; return which it was; raises nothing.

        `parent` is the answer that the question follows up; its chain is the conversation, and then comes what others
        said `before`. `note` is a sentence to show with the answer.
        """
        now = datetime.now(UTC)
        asked = _Question(
            question, asker, parent, private, question_message_id, place.guild_id, now, before=before, note=note
        )
        async with place.live() as live:
            if question_message_id is not None:
                live.when_posted(partial(self.arrivals.acknowledged, question_message_id))
            return await self._reply(place, live, asked)

    async def objection(
        self, guild_id: int | None, channel: object, user: discord.User | discord.Member | discord.abc.User
    ) -> str | None:
        """Return why this person may not ask in this channel, as the server's settings say; None if they may."""
        if guild_id is None:
            return None
        settings = await self.store.servers.of(guild_id)
        rules = Rules(settings, getattr(channel, "guild", None))
        objection = rules.objection(channel, user)
        if objection and rules.outlived and rules.moderates(user):
            if guild_id not in self._told_of_rules:
                self._told_of_rules[guild_id] = True
                await self.tell_directly(user, objection)
            return None
        return objection

    async def demand_leave(
        self, guild_id: int | None, channel: object, user: discord.User | discord.Member | discord.abc.User
    ) -> None:
        """Raise RefusedError where this person may not ask in this channel."""
        if objection := await self.objection(guild_id, channel, user):
            raise RefusedError(objection)

    def impatience(self, user_id: int, guild_id: int | None) -> str | None:
        """Count a question against the limits; return what to say where there were too many, else None."""
        wait = self.limits.take(user_id, guild_id)
        if wait == 0.0:
            return None
        then = discord.utils.format_dt(datetime.now(UTC) + timedelta(seconds=wait + 1), "R")
        return say("That was a lot of questions at once. Please ask again {when}.", when=then)

    def slow_down(self, limits: Limits, user_id: int) -> None:
        """Count what somebody did that is no question; raises CommandOnCooldown where that was too often."""
        if wait := limits.take(user_id, None):
            raise app_commands.CommandOnCooldown(app_commands.Cooldown(*astuple(limits.per_user)), wait)

    async def tell_directly(self, user: discord.abc.User, sentence: str) -> None:
        """Send somebody a sentence in a direct message, where they take such."""
        if not isinstance(user, discord.abc.Messageable):
            return
        try:
            await user.send(view=notice(sentence))
        except NETWORK_ERRORS as error:
            code = getattr(error, "code", None)
            log.warning("not told directly error=%s code=%s", type(error).__name__, code)

    async def _reply(self, place: Place, live: LiveMessage, asked: _Question) -> bool:
        started = time.monotonic()
        try:
            problem = self._problem(place, asked)
            if problem is not None:
                await live.finish(notice(problem))
                return False
            async with place.working():
                answer = await self.in_flight.wait_for(self._listen(place, live, asked))
            await self._deliver(place, live, asked, answer)
        except Exception as error:  # noqa: BLE001  # whoever asked gets a sentence, the log the rest
            sentence = sentence_for(error, place.name, place.mine)
            if live.finished:
                sentence = say("The rest of this answer could not be posted. Please ask again.")
            await self._close(place, live, asked.asker, sentence)
            return False
        seconds = time.monotonic() - started
        log.info("answered place=%s outcome=%s seconds=%.2f", place.name, answer.outcome, seconds)
        return True

    def _problem(self, place: Place, asked: _Question) -> str | None:
        """Return why the question is not even looked at; None where it is."""
        if not asked.text:
            return say("Ask me about research papers: write your question after my name, or use /ask.")
        if len(asked.text) > QUESTION_CHARACTERS:
            return say("That is too long for me: please ask in at most {most} characters.", most=QUESTION_CHARACTERS)
        return None if place.paid else self.impatience(asked.asker.id, place.guild_id)

    async def _history(self, asked: _Question) -> list[Exchange]:
        """Return the conversation that the question goes on with, oldest first."""
        said = [Exchange(asked.before)] if asked.before else []
        if (parent := asked.parent) is None:
            return said
        kept = await self.store.answers.history(parent.answer_id) or [parent]
        return [*(Exchange.of(each.answer) for each in kept), *said]

    async def _listen(self, place: Place, live: LiveMessage, asked: _Question) -> Answer:
        """Show the answer as it grows and return the whole of it."""
        shown = _shown_with(place, asked)
        placeholder = writing(None, say("Looking through the papers …"), asked=shown)
        if not place.says_thinking:
            live.show(placeholder)
            return await self._in_turn(live, asked, shown)
        due = asyncio.get_running_loop().call_later(THINKING_SECONDS, live.show, placeholder)
        try:
            return await self._in_turn(live, asked, shown)
        finally:
            due.cancel()

    async def _in_turn(self, live: LiveMessage, asked: _Question, shown: str | None) -> Answer:
        """Answer once everybody else has seen that they were heard, and not too many questions are in work."""
        await self.arrivals.let_pass(asked.message_id)
        async with self._turns:
            with paid_by(await self._payer(asked)):
                return await self._write(live, asked, shown)

    async def _payer(self, asked: _Question) -> Payer:
        """Return for whom the language model is asked."""
        if asked.guild_id is None:
            return Payer(person_id=asked.asker.id)
        exempt = (await self.store.servers.of(asked.guild_id)).exempt
        return Payer(asked.guild_id, asked.asker.id, exempt=not roles_of(asked.asker).isdisjoint(exempt))

    async def _write(self, live: LiveMessage, asked: _Question, shown: str | None) -> Answer:
        last: Answer | None = None
        history = await self._history(asked)
        stream = self.answerer.stream(asked.text, history)
        due: asyncio.TimerHandle | None = None
        try:
            async with aclosing(stream):
                async for answer in stream:
                    last = answer
                    if due is not None:
                        due.cancel()
                    if answer.statements:
                        view = writing(answer, say("Writing …"), asked=shown)
                        due = asyncio.get_running_loop().call_later(SETTLING_SECONDS, live.show, view)
        finally:
            if due is not None:
                due.cancel()
        assert last is not None
        return last

    async def _deliver(self, place: Place, live: LiveMessage, asked: _Question, answer: Answer) -> None:
        """Remember the answer, so that its buttons work, and post the whole of it."""
        shown = _shown_with(place, asked)
        if asked.note:
            answer = replace(answer, note=" ".join(filter(None, [answer.note, asked.note])))
        kept = KeptAnswer(
            answer_id=secrets.token_urlsafe(12),
            answer=answer,
            asker_id=asked.asker.id,
            channel_id=place.channel_id,
            guild_id=place.guild_id,
            question_message_id=asked.message_id,
            parent_id=asked.parent.answer_id if asked.parent else None,
            private=asked.private,
            asked_at=asked.at,
        )
        # Somebody may reply to the message before all of it is there.
        known = [] if live.message_id is None else [live.message_id]
        answer_id = kept.answer_id if await self._keep(place, kept, known) else None
        may = place.mine.attach_files
        posted = await live.finish(*cards(answer, answer_id, asked=shown, thread=place.threadable, file=may))
        if answer_id is not None and posted != known:
            await self.store.answers.posted(answer_id, posted)
        await place.tidy()

    async def _keep(self, place: Place, kept: KeptAnswer, message_ids: Sequence[int]) -> bool:
        """Remember an answer and say whether it is kept; one without buttons is better than none."""
        try:
            return await self.store.answers.keep(kept, message_ids)
        except Exception as error:  # noqa: BLE001  # whatever it is, there is an answer
            log_incident(place.name, error)
            return False

    async def _close(self, place: Place, live: LiveMessage, asker: discord.abc.User, sentence: str) -> None:
        """Put the sentence where the answer should have been, or where nothing can be put there tell the asker."""
        try:
            await live.finish(notice(sentence))
        except Exception as error:  # noqa: BLE001  # whatever it is, there is no other way to say it here
            code = getattr(error, "code", None)
            log.warning("not delivered place=%s error=%s code=%s", place.name, type(error).__name__, code)
            await self.tell_directly(asker, undelivered(code, place.channel_id))


def _shown_with(place: Place, asked: _Question) -> str | None:
    return asked.text if place.repeats_question else None


def undelivered(code: int | None, channel_id: int) -> str:
    """Return why an answer could not be posted in a channel, by Discord's error code."""
    channel = f"<#{channel_id}>"
    if code == SLOWMODE:
        return say("I could not answer you in {channel}: slow mode is on there. Ask again later.", channel=channel)
    if code == AUTOMOD:
        return say("I could not answer you in {channel}: the server's AutoMod stopped my message.", channel=channel)
    return say(
        "I could not answer you in {channel}: I may not write there. A moderator can let me, or ask me here.",
        channel=channel,
    )
