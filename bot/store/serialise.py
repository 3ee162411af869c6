"""A whole Answer as JSON text and back, for the store; `ask --json`, which others read, leaves some of it out."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.llm.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class UnreadableError(ValueError):
    """Say why a text is no answer; an answer lost is no harm that a person need be told of."""


def dumps(answer: Answer) -> str:
    """Return an answer as JSON in ASCII, which every database keeps as it is."""
    # asdict copies what it does not know, which not every mapping allows.
    return json.dumps(asdict(replace(answer, timings_ms=dict(answer.timings_ms))))


def loads(text: str) -> Answer:
    """Return the answer in a JSON text of any version: unknown names are passed over, missing ones get the defaults.

    Raises UnreadableError where one without a default is missing.
    """
    try:
        data = json.loads(text)
        whole = data | {
            "statements": tuple(_statement(said) for said in data["statements"]),
            "outcome": data.get("outcome") or ("refused" if data["refused"] else "answered"),
            "citations": tuple(_known(Citation, cited) for cited in data["citations"]),
            "nearest": tuple(_known(NearPaper, near) for near in data.get("nearest", ())),
            "choices": tuple(data.get("choices", ())),
            "usage": _known(Usage, data["usage"]) if data.get("usage") else None,
        }
        return _known(Answer, whole)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error


def as_json(text: str) -> dict[str, object]:
    """Return what a JSON text of any version holds, as it is."""
    return dict(json.loads(text))


def _statement(said: Mapping[str, Any]) -> Statement:
    return Statement(said["text"], tuple(said["citations"]), tuple(said.get("quotes", ())))


def _known(kind: type[T], data: Mapping[str, Any]) -> T:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in data.items() if name in names})
