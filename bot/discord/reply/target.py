"""Where a reply goes, and how it comes there: as it grows, then whole, or a sentence in its place."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import discord

from bot.discord.reply.content import Draft
from bot.discord.reply.direct import DirectMessages, undelivered
from bot.discord.reply.streamed_message import StreamedMessage
from bot.discord.ui.layout import notice
from bot.language import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from discord import ui

    from bot.discord.reply.content import Content, Destination

    Excuse: TypeAlias = "Callable[[Exception, ReplyTarget], Awaitable[str]]"

log = logging.getLogger(__name__)

# What grows is shown after so long without growing more: an edit just before the last would hold that one up.
SETTLING_SECONDS: Final = 0.2
# Where Discord itself says "is thinking…", that is enough for so long, and saves a request where the answer is quick.
THINKING_SECONDS: Final = 1.0


class ReplyTarget(ABC):
    """Take the messages of one reply, in order; `excuse` makes a sentence of what went wrong.

    Attributes:
        name: what the log calls it: its kind and the id of what asked there.
        channel_id: the channel, thread or direct message in which the reply appears.
        guild_id: the server that the bot is a member of there; None elsewhere.
        mine: what the bot may do there, as far as it knows.
        threadable: whether the talk could go on in a thread.
        repeats_question: whether the reply has to repeat the question, because nobody else sees it there.
        says_thinking: whether Discord itself shows there that an answer is being made.
        shown: the ids of the messages that `show` has put there, in order.
        when_heard: is called as soon as whoever asked sees that they were heard.
    """

    repeats_question: ClassVar[bool]
    says_thinking: ClassVar[bool]

    name: str
    channel_id: int
    guild_id: int | None
    mine: discord.Permissions
    threadable: bool

    def __init__(self, user: discord.abc.User, excuse: Excuse) -> None:
        self._user = user
        self._excuse = excuse
        self._direct = DirectMessages()
        self._streamed: StreamedMessage | None = None
        self._destination: Destination | None = None
        self.shown: list[int] = []
        self.when_heard: Callable[[], object] = lambda: None

    @abstractmethod
    def working(self, at_once: bool = False, /) -> AbstractAsyncContextManager[None]:
        """Show, while the block runs, that an answer is being made, after a while or at once."""

    @abstractmethod
    async def post(self, view: ui.LayoutView) -> int:
        """Post the next message of the reply and return its id; raises what discord.py raises."""

    @abstractmethod
    async def edit(self, view: ui.LayoutView) -> None:
        """Change the first message of the reply; raises what discord.py raises."""

    @abstractmethod
    async def reopen(self) -> None:
        """Take the thread out of the archive, where it is one."""

    @abstractmethod
    async def settle(self, *, answered: bool) -> None:
        """Take away what an earlier reply has left there, once an answer is whole, and remember what is no answer."""

    @property
    def is_open(self) -> bool:
        """Say whether something is to be shown there, and not for good yet."""
        return self._streamed is not None and not self._streamed.finished

    async def show(self, contents: AsyncGenerator[Content], *, typing: bool = False) -> None:
        """Show what comes, the drafts in one message, and where it fails a sentence in its place; raises nothing.

        `typing` tells at once, rather than after a while, that the bot is at it.
        """
        loop = asyncio.get_running_loop()
        delay = THINKING_SECONDS if self.says_thinking else 0.0
        due: asyncio.TimerHandle | None = None
        async with StreamedMessage(self, when_posted=self.when_heard) as message, AsyncExitStack() as working:
            self._streamed, self.shown = message, message.shown
            try:
                await working.enter_async_context(self.working(typing))
                async with aclosing(contents):
                    async for content in contents:
                        if due is not None:
                            due.cancel()
                        self._destination = content.destination or self._destination
                        if isinstance(content, Draft):
                            if delay:
                                due = loop.call_later(delay, _draw, content, message)
                            else:
                                loop.call_soon(_draw, content, message)
                            delay = SETTLING_SECONDS
                            continue
                        await working.aclose()
                        await message.finish(*content.views)
                        await self.settle(answered=content.is_answer)
            except Exception as error:  # noqa: BLE001  # whoever asked gets a sentence, the log the rest
                await working.aclose()
                await self.close(error)
            finally:
                if due is not None:
                    due.cancel()

    async def close(self, error: Exception) -> None:
        """Put a sentence where the answer should have been, or where nothing can be put there tell whoever asked."""
        assert self._streamed is not None
        sentence = await self._excuse(error, self)
        if self._streamed.finished:
            sentence = say("The rest of this answer could not be posted. Please ask again.")
        try:
            await self._streamed.finish(notice(sentence))
            await self.settle(answered=False)
        except Exception as failure:  # noqa: BLE001  # whatever it is, there is no other way to say it here
            code = getattr(failure, "code", None)
            log.warning("not delivered place=%s error=%s code=%s", self.name, type(failure).__name__, code)
            await self._direct.tell(self._user, undelivered(code, self.channel_id))


def _draw(draft: Draft, message: StreamedMessage) -> None:
    message.show(draft.draw())


def partial(channel: Any, message_id: int | None) -> discord.PartialMessage:  # noqa: ANN401  # any kind has messages
    """Return a message of which nothing but the id need be known."""
    message: discord.PartialMessage = channel.get_partial_message(message_id)
    return message


async def reopen(channel: object) -> None:
    """Take a channel out of the archive, where it is a thread."""
    if isinstance(channel, discord.Thread):
        await channel.edit(archived=False)
