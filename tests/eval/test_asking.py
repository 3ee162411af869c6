"""How well the bot tells whether a message asks anything, on messages never used for fitting (asking/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.answering.intent import MIN_ASKS
from bot.answering.reading.kind import KindReader

if TYPE_CHECKING:
    from retrieval.embedding.local import LocalEmbedder

MESSAGES = Path(__file__).parent / "asking" / "messages.jsonl"
HEARD = 0.85  # of the messages that ask; .875 are recognised
LEFT_ALONE = 0.8  # of those that do not; .816 are recognised


@pytest.fixture
async def likely(embedder: LocalEmbedder) -> list[tuple[bool, float]]:
    """For each message, whether it asks, and the probability that the model gives for that."""
    rows = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    vectors = await embedder.embed([row["text"] for row in rows])
    reader = KindReader(embedder.model)
    return [(row["asks"], reader.asks(row["text"], vector)) for row, vector in zip(rows, vectors, strict=True)]


async def test_what_asks_is_heard_and_remarks_are_left_alone(likely: list[tuple[bool, float]]) -> None:
    heard = [chance >= MIN_ASKS for asks, chance in likely if asks]
    left_alone = [chance < MIN_ASKS for asks, chance in likely if not asks]
    assert len(heard) + len(left_alone) > 150
    assert sum(heard) / len(heard) >= HEARD
    assert sum(left_alone) / len(left_alone) >= LEFT_ALONE
