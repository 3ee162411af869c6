from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bot.digest.choosing import FLOOR
from bot.digest.matching import Words, evidence, match, terms_of
from retrieval.papers import Paper

if TYPE_CHECKING:
    from retrieval.embedding.local import LocalEmbedder


def held(*texts: str) -> Words:
    return Words([terms_of(Paper(text, text, "", "test")) for text in texts])


def test_a_rare_word_of_a_topic_counts_more_than_a_common_one() -> None:
    words = held("gait models", "language models", "models of rain", "models")
    gait, language, rain, models = words.share("gait models")
    assert gait == pytest.approx(1.0)
    assert gait > models == language == rain > 0
    assert words.share("gait")[0] > words.share("gait models")[1]


def test_a_topic_of_nothing_but_small_words_is_held_by_no_paper() -> None:
    assert held("what is the best", "rain").share("what about it").tolist() == [0.0, 0.0]


def test_one_paper_alone_stands_out_from_nothing() -> None:
    topic = np.array([[1, 0, 0, 0]], np.float32)
    assert evidence(["rain"], topic, topic, held("rain"))[0, 0, :2].tolist() == [1.0, 0.0]


async def test_papers_on_a_topic_pass_and_papers_on_others_do_not(embedder: LocalEmbedder, seeds: list[Paper]) -> None:
    topics = ["robots that learn from language", "electric motor control", "coral reefs", "medieval poetry"]
    texts = [f"{paper.title}\n{paper.abstract}" for paper in seeds]
    found = evidence(
        topics, await embedder.embed(topics), await embedder.embed(texts), Words([terms_of(paper) for paper in seeds])
    )
    chances = match(found, embedder.model)
    best = [seeds[at].title for at in chances.argmax(axis=1)]
    assert "Electric Motor Control" in best[1]
    assert (chances[:2].max(axis=1) >= FLOOR).all()
    assert (chances[2:] < FLOOR).all()
