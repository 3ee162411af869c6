"""Ask a chat model one small thing whose reply is one JSON object; a failure is an answer of its own."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import openai

from bot.answering.answer import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

_LOG = logging.getLogger(__name__)

_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Form:
    """Hold what a model is told to do and the JSON schema of its reply."""

    name: str
    rules: str
    schema: Mapping[str, object]


class ChatModel:
    """Have a chat model fill in forms; safe to use for many questions at a time."""

    def __init__(
        self, *, model: str, api_key: str | None = None, base_url: str | None = None, timeout: float = 30.0
    ) -> None:
        # No retry: whoever asks can do without. A server of one's own may need no key, but the client insists on one.
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "none", base_url=base_url, max_retries=0, timeout=min(timeout, _SECONDS)
        )
        self._model = model
        self._structured = True

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._client.close()

    async def fill(self, form: Form, content: str) -> tuple[object, Usage | None]:
        """Return the JSON that the model replied and what it took; None where there is none. Never raises."""
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": form.rules},
            {"role": "user", "content": content},
        ]
        options: dict[str, Any] = {}
        if self._structured:
            shape = {"name": form.name, "strict": True, "schema": form.schema}
            options["response_format"] = {"type": "json_schema", "json_schema": shape}
        try:
            reply: ChatCompletion = await self._client.chat.completions.create(
                model=self._model, messages=messages, **options
            )
        except openai.BadRequestError:
            # A server that does not know the option is asked without it from the next time on.
            self._structured = False
            return None, None
        except (openai.OpenAIError, ValueError) as error:
            _LOG.info("no reply form=%s reason=%s", form.name, type(error).__name__)
            return None, None
        try:
            usage = self._usage(reply)
            return _object(reply.choices[0].message.content or ""), usage
        except (AttributeError, TypeError, IndexError):  # the client hands on whatever JSON has come
            return None, None

    def _usage(self, reply: ChatCompletion) -> Usage:
        if reply.usage is None:
            return Usage(self._model, 1, 0, 0, estimated=True)
        return Usage(self._model, 1, reply.usage.prompt_tokens, reply.usage.completion_tokens)


def _object(text: str) -> object:
    answer = text.rpartition("</think>")[2]
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(answer[max(answer.find("{"), 0) :])
    except (ValueError, RecursionError):
        return None
    return found
