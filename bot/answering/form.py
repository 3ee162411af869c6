"""The form of an answer: the JSON that a language model fills in, parsed as leniently as the checks allow."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ValidationError, model_validator

from bot.answering.answer import Draft, Support
from bot.llm.lenient import loads

# The number of statements that the prompt asks for.
MOST_STATEMENTS: Final = 4
_MAX_DEPTH: Final = 3  # objects or lists around an answer


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
    """An answer, or with `sufficient` False the model's word that the papers do not hold one."""

    sufficient: bool
    statements: list[CitedStatement]


def statement_in(value: object) -> CitedStatement | None:
    """Parse a JSON value as a statement, None if it is not one."""
    try:
        return CitedStatement.model_validate(value)
    except ValidationError:
        return None


def answer_in(value: object, depth: int = 0) -> CitedAnswer | None:
    """Find the answer in a JSON value, however it is wrapped; malformed statements are left out."""
    if isinstance(value, str):
        value = loads(value)
    if isinstance(value, list):
        return answer_in({"statements": value}) if any(map(statement_in, value)) else _unwrap(value, depth)
    if not isinstance(value, dict):
        return None
    sufficient = str(value.get("sufficient", True)).casefold() not in {"false", "no", "0"}
    statements = value.get("statements")
    if isinstance(statements, dict):
        statements = [statements]
    if isinstance(statements, list):
        return CitedAnswer(sufficient=sufficient, statements=[*filter(None, map(statement_in, statements))])
    if statement := statement_in(value):
        return CitedAnswer(sufficient=sufficient, statements=[statement])
    return CitedAnswer(sufficient=False, statements=[]) if not sufficient else _unwrap(list(value.values()), depth)


def _unwrap(values: list[Any], depth: int) -> CitedAnswer | None:
    """Find the answer in the only value that can hold one; None if several can, or if it lies too deep."""
    holding = [item for item in values if isinstance(item, (dict, list)) or (isinstance(item, str) and "{" in item)]
    return answer_in(holding[0], depth + 1) if len(holding) == 1 and depth < _MAX_DEPTH else None
