"""The reply to a message: the answer to its question, or a sentence if it has no question about papers."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.answering import Attached
from bot.discord.answers.message_contents import carried, together
from bot.discord.answers.message_text import thread_name
from bot.discord.answers.pdf_attachment import taken
from bot.discord.answers.responder import Request
from bot.discord.answers.thread_memory import parent_of
from bot.discord.answers.unread import unread_note, unreadable
from bot.discord.connection.calls import NETWORK_ERRORS
from bot.discord.gate.addressee import names_own_role
from bot.discord.reply.content import Destination, Whole
from bot.discord.ui.discord_limits import DAY_UNTIL_ARCHIVED, archive_minutes
from bot.discord.ui.layout import notice
from bot.discord.ui.members import own_name
from bot.discord.ui.permissions import author_may_thread, may_thread
from bot.language import say
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence

    import discord

    from bot.discord.answers.message_contents import Carried
    from bot.discord.answers.responder import Decision
    from bot.discord.gate.gate import Admitted
    from bot.discord.reply.content import Content
    from bot.discord.services import Bot
    from bot.store import StoredAnswer

log = logging.getLogger(__name__)


class Replies:
    """Produce the replies to messages."""

    def __init__(self, bot: Bot, me: discord.ClientUser) -> None:
        self._bot = bot
        self._me = me
        self._responder = bot.services.responder
        self._links = bot.services.links
        self._store = bot.services.store
        self._pdfs = bot.services.pdfs

    async def to(
        self,
        message: discord.Message,
        admitted: Admitted,
        *,
        parts: Awaitable[Sequence[discord.Message]] | None = None,
        text: str | None = None,
    ) -> AsyncGenerator[Content]:
        """Yield the reply to a message, as it grows; nothing if it was deleted before.

        `text` is the part of the message to read, for instance what follows a command. `parts` ends with all messages
        of a question that this one starts.
        """
        messages = [message] if parts is None else await parts
        if not messages:
            return
        contents = await self._carried(messages, text)
        if sentence := await self._no_question(message, contents):
            yield Whole([notice(await self._links.linked(sentence))], is_answer=False)
            return
        trouble = await self._take(message, contents)
        read = self._pdfs.at_hand(message.channel.id)
        if contents.pdfs and not contents.own:
            yield Whole([notice(trouble or (taken(read) if read else ""))], is_answer=False)
            return
        document = Attached(read, alone=bool(contents.pdfs) and trouble is None) if read else None
        parent = await parent_of(self._store, message.channel, message.author.id, contents.pointed)
        threads = parent is None and _opens_threads(message, admitted)
        decide = partial(self._in_thread, message) if threads else None
        asked = self._request(message, contents, parent, decide)
        note = " ".join(filter(None, [asked.note, trouble])) or None
        async for content in self._responder.contents(admitted, replace(asked, note=note, document=document)):
            yield content

    async def to_revised(
        self,
        message: discord.Message,
        admitted: Admitted,
        parts: Sequence[discord.Message],
        text: str | None,
        parent: StoredAnswer | None,
        decide: Decision,
    ) -> AsyncGenerator[Content]:
        """Yield the reply to a question after some of its `parts` were edited; nothing if it asks nothing now.

        `parent` is the answer that it follows up. `decide` receives the question and returns where the answer goes,
        None if it is not to be answered.
        """
        contents = await self._carried(parts, text)
        if await self._no_question(message, contents):
            return
        decided = False

        async def noted(question: str) -> Destination | None:
            nonlocal decided
            destination = await decide(question)
            decided = destination is not None
            return destination

        read = self._pdfs.at_hand(message.channel.id)
        document = Attached(read, alone=bool(contents.pdfs)) if read else None
        asked = replace(self._request(message, contents, parent, noted), document=document)
        async for content in self._responder.contents(admitted, asked):
            if decided:
                yield content

    async def _take(self, message: discord.Message, contents: Carried) -> str | None:
        """Read the PDF attached to a message, the last if there are several; returns why it cannot be read."""
        if not contents.pdfs:
            return None
        try:
            await self._pdfs.take(message.channel.id, contents.pdfs[-1])
        except BadInputError as error:
            return str(error)
        return None

    async def _carried(self, parts: Sequence[discord.Message], text: str | None) -> Carried:
        return together([await carried(part, self._me, text) for part in parts])

    async def _no_question(self, message: discord.Message, contents: Carried) -> str | None:
        """What to say to a message that cannot be read or is a command; None if it may be a question."""
        if not message.content and names_own_role(message):
            return say(
                "You picked my role, and Discord does not show me the words of such messages. Pick {me} with the app's "
                "badge instead, or use /ask.",
                me=self._me.mention,
            )
        if command := await self._links.typed(contents.own):
            return say("Discord takes commands from its own list only: click {command}.", command=command)
        return None

    def _request(
        self, message: discord.Message, contents: Carried, parent: StoredAnswer | None, decide: Decision | None
    ) -> Request:
        return Request(
            contents.own,
            parent,
            message_id=message.id,
            before=contents.other,
            note=unread_note(contents),
            unreadable=unreadable(contents),
            called=own_name(self._bot, message.guild),
            decide=decide,
        )

    async def _in_thread(self, message: discord.Message, question: str) -> Destination:
        """Open a thread on the message for the answer; the answer goes into the channel if that fails."""
        assert message.guild is not None
        try:
            thread = await message.create_thread(
                name=thread_name(question), auto_archive_duration=archive_minutes(DAY_UNTIL_ARCHIVED)
            )
        except NETWORK_ERRORS as error:
            log.warning("no thread message=%d code=%s", message.id, getattr(error, "code", None))
            return Destination(message, message.channel)
        await self._store.threads.own(thread.id, message.guild.id, message.author.id)
        return Destination(message, thread, earlier=())


def _opens_threads(message: discord.Message, admitted: Admitted) -> bool:
    """Whether the server's settings want a thread for each question, and one may be opened here."""
    wanted = message.guild is not None and admitted.settings.threads
    return wanted and may_thread(message.channel) and author_may_thread(message)
