"""The one client for the language model: sends requests, keeps deadlines, learns options and counts usage."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from bot import metrics
from bot.errors import WriterError
from bot.llm import context, trouble
from bot.llm.lenient import Scanner, loads
from bot.llm.message import TOKENS_PER_MESSAGE, T
from bot.llm.meter import Spent, payer
from bot.llm.options import Learnt
from bot.llm.patience import patience
from bot.llm.reply import ReplyCollector
from bot.llm.thoughts import Speech
from bot.llm.usage import Usage
from bot.llm.wire import Failure, Wire
from retrieval.text.tokens import TokenCounter
from storage.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from bot.llm.address import Address
    from bot.llm.context import TooLong
    from bot.llm.message import Messages, Prompt
    from bot.llm.meter import Begun, Meter
    from bot.llm.options import Options
    from bot.llm.patience import Patience

_LOG = logging.getLogger(__name__)

# Five times the longest answer that any prompt allows.
_MOST_CHARACTERS: Final = 20_000
# How long to wait for the usage of a complete reply; it comes in the chunk after the last.
_GRACE: Final = timedelta(seconds=1)
REST: Final = timedelta(minutes=1)  # without requests to a server that failed twice
_RETRIES: Final = 2
_BACKOFF: Final = timedelta(seconds=0.5)  # before the first retry; doubled for the next
# Most requests per call: each refused option costs one, and so does a prompt that is too long.
_MOST_REQUESTS: Final = 8
_ENOUGH: Final = 1_000_000  # tokens; in effect no limit
_LONGEST_NOTE: Final = 1000  # characters of a server's error that the log keeps


class LanguageModel:
    """Ask a chat model on OpenAI or any compatible server; safe for concurrent questions.

    What the server does not accept is learnt once for all calls; a server that fails repeatedly is left alone.
    """

    def __init__(
        self,
        *,
        name: str,
        api_key: str | None = None,
        address: Address | None = None,
        timeout: timedelta = timedelta(seconds=30),
        meter: Meter | None = None,
    ) -> None:
        self.name = name
        self._api_key = api_key
        self.timeout = timeout
        self.counter = TokenCounter(name)
        self.counter.start()
        self.meter = meter
        self.wire = Wire.to(address, name, api_key)
        self.learnt = Learnt()
        self.breaker = Breaker(REST)
        self.room = _ENOUGH
        metrics.expect_model_calls()

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self.wire.client.close()

    @asynccontextmanager
    async def ask(
        self,
        prompt: Prompt[T],
        build: Callable[[int], Messages],
        budget: int = _ENOUGH,
        *,
        aside: bool = False,
    ) -> AsyncIterator[Reply]:
        """Yield the reply to the messages that `build` makes within a number of tokens, and count its usage.

        The answer can do without a call made `aside`. Raises WriterError, also inside the block; its message never
        holds the key or the server's words.
        """
        who = payer()
        if self.meter and (budget_used := await self.meter.exhausted_budget(who)):
            raise trouble.over_budget(budget_used)
        if not self.breaker.allows_call():
            raise trouble.resting()
        began = asyncio.get_running_loop().time()
        waits = patience(self.timeout)
        waits.begin()
        reply = Reply(self, build, budget, waits, aside=aside)
        reply.start(prompt)
        result = "ok"
        try:
            yield reply
            await reply.settle()
        except WriterError:
            result = "failed"
            raise
        finally:
            waits.end()
            await reply.close()
            usage = await asyncio.to_thread(reply.count)
            seconds = asyncio.get_running_loop().time() - began
            tokens = usage.prompt_tokens, usage.completion_tokens
            _LOG.info("called purpose=%s result=%s tokens=%d+%d seconds=%.2f", prompt.purpose, result, *tokens, seconds)
            metrics.count_model_calls(prompt.purpose, result, tokens)
            if self.meter and (reply.requests or reply.begun):
                await self.meter.record(who, Spent(prompt.purpose, self.name, *tokens, usage.estimated), reply.begun)

    async def fill(self, prompt: Prompt[T], content: str) -> tuple[T | None, Usage | None]:
        """Have the model fill in a form; None if it did not, with the usage. Never raises."""
        reply: Reply | None = None
        filled: T | None = None
        try:
            async with self.ask(prompt, lambda _: prompt.about(content), aside=True) as reply:
                filled = await _filled(reply, prompt.form)
        except WriterError as error:
            _LOG.info("no reply purpose=%s reason=%s", prompt.purpose, error)
        return filled, reply.usage if reply and reply.requests else None

    def count(self, messages: Messages) -> int:
        """Count the tokens of messages, as far as we can tell."""
        return sum(self.counter.count(message["content"]) + TOKENS_PER_MESSAGE for message in messages)

    def note(self, failure: Failure) -> None:
        """Log what a server said, without the key, for debugging."""
        reason = failure.message.replace(self._api_key, "***") if self._api_key else failure.message
        _LOG.debug("the language model's server said status=%s body=%s", failure.status, reason[:_LONGEST_NOTE])

    def shrink(self, found: TooLong, counted: int) -> int:
        """Store how long a prompt may be, warn the operator once, and return it."""
        room = found.room(counted)
        if self.room == _ENOUGH:
            _LOG.warning(
                "The context of %s is too small for prompts of %d tokens; they are cut to %d from now on. Give it a "
                "larger context, or set FOOTNOTE_LLM__PROMPT_TOKENS.",
                *(self.name, counted, room),
            )
        self.room = min(self.room, room)
        return self.room


class Reply:
    """A reply as it streams in: iterate once over the pieces of its text, without the model's thoughts."""

    def __init__(
        self,
        model: LanguageModel,
        build: Callable[[int], Messages],
        budget: int,
        waits: Patience,
        *,
        aside: bool,
    ) -> None:
        self.requests = 0
        self.usage: Usage | None = None
        self.begun: Begun | None = None
        self.options = model.learnt.options()
        self._model = model
        self._build = build
        self._budget = budget
        self._waits = waits
        self._aside = aside
        self._latest = waits.aside() if aside else math.inf
        self._messages: Messages = []
        self._counted = 0
        self._told: list[ReplyCollector] = []
        self._retries = 0
        self._pieces: AsyncGenerator[str] | None = None
        self._whole = False

    def __aiter__(self) -> AsyncIterator[str]:
        assert self._pieces is not None
        return self._pieces

    def start(self, prompt: Prompt[Any]) -> None:
        """Prepare to ask for the prompt's form."""
        self._pieces = self._speak(prompt)

    @property
    def finished(self) -> bool:
        """Whether the server marked the reply as finished and gave a reason; otherwise it may be truncated."""
        return bool(self._told) and self._told[-1].finish_reason is not None

    @property
    def streamed(self) -> bool:
        """Whether the reply came in several pieces."""
        return bool(self._told) and sum(map(bool, self._told[-1].pieces)) > 1

    def whole(self) -> None:
        """Mark the reply as complete: from here on only the usage matters."""
        self._whole = True
        self._model.breaker.record_success()

    def cut_prompt(self) -> bool:
        """Check whether the server truncated the prompt and could read all of a shorter one."""
        told = self._told[-1].prompt_tokens if self._told else None
        found = context.silently_cut(self._counted, told) if told is not None else None
        return found is not None and self._model.shrink(found, self._counted) < self._counted

    async def settle(self) -> None:
        """Wait a moment for the usage if the reply was complete before the stream ended."""
        if not self._whole or self._counted_by_server():
            return
        try:
            async with asyncio.timeout(_GRACE.total_seconds()):
                async for _ in self:
                    pass
        except (TimeoutError, WriterError):
            return

    async def close(self) -> None:
        """Close the connection, which makes the server stop."""
        assert self._pieces is not None
        await self._pieces.aclose()

    def count(self) -> Usage:
        """Add up the usage of all requests of the call, estimated if the server did not count."""
        usage = Usage(self._model.name, self.requests, 0, 0)
        for received in self._told:
            if received.prompt_tokens is None or received.completion_tokens is None:
                written = self._model.counter.count("".join([*received.thoughts, *received.pieces]))
                usage += Usage(self._model.name, 0, received.sent, written, estimated=True)
            else:
                usage += Usage(self._model.name, 0, received.prompt_tokens, received.completion_tokens)
        self.usage = usage
        return usage

    def _until(self, *, briefly: bool) -> float:
        return min(self._latest, self._waits.until(briefly=briefly, aside=self._aside))

    def _late(self) -> WriterError:
        silence = self._waits.silence()
        return trouble.late(self._waits.seconds) if silence is None else trouble.silent(silence)

    def _counted_by_server(self) -> bool:
        return bool(self._told) and self._told[-1].prompt_tokens is not None

    async def _speak(self, prompt: Prompt[Any]) -> AsyncGenerator[str]:
        """Yield the text; ask again without options that the server refuses, with a shorter prompt, or later."""
        if self._until(briefly=False) <= asyncio.get_running_loop().time():
            raise self._late()
        options: Options | None = self._model.learnt.options()
        await self._write(min(self._budget, self._model.room))
        if meter := self._model.meter:
            expected = Spent(prompt.purpose, self._model.name, self._counted, 0, estimated=True)
            self.begun = await meter.begin(payer(), expected)
        while options is not None:
            speech = Speech()
            try:
                async with aclosing(self._attempt(prompt, options, speech)) as pieces:
                    async for piece in pieces:
                        yield piece
            except Failure as failure:
                if self._whole:
                    return
                options = await self._mend(failure, options, speaking=speech.characters > 0)
            except TimeoutError:
                self._model.breaker.record_failure()
                raise self._late() from None
            else:
                if speech.characters:
                    self._model.learnt.learn(options)
                    return
                # Some servers that do not understand a schema reply with nothing.
                options = options.without_shape()
        raise trouble.unusable()

    async def _attempt(self, prompt: Prompt[Any], options: Options, speech: Speech) -> AsyncGenerator[str]:
        """Yield the text of one request; raises WriterError if it did not end as a reply should."""
        self.options = options
        received = ReplyCollector(sent=self._counted)
        arguments = options.arguments(prompt.purpose, prompt.form, self._messages)
        async with aclosing(self._request(arguments, received)) as pieces:
            async for piece in pieces:
                if heard := speech.feed(piece):
                    yield heard
                if speech.characters > _MOST_CHARACTERS:
                    break
        self._model.breaker.record_success()
        if speech.characters > _MOST_CHARACTERS:
            raise trouble.cut_off()
        if error := trouble.ended(received.finish_reason, refused=received.refused):
            raise error
        if rest := speech.end("".join(received.thoughts)):
            yield rest

    async def _request(self, arguments: dict[str, Any], received: ReplyCollector) -> AsyncGenerator[str]:
        """Yield the pieces of one request; its usage counts unless the server refused it."""
        self.requests += 1
        self._told.append(received)
        speaking = False

        def until() -> float:
            return self._until(briefly=speaking)

        try:
            async with aclosing(self._model.wire.pieces(arguments, received, until)) as pieces:
                thoughts = 0
                async for piece in pieces:
                    if piece or len(received.thoughts) > thoughts:
                        thoughts, speaking = len(received.thoughts), True
                        self._waits.heard()
                    yield piece
                    if self._whole and self._counted_by_server():
                        return
        except Failure:
            if not speaking:
                self._told.remove(received)
            raise

    async def _mend(self, failure: Failure, options: Options, *, speaking: bool) -> Options:
        """Choose the options for the next request, once it is due; raises WriterError if asking again is no use."""
        self._model.note(failure)
        if speaking or self.requests >= _MOST_REQUESTS:
            raise self._failed(failure, speaking=speaking)
        if failure.status is None:
            return await self._later(failure, options, _RETRIES)
        if found := context.too_long(failure.message):
            await self._shorten(found)
            return options
        if refused := options.without(failure.status, failure.message):
            return refused
        if failure.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            return await self._later(failure, options, _RETRIES)
        # Some servers crash on an option that they do not know, without naming it.
        if self._retries and options.shape and (bare := options.bare()):
            return bare
        return await self._later(failure, options, 1)

    async def _later(self, failure: Failure, options: Options, most: int) -> Options:
        """Wait for as long as the server asks, unless that is too long; raises WriterError."""
        pause = failure.retry_after
        if pause is None:
            pause = _BACKOFF * 2**self._retries
        seconds = pause.total_seconds()
        due = asyncio.get_running_loop().time() + seconds
        if self._aside or not failure.passing or self._retries >= most or due > self._until(briefly=False):
            raise self._failed(failure)
        self._retries += 1
        await asyncio.sleep(seconds)
        return options

    def _failed(self, failure: Failure, *, speaking: bool = False) -> WriterError:
        self._model.breaker.record_failure()
        return trouble.failed(failure, self._model.name, speaking=speaking)

    async def _shorten(self, found: TooLong) -> None:
        """Rebuild the prompt so that it fits; raises WriterError if it cannot be any shorter."""
        before = self._counted
        await self._write(self._model.shrink(found, before))
        if self._counted >= before:
            raise trouble.too_long()

    async def _write(self, tokens: int) -> None:
        self._messages = await asyncio.to_thread(self._build, tokens)
        self._counted = await asyncio.to_thread(self._model.count, self._messages)


async def _filled(reply: Reply, form: type[T]) -> T | None:
    scanner = Scanner()
    async for piece in reply:
        for span in scanner.feed(piece):
            if span.depth == 0 and (filled := _read(form, scanner.text[span.start : span.end])):
                reply.whole()
                return filled
    # A truncated reply may have lost its end.
    return await asyncio.to_thread(_read, form, scanner.text) if reply.finished else None


def _read(form: type[T], text: str) -> T | None:
    found = loads(text)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    try:
        return form.model_validate(found)
    except ValidationError:
        return None
