"""The request options that a server accepts, learnt from its refusals for all calls, and for an hour."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from bot.llm.schema import strict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel

# How long until a reinstalled server or an exchanged model is noticed.
_REMEMBERED: Final = timedelta(hours=1)

# How servers name what they refuse: OpenAI and its followers by the option's name; llama.cpp by grammar and samplers;
# vLLM by guided decoding and its backends; Groq by json_validate_failed; OpenRouter by "No endpoints found".
_NAMES: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "stream_options": r"stream_options|include_usage",
        "system": r"system['\"]? (?:role|message|prompt|instruction)|role:? ['\"]?system|developer instruction"
        r"|roles must alternate|jinja|template",
        "temperature": r"temperature",
        "response_format": r"response[_ ]format|json_object|json[_ ]schema|json mode|structured|guided|grammar|sampler"
        r"|json_validate_failed|failed_generation|no endpoints found",
        "stream": r"\bstream",
    }.items()
}
_MAY_REFUSE: Final = frozenset({400, 404, 415, 422, 500, 501})
# Optional extras; a server that refuses a request in words of its own is asked again without any of them.
_EXTRAS: Final = ("response_format", "stream_options", "temperature")


@dataclass(frozen=True, slots=True)
class Options:
    """What a request asks for besides model and messages; `shape` is the way it asks for JSON."""

    shape: str = "json_schema"
    stream: bool = True
    stream_options: bool = True
    temperature: bool = True
    system: bool = True

    def without(self, status: int, message: str) -> Options | None:
        """Drop the option that a refusal names; None if the refusal is about something else."""
        if status not in _MAY_REFUSE:
            return None
        # One at a time, harmless ones first: an error often quotes the whole request.
        if named := [name for name, pattern in _NAMES.items() if self._has(name) and pattern.search(message)]:
            return self._less(named[0])
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR}:
            return None
        return self.bare()

    def bare(self) -> Options | None:
        """Drop all optional extras, or else stream and system role; None if there is nothing left to drop."""
        extras = [name for name in _EXTRAS if self._has(name)]
        rest = [name for name in ("stream", "system") if self._has(name)]
        if extras:
            return replace(self, shape="", stream_options=False, temperature=False)
        return replace(self, stream=False, system=False) if rest else None

    def without_shape(self) -> Options | None:
        """Drop the JSON shape, None if there is none."""
        return replace(self, shape="") if self.shape else None

    def arguments(self, purpose: str, form: type[BaseModel], messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """Build the request for a reply in this form."""
        asked: dict[str, Any] = {"messages": list(messages) if self.system else _merged(messages)}
        if self.stream:
            asked["stream"] = True
            if self.stream_options:
                asked["stream_options"] = {"include_usage": True}
        if self.temperature:
            asked["temperature"] = 0
        if self.shape == "json_schema":
            schema = {"name": purpose, "strict": True, "schema": strict(form)}
            asked["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.shape:
            asked["response_format"] = {"type": self.shape}
        return asked

    def _has(self, name: str) -> bool:
        if name == "stream_options":
            return self.stream and self.stream_options
        return bool(self.shape if name == "response_format" else getattr(self, name))

    def _less(self, name: str) -> Options:
        match name:
            case "response_format":
                return replace(self, shape="json_object" if self.shape == "json_schema" else "")
            case "stream":
                return replace(self, stream=False)
            case "stream_options":
                return replace(self, stream_options=False)
            case "temperature":
                return replace(self, temperature=False)
        return replace(self, system=False)


class Learnt:
    """Remember for a while which options a server accepts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._options = Options()
        self._since = 0.0

    def options(self) -> Options:
        """Choose the options to ask with: all of them, once what was learnt is old."""
        if self._clock() - self._since > _REMEMBERED.total_seconds():
            self._options = Options()
        return self._options

    def learn(self, options: Options) -> None:
        """Remember the options of a request that succeeded."""
        if options != self._options:
            self._options, self._since = options, self._clock()


def _merged(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Merge the messages into one user message, for templates without a system role."""
    return [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]
