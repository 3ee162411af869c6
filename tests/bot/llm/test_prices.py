from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from bot.llm.prices import _prices, price_of
from bot.settings import DEFAULT_MODEL


@pytest.mark.parametrize("model", ["gpt-5.4-mini", "openai/gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", "GPT-5.4-mini"])
def test_a_model_is_priced_under_every_form_of_its_name(model: str) -> None:
    price = price_of(model)
    assert price
    assert price.of(2_000_000, 100_000) == pytest.approx(2 * 0.75 + 0.1 * 4.5)


@pytest.mark.parametrize("model", ["", "qwen3:8b", "gpt-5.4-mini-mine", "my-gpt-4o", "gpt-5.4-mini:free", "gpt"])
def test_a_model_that_only_looks_like_one_has_no_price(model: str) -> None:
    assert price_of(model) is None


def test_the_default_model_has_a_price() -> None:
    assert price_of(DEFAULT_MODEL)


def test_every_price_says_when_and_where_it_was_read() -> None:
    assert len(_prices()) > 20
    for model, price in _prices().items():
        assert 0 < price.read <= price.written, model
        assert date(2025, 1, 1) < price.checked < date.today(), model  # noqa: DTZ011  # a day in any time zone
        assert urlsplit(price.source).scheme == "https", model
