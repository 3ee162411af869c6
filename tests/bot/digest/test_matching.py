from __future__ import annotations

from typing import TYPE_CHECKING

from bot.digest.choosing import FLOOR
from bot.digest.matching import match
from retrieval.papers import Evidence

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.papers import Paper

MODEL = "all-MiniLM-L6-v2"


def evidence(cosine: float, words: float, bm25_share: float = 0.0) -> Evidence:
    return Evidence(cosine, cosine, bm25_share, bm25_share, 0.0, words)


def test_papers_above_the_floor_stand_in_the_order_of_the_search() -> None:
    found = match({"first": evidence(0.5, 0.7), "second": evidence(0.6, 0.8), "far": evidence(0.0, 0.1)}, MODEL)
    assert found["first"] > found["second"] >= FLOOR > found["far"]


def test_a_model_never_fitted_is_read_by_words_alone() -> None:
    near, far = evidence(0.9, 0.0, bm25_share=0.0), evidence(-0.2, 0.0, bm25_share=0.8)
    found = match({"far": far, "near": near}, "some-other-model")
    assert found["far"] >= FLOOR > found["near"]


async def test_papers_on_a_topic_pass_and_on_topics_elsewhere_next_to_none_do(
    library: Library, seeds: list[Paper]
) -> None:
    await library.add(seeds)
    titles = {paper.paper_id: paper.title for paper in seeds}
    found = {
        topic: match(await library.evidence(topic, titles), MODEL)
        for topic in ("robots that learn from language", "electric motor control", "coral reefs", "medieval poetry")
    }
    best = {topic: max(chances, key=lambda paper_id: chances[paper_id]) for topic, chances in found.items()}
    assert "Electric Motor Control" in titles[best["electric motor control"]]
    assert found["robots that learn from language"][best["robots that learn from language"]] >= FLOOR
    for topic in ("coral reefs", "medieval poetry"):
        assert sum(chance >= FLOOR for chance in found[topic].values()) <= 1
