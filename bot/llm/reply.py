"""Parse what a server sends, in chunks or as a whole reply, in any of the known shapes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

# A line longer than this is not a reply.
_LONGEST_LINE: Final = 4_000_000


@dataclass(slots=True)
class ReplyCollector:
    """Collect one reply: its text, usage, ending, and the model's thoughts.

    `sent` is the number of tokens in its prompt, by our count.
    """

    sent: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    refused: bool = False
    error: object = None
    pieces: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)

    def take(self, chunk: object) -> str:
        """Record a chunk or a whole reply, and return its piece of the text."""
        if isinstance(chunk, list):  # Gemini wraps an error in a list
            return "".join([self.take(part) for part in chunk])
        if not isinstance(chunk, dict):
            return ""
        if chunk.get("error") or chunk.get("object") == "error":
            self.error = chunk
            return ""
        self._count(chunk.get("usage"))
        groq = chunk.get("x_groq")
        if isinstance(groq, dict):
            self._count(groq.get("usage"))
            self.error = groq if groq.get("error") else self.error
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else chunk
        piece = self._choice(choice) if isinstance(choice, dict) else ""
        self.pieces.append(piece)
        return piece

    def _count(self, usage: object) -> None:
        """Take over the counts; some servers send running totals in every chunk, so the last one holds."""
        if not isinstance(usage, dict):
            return
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int) and (prompt or completion):
            self.prompt_tokens, self.completion_tokens = prompt, completion

    def _choice(self, choice: dict[str, Any]) -> str:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        for name in ("delta", "message"):
            message = choice.get(name)
            if isinstance(message, dict):
                return self._message(message)
        return _text(choice.get("text"))

    def _message(self, message: dict[str, Any]) -> str:
        self.refused = self.refused or bool(message.get("refusal"))
        for name in ("reasoning_content", "reasoning"):
            if thought := _text(message.get(name)):
                self.thoughts.append(thought)
                break
        return _text(message.get("content")) or _arguments(message)


def _text(content: object) -> str:
    """Convert content to text: a string, parts of one, or JSON that the server has already parsed."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(map(_part, content))
    return "" if content is None else json.dumps(content, ensure_ascii=False)


def _part(part: object) -> str:
    if not isinstance(part, dict):
        return _text(part)
    if part.get("type") in ("thinking", "reasoning"):  # a server may send unhashable types
        return ""
    text = part.get("text")
    return _text(text.get("value") if isinstance(text, dict) else text)


def _arguments(message: dict[str, Any]) -> str:
    """Extract the arguments of a tool call: some servers return a structured reply that way."""
    calls = message.get("tool_calls")
    call = calls[0] if isinstance(calls, list) and calls else {"function": message.get("function_call")}
    function = call.get("function") if isinstance(call, dict) else None
    return _text(function.get("arguments")) if isinstance(function, dict) else ""


async def chunks(texts: AsyncIterator[str]) -> AsyncGenerator[object]:
    """Yield the JSON values of a body: server-sent events, lines, or a single reply despite the streaming request.

    Ends at [DONE]; anything that is not JSON is skipped and yields None as a sign of life.
    """
    pending = ""
    async for line in _lines(texts):
        kind, colon, data = line.partition(":")
        event = bool(colon) and kind == "data"
        payload = (data if event else line).strip()
        if payload == "[DONE]":
            return
        if event and (found := _json(payload)) is not None:
            pending = ""
            yield found
            continue
        if pending or event or payload[:1] in {"{", "["}:
            pending += payload + "\n"
            if (found := _json(pending)) is None:
                continue
            pending = ""
            yield found
        else:
            yield None


def _json(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


async def _lines(texts: AsyncIterator[str]) -> AsyncIterator[str]:
    rest = ""
    async for text in texts:
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield line.removesuffix("\r")
        if len(rest) > _LONGEST_LINE:
            return
    if rest:
        yield rest
