from __future__ import annotations

import pytest

from bot.answering.reading.question import sides


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("compare xKV and LogQuant", ("xKV", "LogQuant")),
        ("differences between xKV, LogQuant and Quamba2?", ("xKV", "LogQuant", "Quamba2")),
        ("LoRA vs full fine-tuning, does it matter", ("LoRA", "full fine-tuning")),
        ("what is LoRA?", ()),
    ],
)
def test_the_sides_of_a_comparison_are_read_by_its_form(text: str, named: tuple[str, ...]) -> None:
    assert sides(text) == named
