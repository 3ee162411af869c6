from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.llm.lenient import Scanner, loads
from bot.llm.reply import ReplyCollector
from bot.llm.thoughts import Speech

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, min_size=1, max_size=4)
MARKS = st.lists(
    st.sampled_from([*"{}[]\",:\\“”'", "```", "<think>", "</think>", "<|channel|>final<|message|>", "a1 "])
)

KEYS = st.sampled_from(
    (
        *("choices", "delta", "message", "content", "text", "usage", "prompt_tokens", "completion_tokens"),
        *("tool_calls", "function", "arguments", "reasoning", "refusal", "finish_reason", "x_groq", "type", "value"),
    )
)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@given(OBJECTS)
def test_what_is_json_is_read_as_that(value: dict[str, object]) -> None:
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(json.dumps(value))) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('It is: {"a": [1, 2,]} I think', {"a": [1, 2]}),
        ("{“a”: “b”}", {"a": "b"}),
        ('{"a": "“b”"}', {"a": "“b”"}),
        ("{'a': True, 'b': None}", {"a": True, "b": None}),
        ('{"a": "the "best" of all", "b": 2}', {"a": 'the "best" of all', "b": 2}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": [{"b": 1}', {"a": [{"b": 1}]}),
        ("nothing", None),
        ("", None),
        ('"nothing in quotes"', None),
    ],
)
def test_what_is_nearly_json_is_mended(text: str, found: object) -> None:
    assert loads(text) == found


@given(st.one_of(st.text(), MARKS.map("".join), OBJECTS.map(json.dumps)), st.integers(0, 400))
def test_any_prefix_of_anything_is_read_or_is_nothing(text: str, end: int) -> None:
    loads(text[:end])
    list(Scanner().feed(text[:end]))


@pytest.mark.parametrize("text", ["{" * 20_000, "[" * 20_000, '{"a":' * 9000, '"' * 30_000, "[{" * 9000 + "}]" * 9000])
def test_what_nests_without_end_is_nothing(text: str) -> None:
    assert loads(text) is None
    list(Scanner().feed(text))


@given(OBJECTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_an_object_is_whole_at_its_closing_brace_and_not_before(value: dict[str, object], cuts: list[int]) -> None:
    text = json.dumps(value)
    scanner = Scanner()
    for piece in pieces(text[:-1], cuts):
        assert all(span.depth for span in scanner.feed(piece))
    *_, last = scanner.feed(text[-1] + " }")
    assert (last.start, last.end, last.depth) == (0, len(text), 0)


@given(
    st.sampled_from(
        (
            "<think>%s</think>",
            "<thinking>%s</thinking>",
            "◁think▷%s◁/think▷",
            "%s</think>",
            "[THINK]%s[/THINK]",
            "<|channel|>analysis<|message|>%s<|end|><|start|>assistant<|channel|>final<|message|>",
        )
    ),
    st.text(st.characters(exclude_characters='{[`<◁"', exclude_categories=["Cs"])),
    st.lists(st.integers(0, 10_000), max_size=20),
)
def test_thoughts_are_left_out_wherever_the_stream_is_cut(around: str, thought: str, cuts: list[int]) -> None:
    said = '{"word": "<think> is a mark"}'
    speech = Speech()
    heard = [speech.feed(piece) for piece in pieces(around % thought + said, cuts)]
    assert "".join([*heard, speech.end("")]) == said


@given(st.one_of(st.text(), MARKS.map("".join)), st.lists(st.integers(0, 10_000), max_size=12))
def test_whatever_is_thought_or_said_what_is_heard_was_said(text: str, cuts: list[int]) -> None:
    speech = Speech()
    heard = "".join([*map(speech.feed, pieces(text, cuts)), speech.end("")])
    assert text.endswith(heard)


@given(st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=5) | st.lists(inner, max_size=3)))
@example({"text": [{"type": []}]})
def test_a_chunk_may_be_anything(chunk: object) -> None:
    said = ReplyCollector()
    assert isinstance(said.take(chunk), str)
    assert said.prompt_tokens is None or isinstance(said.prompt_tokens, int)
