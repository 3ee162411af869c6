"""Fit bot/answering/entailment/entailment.json: whether sentences support a statement.

    uv run python bench/fit_entailment.py SCIFACT_FOLDER WORDNET_FOLDER PAPERS.jsonl.gz... [--write]

True statements are paraphrased sentences of abstracts (shortened, with synonyms, reordered, with words added), and the
claims that SciFact's rationales support. False ones are such statements altered (negated, reversed, with numbers or
parties swapped, overstated), and the refuted claims. Papers of seeds/ are left out. It prints the metrics on a held-out
tenth.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.make_opposites import exceptions, lemmas, read
from bench.ridge import fit_logistic
from bot.answering.entailment.opposites import opposition
from bot.answering.entailment.statement_features import Reading, added, features
from retrieval.sources import open_source
from retrieval.text.number_parser import numerals
from retrieval.text.text import clean, fold, sentences
from tests.papers import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OUT = Path("bot/answering/entailment/entailment.json")
PAIRS = 2200
RIDGE = 3.0
TRUE = frozenset(["true", "claim"])
LEAST_SEEN = 10
OFTENER = 3
WORDS = 30  # single words with a weight
STRONG = (
    "all",
    "every",
    "always",
    "never",
    "entirely",
    "completely",
    "only",
    "most",
    "none of the",
    "everything",
    "must",
)
HEDGES = {
    "may": "will", "might": "will", "could": "will", "can": "always", "often": "always", "sometimes": "always",
    "usually": "always", "generally": "always", "many": "all", "some": "all", "most": "all", "several": "all",
    "suggest": "prove", "suggests": "proves", "suggesting": "proving", "likely": "certain", "potentially": "always",
    "partially": "completely", "partly": "entirely", "help": "guarantee", "helps": "guarantees", "mostly": "always",
    "associated with": "caused by", "correlated with": "caused by", "indicate": "prove", "indicates": "proves",
    "significantly": "always", "competitive with": "better than", "comparable to": "better than", "few": "no",
    "a": "every", "rarely": "never", "promising": "proven", "improve": "guarantee", "improves": "guarantees",
}  # fmt: skip
AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|does|do|did|has|have|will|should|may|must)\b(?! not)")
NOT = re.compile(r"\b(does not|do not|did not|not|no|without|never)\b ?")
PIVOTS = re.compile(
    r"\b(outperforms?|exceeds?|surpass(?:es)?|beats?|than|from|to|over|improves?|replaces?|uses?|causes?|predicts?|"
    r"generates?|while|whereas|leads? to|requires?|depends? on|controls?|influences?|drives?)\b"
)
NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*")
FRAMES = ("The authors show that {}", "According to the paper, {}", "{}", "{}", "{}", "{}", "The study finds that {}")


class Synonyms:
    """Synonyms from WordNet."""

    def __init__(self, folder: Path) -> None:
        self._synsets, self._senses = read(folder)
        self._irregular = exceptions(folder)

    def of(self, word: str) -> list[str]:
        """Synonyms of the two most common senses."""
        found = []
        for letter in "vanr":
            for lemma in lemmas(word, letter, self._senses, self._irregular)[:1]:
                ending = word[len(lemma) :] if word.startswith(lemma) else ""
                for offset in self._senses[lemma, letter][:2]:
                    found += [each + ending for each in self._synsets[offset].words if each != lemma and each.isalpha()]
        return [each for each in found if not opposition(each, word)]


def said_otherwise(sentence: str, synonyms: Synonyms, filler: list[str], chance: random.Random) -> str:
    """Paraphrase a sentence."""
    text = re.sub(r"\([^)]*\)", "", sentence)
    clauses = re.split(r"[,;:] (?=\w+ \w+ \w+)", text.rstrip("."))
    if len(clauses) > 1 and chance.random() < 0.6:
        clauses = [max(clauses, key=len)] if chance.random() < 0.6 else clauses[::-1]
    words = " ".join(clauses).split()
    done = []
    rate = chance.choice([0.0, 0.1, 0.25, 0.4])
    for word in words:
        bare = word.strip(".,").casefold()
        if rate and chance.random() < rate / 3:
            done.append(chance.choice(filler))  # a random word, by its frequency in papers
        if bare.isalpha() and len(bare) > 4 and chance.random() < rate:
            if chance.random() < 0.3 and (bare.endswith(("ly", "ive", "al", "ous"))):
                continue
            others = synonyms.of(bare)
            done.append(chance.choice(others) if others and chance.random() < 0.6 else chance.choice(filler))
        else:
            done.append(word)
    text = " ".join(done)
    text = re.sub(r"^(?:In this (?:paper|work), )?we (?:show|find|demonstrate) that ", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\bour\b", "their", re.sub(r"\b[Ww]e\b", "the authors", text))
    text = re.sub(r"(\d)\\?%", r"\1 percent", text) if chance.random() < 0.5 else text
    return chance.choice(FRAMES).format(text.strip()) + "."


def negated(text: str, _: random.Random) -> str | None:
    """Remove a negation, or insert one."""
    if NOT.search(text):
        return NOT.sub("", text, count=1)
    if AUXILIARY.search(text):
        return AUXILIARY.sub(r"\1 not", text, count=1)
    return re.sub(
        r"\b(\w{3,})s\b(?= (?:the|a|an|in|on|to|with|that|significantly|better)\b)", r"does not \1", text, count=1
    )


def turned(text: str, chance: random.Random, opposites: dict[str, list[str]]) -> str | None:
    """Replace a word with its opposite."""
    places = [match for match in re.finditer(r"[a-z]{3,}", text) if opposites.get(match[0])]
    if not places:
        return None
    place = chance.choice(places)
    return text[: place.start()] + chance.choice(opposites[place[0]]) + text[place.end() :]


def numbers_exchanged(text: str, chance: random.Random) -> str | None:
    """Swap two numbers."""
    places = list(NUMBER.finditer(text))
    if len(places) < 2:
        return None
    one, other = sorted(chance.sample(places, 2), key=lambda match: match.start())
    if one[0] == other[0]:
        return None
    return text[: one.start()] + other[0] + text[one.end() : other.start()] + one[0] + text[other.end() :]


def parties_exchanged(text: str, chance: random.Random) -> str | None:
    """Swap the two sides of a verb, or of a word like "than"."""
    places = list(PIVOTS.finditer(text))
    if not places:
        return None
    place = chance.choice(places)
    before, after = text[: place.start()].split(), text[place.end() :].rstrip(".").split()
    # Short sides are swapped whole.
    here = len(before) if len(before) <= 5 else chance.randint(2, 4)
    there = len(after) if len(after) <= 5 else chance.randint(2, 4)
    if not here or not there:
        return None
    return " ".join([*before[:-here], *after[:there], place[0], *before[-here:], *after[there:]]) + "."


def strengthened(text: str, chance: random.Random) -> str | None:
    """Overstate: "all" for "some", "proves" for "suggests"."""
    places = [(word, strong) for word, strong in HEDGES.items() if re.search(rf"\b{word}\b", text)]
    if places and chance.random() < 0.7:
        word, strong = chance.choice(places)
        return re.sub(rf"\b{word}\b", strong, text, count=1)
    words = text.split()
    at = chance.randrange(len(words))
    return " ".join([*words[:at], chance.choice(STRONG), *words[at:]])


def caused(text: str, chance: random.Random, filler: list[str]) -> str:
    """Add a made-up cause."""
    if chance.random() < 0.5:
        return (
            text.rstrip(".")
            + " because of the "
            + " ".join(chance.sample([word for word in filler if len(word) > 4], 2))
            + "."
        )
    return re.sub(r"\b(with|when|and|for)\b", chance.choice(["because of", "causes", "proves"]), text, count=1)


def made(files: list[Path], synonyms: Synonyms, chance: random.Random) -> Iterator[tuple[str, str, bool, str]]:
    """Yield (statement, source, whether it is true, how it was altered)."""
    known = {fold(paper.title) for paper in plain(open_source("seeds").papers)}
    papers = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            papers += [paper for paper in map(json.loads, lines) if fold(paper["title"]) not in known]
    chance.shuffle(papers)
    vocabulary = [word for paper in papers[:300] for word in fold(paper["abstract"]).split() if word.isalpha()]
    seen = sorted({word for word in vocabulary if len(word) > 3})
    opposites = {word: [other for other in seen if opposition(word, other) == 1] for word in seen}
    changes: dict[str, Callable[[str], str | None]] = {
        "negation": lambda text: negated(text, chance),
        "direction": lambda text: turned(text, chance, opposites),
        "numbers": lambda text: numbers_exchanged(text, chance),
        "parties": lambda text: parties_exchanged(text, chance),
        "stronger": lambda text: strengthened(text, chance),
        "cause": lambda text: caused(text, chance, vocabulary),
    }
    for paper in papers[:PAIRS]:
        abstract = clean(paper["abstract"])
        spans = [span for span in sentences(abstract) if 60 < span[1] - span[0] < 300]
        if not spans:
            continue
        numeric = [span for span in spans if len(NUMBER.findall(abstract[slice(*span)])) > 1]
        start, end = chance.choice(numeric if numeric and chance.random() < 0.5 else spans)
        sentence = abstract[start:end]
        source = f"{paper['title']}\n{sentence}"
        statement = said_otherwise(sentence, synonyms, vocabulary, chance)
        yield statement, source, True, "true"
        for name in chance.sample(list(changes), 2):
            changed = changes[name](statement)
            if changed and changed != statement:
                yield changed, source, False, name


def claims(folder: Path) -> Iterator[tuple[str, str, bool, str]]:
    """Yield the claims of SciFact with the annotated sentences that support or refute them."""
    texts = {row["_id"]: row["text"] for row in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8"))}
    for row in map(json.loads, (folder / "answers.jsonl").open(encoding="utf-8")):
        holds = row["kind"] == "claim-support"
        yield texts[row["query_id"]], "\n".join(row["facts"]), holds, "claim" if holds else "refuted"


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scifact", type=Path)
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("papers", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(1)
    rows = [*made(arguments.papers, Synonyms(arguments.wordnet), chance), *claims(arguments.scifact)]
    chance.shuffle(rows)
    print(Counter(kind for *_, kind in rows))
    described, words = [], []
    for statement, source, _, _ in rows:
        reading = Reading.of(statement, source)
        described.append(features(statement, source))
        words.append({f"added {stem}" for stem in added(reading, numerals(source))})
    names = list(described[0])
    y = np.array([float(holds) for _, _, holds, _ in rows])
    kinds = np.array([kind for *_, kind in rows])
    singles = chosen(words, kinds)
    x = np.array(
        [
            [*(row[name] for name in names), *(float(single in more) for single in singles)]
            for row, more in zip(described, words, strict=True)
        ]
    )
    claim = np.isin(kinds, ["claim", "refuted"])
    weight = np.where(y > 0, len(y) / (2 * y.sum()), len(y) / (2 * (1 - y).sum())) * np.where(claim, 2.0, 1.0)
    held = np.arange(len(rows)) % 10 == 0
    columns = list(range(x.shape[1]))
    coefficients = fit_logistic(x[~held], y[~held], weight[~held], columns, RIDGE)
    scores = 1 / (1 + np.exp(-(x[held] @ coefficients[1:] + coefficients[0])))
    for kind in sorted(set(kinds)):
        here = kinds[held] == kind
        print(
            f"{kind:12}",
            here.sum(),
            " ".join(f"<{bar}: {(scores[here] < bar).mean():.2f}" for bar in (0.2, 0.3, 0.4, 0.5)),
        )
    coefficients = fit_logistic(x, y, weight, columns, RIDGE)
    table = {
        "intercept": round(float(coefficients[0]), 3),
        "weights": {name: round(float(w), 3) for name, w in zip([*names, *singles], coefficients[1:], strict=True)},
    }
    print(json.dumps(table, indent=0))
    if arguments.write:
        command = (
            "uv run python bench/fit_entailment.py scifact-train /usr/share/wordnet arxiv-20k.jsonl.gz "
            "hf-weekly-5680.jsonl.gz --write"
        )
        OUT.write_text(json.dumps({"command": command, **table}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def chosen(words: list[set[str]], kinds: np.ndarray) -> list[str]:
    """The most telling single words: those that are more frequent in false statements than in true ones."""
    false: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for more, kind in zip(words, kinds, strict=True):
        if kind in TRUE:
            true.update(more)
        elif kind in {"stronger", "cause", "refuted"}:
            false.update(more)
    gain = {
        word: count * np.log((count + 1) / (true[word] + 1))
        for word, count in false.items()
        if count >= max(LEAST_SEEN, OFTENER * true[word])
    }
    return sorted(sorted(gain, key=lambda word: -gain[word])[:WORDS])


if __name__ == "__main__":
    main()
