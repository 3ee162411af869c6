"""The gate: everything people do to the bot passes it first, or is refused with a reason."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.discord.gate.access import AccessRules
from bot.discord.gate.acknowledgement import Acknowledgements
from bot.discord.gate.boundary import IgnoredError, NotHereError, TooOftenError, sentence_for
from bot.discord.gate.deduplication import Deduplication
from bot.discord.gate.events import Acknowledge, Event, InteractionEvent, MessageEvent
from bot.discord.gate.rate_limits import PER_EXPORTER, PER_PERSON_ACTING, Limits
from bot.discord.gate.shutdown import Shutdown
from bot.discord.reply.direct import DirectMessages
from bot.discord.reply.notices import Notices
from bot.language import say, set_task_language
from bot.log import begin_trace
from bot.store import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from bot.discord.reply.content import Content
    from bot.discord.reply.target import ReplyTarget
    from bot.discord.ui.command_links import CommandLinks
    from bot.store.servers import Servers
    from bot.store.traffic import Traffic

log = logging.getLogger(__name__)


class ActKind(Enum):
    """What an act counts as. Each kind has a rate limit of its own, and the store counts acts under its name."""

    QUESTION = auto()
    ACTION = auto()  # clicks, forms, and commands that ask nothing
    EXPORT = auto()


class Audience(Enum):
    """Who may do something."""

    ANYBODY = auto()  # for what disturbs nobody, such as private replies, and for what moderators must always reach
    ASKERS = auto()  # whom the moderators allow to ask, and where they allow it


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the gate found out about an event that it admitted: person, reply target, settings, language.

    `others_acknowledged` ends when everybody else has been acknowledged too; work on an answer waits for it.
    """

    target: ReplyTarget
    user: discord.abc.User
    guild_id: int | None
    settings: ServerSettings
    language: str
    private: bool
    others_acknowledged: asyncio.Task[None]


class Gate:
    """Admit each event once.

    Attributes:
        limits: how many acts of each kind one person, and one server, may do.
        acknowledgements: events that are not acknowledged yet.
        shutdown: tasks to wait for when the bot stops.
    """

    def __init__(
        self, servers: Servers, links: CommandLinks, limits: Limits | None = None, traffic: Traffic | None = None
    ) -> None:
        """Use these settings, and count acts in `traffic` if several processes share them."""
        self._servers = servers
        self._links = links
        self._traffic = traffic
        self._seen = Deduplication()
        self._notices = Notices()
        self._direct = DirectMessages()
        self.acknowledgements = Acknowledgements()
        self.shutdown = Shutdown()
        self.limits = {
            ActKind.QUESTION: limits or Limits(),
            ActKind.ACTION: Limits(per_user=PER_PERSON_ACTING),
            ActKind.EXPORT: Limits(per_user=PER_EXPORTER),
        }

    async def admit(
        self,
        source: discord.Interaction[Any] | commands.Context[Any] | Event,
        kind: ActKind,
        audience: Audience,
        acknowledge: Acknowledge,
    ) -> Admitted:
        """Let an event in and acknowledge it, or raise the reason why not, for `Event.tell` to tell the person.

        In this order:

        1. Is it new? Discord repeats events after a RESUME, and when one process takes a shard over from another, both
           may get the same event. A repeated event is dropped without a word: IgnoredError.
        2. Which language does the person get, and will only they see the reply?
        3. Is the bot closing? Then it accepts nothing new: ClosingError. From here on, closing waits for this task.
        4. Can the bot reply there, and do the moderators let the person ask there? Otherwise NotHereError.
        5. Is it meant for the bot? A message that was only overheard must be a question; otherwise IgnoredError.
        6. Has the person, or the server, done too much of this? Then TooOftenError.
        7. Acknowledge it, which Discord expects within 3 s.
        """
        begin_trace()
        event = self.event_of(source) if isinstance(source, (discord.Interaction, commands.Context)) else source
        if not self._seen.note_if_new(event.id, event.version):
            raise IgnoredError
        # For the error if the server's settings cannot be read.
        set_task_language(event.language(ServerSettings(), True))
        if self._traffic and not await self._traffic.note_if_new(event.id, event.version, datetime.now(UTC)):
            raise IgnoredError
        self.acknowledgements.add(event.id)
        settings = ServerSettings() if event.guild_id is None else await self._servers.of(event.guild_id)
        private = event.is_private(acknowledge, settings)
        language = event.language(settings, private)
        set_task_language(language)
        self.shutdown.take_on(event.tell)
        if audience is Audience.ASKERS and (objection := await self._objection(event, settings)):
            raise NotHereError(objection)
        if not await event.is_for_bot():
            raise IgnoredError
        await self._count(event, kind)
        target = await event.acknowledge(acknowledge, private)
        target.when_heard = partial(self.acknowledgements.mark_acknowledged, event.id)
        if event.is_acknowledged:
            target.when_heard()
        others = asyncio.create_task(self.acknowledgements.let_pass(event.id))
        log.info("admitted %s place=%s", kind.name.lower(), target.name)
        return Admitted(target, event.user, event.guild_id, settings, language, private, others)

    async def answer(
        self,
        message: discord.Message,
        reply: Callable[[Admitted], AsyncGenerator[Content]],
        *,
        is_question: Callable[[], Awaitable[bool]] | None = None,
        typing: bool = False,
    ) -> None:
        """Admit a question and show what `reply` yields, or say why it is not admitted.

        For a message that was only overheard, `is_question` checks whether it is one. `typing` is as in
        `ReplyTarget.show`.
        """
        event = MessageEvent(message, self._excuse, self._notices, self._direct, is_question)
        try:
            admitted = await self.admit(event, ActKind.QUESTION, Audience.ASKERS, Acknowledge.PUBLICLY)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await event.tell(error)
        else:
            await admitted.target.show(reply(admitted), typing=typing)

    async def admit_part(self, message: discord.Message) -> None:
        """Admit a message that adds to a question in progress, or say why it is not admitted."""
        event = self.event_of(message)
        try:
            await self.admit(event, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PUBLICLY)
        except Exception as error:  # noqa: BLE001  # the one boundary
            await event.tell(error)

    def event_of(self, source: discord.Interaction[Any] | commands.Context[Any] | discord.Message) -> Event:
        """Wrap a command, a click, a form or a message as an event."""
        if isinstance(source, commands.Context):
            source = source.interaction or source.message
        if isinstance(source, discord.Message):
            return MessageEvent(source, self._excuse, self._notices, self._direct)
        return InteractionEvent(source, self._excuse)

    async def set_language_for(self, source: discord.Interaction[Any] | discord.Message) -> None:
        """Set the language that a person gets, before their event is admitted or if it never is."""
        event = self.event_of(source)
        settings = ServerSettings() if event.guild_id is None else await self._servers.of(event.guild_id)
        set_task_language(event.language(settings, True))

    def has_seen(self, event_id: int) -> bool:
        """Check whether an event has come to the gate recently."""
        return event_id in self._seen

    async def _excuse(self, error: Exception, target: ReplyTarget) -> str:
        """Write what to say about an error at a reply target."""
        return await self._links.linked(sentence_for(error, target.name, target.mine))

    async def _objection(self, event: Event, settings: ServerSettings) -> str | None:
        """Explain why somebody may not ask there; None if they may.

        If everything that the rules allow is gone, a moderator may ask all the same, and is told about it.
        """
        if obstacle := event.obstacle():
            return obstacle
        rules = AccessRules(settings, event.guild)
        objection = rules.objection(event.channel, event.user)
        if objection and rules.is_stale and rules.moderates(event.user):
            await self._direct.tell_once(event.user, await self._links.linked(objection))
            return None
        return objection

    async def _count(self, event: Event, kind: ActKind) -> None:
        """Count an act; raise TooOftenError if the person, or the server, has done too many of its kind."""
        limits = self.limits[kind]
        guild_id = event.guild_id if kind is ActKind.QUESTION else None
        if self._traffic:
            wait = await self._traffic.take(kind.name, limits.of(event.user.id, guild_id), datetime.now(UTC))
        else:
            wait = limits.take(event.user.id, guild_id)
        if not wait:
            return
        if kind is ActKind.QUESTION:
            then = discord.utils.format_dt(datetime.now(UTC) + timedelta(seconds=wait + 1), "R")
            sentence = say("That was a lot of questions at once. Please ask again {when}.", when=then)
        else:
            sentence = say("Not so fast, please: try again in {seconds} seconds.", seconds=round(wait) + 1)
        raise TooOftenError(sentence, already_told=not limits.note_refusal(event.user.id))
