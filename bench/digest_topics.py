"""Topics for evaluating digests, in two halves: one to tune on, one to report on."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from retrieval.evaluation import read_dataset
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

HALVES = ("first", "second")
KEYWORDS = {
    "quantization of language models": (r"quanti[sz](?:ation|ed|ing)",),
    "3D Gaussian splatting": (r"gaussian splatting|\b3DGS\b",),
    "hallucinations of multimodal models": (r"hallucinat", r"vision|visual|multimodal|image"),
    "retrieval-augmented generation": (r"retrieval[- ]augmented|\bRAG\b",),
    "making videos from text": (r"video generation|text-to-video|video diffusion",),
    "low-resource languages": (
        r"low[- ]resource(?:d)? (?:language|setting|translation|NLP)|under-?resourced|(?:african|indigenous) language",
    ),
    "segmentation of medical images": (r"segment", r"medical|tumou?r|\bMRI\b|\bCT\b|lesion|clinical"),
    "self-driving cars": (r"autonomous driving|self-driving|autonomous vehicle",),
    "detecting deepfakes and generated images": (
        r"deepfake|ai-generated (?:image|video|content)|forger|(?:synthetic|generated) image detection",
    ),
    "writing code with language models": (
        r"code generation|program synthesis|software engineering|coding (?:task|agent|benchmark)|code completion",
    ),
    "machine translation": (r"machine translation|translation quality|neural translation",),
    "speech recognition": (r"speech recognition|\bASR\b",),
    "jailbreaking language models": (r"jailbreak|red[- ]team|harmful (?:content|response|output)s?|safety alignment",),
    "solving maths problems": (r"math(?:ematical)? (?:reasoning|problem)|math word|\bAIME\b|GSM8K",),
    "reinforcement learning for reasoning": (r"reinforcement learning|\bGRPO\b|\bRLVR\b", r"reasoning"),
    "social bias and fairness": (r"(?:gender|racial|social|political|demographic|cultural) bias|fairness|stereotyp",),
    "restoring and sharpening images": (r"super-resolution|deblur|image restoration|denoising network|dehaz|derain",),
    "human pose and motion": (r"human pose|human motion|pose estimation|motion generation|motion capture",),
    "satellite images": (r"remote sensing|satellite|earth observation",),
    "reading documents, charts and tables": (
        r"document understanding|chart|\btables?\b|document (?:layout|parsing)|\bOCR\b",
    ),
}
# Categories with at least ten papers in either week, except those that half of all papers have.
CATEGORIES = {
    "robotics and robot learning": "cs.RO",
    "information retrieval and recommender systems": "cs.IR",
    "speech, sound and music processing": "cs.SD",
    "computers and society, ethics and policy": "cs.CY",
    "multimedia": "cs.MM",
    "security, privacy and attacks": "cs.CR",
    "statistical machine learning theory": "stat.ML",
    "multi-agent systems": "cs.MA",
    "computer graphics and rendering": "cs.GR",
    "human-computer interaction": "cs.HC",
    "medical image analysis": "eess.IV",
}
# No paper of the days in docs/digest.md's two commands is about these; other days may have some.
ELSEWHERE = {
    "first": (
        "coral reefs and marine biology", "Renaissance poetry", "central bank interest rates", "superconductors",
        "volcano eruptions", "cooking recipes from Italy", "football tactics", "dark matter haloes of galaxies",
        "constitutional law in Brazil", "bird migration",
    ),
    "second": (
        "beekeeping and honey", "medieval castles", "fly fishing", "pruning roses", "wine tasting",
        "tax law for freelancers", "plate tectonics and mountain building", "knitting patterns",
        "history of the Ottoman Empire", "marathon training plans", "string theory and extra dimensions",
        "fermentation of cheese", "neutrino oscillations", "papers about how whales sing to each other please",
        "anything new on the gut bacteria of cows", "what is there on black hole mergers and gravitational waves",
        "Gothic cathedrals and how they were built", "zeolites and catalysts for refining oil",
        "labour unions and strikes", "dinosaur fossils",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, and the ids of its relevant papers and of borderline ones, which do not count."""

    text: str
    right: frozenset[str] = frozenset()
    borderline: frozenset[str] = frozenset()

    def on_a_quiet_day(self) -> Topic:
        """The topic on a day without any relevant or borderline paper."""
        return Topic(self.text, borderline=self.right | self.borderline)


@dataclass(frozen=True, slots=True)
class Group:
    """Topics of one kind, and the papers to choose from."""

    papers: Sequence[Paper]
    topics: Sequence[Topic]


def read_days(path: Path, days: str) -> list[dict[str, Any]]:
    """The rows of some days, given as FROM..TO."""
    first, last = days.split("..")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if first <= row["date"] <= last]


def groups_of(rows: Sequence[dict[str, Any]], pool: Path, half: str) -> dict[str, Group]:
    """The topics of one half by kind: over some days' papers, and over a pool with and without those."""
    papers = [
        Paper(f"arxiv:{row['id']}", " ".join(row["title"].split()), " ".join(row["abstract"].split()), "arxiv")
        for row in rows
    ]
    own, lists, far_off = _read_pool(pool)
    keywords = [Topic(text, _holding(papers, patterns)) for text, patterns in _half(KEYWORDS.items(), half)]
    categories = [Topic(text, _of_category(rows, category)) for text, category in _half(CATEGORIES.items(), half)]
    return {
        "keywords": Group(papers, keywords),
        "categories": Group(papers, categories),
        pool.name: Group(own, lists),
        f"{pool.name} among": Group([*own, *papers], lists),
        "elsewhere": Group(papers, [Topic(text) for text in ELSEWHERE[half]]),
        f"{pool.name} far-off": Group(papers, far_off),
        "keywords, quiet": Group(papers, [topic.on_a_quiet_day() for topic in keywords]),
        f"{pool.name}, quiet": Group(own, [topic.on_a_quiet_day() for topic in lists]),
    }


def _half(topics: Iterable[tuple[str, T]], half: str) -> list[tuple[str, T]]:
    return list(topics)[HALVES.index(half) :: 2]


def _holding(papers: Sequence[Paper], patterns: Sequence[str]) -> frozenset[str]:
    """Ids of the papers that match all patterns in title or abstract."""
    texts = {paper.paper_id: f"{paper.title}\n{paper.abstract}" for paper in papers}
    return frozenset(
        paper_id
        for paper_id, text in texts.items()
        if all(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
    )


def _of_category(rows: Sequence[dict[str, Any]], category: str) -> frozenset[str]:
    return frozenset(f"arxiv:{row['id']}" for row in rows if category in row["categories"])


def _read_pool(folder: Path) -> tuple[list[Paper], list[Topic], list[Topic]]:
    """The papers of a pool, and as topics its list questions and its questions unrelated to any paper."""
    dataset = read_dataset(folder, "dev")
    with dataset.corpus.open(encoding="utf-8") as lines:
        papers = [Paper(row["_id"], row["title"], row["text"], "eval") for row in map(json.loads, lines)]
    alone = [query for query in dataset.queries if not query.history]
    kinds = {query.query_id: dataset.judgements[query.query_id].kind for query in alone}
    lists = [
        Topic(
            query.text,
            frozenset(dataset.qrels[query.query_id]),
            frozenset(dataset.judgements[query.query_id].borderline),
        )
        for query in alone
        if kinds[query.query_id] == "multi-list"
    ]
    far_off = [Topic(query.text) for query in alone if kinds[query.query_id] == "unanswerable-far"]
    return papers, lists, far_off
