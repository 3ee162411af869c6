from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.llm.usage import Usage
from bot.store.answer_codec import UnreadableError, dumps, loads

maybe = st.none() | st.text()
numbers = st.integers(0, 2**40)
answers = st.builds(
    Answer,
    question=st.text(),
    standalone_question=st.text(),
    outcome=st.sampled_from(["answered", "closest", "refused"]),
    writer=st.sampled_from(["extractive", "llm"]),
    confidence=st.floats(0, 1),
    statements=st.lists(st.builds(Statement, st.text(), st.lists(numbers, max_size=3).map(tuple)), max_size=3).map(
        tuple
    ),
    citations=st.lists(st.builds(Citation, numbers, st.text(), st.text(), maybe, st.text()), max_size=3).map(tuple),
    nearest=st.lists(st.builds(NearPaper, st.text(), st.text(), maybe), max_size=3).map(tuple),
    refusal=maybe,
    choices=st.lists(st.text(), max_size=3).map(tuple),
    note=maybe,
    usage=st.none() | st.builds(Usage, st.text(), numbers, numbers, numbers, st.booleans()),
    timings_ms=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)


@given(answers)
def test_every_answer_comes_back_as_it_was_and_is_plain_ascii_without_nul(answer: Answer) -> None:
    text = dumps(answer)
    assert loads(text) == answer
    assert text.isascii()
    assert "\0" not in text


@given(answers)
def test_names_that_a_newer_version_wrote_are_passed_over(answer: Answer) -> None:
    def more(value: object) -> object:
        if isinstance(value, dict):
            return {name: more(inner) for name, inner in value.items()} | {"from_the_future": 1}
        return [more(inner) for inner in value] if isinstance(value, list) else value

    data = json.loads(dumps(answer))
    newer = {name: inner if name == "timings_ms" else more(inner) for name, inner in data.items()} | {"future": [1]}
    assert loads(json.dumps(newer)) == answer


def test_what_an_older_version_did_not_write_gets_its_default() -> None:
    oldest = {
        "question": "q",
        "standalone_question": "s",
        "refused": False,
        "writer": "extractive",
        "confidence": 0.5,
        "statements": [{"text": "t", "citations": [1]}],
        "citations": [{"number": 1, "paper_id": "p", "title": "T", "url": None, "quote": "q"}],
        "usage": {"model": "m", "calls": 1, "prompt_tokens": 2, "completion_tokens": 3},
    }
    assert loads(json.dumps(oldest)) == Answer(
        "q",
        "s",
        outcome="answered",
        writer="extractive",
        confidence=0.5,
        statements=(Statement("t", (1,)),),
        citations=(Citation(1, "p", "T", None, "q"),),
        usage=Usage("m", 1, 2, 3),
    )


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"question": 1}', '{"statements": 3, "citations": []}'])
def test_what_is_no_answer_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableError):
        loads(text)
