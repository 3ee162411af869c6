"""A whole Answer as JSON text and back, for the store; `ask --json`, which others read, leaves some of it out."""

from __future__ import annotations

import json
from typing import Final

from pydantic import TypeAdapter

from bot.answering.answer import Answer

_ANSWER: Final = TypeAdapter(Answer)


class UnreadableError(ValueError):
    """Say that a text is no answer; an answer lost is no harm that a person need be told of."""


def dumps(answer: Answer) -> str:
    """Return an answer as JSON in ASCII, which every database keeps as it is."""
    return json.dumps(_ANSWER.dump_python(answer, mode="json"))


def loads(text: str) -> Answer:
    """Return the answer in a JSON text of any version: unknown names are passed over, missing ones get the defaults.

    Raises UnreadableError where one without a default is missing.
    """
    try:
        data = json.loads(text)
        # Before there were three outcomes an answer was a refusal or none.
        data.setdefault("outcome", "refused" if data.get("refused") else "answered")
        return _ANSWER.validate_python(data)
    except (ValueError, AttributeError) as error:  # whose sentence may hold what somebody asked
        raise UnreadableError(type(error).__name__) from error


def as_json(text: str) -> dict[str, object]:
    """Return what a JSON text of any version holds, as it is."""
    return dict(json.loads(text))
