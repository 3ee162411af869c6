"""Where a reply goes, and how it is shown there: growing, then whole, or replaced by a sentence."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
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

# Delay of a draft, dropped if the next one comes first: an edit just before the last would hold that up.
SETTLING: Final = timedelta(seconds=0.2)
# Delay of the first draft where Discord shows "is thinking…"; it saves a request for quick answers.
THINKING: Final = timedelta(seconds=1)


class ReplyTarget(ABC):
    """Take the messages of one reply, in order; `excuse` turns an error into a sentence.

    Attributes:
        name: its name in the log: the kind and id of what asked there.
        channel_id: the channel, thread or DM in which the reply appears.
        guild_id: the server, if the bot is a member there; else None.
        mine: the bot's permissions there, as far as they are known.
        threadable: whether the conversation could continue in a thread.
        repeats_question: whether the reply has to repeat the question, because nobody else sees it there.
        says_thinking: whether Discord itself shows that an answer is being made.
        shown: ids of the messages that `show` has posted, in order.
        when_heard: called as soon as the asker sees that they were heard.
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
        """Show that an answer is being made while the block runs, after a while or at once."""

    @abstractmethod
    async def post(self, view: ui.LayoutView) -> int:
        """Post the next message of the reply and return its id; raises discord.py's errors."""

    @abstractmethod
    async def edit(self, view: ui.LayoutView) -> None:
        """Edit the first message of the reply; raises discord.py's errors."""

    @abstractmethod
    async def reopen(self) -> None:
        """Unarchive the channel if it is a thread."""

    @abstractmethod
    async def settle(self, *, answered: bool) -> None:
        """After an answer, delete what an earlier reply left there; remember a notice for the next reply."""

    @property
    def is_open(self) -> bool:
        """Whether the reply has been started and not finished."""
        return self._streamed is not None and not self._streamed.finished

    async def show(self, contents: AsyncGenerator[Content], *, typing: bool = False) -> None:
        """Show contents as they come, drafts in one message, or on failure a sentence; raises nothing.

        `typing` shows the typing indicator at once instead of after a while.
        """
        loop = asyncio.get_running_loop()
        delay = THINKING if self.says_thinking else timedelta(0)
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
                                due = loop.call_later(delay.total_seconds(), _draw, content, message)
                            else:
                                loop.call_soon(_draw, content, message)
                            delay = SETTLING
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
        """Show a sentence in place of the answer, or tell the asker by DM if nothing can be shown there."""
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
    """Make a handle of a message from its id alone."""
    message: discord.PartialMessage = channel.get_partial_message(message_id)
    return message


async def reopen(channel: object) -> None:
    """Unarchive a channel if it is a thread."""
    if isinstance(channel, discord.Thread):
        await channel.edit(archived=False)
