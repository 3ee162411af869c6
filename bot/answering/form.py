"""The form of an answer that a language model fills in, parsed as leniently as the checks allow."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ValidationError, model_validator

from bot.answering.answer import Draft, Support
from bot.llm.lenient import loads

# The number of statements that the prompt asks for.
MOST_STATEMENTS: Final = 4
_DEEPEST: Final = 3


def _paper_number(given: object) -> object:
    """Parse the number in "Paper 1", "[1]" or [1]."""
    if isinstance(given, list) and given:
        given = given[0]
    if isinstance(given, str):
        digits = next(("".join(run) for decimal, run in groupby(given, str.isdecimal) if decimal), "")
        return int(digits) if digits else given
    return given


class Quote(BaseModel):
    """A verbatim part of a paper."""

    paper: Annotated[int, BeforeValidator(_paper_number)]
    quote: str


class CitedStatement(BaseModel):
    """A sentence and its supports, which come first: a model that has quoted makes up less."""

    supports: list[Quote]
    text: str

    @model_validator(mode="before")
    @classmethod
    def _one_support_is_a_list(cls, given: Any) -> Any:  # noqa: ANN401 - whatever JSON has come
        if not isinstance(given, dict):
            return given
        supports = given.get("supports")
        if supports is None and "quote" in given:
            supports = given
        if isinstance(supports, dict):
            supports = [supports]
        return {**given, "supports": supports}

    def draft(self) -> Draft:
        """Convert to the draft that the checks take."""
        return Draft(self.text, tuple(Support(support.paper, support.quote) for support in self.supports))


class CitedAnswer(BaseModel):
    """An answer, or word that the papers do not hold one."""

    sufficient: bool
    statements: list[CitedStatement]


def statement_in(found: object) -> CitedStatement | None:
    """Parse a JSON value as a statement, None if it is not one."""
    try:
        return CitedStatement.model_validate(found)
    except ValidationError:
        return None


def answer_in(found: object, depth: int = 0) -> CitedAnswer | None:
    """Find the answer in a JSON value, however it is wrapped; malformed statements are left out."""
    if isinstance(found, str):
        found = loads(found)
    if isinstance(found, list):
        return answer_in({"statements": found}) if any(map(statement_in, found)) else _only(found, depth)
    if not isinstance(found, dict):
        return None
    sufficient = str(found.get("sufficient", True)).casefold() not in {"false", "no", "0"}
    statements = found.get("statements")
    if isinstance(statements, dict):
        statements = [statements]
    if isinstance(statements, list):
        return CitedAnswer(sufficient=sufficient, statements=[*filter(None, map(statement_in, statements))])
    if statement := statement_in(found):
        return CitedAnswer(sufficient=sufficient, statements=[statement])
    return CitedAnswer(sufficient=False, statements=[]) if not sufficient else _only(list(found.values()), depth)


def _only(values: list[Any], depth: int) -> CitedAnswer | None:
    """Find the answer in the only value that can hold one."""
    holding = [
        value for value in values if isinstance(value, (dict, list)) or (isinstance(value, str) and "{" in value)
    ]
    return answer_in(holding[0], depth + 1) if len(holding) == 1 and depth < _DEEPEST else None
