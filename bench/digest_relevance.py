r"""Measure what digests choose, against plain BM25, by topics in keywords and in plain words; or fit what chooses.

    uv run python bench/digest_relevance.py PAPERS.jsonl.gz --days 2025-05-26..2025-05-30 --pools POOL_A POOL_B
    uv run python bench/digest_relevance.py PAPERS.jsonl.gz --days 2025-06-02..2025-06-06 --pools POOL_A POOL_B --fit

PAPERS has a JSON object a line with `id`, `date`, `title`, `abstract` and `categories`. A paper is relevant to a
keyword topic where its text holds what the patterns beside the topic say, which the topic itself need not say, and to
a category's topic where its authors put it in that category. The lists that a pool (a BEIR folder, split dev) asks for
are topics too: right are the papers judged so, borderline ones are taken out, and all others are noise, those of the
days included. `--fit` writes bot/digest/matching.json, and measures each pool by a fit that saw the other alone.
`--kept` keeps what the model makes of the papers, which takes minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ridge import fit_logistic

from bot.digest.choosing import Candidate, choose
from bot.digest.matching import FILE, features, match
from retrieval.calibration import ANY_MODEL, Logistic
from retrieval.chunking import chunk
from retrieval.embedding.local import LocalEmbedder
from retrieval.evaluation import read_dataset
from retrieval.lexical import LexicalIndex
from retrieval.papers import Paper
from retrieval.searching import Searcher, middle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from retrieval.papers import Evidence

DEPTH = 10
RIDGE = 1e-4
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


@dataclass(frozen=True, slots=True)
class Topic:
    """Hold a topic, the papers that are right for it and those that count neither way, by id."""

    text: str
    right: frozenset[str]
    borderline: frozenset[str] = frozenset()


class Kept:
    """Hold windows and words of papers as the library's shelf does, but no sentences, which take twice as long."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._windows: dict[str, NDArray[np.float32]] = {}
        self._words: dict[str, bytes] = {}
        if file and file.exists():
            kept = np.load(file)
            ids = kept["ids"].tolist()
            self._windows = dict(zip(ids, np.split(kept["rows"], np.cumsum(kept["counts"])[:-1]), strict=True))
            packed = np.split(kept["packed"], np.cumsum(kept["lengths"])[:-1])
            self._words = {paper_id: each.tobytes() for paper_id, each in zip(ids, packed, strict=True)}

    async def add(self, papers: Sequence[Paper], embedder: LocalEmbedder) -> None:
        """Embed the papers that are not known yet, and keep them."""
        new = [paper for paper in papers if paper.paper_id not in self._windows]
        parts = [part for paper in new for part in chunk(paper, embedder) if part.kind == "window"]
        if not parts:
            return
        rows, words = await embedder.embed_words([part.text for part in parts])
        for paper in new:
            mine = [at for at, part in enumerate(parts) if part.paper_id == paper.paper_id]
            self._windows[paper.paper_id] = rows[mine]
            self._words[paper.paper_id] = b"".join(words[at].pack() for at in mine)
        if self._file:
            np.savez(
                self._file,
                ids=list(self._windows),
                counts=[len(each) for each in self._windows.values()],
                rows=np.concatenate(list(self._windows.values())),
                lengths=[len(each) for each in self._words.values()],
                packed=np.frombuffer(b"".join(self._words.values()), np.uint8),
            )

    async def windows(self, paper_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the windows' vectors."""
        return {paper_id: self._windows[paper_id] for paper_id in paper_ids}

    async def words(self, paper_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the packed words."""
        return {paper_id: self._words[paper_id] for paper_id in paper_ids}

    async def chunks(self, _paper_ids: Iterable[str]) -> dict[str, list]:
        """Return nothing: without sentences, windows stand in for them."""
        return {}


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold a topic with what BM25 finds, best first, and the evidence of the search, each less the borderline."""

    topic: Topic
    bm25: Sequence[str]
    evidence: Mapping[str, Evidence]


def main() -> None:
    """Read the papers, and fit or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers", type=Path)
    parser.add_argument("--days", required=True, metavar="FROM..TO")
    parser.add_argument("--pools", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--kept", type=Path, metavar="FILE.npz")
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache" / "footnote")
    parser.add_argument("--fit", action="store_true")
    asyncio.run(run(parser.parse_args()))


async def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    rows = read_rows(options.papers, *options.days.split(".."))
    papers = [
        Paper(f"arxiv:{row['id']}", " ".join(row["title"].split()), " ".join(row["abstract"].split()), "arxiv")
        for row in rows
    ]
    relevant = zip(KEYWORDS, by_keywords(papers), strict=True)
    ids = np.array([paper.paper_id for paper in papers])
    groups = {
        "keyword topics": (papers, [Topic(text, frozenset(ids[mine].tolist())) for text, mine in relevant]),
        "category topics": (
            papers,
            [
                Topic(text, frozenset(ids[[category in row["categories"] for row in rows]].tolist()))
                for text, category in CATEGORIES.items()
            ],
        ),
        "topics elsewhere": (papers, [Topic(text, frozenset()) for text in ELSEWHERE]),
    }
    for folder in options.pools:
        own, topics = read_pool(folder)
        groups[folder.name] = (own, topics)
        groups[f"{folder.name} among the days' papers"] = ([*own, *papers], topics)
    embedder = LocalEmbedder(cache_dir=options.models)
    kept = Kept(options.kept)
    await kept.add([paper for own, _ in groups.values() for paper in own], embedder)
    asked = {name: await ask(topics, own, kept, embedder) for name, (own, topics) in groups.items()}
    await embedder.close()
    print(f"{len(papers)} papers of {options.days}")
    pools = [folder.name for folder in options.pools]
    if options.fit:
        FILE.write_text(
            json.dumps(fit(asked, ["keyword topics", "topics elsewhere", *pools], options.days), indent=1) + "\n"
        )
        for pool in pools:
            others = [name for name in ("keyword topics", "topics elsewhere", *pools) if name != pool]
            row = fit(asked, others, options.days)["models"][LocalEmbedder.model]
            logistic = Logistic(row["intercept"], row["weights"])
            for name in (pool, f"{pool} among the days' papers"):
                print(f"\nfitted without {pool}:", end="")
                await measure(name, asked[name], kept, logistic)
        return
    for name, topics in asked.items():
        await measure(name, topics, kept, None)


def read_pool(folder: Path) -> tuple[list[Paper], list[Topic]]:
    """Return the papers of a pool and its list questions as topics."""
    dataset = read_dataset(folder, "dev")
    with dataset.corpus.open(encoding="utf-8") as lines:
        papers = [Paper(row["_id"], row["title"], row["text"], "eval") for row in map(json.loads, lines)]
    judged = ((query, dataset.judgements.get(query.query_id)) for query in dataset.queries)
    return papers, [
        Topic(query.text, frozenset(dataset.qrels[query.query_id]), judgement.borderline)
        for query, judgement in judged
        if judgement and judgement.kind == "multi-list" and not query.history
    ]


def read_rows(path: Path, first: str, last: str) -> list[dict]:
    """Return the rows of these days."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if first <= row["date"] <= last]


def by_keywords(papers: Sequence[Paper]) -> NDArray[np.bool_]:
    """Return which papers are relevant to which keyword topics."""
    texts = [f"{paper.title}\n{paper.abstract}" for paper in papers]
    return np.array(
        [
            [all(re.search(pattern, text, re.IGNORECASE) for pattern in patterns) for text in texts]
            for patterns in KEYWORDS.values()
        ]
    )


async def ask(topics: Sequence[Topic], papers: Sequence[Paper], kept: Kept, embedder: LocalEmbedder) -> list[Asked]:
    """Ask plain BM25 and the search for every topic, over these papers alone."""
    with tempfile.TemporaryDirectory() as folder:
        lexical = LexicalIndex(Path(folder) / "lexical", "bench")
        lexical.replace(papers)
        searcher = Searcher(None, kept, None, lexical, embedder)  # given papers are weighed without the other two
        asked = []
        for topic in topics:
            found = lexical.search(lexical.read(topic.text), DEPTH + len(topic.borderline))
            bm25 = [paper_id for paper_id, _ in found if paper_id not in topic.borderline]
            own = [paper.paper_id for paper in papers if paper.paper_id not in topic.borderline]
            asked.append(Asked(topic, bm25[:DEPTH], await searcher.evidence(topic.text, own)))
        lexical.close()
        return asked


async def measure(name: str, asked: Sequence[Asked], kept: Kept, logistic: Logistic | None) -> None:
    """Print a table of a group of topics; `logistic` in place of that of the data file."""
    print(f"\n{name}")
    print(f"{'':46}{'relevant':>9}{'BM25':>10}{'digest':>10}")
    scores = []
    for each in asked:
        right = each.topic.right
        ways = (each.bm25, await digest(each.evidence, kept, logistic))
        counts = [f"{len(right & set(way))} of {len(way)}" for way in ways]
        print(f"{each.topic.text[:45]:46}{len(right):>9}{counts[0]:>10}{counts[1]:>10}")
        depth = max(1, min(DEPTH, len(right)))
        scores.append(
            [
                (
                    len(right & set(way)) / DEPTH,
                    len(right & set(way[:depth])) / depth,
                    len(right & set(way)) / len(way) if way else np.nan,
                    len(way),
                )
                for way in ways
            ]
        )
    means = np.nanmean(np.array(scores), axis=0)
    titles = (f"precision@{DEPTH}", f"precision@R (R up to {DEPTH})", "relevant of those shown", "shown")
    for title, bm25, digest_ in zip(titles, *means, strict=True):
        print(f"{'mean ' + title:55}{bm25:>10.3f}{digest_:>10.3f}")


async def digest(evidence: Mapping[str, Evidence], kept: Kept, logistic: Logistic | None) -> list[str]:
    """Return the papers that a digest shows, best first."""
    chances = match(evidence, LocalEmbedder.model, logistic)
    windows = await kept.windows(chances)
    candidates = [Candidate((each,), middle(windows[each]), (chance,), 0, 0.0) for each, chance in chances.items()]
    return [candidates[at].ids[0] for at in choose(candidates, DEPTH)]


def fit(asked: Mapping[str, Sequence[Asked]], groups: Sequence[str], days: str) -> dict:
    """Return the data file's content, fitted on some groups, each of the same weight."""
    rows, truth, weight = [], [], []
    for name in groups:
        shortlists = [(each, pair) for each in asked[name] for pair in each.evidence.items()]
        rows += [features(evidence) for _, (_, evidence) in shortlists]
        truth += [paper_id in each.topic.right for each, (paper_id, _) in shortlists]
        weight += [1 / len(shortlists) / len(groups)] * len(shortlists)
    names = list(rows[0])
    x = np.array([[row[name] for name in names] for row in rows])
    models = {}
    for model, columns in ((LocalEmbedder.model, ["cosine", "words"]), (ANY_MODEL, ["bm25_share"])):
        at = [names.index(column) for column in columns]
        found = fit_logistic(x, np.array(truth, float), np.array(weight), at, RIDGE)
        weights = {column: round(float(found[1 + each]), 2) for column, each in zip(columns, at, strict=True)}
        models[model] = {"intercept": round(float(found[0]), 2), "weights": weights}
    return {
        "command": f"uv run python bench/digest_relevance.py PAPERS.jsonl.gz --days {days} --pools POOL_A POOL_B --fit",
        "models": models,
    }


if __name__ == "__main__":
    main()
