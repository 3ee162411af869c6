"""Convert whole answers to JSON text and back, for the store; what `ask --json` prints is another, shorter format."""

from __future__ import annotations

import json
from typing import Final

from pydantic import TypeAdapter

from bot.answering import Answer

_ANSWER: Final = TypeAdapter(Answer)


class UnreadableError(ValueError):
    """A text is not an answer that this version can read; the answer is lost, and nobody need be told."""


def dumps(answer: Answer) -> str:
    """Serialise an answer as ASCII JSON, which every database stores unchanged."""
    return json.dumps(_ANSWER.dump_python(answer, mode="json"))


def loads(text: str) -> Answer:
    """Parse an answer that any version wrote: unknown names are ignored, missing ones get their defaults.

    Raises UnreadableError if a name without a default is missing.
    """
    try:
        data = json.loads(text)
        # Older versions stored `refused` instead of an outcome.
        data.setdefault("outcome", "refused" if data.get("refused") else "answered")
        return _ANSWER.validate_python(data)
    except (ValueError, AttributeError) as error:  # its message may quote the question
        raise UnreadableError(type(error).__name__) from error


def as_json(text: str) -> dict[str, object]:
    """Parse the JSON of an answer as it is, whichever version wrote it."""
    return dict(json.loads(text))
