r"""Compare the papers chosen for digests with BM25's, for keyword topics and plain-language ones; or fit the matcher.

    uv run python bench/digest_relevance.py PAPERS.gz --days 2025-06-02..2025-06-03 --pool pool-a --half first --fit
    uv run python bench/digest_relevance.py PAPERS.gz --days 2025-07-08..2025-07-09 --pool pool-b --half second

PAPERS.gz has one JSON object per line, with `id`, `date`, `title`, `abstract` and `categories`. A paper is relevant to
a keyword topic if its text matches the topic's patterns, and to a category's topic if its authors put it in that
category. The list questions of a pool (a BEIR folder, split dev) are topics too: papers judged relevant are relevant,
borderline ones are removed, and all others are noise, including, for the group "among", the papers of the given days.
Nothing is relevant to topics from elsewhere, to a pool's off-topic questions, or on a quiet day, from which a topic's
relevant papers are removed.

`--half` selects the half of the topics (bench/digest_topics.py), `--fit` writes bot/digest/matcher.json before it
measures, and `--kept` keeps the libraries, which take minutes to build.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.digest_topics import HALVES, groups_of, read_days
from bench.ridge import fit_logistic
from bot.digest.matcher import FILE, FittedMatcher, match, matching_for, named_features
from bot.digest.selector import Candidate, choose
from retrieval.calibration import ANY_MODEL, Logistic
from retrieval.embedding.local import LocalEmbedder
from retrieval.index.lexical import LexicalIndex
from retrieval.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from bench.digest_topics import Group, Topic
    from retrieval.papers import Evidence

DEPTH = 10
RIDGE = 1e-4
COLUMNS = {LocalEmbedder.model: ("sentence_cosine", "words", "terms"), ANY_MODEL: ("bm25_share", "terms")}
STEPS = np.arange(0.0, 1.0, 0.01)


@dataclass(frozen=True, slots=True)
class Asked:
    """A topic with BM25's ranking, best first, the search's evidence, and the papers' vectors."""

    topic: Topic
    bm25: Sequence[str]
    evidence: Mapping[str, Evidence]
    vectors: Mapping[str, NDArray[np.float32]]

    def digest(self, fitted: FittedMatcher) -> list[str]:
        """The papers in the digest, best first."""
        matches = match(self.topic.text, self.evidence, fitted)
        candidates = [Candidate((each,), self.vectors[each], (chance,), 0, 0.0) for each, chance in matches.items()]
        return [candidates[at].ids[0] for at in choose(candidates, DEPTH)]

    def precision(self, shown: Sequence[str]) -> float:
        """Precision at the number of relevant papers, ten at most."""
        depth = max(1, min(DEPTH, len(self.topic.right)))
        return len(self.topic.right & set(shown[:depth])) / depth


def main() -> None:
    """Parse the arguments, then fit or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers", type=Path)
    parser.add_argument("--days", required=True, metavar="FROM..TO")
    parser.add_argument("--pool", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--half", choices=HALVES, required=True)
    parser.add_argument("--kept", type=Path, metavar="FOLDER")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(options, options.kept or Path(folder)))


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Fit or measure."""
    groups = groups_of(read_days(options.papers, options.days), options.pool, options.half)
    embedder = LocalEmbedder(cache_dir=folder / "models")
    library = await Library.open(folder / f"{options.days}-{options.pool.name}", embedder)
    await library.add([paper for group in groups.values() for paper in group.papers])
    asked = {name: await ask(group, library) for name, group in groups.items()}
    await library.close()
    if options.fit:
        command = f"--days {options.days} --pool {options.pool.name} --half {options.half} --fit"
        FILE.write_text(json.dumps(fit(asked, command), indent=1) + "\n", encoding="utf-8")
    print(f"{len(groups['keywords'].papers)} papers of {options.days}, {options.half} half")
    fitted = matching_for(LocalEmbedder.model)
    for name, topics in asked.items():
        measure(name, topics, fitted)
    for first, floor in ((0.0, 0.0), (0.0, fitted.floor), (fitted.first, 0.0), (fitted.first, fitted.floor)):
        print(f"\nfirst {first:.2f}, floor {floor:.2f}")
        compare(asked, FittedMatcher(fitted.chance, first, floor))


async def ask(group: Group, library: Library) -> list[Asked]:
    """Run BM25 and the search for every topic of a group, over its papers alone."""
    vectors = await library.vectors([paper.paper_id for paper in group.papers])
    with tempfile.TemporaryDirectory() as folder:
        lexical = LexicalIndex(Path(folder) / "lexical", "bench")
        lexical.replace(group.papers)
        asked = []
        for topic in group.topics:
            found = lexical.search(lexical.read(topic.text), DEPTH + len(topic.borderline))
            bm25 = [paper_id for paper_id, _ in found if paper_id not in topic.borderline]
            own = [paper.paper_id for paper in group.papers if paper.paper_id not in topic.borderline]
            asked.append(Asked(topic, bm25[:DEPTH], await library.evidence(topic.text, own), vectors))
        lexical.close()
        return asked


def measure(name: str, asked: Sequence[Asked], fitted: FittedMatcher) -> None:
    """Print the table of a group of topics."""
    print(f"\n{name}\n{'':46}{'relevant':>9}{'BM25':>10}{'digest':>10}")
    scores = []
    for each in asked:
        right, ways = each.topic.right, (each.bm25, each.digest(fitted))
        counts = [f"{len(right & set(way))} of {len(way)}" for way in ways]
        print(f"{each.topic.text[:45]:46}{len(right):>9}{counts[0]:>10}{counts[1]:>10}")
        scores.append([scores_of(each, way) for way in ways])
    titles = (f"precision@{DEPTH}", f"precision@R (R up to {DEPTH})", "relevant of those shown", "shown", "empty")
    for title, column in zip(titles, np.moveaxis(np.array(scores), 2, 0), strict=True):
        known = column[~np.isnan(column).any(axis=1)]  # an empty digest has no precision
        bm25, digest = known.mean(axis=0) if len(known) else (np.nan, np.nan)
        print(f"{'mean ' + title:55}{bm25:>10.3f}{digest:>10.3f}")


def compare(asked: Mapping[str, Sequence[Asked]], fitted: FittedMatcher) -> None:
    """Print, for each group, a digest's gain over BM25 in precision@10 and @R, and how many papers it shows."""
    for name, topics in asked.items():
        bm25 = np.mean([scores_of(each, each.bm25) for each in topics], axis=0)
        digest = np.mean([scores_of(each, each.digest(fitted)) for each in topics], axis=0)
        over = digest - bm25
        print(f"{name:20} @10 {over[0]:+.3f}  @R {over[1]:+.3f}  shown {digest[3]:.1f}, nothing {digest[4]:.2f}")


def scores_of(asked: Asked, shown: Sequence[str]) -> tuple[float, ...]:
    """The metrics of the papers shown for a topic."""
    right = len(asked.topic.right & set(shown))
    share = right / len(shown) if shown else np.nan
    return right / DEPTH, asked.precision(shown), share, len(shown), float(not shown)


def fit(asked: Mapping[str, Sequence[Asked]], command: str) -> dict[str, object]:
    """Fit the data file's content, without quiet days, which may have papers close to the topic."""
    learned = [topics for name, topics in asked.items() if not name.endswith("quiet")]
    rows, truth, weight = [], [], []
    for topics in learned:
        found = [(each, pair) for each in topics for pair in named_features(each.topic.text, each.evidence).items()]
        rows += [features for _, (_, features) in found]
        truth += [float(paper_id in each.topic.right) for each, (paper_id, _) in found]
        weight += [1 / len(found) / len(learned)] * len(found)
    models = {}
    for model, names in COLUMNS.items():
        x = np.array([[row[name] for name in names] for row in rows])
        b = np.round(fit_logistic(x, np.array(truth), np.array(weight), list(range(len(names))), RIDGE), 2)
        chance = Logistic(float(b[0]), dict(zip(names, b[1:].tolist(), strict=True)))
        models[model] = {"intercept": chance.intercept, "weights": chance.weights} | bars(learned, chance)
    return {"command": f"uv run python bench/digest_relevance.py PAPERS.jsonl.gz {command}", "models": models}


def bars(learned: Sequence[Sequence[Asked]], chance: Logistic) -> dict[str, float]:
    """Choose the lowest first threshold that excludes every topic without papers, and the highest harmless floor."""
    without = [each for topics in learned for each in topics if not each.topic.right]
    lists = [each for topics in learned for each in topics if each.topic.right]
    first = lowest(lambda bar: not any(each.digest(FittedMatcher(chance, bar, bar)) for each in without))

    def quality(floor: float) -> float:
        fitted = FittedMatcher(chance, first, floor)
        return float(np.mean([each.precision(each.digest(fitted)) for each in lists]))

    whole = quality(0.0)
    return {"first": first, "floor": lowest(lambda bar: quality(bar + 0.01) < whole)}


def lowest(holds: Callable[[float], bool]) -> float:
    """The lowest hundredth for which a condition holds."""
    return next(round(float(bar), 2) for bar in STEPS if holds(bar))


if __name__ == "__main__":
    main()
