from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.reading.exclusion import does_without, find_exclusion


@pytest.mark.parametrize(
    ("text", "wanted", "topic"),
    [
        ("papers on video generation, not diffusion", "papers on video generation", "diffusion"),
        ("prompt tuning, but not on graphs", "prompt tuning", "graphs"),
        ("agents, nothing with android please", "agents,", "android"),
        ("RL that is NOT about games", "RL that is", "games"),
        ("no surveys: how to detoxify a model?", "how to detoxify a model?", "surveys"),
        ("KV cache but without quantization", "KV cache but", "quantization"),
        ("RLHF other than the workflow report", "RLHF", "workflow report"),
    ],
)
def test_a_form_that_rules_something_out_is_found(text: str, wanted: str, topic: str) -> None:
    found = find_exclusion(text)
    assert found is not None
    assert (found.wanted, found.topic) == (wanted, topic)


@pytest.mark.parametrize(
    "text",
    [
        "why does dropout not improve accuracy?",
        "step-wise rewards without anybody labelling every single step",
        "text-to-image for non-English speakers",
        "not this",
        "",
    ],
)
def test_other_negations_rule_nothing_out(text: str) -> None:
    assert find_exclusion(text) is None


def test_a_paper_that_does_without_says_so() -> None:
    assert does_without("A rehearsal-free method.", "rehearsal")
    assert does_without("It learns without any rehearsals.", "rehearsal")
    assert not does_without("Rehearsal helps.", "rehearsal")


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    found = find_exclusion(text)
    assert found is None or (found.topic and found.wanted)
