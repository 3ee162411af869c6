"""The JSON that commands print fits docs/schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from docs.make_schemas import FOLDER, PRINTED, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terminal import Result

ASKED = "has anyone shown that a dynamics net with better one-step likelihood doesn't give a better controller?"


def validator(command: str) -> Any:
    said = json.loads((FOLDER / f"{command}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(said)
    return Draft202012Validator(said)


@pytest.mark.parametrize("command", PRINTED)
def test_the_schemas_are_those_of_the_code(command: str) -> None:
    assert (FOLDER / f"{command}.json").read_text(encoding="utf-8") == schema(command), "run docs/make_schemas.py"


@pytest.mark.parametrize("question", [ASKED, "what's the weather like in berlin tomorrow", "list papers on diffusion"])
def test_an_answer_is_as_its_schema_says(seeded_terminal: Callable[..., Result], question: str) -> None:
    answer = seeded_terminal("ask", question, "--json").json
    assert list(validator("ask").iter_errors(answer)) == []
    assert set(answer) == set(validator("ask").schema["properties"])
    assert not validator("ask").is_valid({**answer, "outcome": "unheard of"})
    assert not validator("ask").is_valid({key: value for key, value in answer.items() if key != "citations"})


def test_what_a_search_finds_is_as_its_schema_says(seeded_terminal: Callable[..., Result]) -> None:
    found = seeded_terminal("search", "robots", "--json").json
    assert found
    assert list(validator("search").iter_errors(found)) == []
    assert not validator("search").is_valid([{**found[0], "score": "high"}])
