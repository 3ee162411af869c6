r"""Measure what digests choose: precision by topic, against plain BM25 and against the newest papers.

    uv run python bench/digest_relevance.py PAPERS.jsonl.gz --days 2025-05-26..2025-05-30 [--vectors FILE.npz]
    uv run python bench/digest_relevance.py PAPERS.jsonl.gz --days 2025-06-02..2025-06-06 --fit

PAPERS has a JSON object a line with `id`, `date`, `title`, `abstract` and `categories`. A paper is relevant to a
keyword topic where its text holds what the patterns beside the topic say, which the topic itself need not say, and to
a category's topic where its authors put it in that category. `--vectors` keeps the vectors, which take minutes to
compute. `--fit` prints the coefficients of bot/digest/matching.py instead.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ridge import fit_logistic

from bot.digest.choosing import FLOOR, Candidate, choose
from bot.digest.matching import Words, evidence, match, terms_of
from retrieval.chunking import chunk
from retrieval.embedding.local import LocalEmbedder
from retrieval.lexical import LexicalIndex
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DEPTH = 10
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
# Those with ten papers and more in either week, but for those of which half of all papers are.
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
# Nothing on these is in the papers, so the right digest is empty.
ELSEWHERE = (
    "coral reefs and marine biology", "Renaissance poetry", "central bank interest rates", "superconductors",
    "volcano eruptions", "cooking recipes from Italy", "football tactics", "dark matter haloes of galaxies",
    "constitutional law in Brazil", "bird migration",
)  # fmt: skip


def main() -> None:
    """Read the papers, and fit or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers", type=Path)
    parser.add_argument("--days", required=True, metavar="FROM..TO")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--models", type=Path, default=Path(".footnote/models"))
    parser.add_argument("--fit", action="store_true")
    asyncio.run(run(parser.parse_args()))


async def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    rows = read_rows(options.papers, *options.days.split(".."))
    papers = [
        Paper(f"arxiv:{row['id']}", " ".join(row["title"].split()), " ".join(row["abstract"].split()), "arxiv")
        for row in rows
    ]
    embedder = LocalEmbedder(cache_dir=options.models)
    ids = [paper.paper_id for paper in papers]
    if (vectors := kept_vectors(options.vectors, ids)) is None:
        vectors = await embed(papers, embedder)
        if options.vectors:
            np.savez(options.vectors, ids=ids, vectors=vectors)
    words = Words([terms_of(paper) for paper in papers])
    groups = {
        "keyword topics": list(KEYWORDS),
        "category topics": list(CATEGORIES),
        "topics elsewhere": list(ELSEWHERE),
    }
    found = {name: evidence(topics, await embedder.embed(topics), vectors, words) for name, topics in groups.items()}
    right = {
        "keyword topics": by_keywords(papers),
        "category topics": np.array(
            [[category in row["categories"] for row in rows] for category in CATEGORIES.values()]
        ),
        "topics elsewhere": np.zeros((len(ELSEWHERE), len(papers)), bool),
    }
    await embedder.close()
    print(f"{len(papers)} papers of {options.days}")
    if options.fit:
        fit(found, right)
        return
    with tempfile.TemporaryDirectory() as folder:
        lexical = LexicalIndex(Path(folder) / "lexical", "bench")
        lexical.replace(papers)
        for name, topics in groups.items():
            chances = match(found[name], embedder.model)
            measure(name, topics, right[name], rankings(topics, papers, rows, vectors, chances, lexical))
        lexical.close()


def read_rows(path: Path, first: str, last: str) -> list[dict]:
    """Return the rows of these days."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if first <= row["date"] <= last]


def kept_vectors(file: Path | None, ids: Sequence[str]) -> NDArray[np.float32] | None:
    """Return the vectors that an earlier run kept of the same papers, None where there are none."""
    if not file or not file.exists():
        return None
    kept = np.load(file)
    return kept["vectors"] if kept["ids"].tolist() == ids else None


async def embed(papers: Sequence[Paper], embedder: LocalEmbedder) -> NDArray[np.float32]:
    """Return the unit mean of each paper's window vectors, as the library gives it."""
    windows = [
        (at, part.text) for at, paper in enumerate(papers) for part in chunk(paper, embedder) if part.kind == "window"
    ]
    rows = await embedder.embed([text for _, text in windows])
    vectors = np.zeros((len(papers), rows.shape[1]), np.float32)
    np.add.at(vectors, [at for at, _ in windows], rows)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def by_keywords(papers: Sequence[Paper]) -> NDArray[np.bool_]:
    """Return which papers are relevant to which keyword topics."""
    texts = [f"{paper.title}\n{paper.abstract}" for paper in papers]
    return np.array(
        [
            [all(re.search(pattern, text, re.IGNORECASE) for pattern in patterns) for text in texts]
            for patterns in KEYWORDS.values()
        ]
    )


def rankings(
    topics: Sequence[str],
    papers: Sequence[Paper],
    rows: Sequence[dict],
    vectors: NDArray[np.float32],
    chances: NDArray[np.float64],
    lexical: LexicalIndex,
) -> dict[str, list[list[int]]]:
    """Return, by way of choosing and by topic, which papers are shown."""
    places = {paper.paper_id: at for at, paper in enumerate(papers)}
    newest = sorted(range(len(papers)), key=lambda at: (rows[at]["date"], rows[at]["id"]), reverse=True)[:DEPTH]

    def digest(number: int) -> list[int]:
        candidates = [
            Candidate((paper.paper_id,), vector, (float(chance),), 0, 0.0)
            for paper, vector, chance in zip(papers, vectors, chances[number], strict=True)
        ]
        return choose(candidates, DEPTH)

    return {
        "newest first": [newest for _ in topics],
        "BM25": [[places[paper_id] for paper_id, _ in lexical.search(lexical.read(topic), DEPTH)] for topic in topics],
        "digest": [digest(number) for number in range(len(topics))],
    }


def measure(name: str, topics: Sequence[str], right: NDArray[np.bool_], shown: dict[str, list[list[int]]]) -> None:
    """Print a table of a group of topics."""
    print(f"\n{name}: precision@{DEPTH} (relevant of those shown)")
    print(f"{'':46}{'relevant':>9}" + "".join(f"{way:>16}" for way in shown))
    for number, topic in enumerate(topics):
        cells = (f"{right[number][chosen[number]].sum()} of {len(chosen[number])}" for chosen in shown.values())
        print(f"{topic:46}{right[number].sum():>9}" + "".join(f"{cell:>16}" for cell in cells))
    for title, score in (
        (f"precision@{DEPTH}", lambda hits, _: hits / DEPTH),
        ("of those shown", lambda hits, count: hits / count if count else np.nan),
        ("shown", lambda _, count: count),
    ):
        means = (
            np.nanmean([score(right[at][chosen[at]].sum(), len(chosen[at])) for at in range(len(topics))] or [np.nan])
            for chosen in shown.values()
        )
        print(f"{'mean ' + title:55}" + "".join(f"{mean:>16.3f}" for mean in means))


def fit(found: dict[str, NDArray[np.float64]], right: dict[str, NDArray[np.bool_]]) -> None:
    """Print a row of bot/digest/matching.py, fitted on all groups together."""
    features = np.concatenate([each.reshape(-1, each.shape[-1]) for each in found.values()])
    truth = np.concatenate([each.ravel() for each in right.values()]).astype(float)
    for title, columns in (("FITTED", [0, 2]), ("UNFITTED", [1, 2])):
        row = fit_logistic(features, truth, np.ones(len(truth)), columns, ridge=1.0)
        print(title, dict(zip(("intercept", "cosine", "above", "held"), np.round(row, 1).tolist(), strict=True)))
    print("floor", FLOOR)


if __name__ == "__main__":
    main()
