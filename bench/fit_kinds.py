"""Fit bot/answering/reading/kinds.json on the phrasings in bench/data, and print how well it classifies kinds.

    uv run python bench/fit_kinds.py EVAL_FOLDER... [--left-out DIR]

Each phrasing is filled with several subjects and roughened the way people write: lower case, no question mark, typos, a
greeting in front. A word is only a feature if several phrasings contain it, so that subjects cannot become features.
Neighbouring lines of a file are similar, so cross-validation holds out blocks of lines, with all variants of a
phrasing. The thresholds are chosen on the held-out blocks: a message gets the kind whose probability is highest
relative to the kind's threshold. The questions of BEIR folders are fitted on too, if their labels leave few kinds open,
and each folder is evaluated with a fit that excludes it; with --left-out these fits are saved for
bench/fit_evidence.py.

A second model decides whether a message asks anything at all, for chatter that is addressed to nobody. It is fitted on
the same phrasings (small talk asks nothing), on follow-ups, and on the remarks in bench/data/asking.jsonl.
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
from scipy.sparse import csr_matrix, vstack

from bot.answering.reading.kind import Kind, features
from retrieval.calibration import ANY_MODEL
from retrieval.embedding.local import LocalEmbedder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

COMMAND = "uv run python bench/fit_kinds.py seeds-dev pool-a pool-b"
DATA = Path(__file__).parent / "data" / "questions"
ASKING = DATA.parent / "asking.jsonl"
FOLLOWUPS = DATA.parent / "followups.jsonl"
HELD_OUT = Path(__file__).parent.parent / "tests" / "eval" / "asking" / "messages.jsonl"
FILE = Path(__file__).parent.parent / "bot" / "answering" / "reading" / "kinds.json"
KINDS = list(Kind)
# Weights of the kinds: people mostly ask about papers; all other kinds weigh 1.
SHARES = {Kind.FACT: 4.0, Kind.LIST: 2.0}
# The kinds that a folder's label leaves open. Keywords and titles may have any intent.
ONE_PAPER = {Kind.FACT, Kind.YES_NO, Kind.DEFINITION}
ALLOWED = {
    "multi-list": {Kind.LIST},
    "multi-compare": {Kind.COMPARISON},
    "single-yes-no": {Kind.YES_NO, Kind.FACT},
    "single-paraphrase": ONE_PAPER,
    "single-detail": ONE_PAPER,
    "single-why": ONE_PAPER,
    "dialogue-first": ONE_PAPER,
    "unanswerable-premise": ONE_PAPER,
}
OF_FOLDERS = 0.5  # weight of the folders' questions, relative to the phrasings of the same kinds
OF_REMARKS = 0.5  # share of remarks among messages that ask nothing; the rest is small talk
FILLINGS = 3
PLAIN = 2  # variants per phrasing without slots
BLOCK = 8
FOLDS = 5
HELD_BY = 3  # phrasings that a feature must occur in
VECTOR_SCALE = 4.0
RIDGE = 1e-4
SCALE = 100
BARS = np.geomspace(0.4, 2.5, 15)
ROUNDS = 3
ITERATIONS = 250
SLOT = re.compile(r"\{(\w+)\}")
# Placeholder for a slot while features are chosen: nothing that spans it may become a feature.
FILLED = "\u25a0"
NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))
SHORT = {"you": "u", "are": "r", "please": "pls", "about": "abt", "with": "w/", "because": "bc", "people": "ppl"}


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A phrasing of a kind, with slots for subjects."""

    kind: Kind
    text: str
    block: int


@dataclass(frozen=True, slots=True)
class Example:
    """A filled phrasing as a user might have typed it."""

    text: str
    phrasing: Phrasing
    weight: float


def phrasings() -> list[Phrasing]:
    """Read all phrasings; neighbouring lines share a block."""
    found = []
    for kind in KINDS:
        lines = (DATA / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        found += [Phrasing(kind, json.loads(line)["text"], at // BLOCK) for at, line in enumerate(lines)]
    return found


class Filler:
    """Fills slots with subjects, and imitates how people type."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._fillers: dict[str, list[str]] = json.loads((DATA / "fillers.json").read_text(encoding="utf-8"))

    def fill(self, text: str) -> str:
        """Fill each slot; both sides of a comparison get subjects of the same sort."""
        sort = self._random.choice(["topic", "topic", "name", "name", "paper", "objects", "described", "described"])
        first, second = self._random.sample(self._fillers[sort], 2)
        if sort == "described":
            first, second = (SLOT.sub(lambda slot: self._one(slot[1]), side) for side in (first, second))
        sides = {"a": first, "b": second}
        return SLOT.sub(lambda slot: sides.get(slot[1]) or self._one(slot[1]), text)

    def rough(self, text: str, kind: Kind) -> str:  # noqa: C901 - one chance after the other
        """The text as a user might type it: with chatter around it, and typos."""
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
    """Fill and roughen each phrasing; kinds are weighted by `SHARES`, phrasings of a kind equally."""
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


def telling(texts: Sequence[str]) -> list[str]:
    """Choose the features that several phrasings have outside of their slots."""
    held: Counter[str] = Counter()
    for text in texts:
        held.update(name for name in features(SLOT.sub(f" {FILLED} ", text)) if FILLED not in name)
    # Features of form depend on what fills the slots, so all of them are used.
    return sorted(
        {name for name, count in held.items() if count >= HELD_BY and not name.startswith("#")}
        | {f"#{length}" for length in range(10)}
        | {f"#Aa{quarter}" for quarter in range(5)}
        | {"#AA"}
    )


def bags(texts: Sequence[str], names: Sequence[str]) -> csr_matrix:
    """One row per text, with 1 for each feature it has."""
    column = {name: at for at, name in enumerate(names)}
    rows, columns = [], []
    for row, text in enumerate(texts):
        shown = [column[name] for name in features(text) if name in column]
        rows += [row] * len(shown)
        columns += shown
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(names)))


@dataclass(frozen=True, slots=True)
class Fit:
    """The coefficients of a multinomial logistic regression, one column per label."""

    intercept: NDArray[np.float64]
    weights: NDArray[np.float64]
    vector: NDArray[np.float64] | None

    def probabilities(self, bag: csr_matrix, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities; shape (texts, labels)."""
        logits = bag @ self.weights + self.intercept
        if self.vector is not None:
            logits = logits + vectors @ self.vector
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit(
    bag: csr_matrix,
    vectors: NDArray[np.floating] | None,
    goal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    near: Fit | None = None,
) -> Fit:
    """Fit by L-BFGS with a ridge penalty, except on the intercept; `goal` has the allowed labels of each row.

    `near` is another fit over the same features, to start from.
    """
    words = bag.shape[1]
    width = 0 if vectors is None else vectors.shape[1]
    dense = None if vectors is None else np.asarray(vectors, np.float64) * VECTOR_SCALE
    turned = bag.T.tocsr()
    weight = weight / weight.sum()
    labels = goal.shape[1]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        b = flat.reshape(1 + words + width, labels)
        logits = bag @ b[1 : 1 + words] + b[0]
        if dense is not None:
            logits = logits + dense @ b[1 + words :]
        logits = logits - logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        allowed = odds * goal
        total, right = odds.sum(axis=1, keepdims=True), allowed.sum(axis=1, keepdims=True)
        value = float(weight @ np.log(total / right)[:, 0]) + RIDGE * float((b[1:] ** 2).sum())
        slope = (odds / total - allowed / right) * weight[:, None]
        parts = [slope.sum(axis=0, keepdims=True), turned @ slope]
        if dense is not None:
            parts.append(dense.T @ slope)
        gradient = np.concatenate(parts)
        gradient[1:] += 2 * RIDGE * b[1:]
        return value, gradient.ravel()

    start = np.zeros((1 + words + width, labels))
    if near is not None:
        parts = [near.intercept[None], near.weights, *([] if near.vector is None else [near.vector / VECTOR_SCALE])]
        start = np.concatenate(parts)
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    b = found.x.reshape(-1, labels)
    return Fit(b[0], b[1 : 1 + words], b[1 + words :] * VECTOR_SCALE if width else None)


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a folder: texts, vectors, the folder's labels, and the kinds that these leave open."""

    texts: Sequence[str]
    vectors: NDArray[np.floating]
    labels: Sequence[str]

    @property
    def fitting(self) -> list[int]:
        """The indices of those to fit on."""
        return [at for at, label in enumerate(self.labels) if label in ALLOWED]

    def goal(self) -> NDArray[np.bool_]:
        """The kinds that each of those may have."""
        return np.array([[kind in ALLOWED[self.labels[at]] for kind in KINDS] for at in self.fitting])


def fit_kinds(
    rows: Sequence[Example],
    vectors: NDArray[np.floating],
    folders: Sequence[Questions],
    names: Sequence[str],
    near: Fit | None = None,
    *,
    with_vectors: bool = True,
) -> Fit:
    """Fit the kinds on examples and on folders' questions."""
    weight = np.array([row.weight for row in rows])
    goal = np.zeros((len(rows), len(KINDS)), bool)
    goal[np.arange(len(rows)), [KINDS.index(row.phrasing.kind) for row in rows]] = True
    bag = [bags([row.text for row in rows], names)]
    found = [vectors]
    if folders:
        extra = np.concatenate([folder.goal() for folder in folders])
        # Questions with a label weigh as much as the examples of its kinds, times OF_FOLDERS.
        same = (extra[:, None] == extra[None]).all(axis=2).sum(axis=1)
        of_kinds = np.array([weight[(goal & allowed).any(axis=1)].sum() for allowed in extra])
        weight = np.concatenate([weight, OF_FOLDERS * of_kinds / same])
        goal = np.concatenate([goal, extra])
        bag += [bags([folder.texts[at] for at in folder.fitting], names) for folder in folders]
        found += [folder.vectors[folder.fitting] for folder in folders]
    return fit(vstack(bag).tocsr(), np.concatenate(found) if with_vectors else None, goal, weight, near)


def cross_validate(
    rows: Sequence[Example], vectors: NDArray[np.floating], folders: Sequence[Questions], *, with_vectors: bool
) -> NDArray[np.float64]:
    """Each example's probabilities, from a fit without its block."""
    fold = np.array([hash_of(row.phrasing.kind, row.phrasing.block) % FOLDS for row in rows])
    found = np.zeros((len(rows), len(KINDS)))
    for each in range(FOLDS):
        inside = np.flatnonzero(fold != each).tolist()
        outside = np.flatnonzero(fold == each).tolist()
        some = [rows[at] for at in inside]
        names = telling(list(dict.fromkeys(row.phrasing.text for row in some)))
        fitted = fit_kinds(some, vectors[inside], folders, names, with_vectors=with_vectors)
        found[outside] = fitted.probabilities(bags([rows[at].text for at in outside], names), vectors[outside])
    return found


@dataclass(frozen=True, slots=True)
class Message:
    """A message labelled with whether it asks something; variants share a block."""

    text: str
    asks: bool
    weight: float
    block: str


def messages(rows: Sequence[Example], seed: int = 11) -> list[Message]:
    """Collect messages that ask something and messages that do not, with balanced weights."""
    filler = Filler(seed)
    found = [(row.text, row.phrasing.kind is not Kind.SMALL_TALK, row.phrasing.text) for row in rows]
    found += [(json.loads(line)["text"],) * 3 for line in FOLLOWUPS.read_text(encoding="utf-8").splitlines()]
    said = [(text, bool(asks), block, "said") for text, asks, block in found]
    for line in ASKING.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for _ in range(FILLINGS if SLOT.search(row["text"]) else PLAIN):
            text = filler.rough(filler.fill(row["text"]), Kind.SMALL_TALK)
            said.append((text, row["asks"], row["text"], "own"))
    counts = Counter((asks, source) for _, asks, _, source in said)
    shares = {(True, "said"): 0.5, (True, "own"): 0.5, (False, "said"): 1 - OF_REMARKS, (False, "own"): OF_REMARKS}
    return [
        Message(text, asks, shares[asks, source] / counts[asks, source], block) for text, asks, block, source in said
    ]


def fit_asking(
    said: Sequence[Message], vectors: NDArray[np.floating], names: Sequence[str], *, with_vectors: bool
) -> Fit:
    """Fit whether a message asks something; the second of two labels means that it does."""
    asks = np.array([message.asks for message in said])
    weight = np.array([message.weight for message in said])
    bag = bags([message.text for message in said], names)
    return fit(bag, vectors if with_vectors else None, np.column_stack([~asks, asks]), weight)


def judge_asking(fitted: Fit, names: Sequence[str], said: Sequence[Message], vectors: NDArray[np.floating]) -> None:
    """Print true and false positive rates at several thresholds."""
    asks = np.array([message.asks for message in said])
    likely = fitted.probabilities(bags([message.text for message in said], names), vectors)[:, 1]
    for bar in (0.3, 0.4, 0.5, 0.6, 0.7):
        heard = likely >= bar
        print(f"  asks over {bar}: {heard[asks].mean():.3f} of {asks.sum()} that ask, ", end="")
        print(f"{heard[~asks].mean():.3f} of {(~asks).sum()} that do not")


def choose_bars(rows: Sequence[Example], found: NDArray[np.float64]) -> list[float]:
    """Choose the kinds' thresholds, by coordinate ascent on the held-out mean F1, weighted by `SHARES`."""
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
    """Assign a block to a fold, deterministically."""
    return random.Random(f"{kind}{block}").randrange(1 << 30)


def confusion(truth: Sequence[str], found: Sequence[str]) -> None:
    """Print the confusion matrix, one line for each true label."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for right, read in zip(truth, found, strict=True):
        table[right][read] += 1
    for right, taken in table.items():
        shares = ", ".join(f"{name} {count}" for name, count in taken.most_common())
        print(f"  {right:28} {taken.total():4}: {shares}")


def judge(name: str, fitted: Fit, bars: Sequence[float], names: Sequence[str], folder: Questions) -> None:
    """Print the predicted kinds of a folder's questions, by the folder's labels."""
    found = fitted.probabilities(bags(folder.texts, names), folder.vectors)
    read = [KINDS[int(at)] for at in (found / np.array(bars)).argmax(axis=1)]
    print(f"{name}, left out:")
    confusion(folder.labels, read)
    chat = found[:, [KINDS.index(kind) for kind in (Kind.BOT, Kind.SMALL_TALK)]].max(axis=1) > 0.5
    print(f"  taken for bot or small talk with p > .5: {[folder.texts[at] for at in np.flatnonzero(chat).tolist()]}")


def read_folder(folder: Path) -> Questions:
    """Read the questions of a folder that are not part of a dialogue."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    labels = {row["query_id"]: row["kind"] for row in answers}
    alone = [row for row in rows if row["_id"] in labels and not row.get("history")]
    texts = [row["text"] for row in alone]
    return Questions(texts, asyncio.run(embed(texts)), [labels[row["_id"]] for row in alone])


def write(
    file: Path,
    names: Sequence[str],
    fits: Mapping[str, Fit],
    bars: Mapping[str, Sequence[float]],
    asking: Mapping[str, Fit],
) -> None:
    """Write the coefficients, in hundredths, and the thresholds."""

    def whole(array: NDArray[np.float64] | None) -> list[object]:
        return [] if array is None else np.rint(array * SCALE).astype(int).tolist()

    models = {
        model: {
            "bars": bars[model],
            "intercept": whole(f.intercept),
            "weights": whole(f.weights),
            "vector": whole(f.vector),
            "asks": {
                "intercept": whole(np.diff(asking[model].intercept))[0],
                "weights": whole(np.diff(asking[model].weights)[:, 0]),
                "vector": whole(None if (vector := asking[model].vector) is None else np.diff(vector)[:, 0]),
            },
        }
        for model, f in fits.items()
    }
    data = {"command": COMMAND, "scale": SCALE, "kinds": KINDS, "features": list(names), "models": models}
    file.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


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
    parser.add_argument("folders", nargs="+", type=Path, metavar="EVAL_FOLDER")
    parser.add_argument("--left-out", type=Path, metavar="DIR", help="keep the fit without each folder there")
    arguments = parser.parse_args()
    rows = examples(phrasings())
    said = messages(rows)
    texts = list(dict.fromkeys([*(row.text for row in rows), *(each.text for each in said)]))
    place = {text: at for at, text in enumerate(texts)}
    embedded = asyncio.run(embed(texts))
    vectors, heard = (embedded[[place[each.text] for each in some]] for some in (rows, said))
    folders = {folder.name: read_folder(folder) for folder in arguments.folders}
    asked = list(folders.values())
    names = telling(list(dict.fromkeys([*(row.phrasing.text for row in rows), *(each.block for each in said)])))
    print(f"{len(rows)} examples, {len(said)} messages, {len(names)} features")
    fits, bars, asking = {}, {}, {}
    for model in (LocalEmbedder.model, ANY_MODEL):
        with_vectors = model != ANY_MODEL
        fits[model] = fit_kinds(rows, vectors, asked, names, with_vectors=with_vectors)
        print(f"{model}, cross-validated:")
        found = cross_validate(rows, vectors, asked, with_vectors=with_vectors)
        bars[model] = choose_bars(rows, found)
        read = (found / bars[model]).argmax(axis=1)
        confusion([row.phrasing.kind for row in rows], [KINDS[int(at)] for at in read])
        asking[model] = fit_asking(said, heard, names, with_vectors=with_vectors)
    write(FILE, names, fits, bars, asking)
    judge_all_asking(asking, names, said, heard)
    for name, folder in folders.items():
        others = [each for other, each in folders.items() if other != name]
        without = fit_kinds(rows, vectors, others, names, fits[LocalEmbedder.model])
        judge(name, without, bars[LocalEmbedder.model], names, folder)
        if arguments.left_out:
            arguments.left_out.mkdir(parents=True, exist_ok=True)
            write(arguments.left_out / f"{name}.json", names, fits | {LocalEmbedder.model: without}, bars, asking)


def judge_all_asking(
    asking: Mapping[str, Fit], names: Sequence[str], said: Sequence[Message], heard: NDArray[np.floating]
) -> None:
    """Evaluate the model of asking on a held-out fifth of the messages, and on data it was never fitted on."""
    fold = np.array([random.Random(each.block).randrange(FOLDS) for each in said])
    inside, outside = np.flatnonzero(fold).tolist(), np.flatnonzero(fold == 0).tolist()
    fitted = fit_asking([said[at] for at in inside], heard[inside], names, with_vectors=True)
    print("a fifth left out:")
    judge_asking(fitted, names, [said[at] for at in outside], heard[outside])
    rows = [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    held = [Message(row["text"], row["asks"], 1.0, row["text"]) for row in rows]
    vectors = asyncio.run(embed([each.text for each in held]))
    for model, fit_ in asking.items():
        print(f"{HELD_OUT.parent.name}, held out, {model}:")
        judge_asking(fit_, names, held, vectors)


if __name__ == "__main__":
    main()
