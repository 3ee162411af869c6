"""Fit bot/answering/reading/kinds.json on the phrasings of bench/data/questions, and print how well it tells kinds.

Each phrasing is filled with subjects several times and roughened the way people write: lower case, no question mark,
slips, a greeting in front. Words are features only where several different phrasings hold them, so that what fills
the slots cannot become one. Neighbours in a file are alike, so cross-validation holds out blocks of lines, and with
them all variants of a phrasing. On what it held out the bars are chosen: a message is of the kind whose probability
stands highest against the kind's bar. BEIR folders are judged with the final fit and never fitted on.

    uv run python bench/fit_kinds.py [EVAL_FOLDER...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from bot.answering.reading.kind import Kind, KindReader, features
from retrieval.calibration import ANY_MODEL
from retrieval.embedding.local import LocalEmbedder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

COMMAND = "uv run python bench/fit_kinds.py"
DATA = Path(__file__).parent / "data" / "questions"
FILE = Path(__file__).parent.parent / "bot" / "answering" / "reading" / "kinds.json"
KINDS = list(Kind)
# What people ask is mostly about papers; the rest weigh one each.
SHARES = {Kind.FACT: 4.0, Kind.LIST: 2.0}
FILLINGS = 3
PLAIN = 2  # variants of a phrasing without slots
BLOCK = 8
FOLDS = 5
HELD_BY = 3  # phrasings that a feature must occur in
VECTOR_SCALE = 4.0
RIDGE = 1e-4
SCALE = 100
BARS = np.geomspace(0.4, 2.5, 15)
ROUNDS = 3
SLOT = re.compile(r"\{(\w+)\}")
# Stands where a slot was while features are chosen: nothing that spans it may become one.
FILLED = "\u25a0"
NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))
SHORT = {"you": "u", "are": "r", "please": "pls", "about": "abt", "with": "w/", "because": "bc", "people": "ppl"}


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A way to ask for a kind, with slots for what is asked about."""

    kind: Kind
    text: str
    block: int


@dataclass(frozen=True, slots=True)
class Example:
    """A phrasing as somebody might have typed it."""

    text: str
    phrasing: Phrasing
    weight: float


def phrasings() -> list[Phrasing]:
    """Read all phrasings; neighbours share a block."""
    found = []
    for kind in KINDS:
        lines = (DATA / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        found += [Phrasing(kind, json.loads(line)["text"], at // BLOCK) for at, line in enumerate(lines)]
    return found


class Filler:
    """Fill slots with subjects, and write the way people do."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._fillers: dict[str, list[str]] = json.loads((DATA / "fillers.json").read_text(encoding="utf-8"))

    def fill(self, text: str) -> str:
        """Fill each slot; the sides of a comparison are of one sort."""
        sort = self._random.choice(["topic", "topic", "name", "name", "paper", "objects", "described", "described"])
        first, second = self._random.sample(self._fillers[sort], 2)
        if sort == "described":
            first, second = (SLOT.sub(lambda slot: self._one(slot[1]), side) for side in (first, second))
        sides = {"a": first, "b": second}
        return SLOT.sub(lambda slot: sides.get(slot[1]) or self._one(slot[1]), text)

    def rough(self, text: str, kind: Kind) -> str:  # noqa: C901 - one chance after the other
        """Return the text as it may be typed: around it what people say, in it their slips."""
        chance = self._random.random
        if kind is not Kind.SMALL_TALK:
            if chance() < 0.08 and kind is not Kind.BOT and len(text) > 12:
                text = self.fill(self._random.choice(self._fillers["context"])) + text
            if chance() < 0.15:
                text = self._random.choice(self._fillers["opening"]) + text
            if chance() < 0.08:
                text = text + self._random.choice(self._fillers["closing"])
        if chance() < 0.4:
            text = text.lower()
        elif chance() < 0.2:
            text = text[:1].upper() + text[1:]
        elif chance() < 0.06:
            text = text.upper()
        if chance() < 0.3:
            text = text.removesuffix("?").rstrip()
        elif chance() < 0.05 and not text.endswith("?"):
            text = text + "?"
        if chance() < 0.1:
            text = re.sub(r"[,'’]", "", text)
        if chance() < 0.06:
            text = re.sub(r"\w+", lambda word: SHORT.get(word[0], word[0]), text)
        for _ in range(self._random.choice([0] * 8 + [1, 1, 2])):
            text = self._slip(text)
        return text

    def _one(self, slot: str) -> str:
        if slot != "ref":
            return self._random.choice(self._fillers[slot])
        title, name = self._one("paper"), self._one("name")
        return self._random.choices(
            [title, f'"{title}"', name, f"the {name} paper", "it", "that paper", "the second one"],
            [8, 2, 8, 4, 1, 1, 1],
        )[0]

    def _slip(self, text: str) -> str:
        places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
        if len(places) < 3:
            return text
        at = self._random.choice(places)
        one, two = text[at], text[at + 1]
        slip = self._random.choice([two + one, one, one + one + two, NEIGHBOURS.get(one.lower(), one) + two])
        return text[:at] + slip + text[at + 2 :]


def examples(of: Sequence[Phrasing], seed: int = 7) -> list[Example]:
    """Fill and roughen each phrasing; kinds weigh what `SHARES` says, phrasings of a kind the same."""
    filler = Filler(seed)
    sizes = Counter(phrasing.kind for phrasing in of)
    total = sum(SHARES.get(kind, 1.0) for kind in KINDS)
    found = []
    for phrasing in of:
        times = FILLINGS if SLOT.search(phrasing.text) else PLAIN
        if phrasing.kind in {Kind.BOT, Kind.SMALL_TALK}:
            times = 1
        weight = SHARES.get(phrasing.kind, 1.0) / total / sizes[phrasing.kind] / times
        found += [
            Example(filler.rough(filler.fill(phrasing.text), phrasing.kind), phrasing, weight) for _ in range(times)
        ]
    return found


def telling(of: Sequence[Phrasing]) -> list[str]:
    """Choose the features that several phrasings hold outside of their slots."""
    held: Counter[str] = Counter()
    for phrasing in of:
        held.update(name for name in features(SLOT.sub(f" {FILLED} ", phrasing.text)) if FILLED not in name)
    # What the form says depends on what fills the slots, so all of it is a feature.
    return sorted(
        {name for name, count in held.items() if count >= HELD_BY and not name.startswith("#")}
        | {f"#{length}" for length in range(10)}
        | {f"#Aa{quarter}" for quarter in range(5)}
        | {"#AA"}
    )


def bags(texts: Sequence[str], names: Sequence[str]) -> csr_matrix:
    """Return one row a text, 1 where it shows a feature."""
    column = {name: at for at, name in enumerate(names)}
    rows, columns = [], []
    for row, text in enumerate(texts):
        shown = [column[name] for name in features(text) if name in column]
        rows += [row] * len(shown)
        columns += shown
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(names)))


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients of a multinomial logistic, a column a kind."""

    intercept: NDArray[np.float64]
    weights: NDArray[np.float64]
    vector: NDArray[np.float64] | None

    def probabilities(self, bag: csr_matrix, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return one row a text, one column a kind."""
        logits = bag @ self.weights + self.intercept
        if self.vector is not None:
            logits = logits + vectors @ self.vector
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit(
    bag: csr_matrix, vectors: NDArray[np.floating] | None, kinds: NDArray[np.int64], weight: NDArray[np.float64]
) -> Fit:
    """Fit by L-BFGS with a ridge on everything but the intercept."""
    rows, words = bag.shape
    width = 0 if vectors is None else vectors.shape[1]
    dense = None if vectors is None else np.asarray(vectors, np.float64) * VECTOR_SCALE
    goal = np.zeros((rows, len(KINDS)))
    goal[np.arange(rows), kinds] = 1
    turned = bag.T.tocsr()
    weight = weight / weight.sum()

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        b = flat.reshape(1 + words + width, len(KINDS))
        logits = bag @ b[1 : 1 + words] + b[0]
        if dense is not None:
            logits = logits + dense @ b[1 + words :]
        logits = logits - logits.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        value = -float(weight @ ((logits - log_total) * goal).sum(axis=1)) + RIDGE * float((b[1:] ** 2).sum())
        slope = (np.exp(logits - log_total) - goal) * weight[:, None]
        parts = [slope.sum(axis=0, keepdims=True), turned @ slope]
        if dense is not None:
            parts.append(dense.T @ slope)
        gradient = np.concatenate(parts)
        gradient[1:] += 2 * RIDGE * b[1:]
        return value, gradient.ravel()

    start = np.zeros((1 + words + width) * len(KINDS))
    b = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x.reshape(-1, len(KINDS))
    return Fit(b[0], b[1 : 1 + words], b[1 + words :] * VECTOR_SCALE if width else None)


def cross_validate(
    rows: Sequence[Example], vectors: NDArray[np.floating], *, with_vectors: bool
) -> NDArray[np.float64]:
    """Return each example's probabilities from a fit that saw no phrasing of its block."""
    kinds = np.array([KINDS.index(row.phrasing.kind) for row in rows])
    weight = np.array([row.weight for row in rows])
    fold = np.array([hash_of(row.phrasing.kind, row.phrasing.block) % FOLDS for row in rows])
    texts = [row.text for row in rows]
    found = np.zeros((len(rows), len(KINDS)))
    for each in range(FOLDS):
        inside = np.flatnonzero(fold != each)
        outside = np.flatnonzero(fold == each)
        names = telling(list(dict.fromkeys(rows[at].phrasing for at in inside)))
        bag = bags(texts, names)
        fitted = fit(bag[inside], vectors[inside] if with_vectors else None, kinds[inside], weight[inside])
        found[outside] = fitted.probabilities(bag[outside], vectors[outside])
    return found


def choose_bars(rows: Sequence[Example], found: NDArray[np.float64]) -> list[float]:
    """Choose the kinds' bars, one after the other, for the mean of their F1 over what was held out, by `SHARES`."""
    right = np.array([KINDS.index(row.phrasing.kind) for row in rows])
    weight = np.array([row.weight for row in rows])
    shares = np.array([SHARES.get(kind, 1.0) for kind in KINDS])

    def score(bars: NDArray[np.float64]) -> float:
        read = (found / bars).argmax(axis=1)
        counts = [np.bincount(labels, at, len(KINDS)) for labels, at in ((right, weight), (read, weight))]
        both = np.bincount(right, weight * (read == right), len(KINDS))
        return float(shares @ (2 * both / (counts[0] + counts[1])) / shares.sum())

    bars = np.ones(len(KINDS))
    print(f"F1 {score(bars):.4f} without bars", end=", ")
    for _ in range(ROUNDS):
        for at in range(len(KINDS)):
            tried = [np.where(np.arange(len(KINDS)) == at, bar, bars) for bar in BARS]
            bars = max([bars, *tried], key=score)
    print(f"{score(bars):.4f} with", dict(zip(KINDS, bars.round(2).tolist(), strict=True)))
    return [round(float(bar), 2) for bar in bars]


def hash_of(kind: Kind, block: int) -> int:
    """Scatter blocks over folds, the same way in every run."""
    return random.Random(f"{kind}{block}").randrange(1 << 30)


def confusion(truth: Sequence[str], found: Sequence[str]) -> None:
    """Print one line for each true label: how often it was taken for what."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for right, read in zip(truth, found, strict=True):
        table[right][read] += 1
    for right, read in table.items():
        shares = ", ".join(f"{name} {count}" for name, count in read.most_common())
        print(f"  {right:28} {read.total():4}: {shares}")


def judge(
    folder: Path, reader: KindReader, probabilities: Mapping[str, Mapping[Kind, float]], labels: Mapping[str, str]
) -> None:
    """Print what the questions of a folder were taken for, by the folder's own labels."""
    print(f"{folder.name}:")
    ids = list(probabilities)
    confusion([labels[each] for each in ids], [reader.decide(probabilities[each]) for each in ids])
    lost = [each for each in ids if max(probabilities[each][kind] for kind in (Kind.BOT, Kind.SMALL_TALK)) > 0.5]
    print(f"  taken for bot or small talk with p > .5: {len(lost)} {lost}")


def read_folder(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return texts and labels of the questions that stand alone."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = {row["_id"]: row["text"] for row in rows if not (row.get("metadata") or {}).get("history")}
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    labels = {row["query_id"]: row["kind"] for row in answers}
    return {each: text for each, text in texts.items() if each in labels}, labels


def write(names: Sequence[str], fits: Mapping[str, Fit], bars: Mapping[str, Sequence[float]]) -> None:
    """Write the coefficients, in hundredths, and the bars."""

    def whole(array: NDArray[np.float64] | None) -> list[object]:
        return [] if array is None else np.rint(array * SCALE).astype(int).tolist()

    models = {
        model: {
            "bars": bars[model],
            "intercept": whole(f.intercept),
            "weights": whole(f.weights),
            "vector": whole(f.vector),
        }
        for model, f in fits.items()
    }
    data = {"command": COMMAND, "scale": SCALE, "kinds": KINDS, "features": list(names), "models": models}
    FILE.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed with the local model."""
    embedder = LocalEmbedder(cache_dir=Path.home() / ".cache" / "footnote")
    try:
        return await embedder.embed(texts)
    finally:
        await embedder.close()


def main() -> None:
    """Fit, cross-validate, write, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="EVAL_FOLDER")
    arguments = parser.parse_args()
    of = phrasings()
    rows = examples(of)
    texts = [row.text for row in rows]
    vectors = asyncio.run(embed(texts))
    names = telling(of)
    bag = bags(texts, names)
    kinds = np.array([KINDS.index(row.phrasing.kind) for row in rows])
    weight = np.array([row.weight for row in rows])
    print(f"{len(of)} phrasings, {len(rows)} examples, {len(names)} features")
    fits = {
        LocalEmbedder.model: fit(bag, vectors, kinds, weight),
        ANY_MODEL: fit(bag, None, kinds, weight),
    }
    bars = {}
    for model in fits:
        print(f"{model}, cross-validated:")
        found = cross_validate(rows, vectors, with_vectors=model != ANY_MODEL)
        bars[model] = choose_bars(rows, found)
        read = (found / bars[model]).argmax(axis=1)
        confusion([row.phrasing.kind for row in rows], [KINDS[int(at)] for at in read])
    write(names, fits, bars)
    for folder in arguments.folders:
        questions, labels = read_folder(folder)
        found = asyncio.run(embed(list(questions.values())))
        for model in fits:
            reader = KindReader(model)
            print(model, end=", ")
            taken = {
                each: reader.read(text, vector) for (each, text), vector in zip(questions.items(), found, strict=True)
            }
            judge(folder, reader, taken, labels)


if __name__ == "__main__":
    main()
