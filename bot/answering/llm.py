"""The writer that asks a language model, on OpenAI or any compatible server, and reads its drafts as they stream."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import jiter
import openai
from pydantic import BaseModel, ValidationError

from bot.answering.answer import Draft, Support, Usage
from bot.answering.prompt import SCHEMA, build, count_messages
from bot.errors import WriterError
from retrieval.tokens import TokenCounter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from openai import AsyncStream
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

    from bot.answering.answer import WriterName
    from bot.answering.evidence.selection import Selection

_LOG = logging.getLogger(__name__)

# What we ask for beyond the messages, and the words by which a server refuses it. No limit of output tokens:
# newer OpenAI models refuse max_tokens, other servers refuse or ignore max_completion_tokens, and either would also
# count a reasoning model's thoughts; the deadline and the length below bound the answer everywhere. No temperature:
# reasoning models refuse it.
_OPTIONS: Final[dict[str, Any]] = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "cited_answer", "strict": True, "schema": SCHEMA},
    },
    "stream_options": {"include_usage": True},
}
_REFUSED_BY: Final = {
    "response_format": ("response_format", "json_schema", "structured output"),
    "stream_options": ("stream_options", "include_usage"),
}
# llama.cpp's Python server and its forks report an unknown response_format as their own failure (500).
_REFUSING_STATUSES: Final = (400, 422, 500)
# Five times the longest answer that the rules allow.
_MAX_ANSWER_CHARACTERS: Final = 20_000
_NO_USABLE_ANSWER: Final = "gave no usable answer"
_CUT_OFF: Final = "cut the answer off"


class LLMWriter:
    """Ask a chat model for statements with verbatim quotes; safe to use for many questions at a time."""

    name: WriterName = "llm"

    def __init__(
        self,
        *,
        model: str,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        prompt_tokens: int = 5000,
        max_retries: int = 2,
    ) -> None:
        # A server of one's own may need no key, but the client insists on one.
        self._client = openai.AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=max_retries)
        self._model = model
        self._timeout = timeout
        self._prompt_tokens = prompt_tokens
        self._counter = TokenCounter(model)
        self._counter.start()
        self._options = _OPTIONS

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:
        """Yield each draft as soon as it is complete in the stream, then the usage; none if the papers do not suffice.

        One deadline covers the whole call, retries included. Raises WriterError, after the drafts that came whole
        and the usage; its words never hold the key or what the server said.
        """
        call = _Call(deadline=asyncio.get_running_loop().time() + self._timeout)
        messages = await asyncio.to_thread(build, question, selection.hits, self._counter, self._prompt_tokens)
        reader = _Reader()
        trouble: str | None = None
        try:
            async with aclosing(self._pieces(messages, call)) as pieces:
                async for piece in pieces:
                    for draft in reader.feed(piece):
                        yield draft
            trouble = call.trouble
            if trouble is None:
                for draft in reader.finish():
                    yield draft
        except (TimeoutError, openai.OpenAIError) as error:
            trouble = describe(error, self._model, self._timeout, answering=bool(reader.text))
        except ValueError:  # a chunk that is no JSON, or a reply that is none
            whole = call.finish_reason is not None or not reader.text
            trouble = _NO_USABLE_ANSWER if whole else _CUT_OFF
        if call.opened:
            yield await asyncio.to_thread(self._usage, messages, call, reader.text)
        if trouble:
            raise WriterError(trouble)

    async def _pieces(self, messages: list[ChatCompletionMessageParam], call: _Call) -> AsyncGenerator[str]:
        """Yield the text as it streams; TimeoutError once the deadline has passed."""
        async with asyncio.timeout_at(call.deadline):
            stream = await self._open(messages, call)
        characters = 0
        async with stream:
            while characters <= _MAX_ANSWER_CHARACTERS:
                # Not around the yield: a timeout must not strike in the caller's own code.
                async with asyncio.timeout_at(call.deadline):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                piece = call.take(chunk)
                characters += len(piece)
                yield piece

    async def _open(self, messages: list[ChatCompletionMessageParam], call: _Call) -> AsyncStream[ChatCompletionChunk]:
        """Start the stream; a server that refuses an option is asked without it, now and from then on."""
        while True:
            options = self._options
            call.requests += 1
            try:
                stream: AsyncStream[ChatCompletionChunk] = await self._client.chat.completions.create(
                    model=self._model, messages=messages, stream=True, **options
                )
            except openai.APIStatusError as error:
                said = str(error)
                refused = {name for name in options if any(words in said for words in _REFUSED_BY[name])}
                if error.status_code not in _REFUSING_STATUSES or not refused:
                    raise
                _LOG.info("the server of model %s refuses %s", self._model, ", ".join(sorted(refused)))
                self._options = {name: value for name, value in self._options.items() if name not in refused}
            else:
                call.opened = True
                return stream

    def _usage(self, messages: list[ChatCompletionMessageParam], call: _Call, text: str) -> Usage:
        if call.usage:
            spent = (call.usage.prompt_tokens, call.usage.completion_tokens)
            return Usage(self._model, call.requests, *spent)
        spent = (count_messages(messages, self._counter), self._counter.count(text))
        return Usage(self._model, call.requests, *spent, estimated=True)


def describe(error: Exception, model: str, timeout: float, *, answering: bool = False) -> str:
    """Say what went wrong in words of our own: what servers say can hold parts of the key or of the prompt."""
    if isinstance(error, (TimeoutError, openai.APITimeoutError)):
        return f"took longer than {timeout:g} s"
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        words = {
            401: "refused the key",
            402: "is out of credit",
            403: "refused the key",
            404: f"is not known to the server as {model}",
            429: "is out of credit" if error.code == "insufficient_quota" else "is out of requests",
        }
        unnamed = "is out of order" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused the request"
        return f"{words.get(status, unnamed)} ({status})"
    return _CUT_OFF if answering else "cannot be reached"


@dataclass(slots=True)
class _Call:
    """What is known of a call beyond the text of its reply."""

    deadline: float
    requests: int = 0
    opened: bool = False
    usage: CompletionUsage | None = None
    finish_reason: str | None = None
    refused: bool = False

    @property
    def trouble(self) -> str | None:
        """Say what the server itself reported to be wrong with the answer."""
        if self.refused:
            return "declined to answer"
        return {"length": _CUT_OFF, "content_filter": "filtered the answer"}.get(self.finish_reason or "")

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Note what a chunk says and return its piece of the text; ValueError where it is no chunk."""
        try:
            # Some servers send running totals in every chunk, so the last one counts.
            self.usage = chunk.usage or self.usage
            for choice in chunk.choices:
                self.finish_reason = choice.finish_reason or self.finish_reason
                self.refused = self.refused or bool(choice.delta.refusal)
                return choice.delta.content or ""
        except (AttributeError, TypeError):  # the client hands on whatever JSON has come
            raise ValueError from None
        return ""


class _Quote(BaseModel):
    paper: int
    quote: str


class _Statement(BaseModel):
    text: str
    supports: list[_Quote]


class _Reader:
    """Read drafts out of a JSON object while it grows; a code fence or a chat around it is passed over."""

    def __init__(self) -> None:
        self.text = ""
        self._read = 0
        self._given = 0

    def feed(self, piece: str) -> Iterator[Draft]:
        """Yield the drafts that are complete now that `piece` has come."""
        self.text += piece
        # Only a closing brace can complete a statement, so only then is it worth a look.
        if "}" not in piece:
            return
        try:
            reply = jiter.from_json(self._object().encode(), partial_mode=True)
        except ValueError:
            return
        if isinstance(reply, dict) and reply.get("sufficient") is True:
            # The last one may still be growing; jiter closes what is open.
            yield from self._new(reply, complete_but=1)

    def finish(self) -> Iterator[Draft]:
        """Yield the rest; ValueError where the whole is not the object that was asked for."""
        try:
            # Lenient, as models forget to escape line breaks; what follows the object (a fence) does not matter.
            reply, _ = json.JSONDecoder(strict=False).raw_decode(self._object())
        except RecursionError:
            raise ValueError from None
        if not isinstance(reply, dict) or not isinstance(reply.get("statements"), list):
            raise ValueError  # noqa: TRY004 - to the caller it is malformed like any other
        if reply.get("sufficient", True) is False:
            return
        yield from self._new(reply, complete_but=0)
        if not self._given:
            raise ValueError

    def _object(self) -> str:
        # Servers without a reasoning parser leave the thoughts in the text, in front of the answer.
        answer = self.text.rpartition("</think>")[2]
        if answer.lstrip().startswith("<think>"):
            return ""
        return answer[max(answer.find("{"), 0) :]

    def _new(self, reply: dict[str, Any], *, complete_but: int) -> Iterator[Draft]:
        statements = reply.get("statements")
        if not isinstance(statements, list):
            return
        complete = statements[: len(statements) - complete_but]
        fresh, self._read = complete[self._read :], max(self._read, len(complete))
        for raw in fresh:
            try:
                statement = _Statement.model_validate(raw)
            except ValidationError:
                continue
            self._given += 1
            yield Draft(statement.text, tuple(Support(each.paper, each.quote) for each in statement.supports))
