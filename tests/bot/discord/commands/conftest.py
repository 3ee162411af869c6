"""The whole bot over the shipped papers: no prepared answers, and every message is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter

if TYPE_CHECKING:
    from retrieval.library import Library


@pytest.fixture
def message_content() -> bool:
    return True


@pytest.fixture
def bot_library(seeded: Library) -> Library:
    return seeded


@pytest.fixture
def answers(seeded: Library) -> Answerer:
    return Answerer(seeded, ExtractiveWriter())
