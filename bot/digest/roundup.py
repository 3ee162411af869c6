"""The weekly round-up: a map of the week's papers, similar ones near each other, in clusters named by their words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.text.terms import content_terms
from retrieval.text.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEWEST_PAPERS: Final = 8  # fewer do not make a map
MOST_PAPERS: Final = 1500  # more do not fit into the picture
FEWEST_CLUSTERS, MOST_CLUSTERS = 3, 10
PAPERS_A_CLUSTER: Final = 150  # the average, at most; a larger cluster says little about its papers
SAMPLE: Final = 400  # papers sampled to choose the number of clusters
ROUNDS: Final = 30  # of k-means, which converges sooner
STARTS: Final = 4
DIMENSIONS: Final = 20  # that PCA keeps of the vectors; the rest is noise to k-means
SPACING: Final = 1.4  # distance between cluster centres, in sums of their radii; leaves room for names
SQUEEZES, SQUEEZE = 60, 0.95  # rounds that shrink the layout by this factor, then push clusters apart
PUSHES: Final = 50
ROUNDING: Final = 1e-6
NAME_WORDS: Final = 2
PAIR: Final = 2.0  # weight of a pair of words; a single word has 1
WORD: Final = re.compile(r"[^\W\d_][\w-]+")
# Words too common in titles to name a cluster.
EMPTY: Final = frozenset(
    """
    via using based towards toward from with for and the new novel approach method methods model models learning
    framework study analysis deep neural network networks large language efficient improved improving enhanced enhancing
    beyond through data task tasks system systems evaluation evaluating benchmark benchmarking paper survey case llm
    llms ai
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of papers: its name, the indices of its members, and its centre and radius on the map."""

    name: str
    members: tuple[int, ...]
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Map:
    """The coordinates of the papers, shape (papers, 2), and their clusters, the largest first."""

    points: NDArray[np.float64]
    clusters: tuple[Cluster, ...]


def make_map(vectors: NDArray[np.float32], titles: Sequence[str]) -> Map:
    """Lay papers out on a map by their unit vectors, one row each; the same papers always give the same map."""
    reduced = _reduce(vectors, DIMENSIONS)
    labels = cluster(reduced)
    names = name_clusters(titles, labels)
    points, middles, radii = _lay_out(reduced, labels)
    clusters = [
        Cluster(names[label], tuple(np.flatnonzero(labels == label).tolist()), float(x), float(y), float(radius))
        for label, ((x, y), radius) in enumerate(zip(middles, radii, strict=True))
    ]
    return Map(points, tuple(sorted(clusters, key=lambda group: -len(group.members))))


def cluster(vectors: NDArray[np.float64]) -> NDArray[np.intp]:
    """Cluster the rows; returns labels from 0, for the number of clusters that has the best silhouette."""
    most = min(MOST_CLUSTERS, len(vectors) // 3, FEWEST_CLUSTERS + len(vectors) // 20)
    fewest = min(max(FEWEST_CLUSTERS, len(vectors) // PAPERS_A_CLUSTER), most)
    tries = [_k_means(vectors, count) for count in range(fewest, most + 1)]
    some = np.random.default_rng(0).permutation(len(vectors))[:SAMPLE]
    best = max(tries, key=lambda labels: silhouette(vectors[some], labels[some]))
    return np.unique(best, return_inverse=True)[1]


def silhouette(vectors: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """The mean silhouette, -1..1 (Rousseeuw 1987): how much nearer rows are to their own cluster than to the next."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:  # noqa: PLR2004 - one cluster has no next one
        return -1.0
    squares = (vectors**2).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T, 0.0))
    sums = np.stack([apart[:, labels == name].sum(axis=1) for name in names], axis=1)
    own = np.searchsorted(names, labels)
    rows = np.arange(len(vectors))
    inside = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    return float(np.mean((outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12)))


def name_clusters(titles: Sequence[str], labels: NDArray[np.intp]) -> list[str]:
    """Name each cluster by the words and pairs of words that are typical of its titles."""
    titles = [clean(title) for title in titles]
    phrases = [_phrases(title) for title in titles]
    spelled = _spellings(titles)
    overall = Counter(phrase for row in phrases for phrase in row)
    names: list[str] = []
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        inside = Counter(phrase for member in members for phrase in phrases[member])
        weight = {
            phrase: count
            * np.log((count / len(members)) / ((overall[phrase] - count + 1) / (len(titles) - len(members) + 1)))
            * (PAIR if " " in phrase else 1.0)
            for phrase, count in inside.items()
            if count > 1 or len(members) < FEWEST_PAPERS
        }
        chosen: list[str] = []
        used: set[str] = set()
        for phrase in sorted(weight, key=lambda candidate: (-weight[candidate], candidate)):
            stems = set(content_terms(phrase))
            if stems.isdisjoint(used):
                used |= stems
                chosen.append(" ".join(spelled[word] for word in phrase.split()))
            if len(chosen) == NAME_WORDS:
                break
        names.append(", ".join(chosen) or titles[members[0]][:40])
    return names


def _phrases(title: str) -> set[str]:
    words = [word.lower() for word in WORD.findall(title)]
    telling = {word for word in words if word not in EMPTY and content_terms(word)}
    return telling | {f"{one} {two}" for one, two in pairwise(words) if one in telling and two in telling}


def _spellings(titles: Sequence[str]) -> dict[str, str]:
    """Map each lower-case word to its usual spelling, ignoring initial capitals: RLHF, LoRA, diffusion."""
    seen: dict[str, Counter[str]] = {}
    for title in titles:
        for word in WORD.findall(title):
            written = word.lower() if word.istitle() else word
            seen.setdefault(word.lower(), Counter())[written] += 1
    return {word: forms.most_common(1)[0][0] for word, forms in seen.items()}


def _reduce(vectors: NDArray[np.floating], dimensions: int) -> NDArray[np.float64]:
    centred = np.asarray(vectors - vectors.mean(axis=0), np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray((left * sizes)[:, :dimensions])


def _k_means(vectors: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The tightest of several runs of k-means (Lloyd's algorithm from k-means++ starts), as a label per row."""
    generator = np.random.default_rng(count)
    found: list[tuple[float, NDArray[np.intp]]] = []
    for _ in range(STARTS):
        middles = vectors[[int(generator.integers(len(vectors)))]]
        while len(middles) < count:
            nearest = _distances(vectors, middles).min(axis=1)
            total = nearest.sum()
            chances = nearest / total if total > 0 else None
            middles = np.vstack([middles, vectors[generator.choice(len(vectors), p=chances)]])
        labels = np.zeros(len(vectors), np.intp)
        for _ in range(ROUNDS):
            labels = _distances(vectors, middles).argmin(axis=1)
            middles = np.stack(
                [vectors[labels == k].mean(axis=0) if (labels == k).any() else middles[k] for k in range(count)]
            )
        found.append((float(_distances(vectors, middles).min(axis=1).sum()), labels))
    return min(found, key=lambda start: start[0])[1]


def _distances(vectors: NDArray[np.float64], middles: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (vectors**2).sum(axis=1)[:, None] + (middles**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(squares - 2 * vectors @ middles.T, 0.0))


def _lay_out(
    vectors: NDArray[np.float64], labels: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Place the papers on the map; returns their coordinates, and the centres and radii of their clusters.

    Projected all at once, hundreds of papers pile up in one cloud. So the centres of the clusters are projected first
    and pushed apart until no two clusters overlap, each as large as its papers need. Then the papers of each cluster
    are projected around its centre.
    """
    count = int(labels.max()) + 1
    groups = [np.flatnonzero(labels == label) for label in range(count)]
    radii = np.sqrt([len(group) for group in groups])
    means = np.stack([vectors[group].mean(axis=0) for group in groups])
    middles = np.zeros((count, 2))
    flat = _reduce(means, 2)
    middles[:, : flat.shape[1]] = flat
    middles *= radii.sum() / max(float(np.abs(middles).max()), 1e-9) / 2
    for _ in range(SQUEEZES):
        middles *= SQUEEZE
        _push_apart(middles, radii)
    points = np.zeros((len(vectors), 2))
    for group, middle, radius in zip(groups, middles, radii, strict=True):
        points[group] = middle + radius * _in_disc(vectors[group])
    return points, middles, radii


def _push_apart(middles: NDArray[np.float64], radii: NDArray[np.float64]) -> None:
    """Move the centres of discs, in place, until no two are closer than SPACING allows."""
    for _ in range(PUSHES):
        moved = False
        for one in range(len(middles)):
            for two in range(one):
                line = middles[one] - middles[two]
                length = float(np.hypot(*line))
                lacking = SPACING * (radii[one] + radii[two]) - length
                if lacking > ROUNDING:
                    way = line / length if length > 0 else np.array([1.0, 0.0])
                    middles[one] += way * lacking / 2
                    middles[two] -= way * lacking / 2
                    moved = True
        if not moved:
            return


def _in_disc(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project rows into the unit disc so that they fill it evenly."""
    flat = np.zeros((len(vectors), 2))
    projected = _reduce(vectors, 2)
    flat[:, : projected.shape[1]] = projected
    flat /= np.maximum(flat.std(axis=0), 1e-9)
    lengths = np.hypot(*flat.T)
    ranks = np.argsort(np.argsort(lengths, kind="stable"), kind="stable")
    wanted = np.sqrt((ranks + 0.5) / len(flat))
    return np.asarray(flat * (wanted / np.maximum(lengths, 1e-9))[:, None], np.float64)
